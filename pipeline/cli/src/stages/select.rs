//! The items of all subsets: test subsets first, validation subsets from what is left.
//!
//! No item of any validation subset is in any test subset, of whatever target, so that nothing tuned
//! on the one is reported on the other.

use std::collections::BTreeSet;

use aliquot_stats::{
    interval::StreamKey,
    select::{SelectionMethod, select},
    sources::Sources,
};
use aliquot_store::{ObjectId, Store};
use aliquot_tables::subsets::{self, Member};
use serde::Serialize;

use super::{size, stats, table};
use crate::{
    error::Error,
    graph::SUBSETS,
    problem::{Tables, TargetMatrix},
    recipe::TargetSpec,
    size::Budgets,
};

/// What is selected, and how.
#[derive(Debug, Clone, Serialize)]
pub struct Params {
    /// The recipe's seed.
    pub seed: u64,
    /// The targets, in the recipe's order.
    pub targets: Vec<TargetSpec>,
    /// Items of each subset.
    pub sizes: Budgets,
    /// Name of the selection method.
    pub selection: String,
}

/// Inputs: scores, items, roster, and the error curves that searches were made on. Output: subsets.
pub fn run(params: &Params, inputs: &[ObjectId], store: &Store) -> Result<Vec<ObjectId>, Error> {
    let tables = Tables::read(store, inputs)?;
    let curves = size::read(&inputs[3..], store)?;

    let mut members: Vec<Member> = Vec::new();
    for subset in SUBSETS {
        let taken: BTreeSet<String> = members
            .iter()
            .filter(|member| member.subset != subset)
            .map(|member| member.item_uid.clone())
            .collect();
        for spec in &params.targets {
            let budget = match subset {
                "test" => params.sizes.test,
                _ => params.sizes.validation,
            };
            let size = size::items(budget, &spec.name, &curves)?;
            let pool = Pool { matrix: tables.target(spec)?, taken: &taken, size };
            members.extend(choose(params, spec, subset, &pool)?);
        }
    }

    Ok(vec![store.put(&subsets::encode(&members).map_err(table("subsets"))?)?])
}

struct Pool<'a> {
    matrix: TargetMatrix,
    taken: &'a BTreeSet<String>,
    /// Items to choose.
    size: usize,
}

fn choose(
    params: &Params,
    spec: &TargetSpec,
    subset: &str,
    pool: &Pool<'_>,
) -> Result<Vec<Member>, Error> {
    let Pool { matrix, taken, size } = pool;
    let context = format!("select the {subset} subset of target `{}`", spec.name);
    let method = SelectionMethod::from_name(&params.selection)
        .ok_or_else(|| Error::Internal(format!("selection {}", params.selection)))?;
    let free =
        (0..matrix.named.items.len()).filter(|item| !taken.contains(&matrix.named.items[*item]));
    let free: Vec<usize> = free.collect();
    let key = StreamKey { seed: params.seed, label: &spec.name };
    let sources =
        Sources::new(&matrix.named.scores, &matrix.target, &free, key).map_err(stats(&context))?;
    let chosen =
        select(method, &sources, *size, &mut key.stream(subset, 0)).map_err(stats(context))?;
    let member = |(position, (item, weight)): (usize, (&usize, &f64))| Member {
        target: spec.name.clone(),
        subset: subset.to_owned(),
        position: position as u32,
        item_uid: matrix.named.items[*item].clone(),
        benchmark: matrix.benchmarks[*item].clone(),
        weight: *weight,
    };
    Ok(chosen.items.iter().zip(&chosen.weights).enumerate().map(member).collect())
}
