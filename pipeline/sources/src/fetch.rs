//! Bringing pinned raw files into the store.

use std::{
    collections::BTreeSet,
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, Write},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use aliquot_store::{ObjectId, Store, StoreError};
use reqwest::{
    StatusCode,
    blocking::{Client, Response},
    header::{CONTENT_RANGE, RANGE, RETRY_AFTER},
    redirect,
};
use thiserror::Error;

use crate::{
    Address, LockedFile,
    digest::{self, CopyError},
};

/// Requests for one file before giving up.
const ATTEMPTS: u32 = 6;

/// Longest wait that a server may ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(120);

/// A connection that says nothing for this long is dead.
const SILENCE: Duration = Duration::from_secs(60);

/// Largest raw file when no lock says the size: what `lock` is ready to download.
const LARGEST_UNPINNED: u64 = 16 << 30;

/// Where files may come from.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Folder laid out as `host/path`, tried before the network.
    pub mirror: Option<PathBuf>,
    /// Folder that `file:` addresses are relative to.
    pub data: PathBuf,
    /// Whether the network must not be used.
    pub offline: bool,
    /// Wait after the first failed request; doubles with each.
    pub first_wait: Duration,
}

/// Fetches files by their addresses; redirects are followed to hosts that the recipe names only.
pub struct Fetcher {
    settings: Settings,
    client: Client,
}

/// Why a file could not be had.
#[derive(Debug, Error)]
pub enum FetchError {
    /// The bytes are not those of the lock.
    #[error(
        "{address}: the bytes from {origin} are not those in the lock\n  \
         locked: {} bytes, BLAKE3 {}\n  found:  {found}",
        locked.size, locked.blake3
    )]
    Changed {
        /// Its address.
        address: Address,
        /// Where the bytes came from.
        origin: String,
        /// As pinned.
        locked: Box<LockedFile>,
        /// Size and BLAKE3 that were found, as far as it was read.
        found: String,
    },
    /// A local file could not be read or unpacked.
    #[error("{address}: read {origin}")]
    Read {
        /// Its address.
        address: Address,
        /// Path that was read.
        origin: String,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// Neither mirror nor store has it, and the network may not be asked.
    #[error("{address}: not in the store{}, and the network is off", if *mirror { " or the mirror" } else { "" })]
    Offline {
        /// Its address.
        address: Address,
        /// Whether a mirror was searched.
        mirror: bool,
    },
    /// A link leads out of the data folder or the mirror.
    #[error("{address}: leads out of the data folder or the mirror")]
    Escapes {
        /// Its address.
        address: Address,
    },
    /// The server said no.
    #[error("{address}: the server answered {status}")]
    Status {
        /// Its address.
        address: Address,
        /// HTTP status.
        status: StatusCode,
    },
    /// The network failed, more often than is patient to wait for.
    #[error("{address}: {attempts} requests failed, the last one: {last}")]
    Network {
        /// Its address.
        address: Address,
        /// Requests made.
        attempts: u32,
        /// What the last one ended with.
        last: String,
    },
    /// The store could not take it.
    #[error("put {address} into the store")]
    Store {
        /// Its address.
        address: Address,
        /// Why it failed.
        #[source]
        source: StoreError,
    },
}

impl Fetcher {
    /// A fetcher for these addresses; their hosts are the ones that redirects may lead to.
    pub fn new<'a>(
        settings: Settings,
        addresses: impl IntoIterator<Item = &'a Address>,
    ) -> Result<Self, reqwest::Error> {
        let hosts: BTreeSet<String> =
            addresses.into_iter().filter_map(|address| address.host().map(str::to_owned)).collect();
        let policy = redirect::Policy::custom(move |attempt| {
            let host = attempt.url().host_str().unwrap_or_default().to_owned();
            if attempt.previous().len() > 10 {
                attempt.error("too many redirects")
            } else if hosts.contains(&host) {
                attempt.follow()
            } else {
                attempt.error(format!("redirect to {host}, a host that the recipe does not name"))
            }
        });
        let client = Client::builder().redirect(policy).timeout(SILENCE).build()?;
        Ok(Self { settings, client })
    }

    /// Puts a pinned file into the store; its bytes are checked while they stream.
    pub fn fetch(&self, file: &LockedFile, store: &Store) -> Result<ObjectId, FetchError> {
        let (found, staged, origin) = self.bring(&file.address, Some(file), store)?;
        if !file.matches(&found) {
            return Err(FetchError::Changed {
                address: file.address.clone(),
                origin,
                locked: Box::new(file.clone()),
                found: if found.size > file.size {
                    format!("more than {} bytes", file.size)
                } else {
                    format!("{} bytes, BLAKE3 {}", found.size, found.blake3)
                },
            });
        }
        store
            .put_staged(staged)
            .map_err(|source| FetchError::Store { address: file.address.clone(), source })
    }

    /// Size and digests of what lies at an address now; the bytes go into the store.
    pub fn pin(&self, address: &Address, store: &Store) -> Result<LockedFile, FetchError> {
        let (found, staged, origin) = self.bring(address, None, store)?;
        if found.size > LARGEST_UNPINNED {
            let source = io::Error::new(
                io::ErrorKind::FileTooLarge,
                format!("more than {LARGEST_UNPINNED} bytes"),
            );
            return Err(FetchError::Read { address: address.clone(), origin, source });
        }
        store
            .put_staged(staged)
            .map_err(|source| FetchError::Store { address: address.clone(), source })?;
        Ok(found)
    }

    /// Stages the bytes of an address from the first place that has them.
    fn bring(
        &self,
        address: &Address,
        locked: Option<&LockedFile>,
        store: &Store,
    ) -> Result<(LockedFile, aliquot_store::Staged, String), FetchError> {
        let mut staged = store
            .stage()
            .map_err(|source| FetchError::Store { address: address.clone(), source })?;
        let limit = locked.map_or(LARGEST_UNPINNED, |file| file.size);
        let (origin, copied) = match self.local_copy(address)? {
            Some(local) => {
                let origin = format!("`{}`", local.path.display());
                let reader = local.open().map_err(CopyError::Read);
                (
                    origin,
                    reader.and_then(|mut reader| digest::copy(&mut reader, &mut staged, limit)),
                )
            }
            None => {
                let mut partial = self.download(address, locked, store)?;
                let rewound = partial.file.rewind().map_err(CopyError::Read);
                let copied =
                    rewound.and_then(|()| digest::copy(&mut partial.file, &mut staged, limit));
                // Whole or wrong, the download is done with; a wrong one must not be resumed.
                partial.remove();
                ("the network".to_owned(), copied)
            }
        };
        let copied = copied.map_err(|error| match error {
            CopyError::Read(source) => {
                FetchError::Read { address: address.clone(), origin: origin.clone(), source }
            }
            CopyError::Write(source) => FetchError::Store {
                address: address.clone(),
                source: StoreError::Io {
                    action: "write into",
                    path: staged.path().to_owned(),
                    source,
                },
            },
        })?;
        let found = LockedFile {
            address: address.clone(),
            size: copied.size,
            blake3: staged.id(),
            sha256: copied.sha256,
        };
        Ok((found, staged, origin))
    }

    /// The copy of an address on this machine: in the data folder, or in the mirror if it is there.
    fn local_copy(&self, address: &Address) -> Result<Option<LocalCopy>, FetchError> {
        if let Address::File(path) = address {
            let path = inside(address, &self.settings.data, self.settings.data.join(path))?;
            return Ok(Some(LocalCopy { path, packing: Packing::Plain }));
        }
        let Some((mirror, path)) = self.settings.mirror.as_ref().zip(address.mirror_path()) else {
            return Ok(None);
        };
        for (ending, packing) in
            [("", Packing::Plain), (".zst", Packing::Zstandard), (".gz", Packing::Gzip)]
        {
            let path = append(&mirror.join(&path), ending);
            if path.is_file() {
                return Ok(Some(LocalCopy { path: inside(address, mirror, path)?, packing }));
            }
        }
        Ok(None)
    }

    /// Downloads to a partial file that outlives the process, so that the next one resumes it.
    fn download(
        &self,
        address: &Address,
        locked: Option<&LockedFile>,
        store: &Store,
    ) -> Result<Partial, FetchError> {
        if self.settings.offline {
            let mirror = self.settings.mirror.is_some();
            return Err(FetchError::Offline { address: address.clone(), mirror });
        }
        // A pin may change between runs: a partial file belongs to an address *and* what is expected.
        let expected = locked.map_or_else(String::new, |file| file.blake3.to_string());
        let name = ObjectId::of(format!("{address} {expected}").as_bytes());
        let folder = store
            .staging()
            .map_err(|source| FetchError::Store { address: address.clone(), source })?;
        let path = folder.join(format!("partial-{}", name.short()));
        let store_error = |action, source| FetchError::Store {
            address: address.clone(),
            source: StoreError::Io { action, path: path.clone(), source },
        };
        let mut partial =
            Partial::open(path.clone()).map_err(|source| store_error("open", source))?;

        let mut wait = self.settings.first_wait;
        let mut last = String::new();
        for attempt in 1..=ATTEMPTS {
            match self.request(address, locked, &mut partial.file) {
                Ok(()) => return Ok(partial),
                Err(Trouble::Store(source)) => return Err(store_error("write", source)),
                Err(Trouble::Refused(status)) => {
                    return Err(FetchError::Status { address: address.clone(), status });
                }
                Err(Trouble::Passing { what, retry_after }) => {
                    last = what;
                    if attempt < ATTEMPTS {
                        thread::sleep(retry_after.unwrap_or(wait).min(LONGEST_WAIT));
                        wait *= 2;
                    }
                }
            }
        }
        Err(FetchError::Network { address: address.clone(), attempts: ATTEMPTS, last })
    }

    /// One request for what is still missing from the partial file.
    fn request(
        &self,
        address: &Address,
        locked: Option<&LockedFile>,
        file: &mut File,
    ) -> Result<(), Trouble> {
        if locked.is_none() {
            // Nothing says what the whole has to be: the rest of another version would go unnoticed.
            file.set_len(0).map_err(Trouble::Store)?;
        }
        let have = file.metadata().map_err(Trouble::Store)?.len();
        if locked.is_some_and(|locked| have == locked.size && have > 0) {
            return Ok(());
        }
        let mut request = self.client.get(address.to_string());
        if have > 0 {
            request = request.header(RANGE, format!("bytes={have}-"));
        }
        let mut response = request.send().map_err(Trouble::passing)?;
        match response.status() {
            StatusCode::PARTIAL_CONTENT if resumes_at(&response) == Some(have) => {}
            StatusCode::OK => file.set_len(0).map_err(Trouble::Store)?,
            StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE => {
                file.set_len(0).map_err(Trouble::Store)?;
                return Err(Trouble::Passing {
                    what: "the server could not resume".to_owned(),
                    retry_after: None,
                });
            }
            status if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() => {
                let retry_after = seconds(&response, RETRY_AFTER.as_str());
                return Err(Trouble::Passing {
                    what: format!("the server answered {status}"),
                    retry_after,
                });
            }
            status => return Err(Trouble::Refused(status)),
        }
        let limit = locked.map_or(LARGEST_UNPINNED, |file| file.size);
        let promised = response.content_length();
        let got = receive(&mut response, file, limit)?;
        if promised.is_some_and(|promised| got < promised) {
            return Err(Trouble::Passing {
                what: "the connection ended early".to_owned(),
                retry_after: None,
            });
        }
        Ok(())
    }
}

impl LockedFile {
    fn matches(&self, found: &Self) -> bool {
        (self.size, self.blake3, &self.sha256) == (found.size, found.blake3, &found.sha256)
    }
}

/// Why one request did not bring the rest of a file.
enum Trouble {
    /// It may work later.
    Passing { what: String, retry_after: Option<Duration> },
    /// It will not.
    Refused(StatusCode),
    /// The bytes could not be written here.
    Store(io::Error),
}

impl Trouble {
    /// The error with its causes: `reqwest` alone says only that sending failed.
    fn passing(error: reqwest::Error) -> Self {
        let error = error.without_url();
        let mut what = error.to_string();
        let mut cause = std::error::Error::source(&error);
        while let Some(error) = cause {
            what = format!("{what}: {error}");
            cause = error.source();
        }
        Self::Passing { what, retry_after: None }
    }
}

/// Appends the body; returns its length. One byte over the limit is enough to know of a change.
fn receive(response: &mut Response, file: &mut File, limit: u64) -> Result<u64, Trouble> {
    let mut buffer = vec![0; 1 << 16];
    let mut received = 0;
    loop {
        let count = response
            .read(&mut buffer)
            .map_err(|error| Trouble::Passing { what: error.to_string(), retry_after: None })?;
        if count == 0 {
            return Ok(received);
        }
        file.write_all(&buffer[..count]).map_err(Trouble::Store)?;
        received += count as u64;
        if received > limit {
            return Ok(u64::MAX);
        }
    }
}

/// First byte of `Content-Range: bytes 100-199/200`.
fn resumes_at(response: &Response) -> Option<u64> {
    let range = response.headers().get(CONTENT_RANGE)?.to_str().ok()?;
    range.strip_prefix("bytes ")?.split('-').next()?.parse().ok()
}

fn seconds(response: &Response, header: &str) -> Option<Duration> {
    response.headers().get(header)?.to_str().ok()?.parse().ok().map(Duration::from_secs)
}

fn append(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// The path, if it still lies in that folder when links are resolved.
fn inside(address: &Address, folder: &Path, path: PathBuf) -> Result<PathBuf, FetchError> {
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

/// A file on this machine that holds the bytes of an address.
struct LocalCopy {
    path: PathBuf,
    packing: Packing,
}

/// How a mirror packs a file; what the address itself names is never unpacked.
enum Packing {
    Plain,
    Zstandard,
    Gzip,
}

impl LocalCopy {
    fn open(&self) -> io::Result<Box<dyn Read>> {
        let file = File::open(&self.path)?;
        Ok(match self.packing {
            Packing::Plain => Box::new(file),
            Packing::Zstandard => Box::new(zstd::Decoder::new(file)?),
            Packing::Gzip => Box::new(flate2::read::MultiGzDecoder::new(file)),
        })
    }
}

/// A download under way, locked: two processes on one file would interleave their bytes.
struct Partial {
    path: PathBuf,
    file: File,
}

impl Partial {
    fn open(path: PathBuf) -> io::Result<Self> {
        loop {
            let file = OpenOptions::new().create(true).append(true).read(true).open(&path)?;
            file.lock()?;
            // Whoever held the lock before may have finished and removed the file under this handle.
            let held = file.metadata()?;
            if fs::metadata(&path)
                .is_ok_and(|there| (there.dev(), there.ino()) == (held.dev(), held.ino()))
            {
                return Ok(Self { path, file });
            }
        }
    }

    /// Removes the file while the lock is held.
    fn remove(self) {
        fs::remove_file(&self.path).ok();
    }
}
