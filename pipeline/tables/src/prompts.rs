//! `prompts`: digests of the prompts that items were asked with, to tell whether a later run asks the
//! same. Sorted by (item uid, tool, task, prompt hash); one row a different prompt.

use std::sync::Arc;

use arrow_array::{ArrayRef, StringArray};
use arrow_schema::{DataType, Field, Schema, SchemaRef};

use crate::{TableError, columns::Columns, parquet_bytes};

/// One row.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Prompt {
    /// Item uid, as hexadecimal digits.
    pub item_uid: String,
    /// Tool that asked.
    pub tool: String,
    /// Task, as the tool names it.
    pub task: String,
    /// The tool's digest of the whole prompt, worked examples included.
    pub prompt_hash: String,
}

/// Arrow schema.
pub fn schema() -> SchemaRef {
    let field = |name| Field::new(name, DataType::Utf8, false);
    Arc::new(Schema::new(["item_uid", "tool", "task", "prompt_hash"].map(field).to_vec()))
}

/// Parquet bytes, sorted, without repeated rows.
pub fn encode(rows: &[Prompt]) -> Result<Vec<u8>, TableError> {
    let mut rows: Vec<&Prompt> = rows.iter().collect();
    rows.sort();
    rows.dedup();
    let column = |text: fn(&Prompt) -> &str| {
        Arc::new(rows.iter().map(|row| Some(text(row))).collect::<StringArray>()) as ArrayRef
    };
    let columns = vec![
        column(|row| &row.item_uid),
        column(|row| &row.tool),
        column(|row| &row.task),
        column(|row| &row.prompt_hash),
    ];
    parquet_bytes::write(&schema(), columns)
}

/// Reads the table back.
pub fn decode(bytes: &[u8]) -> Result<Vec<Prompt>, TableError> {
    let columns = Columns::read(bytes)?;
    let (uids, tools) = (columns.strings("item_uid")?, columns.strings("tool")?);
    let (tasks, hashes) = (columns.strings("task")?, columns.strings("prompt_hash")?);
    let rows = uids.into_iter().zip(tools).zip(tasks).zip(hashes);
    Ok(rows
        .map(|(((item_uid, tool), task), prompt_hash)| Prompt { item_uid, tool, task, prompt_hash })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_sorted_and_once() {
        let row = |item_uid: &str, prompt_hash: &str| Prompt {
            item_uid: item_uid.to_owned(),
            tool: "lm-eval".to_owned(),
            task: "t".to_owned(),
            prompt_hash: prompt_hash.to_owned(),
        };
        let rows = [row("2", "a"), row("1", "b"), row("1", "a"), row("1", "b")];
        let back = decode(&encode(&rows).unwrap()).unwrap();
        assert_eq!(back, [row("1", "a"), row("1", "b"), row("2", "a")]);
    }
}
