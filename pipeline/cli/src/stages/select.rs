//! The items of all subsets: test subsets first, validation subsets from what is left.
//!
//! No item of any validation subset is in any test subset, of whatever target, so that nothing tuned
//! on the one is reported on the other.

use std::collections::BTreeSet;

use aliquot_stats::{
    interval::StreamKey,
    select::{Cold, SelectionMethod, Subset, select, select_cold},
    sources::Sources,
};
use aliquot_store::{ObjectId, Store};
use aliquot_tables::subsets::{self, Member};
use serde::Serialize;

use super::{size, stats, table};
use crate::{
    error::Error,
    graph::SUBSETS,
    problem::{Tables, TargetItems, TargetMatrix},
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

/// Inputs: scores, items, roster, embeddings if the method looks at text, and the error curves that
/// searches were made on. Output: subsets.
pub fn run(params: &Params, inputs: &[ObjectId], store: &Store) -> Result<Vec<ObjectId>, Error> {
    let method = SelectionMethod::from_name(&params.selection)
        .ok_or_else(|| Error::Internal(format!("selection {}", params.selection)))?;
    let (tables, rest) = Tables::read_with(store, inputs, method.needs_embeddings())?;
    let curves = size::read(rest, store)?;

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
            let key = StreamKey { seed: params.seed, label: &spec.name };
            let choice = Choice { method, spec, subset, taken: &taken, size, key };
            members.extend(choice.members(&tables)?);
        }
    }

    Ok(vec![store.put(&subsets::encode(&members).map_err(table("subsets"))?)?])
}

/// One subset to choose.
struct Choice<'a> {
    method: SelectionMethod,
    spec: &'a TargetSpec,
    subset: &'a str,
    /// Items that are in subsets of other names.
    taken: &'a BTreeSet<String>,
    /// Items to choose.
    size: usize,
    key: StreamKey<'a>,
}

impl Choice<'_> {
    fn members(&self, tables: &Tables) -> Result<Vec<Member>, Error> {
        let items = tables.items(self.spec)?;
        let free = (0..items.uids.len()).filter(|item| !self.taken.contains(&items.uids[*item]));
        let free: Vec<usize> = free.collect();
        let chosen = match tables.have_results() {
            true => self.by_results(&tables.target(self.spec)?, &free)?,
            false => self.by_text(&items, &free)?,
        };
        let member = |(position, (item, weight)): (usize, (&usize, &f64))| Member {
            target: self.spec.name.clone(),
            subset: self.subset.to_owned(),
            position: position as u32,
            item_uid: items.uids[*item].clone(),
            benchmark: items.benchmarks[*item].clone(),
            weight: *weight,
        };
        Ok(chosen.items.iter().zip(&chosen.weights).enumerate().map(member).collect())
    }

    fn by_results(&self, matrix: &TargetMatrix, free: &[usize]) -> Result<Subset, Error> {
        let points = matrix.points()?;
        let sources = Sources::new(&matrix.named.scores, &matrix.target, free, self.key)
            .and_then(|sources| sources.with_points(points))
            .map_err(stats(self.context()))?;
        select(self.method, &sources, self.size, &mut self.key.stream(self.subset, 0))
            .map_err(stats(self.context()))
    }

    fn by_text(&self, items: &TargetItems, free: &[usize]) -> Result<Subset, Error> {
        let cold = Cold { target: &items.target, pool: free, points: items.points()? };
        select_cold(self.method, &cold, self.size, &mut self.key.stream(self.subset, 0))
            .map_err(stats(self.context()))
    }

    fn context(&self) -> String {
        format!("select the {} subset of target `{}`", self.subset, self.spec.name)
    }
}
