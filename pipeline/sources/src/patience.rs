//! Trying again: how often, and after which wait.

use std::{
    io, thread,
    time::{Duration, SystemTime},
};

use reqwest::{StatusCode, header::HeaderMap, header::RETRY_AFTER};

use crate::{Forbidden, HubProblem};

/// Requests for one thing before giving up.
pub(crate) const ATTEMPTS: u32 = 6;

/// Longest wait that a server may ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(120);

/// Why one request did not bring what was asked for.
pub(crate) enum Trouble {
    /// It may work later.
    Passing {
        /// What happened.
        what: String,
        /// How long the server asks to wait.
        retry_after: Option<Duration>,
    },
    /// It will not.
    Refused(Refusal),
    /// The bytes could not be written here.
    Store(io::Error),
}

/// Why no further request would help.
pub(crate) enum Refusal {
    /// The server said no.
    Status(StatusCode),
    /// The Hub said no, and why.
    Hub(HubProblem),
    /// The bucket's provider said no.
    Bucket(String),
    /// The answer led to where the recipe does not allow.
    Forbidden(Forbidden),
    /// The answer is not what the protocol says.
    Malformed(String),
}

/// Why it was given up.
pub(crate) enum Stopped {
    Refused(Refusal),
    Store(io::Error),
    GaveUp { last: String },
}

impl Trouble {
    /// Trouble that says nothing about when it is over.
    pub(crate) fn passing(what: impl Into<String>) -> Self {
        Self::Passing { what: what.into(), retry_after: None }
    }

    pub(crate) fn malformed(what: impl Into<String>) -> Self {
        Self::Refused(Refusal::Malformed(what.into()))
    }

    /// The error with its causes: `reqwest` alone says only that sending failed. Without the URL,
    /// which may carry a signature.
    pub(crate) fn sending(error: reqwest::Error) -> Self {
        let error = error.without_url();
        let mut what = error.to_string();
        let mut cause = std::error::Error::source(&error);
        while let Some(error) = cause {
            what = format!("{what}: {error}");
            cause = error.source();
        }
        Self::passing(what)
    }

    /// A status that comes and goes, with the wait that the server asks for.
    pub(crate) fn busy(status: StatusCode, headers: &HeaderMap) -> Option<Self> {
        is_busy(status).then(|| Self::Passing {
            what: format!("the server answered {status}"),
            retry_after: retry_after(headers, SystemTime::now()),
        })
    }
}

/// Whether a status is one that comes and goes.
pub(crate) fn is_busy(status: StatusCode) -> bool {
    status.is_server_error()
        || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT)
}

/// Works until it is done, refused, or has failed [`ATTEMPTS`] times; waits twice as long each time,
/// or as long as the server asks.
pub(crate) fn patiently<T>(
    first_wait: Duration,
    mut work: impl FnMut() -> Result<T, Trouble>,
) -> Result<T, Stopped> {
    let mut wait = first_wait;
    let mut attempt = 1;
    loop {
        match work() {
            Ok(done) => return Ok(done),
            Err(Trouble::Store(error)) => return Err(Stopped::Store(error)),
            Err(Trouble::Refused(refusal)) => return Err(Stopped::Refused(refusal)),
            Err(Trouble::Passing { what, .. }) if attempt == ATTEMPTS => {
                return Err(Stopped::GaveUp { last: what });
            }
            Err(Trouble::Passing { retry_after, .. }) => {
                thread::sleep(retry_after.unwrap_or(wait).min(LONGEST_WAIT));
                wait *= 2;
                attempt += 1;
            }
        }
    }
}

/// `Retry-After` in seconds or as an HTTP date (RFC 9110, 10.2.3); a date that has passed is no wait.
pub(crate) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_asked_for_in_seconds_or_by_date() {
        // RFC 9110's example date, half a minute before it.
        let now = httpdate::parse_http_date("Fri, 31 Dec 1999 23:59:29 GMT").unwrap();
        let wait = |text: &str| {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, text.parse().unwrap())]);
            retry_after(&headers, now)
        };
        assert_eq!(wait("120"), Some(Duration::from_secs(120)));
        assert_eq!(wait("Fri, 31 Dec 1999 23:59:59 GMT"), Some(Duration::from_secs(30)));
        assert_eq!(wait("Fri, 31 Dec 1999 23:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!((wait("soon"), wait("-1")), (None, None));
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }

    #[test]
    fn passing_trouble_is_tried_again_a_few_times_and_a_refusal_is_not() {
        let mut calls = 0;
        let given_up: Result<(), Stopped> = patiently(Duration::ZERO, || {
            calls += 1;
            Err(Trouble::passing(format!("trouble {calls}")))
        });
        assert!(matches!(given_up, Err(Stopped::GaveUp { last }) if last == "trouble 6"));
        let mut calls = 0;
        let refused: Result<(), Stopped> = patiently(Duration::ZERO, || {
            calls += 1;
            Err(Trouble::malformed("nonsense"))
        });
        assert!(matches!(refused, Err(Stopped::Refused(_))));
        assert_eq!(calls, 1);
    }
}
