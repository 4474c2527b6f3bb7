//! All procedures on one target and one kind of split.

use std::collections::BTreeMap;

use aliquot_stats::{
    evaluate::{Repetition, average, evaluate},
    interval::StreamKey,
    procedure::Procedure,
    split::Split,
};
use aliquot_store::{ObjectId, Store};
use aliquot_tables::{
    quality::{self, Quality},
    splits::{self, Assignment, HELD_OUT, SOURCE},
};
use serde::Serialize;

use super::{is_false, size, stats, table};
use crate::{
    error::Error,
    problem::{Tables, TargetMatrix},
    recipe::TargetSpec,
    size::Budget,
};

/// What is compared.
#[derive(Debug, Clone, Serialize)]
pub struct Params {
    /// The recipe's seed.
    pub seed: u64,
    /// The target.
    pub target: TargetSpec,
    /// Name of the kind of split.
    pub split: &'static str,
    /// Number of items.
    pub k: Budget,
    /// Names of the procedures.
    pub compared: Vec<String>,
    /// Name of the one that the release uses.
    pub released: String,
    /// Whether a procedure looks at text.
    #[serde(skip_serializing_if = "is_false")]
    pub embeddings: bool,
}

/// Inputs: scores, items, roster, embeddings if a procedure looks at text, splits, and the error curve
/// that a search was made on. Output: quality.
pub fn run(params: &Params, inputs: &[ObjectId], store: &Store) -> Result<Vec<ObjectId>, Error> {
    let (tables, inputs) = Tables::read_with(store, inputs, params.embeddings)?;
    let matrix = tables.target(&params.target)?;
    let assignments = splits::decode(&store.get(inputs[0])?).map_err(table("splits"))?;
    let curves = size::read(&inputs[1..], store)?;

    let k = size::items(params.k, &params.target.name, &curves)?;
    let splits = read_splits([&params.target.name, params.split], &matrix, &assignments);
    let measured = Measured { matrix: &matrix, splits: &splits, k };
    let rows = params.compared.iter().map(|name| measure(params, measured, name));
    let rows = rows.collect::<Result<Vec<_>, _>>()?;

    Ok(vec![store.put(&quality::encode(&rows).map_err(table("quality"))?)?])
}

/// The splits of a target and a kind of split, in the order of their repetitions.
pub(super) fn read_splits(
    [target, split]: [&str; 2],
    matrix: &TargetMatrix,
    assignments: &[Assignment],
) -> Vec<Split> {
    let mut splits: BTreeMap<u32, Split> = BTreeMap::new();
    let own = |row: &&Assignment| row.target == target && row.split == split;
    for row in assignments.iter().filter(own) {
        let Ok(model) = matrix.named.models.binary_search(&row.model) else { continue };
        let split = splits
            .entry(row.repetition)
            .or_insert_with(|| Split { sources: vec![], held_out: vec![] });
        match row.role.as_str() {
            SOURCE => split.sources.push(model),
            HELD_OUT => split.held_out.push(model),
            _ => {}
        }
    }
    splits.into_values().collect()
}

/// What every procedure is measured on.
#[derive(Clone, Copy)]
struct Measured<'a> {
    matrix: &'a TargetMatrix,
    splits: &'a [Split],
    k: usize,
}

fn measure(params: &Params, measured: Measured<'_>, name: &str) -> Result<Quality, Error> {
    let Measured { matrix, splits, k } = measured;
    let procedure =
        Procedure::from_name(name).ok_or_else(|| Error::Internal(format!("procedure {name}")))?;
    let pool: Vec<usize> = (0..matrix.named.items.len()).collect();
    let problem = matrix.problem(&pool, k)?;
    let label = format!("{}/{}/{name}", params.target.name, params.split);
    let key = StreamKey { seed: params.seed, label: &label };
    let run = |(number, split)| evaluate(procedure, &problem, Repetition { number, split }, key);
    let runs = (0..)
        .zip(splits)
        .map(run)
        .collect::<Result<Vec<_>, _>>()
        .map_err(stats(format!("evaluate {name} on target `{}`", params.target.name)))?;

    const POINTS: f64 = 100.0;
    let summary = average(&runs);
    Ok(Quality {
        target: params.target.name.clone(),
        split: params.split.to_owned(),
        k: k as u32,
        procedure: name.to_owned(),
        released: name == params.released,
        repetitions: summary.repetitions as u32,
        models: summary.mean.models as u32,
        mae_pp: POINTS * summary.mean.mean_absolute_error,
        mae_se_pp: POINTS * summary.standard_error,
        rmse_pp: POINTS * summary.mean.root_mean_square_error,
        bias_pp: POINTS * summary.mean.bias,
        p95_pp: POINTS * summary.mean.percentile_95,
        kendall_tau: summary.mean.kendall_tau,
        coverage_95: summary.mean.coverage,
        width_95_pp: POINTS * summary.mean.width,
    })
}
