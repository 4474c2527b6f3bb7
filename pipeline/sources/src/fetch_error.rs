use std::io;

use aliquot_store::StoreError;
use reqwest::StatusCode;
use thiserror::Error;

use crate::{
    Address, Forbidden, HubProblem, Listed, LockedFile, Pattern,
    patience::{ATTEMPTS, Refusal, Stopped},
};

/// Why a file could not be had, or a pattern not be resolved. `what` is the address or the pattern.
#[derive(Debug, Error)]
pub enum FetchError {
    /// The bytes are not those of the lock.
    #[error(
        "{address}: the bytes from {origin} are not those in the lock\n  \
         locked: {} bytes, BLAKE3 {}\n  found:  {found}",
        locked.size, locked.blake3
    )]
    Changed {
        /// Its address.
        address: Address,
        /// Where the bytes came from.
        origin: String,
        /// As pinned.
        locked: Box<LockedFile>,
        /// Size and BLAKE3 that were found, as far as it was read.
        found: String,
    },
    /// The bytes are not those of the listing.
    #[error(
        "{}: the bytes from {origin} are not those that were listed\n  \
         listed: {}\n  found:  {found}",
        listed.address, content(listed)
    )]
    NotAsListed {
        /// As listed.
        listed: Box<Listed>,
        /// Where the bytes came from.
        origin: String,
        /// Size and SHA-256 that were found, as far as it was read.
        found: String,
    },
    /// A local file could not be read or unpacked.
    #[error("{address}: read {origin}")]
    Read {
        /// Its address.
        address: Address,
        /// Path that was read.
        origin: String,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// Neither mirror nor store has it, and the network may not be asked.
    #[error("{what}: not in the store{}, and the network is off", if *mirror { " or the mirror" } else { "" })]
    Offline {
        /// Address or pattern.
        what: String,
        /// Whether a mirror was searched.
        mirror: bool,
    },
    /// A link leads out of the data folder or the mirror.
    #[error("{address}: leads out of the data folder or the mirror")]
    Escapes {
        /// Its address.
        address: Address,
    },
    /// It is not allowed, or the server led to where it is not.
    #[error("{what}: leads to {forbidden}")]
    Forbidden {
        /// Address or pattern.
        what: String,
        /// Where it leads.
        forbidden: Forbidden,
    },
    /// The server said no.
    #[error("{what}: the server answered {status}")]
    Status {
        /// Address or pattern.
        what: String,
        /// HTTP status.
        status: StatusCode,
    },
    /// The Hub said no.
    #[error("{what}: {problem}")]
    Hub {
        /// Address or pattern.
        what: String,
        /// Why.
        problem: HubProblem,
    },
    /// The provider of a bucket said no.
    #[error("{what}: {reason}")]
    Bucket {
        /// Address or pattern.
        what: String,
        /// Why.
        reason: String,
    },
    /// The server's answer is not what its protocol says.
    #[error("{what}: the server's answer cannot be used: {problem}")]
    Malformed {
        /// Address or pattern.
        what: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The network failed, more often than is patient to wait for.
    #[error("{what}: {attempts} requests failed, the last one: {last}")]
    Network {
        /// Address or pattern.
        what: String,
        /// Requests made.
        attempts: u32,
        /// What the last one ended with.
        last: String,
    },
    /// A file of the Hub is named by a branch or a tag, which move.
    #[error("{address}: a branch or tag moves, so it cannot be pinned; it is commit {commit} now")]
    Moving {
        /// Its address.
        address: Address,
        /// The commit that the revision is now.
        commit: String,
    },
    /// A pattern means no file.
    #[error("{pattern}: no file matches")]
    NoMatch {
        /// The pattern.
        pattern: Box<Pattern>,
    },
    /// A pattern means more than is sensible.
    #[error("{pattern}: more than {most} files to look at")]
    TooMany {
        /// The pattern.
        pattern: Box<Pattern>,
        /// The most there may be.
        most: usize,
    },
    /// The store could not take it.
    #[error("put {address} into the store")]
    Store {
        /// Its address.
        address: Address,
        /// Why it failed.
        #[source]
        source: StoreError,
    },
    /// The network cannot be used at all: certificates, threads.
    #[error("start the HTTP client: {0}")]
    Start(String),
}

impl FetchError {
    pub(crate) fn refused(what: String, refusal: Refusal) -> Self {
        match refusal {
            Refusal::Status(status) => Self::Status { what, status },
            Refusal::Hub(problem) => Self::Hub { what, problem },
            Refusal::Bucket(reason) => Self::Bucket { what, reason },
            Refusal::Forbidden(forbidden) => Self::Forbidden { what, forbidden },
            Refusal::Malformed(problem) => Self::Malformed { what, problem },
        }
    }

    /// For work that writes nothing here.
    pub(crate) fn stopped(address: &Address, stopped: Stopped) -> Self {
        let what = address.to_string();
        match stopped {
            Stopped::Refused(refusal) => Self::refused(what, refusal),
            Stopped::GaveUp { last } => Self::Network { what, attempts: ATTEMPTS, last },
            Stopped::Store(source) => {
                Self::Read { address: address.clone(), origin: "a partial file".to_owned(), source }
            }
        }
    }
}

fn content(listed: &Listed) -> String {
    let size = listed.size.map(|size| format!("{size} bytes"));
    let sha256 = listed.sha256.as_ref().map(|sha256| format!("SHA-256 {sha256}"));
    size.into_iter().chain(sha256).collect::<Vec<_>>().join(", ")
}
