use std::{
    fs::File,
    io::{self, Write},
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;

use crate::{ObjectId, StoreError, backend::Backend, local::Local, remote::Remote};

/// Immutable objects and named documents, in a folder, a bucket or memory.
pub struct Store {
    backend: Box<dyn Backend>,
    location: String,
}

/// What came of creating a named document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Created {
    /// It is new.
    New,
    /// It was there already, with the same bytes.
    Same,
    /// It was there already, with other bytes; nothing was written.
    Other(Vec<u8>),
}

impl Store {
    /// Opens a folder, or a `s3://`, `gs://`, `az://`, `http(s)://` location.
    ///
    /// A folder need not exist: the first write makes it. Credentials come from the environment
    /// variables that `object_store` documents for each kind of bucket.
    pub fn open(location: &str) -> Result<Self, StoreError> {
        let backend: Box<dyn Backend> = if location.contains("://") {
            Box::new(Remote::open(location)?)
        } else {
            Box::new(Local::new(PathBuf::from(location)))
        };
        Ok(Self { backend, location: location.to_owned() })
    }

    /// A store that lives as long as the value, for tests.
    ///
    /// # Panics
    /// When the operating system gives no threads.
    #[allow(clippy::expect_used)]
    pub fn memory() -> Self {
        let backend = Remote::memory().expect("threads for an in-memory store");
        Self { backend: Box::new(backend), location: "memory:".to_owned() }
    }

    /// As given to [`Self::open`].
    pub fn location(&self) -> &str {
        &self.location
    }

    /// Stores bytes and returns their name. Storing what is there already writes nothing.
    pub fn put(&self, bytes: &[u8]) -> Result<ObjectId, StoreError> {
        let id = ObjectId::of(bytes);
        if self.size(id)? != Some(bytes.len() as u64) {
            self.backend.replace(&object_key(id), bytes)?;
        }
        Ok(id)
    }

    /// The bytes of an object, checked against its name.
    pub fn get(&self, id: ObjectId) -> Result<Vec<u8>, StoreError> {
        let bytes = self.read_unverified(id)?;
        let actual = ObjectId::of(&bytes);
        if actual != id {
            return Err(StoreError::Damaged { id, actual, place: self.place(id) });
        }
        Ok(bytes)
    }

    /// The file of an object, its bytes checked against its name; None where objects are no files of
    /// this machine, or the object is not there.
    pub fn file(&self, id: ObjectId) -> Result<Option<PathBuf>, StoreError> {
        let Some(path) = self.backend.file(&object_key(id)) else { return Ok(None) };
        let file = match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(StoreError::io("read", &path))?,
        };
        let (actual, _) = ObjectId::of_reader(file).map_err(StoreError::io("read", &path))?;
        if actual != id {
            return Err(StoreError::Damaged { id, actual, place: self.place(id) });
        }
        Ok(Some(path))
    }

    /// The bytes that lie under an object's name, whatever they are; for verification.
    pub fn read_unverified(&self, id: ObjectId) -> Result<Vec<u8>, StoreError> {
        let missing = || StoreError::Missing { id, store: self.location.clone() };
        self.backend.read(&object_key(id))?.ok_or_else(missing)
    }

    /// Size of an object in bytes, None if the store lacks it.
    pub fn size(&self, id: ObjectId) -> Result<Option<u64>, StoreError> {
        self.backend.size(&object_key(id))
    }

    /// Path or address of an object, for people.
    pub fn place(&self, id: ObjectId) -> String {
        self.backend.place(&object_key(id))
    }

    /// Path or address of a named document, for people.
    pub fn document_place(&self, key: &str) -> String {
        self.backend.place(key)
    }

    /// Starts an object that is written piece by piece.
    pub fn stage(&self) -> Result<Staged, StoreError> {
        let folder = self.backend.staging()?;
        let file =
            NamedTempFile::new_in(&folder).map_err(StoreError::io("create a file in", folder))?;
        Ok(Staged { file, hasher: blake3::Hasher::new(), size: 0 })
    }

    /// Finishes a staged object and returns its name.
    pub fn put_staged(&self, staged: Staged) -> Result<ObjectId, StoreError> {
        let id = staged.id();
        if self.size(id)? != Some(staged.size) {
            self.backend.adopt(&object_key(id), staged.file)?;
        }
        Ok(id)
    }

    /// Folder on this machine for files on their way into the store.
    pub fn staging(&self) -> Result<PathBuf, StoreError> {
        self.backend.staging()
    }

    /// The bytes of a named document, None if there is none.
    pub fn read(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.backend.read(key)
    }

    /// Creates a named document; never changes one that is there.
    pub fn create(&self, key: &str, bytes: &[u8]) -> Result<Created, StoreError> {
        if self.backend.create(key, bytes)? {
            return Ok(Created::New);
        }
        match self.backend.read(key)? {
            Some(existing) if existing != bytes => Ok(Created::Other(existing)),
            _ => Ok(Created::Same),
        }
    }

    /// Writes a named document, replacing what was there.
    pub fn replace(&self, key: &str, bytes: &[u8]) -> Result<(), StoreError> {
        self.backend.replace(key, bytes)
    }

    /// Keys of the named documents under a folder, sorted; none from a web server, which cannot list.
    pub fn list(&self, folder: &str) -> Result<Vec<String>, StoreError> {
        self.backend.list(folder)
    }
}

fn object_key(id: ObjectId) -> String {
    let hex = id.to_string();
    format!("objects/{}/{hex}", &hex[..2])
}

/// An object on its way into the store: hashed while it is written, invisible until it is put.
pub struct Staged {
    file: NamedTempFile,
    hasher: blake3::Hasher,
    size: u64,
}

impl Staged {
    /// BLAKE3 of what was written so far.
    pub fn id(&self) -> ObjectId {
        self.hasher.finalize().into()
    }

    /// Where the bytes lie until they are put.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// Bytes written so far.
    pub fn size(&self) -> u64 {
        self.size
    }
}

impl Write for Staged {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// One contract, kept by every backend.
    fn contract(store: &Store) {
        let id = store.put(b"hello").unwrap();
        assert_eq!(store.get(id).unwrap(), b"hello");
        assert_eq!(store.put(b"hello").unwrap(), id);
        assert_eq!(store.size(id).unwrap(), Some(5));
        let absent = ObjectId::of(b"absent");
        assert_eq!(store.size(absent).unwrap(), None);
        assert!(matches!(store.get(absent), Err(StoreError::Missing { id, .. }) if id == absent));

        let mut staged = store.stage().unwrap();
        staged.write_all(b"piece ").unwrap();
        staged.write_all(b"by piece").unwrap();
        let staged_id = store.put_staged(staged).unwrap();
        assert_eq!(staged_id, ObjectId::of(b"piece by piece"));
        assert_eq!(store.get(staged_id).unwrap(), b"piece by piece");

        assert_eq!(store.create("log/1.json", b"a").unwrap(), Created::New);
        assert_eq!(store.create("log/1.json", b"a").unwrap(), Created::Same);
        assert_eq!(store.create("log/1.json", b"b").unwrap(), Created::Other(b"a".to_vec()));
        assert_eq!(store.read("log/1.json").unwrap().as_deref(), Some(&b"a"[..]));
        store.replace("log/1.json", b"c").unwrap();
        assert_eq!(store.read("log/1.json").unwrap().as_deref(), Some(&b"c"[..]));
        store.replace("log/deep/2.json", b"d").unwrap();
        assert_eq!(store.list("log").unwrap(), ["log/1.json", "log/deep/2.json"]);
        assert_eq!(store.list("nothing").unwrap(), Vec::<String>::new());
    }

    #[test]
    fn a_folder_keeps_the_contract_and_leaves_no_temporary_files() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().to_str().unwrap()).unwrap();
        contract(&store);
        assert_eq!(fs::read_dir(folder.path().join("tmp")).unwrap().count(), 0);
    }

    #[test]
    fn an_object_store_keeps_the_contract() {
        contract(&Store::memory());
    }

    #[test]
    fn damage_is_seen_on_reading() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().to_str().unwrap()).unwrap();
        let id = store.put(b"hello").unwrap();
        fs::write(store.place(id), b"jello").unwrap();
        assert!(
            matches!(store.get(id), Err(StoreError::Damaged { actual, .. }) if actual == ObjectId::of(b"jello"))
        );
    }

    #[test]
    fn two_writers_cannot_both_create_a_document() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().to_str().unwrap()).unwrap();
        let store = &store;
        let outcomes: Vec<Created> = std::thread::scope(|scope| {
            let writers: Vec<_> = (0..8_u8)
                .map(|writer| scope.spawn(move || store.create("log/1", &[writer]).unwrap()))
                .collect();
            writers.into_iter().map(|writer| writer.join().unwrap()).collect()
        });
        assert_eq!(outcomes.iter().filter(|outcome| **outcome == Created::New).count(), 1);
    }
}
