use aliquot_release::manifest::{Manifest, RawArtifact, Step};
use aliquot_sources::{Content, RawFile, adapters};
use aliquot_store::{ObjectId, Store};
use aliquot_tables::{
    aliases, items,
    responses::{self, Responses},
    subsets,
};
use serde_json::{Value, json};

use super::{open_release, print, print_json, read_table};
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
    let items = items::decode(&read_table(&store, &manifest, "items")?).map_err(table("items"))?;
    let responses = read_table(&store, &manifest, "responses")?;
    let responses = responses::decode(&responses).map_err(table("responses"))?;
    let item = find_item(&items, &arguments.item)?;

    let rows = rows(&responses, &item.item_uid, arguments.model.as_deref());
    if let (true, Some(model)) = (rows.is_empty(), &arguments.model) {
        return Err(Error::NotFound(format!(
            "item {} has no response of model `{model}`",
            item.item_uid
        )));
    }
    let traced = rows.into_iter().map(|row| Traced::of(&responses, row, &manifest));
    let traced = traced.collect::<Result<Vec<_>, _>>()?;
    let record = match &arguments.model {
        Some(_) => Some(traced[0].raw_record(&store)?),
        None => None,
    };
    let story = Story {
        release: id,
        item,
        subsets: subsets_with(&store, &manifest, &item.item_uid)?,
        aliases: aliases_of(&store, &manifest, &item.item_uid)?,
        traced,
        record,
    };
    if global.json {
        print_json(&story.json());
    } else {
        print(&story.text());
    }
    Ok(())
}

/// An item's way from the release to the source bytes.
struct Story<'a> {
    release: ObjectId,
    item: &'a items::Item,
    subsets: Vec<String>,
    aliases: Vec<Value>,
    traced: Vec<Traced<'a>>,
    record: Option<Value>,
}

impl Story<'_> {
    fn json(&self) -> Value {
        let Self { release, item, subsets, aliases, traced, record } = self;
        let responses: Vec<Value> = traced.iter().map(Traced::json).collect();
        json!({
            "release": release, "item_uid": item.item_uid, "benchmark": item.benchmark,
            "config": item.config, "task": item.task, "stem": item.stem, "subsets": subsets,
            "aliases": aliases, "responses": responses, "record": record,
        })
    }

    fn text(&self) -> String {
        let Self { release, item, subsets, aliases, traced, record } = self;
        let mut text = format!(
            "release    {release}\nitem       {}\nbenchmark  {} {} {}\nstem       {}\n",
            item.item_uid,
            item.benchmark,
            item.config,
            item.task,
            one_line(&item.stem)
        );
        subsets.iter().for_each(|subset| text.push_str(&format!("subset     {subset}\n")));
        aliases.iter().for_each(|alias| {
            text.push_str(&format!("alias      {}\n", one_line(&alias.to_string())));
        });
        traced.iter().for_each(|row| text.push_str(&row.text()));
        if traced.is_empty() {
            text.push_str("responses  none: no model has answered it\n");
        }
        if let Some(record) = record {
            text.push_str(&format!("record     {record:#}\n"));
        }
        text
    }
}

fn subsets_with(store: &Store, manifest: &Manifest, item_uid: &str) -> Result<Vec<String>, Error> {
    let members = read_table(store, manifest, "subsets")?;
    let members = subsets::decode(&members).map_err(table("subsets"))?;
    let describe = |member: &subsets::Member| {
        let subsets::Member { target, subset, position, weight, .. } = member;
        format!("{target}/{subset} position {position} weight {weight}")
    };
    Ok(members.iter().filter(|member| member.item_uid == item_uid).map(describe).collect())
}

fn aliases_of(store: &Store, manifest: &Manifest, item_uid: &str) -> Result<Vec<Value>, Error> {
    let aliases = read_table(store, manifest, "aliases")?;
    let aliases = aliases::decode(&aliases).map_err(table("aliases"))?;
    let describe = |alias: &aliases::Alias| {
        json!({
            "tool": alias.tool, "task": alias.task, "revision": alias.revision,
            "doc_id": alias.doc_id, "doc_hash": alias.doc_hash, "native_id": alias.native_id,
        })
    };
    Ok(aliases.iter().filter(|alias| alias.item_uid == item_uid).map(describe).collect())
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
        let unknown =
            || Error::Unverified(format!("raw object {id} of row {row} is not in the manifest"));
        let reads = |step: &&Step| {
            step.stage == "normalize" && step.inputs.iter().any(|input| input.id.to_string() == id)
        };
        // Two models may have files of the same bytes: the model's own step comes first.
        let own = format!("normalize/{}", responses.model.get(row));
        let step = manifest.provenance.iter().filter(reads).min_by_key(|step| step.name != own);
        let input =
            step.and_then(|step| step.inputs.iter().find(|input| input.id.to_string() == id));
        let address =
            input.and_then(|input| input.from.strip_prefix("fetch/")).ok_or_else(unknown)?;
        let raw = manifest.raw.iter().find(|raw| raw.address == address).ok_or_else(unknown)?;
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
        let id = self.raw.blake3;
        let record = self.responses.record[self.row];
        // A file of this machine is read where it lies: it may be larger than the memory.
        let held = match store.file(id)? {
            Some(path) => Ok(path),
            None => Err(store.get(id)?),
        };
        let content = match &held {
            Ok(path) => Content::File(path),
            Err(bytes) => Content::Memory(bytes),
        };
        Ok(adapters::raw_record(&RawFile { address: &address, id, content }, record)?)
    }
}
