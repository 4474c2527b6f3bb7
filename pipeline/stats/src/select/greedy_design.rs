use super::{
    Design, Subset,
    eligible::{by_target_weight, eligible, fill},
};
use crate::{StatsError, rng::Stream};

/// Variance of the noise in a single answer, in squared scores.
pub(crate) const NOISE: f64 = 0.1;

/// Below this part of the variance of the mean, what an item still explains is rounding.
const LEAST_GAIN: f64 = 1e-12;

/// Forward selection of the item whose answer most reduces the posterior variance of the target mean.
///
/// The scores of a new model are Gaussian with the sources' centred covariance, and an answer is seen
/// with `noise` (variance, positive) on top. With A the centred scores over sqrt(models), item i is
/// a_i, the target mean a = sum_i w_i a_i, and z ~ N(0, I): an answer is a_i'z plus noise. Choosing j
/// takes (a'S a_j)^2 / (a_j'S a_j + noise) off the variance a'S a, where S is the covariance of z
/// given the answers so far; S a_j comes from the earlier choices, so the cost is k models (items + k).
/// Source: Rasmussen and Williams, *Gaussian Processes for Machine Learning*, eq. 2.11, and the
/// one-step-ahead design of MacKay, "Information-based objective functions" (1992), for the mean.
///
/// Weights are those of the target, scaled. When no item explains anything more (one model, constant
/// items) the subset is filled up with a stratified sample.
pub(crate) fn select(
    design: &Design<'_>,
    k: usize,
    noise: f64,
    stream: &mut Stream,
) -> Result<Subset, StatsError> {
    if noise.is_nan() || noise <= 0.0 {
        return Err(StatsError::NotFinite { what: "noise variance", at: 0 });
    }
    let mut posterior = Posterior::new(design, eligible(design, k)?, noise);
    let mut chosen = Vec::with_capacity(k);
    while chosen.len() < k {
        let Some(candidate) = posterior.best() else { break };
        chosen.push(posterior.observe(candidate));
    }
    fill(design, &mut chosen, k, stream);
    Ok(by_target_weight(design, &chosen))
}

struct Posterior {
    models: usize,
    noise: f64,
    items: Vec<usize>,
    /// Row-major, items x models: a_i.
    scores: Vec<f64>,
    /// Covariance of each item with the target mean; 0 once it is chosen.
    with_mean: Vec<f64>,
    /// Variance of an answer to each item, noise included.
    variances: Vec<f64>,
    /// S a_j / sqrt(variance of j) of each item chosen, S as it was then.
    directions: Vec<Vec<f64>>,
    least_gain: f64,
}

impl Posterior {
    fn new(design: &Design<'_>, items: Vec<usize>, noise: f64) -> Self {
        let models = design.matrix.models();
        let scale = 1.0 / (models as f64).sqrt();
        let mut scores = Vec::with_capacity(items.len() * models);
        for &item in &items {
            let column = design.matrix.item(item);
            let mean = column.iter().sum::<f64>() / models as f64;
            scores.extend(column.iter().map(|score| (score - mean) * scale));
        }
        let means = design.matrix.target_means(design.target);
        let mean = means.iter().sum::<f64>() / models as f64;
        let target: Vec<f64> = means.iter().map(|value| (value - mean) * scale).collect();
        let rows = || scores.chunks_exact(models);
        let with_mean = rows().map(|row| lane_dot(row, &target)).collect();
        let variances = rows().map(|row| lane_dot(row, row) + noise).collect();
        let least_gain = LEAST_GAIN * lane_dot(&target, &target);
        let directions = Vec::new();
        Self { models, noise, items, scores, with_mean, variances, directions, least_gain }
    }

    /// The candidate that takes most off the variance, the first of equals.
    fn best(&self) -> Option<usize> {
        let mut best = None;
        let mut most = self.least_gain;
        for (candidate, (with_mean, variance)) in
            self.with_mean.iter().zip(&self.variances).enumerate()
        {
            let gain = with_mean * with_mean / variance;
            if gain > most {
                (best, most) = (Some(candidate), gain);
            }
        }
        best
    }

    /// Conditions on an answer to the candidate; its item.
    fn observe(&mut self, candidate: usize) -> usize {
        let row = &self.scores[candidate * self.models..(candidate + 1) * self.models];
        let deviation = self.variances[candidate].sqrt();
        let mut direction = row.to_vec();
        for earlier in &self.directions {
            let shared = lane_dot(earlier, row);
            for (value, part) in direction.iter_mut().zip(earlier) {
                *value -= shared * part;
            }
        }
        direction.iter_mut().for_each(|value| *value /= deviation);
        let mean_part = self.with_mean[candidate] / deviation;
        let states = self.with_mean.iter_mut().zip(&mut self.variances);
        for (row, (with_mean, variance)) in self.scores.chunks_exact(self.models).zip(states) {
            let part = lane_dot(row, &direction);
            *with_mean -= part * mean_part;
            *variance = (*variance - part * part).max(self.noise);
        }
        self.directions.push(direction);
        self.retire(candidate);
        self.items[candidate]
    }

    /// A chosen item keeps its place with nothing left to explain.
    fn retire(&mut self, candidate: usize) {
        self.with_mean[candidate] = 0.0;
        self.scores[candidate * self.models..(candidate + 1) * self.models].fill(0.0);
    }
}

/// Inner product with eight running sums, added in order at the end.
fn lane_dot(left: &[f64], right: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    let ((left, left_rest), (right, right_rest)) = (left.as_chunks::<8>(), right.as_chunks::<8>());
    for (a, b) in left.iter().zip(right) {
        for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum += a * b;
        }
    }
    let rest: f64 = left_rest.iter().zip(right_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f64>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        linalg::{Cholesky, dot},
        matrix::{ResponseMatrix, Target},
    };

    #[test]
    fn each_step_takes_the_item_that_leaves_the_least_posterior_variance() {
        let (models, items) = (7, 15);
        let mut stream = Stream::new(1, "greedy", 0);
        let scores = (0..models * items).map(|_| stream.uniform() as f32).collect();
        let matrix = ResponseMatrix::new(models, items, scores).unwrap().imputed().unwrap();
        let groups: Vec<u32> = (0..items as u32).map(|item| u32::from(item >= 9)).collect();
        let target = Target::grouped(&groups, &[1.0, 2.0]).unwrap();
        let pool: Vec<usize> = (0..12).collect();
        let design = Design { matrix: &matrix, target: &target, pool: &pool };

        // Covariances by definition, for the textbook formula.
        let centred = |values: &[f64]| -> Vec<f64> {
            let mean = values.iter().sum::<f64>() / models as f64;
            values.iter().map(|value| value - mean).collect()
        };
        let columns: Vec<Vec<f64>> = (0..items).map(|item| centred(matrix.item(item))).collect();
        let mean = centred(&matrix.target_means(&target));
        let covariance = |a: &[f64], b: &[f64]| dot(a, b) / models as f64;
        let explained = |chosen: &[usize]| {
            let system: Vec<f64> = chosen
                .iter()
                .flat_map(|&a| chosen.iter().map(move |&b| (a, b)))
                .map(|(a, b)| {
                    covariance(&columns[a], &columns[b]) + if a == b { NOISE } else { 0.0 }
                })
                .collect();
            let with_mean: Vec<f64> =
                chosen.iter().map(|&item| covariance(&columns[item], &mean)).collect();
            Cholesky::factor(chosen.len(), &system).unwrap().inverse_quadratic(&with_mean)
        };
        let mut expected: Vec<usize> = Vec::new();
        for _ in 0..6 {
            let with = |item: usize| explained(&[&expected[..], &[item]].concat());
            let rest = pool.iter().filter(|item| !expected.contains(item));
            let next = *rest.max_by(|&&a, &&b| with(a).total_cmp(&with(b))).unwrap();
            expected.push(next);
        }
        expected.sort_unstable();
        let subset = select(&design, 6, NOISE, &mut stream).unwrap();
        assert_eq!(subset.items, expected);
        // A later item counts (2/3)/6, an earlier one (1/3)/9.
        let ratio = |late: usize, early: usize| subset.weights[late] / subset.weights[early];
        assert!((ratio(5, 0) - 3.0).abs() < 1e-9, "{subset:?}");
        assert!(select(&design, 6, 0.0, &mut stream).is_err());
    }
}
