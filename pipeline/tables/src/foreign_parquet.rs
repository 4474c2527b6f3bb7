//! Other people's Parquet as texts, in bounded memory.
//!
//! A small file can claim, or really hold, far more than fits: packed pages of zeros, one long text that
//! a million rows point at. So the declared sizes are looked at before anything is read, texts stay
//! views of their page until their sum is known, and rows are read a batch at a time.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, RecordBatch, cast::AsArray};
use arrow_cast::{CastOptions, can_cast_types, cast_with_options};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use bytes::Bytes;
use parquet::{
    arrow::{
        ProjectionMask,
        arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder},
    },
    errors::ParquetError,
    file::metadata::ParquetMetaData,
};

use crate::{
    TableError,
    foreign::{all_text, rows_per_batch},
    parquet_bytes::caught,
};

/// Bytes of a table, unpacked; more is refused.
const LARGEST_TABLE: u64 = 1 << 30;

/// Bytes of a cell besides its text.
const CELL: u64 = 16;

/// Reads every column that has a text; at least one batch, so that a table without rows has its columns.
/// Lists, structs and the like have none, and whoever asks for such a column is told it is missing.
pub(crate) fn read(bytes: &[u8]) -> Result<Vec<RecordBatch>, TableError> {
    caught(|| read_trusting(Bytes::copy_from_slice(bytes), LARGEST_TABLE))
}

fn read_trusting(bytes: Bytes, largest: u64) -> Result<Vec<RecordBatch>, TableError> {
    // The Arrow schema that a file may carry says nothing that the Parquet schema does not.
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let plain = ArrowReaderMetadata::load(&bytes, options)?;
    let fields = plain.schema().fields();
    let kept: Vec<usize> =
        (0..fields.len()).filter(|at| has_text(fields[*at].data_type())).collect();
    let mask = ProjectionMask::roots(plain.parquet_schema(), kept.iter().copied());
    check_declared(plain.metadata(), &mask, largest)?;

    let views = Arc::new(Schema::new(fields.iter().map(|field| viewed(field)).collect::<Vec<_>>()));
    let options = ArrowReaderOptions::new().with_schema(views);
    let metadata = ArrowReaderMetadata::try_new(Arc::clone(plain.metadata()), options)?;
    let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(bytes, metadata)
        .with_projection(mask)
        .with_batch_size(rows_per_batch(kept.len()))
        .build()?;

    let schema = all_text(kept.iter().map(|at| fields[*at].name().as_str()));
    let (mut batches, mut left) = (Vec::new(), largest);
    for batch in reader {
        let batch = batch.map_err(ParquetError::from)?;
        left = size(&batch)
            .and_then(|size| left.checked_sub(size))
            .ok_or_else(|| too_large(largest))?;
        batches.push(as_text(&batch, &schema)?);
    }
    Ok(if batches.is_empty() { vec![RecordBatch::new_empty(schema)] } else { batches })
}

fn too_large(largest: u64) -> TableError {
    TableError::Format(format!("it unpacks to more than {largest} bytes: refused"))
}

/// The declared sizes of the columns that are read.
fn check_declared(
    metadata: &ParquetMetaData,
    mask: &ProjectionMask,
    largest: u64,
) -> Result<(), TableError> {
    let mut left = largest;
    for group in metadata.row_groups() {
        let columns = group.columns().iter().enumerate().filter(|(at, _)| mask.leaf_included(*at));
        for (_, column) in columns {
            let problem = || TableError::Format("a column has a negative size".to_owned());
            let size = u64::try_from(column.uncompressed_size()).map_err(|_| problem())?;
            left = left.checked_sub(size).ok_or_else(|| too_large(largest))?;
        }
    }
    Ok(())
}

fn has_text(data_type: &DataType) -> bool {
    !data_type.is_nested() && can_cast_types(data_type, &DataType::Utf8)
}

/// The same field, texts as views, which point into the page instead of copying it.
fn viewed(field: &Field) -> Field {
    let data_type = match field.data_type() {
        DataType::Utf8 | DataType::LargeUtf8 => DataType::Utf8View,
        DataType::Binary | DataType::LargeBinary => DataType::BinaryView,
        other => other.clone(),
    };
    field.clone().with_data_type(data_type)
}

/// Bytes that a batch takes as texts; None if that is no number.
fn size(batch: &RecordBatch) -> Option<u64> {
    let mut size = 0_u64;
    for column in batch.columns() {
        size = size.checked_add(CELL * column.len() as u64)?;
        let text: u64 = match column.data_type() {
            DataType::Utf8View => column.as_string_view().iter().flatten().map(length).sum(),
            DataType::BinaryView => {
                column.as_binary_view().iter().flatten().map(|bytes| bytes.len() as u64).sum()
            }
            _ => 0,
        };
        size = size.checked_add(text)?;
    }
    Some(size)
}

fn length(text: &str) -> u64 {
    text.len() as u64
}

fn as_text(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, TableError> {
    // What has no text is an error, not null.
    let options = CastOptions { safe: false, ..CastOptions::default() };
    let text = |(column, field): (&ArrayRef, &Arc<Field>)| {
        cast_with_options(column, &DataType::Utf8, &options).map_err(|error| {
            TableError::Format(format!("column `{}` is no text: {error}", field.name()))
        })
    };
    let columns = batch.columns().iter().zip(schema.fields()).map(text);
    if schema.fields().is_empty() {
        return Ok(RecordBatch::new_empty(Arc::clone(schema)));
    }
    Ok(RecordBatch::try_new(Arc::clone(schema), columns.collect::<Result<_, _>>()?)?)
}

#[cfg(test)]
mod tests {
    use arrow_array::{
        BinaryArray, FixedSizeBinaryArray, Float64Array, Int32Array, ListArray, StringArray,
        types::Int32Type,
    };
    use parquet::arrow::ArrowWriter;

    use super::*;

    fn write(columns: Vec<(&str, ArrayRef)>) -> Bytes {
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let mut bytes = Vec::new();
        let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        bytes.into()
    }

    fn names(batches: &[RecordBatch]) -> Vec<String> {
        batches[0].schema().fields().iter().map(|field| field.name().clone()).collect()
    }

    #[test]
    fn plain_columns_become_texts_and_the_others_are_left_out() {
        let list = ListArray::from_iter_primitive::<Int32Type, _, _>([Some([Some(1)]), None]);
        let fixed = FixedSizeBinaryArray::try_from_iter([[1_u8; 4], [2; 4]].iter()).unwrap();
        let dictionary: arrow_array::DictionaryArray<Int32Type> = ["x", "x"].into_iter().collect();
        let bytes = write(vec![
            ("text", Arc::new(StringArray::from(vec![Some("a"), None]))),
            ("list", Arc::new(list)),
            ("number", Arc::new(Float64Array::from(vec![0.5, 1.0]))),
            ("fixed", Arc::new(fixed)),
            ("bytes", Arc::new(BinaryArray::from(vec![&b"b"[..], b"c"]))),
            ("dictionary", Arc::new(dictionary)),
        ]);
        let batches = read(&bytes).unwrap();
        let kept = names(&batches);
        assert!(!kept.contains(&"list".to_owned()));
        let column = |name: &str| {
            let column = batches[0].column_by_name(name).unwrap().as_string::<i32>();
            column.iter().map(|cell| cell.map(str::to_owned)).collect::<Vec<_>>()
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(column("text"), [some("a"), None]);
        assert_eq!(column("number"), [some("0.5"), some("1.0")]);
        assert_eq!(column("bytes"), [some("b"), some("c")]);
        assert_eq!(column("dictionary"), [some("x"), some("x")]);
    }

    #[test]
    fn bytes_that_are_no_text_are_an_error_that_names_the_column() {
        let bytes = write(vec![("image", Arc::new(BinaryArray::from(vec![&b"\xff\xfe"[..]])))]);
        let error = read(&bytes).unwrap_err().to_string();
        assert!(error.starts_with("column `image` is no text"), "{error}");
    }

    #[test]
    fn one_long_text_in_many_rows_is_refused_before_it_is_copied() {
        // 64 KiB of dictionary, 64 MiB of text.
        let long = "x".repeat(1 << 16);
        let bytes = write(vec![("a", Arc::new(StringArray::from(vec![long.as_str(); 1 << 10])))]);
        assert!(bytes.len() < 1 << 20, "{}", bytes.len());
        let error = read_trusting(bytes, 1 << 25).unwrap_err().to_string();
        assert_eq!(error, "it unpacks to more than 33554432 bytes: refused");
    }

    #[test]
    fn declared_sizes_are_looked_at_first() {
        let numbers: Int32Array = (0..10_000).collect();
        let bytes = write(vec![("a", Arc::new(numbers))]);
        assert!(read_trusting(bytes.clone(), 1 << 30).is_ok());
        let error = read_trusting(bytes, 1000).unwrap_err().to_string();
        assert_eq!(error, "it unpacks to more than 1000 bytes: refused");
    }

    #[test]
    fn a_table_of_nothing_but_lists_has_no_column() {
        let list = ListArray::from_iter_primitive::<Int32Type, _, _>([Some([Some(1)])]);
        let batches = read(&write(vec![("list", Arc::new(list))])).unwrap();
        assert_eq!(names(&batches), Vec::<String>::new());
    }
}
