//! What the Hub answers about revisions and trees.

use reqwest::header::HeaderMap;
use serde::Deserialize;

use crate::hub_address::is_commit;

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
