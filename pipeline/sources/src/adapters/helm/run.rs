//! The tables of one run.

use aliquot_store::canonical;
use aliquot_tables::{
    aliases::Alias, findings::Finding, items::Item, models::Model, responses::Response, runs::Run,
};
use serde_json::{Value, json};

use super::{
    TOOL,
    records::{RunSpec, Shown, Stat, each},
    rows::{Metric, Question, Row, Rows},
};
use crate::{AdapterError, ItemContent, Occurrences, Place, RawFile, Shard, adapters::Wanted};

/// Settings of the adapter that are no part of how a question is asked.
const NOT_ASKED: [&str; 3] = ["model", "model_deployment", "max_eval_instances"];

/// Files that the tables name or are checked against.
pub(super) struct Files<'a> {
    pub scores: &'a RawFile<'a>,
    pub aggregates: Option<&'a RawFile<'a>>,
    pub shown: Option<&'a RawFile<'a>>,
}

/// All tables.
pub(super) fn shard(
    files: &Files<'_>,
    wanted: &Wanted,
    spec: &RunSpec,
    metric: &Metric,
    rows: &Rows,
) -> Result<Shard, AdapterError> {
    let file = files.scores;
    let group = if metric.group.is_empty() { spec.groups.first() } else { Some(&metric.group) };
    let named = spec.name.split(':').next().unwrap_or(&spec.name);
    let model = wanted.model.as_deref().unwrap_or_else(|| spec.setting("model"));
    if model.is_empty() {
        return Err(file.error(Place::File, "its `run_spec.json` names no model: name it"));
    }
    let mut builder = Builder {
        file,
        wanted,
        spec,
        metric,
        rows,
        model,
        benchmark: wanted.benchmark.as_deref().unwrap_or(group.map_or(named, String::as_str)),
        task: spec.scenario_spec.task(),
        config: spec.scenario_spec.arguments(),
        raw: file.id.to_string(),
        likelihoods: true,
        shard: Shard::default(),
    };
    builder.check_likelihoods();
    builder.add_rows()?;
    builder.add_run()?;
    if let Some(aggregates) = files.aggregates {
        builder.compare(aggregates)?;
    }
    if let Some(shown) = files.shown {
        builder.compare_shown(shown)?;
    }
    Ok(builder.shard)
}

struct Builder<'a> {
    file: &'a RawFile<'a>,
    wanted: &'a Wanted,
    spec: &'a RunSpec,
    metric: &'a Metric,
    rows: &'a Rows,
    model: &'a str,
    benchmark: &'a str,
    task: String,
    config: String,
    raw: String,
    /// Whether the likelihoods agree with HELM's own choices.
    likelihoods: bool,
    shard: Shard,
}

impl Builder<'_> {
    fn covered(&self) -> impl Iterator<Item = (&(String, u32), &Row)> {
        self.rows.rows.iter().filter(|(_, row)| self.metric.covers(row))
    }

    /// The number of a reference's tokens is not in the files, so it is told from their texts; where the
    /// best reference is then another than HELM's, no likelihood is to be trusted.
    fn check_likelihoods(&mut self) {
        let differs = |row: &Row| {
            let likelihood = row.likelihood.as_ref()?;
            let exact = row.exact_match()?;
            ((likelihood.exact_match - exact).abs() > 1e-6).then_some(row.record)
        };
        let Some(record) = self.covered().filter_map(|(_, row)| differs(row)).min() else { return };
        self.likelihoods = false;
        let evidence = format!(
            "the choice by log-likelihoods is another than HELM's, first in record {record}: log-likelihoods left out"
        );
        let finding = self.finding("log-likelihood", "warning", evidence);
        self.shard.findings.push(finding);
    }

    /// Rows are in the order of ids, so that equal questions are counted alike in every run.
    fn add_rows(&mut self) -> Result<(), AdapterError> {
        let mut occurrences = Occurrences::default();
        let mut rows: Vec<(&(String, u32), &Row)> =
            self.rows.rows.iter().filter(|(_, row)| self.metric.covers(row)).collect();
        rows.sort_by_key(|((id, trial), _)| (number(id), id.clone(), *trial));
        let mut last: Option<(&str, String)> = None;
        for ((id, trial), row) in rows {
            let item_uid = match last {
                Some((known, uid)) if known == id => uid,
                _ => self.add_item(id, row, &mut occurrences)?,
            };
            self.add_response(&item_uid, *trial, row)?;
            last = Some((id, item_uid));
        }
        Ok(())
    }

    fn add_item(
        &mut self,
        id: &str,
        row: &Row,
        occurrences: &mut Occurrences,
    ) -> Result<String, AdapterError> {
        let place = Place::Record(row.record);
        let Some(question) = self.rows.questions.get(id) else {
            let problem = format!("no question has its id `{id}`: the files are not of one run");
            return Err(self.file.error(place, problem));
        };
        let choices = self.choices(question);
        let target = match question.correct.as_slice() {
            [] => None,
            [only] => Some(only.clone()),
            several => Some(Value::from(several).to_string()),
        };
        let content = ItemContent {
            benchmark: self.benchmark,
            config: &self.config,
            split: &self.metric.split,
            stem: &question.stem,
            choices,
            target: target.as_deref(),
        };
        let (item_uid, occurrence) =
            occurrences.next_uid(&content).map_err(self.file.canonical_error(place))?;
        self.shard.items.push(Item {
            item_uid: item_uid.clone(),
            benchmark: self.benchmark.to_owned(),
            config: self.config.clone(),
            split: self.metric.split.clone(),
            task: self.task.clone(),
            stem: question.stem.clone(),
            choices: choices.map(|choices| Value::from(choices).to_string()),
            target,
            occurrence,
            parent: None,
        });
        self.shard.aliases.push(Alias {
            item_uid: item_uid.clone(),
            tool: TOOL.to_owned(),
            task: self.task.clone(),
            revision: self.wanted.revision.clone().unwrap_or_default(),
            doc_id: Some(id.to_owned()),
            ..Alias::default()
        });
        Ok(item_uid)
    }

    /// References are choices where the model was given them.
    fn choices<'q>(&self, question: &'q Question) -> Option<&'q [String]> {
        self.spec
            .setting("method")
            .starts_with("multiple_choice")
            .then_some(question.references.as_slice())
    }

    fn add_response(&mut self, item_uid: &str, trial: u32, row: &Row) -> Result<(), AdapterError> {
        let score = match self.metric.value(row) {
            _ if row.failed => Err("error"),
            None => Err("unscored"),
            Some(value) if (0.0..=1.0).contains(&value) => Ok(value as f32),
            Some(value) => {
                let problem = format!(
                    "`{}` is {value}, which is not between 0 and 1: name another metric (metric = \"...\")",
                    self.metric.name
                );
                return Err(self.file.error(Place::Record(row.record), problem));
            }
        };
        let likelihood = row.likelihood.as_ref().filter(|_| self.likelihoods && !row.failed);
        self.shard.responses.push(&Response {
            model: self.model,
            item_uid,
            metric: &self.metric.name,
            filter: "",
            trial,
            score,
            log_likelihood: likelihood.map(|likelihood| likelihood.gold as f32),
            raw: &self.raw,
            record: row.record,
        });
        Ok(())
    }

    fn add_run(&mut self) -> Result<(), AdapterError> {
        let mut adapter = self.spec.adapter_spec.clone();
        NOT_ASKED.iter().for_each(|name| {
            adapter.remove(*name);
        });
        let configuration = json!({"scenario": self.task, "class": self.spec.scenario_spec.class_name, "adapter": adapter});
        let digest =
            canonical::digest(&configuration).map_err(self.file.canonical_error(Place::File))?;
        let shots = self.spec.adapter_spec.get("max_train_instances").and_then(Value::as_u64);
        let listed = self.rows.listed.get(&self.metric.split);
        self.shard.models.push(Model { model: self.model.to_owned(), ..Model::default() });
        self.shard.runs.push(Run {
            model: self.model.to_owned(),
            benchmark: self.benchmark.to_owned(),
            task: self.task.clone(),
            metric: self.metric.name.clone(),
            raw: self.raw.clone(),
            tool: TOOL.to_owned(),
            config_digest: digest.to_string(),
            template: self.spec.setting("method").to_owned(),
            shots: shots.and_then(|shots| u32::try_from(shots).ok()),
            items: self.shard.items.len() as u32,
            population: listed.map(|instances| instances.len() as u32),
            ..Run::default()
        });
        Ok(())
    }

    /// HELM's own mean, where it is not that of the rows.
    fn compare(&mut self, aggregates: &RawFile<'_>) -> Result<(), AdapterError> {
        let mut expected = None;
        each(aggregates, None, |_, stat: Stat| {
            let split = stat.name.split.as_deref().unwrap_or_default();
            if stat.is_plain() && stat.name.name == self.metric.name && split == self.metric.split {
                expected = stat.value();
            }
            Ok(())
        })?;
        let values: Vec<f64> =
            self.covered().filter_map(|(_, row)| self.metric.value(row)).collect();
        let observed = values.iter().sum::<f64>() / values.len() as f64;
        let Some(expected) = expected.filter(|expected| (expected - observed).abs() > 1e-6) else {
            return Ok(());
        };
        let evidence = format!(
            "HELM's mean of `{}` is {expected}, its instances give {observed}",
            self.metric.name
        );
        let finding = self.finding("aggregate", "warning", evidence);
        self.shard.findings.push(Finding {
            expected: Some(expected),
            observed: Some(observed),
            ..finding
        });
        Ok(())
    }

    /// Instances whose score is not the one that HELM's pages show.
    fn compare_shown(&mut self, shown: &RawFile<'_>) -> Result<(), AdapterError> {
        let (mut count, mut first) = (0u64, None);
        each(shown, None, |_, own: Shown| {
            let key = (own.instance_id, own.train_trial_index);
            let row = self.rows.rows.get(&key).filter(|row| self.metric.covers(row));
            let score = row.and_then(|row| self.metric.value(row));
            let value = own.stats.get(&self.metric.name).and_then(Value::as_f64);
            let differs = score.zip(value).is_some_and(|(a, b)| (a - b).abs() > 1e-6);
            if own.perturbation.is_none() && differs {
                count += 1;
                first.get_or_insert(key.0);
            }
            Ok(())
        })?;
        if let Some(id) = first {
            let evidence = format!(
                "`{}` of {count} instances, the first `{id}`, is not what display_predictions.json shows",
                self.metric.name
            );
            let finding = self.finding("shown-scores", "warning", evidence);
            self.shard.findings.push(finding);
        }
        Ok(())
    }

    fn finding(&self, kind: &str, severity: &str, evidence: String) -> Finding {
        Finding::kept(kind, severity, (self.benchmark, self.model), evidence)
    }
}

/// The number of an id such as `id147`, for the order.
fn number(id: &str) -> u64 {
    let digits = id.trim_start_matches(|letter: char| !letter.is_ascii_digit());
    digits.parse().unwrap_or(u64::MAX)
}
