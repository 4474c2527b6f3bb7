//! The little dense linear algebra that the estimators need, in fixed order of operations.

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
}
