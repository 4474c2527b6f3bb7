//! Copies on this machine: in the data folder, or in a mirror.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use crate::{Address, FetchError};

/// A file on this machine that holds the bytes of an address.
pub(crate) struct LocalCopy {
    pub(crate) path: PathBuf,
    packing: Packing,
}

/// How a mirror packs a file; what the address itself names is never unpacked.
enum Packing {
    Plain,
    Zstandard,
    Gzip,
}

impl LocalCopy {
    /// The copy of an address: in the data folder, or in the mirror if it is there.
    pub(crate) fn find(
        address: &Address,
        data: &Path,
        mirror: Option<&Path>,
    ) -> Result<Option<Self>, FetchError> {
        if let Address::File(path) = address {
            let path = inside(address, data, data.join(path))?;
            return Ok(Some(Self { path, packing: Packing::Plain }));
        }
        let Some((mirror, path)) = mirror.zip(address.mirror_path()) else {
            return Ok(None);
        };
        for (ending, packing) in
            [("", Packing::Plain), (".zst", Packing::Zstandard), (".gz", Packing::Gzip)]
        {
            let path = append(&mirror.join(&path), ending);
            if path.is_file() {
                return Ok(Some(Self { path: inside(address, mirror, path)?, packing }));
            }
        }
        Ok(None)
    }

    pub(crate) fn open(&self) -> io::Result<Box<dyn Read>> {
        let file = File::open(&self.path)?;
        Ok(match self.packing {
            Packing::Plain => Box::new(file),
            Packing::Zstandard => Box::new(zstd::Decoder::new(file)?),
            Packing::Gzip => Box::new(flate2::read::MultiGzDecoder::new(file)),
        })
    }
}

fn append(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// The path, if it still lies in that folder when links are resolved.
pub(crate) fn inside(
    address: &Address,
    folder: &Path,
    path: PathBuf,
) -> Result<PathBuf, FetchError> {
    let read_error = |source| FetchError::Read {
        address: address.clone(),
        origin: format!("`{}`", path.display()),
        source,
    };
    let (real, root) =
        (path.canonicalize().map_err(read_error)?, folder.canonicalize().map_err(read_error)?);
    if !real.starts_with(root) {
        return Err(FetchError::Escapes { address: address.clone() });
    }
    Ok(path)
}
