//! Results in the files of an eval tool, matched to the items of a release.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use aliquot_release::manifest::Manifest;
use aliquot_sources::matching::{Matching, match_items};
use aliquot_store::Store;
use aliquot_tables::{
    aliases::{self, Alias},
    findings::Finding,
    items,
    prompts::{self, Prompt},
    responses::{self, Responses},
    runs::{self, Run},
};

use super::{
    import::{Imported, Reading, import},
    read_table,
    results::Results,
};
use crate::{
    error::Error,
    graph::{ALIASES, ITEMS, PROMPTS, RESPONSES, RUNS},
    stages::{normalize::OnError, table},
};

/// Items that a note names before the rest is only counted.
const NAMED: usize = 5;

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
    /// Item uids.
    items: BTreeSet<String>,
    findings: Vec<String>,
}

/// What a release says of how its responses came about.
pub struct Calibration {
    /// `name@version`.
    release: String,
    /// Benchmark of each item.
    items: BTreeMap<String, String>,
    aliases: Vec<Alias>,
    runs: Vec<Run>,
    prompts: Vec<Prompt>,
    /// Metrics and filters by benchmark.
    metrics: BTreeMap<String, BTreeSet<Scale>>,
}

/// Metric and filter: scores of two are never compared.
type Scale = (String, String);

/// What is logged of one model.
#[derive(Default)]
struct Answers<'a> {
    scores: BTreeMap<&'a str, Vec<f64>>,
    /// Why items have no score.
    unscored: BTreeMap<&'a str, &'a str>,
    /// Items that are none of the release's.
    unknown: BTreeSet<&'a str>,
    /// Scores by benchmark that are of another metric or filter than the release's.
    other: BTreeMap<(&'a str, Scale), usize>,
    raw: BTreeSet<&'a str>,
    /// The release's benchmarks that its items are of.
    benchmarks: BTreeSet<&'a str>,
}

/// Results of several models or in several files: a table is one, the other files together are logs.
pub fn read(
    (place, store): (&str, &Store),
    manifest: &Manifest,
    paths: &[PathBuf],
    reading: &Reading,
) -> Result<Vec<Log>, Error> {
    let (tables, files): (Vec<&PathBuf>, Vec<&PathBuf>) =
        paths.iter().partition(|path| Results::recognises(path));
    let mut logs = Vec::new();
    for path in &tables {
        // One table says of itself that it is one model's; of several each has to be named.
        let model = if paths.len() > 1 { path.display().to_string() } else { String::new() };
        logs.push(Log { model, results: Results::read(path)?, notes: Vec::new() });
    }
    if !files.is_empty() {
        let files: Vec<PathBuf> = files.into_iter().cloned().collect();
        logs.extend(Calibration::read(store, manifest)?.logs(place, &files, reading)?);
    }
    Ok(logs)
}

/// The results of one model at one path.
pub fn read_one(
    calibration: &mut Option<Calibration>,
    (place, store, manifest): (&str, &Store, &Manifest),
    path: &Path,
    reading: &Reading,
) -> Result<Log, Error> {
    if Results::recognises(path) {
        return Ok(Log { model: String::new(), results: Results::read(path)?, notes: Vec::new() });
    }
    let known = match calibration.take() {
        Some(known) => known,
        None => Calibration::read(store, manifest)?,
    };
    let logs = calibration.insert(known).logs(place, &[path.to_owned()], reading)?;
    let names: Vec<String> = logs.iter().map(|log| format!("`{}`", log.model)).collect();
    let mut logs = logs.into_iter();
    match (logs.next(), logs.next()) {
        (Some(only), None) => Ok(only),
        _ => Err(Error::Results(format!(
            "`{}` holds the results of {} models: {}\n  next: give one path a model",
            path.display(),
            names.len(),
            names.join(", ")
        ))),
    }
}

impl Logged {
    fn read(paths: &[PathBuf], reading: &Reading, release: &str) -> Result<Self, Error> {
        let folder = tempfile::tempdir().map_err(|source| Error::File {
            action: "make a folder in",
            path: std::env::temp_dir(),
            source,
        })?;
        let store = Store::open(&folder.path().to_string_lossy())?;
        let besides = [Path::new(release)];
        let imported = import(&store, paths, &besides, reading, super::run::cores());
        let Imported { tables, unused, findings, .. } = imported.map_err(|error| match error {
            Error::Data(problem) => Error::Results(problem),
            other => other,
        })?;
        let bytes = |at: usize| store.get(tables[at]);
        let mut findings: Vec<String> = findings
            .iter()
            .map(|finding| {
                let Finding { kind, subject, evidence, action, .. } = finding;
                format!("{kind}: {subject}: {evidence} ({action})")
            })
            .collect();
        if let Some(first) = unused.first() {
            let path = first.path.display();
            findings.push(format!("{} files are not used: `{path}`: {}", unused.len(), first.why));
        }
        let items = items::decode(&bytes(ITEMS)?).map_err(table("items"))?;
        Ok(Self {
            responses: responses::decode(&bytes(RESPONSES)?).map_err(table("responses"))?,
            aliases: aliases::decode(&bytes(ALIASES)?).map_err(table("aliases"))?,
            runs: runs::decode(&bytes(RUNS)?).map_err(table("runs"))?,
            prompts: prompts::decode(&bytes(PROMPTS)?).map_err(table("prompts"))?,
            items: items.into_iter().map(|item| item.item_uid).collect(),
            findings,
        })
    }
}

impl Calibration {
    /// Reads it from the tables of a release.
    pub fn read(store: &Store, manifest: &Manifest) -> Result<Self, Error> {
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
        let items = items::decode(&bytes("items")?).map_err(table("items"))?;
        let items: BTreeMap<String, String> =
            items.into_iter().map(|item| (item.item_uid, item.benchmark)).collect();
        let mut metrics: BTreeMap<String, BTreeSet<Scale>> = BTreeMap::new();
        for run in &runs {
            let scale = (run.metric.clone(), run.filter.clone());
            metrics.entry(run.benchmark.clone()).or_default().insert(scale);
        }
        if metrics.is_empty() {
            let rows = responses::decode(&bytes("responses")?).map_err(table("responses"))?;
            metrics = metrics_of(&rows, &items);
        }
        let aliases = aliases::decode(&bytes("aliases")?).map_err(table("aliases"))?;
        let release = format!("{}@{}", manifest.name, manifest.version);
        Ok(Self { release, items, aliases, runs, prompts, metrics })
    }

    /// Reads result files of any known format: one log a model, by name.
    fn logs(&self, store: &str, paths: &[PathBuf], reading: &Reading) -> Result<Vec<Log>, Error> {
        let logged = Logged::read(paths, &self.reading(reading), store)?;
        let own: BTreeSet<&str> = self.items.keys().map(String::as_str).collect();
        let uids = logged.items.iter().map(String::as_str).collect();
        let matching = match_items(&own, &self.aliases, &uids, &logged.aliases)
            .map_err(|error| Error::Results(error.to_string()))?;
        if matching.items.is_empty() {
            return Err(Error::Results(format!(
                "none of the {} items of these results is an item of {}\n  \
                 `aliquot show RELEASE --items SUBSET` lists them; is this the benchmark that was run?",
                matching.unknown.len(),
                self.release
            )));
        }
        let models = self.answers(&logged.responses, &matching);
        if models.values().all(|answers| answers.scores.is_empty() && !answers.other.is_empty()) {
            return Err(self.other_scales(&models));
        }
        let log = |(model, answers): (&str, Answers<'_>)| {
            let mut notes = logged.findings.clone();
            notes.extend(self.differences(&logged, (model, &answers), &matching));
            Log { model: model.to_owned(), results: scored(model, paths, answers), notes }
        };
        Ok(models.into_iter().map(log).collect())
    }

    /// The options given, and what the release knows besides: where it has one metric, that one is
    /// taken.
    fn reading(&self, given: &Reading) -> Reading {
        let mut reading = given.clone();
        reading.on_error.get_or_insert(OnError::Skip);
        let scales: BTreeSet<&Scale> = self.metrics.values().flatten().collect();
        if let ([(metric, filter)], true) = (&Vec::from_iter(scales)[..], given.metric.is_none()) {
            reading.metric = Some(metric.clone());
            if !filter.is_empty() && given.filter.is_none() {
                reading.filter = Some(filter.clone());
            }
        }
        reading
    }

    /// Sorts rows by model, and by whether they are scores of the release's items on its scales.
    fn answers<'a>(
        &'a self,
        rows: &'a Responses,
        matching: &'a Matching,
    ) -> BTreeMap<&'a str, Answers<'a>> {
        let mut models: BTreeMap<&str, Answers<'_>> = BTreeMap::new();
        for row in 0..rows.len() {
            let uid = rows.item_uid.get(row);
            let answers = models.entry(rows.model.get(row)).or_default();
            answers.raw.insert(rows.raw.get(row));
            let Some(own) = matching.items.get(uid) else {
                answers.unknown.insert(uid);
                continue;
            };
            let benchmark = self.items.get(own).map_or("", String::as_str);
            answers.benchmarks.insert(benchmark);
            let scale = (rows.metric.get(row).to_owned(), rows.filter.get(row).to_owned());
            if !self.metrics.get(benchmark).is_some_and(|scales| scales.contains(&scale)) {
                *answers.other.entry((benchmark, scale)).or_default() += 1;
            } else if rows.score[row].is_nan() {
                answers.unscored.insert(own, rows.missing_reason.get(row));
            } else {
                answers.scores.entry(own).or_default().push(f64::from(rows.score[row]));
            }
        }
        for answers in models.values_mut() {
            let scores = &answers.scores;
            answers.unscored.retain(|item, _| !scores.contains_key(item));
        }
        models
    }

    fn other_scales(&self, models: &BTreeMap<&str, Answers<'_>>) -> Error {
        let found: BTreeSet<&(&str, Scale)> =
            models.values().flat_map(|answers| answers.other.keys()).collect();
        let list = |(benchmark, scale): &(&str, Scale)| {
            format!(
                "`{benchmark}` are of {}, the release's of {}",
                name(scale),
                self.scale(benchmark)
            )
        };
        Error::Results(format!(
            "the scores of {}\n  \
             next: `--metric NAME` and `--filter NAME` take others from the same files",
            found.into_iter().map(list).collect::<Vec<_>>().join("; of ")
        ))
    }

    fn scale(&self, benchmark: &str) -> String {
        let scales = self.metrics.get(benchmark).into_iter().flatten();
        scales.map(name).collect::<Vec<_>>().join(" or ")
    }

    /// How a model's runs differ from those that the release was made from.
    fn differences(
        &self,
        logged: &Logged,
        (model, answers): (&str, &Answers<'_>),
        matching: &Matching,
    ) -> Vec<String> {
        let mut notes = Vec::new();
        let own = |run: &&Run| run.model == model && answers.raw.contains(run.raw.as_str());
        for run in logged.runs.iter().filter(own) {
            // The recipe may have given the benchmark another name than the tool's.
            let alike = |own: &&Run| own.tool == run.tool && own.task == run.task;
            let mut alike: Vec<&Run> = self.runs.iter().filter(alike).collect();
            if alike.is_empty() {
                let known = |own: &&Run| answers.benchmarks.contains(own.benchmark.as_str());
                alike = self.runs.iter().filter(known).collect();
            }
            notes.extend(differences(run, &alike));
        }
        notes.sort();
        notes.dedup();
        notes.extend(self.other_prompts(logged, matching));
        for ((benchmark, scale), count) in &answers.other {
            let (found, own) = (name(scale), self.scale(benchmark));
            notes.push(format!(
                "{count} scores of `{benchmark}` are left out: of {found}, the release's are of {own}"
            ));
        }
        if !answers.unscored.is_empty() {
            let named = answers.unscored.iter().take(NAMED);
            let named: Vec<String> = named.map(|(item, why)| format!("{item} ({why})")).collect();
            let (count, named) = (answers.unscored.len(), named.join(", "));
            notes.push(format!("{count} of the release's items have no score: {named}"));
        }
        if matching.by_name > 0 {
            notes.push(format!(
                "{} items are matched by id or position: their texts are logged in another way and \
                 were not compared",
                matching.by_name
            ));
        }
        if !answers.unknown.is_empty() {
            let unknown = answers.unknown.len();
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
                "{other} of {} prompts in these files are none of those in calibration: other shots, template \
                 or wording",
                compared.len()
            )
        })
    }
}

/// Repetitions are averaged.
fn scored(model: &str, paths: &[PathBuf], answers: Answers<'_>) -> Results {
    let scores = answers.scores.into_iter().map(|(item, trials)| {
        let mean = trials.iter().sum::<f64>() / trials.len() as f64;
        (item.to_owned(), mean)
    });
    let name = match paths {
        [only] => format!("{} ({model})", only.display()),
        _ => model.to_owned(),
    };
    Results::of_log(PathBuf::from(name), scores)
}

fn name((metric, filter): &Scale) -> String {
    match filter.as_str() {
        "" => metric.clone(),
        filter => format!("{metric} (filter {filter})"),
    }
}

fn metrics_of(
    rows: &Responses,
    items: &BTreeMap<String, String>,
) -> BTreeMap<String, BTreeSet<Scale>> {
    let codes = (0..rows.len()).map(|row| {
        (rows.item_uid.codes()[row], rows.metric.codes()[row], rows.filter.codes()[row])
    });
    let codes: BTreeSet<(u32, u32, u32)> = codes.collect();
    let mut metrics: BTreeMap<String, BTreeSet<Scale>> = BTreeMap::new();
    for (item, metric, filter) in codes {
        let Some(benchmark) = items.get(&rows.item_uid.values()[item as usize]) else { continue };
        let value = |all: &[String], code: u32| all[code as usize].clone();
        let scale = (value(rows.metric.values(), metric), value(rows.filter.values(), filter));
        metrics.entry(benchmark.clone()).or_default().insert(scale);
    }
    metrics
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
