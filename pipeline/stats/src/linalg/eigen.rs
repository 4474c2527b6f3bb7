//! Symmetric eigenvalue problems, by way of a tridiagonal matrix.

use super::{add_scaled, dot_lanes};
use crate::StatsError;

/// A symmetric matrix as Q T Q' with T tridiagonal and Q orthogonal.
///
/// Reached by Householder reflections, 8/3 n^3 operations. Shifted systems (A + s I) x = b are
/// cheap in this form for any number of shifts s; see [`Tridiagonal::shifted_inverse`].
#[derive(Debug, Clone)]
pub struct Tridiagonal {
    size: usize,
    diagonal: Vec<f64>,
    /// Element i couples rows i and i + 1; the last is zero.
    off_diagonal: Vec<f64>,
    /// Q', row-major: row i holds basis vector i.
    basis: Vec<f64>,
}

/// Eigenvalues and orthonormal eigenvectors of a symmetric matrix.
#[derive(Debug, Clone)]
pub struct Eigen {
    /// Descending.
    pub values: Vec<f64>,
    /// Row-major `n * n`: row i is the eigenvector of `values[i]`, its largest entry in magnitude
    /// (the first of equals) being positive.
    pub vectors: Vec<f64>,
}

/// (A + s I)^-1 as the ridge and Gaussian-process formulas need it.
#[derive(Debug, Clone)]
pub struct ShiftedInverse {
    /// (A + s I)^-1 b.
    pub solution: Vec<f64>,
    /// Diagonal of (A + s I)^-1.
    pub diagonal: Vec<f64>,
}

/// All eigenvalues and eigenvectors of the `size * size` row-major matrix; reads its lower triangle.
///
/// Householder tridiagonalisation and implicitly shifted QL steps; source: Golub and Van Loan,
/// *Matrix Computations*, 4th ed., algorithms 8.3.1 to 8.3.3 (there as QR, from the other end).
/// Errors with [`StatsError::NoConvergence`], which finite input does not reach in practice.
pub fn symmetric_eigen(size: usize, values: Vec<f64>) -> Result<Eigen, StatsError> {
    let mut reduced = Tridiagonal::reduce(size, values);
    reduced.diagonalise()?;
    let mut order: Vec<usize> = (0..size).collect();
    order.sort_by(|&a, &b| reduced.diagonal[b].total_cmp(&reduced.diagonal[a]));
    let mut vectors = Vec::with_capacity(size * size);
    for &place in &order {
        let row = &reduced.basis[place * size..(place + 1) * size];
        let sign = sign_of_largest(row.iter());
        vectors.extend(row.iter().map(|value| sign * value));
    }
    Ok(Eigen { values: order.iter().map(|&place| reduced.diagonal[place]).collect(), vectors })
}

/// The sign, 1 or -1, of the entry that is largest in magnitude, the first of equals.
pub(super) fn sign_of_largest<'a>(values: impl Iterator<Item = &'a f64>) -> f64 {
    let largest = values.fold(0.0_f64, |best, &value| match value.abs() > best.abs() {
        true => value,
        false => best,
    });
    if largest < 0.0 { -1.0 } else { 1.0 }
}

impl Tridiagonal {
    /// Reduces the `size * size` row-major matrix `values`; reads its lower triangle only.
    ///
    /// Rows are eliminated from the last to the first, so that every loop runs along a row.
    pub fn reduce(size: usize, mut values: Vec<f64>) -> Self {
        let mut off_diagonal = vec![0.0; size];
        let mut factors = vec![0.0; size];
        let mut product = vec![0.0; size];
        for row in (1..size).rev() {
            let (above, rest) = values.split_at_mut(row * size);
            let vector = &mut rest[..row];
            let (factor, coupling) = reflect(vector);
            factors[row] = factor;
            off_diagonal[row - 1] = coupling;
            if factor != 0.0 {
                reflect_both_sides(above, size, vector, factor, &mut product[..row]);
            }
        }
        let diagonal = (0..size).map(|row| values[row * size + row]).collect();
        let basis = accumulate(size, &values, &factors);
        Self { size, diagonal, off_diagonal, basis }
    }

    /// (A + `shift` I)^-1 times `right`, and the diagonal of that inverse, in O(n^2).
    ///
    /// T + s I is factored as L D L' with L unit bidiagonal; the diagonal of the inverse is the sum
    /// over rows j of (L^-1 Q')_ji^2 / d_j, a recurrence that runs along the rows of Q'. Errors with
    /// [`StatsError::NotPositiveDefinite`].
    pub fn shifted_inverse(&self, shift: f64, right: &[f64]) -> Result<ShiftedInverse, StatsError> {
        let size = self.size;
        let mut pivots = vec![0.0; size];
        let mut multipliers = vec![0.0; size];
        let mut carried = 0.0;
        for row in 0..size {
            let pivot = self.diagonal[row] + shift - carried;
            let positive = pivot > 0.0;
            if !positive {
                return Err(StatsError::NotPositiveDefinite { pivot: row });
            }
            pivots[row] = pivot;
            multipliers[row] = self.off_diagonal[row] / pivot;
            carried = multipliers[row] * self.off_diagonal[row];
        }
        let mut diagonal = vec![0.0; size];
        let mut reduced = vec![0.0; size];
        let mut coordinates = vec![0.0; size];
        for row in 0..size {
            let basis = &self.basis[row * size..(row + 1) * size];
            let before = if row == 0 { 0.0 } else { multipliers[row - 1] };
            let inverse = 1.0 / pivots[row];
            let earlier = if row == 0 { 0.0 } else { coordinates[row - 1] };
            coordinates[row] = dot_lanes(basis, right) - before * earlier;
            for ((entry, sum), value) in reduced.iter_mut().zip(&mut diagonal).zip(basis) {
                *entry = value - before * *entry;
                *sum += *entry * *entry * inverse;
            }
        }
        let mut solution = vec![0.0; size];
        let mut later = 0.0;
        for row in (0..size).rev() {
            later = coordinates[row] / pivots[row] - multipliers[row] * later;
            add_scaled(&mut solution, later, &self.basis[row * size..(row + 1) * size]);
        }
        Ok(ShiftedInverse { solution, diagonal })
    }

    /// Turns T into its eigenvalues and the basis into the eigenvectors.
    fn diagonalise(&mut self) -> Result<(), StatsError> {
        const SWEEPS: usize = 60;
        let scale =
            self.diagonal.iter().chain(&self.off_diagonal).fold(0.0_f64, |largest, value| {
                // NaN must not be lost in a maximum.
                if value.abs() <= largest { largest } else { value.abs() }
            });
        let negligible = f64::EPSILON * scale;
        for start in 0..self.size {
            let mut sweeps = 0;
            loop {
                let coupled = &self.off_diagonal[start..self.size - 1];
                let end = coupled.iter().position(|value| value.abs() <= negligible);
                let end = end.map_or(self.size - 1, |steps| start + steps);
                if end == start {
                    break;
                }
                if sweeps == SWEEPS || !scale.is_finite() {
                    return Err(StatsError::NoConvergence { what: "an eigendecomposition" });
                }
                sweeps += 1;
                self.sweep(start, end);
            }
        }
        Ok(())
    }

    /// One implicit QL step with Wilkinson's shift on the unreduced block `start..=end`.
    fn sweep(&mut self, start: usize, end: usize) {
        let (d, e) = (&mut self.diagonal, &mut self.off_diagonal);
        let half_gap = (d[start + 1] - d[start]) / (2.0 * e[start]);
        let radius = libm::hypot(half_gap, 1.0);
        let signed = if half_gap < 0.0 { half_gap - radius } else { half_gap + radius };
        let shift = d[start] - e[start] / signed;

        // The element to be rotated away, and its partner.
        let mut bulge = e[end - 1];
        let mut lead = d[end] - shift;
        for row in (start..end).rev() {
            let length = libm::hypot(lead, bulge);
            let (cosine, sine) =
                if length > 0.0 { (lead / length, bulge / length) } else { (1.0, 0.0) };
            if row + 1 < end {
                e[row + 1] = length;
            }
            let (low, high, coupling) = (d[row], d[row + 1], e[row]);
            d[row + 1] =
                cosine * cosine * high + 2.0 * cosine * sine * coupling + sine * sine * low;
            d[row] = sine * sine * high - 2.0 * cosine * sine * coupling + cosine * cosine * low;
            let inner = cosine * sine * (low - high) + (cosine * cosine - sine * sine) * coupling;
            e[row] = inner;
            lead = inner;
            if row > start {
                bulge = sine * e[row - 1];
                e[row - 1] *= cosine;
            }
            rotate(&mut self.basis, self.size, row, (cosine, sine));
        }
    }
}

/// Rows i + 1 and i of the basis become c high + s low and c low - s high.
fn rotate(basis: &mut [f64], size: usize, row: usize, (cosine, sine): (f64, f64)) {
    let (low, high) = basis[row * size..(row + 2) * size].split_at_mut(size);
    for (low, high) in low.iter_mut().zip(high) {
        let (below, above) = (*low, *high);
        *high = cosine * above + sine * below;
        *low = cosine * below - sine * above;
    }
}

/// Overwrites x by the v of the reflection I - f v v' that takes x to (0, .., 0, c); returns (f, c).
fn reflect(vector: &mut [f64]) -> (f64, f64) {
    let Some((last, others)) = vector.split_last_mut() else { return (0.0, 0.0) };
    // Scaled, so that squares neither overflow nor vanish.
    let scale = others.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
    if scale == 0.0 {
        return (0.0, *last);
    }
    let scale = scale.max(last.abs());
    others.iter_mut().for_each(|value| *value /= scale);
    *last /= scale;
    let squares = dot_lanes(others, others) + *last * *last;
    let norm = squares.sqrt();
    // Away from zero: no cancellation in v.
    let image = if *last > 0.0 { -norm } else { norm };
    let factor = 1.0 / (squares - *last * image);
    *last -= image;
    (factor, image * scale)
}

/// A <- (I - f v v') A (I - f v v') on the leading block, lower triangle only.
///
/// As A - v w' - w v' with p = f A v, w = p - (f / 2)(p'v) v.
fn reflect_both_sides(
    values: &mut [f64],
    size: usize,
    vector: &[f64],
    factor: f64,
    product: &mut [f64],
) {
    let order = vector.len();
    product.fill(0.0);
    for row in 0..order {
        let line = &values[row * size..row * size + row];
        let own = values[row * size + row] * vector[row];
        product[row] += dot_lanes(line, vector) + own;
        add_scaled(&mut product[..row], vector[row], line);
    }
    product.iter_mut().for_each(|value| *value *= factor);
    let along = 0.5 * factor * dot_lanes(product, vector);
    add_scaled(product, -along, vector);
    for row in 0..order {
        let (v, w) = (vector[row], product[row]);
        let line = &mut values[row * size..row * size + row + 1];
        for ((value, a), b) in line.iter_mut().zip(&*product).zip(vector) {
            *value -= v * a + w * b;
        }
    }
}

/// Q' as the product of the reflections, first P_1; P_k acts on the first k coordinates.
fn accumulate(size: usize, vectors: &[f64], factors: &[f64]) -> Vec<f64> {
    let mut basis = vec![0.0; size * size];
    for row in 0..size {
        basis[row * size + row] = 1.0;
    }
    for order in 1..size {
        let vector = &vectors[order * size..order * size + order];
        if factors[order] == 0.0 {
            continue;
        }
        for row in 0..order {
            let line = &mut basis[row * size..row * size + order];
            let along = factors[order] * dot_lanes(line, vector);
            add_scaled(line, -along, vector);
        }
    }
    basis
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{linalg::Cholesky, rng::Stream};

    fn symmetric(size: usize, stream: &mut Stream) -> Vec<f64> {
        let mut values = vec![0.0; size * size];
        for row in 0..size {
            for column in 0..=row {
                let value = stream.uniform() - 0.5;
                values[row * size + column] = value;
                values[column * size + row] = value;
            }
        }
        values
    }

    /// Largest |A v - lambda v| and |V V' - I|.
    fn defects(size: usize, values: &[f64], eigen: &Eigen) -> (f64, f64) {
        let vector = |i: usize| &eigen.vectors[i * size..(i + 1) * size];
        let (mut residual, mut skew) = (0.0_f64, 0.0_f64);
        for i in 0..size {
            for row in 0..size {
                let image = dot_lanes(&values[row * size..(row + 1) * size], vector(i));
                residual = residual.max((image - eigen.values[i] * vector(i)[row]).abs());
                let identity = f64::from(u8::from(i == row));
                skew = skew.max((dot_lanes(vector(i), vector(row)) - identity).abs());
            }
        }
        (residual, skew)
    }

    #[test]
    fn a_matrix_with_known_eigenvalues() {
        // Second differences have the eigenvalues 2 - 2 cos(j pi / (n + 1)).
        let size = 9;
        let mut values = vec![0.0; size * size];
        for row in 0..size {
            values[row * size + row] = 2.0;
            if row > 0 {
                values[row * size + row - 1] = -1.0;
            }
        }
        let eigen = symmetric_eigen(size, values).unwrap();
        for (place, value) in eigen.values.iter().enumerate() {
            let angle = (size - place) as f64 * std::f64::consts::PI / (size + 1) as f64;
            assert!((value - 2.0 + 2.0 * libm::cos(angle)).abs() < 1e-13);
        }
    }

    #[test]
    fn vectors_are_orthonormal_and_invariant() {
        let mut stream = Stream::new(1, "eigen", 0);
        for size in [1, 2, 3, 10, 61] {
            let values = symmetric(size, &mut stream);
            let eigen = symmetric_eigen(size, values.clone()).unwrap();
            let (residual, skew) = defects(size, &values, &eigen);
            assert!(residual < 1e-13 * size as f64 && skew < 1e-13 * size as f64);
            assert!(eigen.values.windows(2).all(|pair| pair[0] >= pair[1]));
        }
    }

    #[test]
    fn repeated_and_vanishing_eigenvalues_are_no_obstacle() {
        // Two identity blocks, a zero block and a rank-one block.
        let size = 40;
        let mut values = vec![0.0; size * size];
        for row in 0..20 {
            values[row * size + row] = if row < 10 { 3.0 } else { -1.0 };
        }
        for row in 30..40 {
            values[row * size + 30..row * size + 40].fill(1.0);
        }
        let eigen = symmetric_eigen(size, values.clone()).unwrap();
        let (residual, skew) = defects(size, &values, &eigen);
        assert!(residual < 1e-13 && skew < 1e-13, "{residual} {skew}");
        assert!((eigen.values[0] - 10.0).abs() < 1e-13 && (eigen.values[1] - 3.0).abs() < 1e-13);
        assert!(eigen.values[39] == -1.0 && eigen.values[20].abs() < 1e-14);
        assert!(symmetric_eigen(3, vec![0.0; 9]).unwrap().values.iter().all(|value| *value == 0.0));
    }

    #[test]
    fn what_is_not_a_number_is_refused() {
        let error = symmetric_eigen(2, vec![1.0, 0.0, f64::NAN, 1.0]).unwrap_err();
        assert_eq!(error, StatsError::NoConvergence { what: "an eigendecomposition" });
        assert!(symmetric_eigen(0, Vec::new()).unwrap().values.is_empty());
    }

    #[test]
    fn a_shifted_inverse_equals_the_direct_one() {
        let size = 12;
        let mut stream = Stream::new(2, "eigen", 0);
        let mut values = symmetric(size, &mut stream);
        let right: Vec<f64> = (0..size).map(|_| stream.uniform()).collect();
        let reduced = Tridiagonal::reduce(size, values.clone());
        let inverse = reduced.shifted_inverse(5.0, &right).unwrap();
        for row in 0..size {
            values[row * size + row] += 5.0;
        }
        let direct = Cholesky::factor(size, &values).unwrap();
        let mut unit = vec![0.0; size];
        for (row, expected) in direct.solve(&right).iter().enumerate() {
            unit[row] = 1.0;
            assert!((inverse.solution[row] - expected).abs() < 1e-14);
            assert!((inverse.diagonal[row] - direct.inverse_quadratic(&unit)).abs() < 1e-14);
            unit[row] = 0.0;
        }
        let error = reduced.shifted_inverse(-5.0, &right).unwrap_err();
        assert!(matches!(error, StatsError::NotPositiveDefinite { .. }));
    }
}
