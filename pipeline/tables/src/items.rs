//! `items`: what each item uid stands for. Sorted by item uid.

use std::sync::Arc;

use arrow_array::{ArrayRef, StringArray, UInt32Array};
use arrow_schema::{DataType, Field, Schema, SchemaRef};

use crate::{TableError, columns::Columns, parquet_bytes};

/// One row.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Item {
    /// Item uid, as hexadecimal digits.
    pub item_uid: String,
    /// Benchmark that the item belongs to.
    pub benchmark: String,
    /// Configuration or baseline of the benchmark; empty where it has one only.
    pub config: String,
    /// Split of the data set; empty where unknown.
    pub split: String,
    /// Task or category inside the benchmark; empty where there is none.
    pub task: String,
    /// The question, as the source has it.
    pub stem: String,
    /// Ordered answer choices as a JSON array of strings; null for open questions.
    pub choices: Option<String>,
    /// Reference answer; null where the source has none.
    pub target: Option<String>,
    /// 0 for the first item of this content, 1 for the second, and so on.
    pub occurrence: u32,
    /// What it shares with other items, such as a passage or a function under test, where the source
    /// says so: answers to items of one parent are not independent. No part of the uid.
    pub parent: Option<String>,
}

/// Arrow schema.
pub fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("item_uid", DataType::Utf8, false),
        Field::new("benchmark", DataType::Utf8, false),
        Field::new("config", DataType::Utf8, false),
        Field::new("split", DataType::Utf8, false),
        Field::new("task", DataType::Utf8, false),
        Field::new("stem", DataType::Utf8, false),
        Field::new("choices", DataType::Utf8, true),
        Field::new("target", DataType::Utf8, true),
        Field::new("occurrence", DataType::UInt32, false),
        Field::new("parent", DataType::Utf8, true),
    ]))
}

/// Parquet bytes, sorted by item uid.
pub fn encode(rows: &[Item]) -> Result<Vec<u8>, TableError> {
    let mut sorted: Vec<&Item> = rows.iter().collect();
    sorted.sort_by(|a, b| a.item_uid.cmp(&b.item_uid));
    let rows = sorted;
    let columns: Vec<ArrayRef> = vec![
        Arc::new(rows.iter().map(|row| Some(row.item_uid.as_str())).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| Some(row.benchmark.as_str())).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| Some(row.config.as_str())).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| Some(row.split.as_str())).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| Some(row.task.as_str())).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| Some(row.stem.as_str())).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| row.choices.as_deref()).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| row.target.as_deref()).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| Some(row.occurrence)).collect::<UInt32Array>()),
        Arc::new(rows.iter().map(|row| row.parent.as_deref()).collect::<StringArray>()),
    ];
    parquet_bytes::write(&schema(), columns)
}

/// Reads the table back.
pub fn decode(bytes: &[u8]) -> Result<Vec<Item>, TableError> {
    let columns = Columns::read(bytes)?;
    let item_uid = columns.strings("item_uid")?;
    let benchmark = columns.strings("benchmark")?;
    let config = columns.strings("config")?;
    let split = columns.strings("split")?;
    let task = columns.strings("task")?;
    let stem = columns.strings("stem")?;
    let choices = columns.optional_strings("choices")?;
    let target = columns.optional_strings("target")?;
    let occurrence = columns.u32s("occurrence")?;
    let parent = columns.optional_strings("parent")?;
    let row = |at: usize| Item {
        item_uid: item_uid[at].clone(),
        benchmark: benchmark[at].clone(),
        config: config[at].clone(),
        split: split[at].clone(),
        task: task[at].clone(),
        stem: stem[at].clone(),
        choices: choices[at].clone(),
        target: target[at].clone(),
        occurrence: occurrence[at],
        parent: parent[at].clone(),
    };
    Ok((0..item_uid.len()).map(row).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_sorted_with_and_without_a_parent() {
        let row = |item_uid: &str, parent: Option<&str>| Item {
            item_uid: item_uid.to_owned(),
            benchmark: "b".to_owned(),
            choices: Some("[\"x\",\"y\"]".to_owned()),
            parent: parent.map(str::to_owned),
            ..Item::default()
        };
        let rows = [row("2", Some("passage 1")), row("1", None)];
        let back = decode(&encode(&rows).unwrap()).unwrap();
        assert_eq!(back, [rows[1].clone(), rows[0].clone()]);
    }
}
