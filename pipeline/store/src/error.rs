use std::{io, path::PathBuf};

use thiserror::Error;

use crate::ObjectId;

/// What can go wrong between a store and its bytes.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The file system refused.
    #[error("{action} `{}`", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which path.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// The object store refused.
    #[error("{action} `{key}`")]
    Remote {
        /// What was tried.
        action: &'static str,
        /// On which key.
        key: String,
        /// Why it failed.
        #[source]
        source: object_store::Error,
    },
    /// A location that is neither a folder nor a known URL.
    #[error("open store `{location}`")]
    Location {
        /// As given.
        location: String,
        /// Why it failed.
        #[source]
        source: object_store::Error,
    },
    /// A store that can only be read was to be written.
    #[error("the store `{location}` is a web server, which can only be read")]
    ReadOnly {
        /// As given.
        location: String,
    },
    /// An object is not in the store.
    #[error("object {id} is not in the store `{store}`")]
    Missing {
        /// Its id.
        id: ObjectId,
        /// Where it was looked for.
        store: String,
    },
    /// An object's bytes are not those that its name says.
    #[error("object {id} is damaged: its bytes hash to {actual} (`{place}`)")]
    Damaged {
        /// Its name.
        id: ObjectId,
        /// What the bytes hash to.
        actual: ObjectId,
        /// Where it lies.
        place: String,
    },
}

impl StoreError {
    pub(crate) fn io(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { action, path, source }
    }

    /// The operating system's word for what went wrong, where it was a file system.
    pub fn io_kind(&self) -> Option<io::ErrorKind> {
        match self {
            Self::Io { source, .. } => Some(source.kind()),
            _ => None,
        }
    }
}
