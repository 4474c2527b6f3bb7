//! Weighted k-means, kept private so that the crate's own clustering can take its place.

use crate::rng::Stream;

/// Rounds at most; the assignment is usually final after 10 to 30.
const ROUNDS: usize = 50;

/// Cluster of each point and the centres, row by row; at most `k`, fewer when fewer points differ.
///
/// `points` holds one row of `dimensions` coordinates a point. Lloyd's algorithm on points of given
/// weights from k-means++ starts; source: Arthur and Vassilvitskii, "k-means++: the advantages of
/// careful seeding", SODA (2007).
pub(super) fn kmeans(
    points: &[f64],
    dimensions: usize,
    weights: &[f64],
    k: usize,
    stream: &mut Stream,
) -> (Vec<usize>, Vec<f64>) {
    let mut centres = seeds(points, dimensions, weights, k, stream);
    let mut assignment = vec![0; weights.len()];
    for round in 0..ROUNDS {
        let mut changed = false;
        for (cluster, point) in assignment.iter_mut().zip(points.chunks_exact(dimensions)) {
            let nearest = nearest(&centres, point);
            changed |= nearest != *cluster;
            *cluster = nearest;
        }
        if !changed && round > 0 {
            break;
        }
        move_centres(&mut centres, points, weights, &assignment);
    }
    (assignment, centres)
}

/// Number of the centre nearest to a point, the first of equals.
pub(super) fn nearest(centres: &[f64], point: &[f64]) -> usize {
    let mut best = (0, f64::INFINITY);
    for (number, centre) in centres.chunks_exact(point.len()).enumerate() {
        let distance = squared_distance(centre, point);
        if distance < best.1 {
            best = (number, distance);
        }
    }
    best.0
}

/// Squared Euclidean distance.
pub(super) fn squared_distance(left: &[f64], right: &[f64]) -> f64 {
    left.iter().zip(right).map(|(a, b)| (a - b) * (a - b)).sum()
}

/// Centres drawn one by one, with probability proportional to weight times squared distance to the
/// nearest one so far; stops early when every point is a centre.
fn seeds(
    points: &[f64],
    dimensions: usize,
    weights: &[f64],
    k: usize,
    stream: &mut Stream,
) -> Vec<f64> {
    let mut centres = Vec::with_capacity(k * dimensions);
    let mut distances = vec![f64::INFINITY; weights.len()];
    let mut masses = weights.to_vec();
    for _ in 0..k {
        let Some(seed) = draw(&masses, stream) else { break };
        let centre = &points[seed * dimensions..(seed + 1) * dimensions];
        centres.extend_from_slice(centre);
        let rows = points.chunks_exact(dimensions).zip(weights);
        for (((point, weight), distance), mass) in rows.zip(&mut distances).zip(&mut masses) {
            *distance = distance.min(squared_distance(centre, point));
            *mass = *distance * weight;
        }
    }
    centres
}

/// An index with probability proportional to its mass; None when there is no mass.
fn draw(masses: &[f64], stream: &mut Stream) -> Option<usize> {
    let total: f64 = masses.iter().sum();
    if total.is_nan() || total <= 0.0 {
        return None;
    }
    let point = stream.uniform() * total;
    let mut sum = 0.0;
    let hit = masses.iter().position(|mass| {
        sum += mass;
        sum > point
    });
    hit.or_else(|| masses.iter().rposition(|mass| *mass > 0.0))
}

/// Weighted mean of each cluster; an empty one stays where it is.
fn move_centres(centres: &mut [f64], points: &[f64], weights: &[f64], assignment: &[usize]) {
    let dimensions = points.len() / weights.len();
    let mut sums = vec![0.0; centres.len()];
    let mut totals = vec![0.0; centres.len() / dimensions];
    for ((point, weight), &cluster) in points.chunks_exact(dimensions).zip(weights).zip(assignment)
    {
        totals[cluster] += weight;
        let sum = &mut sums[cluster * dimensions..(cluster + 1) * dimensions];
        for (sum, value) in sum.iter_mut().zip(point) {
            *sum += weight * value;
        }
    }
    for (cluster, total) in totals.iter().enumerate().filter(|(_, total)| **total > 0.0) {
        let range = cluster * dimensions..(cluster + 1) * dimensions;
        for (centre, sum) in centres[range.clone()].iter_mut().zip(&sums[range]) {
            *centre = sum / total;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separate_groups_are_found_and_heavy_points_pull() {
        let points = [0.0, 0.0, 0.0, 1.0, 9.0, 9.0, 9.0, 8.0];
        for seed in 0..10 {
            let mut stream = Stream::new(seed, "kmeans", 0);
            let (assignment, centres) = kmeans(&points, 2, &[3.0, 1.0, 1.0, 1.0], 2, &mut stream);
            let first = assignment[0];
            assert_eq!(assignment, [first, first, 1 - first, 1 - first]);
            assert_eq!(centres[2 * first..2 * first + 2], [0.0, 0.25]);
        }
    }

    #[test]
    fn equal_points_give_one_centre_and_weightless_ones_none() {
        let mut stream = Stream::new(1, "kmeans", 0);
        let (assignment, centres) = kmeans(&[2.0; 5], 1, &[1.0; 5], 3, &mut stream);
        assert_eq!((assignment, centres), (vec![0; 5], vec![2.0]));
    }
}
