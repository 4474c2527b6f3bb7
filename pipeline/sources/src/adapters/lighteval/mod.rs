//! lighteval's details: one Parquet file a task, one row a document; Open LLM Leaderboard v1 published
//! the same.
//!
//! Layouts: structs `doc`, `metric` and `model_response` since 0.11, flat columns before. Rows are
//! shuffled, so that an item is told by its content, or by `doc.id`.
//!
//! The stem is the document's query, which the task has formatted, without worked examples. ARC of July
//! 2023 has the native id in its place, and is told by that and its choices.

mod names;
mod results;
mod row;

use std::collections::HashSet;

use aliquot_tables::{
    aliases::Alias,
    findings::Finding,
    items::Item,
    models::Model,
    nested::{NestedRows, Source},
    prompts::Prompt,
    responses::Response,
    runs::Run,
};
use serde_json::{Map, Value};

pub(crate) use names::units;

use self::{names::Name, results::Results, row::Row};
use super::{
    Wanted,
    curated::{self, Curated},
    likelihood::Guard,
};
use crate::{AdapterError, Content, ItemContent, Occurrences, Place, RawFile, Shard};

/// Raised when the same bytes give other rows.
pub const VERSION: u32 = 1;

/// Name of the tool in runs, aliases and prompts.
const TOOL: &str = "lighteval";

/// How far a published mean may be from the recomputed one.
const TOLERANCE: f64 = 1e-6;

/// Whether a file looks like details or results.
pub(crate) fn recognises(name: &str, head: &[u8]) -> bool {
    let file = name.rsplit('/').next().unwrap_or(name);
    let head = String::from_utf8_lossy(head);
    let results =
        || ["\"config_general\"", "\"lighteval_sha\""].iter().all(|key| head.contains(key));
    head.starts_with("PAR1") && file.starts_with("details_") || head.starts_with('{') && results()
}

/// Reads details and, if it is there, the results file of their run.
pub(crate) fn normalize(files: &[RawFile<'_>], wanted: &Wanted) -> Result<Shard, AdapterError> {
    let file = &files[0];
    let name = Name::of(file.address);
    let Some(details) = &name.details else {
        let problem = "it is a results file; per-item scores are in details_*.parquet";
        return Err(file.error(Place::File, problem));
    };
    let results = files.get(1).map(|results| Results::read(results, details)).transpose()?;
    let results = results.unwrap_or_default();
    let model = wanted.model.clone().or_else(|| results.model.clone()).or(name.model.clone());
    let model = model.ok_or_else(|| {
        let problem = "neither the results file nor the folder names the model: name it with \
            --model, in a recipe by the key `model`";
        file.error(Place::File, problem)
    })?;
    let curated = curated::of_task(name.task());
    let known = curated.as_ref().map(|curated| curated.benchmark.to_owned());
    let mut reader = Reader {
        file,
        raw: file.id.to_string(),
        task: name.task(),
        benchmark: wanted.benchmark.clone().or(known).unwrap_or_else(|| name.task().to_owned()),
        curated,
        results,
        wanted,
        model,
        metric: None,
        shard: Shard::default(),
        occurrences: Occurrences::default(),
        doc_ids: HashSet::new(),
        guard: Guard::default(),
    };
    reader.read_all()?;
    reader.finish(&name)
}

struct Reader<'a> {
    file: &'a RawFile<'a>,
    raw: String,
    task: &'a str,
    benchmark: String,
    curated: Option<Curated>,
    results: Results,
    wanted: &'a Wanted,
    model: String,
    /// Known from the first row on.
    metric: Option<String>,
    shard: Shard,
    occurrences: Occurrences,
    doc_ids: HashSet<String>,
    guard: Guard,
}

impl Reader<'_> {
    fn read_all(&mut self) -> Result<(), AdapterError> {
        let source = match self.file.content {
            Content::Memory(bytes) => Source::Memory(bytes),
            Content::File(path) => Source::File(
                std::fs::File::open(path)
                    .map_err(|error| self.file.error(Place::File, error.to_string()))?,
            ),
        };
        let rows = NestedRows::open(source, row::wanted);
        let mut rows = rows.map_err(|error| self.file.table_error(&error))?;
        let mut number = 0;
        loop {
            let lines = rows.next_lines().map_err(|error| self.file.table_error(&error))?;
            let Some(lines) = lines else { return Ok(()) };
            for line in lines.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
                let place = Place::Row(number + 1);
                let row: Map<String, Value> = serde_json::from_slice(line)
                    .map_err(|error| self.file.error(place, error.to_string()))?;
                let row = Row::of(row).map_err(|problem| self.file.error(place, problem))?;
                self.add(number, place, row)?;
                number += 1;
            }
        }
    }

    fn add(&mut self, number: u64, place: Place, row: Row) -> Result<(), AdapterError> {
        let refuse = |problem: String| self.file.error(place, problem);
        let metric = match &self.metric {
            Some(metric) => metric.clone(),
            None => self.choose(&row).map_err(refuse)?,
        };
        let score = score(&row, &metric).map_err(refuse)?;
        if let Some(id) = &row.doc_id
            && !self.doc_ids.insert(id.clone())
        {
            let problem = format!(
                "`doc.id` {id} comes a second time: rows of several splits cannot be told apart"
            );
            return Err(refuse(problem));
        }
        self.metric = Some(metric.clone());
        let log_likelihood = row.scored.as_ref().and_then(|scored| {
            let metrics = row.metrics.iter();
            let metrics = metrics.filter_map(|(name, value)| Some((&**name, number_of(value)?)));
            self.guard.check(place, scored, metrics).then(|| scored.log_likelihood())?
        });
        let item_uid = self.push_item(place, row)?;
        self.shard.responses.push(&Response {
            model: &self.model,
            item_uid: &item_uid,
            metric: &metric,
            filter: "",
            trial: 0,
            score: score.map(|score| score as f32),
            log_likelihood,
            raw: &self.raw,
            record: number,
        });
        Ok(())
    }

    fn choose(&self, first: &Row) -> Result<String, String> {
        let metrics: Vec<String> = first.metrics.keys().cloned().collect();
        let wanted = self.wanted.metric.as_deref();
        let metric = curated::choose_metric(wanted, self.curated.as_ref(), &metrics)?;
        curated::check_orientation(&metric, self.results.higher_is_better(&metric))?;
        Ok(metric)
    }

    /// Adds the item of a row with its names; its uid.
    fn push_item(&mut self, place: Place, row: Row) -> Result<String, AdapterError> {
        let config = self.curated.as_ref().map(|known| known.config.clone()).unwrap_or_default();
        let content = ItemContent {
            benchmark: &self.benchmark,
            config: &config,
            split: "",
            stem: &row.stem,
            choices: row.choices.as_deref(),
            target: row.target.as_deref(),
        };
        let next = self.occurrences.next_uid(&content);
        let (item_uid, occurrence) = next.map_err(self.file.canonical_error(place))?;
        if let Some(prompt_hash) = row.prompt_hash {
            self.shard.prompts.push(Prompt {
                item_uid: item_uid.clone(),
                tool: TOOL.to_owned(),
                task: self.task.to_owned(),
                prompt_hash,
            });
        }
        self.shard.aliases.push(Alias {
            item_uid: item_uid.clone(),
            tool: TOOL.to_owned(),
            tool_version: self.results.tool_version.clone(),
            task: self.task.to_owned(),
            revision: self.wanted.revision.clone().unwrap_or_default(),
            doc_id: row.doc_id,
            doc_hash: None,
            native_id: row.native_id,
        });
        self.shard.items.push(Item {
            item_uid: item_uid.clone(),
            benchmark: self.benchmark.clone(),
            config,
            task: self.task.to_owned(),
            stem: row.stem,
            choices: row.choices.and_then(|choices| serde_json::to_string(&choices).ok()),
            target: row.target,
            occurrence,
            ..Item::default()
        });
        Ok(item_uid)
    }

    /// The shard, once everything has been checked that only the whole file tells.
    fn finish(mut self, name: &Name) -> Result<Shard, AdapterError> {
        let metric = self.metric.take();
        let metric = metric.ok_or_else(|| self.file.error(Place::File, "it holds no row"))?;
        match std::mem::take(&mut self.guard).verdict() {
            Ok(true) => {}
            Ok(false) => self.shard.responses.log_likelihood.fill(f32::NAN),
            Err((place, problem)) => return Err(self.file.error(place, problem)),
        }
        self.shard.findings.extend(self.aggregate_finding(&metric));
        self.shard.runs.push(Run {
            model: self.model.clone(),
            benchmark: self.benchmark,
            task: self.task.to_owned(),
            metric,
            filter: String::new(),
            raw: self.raw,
            model_revision: self.results.model_revision,
            tool: TOOL.to_owned(),
            tool_version: self.results.tool_version,
            task_version: self.results.task_version,
            config_digest: self.results.config_digest,
            template: String::new(),
            started: name.time.clone(),
            shots: name.shots(),
            items: self.shard.responses.len() as u32,
            population: self.results.population,
        });
        self.shard.models.push(Model { model: self.model, ..Model::default() });
        Ok(self.shard)
    }

    /// The published mean, where the rows give another.
    fn aggregate_finding(&self, metric: &str) -> Option<Finding> {
        let published = self.results.mean(metric)?;
        let scores = &self.shard.responses.score;
        let mean = scores.iter().map(|&score| f64::from(score)).sum::<f64>() / scores.len() as f64;
        let differs = (mean - published).abs() > TOLERANCE;
        differs.then(|| Finding {
            kind: "aggregate".to_owned(),
            severity: "warning".to_owned(),
            benchmark: self.benchmark.clone(),
            subject: self.model.clone(),
            evidence: format!(
                "{metric} of task {}: the mean of the rows is not the published one",
                self.task
            ),
            action: "keep".to_owned(),
            expected: Some(published),
            observed: Some(mean),
        })
    }
}

/// The score of a row, why there is none, or what is wrong.
fn score(row: &Row, metric: &str) -> Result<Result<f64, &'static str>, String> {
    match row.metrics.get(metric) {
        None | Some(Value::Null) => Ok(Err("unscored")),
        Some(Value::Array(_) | Value::Object(_)) => Err(format!(
            "metric `{metric}` has no score of its own for an item: choose another with --metric"
        )),
        Some(value) => match number_of(value) {
            Some(score) if (0.0..=1.0).contains(&score) => Ok(Ok(score)),
            Some(score) => Err(format!(
                "`{metric}` is {score}, which is not between 0 and 1; choose another with --metric"
            )),
            None => Err(format!("`{metric}` is not a number")),
        },
    }
}

fn number_of(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_bool().map(|truth| f64::from(u8::from(truth))))
}
