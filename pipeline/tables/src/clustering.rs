//! `clustering`: how good and how stable clusterings of the items are. Sorted by (target, space,
//! method, clusters).

use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, Float64Array, StringArray, UInt32Array};
use arrow_schema::{DataType, Field, Schema, SchemaRef};

use crate::{TableError, columns::Columns, parquet_bytes};

/// One row.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Clustering {
    /// Name of the mean that is estimated.
    pub target: String,
    /// What items are near each other by: `text`, or `answers+text`.
    pub space: String,
    /// `k-means` or `k-medoids`.
    pub method: String,
    /// Number of clusters that were asked for.
    pub clusters: u32,
    /// Number of items.
    pub items: u32,
    /// Items of the smallest and of the largest cluster.
    pub sizes: [u32; 2],
    /// Share of the squared distances to the middle of all items that is between clusters.
    pub explained: f64,
    /// Mean silhouette, -1 to 1: how much nearer an item is to its own cluster than to the next; 0
    /// where there is but one cluster with items.
    pub silhouette: f64,
    /// Mean adjusted Rand index between clusterings of random halves of the items, extended to all: 1
    /// if they are the same, 0 if they agree as chance would. Null where it was not measured.
    pub stability: Option<f64>,
    /// Whether the table `clusters` shows it.
    pub shown: bool,
}

/// Arrow schema.
pub fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("target", DataType::Utf8, false),
        Field::new("space", DataType::Utf8, false),
        Field::new("method", DataType::Utf8, false),
        Field::new("clusters", DataType::UInt32, false),
        Field::new("items", DataType::UInt32, false),
        Field::new("smallest", DataType::UInt32, false),
        Field::new("largest", DataType::UInt32, false),
        Field::new("explained", DataType::Float64, false),
        Field::new("silhouette", DataType::Float64, false),
        Field::new("stability", DataType::Float64, true),
        Field::new("shown", DataType::Boolean, false),
    ]))
}

/// Parquet bytes, sorted by (target, space, method, clusters).
pub fn encode(rows: &[Clustering]) -> Result<Vec<u8>, TableError> {
    let mut rows: Vec<&Clustering> = rows.iter().collect();
    rows.sort_by(|a, b| {
        (&a.target, &a.space, &a.method, a.clusters)
            .cmp(&(&b.target, &b.space, &b.method, b.clusters))
    });
    let columns: Vec<ArrayRef> = vec![
        Arc::new(rows.iter().map(|row| Some(row.target.as_str())).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| Some(row.space.as_str())).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| Some(row.method.as_str())).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| Some(row.clusters)).collect::<UInt32Array>()),
        Arc::new(rows.iter().map(|row| Some(row.items)).collect::<UInt32Array>()),
        Arc::new(rows.iter().map(|row| Some(row.sizes[0])).collect::<UInt32Array>()),
        Arc::new(rows.iter().map(|row| Some(row.sizes[1])).collect::<UInt32Array>()),
        Arc::new(rows.iter().map(|row| Some(row.explained)).collect::<Float64Array>()),
        Arc::new(rows.iter().map(|row| Some(row.silhouette)).collect::<Float64Array>()),
        Arc::new(rows.iter().map(|row| row.stability).collect::<Float64Array>()),
        Arc::new(rows.iter().map(|row| Some(row.shown)).collect::<BooleanArray>()),
    ];
    parquet_bytes::write(&schema(), columns)
}

/// Reads the table back.
pub fn decode(bytes: &[u8]) -> Result<Vec<Clustering>, TableError> {
    let columns = Columns::read(bytes)?;
    let target = columns.strings("target")?;
    let space = columns.strings("space")?;
    let method = columns.strings("method")?;
    let clusters = columns.u32s("clusters")?;
    let items = columns.u32s("items")?;
    let (smallest, largest) = (columns.u32s("smallest")?, columns.u32s("largest")?);
    let explained = columns.f64s("explained")?;
    let silhouette = columns.f64s("silhouette")?;
    let stability = columns.optional_f64s("stability")?;
    let shown = columns.bools("shown")?;
    let row = |at: usize| Clustering {
        target: target[at].clone(),
        space: space[at].clone(),
        method: method[at].clone(),
        clusters: clusters[at],
        items: items[at],
        sizes: [smallest[at], largest[at]],
        explained: explained[at],
        silhouette: silhouette[at],
        stability: stability[at],
        shown: shown[at],
    };
    Ok((0..target.len()).map(row).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_sorted_by_number_of_clusters() {
        let row = |clusters, stability| Clustering {
            target: "t".to_owned(),
            space: "text".to_owned(),
            method: "k-means".to_owned(),
            clusters,
            items: 30,
            sizes: [1, 20],
            explained: 0.5,
            silhouette: 0.25,
            stability,
            shown: stability.is_some(),
        };
        let rows = [row(20, Some(0.25)), row(5, None)];
        assert_eq!(decode(&encode(&rows).unwrap()).unwrap(), [rows[1].clone(), rows[0].clone()]);
    }
}
