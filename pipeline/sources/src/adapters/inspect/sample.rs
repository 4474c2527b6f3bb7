//! One sample of an Inspect log: what was asked, what was expected, and its scores.

use std::{collections::BTreeMap, fmt};

use aliquot_store::ObjectId;
use serde::{
    Deserialize,
    de::{Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use super::{super::json_stream::Few, header::Id};

/// Most scores of one sample, the keys of each counted.
const MOST_SCORES: usize = 1 << 12;

#[derive(Debug, Deserialize)]
pub(super) struct Sample {
    pub id: Id,
    #[serde(default = "first")]
    pub epoch: u32,
    pub input: Text,
    #[serde(default)]
    pub choices: Option<Few<String>>,
    #[serde(default)]
    pub target: Option<Target>,
    #[serde(default)]
    pub scores: Option<Scores>,
    /// The only score, in logs of 2024.
    #[serde(default)]
    pub score: Option<Score>,
    #[serde(default)]
    pub error: Option<IgnoredAny>,
    #[serde(default)]
    pub invalidation: Option<IgnoredAny>,
}

fn first() -> u32 {
    1
}

/// A score of one scorer.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Score {
    #[serde(default)]
    pub value: Value,
}

/// What a scorer may give.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) enum Value {
    /// Null, or NaN: the sample was not scored.
    #[default]
    Unscored,
    Number(f64),
    Text(String),
    List,
    Named(BTreeMap<String, Value>),
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "a score")
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Unscored)
    }
    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Number(f64::from(u8::from(value))))
    }
    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value as f64))
    }
    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value as f64))
    }
    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Number(value))
    }
    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Value, A::Error> {
        while sequence.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Value::List)
    }
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Value, A::Error> {
        named(map).map(Value::Named)
    }
}

fn named<'de, A, T>(mut map: A) -> Result<BTreeMap<String, T>, A::Error>
where
    A: MapAccess<'de>,
    T: Deserialize<'de>,
{
    let mut values = BTreeMap::new();
    while let Some(name) = map.next_key::<String>()? {
        if values.contains_key(&name) {
            return Err(A::Error::custom(format!("the score `{name}` stands there twice")));
        }
        if values.len() == MOST_SCORES {
            return Err(A::Error::custom(format!("more than {MOST_SCORES} scores")));
        }
        values.insert(name, map.next_value()?);
    }
    Ok(values)
}

/// Scores by scorer.
#[derive(Debug)]
pub(super) struct Scores(pub BTreeMap<String, Score>);

impl<'de> Deserialize<'de> for Scores {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ScoresVisitor;
        impl<'de> Visitor<'de> for ScoresVisitor {
            type Value = Scores;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, "scores by scorer")
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Scores, A::Error> {
                named(map).map(Scores)
            }
        }
        deserializer.deserialize_map(ScoresVisitor)
    }
}

/// The reference answer, or several that are all right.
#[derive(Debug)]
pub(super) struct Target(pub Vec<String>);

impl<'de> Deserialize<'de> for Target {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TargetVisitor;
        impl<'de> Visitor<'de> for TargetVisitor {
            type Value = Target;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, "a target: a text or texts")
            }
            fn visit_str<E>(self, text: &str) -> Result<Target, E> {
                Ok(Target(vec![text.to_owned()]))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, sequence: A) -> Result<Target, A::Error> {
                let inner = serde::de::value::SeqAccessDeserializer::new(sequence);
                Few::<String>::deserialize(inner).map(|Few(texts)| Target(texts))
            }
        }
        deserializer.deserialize_any(TargetVisitor)
    }
}

/// What was asked, as text: a conversation as its parts, media as their digests.
#[derive(Debug)]
pub(super) struct Text(pub String);

#[derive(Deserialize)]
struct Message {
    role: String,
    #[serde(default)]
    content: Content,
}

#[derive(Default)]
struct Content(String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, "an input: a text or messages")
            }
            fn visit_str<E>(self, text: &str) -> Result<Text, E> {
                Ok(Text(text.to_owned()))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, sequence: A) -> Result<Text, A::Error> {
                let inner = serde::de::value::SeqAccessDeserializer::new(sequence);
                Few::<Message>::deserialize(inner)
                    .map(|Few(messages)| Text(conversation(&messages)))
            }
        }
        deserializer.deserialize_any(TextVisitor)
    }
}

/// One message is its content; of several each says who speaks.
fn conversation(messages: &[Message]) -> String {
    if let [only] = messages {
        return only.content.0.clone();
    }
    let parts = messages.iter().map(|message| format!("{}: {}", message.role, message.content.0));
    parts.collect::<Vec<_>>().join("\n\n")
}

#[derive(Deserialize)]
struct Part {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    image: Option<String>,
    #[serde(default)]
    audio: Option<String>,
    #[serde(default)]
    video: Option<String>,
}

impl Part {
    fn text(self) -> String {
        match self.text.or(self.image).or(self.audio).or(self.video) {
            Some(text) if self.kind == "text" => text,
            Some(media) => format!("[{} {}]", self.kind, ObjectId::of(media.as_bytes())),
            None => format!("[{}]", self.kind),
        }
    }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ContentVisitor;
        impl<'de> Visitor<'de> for ContentVisitor {
            type Value = Content;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, "content: a text or parts")
            }
            fn visit_unit<E>(self) -> Result<Content, E> {
                Ok(Content::default())
            }
            fn visit_str<E>(self, text: &str) -> Result<Content, E> {
                Ok(Content(text.to_owned()))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, sequence: A) -> Result<Content, A::Error> {
                let inner = serde::de::value::SeqAccessDeserializer::new(sequence);
                let Few(parts) = Few::<Part>::deserialize(inner)?;
                let texts: Vec<String> = parts.into_iter().map(Part::text).collect();
                Ok(Content(texts.join("\n")))
            }
        }
        deserializer.deserialize_any(ContentVisitor)
    }
}

/// A score as a number, or why it is none.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Outcome {
    Number(f64),
    Missing(&'static str),
    /// Inspect counts such a value as 0.
    NoNumber(String),
}

impl Value {
    /// As Inspect's `value_to_float` maps it, except that what it warns of and counts as 0 is told apart
    /// from 0. SOURCE: inspect_ai 0.3.285, `scorer/_metric.py`.
    pub fn outcome(&self) -> Outcome {
        let text = match self {
            Self::Unscored => return Outcome::Missing("unscored"),
            Self::Number(number) => return Outcome::Number(*number),
            Self::List => return Outcome::NoNumber("a list".to_owned()),
            Self::Named(_) => return Outcome::NoNumber("named values".to_owned()),
            Self::Text(text) => text,
        };
        match (text.as_str(), text.to_lowercase().as_str()) {
            ("C", _) | (_, "yes" | "true") => Outcome::Number(1.0),
            ("P", _) => Outcome::Number(0.5),
            ("I" | "N", _) | (_, "no" | "false") => Outcome::Number(0.0),
            (_, lower) => match lower.trim().parse::<f64>() {
                Ok(number) if number.is_finite() => Outcome::Number(number),
                _ => Outcome::NoNumber(format!("`{}`", text.chars().take(60).collect::<String>())),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(json: &str) -> Outcome {
        serde_json::from_str::<Value>(json).unwrap().outcome()
    }

    #[test]
    fn values_are_mapped_as_the_tool_does_and_what_is_none_is_told_apart() {
        // Printed by `value_to_float()` of inspect_ai 0.3.285 for the same values.
        let numbers = [
            (r#""C""#, 1.0),
            (r#""P""#, 0.5),
            (r#""I""#, 0.0),
            (r#""N""#, 0.0),
            (r#""Yes""#, 1.0),
            (r#""TRUE""#, 1.0),
            (r#""no""#, 0.0),
            (r#""0.25""#, 0.25),
            ("true", 1.0),
            ("false", 0.0),
            ("0.75", 0.75),
            ("1", 1.0),
        ];
        for (json, expected) in numbers {
            assert_eq!(outcome(json), Outcome::Number(expected), "{json}");
        }
        assert_eq!(outcome("null"), Outcome::Missing("unscored"));
        for json in [r#""c""#, r#""nan""#, r#""inf""#, r#""""#, "[1]", r#"{"a":1}"#] {
            assert!(matches!(outcome(json), Outcome::NoNumber(_)), "{json}");
        }
    }

    #[test]
    fn conversations_and_media_become_text() {
        let text = |json| serde_json::from_str::<Text>(json).unwrap().0;
        assert_eq!(text(r#"[{"role":"user","content":"Q?"}]"#), "Q?");
        let image = r#"[{"role":"system","content":"Be brief."},
            {"role":"user","content":[{"type":"text","text":"What is it?"},{"type":"image","image":"data:x"}]}]"#;
        let digest = ObjectId::of(b"data:x");
        assert_eq!(
            text(image),
            format!("system: Be brief.\n\nuser: What is it?\n[image {digest}]")
        );
    }
}
