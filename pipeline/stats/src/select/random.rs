use super::{Design, probability::systematic};
use crate::rng::Stream;

/// Randomly ordered systematic sampling: with equal weights, a simple random sample.
pub(super) fn select(design: &Design<'_>, k: usize, stream: &mut Stream) -> Vec<usize> {
    let mut order = design.pool.to_vec();
    stream.shuffle(&mut order);
    let start = stream.uniform();
    systematic(&order, design.target.weights(), k, |_| start)
}
