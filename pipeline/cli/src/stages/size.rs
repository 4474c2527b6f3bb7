//! The released procedure over the size of the subset, and the sizes that are enough.

use aliquot_stats::{
    interval::StreamKey,
    procedure::Procedure,
    size::{Curve, Measure, Measured, Over, Request, Size, smallest},
    split::{Split, SplitKind},
};
use aliquot_store::{ObjectId, Store};
use aliquot_tables::{
    error_curve::{self, CurvePoint},
    splits,
};
use serde::Serialize;

use super::{evaluate::read_splits, is_false, stats, table};
use crate::{
    error::Error,
    problem::{Tables, TargetMatrix},
    recipe::TargetSpec,
    size::Budget,
};

/// Sizes that are measured where none is searched for, those below half of the items.
const SIZES: [usize; 5] = [10, 20, 50, 100, 200];

/// Repetitions of such a curve.
const REPETITIONS: usize = 5;

/// Confidence of its bounds.
const CONFIDENCE: f64 = 0.95;

/// Which curve, and what is searched for on it.
#[derive(Debug, Clone, Serialize)]
pub struct Params {
    /// The recipe's seed.
    pub seed: u64,
    /// The target.
    pub target: TargetSpec,
    /// Name of the kind of split.
    pub split: &'static str,
    /// `selection+estimator`.
    pub procedure: String,
    /// What is asked of subsets on this kind of split.
    pub asked: Vec<Asked>,
    /// Whether the procedure looks at text.
    #[serde(skip_serializing_if = "is_false")]
    pub embeddings: bool,
}

/// What is asked of one subset.
#[derive(Debug, Clone, Serialize)]
pub struct Asked {
    /// Name of the subset.
    pub subset: &'static str,
    measure: &'static str,
    limit: f64,
    confidence: f64,
    smallest: usize,
    largest: usize,
}

impl Asked {
    /// As parameters.
    pub fn new(subset: &'static str, request: Request) -> Self {
        let Request { measure, limit, confidence, smallest, largest } = request;
        Self { subset, measure: measure.name(), limit, confidence, smallest, largest }
    }

    fn request(&self) -> Result<Request, Error> {
        let Self { measure, limit, confidence, smallest, largest, .. } = *self;
        let measure = Measure::from_name(measure)
            .ok_or_else(|| Error::Internal(format!("measure {measure}")))?;
        Ok(Request { measure, limit, confidence, smallest, largest })
    }
}

/// Inputs: scores, items, roster, embeddings if the procedure looks at text, splits. Output: error
/// curve.
pub fn run(params: &Params, inputs: &[ObjectId], store: &Store) -> Result<Vec<ObjectId>, Error> {
    let (tables, inputs) = Tables::read_with(store, inputs, params.embeddings)?;
    let matrix = tables.target(&params.target)?;
    let assignments = splits::decode(&store.get(inputs[0])?).map_err(table("splits"))?;

    let splits = read_splits([&params.target.name, params.split], &matrix, &assignments);
    let rows = match params.asked.is_empty() {
        true => compared(params, &matrix, &splits)?,
        false => searched(params, &matrix, &splits)?,
    };

    Ok(vec![store.put(&error_curve::encode(&rows).map_err(table("error_curve"))?)?])
}

/// Reads error curves back.
pub fn read(inputs: &[ObjectId], store: &Store) -> Result<Vec<CurvePoint>, Error> {
    let mut rows = Vec::new();
    for input in inputs {
        let curve = error_curve::decode(&store.get(*input)?);
        rows.extend(curve.map_err(table("error_curve"))?);
    }
    Ok(rows)
}

/// The number of items that a budget is for one target.
pub fn items(budget: Budget, target: &str, curves: &[CurvePoint]) -> Result<usize, Error> {
    let subset = match budget {
        Budget::Fixed(items) => return Ok(items),
        Budget::Found(subset) => subset,
    };
    let chosen = |row: &&CurvePoint| {
        row.chosen && row.target == target && row.subset.as_deref() == Some(subset)
    };
    let row = curves.iter().find(chosen);
    row.map(|row| row.k as usize)
        .ok_or_else(|| Error::Internal(format!("no size of {target}/{subset} was found")))
}

/// A few sizes, few repetitions: what another size would have given. A size that the procedure cannot
/// have is left out.
fn compared(
    params: &Params,
    matrix: &TargetMatrix,
    splits: &[Split],
) -> Result<Vec<CurvePoint>, Error> {
    let half = matrix.named.items.len() / 2;
    let ks: Vec<usize> = SIZES.into_iter().filter(|k| *k <= half).collect();
    let splits = &splits[..splits.len().min(REPETITIONS)];
    let sizes = measure(params, matrix, splits, &ks)?;
    let over = over(params)?;
    Ok(sizes.iter().flatten().map(|size| point(params, size, CONFIDENCE, over)).collect())
}

/// The grids of all that is asked, measured once.
fn searched(
    params: &Params,
    matrix: &TargetMatrix,
    splits: &[Split],
) -> Result<Vec<CurvePoint>, Error> {
    let context = |subset: &str| {
        stats(format!("find the size of the {subset} subset of target `{}`", params.target.name))
    };
    let mut grids = Vec::new();
    for asked in &params.asked {
        let request = asked.request()?;
        let grid = request.sizes(matrix.named.items.len()).map_err(context(asked.subset))?;
        grids.push((asked.subset, request, grid));
    }
    let mut ks: Vec<usize> = grids.iter().flat_map(|(_, _, grid)| grid).copied().collect();
    ks.sort_unstable();
    ks.dedup();
    let sizes = measure(params, matrix, splits, &ks)?.into_iter().collect::<Result<Vec<_>, _>>();
    let sizes = sizes.map_err(stats(failed(params)))?;
    let over = over(params)?;

    let mut rows = Vec::new();
    for (subset, request, grid) in grids {
        let own: Vec<&Size> = sizes.iter().filter(|size| grid.contains(&size.k)).collect();
        let bound = |size: &&Size| (size.k, size.bound(request.measure, request.confidence, over));
        let bounds: Vec<(usize, Option<f64>)> = own.iter().map(bound).collect();
        let found = smallest(&request, &bounds).map_err(context(subset))?;
        rows.extend(own.into_iter().zip(bounds).map(|(size, (k, bound))| CurvePoint {
            subset: Some(subset.to_owned()),
            request: Some(request.text()),
            bound,
            chosen: k == found,
            ..point(params, size, request.confidence, over)
        }));
    }
    Ok(rows)
}

fn over(params: &Params) -> Result<Over, Error> {
    let kind = SplitKind::from_name(params.split);
    kind.map(Over::of).ok_or_else(|| Error::Internal(format!("split {}", params.split)))
}

fn measure(
    params: &Params,
    matrix: &TargetMatrix,
    splits: &[Split],
    ks: &[usize],
) -> Result<Vec<Measured>, Error> {
    let Params { seed, target, split, procedure: name, asked, .. } = params;
    let procedure =
        Procedure::from_name(name).ok_or_else(|| Error::Internal(format!("procedure {name}")))?;
    let pool: Vec<usize> = (0..matrix.named.items.len()).collect();
    let problem = matrix.problem(&pool, 0)?;
    let calibrate = asked.iter().any(|asked| asked.measure == Measure::Width.name());
    let label = format!("{}/{split}/{name}/size", target.name);
    Curve { procedure, problem, splits, calibrate }
        .measure(ks, StreamKey { seed: *seed, label: &label })
        .map_err(stats(failed(params)))
}

fn failed(params: &Params) -> String {
    format!("measure {} at other sizes on target `{}`", params.procedure, params.target.name)
}

fn point(params: &Params, size: &Size, confidence: f64, over: Over) -> CurvePoint {
    const POINTS: f64 = 100.0;
    let summary = size.quality();
    CurvePoint {
        target: params.target.name.clone(),
        split: params.split.to_owned(),
        subset: None,
        k: size.k as u32,
        repetitions: summary.repetitions as u32,
        mae_pp: POINTS * summary.mean.mean_absolute_error,
        mae_upper_pp: size.bound(Measure::MeanAbsoluteError, confidence, over),
        kendall_tau: summary.mean.kendall_tau,
        coverage_95: size.has_intervals.then_some(summary.mean.coverage),
        width_95_pp: size.has_intervals.then_some(POINTS * summary.mean.width),
        confidence,
        request: None,
        bound: None,
        chosen: false,
    }
}
