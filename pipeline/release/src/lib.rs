//! Releases: what a published subset consists of, and how it is published, found and checked.
//!
//! A release is a [`manifest::Manifest`]: canonical JSON that names every object by digest. Its
//! BLAKE3 is the release id. [`publish()`] makes it visible under a version tag that never moves and
//! appends it to a hash-chained [`log`]; [`resolve()`] finds it again by name or id; [`verify()`]
//! re-hashes everything it names.
//!
//! ```
//! use aliquot_release::resolve::{Reference, Wanted};
//!
//! let reference: Reference = "alpaca-eval@0.1.0".parse()?;
//! assert_eq!(reference.wanted, Wanted::Version("0.1.0".into()));
//! # Ok::<(), aliquot_release::ReleaseError>(())
//! ```

mod error;
pub mod estimator;
pub mod forms;
pub mod log;
pub mod manifest;
pub mod publish;
pub mod resolve;
pub mod verify;

pub use error::ReleaseError;
pub use publish::publish;
pub use resolve::resolve;
pub use verify::verify;
