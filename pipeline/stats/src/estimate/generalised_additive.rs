//! A generalised additive model of the full score: smooth curves of one or two summaries of the
//! answers.

use super::training::{Training, mean};
use crate::{
    StatsError,
    linalg::{Cholesky, components_of_columns, dot_lanes},
    matrix::CompleteMatrix,
    select::Subset,
};

/// Equal pieces that the range of a summary is cut into.
const SEGMENTS: usize = 10;
/// Cubic B-splines that span these pieces.
pub const SPLINES: usize = SEGMENTS + 3;
/// Roughness penalties tried for each curve: one a decade, 10^-3 to 10^5, where it is a line.
const PENALTIES: usize = 9;

/// Intercept plus one curve a summary.
#[derive(Debug, Clone, PartialEq)]
pub struct GeneralisedAdditive {
    /// Added to the curves.
    pub intercept: f64,
    /// At most two: of the subset mean, and of the answers' first principal component.
    pub curves: Vec<Curve>,
    /// Root mean square of the exact leave-one-out errors, in score units.
    pub left_out_error: f64,
}

/// A cubic spline of a weighted sum of the answers, straight outside the sources' range.
///
/// Its knots cut [`lower`, `upper`] into ten equal pieces.
///
/// [`lower`]: Curve::lower
/// [`upper`]: Curve::upper
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// One a subset item: the summary is their product sum with the answers.
    pub weights: Vec<f64>,
    /// Least value of the summary among the sources.
    pub lower: f64,
    /// Greatest value of the summary among the sources.
    pub upper: f64,
    /// One a B-spline, [`SPLINES`] of them.
    pub coefficients: Vec<f64>,
}

impl GeneralisedAdditive {
    /// Intercept plus curves, not cut to [0, 1], from one answer a subset item.
    pub fn estimate(&self, answers: &[f64]) -> f64 {
        self.curves.iter().fold(self.intercept, |sum, curve| sum + curve.at(answers))
    }
}

impl Curve {
    fn at(&self, answers: &[f64]) -> f64 {
        let place = (dot_lanes(&self.weights, answers) - self.lower) / (self.upper - self.lower);
        dot_lanes(&self.coefficients, &splines(place))
    }
}

/// Fits curves of the subset mean and, where it lowers the exact leave-one-out error, of the first
/// principal component of the subset's answers, as metabench (Kipnis et al., ICLR 2025) does with
/// subset scores and a factor.
///
/// Cubic B-splines with a penalty on second differences of neighbouring coefficients; source: Eilers
/// and Marx, "Flexible smoothing with B-splines and penalties", Statistical Science 11 (1996). The
/// penalties minimise the sum of (e_i / (1 - h_ii))^2. A summary that is equal for all sources gets no
/// curve. Errors with fewer than 3 models, no items, or scores of the wrong shape.
pub fn fit(
    sources: &CompleteMatrix,
    subset: &Subset,
    full_scores: &[f64],
) -> Result<GeneralisedAdditive, StatsError> {
    let what = ("a generalised additive model", 3);
    let training = Training::new(sources, &subset.items, full_scores, what)?;
    let component = components_of_columns(&training.columns, 1)?;
    let summaries: Vec<Summary> = [subset.weights.clone(), component.loadings]
        .into_iter()
        .filter(|weights| !weights.is_empty())
        .filter_map(|weights| Summary::new(&training, weights))
        .collect();
    let mut best = Fit::constant(full_scores);
    for count in 1..=summaries.len() {
        let design = Design::new(&summaries[..count], full_scores);
        for choice in 0..PENALTIES.pow(count as u32) {
            let found = design.solve(choice)?;
            if found.error < best.error {
                best = found;
            }
        }
    }
    Ok(best.finish(summaries, full_scores))
}

/// Values of a summary for the sources, as places in its range.
struct Summary {
    weights: Vec<f64>,
    lower: f64,
    upper: f64,
    /// One a model, in [0, 1].
    places: Vec<f64>,
}

impl Summary {
    /// None when all sources have one value, up to rounding.
    fn new(training: &Training<'_>, weights: Vec<f64>) -> Option<Self> {
        let mut values = vec![0.0; training.models()];
        for (column, weight) in training.columns.iter().zip(&weights) {
            crate::linalg::add_scaled(&mut values, *weight, column);
        }
        let lower = values.iter().copied().fold(f64::INFINITY, f64::min);
        let upper = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let places = values.iter().map(|value| (value - lower) / (upper - lower)).collect();
        (upper - lower > 1e-9).then_some(Self { weights, lower, upper, places })
    }
}

/// The B-splines at a place of the range [0, 1], continued straight outside.
fn splines(place: f64) -> [f64; SPLINES] {
    let inside = place.clamp(0.0, 1.0);
    let scaled = inside * SEGMENTS as f64;
    let segment = (scaled as usize).min(SEGMENTS - 1);
    let (f, beyond) = (scaled - segment as f64, (place - inside) * SEGMENTS as f64);
    let g = 1.0 - f;
    // The four cubic pieces that overlap a segment, and their slopes.
    let values =
        [g * g * g, 4.0 + f * f * (3.0 * f - 6.0), 4.0 + g * g * (3.0 * g - 6.0), f * f * f];
    let slopes = [-3.0 * g * g, f * (9.0 * f - 12.0), g * (12.0 - 9.0 * g), 3.0 * f * f];
    let mut all = [0.0; SPLINES];
    for ((into, value), slope) in all[segment..].iter_mut().zip(values).zip(slopes) {
        *into = (value + beyond * slope) / 6.0;
    }
    all
}

/// Coefficients of a penalised regression, and how well it does on the models it leaves out.
struct Fit {
    /// Sum of squared leave-one-out residuals.
    error: f64,
    /// Of the splines of one curve after another.
    coefficients: Vec<f64>,
    intercept: f64,
}

impl Fit {
    /// The mean score alone; a left-out residual is e n / (n - 1).
    fn constant(scores: &[f64]) -> Self {
        let (intercept, models) = (mean(scores), scores.len() as f64);
        let residual = |score: &f64| (score - intercept) * models / (models - 1.0);
        let error = scores.iter().map(|score| residual(score) * residual(score)).sum();
        Self { error, coefficients: Vec::new(), intercept }
    }

    fn finish(self, summaries: Vec<Summary>, scores: &[f64]) -> GeneralisedAdditive {
        let curves = self.coefficients.chunks(SPLINES).zip(summaries).map(|(coefficients, of)| {
            let Summary { weights, lower, upper, .. } = of;
            Curve { weights, lower, upper, coefficients: coefficients.to_vec() }
        });
        let left_out_error = (self.error / scores.len() as f64).sqrt();
        GeneralisedAdditive { intercept: self.intercept, curves: curves.collect(), left_out_error }
    }
}

/// Splines of all curves at all models, centred, and their cross products.
struct Design {
    width: usize,
    means: Vec<f64>,
    /// One a model.
    rows: Vec<Vec<f64>>,
    gram: Vec<f64>,
    right: Vec<f64>,
    mean_score: f64,
    scores: Vec<f64>,
}

impl Design {
    fn new(summaries: &[Summary], full_scores: &[f64]) -> Self {
        let width = summaries.len() * SPLINES;
        let mut rows: Vec<Vec<f64>> = (0..full_scores.len())
            .map(|model| summaries.iter().flat_map(|of| splines(of.places[model])).collect())
            .collect();
        let column_mean = |column: usize| {
            rows.iter().map(|row| row[column]).sum::<f64>() / full_scores.len() as f64
        };
        let means: Vec<f64> = (0..width).map(column_mean).collect();
        for row in &mut rows {
            row.iter_mut().zip(&means).for_each(|(value, mean)| *value -= mean);
        }
        let mean_score = mean(full_scores);
        let scores: Vec<f64> = full_scores.iter().map(|score| score - mean_score).collect();
        let mut right = vec![0.0; width];
        for (row, score) in rows.iter().zip(&scores) {
            crate::linalg::add_scaled(&mut right, *score, row);
        }
        let gram = crate::linalg::outer_sum(width, &rows);
        Self { width, means, rows, gram, right, mean_score, scores }
    }

    /// The fit under the penalties of one choice, a number whose digits name a decade a curve.
    fn solve(&self, choice: usize) -> Result<Fit, StatsError> {
        let mut system = self.gram.clone();
        let mut digits = choice;
        for start in (0..self.width).step_by(SPLINES) {
            let penalty = libm::pow(10.0, (digits % PENALTIES) as f64 - 3.0);
            self.penalise(&mut system, start, penalty);
            digits /= PENALTIES;
        }
        let factor = Cholesky::factor(self.width, &system)?;
        let coefficients = factor.solve(&self.right);
        let models = self.scores.len() as f64;
        let mut error = 0.0;
        for (row, score) in self.rows.iter().zip(&self.scores) {
            let kept = 1.0 - factor.inverse_quadratic(row) - 1.0 / models;
            // The floor keeps a model that determines its own fit from dividing by zero.
            let left_out = (score - dot_lanes(row, &coefficients)) / kept.max(1e-3);
            error += left_out * left_out;
        }
        let intercept = self.mean_score - dot_lanes(&self.means, &coefficients);
        Ok(Fit { error, coefficients, intercept })
    }

    /// Adds penalty x (second differences)^2 of a curve's coefficients, and a little of their squares:
    /// the curves' constants are left to the intercept, and lines of two summaries may coincide.
    fn penalise(&self, system: &mut [f64], start: usize, penalty: f64) {
        let stencil = [1.0, -2.0, 1.0];
        for first in start..start + SPLINES - 2 {
            for (a, one) in stencil.iter().enumerate() {
                for (b, other) in stencil.iter().enumerate() {
                    system[(first + a) * self.width + first + b] += penalty * one * other;
                }
            }
        }
        for place in start..start + SPLINES {
            system[place * self.width + place] += 1e-6 * self.scores.len() as f64;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{matrix::ResponseMatrix, rng::Stream};

    fn equal(items: usize) -> Subset {
        Subset { items: (0..items).collect(), weights: vec![1.0 / items as f64; items] }
    }

    #[test]
    fn splines_sum_to_one_rebuild_lines_and_go_on_straight() {
        // Coefficients that rise by one a spline give the line 10 u + 1 (de Boor: linear precision).
        let line: Vec<f64> = (0..SPLINES).map(|place| place as f64).collect();
        for place in [-0.7, 0.0, 0.03, 0.4, 0.55, 1.0, 1.9] {
            let values = splines(place);
            assert!((values.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            assert!((dot_lanes(&line, &values) - 10.0 * place - 1.0).abs() < 1e-12);
        }
        // A parabola goes on along its tangent: c_j = (j - 1)^2 - 1/3 is (10 u)^2.
        let square: Vec<f64> =
            (0..SPLINES).map(|place| (place as f64 - 1.0).powi(2) - 1.0 / 3.0).collect();
        assert!((dot_lanes(&square, &splines(0.37)) - 13.69).abs() < 1e-12);
        assert!((dot_lanes(&square, &splines(1.5)) - (100.0 + 20.0 * 5.0)).abs() < 1e-12);
    }

    #[test]
    fn a_curve_of_the_mean_is_recovered() {
        let mut stream = Stream::new(1, "gam", 0);
        let (mut scores, mut full) = (Vec::new(), Vec::new());
        for _ in 0..120 {
            let row: Vec<f32> = (0..4).map(|_| stream.uniform() as f32).collect();
            let mean = row.iter().map(|score| f64::from(*score)).sum::<f64>() / 4.0;
            full.push(mean * mean);
            scores.extend(row);
        }
        let sources = ResponseMatrix::new(120, 4, scores).unwrap().imputed().unwrap();
        let fitted = fit(&sources, &equal(4), &full).unwrap();
        for level in [0.3, 0.5, 0.7] {
            assert!((fitted.estimate(&[level; 4]) - level * level).abs() < 2e-3);
        }
        assert!(fitted.left_out_error < 2e-3);
    }

    #[test]
    fn a_second_summary_is_taken_when_it_tells_more() {
        // Full score is item 1 alone, which varies most; the subset mean mixes in noise.
        let mut stream = Stream::new(2, "gam", 0);
        let (mut scores, mut full) = (Vec::new(), Vec::new());
        for _ in 0..60 {
            let telling = stream.uniform();
            scores.extend([0.3 * stream.uniform() as f32, telling as f32]);
            full.push(telling);
        }
        let sources = ResponseMatrix::new(60, 2, scores).unwrap().imputed().unwrap();
        let fitted = fit(&sources, &equal(2), &full).unwrap();
        assert_eq!(fitted.curves.len(), 2);
        assert!((fitted.estimate(&[0.1, 0.6]) - 0.6).abs() < 0.01);
    }

    #[test]
    fn the_shortcut_equals_leaving_each_model_out() {
        let mut stream = Stream::new(3, "gam", 0);
        let scores: Vec<f32> = (0..36).map(|_| stream.uniform() as f32).collect();
        let sources = ResponseMatrix::new(12, 3, scores).unwrap().imputed().unwrap();
        let full: Vec<f64> = (0..12).map(|_| stream.uniform()).collect();
        let (items, weights) = (vec![0, 1, 2], vec![1.0 / 3.0; 3]);
        let training = Training::new(&sources, &items, &full, ("", 3)).unwrap();
        let summary = Summary::new(&training, weights).unwrap();
        let shortcut = Design::new(std::slice::from_ref(&summary), &full).solve(4).unwrap().error;
        let mut explicit = 0.0;
        for out in 0..12 {
            let without = |values: &[f64]| -> Vec<f64> {
                (0..12).filter(|model| *model != out).map(|model| values[model]).collect()
            };
            let places = without(&summary.places);
            let rest = Summary { weights: Vec::new(), lower: 0.0, upper: 1.0, places };
            let mut design = Design::new(&[rest], &without(&full));
            // The little ridge of all twelve.
            for place in 0..SPLINES {
                design.gram[place * SPLINES + place] += 1e-6;
            }
            let fit = design.solve(4).unwrap();
            let said = fit.intercept + dot_lanes(&fit.coefficients, &splines(summary.places[out]));
            explicit += (full[out] - said).powi(2);
        }
        assert!((shortcut - explicit).abs() < 1e-9, "{shortcut} {explicit}");
    }

    #[test]
    fn equal_answers_give_the_mean_score() {
        let ones = ResponseMatrix::new(3, 2, vec![1.0; 6]).unwrap().imputed().unwrap();
        let fitted = fit(&ones, &equal(2), &[0.0, 0.5, 1.0]).unwrap();
        assert!(fitted.curves.is_empty() && (fitted.estimate(&[0.0, 1.0]) - 0.5).abs() < 1e-15);
    }
}
