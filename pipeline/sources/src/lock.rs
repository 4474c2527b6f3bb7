use aliquot_store::ObjectId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::Address;

/// Version of the lock format.
const VERSION: u32 = 1;

/// The pinned list of raw files of a recipe, sorted by address.
///
/// Written by `aliquot lock` alone. As text: a comment, the version, and one `[[file]]` a raw file,
/// one key a line, so that a change of one file is a change of few lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    version: u32,
    #[serde(rename = "file", default)]
    files: Vec<LockedFile>,
}

/// One raw file, as it has to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LockedFile {
    /// Where it lies.
    #[schemars(with = "String")]
    pub address: Address,
    /// Size in bytes.
    pub size: u64,
    /// BLAKE3, which is its object id.
    pub blake3: ObjectId,
    /// SHA-256 in hexadecimal digits, for tools that know no BLAKE3.
    pub sha256: String,
}

impl Lock {
    /// A lock of these files.
    pub fn new(mut files: Vec<LockedFile>) -> Self {
        files.sort_by(|a, b| a.address.cmp(&b.address));
        files.dedup_by(|a, b| a.address == b.address);
        Self { version: VERSION, files }
    }

    /// Reads a lock file.
    pub fn parse(text: &str) -> Result<Self, LockError> {
        let lock: Self =
            toml::from_str(text).map_err(|error| LockError::Syntax(error.to_string()))?;
        if lock.version != VERSION {
            return Err(LockError::Version { found: lock.version, supported: VERSION });
        }
        for (first, second) in lock.files.iter().zip(lock.files.iter().skip(1)) {
            if first.address >= second.address {
                return Err(LockError::Unsorted(second.address.to_string()));
            }
        }
        Ok(lock)
    }

    /// Writes a lock file.
    pub fn to_text(&self) -> String {
        let mut text =
            format!("# Written by `aliquot lock`; do not edit.\nversion = {}\n", self.version);
        for LockedFile { address, size, blake3, sha256 } in &self.files {
            // The debug form of a string is a valid TOML basic string for any address.
            text.push_str(&format!(
                "\n[[file]]\naddress = {:?}\nsize = {size}\nblake3 = \"{blake3}\"\nsha256 = \"{sha256}\"\n",
                address.to_string()
            ));
        }
        text
    }

    /// All files, sorted by address.
    pub fn files(&self) -> &[LockedFile] {
        &self.files
    }

    /// The pinned file of an address.
    pub fn file(&self, address: &Address) -> Option<&LockedFile> {
        self.files.iter().find(|file| file.address == *address)
    }
}

impl LockedFile {
    /// Where it lies.
    pub fn address(&self) -> &Address {
        &self.address
    }
}

/// What can be wrong with a lock file.
#[derive(Debug, Error)]
pub enum LockError {
    /// It is no TOML, or has other keys.
    #[error("{0}")]
    Syntax(String),
    /// A file is pinned twice, or out of order.
    #[error("{0} is pinned twice or out of order")]
    Unsorted(String),
    /// It is of a version that this program does not know.
    #[error("lock version {found} is not supported (this program writes version {supported})")]
    Version {
        /// In the file.
        found: u32,
        /// Known here.
        supported: u32,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_round_trips_sorted() {
        let file = |address: &str| LockedFile {
            address: address.parse().unwrap(),
            size: 3,
            blake3: ObjectId::of(b"abc"),
            sha256: "ba78".into(),
        };
        let lock =
            Lock::new(vec![file("https://b/y \"q\""), file("https://a/x"), file("file:d/e.csv")]);
        assert_eq!(Lock::parse(&lock.to_text()).unwrap(), lock);
        assert_eq!(lock.files()[0].address.host(), Some("a"));
    }

    #[test]
    fn an_unknown_key_names_itself() {
        let error = Lock::parse("version = 1\n[[file]]\nadress = \"x\"\n").unwrap_err().to_string();
        assert!(error.contains("adress"), "{error}");
    }
}
