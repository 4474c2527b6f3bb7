use std::fmt;

use aliquot_store::canonical::CanonicalError;
use aliquot_tables::{
    TableError, aliases::Alias, findings::Finding, items::Item, models::Model, prompts::Prompt,
    responses::Responses, runs::Run,
};
use thiserror::Error;

use crate::{Address, RawFile, Rows};

/// The canonical tables of one or a few raw files.
#[derive(Debug, Clone, Default)]
pub struct Shard {
    /// Scores.
    pub responses: Responses,
    /// What each item uid stands for.
    pub items: Rows<Item>,
    /// The models of these files.
    pub models: Vec<Model>,
    /// Names of the items in the tool.
    pub aliases: Rows<Alias>,
    /// How the responses came about; one row a task, metric and filter of a file.
    pub runs: Vec<Run>,
    /// Digests of the prompts, where the tool gives them.
    pub prompts: Rows<Prompt>,
    /// What the adapter saw and whoever reads the tables should know.
    pub findings: Vec<Finding>,
}

/// Place in a raw file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The file as a whole.
    File,
    /// Record of an array, counted from 0.
    Record(u64),
    /// Row of a table, counted from 1, without header and blank lines.
    Row(u64),
    /// Line and column of a text, counted from 1.
    Line(usize, usize),
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File => Ok(()),
            Self::Record(record) => write!(formatter, ", record {record}"),
            Self::Row(row) => write!(formatter, ", row {row}"),
            Self::Line(line, column) => write!(formatter, ", line {line} column {column}"),
        }
    }
}

/// A raw file is not what its adapter expects.
#[derive(Debug, Error)]
#[error("{address}{place}: {problem}")]
pub struct AdapterError {
    /// The file.
    pub address: Address,
    /// Where in it.
    pub place: Place,
    /// What is wrong, and what would be right.
    pub problem: String,
}

impl RawFile<'_> {
    /// An error at a place of this file.
    pub fn error(&self, place: Place, problem: impl Into<String>) -> AdapterError {
        AdapterError { address: self.address.clone(), place, problem: problem.into() }
    }

    /// An error of the table layer, its causes spelled out.
    pub(crate) fn table_error(&self, error: &TableError) -> AdapterError {
        let mut problem = error.to_string();
        let mut cause = std::error::Error::source(error);
        while let Some(error) = cause {
            problem = format!("{problem}: {error}");
            cause = error.source();
        }
        self.error(Place::File, problem)
    }

    pub(crate) fn canonical_error(
        &self,
        place: Place,
    ) -> impl Fn(CanonicalError) -> AdapterError + '_ {
        move |error| self.error(place, error.to_string())
    }
}
