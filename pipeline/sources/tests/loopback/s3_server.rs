//! A server that speaks the part of the S3 protocol that reads: ListObjectsV2 and GetObject.
//!
//! Signatures are not checked, only whose they are: signing is `object_store`'s business. `s3s-fs`, a
//! whole S3 server, passed the same tests, and doubled what has to be compiled for them.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use crate::server::{Answer, Request, Server, decoded};

pub const BUCKET: &str = "results";

/// Keys a page of a listing.
const PAGE: usize = 2;

type Objects = Arc<Mutex<BTreeMap<String, Vec<u8>>>>;

pub struct S3 {
    objects: Objects,
    pub front: Server,
}

impl S3 {
    /// A bucket with these objects; with an account only who has it may read. `fault` answers in the
    /// place of S3, or changes its answer.
    pub fn start(
        objects: &[(&str, &[u8])],
        account: Option<&'static str>,
        fault: impl Fn(&Request, usize, &dyn Fn() -> Answer) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let objects = objects.iter().map(|(key, bytes)| ((*key).to_owned(), bytes.to_vec()));
        let objects: Objects = Arc::new(Mutex::new(objects.collect()));
        let served = Arc::clone(&objects);
        let front = Server::start(move |request, before| {
            fault(request, before, &|| answer(request, &served.lock().unwrap(), account))
        });
        Self { objects, front }
    }

    pub fn write(&self, key: &str, bytes: &[u8]) {
        self.objects.lock().unwrap().insert(key.to_owned(), bytes.to_vec());
    }
}

fn answer(request: &Request, objects: &BTreeMap<String, Vec<u8>>, account: Option<&str>) -> Answer {
    let authorization = request.header("authorization").unwrap_or_default();
    let known = |key| {
        authorization.starts_with(&format!("AWS4-HMAC-SHA256 Credential={key}/"))
            && authorization.contains("Signature=")
    };
    if account.is_some_and(|key| !known(key)) {
        return error("403 Forbidden", "InvalidAccessKeyId");
    }
    let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
    let Some(key) = path.strip_prefix(&format!("/{BUCKET}")) else {
        return error("404 Not Found", "NoSuchBucket");
    };
    let key = decoded(key.trim_start_matches('/'));
    if key.is_empty() {
        return list(objects, query);
    }
    let Some(bytes) = objects.get(&key) else { return error("404 Not Found", "NoSuchKey") };
    let tag = tag(bytes);
    if request.header("if-match").is_some_and(|expected| expected != tag) {
        return error("412 Precondition Failed", "PreconditionFailed");
    }
    dated(Answer::file(request, bytes, &tag))
}

/// With the date that every object has.
pub fn dated(answer: Answer) -> Answer {
    answer.with("Last-Modified", "Wed, 21 Oct 2015 07:28:00 GMT")
}

fn tag(bytes: &[u8]) -> String {
    format!("\"{}\"", &aliquot_store::ObjectId::of(bytes).to_string()[..32])
}

fn error(status: &str, code: &str) -> Answer {
    Answer::new(status, format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code></Error>"))
}

/// A page of keys after the one that the continuation token names.
fn list(objects: &BTreeMap<String, Vec<u8>>, query: &str) -> Answer {
    let parameters: BTreeMap<String, String> = query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.to_owned(), decoded(value)))
        .collect();
    assert_eq!(parameters["list-type"], "2");
    let prefix = parameters.get("prefix").map_or("", String::as_str);
    let after = parameters.get("continuation-token").map_or("", String::as_str);
    let mut keys = objects.keys().filter(|key| key.starts_with(prefix) && key.as_str() > after);
    let page: Vec<&String> = keys.by_ref().take(PAGE).collect();
    let more = keys.next().is_some();
    let contents: String = page
        .iter()
        .map(|key| {
            let bytes = &objects[*key];
            format!(
                "<Contents><Key>{key}</Key><LastModified>2015-10-21T07:28:00.000Z</LastModified>\
                 <ETag>{}</ETag><Size>{}</Size></Contents>",
                tag(bytes),
                bytes.len()
            )
        })
        .collect();
    let token = match (more, page.last()) {
        (true, Some(last)) => format!("<NextContinuationToken>{last}</NextContinuationToken>"),
        _ => String::new(),
    };
    Answer::ok(format!(
        "<?xml version=\"1.0\"?><ListBucketResult><Name>{BUCKET}</Name><Prefix>{prefix}</Prefix>\
         <KeyCount>{}</KeyCount><IsTruncated>{more}</IsTruncated>{contents}{token}\
         </ListBucketResult>",
        page.len()
    ))
}
