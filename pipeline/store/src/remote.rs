//! A store in a bucket, behind `object_store`.
//!
//! A put of an object store is atomic. `create` is a conditional put (`If-None-Match: *` on S3 and
//! Azure, generation 0 on GCS), so two publishers cannot take the same log number or version.

use std::{
    fs::{self, DirBuilder},
    os::unix::fs::DirBuilderExt,
    path::PathBuf,
    sync::Arc,
};

use futures_util::TryStreamExt;
use object_store::{
    ObjectStore, ObjectStoreExt, PutMode, PutPayload, memory::InMemory, path::Path,
    prefix::PrefixStore,
};
use tempfile::NamedTempFile;
use tokio::runtime::Runtime;

use crate::{StoreError, backend::Backend};

pub(crate) struct Remote {
    location: String,
    objects: Arc<dyn ObjectStore>,
    runtime: Runtime,
    staging: PathBuf,
}

impl Remote {
    /// Opens `s3://`, `gs://`, `az://`, `http(s)://` with credentials from the environment.
    pub(crate) fn open(location: &str) -> Result<Self, StoreError> {
        let failed = |source| StoreError::Location { location: location.to_owned(), source };
        let url = parse_url(location).map_err(failed)?;
        let environment = std::env::vars().map(|(key, value)| (key.to_ascii_lowercase(), value));
        // A release is checked by its digests: it may come over plain HTTP.
        let plain =
            (location.starts_with("http://")).then(|| ("allow_http".to_owned(), "true".to_owned()));
        let (objects, prefix) =
            object_store::parse_url_opts(&url, environment.chain(plain)).map_err(failed)?;
        Self::new(location, Arc::new(PrefixStore::new(objects, prefix)))
    }

    pub(crate) fn memory() -> Result<Self, StoreError> {
        Self::new("memory:", Arc::new(InMemory::new()))
    }

    fn new(location: &str, objects: Arc<dyn ObjectStore>) -> Result<Self, StoreError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(StoreError::io("start threads for", location))?;
        Ok(Self { location: location.to_owned(), objects, runtime, staging: staging_folder() })
    }

    fn is_web_server(&self) -> bool {
        self.location.starts_with("http://") || self.location.starts_with("https://")
    }

    /// Known beforehand, so that nobody waits for a web server to refuse ten times.
    fn check_writable(&self) -> Result<(), StoreError> {
        if self.is_web_server() {
            return Err(StoreError::ReadOnly { location: self.location.clone() });
        }
        Ok(())
    }

    fn put(
        &self,
        action: &'static str,
        key: &str,
        bytes: &[u8],
        mode: PutMode,
    ) -> Result<bool, StoreError> {
        self.check_writable()?;
        let payload = PutPayload::from(bytes.to_vec());
        match self.runtime.block_on(self.objects.put_opts(&Path::from(key), payload, mode.into())) {
            Ok(_) => Ok(true),
            Err(object_store::Error::AlreadyExists { .. }) => Ok(false),
            Err(source) => Err(StoreError::Remote { action, key: key.to_owned(), source }),
        }
    }
}

/// A folder of this user's own: others can write to the system's temporary folder.
fn staging_folder() -> PathBuf {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    cache.or_else(home).unwrap_or_else(std::env::temp_dir).join("aliquot")
}

fn parse_url(location: &str) -> Result<url::Url, object_store::Error> {
    url::Url::parse(location)
        .map_err(|error| object_store::Error::Generic { store: "url", source: Box::new(error) })
}

fn unless_absent<T>(
    action: &'static str,
    key: &str,
    result: Result<T, object_store::Error>,
) -> Result<Option<T>, StoreError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(object_store::Error::NotFound { .. }) => Ok(None),
        Err(source) => Err(StoreError::Remote { action, key: key.to_owned(), source }),
    }
}

impl Backend for Remote {
    fn read(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let path = Path::from(key);
        let bytes = self.runtime.block_on(async { self.objects.get(&path).await?.bytes().await });
        Ok(unless_absent("read", key, bytes)?.map(Into::into))
    }

    fn size(&self, key: &str) -> Result<Option<u64>, StoreError> {
        let metadata = self.runtime.block_on(self.objects.head(&Path::from(key)));
        Ok(unless_absent("look up", key, metadata)?.map(|metadata| metadata.size))
    }

    fn create(&self, key: &str, bytes: &[u8]) -> Result<bool, StoreError> {
        self.put("create", key, bytes, PutMode::Create)
    }

    fn replace(&self, key: &str, bytes: &[u8]) -> Result<(), StoreError> {
        self.put("write", key, bytes, PutMode::Overwrite).map(|_| ())
    }

    fn adopt(&self, key: &str, file: NamedTempFile) -> Result<(), StoreError> {
        let bytes = fs::read(file.path()).map_err(StoreError::io("read", file.path()))?;
        self.replace(key, &bytes)
    }

    fn list(&self, folder: &str) -> Result<Vec<String>, StoreError> {
        // Listing a web server would need WebDAV, which static servers lack.
        if self.is_web_server() {
            return Ok(Vec::new());
        }
        let prefix = Path::from(folder);
        let listed =
            self.runtime.block_on(self.objects.list(Some(&prefix)).try_collect::<Vec<_>>());
        let listed = unless_absent("list", folder, listed)?.unwrap_or_default();
        let mut keys: Vec<String> =
            listed.into_iter().map(|object| object.location.to_string()).collect();
        keys.sort();
        Ok(keys)
    }

    fn file(&self, _key: &str) -> Option<PathBuf> {
        None
    }

    fn staging(&self) -> Result<PathBuf, StoreError> {
        self.check_writable()?;
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.staging)
            .map_err(StoreError::io("create folder", &self.staging))?;
        Ok(self.staging.clone())
    }

    fn place(&self, key: &str) -> String {
        format!("{}/{key}", self.location.trim_end_matches('/'))
    }
}
