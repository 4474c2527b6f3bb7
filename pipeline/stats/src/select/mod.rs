//! Choosing the items of a subset.
//!
//! Every method returns `k` distinct items of the pool with weights that sum to one. Items are drawn
//! with probability proportional to their weight in the target, so that the weights of the subset
//! are equal and its plain mean estimates the target.

#[cfg_attr(not(test), expect(dead_code, reason = "awaits its entry in SelectionMethod"))]
mod anchor_points;
mod balanced_swap;
#[cfg(test)]
mod contract;
#[cfg_attr(not(test), expect(dead_code, reason = "awaits its entry in SelectionMethod"))]
mod difficulty_clusters;
#[cfg_attr(not(test), expect(dead_code, reason = "awaits its entry in SelectionMethod"))]
mod disagreement;
mod eligible;
#[cfg_attr(not(test), expect(dead_code, reason = "awaits its entry in SelectionMethod"))]
mod facility_location;
#[cfg_attr(not(test), expect(dead_code, reason = "awaits its entry in SelectionMethod"))]
mod genetic;
#[cfg_attr(not(test), expect(dead_code, reason = "awaits its entry in SelectionMethod"))]
mod greedy_design;
#[cfg_attr(not(test), expect(dead_code, reason = "awaits its entry in SelectionMethod"))]
mod kmeans_items;
mod probability;
mod random;
mod shares;
mod simplex;
mod stratified;
#[cfg_attr(not(test), expect(dead_code, reason = "awaits its entry in SelectionMethod"))]
mod tasks;

use crate::{
    StatsError,
    matrix::{CompleteMatrix, Target},
    rng::Stream,
};

/// The selection methods, by the names of the field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SelectionMethod {
    /// A random sample.
    Random,
    /// One random item from each of k strata of difficulty, within each benchmark.
    Stratified,
    /// A stratified sample, improved by exchanges until its mean tracks the sources' full means.
    BalancedSwap,
}

impl SelectionMethod {
    /// All methods, in the order of reports.
    pub const ALL: [Self; 3] = [Self::Random, Self::Stratified, Self::BalancedSwap];

    /// Name in recipes and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Random => "random",
            Self::Stratified => "stratified",
            Self::BalancedSwap => "balanced-swap",
        }
    }

    /// The method of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.name() == name)
    }
}

/// What a selection may look at: scores of source models, the mean to estimate, and the items that
/// may be taken.
#[derive(Debug, Clone, Copy)]
pub struct Design<'a> {
    /// Source models on all items.
    pub matrix: &'a CompleteMatrix,
    /// The mean over all items that the subset has to stand for.
    pub target: &'a Target,
    /// Items that may be chosen, ascending; the rest still counts in the target.
    pub pool: &'a [usize],
}

/// Chosen items and what each counts.
#[derive(Debug, Clone, PartialEq)]
pub struct Subset {
    /// Columns of the matrix, ascending and distinct.
    pub items: Vec<usize>,
    /// One weight an item, summing to one.
    pub weights: Vec<f64>,
}

impl Subset {
    pub(crate) fn equal_weights(mut items: Vec<usize>) -> Self {
        items.sort_unstable();
        let weights = vec![1.0 / items.len() as f64; items.len()];
        Self { items, weights }
    }
}

/// Selects `k` items of the pool.
pub fn select(
    method: SelectionMethod,
    design: &Design<'_>,
    k: usize,
    stream: &mut Stream,
) -> Result<Subset, StatsError> {
    if k == 0 {
        return Err(StatsError::BudgetZero);
    }
    let weighted = design.pool.iter().filter(|&&item| design.target.weights()[item] > 0.0).count();
    if k > weighted {
        return Err(StatsError::BudgetTooLarge { k, pool: weighted });
    }
    let items = match method {
        SelectionMethod::Random => random::select(design, k, stream),
        SelectionMethod::Stratified => stratified::select(design, k, stream),
        SelectionMethod::BalancedSwap => balanced_swap::select(design, k, stream),
    };
    Ok(Subset::equal_weights(items))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::ResponseMatrix;

    fn matrix() -> CompleteMatrix {
        let mut stream = Stream::new(5, "matrix", 0);
        let scores = (0..20 * 60).map(|_| if stream.uniform() < 0.6 { 1.0 } else { 0.0 }).collect();
        ResponseMatrix::new(20, 60, scores).unwrap().imputed().unwrap()
    }

    #[test]
    fn every_method_gives_k_distinct_items_of_the_pool() {
        let matrix = matrix();
        let groups: Vec<u32> = (0..60).map(|item| u32::from(item >= 45)).collect();
        let pool: Vec<usize> = (0..60).filter(|item| item % 3 != 0).collect();
        for target in [Target::uniform(60).unwrap(), Target::grouped(&groups, &[1.0, 1.0]).unwrap()]
        {
            for method in SelectionMethod::ALL {
                for k in [1, 7, 39, 40] {
                    let design = Design { matrix: &matrix, target: &target, pool: &pool };
                    let subset = select(method, &design, k, &mut Stream::new(1, "t", 0)).unwrap();
                    assert_eq!(subset.items.len(), k, "{method:?}");
                    assert!(subset.items.windows(2).all(|pair| pair[0] < pair[1]), "{method:?}");
                    assert!(subset.items.iter().all(|item| pool.contains(item)), "{method:?}");
                    assert!((subset.weights.iter().sum::<f64>() - 1.0).abs() < 1e-12);
                }
            }
        }
    }

    #[test]
    fn too_large_a_budget_is_an_error() {
        let (matrix, target) = (matrix(), Target::uniform(60).unwrap());
        let design = Design { matrix: &matrix, target: &target, pool: &[3, 4] };
        let error =
            select(SelectionMethod::Random, &design, 3, &mut Stream::new(1, "t", 0)).unwrap_err();
        assert_eq!(error, StatsError::BudgetTooLarge { k: 3, pool: 2 });
    }

    #[test]
    fn the_mean_of_benchmarks_draws_from_each_by_weight() {
        let matrix = matrix();
        let groups: Vec<u32> = (0..60).map(|item| u32::from(item >= 45)).collect();
        let target = Target::grouped(&groups, &[1.0, 1.0]).unwrap();
        let pool: Vec<usize> = (0..60).collect();
        let design = Design { matrix: &matrix, target: &target, pool: &pool };
        let subset =
            select(SelectionMethod::Stratified, &design, 20, &mut Stream::new(1, "t", 0)).unwrap();
        assert_eq!(subset.items.iter().filter(|&&item| item >= 45).count(), 10);
    }

    #[test]
    fn balanced_swap_tracks_the_sources_better_than_its_start() {
        let matrix = matrix();
        let target = Target::uniform(60).unwrap();
        let pool: Vec<usize> = (0..60).collect();
        let design = Design { matrix: &matrix, target: &target, pool: &pool };
        let error = |method| {
            let subset = select(method, &design, 12, &mut Stream::new(9, "t", 0)).unwrap();
            let full = matrix.target_means(&target);
            let of = |model: usize| {
                subset.items.iter().map(|&item| matrix.item(item)[model]).sum::<f64>() / 12.0
            };
            (0..20).map(|model| (of(model) - full[model]).powi(2)).sum::<f64>()
        };
        assert!(error(SelectionMethod::BalancedSwap) < 0.2 * error(SelectionMethod::Stratified));
    }
}
