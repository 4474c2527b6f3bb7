//! SQL over the canonical tables, and their sorted merge, on DataFusion.
//!
//! A [`Session`] holds tables by name, each a Parquet file in memory or on disk, and answers `SELECT`
//! and nothing that writes: memory is bounded, what does not fit spills to a folder that goes with the
//! session. [`merge_sorted`] makes one sorted Parquet file of many, and tells of a key that it holds
//! twice.
//!
//! Plans use built-in expressions only, so that a cluster can run them. DataFusion's own Parquet
//! reader stays out: it brings every codec, and `tables` has one. What it does for a scan is small:
//! the columns asked for, and the row groups whose bounds admit the filter (`provider`).
//!
//! ```
//! use aliquot_query::{Session, Settings, Source};
//! use aliquot_tables::models::{self, Model};
//!
//! let rows = vec![Model { model: "base".into(), ..Model::default() }];
//! let mut session = Session::new(Settings { memory: 64 << 20, threads: 1 })?;
//! session.register("models", Source::Bytes(models::encode(&rows)?.into()))?;
//! let mut answer = session.query("SELECT upper(model) AS name FROM models")?;
//! assert_eq!(answer.next_cells()?, Some(vec![vec!["BASE".to_owned()]]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod answer;
mod chain;
mod duplicates;
mod error;
mod merge;
mod output;
mod provider;
mod pruning;
mod session;
mod statement;

pub use aliquot_tables::parquet_file::Source;
pub use answer::Answer;
pub use duplicates::{CellPlace, DuplicateCell};
pub use error::QueryError;
pub use merge::{Merged, Shard, merge_sorted};
pub use session::{Column, Session, Settings, Table};
pub use statement::tables_of;
