use super::{Dissimilarity, check, greedy_medoids};
use crate::{StatsError, rng::Stream};

/// Objects that are screened at once for being nearer to a candidate than to their second medoid.
const BLOCK: usize = 16;

/// Most visits of all candidates; swaps end long before.
const SWEEPS: usize = 100;

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

/// Medoids and, of each object, the two nearest of them.
struct Swapping<'a> {
    dissimilarity: &'a Dissimilarity,
    weights: &'a [f64],
    medoids: Vec<usize>,
    nearest: Vec<u32>,
    second: Vec<u32>,
    to_nearest: Vec<f32>,
    to_second: Vec<f32>,
    /// What the loss grows by when each medoid is removed.
    removal: Vec<f64>,
}

impl<'a> Swapping<'a> {
    fn new(dissimilarity: &'a Dissimilarity, weights: &'a [f64], medoids: Vec<usize>) -> Self {
        let size = dissimilarity.size();
        let mut swapping = Self {
            dissimilarity,
            weights,
            removal: vec![0.0; medoids.len()],
            medoids,
            nearest: vec![0; size],
            second: vec![0; size],
            to_nearest: vec![0.0; size],
            to_second: vec![0.0; size],
        };
        for object in 0..size {
            let (nearest, to_nearest) = swapping.nearest_but(object, None);
            let (second, to_second) = swapping.nearest_but(object, Some(nearest));
            (swapping.nearest[object], swapping.second[object]) = (nearest, second);
            (swapping.to_nearest[object], swapping.to_second[object]) = (to_nearest, to_second);
        }
        swapping.sum_removals();
        swapping
    }

    /// The nearest medoid of an object, or the nearest but `excluded`.
    fn nearest_but(&self, object: usize, excluded: Option<u32>) -> (u32, f32) {
        let row = self.dissimilarity.row(object);
        let mut best = (0, f32::INFINITY);
        for (slot, &medoid) in self.medoids.iter().enumerate() {
            if row[medoid] < best.1 && excluded != Some(slot as u32) {
                best = (slot as u32, row[medoid]);
            }
        }
        best
    }

    fn sum_removals(&mut self) {
        self.removal.fill(0.0);
        for (object, &slot) in self.nearest.iter().enumerate() {
            let lost = self.to_second[object] - self.to_nearest[object];
            self.removal[slot as usize] += self.weights[object] * f64::from(lost);
        }
    }

    fn loss(&self) -> f64 {
        let pairs = self.to_nearest.iter().zip(self.weights);
        pairs.map(|(value, weight)| weight * f64::from(*value)).sum()
    }

    fn run(&mut self, stream: &mut Stream) -> usize {
        let mut order: Vec<usize> = (0..self.dissimilarity.size()).collect();
        stream.shuffle(&mut order);
        let mut is_medoid = vec![false; order.len()];
        for &medoid in &self.medoids {
            is_medoid[medoid] = true;
        }
        // A smaller gain may be rounding, and would not end.
        let least = 1e-12 * self.loss();
        let mut changes = vec![0.0; self.medoids.len()];
        let (mut swaps, mut since) = (0, 0);
        for &candidate in order.iter().cycle().take(SWEEPS * order.len()) {
            since += 1;
            if !is_medoid[candidate] {
                let (slot, change) = self.best_swap(candidate, &mut changes);
                if change < -least {
                    is_medoid[self.medoids[slot]] = false;
                    is_medoid[candidate] = true;
                    self.swap(slot, candidate);
                    (swaps, since) = (swaps + 1, 0);
                }
            }
            if since >= order.len() {
                break;
            }
        }
        swaps
    }

    /// The medoid that the candidate had best replace, and what that changes the loss by.
    fn best_swap(&self, candidate: usize, changes: &mut [f64]) -> (usize, f64) {
        changes.copy_from_slice(&self.removal);
        let mut for_all = 0.0;
        let row = self.dissimilarity.row(candidate);
        for (block, (values, seconds)) in
            row.chunks(BLOCK).zip(self.to_second.chunks(BLOCK)).enumerate()
        {
            if !any_less(values, seconds) {
                continue;
            }
            for (lane, (&value, &second)) in values.iter().zip(seconds).enumerate() {
                if value >= second {
                    continue;
                }
                let object = block * BLOCK + lane;
                let (slot, weight) = (self.nearest[object] as usize, self.weights[object]);
                let nearest = self.to_nearest[object];
                if value < nearest {
                    for_all += weight * f64::from(value - nearest);
                    changes[slot] += weight * f64::from(nearest - second);
                } else {
                    changes[slot] += weight * f64::from(value - second);
                }
            }
        }
        let mut best = (0, f64::INFINITY);
        for (slot, &change) in changes.iter().enumerate() {
            if change < best.1 {
                best = (slot, change);
            }
        }
        (best.0, best.1 + for_all)
    }

    fn swap(&mut self, slot: usize, candidate: usize) {
        self.medoids[slot] = candidate;
        let slot = slot as u32;
        let dissimilarity = self.dissimilarity;
        for (object, &value) in dissimilarity.row(candidate).iter().enumerate() {
            let (nearest, second) = (self.to_nearest[object], self.to_second[object]);
            if self.nearest[object] == slot {
                if value < second {
                    self.to_nearest[object] = value;
                } else {
                    (self.nearest[object], self.to_nearest[object]) = (self.second[object], second);
                    self.find_second(object);
                }
            } else if value < nearest {
                (self.second[object], self.to_second[object]) = (self.nearest[object], nearest);
                (self.nearest[object], self.to_nearest[object]) = (slot, value);
            } else if value < second {
                (self.second[object], self.to_second[object]) = (slot, value);
            } else if self.second[object] == slot {
                self.find_second(object);
            }
        }
        self.sum_removals();
    }

    fn find_second(&mut self, object: usize) {
        (self.second[object], self.to_second[object]) =
            self.nearest_but(object, Some(self.nearest[object]));
    }

    fn finish(self, swaps: usize) -> Medoids {
        let loss = self.loss();
        let mut assignment = self.nearest;
        for (slot, &medoid) in self.medoids.iter().enumerate() {
            // It may coincide with another medoid.
            assignment[medoid] = slot as u32;
        }
        Medoids { objects: self.medoids, assignment, loss, swaps }
    }
}

/// Whether any value is less than its partner; without branches for whole blocks.
fn any_less(values: &[f32], others: &[f32]) -> bool {
    match (values.as_array::<BLOCK>(), others.as_array::<BLOCK>()) {
        (Some(values), Some(others)) => {
            let mut any = 0_u32;
            for (value, other) in values.iter().zip(others) {
                any |= u32::from(value < other);
            }
            any != 0
        }
        _ => values.iter().zip(others).any(|(value, other)| value < other),
    }
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
