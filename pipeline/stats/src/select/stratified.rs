use super::{Design, probability::systematic};
use crate::rng::Stream;

/// One random item from each of k strata of equal weight, in order of benchmark and difficulty.
pub(super) fn select(design: &Design<'_>, k: usize, stream: &mut Stream) -> Vec<usize> {
    let mut order = design.pool.to_vec();
    // Shuffled first, so that items of equal difficulty come in random order, not in file order.
    stream.shuffle(&mut order);
    let (groups, means) = (design.target.groups(), design.matrix.item_means());
    order.sort_by(|&a, &b| groups[a].cmp(&groups[b]).then(means[a].total_cmp(&means[b])));
    systematic(&order, design.target.weights(), k, |_| stream.uniform())
}
