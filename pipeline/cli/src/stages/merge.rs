//! Shards of all raw files to one set of tables.

use std::collections::BTreeMap;

use aliquot_sources::{
    Shard,
    merge::{Merger, Places, Superseded},
};
use aliquot_store::{ObjectId, Store};
use aliquot_tables::{aliases, findings, gaps, items, models, prompts, responses, runs, scores};

use super::table;
use crate::{
    error::Error,
    graph::{NORMALIZED, RUNS},
};

/// Address of each raw file, for errors.
pub type Addresses = BTreeMap<ObjectId, String>;

/// What is made of the shards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// One leaderboard: each benchmark under one metric, in one setting, and its scores side by side.
    Leaderboard,
    /// Tables of whatever there is.
    Tables,
}

/// Inputs: the tables of each shard. Outputs: the same, merged; then, of a leaderboard, the scores
/// and the gaps among them.
pub fn run(
    addresses: &Addresses,
    purpose: Purpose,
    inputs: &[ObjectId],
    store: &Store,
) -> Result<Vec<ObjectId>, Error> {
    let places: Places =
        addresses.iter().map(|(id, address)| (id.to_string(), address.clone())).collect();
    let mut all_runs = Vec::new();
    for shard in inputs.chunks_exact(NORMALIZED) {
        all_runs.extend(runs::decode(&store.get(shard[RUNS])?).map_err(table("runs"))?);
    }

    let strict = purpose == Purpose::Leaderboard;
    let mut merger = Merger::new(Superseded::among(&all_runs, &places, strict)?);
    for shard in inputs.chunks_exact(NORMALIZED) {
        merger.add(read(shard, store)?)?;
    }
    let merged = merger.finish();
    merged.check_cells(&places)?;
    if strict {
        merged.check_leaderboard()?;
    }

    let mut outputs = write(&merged, store)?;
    if strict {
        outputs.push(store.put(&scores::encode(&merged.responses).map_err(table("scores"))?)?);
        let benchmarks: BTreeMap<&str, &str> = merged
            .items
            .iter()
            .map(|item| (item.item_uid.as_str(), item.benchmark.as_str()))
            .collect();
        let gaps = gaps::counted(&merged.responses, |item| benchmarks.get(item).copied());
        outputs.push(store.put(&gaps::encode(&gaps).map_err(table("gaps"))?)?);
    }
    Ok(outputs)
}

/// The objects of a shard, in the order of the outputs of `normalize`.
pub(super) fn write(shard: &Shard, store: &Store) -> Result<Vec<ObjectId>, Error> {
    Ok(vec![
        store.put(&responses::encode(&shard.responses).map_err(table("responses"))?)?,
        store.put(&items::encode(&shard.items).map_err(table("items"))?)?,
        store.put(&models::encode(&shard.models).map_err(table("models"))?)?,
        store.put(&aliases::encode(&shard.aliases).map_err(table("aliases"))?)?,
        store.put(&runs::encode(&shard.runs).map_err(table("runs"))?)?,
        store.put(&prompts::encode(&shard.prompts).map_err(table("prompts"))?)?,
        store.put(&findings::encode(&shard.findings).map_err(table("findings"))?)?,
    ])
}

fn read(objects: &[ObjectId], store: &Store) -> Result<Shard, Error> {
    let bytes = |at: usize| store.get(objects[at]);
    Ok(Shard {
        responses: responses::decode(&bytes(0)?).map_err(table("responses"))?,
        items: items::decode(&bytes(1)?).map_err(table("items"))?,
        models: models::decode(&bytes(2)?).map_err(table("models"))?,
        aliases: aliases::decode(&bytes(3)?).map_err(table("aliases"))?,
        runs: runs::decode(&bytes(4)?).map_err(table("runs"))?,
        prompts: prompts::decode(&bytes(5)?).map_err(table("prompts"))?,
        findings: findings::decode(&bytes(6)?).map_err(table("findings"))?,
    })
}
