//! Prompts as vectors: the Hugging Face tokenizer, ONNX Runtime, pooling, and a cache.
//!
//! A [`ModelManifest`] pins a model: digests of weights and tokenizer, pooling, prefix, what happens
//! to long texts. [`Runtime::load`] loads ONNX Runtime while the program runs, so a program that
//! embeds nothing needs none. [`Embedder::open`] checks every digest and opens the sessions;
//! [`Embedder::embed`] turns texts into vectors, in the order they were given:
//!
//! ```text
//! texts -> known already? -> longest first -> tokenizer threads -> batches of like length -> sessions
//!             [Cache]                                              (a budget of tokens)     -> pooling
//! ```
//!
//! Tokenising runs beside inference, over a bounded channel. A vector does not depend on its
//! neighbours: see [`BatchRule`]. [`Provenance`] is what a vector does depend on, and the cache's
//! key is made of it.
//!
//! ```no_run
//! # fn main() -> Result<(), aliquot_embed::EmbedError> {
//! use aliquot_embed::{Device, Embedder, ModelManifest, Runtime};
//! let file = "manifests/models/paraphrase-MiniLM-L3-v2.toml";
//! let manifest = ModelManifest::parse(file, &std::fs::read_to_string(file).unwrap())?;
//! let runtime = Runtime::load(".models/onnxruntime/libonnxruntime.so".as_ref())?;
//! let folder = ".models/paraphrase-MiniLM-L3-v2".as_ref();
//! let mut embedder = Embedder::open(&manifest, folder, &runtime, Device::Auto, 2)?;
//! let embedded = embedder.embed(&["What is 2 + 2?"], None, &mut |_| ())?;
//! assert_eq!(embedded.vectors.len(), manifest.dimension);
//! # Ok(())
//! # }
//! ```

mod batches;
mod cache;
mod device;
mod digests;
mod embedder;
mod error;
mod inference;
mod manifest;
mod pipeline;
mod pooling;
mod progress;
mod provenance;
mod runtime;
mod self_check;
mod session;
mod tokens;

pub use cache::Cache;
pub use device::Device;
pub use embedder::{Embedded, Embedder};
pub use error::EmbedError;
pub use manifest::{BatchRule, LongTexts, ModelFile, ModelManifest, Origin, Pooling};
pub use progress::Progress;
pub use provenance::{ALGORITHM, Provenance, Provider};
pub use runtime::Runtime;
pub use self_check::{SelfCheck, self_check};
