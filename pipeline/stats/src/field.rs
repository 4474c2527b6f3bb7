//! Gaussian priors of a new model's answers, learnt from the sources.
//!
//! A new model's answers on the items are taken for a draw from a Gaussian around the sources' item
//! means. Inside the sources' range its covariance is that of the sources. Beyond it, a model differs
//! from all of them in one known way, the items' curves say which, and in others that nobody can
//! know: the level, and the middling items more than the easy ones. Two kinds of [`Hypothesis`] say
//! this in numbers; selection makes the items good under both, estimation lets the answers decide.

use crate::{
    StatsError,
    curves::Curves,
    linalg::{add_scaled, dot_lanes},
    matrix::CompleteMatrix,
    sources::Sources,
};

/// Models up to which the covariance is the sources' own; more are compressed to as many components.
const EXACT_MODELS: usize = 600;
/// Components that stand for more models than that.
const COMPONENTS: usize = 96;
/// Components whose residual is taken for noise.
const NOISE_COMPONENTS: usize = 5;
/// Shares of the sources whose level is "inside".
const INSIDE_SHARES: [f64; 10] = [0.05, 0.15, 0.25, 0.35, 0.45, 0.55, 0.65, 0.75, 0.85, 0.95];
/// The sources' range of levels: quantiles, because the very weakest and strongest are outliers.
pub(crate) const EDGES: [f64; 2] = [0.05, 0.95];
/// Steps above the range, in logits of the overall score, that "beyond" is an average of: from 60 %
/// right to 71, 80, 87 and 92 %.
const BEYOND: [f64; 4] = [0.5, 1.0, 1.5, 2.0];
/// Steps above (positive) and below (negative) the range at which a model may stand.
const STEPS: [f64; 8] = [0.25, 0.5, 1.0, 2.0, 3.0, -0.5, -1.0, -2.0];

/// Sources that all answer alike would make every answer certain, and covariances singular.
const LEAST_DISPERSION: f64 = 0.01;
/// Least variance of a 0/1 answer that no other shares: an item that is all but sure is not certain.
const LEAST_NOISE: f64 = 0.03;

/// Where a hypothesis puts a new model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Region {
    /// In the sources' range.
    Inside,
    /// Stronger than almost all sources.
    Above,
    /// Weaker than almost all sources.
    Below,
}

impl Region {
    /// All regions.
    pub(crate) const ALL: [Self; 3] = [Self::Inside, Self::Above, Self::Below];
}

/// What a hypothesis expects of the items before any answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Expectation {
    /// The sources' item means, with their residual noise.
    Sources,
    /// The sources' item means, with the spread expected above their range.
    Beyond,
    /// The items' curves, one of [`STEPS`] out of the range.
    Step(usize),
}

/// What is assumed of a new model; variances in squared score units.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Hypothesis {
    pub expectation: Expectation,
    /// Factor of the sources' covariance.
    pub scale: f64,
    /// Variance of a shift common to all items.
    pub level: f64,
    /// Variance of a shift in proportion to the expected spread p (1 - p), 1 on average.
    pub spread: f64,
    /// Variance along the way from the sources' item means to what is expected above them.
    pub drift: f64,
    /// Logarithm of its weight in its group before any answer is seen.
    pub log_prior: f64,
}

/// Hypotheses that are averaged by how well they foretell the answers.
pub(crate) struct Group {
    pub region: Region,
    /// What the group counts in its region.
    pub share: f64,
    pub hypotheses: Vec<Hypothesis>,
}

/// A model like the sources, whose covariance is theirs times `scale`.
const fn like_sources(scale: f64, log_prior: f64) -> Hypothesis {
    let expectation = Expectation::Sources;
    Hypothesis { expectation, scale, level: 0.003, spread: 0.0, drift: 0.0, log_prior }
}

/// A model that may have drifted any way up, by the variance `drift`.
const fn drifted(drift: f64, level: f64, spread: f64) -> Hypothesis {
    let expectation = Expectation::Beyond;
    Hypothesis { expectation, scale: 1.0, level, spread, drift, log_prior: 0.0 }
}

/// A model at one of the steps, known well (the curves hold) or badly.
const fn stepped(step: usize, (level, spread): (f64, f64)) -> Hypothesis {
    let expectation = Expectation::Step(step);
    Hypothesis { expectation, scale: 1.0, level, spread, drift: 0.0, log_prior: 0.0 }
}

/// Variances of level and spread when the curves are trusted outside the range, and when not.
const TRUST: [(f64, f64); 2] = [(0.003, 0.0), (0.03, 0.1)];

/// The two hypotheses that a selection has to serve: like the sources, and above them.
pub(crate) const DESIGN: [Hypothesis; 2] = [like_sources(1.0, 0.0), drifted(0.1, 0.01, 0.03)];

/// Those that an estimate chooses from.
pub(crate) fn groups() -> Vec<Group> {
    let steps = |up: bool| (0..STEPS.len()).filter(move |&step| (STEPS[step] > 0.0) == up);
    let stepped = |up| {
        let both = |step| TRUST.map(|trust| stepped(step, trust));
        steps(up).flat_map(both).collect()
    };
    let like_sources = [(1.0, 0.0), (2.0, -1.0), (4.0, -2.0)]
        .map(|(scale, log_prior)| like_sources(scale, log_prior));
    let drifted = [0.25, 1.0, 4.0].map(|drift| drifted(drift, 0.03, 0.1));
    vec![
        Group { region: Region::Inside, share: 1.0, hypotheses: like_sources.to_vec() },
        Group { region: Region::Above, share: 0.5, hypotheses: drifted.to_vec() },
        Group { region: Region::Above, share: 0.5, hypotheses: stepped(true) },
        Group { region: Region::Below, share: 1.0, hypotheses: stepped(false) },
    ]
}

/// What the hypotheses need to know of each item.
pub(crate) struct Field {
    /// Coordinates of each item, item by item: their inner products are the sources' covariance.
    coordinates: Vec<f64>,
    rank: usize,
    /// Mean score of the sources.
    means: Vec<f64>,
    /// Variance of an answer of a model like the sources that no other answer shares.
    noise: Vec<f64>,
    beyond: Expected,
    steps: Vec<Expected>,
    /// p (1 - p) inside the range plus beyond it.
    pub expected_spread: Vec<f64>,
    /// Variance of a graded answer over that of a 0/1 answer of the same expectation.
    pub dispersion: f64,
    /// Target weights of the items.
    weights: Vec<f64>,
    /// The target mean of the coordinates.
    centre: Vec<f64>,
}

/// Expected scores and spreads of all items at some levels, averaged over them.
struct Expected {
    scores: Vec<f64>,
    /// p (1 - p).
    spreads: Vec<f64>,
    mean_spread: f64,
}

impl Expected {
    fn at(curves: &Curves, items: usize, levels: &[f64]) -> Self {
        let mean = |item: usize, value: fn(f64) -> f64| {
            let values = levels.iter().map(|level| value(curves.at(item, *level)));
            values.sum::<f64>() / levels.len() as f64
        };
        let spreads: Vec<f64> = (0..items).map(|item| mean(item, |p| p * (1.0 - p))).collect();
        let mean_spread = spreads.iter().sum::<f64>() / items as f64;
        Self { scores: (0..items).map(|item| mean(item, |p| p)).collect(), spreads, mean_spread }
    }

    /// Spread over the mean spread; where that vanishes, all items are alike.
    fn relative_spread(&self, item: usize) -> f64 {
        if self.mean_spread > 0.0 { self.spreads[item] / self.mean_spread } else { 1.0 }
    }

    /// Variance of a 0/1 answer: as its expectation says, less what the sources' covariance explains.
    fn noise(&self, item: usize) -> f64 {
        0.8 * self.spreads[item] + LEAST_NOISE
    }
}

/// One hypothesis about the items of a subset and about the target mean.
#[derive(Debug, Clone, PartialEq)]
pub struct Prior {
    /// Factor of the sources' covariance.
    pub scale: f64,
    /// Variance of a shift common to all items.
    pub level: f64,
    /// Variance of a shift along `spreads`.
    pub spread: f64,
    /// Variance of a shift along `drifts`.
    pub drift: f64,
    /// Logarithm of its weight in its group.
    pub log_prior: f64,
    /// Expected answers.
    pub means: Vec<f64>,
    /// Expected spread of each answer, over the mean spread of all items.
    pub spreads: Vec<f64>,
    /// What each answer gains above the sources' range.
    pub drifts: Vec<f64>,
    /// Variance of each answer that no other shares.
    pub noise: Vec<f64>,
    /// Target mean of the expected answers of all items.
    pub target_mean: f64,
    /// Target mean of the relative spreads of all items.
    pub target_spread: f64,
    /// Target mean of the drifts of all items.
    pub target_drift: f64,
}

impl Field {
    /// Learns all items from the sources.
    pub(crate) fn new(sources: &Sources<'_>) -> Result<Self, StatsError> {
        let matrix = &sources.complete;
        let (items, curves) = (matrix.items(), sources.curves());
        let (coordinates, rank) = coordinates(sources)?;
        let residuals = residual_variances(sources)?;
        let dispersion = curves.dispersion(matrix).max(LEAST_DISPERSION);
        let edges = EDGES.map(|share| curves.quantile(share));
        let beyond = Expected::at(curves, items, &BEYOND.map(|step| edges[1] + step));
        let inside =
            Expected::at(curves, items, &INSIDE_SHARES.map(|share| curves.quantile(share)));
        let step = |step: &f64| {
            let edge = if *step > 0.0 { edges[1] } else { edges[0] };
            Expected::at(curves, items, &[edge + step])
        };
        let weights = sources.target.weights().to_vec();
        let mut centre = vec![0.0; rank];
        for (item, weight) in weights.iter().enumerate() {
            add_scaled(&mut centre, *weight, &coordinates[item * rank..(item + 1) * rank]);
        }
        let spreads = inside.spreads.iter().zip(&beyond.spreads);
        Ok(Self {
            rank,
            means: matrix.item_means().to_vec(),
            // Half of it: the covariance has the items' own variances on its diagonal already.
            noise: residuals
                .iter()
                .map(|residual| 0.5 * residual + dispersion * LEAST_NOISE)
                .collect(),
            dispersion,
            expected_spread: spreads.map(|(inside, beyond)| inside + beyond).collect(),
            steps: STEPS.iter().map(step).collect(),
            beyond,
            weights,
            centre,
            coordinates,
        })
    }

    fn item(&self, item: usize) -> &[f64] {
        &self.coordinates[item * self.rank..(item + 1) * self.rank]
    }

    /// The sources' covariance of the answers on two items.
    pub(crate) fn kernel(&self, one: usize, other: usize) -> f64 {
        dot_lanes(self.item(one), self.item(other))
    }

    /// The sources' covariance of the answer on an item with the target mean.
    pub(crate) fn kernel_with_target(&self, item: usize) -> f64 {
        dot_lanes(self.item(item), &self.centre)
    }

    /// The sources' variance of the target mean.
    pub(crate) fn target_kernel(&self) -> f64 {
        dot_lanes(&self.centre, &self.centre)
    }

    /// A hypothesis about these items.
    pub(crate) fn prior(&self, hypothesis: &Hypothesis, items: &[usize]) -> Prior {
        let Hypothesis { expectation, scale, level, spread, drift, log_prior } = *hypothesis;
        let of = |value: &dyn Fn(usize) -> f64| items.iter().map(|&item| value(item)).collect();
        let target = |value: &dyn Fn(usize) -> f64| -> f64 {
            self.weights.iter().enumerate().map(|(item, weight)| weight * value(item)).sum()
        };
        let mean = |item: usize| match expectation {
            Expectation::Step(step) => self.steps[step].scores[item],
            _ => self.means[item],
        };
        let relative_spread = |item: usize| match expectation {
            Expectation::Sources => 0.0,
            Expectation::Beyond => self.beyond.relative_spread(item),
            Expectation::Step(step) => self.steps[step].relative_spread(item),
        };
        let gain = |item: usize| self.beyond.scores[item] - self.means[item];
        Prior {
            scale,
            level,
            spread,
            drift,
            log_prior,
            means: of(&mean),
            spreads: of(&relative_spread),
            drifts: of(&gain),
            noise: of(&|item| self.noise(expectation, item)),
            target_mean: target(&mean),
            target_spread: target(&relative_spread),
            target_drift: target(&gain),
        }
    }

    /// Variance of the target mean that comes from answers' own noise, item by item independent.
    pub(crate) fn target_noise(&self, hypothesis: &Hypothesis) -> f64 {
        let noise = |item| self.noise(hypothesis.expectation, item);
        self.weights.iter().enumerate().map(|(item, weight)| weight * weight * noise(item)).sum()
    }

    fn noise(&self, expectation: Expectation, item: usize) -> f64 {
        match expectation {
            Expectation::Sources => self.noise[item],
            // Outside the range nobody knows how graded the answers are: half way, in proportion.
            Expectation::Beyond => self.dispersion.sqrt() * self.beyond.noise(item),
            Expectation::Step(step) => self.dispersion.sqrt() * self.steps[step].noise(item),
        }
    }
}

impl Prior {
    /// What two places of the subset share besides the sources' covariance `kernel`.
    pub(crate) fn covariance(&self, kernel: f64, one: usize, other: usize) -> f64 {
        self.scale * kernel
            + self.level
            + self.spread * self.spreads[one] * self.spreads[other]
            + self.drift * self.drifts[one] * self.drifts[other]
    }

    /// What a place of the subset shares with the target mean, its own noise apart.
    pub(crate) fn covariance_with_target(&self, kernel: f64, place: usize) -> f64 {
        self.scale * kernel
            + self.level
            + self.spread * self.spreads[place] * self.target_spread
            + self.drift * self.drifts[place] * self.target_drift
    }

    /// Variance of the target mean, the answers' own noise apart.
    pub(crate) fn target_variance(&self, kernel: f64) -> f64 {
        self.scale * kernel
            + self.level
            + self.spread * self.target_spread * self.target_spread
            + self.drift * self.target_drift * self.target_drift
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
    // Beyond the exact size the first of the many serve: one decomposition instead of two.
    let many = matrix.models() > EXACT_MODELS;
    let components = sources.components(if many { COMPONENTS } else { NOISE_COMPONENTS })?;
    let of = |item: usize| {
        let mean = column_mean(matrix, item);
        let total: f64 =
            matrix.item(item).iter().map(|score| (score - mean) * (score - mean)).sum();
        let explained: f64 = components
            .loading(item)
            .iter()
            .zip(&components.singular_values)
            .take(NOISE_COMPONENTS)
            .map(|(loading, value)| (loading * value) * (loading * value))
            .sum();
        ((total - explained) / models).max(0.0)
    };
    Ok((0..matrix.items()).map(of).collect())
}

fn column_mean(matrix: &CompleteMatrix, item: usize) -> f64 {
    matrix.item(item).iter().sum::<f64>() / matrix.models() as f64
}

#[cfg(test)]
mod tests;
