//! From the answers on a subset to the mean over all items.
//!
//! Every method learns from the source models once and then is a plain function of the answers. Most
//! are linear: estimate = intercept + sum of weight x answer.

pub mod aipw;
#[cfg(test)]
mod contract;
#[cfg(test)]
mod degenerate;
pub mod gaussian_process;
pub mod generalised_additive;
pub mod guarded;
pub mod pca_completion;
pub mod prediction_powered;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod reference;
mod ridge;
pub mod signature;
mod training;

use crate::{
    StatsError,
    irt::{AbilityPrior, GpIrt, PIrt},
    linalg::dot,
    matrix::{CompleteMatrix, ResponseMatrix},
    names::{self, Written},
    rng::Stream,
    select::{DIMENSIONS, Subset},
    sources::Sources,
};
use gaussian_process::GaussianProcess;
use generalised_additive::GeneralisedAdditive;
use guarded::{Guarded, Judged};
use prediction_powered::PredictionPowered;
use signature::{Forest, Neighbours};

/// The estimators, by the names of the field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EstimatorMethod {
    /// The plain mean of the answers.
    Mean,
    /// The mean of the answers under the subset's weights.
    WeightedMean,
    /// Ridge regression of the source models' full scores on their answers, penalty by exact
    /// leave-one-out error.
    Ridge,
    /// Gaussian-process regression of the full scores.
    GaussianProcess,
    /// Answers where there are any, item response curves elsewhere.
    PIrt {
        /// Abilities of the item response model.
        dimensions: usize,
    },
    /// p-IRT and the weighted mean, mixed as tinyBenchmarks.
    GpIrt {
        /// Abilities of the item response model.
        dimensions: usize,
    },
    /// Augmented inverse-propensity weighting: each model's own regression over the items.
    Aipw,
    /// Prediction-powered inference with tuned power.
    PredictionPowered,
    /// Completion by principal components.
    PcaCompletion {
        /// Number of components.
        components: usize,
    },
    /// Random forest on the pattern of answers.
    Signature,
    /// Nearest source models by their answers.
    SignatureNeighbours,
    /// Smooth curve of the subset score, as metabench.
    GeneralisedAdditive,
    /// The default: Gaussian hypotheses inside and beyond the sources' range.
    Guarded,
}

impl EstimatorMethod {
    /// All methods with their default parameters, in the order of reports.
    pub const ALL: [Self; 13] = [
        Self::Mean,
        Self::WeightedMean,
        Self::Ridge,
        Self::GaussianProcess,
        Self::PIrt { dimensions: DIMENSIONS },
        Self::GpIrt { dimensions: DIMENSIONS },
        Self::Aipw,
        Self::PredictionPowered,
        Self::PcaCompletion { components: pca_completion::FACTORS },
        Self::Signature,
        Self::SignatureNeighbours,
        Self::GeneralisedAdditive,
        Self::Guarded,
    ];

    /// Name in recipes and tables, without parameter.
    pub fn method(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::WeightedMean => "weighted-mean",
            Self::Ridge => "ridge",
            Self::GaussianProcess => "gp",
            Self::PIrt { .. } => "p-irt",
            Self::GpIrt { .. } => "gp-irt",
            Self::Aipw => "aipw",
            Self::PredictionPowered => "ppi",
            Self::PcaCompletion { .. } => "pca-completion",
            Self::Signature => "signature",
            Self::SignatureNeighbours => "signature-neighbours",
            Self::GeneralisedAdditive => "gam",
            Self::Guarded => "guarded",
        }
    }

    /// Whether the method learns from results; see [`fit_cold`](crate::cold::fit_cold) for the others.
    pub fn needs_results(self) -> bool {
        !matches!(self, Self::Mean | Self::WeightedMean)
    }

    /// The parameter's name and value, for a method that has one.
    pub fn parameter(self) -> Option<(&'static str, usize)> {
        match self {
            Self::PIrt { dimensions } | Self::GpIrt { dimensions } => {
                Some(("dimensions", dimensions))
            }
            Self::PcaCompletion { components } => Some(("components", components)),
            _ => None,
        }
    }

    fn with_parameter(self, value: usize) -> Self {
        match self {
            Self::PIrt { .. } => Self::PIrt { dimensions: value },
            Self::GpIrt { .. } => Self::GpIrt { dimensions: value },
            Self::PcaCompletion { .. } => Self::PcaCompletion { components: value },
            other => other,
        }
    }

    /// Full name: `p-irt`, or `p-irt(dimensions=2)` where that is not the default.
    pub fn name(self) -> String {
        let default = Self::ALL.into_iter().find(|method| method.method() == self.method());
        let default = default.and_then(Self::parameter).map(|(_, value)| value);
        names::write(self.method(), self.parameter(), default)
    }

    /// The method of that name, with or without its parameter.
    pub fn from_name(name: &str) -> Option<Self> {
        let Written { method, parameter } = Written::parse(name)?;
        let found = Self::ALL.into_iter().find(|candidate| candidate.method() == method)?;
        match parameter {
            None => Some(found),
            Some((name, value)) => {
                (found.parameter()?.0 == name).then(|| found.with_parameter(value))
            }
        }
    }
}

/// A fitted estimator: plain numbers, and a function of the answers.
#[derive(Debug, Clone, PartialEq)]
pub enum Fitted {
    /// Intercept and weights.
    Linear(LinearEstimator),
    /// See [`GaussianProcess`].
    GaussianProcess(GaussianProcess),
    /// See [`PIrt`].
    PIrt(PIrt),
    /// See [`GpIrt`].
    GpIrt(GpIrt),
    /// See [`PredictionPowered`].
    PredictionPowered(PredictionPowered),
    /// See [`Forest`].
    Forest(Forest),
    /// See [`Neighbours`].
    Neighbours(Neighbours),
    /// See [`GeneralisedAdditive`].
    GeneralisedAdditive(GeneralisedAdditive),
    /// See [`Guarded`].
    Guarded(Guarded),
}

impl Fitted {
    /// The estimated full score in [0, 1], from one answer a subset item.
    pub fn estimate(&self, answers: &[f64]) -> Result<f64, StatsError> {
        let value = match self {
            Self::Linear(linear) => linear.apply(answers),
            Self::GaussianProcess(process) => process.estimate(answers),
            Self::PIrt(p_irt) => p_irt.estimate(answers)?,
            Self::GpIrt(gp_irt) => gp_irt.estimate(answers)?,
            Self::PredictionPowered(powered) => powered.estimate(answers),
            Self::Forest(forest) => forest.estimate(answers),
            Self::Neighbours(neighbours) => neighbours.estimate(answers),
            Self::GeneralisedAdditive(additive) => additive.estimate(answers),
            Self::Guarded(guarded) => guarded.judge(answers).value,
        };
        Ok(value.clamp(0.0, 1.0))
    }

    /// Variance and place beside the estimate, where the estimator knows them.
    pub fn judge(&self, answers: &[f64]) -> Option<Judged> {
        match self {
            Self::Guarded(guarded) => Some(guarded.judge(answers)),
            _ => None,
        }
    }
}

/// A fitted linear estimator.
#[derive(Debug, Clone, PartialEq)]
pub struct LinearEstimator {
    /// Estimate when every answer scores 0.
    pub intercept: f64,
    /// One weight a subset item, in the subset's order.
    pub weights: Vec<f64>,
}

impl LinearEstimator {
    /// The estimated full score in [0, 1], from one answer a subset item.
    pub fn apply(&self, answers: &[f64]) -> f64 {
        (self.intercept + dot(&self.weights, answers)).clamp(0.0, 1.0)
    }
}

/// One answer a subset item, from answers with gaps; None when there is no answer at all.
///
/// A gap gets the sources' mean on that item plus what the model is above the sources on the items
/// that it answered, clamped to [0, 1].
pub fn fill_gaps(
    answers: &[Option<f64>],
    sources: &CompleteMatrix,
    subset: &Subset,
) -> Option<Vec<f64>> {
    let means = || subset.items.iter().map(|&item| sources.item_means()[item]);
    let differences =
        answers.iter().zip(means()).filter_map(|(answer, mean)| answer.map(|a| a - mean));
    let (sum, count) =
        differences.fold((0.0, 0_u64), |(sum, count), value| (sum + value, count + 1));
    let above = sum / count as f64;
    let filled =
        |(answer, mean): (&Option<f64>, f64)| answer.unwrap_or((mean + above).clamp(0.0, 1.0));
    (count > 0).then(|| answers.iter().zip(means()).map(filled).collect())
}

/// Fits an estimator of the sources' full scores on their answers to the subset.
///
/// `stream` is drawn from by the random forest only.
pub fn fit(
    method: EstimatorMethod,
    sources: &Sources<'_>,
    subset: &Subset,
    stream: &mut Stream,
) -> Result<Fitted, StatsError> {
    let Sources { complete, target, full_scores, .. } = sources;
    let items = &subset.items;
    Ok(match method {
        EstimatorMethod::Mean => {
            let weights = vec![1.0 / items.len() as f64; items.len()];
            Fitted::Linear(LinearEstimator { intercept: 0.0, weights })
        }
        EstimatorMethod::WeightedMean => {
            Fitted::Linear(LinearEstimator { intercept: 0.0, weights: subset.weights.clone() })
        }
        EstimatorMethod::Ridge => {
            let (intercept, weights) = ridge::fit(complete, items, full_scores)?;
            Fitted::Linear(LinearEstimator { intercept, weights })
        }
        EstimatorMethod::GaussianProcess => {
            Fitted::GaussianProcess(gaussian_process::fit(complete, items, full_scores)?)
        }
        EstimatorMethod::PIrt { dimensions } => {
            let calibration = sources.calibration(dimensions)?;
            Fitted::PIrt(PIrt::new(&calibration.model, target, subset, AbilityPrior::NEW_MODEL)?)
        }
        EstimatorMethod::GpIrt { dimensions } => {
            let calibration = sources.calibration(dimensions)?;
            let responses = sources.responses;
            Fitted::GpIrt(GpIrt::new(
                &calibration,
                responses,
                target,
                subset,
                AbilityPrior::NEW_MODEL,
            )?)
        }
        EstimatorMethod::Aipw => Fitted::Linear(aipw::fit(complete, target, subset)?),
        EstimatorMethod::PredictionPowered => {
            Fitted::PredictionPowered(prediction_powered::fit(complete, target, subset)?)
        }
        EstimatorMethod::PcaCompletion { components } => {
            let components = sources.components(components)?;
            let models = complete.models();
            Fitted::Linear(pca_completion::complete(&components, models, target, items)?)
        }
        EstimatorMethod::Signature => {
            Fitted::Forest(signature::fit_forest(complete, items, full_scores, stream)?)
        }
        EstimatorMethod::SignatureNeighbours => {
            Fitted::Neighbours(signature::fit_neighbours(complete, items, full_scores)?)
        }
        EstimatorMethod::GeneralisedAdditive => {
            Fitted::GeneralisedAdditive(generalised_additive::fit(complete, subset, full_scores)?)
        }
        EstimatorMethod::Guarded => Fitted::Guarded(guarded::fit(sources, items)?),
    })
}

/// Answers of one model on the subset, gaps kept.
pub fn answers(matrix: &ResponseMatrix, model: usize, subset: &Subset) -> Vec<Option<f64>> {
    subset.items.iter().map(|&item| matrix.get(model, item)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulated::World;

    #[test]
    fn a_gap_is_filled_with_the_items_mean_shifted_by_the_models_level() {
        let sources = ResponseMatrix::new(2, 3, vec![0.75, 0.0, 0.25, 0.25, 1.0, 0.25]).unwrap();
        let sources = sources.imputed().unwrap();
        let subset = Subset { items: vec![0, 2], weights: vec![0.5, 0.5] };
        // Answered 0.75 where sources have 0.5: 0.25 above, so the gap becomes 0.25 + 0.25.
        assert_eq!(fill_gaps(&[Some(0.75), None], &sources, &subset), Some(vec![0.75, 0.5]));
        assert_eq!(fill_gaps(&[None, None], &sources, &subset), None);
    }

    #[test]
    fn ridge_recovers_a_linear_rule() {
        // 30 models whose full score is exactly the mean of items 0 and 1, out of 3.
        let mut stream = Stream::new(3, "ridge", 0);
        let world = World::of(30, 3, |_, _| stream.uniform() as f32).with_weights(&[1.0, 1.0, 0.0]);
        let subset = Subset { items: vec![0, 1, 2], weights: vec![1.0 / 3.0; 3] };
        let mut unused = Stream::new(3, "unused", 0);
        let fitted = fit(EstimatorMethod::Ridge, &world.sources(), &subset, &mut unused).unwrap();
        assert!((fitted.estimate(&[0.9, 0.1, 0.7]).unwrap() - 0.5).abs() < 0.01, "{fitted:?}");
    }
}
