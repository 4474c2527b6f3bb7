//! One small language model, many compressions: items, variants, scores.
//!
//! ```text
//! items ──────────────┐
//! base GGUF -> variant GGUF -> score -> results/<variant>.json -> collect.py -> Parquet
//! prose -> importance ┘            prose -> perplexity
//! ```
//! [`items`], [`prose`], [`edit`] and [`variants`] are pure; [`llama`] holds all unsafe code; [`run`]
//! writes the results.

pub mod edit;
pub mod gguf;
pub mod importance;
pub mod items;
pub mod llama;
pub mod prose;
pub mod rng;

pub mod run;
pub mod score;
pub mod template;
pub mod variants;
