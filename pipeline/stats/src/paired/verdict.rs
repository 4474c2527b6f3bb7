//! What may be claimed of one or several variants.

use super::{Comparison, check_level, power::Plan};
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

/// The variance of an item's difference as it was seen, with half a flip added so that it is never
/// zero, and the design effect of the parents where they are the units.
fn plan(comparison: &Comparison, level: f64) -> Plan {
    let flips = &comparison.flips;
    let disagreement = ((flips.losses + flips.gains) as f64 + 0.5) / (flips.items as f64 + 1.0);
    let errors = &comparison.difference.standard_errors;
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
