//! The file that says what the results of a file of samples are.

use serde::Deserialize;
use serde_json::Value;

use crate::{AdapterError, RawFile, adapters::json_walk::Walk};

/// Of `<uuid>.json`, what is needed.
#[derive(Deserialize)]
pub(super) struct Aggregate {
    #[serde(default)]
    pub(super) evaluation_timestamp: Option<String>,
    #[serde(default)]
    pub(super) eval_library: Library,
    #[serde(default)]
    pub(super) evaluation_results: Vec<ResultRow>,
}

#[derive(Deserialize, Default)]
pub(super) struct Library {
    pub(super) name: String,
    pub(super) version: String,
}

#[derive(Deserialize)]
pub(super) struct ResultRow {
    #[serde(default)]
    pub(super) evaluation_result_id: Option<String>,
    pub(super) evaluation_name: String,
    #[serde(default)]
    pub(super) source_data: Option<Source>,
    pub(super) metric_config: Metric,
    #[serde(default)]
    pub(super) score_details: Option<Details>,
    #[serde(default)]
    pub(super) generation_config: Option<Value>,
}

#[derive(Deserialize)]
pub(super) struct Source {
    #[serde(default)]
    pub(super) samples_number: Option<u32>,
}

#[derive(Deserialize)]
pub(super) struct Details {
    pub(super) score: f64,
}

#[derive(Deserialize)]
pub(super) struct Metric {
    #[serde(default)]
    metric_id: Option<String>,
    #[serde(default)]
    metric_name: Option<String>,
    lower_is_better: bool,
    #[serde(default)]
    has_unknown_level: Option<bool>,
    /// A number, "-Infinity", or null where it is not said.
    #[serde(default)]
    min_score: Value,
    #[serde(default)]
    max_score: Value,
}

impl Aggregate {
    pub(super) fn read(file: &RawFile<'_>) -> Result<Self, AdapterError> {
        let mut walk = Walk::of(file)?;
        let aggregate = walk.value()?;
        walk.end()?;
        Ok(aggregate)
    }

    /// The result that a row belongs to: by its id, or by its name where only one result has that.
    pub(super) fn result(&self, id: Option<&str>, name: &str) -> Result<&ResultRow, String> {
        let of = |row: &&ResultRow| match id {
            Some(id) => {
                row.evaluation_result_id.as_deref() == Some(id) && row.evaluation_name == name
            }
            None => row.evaluation_name == name,
        };
        let mut found = self.evaluation_results.iter().filter(of);
        match (found.next(), found.next()) {
            (Some(row), None) => Ok(row),
            (first, _) => {
                let count = if first.is_none() { "no result" } else { "several results" };
                let id = id.map_or(String::new(), |id| format!(" and id `{id}`"));
                Err(format!("the aggregate has {count} of name `{name}`{id}"))
            }
        }
    }
}

impl ResultRow {
    /// The name of its metric.
    pub(super) fn label(&self) -> &str {
        let metric = &self.metric_config;
        metric.metric_name.as_deref().or(metric.metric_id.as_deref()).unwrap_or("score")
    }

    /// Whether somebody who wants a metric means this one.
    pub(super) fn is(&self, wanted: &str) -> bool {
        let names = [&self.metric_config.metric_id, &self.evaluation_result_id];
        self.label() == wanted || names.iter().any(|name| name.as_deref() == Some(wanted))
    }

    /// A score as a share of the metric's range, higher being better: (score - min) / (max - min), or one
    /// minus that; the range is 0 to 1 where none is declared.
    pub(super) fn share(&self, score: f64) -> Result<Result<f64, &'static str>, String> {
        let metric = &self.metric_config;
        if metric.has_unknown_level == Some(true) && score == -1.0 {
            return Ok(Err("unknown level"));
        }
        let bound = |value: &Value, default: f64| match value {
            Value::Null => Ok(default),
            value => value.as_f64().ok_or_else(|| {
                format!("metric `{}` has the bound {value}: its scores are no shares", self.label())
            }),
        };
        let (low, high) = (bound(&metric.min_score, 0.0)?, bound(&metric.max_score, 1.0)?);
        let share = (score - low) / (high - low);
        if !(0.0..=1.0).contains(&share) {
            let label = self.label();
            return Err(format!("score {score} of `{label}` is outside its range {low} to {high}"));
        }
        Ok(Ok(if metric.lower_is_better { 1.0 - share } else { share }))
    }
}
