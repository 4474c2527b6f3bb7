//! The records of OpenCompass' files.

use std::{collections::BTreeMap, fmt, marker::PhantomData};

use serde::{
    Deserialize,
    de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use super::super::json_stream::{Few, Meter};

/// Most verdicts on one item.
const MOST_TRIALS: usize = 1 << 12;

/// One item in the details of the results.
#[derive(Debug, Deserialize)]
pub(super) struct Detail {
    #[serde(default)]
    pub example_abbr: Option<String>,
    #[serde(default)]
    correct: Option<Verdicts>,
    #[serde(default)]
    is_correct: Option<Verdicts>,
    #[serde(default)]
    cascade_correct: Option<Verdicts>,
}

impl Detail {
    /// Verdicts, one a repetition. SOURCE: opencompass 0.5.4, `icl_base_evaluator.py`: the first key that is
    /// there.
    pub fn verdicts(&self) -> Option<&Verdicts> {
        self.correct.as_ref().or(self.is_correct.as_ref()).or(self.cascade_correct.as_ref())
    }
}

/// Verdicts as numbers; None where there is none.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Verdicts(pub Vec<Option<f64>>);

impl<'de> Deserialize<'de> for Verdicts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(VerdictsVisitor)
    }
}

struct VerdictsVisitor;

impl<'de> Visitor<'de> for VerdictsVisitor {
    type Value = Verdicts;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "a verdict: true, false, a number, or a list of such")
    }
    fn visit_unit<E>(self) -> Result<Verdicts, E> {
        Ok(Verdicts(vec![None]))
    }
    fn visit_bool<E>(self, value: bool) -> Result<Verdicts, E> {
        Ok(Verdicts(vec![Some(f64::from(u8::from(value)))]))
    }
    fn visit_i64<E>(self, value: i64) -> Result<Verdicts, E> {
        Ok(Verdicts(vec![Some(value as f64)]))
    }
    fn visit_u64<E>(self, value: u64) -> Result<Verdicts, E> {
        Ok(Verdicts(vec![Some(value as f64)]))
    }
    fn visit_f64<E>(self, value: f64) -> Result<Verdicts, E> {
        Ok(Verdicts(vec![Some(value)]))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Verdicts, A::Error> {
        let mut all = Vec::new();
        while let Some(Verdicts(one)) = sequence.next_element()? {
            all.extend(one);
            if all.len() > MOST_TRIALS {
                return Err(A::Error::custom(format!("more than {MOST_TRIALS} verdicts")));
            }
        }
        Ok(Verdicts(all))
    }
}

/// One item in the predictions: what was asked, the gold answer, and how likely each label was.
#[derive(Debug, Default)]
pub(super) struct Prediction {
    pub prompt: Option<String>,
    pub gold: Option<String>,
    pub labels: BTreeMap<String, Label>,
}

/// One label of an item that was judged by perplexity.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Label {
    /// The question with this answer, without worked examples.
    #[serde(rename = "testing input", default)]
    pub input: Option<Text>,
    /// Mean negative log-likelihood of a token.
    #[serde(rename = "PPL", default)]
    pub perplexity: Option<f64>,
    /// Summed negative log-likelihood by byte of the input, in nats in spite of the name.
    #[serde(rename = "BPB", default)]
    pub by_byte: Option<f64>,
}

impl<'de> Deserialize<'de> for Prediction {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PredictionVisitor)
    }
}

struct PredictionVisitor;

impl<'de> Visitor<'de> for PredictionVisitor {
    type Value = Prediction;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "a prediction")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Prediction, A::Error> {
        let mut prediction = Prediction::default();
        while let Some(key) = map.next_key::<String>()? {
            if let Some(label) = key.strip_prefix("label: ") {
                let value = map.next_value()?;
                if prediction.labels.len() == MOST_TRIALS
                    || prediction.labels.insert(label.to_owned(), value).is_some()
                {
                    return Err(A::Error::custom(format!("the label `{label}` once too often")));
                }
                continue;
            }
            match key.as_str() {
                "origin_prompt" => {
                    prediction.prompt = map.next_value::<Option<Text>>()?.map(|text| text.0);
                }
                "gold" => prediction.gold = map.next_value::<Option<Text>>()?.map(|text| text.0),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(prediction)
    }
}

/// A text; a number as text; of a conversation the last message of the user; of other lists the JSON.
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
        write!(formatter, "a text, a number, messages or texts")
    }
    fn visit_bool<E>(self, value: bool) -> Result<Text, E> {
        Ok(Text(value.to_string()))
    }
    fn visit_i64<E>(self, value: i64) -> Result<Text, E> {
        Ok(Text(value.to_string()))
    }
    fn visit_u64<E>(self, value: u64) -> Result<Text, E> {
        Ok(Text(value.to_string()))
    }
    fn visit_f64<E>(self, value: f64) -> Result<Text, E> {
        Ok(Text(value.to_string()))
    }
    fn visit_str<E>(self, value: &str) -> Result<Text, E> {
        Ok(Text(value.to_owned()))
    }
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Text, A::Error> {
        let message = Message::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
        Ok(Text(message.prompt.or(message.content).map_or_else(String::new, |text| text.0)))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, sequence: A) -> Result<Text, A::Error> {
        let inner = serde::de::value::SeqAccessDeserializer::new(sequence);
        let Few(parts) = Few::<Part>::deserialize(inner)?;
        let last = parts.iter().rev().find_map(|part| match part {
            Part::Message(message) if message.is_users() => message.text(),
            _ => None,
        });
        if let Some(last) = last {
            return Ok(Text(last.to_owned()));
        }
        let texts: Vec<&str> = parts.iter().filter_map(Part::text).collect();
        Ok(Text(match texts[..] {
            [only] => only.to_owned(),
            _ => serde_json::Value::from(texts).to_string(),
        }))
    }
}

#[derive(Debug, Deserialize)]
struct Message {
    #[serde(default)]
    role: String,
    #[serde(default)]
    prompt: Option<Text>,
    #[serde(default)]
    content: Option<Text>,
}

impl Message {
    fn is_users(&self) -> bool {
        self.role.eq_ignore_ascii_case("human") || self.role.eq_ignore_ascii_case("user")
    }

    fn text(&self) -> Option<&str> {
        self.prompt.as_ref().or(self.content.as_ref()).map(|text| text.0.as_str())
    }
}

#[derive(Debug)]
enum Part {
    Message(Message),
    Text(Text),
}

impl Part {
    fn text(&self) -> Option<&str> {
        match self {
            Self::Message(message) => message.text(),
            Self::Text(text) => Some(&text.0),
        }
    }
}

impl<'de> Deserialize<'de> for Part {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PartVisitor;
        impl<'de> Visitor<'de> for PartVisitor {
            type Value = Part;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, "a message or a text")
            }
            fn visit_unit<E>(self) -> Result<Part, E> {
                Ok(Part::Text(Text(String::new())))
            }
            fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<Part, E> {
                TextVisitor.visit_bool(value).map(Part::Text)
            }
            fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Part, E> {
                TextVisitor.visit_i64(value).map(Part::Text)
            }
            fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Part, E> {
                TextVisitor.visit_u64(value).map(Part::Text)
            }
            fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Part, E> {
                TextVisitor.visit_f64(value).map(Part::Text)
            }
            fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Part, E> {
                TextVisitor.visit_str(value).map(Part::Text)
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Part, A::Error> {
                let inner = serde::de::value::MapAccessDeserializer::new(map);
                Message::deserialize(inner).map(Part::Message)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, sequence: A) -> Result<Part, A::Error> {
                TextVisitor.visit_seq(sequence).map(Part::Text)
            }
        }
        deserializer.deserialize_any(PartVisitor)
    }
}

/// The values of an array or of an object with positions for keys, to `each`; other keys are skipped.
pub(super) struct Numbered<'s, T, F> {
    pub meter: &'s Meter,
    pub each: F,
    pub element: PhantomData<T>,
}

impl<'de, T, F> DeserializeSeed<'de> for Numbered<'_, T, F>
where
    T: Deserialize<'de>,
    F: FnMut(u64, T) -> Result<(), String>,
{
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T, F> Visitor<'de> for Numbered<'_, T, F>
where
    T: Deserialize<'de>,
    F: FnMut(u64, T) -> Result<(), String>,
{
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "records, as a list or by their positions")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut sequence: A) -> Result<(), A::Error> {
        let mut number = 0;
        self.meter.record_begins();
        while let Some(element) = sequence.next_element::<T>()? {
            (self.each)(number, element).map_err(A::Error::custom)?;
            number += 1;
            self.meter.record_begins();
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        self.meter.record_begins();
        while let Some(key) = map.next_key::<String>()? {
            if let Ok(number) = key.parse::<u64>() {
                (self.each)(number, map.next_value::<T>()?).map_err(A::Error::custom)?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
            self.meter.record_begins();
        }
        Ok(())
    }
}
