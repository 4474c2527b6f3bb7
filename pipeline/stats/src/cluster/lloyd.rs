use super::{
    Points,
    lanes::{Interleaved, squared_distance, squared_distances},
};

/// Centres that are compared with a point together and share one lower bound.
const BLOCK: usize = 8;

/// Centres, assignment and bounds between two rounds.
pub(super) struct Lloyd<'a> {
    points: Points<'a>,
    weights: &'a [f64],
    k: usize,
    /// Row-major, k x dimensions.
    pub(super) centres: Vec<f64>,
    /// Cluster of each point.
    pub(super) assignment: Vec<u32>,
    /// At least the distance of each point to its centre.
    upper: Vec<f64>,
    /// Points x blocks: at most the distance to every centre of the block that is not the point's.
    lower: Vec<f64>,
}

impl<'a> Lloyd<'a> {
    /// Nothing assigned so far; `centres` is row-major.
    pub(super) fn new(points: &Points<'a>, weights: &'a [f64], centres: Vec<f64>) -> Self {
        let (count, k) = (points.count(), centres.len() / points.dimensions());
        Self {
            points: *points,
            weights,
            k,
            centres,
            assignment: vec![0; count],
            upper: vec![f64::INFINITY; count],
            lower: vec![0.0; count * k.div_ceil(BLOCK)],
        }
    }

    fn centre(&self, cluster: usize) -> &[f64] {
        let dimensions = self.points.dimensions();
        &self.centres[cluster * dimensions..(cluster + 1) * dimensions]
    }

    /// Moves every point to its nearest centre; true if any point moved.
    pub(super) fn assign(&mut self) -> bool {
        let centres = Interleaved::<f64, BLOCK>::new(self.k, self.points.dimensions(), |cluster| {
            self.centre(cluster)
        });
        let blocks = self.k.div_ceil(BLOCK);
        let mut moved = false;
        for (point, row) in self.points.rows().enumerate() {
            let lower = &self.lower[point * blocks..(point + 1) * blocks];
            if lower.iter().all(|bound| self.upper[point] <= *bound) {
                continue;
            }
            let before = self.assignment[point];
            let distance = squared_distance(row, self.centre(before as usize)).sqrt();
            let bounds = &mut self.lower[point * blocks..(point + 1) * blocks];
            let (cluster, distance) =
                Search { row, k: self.k, bounds }.nearest(&centres, (before as usize, distance));
            moved |= cluster != before as usize;
            self.assignment[point] = cluster as u32;
            self.upper[point] = distance;
        }
        moved
    }

    /// Moves every centre to the mean of its points and loosens the bounds by what it moved.
    pub(super) fn update(&mut self) {
        let dimensions = self.points.dimensions();
        let mut masses = vec![0.0; self.k];
        let mut sums = vec![0.0; self.k * dimensions];
        for (point, row) in self.points.rows().enumerate() {
            let (cluster, weight) = (self.assignment[point] as usize, self.weights[point]);
            masses[cluster] += weight;
            let sum = &mut sums[cluster * dimensions..(cluster + 1) * dimensions];
            for (total, value) in sum.iter_mut().zip(row) {
                *total += weight * value;
            }
        }
        let mut movements = vec![0.0_f64; self.k];
        for (cluster, (mass, sum)) in
            masses.iter().zip(sums.chunks_exact_mut(dimensions)).enumerate()
        {
            if *mass > 0.0 {
                sum.iter_mut().for_each(|value| *value /= mass);
                movements[cluster] = squared_distance(sum, self.centre(cluster)).sqrt();
                let start = cluster * dimensions;
                self.centres[start..start + dimensions].copy_from_slice(sum);
            }
        }
        let empty: Vec<usize> = (0..self.k).filter(|&cluster| masses[cluster] <= 0.0).collect();
        if empty.is_empty() || !self.reseed(&empty) {
            self.loosen(&movements);
        }
    }

    fn loosen(&mut self, movements: &[f64]) {
        let blocks: Vec<f64> = movements
            .chunks(BLOCK)
            .map(|block| block.iter().copied().fold(0.0, f64::max))
            .collect();
        for (point, lower) in self.lower.chunks_exact_mut(blocks.len()).enumerate() {
            self.upper[point] += movements[self.assignment[point] as usize];
            for (bound, movement) in lower.iter_mut().zip(&blocks) {
                *bound -= movement;
            }
        }
    }

    /// Puts the centre of each empty cluster on the point that contributes most to the inertia; true
    /// if any was put. Bounds start anew, which is rare enough to cost little.
    fn reseed(&mut self, empty: &[usize]) -> bool {
        let mut losses: Vec<f64> = (0..self.points.count()).map(|point| self.loss(point)).collect();
        let mut any = false;
        for &cluster in empty {
            let Some((point, loss)) = largest(&losses) else { break };
            if loss <= 0.0 {
                break;
            }
            let (dimensions, row) = (self.points.dimensions(), self.points.row(point));
            self.centres[cluster * dimensions..(cluster + 1) * dimensions].copy_from_slice(row);
            for (loss, (other, weight)) in
                losses.iter_mut().zip(self.points.rows().zip(self.weights))
            {
                *loss = loss.min(weight * squared_distance(other, row));
            }
            any = true;
        }
        if any {
            self.upper.fill(f64::INFINITY);
            self.lower.fill(0.0);
        }
        any
    }

    fn loss(&self, point: usize) -> f64 {
        let centre = self.centre(self.assignment[point] as usize);
        self.weights[point] * squared_distance(self.points.row(point), centre)
    }

    /// Weighted sum of squared distances of the points to their centres.
    pub(super) fn inertia(&self) -> f64 {
        (0..self.points.count()).map(|point| self.loss(point)).sum()
    }
}

/// The first of the largest values, with its index.
fn largest(values: &[f64]) -> Option<(usize, f64)> {
    values
        .iter()
        .copied()
        .enumerate()
        .reduce(|best, next| if next.1 > best.1 { next } else { best })
}

/// The search for the nearest centre of one point.
struct Search<'a> {
    row: &'a [f64],
    k: usize,
    /// Lower bound of each block, brought up to date.
    bounds: &'a mut [f64],
}

impl Search<'_> {
    /// Looks at the blocks whose bound does not rule them out; `best` is the present centre and the
    /// exact distance to it.
    fn nearest(self, centres: &Interleaved<f64, BLOCK>, mut best: (usize, f64)) -> (usize, f64) {
        for block in 0..self.bounds.len() {
            if self.bounds[block] >= best.1 {
                continue;
            }
            let squares = squared_distances::<BLOCK>(self.row, centres.block(block));
            let (mut first, mut second) = ((best.0, f64::INFINITY), f64::INFINITY);
            for (lane, square) in squares.iter().enumerate() {
                let cluster = block * BLOCK + lane;
                if cluster == best.0 || cluster >= self.k || *square >= second {
                    continue;
                }
                if *square < first.1 {
                    second = first.1;
                    first = (cluster, *square);
                } else {
                    second = *square;
                }
            }
            let first = (first.0, first.1.sqrt());
            if first.1 < best.1 {
                self.bounds[block] = second.sqrt();
                let left = &mut self.bounds[best.0 / BLOCK];
                *left = left.min(best.1);
                best = first;
            } else {
                self.bounds[block] = first.1;
            }
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Stream;

    /// Inertia of the best assignment to given centres.
    fn inertia(points: &Points<'_>, weights: &[f64], centres: &[f64]) -> f64 {
        points
            .rows()
            .zip(weights)
            .map(|(row, weight)| {
                let distances = centres.chunks_exact(row.len()).map(|c| squared_distance(row, c));
                weight * distances.fold(f64::INFINITY, f64::min)
            })
            .sum()
    }

    #[test]
    fn rounds_never_raise_the_inertia_and_bounds_change_nothing() {
        let mut stream = Stream::new(2, "rounds", 0);
        let values: Vec<f64> = (0..90 * 5).map(|_| stream.uniform()).collect();
        let points = Points::new(90, 5, &values).unwrap();
        let weights: Vec<f64> = (0..90).map(|_| stream.uniform()).collect();
        for k in [2, 7, 20] {
            // The first k points: a poor start, so that many rounds follow.
            let mut lloyd = Lloyd::new(&points, &weights, values[..k * 5].to_vec());
            let (mut before, mut rounds) = (f64::INFINITY, 0);
            while lloyd.assign() || rounds == 0 {
                let now = lloyd.inertia();
                let exact = inertia(&points, &weights, &lloyd.centres);
                assert!((now - exact).abs() < 1e-9 * exact, "assignment is not the nearest");
                assert!(now < before * (1.0 + 1e-12), "{now} after {before}");
                before = now;
                lloyd.update();
                rounds += 1;
            }
            assert!(rounds > 2, "{rounds}");
        }
    }

    #[test]
    fn an_empty_cluster_takes_the_worst_point() {
        let points = Points::new(4, 1, &[0.0, 1.0, 2.0, 50.0]).unwrap();
        let mut lloyd = Lloyd::new(&points, &[1.0; 4], vec![1.0, 400.0]);
        assert!(!lloyd.assign());
        lloyd.update();
        assert_eq!(lloyd.centres, [13.25, 50.0]);
        assert!(lloyd.assign());
        assert_eq!(lloyd.assignment, [0, 0, 0, 1]);
    }
}
