//! The little dense linear algebra that the estimators need, in fixed order of operations.

mod components;
mod eigen;

pub use components::{Components, components, components_of_columns};
pub use eigen::{Eigen, Tridiagonal, symmetric_eigen};

use crate::StatsError;

/// A symmetric positive definite matrix, factored as L L' (Cholesky).
#[derive(Debug, Clone)]
pub struct Cholesky {
    size: usize,
    lower: Vec<f64>,
}

impl Cholesky {
    /// Factors the `size * size` row-major matrix `values`; reads its lower triangle only.
    pub fn factor(size: usize, values: &[f64]) -> Result<Self, StatsError> {
        let mut lower = vec![0.0; size * size];
        for row in 0..size {
            for column in 0..=row {
                let known = dot(
                    &lower[row * size..row * size + column],
                    &lower[column * size..column * size + column],
                );
                let rest = values[row * size + column] - known;
                let positive = rest > 0.0;
                lower[row * size + column] = match row == column {
                    false => rest / lower[column * size + column],
                    true if positive => rest.sqrt(),
                    true => return Err(StatsError::NotPositiveDefinite { pivot: row }),
                };
            }
        }
        Ok(Self { size, lower })
    }

    /// Logarithm of the determinant of A.
    pub fn log_determinant(&self) -> f64 {
        2.0 * (0..self.size).map(|row| libm::log(self.lower(row, row))).sum::<f64>()
    }

    /// A^-1, row-major and exactly symmetric.
    pub fn inverse(&self) -> Vec<f64> {
        let size = self.size;
        let mut inverse = vec![0.0; size * size];
        let mut unit = vec![0.0; size];
        for column in 0..size {
            unit[column] = 1.0;
            let solution = self.solve(&unit);
            unit[column] = 0.0;
            for row in column..size {
                inverse[row * size + column] = solution[row];
                inverse[column * size + row] = solution[row];
            }
        }
        inverse
    }

    /// One entry of L, on or below the diagonal.
    pub(crate) fn lower(&self, row: usize, column: usize) -> f64 {
        self.lower[row * self.size + column]
    }

    /// Solves A x = b.
    pub fn solve(&self, right: &[f64]) -> Vec<f64> {
        let size = self.size;
        let mut solution = self.forward(right);
        for row in (0..size).rev() {
            let known: f64 =
                (row + 1..size).map(|later| self.lower[later * size + row] * solution[later]).sum();
            solution[row] = (solution[row] - known) / self.lower[row * size + row];
        }
        solution
    }

    /// x' A^-1 x, as |L^-1 x|^2.
    pub fn inverse_quadratic(&self, x: &[f64]) -> f64 {
        let half = self.forward(x);
        dot(&half, &half)
    }

    /// Solves L x = b.
    fn forward(&self, right: &[f64]) -> Vec<f64> {
        let size = self.size;
        let mut solution = right.to_vec();
        // Leading zeros of b stay zeros: unit vectors cost a part of the triangle only.
        let first = right.iter().position(|value| *value != 0.0).unwrap_or(size);
        for row in first..size {
            let known =
                dot(&self.lower[row * size + first..row * size + row], &solution[first..row]);
            solution[row] = (solution[row] - known) / self.lower[row * size + row];
        }
        solution
    }
}

/// Sum of products in index order.
pub fn dot(left: &[f64], right: &[f64]) -> f64 {
    left.iter().zip(right).map(|(a, b)| a * b).sum()
}

/// Independent partial sums of [`dot_lanes`].
const LANES: usize = 8;

/// Sum of products over eight interleaved partial sums, added pairwise at the end.
///
/// A single running sum is a chain of dependent additions; these eight are not, so that they run in
/// vector registers. The order is fixed, but it is not that of [`dot`].
pub fn dot_lanes(left: &[f64], right: &[f64]) -> f64 {
    // Blocks and rests of unequal slices would not line up.
    let length = left.len().min(right.len());
    let mut sums = [0.0; LANES];
    let (left_blocks, left_rest) = left[..length].as_chunks::<LANES>();
    let (right_blocks, right_rest) = right[..length].as_chunks::<LANES>();
    for (a, b) in left_blocks.iter().zip(right_blocks) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    let [a, b, c, d, e, f, g, h] = sums;
    ((a + e) + (b + f)) + ((c + g) + (d + h)) + dot(left_rest, right_rest)
}

/// target += factor x source, element by element.
pub fn add_scaled(target: &mut [f64], factor: f64, source: &[f64]) {
    for (into, value) in target.iter_mut().zip(source) {
        *into += factor * value;
    }
}

/// Sum of the outer products c c' of `columns`, each of length `size`: row-major `size * size`, both
/// triangles filled.
///
/// Four columns at a time, so that a row of the sum is read and written a quarter as often.
pub fn outer_sum(size: usize, columns: &[Vec<f64>]) -> Vec<f64> {
    let mut sum = vec![0.0; size * size];
    let (blocks, rest) = columns.as_chunks::<4>();
    for [a, b, c, d] in blocks {
        for row in 0..size {
            let (wa, wb, wc, wd) = (a[row], b[row], c[row], d[row]);
            let parts = a.iter().zip(b).zip(c).zip(d);
            let into = &mut sum[row * size..row * size + row + 1];
            for (value, (((a, b), c), d)) in into.iter_mut().zip(parts) {
                *value += (wa * a + wb * b) + (wc * c + wd * d);
            }
        }
    }
    for column in rest {
        for row in 0..size {
            let into = &mut sum[row * size..row * size + row + 1];
            add_scaled(into, column[row], column);
        }
    }
    mirror_lower(size, &mut sum);
    sum
}

/// Copies the lower triangle of a `size * size` row-major matrix to the upper one.
fn mirror_lower(size: usize, values: &mut [f64]) {
    for row in 0..size {
        for column in 0..row {
            values[column * size + row] = values[row * size + column];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn solves_a_known_system() {
        let factor = Cholesky::factor(2, &[4.0, 0.0, 2.0, 3.0]).unwrap();
        let solution = factor.solve(&[8.0, 7.0]);
        assert!(
            (solution[0] - 1.25).abs() < 1e-12 && (solution[1] - 1.5).abs() < 1e-12,
            "{solution:?}"
        );
    }

    #[test]
    fn refuses_a_singular_matrix() {
        let error = Cholesky::factor(2, &[1.0, 0.0, 1.0, 1.0]).unwrap_err();
        assert_eq!(error, StatsError::NotPositiveDefinite { pivot: 1 });
    }

    #[test]
    fn lanes_sum_to_the_plain_product() {
        // Quarters add without rounding, so that every order gives one sum.
        for length in [0_u32, 1, 7, 8, 19, 64] {
            let left: Vec<f64> = (0..length).map(|i| f64::from(i % 5) / 4.0).collect();
            let right: Vec<f64> = (0..length).map(|i| f64::from(i % 7) / 4.0).collect();
            assert_eq!(dot_lanes(&left, &right), dot(&left, &right));
            let shorter = &left[left.len() / 2..];
            assert_eq!(dot_lanes(shorter, &right), dot(shorter, &right));
        }
    }

    #[test]
    fn outer_products_are_summed_over_all_columns() {
        let columns: Vec<Vec<f64>> =
            (0..6).map(|c| (0..3).map(|r| f64::from((c * 3 + r * 5) % 7)).collect()).collect();
        let sum = outer_sum(3, &columns);
        for row in 0..3 {
            for column in 0..3 {
                let expected: f64 = columns.iter().map(|c| c[row] * c[column]).sum();
                assert_eq!(sum[row * 3 + column], expected);
            }
        }
    }
}
