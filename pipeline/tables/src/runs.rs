//! `runs`: how the responses of one raw file came about. Sorted by (model, benchmark, task, metric,
//! filter, raw).

use std::sync::Arc;

use arrow_array::{ArrayRef, StringArray, UInt32Array};
use arrow_schema::{DataType, Field, Schema, SchemaRef};

use crate::{TableError, columns::Columns, parquet_bytes};

/// One row: one task of one raw file under one metric and filter. Texts are empty where unknown.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Run {
    /// Evaluated model.
    pub model: String,
    /// Benchmark of the items.
    pub benchmark: String,
    /// Task, as the tool names it.
    pub task: String,
    /// Metric of the scores.
    pub metric: String,
    /// Filter of the tool's answer extraction; empty where the tool has none.
    pub filter: String,
    /// Object id of the raw file with the scores.
    pub raw: String,
    /// Revision of the model.
    pub model_revision: String,
    /// Tool that evaluated.
    pub tool: String,
    /// Its version or commit.
    pub tool_version: String,
    /// Version of the task.
    pub task_version: String,
    /// BLAKE3 of the canonical JSON of the task's configuration.
    pub config_digest: String,
    /// The tool's digest or name of the prompt or chat template.
    pub template: String,
    /// When it started, as the tool writes it.
    pub started: String,
    /// Worked examples in the prompt.
    pub shots: Option<u32>,
    /// Items with a row in the file.
    pub items: u32,
    /// Items of the whole task, where the tool says it.
    pub population: Option<u32>,
}

const TEXTS: [&str; 13] = [
    "model",
    "benchmark",
    "task",
    "metric",
    "filter",
    "raw",
    "model_revision",
    "tool",
    "tool_version",
    "task_version",
    "config_digest",
    "template",
    "started",
];

impl Run {
    /// In the order of [`TEXTS`].
    fn texts(&self) -> [&str; 13] {
        [
            &self.model,
            &self.benchmark,
            &self.task,
            &self.metric,
            &self.filter,
            &self.raw,
            &self.model_revision,
            &self.tool,
            &self.tool_version,
            &self.task_version,
            &self.config_digest,
            &self.template,
            &self.started,
        ]
    }
}

/// Arrow schema.
pub fn schema() -> SchemaRef {
    let texts = TEXTS.iter().map(|name| Field::new(*name, DataType::Utf8, false));
    let numbers = [
        Field::new("shots", DataType::UInt32, true),
        Field::new("items", DataType::UInt32, false),
        Field::new("population", DataType::UInt32, true),
    ];
    Arc::new(Schema::new(texts.chain(numbers).collect::<Vec<_>>()))
}

/// Parquet bytes, sorted, without repeated rows.
pub fn encode(rows: &[Run]) -> Result<Vec<u8>, TableError> {
    let mut rows: Vec<&Run> = rows.iter().collect();
    rows.sort();
    rows.dedup();
    let text = |at: usize| {
        Arc::new(rows.iter().map(|row| Some(row.texts()[at])).collect::<StringArray>()) as ArrayRef
    };
    let mut columns: Vec<ArrayRef> = (0..TEXTS.len()).map(text).collect();
    columns.push(Arc::new(rows.iter().map(|row| row.shots).collect::<UInt32Array>()));
    columns.push(Arc::new(rows.iter().map(|row| Some(row.items)).collect::<UInt32Array>()));
    columns.push(Arc::new(rows.iter().map(|row| row.population).collect::<UInt32Array>()));
    parquet_bytes::write(&schema(), columns)
}

/// Reads the table back.
pub fn decode(bytes: &[u8]) -> Result<Vec<Run>, TableError> {
    let columns = Columns::read(bytes)?;
    let mut texts = Vec::with_capacity(TEXTS.len());
    for name in TEXTS {
        texts.push(columns.strings(name)?.into_iter());
    }
    let (shots, items) = (columns.optional_u32s("shots")?, columns.u32s("items")?);
    let population = columns.optional_u32s("population")?;
    let mut rows = Vec::with_capacity(items.len());
    for (at, items) in items.into_iter().enumerate() {
        let mut next = texts.iter_mut().map(|column| column.next().unwrap_or_else(String::new));
        let mut text = || next.next().unwrap_or_else(String::new);
        rows.push(Run {
            model: text(),
            benchmark: text(),
            task: text(),
            metric: text(),
            filter: text(),
            raw: text(),
            model_revision: text(),
            tool: text(),
            tool_version: text(),
            task_version: text(),
            config_digest: text(),
            template: text(),
            started: text(),
            shots: shots[at],
            items,
            population: population[at],
        });
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_sorted_and_once() {
        let row = |model: &str| Run {
            model: model.to_owned(),
            benchmark: "b".to_owned(),
            task: "t".to_owned(),
            metric: "acc".to_owned(),
            filter: "none".to_owned(),
            raw: "00".to_owned(),
            model_revision: "main".to_owned(),
            tool: "lm-eval".to_owned(),
            tool_version: "0.4.9".to_owned(),
            task_version: "1.0".to_owned(),
            config_digest: "11".to_owned(),
            template: "22".to_owned(),
            started: "2026-11-21".to_owned(),
            shots: Some(5),
            items: 7,
            population: None,
        };
        let back = decode(&encode(&[row("z"), row("a"), row("z")]).unwrap()).unwrap();
        assert_eq!(back, [row("a"), row("z")]);
    }
}
