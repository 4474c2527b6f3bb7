//! What the selection methods share: which items may be chosen, and how chosen items are filled up.

use super::{Design, Subset, stratified};
use crate::{StatsError, rng::Stream};

/// Items of the pool that count in the target, ascending; checks that there are `k` of them.
pub(super) fn eligible(design: &Design<'_>, k: usize) -> Result<Vec<usize>, StatsError> {
    let counts = |item: &&usize| design.target.weights()[**item] > 0.0;
    let items: Vec<usize> = design.pool.iter().filter(counts).copied().collect();
    match k {
        0 => Err(StatsError::BudgetZero),
        k if k > items.len() => Err(StatsError::BudgetTooLarge { k, pool: items.len() }),
        _ => Ok(items),
    }
}

/// All items that count in the target, in the pool or not, ascending.
pub(super) fn counted(design: &Design<'_>) -> Vec<usize> {
    let weights = design.target.weights();
    (0..weights.len()).filter(|&item| weights[item] > 0.0).collect()
}

/// The target weights of `items`, in their order.
pub(super) fn weights_of(design: &Design<'_>, items: &[usize]) -> Vec<f64> {
    items.iter().map(|&item| design.target.weights()[item]).collect()
}

/// Adds items of the pool to `chosen` until there are `k`: a stratified sample of the rest.
pub(super) fn fill(design: &Design<'_>, chosen: &mut Vec<usize>, k: usize, stream: &mut Stream) {
    if chosen.len() >= k {
        return;
    }
    let mut is_chosen = vec![false; design.matrix.items()];
    for &item in chosen.iter() {
        is_chosen[item] = true;
    }
    let rest: Vec<usize> = design.pool.iter().filter(|&&item| !is_chosen[item]).copied().collect();
    let more = k - chosen.len();
    chosen.extend(stratified::select(&Design { pool: &rest, ..*design }, more, stream));
}

/// Items with one weight each, sorted and scaled to sum to one.
pub(super) fn weighted(items: &[usize], weights: &[f64]) -> Subset {
    let mut pairs: Vec<(usize, f64)> = items.iter().copied().zip(weights.iter().copied()).collect();
    pairs.sort_unstable_by_key(|(item, _)| *item);
    let total: f64 = pairs.iter().map(|(_, weight)| weight).sum();
    let (items, weights) = pairs.into_iter().map(|(item, weight)| (item, weight / total)).unzip();
    Subset { items, weights }
}

/// Items weighted in proportion to their target weights: equal for a plain mean.
pub(super) fn by_target_weight(design: &Design<'_>, items: &[usize]) -> Subset {
    weighted(items, &weights_of(design, items))
}
