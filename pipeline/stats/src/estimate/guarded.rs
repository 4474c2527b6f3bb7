//! The default estimator: model-based where the new model is like the sources, design-based in
//! spirit where it is not, and it says which.

use crate::{
    StatsError,
    field::{ESTIMATE, Field, Hypothesis},
    linalg::{Cholesky, dot, dot_lanes},
    sources::Sources,
};

/// Posterior weight of "beyond the sources' range" up to which a model counts as inside, and above
/// one minus which as outside.
const EDGE: f64 = 0.2;

/// Several Gaussian hypotheses about a new model, averaged by how well they foretell its answers.
///
/// With z the answers minus `means`, hypothesis h has the evidence
/// exp(log_weight - z' precision z / 2) and the estimate `target_mean` + weights . z, with posterior
/// variance `variance`; the estimate is the mean over the hypotheses weighted by evidence (Bayesian
/// model averaging; Hoeting et al., *Statistical Science* 14 (1999)).
#[derive(Debug, Clone, PartialEq)]
pub struct Guarded {
    /// Mean score of the sources on each subset item.
    pub means: Vec<f64>,
    /// Target mean of the sources' item means.
    pub target_mean: f64,
    /// What may be so.
    pub hypotheses: Vec<FittedHypothesis>,
}

/// One hypothesis, conditioned on answers to the subset.
#[derive(Debug, Clone, PartialEq)]
pub struct FittedHypothesis {
    /// Whether the model lies beyond the sources' range.
    pub outside: bool,
    /// Logarithm of prior weight and normalising constant.
    pub log_weight: f64,
    /// Inverse covariance of the answers, row-major items x items.
    pub precision: Vec<f64>,
    /// One an item.
    pub weights: Vec<f64>,
    /// Of the target mean once the answers are known.
    pub variance: f64,
}

/// Where a model lies, judged by its answers alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Regime {
    /// Like the sources: the estimate leans on how they answered.
    Inside,
    /// The answers do not tell.
    Edge,
    /// Beyond the sources' range: the estimate leans on the answers.
    Outside,
}

impl Regime {
    /// Name in results.
    pub fn name(self) -> &'static str {
        match self {
            Self::Inside => "inside",
            Self::Edge => "edge",
            Self::Outside => "outside",
        }
    }
}

/// What the answers say.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Judged {
    /// The estimate, not cut to [0, 1].
    pub value: f64,
    /// Its posterior variance.
    pub variance: f64,
    /// Posterior weight of the hypotheses beyond the sources' range.
    pub outside: f64,
}

impl Judged {
    /// The regime in words.
    pub fn regime(&self) -> Regime {
        match self.outside {
            outside if outside <= EDGE => Regime::Inside,
            outside if outside < 1.0 - EDGE => Regime::Edge,
            _ => Regime::Outside,
        }
    }
}

/// Conditions every hypothesis on the subset's items.
///
/// Errors when the subset is empty.
pub fn fit(sources: &Sources<'_>, items: &[usize]) -> Result<Guarded, StatsError> {
    if items.is_empty() {
        return Err(StatsError::BudgetZero);
    }
    let field = sources.field()?;
    let means = sources.complete.item_means();
    let conditioned = ESTIMATE.iter().map(|hypothesis| condition(field, hypothesis, items));
    Ok(Guarded {
        means: items.iter().map(|&item| means[item]).collect(),
        target_mean: dot(sources.target.weights(), means),
        hypotheses: conditioned.collect::<Result<_, _>>()?,
    })
}

fn condition(
    field: &Field,
    hypothesis: &Hypothesis,
    items: &[usize],
) -> Result<FittedHypothesis, StatsError> {
    let size = items.len();
    let mut covariance = vec![0.0; size * size];
    for (row, &one) in items.iter().enumerate() {
        for (column, &other) in items[..=row].iter().enumerate() {
            covariance[row * size + column] = field.covariance(hypothesis, one, other);
        }
        covariance[row * size + row] += field.noise(hypothesis, one);
    }
    let factor = Cholesky::factor(size, &covariance)?;
    let with_target = field.covariance_with_target(hypothesis);
    let with_target: Vec<f64> = items.iter().map(|&item| with_target[item]).collect();
    let weights = factor.solve(&with_target);
    let explained = dot(&weights, &with_target);
    Ok(FittedHypothesis {
        outside: hypothesis.outside,
        log_weight: hypothesis.log_prior - 0.5 * factor.log_determinant(),
        precision: factor.inverse(),
        variance: (field.target_variance(hypothesis) - explained).max(0.0),
        weights,
    })
}

impl Guarded {
    /// Estimate, variance and place of a model, from one answer a subset item.
    pub fn judge(&self, answers: &[f64]) -> Judged {
        let z: Vec<f64> = answers.iter().zip(&self.means).map(|(answer, mean)| answer - mean).collect();
        let evidence = |hypothesis: &FittedHypothesis| {
            let rows = hypothesis.precision.chunks(z.len());
            let quadratic: f64 = rows.zip(&z).map(|(row, z_row)| z_row * dot_lanes(row, &z)).sum();
            hypothesis.log_weight - 0.5 * quadratic
        };
        let logs: Vec<f64> = self.hypotheses.iter().map(evidence).collect();
        let greatest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let shares: Vec<f64> = logs.iter().map(|log| libm::exp(log - greatest)).collect();
        let total: f64 = shares.iter().sum();

        let estimates: Vec<f64> = self
            .hypotheses
            .iter()
            .map(|hypothesis| self.target_mean + dot_lanes(&hypothesis.weights, &z))
            .collect();
        let value = dot(&shares, &estimates) / total;
        let (mut variance, mut outside) = (0.0, 0.0);
        for ((hypothesis, share), estimate) in self.hypotheses.iter().zip(&shares).zip(&estimates) {
            variance += share / total * (hypothesis.variance + (estimate - value) * (estimate - value));
            outside += if hypothesis.outside { share / total } else { 0.0 };
        }
        Judged { value, variance, outside }
    }
}
