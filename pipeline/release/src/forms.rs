//! What the forms of an estimator file hold: the numbers of `aliquot-stats`, field by field, which
//! itself knows no JSON.

use aliquot_stats::{
    estimate::{
        LinearEstimator,
        gaussian_process::GaussianProcess as OwnProcess,
        generalised_additive::{Curve as OwnCurve, GeneralisedAdditive as OwnAdditive},
        guarded::{Gate as OwnGate, Known as OwnKnown, PriorGroup as OwnGroup},
        prediction_powered::PredictionPowered as OwnPowered,
        signature::{Forest as OwnForest, Neighbours as OwnNeighbours},
    },
    field::{Prior as OwnHypothesis, Region as OwnRegion},
    irt::{AbilityPrior as OwnPrior, GpIrt as OwnGpIrt, ItemCurves as OwnCurves, PIrt as OwnPIrt},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A struct with the fields of one of `aliquot-stats`, and the way there and back. A field marked
/// `each` is a list whose elements are converted.
macro_rules! mirror {
    (@convert $value:expr) => { $value.into() };
    (@convert $value:expr, each) => { $value.into_iter().map(Into::into).collect() };
    ($name:ident of $original:ident: $doc:literal
     $($field_doc:literal $field:ident: $type:ty $([$each:ident])?,)*) => {
        #[doc = $doc]
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $name { $(#[doc = $field_doc] pub $field: $type,)* }

        impl From<$original> for $name {
            fn from(own: $original) -> Self {
                Self { $($field: mirror!(@convert own.$field $(, $each)?),)* }
            }
        }

        impl From<$name> for $original {
            fn from(own: $name) -> Self {
                Self { $($field: mirror!(@convert own.$field $(, $each)?),)* }
            }
        }
    };
}

mirror! { Linear of LinearEstimator: "Intercept and weights."
    "Value when every score is 0." intercept: f64,
    "One an item." weights: Vec<f64>,
}

mirror! { Guarded of OwnKnown: "What is known of the items before a model answers them."
    "Number of source models." sources: u64,
    "Weight of each item in the mean." target_weights: Vec<f64>,
    "The sources' covariance of the scores, row-major items x items." kernel: Vec<f64>,
    "The sources' covariance of each score with the mean." target_covariances: Vec<f64>,
    "The sources' variance of the mean." target_variance: f64,
    "Variance of a graded score over that of a 0/1 score of the same expectation." dispersion: f64,
    "Hypotheses." groups: Vec<Group> [each],
    "Levels of overall score." gate: Gate,
}

mirror! { Group of OwnGroup: "Hypotheses of one region."
    "Where they put the model." region: Region,
    "What the group counts in its region." share: f64,
    "The hypotheses." priors: Vec<Hypothesis> [each],
}

mirror! { Hypothesis of OwnHypothesis: "Expected scores, and how they vary together:
covariance = scale x kernel + level + spread x spreads spreads' + drift x drifts drifts' + diag(noise)."
    "Factor of the sources' covariance." scale: f64,
    "Variance of a shift common to all items." level: f64,
    "Variance of a shift along `spreads`." spread: f64,
    "Variance of a shift along `drifts`." drift: f64,
    "Logarithm of its weight in its group." log_prior: f64,
    "Expected scores." means: Vec<f64>,
    "Expected spread of each score, over the mean of all items." spreads: Vec<f64>,
    "What each score gains above the sources' range." drifts: Vec<f64>,
    "Variance of each score that no other shares." noise: Vec<f64>,
    "The mean's expectation." target_mean: f64,
    "The mean of the relative spreads of all items." target_spread: f64,
    "The mean of the drifts of all items." target_drift: f64,
}

mirror! { Gate of OwnGate: "Levels of overall score, and what each expects."
    "Logits of the overall score minus the sources' mean logit." levels: Vec<f64>,
    "Region of each level." regions: Vec<Region> [each],
    "Prior weight of each level." odds: Vec<f64>,
    "Mean that each level expects." target_means: Vec<f64>,
    "Sum over the other items of squared weight in the mean x p (1 - p)." rest_spreads: Vec<f64>,
    "Expected score on an item is logistic(slope x level + intercept)." slopes: Vec<f64>,
    "One an item." intercepts: Vec<f64>,
}

/// Where a model stands beside the sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Region {
    /// In their range.
    Inside,
    /// Stronger than almost all.
    Above,
    /// Weaker than almost all.
    Below,
}

impl From<OwnRegion> for Region {
    fn from(own: OwnRegion) -> Self {
        match own {
            OwnRegion::Inside => Self::Inside,
            OwnRegion::Above => Self::Above,
            OwnRegion::Below => Self::Below,
        }
    }
}

impl From<Region> for OwnRegion {
    fn from(region: Region) -> Self {
        match region {
            Region::Inside => Self::Inside,
            Region::Above => Self::Above,
            Region::Below => Self::Below,
        }
    }
}

mirror! { GaussianProcess of OwnProcess: "Gaussian-process regression of the full score."
    "Of the linear part." intercept: f64,
    "Of the linear part, one an item." weights: Vec<f64>,
    "One a row of `answers`." dual: Vec<f64>,
    "Scores of the sources, row-major models x items." answers: Vec<f64>,
    "Rate of the radial kernel." rate: f64,
    "Share of the radial kernel." radial_share: f64,
    "Noise variance, in variances of the full score." noise: f64,
    "Root mean square of the leave-one-out errors." left_out_error: f64,
}

mirror! { PredictionPowered of OwnPowered: "Prediction-powered inference."
    "Mean score of the sources on each item." predictions: Vec<f64>,
    "One an item, summing to one." weights: Vec<f64>,
    "Mean of the predictions over all items." mean_prediction: f64,
    "Variance of the predictions over all items." prediction_variance: f64,
    "Share of the mean's weight that is outside the items." unsampled: f64,
}

mirror! { Forest of OwnForest: "Regression trees, flattened."
    "Place of the score that each node tests; 4294967295 for a leaf." items: Vec<u32>,
    "Scores up to this go left." thresholds: Vec<f64>,
    "The left child, which the right one follows." left: Vec<u32>,
    "Mean full score of each node's sources." values: Vec<f64>,
    "First node of each tree." roots: Vec<u32>,
}

mirror! { Neighbours of OwnNeighbours: "Nearest source models."
    "Scores of the sources, row-major models x items." answers: Vec<f64>,
    "Full score of each source." scores: Vec<f64>,
    "Number of neighbours." count: u32,
}

mirror! { GeneralisedAdditive of OwnAdditive: "Smooth curves of summaries of the scores."
    "Added to the curves." intercept: f64,
    "At most two." curves: Vec<Curve> [each],
    "Root mean square of the leave-one-out errors." left_out_error: f64,
}

mirror! { Curve of OwnCurve: "A cubic spline of a weighted sum of the scores."
    "One an item." weights: Vec<f64>,
    "Least value of the sum among the sources." lower: f64,
    "Greatest value of the sum among the sources." upper: f64,
    "One a B-spline." coefficients: Vec<f64>,
}

mirror! { PIrt of OwnPIrt: "Scores where there are any, item response curves elsewhere."
    "Curves of the items." answered: Curves,
    "Their weights in the mean." answered_weights: Vec<f64>,
    "Curves of all other items." rest: Curves,
    "Their weights in the mean." rest_weights: Vec<f64>,
    "Of the abilities." prior: Prior,
}

mirror! { Curves of OwnCurves: "Logistic curves of items over the abilities."
    "One list over the items a dimension." slopes: Vec<Vec<f64>>,
    "One an item." intercepts: Vec<f64>,
}

mirror! { Prior of OwnPrior: "Precisions of the zero-mean Gaussian prior of the abilities."
    "Of the first." general: f64,
    "Of each of the others." specific: f64,
}

mirror! { GpIrt of OwnGpIrt: "p-IRT and the weighted mean, mixed."
    "The model-based part." p_irt: PIrt,
    "Of the mean, one an item." weights: Vec<f64>,
    "Share of the weighted mean." lambda: f64,
}
