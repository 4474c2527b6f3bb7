use std::io::{self, Read, Write};

use aliquot_store::Staged;
use sha2::{Digest, Sha256};

const BUFFER: usize = 1 << 18;

/// Size and SHA-256 of what was copied into a staged object, which itself knows its BLAKE3.
pub(crate) struct Copied {
    pub(crate) size: u64,
    pub(crate) sha256: String,
}

/// Which side of a copy failed.
pub(crate) enum CopyError {
    /// The bytes could not be read or unpacked.
    Read(io::Error),
    /// They could not be written into the store.
    Write(io::Error),
}

/// Copies `from`, hashing while it streams; stops one buffer after `limit` bytes, which is enough to
/// know that the file is another one.
pub(crate) fn copy(
    from: &mut dyn Read,
    into: &mut Staged,
    limit: u64,
) -> Result<Copied, CopyError> {
    let mut sha256 = Sha256::new();
    let mut buffer = vec![0; BUFFER];
    while into.size() <= limit {
        let count = match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(CopyError::Read(error)),
        };
        into.write_all(&buffer[..count]).map_err(CopyError::Write)?;
        sha256.update(&buffer[..count]);
    }
    Ok(Copied { size: into.size(), sha256: hex(&sha256.finalize()) })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
