//! The choices of a document, the right ones, and the tool's accuracies recomputed.

use serde::{
    Deserialize,
    de::{Deserializer, Error as _, IgnoredAny, SeqAccess, Visitor},
};

use super::{
    doc::Doc,
    record::{Record, Request, Text},
    results::plain_text,
};
use crate::adapters::likelihood;

/// A document whose choices were scored by log-likelihood.
pub(super) struct Choices {
    /// Continuations, the delimiter before them taken off.
    pub texts: Vec<String>,
    /// The same with the delimiter, where there is one.
    delimited: Option<Vec<String>>,
    /// Summed log-likelihoods of the choices.
    pub log_likelihoods: Vec<f64>,
    /// Positions of the right choices; empty where the file does not say.
    pub gold: Vec<usize>,
    /// Whether contexts are the choices and the continuation is one.
    pub contexts: bool,
}

/// What the delimiter before a continuation is unless a task says otherwise.
const DELIMITER: char = ' ';

impl Choices {
    /// The choices of a record; None if it was not scored by log-likelihood.
    pub fn of(record: &Record<'_>, doc: &Doc<'_>) -> Option<Self> {
        let requests = &record.requests.as_ref()?.0;
        let continuations = requests.iter().map(continuation).collect::<Option<Vec<_>>>()?;
        let pairs: Vec<Pair> = serde_json::from_str(record.filtered?.get()).ok()?;
        let mut log_likelihoods: Vec<f64> = pairs.into_iter().map(|pair| pair.0).collect();
        if log_likelihoods.len() != continuations.len() || continuations.is_empty() {
            return None;
        }
        let mut continuations = continuations;
        let choices = without_dry_run(requests);
        continuations.truncate(choices);
        log_likelihoods.truncate(choices);
        let requests = &requests[..choices];
        let contexts = requests.len() > 1
            && continuations.iter().all(|text| *text == continuations[0])
            && requests[0].context.get() != requests[1].context.get();
        let stripped: Option<Vec<String>> = continuations
            .iter()
            .map(|text| text.strip_prefix(DELIMITER).map(str::to_owned))
            .collect();
        let (texts, delimited) = match stripped {
            Some(stripped) => (stripped, Some(continuations)),
            None => (continuations, None),
        };
        let mut choices = Self { texts, delimited, log_likelihoods, gold: Vec::new(), contexts };
        choices.gold = choices.gold(record, doc).unwrap_or_default();
        Some(choices)
    }

    /// The right choices. The tool takes digits for a position wherever there are choices.
    fn gold(&self, record: &Record<'_>, doc: &Doc<'_>) -> Option<Vec<usize>> {
        let count = self.texts.len();
        if self.contexts {
            return doc.right_option().filter(|&at| at < count).map(|at| vec![at]);
        }
        let target = plain_text(record.target?);
        let target = target.trim();
        let list = target.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let gold: Vec<usize> = match (target.parse(), list) {
            (Ok(at), _) => vec![at],
            (Err(_), Some(list)) => {
                list.split(',').map(|at| at.trim().parse().ok()).collect::<Option<_>>()?
            }
            _ => vec![self.texts.iter().position(|text| text.trim() == target)?],
        };
        gold.iter().all(|&at| at < count).then_some(gold)
    }

    /// Whether the accuracy is the one that the log-likelihoods give, for the lengths of the choices
    /// without and with their delimiter; None where that cannot be told.
    ///
    /// SOURCE: `process_results` of `lm_eval/api/task.py`: the first largest of the log-likelihoods, by
    /// characters in `acc_norm` and by bytes in `acc_bytes`.
    pub fn agrees(&self, metric: &str, accuracy: f64) -> Option<[bool; 2]> {
        if self.gold.is_empty() || self.texts.len() < 2 {
            return None;
        }
        let agrees = |texts: &[String]| {
            let length = |text: &String| match metric {
                "acc" => 1.0,
                "acc_norm" => text.chars().count() as f64,
                _ => text.len() as f64,
            };
            let lengths: Vec<f64> = texts.iter().map(length).collect();
            let known = lengths.iter().all(|&length| length > 0.0);
            let values = self.log_likelihoods.iter().zip(&lengths).map(|(ll, length)| ll / length);
            let best = known.then(|| likelihood::first_largest(values))??;
            Some(self.gold.contains(&best) == (accuracy == 1.0))
        };
        let stripped = agrees(&self.texts)?;
        let delimited = self.delimited.as_deref().map_or(Some(stripped), agrees)?;
        Some([stripped, delimited])
    }

    /// See [`aliquot_tables::responses::Responses::log_likelihood`].
    pub fn log_likelihood(&self) -> Option<f32> {
        match self.log_likelihoods[..] {
            [alone] if alone.is_finite() => Some(alone.min(0.0) as f32),
            [_] => None,
            _ => likelihood::of_gold(&self.log_likelihoods, &self.gold),
        }
    }
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
