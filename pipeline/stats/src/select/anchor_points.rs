use super::{
    Design, Subset,
    eligible::{counted, eligible, fill, weighted, weights_of},
    shares::Shares,
    stratified,
};
use crate::{
    StatsError,
    cluster::{Start, UnitRows, faster_pam},
    rng::Stream,
};

/// Most items whose dissimilarities are held at once: 4,000 squared in f32 are 64 MB.
pub(super) const DENSE_ITEMS: usize = 4_000;

/// The medoids of the pool's items under 1 - correlation over the sources, each weighted by the
/// target weight that lies nearest to it.
///
/// Source: Vivek et al., "Anchor Points" (EACL 2024), with FasterPAM in place of PAM and target
/// weights in the loss. Of a pool over [`DENSE_ITEMS`] a stratified sample of that many is clustered;
/// all items of the target are then given to their nearest medoid. Beyond that many medoids the
/// subset is filled up with a stratified sample.
pub(crate) fn select(
    design: &Design<'_>,
    k: usize,
    stream: &mut Stream,
) -> Result<Subset, StatsError> {
    let rows = UnitRows::correlation(design.matrix);
    let (items, weights) = dense_sample(design, k, stream)?;
    let medoids = k.min(items.len());
    let clusters =
        faster_pam(&rows.dissimilarity(&items), &weights, medoids, Start::Spread, stream)?;
    let mut chosen: Vec<usize> = clusters.objects.iter().map(|&object| items[object]).collect();
    fill(design, &mut chosen, k, stream);
    Ok(weighted(&chosen, &nearest_shares(design, &rows, &chosen)))
}

/// The items to cluster, ascending, and their weights: the eligible pool, or a stratified sample
/// (drawn by target weight, hence of equal weights) when that is too large.
pub(super) fn dense_sample(
    design: &Design<'_>,
    k: usize,
    stream: &mut Stream,
) -> Result<(Vec<usize>, Vec<f64>), StatsError> {
    let items = eligible(design, k)?;
    if items.len() <= DENSE_ITEMS {
        let weights = weights_of(design, &items);
        return Ok((items, weights));
    }
    let mut sample = stratified::select(design, DENSE_ITEMS, stream);
    sample.sort_unstable();
    let weights = vec![1.0; sample.len()];
    Ok((sample, weights))
}

/// The target weight nearest to each chosen item.
pub(super) fn nearest_shares(design: &Design<'_>, rows: &UnitRows, chosen: &[usize]) -> Vec<f64> {
    let mut shares = Shares::new(design.target.weights(), chosen.len());
    rows.for_each_row(&counted(design), chosen, |item, distances| shares.add(item, distances));
    shares.finish()
}
