//! From the answers on a subset to the mean over all items.
//!
//! Both estimators are linear: estimate = clamp(intercept + sum of weight x answer, 0, 1). That is
//! all that a release has to carry, and all that its user has to compute.

pub mod aipw;
#[cfg(test)]
mod degenerate;
pub mod gaussian_process;
pub mod generalised_additive;
pub mod pca_completion;
pub mod prediction_powered;
#[cfg(test)]
mod reference;
mod ridge;
pub mod signature;
mod training;

use crate::{
    StatsError,
    linalg::dot,
    matrix::{CompleteMatrix, ResponseMatrix},
    rng::Stream,
    select::{self, Design, SelectionMethod, Subset},
};

/// The estimators, by the names of the field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EstimatorMethod {
    /// The weighted mean of the subset.
    Mean,
    /// Ridge regression of the source models' full scores on their answers, penalty by exact
    /// leave-one-out error.
    Ridge,
}

impl EstimatorMethod {
    /// All methods, in the order of reports.
    pub const ALL: [Self; 2] = [Self::Mean, Self::Ridge];

    /// Name in recipes and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::Ridge => "ridge",
        }
    }

    /// The method of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.name() == name)
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

/// Fits an estimator of `full_scores` (one a source model) on a subset of the sources' answers.
pub fn fit(
    method: EstimatorMethod,
    sources: &CompleteMatrix,
    subset: &Subset,
    full_scores: &[f64],
) -> Result<LinearEstimator, StatsError> {
    match method {
        EstimatorMethod::Mean => {
            Ok(LinearEstimator { intercept: 0.0, weights: subset.weights.clone() })
        }
        EstimatorMethod::Ridge => {
            let (intercept, weights) = ridge::fit(sources, &subset.items, full_scores)?;
            Ok(LinearEstimator { intercept, weights })
        }
    }
}

/// A selection and an estimator that go together, such as `balanced-swap+mean`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Procedure {
    /// Chooses the items.
    pub selection: SelectionMethod,
    /// Turns the answers into an estimate.
    pub estimator: EstimatorMethod,
}

impl Procedure {
    /// `selection+estimator`.
    pub fn name(self) -> String {
        format!("{}+{}", self.selection.name(), self.estimator.name())
    }

    /// The procedure of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        let (selection, estimator) = name.split_once('+')?;
        Some(Self {
            selection: SelectionMethod::from_name(selection)?,
            estimator: EstimatorMethod::from_name(estimator)?,
        })
    }

    /// Selects `k` items and fits the estimator on the same sources.
    pub fn run(
        self,
        design: &Design<'_>,
        full_scores: &[f64],
        k: usize,
        stream: &mut Stream,
    ) -> Result<(Subset, LinearEstimator), StatsError> {
        let subset = select::select(self.selection, design, k, stream)?;
        let estimator = fit(self.estimator, design.matrix, &subset, full_scores)?;
        Ok((subset, estimator))
    }
}

/// Answers of one model on the subset, gaps kept.
pub fn answers(matrix: &ResponseMatrix, model: usize, subset: &Subset) -> Vec<Option<f64>> {
    subset.items.iter().map(|&item| matrix.get(model, item)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for selection in SelectionMethod::ALL {
            for estimator in EstimatorMethod::ALL {
                let procedure = Procedure { selection, estimator };
                assert_eq!(Procedure::from_name(&procedure.name()), Some(procedure));
            }
        }
        assert_eq!(Procedure::from_name("random+oracle"), None);
    }

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
        let mut scores = Vec::new();
        let mut full = Vec::new();
        for _ in 0..30 {
            let (a, b, c) = (stream.uniform(), stream.uniform(), stream.uniform());
            scores.extend([a as f32, b as f32, c as f32]);
            full.push((f64::from(a as f32) + f64::from(b as f32)) / 2.0);
        }
        let sources = ResponseMatrix::new(30, 3, scores).unwrap().imputed().unwrap();
        let subset = Subset { items: vec![0, 1, 2], weights: vec![1.0 / 3.0; 3] };
        let estimator = fit(EstimatorMethod::Ridge, &sources, &subset, &full).unwrap();
        assert!((estimator.apply(&[0.9, 0.1, 0.7]) - 0.5).abs() < 0.01, "{estimator:?}");
    }
}
