//! A dataset repository in the layout of the Hub.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::server::{Answer, Request, decoded};

pub const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// Large files are redirected to `files`, as the Hub does.
#[derive(Clone)]
pub struct Repository {
    /// `owner/name`.
    pub id: &'static str,
    pub files: BTreeMap<&'static str, Vec<u8>>,
    /// Origin of the server of large files.
    pub large_files: String,
    /// Entries a page.
    pub page: usize,
    /// Token of an account that has accepted the terms; None if there are no terms.
    pub token: Option<&'static str>,
}

/// Files of this many bytes and more are large.
const LARGE: usize = 100;

impl Repository {
    /// SHA-256 in hexadecimal digits.
    pub fn digest(bytes: &[u8]) -> String {
        Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Serves a large file by `/lfs/<sha256>`.
    pub fn large_file(&self, request: &Request) -> Answer {
        let sha256 = request.target.trim_start_matches("/lfs/").split('?').next().unwrap();
        let file = self.files.values().find(|bytes| Self::digest(bytes) == sha256);
        file.map_or(Answer::new("404 Not Found", ""), |bytes| {
            Answer::file(request, bytes, &format!("\"{sha256}\""))
        })
    }

    pub fn answer(&self, request: &Request, origin: &str) -> Answer {
        let refused = |status: &str, code: &str| {
            Answer::new(status, "{}").with("X-Error-Code", code).with("X-Error-Message", "no")
        };
        let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
        let api = format!("/api/datasets/{}/", self.id);
        let files = format!("/datasets/{}/resolve/", self.id);
        let Some(rest) = path.strip_prefix(&api).or(path.strip_prefix(&files)) else {
            return refused("404 Not Found", "RepoNotFound");
        };
        let authorised = self.token.map(|token| format!("Bearer {token}"));
        if authorised.is_some() && request.header("authorization") != authorised.as_deref() {
            return match request.header("authorization") {
                None => refused("401 Unauthorized", "GatedRepo"),
                Some("Bearer hf_nonsense") => Answer::new("401 Unauthorized", "{}")
                    .with("X-Error-Message", "Invalid credentials in Authorization header"),
                Some(_) => refused("403 Forbidden", "GatedRepo"),
            };
        }
        if path.starts_with(&files) {
            return self.resolve(rest, request);
        }
        match rest.split('/').collect::<Vec<_>>().as_slice() {
            ["revision", "main" | "refs%2Fpr%2F1"] => {
                Answer::ok(format!(r#"{{"id":"{}","sha":"{COMMIT}","private":false}}"#, self.id))
            }
            ["tree", COMMIT, folder @ ..] => {
                let page = format!("{origin}{path}?recursive=true&expand=false&cursor=");
                self.tree(&decoded(&folder.join("/")), query, &page)
            }
            _ => refused("404 Not Found", "RevisionNotFound"),
        }
    }

    fn resolve(&self, rest: &str, request: &Request) -> Answer {
        let (revision, path) = rest.split_once('/').unwrap();
        let file = self.files.get(decoded(path).as_str()).filter(|_| revision == COMMIT);
        match file {
            None => Answer::new("404 Not Found", "").with("X-Error-Code", "EntryNotFound"),
            Some(bytes) if bytes.len() >= LARGE => {
                let sha256 = Self::digest(bytes);
                Answer::redirect(&format!("{}/lfs/{sha256}?signature=s", self.large_files))
            }
            Some(bytes) => Answer::file(request, bytes, "\"small\""),
        }
    }

    /// A page of the files below a folder; without `recursive`, of those in it.
    fn tree(&self, folder: &str, query: &str, next: &str) -> Answer {
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let deep = query.contains("recursive=true");
        let below = self.files.iter().filter(|(path, _)| {
            path.strip_prefix(&prefix).is_some_and(|rest| deep || !rest.contains('/'))
        });
        let mut entries: Vec<String> = below.map(|(path, bytes)| entry(path, bytes)).collect();
        if entries.is_empty() {
            return Answer::new("404 Not Found", "{}").with("X-Error-Code", "EntryNotFound");
        }
        entries.insert(0, r#"{"type":"directory","oid":"00","size":0,"path":"runs"}"#.to_owned());
        let start: usize =
            query.rsplit_once("cursor=").map_or(0, |(_, cursor)| cursor.parse().unwrap());
        let end = entries.len().min(start + self.page);
        let answer = Answer::ok(format!("[{}]", entries[start..end].join(",")));
        match end < entries.len() {
            true => answer.with("Link", &format!("<{next}{end}>; rel=\"next\"")),
            false => answer,
        }
    }
}

fn entry(path: &str, bytes: &[u8]) -> String {
    let (size, digest) = (bytes.len(), Repository::digest(bytes));
    let large =
        format!(r#","lfs":{{"oid":"{}","size":{size},"pointerSize":131}},"xetHash":"ff""#, digest);
    let large = if size >= LARGE { large.as_str() } else { "" };
    format!(r#"{{"type":"file","oid":"00","size":{size},"path":"{path}"{large}}}"#)
}
