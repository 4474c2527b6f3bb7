//! Gaussian-process regression of the full score on the answers.

use super::training::{Training, mean};
use crate::{
    StatsError,
    linalg::{Tridiagonal, dot_lanes, outer_sum},
    matrix::CompleteMatrix,
};

/// Kernels tried: share of the radial part, and its squared length in median squared distances.
const KERNELS: [(f64, f64); 4] = [(0.0, 1.0), (0.5, 1.0), (0.8, 2.0), (1.0, 1.0)];
/// Noise variances tried, in variances of the full score: 11, even in logarithm, 10^-3 to 10.
const NOISES: usize = 11;

/// A fitted Gaussian process: intercept + weights . a + sum over models of dual x radial kernel.
#[derive(Debug, Clone, PartialEq)]
pub struct GaussianProcess {
    /// Of the part that is linear in the answers.
    pub intercept: f64,
    /// One an item: the linear part of the kernel, summed over the models.
    pub weights: Vec<f64>,
    /// One a source model, for the radial part; empty when the chosen kernel is linear.
    pub dual: Vec<f64>,
    /// Source answers the radial part compares with, row-major models x items; empty likewise.
    pub answers: Vec<f64>,
    /// The radial kernel is exp(-rate x squared distance of the answers).
    pub rate: f64,
    /// Share of the radial part in the kernel chosen; 0 when it is linear.
    pub radial_share: f64,
    /// Noise variance chosen, in variances of the full score.
    pub noise: f64,
    /// Root mean square of the exact leave-one-out errors, in score units.
    pub left_out_error: f64,
}

impl GaussianProcess {
    /// The posterior mean, not cut to [0, 1], from one answer a subset item.
    pub fn estimate(&self, answers: &[f64]) -> f64 {
        let linear = self.intercept + dot_lanes(&self.weights, answers);
        let models = self.answers.chunks(answers.len().max(1)).zip(&self.dual);
        let radial = models.map(|(row, dual)| {
            let distance: f64 = row.iter().zip(answers).map(|(a, b)| (a - b) * (a - b)).sum();
            dual * libm::exp(-self.rate * distance)
        });
        linear + radial.sum::<f64>()
    }
}

/// Fits a process of `full_scores` (one a source model) on the sources' answers to `items`.
///
/// Kernel (1 - s) x.x' / v + s exp(-|x - x'|^2 / (2 l m)) of centred answers x, with v the mean
/// squared norm and m the median of the models x models squared distances, its zero diagonal
/// included; (s, l) and the noise are those with the smallest exact leave-one-out error, where a
/// left-out residual is alpha_i / (K^-1)_ii: Rasmussen and Williams, *Gaussian Processes for Machine
/// Learning*, eq. 2.25 and 5.12 (Sundararajan and Keerthi 2001). Each kernel is reduced to
/// tridiagonal form once, after which a noise costs O(models^2).
///
/// Errors with fewer than 3 models, no items, or scores of the wrong shape.
pub fn fit(
    sources: &CompleteMatrix,
    items: &[usize],
    full_scores: &[f64],
) -> Result<GaussianProcess, StatsError> {
    let training = Training::new(sources, items, full_scores, ("a Gaussian process", 3))?;
    let problem = Problem::new(&training);
    let mut best: Option<Solution> = None;
    for (share, length) in KERNELS {
        let rate = 1.0 / (2.0 * length * problem.median_distance);
        let reduced = Tridiagonal::reduce(problem.models, problem.kernel(share, rate));
        for step in 0..NOISES {
            let noise = libm::pow(10.0, -3.0 + 4.0 * step as f64 / (NOISES - 1) as f64);
            let inverse = reduced.shifted_inverse(noise, &problem.scores)?;
            let left_out = inverse.solution.iter().zip(&inverse.diagonal);
            let error = left_out.map(|(alpha, own)| (alpha / own) * (alpha / own)).sum();
            if best.as_ref().is_none_or(|best| error < best.error) {
                best = Some(Solution { error, share, rate, noise, dual: inverse.solution });
            }
        }
    }
    // The grids are not empty, and no error is NaN: the kernel plus noise is positive definite.
    let best = best.ok_or(StatsError::NoConvergence { what: "a Gaussian process" })?;
    Ok(problem.fitted(&training, &best))
}

/// Centred answers and standardised scores, with the two kernels' ingredients.
struct Problem {
    models: usize,
    means: Vec<f64>,
    mean_score: f64,
    deviation: f64,
    /// Full scores in standard deviations from their mean.
    scores: Vec<f64>,
    /// Inner products of the centred answers, models x models.
    products: Vec<f64>,
    mean_square: f64,
    median_distance: f64,
}

struct Solution {
    /// Sum of squared leave-one-out residuals of the standardised scores.
    error: f64,
    share: f64,
    rate: f64,
    noise: f64,
    dual: Vec<f64>,
}

impl Problem {
    fn new(training: &Training<'_>) -> Self {
        let models = training.models();
        let means = training.means();
        let centred: Vec<Vec<f64>> = training
            .columns
            .iter()
            .zip(&means)
            .map(|(column, mean)| column.iter().map(|answer| answer - mean).collect())
            .collect();
        let products = outer_sum(models, &centred);
        let mean_score = mean(training.scores);
        let centred_scores: Vec<f64> = training.scores.iter().map(|s| s - mean_score).collect();
        // The floors keep equal scores and equal answers from dividing by zero.
        let variance = dot_lanes(&centred_scores, &centred_scores) / models as f64;
        let deviation = variance.sqrt() + 1e-9;
        let squares: f64 = (0..models).map(|model| products[model * models + model]).sum();
        let mut problem = Self {
            models,
            means,
            mean_score,
            deviation,
            scores: centred_scores.iter().map(|score| score / deviation).collect(),
            products,
            mean_square: (squares / models as f64).max(1e-9),
            median_distance: 0.0,
        };
        let mut distances = Vec::with_capacity(models * models);
        for row in 0..models {
            distances.extend((0..models).map(|column| problem.squared_distance(row, column)));
        }
        problem.median_distance = median(&mut distances).max(1e-6);
        problem
    }

    fn squared_distance(&self, row: usize, column: usize) -> f64 {
        let product = |a: usize, b: usize| self.products[a * self.models + b];
        (product(row, row) + product(column, column) - 2.0 * product(row, column)).max(0.0)
    }

    /// Lower triangle of the kernel matrix.
    fn kernel(&self, share: f64, rate: f64) -> Vec<f64> {
        let linear = (1.0 - share) / self.mean_square;
        let mut kernel: Vec<f64> = self.products.iter().map(|product| linear * product).collect();
        if share > 0.0 {
            for row in 0..self.models {
                for column in 0..=row {
                    let distance = self.squared_distance(row, column);
                    kernel[row * self.models + column] += share * libm::exp(-rate * distance);
                }
            }
        }
        kernel
    }

    /// Back from centred answers and standardised scores to plain ones.
    fn fitted(&self, training: &Training<'_>, best: &Solution) -> GaussianProcess {
        let dual: Vec<f64> = best.dual.iter().map(|alpha| self.deviation * alpha).collect();
        let linear = (1.0 - best.share) / self.mean_square;
        let mut weights = Vec::with_capacity(self.means.len());
        for (column, mean) in training.columns.iter().zip(&self.means) {
            let centred: Vec<f64> = column.iter().map(|answer| answer - mean).collect();
            weights.push(linear * dot_lanes(&centred, &dual));
        }
        let radial = best.share > 0.0;
        let plain = vec![0.0; self.means.len()];
        GaussianProcess {
            intercept: self.mean_score - dot_lanes(&weights, &self.means),
            weights,
            dual: if radial { dual.iter().map(|d| best.share * d).collect() } else { Vec::new() },
            answers: if radial { training.rows(&plain) } else { Vec::new() },
            rate: best.rate,
            radial_share: best.share,
            noise: best.noise,
            left_out_error: self.deviation * (best.error / self.models as f64).sqrt(),
        }
    }
}

/// Median of a slice that is not empty, the mean of the middle two where there are two.
fn median(values: &mut [f64]) -> f64 {
    let middle = values.len() / 2;
    let even = values.len().is_multiple_of(2);
    let (below, upper, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    let upper = *upper;
    let lower = below.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if even { 0.5 * (lower + upper) } else { upper }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{matrix::ResponseMatrix, rng::Stream};

    fn sources(models: usize, items: usize, seed: u64) -> CompleteMatrix {
        let mut stream = Stream::new(seed, "gp", 0);
        let mut scores = Vec::new();
        for _ in 0..models {
            let ability = stream.uniform();
            scores.extend((0..items).map(|_| f32::from(u8::from(stream.uniform() < ability))));
        }
        ResponseMatrix::new(models, items, scores).unwrap().imputed().unwrap()
    }

    fn rows(sources: &CompleteMatrix, items: &[usize]) -> Vec<Vec<f64>> {
        let row = |model| items.iter().map(|&item| sources.item(item)[model]).collect();
        (0..sources.models()).map(row).collect()
    }

    #[test]
    fn a_curved_rule_takes_the_radial_kernel() {
        // Exclusive or of two answers: no linear rule does better than the mean.
        let cells = [(0.0, 0.0, 0.2), (0.0, 1.0, 0.8), (1.0, 0.0, 0.8), (1.0, 1.0, 0.2)];
        let (mut scores, mut full) = (Vec::new(), Vec::new());
        for (a, b, value) in cells.iter().cycle().take(40) {
            scores.extend([*a as f32, *b as f32]);
            full.push(*value);
        }
        let sources = ResponseMatrix::new(40, 2, scores).unwrap().imputed().unwrap();
        let fitted = fit(&sources, &[0, 1], &full).unwrap();
        assert_eq!(fitted.answers.len(), 80);
        for (a, b, value) in cells {
            assert!((fitted.estimate(&[a, b]) - value).abs() < 0.01);
        }
    }

    #[test]
    fn the_left_out_error_is_that_of_the_chosen_process_without_each_model() {
        // Leaving one out by hand at the chosen kernel, with the means and scales of all.
        let sources = sources(8, 12, 1);
        let full: Vec<f64> = (0..8)
            .map(|model| (0..12).map(|item| sources.item(item)[model]).sum::<f64>() / 12.0)
            .collect();
        let items = [0, 3, 5, 8];
        let fitted = fit(&sources, &items, &full).unwrap();
        let training = Training::new(&sources, &items, &full, ("", 3)).unwrap();
        let problem = Problem::new(&training);
        let mut kernel = problem.kernel(fitted.radial_share, fitted.rate);
        for row in 0..8 {
            for column in 0..row {
                kernel[column * 8 + row] = kernel[row * 8 + column];
            }
            kernel[row * 8 + row] += fitted.noise;
        }
        let mut squares = 0.0;
        for out in 0..8 {
            let kept: Vec<usize> = (0..8).filter(|model| *model != out).collect();
            let within = |&row: &usize| kept.iter().map(move |&column| (row, column));
            let system: Vec<f64> = kept
                .iter()
                .flat_map(within)
                .map(|(row, column)| kernel[row * 8 + column])
                .collect();
            let right: Vec<f64> = kept.iter().map(|&model| problem.scores[model]).collect();
            let dual = crate::linalg::Cholesky::factor(7, &system).unwrap().solve(&right);
            let across: Vec<f64> = kept.iter().map(|&column| kernel[out * 8 + column]).collect();
            squares += (problem.scores[out] - dot_lanes(&across, &dual)).powi(2);
        }
        let expected = problem.deviation * (squares / 8.0).sqrt();
        assert!((fitted.left_out_error - expected).abs() < 1e-12);
    }

    #[test]
    fn degenerate_sources_give_their_mean() {
        let ones = ResponseMatrix::new(4, 3, vec![1.0; 12]).unwrap().imputed().unwrap();
        let fitted = fit(&ones, &[0, 2], &[1.0; 4]).unwrap();
        assert!((fitted.estimate(&[1.0, 1.0]) - 1.0).abs() < 1e-9);
        assert!(fitted.estimate(&[0.0, 1.0]).is_finite());
        let two = ResponseMatrix::new(2, 1, vec![1.0, 0.0]).unwrap().imputed().unwrap();
        let error = fit(&two, &[0], &[1.0, 0.0]).unwrap_err();
        assert_eq!(
            error,
            StatsError::TooFewModels { what: "a Gaussian process", needed: 3, got: 2 }
        );
    }

    #[test]
    fn the_order_of_models_does_not_matter() {
        let sources = sources(15, 10, 2);
        let items = [1, 2, 4, 7, 9];
        let full: Vec<f64> = (0..15).map(|model| f64::from(model * model % 11) / 11.0).collect();
        let fitted = fit(&sources, &items, &full).unwrap();
        let mut scores = Vec::new();
        for row in rows(&sources, &(0..10).collect::<Vec<_>>()).iter().rev() {
            scores.extend(row.iter().map(|score| *score as f32));
        }
        let reversed = ResponseMatrix::new(15, 10, scores).unwrap().imputed().unwrap();
        let full: Vec<f64> = full.into_iter().rev().collect();
        let other = fit(&reversed, &items, &full).unwrap();
        for answers in rows(&sources, &items) {
            assert!((fitted.estimate(&answers) - other.estimate(&answers)).abs() < 1e-10);
        }
    }
}
