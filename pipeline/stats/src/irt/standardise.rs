//! One representative of the many parametrisations that give the same probabilities.

use super::{
    ItemResponseModel,
    fit::State,
    logistic::{add_scaled, lane_dot},
};
use crate::{StatsError, linalg::Cholesky};

/// Added to the variance of every dimension, so that one on which all models agree stays finite.
const VARIANCE_FLOOR: f64 = 1e-6;

/// Abilities whitened over the models and turned so that dimension 0 points along the mean slope.
///
/// With theta = mean + L z, the slopes become L' a and the intercepts b + a' mean: the predictors
/// stay as they are.
pub(super) fn standardised(state: &State) -> Result<ItemResponseModel, StatsError> {
    let dimensions = state.abilities.len();
    let models = state.abilities[0].len() as f64;
    let mut intercepts = state.intercepts.clone();
    let mut centred = state.abilities.clone();
    for (ability, slope) in centred.iter_mut().zip(&state.slopes) {
        let mean = ability.iter().sum::<f64>() / models;
        ability.iter_mut().for_each(|value| *value -= mean);
        add_scaled(&mut intercepts, mean, slope);
    }
    let mut covariance = vec![0.0; dimensions * dimensions];
    for row in 0..dimensions {
        for column in 0..=row {
            covariance[row * dimensions + column] =
                lane_dot(&centred[row], &centred[column]) / models;
        }
        covariance[row * dimensions + row] += VARIANCE_FLOOR;
    }
    let factor = Cholesky::factor(dimensions, &covariance)?;
    let mut slopes = vec![vec![0.0; intercepts.len()]; dimensions];
    for row in 0..dimensions {
        for (column, slope) in slopes[..=row].iter_mut().enumerate() {
            add_scaled(slope, factor.lower(row, column), &state.slopes[row]);
        }
    }
    let mut abilities = centred;
    for row in 0..dimensions {
        let (known, rest) = abilities.split_at_mut(row);
        for (column, z) in known.iter().enumerate() {
            add_scaled(&mut rest[0], -factor.lower(row, column), z);
        }
        let scale = 1.0 / factor.lower(row, row);
        rest[0].iter_mut().for_each(|value| *value *= scale);
    }
    let means: Vec<f64> = slopes.iter().map(|slope| slope.iter().sum()).collect();
    reflect(&mut slopes, &means);
    reflect(&mut abilities, &means);
    Ok(ItemResponseModel { slopes, intercepts, abilities, sweeps: 0, converged: false })
}

/// The Householder reflection that takes `direction` to the positive first axis; source: Golub and
/// Van Loan, *Matrix Computations*.
fn reflect(coordinates: &mut [Vec<f64>], direction: &[f64]) {
    let length = lane_dot(direction, direction).sqrt();
    let mut normal: Vec<f64> = direction.to_vec();
    normal[0] -= length;
    let square = lane_dot(&normal, &normal);
    if square <= 1e-24 * length * length || length == 0.0 {
        return;
    }
    let points = coordinates[0].len();
    let mut projection = vec![0.0; points];
    for (axis, part) in coordinates.iter().zip(&normal) {
        add_scaled(&mut projection, *part, axis);
    }
    for (axis, part) in coordinates.iter_mut().zip(&normal) {
        add_scaled(axis, -2.0 * part / square, &projection);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn predictors_stay_and_abilities_become_standard() {
        // Correlated abilities off the origin, mean slope off the axes.
        let abilities = vec![
            vec![1.0, 2.0, 4.0, 0.5, -1.0],
            vec![0.5, 2.5, 3.0, 1.0, 0.0],
            vec![-1.0, 0.0, 0.5, 2.0, 3.0],
        ];
        let slopes = vec![vec![1.0, -0.5, 0.3, 2.0], vec![0.2, 0.9, 1.1, -0.4], vec![0.5; 4]];
        let state = State { slopes, intercepts: vec![0.1, -2.0, 1.0, 0.4], abilities };
        let model = standardised(&state).unwrap();
        for source in 0..5 {
            for item in 0..4 {
                let parts = state.slopes.iter().zip(&state.abilities);
                let before =
                    parts.fold(state.intercepts[item], |x, (a, t)| x + a[item] * t[source]);
                let after = model.predictor(&model.ability(source), item);
                assert!((before - after).abs() < 1e-9, "{before} {after}");
            }
        }
        for (row, left) in model.abilities.iter().enumerate() {
            assert!(left.iter().sum::<f64>().abs() < 1e-9);
            for (column, right) in model.abilities.iter().enumerate() {
                let expected = if row == column { 1.0 } else { 0.0 };
                // The floor of the variance shows at this precision.
                assert!((lane_dot(left, right) / 5.0 - expected).abs() < 1e-4);
            }
        }
        let sums: Vec<f64> = model.slopes.iter().map(|slopes| slopes.iter().sum()).collect();
        assert!(sums[0] > 0.1 && sums[1].abs() < 1e-9 && sums[2].abs() < 1e-9, "{sums:?}");
    }
}
