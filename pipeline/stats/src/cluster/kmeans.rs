use super::{Points, check, lanes::squared_distance, lloyd::Lloyd};
use crate::{StatsError, rng::Stream};

/// How k-means runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Number of clusters.
    pub k: usize,
    /// Independent starts, of which the best inertia is kept.
    pub starts: usize,
    /// Most rounds of assignment and update a start.
    pub iterations: usize,
}

/// A clustering by k-means.
#[derive(Debug, Clone, PartialEq)]
pub struct KMeans {
    /// Row-major, k x dimensions. Centres coincide when there are fewer than k distinct points.
    pub centres: Vec<f64>,
    /// Cluster of each point, in 0..k; a cluster is empty only when its centre coincides with another.
    pub assignment: Vec<u32>,
    /// Weighted sum of squared distances of the points to their centres.
    pub inertia: f64,
}

/// Weighted k-means: k-means++ starts, then Lloyd's rounds until no point moves.
///
/// `weights` gives one non-negative weight a point; a point of weight 0 is assigned but pulls no
/// centre. A cluster that loses all its points is re-seeded with the point that contributes most to
/// the inertia. Sources: Lloyd, "Least squares quantization in PCM" (1982); Arthur and Vassilvitskii,
/// "k-means++" (SODA 2007); Ding et al., "Yinyang K-means" (ICML 2015) for the bounds that leave
/// distances uncomputed, here over fixed blocks of centres.
///
/// Errors with [`StatsError::BudgetZero`], [`StatsError::BudgetTooLarge`], [`StatsError::Length`] or
/// [`StatsError::BadWeights`].
pub fn kmeans(
    points: &Points<'_>,
    weights: &[f64],
    settings: Settings,
    stream: &mut Stream,
) -> Result<KMeans, StatsError> {
    check(points.count(), weights, settings.k)?;
    let mut best = one_start(points, weights, settings, stream);
    for _ in 1..settings.starts {
        let other = one_start(points, weights, settings, stream);
        if other.inertia < best.inertia {
            best = other;
        }
    }
    Ok(best)
}

fn one_start(
    points: &Points<'_>,
    weights: &[f64],
    settings: Settings,
    stream: &mut Stream,
) -> KMeans {
    let mut lloyd =
        Lloyd::new(points, weights, spread_centres(points, weights, settings.k, stream));
    lloyd.assign();
    for _ in 0..settings.iterations {
        lloyd.update();
        if !lloyd.assign() {
            break;
        }
    }
    let inertia = lloyd.inertia();
    KMeans { centres: lloyd.centres, assignment: lloyd.assignment, inertia }
}

/// k-means++: each next centre is a point, drawn by weight times squared distance to the centres so
/// far. Ordered by the sum of coordinates, so that a block holds centres that lie near each other.
fn spread_centres(points: &Points<'_>, weights: &[f64], k: usize, stream: &mut Stream) -> Vec<f64> {
    let mut mass = weights.to_vec();
    let mut distances = vec![f64::INFINITY; points.count()];
    let mut chosen = Vec::with_capacity(k);
    for _ in 0..k {
        let centre = points.row(draw(&mass, stream));
        chosen.push(centre);
        for (point, row) in points.rows().enumerate() {
            distances[point] = squared_distance(row, centre).min(distances[point]);
            mass[point] = weights[point] * distances[point];
        }
    }
    let sum = |centre: &[f64]| centre.iter().sum::<f64>();
    chosen.sort_by(|a, b| sum(a).total_cmp(&sum(b)));
    chosen.concat()
}

/// An index, with probability proportional to mass; uniform when there is no mass.
fn draw(mass: &[f64], stream: &mut Stream) -> usize {
    let total: f64 = mass.iter().sum();
    if total.is_nan() || total <= 0.0 {
        return stream.below(mass.len());
    }
    let mut left = stream.uniform() * total;
    let mut last = 0;
    for (index, mass) in mass.iter().enumerate().filter(|(_, mass)| **mass > 0.0) {
        last = index;
        left -= mass;
        if left < 0.0 {
            break;
        }
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 90 points in five dimensions, around six places.
    fn blobs() -> Vec<f64> {
        let mut stream = Stream::new(1, "blobs", 0);
        let places: Vec<f64> = (0..30).map(|_| 10.0 * stream.uniform()).collect();
        (0..90 * 5).map(|at| places[at / 5 % 6 * 5 + at % 5] + stream.uniform()).collect()
    }

    #[test]
    fn six_separate_blobs_are_found_and_more_starts_are_no_worse() {
        let values = blobs();
        let points = Points::new(90, 5, &values).unwrap();
        let run = |starts| {
            let settings = Settings { k: 6, starts, iterations: 50 };
            kmeans(&points, &[1.0; 90], settings, &mut Stream::new(3, "run", 0)).unwrap()
        };
        let result = run(8);
        for point in 6..90 {
            assert_eq!(result.assignment[point], result.assignment[point % 6]);
        }
        assert!((1..8).all(|starts| run(starts).inertia >= result.inertia));
    }

    #[test]
    fn a_weight_counts_as_that_many_points() {
        let settings = Settings { k: 2, starts: 5, iterations: 50 };
        let points = Points::new(3, 1, &[0.0, 1.0, 9.0]).unwrap();
        let mut stream = Stream::new(1, "weights", 0);
        let result = kmeans(&points, &[3.0, 1.0, 1.0], settings, &mut stream).unwrap();
        assert_eq!(result.centres, [0.25, 9.0]);
        assert!((result.inertia - 0.75).abs() < 1e-12);
        // Without its weight the far point pulls no centre.
        let result = kmeans(&points, &[3.0, 1.0, 0.0], settings, &mut stream).unwrap();
        assert_eq!((result.centres, result.inertia), (vec![0.0, 1.0], 0.0));
    }

    #[test]
    fn fewer_distinct_points_than_clusters_end_without_error() {
        let points = Points::new(6, 1, &[1.0, 2.0, 1.0, 2.0, 1.0, 2.0]).unwrap();
        let settings = Settings { k: 5, starts: 2, iterations: 9 };
        let result = kmeans(&points, &[1.0; 6], settings, &mut Stream::new(1, "few", 0)).unwrap();
        assert_eq!(result.inertia, 0.0);
        let error = kmeans(&points, &[1.0; 5], settings, &mut Stream::new(1, "few", 0));
        assert!(matches!(error, Err(StatsError::Length { .. })));
        let error = kmeans(&points, &[0.0; 6], settings, &mut Stream::new(1, "few", 0));
        assert_eq!(error, Err(StatsError::BadWeights));
    }
}
