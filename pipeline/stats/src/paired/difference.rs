//! Variant minus base: estimate, standard errors, interval, p values.

use super::{Scope, Setting, check_level, floor::Floor, in_range, units::Units};
use crate::{StatsError, distribution, interval::Interval};

/// Fewest units, and fewest of either answer of the base among them, to tune a coefficient on.
const TUNABLE_UNITS: f64 = 20.0;
const TUNABLE_PER_ANSWER: f64 = 5.0;

/// How the base's full run enters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ControlVariate {
    /// Coefficient 1: the mean of the items' differences.
    Paired,
    /// Regression on the base's answers: variant mean + lambda (base's full - base's subset mean) -
    /// base's full. For 0/1 answers this post-stratifies the subset by the base's answer. Sources:
    /// Cochran, *Sampling Techniques*, 7.3; Angelopoulos et al., "PPI++", 2023, whose lambda this
    /// is when the labelled items are part of the unlabelled.
    Tuned {
        /// The coefficient, in [0, 1].
        lambda: f64,
    },
}

/// Standard errors of the difference by what they take into account; None where a single unit shows
/// no variance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StandardErrors {
    /// Items independent, of an unlimited population.
    pub simple: Option<f64>,
    /// Parents independent, their items not: the cluster-robust sandwich of a weighted mean with
    /// the jackknife's small-sample correction (CR3); source: Cameron and Miller, "A practitioner's guide to
    /// cluster-robust inference", J. Human Resources 50 (2015), sec. II and VI.
    pub clustered: Option<f64>,
    /// Factor sqrt(1 - k / N) that either is multiplied by for a benchmark of N items (Cochran,
    /// 2.6); 1 for an unlimited population.
    pub finite_population: f64,
}

/// The difference, variant minus base.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// Best estimate.
    pub estimate: f64,
    /// Which estimator it is.
    pub control_variate: ControlVariate,
    /// Weighted mean of the items' differences on the subset, whatever the estimator.
    pub on_subset: f64,
    /// Standard errors of the difference on the subset.
    pub standard_errors: StandardErrors,
    /// Standard error behind the interval: of this estimator, clustered where parents are known,
    /// with finite-population factor. None when there is one unit only.
    pub standard_error: Option<f64>,
    /// Whether parents, not items, are the independent units of that error.
    pub by_parent: bool,
    /// Of Student's t: units - 1, or units - 2 with a tuned coefficient.
    pub degrees_of_freedom: f64,
    floor: Floor,
}

/// What the answers are drawn from.
pub(super) struct Population {
    /// Its number of items; None when unlimited.
    items: Option<f64>,
    /// Share of the items that has been answered; 0 when unlimited.
    sampled: f64,
    base_full: Option<f64>,
}

impl Population {
    pub(super) fn new(setting: &Setting, answered: usize) -> Result<Self, StatsError> {
        let items = match setting.scope {
            Scope::ItemsOfTheKind => None,
            Scope::Benchmark { items, .. } if items < answered => {
                return Err(StatsError::BudgetTooLarge { k: answered, pool: items });
            }
            Scope::Benchmark { items, .. } => Some(items as f64),
        };
        let sampled = items.map_or(0.0, |items| answered as f64 / items);
        Ok(Self { items, sampled, base_full: setting.base_full })
    }
}

/// Units by item and, where parents are known, by parent.
pub(super) struct Sample {
    pub items: Units,
    pub clusters: Option<Units>,
    /// Whether the draw made parents, not items, independent of each other.
    pub by_cluster: bool,
    /// All answers are 0 or 1.
    pub binary: bool,
}

impl Sample {
    fn by_parent(&self) -> bool {
        self.by_cluster && self.clusters.is_some()
    }

    /// The units that were drawn independently.
    fn units(&self) -> &Units {
        self.clusters.as_ref().filter(|_| self.by_cluster).unwrap_or(&self.items)
    }

    fn floor(&self, population: &Population) -> Floor {
        match population.base_full {
            Some(full) if self.binary && !self.by_parent() => {
                Floor::by_base(&self.items, full, population.items)
            }
            _ => Floor::pooled(self.units(), population.sampled),
        }
    }
}

/// Estimates the difference; of paired and tuned the one with the smaller standard error.
pub(super) fn estimate(sample: &Sample, population: &Population) -> Difference {
    let units = sample.units();
    let finite_population = (1.0 - population.sampled).max(0.0).sqrt();
    let on_subset = sample.items.sum().total();
    let paired = sandwich(units);
    let tuned = population.base_full.and_then(|full| tuned(units, full));
    let better = |tuned: &Tuned| paired.is_some_and(|paired| tuned.standard_error < paired);
    let common = Difference {
        estimate: on_subset,
        control_variate: ControlVariate::Paired,
        on_subset,
        standard_errors: StandardErrors {
            simple: sandwich(&sample.items),
            clustered: sample.clusters.as_ref().and_then(sandwich),
            finite_population,
        },
        standard_error: paired.map(|error| error * finite_population),
        by_parent: sample.by_parent(),
        degrees_of_freedom: units.count() - 1.0,
        floor: sample.floor(population),
    };
    match tuned.filter(better) {
        None => common,
        Some(tuned) => Difference {
            estimate: tuned.estimate,
            control_variate: ControlVariate::Tuned { lambda: tuned.lambda },
            standard_error: Some(tuned.standard_error * finite_population),
            degrees_of_freedom: units.count() - 2.0,
            ..common
        },
    }
}

/// Delete-one-unit jackknife error of the weighted mean difference (CR3), sqrt((G - 1) / G sum over
/// units of (weight x (difference - mean) / (1 - weight))^2), weights summing to one.
///
/// With units of equal weight this is the usual correction G / (G - 1) of the sandwich, and with one
/// item a unit s / sqrt(k); a unit that weighs more than the others pulls the mean towards itself,
/// which the last division undoes.
fn sandwich(units: &Units) -> Option<f64> {
    let mean = units.sum().total();
    let squares: f64 = units
        .units
        .iter()
        .map(|unit| (unit.total() - unit.weight * mean) / (1.0 - unit.weight))
        .map(|residual| residual * residual)
        .sum();
    let count = units.count();
    (count > 1.0)
        .then(|| ((count - 1.0) / count * squares).sqrt())
        .filter(|error| error.is_finite())
}

struct Tuned {
    lambda: f64,
    estimate: f64,
    standard_error: f64,
}

/// The regression estimate with its delete-one-unit jackknife error, None where too few units, or
/// too few of one answer of the base, would make the coefficient a guess.
///
/// The jackknife refits the coefficient without each unit, so that its own uncertainty is counted.
fn tuned(units: &Units, full: f64) -> Option<Tuned> {
    let sum = units.sum();
    let effective = units.effective_count();
    let rarer = sum.base.min(1.0 - sum.base);
    if effective < TUNABLE_UNITS || effective * rarer < TUNABLE_PER_ANSWER {
        return None;
    }
    let fit = |sum: super::units::Unit| {
        let (base, variant) = (sum.base / sum.weight, sum.variant / sum.weight);
        let spread = sum.base_squared / sum.weight - base * base;
        let lambda = if spread > 0.0 {
            ((sum.product / sum.weight - base * variant) / spread).clamp(0.0, 1.0)
        } else {
            1.0
        };
        (lambda, variant + lambda * (full - base) - full)
    };
    let (lambda, estimate) = fit(sum);
    let count = units.count();
    let left_out: Vec<f64> = units.units.iter().map(|unit| fit(sum.minus(*unit)).1).collect();
    let mean = left_out.iter().sum::<f64>() / count;
    let squares: f64 = left_out.iter().map(|value| (value - mean) * (value - mean)).sum();
    Some(Tuned { lambda, estimate, standard_error: ((count - 1.0) / count * squares).sqrt() })
}

impl Difference {
    /// Two-sided interval: on each side the wider of Student's t and the limits that exact binomial
    /// bounds on gains and losses give, cut to [-1, 1].
    ///
    /// The second keeps coverage where disagreements are too few for a standard error. Only the
    /// whole benchmark answered leaves an interval without width.
    pub fn interval(&self, level: f64) -> Result<Interval, StatsError> {
        check_level(level)?;
        let alpha = 0.5 * (1.0 - level);
        let (lower, upper) = self.floor.limits(alpha);
        let symmetric = self.standard_error.map_or(2.0, |error| {
            error * distribution::student_t_critical(level, self.degrees_of_freedom)
        });
        Ok(Interval {
            lower: (self.estimate - symmetric).min(lower).max(-1.0),
            upper: (self.estimate + symmetric).max(upper).min(1.0),
        })
    }

    /// Two-sided p value of "no difference": the interval of level 1 - p just touches zero.
    pub fn p_no_difference(&self) -> f64 {
        let p = if self.estimate > 0.0 { self.p_at_most(0.0) } else { self.p_at_least(0.0) };
        (2.0 * p).min(1.0)
    }

    /// The two one-sided tests of "|difference| >= margin" (Schuirmann, J. Pharmacokinetics and
    /// Biopharmaceutics 15, 1987): the larger of both p values. It is below alpha exactly if the
    /// interval of level 1 - 2 alpha lies within the margin.
    pub fn p_not_equivalent(&self, margin: f64) -> Result<f64, StatsError> {
        in_range("margin", "(0, 1]", margin, margin > 0.0 && margin <= 1.0)?;
        Ok(self.p_at_most(-margin).max(self.p_at_least(margin)))
    }

    /// One-sided p value of "the difference is at most `bound`", by t and by the floor the larger.
    fn p_at_most(&self, bound: f64) -> f64 {
        let by_floor = smallest_error(|alpha| self.floor.limits(alpha).0 > bound);
        self.p_by_t(self.estimate - bound).max(by_floor)
    }

    /// One-sided p value of "the difference is at least `bound`", by t and by the floor the larger.
    fn p_at_least(&self, bound: f64) -> f64 {
        let by_floor = smallest_error(|alpha| self.floor.limits(alpha).1 < bound);
        self.p_by_t(bound - self.estimate).max(by_floor)
    }

    fn p_by_t(&self, distance: f64) -> f64 {
        match self.standard_error {
            None => 0.5,
            Some(error) if error > 0.0 => upper_tail(distance / error, self.degrees_of_freedom),
            // A difference that is known, but for rounding.
            Some(_) if distance > 1e-12 => 0.0,
            Some(_) => 1.0,
        }
    }
}

/// P(T > t) of Student's distribution.
fn upper_tail(t: f64, degrees_of_freedom: f64) -> f64 {
    let df = degrees_of_freedom;
    let both = distribution::incomplete_beta(df / (df + t * t), 0.5 * df, 0.5);
    if t > 0.0 { 0.5 * both } else { 1.0 - 0.5 * both }
}

/// The smallest error in [1e-12, 1/2] at which a limit excludes the bound; 1/2 if none does.
fn smallest_error(excludes: impl Fn(f64) -> bool) -> f64 {
    // Halving the logarithm: 27 nats to 1e-8 relative.
    let (mut low, mut high) = (libm::log(1e-12), libm::log(0.5));
    for _ in 0..32 {
        let middle = 0.5 * (low + high);
        *(if excludes(libm::exp(middle)) { &mut high } else { &mut low }) = middle;
    }
    libm::exp(0.5 * (low + high))
}
