//! Cells of `responses` that are there twice.

use std::sync::Arc;

use aliquot_tables::{
    parquet_file::{ParquetFile, Source},
    responses,
};
use datafusion::{
    arrow::{
        array::{ArrayRef, AsArray, RecordBatch},
        compute::cast,
        datatypes::{DataType, UInt64Type},
        error::ArrowError,
    },
    catalog::streaming::StreamingTable,
    logical_expr::SortExpr,
    prelude::ident,
};

use crate::{
    QueryError, Settings,
    chain::{Chain, Key, Sorted},
    session::{Engine, ROWS_PER_BATCH},
};

/// Every cell that `responses` holds more than once, with the first and the last place that it is from.
/// Built-in expressions only; over a table that is known to be sorted it needs no memory.
pub const DUPLICATE_CELLS: &str = "\
SELECT model, item_uid, metric, filter, trial, count(*) AS rows, \
first_value(raw ORDER BY raw, record) AS first_raw, \
first_value(record ORDER BY raw, record) AS first_record, \
last_value(raw ORDER BY raw, record) AS last_raw, \
last_value(record ORDER BY raw, record) AS last_record \
FROM responses \
GROUP BY model, item_uid, metric, filter, trial \
HAVING count(*) > 1 \
ORDER BY model, item_uid, metric, filter, trial";

/// Where a score is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CellPlace {
    /// Object id of the raw file.
    pub raw: String,
    /// Record of it, counted from 0.
    pub record: u64,
}

/// A cell with more than one score.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DuplicateCell {
    /// Name of the model.
    pub model: String,
    /// Uid of the item.
    pub item_uid: String,
    /// Metric.
    pub metric: String,
    /// Filter.
    pub filter: String,
    /// Repetition, counted from 0.
    pub trial: u32,
    /// Number of its rows.
    pub rows: u64,
    /// The first place, by raw file and record.
    pub first: CellPlace,
    /// The last one.
    pub last: CellPlace,
}

/// The first `limit` cells that a sorted `responses` table holds more than once, in the table's order.
///
/// Fails with [`QueryError::Table`] if it cannot be read, [`QueryError::NotSorted`] if it is not sorted.
pub fn duplicate_cells(
    source: Source,
    limit: usize,
    settings: Settings,
) -> Result<Vec<DuplicateCell>, QueryError> {
    let engine = Engine::new(settings)?;
    let failed = |source| QueryError::Table { table: "responses".to_owned(), source };
    let file = ParquetFile::open(source).map_err(failed)?;
    let schema = Arc::clone(file.schema());
    if schema.fields() != responses::schema().fields() {
        let (shard, first) = ("responses".to_owned(), "the canonical table".to_owned());
        return Err(QueryError::Columns { shard, first });
    }
    let key = Key::new(&schema, &responses::KEY).map_err(failed)?;
    let chain = Chain::of(Sorted::new("responses", file, &key)?, &key, ROWS_PER_BATCH);
    let order = responses::KEY.map(|column| SortExpr::new(ident(column), true, false));
    let context = engine.context();
    let batches = engine.runtime.block_on(async {
        let table = StreamingTable::try_new(schema, vec![Arc::new(chain)])?;
        context.register_table("responses", Arc::new(table.with_sort_order(order.to_vec())))?;
        context.sql(&format!("{DUPLICATE_CELLS} LIMIT {limit}")).await?.collect().await
    });
    let batches = batches.map_err(|error| engine.failed(error))?;
    let cells =
        batches.iter().map(|batch| cells(batch).map_err(|error| engine.failed(error.into())));
    Ok(cells.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}

/// Columns as [`DUPLICATE_CELLS`] names them.
fn cells(batch: &RecordBatch) -> Result<Vec<DuplicateCell>, ArrowError> {
    let column = |at: usize, kind: &DataType| cast(batch.column(at), kind);
    let texts = [0, 1, 2, 3, 6, 8].map(|at| column(at, &DataType::Utf8));
    let numbers = [4, 5, 7, 9].map(|at| column(at, &DataType::UInt64));
    let texts = texts.into_iter().collect::<Result<Vec<ArrayRef>, _>>()?;
    let numbers = numbers.into_iter().collect::<Result<Vec<ArrayRef>, _>>()?;
    let text = |at: usize, row| texts[at].as_string::<i32>().value(row).to_owned();
    let number = |at: usize, row| numbers[at].as_primitive::<UInt64Type>().value(row);
    let cell = |row| DuplicateCell {
        model: text(0, row),
        item_uid: text(1, row),
        metric: text(2, row),
        filter: text(3, row),
        trial: number(0, row) as u32,
        rows: number(1, row),
        first: CellPlace { raw: text(4, row), record: number(2, row) },
        last: CellPlace { raw: text(5, row), record: number(3, row) },
    };
    Ok((0..batch.num_rows()).map(cell).collect())
}
