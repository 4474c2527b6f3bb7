//! Items that say most about the target mean at the abilities of the sources.

use super::{ItemResponseModel, candidates};
use crate::{StatsError, matrix::Target, select::Subset};

/// Abilities at which information is sought: so many sources, evenly spread by expected target mean.
const QUANTILES: usize = 20;

/// Selects `k` items of the pool, one by one, each the one that most lowers the uncertainty of the
/// target mean, summed over sources at evenly spaced quantiles of it.
///
/// Answers on chosen items give a model of abilities theta the information
/// P = I + sum of p (1 - p) a a', a being the slopes of an item and I the prior of the sources; the
/// variance of its target mean is then g' P^-1 g with g the gradient of the mean in theta, and one
/// more item lowers it by v (a' P^-1 g)^2 / (1 + v a' P^-1 a), v = p (1 - p) (Sherman-Morrison). With
/// one ability this is the Fisher information filter of Kipnis et al., "metabench", ICLR (2025); the criterion is c-optimality (Silvey, *Optimal Design* (1980)). Weights are equal:
/// the items are meant for p-IRT, and their plain mean estimates nothing.
pub fn information_items(
    model: &ItemResponseModel,
    target: &Target,
    pool: &[usize],
    k: usize,
) -> Result<Subset, StatsError> {
    let mut candidates = candidates(model, target, pool, k)?;
    let mut points: Vec<Point> =
        quantiles(model, target).iter().map(|theta| Point::new(model, target, theta)).collect();
    let mut items = Vec::with_capacity(k);
    for _ in 0..k {
        let gain = |item: usize| points.iter().map(|point| point.gain(model, item)).sum::<f64>();
        let mut best = (0, f64::NEG_INFINITY);
        for (position, &item) in candidates.iter().enumerate() {
            let gain = gain(item);
            if gain > best.1 {
                best = (position, gain);
            }
        }
        let item = candidates.remove(best.0);
        points.iter_mut().for_each(|point| point.take(model, item));
        items.push(item);
    }
    Ok(Subset::equal_weights(items))
}

/// Abilities of the sources at the middle of each quantile of the expected target mean.
fn quantiles(model: &ItemResponseModel, target: &Target) -> Vec<Vec<f64>> {
    let models = model.models();
    let mut order: Vec<(f64, usize)> = (0..models)
        .map(|source| (model.expected_target(&model.ability(source), target), source))
        .collect();
    order.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let count = QUANTILES.min(models);
    (0..count).map(|at| model.ability(order[(2 * at + 1) * models / (2 * count)].1)).collect()
}

/// One ability, and what the items chosen so far leave unknown there.
struct Point {
    /// p (1 - p) of every item.
    curvatures: Vec<f64>,
    /// P^-1, row by row.
    covariance: Vec<Vec<f64>>,
    /// P^-1 g.
    direction: Vec<f64>,
}

impl Point {
    fn new(model: &ItemResponseModel, target: &Target, theta: &[f64]) -> Self {
        let curvature = |item| {
            let expected = model.expected_score(theta, item);
            expected * (1.0 - expected)
        };
        let curvatures: Vec<f64> = (0..model.items()).map(curvature).collect();
        let gradient = |slopes: &Vec<f64>| {
            let items = slopes.iter().zip(&curvatures).zip(target.weights());
            items.map(|((slope, curvature), weight)| weight * curvature * slope).sum()
        };
        let direction = model.slopes.iter().map(gradient).collect();
        let dimensions = model.dimensions();
        let row = |row| (0..dimensions).map(|column| f64::from(u8::from(column == row))).collect();
        Self { covariance: (0..dimensions).map(row).collect(), direction, curvatures }
    }

    /// P^-1 a.
    fn loading(&self, model: &ItemResponseModel, item: usize) -> impl Iterator<Item = f64> {
        self.covariance.iter().map(move |row| along(model, item, row.iter().copied()))
    }

    fn gain(&self, model: &ItemResponseModel, item: usize) -> f64 {
        let curvature = self.curvatures[item];
        let aligned = along(model, item, self.direction.iter().copied());
        let spread = along(model, item, self.loading(model, item));
        curvature * aligned * aligned / (1.0 + curvature * spread)
    }

    fn take(&mut self, model: &ItemResponseModel, item: usize) {
        let curvature = self.curvatures[item];
        let loading: Vec<f64> = self.loading(model, item).collect();
        let aligned = along(model, item, self.direction.iter().copied());
        let spread = along(model, item, loading.iter().copied());
        let factor = curvature / (1.0 + curvature * spread);
        for (direction, value) in self.direction.iter_mut().zip(&loading) {
            *direction -= factor * aligned * value;
        }
        for (row, left) in self.covariance.iter_mut().zip(&loading) {
            for (entry, right) in row.iter_mut().zip(&loading) {
                *entry -= factor * left * right;
            }
        }
    }
}

/// Inner product of an item's slopes and a vector.
fn along(model: &ItemResponseModel, item: usize, vector: impl Iterator<Item = f64>) -> f64 {
    model.slopes.iter().zip(vector).map(|(slopes, value)| slopes[item] * value).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(slopes: Vec<f64>, intercepts: Vec<f64>, abilities: Vec<f64>) -> ItemResponseModel {
        let (slopes, abilities) = (vec![slopes], vec![abilities]);
        ItemResponseModel { slopes, intercepts, abilities, sweeps: 0, converged: true }
    }

    #[test]
    fn at_one_ability_the_most_informative_items_are_taken() {
        // At theta 0: a^2 p (1 - p) = 0.25, 1, 4 * 0.1050 = 0.42, 0.0625.
        let model = model(vec![1.0, 2.0, 2.0, 0.5], vec![0.0, 0.0, 2.0, 0.0], vec![0.0; 3]);
        let target = Target::uniform(4).unwrap();
        let chosen = |k| information_items(&model, &target, &[0, 1, 2, 3], k).unwrap().items;
        assert_eq!(chosen(1), [1]);
        assert_eq!(chosen(2), [1, 2]);
        assert_eq!(chosen(3), [0, 1, 2]);
        assert_eq!(chosen(4), [0, 1, 2, 3]);
    }

    #[test]
    fn items_are_spread_over_the_abilities() {
        // Half of the sources at -3, half at 3, and steep items at both places.
        let intercepts = vec![6.0, 6.0, 6.0, -6.0, -6.0, -6.0];
        let abilities = vec![-3.0, -3.0, 3.0, 3.0];
        let model = model(vec![2.0; 6], intercepts, abilities);
        let target = Target::uniform(6).unwrap();
        let pool: Vec<usize> = (0..6).collect();
        let items = information_items(&model, &target, &pool, 4).unwrap().items;
        assert_eq!(items, [0, 1, 3, 4]);
    }

    #[test]
    fn what_another_ability_explains_counts_for_nothing() {
        // The target hangs on the first ability only; item 2 measures the second, and steeply.
        let model = ItemResponseModel {
            slopes: vec![vec![1.0, 1.0, 0.0], vec![0.0, 0.0, 5.0]],
            intercepts: vec![0.0; 3],
            abilities: vec![vec![0.0; 2]; 2],
            sweeps: 0,
            converged: true,
        };
        let target = Target::grouped(&[0, 0, 1], &[0.999, 0.001]).unwrap();
        let items = information_items(&model, &target, &[0, 1, 2], 2).unwrap().items;
        assert_eq!(items, [0, 1]);
    }
}
