//! The records of HELM's files.

use std::fmt;

use serde::{
    Deserialize,
    de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor},
};
use serde_json::{Map, Value};

use super::super::json_stream::{Elements, Few, Meter, json_error, parser};
use crate::{AdapterError, RawFile};

/// `run_spec.json`.
#[derive(Debug, Deserialize)]
pub(super) struct RunSpec {
    pub name: String,
    pub scenario_spec: ScenarioSpec,
    pub adapter_spec: Map<String, Value>,
    #[serde(default)]
    pub groups: Vec<String>,
}

/// Which data set, and which part of it.
#[derive(Debug, Deserialize)]
pub(super) struct ScenarioSpec {
    pub class_name: String,
    #[serde(default)]
    pub args: Map<String, Value>,
}

impl ScenarioSpec {
    /// Arguments as `name=value`, in the order of their names.
    pub fn arguments(&self) -> String {
        let mut arguments: Vec<String> = self
            .args
            .iter()
            .map(|(name, value)| match value {
                Value::String(text) => format!("{name}={text}"),
                value => format!("{name}={value}"),
            })
            .collect();
        arguments.sort();
        arguments.join(",")
    }

    /// Name of the data set and its arguments: what the ids of instances count within.
    pub fn task(&self) -> String {
        let class = self.class_name.rsplit('.').next().unwrap_or(&self.class_name);
        let arguments = self.arguments();
        if arguments.is_empty() { class.to_owned() } else { format!("{class}:{arguments}") }
    }
}

impl RunSpec {
    /// A text of the adapter's settings; empty where there is none.
    pub fn setting(&self, name: &str) -> &str {
        self.adapter_spec.get(name).and_then(Value::as_str).unwrap_or_default()
    }
}

/// Record of `per_instance_stats.json`.
#[derive(Debug, Deserialize)]
pub(super) struct PerInstance {
    pub instance_id: String,
    #[serde(default)]
    pub train_trial_index: u32,
    #[serde(default)]
    pub perturbation: Option<IgnoredAny>,
    #[serde(default)]
    pub stats: Few<Stat>,
}

/// Record of `display_predictions.json`: what HELM's pages show of an answer.
#[derive(Debug, Deserialize)]
pub(super) struct Shown {
    pub instance_id: String,
    #[serde(default)]
    pub train_trial_index: u32,
    #[serde(default)]
    pub perturbation: Option<IgnoredAny>,
    /// Values by metric; those that are no numbers are none of the metric's.
    #[serde(default)]
    pub stats: Map<String, Value>,
}

/// One statistic, of an instance or of a run.
#[derive(Debug, Deserialize)]
pub(super) struct Stat {
    pub name: StatName,
    #[serde(default)]
    pub count: u64,
    #[serde(default)]
    pub sum: Option<f64>,
    #[serde(default)]
    pub mean: Option<f64>,
}

#[derive(Debug, Deserialize)]
pub(super) struct StatName {
    pub name: String,
    #[serde(default)]
    pub split: Option<String>,
    #[serde(default)]
    pub sub_split: Option<IgnoredAny>,
    #[serde(default)]
    pub perturbation: Option<IgnoredAny>,
}

impl Stat {
    /// Whether it is of all instances as they are.
    pub fn is_plain(&self) -> bool {
        self.name.perturbation.is_none() && self.name.sub_split.is_none()
    }

    /// The mean; None of nothing.
    pub fn value(&self) -> Option<f64> {
        if self.count == 0 {
            return None;
        }
        self.mean.or_else(|| self.sum.map(|sum| sum / self.count as f64))
    }
}

/// Record of `instances.json`, and part of a request's.
#[derive(Debug, Deserialize)]
pub(super) struct Instance {
    #[serde(default)]
    pub id: Option<String>,
    pub input: Text,
    #[serde(default)]
    pub references: Few<Reference>,
    #[serde(default)]
    pub split: Option<String>,
    #[serde(default)]
    pub perturbation: Option<IgnoredAny>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Reference {
    pub output: Text,
    #[serde(default)]
    pub tags: Few<String>,
}

impl Reference {
    pub fn is_correct(&self) -> bool {
        self.tags.0.iter().any(|tag| tag == "correct")
    }
}

/// A text: an object with one since 2023, bare before.
#[derive(Debug)]
pub(super) struct Text(pub String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "a text, bare or as the key `text`")
    }

    fn visit_str<E>(self, text: &str) -> Result<Text, E> {
        Ok(Text(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Text, A::Error> {
        let mut text = None;
        while let Some(key) = map.next_key::<String>()? {
            if key == "text" {
                text = map.next_value::<Option<String>>()?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        text.map(Text).ok_or_else(|| A::Error::missing_field("text"))
    }
}

/// Record of `scenario_state.json`.
#[derive(Debug, Deserialize)]
pub(super) struct RequestState {
    pub instance: Instance,
    #[serde(default)]
    pub train_trial_index: u32,
    #[serde(default)]
    pub reference_index: Option<usize>,
    #[serde(default)]
    pub request_mode: Option<String>,
    #[serde(default)]
    pub result: Option<RequestResult>,
}

#[derive(Debug, Deserialize)]
pub(super) struct RequestResult {
    #[serde(default)]
    pub success: Option<bool>,
    #[serde(default)]
    pub completions: Few<Completion>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Completion {
    #[serde(default)]
    pub tokens: Few<Token>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Token {
    #[serde(default)]
    pub text: String,
    #[serde(default)]
    pub logprob: Option<f64>,
}

/// Gives the elements of a file that is one array, or the array under the key `within` of an object, to
/// `each`, one at a time.
pub(super) fn each<T: for<'de> Deserialize<'de>>(
    file: &RawFile<'_>,
    within: Option<&'static str>,
    each: impl FnMut(u64, T) -> Result<(), AdapterError>,
) -> Result<(), AdapterError> {
    let (mut parser, meter) = parser(file.text()?);
    let mut failure = None;
    let elements = Elements::new(&meter, &mut failure, each);
    let read = match within {
        None => elements.deserialize(&mut parser).map(|_| ()),
        Some(key) => Within { key, elements, meter: &meter }.deserialize(&mut parser),
    };
    let read = read.and_then(|()| parser.end());
    if let Some(failure) = failure {
        return Err(failure);
    }
    read.map_err(|error| json_error(file, &error, "a file of a HELM run"))
}

struct Within<'s, S> {
    key: &'static str,
    elements: S,
    meter: &'s Meter,
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Within<'_, S> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, S: DeserializeSeed<'de>> Visitor<'de> for Within<'_, S> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "an object with the key `{}`", self.key)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut elements = Some(self.elements);
        while let Some(key) = map.next_key::<String>()? {
            if key != self.key {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            let seed = elements
                .take()
                .ok_or_else(|| A::Error::custom(format!("duplicate field `{}`", self.key)))?;
            map.next_value_seed(seed)?;
            self.meter.record_begins();
        }
        elements.map_or(Ok(()), |_| Err(A::Error::missing_field(self.key)))
    }
}
