//! The seam to the methods: which there are, and what one of them does on one split.

use std::time::Instant;

use aliquot_stats::{
    StatsError,
    estimate::{self, EstimatorMethod, Procedure},
    evaluate::{INTERVAL_FOLDS, LEVEL, Prediction, summarise},
    interval::{self, Conformal, Problem, StreamKey},
    matrix::{CompleteMatrix, ResponseMatrix, Target},
    select::{Design, SelectionMethod},
    split::Split,
};
use serde::Serialize;

use crate::recipe;

/// The procedure that `default` stands for.
const DEFAULT: Procedure =
    Procedure { selection: SelectionMethod::Stratified, estimator: EstimatorMethod::Mean };

/// What is measured, by its name.
#[derive(Debug, Clone)]
pub struct Method {
    /// As the user wrote it.
    pub name: String,
    procedure: Procedure,
}

impl Method {
    /// The method of that name, or a sentence that lists the names there are.
    pub fn from_name(name: &str) -> Result<Self, String> {
        let procedure = if name == "default" {
            DEFAULT
        } else {
            recipe::procedure(name).map_err(|problem| format!("{problem}; or `default`"))?
        };
        Ok(Self { name: name.to_owned(), procedure })
    }

    /// How it selects.
    pub fn selection(&self) -> SelectionMethod {
        self.procedure.selection
    }
}

/// One split of one matrix.
#[derive(Debug, Clone, Copy)]
pub struct Cell<'a> {
    /// All models, without gaps.
    pub matrix: &'a ResponseMatrix,
    /// The mean that is to be estimated.
    pub target: &'a Target,
    /// That mean of every model.
    pub full_scores: &'a [f64],
    /// Sources and held-out models.
    pub split: &'a Split,
    /// Seed of all random choices.
    pub seed: u64,
    /// Number of the split.
    pub repetition: u64,
    /// Names the matrix and the kind of split.
    pub label: &'a str,
}

/// What one method did at one size; errors in percentage points.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Measured {
    /// Number of held-out models.
    pub models: usize,
    /// Mean absolute error.
    pub mae_pp: f64,
    /// Root mean square error.
    pub rmse_pp: f64,
    /// Mean of estimate minus truth.
    pub bias_pp: f64,
    /// 95th percentile of the absolute error.
    pub p95_pp: f64,
    /// Kendall's tau-b of estimates against truths; None when either is constant.
    pub kendall_tau: Option<f64>,
    /// Share of the truths inside their 95 % interval; None for a method without intervals.
    pub coverage_95: Option<f64>,
    /// Mean width of the intervals.
    pub width_95_pp: Option<f64>,
    /// Selecting the items and fitting the estimator.
    pub fit_seconds: f64,
    /// Calibrating the interval.
    pub interval_seconds: f64,
    /// Estimates and intervals of all held-out models.
    pub predict_seconds: f64,
}

/// Size, method and what came out of it.
pub type Entry<'a> = (usize, &'a Method, Result<Measured, StatsError>);

/// Measures all methods at all sizes: select and fit on the sources, estimate the held-out models.
///
/// Held-out models enter only through their answers on the chosen items, and as truths. Errors when
/// the sources make no matrix; a method that fails does not stop the others.
pub fn measure_cell<'a>(
    cell: &Cell<'_>,
    ks: &[usize],
    methods: &'a [Method],
) -> Result<Vec<Entry<'a>>, StatsError> {
    let matrix = cell.matrix.select_models(&cell.split.sources)?;
    let scores = cell.split.sources.iter().map(|&model| cell.full_scores[model]).collect();
    let sources = Sources { complete: matrix.imputed()?, matrix, scores };
    let mut entries = Vec::new();
    for &k in ks {
        for method in methods {
            entries.push((k, method, measure(cell, &sources, k, method.procedure)));
        }
    }
    Ok(entries)
}

struct Sources {
    matrix: ResponseMatrix,
    complete: CompleteMatrix,
    scores: Vec<f64>,
}

fn measure(
    cell: &Cell<'_>,
    sources: &Sources,
    k: usize,
    procedure: Procedure,
) -> Result<Measured, StatsError> {
    let items = cell.matrix.items();
    let pool: Vec<usize> = (0..items).collect();
    let label = format!("bench/{}/{}", cell.label, procedure.name());
    let key = StreamKey { seed: cell.seed, label: &label };

    let clock = Instant::now();
    let design = Design { matrix: &sources.complete, target: cell.target, pool: &pool };
    let mut stream = key.stream("select", cell.repetition);
    let (subset, estimator) = procedure.run(&design, &sources.scores, k, &mut stream)?;
    let fit_seconds = clock.elapsed().as_secs_f64();

    let clock = Instant::now();
    let problem = Problem { matrix: &sources.matrix, target: cell.target, pool: &pool, k };
    let conformal = calibrate(procedure, &problem, key, cell.repetition)?;
    let interval_seconds = clock.elapsed().as_secs_f64();

    let clock = Instant::now();
    let predict = |&model: &usize| {
        let answers = estimate::answers(cell.matrix, model, &subset);
        let filled = estimate::fill_gaps(&answers, &sources.complete, &subset)?;
        let estimate = estimator.apply(&filled);
        let interval = match conformal {
            Some(conformal) => conformal.interval(estimate, &filled, items),
            None => interval::design_interval(&filled, items, LEVEL),
        };
        Some(Prediction { truth: cell.full_scores[model], estimate, interval })
    };
    let predictions: Vec<Prediction> = cell.split.held_out.iter().filter_map(predict).collect();
    let predict_seconds = clock.elapsed().as_secs_f64();
    if predictions.is_empty() {
        return Err(StatsError::NothingToMeasure { k });
    }

    const POINTS: f64 = 100.0;
    let quality = summarise(&predictions);
    Ok(Measured {
        models: quality.models,
        mae_pp: POINTS * quality.mean_absolute_error,
        rmse_pp: POINTS * quality.root_mean_square_error,
        bias_pp: POINTS * quality.bias,
        p95_pp: POINTS * quality.percentile_95,
        kendall_tau: quality.kendall_tau,
        coverage_95: Some(quality.coverage),
        width_95_pp: Some(POINTS * quality.width),
        fit_seconds,
        interval_seconds,
        predict_seconds,
    })
}

/// None for a random sample, whose interval comes from its design.
fn calibrate(
    procedure: Procedure,
    sources: &Problem<'_>,
    key: StreamKey<'_>,
    repetition: u64,
) -> Result<Option<Conformal>, StatsError> {
    if procedure
        == (Procedure { selection: SelectionMethod::Random, estimator: EstimatorMethod::Mean })
    {
        return Ok(None);
    }
    let folds = INTERVAL_FOLDS.min(sources.matrix.models());
    let label = format!("{}/{repetition}", key.label);
    let errors = interval::studentised_errors(
        procedure,
        sources,
        folds,
        StreamKey { label: &label, ..key },
    )?;
    Ok(Some(Conformal::calibrate(&errors, LEVEL)))
}
