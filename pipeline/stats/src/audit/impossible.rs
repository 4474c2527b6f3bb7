//! Values that cannot be scores.

/// More than this share of values between 0 and 1 is no metric of 0 and 1 any more.
const STRAY_SHARE: f64 = 0.01;

/// What is wrong with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// Below 0, above 1 or infinite.
    OutsideRange,
    /// Between 0 and 1 where at least 99 % of the scores of the benchmark are one or the other.
    NotBinary,
}

/// Counts of the scores of one benchmark by what they can be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Census {
    binary: u64,
    between: u64,
    outside: u64,
}

impl Census {
    /// Counts one score, not one that is missing (NaN).
    pub fn add(&mut self, score: f32) {
        let count = match score {
            missing if missing.is_nan() => return,
            0.0 | 1.0 => &mut self.binary,
            between if (0.0..=1.0).contains(&between) => &mut self.between,
            _ => &mut self.outside,
        };
        *count += 1;
    }

    /// What is wrong with a score of this benchmark, all of which were counted.
    pub fn fault(&self, score: f32) -> Option<Fault> {
        if score.is_nan() {
            return None;
        }
        if !(0.0..=1.0).contains(&score) {
            return Some(Fault::OutsideRange);
        }
        let strays = self.between as f64 <= STRAY_SHARE * (self.between + self.binary) as f64;
        (strays && score != 0.0 && score != 1.0).then_some(Fault::NotBinary)
    }

    /// Whether any score has a fault.
    pub fn has_faults(&self) -> bool {
        self.outside > 0 || (self.between > 0 && self.fault(0.5).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn census(scores: impl IntoIterator<Item = f32>) -> Census {
        let mut census = Census::default();
        scores.into_iter().for_each(|score| census.add(score));
        census
    }

    #[test]
    fn strays_among_zeros_and_ones_are_faults_and_graded_scores_are_not() {
        let binary = census((0..200).map(|at| (at % 2) as f32).chain([0.5, f32::NAN]));
        assert!(binary.has_faults());
        assert_eq!(binary.fault(0.5), Some(Fault::NotBinary));
        assert_eq!(
            (binary.fault(1.0), binary.fault(-0.0), binary.fault(f32::NAN)),
            (None, None, None)
        );
        let graded = census((0..100).map(|at| at as f32 / 100.0));
        assert!(!graded.has_faults());
        assert_eq!(graded.fault(0.5), None);
    }

    #[test]
    fn nothing_outside_the_range_passes() {
        let scores = census([0.0, 0.5, 1.5]);
        assert!(scores.has_faults() && !census([0.0, 0.5]).has_faults());
        for impossible in [1.0001, -0.1, f32::INFINITY, f32::NEG_INFINITY] {
            assert_eq!(scores.fault(impossible), Some(Fault::OutsideRange));
        }
        assert!(!Census::default().has_faults());
    }
}
