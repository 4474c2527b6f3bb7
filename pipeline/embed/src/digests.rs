//! Reading a file and checking it against what the manifest pins, from the same bytes.

use std::{fs, io, path::Path};

use sha2::{Digest, Sha256};

use crate::{EmbedError, ModelFile};

/// A file's bytes, checked, and their BLAKE3.
pub(crate) struct Checked {
    pub bytes: Vec<u8>,
    pub blake3: blake3::Hash,
}

/// Reads a file of a model; refuses it if size, SHA-256 or BLAKE3 differ from the pinned ones.
pub(crate) fn read_checked(
    path: &Path,
    pinned: &ModelFile,
    model: &str,
) -> Result<Checked, EmbedError> {
    let bytes = fs::read(path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => {
            EmbedError::Missing { path: path.to_owned(), model: model.to_owned() }
        }
        _ => EmbedError::io("read", path)(source),
    })?;
    let blake3 = blake3::hash(&bytes);
    let pinned_blake3 = pinned.blake3.clone().unwrap_or_else(|| blake3.to_string());
    let comparisons = [
        ("size", pinned.size.to_string(), bytes.len().to_string()),
        ("SHA-256", pinned.sha256.clone(), hexadecimal(&Sha256::digest(&bytes))),
        ("BLAKE3", pinned_blake3, blake3.to_string()),
    ];
    for (algorithm, expected, actual) in comparisons {
        if expected != actual {
            let (path, model) = (path.to_owned(), model.to_owned());
            return Err(EmbedError::Digest { path, model, algorithm, expected, actual });
        }
    }
    Ok(Checked { bytes, blake3 })
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
