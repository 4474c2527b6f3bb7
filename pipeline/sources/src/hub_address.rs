use std::fmt;

use crate::address::{is_plain_key, is_plain_name};

/// A file of a dataset repository of the Hub.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HubAddress {
    /// `owner/name`.
    pub repository: String,
    /// Commit, branch or tag; only a commit can be pinned.
    pub revision: String,
    /// Path in the repository, not percent-encoded.
    pub path: String,
}

impl HubAddress {
    /// Reads `datasets/owner/name@revision/path`; the error says what would be right.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        const SHAPE: &str = "write hf://datasets/OWNER/NAME@REVISION/PATH, without `..`; a `/` in \
                             the revision is `%2F`";
        let (repository, rest) =
            text.strip_prefix("datasets/").and_then(|text| text.split_once('@')).ok_or(SHAPE)?;
        let (revision, path) = rest.split_once('/').ok_or(SHAPE)?;
        let (owner, name) = repository.split_once('/').ok_or(SHAPE)?;
        let revision = revision.replace("%2F", "/").replace("%2f", "/");
        let plain_revision = is_plain_key(&revision) && !revision.contains('%');
        if !(is_plain_name(owner) && is_plain_name(name) && plain_revision && is_plain_key(path)) {
            return Err(SHAPE);
        }
        Ok(Self { repository: repository.to_owned(), revision, path: path.to_owned() })
    }

    /// Whether the revision is a commit, which never moves: 40 hexadecimal digits.
    pub fn is_pinned(&self) -> bool {
        is_commit(&self.revision)
    }
}

/// Whether a revision is the full SHA-1 of a commit.
pub(crate) fn is_commit(revision: &str) -> bool {
    revision.len() == 40 && revision.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

impl fmt::Display for HubAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let revision = self.revision.replace('/', "%2F");
        write!(formatter, "hf://datasets/{}@{revision}/{}", self.repository, self.path)
    }
}
