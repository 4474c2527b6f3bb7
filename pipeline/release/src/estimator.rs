//! The estimator file, version 1: plain JSON that a few lines of any language can apply.
//!
//! estimate = clamp(intercept + sum over i of weights\[i\] x score of items\[i\], 0, 1), with an answer
//! for every item. Interval = estimate -+ multiplier x e, cut to \[0, 1\], where
//! e = sqrt(s^2 / k x (1 - k / population) + 1 / (16 k^2)), k is the number of items and s^2 the
//! sample variance of the scores (1/4 if k = 1).

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
    /// `studentised-conformal`: covers a model that is exchangeable with the source models.
    pub kind: String,
    /// Share of such models that it covers.
    pub level: f64,
    /// Half width in sampling errors of the scores.
    pub multiplier: f64,
}

impl Estimator {
    /// Canonical bytes.
    pub fn to_bytes(&self) -> Result<Vec<u8>, CanonicalError> {
        canonical::to_bytes(self)
    }
}
