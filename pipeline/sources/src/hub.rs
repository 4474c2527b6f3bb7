//! The Hub: where its files are, what it lists, and what its refusals mean.

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{StatusCode, header::HeaderMap};
use url::Url;

use crate::{
    Forbidden, HubAddress, HubProblem, InvalidAddress,
    allow::{Allow, is_under},
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

    /// The public Hub, asked by nobody.
    pub fn public() -> Result<Self, InvalidAddress> {
        Self::new(PUBLIC, None)
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

    /// What a refusal of the Hub's own means, None if it tells no more than the status.
    pub(crate) fn problem(
        &self,
        repository: &str,
        status: StatusCode,
        headers: &HeaderMap,
    ) -> Option<HubProblem> {
        let base = self.endpoint.as_str().trim_end_matches('/');
        let page = format!("{base}/datasets/{repository}");
        HubProblem::read(self.token.is_some(), page, status, headers)
    }
}

fn encoded(segment: &str) -> String {
    utf8_percent_encode(segment, SEGMENT).to_string()
}

fn encoded_path(path: &str) -> String {
    path.split('/').map(encoded).collect::<Vec<_>>().join("/")
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
}
