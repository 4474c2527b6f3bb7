//! Reads the results and the predictions of one model on one data set.

use std::{collections::BTreeMap, fmt, marker::PhantomData};

use serde::{
    Deserialize,
    de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use super::records::{Detail, Label, Numbered, Prediction, Text};
use crate::{
    AdapterError, Place, RawFile,
    adapters::json_stream::{Meter, json_error, parser},
};

/// Most figures beside the details.
const MOST_FIGURES: usize = 1 << 14;

/// Verdicts on one item.
#[derive(Debug)]
pub(super) struct Row {
    pub abbreviation: Option<String>,
    /// None where the evaluator gave no verdict on the item.
    pub verdicts: Option<Vec<Option<f64>>>,
}

#[derive(Debug, Default)]
pub(super) struct Results {
    /// By position.
    pub rows: BTreeMap<u64, Row>,
    pub figures: BTreeMap<String, f64>,
    pub error: Option<String>,
}

/// Reads `results/<model>/<dataset>.json`.
pub(super) fn results(file: &RawFile<'_>) -> Result<Results, AdapterError> {
    let (mut parser, meter) = parser(file.text()?);
    let read = ResultsSeed(&meter).deserialize(&mut parser);
    read.and_then(|results| parser.end().map(|()| results))
        .map_err(|error| json_error(file, &error, "results of OpenCompass"))
}

struct ResultsSeed<'s>(&'s Meter);

impl<'de> DeserializeSeed<'de> for ResultsSeed<'_> {
    type Value = Results;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Results, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for ResultsSeed<'_> {
    type Value = Results;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "an object of results")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Results, A::Error> {
        let mut results = Results::default();
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "details" => {
                    let rows = &mut results.rows;
                    let each = |position, detail: Detail| add_row(rows, position, detail);
                    let meter = self.0;
                    map.next_value_seed(Numbered { meter, each, element: PhantomData })?;
                }
                "error" => results.error = map.next_value::<Option<Text>>()?.map(|text| text.0),
                _ => {
                    let figure = map.next_value::<Figure>()?.0;
                    if results.figures.len() >= MOST_FIGURES {
                        return Err(A::Error::custom(format!("more than {MOST_FIGURES} figures")));
                    }
                    results.figures.extend(figure.map(|figure| (key, figure)));
                }
            }
        }
        Ok(results)
    }
}

fn add_row(rows: &mut BTreeMap<u64, Row>, position: u64, detail: Detail) -> Result<(), String> {
    let verdicts = detail.verdicts().map(|verdicts| verdicts.0.clone());
    let row = Row { abbreviation: detail.example_abbr, verdicts };
    match rows.insert(position, row) {
        None => Ok(()),
        Some(_) => Err(format!("the position {position} stands there twice")),
    }
}

/// A number, or something else that does not matter.
struct Figure(Option<f64>);

impl<'de> Deserialize<'de> for Figure {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FigureVisitor)
    }
}

struct FigureVisitor;

impl<'de> Visitor<'de> for FigureVisitor {
    type Value = Figure;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "a figure")
    }
    fn visit_unit<E>(self) -> Result<Figure, E> {
        Ok(Figure(None))
    }
    fn visit_bool<E>(self, _: bool) -> Result<Figure, E> {
        Ok(Figure(None))
    }
    fn visit_str<E>(self, _: &str) -> Result<Figure, E> {
        Ok(Figure(None))
    }
    fn visit_i64<E>(self, value: i64) -> Result<Figure, E> {
        Ok(Figure(Some(value as f64)))
    }
    fn visit_u64<E>(self, value: u64) -> Result<Figure, E> {
        Ok(Figure(Some(value as f64)))
    }
    fn visit_f64<E>(self, value: f64) -> Result<Figure, E> {
        Ok(Figure(Some(value)))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Figure, A::Error> {
        while sequence.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Figure(None))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Figure, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Figure(None))
    }
}

/// What was asked at one position.
#[derive(Debug, PartialEq)]
pub(super) struct Question {
    pub stem: String,
    pub labels: Option<Vec<String>>,
    pub gold: Option<String>,
    pub choice: Option<Choice>,
}

/// The choice by perplexity.
#[derive(Debug, PartialEq)]
pub(super) struct Choice {
    /// Whether the gold label is among those of the least perplexity, and whether it is the only one.
    pub may_be_right: bool,
    pub must_be_right: bool,
    /// Natural logarithm of the probability of the gold label, normalised over the labels.
    pub log_likelihood: Option<f64>,
}

/// Reads the parts of the predictions in their order: every part counts from 0.
pub(super) fn predictions(parts: &[&RawFile<'_>]) -> Result<Vec<Question>, AdapterError> {
    let mut all = Vec::new();
    for file in parts {
        let (mut parser, meter) = parser(file.text()?);
        let mut part: BTreeMap<u64, Question> = BTreeMap::new();
        let each = |position, prediction: Prediction| {
            let known = part.insert(position, question(prediction));
            known.map_or(Ok(()), |_| Err(format!("the position {position} stands there twice")))
        };
        let numbered = Numbered { meter: &meter, each, element: PhantomData };
        numbered
            .deserialize(&mut parser)
            .and_then(|()| parser.end())
            .map_err(|error| json_error(file, &error, "predictions of OpenCompass"))?;
        for (expected, (position, question)) in part.into_iter().enumerate() {
            if position != expected as u64 {
                let problem = format!("its positions go from {expected} to {position}");
                return Err(file.error(Place::Record(position), problem));
            }
            all.push(question);
        }
    }
    Ok(all)
}

fn question(prediction: Prediction) -> Question {
    let Prediction { prompt, gold, labels } = prediction;
    if labels.is_empty() {
        return Question { stem: prompt.unwrap_or_default(), labels: None, gold, choice: None };
    }
    let inputs: Option<Vec<&str>> =
        labels.values().map(|label| label.input.as_ref().map(|text| text.0.as_str())).collect();
    let stem = inputs.map_or_else(|| prompt.unwrap_or_default(), |inputs| beginning(&inputs));
    let choice = gold.as_ref().and_then(|gold| choice(&labels, gold));
    Question { stem, labels: Some(labels.into_keys().collect()), gold, choice }
}

/// What the question has in common under all labels.
fn beginning(inputs: &[&str]) -> String {
    let Some((first, others)) = inputs.split_first() else { return String::new() };
    let mut common = *first;
    for other in others {
        let same = common.char_indices().zip(other.chars()).find(|((_, one), other)| one != other);
        let end = same.map_or(common.len().min(other.len()), |((at, _), _)| at);
        common = &common[..end];
    }
    common.trim_end().to_owned()
}

fn choice(labels: &BTreeMap<String, Label>, gold: &str) -> Option<Choice> {
    let perplexities: Option<Vec<(&String, f64)>> = labels
        .iter()
        .map(|(name, label)| label.perplexity.map(|perplexity| (name, perplexity)))
        .collect();
    let perplexities = perplexities?;
    let least = perplexities.iter().map(|(_, value)| *value).fold(f64::INFINITY, f64::min);
    let best: Vec<&String> =
        perplexities.iter().filter(|(_, value)| *value <= least).map(|(name, _)| *name).collect();
    let may_be_right = best.iter().any(|name| *name == gold);
    Some(Choice {
        may_be_right,
        must_be_right: may_be_right && best.len() == 1,
        log_likelihood: log_likelihood(labels, gold),
    })
}

/// SOURCE: opencompass 0.5.4, `icl_ppl_inferencer.py`: `BPB` is the summed negative log-likelihood of the
/// prompt divided by the bytes of the input. What the prompts have in common falls out of the ratio.
fn log_likelihood(labels: &BTreeMap<String, Label>, gold: &str) -> Option<f64> {
    let sum = |label: &Label| Some(-label.by_byte? * label.input.as_ref()?.0.len() as f64);
    let sums: Option<Vec<f64>> = labels.values().map(sum).collect();
    let sums = sums?;
    let largest = sums.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let all = largest + sums.iter().map(|sum| (sum - largest).exp()).sum::<f64>().ln();
    let logarithm = sum(labels.get(gold)?)? - all;
    logarithm.is_finite().then_some(logarithm.min(0.0))
}
