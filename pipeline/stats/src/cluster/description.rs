use super::{
    Dissimilarity, KMeans, Points, Settings, Start, adjusted_rand_index, check, faster_pam, kmeans,
    silhouette, squared_distance,
};
use crate::{StatsError, interval::StreamKey, rng::Stream};

/// Starts and rounds of every k-means here.
const STARTS: usize = 4;
const ROUNDS: usize = 50;
/// The silhouette is that of a random sample of so many points where there are more.
pub const SILHOUETTE_POINTS: usize = 2_000;
/// Stability is measured on random samples of so many points where there are more.
pub const STABILITY_POINTS: usize = 4_000;
/// Pairs of halves that are clustered for the stability.
const PAIRS: usize = 5;

/// How points are clustered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clusterer {
    /// Around means, by squared Euclidean distance: [`kmeans`].
    KMeans,
    /// Around points, by Euclidean distance: [`faster_pam`], of a random sample of
    /// [`MEDOID_POINTS`] where there are more.
    KMedoids,
}

/// K-medoids are found among so many points at most: the distances of all pairs are kept.
pub const MEDOID_POINTS: usize = 4_000;

/// Centres, row-major, and the cluster of each point.
struct Clustered {
    centres: Vec<f64>,
    assignment: Vec<u32>,
}

impl Clusterer {
    fn run(
        self,
        points: &Points<'_>,
        weights: &[f64],
        k: usize,
        stream: &mut Stream,
    ) -> Result<Clustered, StatsError> {
        match self {
            Self::KMeans => {
                let settings = Settings { k, starts: STARTS, iterations: ROUNDS };
                let KMeans { centres, assignment, .. } = kmeans(points, weights, settings, stream)?;
                Ok(Clustered { centres, assignment })
            }
            Self::KMedoids => medoids(points, weights, k, stream),
        }
    }
}

fn medoids(
    points: &Points<'_>,
    weights: &[f64],
    k: usize,
    stream: &mut Stream,
) -> Result<Clustered, StatsError> {
    let counted: Vec<usize> = (0..points.count()).filter(|&point| weights[point] > 0.0).collect();
    let drawn = sample(counted.len(), MEDOID_POINTS.max(k), stream);
    let sampled: Vec<usize> = drawn.into_iter().map(|at| counted[at]).collect();
    let apart = euclidean(points, &sampled)?;
    let own: Vec<f64> = sampled.iter().map(|&point| weights[point]).collect();
    let mut found = faster_pam(&apart, &own, k.min(sampled.len()), Start::Spread, stream)?.objects;
    found.sort_unstable();
    let centres: Vec<f64> = found.iter().flat_map(|&at| points.row(sampled[at])).copied().collect();
    let assignment = points.rows().map(|row| nearest(&centres, row)).collect();
    Ok(Clustered { centres, assignment })
}

fn euclidean(points: &Points<'_>, sample: &[usize]) -> Result<Dissimilarity, StatsError> {
    Dissimilarity::from_fn(sample.len(), |a, b| {
        squared_distance(points.row(sample[a]), points.row(sample[b])).sqrt() as f32
    })
}

/// A clustering of points, with figures that say how much there is to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Description {
    /// Clusters that were asked for.
    pub k: usize,
    /// Cluster of each point. Clusters are numbered from the one with most points on.
    pub assignment: Vec<u32>,
    /// Points of each cluster, descending; fewer than k where fewer points are distinct.
    pub sizes: Vec<usize>,
    /// Of each cluster the point nearest to its centre, the first of equals: the medoid by squared
    /// distance.
    pub medoids: Vec<usize>,
    /// Share in [0, 1] of the points' weighted variance that lies between clusters; 0 where all points
    /// coincide.
    pub explained: f64,
    /// Mean silhouette by Euclidean distance, in [-1, 1], of a sample of [`SILHOUETTE_POINTS`].
    pub silhouette: f64,
    /// Mean adjusted Rand index of clusterings of disjoint halves, in [-1, 1]: about 0 when clusters
    /// are an accident of the points. None where a half has fewer than k points.
    pub stability: Option<f64>,
}

/// Clusters the points once for each of `ks` and says how good and how stable each clustering is.
///
/// For the stability, a random half of the points and the other half are clustered apart; both
/// clusterings are carried over to all points by the nearest centre and compared by the adjusted Rand
/// index, averaged over five pairs of halves. Source: Lange, Roth, Braun and Buhmann, "Stability-based
/// validation of clustering solutions", Neural Computation 16 (2004), with the adjusted Rand index in
/// place of their matched distance. Compare silhouettes and stabilities between values of k; neither
/// proves that there are clusters at all.
///
/// Every k has streams of its own: what else is asked for changes nothing. Time grows with points x
/// dimensions x k, memory stays below that of the points and of [`SILHOUETTE_POINTS`] squared. Errors
/// as [`kmeans`].
pub fn describe(
    clusterer: Clusterer,
    points: &Points<'_>,
    weights: &[f64],
    ks: &[usize],
    key: StreamKey<'_>,
) -> Result<Vec<Description>, StatsError> {
    for &k in ks {
        check(points.count(), weights, k)?;
    }
    let sample = sample(points.count(), SILHOUETTE_POINTS, &mut key.stream("silhouette", 0));
    let apart = euclidean(points, &sample)?;
    let mut descriptions = Vec::with_capacity(ks.len());
    for &k in ks {
        let found = clusterer.run(points, weights, k, &mut key.stream("clusters", k as u64))?;
        let numbered = Numbered::new(points, &found.centres, &found.assignment);
        let sampled: Vec<u32> = sample.iter().map(|&point| numbered.assignment[point]).collect();
        let total = total_square(points, weights);
        let within = within_square(points, weights, &found);
        let explained = if total > 0.0 { (1.0 - within / total).max(0.0) } else { 0.0 };
        descriptions.push(Description {
            k,
            explained,
            silhouette: silhouette(&apart, &sampled)?,
            stability: stability(clusterer, points, weights, k, key)?,
            assignment: numbered.assignment,
            sizes: numbered.sizes,
            medoids: numbered.medoids,
        });
    }
    Ok(descriptions)
}

/// At most `limit` of `count` numbers, at random, ascending.
fn sample(count: usize, limit: usize, stream: &mut Stream) -> Vec<usize> {
    let mut numbers: Vec<usize> = (0..count).collect();
    if count > limit {
        stream.shuffle(&mut numbers);
        numbers.truncate(limit);
        numbers.sort_unstable();
    }
    numbers
}

/// Weighted sum of squared distances to the weighted mean.
fn total_square(points: &Points<'_>, weights: &[f64]) -> f64 {
    let total: f64 = weights.iter().sum();
    let mut mean = vec![0.0; points.dimensions()];
    for (row, weight) in points.rows().zip(weights) {
        crate::linalg::add_scaled(&mut mean, weight / total, row);
    }
    points.rows().zip(weights).map(|(row, weight)| weight * squared_distance(row, &mean)).sum()
}

/// Weighted sum of squared distances to the weighted mean of the own cluster, whatever found it.
fn within_square(points: &Points<'_>, weights: &[f64], found: &Clustered) -> f64 {
    let dimensions = points.dimensions();
    let clusters = found.centres.len() / dimensions;
    let (mut totals, mut means) = (vec![0.0; clusters], vec![0.0; found.centres.len()]);
    let place = |cluster: u32| cluster as usize * dimensions..(cluster as usize + 1) * dimensions;
    for ((row, weight), &cluster) in points.rows().zip(weights).zip(&found.assignment) {
        totals[cluster as usize] += weight;
        crate::linalg::add_scaled(&mut means[place(cluster)], *weight, row);
    }
    for (mean, total) in means.chunks_exact_mut(dimensions).zip(&totals) {
        mean.iter_mut().for_each(|value| *value /= if *total > 0.0 { *total } else { 1.0 });
    }
    let rows = points.rows().zip(weights).zip(&found.assignment);
    rows.map(|((row, weight), &c)| weight * squared_distance(row, &means[place(c)])).sum()
}

/// Clusters by number of points, empty ones left out.
struct Numbered {
    assignment: Vec<u32>,
    sizes: Vec<usize>,
    medoids: Vec<usize>,
}

impl Numbered {
    fn new(points: &Points<'_>, centres: &[f64], assignment: &[u32]) -> Self {
        let centres: Vec<&[f64]> = centres.chunks_exact(points.dimensions()).collect();
        let mut sizes = vec![0; centres.len()];
        let mut nearest = vec![(f64::INFINITY, 0); centres.len()];
        for (point, &cluster) in assignment.iter().enumerate() {
            let cluster = cluster as usize;
            let distance = squared_distance(points.row(point), centres[cluster]);
            sizes[cluster] += 1;
            if distance < nearest[cluster].0 {
                nearest[cluster] = (distance, point);
            }
        }
        let mut order: Vec<usize> = (0..sizes.len()).filter(|&c| sizes[c] > 0).collect();
        order.sort_by_key(|&cluster| (usize::MAX - sizes[cluster], nearest[cluster].1));
        let mut numbers = vec![0; sizes.len()];
        for (number, &cluster) in order.iter().enumerate() {
            numbers[cluster] = number as u32;
        }
        Self {
            assignment: assignment.iter().map(|&cluster| numbers[cluster as usize]).collect(),
            sizes: order.iter().map(|&cluster| sizes[cluster]).collect(),
            medoids: order.iter().map(|&cluster| nearest[cluster].1).collect(),
        }
    }
}

fn stability(
    clusterer: Clusterer,
    points: &Points<'_>,
    weights: &[f64],
    k: usize,
    key: StreamKey<'_>,
) -> Result<Option<f64>, StatsError> {
    // Points that pull no centre are not clustered here.
    let counted: Vec<usize> = (0..points.count()).filter(|&point| weights[point] > 0.0).collect();
    if counted.len().min(STABILITY_POINTS) / 2 < k {
        return Ok(None);
    }
    let mut sum = 0.0;
    for pair in 0..PAIRS {
        let mut stream = key.stream("halves", (k * PAIRS + pair) as u64);
        let mut drawn = counted.clone();
        stream.shuffle(&mut drawn);
        drawn.truncate(STABILITY_POINTS);
        let halves = drawn.split_at(drawn.len() / 2);
        let mut carry_over = |half: &[usize]| -> Result<Vec<u32>, StatsError> {
            let rows: Vec<f64> = half.iter().flat_map(|&p| points.row(p)).copied().collect();
            let rows = Points::new(half.len(), points.dimensions(), &rows)?;
            let weights: Vec<f64> = half.iter().map(|&point| weights[point]).collect();
            let centres = clusterer.run(&rows, &weights, k, &mut stream)?.centres;
            Ok(drawn.iter().map(|&p| nearest(&centres, points.row(p))).collect())
        };
        let (left, right) = (carry_over(halves.0)?, carry_over(halves.1)?);
        sum += adjusted_rand_index(&left, &right)?;
    }
    Ok(Some(sum / PAIRS as f64))
}

/// The number of the nearest centre, the first of equals.
fn nearest(centres: &[f64], row: &[f64]) -> u32 {
    let mut best = (f64::INFINITY, 0);
    for (number, centre) in centres.chunks_exact(row.len()).enumerate() {
        let distance = squared_distance(row, centre);
        if distance < best.0 {
            best = (distance, number as u32);
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: StreamKey<'static> = StreamKey { seed: 1, label: "describe" };

    /// Clumps of 30, 20 and 10 points in the plane.
    fn clumps() -> Vec<f64> {
        let mut stream = Stream::new(1, "clumps", 0);
        let centre = |point| match point {
            0..30 => (0.0, 0.0),
            30..50 => (10.0, 0.0),
            _ => (0.0, 10.0),
        };
        (0..60)
            .map(centre)
            .flat_map(|(x, y)| [x + stream.uniform(), y + stream.uniform()])
            .collect()
    }

    #[test]
    fn three_clumps_are_found_at_three_and_are_best_and_stable_there() {
        let values = clumps();
        let points = Points::new(60, 2, &values).unwrap();
        let found = describe(Clusterer::KMeans, &points, &[1.0; 60], &[2, 3, 6], KEY).unwrap();
        assert_eq!(found[1].sizes, [30, 20, 10]);
        assert_eq!(found[1].stability, Some(1.0));
        assert!(found[1].explained > 0.98 && found[1].silhouette > 0.9, "{:?}", found[1]);
        for (point, cluster) in found[1].assignment.iter().enumerate() {
            assert_eq!(*cluster, u32::from(point >= 30) + u32::from(point >= 50));
        }
        for (medoid, clump) in found[1].medoids.iter().zip([0..30, 30..50, 50..60]) {
            assert!(clump.contains(medoid), "{medoid}");
            let loss = |at: usize| -> f64 {
                clump.clone().map(|p| squared_distance(points.row(p), points.row(at))).sum()
            };
            assert!(clump.clone().all(|other| loss(*medoid) <= loss(other)));
        }
        assert!(found[1].silhouette > found[0].silhouette.max(found[2].silhouette));
        assert!(found[2].stability < Some(0.95), "{:?}", found[2].stability);
        let around_points = describe(Clusterer::KMedoids, &points, &[1.0; 60], &[3], KEY).unwrap();
        assert_eq!(around_points[0].assignment, found[1].assignment);
        assert_eq!(around_points[0].stability, Some(1.0));
        assert!((around_points[0].explained - found[1].explained).abs() < 1e-12);
        // What else is asked for changes nothing.
        assert_eq!(
            describe(Clusterer::KMeans, &points, &[1.0; 60], &[3], KEY).unwrap()[0],
            found[1]
        );
    }

    #[test]
    fn noise_is_not_stable() {
        let mut stream = Stream::new(2, "noise", 0);
        let values: Vec<f64> = (0..400 * 20).map(|_| stream.uniform()).collect();
        let points = Points::new(400, 20, &values).unwrap();
        let found = describe(Clusterer::KMeans, &points, &[1.0; 400], &[10], KEY).unwrap();
        assert!(found[0].stability < Some(0.2) && found[0].silhouette < 0.1, "{found:?}");
    }

    #[test]
    fn a_large_set_is_sampled_for_the_silhouette() {
        let values: Vec<f64> = (0..5_000).map(|point| f64::from(point % 2)).collect();
        let points = Points::new(5_000, 1, &values).unwrap();
        let found = describe(Clusterer::KMeans, &points, &[1.0; 5_000], &[2], KEY).unwrap();
        assert_eq!((found[0].silhouette, found[0].stability), (1.0, Some(1.0)));
        assert_eq!(found[0].sizes, [2_500, 2_500]);
    }

    #[test]
    fn one_point_and_points_that_coincide() {
        let one = Points::new(1, 3, &[0.0; 3]).unwrap();
        let found = describe(Clusterer::KMeans, &one, &[1.0], &[1], KEY).unwrap();
        let expected = Description {
            k: 1,
            assignment: vec![0],
            sizes: vec![1],
            medoids: vec![0],
            explained: 0.0,
            silhouette: 0.0,
            stability: None,
        };
        assert_eq!(found, [expected]);
        let same = Points::new(8, 2, &[0.5; 16]).unwrap();
        let found = describe(Clusterer::KMeans, &same, &[1.0; 8], &[3], KEY).unwrap();
        assert_eq!((found[0].sizes.as_slice(), found[0].explained), ([8].as_slice(), 0.0));
        assert_eq!(
            describe(Clusterer::KMeans, &same, &[1.0; 8], &[2, 9], KEY),
            Err(StatsError::BudgetTooLarge { k: 9, pool: 8 })
        );
    }
}
