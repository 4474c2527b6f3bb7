use std::{
    fmt,
    path::{Component, Path, PathBuf},
    str::FromStr,
};

use serde::{Deserialize, Serialize};
use thiserror::Error;
use url::Url;

use crate::{BucketAddress, HubAddress, bucket_address::Provider};

/// Where a raw file lies.
///
/// | text | what |
/// |---|---|
/// | `https://host/path` | a file on the web, also `http:` |
/// | `file:path` | a path inside the data folder |
/// | `s3://bucket/key`, `gs://bucket/key`, `az://container/key` | an object of a bucket |
/// | `hf://datasets/owner/name@revision/path` | a file of a dataset repository of the Hub |
///
/// Keys and paths stand as they are, not percent-encoded; a `/` in a revision is written `%2F`. The
/// order of addresses is that of the kinds in the code, then of the text: locks are sorted by it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Address {
    /// On the web.
    Web(Url),
    /// Relative to the data folder, never out of it.
    File(PathBuf),
    /// In a bucket.
    Bucket(BucketAddress),
    /// In a dataset repository of the Hub.
    Hub(HubAddress),
}

impl Address {
    /// What stands before the first `:`.
    pub fn scheme(&self) -> &str {
        match self {
            Self::Web(url) => url.scheme(),
            Self::File(_) => "file",
            Self::Bucket(bucket) => bucket.provider.scheme(),
            Self::Hub(_) => "hf",
        }
    }

    /// Host of a web address.
    pub fn host(&self) -> Option<&str> {
        match self {
            Self::Web(url) => url.host_str(),
            _ => None,
        }
    }

    /// Where a mirror keeps the file, relative to its folder; it never leads out of it.
    ///
    /// `host/path` of a web address without query, `scheme/bucket/key` of a bucket, and
    /// `hf/datasets/owner/name/revision/path` of the Hub.
    pub fn mirror_path(&self) -> Option<PathBuf> {
        let path = match self {
            Self::Web(url) if url.query().is_none() => {
                Path::new(url.host_str()?).join(url.path().trim_start_matches('/'))
            }
            Self::Bucket(BucketAddress { provider, bucket, key }) => {
                Path::new(provider.scheme()).join(bucket).join(key)
            }
            Self::Hub(HubAddress { repository, revision, path }) => {
                Path::new("hf/datasets").join(repository).join(revision).join(path)
            }
            _ => return None,
        };
        is_inside(&path).then_some(path)
    }
}

impl FromStr for Address {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        let invalid = |reason| InvalidAddress::new(text, reason);
        if let Some(path) = text.strip_prefix("file:") {
            let path = Path::new(path);
            if !is_inside(path) || path.as_os_str().is_empty() {
                return Err(invalid(
                    "a file: address is a relative path without `..`, inside the data folder",
                ));
            }
            return Ok(Self::File(path.to_owned()));
        }
        if let Some(rest) = text.strip_prefix("hf://") {
            return HubAddress::parse(rest).map(Self::Hub).map_err(invalid);
        }
        for provider in Provider::ALL {
            let rest = text.strip_prefix(provider.scheme()).and_then(|t| t.strip_prefix("://"));
            if let Some(rest) = rest {
                return BucketAddress::parse(provider, rest).map(Self::Bucket).map_err(invalid);
            }
        }
        web_address(text).map(Self::Web)
    }
}

fn web_address(text: &str) -> Result<Url, InvalidAddress> {
    let invalid = |reason| InvalidAddress::new(text, reason);
    let url =
        Url::parse(text).map_err(|_| invalid("it is neither a URL nor `file:` and a path"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(invalid(
            "only https:, http:, file:, s3:, gs:, az: and hf: are known, in small letters",
        ));
    }
    if text.contains("/../") || text.ends_with("/..") {
        return Err(invalid("it must not contain `..`"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(InvalidAddress::new(
            url.host_str().unwrap_or("?"),
            "it must hold no user name or password: addresses are published",
        ));
    }
    if url.host_str().is_none_or(|host| host.chars().all(|c| c == '.')) {
        return Err(invalid("it names no host"));
    }
    Ok(url)
}

/// Whether a relative path has nothing but plain names in it.
fn is_inside(path: &Path) -> bool {
    path.components().all(|component| matches!(component, Component::Normal(_)))
}

/// Whether a key or a path in a repository has plain, printable names between its slashes.
pub(crate) fn is_plain_key(key: &str) -> bool {
    !key.chars().any(char::is_control)
        && key.split('/').all(|name| !matches!(name, "" | "." | ".."))
}

/// Whether a bucket, an owner or a repository may be called so: never a path, nor a host of its own.
pub(crate) fn is_plain_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.chars().all(allowed)
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Web(url) => write!(formatter, "{url}"),
            Self::File(path) => write!(formatter, "file:{}", path.display()),
            Self::Bucket(bucket) => write!(formatter, "{bucket}"),
            Self::Hub(hub) => write!(formatter, "{hub}"),
        }
    }
}

impl TryFrom<String> for Address {
    type Error = InvalidAddress;

    fn try_from(text: String) -> Result<Self, InvalidAddress> {
        text.parse()
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.to_string()
    }
}

/// Text that is no address or pattern, or one that is not allowed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("address `{address}` is not allowed: {reason}")]
pub struct InvalidAddress {
    address: String,
    reason: String,
}

impl InvalidAddress {
    pub(crate) fn new(address: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { address: address.into(), reason: reason.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_cannot_leave_their_folder() {
        for bad in [
            "file:../x",
            "file:a/../../x",
            "file:/etc/passwd",
            "file:",
            "../../x",
            "ftp://h/x",
            "https://h/a/../../x",
            "https://%2e%2e/secret/x",
            "https://user:secret@h/x",
            "s3://bucket",
            "s3://bucket/",
            "s3:///key",
            "s3://../key",
            "s3://bucket/a/../x",
            "s3://bucket//x",
            "gs://user@bucket/x",
            "az://container/a\nb",
            "hf://datasets/owner/name/x",
            "hf://datasets/name@main/x",
            "hf://datasets/../name@main/x",
            "hf://datasets/owner/name@main/../x",
            "hf://datasets/owner/name@..%2Fx/y",
            "hf://datasets/owner/name@/y",
            "hf://datasets/owner/name@main/",
            "hf://models/owner/name@main/x",
        ] {
            assert!(bad.parse::<Address>().is_err(), "{bad}");
        }
        assert_eq!("file:a/b.csv".parse(), Ok(Address::File("a/b.csv".into())));
    }

    #[test]
    fn an_encoded_dot_dot_cannot_leave_the_mirror_either() {
        let address: Address = "https://h/a/%2e%2e/%2e%2e/%2e%2e/x".parse().unwrap();
        assert_eq!(address.mirror_path(), Some("h/x".into()));
    }

    #[test]
    fn the_text_of_every_kind_round_trips_and_has_a_place_in_a_mirror() {
        for (text, scheme, mirror) in [
            ("https://h/a%20b/c.json", "https", "h/a%20b/c.json"),
            ("s3://b-1/a/x y|z:0?.json", "s3", "s3/b-1/a/x y|z:0?.json"),
            ("gs://b.c/a", "gs", "gs/b.c/a"),
            ("az://container/a%20b", "az", "az/container/a%20b"),
            (
                "hf://datasets/o/n@refs%2Fpr%2F1/a|b-5_T15:12@x.parquet",
                "hf",
                "hf/datasets/o/n/refs/pr/1/a|b-5_T15:12@x.parquet",
            ),
        ] {
            let address: Address = text.parse().unwrap();
            assert_eq!((address.to_string().as_str(), address.scheme()), (text, scheme));
            assert_eq!(address.mirror_path(), Some(mirror.into()));
        }
    }

    #[test]
    fn the_new_kinds_sort_after_those_of_older_locks() {
        let mut addresses: Vec<Address> =
            ["hf://datasets/o/n@r/p", "az://c/k", "s3://b/k", "file:a", "https://z/", "http://a/"]
                .map(|text| text.parse().unwrap())
                .into();
        addresses.sort();
        let schemes: Vec<&str> = addresses.iter().map(Address::scheme).collect();
        assert_eq!(schemes, ["http", "https", "file", "s3", "az", "hf"]);
    }
}
