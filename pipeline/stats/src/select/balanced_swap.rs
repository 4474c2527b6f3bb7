use super::{Design, stratified};
use crate::rng::Stream;

/// Proposed exchanges. More of them over-fit the sources (methods.md, "Did not help").
pub(super) const EXCHANGES: usize = 2_000;

/// Starts from a stratified sample and exchanges a chosen item for one of the pool whenever that
/// brings the subset means of the source models closer, in mean square, to their full means.
pub(super) fn select(
    design: &Design<'_>,
    k: usize,
    exchanges: usize,
    stream: &mut Stream,
) -> Vec<usize> {
    let mut chosen = stratified::select(design, k, stream);
    let mut is_chosen = vec![false; design.matrix.items()];
    for &item in &chosen {
        is_chosen[item] = true;
    }

    let mut gaps: Vec<f64> =
        design.matrix.target_means(design.target).iter().map(|mean| -mean).collect();
    for &item in &chosen {
        add_scaled(&mut gaps, design.matrix.item(item), 1.0 / k as f64);
    }
    let mut loss = squared_norm(&gaps);

    for _ in 0..exchanges {
        let slot = stream.below(k);
        let candidate = design.pool[stream.below(design.pool.len())];
        if is_chosen[candidate] || design.target.weights()[candidate] == 0.0 {
            continue;
        }
        let mut changed = gaps.clone();
        add_scaled(&mut changed, design.matrix.item(candidate), 1.0 / k as f64);
        add_scaled(&mut changed, design.matrix.item(chosen[slot]), -1.0 / k as f64);
        let changed_loss = squared_norm(&changed);
        if changed_loss < loss {
            is_chosen[chosen[slot]] = false;
            is_chosen[candidate] = true;
            chosen[slot] = candidate;
            (gaps, loss) = (changed, changed_loss);
        }
    }
    chosen
}

fn add_scaled(sum: &mut [f64], values: &[f64], scale: f64) {
    for (total, value) in sum.iter_mut().zip(values) {
        *total += scale * value;
    }
}

fn squared_norm(values: &[f64]) -> f64 {
    values.iter().map(|value| value * value).sum()
}
