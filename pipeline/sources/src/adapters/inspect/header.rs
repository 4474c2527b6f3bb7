//! What an Inspect log says about its run.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};

/// The part of a log without its samples; in an archive `header.json`, or `_journal/start.json` of a
/// run that did not end.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Header {
    #[serde(default)]
    pub status: Option<String>,
    #[serde(default)]
    pub eval: Eval,
    #[serde(default)]
    pub plan: Option<Plan>,
    #[serde(default)]
    pub results: Option<Results>,
}

/// What was asked for.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Eval {
    #[serde(default)]
    pub created: Option<String>,
    pub task: String,
    #[serde(default)]
    pub task_version: Option<Value>,
    #[serde(default)]
    pub task_args: Map<String, Value>,
    #[serde(default)]
    pub dataset: Dataset,
    pub model: String,
    #[serde(default)]
    pub model_args: Map<String, Value>,
    #[serde(default)]
    pub packages: BTreeMap<String, String>,
    #[serde(default)]
    pub headline_metric: Option<Headline>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Dataset {
    #[serde(default)]
    pub samples: Option<u32>,
    #[serde(default)]
    pub sample_ids: Option<Vec<Id>>,
}

/// Solvers and their parameters.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Plan {
    #[serde(default)]
    pub steps: Vec<Step>,
    #[serde(default)]
    pub config: Map<String, Value>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Step {
    pub solver: String,
    #[serde(default)]
    pub params: Map<String, Value>,
}

/// Metrics over all samples.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Results {
    #[serde(default)]
    pub scores: Vec<Aggregate>,
    #[serde(default)]
    pub headline: Option<Headline>,
}

/// Metrics of one score.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Aggregate {
    pub name: String,
    #[serde(default)]
    pub scorer: String,
    #[serde(default)]
    pub reducer: Option<String>,
    #[serde(default)]
    pub metrics: BTreeMap<String, Metric>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Metric {
    #[serde(default)]
    pub value: Option<f64>,
}

/// Which score is the main one; fields that are not set leave it open.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Headline {
    #[serde(default)]
    pub scorer: Option<String>,
    #[serde(default)]
    pub score: Option<String>,
    #[serde(default)]
    pub reducer: Option<String>,
}

/// Identifier of a sample: a number or a text, in the order of the tool's lists.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Id {
    /// Given by the tool, or a number in the data set.
    Number(i64),
    /// From the data set.
    Text(String),
}

impl std::fmt::Display for Id {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(number) => write!(formatter, "{number}"),
            Self::Text(text) => write!(formatter, "{text}"),
        }
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct IdVisitor;
        impl serde::de::Visitor<'_> for IdVisitor {
            type Value = Id;
            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(formatter, "an id: a text or a whole number")
            }
            fn visit_i64<E>(self, number: i64) -> Result<Id, E> {
                Ok(Id::Number(number))
            }
            fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Id, E> {
                i64::try_from(number).map(Id::Number).map_err(E::custom)
            }
            fn visit_str<E>(self, text: &str) -> Result<Id, E> {
                Ok(Id::Text(text.to_owned()))
            }
        }
        deserializer.deserialize_any(IdVisitor)
    }
}

/// Names of task arguments that say how many worked examples the prompt has.
const SHOTS: [&str; 6] = ["fewshot", "num_fewshot", "n_shots", "n_shot", "num_shots", "shots"];

/// Settings of the model's calls that change no answer.
const TRANSPORT: [&str; 7] = [
    "max_retries",
    "timeout",
    "attempt_timeout",
    "max_connections",
    "adaptive_connections",
    "batch",
    "cache",
];

impl Header {
    /// The task without its package.
    pub fn benchmark(&self) -> &str {
        self.eval.task.rsplit('/').next().unwrap_or(&self.eval.task)
    }

    /// Version of the task, as text.
    pub fn task_version(&self) -> String {
        match &self.eval.task_version {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(version)) => version.clone(),
            Some(version) => version.to_string(),
        }
    }

    /// Version of Inspect.
    pub fn tool_version(&self) -> &str {
        self.eval.packages.get("inspect_ai").map_or("", String::as_str)
    }

    /// What was asked and how, without the model and without the choice of samples.
    pub fn configuration(&self) -> Value {
        let steps: &[Step] = self.plan.as_ref().map_or(&[], |plan| &plan.steps);
        let steps: Vec<Value> = steps
            .iter()
            .map(|step| json!({"solver": step.solver, "params": step.params}))
            .collect();
        let mut generation = self.plan.as_ref().map_or_else(Map::new, |plan| plan.config.clone());
        TRANSPORT.iter().for_each(|name| {
            generation.remove(*name);
        });
        json!({
            "task": self.benchmark(), "version": self.eval.task_version,
            "arguments": self.eval.task_args, "steps": steps, "generation": generation,
        })
    }

    /// The solvers' templates, where there is any.
    pub fn templates(&self) -> Option<Value> {
        let steps = self.plan.as_ref()?.steps.iter();
        let templates: Vec<Value> = steps
            .filter_map(|step| {
                let template = step.params.get("template")?.as_str()?;
                Some(json!([step.solver, template]))
            })
            .collect();
        (!templates.is_empty()).then_some(Value::Array(templates))
    }

    /// Worked examples, where a task argument says their number.
    pub fn shots(&self) -> Option<u32> {
        let argument = SHOTS.iter().find_map(|name| self.eval.task_args.get(*name)?.as_u64());
        argument.and_then(|shots| u32::try_from(shots).ok())
    }
}
