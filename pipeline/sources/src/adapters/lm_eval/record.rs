//! One line of a samples file, borrowed from it: what is not needed is skipped, not copied.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize,
    de::{Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

/// A record with more fields is no record: looking for repeated ones takes their number squared.
const MOST_FIELDS: usize = 1000;

/// One document under one filter.
#[derive(Default)]
pub(super) struct Record<'a> {
    pub doc_id: Option<u64>,
    pub doc: Option<&'a RawValue>,
    pub target: Option<&'a RawValue>,
    pub requests: Option<Requests<'a>>,
    pub filtered: Option<&'a RawValue>,
    /// Since 0.4.7.
    pub filter: Option<Text<'a>>,
    /// Names of the metrics, since 0.4.7.
    pub declared: Option<&'a RawValue>,
    /// Since 0.4.3, as the next.
    pub doc_hash: Option<Text<'a>>,
    pub prompt_hash: Option<Text<'a>>,
    /// Every field of another name: the metrics, and what a task adds.
    pub others: Vec<(Cow<'a, str>, &'a RawValue)>,
}

/// A string that is copied only where it has escapes.
#[derive(Deserialize)]
pub(super) struct Text<'a>(#[serde(borrow)] pub Cow<'a, str>);

/// The requests of a document: an object of objects, or in May 2024 a list of lists.
pub(super) struct Requests<'a>(pub Vec<Request<'a>>);

/// Context, and continuation or generation settings.
pub(super) struct Request<'a> {
    pub context: &'a RawValue,
    pub continuation: Option<&'a RawValue>,
}

impl<'a> Record<'a> {
    /// The value of a metric.
    pub fn other(&self, name: &str) -> Option<&'a RawValue> {
        self.others.iter().find(|(other, _)| other == name).map(|&(_, value)| value)
    }

    /// Whether there is the document, of those fields that all models have.
    pub fn has_beginning(&self) -> bool {
        self.doc_id.is_some() && self.doc.is_some()
    }

    /// Whether there are no fields but those that all models have.
    pub fn is_beginning(&self) -> bool {
        let Self { filtered, filter, declared, doc_hash, prompt_hash, others, .. } = self;
        filtered.is_none()
            && filter.is_none()
            && declared.is_none()
            && doc_hash.is_none()
            && prompt_hash.is_none()
            && others.is_empty()
    }

    /// Whether there are none of them.
    pub fn is_rest(&self) -> bool {
        let Self { doc_id, doc, target, requests, .. } = self;
        doc_id.is_none() && doc.is_none() && target.is_none() && requests.is_none()
    }

    /// Names of the metrics: those declared, or else all further fields that hold a number, a truth
    /// value or a list.
    pub fn metrics(&self) -> Vec<String> {
        let declared = self.declared.and_then(|raw| serde_json::from_str(raw.get()).ok());
        declared.unwrap_or_else(|| {
            let holds = |raw: &RawValue| !raw.get().starts_with(['"', '{']);
            let others = self.others.iter().filter(|(_, raw)| holds(raw));
            others.map(|(name, _)| name.clone().into_owned()).collect()
        })
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Record<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Fields)
    }
}

struct Fields;

impl<'de> Visitor<'de> for Fields {
    type Value = Record<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "a sample of lm-evaluation-harness, which is an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Record<'de>, A::Error> {
        let mut record = Record::default();
        while let Some(Text(key)) = map.next_key::<Text<'de>>()? {
            let repeated = match &*key {
                "doc_id" => record.doc_id.replace(map.next_value()?).is_some(),
                "doc" => record.doc.replace(map.next_value()?).is_some(),
                "target" => record.target.replace(map.next_value()?).is_some(),
                "arguments" => record.requests.replace(map.next_value()?).is_some(),
                "filtered_resps" => record.filtered.replace(map.next_value()?).is_some(),
                "filter" => record.filter.replace(map.next_value()?).is_some(),
                "metrics" => record.declared.replace(map.next_value()?).is_some(),
                "doc_hash" => record.doc_hash.replace(map.next_value()?).is_some(),
                "prompt_hash" => record.prompt_hash.replace(map.next_value()?).is_some(),
                "resps" | "target_hash" => map.next_value::<IgnoredAny>().map(|_| false)?,
                _ => {
                    let repeated = record.other(&key).is_some();
                    record.others.push((key.clone(), map.next_value()?));
                    repeated || record.others.len() > MOST_FIELDS
                }
            };
            if repeated {
                return Err(A::Error::custom(format!("field `{key}` is one too many")));
            }
        }
        Ok(record)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Requests<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Arguments)
    }
}

struct Arguments;

impl<'de> Visitor<'de> for Arguments {
    type Value = Requests<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "the arguments of each request, as object or list")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Requests<'de>, A::Error> {
        let mut requests = Vec::new();
        while let Some((_, request)) = map.next_entry::<IgnoredAny, Request<'de>>()? {
            requests.push(request);
        }
        Ok(Requests(requests))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Requests<'de>, A::Error> {
        let mut requests = Vec::new();
        while let Some(request) = list.next_element()? {
            requests.push(request);
        }
        Ok(Requests(requests))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Request<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Pair)
    }
}

struct Pair;

impl<'de> Visitor<'de> for Pair {
    type Value = Request<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "`arg_0` and `arg_1`, or a list of them")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Request<'de>, A::Error> {
        let (mut context, mut continuation) = (None, None);
        while let Some(Text(key)) = map.next_key::<Text<'de>>()? {
            match &*key {
                "arg_0" => context = Some(map.next_value()?),
                "arg_1" => continuation = Some(map.next_value()?),
                _ => _ = map.next_value::<IgnoredAny>()?,
            }
        }
        let context = context.ok_or_else(|| A::Error::missing_field("arg_0"))?;
        Ok(Request { context, continuation })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Request<'de>, A::Error> {
        let context = list.next_element()?.ok_or_else(|| A::Error::missing_field("arg_0"))?;
        let continuation = list.next_element()?;
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Request { context, continuation })
    }
}
