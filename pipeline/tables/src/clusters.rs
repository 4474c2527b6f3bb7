//! `clusters`: where each item stands among the others by its text. Sorted by (target, item uid).

use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, Float64Array, StringArray, UInt32Array};
use arrow_schema::{DataType, Field, Schema, SchemaRef};

use crate::{TableError, columns::Columns, parquet_bytes};

/// One row.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Placed {
    /// Name of the mean that is estimated.
    pub target: String,
    /// Item uid, as hexadecimal digits.
    pub item_uid: String,
    /// Benchmark of the item.
    pub benchmark: String,
    /// Cluster of the item in the clustering that `clustering` marks as shown.
    pub cluster: u32,
    /// Whether it is the most central item of its cluster.
    pub medoid: bool,
    /// First principal component of the embedding.
    pub x: f64,
    /// Second principal component.
    pub y: f64,
}

/// Arrow schema.
pub fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("target", DataType::Utf8, false),
        Field::new("item_uid", DataType::Utf8, false),
        Field::new("benchmark", DataType::Utf8, false),
        Field::new("cluster", DataType::UInt32, false),
        Field::new("medoid", DataType::Boolean, false),
        Field::new("x", DataType::Float64, false),
        Field::new("y", DataType::Float64, false),
    ]))
}

/// Parquet bytes, sorted by (target, item uid).
pub fn encode(rows: &[Placed]) -> Result<Vec<u8>, TableError> {
    let mut rows: Vec<&Placed> = rows.iter().collect();
    rows.sort_by(|a, b| (&a.target, &a.item_uid).cmp(&(&b.target, &b.item_uid)));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(rows.iter().map(|row| Some(row.target.as_str())).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| Some(row.item_uid.as_str())).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| Some(row.benchmark.as_str())).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| Some(row.cluster)).collect::<UInt32Array>()),
        Arc::new(rows.iter().map(|row| Some(row.medoid)).collect::<BooleanArray>()),
        Arc::new(rows.iter().map(|row| Some(row.x)).collect::<Float64Array>()),
        Arc::new(rows.iter().map(|row| Some(row.y)).collect::<Float64Array>()),
    ];
    parquet_bytes::write(&schema(), columns)
}

/// Reads the table back.
pub fn decode(bytes: &[u8]) -> Result<Vec<Placed>, TableError> {
    let columns = Columns::read(bytes)?;
    let target = columns.strings("target")?;
    let item_uid = columns.strings("item_uid")?;
    let benchmark = columns.strings("benchmark")?;
    let cluster = columns.u32s("cluster")?;
    let medoid = columns.bools("medoid")?;
    let x = columns.f64s("x")?;
    let y = columns.f64s("y")?;
    let row = |at: usize| Placed {
        target: target[at].clone(),
        item_uid: item_uid[at].clone(),
        benchmark: benchmark[at].clone(),
        cluster: cluster[at],
        medoid: medoid[at],
        x: x[at],
        y: y[at],
    };
    Ok((0..target.len()).map(row).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_sorted() {
        let row = |item_uid: &str, cluster, medoid| Placed {
            target: "t".to_owned(),
            item_uid: item_uid.to_owned(),
            benchmark: "b".to_owned(),
            cluster,
            medoid,
            x: -0.5,
            y: 0.25,
        };
        let rows = [row("2", 1, true), row("1", 0, false)];
        assert_eq!(decode(&encode(&rows).unwrap()).unwrap(), [rows[1].clone(), rows[0].clone()]);
    }
}
