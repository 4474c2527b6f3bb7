//! Start of a fit: the principal components of the scores.

use super::{
    cells::Cells,
    logistic::{add_scaled, lane_dot},
};
use crate::rng::Stream;

/// Rounds of subspace iteration. The components only start a fit, so a rough basis will do.
const ROUNDS: usize = 6;

/// The leading `dimensions` left singular vectors of the centred scores, scaled to unit variance.
///
/// One list over the models a dimension. A missing score counts as its item's mean. Subspace
/// iteration with Gram-Schmidt from the row means and fixed random columns; source: Golub and Van
/// Loan, *Matrix Computations*. A dimension beyond the rank is all zero.
pub(super) fn components(by_item: &Cells, dimensions: usize) -> Vec<Vec<f64>> {
    let models = by_item.length();
    let centred: Vec<f32> = (0..by_item.units()).flat_map(|item| by_item.centred(item)).collect();
    let columns = || centred.chunks_exact(models);
    let mut row_sums = vec![0.0; models];
    for column in columns() {
        for (sum, value) in row_sums.iter_mut().zip(column) {
            *sum += f64::from(*value);
        }
    }
    let mut stream = Stream::new(0, "irt-start", 0);
    let mut basis = vec![row_sums];
    basis.extend((1..dimensions).map(|_| (0..models).map(|_| stream.uniform() - 0.5).collect()));
    for _ in 0..ROUNDS {
        orthonormalise(&mut basis);
        let mut next = vec![vec![0.0; models]; dimensions];
        let mut wide = vec![0.0; models];
        for column in columns() {
            for (wide, value) in wide.iter_mut().zip(column) {
                *wide = f64::from(*value);
            }
            for (next, vector) in next.iter_mut().zip(&basis) {
                add_scaled(next, lane_dot(vector, &wide), &wide);
            }
        }
        basis = next;
    }
    orthonormalise(&mut basis);
    let scale = (models as f64).sqrt();
    basis.iter_mut().flatten().for_each(|value| *value *= scale);
    basis
}

/// Modified Gram-Schmidt; a vector that depends on the ones before it becomes zero.
fn orthonormalise(basis: &mut [Vec<f64>]) {
    for index in 0..basis.len() {
        let (before, rest) = basis.split_at_mut(index);
        let Some(vector) = rest.first_mut() else { return };
        let length = lane_dot(vector, vector).sqrt();
        for other in before {
            let shared = lane_dot(other, vector);
            add_scaled(vector, -shared, other);
        }
        let left = lane_dot(vector, vector).sqrt();
        let factor = if left > 1e-9 * length { 1.0 / left } else { 0.0 };
        vector.iter_mut().for_each(|value| *value *= factor);
    }
}
