//! The size of a subset in a recipe: a number, or what the subset has to do.

use std::{collections::BTreeSet, fmt};

use aliquot_stats::{
    size::{Measure, Request},
    split::SplitKind,
};
use schemars::JsonSchema;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error, MapAccess, Unexpected, Visitor, value::MapAccessDeserializer},
};

use crate::recipe;

/// No subset of a benchmark is larger; a typing error might be.
const LARGEST_SUBSET: usize = 1_000_000;

/// A number of items, or a table such as `{ target_mae_pp = 1.5 }`.
#[derive(Debug, Clone, JsonSchema)]
#[serde(untagged)]
pub enum SizeText {
    /// So many items.
    Fixed(usize),
    /// As many as it takes.
    Searched(SearchText),
}

/// As many items as it takes on held-out models; exactly one `target_`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SearchText {
    /// Largest mean absolute error in percentage points.
    target_mae_pp: Option<f64>,
    /// Smallest Kendall tau-b of estimates against truths.
    target_tau: Option<f64>,
    /// Largest mean width of the 95 % intervals in percentage points.
    target_width_pp: Option<f64>,
    /// One-sided confidence that the target is met.
    #[serde(default = "default_confidence")]
    confidence: f64,
    /// Kind of split that it is measured on, one of `evaluate.splits`.
    #[serde(default = "default_split")]
    split: String,
    /// Largest size; half of the items where that is less.
    #[serde(default = "default_largest")]
    largest: usize,
    /// Smallest size.
    #[serde(default = "default_smallest")]
    smallest: usize,
}

fn default_confidence() -> f64 {
    0.95
}

fn default_split() -> String {
    SplitKind::Interpolation.name().to_owned()
}

fn default_largest() -> usize {
    500
}

fn default_smallest() -> usize {
    10
}

// Not derived: an untagged enum would not say which key is wrong.
impl<'de> Deserialize<'de> for SizeText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NumberOrTable;

        impl<'de> Visitor<'de> for NumberOrTable {
            type Value = SizeText;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a number of items, or a table such as { target_mae_pp = 1.5 }")
            }

            fn visit_i64<E: Error>(self, value: i64) -> Result<SizeText, E> {
                let number = usize::try_from(value);
                let number =
                    number.map_err(|_| E::invalid_value(Unexpected::Signed(value), &self))?;
                Ok(SizeText::Fixed(number))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<SizeText, A::Error> {
                SearchText::deserialize(MapAccessDeserializer::new(map)).map(SizeText::Searched)
            }
        }

        deserializer.deserialize_any(NumberOrTable)
    }
}

/// Items of a subset.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Size {
    /// So many.
    Fixed(usize),
    /// As many as it takes.
    Searched(Search),
}

/// What a subset has to do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Search {
    /// On which kind of split.
    pub split: SplitKind,
    /// What is asked.
    pub request: Request,
}

/// The size of a subset as a stage is told it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(untagged)]
pub enum Budget {
    /// So many items.
    Fixed(usize),
    /// What the search for the subset of this name found.
    Found(&'static str),
}

/// The sizes of both subsets as a stage is told them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Budgets {
    /// Of each validation subset.
    pub validation: Budget,
    /// Of each test subset.
    pub test: Budget,
}

impl Size {
    /// The number, or where to find it.
    pub fn budget(self, subset: &'static str) -> Budget {
        match self {
            Self::Fixed(items) => Budget::Fixed(items),
            Self::Searched(_) => Budget::Found(subset),
        }
    }
}

/// What a recipe evaluates.
#[derive(Clone, Copy)]
pub struct Evaluated<'a> {
    /// Kinds of split.
    pub splits: &'a BTreeSet<SplitKind>,
    /// Random splits of each kind.
    pub repetitions: u32,
}

/// Checks the size under `key`; the error says what would be right.
pub fn size(key: &str, text: &SizeText, evaluated: Evaluated<'_>) -> Result<Size, String> {
    match text {
        SizeText::Fixed(0) => Err(format!("{key} must be at least 1")),
        SizeText::Fixed(items) if *items > LARGEST_SUBSET => {
            Err(format!("{key}: subsets may have at most {LARGEST_SUBSET} items"))
        }
        SizeText::Fixed(items) => Ok(Size::Fixed(*items)),
        SizeText::Searched(text) => {
            search(text, evaluated).map(Size::Searched).map_err(|wrong| format!("{key}: {wrong}"))
        }
    }
}

fn search(text: &SearchText, evaluated: Evaluated<'_>) -> Result<Search, String> {
    let SearchText { target_mae_pp, target_tau, target_width_pp, .. } = *text;
    let targets = [
        (Measure::MeanAbsoluteError, target_mae_pp, 100.0, "target_mae_pp"),
        (Measure::KendallTau, target_tau, 1.0, "target_tau"),
        (Measure::Width, target_width_pp, 100.0, "target_width_pp"),
    ];
    let given =
        targets.into_iter().filter_map(|(m, value, most, name)| Some((m, value?, most, name)));
    let given: Vec<_> = given.collect();
    let [(measure, limit, most, name)] = given[..] else {
        return Err("give exactly one of target_mae_pp, target_tau, target_width_pp".to_owned());
    };
    // Negated, so that NaN is refused too.
    if !(limit > 0.0 && limit < most) {
        return Err(format!("{name} must lie between 0 and {most}, got {limit}"));
    }
    let SearchText { confidence, smallest, largest, .. } = *text;
    if !(confidence > 0.5 && confidence < 1.0) {
        return Err(format!(
            "confidence must lie between 0.5 and 1, such as 0.95, got {confidence}"
        ));
    }
    if smallest == 0 || smallest > largest || largest > LARGEST_SUBSET {
        return Err(format!(
            "smallest must be at least 1, and largest between smallest and {LARGEST_SUBSET}"
        ));
    }
    let split = recipe::split(&text.split)?;
    if !evaluated.splits.contains(&split) {
        let splits: Vec<&str> = evaluated.splits.iter().map(|kind| kind.name()).collect();
        return Err(format!(
            "split `{}` is not evaluated; evaluate.splits has: {}",
            split.name(),
            splits.join(", ")
        ));
    }
    if evaluated.repetitions < 2 {
        return Err("a confidence bound needs evaluate.repetitions of at least 2".to_owned());
    }
    Ok(Search { split, request: Request { measure, limit, confidence, smallest, largest } })
}
