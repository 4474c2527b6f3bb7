//! One subset to its estimator, with the interval that selection and fit on other models had earned.

use std::collections::BTreeSet;

use aliquot_release::estimator::{Estimator, SCHEMA};
use aliquot_stats::{
    estimate::fit,
    interval::{Intervals, Problem, StreamKey},
    procedure::Procedure,
    select::Subset,
    sources::Sources,
};
use aliquot_store::{ObjectId, Store};
use aliquot_tables::subsets::{self, Member};
use serde::Serialize;

use super::{stats, table};
use crate::{
    error::Error,
    graph::SUBSETS,
    problem::{Tables, TargetMatrix},
    recipe::TargetSpec,
};

/// The subset that is chosen before the others.
const FIRST_SUBSET: &str = SUBSETS[0];

/// Which subset, and how.
#[derive(Debug, Clone, Serialize)]
pub struct Params {
    /// The recipe's seed.
    pub seed: u64,
    /// The target.
    pub target: TargetSpec,
    /// Name of the subset.
    pub subset: &'static str,
    /// `selection+estimator`.
    pub procedure: String,
}

/// Inputs: scores, items, roster, subsets. Output: the estimator file.
pub fn run(params: &Params, inputs: &[ObjectId], store: &Store) -> Result<Vec<ObjectId>, Error> {
    let matrix = Tables::read(store, inputs)?.target(&params.target)?;
    let members = subsets::decode(&store.get(inputs[3])?).map_err(table("subsets"))?;

    let estimator = estimator(params, &matrix, &members)?;

    Ok(vec![store.put(&estimator.to_bytes()?)?])
}

fn estimator(params: &Params, matrix: &TargetMatrix, all: &[Member]) -> Result<Estimator, Error> {
    let context = || format!("fit the {} subset of target `{}`", params.subset, params.target.name);
    let procedure = Procedure::from_name(&params.procedure)
        .ok_or_else(|| Error::Internal(format!("procedure {}", params.procedure)))?;
    let own =
        |member: &&Member| member.target == params.target.name && member.subset == params.subset;
    let members: Vec<&Member> = all.iter().filter(own).collect();
    let items = members.iter().map(|member| {
        matrix.item(&member.item_uid).ok_or_else(|| {
            Error::Internal(format!("item {} is not in its target", member.item_uid))
        })
    });
    let subset = Subset {
        items: items.collect::<Result<_, _>>()?,
        weights: members.iter().map(|member| member.weight).collect(),
    };

    // What selection had to choose from: test subsets come first and have every item, validation
    // subsets have what no test subset holds.
    let taken: BTreeSet<&str> = all
        .iter()
        .filter(|member| member.subset != params.subset && params.subset != FIRST_SUBSET)
        .map(|member| member.item_uid.as_str())
        .collect();
    let scores = &matrix.named.scores;
    let free = |item: &usize| !taken.contains(matrix.named.items[*item].as_str());
    let pool: Vec<usize> = (0..scores.items()).filter(free).collect();
    let problem = Problem {
        matrix: scores,
        target: &matrix.target,
        pool: &pool,
        points: None,
        k: subset.items.len(),
    };
    let label = format!("{}/{}/fit", params.target.name, params.subset);
    let key = StreamKey { seed: params.seed, label: &label };
    let sources = Sources::new(scores, &matrix.target, &pool, key).map_err(stats(context()))?;
    let fitted = fit(procedure.estimator, &sources, &subset, &mut key.stream("fit", 0))
        .map_err(stats(context()))?;
    let intervals = Intervals::calibrate(procedure, &problem, key).map_err(stats(context()))?;

    let full_scores = &sources.full_scores;
    let lowest = full_scores.iter().copied().fold(f64::INFINITY, f64::min);
    let highest = full_scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    Ok(Estimator {
        schema: SCHEMA.to_owned(),
        target: params.target.name.clone(),
        subset: params.subset.to_owned(),
        procedure: params.procedure.clone(),
        population: scores.items() as u64,
        sources: scores.models() as u64,
        items: members.iter().map(|member| member.item_uid.clone()).collect(),
        source_range: [lowest, highest],
        form: fitted.into(),
        interval: intervals.into(),
    })
}
