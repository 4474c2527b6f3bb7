//! The HTTP client of buckets: no redirects, no long silence, and what a busy server asks for is
//! passed on, which `object_store` by itself would drop.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    time::{Duration, SystemTime},
};

use object_store::{
    ClientOptions,
    client::{
        HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService,
    },
};
use reqwest::{StatusCode, header::LOCATION, redirect};
use url::Url;

use crate::patience::{is_busy, retry_after};

/// Makes the clients.
#[derive(Debug)]
pub(crate) struct Connector {
    /// A connection that says nothing for this long is dead.
    pub(crate) silence: Duration,
    /// Whether the environment allows requests without TLS.
    pub(crate) plain_http: bool,
}

impl HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        let client = reqwest::Client::builder()
            .redirect(redirect::Policy::none())
            .connect_timeout(self.silence)
            .read_timeout(self.silence)
            .https_only(!self.plain_http)
            .build()
            .map_err(|source| object_store::Error::Generic {
                store: "HTTP client",
                source: Box::new(source),
            })?;
        Ok(HttpClient::new(Client(client)))
    }
}

#[derive(Debug)]
struct Client(reqwest::Client);

/// An answer that is neither the object nor a refusal: come again, or go elsewhere.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) status: StatusCode,
    /// How long the server asks to wait.
    pub(crate) retry_after: Option<Duration>,
    /// Host that it redirects to.
    pub(crate) location: Option<String>,
}

impl fmt::Display for Answered {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "the server answered {}", self.status)
    }
}

impl std::error::Error for Answered {}

impl HttpService for Client {
    fn call<'a, 'b>(
        &'a self,
        request: HttpRequest,
    ) -> Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'b>>
    where
        'a: 'b,
        Self: 'b,
    {
        Box::pin(async move {
            let response = HttpService::call(&self.0, request).await?;
            let (status, headers) = (response.status(), response.headers());
            if !is_busy(status) && !status.is_redirection() {
                return Ok(response);
            }
            let location = headers.get(LOCATION).and_then(|location| location.to_str().ok());
            let host = location.and_then(|location| location.parse::<Url>().ok());
            let answered = Answered {
                status,
                retry_after: retry_after(headers, SystemTime::now()),
                location: host.and_then(|url| url.host_str().map(str::to_owned)),
            };
            Err(HttpError::new(HttpErrorKind::Decode, answered))
        })
    }
}
