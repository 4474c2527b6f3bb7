//! Item response theory: the probability that a model solves an item, from a few abilities.
//!
//! [`fit`] learns items and abilities from source models; [`estimate_ability`] places a new model by
//! its answers on a few items. [`information_items`] chooses those items, as does k-means on
//! [`ItemResponseModel::item_points`]; [`PIrt`] and [`GpIrt`] turn the answers into the target mean. The
//! costly fits are done once, in a [`Calibration`].

mod ability;
mod cells;
mod estimate;
mod fit;
mod information;
mod logistic;
#[cfg(test)]
mod simulation;
mod standardise;
mod start;

pub use ability::{Ability, AbilityMethod, AbilityPrior, ItemCurves, estimate_ability};
pub use estimate::{Calibration, GpIrt, PIrt};
pub use fit::{Family, FitSettings, fit};
pub use information::information_items;
pub use logistic::Prior;

use crate::{StatsError, matrix::Target};
use logistic::logistic;

/// Items and source models of a fitted item response model.
///
/// The probability that a model of abilities theta solves item j is
/// `logistic(sum over d of slopes[d][j] * theta[d] + intercepts[j])` (slope-intercept form; source:
/// Reckase, *Multidimensional Item Response Theory* (2009)). Abilities are in units of the
/// sources: over them every dimension has mean 0 and variance 1 and no two are correlated. Dimension
/// 0 points along the mean slope of the items, that is to say at models that solve more; to the other
/// dimensions the mean slope is orthogonal.
#[derive(Debug, Clone, PartialEq)]
pub struct ItemResponseModel {
    /// One list over the items a dimension, logits per standard deviation of ability.
    pub slopes: Vec<Vec<f64>>,
    /// One logit an item, that of the mean source.
    pub intercepts: Vec<f64>,
    /// One list over the source models a dimension.
    pub abilities: Vec<Vec<f64>>,
    /// Rounds of the fit, and whether it converged before the cap.
    pub sweeps: usize,
    /// Whether the last round changed the parameters by less than the tolerance.
    pub converged: bool,
}

impl ItemResponseModel {
    /// Number of abilities of a model.
    pub fn dimensions(&self) -> usize {
        self.slopes.len()
    }

    /// Number of items.
    pub fn items(&self) -> usize {
        self.intercepts.len()
    }

    /// Number of source models.
    pub fn models(&self) -> usize {
        self.abilities.first().map_or(0, Vec::len)
    }

    /// Slopes and intercept of each item, row-major items x (dimensions + 1).
    pub fn item_points(&self) -> Vec<f64> {
        let point = |item: usize| {
            let slopes = self.slopes.iter().map(move |slopes| slopes[item]);
            slopes.chain([self.intercepts[item]])
        };
        (0..self.items()).flat_map(point).collect()
    }

    /// Abilities of one source model, one a dimension.
    pub fn ability(&self, model: usize) -> Vec<f64> {
        self.abilities.iter().map(|ability| ability[model]).collect()
    }

    /// Expected score in [0, 1] of a model of abilities `theta` on one item.
    pub fn expected_score(&self, theta: &[f64], item: usize) -> f64 {
        logistic(self.predictor(theta, item))
    }

    /// Fisher information of the answers on `items` about the first ability, the others known: the
    /// sum of p (1 - p) a^2; source: Lord, *Applications of Item Response Theory* (1980).
    pub fn test_information(&self, theta: &[f64], items: &[usize]) -> f64 {
        let of = |&item: &usize| {
            let expected = self.expected_score(theta, item);
            let slope = self.slopes[0][item];
            expected * (1.0 - expected) * slope * slope
        };
        items.iter().map(of).sum()
    }

    /// Expected target mean of a model of abilities `theta`.
    pub fn expected_target(&self, theta: &[f64], target: &Target) -> f64 {
        let weights = target.weights().iter().enumerate();
        weights.map(|(item, weight)| weight * self.expected_score(theta, item)).sum()
    }

    fn predictor(&self, theta: &[f64], item: usize) -> f64 {
        let slopes = self.slopes.iter().zip(theta);
        slopes.fold(self.intercepts[item], |sum, (slope, ability)| sum + slope[item] * ability)
    }
}

/// Items of the pool that count in the target, ascending, when `k` of them can be chosen.
fn candidates(
    model: &ItemResponseModel,
    target: &Target,
    pool: &[usize],
    k: usize,
) -> Result<Vec<usize>, StatsError> {
    check_target(model, target)?;
    check_items(model, pool)?;
    let counts = |item: &usize| target.weights()[*item] > 0.0;
    let mut candidates: Vec<usize> = pool.iter().copied().filter(counts).collect();
    candidates.sort_unstable();
    candidates.dedup();
    match k {
        0 => Err(StatsError::BudgetZero),
        _ if k > candidates.len() => Err(StatsError::BudgetTooLarge { k, pool: candidates.len() }),
        _ => Ok(candidates),
    }
}

fn check_items(model: &ItemResponseModel, items: &[usize]) -> Result<(), StatsError> {
    match items.iter().find(|&&item| item >= model.items()) {
        Some(&item) => Err(StatsError::NoSuchItem { item, items: model.items() }),
        None => Ok(()),
    }
}

fn check_target(model: &ItemResponseModel, target: &Target) -> Result<(), StatsError> {
    let (items, got) = (model.items(), target.weights().len());
    if items == got { Ok(()) } else { Err(StatsError::Shape { models: 1, items, got }) }
}

/// One number an item: errors with [`StatsError::Shape`] otherwise.
fn check_answers(items: usize, answers: &[f64]) -> Result<(), StatsError> {
    let got = answers.len();
    if items == got { Ok(()) } else { Err(StatsError::Shape { models: 1, items, got }) }
}
