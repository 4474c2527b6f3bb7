//! A cell of `responses` that is there twice.

use datafusion::arrow::{
    array::{AsArray, RecordBatch},
    compute::cast,
    datatypes::{DataType, UInt64Type},
    error::ArrowError,
    row::{OwnedRow, RowConverter},
};

use crate::{QueryError, chain::Key, merge::Merged};

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

impl Merged {
    /// The cell of `responses` whose key is repeated, if one is.
    pub fn duplicate_cell(&self) -> Result<Option<DuplicateCell>, QueryError> {
        let Some([first, second]) = &self.repeated else { return Ok(None) };
        cell(first, second).map(Some).map_err(|error| QueryError::Table {
            table: "responses".to_owned(),
            source: error.into(),
        })
    }
}

/// Looks for a key that comes twice in a sorted table, batch by batch.
pub(crate) struct Neighbours {
    key: Key,
    converter: RowConverter,
    /// The last row: a batch may begin with the key that the one before it ended with.
    above: Option<(OwnedRow, RecordBatch)>,
    repeated: Option<[RecordBatch; 2]>,
}

impl Neighbours {
    pub(crate) fn new(key: &Key) -> Result<Self, ArrowError> {
        Ok(Self { key: key.clone(), converter: key.converter()?, above: None, repeated: None })
    }

    /// Looks at the next rows, until a key was found twice.
    pub(crate) fn look(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        let Some(last) = batch.num_rows().checked_sub(1) else { return Ok(()) };
        if self.repeated.is_some() {
            return Ok(());
        }
        let keys = self.key.rows(&self.converter, batch)?;
        let row = |at: usize| batch.slice(at, 1);
        let over_the_edge = self.above.take().filter(|(key, _)| key.row() == keys.row(0));
        let within = || (1..=last).find(|&at| keys.row(at - 1) == keys.row(at));
        self.repeated = match over_the_edge {
            Some((_, above)) => Some([above, row(0)]),
            None => within().map(|at| [row(at - 1), row(at)]),
        };
        self.above = Some((keys.row(last).owned(), row(last)));
        Ok(())
    }

    /// Two rows with the first key that comes twice.
    pub(crate) fn repeated(self) -> Option<[RecordBatch; 2]> {
        self.repeated
    }
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
