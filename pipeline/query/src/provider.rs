//! A Parquet file as a table of a plan.

use std::{fmt, sync::Arc};

use aliquot_tables::parquet_file::{ParquetFile, Part};
use async_trait::async_trait;
use datafusion::{
    arrow::datatypes::SchemaRef,
    catalog::{Session, TableProvider},
    common::DFSchema,
    error::{DataFusionError, Result},
    execution::{SendableRecordBatchStream, TaskContext},
    logical_expr::{Expr, TableProviderFilterPushDown, TableType, utils::conjunction},
    physical_plan::{
        ExecutionPlan,
        stream::RecordBatchStreamAdapter,
        streaming::{PartitionStream, StreamingTableExec},
    },
};
use futures_util::stream;

use crate::{QueryError, pruning};

/// A table that reads the columns asked for of the row groups that may matter.
#[derive(Debug)]
pub(crate) struct Provider {
    name: String,
    file: ParquetFile,
}

impl Provider {
    pub(crate) fn new(name: &str, file: ParquetFile) -> Self {
        Self { name: name.to_owned(), file }
    }

    fn row_groups(&self, state: &dyn Session, filters: &[Expr]) -> Result<Vec<usize>> {
        let Some(filter) = conjunction(filters.iter().cloned()) else {
            return Ok((0..self.file.row_groups()).collect());
        };
        let schema = DFSchema::try_from(Arc::clone(self.file.schema()))?;
        let filter = state.create_physical_expr(filter, &schema)?;
        pruning::row_groups(&self.file, &filter, &self.name)
    }
}

#[async_trait]
impl TableProvider for Provider {
    fn schema(&self) -> SchemaRef {
        Arc::clone(self.file.schema())
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let every = || (0..self.file.schema().fields().len()).collect();
        let columns = projection.cloned().unwrap_or_else(every);
        let row_groups = self.row_groups(state, filters)?;
        let schema = Arc::new(self.file.schema().project(&columns)?);
        let partitions = shares(&row_groups, state.config().target_partitions());
        let partitions = partitions.into_iter().map(|row_groups| {
            Arc::new(Partition {
                table: self.name.clone(),
                file: self.file.clone(),
                schema: Arc::clone(&schema),
                part: Part { columns: columns.clone(), row_groups, limit },
            }) as Arc<dyn PartitionStream>
        });
        let partitions = partitions.collect();
        let plan =
            StreamingTableExec::try_new(Arc::clone(&schema), partitions, None, [], false, limit)?;
        Ok(Arc::new(plan))
    }

    /// Row groups are left out, rows are not: the plan filters them.
    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }
}

/// Runs of row groups, at least one run and at most `most`.
fn shares(row_groups: &[usize], most: usize) -> Vec<Vec<usize>> {
    let size = row_groups.len().div_ceil(most.max(1)).max(1);
    if row_groups.is_empty() {
        return vec![Vec::new()];
    }
    row_groups.chunks(size).map(<[usize]>::to_vec).collect()
}

struct Partition {
    table: String,
    file: ParquetFile,
    schema: SchemaRef,
    part: Part,
}

impl fmt::Debug for Partition {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} row groups {:?}", self.table, self.part.row_groups)
    }
}

impl PartitionStream for Partition {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let table = self.table.clone();
        let failed = move |source| -> DataFusionError {
            QueryError::Table { table: table.clone(), source }.into_plan()
        };
        let batches = match self.file.read(&self.part, context.session_config().batch_size()) {
            Ok(batches) => batches,
            Err(error) => {
                let stream = stream::iter([Err(failed(error))]);
                return Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), stream));
            }
        };
        let stream = stream::iter(batches.map(move |batch| batch.map_err(&failed)));
        Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), stream))
    }
}

#[cfg(test)]
mod tests {
    use aliquot_tables::{
        parquet_file::{Source, Writer},
        responses,
    };
    use datafusion::{
        arrow::{
            array::{ArrayRef, Float32Array, RecordBatch, StringArray, UInt32Array, UInt64Array},
            compute::cast,
        },
        prelude::SessionContext,
    };

    use super::*;

    /// Two row groups: models a and b, then b and c; the first without a missing score.
    fn file() -> ParquetFile {
        const HALF: usize = 1 << 20;
        let schema = responses::schema();
        let mut bytes = Vec::new();
        let mut writer = Writer::new(&schema, &mut bytes).unwrap();
        for (models, score) in [(["a", "b"], Some(0.5)), (["b", "c"], None)] {
            for model in models {
                let rows = HALF / 2;
                let text = |value: &str| -> ArrayRef {
                    let plain = StringArray::from(vec![value; rows]);
                    cast(&plain, schema.field(0).data_type()).unwrap()
                };
                let columns: Vec<ArrayRef> = vec![
                    text(model),
                    text("uid"),
                    text("acc"),
                    text(""),
                    Arc::new(UInt32Array::from(vec![0; rows])),
                    Arc::new(Float32Array::from(vec![score; rows])),
                    Arc::new(Float32Array::from(vec![None; rows])),
                    Arc::new(StringArray::from(vec![None::<&str>; rows])),
                    text("raw"),
                    Arc::new(UInt64Array::from(vec![7; rows])),
                ];
                writer.write(&RecordBatch::try_new(schema.clone(), columns).unwrap()).unwrap();
            }
        }
        assert_eq!(writer.finish().unwrap(), 2 * HALF as u64);
        ParquetFile::open(Source::Bytes(bytes.into())).unwrap().with_plain_texts().unwrap()
    }

    #[test]
    fn row_groups_that_cannot_match_are_left_out_and_no_other() {
        let provider = Provider::new("responses", file());
        let schema = DFSchema::try_from(provider.schema()).unwrap();
        let context = SessionContext::new();
        let expected: [(&str, &[usize]); 9] = [
            ("model = 'a'", &[0]),
            ("model = 'b'", &[0, 1]),
            ("model > 'b'", &[1]),
            ("model > 'c'", &[]),
            ("model IN ('a', 'x')", &[0]),
            ("score IS NULL", &[1]),
            ("score IS NOT NULL", &[0]),
            ("upper(model) = 'A'", &[0, 1]),
            ("model = 'a' OR raw = 'raw'", &[0, 1]),
        ];
        for (filter, groups) in expected {
            let filters = [context.parse_sql_expr(filter, &schema).unwrap()];
            let found = provider.row_groups(&context.state(), &filters).unwrap();
            assert_eq!(found, groups, "{filter}");
        }
        assert_eq!(provider.row_groups(&context.state(), &[]).unwrap(), [0, 1]);
    }

    #[test]
    fn shares_cover_all_row_groups_in_order() {
        for (groups, most) in [(0, 4), (1, 4), (7, 3), (9, 3), (5, 1)] {
            let all: Vec<usize> = (0..groups).collect();
            let shares = shares(&all, most);
            assert!((1..=most).contains(&shares.len()));
            assert_eq!(shares.concat(), all);
        }
    }
}
