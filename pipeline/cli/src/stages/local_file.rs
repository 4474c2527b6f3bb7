//! Files of this machine that are read where they lie.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use aliquot_store::ObjectId;

use crate::error::Error;

/// A file with its digest, as it was when that was taken: a tool may still be writing it.
#[derive(Debug, Clone)]
pub struct LocalFile {
    /// BLAKE3 of its bytes.
    pub id: ObjectId,
    /// Where it lies.
    pub path: PathBuf,
    seen: (u64, Option<SystemTime>),
}

impl LocalFile {
    /// Takes the digest.
    pub fn digested(path: &Path) -> io::Result<Self> {
        let seen = state(path)?;
        let (id, _) = ObjectId::of_reader(File::open(path)?)?;
        Ok(Self { id, path: path.to_owned(), seen })
    }

    /// An error if the file is another now, so that what was read of it is not taken for what the digest
    /// stands for.
    pub fn check(&self) -> Result<(), Error> {
        match state(&self.path) {
            Ok(now) if now == self.seen => Ok(()),
            _ => Err(Error::Data(format!(
                "`{}` changed while it was read; wait until it is written, then run this again",
                self.path.display()
            ))),
        }
    }
}

/// Length and time of the last change.
fn state(path: &Path) -> io::Result<(u64, Option<SystemTime>)> {
    let metadata = fs::metadata(path)?;
    Ok((metadata.len(), metadata.modified().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_grows_or_goes_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jsonl");
        fs::write(&path, "{}").unwrap();
        let file = LocalFile::digested(&path).unwrap();
        assert_eq!(file.id, ObjectId::of(b"{}"));
        file.check().unwrap();
        fs::write(&path, "{}\n{}").unwrap();
        assert!(file.check().unwrap_err().to_string().contains("changed while it was read"));
        fs::remove_file(&path).unwrap();
        file.check().unwrap_err();
    }
}
