//! A cell of `responses` that is there twice.

use std::sync::Arc;

use aliquot_tables::{
    parquet_file::{ParquetFile, Source},
    responses,
};
use datafusion::arrow::{
    array::{AsArray, RecordBatch},
    compute::cast,
    datatypes::{DataType, UInt64Type},
    error::ArrowError,
    row::OwnedRow,
};

use crate::{
    QueryError,
    chain::{Chain, Key, Sorted},
    session::ROWS_PER_BATCH,
};

/// Where a score is from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CellPlace {
    /// Object id of the raw file.
    pub raw: String,
    /// Record of it, counted from 0.
    pub record: u64,
}

/// A cell with two scores.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DuplicateCell {
    /// Name of the model.
    pub model: String,
    /// Uid of the item.
    pub item_uid: String,
    /// Where the scores are from, in order.
    pub places: [CellPlace; 2],
}

/// The first cell, in the table's order, that a sorted `responses` table holds more than once. Memory
/// does not grow with the rows.
///
/// Fails with [`QueryError::Table`] if it cannot be read, [`QueryError::NotSorted`] if it is not sorted.
pub fn duplicate_cell(source: Source) -> Result<Option<DuplicateCell>, QueryError> {
    let failed = |source| QueryError::Table { table: "responses".to_owned(), source };
    let unread = |error: ArrowError| failed(error.into());
    let file = ParquetFile::open(source).map_err(failed)?;
    let schema = Arc::clone(file.schema());
    if schema.fields() != responses::schema().fields() {
        let (shard, first) = ("responses".to_owned(), "the canonical table".to_owned());
        return Err(QueryError::Columns { shard, first });
    }
    let key = Key::new(&schema, &responses::KEY).map_err(failed)?;
    let converter = key.converter().map_err(unread)?;
    let chain = Chain::of(Sorted::new("responses", file, &key)?, &key, ROWS_PER_BATCH);
    // A batch may begin with the cell that the one before it ended with.
    let mut above: Option<(OwnedRow, RecordBatch)> = None;
    for batch in chain.rows() {
        let batch = batch?;
        let keys = key.rows(&converter, &batch).map_err(unread)?;
        let row = |at: usize| batch.slice(at, 1);
        let Some(last) = batch.num_rows().checked_sub(1) else { continue };
        let over_the_edge = above.take().filter(|(key, _)| key.row() == keys.row(0));
        let within = || (1..=last).find(|&at| keys.row(at - 1) == keys.row(at));
        let pair = match over_the_edge {
            Some((_, above)) => Some((above, row(0))),
            None => within().map(|at| (row(at - 1), row(at))),
        };
        if let Some((first, second)) = pair {
            return cell(&first, &second).map(Some).map_err(unread);
        }
        above = Some((keys.row(last).owned(), row(last)));
    }
    Ok(None)
}

/// The cell of two batches of one row each.
fn cell(first: &RecordBatch, second: &RecordBatch) -> Result<DuplicateCell, ArrowError> {
    let mut places = [place(first)?, place(second)?];
    places.sort();
    Ok(DuplicateCell { model: text(first, "model")?, item_uid: text(first, "item_uid")?, places })
}

fn place(row: &RecordBatch) -> Result<CellPlace, ArrowError> {
    let record = cast(row.column(row.schema().index_of("record")?), &DataType::UInt64)?;
    Ok(CellPlace { raw: text(row, "raw")?, record: record.as_primitive::<UInt64Type>().value(0) })
}

fn text(row: &RecordBatch, column: &str) -> Result<String, ArrowError> {
    let cells = cast(row.column(row.schema().index_of(column)?), &DataType::Utf8)?;
    Ok(cells.as_string::<i32>().value(0).to_owned())
}
