//! A model against its variants (quantised, pruned, distilled) on the same items.
//!
//! Both have answered the same k items, so what counts is the difference on each item: it varies
//! far less than either score. [`compare`] estimates variant minus base with an interval that holds
//! for few disagreements and for items that share a parent, [`verdict`] turns the intervals of
//! several variants into claims that carry no more than their nominal error, and [`power`] says
//! beforehand what a number of items can show at all. Shares and differences are fractions: 0.01 is
//! one point.

mod difference;
mod flips;
mod floor;
pub mod power;
mod tests_of_no_change;
mod units;
pub mod verdict;

pub use difference::{ControlVariate, Difference, StandardErrors};
pub use flips::Flips;
pub use tests_of_no_change::{McNemar, SignFlip, mcnemar, sign_flip};

use crate::{StatsError, interval::Interval, rng::Stream};
use difference::{Population, Sample};
use units::Units;

/// Answers of both models on the subset, in one order of the items.
#[derive(Debug, Clone, Copy)]
pub struct Answers<'a> {
    /// The base model's scores in [0, 1].
    pub base: &'a [f64],
    /// The variant's scores in [0, 1].
    pub variant: &'a [f64],
    /// What each item counts; scaled to sum to one.
    pub weights: &'a [f64],
    /// The parent of each item, where several items share one.
    pub clusters: Option<&'a [u32]>,
}

/// What the difference is meant to be about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The benchmark of that many items from which the subset was drawn, for these very runs: nothing
    /// is left to learn once all of them are answered.
    Benchmark {
        /// Items of the full benchmark.
        items: usize,
        /// What was drawn from it.
        draw: Draw,
    },
    /// All items of the kind, of which the benchmark itself is only a sample, by parent where
    /// parents are known.
    ItemsOfTheKind,
}

/// What a subset was drawn by. It decides whether parents matter for a given benchmark: items that
/// were drawn singly are independent by the draw, however alike those of one parent are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Draw {
    /// Each item by itself.
    Items,
    /// All items of a parent, or none.
    Parents,
}

/// What is known beside the answers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Setting {
    /// What the interval is about.
    pub scope: Scope,
    /// The base model's score on all items of the benchmark, in the mean that the weights stand
    /// for.
    ///
    /// Of the base's answers off the subset only their mean enters a regression estimator, so the
    /// mean is all that is asked for.
    pub base_full: Option<f64>,
}

/// Everything that the answers say about one variant.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// Variant minus base, with its standard errors and interval.
    pub difference: Difference,
    /// Answers that changed.
    pub flips: Flips,
    /// McNemar's test; None where an answer is neither 0 nor 1.
    pub mcnemar: Option<McNemar>,
    /// The test of no change that respects parents, weights and graded scores.
    pub sign_flip: SignFlip,
    /// The base's full score, if known.
    pub base_full: Option<f64>,
}

impl Comparison {
    /// The variant's score on the full benchmark with its interval; None when the base's is
    /// unknown.
    ///
    /// Base's full score plus the estimated difference: the base's full run is the control variate.
    pub fn variant_full(&self, level: f64) -> Result<Option<(f64, Interval)>, StatsError> {
        let Some(base) = self.base_full else { return Ok(None) };
        let difference = self.difference.interval(level)?;
        let shifted = |value: f64| (base + value).clamp(0.0, 1.0);
        let interval =
            Interval { lower: shifted(difference.lower), upper: shifted(difference.upper) };
        Ok(Some((shifted(self.difference.estimate), interval)))
    }
}

/// Compares a variant with its base.
///
/// The stream is drawn from only for a sign-flip test with too many unequal changes to enumerate.
/// Errors when lists differ in length or are empty, an answer is outside [0, 1], weights are
/// unusable, the benchmark is smaller than the subset, or the base's full score is outside [0, 1].
pub fn compare(
    answers: &Answers<'_>,
    setting: &Setting,
    stream: &mut Stream,
) -> Result<Comparison, StatsError> {
    let weights = answers.checked_weights()?;
    if let Some(full) = setting.base_full {
        in_range("base's full score", "[0, 1]", full, (0.0..=1.0).contains(&full))?;
    }
    let population = Population::new(setting, answers.base.len())?;
    let items = Units::of_items(answers, &weights);
    let sample = Sample {
        clusters: answers.clusters.map(|clusters| Units::of_clusters(&items, clusters)),
        by_cluster: !matches!(setting.scope, Scope::Benchmark { draw: Draw::Items, .. }),
        binary: answers.is_binary(),
        items,
    };
    let difference = difference::estimate(&sample, &population);
    let units = sample.clusters.as_ref().unwrap_or(&sample.items);
    let flips = Flips::count(answers);
    Ok(Comparison {
        difference,
        mcnemar: sample.binary.then(|| mcnemar(flips.losses, flips.gains)),
        flips,
        sign_flip: sign_flip(&units.weighted_differences(), stream),
        base_full: setting.base_full,
    })
}

impl Answers<'_> {
    /// Weights scaled to sum to one, after every check on the input.
    fn checked_weights(&self) -> Result<Vec<f64>, StatsError> {
        let expected = self.base.len();
        if expected == 0 {
            return Err(StatsError::BudgetZero);
        }
        let clusters = self.clusters.map_or(expected, <[u32]>::len);
        for (what, got) in [
            ("answers of the variant", self.variant.len()),
            ("weights", self.weights.len()),
            ("clusters", clusters),
        ] {
            if got != expected {
                return Err(StatsError::Length { what, expected, got });
            }
        }
        for answers in [self.base, self.variant] {
            if let Some(position) = answers.iter().position(|answer| !(0.0..=1.0).contains(answer))
            {
                return Err(StatsError::AnswerOutOfRange { position, answer: answers[position] });
            }
        }
        let total: f64 = self.weights.iter().sum();
        let usable = self.weights.iter().all(|weight| weight.is_finite() && *weight >= 0.0);
        if !usable || !total.is_finite() || total <= 0.0 {
            return Err(StatsError::BadWeights);
        }
        Ok(self.weights.iter().map(|weight| weight / total).collect())
    }

    fn is_binary(&self) -> bool {
        self.base.iter().chain(self.variant).all(|&answer| answer == 0.0 || answer == 1.0)
    }
}

/// [`StatsError::BadParameter`] unless `valid`.
fn in_range(
    what: &'static str,
    range: &'static str,
    value: f64,
    valid: bool,
) -> Result<(), StatsError> {
    if valid { Ok(()) } else { Err(StatsError::BadParameter { what, range, value }) }
}

/// Confidence levels and powers lie strictly between these.
fn check_level(level: f64) -> Result<(), StatsError> {
    in_range("level", "(0, 1)", level, level > 0.0 && level < 1.0)
}

#[cfg(test)]
mod simulations;
#[cfg(test)]
mod tests;
