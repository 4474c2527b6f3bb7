//! Ridge regression on points, its penalty and its honest error by cross-validation.

use crate::{
    StatsError,
    linalg::{Cholesky, add_scaled, dot_lanes, outer_sum},
};

/// Penalties that are tried, in units of the mean variance of a coordinate times the number of rows.
const PENALTIES: [f64; 9] = [0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0];

/// Rows with a constant at their end, dealt into folds, and what their products sum to.
pub(super) struct Rows {
    /// Numbers in a row.
    width: usize,
    rows: Vec<Vec<f64>>,
    folds: Vec<usize>,
    /// Sum of the outer products of the rows of each fold.
    grams: Vec<Vec<f64>>,
}

/// What cross-validation found.
pub(super) struct Validated {
    /// Number of the penalty that is best over all folds.
    penalty: usize,
    /// Of each row, from the other folds alone.
    pub predictions: Vec<f64>,
}

/// A finished regression: ridge, which is the posterior mean under a Gaussian prior of the coefficients.
pub(super) struct Regression {
    coefficients: Vec<f64>,
    factor: Cholesky,
    /// Variance of a value about its expectation.
    noise: f64,
}

impl Rows {
    /// Rows of one length, at least one; `folds` gives one of `fold_count` folds a row.
    pub(super) fn new(mut rows: Vec<Vec<f64>>, folds: Vec<usize>, fold_count: usize) -> Self {
        rows.iter_mut().for_each(|row| row.push(1.0));
        let width = rows.first().map_or(1, Vec::len);
        let gram = |fold| {
            let of_fold = rows.iter().zip(&folds).filter(|(_, of)| **of == fold);
            outer_sum(width, &of_fold.map(|(row, _)| row.clone()).collect::<Vec<_>>())
        };
        let grams = (0..fold_count).map(gram).collect();
        Self { width, rows, folds, grams }
    }

    /// Predicts every row from the other folds. The penalty of each fold is chosen without it: the one
    /// whose predictions of each further fold, made without both, err least.
    pub(super) fn validate(&self, responses: &[&[f64]]) -> Result<Vec<Validated>, StatsError> {
        let folds = self.grams.len();
        let alone = (0..folds)
            .map(|fold| self.fits(responses, &[fold]))
            .collect::<Result<Vec<_>, StatsError>>()?;
        let mut tallies = vec![vec![[0.0; PENALTIES.len()]; folds]; responses.len()];
        for first in 0..folds {
            for second in first + 1..folds {
                let both = self.fits(responses, &[first, second])?;
                for (tally, (fits, values)) in tallies.iter_mut().zip(both.iter().zip(responses)) {
                    add_scaled(&mut tally[first], 1.0, &self.errors(fits, values, second));
                    add_scaled(&mut tally[second], 1.0, &self.errors(fits, values, first));
                }
            }
        }
        let validated = responses.iter().enumerate().map(|(number, values)| {
            let (mut total, mut predictions) = ([0.0; PENALTIES.len()], vec![0.0; values.len()]);
            for fold in 0..folds {
                let fits = &alone[fold][number];
                add_scaled(&mut total, 1.0, &self.errors(fits, values, fold));
                let chosen = &fits[least(&tallies[number][fold])];
                for row in self.of_fold(fold) {
                    predictions[row] = dot_lanes(&self.rows[row], chosen);
                }
            }
            Validated { penalty: least(&total), predictions }
        });
        Ok(validated.collect())
    }

    /// The regression on all rows, with the noise that cross-validation found.
    pub(super) fn regression(
        &self,
        values: &[f64],
        validated: &Validated,
    ) -> Result<Regression, StatsError> {
        let gram = self.gram(&[]);
        let factor = self.factor(&gram, PENALTIES[validated.penalty])?;
        let coefficients = factor.solve(&self.sums(values, &[]));
        let errors = values.iter().zip(&validated.predictions);
        let squares: f64 = errors.map(|(a, b)| (a - b) * (a - b)).sum();
        let rows = self.rows.len() as f64;
        // The trace of G (G + penalty)^-1: the mean leverage of a row, times the rows.
        let leverage = dot_lanes(&gram, &factor.inverse()) / rows;
        Ok(Regression { coefficients, factor, noise: squares / rows / (1.0 + leverage) })
    }

    /// Coefficients by response and penalty, without some folds.
    fn fits(
        &self,
        responses: &[&[f64]],
        left_out: &[usize],
    ) -> Result<Vec<Vec<Vec<f64>>>, StatsError> {
        let gram = self.gram(left_out);
        let sums: Vec<Vec<f64>> =
            responses.iter().map(|values| self.sums(values, left_out)).collect();
        let mut fits = vec![Vec::with_capacity(PENALTIES.len()); responses.len()];
        for penalty in PENALTIES {
            let factor = self.factor(&gram, penalty)?;
            for (fits, sums) in fits.iter_mut().zip(&sums) {
                fits.push(factor.solve(sums));
            }
        }
        Ok(fits)
    }

    /// Sum of squared errors on a fold, one a fit.
    fn errors(&self, fits: &[Vec<f64>], values: &[f64], fold: usize) -> Errors {
        let mut errors = [0.0; PENALTIES.len()];
        for row in self.of_fold(fold) {
            for (sum, fit) in errors.iter_mut().zip(fits) {
                let error = values[row] - dot_lanes(&self.rows[row], fit);
                *sum += error * error;
            }
        }
        errors
    }

    fn of_fold(&self, fold: usize) -> impl Iterator<Item = usize> {
        (0..self.rows.len()).filter(move |&row| self.folds[row] == fold)
    }

    /// Sum of the outer products of the rows that are not left out.
    fn gram(&self, left_out: &[usize]) -> Vec<f64> {
        let mut sum = vec![0.0; self.width * self.width];
        for (_, gram) in self.grams.iter().enumerate().filter(|(fold, _)| !left_out.contains(fold))
        {
            add_scaled(&mut sum, 1.0, gram);
        }
        sum
    }

    /// Values times rows, summed over the rows that are not left out.
    fn sums(&self, values: &[f64], left_out: &[usize]) -> Vec<f64> {
        let mut sums = vec![0.0; self.width];
        for ((row, value), fold) in self.rows.iter().zip(values).zip(&self.folds) {
            if !left_out.contains(fold) {
                add_scaled(&mut sums, *value, row);
            }
        }
        sums
    }

    /// The penalised system; the constant at the end has no penalty.
    fn factor(&self, gram: &[f64], penalty: f64) -> Result<Cholesky, StatsError> {
        let (width, dimensions) = (self.width, self.width - 1);
        let rows = gram[width * width - 1];
        let centred = |at: usize| {
            let sum = gram[dimensions * width + at];
            gram[at * width + at] - sum * sum / rows
        };
        let variance = (0..dimensions).map(centred).sum::<f64>() / dimensions as f64;
        let square = (0..dimensions).map(|at| gram[at * width + at]).sum::<f64>();
        // Points that all but coincide: any penalty leaves the mean.
        let unit = if variance > 1e-12 * square { variance } else { 1.0 + square };
        let mut system = gram.to_vec();
        for at in 0..dimensions {
            system[at * width + at] += penalty * unit;
        }
        Cholesky::factor(width, &system)
    }
}

/// Squared errors, one a penalty.
type Errors = [f64; PENALTIES.len()];

/// The first of the smallest.
fn least(errors: &Errors) -> usize {
    let mut best = 0;
    for (at, error) in errors.iter().enumerate() {
        if *error < errors[best] {
            best = at;
        }
    }
    best
}

impl Regression {
    /// Prediction and its standard error for a row, in units of the response; the error is that of
    /// Bayesian linear regression (Bishop, *Pattern Recognition and Machine Learning*, eq. 3.58).
    pub(super) fn predict(&self, row: &[f64]) -> (f64, f64) {
        let row = [row, &[1.0]].concat();
        let value = dot_lanes(&row, &self.coefficients);
        (value, (self.noise * (1.0 + self.factor.inverse_quadratic(&row))).sqrt())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{rng::Stream, simulated::normal};

    /// 300 rows of 8, and values: linear in two of the numbers, with noise of deviation 0.5.
    fn world() -> (Rows, Vec<f64>) {
        let mut stream = Stream::new(1, "ridge", 0);
        let rows: Vec<Vec<f64>> =
            (0..300).map(|_| (0..8).map(|_| normal(&mut stream)).collect()).collect();
        let value = |row: &Vec<f64>| 3.0 + row[0] - 0.5 * row[5] + 0.5 * normal(&mut stream);
        let values = rows.iter().map(value).collect();
        (Rows::new(rows, (0..300).map(|row| row % 5).collect(), 5), values)
    }

    #[test]
    fn a_linear_response_comes_back_with_the_noise_it_has() {
        let (rows, values) = world();
        let validated = rows.validate(&[&values]).unwrap().remove(0);
        let errors = values.iter().zip(&validated.predictions);
        let error = (errors.map(|(a, b)| (a - b).powi(2)).sum::<f64>() / 300.0).sqrt();
        assert!((0.45..0.56).contains(&error), "{error}");
        let regression = rows.regression(&values, &validated).unwrap();
        let mut row = [0.0; 8];
        row[0] = 2.0;
        let (value, deviation) = regression.predict(&row);
        assert!(
            (value - 5.0).abs() < 0.15 && (deviation - 0.5).abs() < 0.06,
            "{value} {deviation}"
        );
        // Far from all rows less is known.
        assert!(regression.predict(&[30.0; 8]).1 > 2.0 * deviation);
    }

    #[test]
    fn coefficients_solve_the_penalised_normal_equations() {
        let (rows, values) = world();
        let fit = &rows.fits(&[&values], &[2]).unwrap()[0][6];
        let kept: Vec<usize> = (0..300).filter(|row| row % 5 != 2).collect();
        let of =
            |at: usize| kept.iter().map(move |&row| (at, row)).map(|(at, row)| rows.rows[row][at]);
        let mean = |at: usize| of(at).sum::<f64>() / 240.0;
        let variance = |at: usize| of(at).map(|value| (value - mean(at)).powi(2)).sum::<f64>();
        let unit = (0..8).map(variance).sum::<f64>() / 8.0;
        for at in 0..9 {
            let residual =
                |&row: &usize| rows.rows[row][at] * (values[row] - dot_lanes(&rows.rows[row], fit));
            let penalty = if at < 8 { PENALTIES[6] * unit * fit[at] } else { 0.0 };
            let gradient = kept.iter().map(residual).sum::<f64>() - penalty;
            assert!(gradient.abs() < 1e-8, "{at}: {gradient}");
        }
    }

    #[test]
    fn a_fold_is_predicted_without_a_look_at_it() {
        let (rows, mut values) = world();
        let predict = |values: &[f64]| rows.validate(&[values]).unwrap().remove(0).predictions;
        let before = predict(&values);
        // Fold 3 turned into nonsense: its own predictions stay as they were, others move.
        values.iter_mut().skip(3).step_by(5).for_each(|value| *value *= -40.0);
        let after = predict(&values);
        assert!((3..300).step_by(5).all(|row| before[row] == after[row]));
        assert!((0..300).any(|row| row % 5 != 3 && before[row] != after[row]));
    }

    #[test]
    fn coinciding_rows_give_the_mean() {
        let values: Vec<f64> = (0..20).map(|row| f64::from(row % 2)).collect();
        for value in [0.0, 0.7] {
            let rows = Rows::new(vec![vec![value; 2]; 20], (0..20).map(|row| row / 4).collect(), 5);
            let validated = rows.validate(&[&values]).unwrap();
            assert!(validated[0].predictions.iter().all(|p| (p - 0.5).abs() < 1e-6));
        }
    }
}
