//! What comparisons said, against what is true.

use aliquot_stats::{
    StatsError,
    paired::{
        Comparison,
        verdict::{Criterion, Verdict, claim},
    },
};
use serde::Serialize;

const POINTS: f64 = 100.0;

/// Less than a rounding error is no difference.
const NONE: f64 = 1e-9;

/// Sizes of a true difference, in points.
pub struct Bin {
    /// In records and tables.
    pub name: &'static str,
    /// Differences below this are in it, unless they are in one before.
    below: f64,
}

/// Ascending.
pub const BINS: [Bin; 5] = [
    Bin { name: "0-1", below: 1.0 },
    Bin { name: "1-2", below: 2.0 },
    Bin { name: "2-5", below: 5.0 },
    Bin { name: "5-10", below: 10.0 },
    Bin { name: ">10", below: f64::INFINITY },
];

/// Place of a true difference, a fraction, among the bins.
pub fn bin(truth: f64) -> usize {
    let size = POINTS * truth.abs();
    BINS.iter().position(|bin| size < bin.below).unwrap_or(BINS.len() - 1)
}

/// Sums over comparisons: records can be added up and then divided.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Tally {
    /// Comparisons.
    pub pairs: u32,
    /// Of those, with a true difference that is not zero: only these have a sign.
    pub signed: u32,
    /// The estimate has the true sign.
    pub sign_right: u32,
    /// The estimate is zero.
    pub sign_tied: u32,
    /// Claims of worse or better.
    pub claims: u32,
    /// Of those, where the truth is none or the opposite.
    pub claims_wrong: u32,
    /// Claims of equivalence.
    pub equivalent: u32,
    /// Of those, where the truth is the margin or more.
    pub equivalent_wrong: u32,
    /// Intervals that contain the truth.
    pub covered: u32,
    /// Sum of their widths, in points.
    pub width_pp: f64,
    /// Sum of squared standard errors of the difference on the subset with items independent.
    pub variance_by_item_pp2: f64,
    /// The same with parents independent, for items of the kind.
    pub variance_by_parent_pp2: f64,
}

impl Tally {
    /// Counts one comparison; `truth` is the difference on all items.
    pub fn add(
        &mut self,
        truth: f64,
        comparison: &Comparison,
        criterion: &Criterion,
    ) -> Result<(), StatsError> {
        let difference = &comparison.difference;
        let interval = difference.interval(criterion.level)?;
        let estimate = difference.estimate;
        self.pairs += 1;
        if truth.abs() > NONE {
            self.signed += 1;
            self.sign_tied += u32::from(estimate.abs() <= NONE);
            self.sign_right += u32::from(estimate.abs() > NONE && estimate * truth > 0.0);
        }
        match claim(comparison, criterion)? {
            Verdict::Worse { .. } => self.claim(truth > -NONE),
            Verdict::Better { .. } => self.claim(truth < NONE),
            Verdict::Equivalent => {
                self.equivalent += 1;
                self.equivalent_wrong += u32::from(truth.abs() > criterion.margin - NONE);
            }
            Verdict::Undecided => {}
        }
        let covered = interval.lower - NONE <= truth && truth <= interval.upper + NONE;
        self.covered += u32::from(covered);
        self.width_pp += POINTS * interval.width();
        let errors = difference.standard_errors;
        if let (Some(simple), Some(clustered)) = (errors.simple, errors.clustered) {
            self.variance_by_item_pp2 += POINTS * POINTS * simple * simple;
            self.variance_by_parent_pp2 += POINTS * POINTS * clustered * clustered;
        }
        Ok(())
    }

    fn claim(&mut self, wrong: bool) {
        self.claims += 1;
        self.claims_wrong += u32::from(wrong);
    }

    /// Both together.
    pub fn plus(self, other: &Self) -> Self {
        Self {
            pairs: self.pairs + other.pairs,
            signed: self.signed + other.signed,
            sign_right: self.sign_right + other.sign_right,
            sign_tied: self.sign_tied + other.sign_tied,
            claims: self.claims + other.claims,
            claims_wrong: self.claims_wrong + other.claims_wrong,
            equivalent: self.equivalent + other.equivalent,
            equivalent_wrong: self.equivalent_wrong + other.equivalent_wrong,
            covered: self.covered + other.covered,
            width_pp: self.width_pp + other.width_pp,
            variance_by_item_pp2: self.variance_by_item_pp2 + other.variance_by_item_pp2,
            variance_by_parent_pp2: self.variance_by_parent_pp2 + other.variance_by_parent_pp2,
        }
    }
}

#[cfg(test)]
mod tests {
    use aliquot_stats::{
        paired::{Answers, Scope, Setting, compare},
        rng::Stream,
    };

    use super::*;

    /// `losses` of 100 answers are lost.
    fn tally(losses: usize, truth: f64) -> Tally {
        let variant: Vec<f64> = (0..100).map(|at| f64::from(u8::from(at >= losses))).collect();
        let (base, weights) = ([1.0; 100], [1.0; 100]);
        let answers = Answers { base: &base, variant: &variant, weights: &weights, clusters: None };
        let setting = Setting { scope: Scope::ItemsOfTheKind, base_full: None };
        let comparison = compare(&answers, &setting, &mut Stream::new(1, "tally", 0)).unwrap();
        let mut tally = Tally::default();
        tally.add(truth, &comparison, &Criterion { level: 0.95, margin: 0.04 }).unwrap();
        tally
    }

    #[test]
    fn differences_are_sorted_by_size() {
        let names = [0.0, -0.009, 0.015, -0.02, 0.05, 0.2, -1.0].map(|truth| BINS[bin(truth)].name);
        assert_eq!(names, ["0-1", "0-1", "1-2", "2-5", "5-10", ">10", ">10"]);
    }

    #[test]
    fn a_claim_is_wrong_where_the_truth_is_not_so() {
        let worse = |truth| tally(40, truth);
        assert_eq!((worse(-0.3).claims, worse(-0.3).claims_wrong), (1, 0));
        assert_eq!((worse(0.0).claims_wrong, worse(0.1).claims_wrong), (1, 1));
        assert_eq!((worse(-0.4).covered, worse(0.1).covered), (1, 0));
        assert_eq!((worse(-0.3).sign_right, worse(0.1).sign_right), (1, 0));
    }

    #[test]
    fn no_change_is_equivalent_within_the_margin_and_has_no_sign() {
        let same = |truth| tally(0, truth);
        assert_eq!((same(0.01).equivalent, same(0.01).equivalent_wrong), (1, 0));
        assert_eq!(same(-0.04).equivalent_wrong, 1);
        assert_eq!((same(0.01).signed, same(0.01).sign_tied, same(0.01).sign_right), (1, 1, 0));
        assert_eq!((same(0.0).signed, same(0.0).sign_tied, same(0.0).claims), (0, 0, 0));
    }
}
