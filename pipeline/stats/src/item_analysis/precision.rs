//! How finely a weighted mean of items tells models apart, be they of one benchmark or of several.

use super::{RepeatedAnswers, SignalToNoise, reliability::mean_squares};
use crate::{StatsError, matrix::ResponseMatrix};

/// Items of one benchmark in a weighted mean.
#[derive(Debug, Clone, PartialEq)]
pub struct Stratum {
    /// Column and weight of each; the weights of all strata sum to one.
    pub items: Vec<(usize, f64)>,
}

impl Stratum {
    fn columns(&self) -> Vec<usize> {
        self.items.iter().map(|(item, _)| *item).collect()
    }
}

/// Strata of the items that have weight, by benchmark; weights are scaled to sum to one.
///
/// `weights` and `groups` give weight and benchmark of every column of the matrix.
pub fn strata(weights: &[f64], groups: &[u32]) -> Vec<Stratum> {
    let total: f64 = weights.iter().sum();
    let mut strata: std::collections::BTreeMap<u32, Stratum> = std::collections::BTreeMap::new();
    for (item, (weight, group)) in weights.iter().zip(groups).enumerate() {
        if *weight > 0.0 {
            let stratum = strata.entry(*group).or_insert_with(|| Stratum { items: Vec::new() });
            stratum.items.push((item, weight / total));
        }
    }
    strata.into_values().collect()
}

/// Reliability and resolution of a weighted mean.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Precision {
    /// Models with an answer in every stratum: those that it was computed from.
    pub models: usize,
    /// 1 - noise / variance of the means; None when all models score the same. Of one stratum of
    /// equal weights this is KR-20, or Cronbach's alpha.
    pub alpha: Option<f64>,
    /// Standard deviation of the models' means (denominator models - 1).
    pub score_deviation: f64,
    /// Answers that a score is the mean of (harmonic mean); None without repeated answers.
    pub trials: Option<f64>,
    /// Where the variance of the means comes from.
    pub signal: SignalToNoise,
}

impl Precision {
    /// Standard error of measurement of a mean.
    pub fn standard_error(&self) -> f64 {
        self.signal.noise.sqrt()
    }
}

/// Precision of the mean over strata, each answered by a sample of its own kind of items.
///
/// Noise is the sum over strata of residual mean square x sum of squared weights, the residual being
/// that of [`super::reliability()`], so that a benchmark's difference in level from the others is no
/// noise: stratified alpha (Cronbach, Schoenemann and McKie, Educational and Psychological
/// Measurement 25, 1965). Chance between trials is known where every stratum has repeated answers;
/// `repeated` is laid out as the matrix.
///
/// Errors with fewer than two models that have an answer in every stratum, and where a stratum leaves
/// no degree of freedom, as one of a single item does.
pub fn precision(
    matrix: &ResponseMatrix,
    strata: &[Stratum],
    repeated: Option<&RepeatedAnswers>,
) -> Result<Precision, StatsError> {
    let answers = |model: usize| {
        let in_stratum =
            |stratum: &Stratum| stratum.items.iter().any(|(j, _)| matrix.get(model, *j).is_some());
        strata.iter().all(in_stratum)
    };
    let models: Vec<usize> = (0..matrix.models()).filter(|&model| answers(model)).collect();
    if models.len() < 2 {
        let (what, needed) = ("reliability", 2);
        return Err(StatsError::TooFewModels { what, needed, got: models.len() });
    }
    let rows = matrix.select_models(&models)?;
    let mut means = vec![0.0; models.len()];
    let (mut noise, mut trial_noise, mut reciprocals) = (0.0, Some(0.0), 0.0);
    for stratum in strata {
        let part = rows.select_items(&stratum.columns())?;
        let squares: f64 = stratum.items.iter().map(|(_, weight)| weight * weight).sum();
        noise += mean_squares(&part)?.residual * squares;
        let complete = part.imputed()?;
        for (column, (_, weight)) in stratum.items.iter().enumerate() {
            let scores = complete.item(column);
            means.iter_mut().zip(scores).for_each(|(mean, score)| *mean += weight * score);
        }
        let cells = models.iter().flat_map(|&model| {
            stratum.items.iter().map(move |(item, _)| model * matrix.items() + item)
        });
        let trials = repeated.and_then(|repeated| repeated.within(cells));
        let more = trials.map(|trials| trials.noise(squares)).transpose()?;
        trial_noise = trial_noise.zip(more).map(|(sum, more)| sum + more);
        let share: f64 = stratum.items.iter().map(|(_, weight)| weight).sum();
        reciprocals += trials.map_or(0.0, |trials| share / trials.per_item);
    }
    let trial_noise = trial_noise.filter(|_| !strata.is_empty());
    let variance = variance(&means);
    Ok(Precision {
        models: models.len(),
        // Below the rounding of single-precision scores.
        alpha: (variance > 1e-16).then(|| 1.0 - noise / variance),
        score_deviation: variance.sqrt(),
        trials: trial_noise.map(|_| 1.0 / reciprocals),
        signal: SignalToNoise {
            signal: (variance - noise).max(0.0),
            noise,
            item_noise: (noise - trial_noise.unwrap_or(0.0)).max(0.0),
            trial_noise,
        },
    })
}

/// Of a sample.
fn variance(values: &[f64]) -> f64 {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / (count - 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item_analysis::{reliability, signal_to_noise};

    const GAP: f32 = f32::NAN;

    fn triangle() -> ResponseMatrix {
        let scores = vec![1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0];
        ResponseMatrix::new(4, 3, scores).unwrap()
    }

    #[test]
    fn one_benchmark_of_equal_weights_is_the_classical_case() {
        // KR-20 is 3/4, as the tests of `reliability` work out.
        let matrix = triangle();
        let result = precision(&matrix, &strata(&[2.0; 3], &[0; 3]), None).unwrap();
        assert!((result.alpha.unwrap() - 0.75).abs() < 1e-12, "{result:?}");
        let (whole, signal) =
            (reliability(&matrix).unwrap(), signal_to_noise(&matrix, None).unwrap());
        assert!((result.standard_error() - whole.standard_error).abs() < 1e-12);
        assert!((result.score_deviation - whole.score_deviation).abs() < 1e-12);
        assert!((result.signal.signal - signal.signal).abs() < 1e-12);
        assert_eq!((result.trials, result.signal.trial_noise), (None, None));
        // A subset of two: totals 2, 1, 0, 0 have variance 11/12, items 1/4 and 3/16:
        // KR-20 with the population's variance 11/16 is 2 (1 - 7/11).
        let result = precision(&matrix, &strata(&[0.0, 1.0, 1.0], &[0; 3]), None).unwrap();
        assert!((result.alpha.unwrap() - 8.0 / 11.0).abs() < 1e-12, "{result:?}");
    }

    #[test]
    fn noise_of_benchmarks_adds_up_by_the_squares_of_their_weights() {
        // Twice the same benchmark, weights 2/3 and 1/3: means as of one, noise 4/9 + 1/9 of it.
        let one = precision(&triangle(), &strata(&[1.0; 3], &[0; 3]), None).unwrap();
        let twice = triangle().select_items(&[0, 1, 2, 0, 1, 2]).unwrap();
        let weights = [2.0, 2.0, 2.0, 1.0, 1.0, 1.0];
        let both = precision(&twice, &strata(&weights, &[0, 0, 0, 1, 1, 1]), None).unwrap();
        assert!((both.signal.noise / one.signal.noise - 5.0 / 9.0).abs() < 1e-12, "{both:?}");
        assert!((both.score_deviation - one.score_deviation).abs() < 1e-12);
        assert!((both.alpha.unwrap() - (1.0 - 0.25 * 5.0 / 9.0)).abs() < 1e-12);
    }

    #[test]
    fn chance_between_trials_is_told_apart() {
        // Every cell four answers; variance within 1/10 in all: noise of a mean of three items.
        let repeated = RepeatedAnswers { counts: vec![4.0; 12], squares: vec![0.3; 12] };
        let all = strata(&[1.0; 3], &[0; 3]);
        let result = precision(&triangle(), &all, Some(&repeated)).unwrap();
        assert!((result.signal.trial_noise.unwrap() - 0.1 / 12.0).abs() < 1e-8, "{result:?}");
        assert_eq!(result.trials, Some(4.0));
        // A benchmark without repeats leaves it unknown.
        let counts = (0..12).map(|at| if at % 3 == 2 { 1.0 } else { 4.0 }).collect();
        let repeated = RepeatedAnswers { counts, squares: vec![0.0; 12] };
        let twice = strata(&[1.0; 3], &[0, 0, 1]);
        assert!(precision(&triangle(), &twice, Some(&repeated)).is_err());
        let matrix = triangle().select_items(&[0, 1, 2, 2]).unwrap();
        let counts = (0..16).map(|at| if at % 4 > 1 { 1.0 } else { 4.0 }).collect();
        let repeated = RepeatedAnswers { counts, squares: vec![0.0; 16] };
        let twice = strata(&[1.0; 4], &[0, 0, 1, 1]);
        let result = precision(&matrix, &twice, Some(&repeated)).unwrap();
        assert_eq!((result.trials, result.signal.trial_noise), (None, None));
    }

    #[test]
    fn models_without_answers_and_constant_scores_are_dealt_with() {
        let matrix = ResponseMatrix::new(3, 2, vec![1.0, 1.0, GAP, GAP, 0.0, 0.0]).unwrap();
        let all = strata(&[1.0; 2], &[0; 2]);
        let result = precision(&matrix, &all, None).unwrap();
        assert_eq!((result.models, result.alpha), (2, Some(1.0)));
        let one = matrix.select_models(&[0, 1]).unwrap();
        let error = StatsError::TooFewModels { what: "reliability", needed: 2, got: 1 };
        assert_eq!(precision(&one, &all, None), Err(error));
        let ones = ResponseMatrix::new(3, 2, vec![1.0; 6]).unwrap();
        let result = precision(&ones, &all, None).unwrap();
        assert_eq!((result.alpha, result.standard_error()), (None, 0.0));
    }
}
