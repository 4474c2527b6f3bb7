//! One way to write Parquet, so that equal rows are equal bytes.

use std::{
    any::Any,
    panic::{UnwindSafe, catch_unwind},
    sync::Arc,
};

use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::SchemaRef;
use parquet::{
    arrow::{ArrowWriter, arrow_reader::ParquetRecordBatchReaderBuilder},
    basic::{Compression, ZstdLevel},
    errors::ParquetError,
    file::properties::{WriterProperties, WriterVersion},
};

use crate::TableError;

const ROWS_PER_GROUP: usize = 1 << 20;

/// The one setting of the writer.
pub(crate) fn properties() -> Result<WriterProperties, TableError> {
    Ok(properties_of(Compression::ZSTD(ZstdLevel::try_new(3)?)))
}

fn properties_of(compression: Compression) -> WriterProperties {
    WriterProperties::builder()
        .set_created_by("aliquot".to_owned())
        .set_writer_version(WriterVersion::PARQUET_1_0)
        .set_compression(compression)
        .set_max_row_group_row_count(Some(ROWS_PER_GROUP))
        .build()
}

/// Writes the columns, in the order of the schema, as one Parquet file.
pub(crate) fn write(schema: &SchemaRef, columns: Vec<ArrayRef>) -> Result<Vec<u8>, TableError> {
    write_with(properties()?, schema, columns)
}

/// The same, not compressed: for a table that is soon written again as a part of another one.
pub(crate) fn write_unpacked(
    schema: &SchemaRef,
    columns: Vec<ArrayRef>,
) -> Result<Vec<u8>, TableError> {
    write_with(properties_of(Compression::UNCOMPRESSED), schema, columns)
}

fn write_with(
    properties: WriterProperties,
    schema: &SchemaRef,
    columns: Vec<ArrayRef>,
) -> Result<Vec<u8>, TableError> {
    let batch = RecordBatch::try_new(Arc::clone(schema), columns)?;
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, Arc::clone(schema), Some(properties))?;
    writer.write(&batch)?;
    writer.close()?;
    Ok(bytes)
}

/// Reads all batches of a Parquet file.
pub(crate) fn read(bytes: &[u8]) -> Result<Vec<RecordBatch>, TableError> {
    caught(|| read_trusting(bytes))
}

/// The reader asserts some things about a file that a damaged one does not keep; such a panic is an
/// error of the file like any other.
pub(crate) fn caught<T>(
    read: impl FnOnce() -> Result<T, TableError> + UnwindSafe,
) -> Result<T, TableError> {
    catch_unwind(read).unwrap_or_else(|panic| Err(damaged(&*panic)))
}

/// What a panic of the reader says about the file.
pub(crate) fn damaged(panic: &(dyn Any + Send)) -> TableError {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("unknown reason");
    TableError::Format(format!("the Parquet file is damaged: {text}"))
}

/// At least one batch, so that a table without rows still has its columns.
fn read_trusting(bytes: &[u8]) -> Result<Vec<RecordBatch>, TableError> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::copy_from_slice(bytes))?;
    let schema = Arc::clone(builder.schema());
    let empty = RecordBatch::new_empty(Arc::clone(&schema));
    let reader = builder.with_batch_size(ROWS_PER_GROUP).build()?;
    // The reader's batches lack the metadata of the file's schema.
    let whole = |batch: Result<RecordBatch, _>| batch?.with_schema(Arc::clone(&schema));
    let batches: Vec<RecordBatch> =
        reader.map(whole).collect::<Result<_, _>>().map_err(ParquetError::from)?;
    Ok(if batches.is_empty() { vec![empty] } else { batches })
}
