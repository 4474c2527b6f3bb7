//! Inner loops that fill several independent sums at once, so that a compiler may vectorise them
//! without changing the order of any sum.

use std::ops::{AddAssign, Mul};

/// Vectors stored in blocks of `L`: value d of the `L` vectors of a block lies side by side.
///
/// The last block is filled up with zero vectors.
#[derive(Debug, Clone)]
pub(super) struct Interleaved<T, const L: usize> {
    dimensions: usize,
    values: Vec<T>,
}

impl<T: Copy + Default, const L: usize> Interleaved<T, L> {
    /// Interleaves the rows that `row` gives for 0..count, each of `dimensions` values.
    pub(super) fn new<'a>(count: usize, dimensions: usize, row: impl Fn(usize) -> &'a [T]) -> Self
    where
        T: 'a,
    {
        let mut values = vec![T::default(); count.div_ceil(L) * L * dimensions];
        for vector in 0..count {
            let start = vector / L * L * dimensions + vector % L;
            for (slot, value) in values[start..].iter_mut().step_by(L).zip(row(vector)) {
                *slot = *value;
            }
        }
        Self { dimensions, values }
    }

    /// The blocks, in order of the vectors.
    pub(super) fn blocks(&self) -> impl ExactSizeIterator<Item = &[T]> {
        self.values.chunks_exact(self.dimensions * L)
    }

    /// One block.
    pub(super) fn block(&self, block: usize) -> &[T] {
        &self.values[block * self.dimensions * L..(block + 1) * self.dimensions * L]
    }
}

/// Inner products of `row` with the `L` vectors of a block, each summed in index order.
pub(super) fn products<T, const L: usize>(row: &[T], block: &[T]) -> [T; L]
where
    T: Copy + Default + AddAssign + Mul<Output = T>,
{
    let mut sums = [T::default(); L];
    for (value, lanes) in row.iter().zip(block.as_chunks::<L>().0) {
        for (sum, lane) in sums.iter_mut().zip(lanes) {
            *sum += *value * *lane;
        }
    }
    sums
}

/// Squared distances of `row` to the `L` vectors of a block, each summed in index order.
pub(super) fn squared_distances<const L: usize>(row: &[f64], block: &[f64]) -> [f64; L] {
    let mut sums = [0.0; L];
    for (value, lanes) in row.iter().zip(block.as_chunks::<L>().0) {
        for (sum, lane) in sums.iter_mut().zip(lanes) {
            let difference = value - lane;
            *sum += difference * difference;
        }
    }
    sums
}

/// Squared distance of two vectors: eight running sums, added in order at the end.
pub(crate) fn squared_distance(left: &[f64], right: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    let (left, left_rest) = left.as_chunks::<8>();
    let (right, right_rest) = right.as_chunks::<8>();
    for (a, b) in left.iter().zip(right) {
        for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            let difference = a - b;
            *sum += difference * difference;
        }
    }
    let rest: f64 = left_rest.iter().zip(right_rest).map(|(a, b)| (a - b) * (a - b)).sum();
    sums.iter().sum::<f64>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_equal_plain_loops_and_the_last_block_is_filled_with_zeros() {
        let vectors: Vec<Vec<f64>> = (0..5)
            .map(|vector| (0..11).map(|d| f64::from(vector * 7 + d * 3 % 5)).collect())
            .collect();
        let interleaved = Interleaved::<f64, 4>::new(5, 11, |vector| &vectors[vector]);
        assert_eq!(interleaved.blocks().len(), 2);
        for (left, row) in vectors.iter().enumerate() {
            for (right, other) in vectors.iter().enumerate() {
                let block = interleaved.block(right / 4);
                let product: f64 = row.iter().zip(other).map(|(a, b)| a * b).sum();
                let distance: f64 = row.iter().zip(other).map(|(a, b)| (a - b) * (a - b)).sum();
                assert_eq!(products::<f64, 4>(row, block)[right % 4], product, "{left} {right}");
                assert_eq!(squared_distances::<4>(row, block)[right % 4], distance);
                assert_eq!(squared_distance(row, other), distance);
            }
        }
        assert_eq!(products::<f64, 4>(&vectors[3], interleaved.block(1))[1..], [0.0; 3]);
    }
}
