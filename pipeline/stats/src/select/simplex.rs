use crate::{
    StatsError,
    linalg::{Cholesky, dot},
};

/// Minimise w' matrix w / 2 - linear' w over non-negative w that sum to one; `matrix` is positive
/// definite, row-major.
pub(super) struct Simplex<'a> {
    /// Row-major, symmetric.
    pub(super) matrix: &'a [f64],
    /// One value a weight.
    pub(super) linear: &'a [f64],
}

impl Simplex<'_> {
    /// Primal active-set method from a point inside the simplex; source: Nocedal and Wright,
    /// *Numerical Optimization* (2006), algorithm 16.3.
    pub(super) fn minimise(&self, start: Vec<f64>) -> Result<Vec<f64>, StatsError> {
        let size = start.len();
        let mut weights = start;
        let mut free: Vec<usize> = (0..size).collect();
        // Each step frees or fixes one weight; far fewer are needed.
        for _ in 0..10 * size {
            let (solution, level) = self.on_face(&free)?;
            let blocking = free
                .iter()
                .zip(&solution)
                .filter(|(_, goal)| **goal < 0.0)
                .map(|(&task, goal)| (weights[task] / (weights[task] - goal), task))
                .min_by(|a, b| a.0.total_cmp(&b.0));
            let step = blocking.map_or(1.0, |(step, _)| step);
            for (&task, goal) in free.iter().zip(&solution) {
                weights[task] = (weights[task] + step * (goal - weights[task])).max(0.0);
            }
            if let Some((_, task)) = blocking {
                weights[task] = 0.0;
                free.retain(|&other| other != task);
                continue;
            }
            match self.to_free(&weights, &free, level) {
                Some(task) => free.push(task),
                None => break,
            }
        }
        let total: f64 = weights.iter().sum();
        weights.iter_mut().for_each(|weight| *weight /= total);
        Ok(weights)
    }

    /// The minimum with only the `free` weights not zero, their sign ignored, and the multiplier of
    /// the sum.
    fn on_face(&self, free: &[usize]) -> Result<(Vec<f64>, f64), StatsError> {
        let size = self.linear.len();
        let face: Vec<f64> = free
            .iter()
            .flat_map(|&row| free.iter().map(move |&column| self.matrix[row * size + column]))
            .collect();
        let factor = Cholesky::factor(free.len(), &face)?;
        let right: Vec<f64> = free.iter().map(|&task| self.linear[task]).collect();
        let mut solution = factor.solve(&right);
        let ones = factor.solve(&vec![1.0; free.len()]);
        let level = (1.0 - solution.iter().sum::<f64>()) / ones.iter().sum::<f64>();
        for (value, one) in solution.iter_mut().zip(&ones) {
            *value += level * one;
        }
        Ok((solution, level))
    }

    /// The weight at zero that would lower the objective fastest, if any would.
    fn to_free(&self, weights: &[f64], free: &[usize], level: f64) -> Option<usize> {
        let size = weights.len();
        let tolerance = 1e-10 * (level.abs() + self.matrix[0]);
        (0..size)
            .filter(|task| !free.contains(task))
            .map(|task| {
                let row = &self.matrix[task * size..(task + 1) * size];
                (dot(row, weights) - self.linear[task] - level, task)
            })
            .filter(|(slope, _)| *slope < -tolerance)
            .min_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(_, task)| task)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_simplex_minimum_beats_every_point_of_a_grid() {
        // Without the constraint the third weight would be negative.
        let matrix = [2.0, 0.3, 1.9, 0.3, 1.0, 1.2, 1.9, 1.2, 3.0];
        let linear = [0.1, 0.2, 0.0];
        let objective = |w: &[f64]| {
            let rows = matrix.chunks_exact(3).zip(w);
            rows.map(|(row, weight)| weight * dot(row, w)).sum::<f64>() / 2.0 - dot(&linear, w)
        };
        let weights =
            Simplex { matrix: &matrix, linear: &linear }.minimise(vec![1.0 / 3.0; 3]).unwrap();
        assert_eq!(weights[2], 0.0);
        let least = objective(&weights);
        for a in 0..=200 {
            for b in 0..=200 - a {
                let (a, b) = (f64::from(a) / 200.0, f64::from(b) / 200.0);
                assert!(objective(&[a, b, 1.0 - a - b]) >= least - 1e-12);
            }
        }
    }
}
