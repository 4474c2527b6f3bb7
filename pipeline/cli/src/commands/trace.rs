use aliquot_release::manifest::{Manifest, RawArtifact, Step};
use aliquot_sources::adapters;
use aliquot_store::{ObjectId, Store};
use aliquot_tables::{
    aliases, items,
    responses::{self, Responses},
    subsets,
};
use serde_json::{Value, json};

use super::{open_release, print, print_json};
use crate::{args::Global, error::Error, stages::table};

/// Arguments of `trace`.
#[derive(clap::Args)]
pub struct Arguments {
    /// Release: name, name@version or the beginning of its id.
    release: String,
    /// Item uid, or its first digits (8 or more).
    item: String,
    /// Only this model; its raw record is printed too.
    #[arg(long)]
    model: Option<String>,
}

pub fn run(global: &Global, arguments: &Arguments) -> Result<(), Error> {
    let (store, id, manifest) = open_release(global, &arguments.release)?;
    let read = |table: &str| store.get(manifest.tables[table].blake3);
    let items = items::decode(&read("items")?).map_err(table("items"))?;
    let item = find_item(&items, &arguments.item)?;
    let aliases = aliases::decode(&read("aliases")?).map_err(table("aliases"))?;
    let members = subsets::decode(&read("subsets")?).map_err(table("subsets"))?;
    let responses = responses::decode(&read("responses")?).map_err(table("responses"))?;

    let rows = rows(&responses, &item.item_uid, arguments.model.as_deref());
    if rows.is_empty() {
        let of = arguments
            .model
            .as_ref()
            .map(|model| format!(" of model `{model}`"))
            .unwrap_or_default();
        return Err(Error::NotFound(format!("item {} has no response{of}", item.item_uid)));
    }
    let traced = rows
        .into_iter()
        .map(|row| Traced::of(&responses, row, &manifest))
        .collect::<Result<Vec<_>, _>>()?;
    let record = match &arguments.model {
        Some(_) => Some(traced[0].raw_record(&store)?),
        None => None,
    };
    let aliases: Vec<Value> = aliases
        .iter()
        .filter(|alias| alias.item_uid == item.item_uid)
        .map(|a| json!({"tool": a.tool, "task": a.task, "revision": a.revision, "doc_id": a.doc_id, "native_id": a.native_id}))
        .collect();
    let subsets: Vec<String> = members
        .iter()
        .filter(|member| member.item_uid == item.item_uid)
        .map(|member| {
            format!(
                "{}/{} position {} weight {}",
                member.target, member.subset, member.position, member.weight
            )
        })
        .collect();
    if global.json {
        let responses: Vec<Value> = traced.iter().map(Traced::json).collect();
        print_json(&json!({
            "release": id, "item_uid": item.item_uid, "benchmark": item.benchmark, "task": item.task,
            "stem": item.stem, "subsets": subsets, "aliases": aliases, "responses": responses, "record": record,
        }));
        return Ok(());
    }
    print(&format!(
        "item       {}\nbenchmark  {} {} {}\nstem       {}\n",
        item.item_uid,
        item.benchmark,
        item.config,
        item.task,
        one_line(&item.stem)
    ));
    for subset in &subsets {
        print(&format!("subset     {subset}\n"));
    }
    for alias in &aliases {
        print(&format!("alias      {}\n", one_line(&alias.to_string())));
    }
    print(&format!("table      responses {}\n", manifest.tables["responses"].blake3));
    traced.iter().for_each(|row| print(&row.text()));
    if let Some(record) = record {
        print(&format!("record     {record:#}\n"));
    }
    Ok(())
}

fn one_line(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() > 160 {
        line.chars().take(157).chain("...".chars()).collect()
    } else {
        line
    }
}

fn find_item<'a>(items: &'a [items::Item], text: &str) -> Result<&'a items::Item, Error> {
    let fits: Vec<&items::Item> =
        items.iter().filter(|item| text.len() >= 8 && item.item_uid.starts_with(text)).collect();
    match fits[..] {
        [item] => Ok(item),
        [] => Err(Error::NotFound(format!(
            "no item `{text}` in this release; `aliquot show RELEASE --items SUBSET` lists uids"
        ))),
        _ => Err(Error::NotFound(format!(
            "item `{text}` fits {} items; give more digits",
            fits.len()
        ))),
    }
}

fn rows(responses: &Responses, item_uid: &str, model: Option<&str>) -> Vec<usize> {
    let Some(code) = responses.item_uid.code_of(item_uid) else { return Vec::new() };
    (0..responses.len())
        .filter(|row| responses.item_uid.codes()[*row] == code)
        .filter(|row| model.is_none_or(|model| responses.model.get(*row) == model))
        .collect()
}

/// One row of `responses`, followed to its raw file.
struct Traced<'a> {
    responses: &'a Responses,
    row: usize,
    raw: &'a RawArtifact,
    step: Option<&'a Step>,
}

impl<'a> Traced<'a> {
    fn of(responses: &'a Responses, row: usize, manifest: &'a Manifest) -> Result<Self, Error> {
        let id = responses.raw.get(row);
        let raw = manifest.raw.iter().find(|raw| raw.blake3.to_string() == id);
        let raw = raw.ok_or_else(|| {
            Error::Unverified(format!("raw object {id} of row {row} is not in the manifest"))
        })?;
        let step = manifest
            .provenance
            .iter()
            .find(|step| step.stage == "normalize" && step.inputs.contains(&raw.blake3));
        Ok(Self { responses, row, raw, step })
    }

    fn score(&self) -> Option<f32> {
        Some(self.responses.score[self.row]).filter(|score| !score.is_nan())
    }

    fn shard(&self) -> Option<ObjectId> {
        self.step.and_then(|step| step.outputs.first().copied())
    }

    fn json(&self) -> Value {
        let (responses, row) = (self.responses, self.row);
        json!({
            "row": row, "model": responses.model.get(row), "metric": responses.metric.get(row),
            "trial": responses.trial[row], "score": self.score(), "missing_reason": responses.missing_reason.get(row),
            "shard": self.shard(), "raw": self.raw.blake3, "sha256": self.raw.sha256,
            "address": self.raw.address, "record": responses.record[row],
        })
    }

    fn text(&self) -> String {
        let (responses, row) = (self.responses, self.row);
        let score = self.score().map_or_else(
            || format!("missing ({})", responses.missing_reason.get(row)),
            |score| score.to_string(),
        );
        let shard = self.shard().map_or("-".to_owned(), |id| id.short());
        format!(
            "row        {row}: {} {} = {score}\n           <- shard {shard} <- record {} of raw object {}\n           <- {}\n",
            responses.model.get(row),
            responses.metric.get(row),
            responses.record[row],
            self.raw.blake3.short(),
            self.raw.address
        )
    }

    /// The record itself, out of the raw bytes.
    fn raw_record(&self, store: &Store) -> Result<Value, Error> {
        let address =
            self.raw.address.parse().map_err(|error| Error::Unverified(format!("{error}")))?;
        let bytes = store.get(self.raw.blake3)?;
        Ok(adapters::raw_record(&address, &bytes, self.responses.record[self.row])?)
    }
}
