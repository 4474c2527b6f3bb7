//! Open LLM Leaderboard v1: a Parquet file a task and run.

use std::{collections::BTreeMap, sync::Arc};

use arrow_array::{
    ArrayRef, Float64Array, Int64Array, ListArray, RecordBatch, StringArray,
    builder::{ListBuilder, StringBuilder},
    types::Float64Type,
};
use parquet::arrow::ArrowWriter;

use super::{model, place::Repositories, solves};

/// Tasks as in the names of files, each with its metrics, the leaderboard's first.
pub const TASKS: [(&str, &[&str]); 7] = [
    ("arc:challenge|25", &["acc_norm", "acc"]),
    ("hellaswag|10", &["acc_norm", "acc"]),
    ("hendrycksTest-anatomy|5", &["acc", "acc_norm"]),
    ("hendrycksTest-virology|5", &["acc", "acc_norm"]),
    ("truthfulqa:mc|0", &["mc2", "mc1"]),
    ("winogrande|5", &["acc"]),
    ("gsm8k|5", &["acc"]),
];

const ITEMS: usize = 24;

/// `owner/name` of a model's details.
pub fn repository(model: &str) -> String {
    format!("open-llm-leaderboard-old/details_{}", model.replace('/', "__"))
}

/// Path of the details of a task.
pub fn details_path(task: &str, time: &str) -> String {
    format!("{time}/details_harness|{task}_{time}.parquet")
}

/// A table as Parquet.
pub fn parquet(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

fn lists(rows: impl Iterator<Item = Vec<String>>) -> ArrayRef {
    let mut builder = ListBuilder::new(StringBuilder::new());
    for row in rows {
        builder.append_value(row.into_iter().map(Some));
    }
    Arc::new(builder.finish())
}

/// Rows in an order that is the same for all models, and not that of the data set.
fn table(number: usize, task: &str, metrics: &[&str], items: usize) -> Vec<u8> {
    let order = || (0..items).map(|row| row * 7 % items);
    let right = |item: usize| solves(number, item, task);
    let open = task.starts_with("gsm8k");
    let question = |item: usize| Some(format!("Question {item} of {task}: what follows?"));
    let predictions: ArrayRef = match open {
        true => lists(order().map(|item| vec![format!("#### {}", u8::from(right(item)))])),
        false => {
            Arc::new(ListArray::from_iter_primitive::<Float64Type, _, _>(order().map(|item| {
                let (yes, no) = if right(item) { (-0.5, -2.5) } else { (-2.25, -0.75) };
                Some(vec![Some(yes), Some(no)])
            })))
        }
    };
    let choices = |_: usize| match open {
        true => Vec::new(),
        false => vec!["yes".to_owned(), "nay".to_owned()],
    };
    let mut columns: Vec<(&str, ArrayRef)> = vec![
        ("example", Arc::new(order().map(question).collect::<StringArray>())),
        ("choices", lists(order().map(choices))),
        ("gold", Arc::new(order().map(|_| Some("yes")).collect::<StringArray>())),
        ("gold_index", Arc::new(order().map(|_| Some(0)).collect::<Int64Array>())),
        ("predictions", predictions),
    ];
    for metric in metrics {
        let score = |item: usize| match (*metric, right(item)) {
            // Probability of the right choices, of all.
            ("mc2", right) => 1.0 / (1.0 + f64::exp(if right { -2.0 } else { 1.5 })),
            (_, right) => f64::from(u8::from(right)),
        };
        columns.push((metric, Arc::new(order().map(score).collect::<Float64Array>())));
    }
    parquet(columns)
}

/// Details of made-up models: those before the fourth of July 2023 with `:` in their paths, the first with
/// a later run of few items.
pub fn details(models: usize) -> Repositories {
    let details = |number: usize| {
        let (time, later) = match number < 4 {
            true => ("2023-07-19T15:58:12.174583", "2023-08-24T09:19:51.585793"),
            false => ("2024-01-04T12-13-40.171362", "2024-02-04T12-13-40.171362"),
        };
        let mut files = BTreeMap::new();
        for (task, metrics) in TASKS {
            files.insert(details_path(task, time), table(number, task, metrics, ITEMS));
            if number == 0 {
                files.insert(details_path(task, later), table(number, task, metrics, 5));
            }
        }
        files.insert(details_path("drop|3", time), b"not asked for".to_vec());
        files.insert("README.md".to_owned(), b"# Details".to_vec());
        (repository(&model(number)), files)
    };
    (0..models).map(details).collect()
}
