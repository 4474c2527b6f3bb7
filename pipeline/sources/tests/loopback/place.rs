//! A store and a data folder, and fetchers without patience.

use std::{fs, path::Path, time::Duration};

use aliquot_sources::{
    Address, Allow, BucketOptions, FetchError, Fetcher, Hub, Listed, LockedFile, Network, Pattern,
    Settings,
};
use aliquot_store::{ObjectId, Store};
use tempfile::TempDir;

/// Nothing listens there.
pub const NOWHERE: &str = "http://127.0.0.1:9";

pub struct Place {
    pub folder: TempDir,
    pub store: Store,
    pub network: Network,
    pub offline: bool,
}

impl Place {
    pub fn new() -> Self {
        let hub = Hub::new(NOWHERE, None).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("store").to_str().unwrap()).unwrap();
        fs::create_dir(folder.path().join("data")).unwrap();
        let network = Network {
            first_wait: Duration::from_millis(1),
            silence: Duration::from_millis(400),
            ..Network::new(hub, BucketOptions::default())
        };
        Self { folder, store, network, offline: false }
    }

    /// A place with a Hub.
    pub fn with_hub(endpoint: &str, token: Option<&str>) -> Self {
        let mut place = Self::new();
        place.network.hub = Hub::new(endpoint, token.map(str::to_owned)).unwrap();
        place
    }

    pub fn data(&self) -> std::path::PathBuf {
        self.folder.path().join("data")
    }

    /// A fetcher for every scheme and these hosts.
    pub fn fetcher(&self, hosts: &[&str]) -> Fetcher {
        let all = ["https", "http", "file", "s3", "gs", "az", "hf"].map(|scheme| (scheme, None));
        let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
        let settings = Settings {
            mirror: None,
            data: self.data(),
            offline: self.offline,
            network: self.network.clone(),
        };
        Fetcher::new(settings, Allow::new(None, Some(&hosts), all).unwrap()).unwrap()
    }

    pub fn resolve(&self, pattern: &str) -> Result<Vec<Listed>, FetchError> {
        self.fetcher(&["127.0.0.1"]).resolve(&pattern.parse::<Pattern>().unwrap())
    }

    pub fn pin(&self, listed: &Listed) -> Result<LockedFile, FetchError> {
        self.fetcher(&["127.0.0.1"]).pin(listed, &self.store)
    }

    pub fn pin_address(&self, address: &str) -> Result<LockedFile, FetchError> {
        self.pin(&Listed::from(address.parse::<Address>().unwrap()))
    }

    /// Pins an address, and reads what is then in the store.
    pub fn bytes(&self, address: &str) -> Vec<u8> {
        self.store.get(self.pin_address(address).unwrap().blake3).unwrap()
    }

    pub fn fetch(&self, file: &LockedFile) -> Result<ObjectId, FetchError> {
        self.fetcher(&["127.0.0.1"]).fetch(file, &self.store)
    }

    /// Names of the objects in the store, each checked to be what its name says.
    pub fn objects(&self) -> Vec<String> {
        let mut names = Vec::new();
        let objects = self.folder.path().join("store/objects");
        for folder in fs::read_dir(objects).into_iter().flatten() {
            for file in fs::read_dir(folder.unwrap().path()).unwrap() {
                let path = file.unwrap().path();
                let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                assert_eq!(name, ObjectId::of(&fs::read(&path).unwrap()).to_string());
                names.push(name);
            }
        }
        names.sort();
        names
    }

    /// Files on their way into the store that were left behind, by size.
    pub fn partial_sizes(&self) -> Vec<u64> {
        fn walk(folder: &Path, sizes: &mut Vec<u64>) {
            for entry in fs::read_dir(folder).unwrap() {
                let entry = entry.unwrap();
                let path = entry.path();
                if path.is_dir() {
                    walk(&path, sizes);
                } else if entry.file_name().to_str().unwrap().starts_with("partial-") {
                    sizes.push(entry.metadata().unwrap().len());
                }
            }
        }
        let mut sizes = Vec::new();
        walk(&self.folder.path().join("store"), &mut sizes);
        sizes
    }
}

/// What a lock says of these bytes.
pub fn locked(address: &str, bytes: &[u8]) -> LockedFile {
    let other = Place::new();
    fs::write(other.data().join("x"), bytes).unwrap();
    let file = other.pin_address("file:x").unwrap();
    LockedFile { address: address.parse().unwrap(), ..file }
}
