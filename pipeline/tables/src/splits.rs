//! `splits`: which models are sources and which are held out. Sorted by (target, split, repetition,
//! role, model).

use std::sync::Arc;

use arrow_array::{ArrayRef, StringArray, UInt32Array};
use arrow_schema::{DataType, Field, Schema, SchemaRef};

use crate::{TableError, columns::Columns, parquet_bytes};

/// `role` of a model whose full results are used.
pub const SOURCE: &str = "source";

/// `role` of a model of which only the subset's answers are seen.
pub const HELD_OUT: &str = "held-out";

/// One row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Assignment {
    /// Name of the mean that is estimated.
    pub target: String,
    /// How held-out models relate to the sources.
    pub split: String,
    /// Number of the repetition, counted from 0.
    pub repetition: u32,
    /// [`SOURCE`] or [`HELD_OUT`]; models with neither role have no row.
    pub role: String,
    /// Name of the model.
    pub model: String,
}

/// Arrow schema.
pub fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("target", DataType::Utf8, false),
        Field::new("split", DataType::Utf8, false),
        Field::new("repetition", DataType::UInt32, false),
        Field::new("role", DataType::Utf8, false),
        Field::new("model", DataType::Utf8, false),
    ]))
}

/// Parquet bytes, sorted by (target, split, repetition, role, model).
pub fn encode(rows: &[Assignment]) -> Result<Vec<u8>, TableError> {
    let mut sorted: Vec<&Assignment> = rows.iter().collect();
    sorted.sort_by(|a, b| {
        (&a.target, &a.split, a.repetition, &a.role, &a.model).cmp(&(
            &b.target,
            &b.split,
            b.repetition,
            &b.role,
            &b.model,
        ))
    });
    let rows = sorted;
    let columns: Vec<ArrayRef> = vec![
        Arc::new(rows.iter().map(|row| Some(row.target.as_str())).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| Some(row.split.as_str())).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| Some(row.repetition)).collect::<UInt32Array>()),
        Arc::new(rows.iter().map(|row| Some(row.role.as_str())).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| Some(row.model.as_str())).collect::<StringArray>()),
    ];
    parquet_bytes::write(&schema(), columns)
}

/// Reads the table back.
pub fn decode(bytes: &[u8]) -> Result<Vec<Assignment>, TableError> {
    let columns = Columns::read(bytes)?;
    let target = columns.strings("target")?;
    let split = columns.strings("split")?;
    let repetition = columns.u32s("repetition")?;
    let role = columns.strings("role")?;
    let model = columns.strings("model")?;
    let row = |at: usize| Assignment {
        target: target[at].clone(),
        split: split[at].clone(),
        repetition: repetition[at],
        role: role[at].clone(),
        model: model[at].clone(),
    };
    Ok((0..target.len()).map(row).collect())
}
