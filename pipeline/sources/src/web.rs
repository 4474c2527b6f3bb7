//! Requests over HTTP: redirects under control, refusals told apart from what passes.

use std::{io::Read, time::Duration};

use reqwest::{
    StatusCode,
    blocking::{Client, RequestBuilder, Response},
    header::{CONTENT_RANGE, ETAG, HeaderMap, IF_RANGE, LOCATION, RANGE},
    redirect,
};
use url::Url;

use crate::{
    Forbidden,
    allow::Allow,
    download::Answer,
    hub::Hub,
    patience::{Refusal, Trouble},
};

/// Redirects in a row.
const MOST_REDIRECTS: usize = 10;

/// Largest answer that is read into memory: a page of a listing.
const LARGEST_PAGE: u64 = 32 << 20;

/// Whose file a request is about; it decides where redirects may lead and what refusals mean.
#[derive(Clone, Copy)]
pub(crate) enum Owner<'a> {
    /// Any web server.
    Anyone,
    /// The Hub, for this repository.
    Repository(&'a str),
}

pub(crate) struct Web {
    client: Client,
    pub(crate) hub: Hub,
    pub(crate) allow: Allow,
}

impl Web {
    /// A client that takes a connection for dead when it is silent for that long.
    pub(crate) fn new(silence: Duration, hub: Hub, allow: Allow) -> Result<Self, reqwest::Error> {
        // Redirects are followed below, where it is known whose file was asked for.
        let client = Client::builder().redirect(redirect::Policy::none()).timeout(silence);
        Ok(Self { client: client.build()?, hub, allow })
    }

    /// The bytes of a file from one on, if it is still the version of that tag.
    pub(crate) fn part(
        &self,
        url: &Url,
        owner: Owner<'_>,
        from: u64,
        tag: Option<&str>,
    ) -> Result<Answer<'static>, Trouble> {
        let response = self.send(url, owner, &|request| match (from, tag) {
            (0, _) => request,
            (from, None) => request.header(RANGE, format!("bytes={from}-")),
            (from, Some(tag)) => {
                request.header(RANGE, format!("bytes={from}-")).header(IF_RANGE, tag)
            }
        })?;
        let headers = response.headers();
        let tag = headers.get(ETAG).and_then(|tag| tag.to_str().ok());
        // A weak tag says "nearly the same", which bytes are not.
        let tag = tag.filter(|tag| !tag.starts_with("W/")).map(str::to_owned);
        let promised = response.content_length();
        let (starts_at, total) = match response.status() {
            StatusCode::OK => (Some(0), promised),
            StatusCode::PARTIAL_CONTENT => content_range(headers),
            _ => (None, None),
        };
        Ok(Answer { starts_at, total, promised, tag, body: Box::new(response) })
    }

    /// A whole answer that fits into memory, with its headers.
    pub(crate) fn page(
        &self,
        url: &Url,
        owner: Owner<'_>,
    ) -> Result<(HeaderMap, Vec<u8>), Trouble> {
        let response = self.send(url, owner, &|request| request)?;
        let (headers, mut body) = (response.headers().clone(), Vec::new());
        let read = response.take(LARGEST_PAGE + 1).read_to_end(&mut body);
        read.map_err(|error| Trouble::passing(error.to_string()))?;
        if body.len() as u64 > LARGEST_PAGE {
            return Err(Trouble::malformed(format!("a page of more than {LARGEST_PAGE} bytes")));
        }
        Ok((headers, body))
    }

    /// Sends a request, also to where it is redirected; what comes back is a success, or a range that
    /// cannot be satisfied.
    fn send(
        &self,
        url: &Url,
        owner: Owner<'_>,
        dress: &dyn Fn(RequestBuilder) -> RequestBuilder,
    ) -> Result<Response, Trouble> {
        let mut url = url.clone();
        for _ in 0..=MOST_REDIRECTS {
            let mut request = dress(self.client.get(url.clone()));
            if let (Owner::Repository(_), Some(token)) = (owner, self.hub.token_for(&url)) {
                request = request.bearer_auth(token);
            }
            let response = request.send().map_err(Trouble::sending)?;
            let status = response.status();
            if !status.is_redirection() {
                return self.answered(&url, owner, response);
            }
            url = redirect_target(&url, response.headers())?;
            self.check_redirect(owner, &url)
                .map_err(|forbidden| Trouble::Refused(Refusal::Forbidden(forbidden)))?;
        }
        Err(Trouble::malformed(format!("more than {MOST_REDIRECTS} redirects")))
    }

    fn check_redirect(&self, owner: Owner<'_>, to: &Url) -> Result<(), Forbidden> {
        match owner {
            Owner::Anyone => self.allow.check_redirect(to),
            Owner::Repository(_) => self.hub.check_redirect(to, &self.allow),
        }
    }

    fn answered(
        &self,
        url: &Url,
        owner: Owner<'_>,
        response: Response,
    ) -> Result<Response, Trouble> {
        let status = response.status();
        if status.is_success() || status == StatusCode::RANGE_NOT_SATISFIABLE {
            return Ok(response);
        }
        if let Some(busy) = Trouble::busy(status, response.headers()) {
            return Err(busy);
        }
        let problem = match owner {
            // Only the Hub itself speaks of its repositories; file hosts have refusals of their own.
            Owner::Repository(repository) if self.hub.serves(url) => {
                self.hub.problem(repository, status, response.headers())
            }
            _ => None,
        };
        Err(Trouble::Refused(problem.map_or(Refusal::Status(status), Refusal::Hub)))
    }
}

fn redirect_target(from: &Url, headers: &HeaderMap) -> Result<Url, Trouble> {
    let target = headers.get(LOCATION).and_then(|location| location.to_str().ok());
    let url = target.and_then(|target| from.join(target).ok());
    url.ok_or_else(|| Trouble::malformed("a redirect that names no address"))
}

/// First byte and total size of `Content-Range: bytes 100-199/200`; either may be unknown.
fn content_range(headers: &HeaderMap) -> (Option<u64>, Option<u64>) {
    let range = headers.get(CONTENT_RANGE).and_then(|range| range.to_str().ok());
    let range = range.and_then(|range| range.strip_prefix("bytes ")?.split_once('/'));
    range.map_or((None, None), |(bytes, total)| {
        (bytes.split('-').next().and_then(|first| first.parse().ok()), total.parse().ok())
    })
}
