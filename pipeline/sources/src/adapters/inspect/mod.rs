//! Logs of Inspect: `.eval`, a zip archive with one document a sample, and `.json`, one document.
//!
//! A response is one sample of one epoch under one score; epochs are trials, whatever reducer the tool
//! applied to them. Traps: NaN stands bare in the JSON and means unscored, which is missing, as are
//! samples that ended in an error; values that are no numbers count 0 in the tool's own means and are
//! missing here, with a finding; a run that was cancelled or limited has fewer samples than its data
//! set, which `population` tells.

mod archive;
mod choice;
mod document;
mod header;
mod rows;
mod sample;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use aliquot_store::canonical;
use aliquot_tables::{
    aliases::Alias, findings::Finding, items::Item, models::Model, responses::Response, runs::Run,
};

use self::{
    archive::Archive,
    header::{Header, Id},
    rows::{Question, Row, Rows},
    sample::Outcome,
};
use super::Wanted;
use crate::{AdapterError, ItemContent, Occurrences, Place, RawFile, Shard};

/// Raised when the same bytes give other rows.
pub const VERSION: u32 = 1;

const TOOL: &str = "inspect_ai";

/// Documents with a log's settings, the first that is there is read: a run that did not end has the
/// second only.
const HEADERS: [&str; 2] = ["header.json", "_journal/start.json"];

/// Whether a file looks like a log.
pub(crate) fn recognises(name: &str, head: &[u8]) -> bool {
    let has = |text: &str| head.windows(text.len()).any(|window| window == text.as_bytes());
    if head.starts_with(b"PK") {
        return name.ends_with(".eval") || has("_journal/start.json");
    }
    head.trim_ascii_start().starts_with(b"{")
        && ["\"version\"", "\"eval\"", "\"task_id\"", "\"dataset\""].iter().all(|key| has(key))
}

/// Reads the only file of a unit.
pub(crate) fn normalize(files: &[RawFile<'_>], wanted: &Wanted) -> Result<Shard, AdapterError> {
    let file = &files[0];
    let mut start = [0; 2];
    let read = file.seekable()?.read(&mut start);
    read.map_err(|error| file.error(Place::File, error.to_string()))?;
    let (header, rows) = if start == *b"PK" { read_archive(file)? } else { document::read(file)? };
    if rows.questions.is_empty() {
        let problem = "it holds no samples: the run logged none, or the log is a header only";
        return Err(file.error(Place::File, problem));
    }
    Builder::new(file, wanted, &header, &rows)?.build()
}

fn read_archive(file: &RawFile<'_>) -> Result<(Header, Rows), AdapterError> {
    let mut archive = Archive::open(file)?;
    let Some(name) = HEADERS.into_iter().find(|name| archive.has(name)) else {
        let problem = format!("it has neither `{}` nor `{}`", HEADERS[0], HEADERS[1]);
        return Err(file.error(Place::File, problem));
    };
    let header = archive.read(name, "the settings of an Inspect log")?;
    let rows = rows::of_archive(file, &mut archive)?;
    Ok((header, rows))
}

struct Builder<'a> {
    file: &'a RawFile<'a>,
    wanted: &'a Wanted,
    header: &'a Header,
    rows: &'a Rows,
    /// Position of the metric in the names of the scores; None where no sample has it.
    position: Option<usize>,
    metric: &'a str,
    model: &'a str,
    benchmark: &'a str,
    raw: String,
    shard: Shard,
}

impl<'a> Builder<'a> {
    fn new(
        file: &'a RawFile<'a>,
        wanted: &'a Wanted,
        header: &'a Header,
        rows: &'a Rows,
    ) -> Result<Self, AdapterError> {
        let metric = choice::metric(header, &rows.names, wanted.metric.as_deref())
            .map_err(|problem| file.error(Place::File, problem))?;
        Ok(Self {
            file,
            wanted,
            header,
            rows,
            position: rows.names.iter().position(|name| name == metric),
            metric,
            model: wanted.model.as_deref().unwrap_or(&header.eval.model),
            benchmark: wanted.benchmark.as_deref().unwrap_or(header.benchmark()),
            raw: file.id.to_string(),
            shard: Shard::default(),
        })
    }

    fn build(mut self) -> Result<Shard, AdapterError> {
        let mut occurrences = Occurrences::default();
        for id in in_order(self.header, self.rows) {
            let Some((question, rows)) = self.rows.questions.get(id) else { continue };
            let place = Place::Record(rows.values().next().map_or(0, |row| row.record));
            let item_uid = self.item(question, &mut occurrences, place)?;
            let alias = self.alias(id, &item_uid);
            self.shard.aliases.push(alias);
            for (&epoch, row) in rows {
                self.response(&item_uid, epoch, row)?;
            }
        }
        self.check_numbers()?;
        self.shard.models.push(Model { model: self.model.to_owned(), ..Model::default() });
        let run = self.run()?;
        self.shard.runs.push(run);
        self.shard.findings.extend(self.unfinished());
        self.shard.findings.extend(self.other_scores());
        self.shard.findings.extend(self.reducer());
        self.shard.findings.extend(self.aggregate());
        Ok(self.shard)
    }

    fn item(
        &mut self,
        question: &Question,
        occurrences: &mut Occurrences,
        place: Place,
    ) -> Result<String, AdapterError> {
        let content = ItemContent {
            benchmark: self.benchmark,
            config: "",
            split: "",
            stem: &question.stem,
            choices: question.choices.as_deref(),
            target: question.target.as_deref(),
        };
        let (item_uid, occurrence) =
            occurrences.next_uid(&content).map_err(self.file.canonical_error(place))?;
        self.shard.items.push(Item {
            item_uid: item_uid.clone(),
            benchmark: self.benchmark.to_owned(),
            task: self.header.eval.task.clone(),
            stem: question.stem.clone(),
            choices: question
                .choices
                .as_deref()
                .map(|choices| serde_json::Value::from(choices).to_string()),
            target: question.target.clone(),
            occurrence,
            ..Item::default()
        });
        Ok(item_uid)
    }

    fn alias(&self, id: &Id, item_uid: &str) -> Alias {
        // The tool numbers samples whose data set has no ids.
        let (doc_id, native_id) = match id {
            Id::Number(number) => (Some(number.to_string()), None),
            Id::Text(text) => (None, Some(text.clone())),
        };
        Alias {
            item_uid: item_uid.to_owned(),
            tool: TOOL.to_owned(),
            tool_version: self.header.tool_version().to_owned(),
            task: self.header.eval.task.clone(),
            revision: self.wanted.revision.clone().unwrap_or_default(),
            doc_id,
            native_id,
            ..Alias::default()
        }
    }

    fn response(&mut self, item_uid: &str, epoch: u32, row: &Row) -> Result<(), AdapterError> {
        let place = Place::Record(row.record);
        let trial = epoch.checked_sub(1);
        let trial =
            trial.ok_or_else(|| self.file.error(place, "its epoch is 0: the first is 1"))?;
        let score = match (row.failure, self.outcome(row)) {
            (Some(reason), _) => Err(reason),
            (None, None) => Err("unscored"),
            (None, Some(Outcome::Missing(reason))) => Err(*reason),
            (None, Some(Outcome::NoNumber(_))) => Err("not a number"),
            (None, Some(Outcome::Number(number))) if (0.0..=1.0).contains(number) => {
                Ok(*number as f32)
            }
            (None, Some(Outcome::Number(number))) => {
                let problem = format!(
                    "the score `{}` is {number}, which is not between 0 and 1: name another (metric = \"...\"), the samples have: {}",
                    self.metric,
                    self.rows.names.join(", ")
                );
                return Err(self.file.error(place, problem));
            }
        };
        self.shard.responses.push(&Response {
            model: self.model,
            item_uid,
            metric: self.metric,
            filter: "",
            trial,
            score,
            log_likelihood: None,
            raw: &self.raw,
            record: row.record,
        });
        Ok(())
    }

    fn outcome<'r>(&self, row: &'r Row) -> Option<&'r Outcome> {
        let position = self.position?;
        row.outcomes.iter().find(|(at, _)| *at == position).map(|(_, outcome)| outcome)
    }

    fn all_rows(&self) -> impl Iterator<Item = &Row> {
        self.rows.questions.values().flat_map(|(_, rows)| rows.values())
    }

    /// Values that are no numbers get a finding; nothing but such values is an error.
    fn check_numbers(&mut self) -> Result<(), AdapterError> {
        let no_number = |row: &&Row| matches!(self.outcome(row), Some(Outcome::NoNumber(_)));
        let strange: Vec<&Row> = self.all_rows().filter(no_number).collect();
        let Some(first) = strange.iter().min_by_key(|row| row.record) else { return Ok(()) };
        let value = match self.outcome(first) {
            Some(Outcome::NoNumber(value)) => value.clone(),
            _ => String::new(),
        };
        let scored =
            self.all_rows().any(|row| matches!(self.outcome(row), Some(Outcome::Number(_))));
        if !scored {
            let problem = format!(
                "the score `{}` is {value}, and never a number: name another (metric = \"...\"), the samples have: {}",
                self.metric,
                self.rows.names.join(", ")
            );
            return Err(self.file.error(Place::Record(first.record), problem));
        }
        let evidence = format!(
            "{} values of `{}` are no numbers, the first, {value}, of record {}: missing here, 0 in the tool's own means",
            strange.len(),
            self.metric,
            first.record
        );
        let finding = self.finding("score-value", "warning", evidence);
        self.shard.findings.push(finding);
        Ok(())
    }

    fn run(&self) -> Result<Run, AdapterError> {
        let digest = |value: &serde_json::Value| {
            canonical::digest(value)
                .map(|id| id.to_string())
                .map_err(self.file.canonical_error(Place::File))
        };
        let eval = &self.header.eval;
        let revision = eval.model_args.get("revision").and_then(serde_json::Value::as_str);
        Ok(Run {
            model: self.model.to_owned(),
            benchmark: self.benchmark.to_owned(),
            task: eval.task.clone(),
            metric: self.metric.to_owned(),
            filter: String::new(),
            raw: self.raw.clone(),
            model_revision: revision.unwrap_or_default().to_owned(),
            tool: TOOL.to_owned(),
            tool_version: self.header.tool_version().to_owned(),
            task_version: self.header.task_version(),
            config_digest: digest(&self.header.configuration())?,
            template: self
                .header
                .templates()
                .map_or(Ok(String::new()), |templates| digest(&templates))?,
            started: eval.created.clone().unwrap_or_default(),
            shots: self.header.shots(),
            items: self.rows.questions.len() as u32,
            population: eval.dataset.samples,
        })
    }

    fn finding(&self, kind: &str, severity: &str, evidence: String) -> Finding {
        Finding::kept(kind, severity, (self.benchmark, self.model), evidence)
    }

    /// A run that did not end in success.
    fn unfinished(&self) -> Option<Finding> {
        let status = self.header.status.as_deref().unwrap_or("started");
        let evidence = format!(
            "the run of {} ended as `{status}`, with {} of {} samples",
            self.header.eval.task,
            self.rows.questions.len(),
            self.header.eval.dataset.samples.map_or("?".to_owned(), |count| count.to_string())
        );
        (status != "success").then(|| self.finding("unfinished-run", "warning", evidence))
    }

    /// Nobody named the score, and the log has others besides its headline.
    fn other_scores(&self) -> Option<Finding> {
        let others: Vec<&str> = self
            .rows
            .names
            .iter()
            .map(String::as_str)
            .filter(|name| *name != self.metric)
            .collect();
        let open = self.wanted.metric.is_none() && !others.is_empty();
        let evidence = format!(
            "`{}` is taken, the log's headline; it also has {}",
            self.metric,
            others.join(", ")
        );
        open.then(|| self.finding("other-scores", "info", evidence))
    }

    /// The tool's own figure is not the mean over the epochs.
    fn reducer(&self) -> Option<Finding> {
        let headline = self.header.results.as_ref()?.headline.as_ref()?;
        let reducer = headline.reducer.as_deref().filter(|reducer| *reducer != "mean")?;
        let evidence = format!("the log reduces epochs by `{reducer}`; here they are trials");
        Some(self.finding("epochs", "info", evidence))
    }

    /// The tool's mean over all samples, where it has one and it is not that of the scores here.
    fn aggregate(&self) -> Option<Finding> {
        let expected = choice::mean(self.header, self.metric)?;
        let mut sums: BTreeMap<&str, (f64, u32)> = BTreeMap::new();
        let responses = &self.shard.responses;
        for at in (0..responses.len()).filter(|&at| !responses.score[at].is_nan()) {
            let (sum, count) = sums.entry(responses.item_uid.get(at)).or_default();
            (*sum, *count) = (*sum + f64::from(responses.score[at]), *count + 1);
        }
        if sums.is_empty() {
            return None;
        }
        let means = sums.values().map(|(sum, count)| sum / f64::from(*count));
        let observed = means.sum::<f64>() / sums.len() as f64;
        // Scores are kept in 32 bits.
        if (observed - expected).abs() <= 1e-6 {
            return None;
        }
        let evidence = format!(
            "the log's own mean of `{}` is {expected}, its samples give {observed}",
            self.metric
        );
        let finding = self.finding("aggregate", "warning", evidence);
        Some(Finding { expected: Some(expected), observed: Some(observed), ..finding })
    }
}

/// Ids as the data set has them, the others behind: equal questions are counted in this order, not in
/// that of the answers.
fn in_order<'a>(header: &'a Header, rows: &'a Rows) -> Vec<&'a Id> {
    let listed = header.eval.dataset.sample_ids.as_deref().unwrap_or_default();
    let places: BTreeMap<&Id, usize> =
        listed.iter().enumerate().rev().map(|(at, id)| (id, at)).collect();
    let mut ids: Vec<&Id> = rows.questions.keys().collect();
    ids.sort_by_key(|id| places.get(id).copied().unwrap_or(usize::MAX));
    ids
}
