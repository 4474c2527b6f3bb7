//! SWE-bench: whether a model's patch resolved an issue.
//!
//! Four kinds of file: the harness's `report.json` of one instance, its report of a run
//! (`<model>.<run>.json`), the leaderboard's `results.json`, which lists positives only, and the
//! bash-only board's `per_instance_details.json`. A list of positives says nothing of the rest, so it
//! needs a file of instances: any `.jsonl`, `.csv` or `.parquet` file, or a `.json` file whose name
//! begins with `instances`.
//!
//! Score = resolved. Traps: patches that are empty, do not apply, break the harness or fail for the
//! infrastructure count as unresolved, as on the leaderboard, and are noted; instances that were not
//! submitted are missing; submitted ids may not exist.

mod board;
mod instances;

use std::collections::{BTreeMap, BTreeSet};

use aliquot_tables::{
    aliases::Alias, findings::Finding, items::Item, models::Model, responses::Response, runs::Run,
};

use self::{
    board::{Board, Outcome},
    instances::Instance,
};
use super::Wanted;
use crate::{AdapterError, Address, ItemContent, Occurrences, Place, RawFile, Shard};

/// Raised when the same bytes give other rows.
pub const VERSION: u32 = 1;

/// Name of the tool in aliases and runs.
const TOOL: &str = "swe-bench";

/// The only metric.
const METRIC: &str = "resolved";

/// Names in a line of evidence.
const SHOWN: usize = 5;

#[derive(PartialEq, Eq)]
enum Kind {
    Report,
    Board,
    Instances,
}

/// By the name alone.
fn kind(address: &Address) -> Kind {
    let name = address.to_string();
    let name = file_name(&name);
    let table = [".jsonl", ".ndjson", ".csv", ".parquet"].iter().any(|end| name.ends_with(end));
    match name {
        "report.json" => Kind::Report,
        _ if table || name.starts_with("instances") => Kind::Instances,
        _ => Kind::Board,
    }
}

/// The last part of an address, without `.gz`.
fn file_name(address: &str) -> &str {
    let name = address.trim_start_matches("file:").rsplit('/').next().unwrap_or_default();
    name.trim_end_matches(".gz")
}

/// Whether a file is one of the four kinds, or a file of instances.
pub(crate) fn recognises(name: &str, head: &[u8]) -> bool {
    let file = file_name(name);
    let head = String::from_utf8_lossy(head);
    let has = |keys: &[&str]| keys.iter().all(|key| head.contains(&format!("\"{key}\"")));
    let header = head.lines().next().unwrap_or_default();
    let column = |name: &str| header.split(',').any(|cell| cell.trim_matches('"') == name);
    match file.rsplit('.').next() {
        Some("json") => {
            has(&["total_instances", "resolved_instances"])
                || has(&["resolved", "no_generation"])
                || has(&["resolved", "no_logs"])
                || (file == "report.json" && has(&["resolved", "patch_exists"]))
                || (file == "per_instance_details.json" && has(&["resolved"]))
                || (file == "results.json"
                    && head.trim_start_matches(['{', ' ', '\r', '\n']).starts_with("\"resolved\""))
                || (file.starts_with("instances") && has(&["instance_id", "repo"]))
        }
        Some("jsonl" | "ndjson") => has(&["instance_id", "repo", "problem_statement"]),
        Some("csv") => column("instance_id") && column("repo"),
        Some("parquet") => file.to_lowercase().replace(['-', '_'], "").contains("swebench"),
        _ => false,
    }
}

/// All `report.json` of one run and model are a unit; every other board is one; a file of instances
/// belongs to all.
pub(crate) fn units(addresses: &[&Address]) -> Vec<Vec<usize>> {
    let mut runs: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    let mut instances = Vec::new();
    for (at, address) in addresses.iter().enumerate() {
        let name = address.to_string();
        match kind(address) {
            Kind::Instances => instances.push(at),
            Kind::Board => runs.entry(name).or_default().push(at),
            Kind::Report => {
                let run = name.rsplitn(3, '/').nth(2).unwrap_or_default();
                runs.entry(format!("{run}/")).or_default().push(at);
            }
        }
    }
    runs.into_values().map(|unit| [unit, instances.clone()].concat()).collect()
}

/// Reads the results of one model on one benchmark.
pub(crate) fn normalize(files: &[RawFile<'_>], wanted: &Wanted) -> Result<Shard, AdapterError> {
    let first = &files[0];
    let (lists, boards): (Vec<_>, Vec<_>) =
        files.iter().partition(|file| kind(file.address) == Kind::Instances);
    if boards.is_empty() {
        return Err(first.error(Place::File, "it is a file of instances: results are needed too"));
    }
    if let Some(metric) = wanted.metric.as_deref().filter(|metric| *metric != METRIC) {
        let problem = format!("it has no metric `{metric}`; it has: {METRIC}");
        return Err(first.error(Place::File, problem));
    }
    let instances = match lists[..] {
        [] => None,
        [file] => Some(instances::read(file)?),
        [_, second, ..] => {
            return Err(second.error(Place::File, "it is the second file of instances: give one"));
        }
    };
    let board = board::read(&boards, instances.as_ref())?;
    let address = first.address.to_string();
    let names = Names {
        model: wanted.model.clone().unwrap_or_else(|| model(&address)),
        benchmark: wanted.benchmark.clone().unwrap_or_else(|| benchmark(&address)),
        revision: wanted.revision.clone().unwrap_or_default(),
    };
    shard(&boards, &board, &instances.unwrap_or_default(), &names)
}

struct Names {
    model: String,
    benchmark: String,
    revision: String,
}

fn shard(
    boards: &[&RawFile<'_>],
    board: &Board,
    instances: &BTreeMap<String, Instance>,
    names: &Names,
) -> Result<Shard, AdapterError> {
    let mut shard = Shard::default();
    let items = items(boards[0], board, instances, &names.benchmark)?;
    for (id, Outcome { score, board: file, record, .. }) in &board.outcomes {
        let item = &items[id.as_str()];
        shard.responses.push(&Response {
            model: &names.model,
            item_uid: &item.item_uid,
            metric: METRIC,
            filter: "",
            trial: 0,
            score: score.map(f32::from),
            log_likelihood: None,
            raw: &boards[*file].id.to_string(),
            record: *record,
        });
        shard.aliases.push(Alias {
            item_uid: item.item_uid.clone(),
            tool: TOOL.to_owned(),
            task: names.benchmark.clone(),
            revision: names.revision.clone(),
            native_id: Some(id.clone()),
            ..Alias::default()
        });
        shard.items.push(item.clone());
    }
    shard.models.push(Model { model: names.model.clone(), ..Model::default() });
    shard.runs.push(Run {
        model: names.model.clone(),
        benchmark: names.benchmark.clone(),
        metric: METRIC.to_owned(),
        raw: boards[0].id.to_string(),
        tool: TOOL.to_owned(),
        items: board.outcomes.len() as u32,
        population: board.population.map(|population| population as u32),
        ..Run::default()
    });
    shard.findings = findings(board, names);
    Ok(shard)
}

/// The items by native id, counted over the whole file of instances, so that an item is the same one
/// whatever was submitted.
fn items(
    file: &RawFile<'_>,
    board: &Board,
    instances: &BTreeMap<String, Instance>,
    benchmark: &str,
) -> Result<BTreeMap<String, Item>, AdapterError> {
    let ids: BTreeSet<&String> = board.outcomes.keys().chain(instances.keys()).collect();
    let mut occurrences = Occurrences::default();
    let mut items = BTreeMap::new();
    for id in ids {
        let known = instances.get(id);
        let stem = known.and_then(|known| known.problem_statement.as_deref()).unwrap_or(id);
        let (config, split, choices, target) = ("", "", None, None);
        let content = ItemContent { benchmark, config, split, stem, choices, target };
        let (item_uid, occurrence) =
            occurrences.next_uid(&content).map_err(file.canonical_error(Place::File))?;
        let item = Item {
            item_uid,
            benchmark: benchmark.to_owned(),
            stem: stem.to_owned(),
            occurrence,
            parent: known.and_then(|known| known.repo.clone()).or_else(|| repository(id)),
            ..Item::default()
        };
        items.insert(id.clone(), item);
    }
    Ok(items)
}

/// `owner/name` of an id `owner__name-123`.
fn repository(id: &str) -> Option<String> {
    let (owner, name) = id.rsplit_once('-')?.0.split_once("__")?;
    Some(format!("{owner}/{name}"))
}

fn findings(board: &Board, names: &Names) -> Vec<Finding> {
    let mut notes: BTreeMap<&'static str, Vec<&str>> = BTreeMap::new();
    for (id, outcome) in &board.outcomes {
        for note in &outcome.notes {
            notes.entry(note).or_default().push(id);
        }
    }
    notes.insert("unknown-item", board.unknown.iter().map(String::as_str).collect());
    let finding = |(kind, ids): (&str, Vec<&str>)| {
        let shown = ids[..ids.len().min(SHOWN)].join(", ");
        let more = if ids.len() > SHOWN { ", ..." } else { "" };
        let (what, action) = match kind {
            "not-submitted" => ("not submitted, missing", "keep"),
            "unknown-item" => ("submitted but in no list of instances", "drop"),
            _ => ("scored 0, as the leaderboard counts them", "keep"),
        };
        Finding {
            kind: kind.to_owned(),
            severity: "warning".to_owned(),
            benchmark: names.benchmark.clone(),
            subject: names.model.clone(),
            evidence: format!("{} instances {what}: {shown}{more}", ids.len()),
            action: action.to_owned(),
            expected: None,
            observed: Some(ids.len() as f64),
        }
    };
    let mut findings: Vec<Finding> =
        notes.into_iter().filter(|(_, ids)| !ids.is_empty()).map(finding).collect();
    if board.population.is_none() {
        findings.push(Finding {
            kind: "unknown-population".to_owned(),
            severity: "warning".to_owned(),
            benchmark: names.benchmark.clone(),
            subject: names.model.clone(),
            evidence: "instances without a report are not known: add the file of instances"
                .to_owned(),
            action: "keep".to_owned(),
            ..Finding::default()
        });
    }
    findings
}

/// The model, as the path says it: the folder of the run's reports, the name before `.<run>.json`, or the
/// folder of the submission.
fn model(address: &str) -> String {
    let path = address.trim_start_matches("file:");
    let mut folders: Vec<&str> = path.split('/').collect();
    folders.pop();
    let name = file_name(address).trim_end_matches(".json");
    match name {
        "report" => folders.iter().rev().nth(1).copied().unwrap_or(name).to_owned(),
        "results" | "per_instance_details" => {
            let submission = folders.iter().rev().find(|folder| **folder != "results");
            submission.copied().filter(|folder| !folder.is_empty()).unwrap_or(name).to_owned()
        }
        _ => name.rsplit_once('.').map_or(name, |(model, _)| model).to_owned(),
    }
}

/// The board, as the path of the experiments' repository says it.
fn benchmark(address: &str) -> String {
    let boards = address.split("evaluation/").nth(1).unwrap_or_default();
    match boards.split('/').next().unwrap_or_default() {
        // The bash-only board is a board of agents on Verified.
        "verified" | "bash-only" => "swe_bench_verified".to_owned(),
        board @ ("lite" | "multilingual" | "multimodal" | "test") => format!("swe_bench_{board}"),
        _ => "swe_bench".to_owned(),
    }
}

#[cfg(test)]
mod tests;
