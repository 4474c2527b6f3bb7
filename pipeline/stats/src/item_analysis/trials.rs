//! What repeated answers to the same items say about chance.

use super::Trials;

/// Repeated answers behind a matrix of mean scores, cell by cell, row-major as the matrix.
#[derive(Debug, Clone, PartialEq)]
pub struct RepeatedAnswers {
    /// Number of answers that each score is the mean of; 0 where it is missing.
    pub counts: Vec<f32>,
    /// Sum of the squared differences of a cell's answers from their mean.
    pub squares: Vec<f32>,
}

impl RepeatedAnswers {
    /// Number of answers and variance within the cells (positions in the lists); None where no cell
    /// has two answers.
    ///
    /// The variance is pooled, with one degree of freedom less than answers in each cell, so that
    /// cells of few answers do not bias it. A few cells may by chance exceed the variance that is
    /// possible, 1/4, which is then taken.
    pub fn within(&self, cells: impl Iterator<Item = usize>) -> Option<Trials> {
        let (mut answered, mut reciprocals, mut squares, mut freedom) = (0.0, 0.0, 0.0, 0.0);
        for cell in cells.filter(|&cell| self.counts[cell] > 0.0) {
            let count = f64::from(self.counts[cell]);
            answered += 1.0;
            reciprocals += 1.0 / count;
            squares += f64::from(self.squares[cell]);
            freedom += count - 1.0;
        }
        (freedom > 0.0).then(|| Trials {
            per_item: answered / reciprocals,
            within_variance: (squares / freedom).min(0.25),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variance_is_pooled_and_the_mean_of_counts_harmonic() {
        // Answers 1 0 0 0 (squares 3/4), a lone one, 1 1, and none: 3/4 over 3 + 0 + 1.
        let repeated = RepeatedAnswers {
            counts: vec![4.0, 1.0, 2.0, 0.0],
            squares: vec![0.75, 0.0, 0.0, 0.0],
        };
        let trials = repeated.within(0..4).unwrap();
        assert_eq!(trials, Trials { per_item: 3.0 / 1.75, within_variance: 0.1875 });
        assert_eq!(repeated.within([1, 3].into_iter()), None);
        // 1 and 0 have variance 1/2 about their mean, more than answers in [0, 1] can have.
        let pair = RepeatedAnswers { counts: vec![2.0], squares: vec![0.5] };
        assert_eq!(pair.within(0..1).unwrap().within_variance, 0.25);
    }
}
