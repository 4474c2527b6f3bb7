//! Sorted files as few sorted streams.

use std::{collections::VecDeque, fmt, sync::Arc};

use aliquot_tables::{
    TableError,
    parquet_file::{Batches, ParquetFile, Part},
};
use datafusion::{
    arrow::{
        array::RecordBatch,
        datatypes::SchemaRef,
        error::ArrowError,
        row::{OwnedRow, RowConverter, Rows, SortField},
    },
    execution::{SendableRecordBatchStream, TaskContext},
    physical_plan::{stream::RecordBatchStreamAdapter, streaming::PartitionStream},
};
use futures_util::stream;

use crate::QueryError;

/// Columns that rows are sorted by, ascending, an empty cell before all others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key {
    columns: Vec<usize>,
    schema: SchemaRef,
}

impl Key {
    pub(crate) fn new(schema: &SchemaRef, names: &[&str]) -> Result<Self, TableError> {
        let columns = names.iter().map(|name| schema.index_of(name)).collect::<Result<_, _>>()?;
        Ok(Self { columns, schema: Arc::clone(schema) })
    }

    pub(crate) fn converter(&self) -> Result<RowConverter, ArrowError> {
        let kind = |&column: &usize| self.schema.field(column).data_type().clone();
        RowConverter::new(self.columns.iter().map(kind).map(SortField::new).collect())
    }

    /// Rows of the key columns of a batch of all columns, comparable with each other.
    pub(crate) fn rows(
        &self,
        converter: &RowConverter,
        batch: &RecordBatch,
    ) -> Result<Rows, ArrowError> {
        let columns: Vec<_> =
            self.columns.iter().map(|&column| Arc::clone(batch.column(column))).collect();
        converter.convert_columns(&columns)
    }

    fn at(&self, file: &ParquetFile, row: u64) -> Result<Option<OwnedRow>, TableError> {
        let Some(batch) = file.row(&self.columns, row)? else { return Ok(None) };
        let rows = self.converter()?.convert_columns(batch.columns())?;
        Ok(Some(rows.row(0).owned()))
    }
}

/// A sorted file, and the keys that it begins and ends with.
#[derive(Debug)]
pub(crate) struct Sorted {
    pub(crate) name: String,
    pub(crate) file: ParquetFile,
    ends: Option<(OwnedRow, OwnedRow)>,
}

impl Sorted {
    pub(crate) fn new(name: &str, file: ParquetFile, key: &Key) -> Result<Self, QueryError> {
        let failed = |source| QueryError::Table { table: name.to_owned(), source };
        let first = key.at(&file, 0).map_err(failed)?;
        let last = key.at(&file, file.rows().saturating_sub(1)).map_err(failed)?;
        Ok(Self { name: name.to_owned(), file, ends: first.zip(last) })
    }
}

/// Files whose rows follow one another: one sorted stream, one file open at a time.
#[derive(Clone)]
pub(crate) struct Chain {
    files: Vec<Arc<Sorted>>,
    key: Key,
    rows_per_batch: usize,
}

impl Chain {
    pub(crate) fn of(file: Sorted, key: &Key, rows_per_batch: usize) -> Self {
        Self { files: vec![Arc::new(file)], key: key.clone(), rows_per_batch }
    }

    /// Strings the files together, those without rows left out: each behind the first chain that ends
    /// before it begins, so that there are as many chains as files overlap at one key, at most.
    pub(crate) fn all(files: Vec<Sorted>, key: &Key, rows_per_batch: usize) -> Vec<Self> {
        let mut files: Vec<(OwnedRow, OwnedRow, Sorted)> = files
            .into_iter()
            .filter_map(|mut file| file.ends.take().map(|(first, last)| (first, last, file)))
            .collect();
        files.sort_by(|a, b| a.0.cmp(&b.0));
        let mut chains: Vec<(OwnedRow, Self)> = Vec::new();
        for (first, last, file) in files {
            match chains.iter_mut().find(|(end, _)| *end < first) {
                Some((end, chain)) => {
                    chain.files.push(Arc::new(file));
                    *end = last;
                }
                None => chains.push((last, Self::of(file, key, rows_per_batch))),
            }
        }
        chains.into_iter().map(|(_, chain)| chain).collect()
    }

    /// All rows, checked to be in order.
    pub(crate) fn rows(
        &self,
    ) -> impl Iterator<Item = Result<RecordBatch, QueryError>> + Send + use<> {
        CheckedRows {
            files: self.files.iter().cloned().collect(),
            key: self.key.clone(),
            rows_per_batch: self.rows_per_batch,
            open: None,
        }
    }
}

impl fmt::Debug for Chain {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} sorted files", self.files.len())
    }
}

impl PartitionStream for Chain {
    fn schema(&self) -> &SchemaRef {
        &self.key.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let batches = self.rows().map(|batch| batch.map_err(QueryError::into_plan));
        let schema = Arc::clone(&self.key.schema);
        Box::pin(RecordBatchStreamAdapter::new(schema, stream::iter(batches)))
    }
}

struct CheckedRows {
    files: VecDeque<Arc<Sorted>>,
    key: Key,
    rows_per_batch: usize,
    open: Option<Open>,
}

/// A file that is being read.
struct Open {
    name: String,
    batches: Batches,
    converter: RowConverter,
    row: u64,
    last: Option<OwnedRow>,
}

impl CheckedRows {
    fn open(&self, file: &Sorted) -> Result<Open, TableError> {
        let columns = (0..self.key.schema.fields().len()).collect();
        let part = Part { columns, row_groups: (0..file.file.row_groups()).collect(), limit: None };
        Ok(Open {
            name: file.name.clone(),
            batches: file.file.read(&part, self.rows_per_batch)?,
            converter: self.key.converter()?,
            row: 0,
            last: None,
        })
    }

    fn advance(&mut self) -> Result<Option<RecordBatch>, QueryError> {
        loop {
            if let Some(open) = &mut self.open {
                if let Some(batch) = open.next(&self.key)? {
                    return Ok(Some(batch));
                }
                self.open = None;
            }
            let Some(file) = self.files.pop_front() else { return Ok(None) };
            let failed = |source| QueryError::Table { table: file.name.clone(), source };
            self.open = Some(self.open(&file).map_err(failed)?);
        }
    }
}

impl Iterator for CheckedRows {
    type Item = Result<RecordBatch, QueryError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.advance().transpose()
    }
}

impl Open {
    /// The next rows; an error if they are out of order.
    fn next(&mut self, key: &Key) -> Result<Option<RecordBatch>, QueryError> {
        let failed = |source| QueryError::Table { table: self.name.clone(), source };
        let Some(batch) = self.batches.next().transpose().map_err(failed)? else { return Ok(None) };
        let rows = key.rows(&self.converter, &batch).map_err(|error| failed(error.into()))?;
        let mut before = self.last.as_ref().map(OwnedRow::row);
        for row in &rows {
            if before.is_some_and(|before| before > row) {
                return Err(QueryError::NotSorted { shard: self.name.clone(), row: self.row });
            }
            self.row += 1;
            before = Some(row);
        }
        self.last = before.map(|row| row.owned());
        Ok(Some(batch))
    }
}
