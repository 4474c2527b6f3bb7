use std::{
    fmt,
    path::{Component, Path, PathBuf},
    str::FromStr,
};

use serde::{Deserialize, Serialize};
use thiserror::Error;
use url::Url;

/// Where a raw file lies: an `https:` or `http:` URL, or `file:` and a path inside the data folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Address {
    /// On the web.
    Web(Url),
    /// Relative to the data folder, never out of it.
    File(PathBuf),
}

impl Address {
    /// Host of a web address.
    pub fn host(&self) -> Option<&str> {
        match self {
            Self::Web(url) => url.host_str(),
            Self::File(_) => None,
        }
    }

    /// `host/path` of a web address without query, as a mirror lays it out.
    /// It never leads out of it.
    pub fn mirror_path(&self) -> Option<PathBuf> {
        match self {
            Self::Web(url) if url.query().is_none() => {
                let path = Path::new(url.host_str()?).join(url.path().trim_start_matches('/'));
                is_inside(&path).then_some(path)
            }
            _ => None,
        }
    }
}

impl FromStr for Address {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        let invalid = |reason| InvalidAddress { address: text.to_owned(), reason };
        if let Some(path) = text.strip_prefix("file:") {
            let path = Path::new(path);
            if !is_inside(path) || path.as_os_str().is_empty() {
                return Err(invalid(
                    "a file: address is a relative path without `..`, inside the data folder",
                ));
            }
            return Ok(Self::File(path.to_owned()));
        }
        let url =
            Url::parse(text).map_err(|_| invalid("it is neither a URL nor `file:` and a path"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(invalid("only https:, http: and file: are allowed"));
        }
        if text.contains("/../") || text.ends_with("/..") {
            return Err(invalid("it must not contain `..`"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(InvalidAddress {
                address: url.host_str().unwrap_or("?").to_owned(),
                reason: "it must hold no user name or password: addresses are published",
            });
        }
        if url.host_str().is_none_or(|host| host.chars().all(|c| c == '.')) {
            return Err(invalid("it names no host"));
        }
        Ok(Self::Web(url))
    }
}

/// Whether a relative path has nothing but plain names in it.
fn is_inside(path: &Path) -> bool {
    path.components().all(|component| matches!(component, Component::Normal(_)))
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Web(url) => write!(formatter, "{url}"),
            Self::File(path) => write!(formatter, "file:{}", path.display()),
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

/// Text that is no address, or one that is not allowed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("address `{address}` is not allowed: {reason}")]
pub struct InvalidAddress {
    address: String,
    reason: &'static str,
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
}
