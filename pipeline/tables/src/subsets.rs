//! `subsets`: the chosen items. Sorted by (target, subset, position).

use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, StringArray, UInt32Array};
use arrow_schema::{DataType, Field, Schema, SchemaRef};

use crate::{TableError, columns::Columns, parquet_bytes};

/// One row.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Member {
    /// Name of the mean that the subset stands for.
    pub target: String,
    /// `validation` or `test`.
    pub subset: String,
    /// Place in the estimator, counted from 0.
    pub position: u32,
    /// Item uid, as hexadecimal digits.
    pub item_uid: String,
    /// Benchmark of the item.
    pub benchmark: String,
    /// What the item counts in the weighted mean; sums to one a subset.
    pub weight: f64,
}

/// Arrow schema.
pub fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("target", DataType::Utf8, false),
        Field::new("subset", DataType::Utf8, false),
        Field::new("position", DataType::UInt32, false),
        Field::new("item_uid", DataType::Utf8, false),
        Field::new("benchmark", DataType::Utf8, false),
        Field::new("weight", DataType::Float64, false),
    ]))
}

/// Parquet bytes, sorted by (target, subset, position).
pub fn encode(rows: &[Member]) -> Result<Vec<u8>, TableError> {
    let mut sorted: Vec<&Member> = rows.iter().collect();
    sorted.sort_by(|a, b| {
        (&a.target, &a.subset, &a.position).cmp(&(&b.target, &b.subset, &b.position))
    });
    let rows = sorted;
    let columns: Vec<ArrayRef> = vec![
        Arc::new(rows.iter().map(|row| Some(row.target.as_str())).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| Some(row.subset.as_str())).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| Some(row.position)).collect::<UInt32Array>()),
        Arc::new(rows.iter().map(|row| Some(row.item_uid.as_str())).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| Some(row.benchmark.as_str())).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| Some(row.weight)).collect::<Float64Array>()),
    ];
    parquet_bytes::write(&schema(), columns)
}

/// Reads the table back.
pub fn decode(bytes: &[u8]) -> Result<Vec<Member>, TableError> {
    let columns = Columns::read(bytes)?;
    let target = columns.strings("target")?;
    let subset = columns.strings("subset")?;
    let position = columns.u32s("position")?;
    let item_uid = columns.strings("item_uid")?;
    let benchmark = columns.strings("benchmark")?;
    let weight = columns.f64s("weight")?;
    let row = |at: usize| Member {
        target: target[at].clone(),
        subset: subset[at].clone(),
        position: position[at],
        item_uid: item_uid[at].clone(),
        benchmark: benchmark[at].clone(),
        weight: weight[at],
    };
    Ok((0..target.len()).map(row).collect())
}
