//! The rows of a file of samples.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use aliquot_tables::{aliases::Alias, items::Item, prompts::Prompt, responses::Response};
use serde::Deserialize;
use serde_json::Value;

use super::{Aggregate, TOOL, Wanted};
use crate::{AdapterError, ItemContent, Occurrences, Place, RawFile, Shard};

#[derive(Deserialize)]
pub(super) struct Row<'a> {
    #[serde(borrow)]
    schema_version: Cow<'a, str>,
    #[serde(borrow)]
    model_id: Cow<'a, str>,
    #[serde(borrow)]
    evaluation_name: Cow<'a, str>,
    #[serde(borrow, default)]
    evaluation_result_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    sample_id: Cow<'a, str>,
    #[serde(borrow)]
    input: Input<'a>,
    evaluation: Evaluation,
    #[serde(borrow, default)]
    error: Option<Cow<'a, str>>,
    #[serde(default)]
    metadata: Option<Metadata>,
}

#[derive(Deserialize)]
struct Input<'a> {
    #[serde(borrow)]
    raw: Cow<'a, str>,
    reference: Vec<String>,
    #[serde(default)]
    choices: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Evaluation {
    /// Null for bare NaN.
    score: Option<f64>,
    is_correct: bool,
}

/// Of the free metadata, what lm-eval's converter writes.
#[derive(Deserialize, Default)]
struct Metadata {
    #[serde(default)]
    filter: Value,
    #[serde(default)]
    doc_hash: Value,
    #[serde(default)]
    prompt_hash: Value,
}

/// What is known of one task so far.
#[derive(Default)]
pub(super) struct Task {
    pub(super) benchmark: String,
    /// All that occur, wanted or not.
    pub(super) metrics: BTreeSet<String>,
    pub(super) filters: BTreeSet<String>,
    /// Those that are read: the wanted ones, or the first.
    pub(super) metric: String,
    pub(super) filter: String,
    /// Position of the result in the aggregate.
    pub(super) result: Option<usize>,
    pub(super) rows: u32,
    pub(super) items: u32,
    pub(super) scored: u32,
    /// Sum of the scores as they are.
    pub(super) sum: f64,
    samples: BTreeMap<String, Sample>,
}

struct Sample {
    /// Uid of the first item of this content.
    content: String,
    item_uid: String,
    trials: u32,
}

/// Reads rows one by one.
pub(super) struct Reader<'a> {
    file: &'a RawFile<'a>,
    raw: String,
    aggregate: Option<&'a Aggregate>,
    wanted: &'a Wanted,
    pub(super) shard: Shard,
    pub(super) tasks: BTreeMap<String, Task>,
    pub(super) model: Option<String>,
    occurrences: Occurrences,
}

/// What the metric of a row is.
struct Meaning<'a> {
    metric: &'a str,
    /// Whether it is the metric that was asked for, or none was.
    wanted: bool,
    result: Option<usize>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(
        file: &'a RawFile<'a>,
        aggregate: Option<&'a Aggregate>,
        wanted: &'a Wanted,
    ) -> Self {
        Self {
            file,
            raw: file.id.to_string(),
            aggregate,
            wanted,
            shard: Shard::default(),
            tasks: BTreeMap::new(),
            model: None,
            occurrences: Occurrences::default(),
        }
    }

    /// Adds a row if it is of the metric and filter that are read.
    pub(super) fn add(
        &mut self,
        line: usize,
        record: u64,
        row: &Row<'_>,
    ) -> Result<(), AdapterError> {
        let place = Place::Line(line, 1);
        let file = self.file;
        let error = |problem: String| file.error(place, problem);
        if !row.schema_version.starts_with("0.3") {
            let version = &row.schema_version;
            return Err(error(format!("schema_version `{version}` is not read, 0.3 is")));
        }
        self.name_model(&row.model_id).map_err(error)?;
        let filter = filter(row);
        let name = task_name(&row.evaluation_name, &filter).to_owned();
        let meaning = self.meaning(row).map_err(error)?;
        let score = self.score(row, &meaning).map_err(error)?;

        let task = self.tasks.entry(name.clone()).or_default();
        let metric = meaning.metric;
        task.metrics.insert(metric.to_owned());
        task.filters.insert(filter.clone());
        let wanted_filter = self.wanted.filter.as_ref().is_none_or(|wanted| *wanted == filter);
        if !meaning.wanted || !wanted_filter {
            return Ok(());
        }
        if task.rows == 0 {
            task.benchmark = self.wanted.benchmark.clone().unwrap_or_else(|| name.clone());
            (task.metric, task.filter) = (metric.to_owned(), filter);
            task.result = meaning.result;
        } else if task.metric != metric || task.filter != filter {
            return Ok(());
        }
        task.rows += 1;
        if let (Ok(_), Some(raw)) = (score, row.evaluation.score) {
            task.scored += 1;
            task.sum += raw;
        }
        self.push((place, record), &name, row, score)
    }

    fn name_model(&mut self, named: &str) -> Result<(), String> {
        let name = self.wanted.model.as_deref().unwrap_or(named);
        match &self.model {
            Some(model) if model != name => {
                Err(format!("it is of the model `{name}`, the rows before of `{model}`: name one"))
            }
            Some(_) => Ok(()),
            None => {
                self.model = Some(name.to_owned());
                Ok(())
            }
        }
    }

    fn meaning<'r>(&self, row: &'r Row<'_>) -> Result<Meaning<'r>, String>
    where
        'a: 'r,
    {
        let (id, name) = (row.evaluation_result_id.as_deref(), &*row.evaluation_name);
        let wanted = self.wanted.metric.as_deref();
        let Some(aggregate) = self.aggregate else {
            let metric = id.unwrap_or("is_correct");
            let wanted = wanted.is_none_or(|wanted| wanted == metric);
            return Ok(Meaning { metric, wanted, result: None });
        };
        let result = aggregate.result(id, name)?;
        let at = aggregate.evaluation_results.iter().position(|other| std::ptr::eq(other, result));
        let wanted = wanted.is_none_or(|wanted| result.is(wanted));
        Ok(Meaning { metric: result.label(), wanted, result: at })
    }

    fn score(
        &self,
        row: &Row<'_>,
        meaning: &Meaning<'_>,
    ) -> Result<Result<f32, &'static str>, String> {
        if row.error.as_deref().is_some_and(|error| !error.is_empty()) {
            return Ok(Err("error"));
        }
        let Some(score) = row.evaluation.score else { return Ok(Err("unscored")) };
        match self.aggregate.zip(meaning.result) {
            // A metric that nobody asked for may have any scores.
            Some(_) if !meaning.wanted => Ok(Err("unwanted")),
            Some((aggregate, at)) => {
                let share = aggregate.evaluation_results[at].share(score)?;
                Ok(share.map(|share| share as f32))
            }
            None => Ok(Ok(if row.evaluation.is_correct { 1.0 } else { 0.0 })),
        }
    }

    fn push(
        &mut self,
        (place, record): (Place, u64),
        name: &str,
        row: &Row<'_>,
        score: Result<f32, &'static str>,
    ) -> Result<(), AdapterError> {
        let (item_uid, trial) = self.item(place, name, row)?;
        let Some(task) = self.tasks.get(name) else { return Ok(()) };
        self.shard.responses.push(&Response {
            model: self.model.as_deref().unwrap_or_default(),
            item_uid: &item_uid,
            metric: &task.metric,
            filter: &task.filter,
            trial,
            score,
            log_likelihood: None,
            raw: &self.raw,
            record,
        });
        Ok(())
    }

    /// Uid and trial of a row's sample; a sample that is new becomes an item.
    fn item(
        &mut self,
        place: Place,
        name: &str,
        row: &Row<'_>,
    ) -> Result<(String, u32), AdapterError> {
        let Some(task) = self.tasks.get_mut(name) else { return Ok((String::new(), 0)) };
        let target = match &row.input.reference[..] {
            [] => None,
            [one] => Some(one.clone()),
            several => Some(json_array(several)),
        };
        let choices = row.input.choices.as_deref();
        let content = ItemContent {
            benchmark: &task.benchmark,
            config: "",
            split: "",
            stem: &row.input.raw,
            choices,
            target: target.as_deref(),
        };
        let digest = content.uid(0).map_err(self.file.canonical_error(place))?;
        if let Some(sample) = task.samples.get_mut(&*row.sample_id) {
            if sample.content != digest {
                let problem = format!("sample `{}` of `{name}` is two questions", row.sample_id);
                return Err(self.file.error(place, problem));
            }
            sample.trials += 1;
            return Ok((sample.item_uid.clone(), sample.trials));
        }
        let (item_uid, occurrence) =
            self.occurrences.next_uid(&content).map_err(self.file.canonical_error(place))?;
        let sample = Sample { content: digest, item_uid: item_uid.clone(), trials: 0 };
        task.samples.insert(row.sample_id.clone().into_owned(), sample);
        task.items += 1;
        self.shard.items.push(Item {
            item_uid: item_uid.clone(),
            benchmark: task.benchmark.clone(),
            task: name.to_owned(),
            stem: row.input.raw.clone().into_owned(),
            choices: choices.map(json_array),
            target,
            occurrence,
            ..Item::default()
        });
        let metadata = row.metadata.as_ref();
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
        self.shard.aliases.push(Alias {
            item_uid: item_uid.clone(),
            tool: TOOL.to_owned(),
            task: name.to_owned(),
            revision: self.wanted.revision.clone().unwrap_or_default(),
            doc_hash: text(metadata.map(|metadata| &metadata.doc_hash)),
            native_id: Some(row.sample_id.clone().into_owned()),
            ..Alias::default()
        });
        if let Some(prompt_hash) = text(metadata.map(|metadata| &metadata.prompt_hash)) {
            let (tool, task) = (TOOL.to_owned(), name.to_owned());
            self.shard.prompts.push(Prompt { item_uid: item_uid.clone(), tool, task, prompt_hash });
        }
        Ok((item_uid, 0))
    }
}

/// lm-eval's filter, as its converter keeps it; empty for none.
fn filter(row: &Row<'_>) -> String {
    let filter = row.metadata.as_ref().and_then(|metadata| metadata.filter.as_str());
    filter.filter(|filter| *filter != "none").unwrap_or_default().to_owned()
}

/// The name without the filter that lm-eval's converter appends.
fn task_name<'n>(name: &'n str, filter: &str) -> &'n str {
    let stripped = name.strip_suffix(filter).and_then(|name| name.strip_suffix('/'));
    stripped.filter(|name| !filter.is_empty() && !name.is_empty()).unwrap_or(name)
}

fn json_array(texts: &[String]) -> String {
    Value::from(texts).to_string()
}
