//! Parquet read and written piece by piece, for tables that need not fit in memory.

use std::{fs::File, io::Write, panic::AssertUnwindSafe, path::PathBuf, sync::Arc};

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions, cast::AsArray, types::UInt64Type};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use arrow_select::concat::concat_batches;
use bytes::Bytes;
use parquet::{
    arrow::{
        ArrowWriter, ProjectionMask,
        arrow_reader::{
            ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
            ParquetRecordBatchReaderBuilder, statistics::StatisticsConverter,
        },
    },
    errors::ParquetError,
};

use crate::{TableError, parquet_bytes};

/// Rows that are written at once. A multiple of the 1,024 rows after which the encoder looks whether a
/// page is full, and a divisor of the rows of a row group: so pages end where they would if the table
/// were written whole.
const ROWS_PER_WRITE: usize = 8192;

/// Where a Parquet file lies.
#[derive(Debug, Clone)]
pub enum Source {
    /// In memory.
    Bytes(Bytes),
    /// On disk.
    File(PathBuf),
}

/// A Parquet file whose footer has been read.
#[derive(Debug, Clone)]
pub struct ParquetFile {
    source: Source,
    metadata: ArrowReaderMetadata,
}

/// Which cells to read.
#[derive(Debug, Clone)]
pub struct Part {
    /// Columns by their place in the schema, in the order wanted.
    pub columns: Vec<usize>,
    /// Row groups by number.
    pub row_groups: Vec<usize>,
    /// Most rows to read, of these row groups.
    pub limit: Option<usize>,
}

/// What the footer says of a column, one row a row group; null where it says nothing.
#[derive(Debug, Clone)]
pub struct ColumnBounds {
    /// A value that no cell is below.
    pub minima: ArrayRef,
    /// A value that no cell is above.
    pub maxima: ArrayRef,
    /// Number of empty cells, as UInt64.
    pub nulls: ArrayRef,
}

impl ParquetFile {
    /// Reads the footer. Fails with [`TableError::Open`] or [`TableError::Parquet`].
    pub fn open(source: Source) -> Result<Self, TableError> {
        let metadata = trusting(|| match &source {
            Source::Bytes(bytes) => load(bytes),
            Source::File(path) => load(&open(path)?),
        })?;
        Ok(Self { source, metadata })
    }

    /// The same file with texts of a dictionary read as plain ones: a batch of the former carries
    /// the dictionary of its whole row group, which is more than its rows where texts are many.
    pub fn with_plain_texts(self) -> Result<Self, TableError> {
        let plain = |field: &Arc<Field>| match field.data_type() {
            DataType::Dictionary(_, values) if **values == DataType::Utf8 => {
                Arc::new(field.as_ref().clone().with_data_type(DataType::Utf8))
            }
            _ => Arc::clone(field),
        };
        let fields: Vec<Arc<Field>> = self.schema().fields().iter().map(plain).collect();
        let schema = Schema::new_with_metadata(fields, self.schema().metadata().clone());
        let options = ArrowReaderOptions::new().with_schema(Arc::new(schema));
        let footer = Arc::clone(self.metadata.metadata());
        let metadata = trusting(|| Ok(ArrowReaderMetadata::try_new(footer, options)?))?;
        Ok(Self { source: self.source, metadata })
    }

    /// Arrow schema.
    pub fn schema(&self) -> &SchemaRef {
        self.metadata.schema()
    }

    /// Number of rows.
    pub fn rows(&self) -> u64 {
        self.metadata.metadata().file_metadata().num_rows().max(0) as u64
    }

    /// Number of row groups.
    pub fn row_groups(&self) -> usize {
        self.metadata.metadata().num_row_groups()
    }

    /// Number of rows of each row group.
    pub fn rows_of_groups(&self) -> Vec<u64> {
        let groups = self.metadata.metadata().row_groups().iter();
        groups.map(|group| group.num_rows().max(0) as u64).collect()
    }

    /// Smallest and largest values of a column in every row group; None for nested columns.
    pub fn bounds(&self, column: &str) -> Result<Option<ColumnBounds>, TableError> {
        let metadata = self.metadata.metadata();
        trusting(|| {
            let field = self.schema().field_with_name(column)?;
            if field.data_type().is_nested() {
                return Ok(None);
            }
            let converter = StatisticsConverter::try_new(
                column,
                self.schema(),
                self.metadata.parquet_schema(),
            )?;
            Ok(Some(ColumnBounds {
                minima: converter.row_group_mins(metadata.row_groups())?,
                maxima: converter.row_group_maxes(metadata.row_groups())?,
                nulls: Arc::new(converter.row_group_null_counts(metadata.row_groups())?),
            }))
        })
    }

    /// Number of empty cells of a column, by the footer alone; 0 for nested columns.
    pub fn empty_cells(&self, column: &str) -> Result<u64, TableError> {
        let Some(ColumnBounds { nulls, .. }) = self.bounds(column)? else { return Ok(0) };
        Ok(nulls.as_primitive::<UInt64Type>().iter().flatten().sum())
    }

    /// Reads a part, at most `batch_rows` rows at once.
    pub fn read(&self, part: &Part, batch_rows: usize) -> Result<Batches, TableError> {
        let reader = trusting(|| match &self.source {
            Source::Bytes(bytes) => self.reader(bytes.clone(), part, batch_rows, 0),
            Source::File(path) => self.reader(open(path)?, part, batch_rows, 0),
        })?;
        self.batches(reader, &part.columns)
    }

    /// The cells of one row, counted from 0; None behind the last one.
    pub fn row(&self, columns: &[usize], row: u64) -> Result<Option<RecordBatch>, TableError> {
        let row_groups = (0..self.row_groups()).collect();
        let part = Part { columns: columns.to_vec(), row_groups, limit: Some(1) };
        let offset = row as usize;
        let reader = trusting(|| match &self.source {
            Source::Bytes(bytes) => self.reader(bytes.clone(), &part, 1, offset),
            Source::File(path) => self.reader(open(path)?, &part, 1, offset),
        })?;
        self.batches(reader, columns)?.next().transpose()
    }

    fn reader<T: parquet::file::reader::ChunkReader + 'static>(
        &self,
        input: T,
        part: &Part,
        batch_rows: usize,
        offset: usize,
    ) -> Result<ParquetRecordBatchReader, TableError> {
        let mask =
            ProjectionMask::roots(self.metadata.parquet_schema(), part.columns.iter().copied());
        let mut builder =
            ParquetRecordBatchReaderBuilder::new_with_metadata(input, self.metadata.clone())
                .with_projection(mask)
                .with_row_groups(part.row_groups.clone())
                .with_batch_size(batch_rows)
                .with_offset(offset);
        if let Some(limit) = part.limit {
            builder = builder.with_limit(limit);
        }
        Ok(builder.build()?)
    }

    fn batches(
        &self,
        reader: ParquetRecordBatchReader,
        columns: &[usize],
    ) -> Result<Batches, TableError> {
        let schema = Arc::new(self.schema().project(columns)?);
        // The reader gives columns in the order of the file.
        let mut ascending = columns.to_vec();
        ascending.sort_unstable();
        let place = |column: &usize| ascending.partition_point(|other| other < column);
        Ok(Batches { reader, schema, places: columns.iter().map(place).collect() })
    }
}

/// Batches of a part of a file.
pub struct Batches {
    reader: ParquetRecordBatchReader,
    schema: SchemaRef,
    places: Vec<usize>,
}

impl Batches {
    fn arranged(&self, batch: &RecordBatch) -> Result<RecordBatch, TableError> {
        let columns = self.places.iter().map(|&place| Arc::clone(batch.column(place))).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        Ok(RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)?)
    }
}

impl Iterator for Batches {
    type Item = Result<RecordBatch, TableError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = trusting(|| Ok(self.reader.next().transpose().map_err(ParquetError::from)?));
        next.and_then(|batch| batch.map(|batch| self.arranged(&batch)).transpose()).transpose()
    }
}

/// Writes a table batch by batch: the same bytes as if its rows had come as one.
pub struct Writer<W: Write + Send> {
    writer: ArrowWriter<W>,
    schema: SchemaRef,
    waiting: Vec<RecordBatch>,
    rows: u64,
}

impl<W: Write + Send> Writer<W> {
    /// Begins a file.
    pub fn new(schema: &SchemaRef, out: W) -> Result<Self, TableError> {
        let properties = parquet_bytes::properties()?;
        let writer = ArrowWriter::try_new(out, Arc::clone(schema), Some(properties))?;
        Ok(Self { writer, schema: Arc::clone(schema), waiting: Vec::new(), rows: 0 })
    }

    /// Adds rows, which have to be of the schema.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), TableError> {
        let mut start = 0;
        while start < batch.num_rows() {
            let room = ROWS_PER_WRITE - (self.rows % ROWS_PER_WRITE as u64) as usize;
            let taken = room.min(batch.num_rows() - start);
            self.waiting.push(batch.slice(start, taken));
            self.rows += taken as u64;
            start += taken;
            if taken == room {
                self.flush()?;
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), TableError> {
        if !self.waiting.is_empty() {
            let batch = concat_batches(&self.schema, &self.waiting)?;
            self.waiting.clear();
            self.writer.write(&batch)?;
        }
        Ok(())
    }

    /// Writes the footer; returns the number of rows.
    pub fn finish(mut self) -> Result<u64, TableError> {
        self.flush()?;
        self.writer.close()?;
        Ok(self.rows)
    }
}

fn open(path: &PathBuf) -> Result<File, TableError> {
    File::open(path).map_err(|source| TableError::Open { path: path.clone(), source })
}

fn load<T: parquet::file::reader::ChunkReader>(
    input: &T,
) -> Result<ArrowReaderMetadata, TableError> {
    Ok(ArrowReaderMetadata::load(input, ArrowReaderOptions::new())?)
}

fn trusting<T>(read: impl FnOnce() -> Result<T, TableError>) -> Result<T, TableError> {
    parquet_bytes::caught(AssertUnwindSafe(read))
}
