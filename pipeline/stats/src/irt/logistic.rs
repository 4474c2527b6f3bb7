//! One step of penalised logistic regression, the common core of fitting items and abilities.

use crate::{StatsError, linalg::Cholesky};

/// Partial sums kept apart, so that the compiler may add several lanes at once in a fixed order.
const LANES: usize = 8;

/// Logistic regression of scores in [0, 1] with a Gaussian prior on every coefficient.
///
/// The linear predictor of observation i is `offset[i] + sum of coefficient[d] * covariates[d][i]`.
/// A fractional score y enters as y successes and 1 - y failures (cross-entropy).
pub(super) struct Regression<'a> {
    /// One list over the observations a coefficient.
    pub covariates: &'a [&'a [f64]],
    /// Known part of the linear predictor.
    pub offset: &'a [f64],
    /// Scores in [0, 1]; any number where `trials` is 0.
    pub scores: &'a [f32],
    /// How often each observation counts; 0 where it is missing.
    pub trials: &'a [f32],
    /// Mean and precision (1 / variance) of the prior of each coefficient.
    pub priors: &'a [Prior],
}

/// A Gaussian prior.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prior {
    /// Most likely value.
    pub mean: f64,
    /// 1 / variance; positive.
    pub precision: f64,
}

/// Buffers over the observations, kept between steps.
#[derive(Default)]
pub(super) struct Workspace {
    predictor: Vec<f64>,
    residual: Vec<f64>,
    curvature: Vec<f64>,
    scaled: Vec<f64>,
}

impl Workspace {
    /// First derivative of the log-likelihood along `covariate` and minus the second, at the point
    /// of the last gradient.
    pub(super) fn derivatives(&mut self, covariate: &[f64]) -> (f64, f64) {
        self.scaled.clear();
        self.scaled.extend(covariate.iter().zip(&self.curvature).map(|(x, v)| x * v));
        (lane_dot(covariate, &self.residual), lane_dot(covariate, &self.scaled))
    }
}

impl Regression<'_> {
    /// Gradient of the log-posterior at `coefficients`; leaves the curvature in the workspace.
    pub(super) fn gradient(&self, coefficients: &[f64], work: &mut Workspace) -> Vec<f64> {
        work.predictor.clear();
        work.predictor.extend_from_slice(self.offset);
        for (coefficient, covariate) in coefficients.iter().zip(self.covariates) {
            add_scaled(&mut work.predictor, *coefficient, covariate);
        }
        work.residual.clear();
        work.curvature.clear();
        let observations = self.scores.iter().zip(self.trials).zip(&work.predictor);
        for ((score, trials), predictor) in observations {
            let expected = logistic(*predictor);
            let trials = f64::from(*trials);
            work.residual.push(trials * (f64::from(*score) - expected));
            work.curvature.push(trials * expected * (1.0 - expected));
        }
        let of_prior = self.priors.iter().zip(coefficients);
        self.covariates
            .iter()
            .zip(of_prior)
            .map(|(covariate, (prior, coefficient))| {
                lane_dot(covariate, &work.residual) - prior.precision * (coefficient - prior.mean)
            })
            .collect()
    }

    /// Negative Hessian of the log-posterior, lower triangle, for the curvature in the workspace.
    pub(super) fn information(&self, work: &mut Workspace) -> Vec<f64> {
        let size = self.covariates.len();
        let mut information = vec![0.0; size * size];
        for (row, left) in self.covariates.iter().enumerate() {
            work.scaled.clear();
            work.scaled.extend(left.iter().zip(&work.curvature).map(|(x, v)| x * v));
            for (column, right) in self.covariates[..=row].iter().enumerate() {
                information[row * size + column] = lane_dot(&work.scaled, right);
            }
            information[row * size + row] += self.priors[row].precision;
        }
        information
    }

    /// Moves the coefficients by one damped Newton step, which never lowers the log-posterior.
    ///
    /// The step is the Newton direction times ln(1 + m) / m, m being the largest change of a linear
    /// predictor along the full step. The curvature of the log-likelihood grows at most by exp(t m)
    /// along t times the direction, and this t maximises the lower bound that follows. Source: Bach,
    /// "Self-concordant analysis for logistic regression", Electronic Journal of Statistics 4 (2010). It tends to the full step, hence to quadratic convergence, as m tends to 0.
    ///
    /// Returns the sum of squares of the change.
    pub(super) fn step(
        &self,
        coefficients: &mut [f64],
        work: &mut Workspace,
    ) -> Result<f64, StatsError> {
        let gradient = self.gradient(coefficients, work);
        let information = self.information(work);
        let direction = Cholesky::factor(coefficients.len(), &information)?.solve(&gradient);
        let change = &mut work.scaled;
        change.fill(0.0);
        for (part, covariate) in direction.iter().zip(self.covariates) {
            add_scaled(change, *part, covariate);
        }
        let largest = change.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
        let damping = if largest > 0.0 { libm::log1p(largest) / largest } else { 1.0 };
        let mut moved = 0.0;
        for (coefficient, part) in coefficients.iter_mut().zip(&direction) {
            *coefficient += damping * part;
            moved += (damping * part) * (damping * part);
        }
        Ok(moved)
    }
}

/// 1 / (1 + exp(-x)).
pub(super) fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + libm::exp(-x))
}

/// `sum += factor * values`, element by element.
pub(super) fn add_scaled(sum: &mut [f64], factor: f64, values: &[f64]) {
    for (sum, value) in sum.iter_mut().zip(values) {
        *sum += factor * value;
    }
}

/// Sum of products in `LANES` partial sums, added up in order.
pub(super) fn lane_dot(left: &[f64], right: &[f64]) -> f64 {
    let mut sums = [0.0; LANES];
    let (left, right) = (left.chunks_exact(LANES), right.chunks_exact(LANES));
    let rest: f64 = left.remainder().iter().zip(right.remainder()).map(|(a, b)| a * b).sum();
    for (left, right) in left.zip(right) {
        for ((sum, a), b) in sums.iter_mut().zip(left).zip(right) {
            *sum += a * b;
        }
    }
    sums.iter().sum::<f64>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRIORS: [Prior; 2] =
        [Prior { mean: 1.0, precision: 0.5 }, Prior { mean: 0.0, precision: 0.1 }];

    fn log_posterior(regression: &Regression<'_>, coefficients: &[f64]) -> f64 {
        let mut sum = 0.0;
        for at in 0..regression.scores.len() {
            let parts = coefficients.iter().zip(regression.covariates);
            let x = parts.fold(regression.offset[at], |x, (c, values)| x + c * values[at]);
            let (p, y) = (logistic(x), f64::from(regression.scores[at]));
            let cell = y * libm::log(p) + (1.0 - y) * libm::log(1.0 - p);
            sum += f64::from(regression.trials[at]) * cell;
        }
        let priors = regression.priors.iter().zip(coefficients);
        sum - priors.map(|(p, c)| 0.5 * p.precision * (c - p.mean) * (c - p.mean)).sum::<f64>()
    }

    #[test]
    fn derivatives_agree_with_differences_and_no_step_descends() {
        let regression = Regression {
            covariates: &[&[0.3, -1.2, 2.0, 0.7, -0.4], &[1.0; 5]],
            offset: &[0.1, 0.0, -0.3, 0.0, 0.2],
            scores: &[1.0, 0.0, 0.25, 1.0, 0.0],
            trials: &[1.0, 3.0, 4.0, 1.0, 0.0],
            priors: &PRIORS,
        };
        let mut work = Workspace::default();
        let mut at = [6.0, -4.0];
        let gradient = regression.gradient(&at, &mut work);
        let information = regression.information(&mut work);
        for part in 0..2 {
            let (mut above, mut below) = (at, at);
            above[part] += 1e-5;
            below[part] -= 1e-5;
            let rise = log_posterior(&regression, &above) - log_posterior(&regression, &below);
            assert!((rise / 2e-5 - gradient[part]).abs() < 1e-6);
            let slope = regression.gradient(&above, &mut work)[0]
                - regression.gradient(&below, &mut work)[0];
            assert!((slope / 2e-5 + information[part * 2]).abs() < 1e-6);
        }
        let mut height = log_posterior(&regression, &at);
        for _ in 0..40 {
            regression.step(&mut at, &mut work).unwrap();
            let next = log_posterior(&regression, &at);
            assert!(next >= height - 1e-12, "{next} {height}");
            height = next;
        }
        assert!(regression.gradient(&at, &mut work).iter().all(|part| part.abs() < 1e-9));
    }

    #[test]
    fn one_score_of_two_trials_is_two_scores() {
        let step = |scores: &[f32], trials: &[f32]| {
            let ones = vec![1.0; scores.len()];
            let regression = Regression {
                covariates: &[&ones],
                offset: &vec![0.4; scores.len()],
                scores,
                trials,
                priors: &PRIORS[..1],
            };
            let mut at = [0.7];
            regression.step(&mut at, &mut Workspace::default()).unwrap();
            at[0]
        };
        assert!((step(&[0.5], &[2.0]) - step(&[1.0, 0.0], &[1.0, 1.0])).abs() < 1e-12);
        assert!((step(&[0.5], &[1.0]) - step(&[1.0, 0.0], &[1.0, 1.0])).abs() > 1e-3);
    }
}
