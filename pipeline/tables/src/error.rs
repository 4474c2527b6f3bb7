use std::{io, path::PathBuf};

use arrow_schema::ArrowError;
use parquet::errors::ParquetError;
use thiserror::Error;

/// What can be wrong with the bytes of a table.
#[derive(Debug, Error)]
pub enum TableError {
    /// The bytes are no Parquet file, or a broken one.
    #[error("read Parquet")]
    Parquet(#[from] ParquetError),
    /// A file cannot be opened.
    #[error("open `{}`", path.display())]
    Open {
        /// Which one.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Arrow refused a batch, a cast or a row.
    #[error("read rows")]
    Arrow(#[from] ArrowError),
    /// A column that the schema requires is absent.
    #[error("column `{column}` is missing; the table has: {}", present.join(", "))]
    MissingColumn {
        /// Its name.
        column: String,
        /// The columns that are there.
        present: Vec<String>,
    },
    /// A column has another type than the schema says.
    #[error("column `{column}` is {got}, expected {expected}")]
    ColumnType {
        /// Its name.
        column: String,
        /// Arrow type that was found.
        got: String,
        /// Arrow type that the schema asks for.
        expected: &'static str,
    },
    /// A required cell is null.
    #[error("row {row}: column `{column}` is empty")]
    Null {
        /// Name of the column.
        column: String,
        /// Row, counted from 0.
        row: usize,
    },
    /// A cell holds a value that the schema does not allow.
    #[error("row {row}: column `{column}` holds `{value}`, expected {expected}")]
    Value {
        /// Name of the column.
        column: String,
        /// Row, counted from 0.
        row: usize,
        /// What it holds.
        value: String,
        /// What would do.
        expected: &'static str,
    },
    /// A text file is not in the encoding or format it claims.
    #[error("{0}")]
    Format(String),
}
