use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use datafusion::{
    arrow::{
        array::{RecordBatch, RecordBatchOptions},
        datatypes::{Schema, SchemaRef},
    },
    common::DFSchema,
    execution::SendableRecordBatchStream,
};
use futures_util::StreamExt;

use crate::{QueryError, session::Engine};

/// The rows of a query, batch by batch. Dropping it stops the query.
pub struct Answer<'a> {
    engine: &'a Engine,
    schema: SchemaRef,
    stream: SendableRecordBatchStream,
}

impl<'a> Answer<'a> {
    pub(crate) fn new(
        engine: &'a Engine,
        planned: &DFSchema,
        stream: SendableRecordBatchStream,
    ) -> Result<Self, QueryError> {
        let names = names(planned)?;
        let physical = stream.schema();
        let fields = physical.fields().iter().zip(names);
        let fields: Vec<_> =
            fields.map(|(field, name)| field.as_ref().clone().with_name(name)).collect();
        Ok(Self { engine, schema: Arc::new(Schema::new(fields)), stream })
    }

    /// Names and types of the columns; names differ.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Names of the columns.
    pub fn names(&self) -> Vec<String> {
        self.schema.fields().iter().map(|field| field.name().clone()).collect()
    }

    /// Of every column whether it holds numbers.
    pub fn numeric(&self) -> Vec<bool> {
        self.schema.fields().iter().map(|field| field.data_type().is_numeric()).collect()
    }

    /// The next rows, None behind the last; never a batch without rows.
    pub fn next_batch(&mut self) -> Result<Option<RecordBatch>, QueryError> {
        loop {
            // Some kernels assert what a damaged file does not keep.
            let next =
                catch_unwind(AssertUnwindSafe(|| self.engine.runtime.block_on(self.stream.next())));
            let Some(batch) = next.map_err(|panic| panicked(&*panic))? else { return Ok(None) };
            let batch = batch.map_err(|error| self.engine.failed(error))?;
            if batch.num_rows() > 0 {
                return self.named(&batch).map(Some);
            }
        }
    }

    fn named(&self, batch: &RecordBatch) -> Result<RecordBatch, QueryError> {
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let columns = batch.columns().to_vec();
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)
            .map_err(|error| QueryError::Failed(error.to_string()))
    }
}

/// Two columns of one name get that of their table in front, as after `SELECT * FROM a JOIN b`.
fn names(schema: &DFSchema) -> Result<Vec<String>, QueryError> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for field in schema.fields() {
        *counts.entry(field.name()).or_default() += 1;
    }
    let names: Vec<String> = schema
        .iter()
        .map(|(table, field)| match table {
            Some(table) if counts[field.name().as_str()] > 1 => {
                format!("{}.{}", table.table(), field.name())
            }
            _ => field.name().clone(),
        })
        .collect();
    let mut sorted: Vec<&String> = names.iter().collect();
    sorted.sort();
    match sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(QueryError::ColumnTwice(pair[0].clone())),
        None => Ok(names),
    }
}

fn panicked(panic: &(dyn std::any::Any + Send)) -> QueryError {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("unknown reason");
    QueryError::Failed(format!("a table is damaged, or DataFusion mistaken: {text}"))
}
