//! What a results file says about one task.

use std::collections::BTreeMap;

use aliquot_store::canonical;
use serde::Deserialize;
use serde_json::{Map, Value, value::RawValue};

use crate::{
    AdapterError, Place, RawFile,
    adapters::{json::without_bare_nan, lm_eval::names::sanitised},
};

/// Larger ones are refused: groups of thousands of tasks take some 20 MB.
const LARGEST: usize = 256 << 20;

#[derive(Deserialize)]
struct Document<'a> {
    #[serde(borrow)]
    results: BTreeMap<String, &'a RawValue>,
    #[serde(borrow, default)]
    configs: BTreeMap<String, &'a RawValue>,
    #[serde(borrow, default)]
    versions: BTreeMap<String, &'a RawValue>,
    #[serde(borrow, default, rename = "n-shot")]
    shots: BTreeMap<String, &'a RawValue>,
    #[serde(borrow, default)]
    higher_is_better: BTreeMap<String, &'a RawValue>,
    #[serde(borrow, default, rename = "n-samples")]
    samples: BTreeMap<String, &'a RawValue>,
    #[serde(default)]
    config: Option<Config>,
    #[serde(default)]
    git_hash: Option<String>,
    #[serde(default)]
    lm_eval_version: Option<String>,
    #[serde(default)]
    model_name: Option<String>,
    #[serde(default)]
    system_instruction_sha: Option<String>,
    #[serde(default)]
    chat_template_sha: Option<String>,
}

#[derive(Deserialize)]
struct Config {
    #[serde(default)]
    model_args: Value,
    #[serde(default)]
    model_revision: Value,
}

/// One task of a results file.
#[derive(Debug, Default)]
pub(super) struct Results {
    /// Name, as the tool has it: file names have it sanitised.
    pub task: String,
    /// Aggregates of each metric and filter, in the order of the file.
    pub aggregates: Vec<Aggregate>,
    /// Model, where it is said.
    pub model: Option<String>,
    pub model_revision: String,
    pub tool_version: String,
    pub task_version: String,
    pub config_digest: String,
    pub template: String,
    pub shots: Option<u32>,
    /// Documents of the task before any limit.
    pub population: Option<u32>,
    /// Whether scores are the task's own code, so that `acc` need not be what its name says.
    pub own_scoring: bool,
    /// Metrics whose aggregate is the mean of the documents.
    pub means: Vec<String>,
    higher_is_better: Map<String, Value>,
}

/// `metric,filter` and its value.
#[derive(Debug)]
pub(super) struct Aggregate {
    pub metric: String,
    pub filter: String,
    pub value: Option<f64>,
}

impl Results {
    /// What the file says about the task of this sanitised name; None if nothing.
    pub fn read(file: &RawFile<'_>, task: &str) -> Result<Option<Self>, AdapterError> {
        let bytes = file.document()?;
        if bytes.len() > LARGEST {
            let problem = format!("a results file of more than {LARGEST} bytes is refused");
            return Err(file.error(Place::File, problem));
        }
        let plain = without_bare_nan(&bytes);
        let document: Document<'_> = serde_json::from_slice(&plain).map_err(|error| {
            let problem = format!("{error}; expected results of lm-evaluation-harness");
            file.error(Place::Line(error.line(), error.column()), problem)
        })?;
        let Some(name) = document.results.keys().find(|name| sanitised(name) == task) else {
            return Ok(None);
        };
        Self::of(&document, name)
            .map(Some)
            .map_err(|problem| file.error(Place::File, format!("task `{name}`: {problem}")))
    }

    fn of(document: &Document<'_>, name: &str) -> Result<Self, String> {
        let object = |raw: Option<&&RawValue>| -> Result<Map<String, Value>, String> {
            let parsed = raw.map(|raw| serde_json::from_str(raw.get())).transpose();
            parsed.map(Option::unwrap_or_default).map_err(|error| error.to_string())
        };
        let config = object(document.configs.get(name))?;
        let samples = object(document.samples.get(name))?;
        let (model, model_revision) = model(document);
        Ok(Self {
            task: name.to_owned(),
            aggregates: aggregates(&object(document.results.get(name))?),
            model,
            model_revision,
            tool_version: tool_version(document),
            task_version: document.versions.get(name).map_or(String::new(), |raw| plain_text(raw)),
            config_digest: config_digest(&config)?,
            template: template(document),
            shots: document.shots.get(name).and_then(|raw| serde_json::from_str(raw.get()).ok()),
            population: samples
                .get("original")
                .and_then(Value::as_u64)
                .and_then(|count| u32::try_from(count).ok()),
            own_scoring: config.get("process_results").is_some_and(|value| !value.is_null()),
            means: means(&config),
            higher_is_better: object(document.higher_is_better.get(name))?,
        })
    }

    /// Whether more is better, where the file says it.
    pub fn higher_is_better(&self, metric: &str) -> Option<bool> {
        self.higher_is_better.get(metric).and_then(Value::as_bool)
    }

    /// Names of the metrics, once each, in the order of the file.
    pub fn metrics(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for aggregate in &self.aggregates {
            if !names.contains(&aggregate.metric) {
                names.push(aggregate.metric.clone());
            }
        }
        names
    }

    /// Filters of a metric, in the order of the file.
    pub fn filters(&self, metric: &str) -> Vec<String> {
        let of_metric = self.aggregates.iter().filter(|aggregate| aggregate.metric == metric);
        of_metric.map(|aggregate| aggregate.filter.clone()).collect()
    }

    /// The published mean of a metric under a filter; None where the aggregate is no mean.
    pub fn mean(&self, metric: &str, filter: &str) -> Option<f64> {
        let wanted = |a: &&Aggregate| a.metric == metric && a.filter == filter;
        self.means.iter().any(|name| name == metric).then_some(())?;
        self.aggregates.iter().find(wanted)?.value
    }
}

/// Keys `metric,filter`; standard errors and facts of other kinds have none, or end in `_stderr`.
fn aggregates(results: &Map<String, Value>) -> Vec<Aggregate> {
    let split = results.iter().filter_map(|(key, value)| {
        let (metric, filter) = key.rsplit_once(',')?;
        let own = !metric.ends_with("_stderr");
        let (metric, filter) = (metric.to_owned(), filter.to_owned());
        own.then(|| Aggregate { metric, filter, value: value.as_f64() })
    });
    split.collect()
}

fn means(config: &Map<String, Value>) -> Vec<String> {
    let listed = config.get("metric_list").and_then(Value::as_array);
    let mean = |metric: &Value| {
        let mean = metric.get("aggregation")?.as_str()? == "mean";
        mean.then(|| metric.get("metric")?.as_str().map(str::to_owned)).flatten()
    };
    listed.into_iter().flatten().filter_map(mean).collect()
}

/// Model and its revision by the arguments of the model, the keys in the tool's order, or by the name
/// that the tool noted, unless that is one of its random ones.
///
/// SOURCE: `GeneralConfigTracker._get_model_name` of lm-evaluation-harness 0.4.13.
fn model(document: &Document<'_>) -> (Option<String>, String) {
    let arguments = document.config.as_ref().map(|config| &config.model_args);
    let argument = |key: &str| match arguments {
        Some(Value::Object(arguments)) => arguments.get(key).and_then(Value::as_str),
        Some(Value::String(text)) => {
            text.split(',').find_map(|part| part.trim().strip_prefix(key)?.strip_prefix('='))
        }
        _ => None,
    };
    let keys = ["peft", "delta", "pretrained", "model", "path", "engine", "model_id"];
    let noted = document.model_name.as_deref().filter(|name| {
        let random = name.len() == 8 && name.bytes().all(|byte| byte.is_ascii_lowercase());
        !random && !name.is_empty()
    });
    let model = keys.iter().find_map(|key| argument(key)).or(noted);
    let said = document.config.as_ref().and_then(|config| config.model_revision.as_str());
    let revision = argument("revision").or(said).unwrap_or_default();
    (model.map(str::to_owned), revision.to_owned())
}

fn tool_version(document: &Document<'_>) -> String {
    let commit = || document.git_hash.as_ref().map(|commit| format!("git:{commit}"));
    document.lm_eval_version.clone().or_else(commit).unwrap_or_default()
}

/// Digests of chat template and system prompt.
fn template(document: &Document<'_>) -> String {
    let parts =
        [("chat", &document.chat_template_sha), ("system", &document.system_instruction_sha)];
    let named = parts.iter().filter_map(|(name, sha)| Some(format!("{name}:{}", sha.as_ref()?)));
    named.collect::<Vec<_>>().join(" ")
}

/// Digest of the configuration less what differs between runs of one task: the tool puts the model's
/// arguments into `metadata`, and addresses in memory into the names of functions.
fn config_digest(config: &Map<String, Value>) -> Result<String, String> {
    if config.is_empty() {
        return Ok(String::new());
    }
    let mut config = config.clone();
    if let Some(Value::Object(metadata)) = config.get_mut("metadata") {
        metadata.retain(|key, _| key == "version");
    }
    let mut config = Value::Object(config);
    without_addresses(&mut config);
    canonical::digest(&config).map(|id| id.to_string()).map_err(|error| error.to_string())
}

fn without_addresses(value: &mut Value) {
    match value {
        Value::String(text) if text.starts_with("<function") => {
            if let Some((name, _)) = text.split_once(" at 0x") {
                *text = format!("{name}>");
            }
        }
        Value::Array(values) => values.iter_mut().for_each(without_addresses),
        Value::Object(members) => members.values_mut().for_each(without_addresses),
        _ => {}
    }
}

/// A text without its quotes, a number as it stands.
pub(super) fn plain_text(raw: &RawValue) -> String {
    serde_json::from_str(raw.get()).unwrap_or_else(|_| raw.get().to_owned())
}
