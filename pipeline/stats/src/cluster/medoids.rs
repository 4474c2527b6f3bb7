use super::{Dissimilarity, check, greedy_medoids, swapping::Swapping};
use crate::{StatsError, rng::Stream};

/// The medoids that swapping starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// BUILD of PAM: greedy, O(n^2) and more, deterministic.
    Build,
    /// Drawn one by one by weight times dissimilarity to the nearest so far, as k-means++.
    Spread,
    /// A simple random sample.
    Random,
}

/// A clustering around k of the objects.
#[derive(Debug, Clone, PartialEq)]
pub struct Medoids {
    /// The medoid of each cluster; distinct, in no order.
    pub objects: Vec<usize>,
    /// Cluster of each object; every medoid is in its own cluster.
    pub assignment: Vec<u32>,
    /// Weighted sum of the dissimilarities of the objects to their medoids.
    pub loss: f64,
    /// Swaps made.
    pub swaps: usize,
}

/// k-medoids by FasterPAM: swaps a medoid for another object whenever that lowers the loss, until no
/// swap does.
///
/// `weights` gives one non-negative weight an object. Candidates are visited in a random order, each
/// swap that helps is made at once, and what removing a medoid costs is kept between candidates, so
/// that a visit takes O(n). Source: Schubert and Rousseeuw, "Fast and eager k-medoids clustering",
/// Information Systems 101 (2021), algorithm 3; Kaufman and Rousseeuw (1990) for BUILD. One medoid is
/// found exactly.
///
/// Errors with [`StatsError::BudgetZero`], [`StatsError::BudgetTooLarge`], [`StatsError::Length`] or
/// [`StatsError::BadWeights`].
pub fn faster_pam(
    dissimilarity: &Dissimilarity,
    weights: &[f64],
    k: usize,
    start: Start,
    stream: &mut Stream,
) -> Result<Medoids, StatsError> {
    check(dissimilarity.size(), weights, k)?;
    if k == 1 {
        return Ok(one_medoid(dissimilarity, weights));
    }
    let medoids = match start {
        Start::Build => greedy_medoids(dissimilarity, weights, k)?,
        Start::Spread => spread(dissimilarity, weights, k, stream),
        Start::Random => sample(dissimilarity.size(), k, stream),
    };
    let mut swapping = Swapping::new(dissimilarity, weights, medoids);
    let swaps = swapping.run(stream);
    Ok(swapping.finish(swaps))
}

fn one_medoid(dissimilarity: &Dissimilarity, weights: &[f64]) -> Medoids {
    let total = |object| {
        let row: &[f32] = dissimilarity.row(object);
        row.iter().zip(weights).map(|(value, weight)| weight * f64::from(*value)).sum::<f64>()
    };
    let (mut medoid, mut loss) = (0, total(0));
    for object in 1..dissimilarity.size() {
        let other = total(object);
        if other < loss {
            (medoid, loss) = (object, other);
        }
    }
    Medoids { objects: vec![medoid], assignment: vec![0; dissimilarity.size()], loss, swaps: 0 }
}

fn sample(size: usize, k: usize, stream: &mut Stream) -> Vec<usize> {
    let mut order: Vec<usize> = (0..size).collect();
    stream.shuffle(&mut order);
    order.truncate(k);
    order
}

fn spread(
    dissimilarity: &Dissimilarity,
    weights: &[f64],
    k: usize,
    stream: &mut Stream,
) -> Vec<usize> {
    let mut mass = weights.to_vec();
    let mut nearest = vec![f32::INFINITY; weights.len()];
    let mut taken = vec![false; weights.len()];
    let mut medoids = Vec::with_capacity(k);
    while medoids.len() < k {
        let total: f64 = mass.iter().sum();
        let mut left = stream.uniform() * total;
        let drawn = mass.iter().position(|mass| {
            left -= mass;
            left < 0.0 && *mass > 0.0
        });
        // Without mass, all objects coincide with a medoid: any free one will do.
        let fallback = || taken.iter().position(|taken| !taken);
        let Some(object) = drawn.or_else(fallback) else { break };
        taken[object] = true;
        medoids.push(object);
        let row = dissimilarity.row(object);
        for (other, value) in row.iter().enumerate() {
            nearest[other] = nearest[other].min(*value);
            mass[other] = weights[other] * f64::from(nearest[other]);
        }
    }
    medoids
}

#[cfg(test)]
mod tests {
    use super::*;

    const STARTS: [Start; 3] = [Start::Build, Start::Spread, Start::Random];

    /// Distances between random points of the plane, and weights.
    fn plane(size: usize, seed: u64) -> (Dissimilarity, Vec<f64>) {
        let mut stream = Stream::new(seed, "plane", 0);
        let places: Vec<[f64; 2]> =
            (0..size).map(|_| [stream.uniform(), stream.uniform()]).collect();
        let matrix = Dissimilarity::from_fn(size, |a, b| {
            let [x, y] = [0, 1].map(|axis| places[a][axis] - places[b][axis]);
            (x * x + y * y).sqrt() as f32
        });
        (matrix.unwrap(), (0..size).map(|_| 0.1 + stream.uniform()).collect())
    }

    fn loss(matrix: &Dissimilarity, weights: &[f64], medoids: &[usize]) -> f64 {
        let nearest = |object: usize| {
            let row = matrix.row(object);
            medoids.iter().map(|&medoid| f64::from(row[medoid])).fold(f64::INFINITY, f64::min)
        };
        weights.iter().enumerate().map(|(object, weight)| weight * nearest(object)).sum()
    }

    #[test]
    fn small_inputs_reach_the_best_of_all_subsets() {
        for seed in 0..6 {
            let (matrix, weights) = plane(10, seed);
            let mut best = f64::INFINITY;
            for a in 0..10 {
                for b in 0..a {
                    (0..b).for_each(|c| best = best.min(loss(&matrix, &weights, &[a, b, c])));
                }
            }
            let mut stream = Stream::new(seed, "pam", 0);
            let runs = (0..8).map(|_| {
                faster_pam(&matrix, &weights, 3, Start::Random, &mut stream).unwrap().loss
            });
            let reached = runs.fold(f64::INFINITY, f64::min);
            assert!((reached - best).abs() < 1e-6, "seed {seed}: {reached}, best {best}");
        }
    }

    #[test]
    fn no_single_swap_improves_on_any_result() {
        let (matrix, weights) = plane(60, 9);
        for start in STARTS {
            for k in [2, 5, 17] {
                let mut stream = Stream::new(5, "swap", k as u64);
                let result = faster_pam(&matrix, &weights, k, start, &mut stream).unwrap();
                let reached = loss(&matrix, &weights, &result.objects);
                assert!((reached - result.loss).abs() < 1e-9, "{start:?}");
                let swapped = |slot: usize, candidate| {
                    let mut other = result.objects.clone();
                    other[slot] = candidate;
                    loss(&matrix, &weights, &other)
                };
                for slot in 0..k {
                    let best = (0..60).map(|c| swapped(slot, c)).fold(f64::INFINITY, f64::min);
                    assert!(best > reached - 1e-9, "{start:?} {k} {slot}");
                }
                for (object, &cluster) in result.assignment.iter().enumerate() {
                    let row = matrix.row(object);
                    let own = row[result.objects[cluster as usize]];
                    assert!(result.objects.iter().all(|&medoid| row[medoid] >= own));
                }
            }
        }
    }

    #[test]
    fn one_medoid_and_all_medoids() {
        let (matrix, weights) = plane(12, 3);
        let mut stream = Stream::new(1, "ends", 0);
        let one = faster_pam(&matrix, &weights, 1, Start::Random, &mut stream).unwrap();
        let of = |object| loss(&matrix, &weights, &[object]);
        assert!((0..12).all(|object| of(object) >= one.loss - 1e-12));
        for start in STARTS {
            let all = faster_pam(&matrix, &weights, 12, start, &mut stream).unwrap();
            let mut objects = all.objects;
            objects.sort_unstable();
            assert_eq!((objects, all.loss), ((0..12).collect(), 0.0));
        }
    }

    #[test]
    fn objects_that_coincide_give_distinct_medoids_of_their_own_clusters() {
        let matrix = Dissimilarity::from_fn(9, |a, b| f32::from(u8::from(a % 2 != b % 2))).unwrap();
        for start in STARTS {
            let mut stream = Stream::new(1, "same", 0);
            let result = faster_pam(&matrix, &[1.0; 9], 5, start, &mut stream).unwrap();
            assert_eq!(result.loss, 0.0);
            for (slot, &medoid) in result.objects.iter().enumerate() {
                assert_eq!(result.assignment[medoid], slot as u32);
            }
            let mut objects = result.objects.clone();
            objects.sort_unstable();
            objects.dedup();
            assert_eq!(objects.len(), 5);
        }
    }

    #[test]
    fn bad_requests_are_errors() {
        let (matrix, weights) = plane(4, 1);
        let run = |k, weights: &[f64]| {
            faster_pam(&matrix, weights, k, Start::Random, &mut Stream::new(1, "bad", 0))
        };
        assert_eq!(run(0, &weights), Err(StatsError::BudgetZero));
        assert_eq!(run(5, &weights), Err(StatsError::BudgetTooLarge { k: 5, pool: 4 }));
        assert_eq!(run(2, &[1.0, -1.0, 1.0, 1.0]), Err(StatsError::BadWeights));
    }
}
