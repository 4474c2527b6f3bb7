//! Content-addressed storage: bytes named by their BLAKE3, and a few named documents beside them.
//!
//! An object is written once, under `objects/ab/<hex>`, and never changed. A named document (a run
//! record, a version tag, a log entry) lives under its own key and is either created once
//! ([`Store::create`]) or replaced as a whole ([`Store::replace`]). Both are all-or-nothing: a
//! reader sees the old state or the new one, after a crash too.
//!
//! | key | written | what |
//! |---|---|---|
//! | `objects/ab/<hex>` | once | immutable bytes, name = BLAKE3 |
//! | `cache/ab/<hex>.json` | replaced | stage fingerprint to output ids |
//! | `runs/<recipe>/<time>.json` | once | run records |
//! | `releases/<name>/<version>.json` | once | manifest bytes of a version tag |
//! | `releases/<name>/latest` | replaced | the newest version |
//! | `log/<number>.json` | once | hash-chained log of releases |
//! | `index.json` | replaced | what is published, rebuilt from the log |
//!
//! So any HTTP server that serves the folder serves the releases.
//!
//! ```
//! use aliquot_store::Store;
//!
//! let store = Store::memory();
//! let id = store.put(b"immutable")?;
//! assert_eq!(store.get(id)?, b"immutable");
//! # Ok::<(), aliquot_store::StoreError>(())
//! ```

mod backend;
pub mod canonical;
pub mod chunks;
mod error;
mod local;
mod object_id;
mod remote;
mod store;

pub use error::StoreError;
pub use object_id::{InvalidObjectId, ObjectId};
pub use store::{Created, Staged, Store};
