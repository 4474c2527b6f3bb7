use std::io;

use aliquot_tables::TableError;
use datafusion::{
    common::{Column, SchemaError},
    error::DataFusionError,
};
use thiserror::Error;

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum QueryError {
    /// The text is no SQL, or not one statement.
    #[error("the SQL cannot be read: {0}")]
    Syntax(String),
    /// A statement that would change something or reach outside the tables.
    #[error("`{statement}` is refused: only SELECT and EXPLAIN of it are answered")]
    Refused {
        /// Its first word.
        statement: String,
    },
    /// A table that is not there.
    #[error("no table `{table}`; there are: {}", known.join(", "))]
    UnknownTable {
        /// As in the SQL.
        table: String,
        /// Names of the tables that are there.
        known: Vec<String>,
    },
    /// A column that is not there.
    #[error("no column `{column}`; there are: {}", known.join(", "))]
    UnknownColumn {
        /// As in the SQL.
        column: String,
        /// The columns at that place of the query, with their tables.
        known: Vec<String>,
    },
    /// The SQL makes no sense otherwise: types, functions, grouping.
    #[error("the SQL cannot be answered: {0}")]
    Plan(String),
    /// Two tables of one name.
    #[error("table `{0}` is there twice")]
    TableTwice(String),
    /// The answer has two columns that cannot be told apart.
    #[error("the answer has two columns `{0}`")]
    ColumnTwice(String),
    /// More memory would be needed than allowed, and spilling did not help.
    #[error("the query needs more than {} MiB of memory: {detail}", limit >> 20)]
    Memory {
        /// The limit in bytes.
        limit: usize,
        /// Which part of the plan, as DataFusion words it.
        detail: String,
    },
    /// A table cannot be read.
    #[error("table `{table}`")]
    Table {
        /// Its name.
        table: String,
        /// Why not.
        #[source]
        source: TableError,
    },
    /// The merged table cannot be written.
    #[error("write the merged table")]
    Write(#[source] TableError),
    /// Files that are to be merged differ in their columns.
    #[error("`{shard}` has other columns than `{first}`")]
    Columns {
        /// The one that differs.
        shard: String,
        /// The one that it is compared with.
        first: String,
    },
    /// A file that is to be merged is not sorted.
    #[error("`{shard}` is not sorted: row {row} (counted from 0) comes before the row above it")]
    NotSorted {
        /// Its name.
        shard: String,
        /// The row.
        row: u64,
    },
    /// There is nothing to merge: not even the columns are known.
    #[error("no file to merge")]
    NothingToMerge,
    /// Threads or a temporary folder could not be had, or the output not be written.
    #[error("{action}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// Anything else that failed while the query ran, such as a division by zero.
    #[error("the query failed: {0}")]
    Failed(String),
}

impl QueryError {
    /// Hands the error through a plan; [`Self::from_plan`] finds it again.
    pub(crate) fn into_plan(self) -> DataFusionError {
        DataFusionError::External(Box::new(self))
    }

    /// What went wrong while planning or running, under a limit of memory in bytes.
    pub(crate) fn from_plan(error: DataFusionError, limit: usize) -> Self {
        let error = match own(error) {
            Ok(own) => return own,
            Err(error) => error,
        };
        let root = error.find_root();
        match root {
            DataFusionError::SchemaError(schema, _) => match schema.as_ref() {
                SchemaError::FieldNotFound { field, valid_fields } => Self::UnknownColumn {
                    column: field.flat_name(),
                    known: valid_fields.iter().map(Column::flat_name).collect(),
                },
                other => Self::Plan(other.to_string()),
            },
            DataFusionError::SQL(parser, _) => Self::Syntax(parser.to_string()),
            DataFusionError::ResourcesExhausted(detail) => {
                Self::Memory { limit, detail: first_line(detail) }
            }
            DataFusionError::Plan(text) | DataFusionError::NotImplemented(text) => {
                Self::Plan(first_line(text))
            }
            DataFusionError::External(inner) => Self::Failed(inner.to_string()),
            other => Self::Failed(first_line(&other.strip_backtrace())),
        }
    }
}

/// An error of ours out of the layers that a plan has put around it.
fn own(error: DataFusionError) -> Result<QueryError, DataFusionError> {
    match error {
        DataFusionError::External(inner) => match inner.downcast::<QueryError>() {
            Ok(found) => Ok(*found),
            Err(inner) => Err(DataFusionError::External(inner)),
        },
        DataFusionError::Context(_, inner) => own(*inner),
        DataFusionError::Shared(shared) => match std::sync::Arc::try_unwrap(shared) {
            Ok(inner) => own(inner),
            Err(shared) => Err(DataFusionError::Shared(shared)),
        },
        other => Err(other),
    }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}
