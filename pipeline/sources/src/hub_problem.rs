use reqwest::{StatusCode, header::HeaderMap};
use thiserror::Error;

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

    /// What a refusal means, by the `X-Error-Code` that the Hub sends and the status; `known` is
    /// whether a token was sent.
    pub(crate) fn read(
        known: bool,
        page: String,
        status: StatusCode,
        headers: &HeaderMap,
    ) -> Option<Self> {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let invalid_token = || {
            header("x-error-message").is_some_and(|message| message.contains("Invalid credentials"))
        };
        Some(match (header("x-error-code").unwrap_or_default(), status) {
            ("GatedRepo", _) => Self::Gated { known, page },
            _ if known && invalid_token() => Self::Token,
            ("RepoNotFound", _) => Self::Repository { known, page },
            ("RevisionNotFound", _) => Self::Revision { page },
            ("EntryNotFound", _) => Self::Entry { page },
            (_, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => Self::Denied { known },
            _ => return None,
        })
    }
}
