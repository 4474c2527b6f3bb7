//! Where results come from: pinned raw files, how they are fetched, and one adapter a format.
//!
//! A [`Lock`] pins every raw file by size, BLAKE3 and SHA-256. A [`Fetcher`] brings a pinned file
//! into the store, from a mirror folder, a data folder or the network, and nothing gets in whose
//! bytes are not those pinned. It also resolves a [`Pattern`] to the files that it means, and pins
//! them. An adapter ([`adapters`]) turns raw files into a [`Shard`] of the canonical tables; it sees
//! bytes only. How an address looks, and what the environment says, stands in the README of this
//! crate.
//!
//! ```
//! use aliquot_sources::{Address, Pattern};
//!
//! let address: Address = "https://example.org/results/a.json".parse()?;
//! assert_eq!(address.mirror_path().unwrap(), std::path::Path::new("example.org/results/a.json"));
//! assert!("file:../../etc/passwd".parse::<Address>().is_err());
//!
//! let many: Pattern = "hf://datasets/owner/name@main/**/samples_*.jsonl".parse()?;
//! assert!(many.exact().is_none());
//! assert!("https://example.org/*.json".parse::<Pattern>().is_err());
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
pub mod matching;
pub mod merge;
mod patience;
mod pattern;
mod raw_file;
mod resolve;
mod rows;
pub mod selection;
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
pub use item_uid::{ItemContent, Occurrences, folded};
pub use lock::{Lock, LockError, LockedFile};
pub use pattern::{Listed, Pattern};
pub use raw_file::{Content, LARGEST_DOCUMENT, RawFile, Seekable};
pub use rows::Rows;
pub use shard::{AdapterError, Place, Shard};
