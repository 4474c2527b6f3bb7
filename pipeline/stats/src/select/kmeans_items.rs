use super::{
    Design, Subset,
    eligible::{counted, eligible, fill, weighted, weights_of},
    shares::Shares,
};
use crate::{
    StatsError,
    cluster::{KMeans, Points, Settings, kmeans, squared_distance},
    rng::Stream,
};

/// Independent k-means starts, of which the best is kept.
const STARTS: usize = 2;

/// Most rounds a start; the last ones move hardly any item.
const ITERATIONS: usize = 30;

/// k-means on `points` (one row an item of the matrix, say embeddings of the prompts); of each
/// cluster the item of the pool nearest to its centre, weighted by the cluster's share of the target.
///
/// Every item that counts in the target pulls the centres, in the pool or not. When a cluster has no
/// item of the pool, or there are fewer than k distinct points, the subset is filled up with a
/// stratified sample and each chosen item gets the target weight nearest to it instead.
/// Source: Polo et al., "tinyBenchmarks" (ICML 2024), sec. 3.2 (anchor points of any embedding).
pub(crate) fn select(
    design: &Design<'_>,
    points: &Points<'_>,
    k: usize,
    stream: &mut Stream,
) -> Result<Subset, StatsError> {
    check_points(design, points)?;
    let pool = eligible(design, k)?;
    let items = counted(design);
    let rows = items.iter().flat_map(|&item| points.row(item)).copied().collect::<Vec<f64>>();
    let counted_points = Points::new(items.len(), points.dimensions(), &rows)?;
    let weights = weights_of(design, &items);
    let settings = Settings { k, starts: STARTS, iterations: ITERATIONS };
    let clusters = kmeans(&counted_points, &weights, settings, stream)?;

    let mut in_pool = vec![false; points.count()];
    for &item in &pool {
        in_pool[item] = true;
    }
    let nearest = representatives(&clusters, &counted_points, k, |row| in_pool[items[row]]);
    let mut chosen: Vec<usize> = nearest.iter().flatten().map(|&row| items[row]).collect();
    if chosen.len() == k {
        let mut shares = vec![0.0; k];
        for (&cluster, weight) in clusters.assignment.iter().zip(&weights) {
            shares[cluster as usize] += weight;
        }
        return Ok(weighted(&chosen, &shares));
    }
    fill(design, &mut chosen, k, stream);
    Ok(weighted(&chosen, &nearest_shares(design, points, &chosen)))
}

/// [`select`] on the sources' answers: the point of an item is its column of the matrix.
pub(crate) fn response_clusters(
    design: &Design<'_>,
    k: usize,
    stream: &mut Stream,
) -> Result<Subset, StatsError> {
    let columns: Vec<f64> =
        (0..design.matrix.items()).flat_map(|item| design.matrix.item(item)).copied().collect();
    let points = Points::new(design.matrix.items(), design.matrix.models(), &columns)?;
    select(design, &points, k, stream)
}

/// One point an item of the matrix.
pub(super) fn check_points(design: &Design<'_>, points: &Points<'_>) -> Result<(), StatsError> {
    let (expected, got) = (design.matrix.items(), points.count());
    if expected == got {
        Ok(())
    } else {
        Err(StatsError::Length { what: "points of items", expected, got })
    }
}

/// Of each cluster the allowed row nearest to its centre, the first of equals.
fn representatives(
    clusters: &KMeans,
    points: &Points<'_>,
    k: usize,
    allowed: impl Fn(usize) -> bool,
) -> Vec<Option<usize>> {
    let centres: Vec<&[f64]> = clusters.centres.chunks_exact(points.dimensions()).collect();
    let mut nearest = vec![None; k];
    let mut distances = vec![f64::INFINITY; k];
    for (row, &cluster) in clusters.assignment.iter().enumerate().filter(|(row, _)| allowed(*row)) {
        let cluster = cluster as usize;
        let distance = squared_distance(points.row(row), centres[cluster]);
        if distance < distances[cluster] {
            (nearest[cluster], distances[cluster]) = (Some(row), distance);
        }
    }
    nearest
}

fn nearest_shares(design: &Design<'_>, points: &Points<'_>, chosen: &[usize]) -> Vec<f64> {
    let mut shares = Shares::new(design.target.weights(), chosen.len());
    for item in counted(design) {
        let distances: Vec<f64> = chosen
            .iter()
            .map(|&other| squared_distance(points.row(item), points.row(other)))
            .collect();
        shares.add(item, &distances);
    }
    shares.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::{CompleteMatrix, ResponseMatrix, Target};

    fn run(matrix: &CompleteMatrix, pool: &[usize], values: &[f64], k: usize) -> Subset {
        let target = Target::uniform(matrix.items()).unwrap();
        let design = Design { matrix, target: &target, pool };
        let points = Points::new(matrix.items(), 1, values).unwrap();
        select(&design, &points, k, &mut Stream::new(1, "anchors", 0)).unwrap()
    }

    #[test]
    fn an_anchor_is_the_pool_item_nearest_to_the_centre_and_carries_its_cluster() {
        let matrix = ResponseMatrix::new(1, 6, vec![1.0; 6]).unwrap().imputed().unwrap();
        let values = [0.0, 1.0, 2.5, 100.0, 101.0, 0.5];
        let subset = run(&matrix, &[0, 1, 2, 3, 4, 5], &values, 2);
        // The centre of the first cluster is 1, and 100 comes before the equally near 101.
        assert_eq!(subset.items, [1, 3]);
        let subset = run(&matrix, &[0, 2, 4], &values, 2);
        assert_eq!(subset.items, [0, 4]);
        assert!((subset.weights[0] - 4.0 / 6.0).abs() < 1e-12, "{subset:?}");
    }

    #[test]
    fn a_cluster_without_an_item_of_the_pool_leaves_its_weight_to_the_nearest() {
        let matrix = ResponseMatrix::new(1, 5, vec![1.0; 5]).unwrap().imputed().unwrap();
        let subset = run(&matrix, &[0, 1], &[0.0, 1.0, 90.0, 91.0, 92.0], 2);
        assert_eq!(subset.items, [0, 1]);
        assert!((subset.weights[1] - 4.0 / 5.0).abs() < 1e-12, "{subset:?}");
    }

    #[test]
    fn points_of_another_matrix_are_refused() {
        let matrix = ResponseMatrix::new(1, 2, vec![1.0; 2]).unwrap().imputed().unwrap();
        let target = Target::uniform(2).unwrap();
        let design = Design { matrix: &matrix, target: &target, pool: &[0, 1] };
        let points = Points::new(3, 1, &[0.0; 3]).unwrap();
        let error = select(&design, &points, 1, &mut Stream::new(1, "t", 0)).unwrap_err();
        assert_eq!(error, StatsError::Length { what: "points of items", expected: 2, got: 3 });
    }
}
