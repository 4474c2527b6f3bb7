use super::{
    Design, Subset,
    anchor_points::{dense_sample, nearest_shares},
    eligible::{fill, weighted},
};
use crate::{
    StatsError,
    cluster::{Points, UnitRows, greedy_medoids},
    rng::Stream,
};

/// Items that greedily maximise the sum over items of target weight times similarity to the nearest
/// chosen one, (1 + correlation over the sources) / 2; each weighted by the target weight nearest to
/// it.
///
/// Memory is bounded as for `anchor-points`.
pub(crate) fn select(
    design: &Design<'_>,
    k: usize,
    stream: &mut Stream,
) -> Result<Subset, StatsError> {
    select_among(design, &UnitRows::correlation(design.matrix), k, stream)
}

/// The same with (1 + cosine) / 2 of given points, one row an item of the matrix.
pub(crate) fn select_by_points(
    design: &Design<'_>,
    points: &Points<'_>,
    k: usize,
    stream: &mut Stream,
) -> Result<Subset, StatsError> {
    super::kmeans_items::check_points(design, points)?;
    select_among(design, &UnitRows::cosine(points), k, stream)
}

fn select_among(
    design: &Design<'_>,
    rows: &UnitRows,
    k: usize,
    stream: &mut Stream,
) -> Result<Subset, StatsError> {
    let (items, weights) = dense_sample(design, k, stream)?;
    // The similarity is 1 - dissimilarity / 2, so that the greedy picks are those of BUILD.
    let picks = greedy_medoids(&rows.dissimilarity(&items), &weights, k.min(items.len()))?;
    let mut chosen: Vec<usize> = picks.iter().map(|&object| items[object]).collect();
    fill(design, &mut chosen, k, stream);
    Ok(weighted(&chosen, &nearest_shares(design, rows, &chosen)))
}
