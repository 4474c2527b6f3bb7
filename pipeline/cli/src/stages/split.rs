//! Models to sources and held-out ones.

use aliquot_stats::split::{Split, SplitKind, split};
use aliquot_store::{ObjectId, Store};
use aliquot_tables::splits::{self, Assignment, HELD_OUT, SOURCE};
use serde::Serialize;

use super::{stats, table};
use crate::{error::Error, problem::Tables, recipe::TargetSpec};

/// Which splits, how often.
#[derive(Debug, Clone, Serialize)]
pub struct Params {
    /// The recipe's seed.
    pub seed: u64,
    /// The targets; each is split by its own scores.
    pub targets: Vec<TargetSpec>,
    /// Names of the kinds.
    pub splits: Vec<&'static str>,
    /// Random splits of each kind.
    pub repetitions: u32,
}

/// Inputs: scores, items, roster. Output: splits.
pub fn run(params: &Params, inputs: &[ObjectId], store: &Store) -> Result<Vec<ObjectId>, Error> {
    let tables = Tables::read(store, inputs)?;

    let mut rows = Vec::new();
    for spec in &params.targets {
        let matrix = tables.target(spec)?;
        let full_scores = matrix.named.scores.full_scores(&matrix.target);
        for name in &params.splits {
            let kind = SplitKind::from_name(name)
                .ok_or_else(|| Error::Internal(format!("split {name}")))?;
            for repetition in 0..params.repetitions {
                let Split { sources, held_out } =
                    split(kind, &full_scores, params.seed, repetition.into())
                        .map_err(stats(format!("split the models of target `{}`", spec.name)))?;
                for (role, models) in [(SOURCE, sources), (HELD_OUT, held_out)] {
                    rows.extend(models.into_iter().map(|model| Assignment {
                        target: spec.name.clone(),
                        split: (*name).to_owned(),
                        repetition,
                        role: role.to_owned(),
                        model: matrix.named.models[model].clone(),
                    }));
                }
            }
        }
    }

    Ok(vec![store.put(&splits::encode(&rows).map_err(table("splits"))?)?])
}
