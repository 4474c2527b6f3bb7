//! The choices of a document, their log-likelihoods, and the right ones.

use serde::{
    Deserialize,
    de::{Deserializer, Error as _, IgnoredAny, SeqAccess, Visitor},
};

use super::{
    doc::Doc,
    record::{Record, Request, Text},
    results::plain_text,
};
use crate::adapters::likelihood::Scored;

/// A document whose choices were scored by log-likelihood.
#[derive(Debug, Clone)]
pub(super) struct Choices {
    pub scored: Scored,
    /// Whether contexts are the choices and the continuation is one.
    pub contexts: bool,
}

impl Choices {
    /// The choices of a record; None if it was not scored by log-likelihood.
    pub fn of(record: &Record<'_>, doc: &Doc<'_>) -> Option<Self> {
        let requests = &record.requests.as_ref()?.0;
        let mut continuations = requests.iter().map(continuation).collect::<Option<Vec<_>>>()?;
        let mut log_likelihoods = log_likelihoods(record, continuations.len())?;
        let choices = without_dry_run(requests);
        continuations.truncate(choices);
        log_likelihoods.truncate(choices);
        let contexts = choices > 1
            && continuations.iter().all(|text| *text == continuations[0])
            && requests[0].context.get() != requests[1].context.get();
        let mut scored = Scored::new(continuations, log_likelihoods, Vec::new());
        let gold = match contexts {
            true => doc.right_option().filter(|&at| at < choices).map(|at| vec![at]),
            false => record.target.and_then(|target| gold(&plain_text(target), &scored.texts)),
        };
        scored.gold = gold.unwrap_or_default();
        Some(Self { scored, contexts })
    }
}

impl Choices {
    /// Whether the requests are for texts, whatever came of them.
    pub fn are_texts(record: &Record<'_>) -> bool {
        let requests = record.requests.as_ref();
        requests.is_none_or(|requests| requests.0.iter().any(|own| continuation(own).is_none()))
    }

    /// The same choices as another model scored them; `all` are the responses, those of a dry run
    /// included. None if the record has not as many.
    pub fn scored_by(&self, record: &Record<'_>, all: usize) -> Option<Scored> {
        let mut log_likelihoods = log_likelihoods(record, all)?;
        log_likelihoods.truncate(self.scored.log_likelihoods.len());
        Some(self.scored.by_another(log_likelihoods))
    }
}

/// One a request, `count` of them and not none.
fn log_likelihoods(record: &Record<'_>, count: usize) -> Option<Vec<f64>> {
    let pairs: Vec<Pair> = serde_json::from_str(record.filtered?.get()).ok()?;
    let fits = pairs.len() == count && count > 0;
    fits.then(|| pairs.into_iter().map(|pair| pair.0).collect())
}

/// The right choices. The tool takes digits for a position wherever there are choices.
fn gold(target: &str, texts: &[String]) -> Option<Vec<usize>> {
    let target = target.trim();
    let list = target.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let gold: Vec<usize> = match (target.parse(), list) {
        (Ok(at), _) => vec![at],
        (Err(_), Some(list)) => {
            list.split(',').map(|at| at.trim().parse().ok()).collect::<Option<_>>()?
        }
        _ => vec![texts.iter().position(|text| text.trim() == target)?],
    };
    gold.iter().all(|&at| at < texts.len()).then_some(gold)
}

/// Number of requests less those that ask for the choices without the question, by which
/// `acc_mutual_info` is computed: the second half, with empty contexts.
fn without_dry_run(requests: &[Request<'_>]) -> usize {
    let half = requests.len() / 2;
    let empty = |request: &Request<'_>| request.context.get() == "\"\"";
    let paired = half > 0 && requests.len() == 2 * half;
    let dry = paired && requests[half..].iter().all(empty) && !requests[..half].iter().all(empty);
    if dry { half } else { requests.len() }
}

/// The continuation, if the request is for a log-likelihood.
fn continuation(request: &Request<'_>) -> Option<String> {
    let raw = request.continuation?.get();
    raw.starts_with('"').then(|| serde_json::from_str(raw).ok())?
}

/// A log-likelihood with its flag, numbers or their texts.
struct Pair(f64);

impl<'de> Deserialize<'de> for Pair {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Parts;
        impl<'de> Visitor<'de> for Parts {
            type Value = Pair;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(formatter, "a log-likelihood with its flag")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Pair, A::Error> {
                let Number(value) =
                    list.next_element()?.ok_or_else(|| A::Error::custom("an empty response"))?;
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Pair(value))
            }
        }
        deserializer.deserialize_seq(Parts)
    }
}

struct Number(f64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Number;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(formatter, "a number or the text of one")
            }

            fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Number, E> {
                Ok(Number(value))
            }

            fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Number, E> {
                Ok(Number(value as f64))
            }

            fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Number, E> {
                Ok(Number(value as f64))
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Number, E> {
                text.parse().map(Number).map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// What a metric is that has lists: pairs of gold and prediction, or one value a part of the item.
pub(super) const LIST: &str =
    "has no score of its own for an item, but what its aggregate is computed from";

/// A score as a number, or why there is none.
pub(super) enum Score {
    Number(f64),
    /// Null, or NaN.
    Missing,
    /// A list: what the aggregate is computed from, or one value a part of the item.
    List,
    Other,
}

impl Score {
    pub fn of(raw: &str) -> Self {
        match raw.as_bytes().first() {
            Some(b'n') => Self::Missing,
            Some(b't') => Self::Number(1.0),
            Some(b'f') => Self::Number(0.0),
            Some(b'[') => Self::List,
            Some(b'"') => match serde_json::from_str::<Text<'_>>(raw) {
                Ok(Text(text)) if text.eq_ignore_ascii_case("nan") => Self::Missing,
                _ => Self::Other,
            },
            _ => raw.parse().map_or(Self::Other, Self::Number),
        }
    }
}
