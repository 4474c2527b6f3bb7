//! How good a procedure is on models that it has not seen.

use crate::{
    StatsError,
    estimate::{self, Fitted},
    interval::{Answers, Interval, Intervals, Problem, StreamKey},
    matrix::ResponseMatrix,
    procedure::Procedure,
    rank::kendall_tau_b,
    select::Subset,
    sources::Sources,
    split::Split,
};

/// What is measured over the held-out models of one split; errors as fractions, not points.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quality {
    /// Number of held-out models.
    pub models: usize,
    /// Mean absolute error.
    pub mean_absolute_error: f64,
    /// Root mean square error.
    pub root_mean_square_error: f64,
    /// Mean of estimate minus truth.
    pub bias: f64,
    /// 95th percentile of the absolute error (nearest rank).
    pub percentile_95: f64,
    /// Kendall's tau-b of estimates against truths; None when either is constant.
    pub kendall_tau: Option<f64>,
    /// Share of the truths inside their 95 % interval.
    pub coverage: f64,
    /// Mean width of the intervals.
    pub width: f64,
}

/// Measures a procedure on one split: select and fit on the sources, estimate the held-out models.
///
/// `problem.matrix` holds all models. Held-out models enter only through their answers on the chosen
/// items, and as truths.
pub fn evaluate(
    procedure: Procedure,
    problem: &Problem<'_>,
    repetition: Repetition<'_>,
    key: StreamKey<'_>,
) -> Result<Quality, StatsError> {
    let Repetition { number: repetition, split: Split { sources, held_out } } = repetition;
    let source_matrix = problem.matrix.select_models(sources)?;
    let source_problem = Problem { matrix: &source_matrix, ..*problem };
    let label = format!("{}/{repetition}", key.label);
    let inner = StreamKey { label: &label, ..key };
    let sources = Sources::new(&source_matrix, problem.target, problem.pool, inner)?
        .with_points(problem.points)?;
    let (subset, fitted) =
        procedure.run(&sources, problem.k, &mut key.stream("select", repetition))?;
    let intervals = Intervals::calibrate(procedure, &source_problem, inner)?;
    let used = Used { sources: &sources, subset: &subset, fitted: &fitted, intervals };
    Ok(summarise(&used.predict(problem.matrix, held_out)?))
}

/// A procedure that has run: all that it takes to estimate further models.
#[derive(Clone)]
pub struct Used<'a> {
    /// What it learnt from.
    pub sources: &'a Sources<'a>,
    /// The items it chose.
    pub subset: &'a Subset,
    /// The estimator.
    pub fitted: &'a Fitted,
    /// How its intervals are made.
    pub intervals: Intervals,
}

impl Used<'_> {
    /// Estimates the rows `models` of `matrix`, which has the sources' columns; a model without an
    /// answer on the subset is left out. Errors when that leaves none.
    pub fn predict(
        &self,
        matrix: &ResponseMatrix,
        models: &[usize],
    ) -> Result<Vec<Prediction>, StatsError> {
        let full = |model: usize| self.sources.target.mean(|item| matrix.get(model, item));
        let mut predictions = Vec::with_capacity(models.len());
        for &model in models {
            let answers = estimate::answers(matrix, model, self.subset);
            let filled = estimate::fill_gaps(&answers, &self.sources.complete, self.subset);
            let Some(filled) = filled else { continue };
            let answered: Vec<f64> = answers.into_iter().flatten().collect();
            let estimate = self.fitted.estimate(&filled)?;
            let answers = Answers { filled: &filled, answered: &answered };
            let interval = self.intervals.interval(self.fitted, answers, matrix.items())?;
            predictions.push(Prediction { truth: full(model), estimate, interval });
        }
        match predictions.is_empty() {
            true => Err(StatsError::NothingToMeasure { k: self.subset.items.len() }),
            false => Ok(predictions),
        }
    }
}

/// One of several random splits.
#[derive(Debug, Clone, Copy)]
pub struct Repetition<'a> {
    /// Its number, part of the key of every random stream.
    pub number: u64,
    /// The models on either side.
    pub split: &'a Split,
}

/// One held-out model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prediction {
    /// Score over all items.
    pub truth: f64,
    /// Score estimated from the subset.
    pub estimate: f64,
    /// Its 95 % interval.
    pub interval: Interval,
}

/// Summary over the predictions, at least one, in their order.
pub fn summarise(predictions: &[Prediction]) -> Quality {
    let count = predictions.len() as f64;
    let mean =
        |value: &dyn Fn(&Prediction) -> f64| predictions.iter().map(value).sum::<f64>() / count;
    let mut errors: Vec<f64> = predictions.iter().map(|p| (p.estimate - p.truth).abs()).collect();
    errors.sort_by(f64::total_cmp);
    let rank = (0.95 * count).ceil() as usize;
    let estimates: Vec<f64> = predictions.iter().map(|p| p.estimate).collect();
    let truths: Vec<f64> = predictions.iter().map(|p| p.truth).collect();
    Quality {
        models: predictions.len(),
        mean_absolute_error: mean(&|p| (p.estimate - p.truth).abs()),
        root_mean_square_error: mean(&|p| (p.estimate - p.truth) * (p.estimate - p.truth)).sqrt(),
        bias: mean(&|p| p.estimate - p.truth),
        percentile_95: errors.get(rank.saturating_sub(1)).copied().unwrap_or(f64::NAN),
        kendall_tau: kendall_tau_b(&estimates, &truths),
        coverage: mean(&|p| f64::from(u8::from(p.interval.contains(p.truth)))),
        width: mean(&|p| p.interval.width()),
    }
}

/// Mean of several quality figures, with the standard error of the mean absolute error.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct QualitySummary {
    /// Number of repetitions.
    pub repetitions: usize,
    /// Means over the repetitions; `models` is the total number of predictions.
    pub mean: Quality,
    /// Standard error over repetitions of the mean absolute error; 0 for one repetition.
    pub standard_error: f64,
}

/// Averages over repetitions; a tau that is undefined in one repetition is left out of its mean.
pub fn average(repetitions: &[Quality]) -> QualitySummary {
    let count = repetitions.len() as f64;
    let mean = |value: &dyn Fn(&Quality) -> f64| repetitions.iter().map(value).sum::<f64>() / count;
    let taus: Vec<f64> = repetitions.iter().filter_map(|quality| quality.kendall_tau).collect();
    let error = mean(&|quality| quality.mean_absolute_error);
    let squares = mean(&|quality| {
        (quality.mean_absolute_error - error) * (quality.mean_absolute_error - error)
    });
    QualitySummary {
        repetitions: repetitions.len(),
        mean: Quality {
            models: repetitions.iter().map(|quality| quality.models).sum(),
            mean_absolute_error: error,
            root_mean_square_error: mean(&|quality| quality.root_mean_square_error),
            bias: mean(&|quality| quality.bias),
            percentile_95: mean(&|quality| quality.percentile_95),
            kendall_tau: (!taus.is_empty()).then(|| taus.iter().sum::<f64>() / taus.len() as f64),
            coverage: mean(&|quality| quality.coverage),
            width: mean(&|quality| quality.width),
        },
        standard_error: if repetitions.len() > 1 { (squares / (count - 1.0)).sqrt() } else { 0.0 },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        matrix::{ResponseMatrix, Target},
        rng::Stream,
        split::{SplitKind, split},
    };

    /// 40 models of even spread on 300 items of even difficulty, from a Rasch-like threshold rule.
    fn leaderboard() -> ResponseMatrix {
        let mut stream = Stream::new(8, "leaderboard", 0);
        let mut scores = Vec::new();
        for model in 0..40 {
            for item in 0..300 {
                let chance = 0.5 + 0.5 * (f64::from(model) / 40.0 - f64::from(item) / 300.0);
                scores.push(if stream.uniform() < chance { 1.0 } else { 0.0 });
            }
        }
        ResponseMatrix::new(40, 300, scores).unwrap()
    }

    fn quality(name: &str, kind: SplitKind) -> QualitySummary {
        let matrix = leaderboard();
        let target = Target::uniform(300).unwrap();
        let pool: Vec<usize> = (0..300).collect();
        let problem =
            Problem { matrix: &matrix, target: &target, pool: &pool, points: None, k: 50 };
        let procedure = Procedure::from_name(name).unwrap();
        let key = StreamKey { seed: 1, label: "test" };
        let full = matrix.full_scores(&target);
        let run = |number| {
            let split = split(kind, &full, 1, number).unwrap();
            evaluate(procedure, &problem, Repetition { number, split: &split }, key).unwrap()
        };
        let runs: Vec<Quality> = (0..8).map(run).collect();
        average(&runs)
    }

    #[test]
    fn stratified_beats_random_and_both_intervals_cover() {
        let random = quality("random+mean", SplitKind::Interpolation);
        let stratified = quality("stratified+mean", SplitKind::Interpolation);
        assert!(stratified.mean.mean_absolute_error < random.mean.mean_absolute_error);
        for summary in [random, stratified] {
            assert!((0.85..=1.0).contains(&summary.mean.coverage), "{summary:?}");
            assert_eq!(summary.mean.models, 80);
        }
    }

    #[test]
    fn ridge_is_biased_low_when_the_targets_are_stronger_than_all_sources() {
        let ridge = quality("random+ridge", SplitKind::Extrapolation);
        let mean = quality("random+mean", SplitKind::Extrapolation);
        assert!(ridge.mean.bias < -0.03, "{ridge:?}");
        assert!(mean.mean.bias.abs() < 0.03, "{mean:?}");
    }

    #[test]
    fn the_summary_is_the_arithmetic_that_it_says() {
        let interval = Interval { lower: 0.0, upper: 0.5 };
        let predictions = [
            Prediction { truth: 0.4, estimate: 0.5, interval },
            Prediction { truth: 0.6, estimate: 0.4, interval },
        ];
        let quality = summarise(&predictions);
        assert!((quality.mean_absolute_error - 0.15).abs() < 1e-12);
        assert!((quality.bias + 0.05).abs() < 1e-12);
        assert_eq!((quality.coverage, quality.kendall_tau), (0.5, Some(-1.0)));
        assert!((quality.percentile_95 - 0.2).abs() < 1e-12);
    }
}
