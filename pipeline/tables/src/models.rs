//! `models`: the evaluated systems. Sorted by model.

use std::sync::Arc;

use arrow_array::{ArrayRef, StringArray};
use arrow_schema::{DataType, Field, Schema, SchemaRef};

use crate::{TableError, columns::Columns, parquet_bytes};

/// One row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Model {
    /// Name, unique in the table.
    pub model: String,
    /// Model family, where known.
    pub family: Option<String>,
    /// Model that this one was made from, where known.
    pub base_model: Option<String>,
    /// How it was compressed, where known.
    pub compression: Option<String>,
    /// Release date as `YYYY-MM-DD`, where known.
    pub released: Option<String>,
}

/// Arrow schema.
pub fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("model", DataType::Utf8, false),
        Field::new("family", DataType::Utf8, true),
        Field::new("base_model", DataType::Utf8, true),
        Field::new("compression", DataType::Utf8, true),
        Field::new("released", DataType::Utf8, true),
    ]))
}

/// Parquet bytes, sorted by model.
pub fn encode(rows: &[Model]) -> Result<Vec<u8>, TableError> {
    let mut sorted: Vec<&Model> = rows.iter().collect();
    sorted.sort_by(|a, b| a.model.cmp(&b.model));
    let rows = sorted;
    let columns: Vec<ArrayRef> = vec![
        Arc::new(rows.iter().map(|row| Some(row.model.as_str())).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| row.family.as_deref()).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| row.base_model.as_deref()).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| row.compression.as_deref()).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| row.released.as_deref()).collect::<StringArray>()),
    ];
    parquet_bytes::write(&schema(), columns)
}

/// Reads the table back.
pub fn decode(bytes: &[u8]) -> Result<Vec<Model>, TableError> {
    let columns = Columns::read(bytes)?;
    let model = columns.strings("model")?;
    let family = columns.optional_strings("family")?;
    let base_model = columns.optional_strings("base_model")?;
    let compression = columns.optional_strings("compression")?;
    let released = columns.optional_strings("released")?;
    let row = |at: usize| Model {
        model: model[at].clone(),
        family: family[at].clone(),
        base_model: base_model[at].clone(),
        compression: compression[at].clone(),
        released: released[at].clone(),
    };
    Ok((0..model.len()).map(row).collect())
}
