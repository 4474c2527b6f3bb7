use super::{Dissimilarity, Medoids};
use crate::rng::Stream;

/// Objects that are screened at once for being nearer to a candidate than to their second medoid.
const BLOCK: usize = 16;

/// Most visits of all candidates; swaps end long before.
const SWEEPS: usize = 100;

/// Medoids and, of each object, the two nearest of them.
pub(super) struct Swapping<'a> {
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
    /// Finds the two nearest medoids of each object; there are at least two medoids.
    pub(super) fn new(
        dissimilarity: &'a Dissimilarity,
        weights: &'a [f64],
        medoids: Vec<usize>,
    ) -> Self {
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

    /// Swaps while that lowers the loss; the number of swaps.
    pub(super) fn run(&mut self, stream: &mut Stream) -> usize {
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

    /// The clustering after `swaps` swaps.
    pub(super) fn finish(self, swaps: usize) -> Medoids {
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
