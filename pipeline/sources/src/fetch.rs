//! Bringing raw files into the store, checked while they stream.

use std::{
    io::{self, Seek},
    path::PathBuf,
    time::Duration,
};

use aliquot_store::{ObjectId, Staged, Store, StoreError};

use crate::{
    Address, Allow, BucketOptions, FetchError, Hub, Listed, LockedFile,
    bucket::Buckets,
    digest::{self, CopyError},
    download::{Answer, Download, Whole},
    local::LocalCopy,
    patience::{Refusal, Stopped, Trouble, patiently},
    web::{Owner, Web},
};

/// Largest raw file when nothing says the size: what `lock` is ready to download.
const LARGEST_UNPINNED: u64 = 16 << 30;

/// Where files may come from.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Folder of files by [`Address::mirror_path`], tried before the network.
    pub mirror: Option<PathBuf>,
    /// Folder that `file:` addresses are relative to.
    pub data: PathBuf,
    /// Whether the network must not be used.
    pub offline: bool,
    /// How the network is used.
    pub network: Network,
}

/// How the network is used.
#[derive(Debug, Clone)]
pub struct Network {
    /// Wait after the first failed request; doubles with each.
    pub first_wait: Duration,
    /// A connection that says nothing for this long is dead.
    pub silence: Duration,
    /// Most files and folders that a pattern may make one look at.
    pub most_files: usize,
    /// What `hf:` addresses are resolved by.
    pub hub: Hub,
    /// Credentials and places of buckets.
    pub buckets: BucketOptions,
}

impl Network {
    /// Usual patience with a Hub and buckets.
    pub fn new(hub: Hub, buckets: BucketOptions) -> Self {
        Self {
            first_wait: Duration::from_millis(500),
            silence: Duration::from_secs(60),
            most_files: 1_000_000,
            hub,
            buckets,
        }
    }
}

/// Fetches files by their addresses, and resolves patterns to them; nothing is read from where the
/// recipe does not allow.
pub struct Fetcher {
    pub(crate) settings: Settings,
    pub(crate) web: Web,
    /// Where a bucket is allowed.
    buckets: Option<Buckets>,
}

/// What the bytes of an address have to be, as far as it is known.
struct Expected<'a> {
    size: Option<u64>,
    blake3: Option<ObjectId>,
    sha256: Option<&'a str>,
}

/// Bytes that were brought, not yet in the store.
struct Brought {
    found: LockedFile,
    staged: Staged,
    /// Where they came from, for people.
    origin: String,
    /// Whether they came in more than one answer.
    joined: bool,
}

impl Fetcher {
    /// A fetcher for what is allowed.
    pub fn new(settings: Settings, allow: Allow) -> Result<Self, FetchError> {
        let Network { silence, hub, buckets, .. } = settings.network.clone();
        let has_buckets = allow.has_buckets();
        let buckets = has_buckets.then(|| Buckets::new(buckets, silence)).transpose();
        let buckets = buckets.map_err(|error| FetchError::Start(error.to_string()))?;
        let web = Web::new(silence, hub, allow);
        let web = web.map_err(|error| FetchError::Start(error.to_string()))?;
        Ok(Self { settings, web, buckets })
    }

    /// A fetcher that reads `file:` addresses below a folder and nothing else.
    pub fn local(data: PathBuf) -> Result<Self, FetchError> {
        let hub = Hub::public().map_err(|error| FetchError::Start(error.to_string()))?;
        let network = Network::new(hub, BucketOptions::default());
        let allow = Allow::new(None, None, [("file", None)]).unwrap_or_default();
        Self::new(Settings { mirror: None, data, offline: true, network }, allow)
    }

    /// Puts a pinned file into the store; its bytes are checked while they stream.
    pub fn fetch(&self, file: &LockedFile, store: &Store) -> Result<ObjectId, FetchError> {
        let expected = Expected {
            size: Some(file.size),
            blake3: Some(file.blake3),
            sha256: Some(&file.sha256),
        };
        let brought = self.bring_whole(&file.address, &expected, store)?;
        let Brought { found, staged, origin, .. } = brought;
        if !expected.is_met_by(&found) {
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
        put(&file.address, staged, store)
    }

    /// Size and digests of a file as it is now; the bytes go into the store if they are those that
    /// the listing says. [`Listed::from`] an address expects nothing.
    pub fn pin(&self, listed: &Listed, store: &Store) -> Result<LockedFile, FetchError> {
        let address = &listed.address;
        self.check(address)?;
        if let Address::Hub(file) = address
            && !file.is_pinned()
        {
            let commit = self.commit(address, file)?;
            return Err(FetchError::Moving { address: address.clone(), commit });
        }
        let expected =
            Expected { size: listed.size, blake3: None, sha256: listed.sha256.as_deref() };
        let Brought { found, staged, origin, .. } = self.bring_whole(address, &expected, store)?;
        let limit = expected.limit();
        if !expected.is_met_by(&found) {
            return Err(FetchError::NotAsListed {
                listed: Box::new(listed.clone()),
                origin,
                found: if found.size > limit {
                    format!("more than {limit} bytes")
                } else {
                    format!("{} bytes, SHA-256 {}", found.size, found.sha256)
                },
            });
        }
        if found.size > limit {
            let source =
                io::Error::new(io::ErrorKind::FileTooLarge, format!("more than {limit} bytes"));
            return Err(FetchError::Read { address: address.clone(), origin, source });
        }
        put(address, staged, store)?;
        Ok(found)
    }

    /// Brings a file, from the start again if the parts that it was joined from do not fit.
    fn bring_whole(
        &self,
        address: &Address,
        expected: &Expected<'_>,
        store: &Store,
    ) -> Result<Brought, FetchError> {
        self.check(address)?;
        let brought = self.bring(address, expected, store)?;
        if brought.joined && !expected.is_met_by(&brought.found) {
            return self.bring(address, expected, store);
        }
        Ok(brought)
    }

    /// Stages the bytes of an address from the first place that has them.
    fn bring(
        &self,
        address: &Address,
        expected: &Expected<'_>,
        store: &Store,
    ) -> Result<Brought, FetchError> {
        let store_error = |source| FetchError::Store { address: address.clone(), source };
        let mut staged = store.stage().map_err(store_error)?;
        let limit = expected.limit();
        let Settings { data, mirror, .. } = &self.settings;
        let (origin, joined, copied) = match LocalCopy::find(address, data, mirror.as_deref())? {
            Some(local) => {
                let origin = format!("`{}`", local.path.display());
                let reader = local.open().map_err(CopyError::Read);
                let copied =
                    reader.and_then(|mut reader| digest::copy(&mut reader, &mut staged, limit));
                (origin, false, copied)
            }
            None => {
                let mut download = self.download(address, expected, store)?;
                let rewound = download.file.rewind().map_err(CopyError::Read);
                let copied =
                    rewound.and_then(|()| digest::copy(&mut download.file, &mut staged, limit));
                let joined = download.joined;
                // Whole or wrong, the download is done with; a wrong one must not be resumed.
                download.remove();
                ("the network".to_owned(), joined, copied)
            }
        };
        let copied = copied.map_err(|error| match error {
            CopyError::Read(source) => {
                FetchError::Read { address: address.clone(), origin: origin.clone(), source }
            }
            CopyError::Write(source) => store_error(StoreError::Io {
                action: "write into",
                path: staged.path().to_owned(),
                source,
            }),
        })?;
        let found = LockedFile {
            address: address.clone(),
            size: copied.size,
            blake3: staged.id(),
            sha256: copied.sha256,
        };
        Ok(Brought { found, staged, origin, joined })
    }

    /// Downloads to a partial file that outlives the process, so that the next one resumes it.
    fn download(
        &self,
        address: &Address,
        expected: &Expected<'_>,
        store: &Store,
    ) -> Result<Download, FetchError> {
        self.check_online(address)?;
        // A pin may change between runs: a partial file belongs to an address *and* what is expected.
        let name = ObjectId::of(format!("{address} {}", expected.digest()).as_bytes());
        let store_error = |source| FetchError::Store { address: address.clone(), source };
        let folder = store.staging().map_err(store_error)?;
        let path = folder.join(format!("partial-{}", name.short()));
        let file_error =
            |action, source| store_error(StoreError::Io { action, path: path.clone(), source });
        let mut download =
            Download::open(path.clone()).map_err(|source| file_error("open", source))?;
        let whole = Whole {
            size: expected.size,
            limit: expected.limit(),
            is_checked: !expected.digest().is_empty(),
        };
        let arrived = patiently(self.settings.network.first_wait, || {
            download.advance(whole, |from, tag| self.request(address, from, tag))
        });
        match arrived {
            Ok(()) => Ok(download),
            Err(Stopped::Store(source)) => Err(file_error("write", source)),
            Err(stopped) => Err(FetchError::stopped(address, stopped)),
        }
    }

    /// One request for the bytes from one on.
    fn request(
        &self,
        address: &Address,
        from: u64,
        tag: Option<&str>,
    ) -> Result<Answer<'static>, Trouble> {
        match address {
            Address::Web(url) => self.web.part(url, Owner::Anyone, from, tag),
            Address::Hub(file) => {
                let url = self.web.hub.file(file);
                let url = url.map_err(|error| Trouble::malformed(error.to_string()))?;
                self.web.part(&url, Owner::Repository(&file.repository), from, tag)
            }
            Address::Bucket(object) => self.buckets()?.part(object, from, tag),
            Address::File(_) => Err(Trouble::malformed("a local file is not downloaded")),
        }
    }

    pub(crate) fn buckets(&self) -> Result<&Buckets, Trouble> {
        let none = || Trouble::Refused(Refusal::Bucket("buckets are not allowed".to_owned()));
        self.buckets.as_ref().ok_or_else(none)
    }

    pub(crate) fn check_online(&self, address: &Address) -> Result<(), FetchError> {
        if self.settings.offline {
            let mirror = self.settings.mirror.is_some();
            return Err(FetchError::Offline { what: address.to_string(), mirror });
        }
        Ok(())
    }

    fn check(&self, address: &Address) -> Result<(), FetchError> {
        self.web
            .allow
            .check(address)
            .map_err(|forbidden| FetchError::Forbidden { what: address.to_string(), forbidden })
    }
}

impl Expected<'_> {
    fn limit(&self) -> u64 {
        self.size.unwrap_or(LARGEST_UNPINNED)
    }

    /// The digest that the whole is compared with, empty if there is none.
    fn digest(&self) -> String {
        let sha256 = || self.sha256.unwrap_or_default().to_owned();
        self.blake3.map_or_else(sha256, |blake3| blake3.to_string())
    }

    fn is_met_by(&self, found: &LockedFile) -> bool {
        self.size.is_none_or(|size| size == found.size)
            && self.blake3.is_none_or(|blake3| blake3 == found.blake3)
            && self.sha256.is_none_or(|sha256| sha256 == found.sha256)
    }
}

fn put(address: &Address, staged: Staged, store: &Store) -> Result<ObjectId, FetchError> {
    store
        .put_staged(staged)
        .map_err(|source| FetchError::Store { address: address.clone(), source })
}
