//! What may be claimed of one or several variants.

use super::{Comparison, check_level, in_range, power::Plan};
use crate::{StatsError, interval::Interval};

/// A claim that holds with the nominal error, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The variant scores lower.
    Worse {
        /// By less than the margin, shown as well.
        within_margin: bool,
    },
    /// The variant scores higher.
    Better {
        /// By less than the margin, shown as well.
        within_margin: bool,
    },
    /// The difference is smaller than the margin, its sign not shown.
    Equivalent,
    /// The answers show neither a difference nor its absence.
    Undecided,
}

/// What is asked of a family of variants that are read side by side.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Criterion {
    /// Confidence: 0.95 lets at most 5 % of families contain a wrong claim of a difference, and at
    /// most 5 % one of equivalence.
    pub level: f64,
    /// Largest difference that counts as none, as a fraction: 0.01 is one point.
    pub margin: f64,
}

/// A verdict with what a sentence about it needs.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// The claim.
    pub verdict: Verdict,
    /// Variant minus base.
    pub difference: f64,
    /// Its interval at the criterion's level, not widened for the number of variants.
    pub interval: Interval,
    /// p value of "no difference", adjusted for the number of variants.
    pub p_difference: f64,
    /// p value of "at least the margin apart" (TOST), adjusted for the number of variants.
    pub p_equivalence: f64,
    /// Smallest difference that these items detect with 80 % power at their disagreement rate.
    pub minimum_detectable: f64,
    /// Items that would detect a difference of the margin at that rate.
    pub items_for_margin: u64,
}

/// One finding a variant, corrected by Holm's method for their number.
///
/// Tests of a difference and of equivalence form two families. A variant is claimed worse or better
/// at the adjusted p value of "no difference", equivalent at the adjusted p value of the two
/// one-sided tests. Errors when level or margin are outside (0, 1) and (0, 1].
pub fn judge(
    comparisons: &[Comparison],
    criterion: &Criterion,
) -> Result<Vec<Finding>, StatsError> {
    check_level(criterion.level)?;
    let differences: Vec<f64> =
        comparisons.iter().map(|comparison| comparison.difference.p_no_difference()).collect();
    let equivalences = comparisons
        .iter()
        .map(|comparison| comparison.difference.p_not_equivalent(criterion.margin))
        .collect::<Result<Vec<_>, _>>()?;
    let adjusted = holm(&differences).into_iter().zip(holm(&equivalences));
    comparisons
        .iter()
        .zip(adjusted)
        .map(|(comparison, (p_difference, p_equivalence))| {
            let plan = plan(comparison, criterion.level);
            Ok(Finding {
                verdict: verdict(comparison, p_difference, p_equivalence, 1.0 - criterion.level),
                difference: comparison.difference.estimate,
                interval: comparison.difference.interval(criterion.level)?,
                p_difference,
                p_equivalence,
                minimum_detectable: plan.minimum_detectable(comparison.flips.items)?,
                items_for_margin: plan.items_needed(criterion.margin)?,
            })
        })
        .collect()
}

fn verdict(comparison: &Comparison, difference: f64, equivalence: f64, alpha: f64) -> Verdict {
    let within_margin = equivalence < alpha;
    match difference < alpha {
        true if comparison.difference.estimate < 0.0 => Verdict::Worse { within_margin },
        true => Verdict::Better { within_margin },
        false if within_margin => Verdict::Equivalent,
        false => Verdict::Undecided,
    }
}

/// What may be claimed of one variant by itself, from its intervals.
///
/// The claim of [`judge`] on a family of one, without the p values, which take far longer: a p value
/// is below alpha exactly where the interval excludes what it tests. Errors when the level is not in
/// (1/2, 1) or the margin not in (0, 1].
pub fn claim(comparison: &Comparison, criterion: &Criterion) -> Result<Verdict, StatsError> {
    let Criterion { level, margin } = *criterion;
    in_range("level", "(0.5, 1)", level, level > 0.5 && level < 1.0)?;
    in_range("margin", "(0, 1]", margin, margin > 0.0 && margin <= 1.0)?;
    let both_sided = comparison.difference.interval(level)?;
    // Two one-sided tests, each with the whole error.
    let one_sided = comparison.difference.interval(2.0 * level - 1.0)?;
    let within_margin = -margin < one_sided.lower && one_sided.upper < margin;
    Ok(if both_sided.upper < 0.0 {
        Verdict::Worse { within_margin }
    } else if both_sided.lower > 0.0 {
        Verdict::Better { within_margin }
    } else if within_margin {
        Verdict::Equivalent
    } else {
        Verdict::Undecided
    })
}

/// What such answers can show with 80 % power, from the mean squared difference of an item as it was
/// seen and the design effect of the parents where they are the units.
///
/// For 0/1 answers of equal weight the mean square is the share of flips. Half a flip is added, so
/// that it is never zero.
pub fn plan(comparison: &Comparison, level: f64) -> Plan {
    let flips = &comparison.flips;
    let items = flips.items as f64;
    let errors = &comparison.difference.standard_errors;
    let mean = comparison.difference.on_subset;
    let squares = match errors.simple {
        Some(simple) => items * ((items - 1.0) * simple * simple + mean * mean),
        None => mean * mean,
    };
    let disagreement = ((squares + 0.5) / (items + 1.0)).min(1.0);
    let design_effect = match (errors.simple, errors.clustered) {
        (Some(simple), Some(clustered))
            if comparison.difference.by_parent && simple > 0.0 && clustered > 0.0 =>
        {
            (clustered / simple) * (clustered / simple)
        }
        _ => 1.0,
    };
    Plan { disagreement, level, power: 0.8, design_effect }
}

/// Holm's step-down adjusted p values, in the order given.
///
/// Source: Holm, "A simple sequentially rejective multiple test procedure", Scand. J. Statistics 6
/// (1979).
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let count = p_values.len();
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by(|&left, &right| p_values[left].total_cmp(&p_values[right]));
    let mut adjusted = vec![0.0; count];
    let mut largest: f64 = 0.0;
    for (rank, &at) in order.iter().enumerate() {
        largest = largest.max(((count - rank) as f64 * p_values[at]).min(1.0));
        adjusted[at] = largest;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holm_equals_values_worked_by_hand() {
        // Sorted 0.01, 0.02, 0.03, 0.04 times 4, 3, 2, 1, made monotone.
        let adjusted = holm(&[0.04, 0.01, 0.03, 0.02]);
        let expected = [0.06, 0.04, 0.06, 0.06];
        assert!(adjusted.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12), "{adjusted:?}");
        assert!(holm(&[]).is_empty());
    }
}
