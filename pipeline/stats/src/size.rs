//! How many items it takes: error over the size of the subset, and the smallest size that is enough.
//!
//! A procedure is run on the sources of every repetition at every size of a [`grid`]; what it does on
//! the held-out models has a one-sided confidence bound ([`Size::bound`]); [`smallest`] is the first
//! size from which on the bound meets what is asked.

use std::collections::BTreeSet;

use crate::{
    StatsError, distribution,
    evaluate::{Prediction, Quality, QualitySummary, Used, average, summarise},
    interval::{Intervals, Problem, StreamKey},
    procedure::Procedure,
    sources::Sources,
    split::{Split, SplitKind},
};

/// What can be asked of a subset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// Mean absolute error, at most so many percentage points.
    MeanAbsoluteError,
    /// Kendall's tau-b of estimates against truths, at least.
    KendallTau,
    /// Mean width of the 95 % intervals, at most so many percentage points.
    Width,
}

impl Measure {
    /// All measures.
    pub const ALL: [Self; 3] = [Self::MeanAbsoluteError, Self::KendallTau, Self::Width];

    /// Name in parameters.
    pub fn name(self) -> &'static str {
        match self {
            Self::MeanAbsoluteError => "mae_pp",
            Self::KendallTau => "tau",
            Self::Width => "width_pp",
        }
    }

    /// The measure of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|measure| measure.name() == name)
    }

    /// The figure of one repetition in the unit of limits; None where a tau is undefined.
    fn figure(self, quality: &Quality) -> Option<f64> {
        match self {
            Self::MeanAbsoluteError => Some(100.0 * quality.mean_absolute_error),
            Self::KendallTau => quality.kendall_tau,
            Self::Width => Some(100.0 * quality.width),
        }
    }

    /// Whether `value` is at least as good as `limit`.
    fn meets(self, value: f64, limit: f64) -> bool {
        if self == Self::KendallTau { value >= limit } else { value <= limit }
    }

    fn write(self, value: &str) -> String {
        match self {
            Self::KendallTau => value.to_owned(),
            _ => format!("{value} pp"),
        }
    }
}

/// What is asked of a subset, and which sizes may be taken.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Request {
    /// What is measured.
    pub measure: Measure,
    /// Largest value, in percentage points, or smallest tau.
    pub limit: f64,
    /// One-sided confidence that it is met, between 1/2 and 1.
    pub confidence: f64,
    /// Smallest size.
    pub smallest: usize,
    /// Largest size; half of the items where that is less.
    pub largest: usize,
}

impl Request {
    /// Such as `MAE <= 1.5 pp with 95 % confidence`.
    pub fn text(&self) -> String {
        let limit = self.measure.write(&self.limit.to_string());
        let asked = match self.measure {
            Measure::MeanAbsoluteError => format!("MAE <= {limit}"),
            Measure::KendallTau => format!("tau-b >= {limit}"),
            Measure::Width => format!("width <= {limit}"),
        };
        // Rounded: 100 x 0.95 need not be 95.
        let percent = (1e6 * self.confidence).round() / 1e4;
        format!("{asked} with {percent} % confidence")
    }

    /// The sizes that are tried for so many items: see [`grid`]. Errors when half of the items are
    /// fewer than the smallest size.
    pub fn sizes(&self, items: usize) -> Result<Vec<usize>, StatsError> {
        let largest = self.largest.min(items / 2);
        if largest < self.smallest.max(1) {
            return Err(StatsError::BadParameter {
                what: "the smallest size",
                range: "1 to half of the items",
                value: self.smallest as f64,
            });
        }
        Ok(grid(self.smallest, largest))
    }
}

/// Sizes from `smallest` (at least 1) to `largest`, both included, each 1.25 times the one before,
/// rounded up: a size that is found is at most a quarter larger than need be.
pub fn grid(smallest: usize, largest: usize) -> Vec<usize> {
    let next = |k: &usize| Some((5 * k).div_ceil(4).max(k + 1));
    let below = std::iter::successors(Some(smallest.max(1)), next).take_while(|k| *k < largest);
    below.chain([largest]).collect()
}

/// What a confidence bound is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// Random splits, each with its own held-out models.
    Repetitions,
    /// One split, whose held-out models are a sample, and repeated draws of items.
    Models,
}

impl Over {
    /// What differs between the repetitions of a kind of split.
    pub fn of(kind: SplitKind) -> Self {
        if kind == SplitKind::Interpolation { Self::Repetitions } else { Self::Models }
    }
}

/// A procedure whose error is measured over its sizes.
#[derive(Clone, Copy)]
pub struct Curve<'a> {
    /// What selects and estimates.
    pub procedure: Procedure,
    /// All models, the target and the pool; its `k` is not looked at.
    pub problem: Problem<'a>,
    /// One a repetition.
    pub splits: &'a [Split],
    /// Whether to calibrate intervals, ten fits a size and repetition, where the procedure needs that.
    pub calibrate: bool,
}

impl Curve<'_> {
    /// Measures the sizes `ks`, in their order; one that fails does not stop the others. What does not
    /// depend on the size is computed once a repetition. Errors when the sources make no matrix.
    pub fn measure(&self, ks: &[usize], key: StreamKey<'_>) -> Result<Vec<Measured>, StatsError> {
        let has_intervals = self.calibrate || Intervals::own(self.procedure).is_some();
        let empty = |&k: &usize| Ok(Size { k, has_intervals, runs: Vec::new() });
        let mut sizes: Vec<Measured> = ks.iter().map(empty).collect();
        for (repetition, split) in self.splits.iter().enumerate() {
            let label = format!("{}/{repetition}", key.label);
            let inner = StreamKey { label: &label, ..key };
            let matrix = self.problem.matrix.select_models(&split.sources)?;
            let Problem { target, pool, points, .. } = self.problem;
            let sources = Sources::new(&matrix, target, pool, inner)?.with_points(points)?;
            for measured in &mut sizes {
                let Ok(size) = measured else { continue };
                match self.run(&sources, split, size, inner) {
                    Ok(run) => size.runs.push(run),
                    Err(error) => *measured = Err(error),
                }
            }
        }
        Ok(sizes)
    }

    fn run(
        &self,
        sources: &Sources<'_>,
        split: &Split,
        size: &Size,
        key: StreamKey<'_>,
    ) -> Result<Run, StatsError> {
        let k = size.k;
        let stream = &mut key.stream("size", k as u64);
        let (subset, fitted) = self.procedure.run(sources, k, stream)?;
        let intervals = if size.has_intervals {
            let problem = Problem { matrix: sources.responses, k, ..self.problem };
            Intervals::calibrate(self.procedure, &problem, key)?
        } else {
            // Not read: the size says that it has none.
            Intervals::Design
        };
        let used = Used { sources, subset: &subset, fitted: &fitted, intervals };
        let mut predictions = Vec::new();
        for &model in &split.held_out {
            match used.predict(self.problem.matrix, &[model]) {
                Ok(found) => {
                    predictions.extend(found.into_iter().map(|prediction| (model, prediction)));
                }
                // A model without an answer on the subset has no error.
                Err(StatsError::NothingToMeasure { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        if predictions.is_empty() {
            return Err(StatsError::NothingToMeasure { k });
        }
        let held_out_share = split.held_out.len() as f64 / split.sources.len() as f64;
        Ok(Run { predictions, held_out_share })
    }
}

/// A size, or why the procedure has none there.
pub type Measured = Result<Size, StatsError>;

/// One repetition at one size.
#[derive(Debug, Clone, PartialEq)]
struct Run {
    /// Row of each held-out model that has answers, and what became of it; not empty.
    predictions: Vec<(usize, Prediction)>,
    /// Held-out models for each source.
    held_out_share: f64,
}

impl Run {
    /// Over the models that `keep` keeps; None without any.
    fn quality(&self, keep: impl Fn(usize) -> bool) -> Option<Quality> {
        let kept = self.predictions.iter().filter(|(model, _)| keep(*model));
        let kept: Vec<Prediction> = kept.map(|(_, prediction)| *prediction).collect();
        (!kept.is_empty()).then(|| summarise(&kept))
    }
}

/// Most groups of models that are left out in turn.
const GROUPS: usize = 20;

/// What the procedure did at one size.
#[derive(Debug, Clone, PartialEq)]
pub struct Size {
    /// Number of items.
    pub k: usize,
    /// Whether coverage and width mean anything.
    pub has_intervals: bool,
    runs: Vec<Run>,
}

impl Size {
    /// Means over the repetitions.
    pub fn quality(&self) -> QualitySummary {
        let runs: Vec<Quality> = self.runs.iter().filter_map(|run| run.quality(|_| true)).collect();
        average(&runs)
    }

    /// The value that the measure's expectation over further draws stays below (a tau: above) with
    /// this one-sided confidence, by Student's t, in the unit of limits. None with fewer than two
    /// figures, and of a width without intervals.
    ///
    /// Over [`Over::Repetitions`] the figures are those of the repetitions. Their models overlap, so
    /// the variance of their mean is taken as s^2 (1/R + held-out / sources): Nadeau & Bengio,
    /// "Inference for the generalization error", Machine Learning 52 (2003), sec. 3, corrected
    /// resampled t. It covers another draw of models and items from where these come.
    ///
    /// Over [`Over::Models`] the sources are fixed. The variance is that over held-out models by the
    /// jackknife, of up to 20 groups (Kott, "The delete-a-group jackknife", Journal of Official
    /// Statistics 17, 2001), plus that over repetitions, s^2 / R, which is the draw of the items; degrees
    /// of freedom after Welch and Satterthwaite. It covers other models as far from the same sources.
    pub fn bound(&self, measure: Measure, confidence: f64, over: Over) -> Option<f64> {
        if measure == Measure::Width && !self.has_intervals {
            return None;
        }
        let figures = self.figures(measure, |_| true);
        let count = figures.len() as f64;
        let mean = mean_of(&figures)?;
        let squares: f64 = figures.iter().map(|figure| (figure - mean) * (figure - mean)).sum();
        if figures.len() < 2 {
            return None;
        }
        let (freedom, variance) = (count - 1.0, squares / (count - 1.0));
        let (variance, freedom) = match over {
            Over::Repetitions => {
                let shares: f64 = self.runs.iter().map(|run| run.held_out_share).sum();
                (variance * (1.0 / count + shares / self.runs.len() as f64), freedom)
            }
            Over::Models => {
                let (draws, (models, groups)) = (variance / count, self.jackknife(measure)?);
                let total = draws + models;
                let spent = draws * draws / freedom + models * models / (groups - 1.0);
                (total, if spent > 0.0 { total * total / spent } else { freedom })
            }
        };
        let critical = distribution::student_t_critical(2.0 * confidence - 1.0, freedom);
        let margin = critical * variance.sqrt();
        Some(if measure == Measure::KendallTau { mean - margin } else { mean + margin })
    }

    /// Variance of the mean figure over the held-out models, and the number of groups that it is from;
    /// None with fewer than two.
    fn jackknife(&self, measure: Measure) -> Option<(f64, f64)> {
        let models: BTreeSet<usize> =
            self.runs.iter().flat_map(|run| &run.predictions).map(|(model, _)| *model).collect();
        let models: Vec<usize> = models.into_iter().collect();
        let groups = models.len().min(GROUPS);
        let group = |model: usize| models.binary_search(&model).map(|place| place % groups);
        let without =
            |left_out| mean_of(&self.figures(measure, |model| group(model) != Ok(left_out)));
        let means: Vec<f64> = (0..groups).filter_map(without).collect();
        if means.len() < 2 {
            return None;
        }
        let (centre, count) = (mean_of(&means)?, means.len() as f64);
        let squares: f64 = means.iter().map(|mean| (mean - centre) * (mean - centre)).sum();
        Some((squares * (count - 1.0) / count, count))
    }

    /// One a repetition, undefined ones left out.
    fn figures(&self, measure: Measure, keep: impl Fn(usize) -> bool) -> Vec<f64> {
        let figure = |run: &Run| measure.figure(&run.quality(&keep)?);
        self.runs.iter().filter_map(figure).collect()
    }
}

fn mean_of(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// The smallest size from which on every bound meets the request: one that meets it by luck, with
/// larger ones that do not, is not taken.
///
/// `bounds` are sizes with their bounds, ascending, at least one. The confidence is that of each bound
/// by itself. Errors with [`StatsError::NoSize`].
pub fn smallest(request: &Request, bounds: &[(usize, Option<f64>)]) -> Result<usize, StatsError> {
    let Request { measure, limit, .. } = *request;
    let meets =
        |(_, bound): &&(usize, Option<f64>)| bound.is_some_and(|bound| measure.meets(bound, limit));
    if let Some((k, _)) = bounds.iter().rev().take_while(meets).last() {
        return Ok(*k);
    }
    let known = bounds.iter().filter_map(|(k, bound)| bound.map(|bound| (*k, bound)));
    let best =
        known.reduce(
            |best, next| {
                if measure.meets(next.1, best.1) && next.1 != best.1 { next } else { best }
            },
        );
    let tried = |place: Option<&(usize, Option<f64>)>| place.map_or(0, |(k, _)| *k);
    Err(StatsError::NoSize {
        measure: request.text(),
        smallest: tried(bounds.first()),
        largest: tried(bounds.last()),
        best: match best {
            Some((_, bound)) => measure.write(&format!("{bound:.3}")),
            None => "none".to_owned(),
        },
        k: best.map_or(0, |(k, _)| k),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        interval::Interval,
        matrix::{ResponseMatrix, Target},
        rng::Stream,
        split::split,
    };

    const REQUEST: Request = Request {
        measure: Measure::MeanAbsoluteError,
        limit: 1.5,
        confidence: 0.95,
        smallest: 10,
        largest: 500,
    };

    /// Absolute errors in points: one list a repetition, held-out models numbered from 0.
    fn size(errors: &[&[f64]]) -> Size {
        let interval = Interval { lower: 0.0, upper: 1.0 };
        let prediction = |(model, error): (usize, &f64)| {
            let truth = 0.1 * model as f64;
            (model, Prediction { truth, estimate: truth + error / 100.0, interval })
        };
        let run = |errors: &&[f64]| Run {
            predictions: errors.iter().enumerate().map(prediction).collect(),
            held_out_share: 1.0 / 3.0,
        };
        Size { k: 10, has_intervals: false, runs: errors.iter().map(run).collect() }
    }

    #[test]
    fn the_grid_grows_by_a_quarter_and_ends_where_it_is_told() {
        assert_eq!(grid(10, 60), [10, 13, 17, 22, 28, 35, 44, 55, 60]);
        assert_eq!(grid(1, 6), [1, 2, 3, 4, 5, 6]);
        assert_eq!(grid(10, 10), [10]);
        assert_eq!(REQUEST.sizes(50).unwrap(), [10, 13, 17, 22, 25]);
        assert!(REQUEST.sizes(19).is_err());
    }

    #[test]
    fn the_bound_over_repetitions_is_the_corrected_resampled_t() {
        // Means 1, 2, 3: mean 2, variance 1, t(0.95; 2) = 2.919986.
        let size = size(&[&[0.5, 1.5], &[2.0, 2.0], &[3.0, 3.0]]);
        let bound = size.bound(Measure::MeanAbsoluteError, 0.95, Over::Repetitions).unwrap();
        let expected = 2.0 + 2.919_986 * (1.0_f64 / 3.0 + 1.0 / 3.0).sqrt();
        assert!((bound - expected).abs() < 1e-5, "{bound} {expected}");
        assert_eq!(size.bound(Measure::Width, 0.95, Over::Repetitions), None);
    }

    #[test]
    fn the_bound_over_models_of_equal_repetitions_is_students_t_over_models() {
        // Errors 1, 2, 3 of three models: mean 2, s / sqrt(3); the tau-b of equal orders is 1.
        let size = size(&[&[1.0, 2.0, 3.0], &[1.0, 2.0, 3.0]]);
        let bound = size.bound(Measure::MeanAbsoluteError, 0.95, Over::Models).unwrap();
        assert!((bound - 2.0 - 2.919_986 / 3.0_f64.sqrt()).abs() < 1e-5, "{bound}");
        let tau = size.bound(Measure::KendallTau, 0.95, Over::Models).unwrap();
        assert!((tau - 1.0).abs() < 1e-12, "{tau}");
    }

    #[test]
    fn the_draw_of_items_adds_to_the_bound_over_models() {
        let equal = size(&[&[1.0, 2.0, 3.0], &[1.0, 2.0, 3.0]]);
        let unequal = size(&[&[0.0, 1.0, 2.0], &[2.0, 3.0, 4.0]]);
        let bound =
            |size: &Size| size.bound(Measure::MeanAbsoluteError, 0.95, Over::Models).unwrap();
        assert!(bound(&unequal) > bound(&equal) + 0.5);
    }

    #[test]
    fn a_size_that_meets_by_luck_is_not_taken() {
        let bounds =
            [(10, Some(2.0)), (13, Some(1.4)), (17, Some(1.6)), (22, Some(1.5)), (28, Some(1.2))];
        assert_eq!(smallest(&REQUEST, &bounds), Ok(22));
        let error = smallest(&REQUEST, &bounds[..3]).unwrap_err().to_string();
        assert_eq!(
            error,
            "no k from 10 to 17 keeps MAE <= 1.5 pp with 95 % confidence from there on; the best bound \
             is 1.400 pp, at k = 13"
        );
        let tau = Request { measure: Measure::KendallTau, limit: 0.9, ..REQUEST };
        let bounds = [(10, None), (13, Some(0.92)), (17, Some(0.95))];
        assert_eq!(smallest(&tau, &bounds), Ok(13));
        assert_eq!(tau.text(), "tau-b >= 0.9 with 95 % confidence");
    }

    #[test]
    fn the_error_of_a_random_mean_falls_with_the_size_as_sampling_says() {
        let mut stream = Stream::new(8, "size", 0);
        let mut scores = Vec::new();
        for model in 0..24 {
            let chance = 0.3 + 0.02 * f64::from(model);
            scores.extend((0..200).map(|_| if stream.uniform() < chance { 1.0 } else { 0.0 }));
        }
        let matrix = ResponseMatrix::new(24, 200, scores).unwrap();
        let target = Target::uniform(200).unwrap();
        let pool: Vec<usize> = (0..200).collect();
        let full = matrix.full_scores(&target);
        let split = |at| split(SplitKind::Interpolation, &full, 1, at).unwrap();
        let splits: Vec<Split> = (0..20).map(split).collect();
        let problem = Problem { matrix: &matrix, target: &target, pool: &pool, points: None, k: 0 };
        let procedure = Procedure::RANDOM_MEAN;
        let curve = Curve { procedure, problem, splits: &splits, calibrate: false };
        let key = StreamKey { seed: 1, label: "t" };
        let sizes = curve.measure(&[10, 50, 100], key).unwrap();
        // Mean absolute error of a normal of variance 1/4 (1/k - 1/N): 12.3, 4.9, 2.8 points at most.
        for (size, expected) in sizes.iter().zip([12.3, 4.9, 2.8]) {
            let size = size.as_ref().unwrap();
            let error = 100.0 * size.quality().mean.mean_absolute_error;
            assert!((0.7 * expected..1.1 * expected).contains(&error), "k {}: {error}", size.k);
            let bound = size.bound(Measure::MeanAbsoluteError, 0.95, Over::Repetitions).unwrap();
            assert!(size.has_intervals && bound > error, "{bound}");
        }
        assert_eq!(sizes, curve.measure(&[10, 50, 100], key).unwrap());
    }
}
