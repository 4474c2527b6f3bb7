//! What a results file says about one task.

use std::collections::BTreeMap;

use aliquot_store::canonical;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{AdapterError, Place, RawFile, adapters::json::without_bare_nan};

/// Larger ones are refused.
const LARGEST: usize = 64 << 20;

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    config_general: Map<String, Value>,
    #[serde(default)]
    results: BTreeMap<String, Value>,
    #[serde(default)]
    versions: BTreeMap<String, Value>,
    #[serde(default)]
    config_tasks: BTreeMap<String, Value>,
}

/// One task of a results file.
#[derive(Debug, Default)]
pub(super) struct Results {
    pub model: Option<String>,
    pub model_revision: String,
    pub tool_version: String,
    pub task_version: String,
    pub config_digest: String,
    /// Documents of the task before any limit, where the tool counted them.
    pub population: Option<u32>,
    means: Map<String, Value>,
    metrics: Vec<Value>,
}

impl Results {
    /// What the file says about a task, as the details' name has it; nothing if it lacks the task.
    pub fn read(file: &RawFile<'_>, details: &str) -> Result<Self, AdapterError> {
        let bytes = file.document()?;
        if bytes.len() > LARGEST {
            let problem = format!("a results file of more than {LARGEST} bytes is refused");
            return Err(file.error(Place::File, problem));
        }
        let plain = without_bare_nan(&bytes);
        let document: Document = serde_json::from_slice(&plain).map_err(|error| {
            let problem = format!("{error}; expected results of lighteval");
            file.error(Place::Line(error.line(), error.column()), problem)
        })?;
        Self::of(&document, details).map_err(|problem| file.error(Place::File, problem))
    }

    fn of(document: &Document, details: &str) -> Result<Self, String> {
        let general = &document.config_general;
        let text = |key: &str| general.get(key).and_then(Value::as_str).map(str::to_owned);
        let inner = general.get("model_config").and_then(|config| config.get("model_name"));
        let inner = inner.and_then(Value::as_str).map(str::to_owned);
        let short = details.rsplit_once('|').map_or(details, |(task, _)| task);
        let config = [details, short].iter().find_map(|key| document.config_tasks.get(*key));
        let version = [details, short].iter().find_map(|key| document.versions.get(*key));
        let count = config.and_then(|config| config.get("original_num_docs")?.as_u64());
        let listed = config.and_then(|config| config.get("metrics").or(config.get("metric")));
        let digest = config.map(canonical::digest).transpose();
        let digest = digest.map_err(|error| error.to_string())?;
        Ok(Self {
            model: text("model_name").or(inner),
            model_revision: text("model_sha").unwrap_or_default(),
            tool_version: text("lighteval_sha").filter(|sha| sha != "?").unwrap_or_default(),
            task_version: version.map(Value::to_string).unwrap_or_default(),
            config_digest: digest.map(|id| id.to_string()).unwrap_or_default(),
            population: count.and_then(|count| u32::try_from(count).ok()),
            means: match document.results.get(details) {
                Some(Value::Object(means)) => means.clone(),
                _ => Map::new(),
            },
            metrics: listed.and_then(Value::as_array).cloned().unwrap_or_default(),
        })
    }

    /// Whether more is better, where the file says it.
    pub fn higher_is_better(&self, metric: &str) -> Option<bool> {
        self.metric(metric)?.get("higher_is_better")?.as_bool()
    }

    /// The published mean; None where the file has none or the aggregate is no mean.
    pub fn mean(&self, metric: &str) -> Option<f64> {
        let aggregate = self.metric(metric).and_then(|metric| metric.get("corpus_level_fn"));
        let is_mean = aggregate.and_then(Value::as_str).is_none_or(|name| name == "mean");
        self.means.get(metric).filter(|_| is_mean)?.as_f64()
    }

    fn metric(&self, name: &str) -> Option<&Value> {
        let is = |metric: &&Value| metric.get("metric_name").and_then(Value::as_str) == Some(name);
        self.metrics.iter().find(is)
    }
}
