//! Vectors on disk, so that a second run embeds only new texts and a killed one goes on.
//!
//! One folder for each [`crate::Provenance`], named by its digest. In it, files of records of one
//! size, appended as batches finish:
//!
//! | bytes | |
//! |---|---|
//! | 32 | BLAKE3 of the text |
//! | 4 | 1 if the text was truncated, else 0; little-endian u32 |
//! | 4 x dimension | the vector, little-endian f32 |
//! | 32 | BLAKE3, keyed with the folder's digest, of all before |
//!
//! A record that does not hash to its end is passed over and the text embedded again; a torn one at
//! the end, left by a kill, is cut off by the next writer. A writer locks its file, and takes the
//! first that nobody holds, so that two processes never write to one.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, BufReader, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use crate::EmbedError;

/// A folder of vectors, of any number of models and settings.
#[derive(Debug, Clone)]
pub struct Cache {
    folder: PathBuf,
}

/// Digest of a text, its key.
pub(crate) type Key = [u8; 32];

/// What is kept of a text.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    pub key: Key,
    pub truncated: bool,
    pub vector: Vec<f32>,
}

/// The part of a cache that belongs to one provenance.
pub(crate) struct Shelf {
    folder: PathBuf,
    digest: [u8; 32],
    dimension: usize,
}

/// Appends to a file of a shelf, which it holds the lock of.
pub(crate) struct Writer<'a> {
    shelf: &'a Shelf,
    path: PathBuf,
    file: File,
}

const HASH: usize = 32;

impl Cache {
    /// A cache in a folder, which is made when the first vector is kept.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    pub(crate) fn shelf(&self, digest: [u8; 32], dimension: usize) -> Shelf {
        let name = blake3::Hash::from_bytes(digest).to_string();
        Shelf { folder: self.folder.join(name), digest, dimension }
    }
}

impl Shelf {
    fn record_size(&self) -> usize {
        HASH + 4 + 4 * self.dimension + HASH
    }

    /// Calls `found` with every sound entry whose key is `wanted`; one key may come twice.
    pub(crate) fn read<V>(
        &self,
        wanted: &BTreeMap<Key, V>,
        found: &mut dyn FnMut(Entry),
    ) -> Result<(), EmbedError> {
        for path in self.files()? {
            let file = File::open(&path).map_err(EmbedError::io("open", &path))?;
            let mut reader = BufReader::with_capacity(1 << 20, file);
            let mut record = vec![0; self.record_size()];
            while whole(&mut reader, &mut record).map_err(EmbedError::io("read", &path))? {
                if record.first_chunk().is_some_and(|key: &Key| wanted.contains_key(key)) {
                    self.decode(&record).map(&mut *found);
                }
            }
        }
        Ok(())
    }

    fn files(&self) -> Result<Vec<PathBuf>, EmbedError> {
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(EmbedError::io("list", &self.folder))?,
        };
        let mut files: Vec<PathBuf> = entries
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<Result<_, _>>()
            .map_err(EmbedError::io("list", &self.folder))?;
        files.retain(|path| path.extension().is_some_and(|extension| extension == "vectors"));
        files.sort();
        Ok(files)
    }

    /// Opens the first file that no other process writes to, behind its last whole record.
    pub(crate) fn writer(&self) -> Result<Writer<'_>, EmbedError> {
        fs::create_dir_all(&self.folder).map_err(EmbedError::io("create folder", &self.folder))?;
        let mut number = 0;
        loop {
            let path = self.folder.join(format!("{number}.vectors"));
            let file = open_to_append(&path).map_err(EmbedError::io("open", &path))?;
            match file.try_lock() {
                Ok(()) => return self.prepared(file, path),
                Err(TryLockError::WouldBlock) => number += 1,
                Err(TryLockError::Error(error)) => {
                    return Err(EmbedError::io("lock", &path)(error));
                }
            }
        }
    }

    fn prepared(&self, mut file: File, path: PathBuf) -> Result<Writer<'_>, EmbedError> {
        let size = file.metadata().map_err(EmbedError::io("read", &path))?.len();
        let whole = size - size % self.record_size() as u64;
        file.set_len(whole).map_err(EmbedError::io("shorten", &path))?;
        file.seek(SeekFrom::Start(whole)).map_err(EmbedError::io("seek in", &path))?;
        Ok(Writer { shelf: self, path, file })
    }

    fn encode(&self, entry: &Entry, bytes: &mut Vec<u8>) {
        let start = bytes.len();
        bytes.extend_from_slice(&entry.key);
        bytes.extend_from_slice(&u32::from(entry.truncated).to_le_bytes());
        bytes.extend(entry.vector.iter().flat_map(|value| value.to_le_bytes()));
        let hash = blake3::keyed_hash(&self.digest, &bytes[start..]);
        bytes.extend_from_slice(hash.as_bytes());
    }

    fn decode(&self, record: &[u8]) -> Option<Entry> {
        let (content, hash) = record.split_at_checked(record.len().checked_sub(HASH)?)?;
        if blake3::keyed_hash(&self.digest, content).as_bytes() != hash {
            return None;
        }
        let (key, rest) = content.split_first_chunk()?;
        let (truncated, values) = rest.split_first_chunk()?;
        let values = values.chunks_exact(4);
        let vector = values.map(|value| Some(f32::from_le_bytes(value.try_into().ok()?)));
        let truncated = u32::from_le_bytes(*truncated) == 1;
        Some(Entry { key: *key, truncated, vector: vector.collect::<Option<_>>()? })
    }
}

impl Writer<'_> {
    /// Appends entries; they outlive a kill of the process once this returns.
    pub(crate) fn append(&mut self, entries: &[Entry]) -> Result<(), EmbedError> {
        let mut bytes = Vec::with_capacity(entries.len() * self.shelf.record_size());
        entries.iter().for_each(|entry| self.shelf.encode(entry, &mut bytes));
        self.file.write_all(&bytes).map_err(EmbedError::io("write", &self.path))
    }

    /// Waits until all is on the disk.
    pub(crate) fn close(self) -> Result<(), EmbedError> {
        self.file.sync_data().map_err(EmbedError::io("sync", &self.path))
    }
}

fn open_to_append(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)
}

/// Fills the record, or says that there is no whole one left.
fn whole(reader: &mut impl Read, record: &mut [u8]) -> io::Result<bool> {
    match reader.read_exact(record) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(key: u8) -> Entry {
        Entry { key: [key; 32], truncated: key == 1, vector: vec![f32::from(key), 0.5, -1.0] }
    }

    fn all(shelf: &Shelf) -> Vec<Entry> {
        let wanted = (0..=255).map(|key| ([key; 32], ())).collect();
        let mut entries = Vec::new();
        shelf.read(&wanted, &mut |entry| entries.push(entry)).unwrap();
        entries
    }

    fn write(shelf: &Shelf, entries: &[Entry]) {
        let mut writer = shelf.writer().unwrap();
        writer.append(entries).unwrap();
        writer.close().unwrap();
    }

    #[test]
    fn entries_come_back_and_only_those_that_are_wanted() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path().join("cache"));
        let shelf = cache.shelf([7; 32], 3);
        assert!(all(&shelf).is_empty());
        write(&shelf, &[entry(1), entry(2)]);
        write(&shelf, &[entry(3)]);
        assert_eq!(all(&shelf), [entry(1), entry(2), entry(3)]);
        let mut found = Vec::new();
        shelf.read(&[([2; 32], ())].into(), &mut |entry| found.push(entry)).unwrap();
        assert_eq!(found, [entry(2)]);
        assert!(all(&cache.shelf([8; 32], 3)).is_empty());
    }

    #[test]
    fn damaged_and_torn_records_are_passed_over_and_written_behind() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Cache::new(folder.path()).shelf([7; 32], 3);
        write(&shelf, &[entry(1), entry(2), entry(3)]);
        let path = shelf.files().unwrap().remove(0);
        let mut bytes = fs::read(&path).unwrap();
        let size = shelf.record_size();
        bytes[size + 40] ^= 1;
        bytes.truncate(3 * size - 5);
        fs::write(&path, &bytes).unwrap();
        assert_eq!(all(&shelf), [entry(1)]);
        write(&shelf, &[entry(4)]);
        assert_eq!(all(&shelf), [entry(1), entry(4)]);
    }

    #[test]
    fn two_writers_have_a_file_each() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Cache::new(folder.path()).shelf([7; 32], 3);
        let (mut one, mut two) = (shelf.writer().unwrap(), shelf.writer().unwrap());
        one.append(&[entry(1)]).unwrap();
        two.append(&[entry(2)]).unwrap();
        one.append(&[entry(3)]).unwrap();
        assert_eq!(shelf.files().unwrap().len(), 2);
        assert_eq!(all(&shelf), [entry(1), entry(3), entry(2)]);
    }
}
