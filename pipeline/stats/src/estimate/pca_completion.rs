//! Completion of a model's row of answers by a few principal components of the sources.

use super::LinearEstimator;
use crate::{
    StatsError,
    linalg::{Cholesky, Components, components, dot_lanes},
    matrix::{CompleteMatrix, Target},
};

/// Number of components.
pub const FACTORS: usize = 8;
/// Least residual variance an item is taken to have, in squared score units.
const LEAST_VARIANCE: f64 = 1e-3;

/// Fits the estimator that completes a model's answers on `items` by the sources' leading
/// [`FACTORS`] components; see [`complete`].
pub fn fit(
    sources: &CompleteMatrix,
    target: &Target,
    items: &[usize],
) -> Result<LinearEstimator, StatsError> {
    complete(&components(sources, FACTORS)?, sources.models(), target, items)
}

/// The target mean of a row that is known on `items` and completed elsewhere by `components` of
/// `models` models.
///
/// Probabilistic principal components (Tipping and Bishop, JRSS B 61 (1999)): item means
/// plus W z with z ~ N(0, I), W the loadings times singular value / sqrt(models), and one noise
/// variance, the mean of what the components leave. z is its posterior mean given the answers. The
/// estimate is linear in the answers: known items count by their target weight, the rest by what
/// they are predicted to be.
pub fn complete(
    components: &Components,
    models: usize,
    target: &Target,
    items: &[usize],
) -> Result<LinearEstimator, StatsError> {
    if items.is_empty() {
        return Err(StatsError::BudgetZero);
    }
    let rank = components.rank;
    let scales: Vec<f64> =
        components.singular_values.iter().map(|value| value / (models as f64).sqrt()).collect();
    let factor = |item: usize| -> Vec<f64> {
        components
            .loading(item)
            .iter()
            .zip(&scales)
            .map(|(loading, scale)| loading * scale)
            .collect()
    };
    let explained: f64 = scales.iter().map(|scale| scale * scale).sum();
    let left = components.total_square / models as f64 - explained;
    let variance = (left / components.item_means.len() as f64).max(LEAST_VARIANCE);

    let mut known = vec![false; components.item_means.len()];
    let mut precision = vec![0.0; rank * rank];
    for place in 0..rank {
        precision[place * rank + place] = variance;
    }
    let known_factors: Vec<Vec<f64>> = items.iter().map(|&item| factor(item)).collect();
    for (&item, factor) in items.iter().zip(&known_factors) {
        known[item] = true;
        for row in 0..rank {
            for column in 0..rank {
                precision[row * rank + column] += factor[row] * factor[column];
            }
        }
    }
    let mut unknown_mean = 0.0;
    let mut unknown_factor = vec![0.0; rank];
    for item in (0..known.len()).filter(|item| !known[*item]) {
        let weight = target.weights()[item];
        unknown_mean += weight * components.item_means[item];
        for (sum, value) in unknown_factor.iter_mut().zip(factor(item)) {
            *sum += weight * value;
        }
    }
    let pull = Cholesky::factor(rank, &precision)?.solve(&unknown_factor);
    let pulls: Vec<f64> = known_factors.iter().map(|factor| dot_lanes(factor, &pull)).collect();
    let expected: f64 =
        items.iter().zip(&pulls).map(|(&item, pull)| pull * components.item_means[item]).sum();
    let weights = items.iter().zip(&pulls).map(|(&item, pull)| target.weights()[item] + pull);
    Ok(LinearEstimator { intercept: unknown_mean - expected, weights: weights.collect() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{matrix::ResponseMatrix, rng::Stream};

    fn low_rank(models: usize, items: usize) -> CompleteMatrix {
        let mut stream = Stream::new(1, "pca", 0);
        let easiness: Vec<f64> = (0..items).map(|_| stream.uniform()).collect();
        let mut scores = Vec::new();
        for _ in 0..models {
            let ability = stream.uniform();
            scores.extend(easiness.iter().map(|easy| (ability * easy) as f32));
        }
        ResponseMatrix::new(models, items, scores).unwrap().imputed().unwrap()
    }

    #[test]
    fn a_row_of_one_factor_is_completed_from_a_few_answers() {
        let sources = low_rank(40, 60);
        let groups: Vec<u32> = (0..60).map(|item| u32::from(item >= 50)).collect();
        for target in [Target::uniform(60).unwrap(), Target::grouped(&groups, &[1.0, 1.0]).unwrap()]
        {
            let items: Vec<usize> = (0..60).step_by(4).collect();
            let fitted = fit(&sources, &target, &items).unwrap();
            let full = sources.target_means(&target);
            for (model, truth) in full.iter().enumerate() {
                let answers: Vec<f64> = items.iter().map(|&i| sources.item(i)[model]).collect();
                let estimate = fitted.intercept + dot_lanes(&fitted.weights, &answers);
                assert!((estimate - truth).abs() < 2e-3, "{estimate} {truth}");
            }
        }
    }

    #[test]
    fn all_items_give_the_target_mean_itself() {
        let sources = low_rank(10, 9);
        let groups = [0, 0, 0, 0, 0, 0, 0, 1, 1];
        let target = Target::grouped(&groups, &[2.0, 1.0]).unwrap();
        let items: Vec<usize> = (0..9).collect();
        let fitted = fit(&sources, &target, &items).unwrap();
        assert_eq!((fitted.intercept, fitted.weights.as_slice()), (0.0, target.weights()));
    }

    #[test]
    fn equal_models_leave_the_item_means() {
        let ones = ResponseMatrix::new(1, 4, vec![1.0, 0.5, 0.0, 1.0]).unwrap().imputed().unwrap();
        let target = Target::uniform(4).unwrap();
        let fitted = fit(&ones, &target, &[1]).unwrap();
        assert_eq!(fitted, LinearEstimator { intercept: 0.5, weights: vec![0.25] });
        assert_eq!(fit(&ones, &target, &[]).unwrap_err(), StatsError::BudgetZero);
    }
}
