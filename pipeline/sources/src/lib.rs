//! Where results come from: pinned raw files, how they are fetched, and one adapter a format.
//!
//! A [`Lock`] pins every raw file by size, BLAKE3 and SHA-256. A [`Fetcher`] brings a pinned file
//! into the store, from a mirror folder, a data folder or the network, and nothing gets in whose
//! bytes are not those pinned. An adapter ([`adapters`]) turns raw files into a [`Shard`] of the
//! canonical tables; it sees bytes only.
//!
//! ```
//! use aliquot_sources::Address;
//!
//! let address: Address = "https://example.org/results/a.json".parse()?;
//! assert_eq!(address.mirror_path().unwrap(), std::path::Path::new("example.org/results/a.json"));
//! assert!("file:../../etc/passwd".parse::<Address>().is_err());
//! # Ok::<(), aliquot_sources::InvalidAddress>(())
//! ```

pub mod adapters;
mod address;
mod digest;
mod fetch;
mod item_uid;
mod lock;
mod shard;

pub use address::{Address, InvalidAddress};
pub use fetch::{FetchError, Fetcher, Settings};
pub use item_uid::{ItemContent, Occurrences, folded};
pub use lock::{Lock, LockError, LockedFile};
pub use shard::{AdapterError, Place, RawFile, Shard};
