//! The seam to the methods: which there are, and what one of them does on one split.

use std::{ops::Range, time::Instant};

use aliquot_stats::{
    StatsError,
    cluster::Points,
    evaluate::{Used, summarise},
    interval::{Intervals, Problem, StreamKey},
    matrix::{ResponseMatrix, Target},
    procedure::Procedure,
    select::SelectionMethod,
    sources::Sources,
    split::Split,
};
use serde::Serialize;

use crate::recipe;

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
        Ok(Self { name: name.to_owned(), procedure: recipe::procedure(name)? })
    }

    /// What it does.
    pub fn procedure(&self) -> Procedure {
        self.procedure
    }

    /// How it selects.
    pub fn selection(&self) -> SelectionMethod {
        self.procedure.selection
    }
}

/// One split of one matrix.
#[derive(Debug, Clone)]
pub struct Cell<'a> {
    /// All models, without gaps.
    pub matrix: &'a ResponseMatrix,
    /// The mean that is to be estimated.
    pub target: &'a Target,
    /// The text of each item, where it is given.
    pub points: Option<Points<'a>>,
    /// Sources and held-out models.
    pub split: &'a Split,
    /// Seed of all random choices.
    pub seed: u64,
    /// Repetitions of the method on this split.
    pub repetitions: Range<u64>,
    /// Names the matrix and the kind of split.
    pub label: &'a str,
    /// Whether methods without an interval of their own get a calibrated one.
    pub conformal: bool,
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

/// What came out of one method at one size.
pub struct Entry<'a> {
    /// Number of the repetition.
    pub repetition: u64,
    /// Number of items.
    pub k: usize,
    /// The method.
    pub method: &'a Method,
    /// Its figures, or why there are none.
    pub result: Result<Measured, StatsError>,
}

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
    let pool: Vec<usize> = (0..cell.matrix.items()).collect();
    let label = format!("bench/{}/{}", cell.label, cell.repetitions.start);
    let key = StreamKey { seed: cell.seed, label: &label };
    let sources = Sources::new(&matrix, cell.target, &pool, key)?.with_points(cell.points)?;
    let mut entries = Vec::new();
    for repetition in cell.repetitions.clone() {
        for &k in ks {
            for method in methods {
                let result = measure(cell, &sources, (repetition, k), method.procedure);
                entries.push(Entry { repetition, k, method, result });
            }
        }
    }
    Ok(entries)
}

fn measure(
    cell: &Cell<'_>,
    sources: &Sources<'_>,
    (repetition, k): (u64, usize),
    procedure: Procedure,
) -> Result<Measured, StatsError> {
    let label = format!("bench/{}/{repetition}/{}", cell.label, procedure.name());
    let key = StreamKey { seed: cell.seed, label: &label };

    let clock = Instant::now();
    let (subset, fitted) = procedure.run(sources, k, &mut key.stream("select", k as u64))?;
    let fit_seconds = clock.elapsed().as_secs_f64();

    let clock = Instant::now();
    let Sources { responses, target, pool, .. } = sources;
    let problem = Problem { matrix: responses, target, pool, points: cell.points, k };
    let intervals = match Intervals::own(procedure) {
        None if cell.conformal => Some(Intervals::calibrate(procedure, &problem, key)?),
        own => own,
    };
    let interval_seconds = clock.elapsed().as_secs_f64();

    let clock = Instant::now();
    // Where there is none, any will do: its figures are not reported.
    let has_intervals = intervals.is_some();
    let used_intervals = intervals.unwrap_or(Intervals::Design);
    let used = Used { sources, subset: &subset, fitted: &fitted, intervals: used_intervals };
    let predictions = used.predict(cell.matrix, &cell.split.held_out)?;
    let predict_seconds = clock.elapsed().as_secs_f64();

    const POINTS: f64 = 100.0;
    let quality = summarise(&predictions);
    Ok(Measured {
        models: quality.models,
        mae_pp: POINTS * quality.mean_absolute_error,
        rmse_pp: POINTS * quality.root_mean_square_error,
        bias_pp: POINTS * quality.bias,
        p95_pp: POINTS * quality.percentile_95,
        kendall_tau: quality.kendall_tau,
        coverage_95: has_intervals.then_some(quality.coverage),
        width_95_pp: has_intervals.then_some(POINTS * quality.width),
        fit_seconds,
        interval_seconds,
        predict_seconds,
    })
}
