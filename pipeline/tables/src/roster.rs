//! `roster`: which models and items stay after the audit, a benchmark. Sorted by (benchmark, axis, name).

use std::sync::Arc;

use arrow_array::{ArrayRef, StringArray};
use arrow_schema::{DataType, Field, Schema, SchemaRef};

use crate::{TableError, columns::Columns, parquet_bytes};

/// The axis of models.
pub const MODEL: &str = "model";
/// The axis of items that some model has answered.
pub const ITEM: &str = "item";
/// The axis of items that none has, and that are to be predicted from their text.
pub const UNANSWERED: &str = "unanswered";

/// One row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entry {
    /// Benchmark.
    pub benchmark: String,
    /// [`MODEL`], [`ITEM`] or [`UNANSWERED`].
    pub axis: String,
    /// Model name or item uid.
    pub name: String,
}

/// Arrow schema.
pub fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("benchmark", DataType::Utf8, false),
        Field::new("axis", DataType::Utf8, false),
        Field::new("name", DataType::Utf8, false),
    ]))
}

/// Parquet bytes, sorted by (benchmark, axis, name).
pub fn encode(rows: &[Entry]) -> Result<Vec<u8>, TableError> {
    let mut sorted: Vec<&Entry> = rows.iter().collect();
    sorted.sort_by(|a, b| (&a.benchmark, &a.axis, &a.name).cmp(&(&b.benchmark, &b.axis, &b.name)));
    let rows = sorted;
    let columns: Vec<ArrayRef> = vec![
        Arc::new(rows.iter().map(|row| Some(row.benchmark.as_str())).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| Some(row.axis.as_str())).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| Some(row.name.as_str())).collect::<StringArray>()),
    ];
    parquet_bytes::write(&schema(), columns)
}

/// Reads the table back.
pub fn decode(bytes: &[u8]) -> Result<Vec<Entry>, TableError> {
    let columns = Columns::read(bytes)?;
    let benchmark = columns.strings("benchmark")?;
    let axis = columns.strings("axis")?;
    let name = columns.strings("name")?;
    let row = |at: usize| Entry {
        benchmark: benchmark[at].clone(),
        axis: axis[at].clone(),
        name: name[at].clone(),
    };
    Ok((0..benchmark.len()).map(row).collect())
}
