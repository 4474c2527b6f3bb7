//! OpenCompass: `results/<model>/<dataset>.json` with the verdicts, and for the questions
//! `predictions/<model>/<dataset>.json`, or its parts `<dataset>_0.json` and so on.
//!
//! Verdicts are there only if the run was told to dump them. Traps: positions restart at 0 in every
//! part; a run of n repetitions has verdicts as lists of n and the predictions of all items n times
//! over; figures over all items are of 100. What was asked is known only as the prompt: of a chat the
//! last message, of a judgement by perplexity what the labels have in common, otherwise worked examples
//! and all.

mod reading;
mod records;
#[cfg(test)]
mod tests;

use aliquot_tables::{
    aliases::Alias, findings::Finding, items::Item, models::Model, responses::Response, runs::Run,
};
use serde_json::Value;

use self::reading::{Question, Results, Row};
use super::Wanted;
use crate::{AdapterError, Address, ItemContent, Occurrences, Place, RawFile, Shard};

/// Raised when the same bytes give other rows.
pub const VERSION: u32 = 1;

const TOOL: &str = "opencompass";

/// The metric: the share of right answers.
const METRIC: &str = "accuracy";

/// Keys of the tool's own share of right answers, of 100.
const FIGURES: [&str; 2] = ["accuracy", "score"];

/// A file's place in OpenCompass' output.
#[derive(Debug, PartialEq)]
struct Named<'a> {
    root: &'a str,
    kind: &'a str,
    model: &'a str,
    dataset: &'a str,
}

fn named(name: &str) -> Option<Named<'_>> {
    let plain = name.strip_suffix(".gz").unwrap_or(name).strip_suffix(".json")?;
    let (folder, dataset) = plain.rsplit_once('/')?;
    let (folder, model) = folder.rsplit_once('/')?;
    let (root, kind) = folder.rsplit_once('/').unwrap_or(("", folder));
    let kind = kind.rsplit(':').next().unwrap_or(kind);
    ["results", "predictions"].contains(&kind).then_some(Named { root, kind, model, dataset })
}

/// Whether a file looks like results or predictions.
pub(crate) fn recognises(name: &str, head: &[u8]) -> bool {
    let has = |text: &str| head.windows(text.len()).any(|window| window == text.as_bytes());
    match named(name).map(|named| named.kind) {
        Some("results") => {
            let verdicts =
                ["\"correct\"", "\"is_correct\"", "\"cascade_correct\"", "\"predictions\""];
            let is_detailed = has("\"details\"") && verdicts.iter().any(|key| has(key));
            is_detailed
                || (has("\"accuracy\"") && !has("\"config_general\"") && !has("\"results\""))
        }
        Some(_) => has("\"origin_prompt\"") || has("\"label: "),
        None => false,
    }
}

/// Results with the predictions of the same model and data set, the parts in their order. What is
/// named like a part may be another data set, which then has results of its own.
pub(crate) fn units(addresses: &[&Address]) -> Vec<Vec<usize>> {
    let names: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    let files: Vec<Option<Named<'_>>> = names.iter().map(|name| named(name)).collect();
    let has_results = |predictions: &Named<'_>| {
        let wanted = Named { kind: "results", ..*predictions };
        files.iter().flatten().any(|file| *file == wanted)
    };
    let mut units = Vec::new();
    for (at, file) in files.iter().enumerate() {
        let Some(results) = file.as_ref().filter(|file| file.kind == "results") else { continue };
        let mut parts: Vec<(Option<u64>, usize)> = files
            .iter()
            .enumerate()
            .filter_map(|(other, file)| {
                let file = file.as_ref()?;
                let part = part(results, file)?;
                (part.is_none() || !has_results(file)).then_some((part, other))
            })
            .collect();
        parts.sort_unstable();
        // A whole file is all; parts beside it are left from another run.
        if parts.first().is_some_and(|(part, _)| part.is_none()) {
            parts.truncate(1);
        }
        units.push([at].into_iter().chain(parts.into_iter().map(|(_, other)| other)).collect());
    }
    units
}

/// Which part of the predictions behind `results` a file is; `Some(None)` for the whole.
fn part(results: &Named<'_>, file: &Named<'_>) -> Option<Option<u64>> {
    let same =
        file.kind == "predictions" && file.root == results.root && file.model == results.model;
    let rest = file.dataset.strip_prefix(results.dataset).filter(|_| same)?;
    if rest.is_empty() {
        return Some(None);
    }
    rest.strip_prefix('_')?.parse().ok().map(Some)
}

/// Reads one unit: the results first, the parts of the predictions behind.
pub(crate) fn normalize(files: &[RawFile<'_>], wanted: &Wanted) -> Result<Shard, AdapterError> {
    let file = &files[0];
    let refuse = |problem: String| Err(file.error(Place::File, problem));
    let name = file.address.to_string();
    let Some(names) = named(&name) else {
        return refuse("it is not at `results/<model>/<dataset>.json`".to_owned());
    };
    if let Some(metric) = wanted.metric.as_deref().filter(|metric| *metric != METRIC) {
        return refuse(format!("it has no `{metric}`: its only verdicts are of `{METRIC}`"));
    }
    let results = reading::results(file)?;
    if let Some(error) = &results.error {
        return refuse(format!("OpenCompass failed: {error}"));
    }
    if results.rows.is_empty() {
        return refuse(
            "it has no `details`: run OpenCompass with `--dump-eval-details`".to_owned(),
        );
    }
    let trials = trials(file, &results)?;
    let parts: Vec<&RawFile<'_>> = files[1..].iter().collect();
    let questions = reading::predictions(&parts)?;
    let expected = results.rows.len() * trials;
    if !questions.is_empty() && questions.len() != expected {
        return refuse(format!(
            "it has verdicts on {} items in {trials} repetitions, and the predictions beside it are {}, not {expected}: they are not of one run",
            results.rows.len(),
            questions.len()
        ));
    }
    let builder = Builder {
        file,
        wanted,
        model: wanted.model.as_deref().unwrap_or(names.model),
        dataset: names.dataset,
        benchmark: wanted.benchmark.as_deref().unwrap_or(names.dataset),
        results: &results,
        questions: &questions,
        raw: file.id.to_string(),
        shard: Shard::default(),
    };
    builder.build()
}

/// Number of repetitions, the same for all items.
fn trials(file: &RawFile<'_>, results: &Results) -> Result<usize, AdapterError> {
    let mut trials = None;
    for (&position, row) in &results.rows {
        let Some(verdicts) = &row.verdicts else { continue };
        let first = *trials.get_or_insert(verdicts.len());
        if verdicts.len() != first || first == 0 {
            let problem = format!("it has {} verdicts, others have {first}", verdicts.len());
            return Err(file.error(Place::Record(position), problem));
        }
    }
    trials.ok_or_else(|| {
        let problem = "its details have no `correct`, `is_correct` or `cascade_correct`: the evaluator of this data set gives no verdict on single items";
        file.error(Place::File, problem)
    })
}

struct Builder<'a> {
    file: &'a RawFile<'a>,
    wanted: &'a Wanted,
    model: &'a str,
    dataset: &'a str,
    benchmark: &'a str,
    results: &'a Results,
    questions: &'a [Question],
    raw: String,
    shard: Shard,
}

impl Builder<'_> {
    fn build(mut self) -> Result<Shard, AdapterError> {
        let mut occurrences = Occurrences::default();
        let size = self.results.rows.len();
        for (at, (&position, row)) in self.results.rows.iter().enumerate() {
            let id = row.abbreviation.clone().unwrap_or_else(|| position.to_string());
            let item_uid =
                self.add_item(position, &id, self.questions.get(at), &mut occurrences)?;
            let verdicts = row.verdicts.as_deref().unwrap_or(&[None]);
            for (trial, verdict) in verdicts.iter().enumerate() {
                let asked = self.questions.get(trial * size + at);
                self.add_response(&item_uid, position, trial, (*verdict, asked))?;
            }
        }
        self.shard.models.push(Model { model: self.model.to_owned(), ..Model::default() });
        self.shard.runs.push(Run {
            model: self.model.to_owned(),
            benchmark: self.benchmark.to_owned(),
            task: self.dataset.to_owned(),
            metric: METRIC.to_owned(),
            raw: self.raw.clone(),
            tool: TOOL.to_owned(),
            items: size as u32,
            ..Run::default()
        });
        self.compare();
        self.say_what_is_missing();
        Ok(self.shard)
    }

    fn add_item(
        &mut self,
        position: u64,
        id: &str,
        question: Option<&Question>,
        occurrences: &mut Occurrences,
    ) -> Result<String, AdapterError> {
        // Without its question an item is known by its id alone.
        let stem = question.map_or(id, |question| &question.stem);
        let choices = question.and_then(|question| question.labels.as_deref());
        let target = question.and_then(|question| question.gold.as_deref());
        let content =
            ItemContent { benchmark: self.benchmark, config: "", split: "", stem, choices, target };
        let (item_uid, occurrence) = occurrences
            .next_uid(&content)
            .map_err(self.file.canonical_error(Place::Record(position)))?;
        self.shard.items.push(Item {
            item_uid: item_uid.clone(),
            benchmark: self.benchmark.to_owned(),
            task: self.dataset.to_owned(),
            stem: question.map(|question| question.stem.clone()).unwrap_or_default(),
            choices: choices.map(|choices| Value::from(choices).to_string()),
            target: target.map(str::to_owned),
            occurrence,
            ..Item::default()
        });
        self.shard.aliases.push(Alias {
            item_uid: item_uid.clone(),
            tool: TOOL.to_owned(),
            task: self.dataset.to_owned(),
            revision: self.wanted.revision.clone().unwrap_or_default(),
            doc_id: Some(id.to_owned()),
            ..Alias::default()
        });
        Ok(item_uid)
    }

    fn add_response(
        &mut self,
        item_uid: &str,
        position: u64,
        trial: usize,
        (verdict, asked): (Option<f64>, Option<&Question>),
    ) -> Result<(), AdapterError> {
        let place = Place::Record(position);
        let choice = asked.and_then(|question| question.choice.as_ref());
        let score = match verdict {
            None => Err("unscored"),
            Some(value) if (0.0..=1.0).contains(&value) => Ok(value as f32),
            Some(value) => {
                let problem = format!("its verdict is {value}, which is not between 0 and 1");
                return Err(self.file.error(place, problem));
            }
        };
        if let (Ok(score), Some(choice)) = (score, choice)
            && ((score == 1.0 && !choice.may_be_right) || (score == 0.0 && choice.must_be_right))
        {
            let problem = format!(
                "its verdict is {score}, and by the perplexities of the labels it would be {}: results and predictions are not of one run",
                u8::from(choice.may_be_right)
            );
            return Err(self.file.error(place, problem));
        }
        self.shard.responses.push(&Response {
            model: self.model,
            item_uid,
            metric: METRIC,
            filter: "",
            trial: trial as u32,
            score,
            log_likelihood: choice
                .and_then(|choice| choice.log_likelihood)
                .map(|logarithm| logarithm as f32),
            raw: &self.raw,
            record: position,
        });
        Ok(())
    }

    /// The tool's own share of right answers, where it is not that of the verdicts.
    fn compare(&mut self) {
        let of_key = |key: &str| {
            let mut figures = self.results.figures.iter();
            figures.find(|(name, _)| {
                name.strip_prefix(key).is_some_and(|rest| {
                    rest.is_empty() || (rest.starts_with(" (") && rest.ends_with("runs average)"))
                })
            })
        };
        let Some((name, figure)) = FIGURES.into_iter().find_map(of_key) else { return };
        let verdicts = |row: &Row| row.verdicts.clone().unwrap_or_default();
        let values: Vec<f64> = self.results.rows.values().flat_map(verdicts).flatten().collect();
        let (expected, observed) =
            (figure / 100.0, values.iter().sum::<f64>() / values.len() as f64);
        // Some evaluators round to two places of the percentage.
        if (expected - observed).abs() <= 5.1e-5 {
            return;
        }
        let evidence = format!(
            "OpenCompass' `{name}` is {figure} of 100, its verdicts give {}",
            100.0 * observed
        );
        let finding = self.finding("aggregate", "warning", evidence);
        self.shard.findings.push(Finding {
            expected: Some(expected),
            observed: Some(observed),
            ..finding
        });
    }

    fn say_what_is_missing(&mut self) {
        if self.questions.is_empty() {
            let evidence = format!(
                "no predictions stand beside the results of `{}`: its items are known by their ids alone",
                self.dataset
            );
            let finding = self.finding("no-questions", "warning", evidence);
            self.shard.findings.push(finding);
        }
    }

    fn finding(&self, kind: &str, severity: &str, evidence: String) -> Finding {
        Finding::kept(kind, severity, (self.benchmark, self.model), evidence)
    }
}
