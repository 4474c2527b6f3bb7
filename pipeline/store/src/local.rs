//! A store in a folder.
//!
//! Every write goes to a file in `tmp/` of the same file system, is synced, renamed into place, and
//! the folder is synced. A rename is atomic, so a reader or a crash sees the old state or the whole
//! new one; the first sync keeps a power cut from leaving a name on empty bytes, the second from
//! losing the name.

use std::{
    fs::{self, File, Permissions},
    io::{self, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Once,
    time::{Duration, SystemTime},
};

use tempfile::NamedTempFile;

use crate::{StoreError, backend::Backend};

/// Temporary files of a dead process are removed after a day: no live one writes a file that long.
const STALE: Duration = Duration::from_secs(24 * 60 * 60);

pub(crate) struct Local {
    root: PathBuf,
    swept: Once,
}

impl Local {
    /// Opens the folder without touching it: a store that is only read from may be read-only.
    pub(crate) fn new(root: PathBuf) -> Self {
        Self { root, swept: Once::new() }
    }

    fn path(&self, key: &str) -> PathBuf {
        self.root.join(key)
    }

    fn temporary(&self, bytes: &[u8]) -> Result<NamedTempFile, StoreError> {
        let staging = self.staging()?;
        let mut file = NamedTempFile::new_in(&staging)
            .map_err(StoreError::io("create a file in", &staging))?;
        file.write_all(bytes).map_err(StoreError::io("write", file.path()))?;
        Ok(file)
    }

    /// Makes the folder of a key and syncs the file; the caller renames.
    fn prepare(&self, key: &str, file: &NamedTempFile) -> Result<PathBuf, StoreError> {
        let path = self.path(key);
        let folder = parent(&path);
        create_folder(folder)?;
        // Temporary files are private; a store is there to be served.
        let readable = Permissions::from_mode(0o644);
        file.as_file()
            .set_permissions(readable)
            .map_err(StoreError::io("make readable", file.path()))?;
        file.as_file().sync_all().map_err(StoreError::io("sync", file.path()))?;
        Ok(path)
    }
}

/// Makes a folder and those above it; each new one is synced into the one that holds it.
fn create_folder(folder: &Path) -> Result<(), StoreError> {
    if folder.is_dir() || folder.as_os_str().is_empty() {
        return Ok(());
    }
    create_folder(parent(folder))?;
    match fs::create_dir(folder) {
        Ok(()) => sync_folder(folder),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
        Err(error) => Err(StoreError::io("create folder", folder)(error)),
    }
}

fn parent(path: &Path) -> &Path {
    path.parent().unwrap_or(path)
}

fn sync_folder(path: &Path) -> Result<(), StoreError> {
    let folder = match parent(path) {
        here if here.as_os_str().is_empty() => Path::new("."),
        folder => folder,
    };
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(StoreError::io("sync folder", folder))
}

fn unless_absent<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

impl Backend for Local {
    fn read(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let path = self.path(key);
        unless_absent(fs::read(&path)).map_err(StoreError::io("read", path))
    }

    fn size(&self, key: &str) -> Result<Option<u64>, StoreError> {
        let path = self.path(key);
        let metadata = unless_absent(fs::metadata(&path)).map_err(StoreError::io("read", path))?;
        Ok(metadata.map(|metadata| metadata.len()))
    }

    fn create(&self, key: &str, bytes: &[u8]) -> Result<bool, StoreError> {
        let file = self.temporary(bytes)?;
        let path = self.prepare(key, &file)?;
        match file.persist_noclobber(&path) {
            Ok(_) => sync_folder(&path).map(|()| true),
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(StoreError::io("create", path)(error.error)),
        }
    }

    fn replace(&self, key: &str, bytes: &[u8]) -> Result<(), StoreError> {
        self.adopt(key, self.temporary(bytes)?)
    }

    fn adopt(&self, key: &str, file: NamedTempFile) -> Result<(), StoreError> {
        let path = self.prepare(key, &file)?;
        file.persist(&path).map_err(|error| StoreError::io("write", &path)(error.error))?;
        sync_folder(&path)
    }

    fn list(&self, folder: &str) -> Result<Vec<String>, StoreError> {
        let mut keys = Vec::new();
        let mut folders = vec![folder.to_owned()];
        while let Some(folder) = folders.pop() {
            let path = self.path(&folder);
            let Some(entries) =
                unless_absent(fs::read_dir(&path)).map_err(StoreError::io("list", &path))?
            else {
                continue;
            };
            for entry in entries {
                let entry = entry.map_err(StoreError::io("list", &path))?;
                let kind = entry.file_type().map_err(StoreError::io("list", &path))?;
                let key = format!("{folder}/{}", entry.file_name().to_string_lossy());
                if kind.is_dir() { folders.push(key) } else { keys.push(key) }
            }
        }
        keys.sort();
        Ok(keys)
    }

    fn file(&self, key: &str) -> Option<PathBuf> {
        Some(self.path(key))
    }

    fn staging(&self) -> Result<PathBuf, StoreError> {
        let staging = self.root.join("tmp");
        create_folder(&staging)?;
        // By writers only, and once: a command that only reads leaves a store as it is.
        self.swept.call_once(|| sweep(&staging));
        Ok(staging)
    }

    fn place(&self, key: &str) -> String {
        self.path(key).display().to_string()
    }
}

/// Removes what processes that died left in `tmp/`; failures do not matter.
fn sweep(staging: &Path) {
    let Ok(entries) = fs::read_dir(staging) else { return };
    for entry in entries.flatten() {
        let age = entry.metadata().and_then(|metadata| metadata.modified());
        let stale = age
            .is_ok_and(|time| SystemTime::now().duration_since(time).is_ok_and(|age| age > STALE));
        let path = entry.path();
        match stale {
            true if path.is_dir() => fs::remove_dir_all(path).ok(),
            true => fs::remove_file(path).ok(),
            false => None,
        };
    }
}
