//! The Hub: where its files are, what it lists, and what its refusals mean.

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{StatusCode, header::HeaderMap};
use serde::Deserialize;
use thiserror::Error;
use url::Url;

use crate::{
    Forbidden, HubAddress, InvalidAddress,
    allow::{Allow, is_under},
    hub_address::is_commit,
};

/// The public Hub.
const PUBLIC: &str = "https://huggingface.co";

/// Where the public Hub redirects large files to, besides its own domain: hosts under this name.
/// SOURCE: "Downloading behind a proxy or firewall" of its documentation.
const PUBLIC_FILES: &str = "hf.co";

/// What a path segment keeps; the rest is percent-encoded.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A Hub, and who asks it.
#[derive(Debug, Clone)]
pub struct Hub {
    endpoint: Url,
    token: Option<Token>,
}

/// A secret; its debug form does not tell it.
#[derive(Clone)]
struct Token(String);

impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Token")
    }
}

/// Why the Hub refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum HubProblem {
    /// Its owner wants terms to be accepted.
    #[error("the repository is gated, and {}", if *known { "the account of this token has not accepted its terms" } else { "no token was sent" })]
    Gated {
        /// Whether a token was sent.
        known: bool,
        /// Page where terms are accepted.
        page: String,
    },
    /// The token is none.
    #[error("the Hub does not accept the token")]
    Token,
    /// There is no such repository, or not for whoever asks.
    #[error("there is no such repository, or it is private")]
    Repository {
        /// Whether a token was sent.
        known: bool,
        /// Page that it would have.
        page: String,
    },
    /// There is no such branch, tag or commit.
    #[error("the repository has no such revision")]
    Revision {
        /// Page that lists what there is.
        page: String,
    },
    /// There is no such file or folder.
    #[error("the repository has no such file or folder at this revision")]
    Entry {
        /// Page that lists what there is.
        page: String,
    },
    /// The account may not.
    #[error("access is denied")]
    Denied {
        /// Whether a token was sent.
        known: bool,
    },
}

impl HubProblem {
    /// What to do about it.
    pub fn step(&self) -> String {
        match self {
            Self::Gated { known: true, page } => {
                format!("accept the terms on {page} with the account of that token")
            }
            Self::Gated { known: false, page } => {
                format!("accept the terms on {page}, then set HF_TOKEN to a token of that account")
            }
            Self::Token => "set HF_TOKEN to a valid token, or unset it for public files".to_owned(),
            Self::Repository { known, page } => {
                let token = if *known { "give its token" } else { "set HF_TOKEN" };
                format!("check the owner and the name ({page}); if it is private, {token}")
            }
            Self::Revision { page } => format!("check the branch, tag or commit: {page}"),
            Self::Entry { page } => format!("check the path: {page} lists what there is"),
            Self::Denied { known: true } => {
                "use a token that may read this repository in HF_TOKEN".to_owned()
            }
            Self::Denied { known: false } => "set HF_TOKEN to a token that may read it".to_owned(),
        }
    }
}

impl Hub {
    /// The Hub at a base address, with a token for it.
    pub fn new(endpoint: &str, token: Option<String>) -> Result<Self, InvalidAddress> {
        let invalid = |reason: &str| {
            InvalidAddress::new("HF_ENDPOINT", format!("{reason}; the default is {PUBLIC}"))
        };
        let url = Url::parse(endpoint).map_err(|_| invalid("it must be an https: address"))?;
        let plain = url.username().is_empty() && url.password().is_none() && url.query().is_none();
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() || !plain {
            return Err(invalid("it must be an https: address without credentials and query"));
        }
        let token = token.map(|token| token.trim().to_owned()).filter(|token| !token.is_empty());
        if token.as_ref().is_some_and(|token| !token.bytes().all(|byte| byte.is_ascii_graphic())) {
            return Err(InvalidAddress::new("HF_TOKEN", "it holds what no token holds"));
        }
        Ok(Self { endpoint: url, token: token.map(Token) })
    }

    /// As `HF_ENDPOINT` and `HF_TOKEN` say; without them the public Hub, asked by nobody.
    pub fn from_environment() -> Result<Self, InvalidAddress> {
        let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let endpoint = variable("HF_ENDPOINT").unwrap_or_else(|| PUBLIC.to_owned());
        Self::new(&endpoint, variable("HF_TOKEN"))
    }

    /// Address of a file's bytes.
    pub(crate) fn file(&self, address: &HubAddress) -> Result<Url, InvalidAddress> {
        let HubAddress { repository, revision, path } = address;
        let revision = encoded(revision);
        self.url(&format!("datasets/{repository}/resolve/{revision}/{}", encoded_path(path)))
    }

    /// Address that tells the commit of a branch or tag.
    pub(crate) fn revision(&self, address: &HubAddress) -> Result<Url, InvalidAddress> {
        let HubAddress { repository, revision, .. } = address;
        self.url(&format!("api/datasets/{repository}/revision/{}", encoded(revision)))
    }

    /// Address of the first page of a folder's files.
    pub(crate) fn tree(
        &self,
        address: &HubAddress,
        commit: &str,
        folder: &str,
        deep: bool,
    ) -> Result<Url, InvalidAddress> {
        let slash = if folder.is_empty() { "" } else { "/" };
        let (repository, folder) = (&address.repository, encoded_path(folder));
        let deep = if deep { "?recursive=true" } else { "" };
        self.url(&format!("api/datasets/{repository}/tree/{commit}{slash}{folder}{deep}"))
    }

    fn url(&self, path: &str) -> Result<Url, InvalidAddress> {
        let base = self.endpoint.as_str().trim_end_matches('/');
        Url::parse(&format!("{base}/{path}"))
            .map_err(|error| InvalidAddress::new(path, error.to_string()))
    }

    /// Whether a URL is the Hub's own: same scheme, host and port.
    pub(crate) fn serves(&self, url: &Url) -> bool {
        self.endpoint.origin() == url.origin()
    }

    /// The token, for a URL of the Hub's own and for no other.
    pub(crate) fn token_for(&self, url: &Url) -> Option<&str> {
        self.token.as_ref().filter(|_| self.serves(url)).map(|token| token.0.as_str())
    }

    /// Whether a redirect from the Hub may be followed: to itself, to hosts under its own name, for
    /// the public Hub to its file hosts, and to hosts that the recipe allows; without TLS only where
    /// the Hub itself has none.
    pub(crate) fn check_redirect(&self, to: &Url, allow: &Allow) -> Result<(), Forbidden> {
        if to.scheme() != "https" && to.scheme() != self.endpoint.scheme() {
            return Err(Forbidden::Scheme(to.scheme().to_owned()));
        }
        let (own, host) =
            (self.endpoint.host_str().unwrap_or_default(), to.host_str().unwrap_or_default());
        let public = self.endpoint.as_str().trim_end_matches('/') == PUBLIC;
        if host == own || is_under(host, own) || (public && is_under(host, PUBLIC_FILES)) {
            return Ok(());
        }
        allow.check_host(host)
    }

    /// What a refusal means, by the `X-Error-Code` that the Hub sends and the status.
    pub(crate) fn problem(
        &self,
        repository: &str,
        status: StatusCode,
        headers: &HeaderMap,
    ) -> Option<HubProblem> {
        let known = self.token.is_some();
        let page =
            format!("{}/datasets/{repository}", self.endpoint.as_str().trim_end_matches('/'));
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let invalid_token = || {
            header("x-error-message").is_some_and(|message| message.contains("Invalid credentials"))
        };
        Some(match (header("x-error-code").unwrap_or_default(), status) {
            ("GatedRepo", _) => HubProblem::Gated { known, page },
            _ if known && invalid_token() => HubProblem::Token,
            ("RepoNotFound", _) => HubProblem::Repository { known, page },
            ("RevisionNotFound", _) => HubProblem::Revision { page },
            ("EntryNotFound", _) => HubProblem::Entry { page },
            (_, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => HubProblem::Denied { known },
            _ => return None,
        })
    }
}

fn encoded(segment: &str) -> String {
    utf8_percent_encode(segment, SEGMENT).to_string()
}

fn encoded_path(path: &str) -> String {
    path.split('/').map(encoded).collect::<Vec<_>>().join("/")
}

/// Answer about a revision.
#[derive(Deserialize)]
struct Revision {
    sha: String,
}

/// The commit in the answer about a revision.
pub(crate) fn commit(body: &[u8]) -> Result<String, String> {
    let revision: Revision = serde_json::from_slice(body)
        .map_err(|error| format!("the answer about the revision: {error}"))?;
    match is_commit(&revision.sha) {
        true => Ok(revision.sha),
        false => Err("the answer about the revision names no commit".to_owned()),
    }
}

/// A file or folder of a repository, as the Hub lists it.
#[derive(Deserialize)]
pub(crate) struct Entry {
    #[serde(rename = "type")]
    kind: String,
    pub(crate) path: String,
    #[serde(default)]
    size: u64,
    lfs: Option<LargeFile>,
}

#[derive(Deserialize)]
struct LargeFile {
    oid: String,
    size: u64,
}

impl Entry {
    /// A page of entries.
    pub(crate) fn page(body: &[u8]) -> Result<Vec<Self>, String> {
        serde_json::from_slice(body).map_err(|error| format!("the list of files: {error}"))
    }

    pub(crate) fn is_file(&self) -> bool {
        self.kind == "file"
    }

    /// Size and, for a large file, SHA-256: the `oid` of other files is a git hash.
    pub(crate) fn content(&self) -> Result<(u64, Option<String>), String> {
        let Some(LargeFile { oid, size }) = &self.lfs else { return Ok((self.size, None)) };
        let hexadecimal = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if oid.len() != 64 || !oid.bytes().all(hexadecimal) {
            return Err(format!("the list of files: `{}` has no SHA-256", self.path));
        }
        Ok((*size, Some(oid.clone())))
    }
}

/// The target of `rel="next"` in a `Link` header (RFC 8288).
pub(crate) fn next_link(headers: &HeaderMap) -> Option<&str> {
    let values = headers.get_all("link").into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split('<').skip(1)).find_map(|link| {
        let (target, parameters) = link.split_once('>')?;
        let is_next = |parameter: &str| {
            matches!(parameter.trim().trim_end_matches(','), "rel=\"next\"" | "rel=next")
        };
        parameters.split(';').any(is_next).then_some(target)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> HubAddress {
        HubAddress::parse(text).unwrap()
    }

    #[test]
    fn paths_are_percent_encoded_segment_by_segment() {
        let hub = Hub::new("https://hub.example/base/", None).unwrap();
        let file = address("datasets/o/n@refs%2Fpr%2F1/a b/2023-07-18T15:12/x|y-5%.parquet");
        assert_eq!(
            hub.file(&file).unwrap().as_str(),
            "https://hub.example/base/datasets/o/n/resolve/refs%2Fpr%2F1/a%20b/2023-07-18T15%3A12/\
             x%7Cy-5%25.parquet"
        );
        assert_eq!(
            hub.tree(&file, "abc", "a b", true).unwrap().as_str(),
            "https://hub.example/base/api/datasets/o/n/tree/abc/a%20b?recursive=true"
        );
    }

    #[test]
    fn the_token_is_for_the_hub_alone_and_is_never_told() {
        let hub = Hub::new("https://hub.example", Some("hf_secret\n".into())).unwrap();
        let token = |url: &str| hub.token_for(&url.parse().unwrap()).map(str::to_owned);
        assert_eq!(token("https://hub.example/x").as_deref(), Some("hf_secret"));
        for other in
            ["http://hub.example/x", "https://hub.example:444/x", "https://cdn.hub.example/x"]
        {
            assert_eq!(token(other), None, "{other}");
        }
        assert!(!format!("{hub:?}").contains("secret"));
        assert!(Hub::new("https://hub.example", Some("a b".into())).is_err());
    }

    #[test]
    fn redirects_stay_with_the_hub_unless_the_recipe_says_otherwise() {
        let check = |endpoint: &str, to: &str, hosts: &[&str]| {
            let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
            let allow = Allow::new(None, Some(&hosts), []).unwrap();
            Hub::new(endpoint, None).unwrap().check_redirect(&to.parse().unwrap(), &allow)
        };
        for to in ["https://huggingface.co/x", "https://cdn-lfs.huggingface.co/x"] {
            assert_eq!(check(PUBLIC, to, &[]), Ok(()), "{to}");
        }
        assert_eq!(check(PUBLIC, "https://us.aws.cdn.hf.co/x", &[]), Ok(()));
        let evil = check(PUBLIC, "https://evil-hf.co/x", &[]);
        assert_eq!(evil, Err(Forbidden::Host("evil-hf.co".into())));
        let plain = check(PUBLIC, "http://cdn-lfs.huggingface.co/x", &["cdn-lfs.huggingface.co"]);
        assert_eq!(plain, Err(Forbidden::Scheme("http".into())));
        assert!(check("https://hub.example", "https://us.aws.cdn.hf.co/x", &[]).is_err());
        assert_eq!(
            check("https://hub.example", "https://a.cdn.example/x", &["*.cdn.example"]),
            Ok(())
        );
    }

    #[test]
    fn only_a_next_link_is_a_next_link() {
        let next = |value: &str| {
            let headers = HeaderMap::from_iter([(reqwest::header::LINK, value.parse().unwrap())]);
            next_link(&headers).map(str::to_owned)
        };
        assert_eq!(next("<https://h/a?c=1,2>; rel=\"next\"").as_deref(), Some("https://h/a?c=1,2"));
        assert_eq!(
            next("<https://h/0>; rel=\"prev\", <https://h/2>; rel=\"next\"").as_deref(),
            Some("https://h/2")
        );
        assert_eq!((next("<https://h/0>; rel=\"prev\""), next("nonsense")), (None, None));
    }

    #[test]
    fn a_listing_that_is_not_one_says_so() {
        assert!(commit(br#"{"sha":"main"}"#).unwrap_err().contains("names no commit"));
        assert!(Entry::page(b"<html>").is_err_and(|error| error.contains("list of files")));
        let page =
            br#"[{"type":"file","path":"x","size":3,"oid":"1","lfs":{"oid":"ab","size":3}}]"#;
        assert!(Entry::page(page).unwrap()[0].content().unwrap_err().contains("no SHA-256"));
    }
}
