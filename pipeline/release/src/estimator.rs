//! The estimator file, version 2: plain JSON that a few lines of any language can apply.
//!
//! `form` is a function of the scores on `items`, in their order; the estimate is its value cut to
//! \[0, 1\]. `interval` says how far off that may be. The README applies the two commonest forms in
//! Python; the formulas of all are with their fields.

use aliquot_stats::{
    StatsError,
    estimate::{Fitted, generalised_additive::SPLINES, guarded::Guarded, signature::LEAF},
    interval::{Conformal, Intervals, LEVEL},
};
use aliquot_store::canonical::{self, CanonicalError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::forms;

/// Value of `schema` in every estimator file of this version.
pub const SCHEMA: &str = "aliquot/estimator/v2";

/// A fitted estimator.
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
    /// Item uids, in the order in which `form` takes their scores.
    pub items: Vec<String>,
    /// Lowest and highest full score among the source models.
    pub source_range: [f64; 2],
    /// The function of the scores.
    pub form: Form,
    /// How far off the estimate may be.
    pub interval: Interval,
}

/// The function of the scores x, one an item.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Form {
    /// intercept + weights . x
    Linear(forms::Linear),
    /// Two decisions from x. The gate weighs each level l by odds x exp(sum of (x log p +
    /// (1 - x) log(1 - p)) / (2 dispersion)), p = logistic(slopes l + intercepts) cut to \[0.01, 0.99\]; a region's weight
    /// is the share of its levels. In each group, with z = x - means and C the covariance of a
    /// hypothesis, its evidence is exp(log_prior - (log det C + z' C^-1 z) / 2) and its estimate
    /// target_mean + c' C^-1 z, c = scale x target_covariances + level + spread x spreads x
    /// target_spread + drift x drifts x target_drift + target_weights x noise. The value is the mean
    /// of the estimates: within a group by evidence, within a region by share, then by region; it is cut
    /// to at least target_weights . x and at most that plus the weight of the other items.
    Guarded(forms::Guarded),
    /// intercept + weights . x + sum over rows r of dual\[r\] exp(-rate |x - answers\[r\]|^2)
    GaussianProcess(forms::GaussianProcess),
    /// weights . x + power x (mean_prediction - weights . predictions), where power is the weighted
    /// covariance of x and predictions over prediction_variance, each with its degrees of freedom,
    /// cut to \[0, 1\].
    PredictionPowered(forms::PredictionPowered),
    /// Mean over the trees of the leaf's value: from each root, a node goes to left + (x\[item\] >
    /// threshold) until its item is 4294967295.
    Forest(forms::Forest),
    /// Mean score of the `count` rows of answers nearest to x, weighted by inverse distance.
    Neighbours(forms::Neighbours),
    /// intercept + sum over the curves of a cubic B-spline, ten equal pieces from `lower` to `upper`,
    /// at weights . x; straight lines outside.
    GeneralisedAdditive(forms::GeneralisedAdditive),
    /// answered_weights . x + rest_weights . logistic(rest slopes' theta + rest intercepts), theta the
    /// posterior mode of the abilities given x: logistic regression of x on the answered slopes with
    /// offset intercepts and prior precisions.
    PIrt(forms::PIrt),
    /// lambda (weights . x) + (1 - lambda) x the value of `p_irt`
    GpIrt(forms::GpIrt),
}

/// The interval of an estimate, cut to \[0, 1\].
///
/// e = sqrt(s^2 / k (1 - k / population) + 1 / (16 k^2)), k the number of items, s^2 the sample
/// variance of the scores (1/4 if k = 1).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Interval {
    /// Wilson's for 0/1 scores, else Student's t, with the finite-population correction: covers the
    /// draw of the items, for any model.
    Design {
        /// Share of the draws that it covers.
        level: f64,
    },
    /// Estimate -+ multiplier x e: covers a model that is exchangeable with the source models.
    StudentisedConformal {
        /// Share of such models that it covers.
        level: f64,
        /// Half width in sampling errors of the scores.
        multiplier: f64,
    },
    /// Central interval of a mixture of one normal distribution a region, cut to what the scores
    /// settle: at least target_weights . x, at most that plus the weight of the other items. With o the
    /// weight of above and below, their weights are scaled to sum to 0.05 + 0.9 o (halves if
    /// o = 0). A region's mean is its value cut to \[0, 1\], its variance the sum of
    /// - the variance within and between its hypotheses, each with
    ///   scale x target_variance + level + spread target_spread^2 + drift target_drift^2
    ///   + sum of target_weights^2 noise - c' C^-1 c - sum of (w - target_weights)^2 noise, w = C^-1 c;
    /// - the scores' own noise, sum of (w - target_weights)^2 s p (1 - p), with w the region's mean
    ///   weights, p the mean over all hypotheses of x - noise C^-1 z cut to \[0, 1\], and s =
    ///   dispersion^(1 - o / 2);
    /// - that of the other items, s x rest_spreads at the level whose target_means is nearest to the
    ///   value.
    ///
    /// Inside, the variance is multiplied by 1 + 4 / sources.
    Posterior {
        /// Share of the models that it covers.
        level: f64,
    },
    /// From target_weights . x to that plus 1 - sum of target_weights: what the answers settle,
    /// whatever the other items. Of items that were not drawn at random, before any model has answered
    /// all, nothing else is known.
    Bounds {
        /// What each item counts in the mean that is estimated.
        target_weights: Vec<f64>,
    },
}

impl Form {
    /// Whether all lists have the lengths that so many items need, and every walk ends.
    fn fits(&self, items: usize) -> bool {
        match self {
            Self::Linear(form) => form.weights.len() == items,
            Self::Guarded(form) => form.target_weights.len() == items,
            Self::GaussianProcess(form) => {
                form.weights.len() == items && form.answers.len() == form.dual.len() * items
            }
            Self::PredictionPowered(form) => {
                form.weights.len() == items && form.predictions.len() == items
            }
            Self::Forest(form) => form.fits(items),
            Self::Neighbours(form) => {
                form.count > 0
                    && !form.scores.is_empty()
                    && form.answers.len() == form.scores.len() * items
            }
            Self::GeneralisedAdditive(form) => form
                .curves
                .iter()
                .all(|curve| curve.weights.len() == items && curve.coefficients.len() == SPLINES),
            Self::PIrt(form) => form.fits(items),
            Self::GpIrt(form) => form.weights.len() == items && form.p_irt.fits(items),
        }
    }
}

impl forms::Forest {
    fn fits(&self, items: usize) -> bool {
        let nodes = self.items.len();
        let lists = [self.thresholds.len(), self.left.len(), self.values.len()];
        let ends = |(node, item): (usize, &u32)| {
            let left = self.left.get(node).map_or(0, |left| *left as usize);
            // Children come later than their parent: no walk goes round.
            *item == LEAF || ((*item as usize) < items && left > node && left + 1 < nodes)
        };
        lists.iter().all(|list| *list == nodes)
            && !self.roots.is_empty()
            && self.roots.iter().all(|root| (*root as usize) < nodes)
            && self.items.iter().enumerate().all(ends)
    }
}

impl forms::PIrt {
    fn fits(&self, items: usize) -> bool {
        let curves = |curves: &forms::Curves, length: usize| {
            curves.intercepts.len() == length
                && curves.slopes.iter().all(|slopes| slopes.len() == length)
        };
        self.answered_weights.len() == items
            && !self.answered.slopes.is_empty()
            && self.answered.slopes.len() == self.rest.slopes.len()
            && curves(&self.answered, items)
            && curves(&self.rest, self.rest_weights.len())
    }
}

impl From<Fitted> for Form {
    fn from(fitted: Fitted) -> Self {
        match fitted {
            Fitted::Linear(own) => Self::Linear(own.into()),
            Fitted::Guarded(own) => Self::Guarded(own.known.into()),
            Fitted::GaussianProcess(own) => Self::GaussianProcess(own.into()),
            Fitted::PredictionPowered(own) => Self::PredictionPowered(own.into()),
            Fitted::Forest(own) => Self::Forest(own.into()),
            Fitted::Neighbours(own) => Self::Neighbours(own.into()),
            Fitted::GeneralisedAdditive(own) => Self::GeneralisedAdditive(own.into()),
            Fitted::PIrt(own) => Self::PIrt(own.into()),
            Fitted::GpIrt(own) => Self::GpIrt(own.into()),
        }
    }
}

impl TryFrom<Form> for Fitted {
    type Error = StatsError;

    /// Errors when a covariance that the file declares is none.
    fn try_from(form: Form) -> Result<Self, StatsError> {
        Ok(match form {
            Form::Linear(own) => Self::Linear(own.into()),
            Form::Guarded(own) => Self::Guarded(Guarded::new(own.into())?),
            Form::GaussianProcess(own) => Self::GaussianProcess(own.into()),
            Form::PredictionPowered(own) => Self::PredictionPowered(own.into()),
            Form::Forest(own) => Self::Forest(own.into()),
            Form::Neighbours(own) => Self::Neighbours(own.into()),
            Form::GeneralisedAdditive(own) => Self::GeneralisedAdditive(own.into()),
            Form::PIrt(own) => Self::PIrt(own.into()),
            Form::GpIrt(own) => Self::GpIrt(own.into()),
        })
    }
}

impl From<Intervals> for Interval {
    fn from(intervals: Intervals) -> Self {
        match intervals {
            Intervals::Design => Self::Design { level: LEVEL },
            Intervals::Conformal(Conformal { multiplier, level }) => {
                Self::StudentisedConformal { level, multiplier }
            }
            Intervals::Posterior => Self::Posterior { level: LEVEL },
            Intervals::Bounds(target_weights) => Self::Bounds { target_weights },
        }
    }
}

impl From<&Interval> for Intervals {
    fn from(interval: &Interval) -> Self {
        match interval {
            Interval::Design { .. } => Self::Design,
            Interval::StudentisedConformal { level, multiplier } => {
                Self::Conformal(Conformal { multiplier: *multiplier, level: *level })
            }
            Interval::Posterior { .. } => Self::Posterior,
            Interval::Bounds { target_weights } => Self::Bounds(target_weights.clone()),
        }
    }
}

impl Interval {
    /// Name of its kind.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Design { .. } => "design",
            Self::StudentisedConformal { .. } => "studentised-conformal",
            Self::Posterior { .. } => "posterior",
            Self::Bounds { .. } => "bounds",
        }
    }

    /// Share of what it is said to cover that it covers.
    pub fn level(&self) -> f64 {
        match self {
            Self::Design { level }
            | Self::StudentisedConformal { level, .. }
            | Self::Posterior { level } => *level,
            Self::Bounds { .. } => 1.0,
        }
    }

    /// What it covers, in words.
    pub fn covers(&self) -> &'static str {
        match self {
            Self::Design { .. } => "over draws of the items",
            Self::StudentisedConformal { .. } => "over models like the sources",
            Self::Posterior { .. } => "over models and draws of the items",
            Self::Bounds { .. } => "whatever the other items",
        }
    }
}

impl Estimator {
    /// The estimator, ready to judge scores on `items`.
    ///
    /// Errors with a sentence when the file is of another version, or its parts do not fit together.
    pub fn fitted(&self) -> Result<Fitted, String> {
        if self.schema != SCHEMA {
            return Err(format!("its schema is `{}`, this program reads `{SCHEMA}`", self.schema));
        }
        match &self.interval {
            Interval::Design { level } | Interval::Posterior { level } if *level != LEVEL => {
                return Err(format!("its interval has the level {level}, not {LEVEL}"));
            }
            Interval::Bounds { target_weights } if target_weights.len() != self.items.len() => {
                return Err(format!("its interval is not one for {} items", self.items.len()));
            }
            _ => {}
        }
        if self.items.is_empty() || !self.form.fits(self.items.len()) {
            return Err(format!("its form is not one for {} items", self.items.len()));
        }
        Fitted::try_from(self.form.clone()).map_err(|error| error.to_string())
    }

    /// Canonical bytes.
    pub fn to_bytes(&self) -> Result<Vec<u8>, CanonicalError> {
        canonical::to_bytes(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn estimator(form: Form) -> Estimator {
        Estimator {
            schema: SCHEMA.to_owned(),
            target: "t".to_owned(),
            subset: "test".to_owned(),
            procedure: "random+mean".to_owned(),
            population: 9,
            sources: 3,
            items: vec!["a".to_owned(), "b".to_owned()],
            source_range: [0.0, 1.0],
            form,
            interval: Interval::Design { level: LEVEL },
        }
    }

    fn linear(weights: Vec<f64>) -> Form {
        Form::Linear(forms::Linear { intercept: 0.0, weights })
    }

    #[test]
    fn an_estimator_whose_parts_do_not_fit_is_refused() {
        assert!(estimator(linear(vec![0.5, 0.5])).fitted().is_ok());
        assert!(estimator(linear(vec![0.5])).fitted().unwrap_err().contains("2 items"));
        let old =
            Estimator { schema: "aliquot/estimator/v1".to_owned(), ..estimator(linear(vec![])) };
        assert!(old.fitted().unwrap_err().contains("v1"));
        let interval = Interval::Posterior { level: 0.5 };
        let other = Estimator { interval, ..estimator(linear(vec![0.5, 0.5])) };
        assert!(other.fitted().unwrap_err().contains("0.5"));
    }

    #[test]
    fn a_forest_that_goes_round_or_out_of_bounds_is_refused() {
        let forest = |left: u32, item: u32| {
            Form::Forest(forms::Forest {
                items: vec![item, LEAF, LEAF],
                thresholds: vec![0.5; 3],
                left: vec![left, 0, 0],
                values: vec![0.5; 3],
                roots: vec![0],
            })
        };
        assert!(estimator(forest(1, 0)).fitted().is_ok());
        for (left, item) in [(0, 0), (2, 0), (1, 2)] {
            assert!(estimator(forest(left, item)).fitted().is_err(), "{left} {item}");
        }
    }
}
