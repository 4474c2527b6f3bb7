//! Results in the files of an eval tool, matched to the items of a release.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use aliquot_release::manifest::Manifest;
use aliquot_sources::matching::{Matching, match_items};
use aliquot_store::Store;
use aliquot_tables::{
    aliases::{self, Alias},
    findings, items,
    prompts::{self, Prompt},
    responses::{self, Responses},
    runs::{self, Run},
};

use super::{
    import::{Imported, Reading, import},
    read_table,
    results::Results,
};
use crate::{error::Error, graph::RUNS, stages::table};

/// Places of the tables among those imported.
const RESPONSES: usize = 0;
const ITEMS: usize = 1;
const ALIASES: usize = 3;
const PROMPTS: usize = 5;
const FINDINGS: usize = 6;

/// The results of one model.
pub struct Log {
    /// Name of the model.
    pub model: String,
    /// Its scores by the release's item uids.
    pub results: Results,
    /// What does not match the runs that the release was made from.
    pub notes: Vec<String>,
}

/// Imported tables.
struct Logged {
    responses: Responses,
    aliases: Vec<Alias>,
    runs: Vec<Run>,
    prompts: Vec<Prompt>,
    uids: BTreeSet<String>,
    findings: Vec<String>,
}

/// What a release says of how its responses came about.
struct Calibration {
    items: Vec<items::Item>,
    aliases: Vec<Alias>,
    runs: Vec<Run>,
    prompts: Vec<Prompt>,
    /// Metric and filter.
    metrics: BTreeSet<(String, String)>,
}

/// Reads result files of any known format: one log a model, by name.
pub fn read(
    store: &Store,
    manifest: &Manifest,
    paths: &[PathBuf],
    reading: &Reading,
) -> Result<Vec<Log>, Error> {
    let calibration = Calibration::read(store, manifest)?;
    let logged = Logged::read(paths, &calibration.reading(reading))?;
    let logged = calibration.comparable(logged)?;
    let own: BTreeSet<&str> = calibration.items.iter().map(|item| item.item_uid.as_str()).collect();
    let uids = logged.uids.iter().map(String::as_str).collect();
    let matching = match_items(&own, &calibration.aliases, &uids, &logged.aliases)
        .map_err(|error| Error::Results(error.to_string()))?;
    if matching.items.is_empty() {
        return Err(Error::Results(format!(
            "none of the {} items of these results is an item of {}@{}\n  \
             `aliquot show RELEASE --items SUBSET` lists them; is this the benchmark that was run?",
            matching.unknown.len(),
            manifest.name,
            manifest.version
        )));
    }
    let mut models: BTreeMap<&str, BTreeMap<String, Vec<Option<f32>>>> = BTreeMap::new();
    let rows = &logged.responses;
    for row in 0..rows.len() {
        let Some(own) = matching.items.get(rows.item_uid.get(row)) else { continue };
        let score = (!rows.score[row].is_nan()).then_some(rows.score[row]);
        let answers = models.entry(rows.model.get(row)).or_default();
        answers.entry(own.clone()).or_default().push(score);
    }
    let log = |(model, answers): (&str, BTreeMap<String, Vec<Option<f32>>>)| {
        let mut notes = logged.findings.clone();
        notes.extend(calibration.differences(&logged, model, &matching));
        Log { model: model.to_owned(), results: scored(model, paths, answers), notes }
    };
    Ok(models.into_iter().map(log).collect())
}

/// Repetitions are averaged; an item without any score counts as missing.
fn scored(model: &str, paths: &[PathBuf], answers: BTreeMap<String, Vec<Option<f32>>>) -> Results {
    let scores = answers.into_iter().filter_map(|(item, trials)| {
        let given: Vec<f64> = trials.into_iter().flatten().map(f64::from).collect();
        let mean = given.iter().sum::<f64>() / given.len() as f64;
        (!given.is_empty()).then_some((item, mean))
    });
    let name = match paths {
        [only] => format!("{} ({model})", only.display()),
        _ => model.to_owned(),
    };
    Results::of_log(PathBuf::from(name), scores)
}

impl Logged {
    fn read(paths: &[PathBuf], reading: &Reading) -> Result<Self, Error> {
        let folder = tempfile::tempdir().map_err(|source| Error::File {
            action: "make a folder in",
            path: std::env::temp_dir(),
            source,
        })?;
        let store = Store::open(&folder.path().to_string_lossy())?;
        let Imported { tables, unused, .. } = import(&store, paths, reading, super::run::cores())?;
        let bytes = |at: usize| store.get(tables[at]);
        let found = findings::decode(&bytes(FINDINGS)?).map_err(table("findings"))?;
        let mut findings: Vec<String> = found
            .iter()
            .map(|finding| format!("{}: {} ({})", finding.kind, finding.evidence, finding.action))
            .collect();
        if !unused.is_empty() {
            findings.push(format!("{} files of these paths are no results", unused.len()));
        }
        let items = items::decode(&bytes(ITEMS)?).map_err(table("items"))?;
        Ok(Self {
            responses: responses::decode(&bytes(RESPONSES)?).map_err(table("responses"))?,
            aliases: aliases::decode(&bytes(ALIASES)?).map_err(table("aliases"))?,
            runs: runs::decode(&bytes(RUNS)?).map_err(table("runs"))?,
            prompts: prompts::decode(&bytes(PROMPTS)?).map_err(table("prompts"))?,
            uids: items.into_iter().map(|item| item.item_uid).collect(),
            findings,
        })
    }
}

impl Calibration {
    fn read(store: &Store, manifest: &Manifest) -> Result<Self, Error> {
        let bytes = |name: &str| read_table(store, manifest, name);
        let there = |name: &str| manifest.tables.contains_key(name);
        let runs = match there("runs") {
            true => runs::decode(&bytes("runs")?).map_err(table("runs"))?,
            false => Vec::new(),
        };
        let prompts = match there("prompts") {
            true => prompts::decode(&bytes("prompts")?).map_err(table("prompts"))?,
            false => Vec::new(),
        };
        let mut metrics: BTreeSet<(String, String)> =
            runs.iter().map(|run| (run.metric.clone(), run.filter.clone())).collect();
        if metrics.is_empty() {
            let rows = responses::decode(&bytes("responses")?).map_err(table("responses"))?;
            metrics = metrics_of(&rows);
        }
        let items = items::decode(&bytes("items")?).map_err(table("items"))?;
        let aliases = aliases::decode(&bytes("aliases")?).map_err(table("aliases"))?;
        Ok(Self { items, aliases, runs, prompts, metrics })
    }

    /// The options given, and what the release knows besides: where it has one metric, that one is
    /// taken.
    fn reading(&self, given: &Reading) -> Reading {
        let mut reading = given.clone();
        if let ([(metric, filter)], true) =
            (&Vec::from_iter(&self.metrics)[..], given.metric.is_none())
        {
            reading.metric = Some(metric.clone());
            if !filter.is_empty() && given.filter.is_none() {
                reading.filter = Some(filter.clone());
            }
        }
        reading
    }

    /// What is of a metric and filter of the release: other scores estimate nothing of it.
    fn comparable(&self, logged: Logged) -> Result<Logged, Error> {
        let found = metrics_of(&logged.responses);
        if found.is_subset(&self.metrics) {
            return Ok(logged);
        }
        let rows = &logged.responses;
        let responses = rows.filtered(|row| {
            self.metrics.iter().any(|(metric, filter)| {
                metric == rows.metric.get(row) && filter == rows.filter.get(row)
            })
        });
        if !responses.is_empty() {
            let left = rows.len() - responses.len();
            let mut findings = logged.findings;
            findings.push(format!("{left} scores of other metrics or filters are left out"));
            let uids = responses.item_uid.values().iter().cloned().collect();
            return Ok(Logged { responses, uids, findings, ..logged });
        }
        let list = |metrics: &BTreeSet<(String, String)>| {
            let name = |(metric, filter): &(String, String)| match filter.as_str() {
                "" => metric.clone(),
                filter => format!("{metric} (filter {filter})"),
            };
            metrics.iter().map(name).collect::<Vec<_>>().join(", ")
        };
        Err(Error::Results(format!(
            "the scores are of {}, the release's of {}\n  \
             next: `--metric NAME` and `--filter NAME` take others from the same files",
            list(&found),
            list(&self.metrics)
        )))
    }

    /// How a model's runs differ from those that the release was made from.
    fn differences(&self, logged: &Logged, model: &str, matching: &Matching) -> Vec<String> {
        let mut notes = Vec::new();
        for run in logged.runs.iter().filter(|run| run.model == model) {
            let alike = |own: &&Run| own.benchmark == run.benchmark && own.task == run.task;
            let mut alike: Vec<&Run> = self.runs.iter().filter(alike).collect();
            if alike.is_empty() {
                alike = self.runs.iter().filter(|own| own.benchmark == run.benchmark).collect();
            }
            notes.extend(differences(run, &alike));
        }
        notes.sort();
        notes.dedup();
        notes.extend(self.other_prompts(logged, matching));
        if !matching.unknown.is_empty() {
            let unknown = matching.unknown.len();
            notes.push(format!("{unknown} items are none of the release's and are left out"));
        }
        notes
    }

    fn other_prompts(&self, logged: &Logged, matching: &Matching) -> Option<String> {
        let mut own: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for prompt in &self.prompts {
            own.entry(&prompt.item_uid).or_default().insert(&prompt.prompt_hash);
        }
        let known = |prompt: &&Prompt| {
            let item = matching.items.get(&prompt.item_uid);
            item.is_some_and(|item| own.contains_key(item.as_str()))
        };
        let compared: Vec<&Prompt> = logged.prompts.iter().filter(known).collect();
        let other = compared.iter().filter(|prompt| {
            let item = matching.items.get(&prompt.item_uid);
            let hashes = item.and_then(|item| own.get(item.as_str()));
            hashes.is_some_and(|hashes| !hashes.contains(prompt.prompt_hash.as_str()))
        });
        let other = other.count();
        (other > 0).then(|| {
            format!(
                "{other} of {} prompts are none of those in calibration: other shots, template or wording",
                compared.len()
            )
        })
    }
}

fn metrics_of(rows: &Responses) -> BTreeSet<(String, String)> {
    let pairs: BTreeSet<(u32, u32)> =
        rows.metric.codes().iter().copied().zip(rows.filter.codes().iter().copied()).collect();
    let name = |(metric, filter): (u32, u32)| {
        (
            rows.metric.values()[metric as usize].clone(),
            rows.filter.values()[filter as usize].clone(),
        )
    };
    pairs.into_iter().map(name).collect()
}

/// Settings of a run that none of the others has; what is unknown on either side says nothing.
fn differences(run: &Run, others: &[&Run]) -> Vec<String> {
    let text = |run: &Run| -> [(&'static str, String); 4] {
        [
            ("shots", run.shots.map_or_else(String::new, |shots| shots.to_string())),
            ("template", run.template.clone()),
            ("task version", run.task_version.clone()),
            ("filter", run.filter.clone()),
        ]
    };
    let mut notes = Vec::new();
    for (at, (what, own)) in text(run).into_iter().enumerate() {
        let known: BTreeSet<String> = others
            .iter()
            .map(|other| text(other)[at].1.clone())
            .filter(|value| !value.is_empty())
            .collect();
        if !own.is_empty() && !known.is_empty() && !known.contains(&own) {
            let known: Vec<&str> = known.iter().map(String::as_str).collect();
            notes.push(format!(
                "{}: {what} {own}, in calibration {}",
                run.task,
                known.join(" or ")
            ));
        }
    }
    notes
}
