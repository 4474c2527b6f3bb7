//! The estimator file, version 1: plain JSON that a few lines of any language can apply.
//!
//! estimate = clamp(intercept + sum over i of weights\[i\] x score of items\[i\], 0, 1), with an answer
//! for every item. Interval = estimate -+ interval.half_width, cut to \[0, 1\].

use aliquot_store::canonical::{self, CanonicalError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Value of `schema` in every estimator file of this version.
pub const SCHEMA: &str = "aliquot/estimator/v1";

/// A fitted linear estimator.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Estimator {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// Name of the mean that it estimates.
    pub target: String,
    /// Name of the subset that it reads.
    pub subset: String,
    /// `selection+estimator`.
    pub procedure: String,
    /// Number of items that the mean is over.
    pub population: u64,
    /// Number of source models that it was fitted on.
    pub sources: u64,
    /// Item uids, in the order of `weights`.
    pub items: Vec<String>,
    /// One weight an item.
    pub weights: Vec<f64>,
    /// Estimate when every score is 0.
    pub intercept: f64,
    /// Lowest and highest full score among the source models.
    pub source_range: [f64; 2],
    /// How far off the estimate may be.
    pub interval: Interval,
}

/// The interval of an estimator.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Interval {
    /// `conformal`: covers a model that is exchangeable with the source models.
    pub kind: String,
    /// Share of such models that it covers.
    pub level: f64,
    /// To be added to and taken from the estimate.
    pub half_width: f64,
}

impl Estimator {
    /// Canonical bytes.
    pub fn to_bytes(&self) -> Result<Vec<u8>, CanonicalError> {
        canonical::to_bytes(self)
    }

    /// The estimate for one score an item, in the order of `items`.
    pub fn apply(&self, scores: &[f64]) -> f64 {
        let sum: f64 = self.weights.iter().zip(scores).map(|(weight, score)| weight * score).sum();
        (self.intercept + sum).clamp(0.0, 1.0)
    }
}
