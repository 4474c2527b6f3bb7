use aliquot_store::{ObjectId, StoreError, canonical::CanonicalError};
use thiserror::Error;

/// What can go wrong with releases.
#[derive(Debug, Error)]
pub enum ReleaseError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A document has no canonical form.
    #[error(transparent)]
    Canonical(#[from] CanonicalError),
    /// A document is not what its schema says.
    #[error("read {what} `{place}`")]
    Document {
        /// Kind of document.
        what: &'static str,
        /// Where it lies.
        place: String,
        /// Why it failed.
        #[source]
        source: serde_json::Error,
    },
    /// The version tag is taken by another release.
    #[error("version {name}@{version} is already published as {published}; this release is {id}")]
    VersionTaken {
        /// Name of the release.
        name: String,
        /// Its version.
        version: String,
        /// Id under that tag.
        published: ObjectId,
        /// Id that was to be published.
        id: ObjectId,
    },
    /// A release names an object that the store lacks.
    #[error("cannot publish: {role} (object {id}) is not in the store")]
    Incomplete {
        /// What the object is.
        role: String,
        /// Its id.
        id: ObjectId,
    },
    /// The log is broken.
    #[error(
        "log entry {number} is not as it was written, or does not follow from the one before: `{place}`"
    )]
    BrokenLog {
        /// Number of the entry.
        number: u64,
        /// Where it lies.
        place: String,
    },
    /// Nobody knows such a release.
    #[error("release `{reference}` is not in the store `{store}`; it has: {}", if known.is_empty() { "nothing published yet".to_owned() } else { known.join(", ") })]
    Unknown {
        /// As given.
        reference: String,
        /// Where it was looked for.
        store: String,
        /// What is there.
        known: Vec<String>,
    },
    /// A beginning that fits several ids.
    #[error("release `{reference}` fits several ids: {}", ids.join(", "))]
    Ambiguous {
        /// As given.
        reference: String,
        /// All that fit.
        ids: Vec<String>,
    },
    /// Text that names no release.
    #[error(
        "`{0}` names no release: give `name`, `name@version` or a release id (8 digits or more)"
    )]
    InvalidReference(String),
    /// A tag points at bytes that are not the release it says.
    #[error("`{place}` holds {found}, but the log published {logged} under that tag")]
    TagMoved {
        /// Where the tag lies.
        place: String,
        /// Id of the bytes there.
        found: ObjectId,
        /// Id in the log.
        logged: ObjectId,
    },
}
