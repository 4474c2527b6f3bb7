use std::io::{self, Read, Write};

use aliquot_store::Staged;
use sha2::{Digest, Sha256};

const BUFFER: usize = 1 << 18;

/// Size and SHA-256 of what was copied into a staged object, which itself knows its BLAKE3.
pub(crate) struct Copied {
    pub(crate) size: u64,
    pub(crate) sha256: String,
}

/// Copies all of `from`, hashing while it streams; stops with an error after `limit` bytes.
pub(crate) fn copy(from: &mut dyn Read, into: &mut Staged, limit: u64) -> io::Result<Copied> {
    let mut sha256 = Sha256::new();
    let mut buffer = vec![0; BUFFER];
    loop {
        let count = match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        into.write_all(&buffer[..count])?;
        sha256.update(&buffer[..count]);
        if into.size() > limit {
            return Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                format!("more than {limit} bytes"),
            ));
        }
    }
    Ok(Copied { size: into.size(), sha256: hex(&sha256.finalize()) })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
