//! Shards of all raw files to one set of tables.

use std::collections::{BTreeMap, BTreeSet};

use aliquot_store::{ObjectId, Store};
use aliquot_tables::{
    aliases::{self, Alias},
    gaps,
    items::{self, Item},
    models::{self, Model},
    responses::{self, Responses},
    scores,
};

use super::table;
use crate::error::Error;

/// Address of each raw file, for errors.
pub type Addresses = BTreeMap<ObjectId, String>;

/// Inputs: responses, items, models, aliases of each shard. Outputs: the same, merged, scores, and how
/// many are missing.
pub fn run(
    addresses: &Addresses,
    inputs: &[ObjectId],
    store: &Store,
) -> Result<Vec<ObjectId>, Error> {
    let mut merged = Merged::default();
    for shard in inputs.chunks_exact(4) {
        merged
            .add_responses(&responses::decode(&store.get(shard[0])?).map_err(table("responses"))?);
        merged.add_items(items::decode(&store.get(shard[1])?).map_err(table("items"))?);
        merged.add_models(models::decode(&store.get(shard[2])?).map_err(table("models"))?)?;
        merged.aliases.extend(
            aliases::decode(&store.get(shard[3])?).map_err(table("aliases"))?.into_iter().map(key),
        );
    }

    merged.check(addresses)?;

    let benchmark_of = |item: &str| merged.items.get(item).map(|item| item.benchmark.as_str());
    let gaps = gaps::counted(&merged.responses, benchmark_of);
    let items: Vec<Item> = merged.items.into_values().collect();
    let models: Vec<Model> = merged.models.into_values().collect();
    let aliases: Vec<Alias> = merged.aliases.into_values().collect();
    Ok(vec![
        store.put(&responses::encode(&merged.responses).map_err(table("responses"))?)?,
        store.put(&items::encode(&items).map_err(table("items"))?)?,
        store.put(&models::encode(&models).map_err(table("models"))?)?,
        store.put(&aliases::encode(&aliases).map_err(table("aliases"))?)?,
        store.put(&scores::encode(&merged.responses).map_err(table("scores"))?)?,
        store.put(&gaps::encode(&gaps).map_err(table("gaps"))?)?,
    ])
}

type AliasKey = (String, String, String, Option<String>);

#[derive(Default)]
struct Merged {
    responses: Responses,
    items: BTreeMap<String, Item>,
    models: BTreeMap<String, Model>,
    aliases: BTreeMap<AliasKey, Alias>,
}

fn key(alias: Alias) -> (AliasKey, Alias) {
    (
        (alias.item_uid.clone(), alias.tool.clone(), alias.task.clone(), alias.native_id.clone()),
        alias,
    )
}

impl Merged {
    fn add_responses(&mut self, responses: &Responses) {
        self.responses.append(responses);
    }

    /// The uid fixes an item's content, so the first description stands for all.
    fn add_items(&mut self, items: Vec<Item>) {
        for item in items {
            self.items.entry(item.item_uid.clone()).or_insert(item);
        }
    }

    fn add_models(&mut self, models: Vec<Model>) -> Result<(), Error> {
        for model in models {
            if let Some(before) = self.models.get(&model.model)
                && *before != model
            {
                return Err(Error::Data(format!(
                    "model `{}` is described in two ways by two files",
                    model.model
                )));
            }
            self.models.insert(model.model.clone(), model);
        }
        Ok(())
    }

    /// A cell given twice is never averaged silently.
    fn check(&self, addresses: &Addresses) -> Result<(), Error> {
        self.check_metrics()?;
        if let Some((first, second)) = self.responses.duplicate_cell() {
            let rows = &self.responses;
            let place = |row: usize| {
                let raw = rows.raw.get(row);
                let address = raw.parse().ok().and_then(|id: ObjectId| addresses.get(&id));
                format!("record {} of {}", rows.record[row], address.map_or(raw, String::as_str))
            };
            return Err(Error::Data(format!(
                "model `{}` has two scores on item {}: {} and {}",
                rows.model.get(first),
                rows.item_uid.get(first),
                place(first),
                place(second)
            )));
        }
        // An alias that leads to two items could not be joined by.
        let mut seen: BTreeSet<(&str, &str, &str)> = BTreeSet::new();
        for alias in self.aliases.values() {
            let Some(native_id) = &alias.native_id else { continue };
            let occurrence = self.items.get(&alias.item_uid).map_or(0, |item| item.occurrence);
            if occurrence == 0 && !seen.insert((&alias.tool, &alias.task, native_id)) {
                return Err(Error::Data(format!(
                    "alias `{native_id}` of {} {} names two different items",
                    alias.tool, alias.task
                )));
            }
        }
        Ok(())
    }

    /// Scores of two metrics, filters or judges are never mixed.
    fn check_metrics(&self) -> Result<(), Error> {
        let rows = &self.responses;
        let mut seen: BTreeMap<&str, (&str, &str)> = BTreeMap::new();
        let mut pairs: BTreeSet<(u32, u32, u32)> = BTreeSet::new();
        for row in 0..rows.len() {
            let key =
                (rows.item_uid.codes()[row], rows.metric.codes()[row], rows.filter.codes()[row]);
            if !pairs.insert(key) {
                continue;
            }
            let Some(item) = self.items.get(rows.item_uid.get(row)) else { continue };
            let now = (rows.metric.get(row), rows.filter.get(row));
            let before = *seen.entry(&item.benchmark).or_insert(now);
            if before != now {
                return Err(Error::Data(format!(
                    "benchmark `{}` has scores of two metrics, {before:?} and {now:?}: one recipe takes one",
                    item.benchmark
                )));
            }
        }
        Ok(())
    }
}
