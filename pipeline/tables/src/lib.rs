//! The canonical tables: what a row is, its Arrow schema, and its bytes as Parquet.
//!
//! Each table is a plain struct of columns or rows with `encode` (to Parquet bytes) and `decode`
//! (back, with every column checked). Encoding is byte-stable: rows in the order that the table
//! declares, one writer setting for all ([`parquet_bytes`]), no timestamps. Schemas are listed by
//! [`schemas`] and committed under `schemas/v1`.
//!
//! ```
//! use aliquot_tables::models::{self, Model};
//!
//! let rows = vec![Model { model: "base".into(), ..Model::default() }];
//! let bytes = models::encode(&rows)?;
//! assert_eq!(models::decode(&bytes)?, rows);
//! # Ok::<(), aliquot_tables::TableError>(())
//! ```

pub mod aliases;
pub mod amortisation;
mod categorical;
pub mod clustering;
pub mod clusters;
mod columns;
pub mod dataset;
pub mod embeddings;
mod error;
pub mod error_curve;
pub mod findings;
pub mod foreign;
mod foreign_parquet;
pub mod gaps;
pub mod item_analysis;
pub mod items;
pub mod matrix;
pub mod models;
pub mod nested;
mod parquet_bytes;
pub mod parquet_file;
pub mod predictions;
pub mod prompts;
pub mod quality;
pub mod reliability;
pub mod responses;
pub mod roster;
pub mod runs;
pub mod scores;
pub mod selection;
pub mod splits;
pub mod subsets;

use arrow_schema::SchemaRef;

pub use categorical::Categorical;
pub use error::TableError;

/// Version of all table schemas; in the manifest beside every table.
pub const SCHEMA_VERSION: u32 = 1;

/// Media type of every table.
pub const MEDIA_TYPE: &str = "application/vnd.apache.parquet";

/// Name and Arrow schema of every table.
pub fn schemas() -> Vec<(&'static str, SchemaRef)> {
    vec![
        ("aliases", aliases::schema()),
        ("amortisation", amortisation::schema()),
        ("clustering", clustering::schema()),
        ("clusters", clusters::schema()),
        ("embeddings", embeddings::schema()),
        ("error_curve", error_curve::schema()),
        ("findings", findings::schema()),
        ("gaps", gaps::schema()),
        ("item_analysis", item_analysis::schema()),
        ("items", items::schema()),
        ("models", models::schema()),
        ("predictions", predictions::schema()),
        ("prompts", prompts::schema()),
        ("quality", quality::schema()),
        ("reliability", reliability::schema()),
        ("responses", responses::schema()),
        ("roster", roster::schema()),
        ("runs", runs::schema()),
        ("scores", scores::schema()),
        ("splits", splits::schema()),
        ("subsets", subsets::schema()),
    ]
}

/// A schema as text, one line a column: name, type, whether it may be null.
pub fn schema_text(schema: &SchemaRef) -> String {
    let line = |field: &std::sync::Arc<arrow_schema::Field>| {
        let null = if field.is_nullable() { "nullable" } else { "required" };
        format!("{} {} {null}\n", field.name(), field.data_type())
    };
    schema.fields().iter().map(line).collect()
}
