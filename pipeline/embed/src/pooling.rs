//! From the vectors of tokens to the vector of a text.

use crate::Pooling;

impl Pooling {
    /// Pools `tokens` rows of `dimension` values, row-major; sums in f64.
    ///
    /// The mean over the tokens that are not padding is that of Reimers and Gurevych (2019),
    /// Sentence-BERT, section 3.
    pub(crate) fn pool(self, hidden: &[f32], dimension: usize) -> Vec<f64> {
        let mut rows = hidden.chunks_exact(dimension);
        match self {
            Self::Cls => rows.next().unwrap_or_default().iter().map(|&v| f64::from(v)).collect(),
            Self::Mean => {
                let mut sum = vec![0.0; dimension];
                let count = rows.len() as f64;
                for row in rows {
                    sum.iter_mut().zip(row).for_each(|(sum, &value)| *sum += f64::from(value));
                }
                sum.iter_mut().for_each(|value| *value /= count);
                sum
            }
        }
    }
}

/// Mean of the vectors of a text's windows, each with its number of tokens as weight.
pub(crate) fn weighted_mean(windows: &[(usize, Vec<f64>)], dimension: usize) -> Vec<f64> {
    let total: usize = windows.iter().map(|(tokens, _)| tokens).sum();
    let mut mean = vec![0.0; dimension];
    for (tokens, vector) in windows {
        let weight = *tokens as f64 / total as f64;
        mean.iter_mut().zip(vector).for_each(|(mean, value)| *mean += weight * value);
    }
    mean
}

/// As f32, scaled to length 1 if wanted; None if a value or the length is not finite, or all are 0.
pub(crate) fn finish(vector: &[f64], normalise: bool) -> Option<Vec<f32>> {
    let length = vector.iter().map(|value| value * value).sum::<f64>().sqrt();
    if !length.is_finite() || length == 0.0 {
        return None;
    }
    let scale = if normalise { length } else { 1.0 };
    Some(vector.iter().map(|value| (value / scale) as f32).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mean_and_first_row() {
        let hidden = [1.0, 2.0, 3.0, 6.0];
        assert_eq!(Pooling::Mean.pool(&hidden, 2), [2.0, 4.0]);
        assert_eq!(Pooling::Cls.pool(&hidden, 2), [1.0, 2.0]);
    }

    #[test]
    fn windows_count_by_their_tokens() {
        let windows = [(3, vec![1.0, 0.0]), (1, vec![0.0, 4.0])];
        assert_eq!(weighted_mean(&windows, 2), [0.75, 1.0]);
    }

    #[test]
    fn vectors_have_length_one_or_there_is_none() {
        assert_eq!(finish(&[3.0, 4.0], true).unwrap(), [0.6, 0.8]);
        assert_eq!(finish(&[3.0, 4.0], false).unwrap(), [3.0, 4.0]);
        assert!(finish(&[0.0, 0.0], true).is_none());
        assert!(finish(&[f64::NAN, 1.0], false).is_none());
    }
}
