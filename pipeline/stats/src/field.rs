//! Gaussian priors of a new model's answers, learnt from the sources.
//!
//! A new model's answers on the items are taken for a draw from a Gaussian around the sources' item
//! means. Inside the sources' range its covariance is that of the sources. Beyond it, a model differs
//! from all of them in one known way, the items' curves say which, and in others that nobody can
//! know: the level, and the middling items more than the easy ones. Two kinds of [`Hypothesis`] say
//! this in numbers; selection makes the items good under both, estimation lets the answers decide.

use crate::{
    StatsError, curves::Curves, linalg::dot_lanes, matrix::CompleteMatrix, sources::Sources,
};

/// Models up to which the covariance is the sources' own; more are compressed to as many components.
const EXACT_MODELS: usize = 600;
/// Components that stand for more models than that.
const COMPONENTS: usize = 96;
/// Components whose residual is taken for noise.
const NOISE_COMPONENTS: usize = 5;
/// Shares of the sources whose level is "inside".
const INSIDE_SHARES: [f64; 10] = [0.05, 0.15, 0.25, 0.35, 0.45, 0.55, 0.65, 0.75, 0.85, 0.95];
/// Steps beyond the 95 % quantile of the sources' levels, in logits of the overall score, that are
/// "outside": from 60 % right to 71, 80, 87 and 92 %.
const OUTSIDE_STEPS: [f64; 4] = [0.5, 1.0, 1.5, 2.0];

/// What is assumed of a new model; variances in squared score units.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Hypothesis {
    /// Whether the model lies beyond the sources' range.
    pub outside: bool,
    /// Factor of the sources' covariance.
    pub scale: f64,
    /// Variance of a shift common to all items.
    pub level: f64,
    /// Variance of a shift in proportion to the expected spread p (1 - p), 1 on average.
    pub spread: f64,
    /// Variance along the way from the sources' item means to what is expected beyond them.
    pub drift: f64,
    /// Logarithm of its weight before any answer is seen.
    pub log_prior: f64,
}

/// The two hypotheses that a selection has to serve.
pub(crate) const DESIGN: [Hypothesis; 2] = [inside(1.0, 0.0), outside(1.0)];

/// Those that an estimate chooses from: sources' covariance at three scales, drift at three.
pub(crate) const ESTIMATE: [Hypothesis; 6] = [
    inside(1.0, 0.0),
    inside(2.0, -1.0),
    inside(4.0, -2.0),
    outside(0.25),
    outside(1.0),
    outside(4.0),
];

const fn inside(scale: f64, log_prior: f64) -> Hypothesis {
    Hypothesis { outside: false, scale, level: 0.003, spread: 0.0, drift: 0.0, log_prior }
}

const fn outside(drift: f64) -> Hypothesis {
    Hypothesis { outside: true, scale: 1.0, level: 0.03, spread: 0.1, drift, log_prior: 1.0 }
}

/// What the hypotheses need to know of each item.
pub(crate) struct Field {
    /// Coordinates of each item, item by item: their inner products are the sources' covariance.
    coordinates: Vec<f64>,
    rank: usize,
    /// p (1 - p) beyond the sources' range, 1 on average.
    spread: Vec<f64>,
    /// Expected score beyond the sources' range minus mean score in it.
    drift: Vec<f64>,
    /// Variance of an answer about all that, inside the range and beyond it.
    noise: [Vec<f64>; 2],
    /// p (1 - p) inside the range plus beyond it.
    pub expected_spread: Vec<f64>,
    /// Mean score of the sources plus expected score beyond them: the order of difficulty.
    pub ease: Vec<f64>,
    /// Target weights of the items.
    weights: Vec<f64>,
    /// The target mean of the coordinates.
    centre: Vec<f64>,
}

impl Field {
    /// Learns all items from the sources.
    pub(crate) fn new(sources: &Sources<'_>) -> Result<Self, StatsError> {
        let matrix = &sources.complete;
        let (coordinates, rank) = coordinates(sources)?;
        let residuals = residual_variances(sources)?;
        let means = matrix.item_means();
        let expected = Expected::new(sources.curves(), matrix.items());
        let spread = scaled_to_mean_one(&expected.spread_outside);
        let drift = expected.outside.iter().zip(means).map(|(out, mean)| out - mean).collect();
        // Half of the residual variance: the covariance has the items' own variances on its diagonal
        // already. Beyond the range the answers spread as their expectations say, less what the
        // sources' covariance explains. The constant keeps an item that all sources solve from
        // counting as certain.
        let inside = residuals.iter().map(|residual| 0.5 * residual + 0.03).collect();
        let outside = expected.spread_outside.iter().map(|spread| 0.8 * spread + 0.03).collect();
        let weights = sources.target.weights().to_vec();
        let mut centre = vec![0.0; rank];
        for (item, weight) in weights.iter().enumerate() {
            let own = &coordinates[item * rank..(item + 1) * rank];
            centre.iter_mut().zip(own).for_each(|(sum, value)| *sum += weight * value);
        }
        Ok(Self {
            rank,
            spread,
            drift,
            noise: [inside, outside],
            expected_spread: expected.spread_inside.iter().zip(&expected.spread_outside).map(|(a, b)| a + b).collect(),
            ease: expected.outside.iter().zip(means).map(|(out, mean)| out + mean).collect(),
            weights,
            centre,
            coordinates,
        })
    }

    fn item(&self, item: usize) -> &[f64] {
        &self.coordinates[item * self.rank..(item + 1) * self.rank]
    }

    /// Variance of an answer that no other answer shares.
    pub(crate) fn noise(&self, hypothesis: &Hypothesis, item: usize) -> f64 {
        self.noise[usize::from(hypothesis.outside)][item]
    }

    /// Covariance of the answers on two items, without their noise.
    pub(crate) fn covariance(&self, hypothesis: &Hypothesis, one: usize, other: usize) -> f64 {
        let Hypothesis { scale, level, spread, drift, .. } = hypothesis;
        scale * dot_lanes(self.item(one), self.item(other))
            + level
            + spread * self.spread[one] * self.spread[other]
            + drift * self.drift[one] * self.drift[other]
    }

    /// Covariance of the answer on each item with the target mean, in which its own noise counts by
    /// its weight.
    pub(crate) fn covariance_with_target(&self, hypothesis: &Hypothesis) -> Vec<f64> {
        let Hypothesis { scale, level, spread, drift, .. } = hypothesis;
        let (mean_spread, mean_drift) = (self.mean(&self.spread), self.mean(&self.drift));
        (0..self.weights.len())
            .map(|item| {
                scale * dot_lanes(self.item(item), &self.centre)
                    + level
                    + spread * self.spread[item] * mean_spread
                    + drift * self.drift[item] * mean_drift
                    + self.weights[item] * self.noise(hypothesis, item)
            })
            .collect()
    }

    /// Variance of the target mean before any answer is seen.
    pub(crate) fn target_variance(&self, hypothesis: &Hypothesis) -> f64 {
        let Hypothesis { scale, level, spread, drift, .. } = hypothesis;
        let (mean_spread, mean_drift) = (self.mean(&self.spread), self.mean(&self.drift));
        let noise = self.weights.iter().enumerate();
        let noise = noise.map(|(item, weight)| weight * weight * self.noise(hypothesis, item));
        scale * dot_lanes(&self.centre, &self.centre)
            + level
            + spread * mean_spread * mean_spread
            + drift * mean_drift * mean_drift
            + noise.sum::<f64>()
    }

    fn mean(&self, values: &[f64]) -> f64 {
        dot_lanes(&self.weights, values)
    }
}

/// Expected scores, averaged over levels inside and beyond the sources' range.
struct Expected {
    outside: Vec<f64>,
    spread_inside: Vec<f64>,
    spread_outside: Vec<f64>,
}

impl Expected {
    fn new(curves: &Curves, items: usize) -> Self {
        let inside = INSIDE_SHARES.map(|share| curves.quantile(share));
        let edge = curves.quantile(0.95);
        let outside = OUTSIDE_STEPS.map(|step| edge + step);
        let mean = |item: usize, levels: &[f64], value: fn(f64) -> f64| {
            let values = levels.iter().map(|level| value(curves.at(item, *level)));
            values.sum::<f64>() / levels.len() as f64
        };
        let spread = |p: f64| p * (1.0 - p);
        let all = |levels: &[f64], value| (0..items).map(|item| mean(item, levels, value)).collect();
        Self {
            outside: all(&outside, |p| p),
            spread_inside: all(&inside, spread),
            spread_outside: all(&outside, spread),
        }
    }
}

/// Deviations of the sources from the item means, over the root of their number; beyond
/// [`EXACT_MODELS`] models the leading components.
fn coordinates(sources: &Sources<'_>) -> Result<(Vec<f64>, usize), StatsError> {
    let matrix = &sources.complete;
    let (models, items) = (matrix.models(), matrix.items());
    let root = (models as f64).sqrt();
    if models <= EXACT_MODELS {
        let of = |item: usize| {
            let mean = column_mean(matrix, item);
            matrix.item(item).iter().map(move |score| (score - mean) / root)
        };
        return Ok(((0..items).flat_map(of).collect(), models));
    }
    let components = sources.components(COMPONENTS)?;
    let of = |item: usize| {
        let values = components.loading(item).iter().zip(&components.singular_values);
        values.map(|(loading, value)| loading * value / root).collect::<Vec<f64>>()
    };
    Ok(((0..items).flat_map(of).collect(), components.rank))
}

/// Variance of each item about the leading components.
fn residual_variances(sources: &Sources<'_>) -> Result<Vec<f64>, StatsError> {
    let matrix = &sources.complete;
    let models = matrix.models() as f64;
    let components = sources.components(NOISE_COMPONENTS)?;
    let of = |item: usize| {
        let mean = column_mean(matrix, item);
        let total: f64 = matrix.item(item).iter().map(|score| (score - mean) * (score - mean)).sum();
        let explained: f64 = components
            .loading(item)
            .iter()
            .zip(&components.singular_values)
            .map(|(loading, value)| (loading * value) * (loading * value))
            .sum();
        ((total - explained) / models).max(0.0)
    };
    Ok((0..matrix.items()).map(of).collect())
}

fn column_mean(matrix: &CompleteMatrix, item: usize) -> f64 {
    matrix.item(item).iter().sum::<f64>() / matrix.models() as f64
}

fn scaled_to_mean_one(values: &[f64]) -> Vec<f64> {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    values.iter().map(|value| value / mean.max(f64::MIN_POSITIVE)).collect()
}
