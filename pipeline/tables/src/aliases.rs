//! `aliases`: the names by which tools know an item. Sorted by (tool, task, native id, item uid).

use std::sync::Arc;

use arrow_array::{ArrayRef, StringArray};
use arrow_schema::{DataType, Field, Schema, SchemaRef};

use crate::{TableError, columns::Columns, parquet_bytes};

/// One row.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Alias {
    /// Item uid, as hexadecimal digits.
    pub item_uid: String,
    /// Tool that uses the name.
    pub tool: String,
    /// Its version; empty where the file does not say.
    pub tool_version: String,
    /// Task or data set, as the tool names it.
    pub task: String,
    /// Revision of the source that was read; empty where unknown.
    pub revision: String,
    /// Position in the evaluated split, where the tool has one.
    pub doc_id: Option<String>,
    /// The tool's own digest of the item, where it has one.
    pub doc_hash: Option<String>,
    /// The item's id in its benchmark, where it has one.
    pub native_id: Option<String>,
}

/// Arrow schema.
pub fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("item_uid", DataType::Utf8, false),
        Field::new("tool", DataType::Utf8, false),
        Field::new("tool_version", DataType::Utf8, false),
        Field::new("task", DataType::Utf8, false),
        Field::new("revision", DataType::Utf8, false),
        Field::new("doc_id", DataType::Utf8, true),
        Field::new("doc_hash", DataType::Utf8, true),
        Field::new("native_id", DataType::Utf8, true),
    ]))
}

/// Parquet bytes, sorted by (tool, task, native id, item uid).
pub fn encode(rows: &[Alias]) -> Result<Vec<u8>, TableError> {
    let mut sorted: Vec<&Alias> = rows.iter().collect();
    sorted.sort_by(|a, b| {
        (&a.tool, &a.task, &a.native_id, &a.item_uid).cmp(&(
            &b.tool,
            &b.task,
            &b.native_id,
            &b.item_uid,
        ))
    });
    let rows = sorted;
    let columns: Vec<ArrayRef> = vec![
        Arc::new(rows.iter().map(|row| Some(row.item_uid.as_str())).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| Some(row.tool.as_str())).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| Some(row.tool_version.as_str())).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| Some(row.task.as_str())).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| Some(row.revision.as_str())).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| row.doc_id.as_deref()).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| row.doc_hash.as_deref()).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| row.native_id.as_deref()).collect::<StringArray>()),
    ];
    parquet_bytes::write(&schema(), columns)
}

/// Reads the table back.
pub fn decode(bytes: &[u8]) -> Result<Vec<Alias>, TableError> {
    let columns = Columns::read(bytes)?;
    let item_uid = columns.strings("item_uid")?;
    let tool = columns.strings("tool")?;
    let tool_version = columns.strings("tool_version")?;
    let task = columns.strings("task")?;
    let revision = columns.strings("revision")?;
    let doc_id = columns.optional_strings("doc_id")?;
    let doc_hash = columns.optional_strings("doc_hash")?;
    let native_id = columns.optional_strings("native_id")?;
    let row = |at: usize| Alias {
        item_uid: item_uid[at].clone(),
        tool: tool[at].clone(),
        tool_version: tool_version[at].clone(),
        task: task[at].clone(),
        revision: revision[at].clone(),
        doc_id: doc_id[at].clone(),
        doc_hash: doc_hash[at].clone(),
        native_id: native_id[at].clone(),
    };
    Ok((0..item_uid.len()).map(row).collect())
}
