//! Augmented inverse-propensity weighting: each target's own regression over the items.

use super::LinearEstimator;
use crate::{
    StatsError,
    linalg::{Cholesky, dot_lanes, outer_sum},
    matrix::{CompleteMatrix, Target},
    select::Subset,
};

/// Ridge penalty, in squared score units summed over the source models.
const PENALTY: f64 = 10.0;

/// Fits the estimator of Zhang et al., "How Benchmark Prediction from Fewer Data Misses the Mark"
/// (2025): ridge regression of a model's own answers on the sources' answers to the same items,
/// averaged over the items it was not asked, plus the debiasing mean residual.
///
/// Items are the regression's samples and source models its features. With an intercept the subset's
/// weighted mean residual is zero, so that the debiasing term vanishes and what is left is
/// c + (m_rest - m_subset)' beta: linear in the answers, its weights sum to one, and models outside
/// the sources' range stay reachable. Unequal subset weights weigh the regression, unequal target
/// weights the mean over the rest. Solved in the space of items or of models, whichever is smaller. When
/// the subset holds all of the target's weight, the weights are the target's own.
///
/// As published, the regression is carried to the rest only, not to the known share of the target:
/// close to a census it says less than the answers themselves.
pub fn fit(
    sources: &CompleteMatrix,
    target: &Target,
    subset: &Subset,
) -> Result<LinearEstimator, StatsError> {
    if subset.items.is_empty() {
        return Err(StatsError::BudgetZero);
    }
    let mut rest = target.weights().to_vec();
    subset.items.iter().for_each(|&item| rest[item] = 0.0);
    let unknown: f64 = rest.iter().sum();
    if unknown <= 0.0 {
        let weights = subset.items.iter().map(|&item| target.weights()[item]).collect();
        return Ok(LinearEstimator { intercept: 0.0, weights });
    }
    rest.iter_mut().for_each(|weight| *weight /= unknown);

    let items = Weighted::new(sources, subset);
    let mut gap = weighted_mean(sources, rest.iter().copied().enumerate());
    gap.iter_mut().zip(&items.centre).for_each(|(rest, centre)| *rest -= centre);
    let pulls = items.pulls(&gap, PENALTY)?;
    let total: f64 = pulls.iter().sum();
    let weights =
        subset.weights.iter().zip(&pulls).map(|(weight, pull)| weight + pull - weight * total);
    Ok(LinearEstimator { intercept: 0.0, weights: weights.collect() })
}

/// The subset's items as weighted, centred samples of a regression.
struct Weighted {
    /// Weighted mean of the features, one a source model.
    centre: Vec<f64>,
    /// Root of (number of items x subset weight), one an item.
    roots: Vec<f64>,
    /// Centred features of each item times its root.
    features: Vec<Vec<f64>>,
}

impl Weighted {
    fn new(sources: &CompleteMatrix, subset: &Subset) -> Self {
        let known = || subset.items.iter().copied().zip(subset.weights.iter().copied());
        let centre = weighted_mean(sources, known());
        let count = subset.items.len() as f64;
        let roots: Vec<f64> = known().map(|(_, weight)| (count * weight).sqrt()).collect();
        let scaled = |(&item, root): (&usize, &f64)| {
            sources
                .item(item)
                .iter()
                .zip(&centre)
                .map(|(score, mean)| root * (score - mean))
                .collect()
        };
        let features = subset.items.iter().zip(&roots).map(scaled).collect();
        Self { centre, roots, features }
    }

    /// d' beta as a linear form of the centred answers, for the difference d of mean features.
    ///
    /// beta = (X'X + penalty I)^-1 X'z = X' (X X' + penalty I)^-1 z.
    fn pulls(&self, difference: &[f64], penalty: f64) -> Result<Vec<f64>, StatsError> {
        let models = self.centre.len();
        let along = |direction: &[f64]| -> Vec<f64> {
            self.features.iter().map(|features| dot_lanes(features, direction)).collect()
        };
        let pulls = if self.features.len() <= models {
            let size = self.features.len();
            let mut gram = vec![0.0; size * size];
            for (row, left) in self.features.iter().enumerate() {
                for (column, right) in self.features[..=row].iter().enumerate() {
                    gram[row * size + column] = dot_lanes(left, right);
                }
                gram[row * size + row] += penalty;
            }
            Cholesky::factor(size, &gram)?.solve(&along(difference))
        } else {
            let mut gram = outer_sum(models, &self.features);
            (0..models).for_each(|model| gram[model * models + model] += penalty);
            along(&Cholesky::factor(models, &gram)?.solve(difference))
        };
        Ok(pulls.iter().zip(&self.roots).map(|(pull, root)| pull * root).collect())
    }
}

/// Weighted mean of items' scores, one a source model.
fn weighted_mean(sources: &CompleteMatrix, items: impl Iterator<Item = (usize, f64)>) -> Vec<f64> {
    let mut mean = vec![0.0; sources.models()];
    for (item, weight) in items.filter(|(_, weight)| *weight != 0.0) {
        crate::linalg::add_scaled(&mut mean, weight, sources.item(item));
    }
    mean
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{matrix::ResponseMatrix, rng::Stream};

    fn sources(models: usize, items: usize) -> CompleteMatrix {
        let mut stream = Stream::new(1, "aipw", 0);
        let scores = (0..models * items).map(|_| stream.uniform() as f32).collect();
        ResponseMatrix::new(models, items, scores).unwrap().imputed().unwrap()
    }

    fn equal(items: Vec<usize>) -> Subset {
        Subset { weights: vec![1.0 / items.len() as f64; items.len()], items }
    }

    #[test]
    fn both_spaces_give_one_estimator() {
        // Nine items and twelve models are solved by item; the other space is written out here.
        let sources = sources(12, 30);
        let subset = equal(vec![0, 3, 4, 9, 13, 17, 20, 22, 29]);
        let items = Weighted::new(&sources, &subset);
        let difference: Vec<f64> = (0..12).map(|model| f64::from(model % 5) - 2.0).collect();
        let mut gram = outer_sum(12, &items.features);
        (0..12).for_each(|model| gram[model * 12 + model] += PENALTY);
        let beta = Cholesky::factor(12, &gram).unwrap().solve(&difference);
        for (pull, features) in
            items.pulls(&difference, PENALTY).unwrap().iter().zip(&items.features)
        {
            assert!((pull - dot_lanes(features, &beta)).abs() < 1e-12);
        }
    }

    #[test]
    fn more_items_than_models_and_repeated_items_agree_with_weights() {
        // Item 5 twice in the matrix counts as once with double weight.
        let plain = sources(4, 9);
        let mut scores = Vec::new();
        for model in 0..4 {
            scores.extend((0..9).map(|item| plain.item(item)[model] as f32));
            scores.push(plain.item(5)[model] as f32);
        }
        let doubled = ResponseMatrix::new(4, 10, scores).unwrap().imputed().unwrap();
        let once = Subset { items: vec![0, 2, 5, 6, 7], weights: vec![1.0, 1.0, 2.0, 1.0, 1.0] };
        let once = Subset { weights: once.weights.iter().map(|w| w / 6.0).collect(), ..once };
        let twice = equal(vec![0, 2, 5, 6, 7, 9]);
        let difference = [0.3, -0.2, 0.1, 0.4];
        // Squares are scaled to the number of items, 5 and 6, and so must be the penalties.
        let one = Weighted::new(&plain, &once).pulls(&difference, 5.0).unwrap();
        let two = Weighted::new(&doubled, &twice).pulls(&difference, 6.0).unwrap();
        for (place, pull) in one.iter().enumerate() {
            let both = if place == 2 { two[2] + two[5] } else { two[place] };
            assert!((pull - both).abs() < 1e-12, "{one:?} {two:?}");
        }
    }

    #[test]
    fn weights_sum_to_one_and_a_census_is_exact() {
        let sources = sources(5, 12);
        let groups: Vec<u32> = (0..12).map(|item| u32::from(item > 8)).collect();
        let target = Target::grouped(&groups, &[1.0, 1.0]).unwrap();
        for count in [1, 4, 11] {
            let fitted = fit(&sources, &target, &equal((0..count).collect())).unwrap();
            assert!((fitted.weights.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        }
        let census = fit(&sources, &target, &equal((0..12).collect())).unwrap();
        assert_eq!(census.weights, target.weights());
        let none = fit(&sources, &target, &equal(Vec::new())).unwrap_err();
        assert_eq!(none, StatsError::BudgetZero);
    }

    #[test]
    fn a_heavier_benchmark_pulls_the_estimate_to_itself() {
        // Benchmark 1 is hard for all sources; a model that fails hard items fails it too.
        let mut stream = Stream::new(2, "aipw", 0);
        let mut scores = Vec::new();
        for _ in 0..30 {
            let ability = 0.3 * stream.uniform();
            scores.extend((0..20).map(|item| (ability + if item < 10 { 0.6 } else { 0.1 }) as f32));
        }
        let sources = ResponseMatrix::new(30, 20, scores).unwrap().imputed().unwrap();
        let groups: Vec<u32> = (0..20).map(|item| u32::from(item >= 10)).collect();
        let subset = equal(vec![0, 1, 2, 10, 11, 12]);
        let answers = [0.9, 0.9, 0.9, 0.1, 0.1, 0.1];
        // One direction separates the benchmarks: six items at a quarter of 30 models each way, so
        // that the ridge keeps 6 x 30 / 16 = 11.25 of 11.25 + 10.
        let kept = 11.25 / (11.25 + PENALTY);
        for (hard, whole) in [(1.0, 0.5), (9.0, 0.18)] {
            let target = Target::grouped(&groups, &[1.0, hard]).unwrap();
            let estimate = fit(&sources, &target, &subset).unwrap().apply(&answers);
            let expected = 0.5 + kept * (whole - 0.5);
            assert!((estimate - expected).abs() < 1e-6, "{estimate} {expected}");
        }
    }
}
