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
mod allow;
mod bucket;
mod bucket_address;
mod bucket_client;
mod bucket_options;
mod digest;
mod download;
mod fetch;
mod fetch_error;
mod hub;
mod hub_address;
mod hub_listing;
mod hub_problem;
mod item_uid;
mod local;
mod lock;
mod patience;
mod pattern;
mod resolve;
mod shard;
mod web;

pub use address::{Address, InvalidAddress};
pub use allow::{Allow, Forbidden};
pub use bucket_address::{BucketAddress, Provider};
pub use bucket_options::BucketOptions;
pub use fetch::{Fetcher, Network, Settings};
pub use fetch_error::FetchError;
pub use hub::Hub;
pub use hub_address::HubAddress;
pub use hub_problem::HubProblem;
pub use item_uid::{ItemContent, Occurrences};
pub use lock::{Lock, LockError, LockedFile};
pub use pattern::{Listed, Pattern};
pub use shard::{AdapterError, Place, RawFile, Shard};
