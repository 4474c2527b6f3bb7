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

/// What a whole unit of difference in difficulty adds to a dissimilarity: it decides ties only.
const DIFFICULTY_PART: f64 = 1e-3;

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
///
/// Among items that are about equally far, which all are from a constant one, the one of the nearest
/// difficulty counts as nearer: an item that every source solves stands with the easiest.
pub(super) fn nearest_shares(design: &Design<'_>, rows: &UnitRows, chosen: &[usize]) -> Vec<f64> {
    let means = design.matrix.item_means();
    let mut shares = Shares::new(design.target.weights(), chosen.len());
    let mut distances = Vec::with_capacity(chosen.len());
    rows.for_each_row(&counted(design), chosen, |item, row| {
        distances.clear();
        distances.extend(row.iter().zip(chosen).map(|(distance, &other)| {
            f64::from(*distance) + DIFFICULTY_PART * (means[item] - means[other]).abs()
        }));
        shares.add(item, &distances);
    });
    shares.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::{ResponseMatrix, Target};

    #[test]
    fn medoids_stand_for_what_they_correlate_with_and_constants_for_their_difficulty() {
        // Over four models: three copies of 1100, two of 0111, and one item that all solve, which is
        // nearer in difficulty to 0111.
        let items = [[1, 1, 0, 0], [1, 1, 0, 0], [1, 1, 0, 0], [0, 1, 1, 1], [0, 1, 1, 1], [1; 4]];
        let scores = (0..4).flat_map(|model| items.map(|item| item[model] as f32)).collect();
        let matrix = ResponseMatrix::new(4, 6, scores).unwrap().imputed().unwrap();
        let target = Target::uniform(6).unwrap();
        let pool = [0, 1, 2, 3, 4];
        let design = Design { matrix: &matrix, target: &target, pool: &pool };
        for seed in 0..5 {
            let subset = select(&design, 2, &mut Stream::new(seed, "anchors", 0)).unwrap();
            assert!(subset.items[0] < 3 && subset.items[1] >= 3, "{subset:?}");
            assert!((subset.weights[0] - 0.5).abs() < 1e-9, "{subset:?}");
        }
    }

    #[test]
    fn a_large_pool_is_clustered_through_a_sample_and_filled_beyond_it() {
        let mut stream = Stream::new(1, "large", 0);
        let (models, items) = (3, DENSE_ITEMS + 300);
        let scores = (0..models * items).map(|_| (stream.uniform() * 8.0).floor() as f32 / 8.0);
        let matrix = ResponseMatrix::new(models, items, scores.collect()).unwrap();
        let matrix = matrix.imputed().unwrap();
        let target = Target::uniform(items).unwrap();
        let pool: Vec<usize> = (0..items).collect();
        let design = Design { matrix: &matrix, target: &target, pool: &pool };
        let (sample, weights) = dense_sample(&design, 9, &mut stream).unwrap();
        assert_eq!((sample.len(), weights.len()), (DENSE_ITEMS, DENSE_ITEMS));
        for k in [5, DENSE_ITEMS + 10] {
            let subset = select(&design, k, &mut stream).unwrap();
            assert!(subset.items.windows(2).all(|pair| pair[0] < pair[1]));
            assert_eq!(subset.items.len(), k);
            assert!((subset.weights.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        }
    }
}
