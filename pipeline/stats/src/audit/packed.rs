//! Answers as bits.

use crate::matrix::ResponseMatrix;

const WORD: usize = u64::BITS as usize;
/// Words that are compared before it is asked whether that is enough.
const STRIDE: usize = 16;

/// Answers above the mean of their item, and which were given, one bit each.
pub(super) struct Packed {
    words: usize,
    above: Vec<u64>,
    given: Vec<u64>,
    complete: bool,
}

impl Packed {
    /// Packs a matrix, given the mean of each item.
    pub(super) fn new(matrix: &ResponseMatrix, means: &[f64]) -> Self {
        let words = matrix.items().div_ceil(WORD);
        let mut above = vec![0; words * matrix.models()];
        let mut given = above.clone();
        let mut complete = true;
        for model in 0..matrix.models() {
            for (item, mean) in means.iter().enumerate() {
                let (word, bit) = (model * words + item / WORD, 1_u64 << (item % WORD));
                let score = matrix.get(model, item);
                complete &= score.is_some();
                given[word] |= u64::from(score.is_some()) * bit;
                above[word] |= u64::from(score.is_some_and(|score| score > *mean)) * bit;
            }
        }
        Self { words, above, given, complete }
    }

    /// Number of items on which two models differ; None as soon as it is above `limit`.
    pub(super) fn differing(&self, left: usize, right: usize, limit: u32) -> Option<u32> {
        let (a, b) = (self.row(&self.above, left), self.row(&self.above, right));
        let (c, d) = (self.row(&self.given, left), self.row(&self.given, right));
        let mut count = 0;
        for at in (0..self.words).step_by(STRIDE) {
            let part = at..(at + STRIDE).min(self.words);
            let pairs = a[part.clone()].iter().zip(&b[part.clone()]);
            count += if self.complete {
                pairs.map(|(a, b)| (a ^ b).count_ones()).sum::<u32>()
            } else {
                let given = c[part.clone()].iter().zip(&d[part]);
                pairs.zip(given).map(|((a, b), (c, d))| ((a ^ b) & c & d).count_ones()).sum()
            };
            if count > limit {
                return None;
            }
        }
        Some(count)
    }

    /// Items that both models answered.
    pub(super) fn common(&self, left: usize, right: usize) -> impl Iterator<Item = usize> {
        let (c, d) = (self.row(&self.given, left), self.row(&self.given, right));
        c.iter().zip(d).enumerate().flat_map(|(word, (c, d))| {
            let both = c & d;
            (0..WORD).filter(move |bit| both >> bit & 1 == 1).map(move |bit| word * WORD + bit)
        })
    }

    /// Whether the answer of a model is above the item's mean; false where there is none.
    pub(super) fn is_above(&self, model: usize, item: usize) -> bool {
        self.row(&self.above, model)[item / WORD] >> (item % WORD) & 1 == 1
    }

    /// Whether a model answered an item.
    pub(super) fn is_given(&self, model: usize, item: usize) -> bool {
        self.row(&self.given, model)[item / WORD] >> (item % WORD) & 1 == 1
    }

    fn row<'a>(&self, bits: &'a [u64], model: usize) -> &'a [u64] {
        &bits[model * self.words..(model + 1) * self.words]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Stream;

    #[test]
    fn differences_equal_a_count_cell_by_cell() {
        for gaps in [0.0, 0.2] {
            let mut stream = Stream::new(1, "packed", 0);
            let (models, items) = (4, 2500);
            let mut score = || match stream.uniform() {
                gap if gap < gaps => f32::NAN,
                _ => f32::from(stream.uniform() < 0.5),
            };
            let scores: Vec<f32> = (0..models * items).map(|_| score()).collect();
            let matrix = ResponseMatrix::new(models, items, scores.clone()).unwrap();
            let packed = Packed::new(&matrix, &vec![0.5; items]);
            for (left, right) in [(0, 1), (1, 3), (2, 2)] {
                let cells = scores[left * items..][..items].iter().zip(&scores[right * items..]);
                let both: Vec<_> = cells.filter(|(a, b)| !a.is_nan() && !b.is_nan()).collect();
                let differ = both.iter().filter(|(a, b)| a != b).count() as u32;
                assert_eq!(packed.differing(left, right, differ), Some(differ));
                if differ > 0 {
                    assert_eq!(packed.differing(left, right, differ - 1), None);
                }
                assert_eq!(packed.common(left, right).count(), both.len());
            }
            for (at, score) in scores.iter().enumerate() {
                assert_eq!(packed.is_given(at / items, at % items), !score.is_nan());
                assert_eq!(packed.is_above(at / items, at % items), *score == 1.0);
            }
        }
    }
}
