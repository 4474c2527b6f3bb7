use std::path::PathBuf;

use tempfile::NamedTempFile;

use crate::StoreError;

/// Bytes by key, all-or-nothing. Keys are relative, `/`-separated paths.
pub(crate) trait Backend: Send + Sync {
    /// The bytes of a key, None if there is no such key.
    fn read(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError>;
    /// Size of a key in bytes, None if there is no such key.
    fn size(&self, key: &str) -> Result<Option<u64>, StoreError>;
    /// Writes a key that does not exist yet; false, and nothing written, if it does.
    fn create(&self, key: &str, bytes: &[u8]) -> Result<bool, StoreError>;
    /// Writes a key, whether it exists or not.
    fn replace(&self, key: &str, bytes: &[u8]) -> Result<(), StoreError>;
    /// Moves a finished temporary file to a key.
    fn adopt(&self, key: &str, file: NamedTempFile) -> Result<(), StoreError>;
    /// All keys under a folder, sorted.
    fn list(&self, folder: &str) -> Result<Vec<String>, StoreError>;
    /// Folder on this machine for files on their way into the store.
    fn staging(&self) -> Result<PathBuf, StoreError>;
    /// File of a key, None where keys are no files of this machine.
    fn file(&self, key: &str) -> Option<PathBuf>;
    /// Where a key lies, for people.
    fn place(&self, key: &str) -> String;
}
