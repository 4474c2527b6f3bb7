//! Other people's Parquet files with structs and lists: every row as JSON.

use std::{
    fs::File,
    panic::{AssertUnwindSafe, catch_unwind},
};

use arrow_json::LineDelimitedWriter;
use bytes::Bytes;
use parquet::arrow::{
    ProjectionMask,
    arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder},
};

use crate::{TableError, parquet_bytes::damaged};

/// Rows that are in memory at a time.
const ROWS: usize = 64;

/// Where the bytes are.
pub enum Source<'a> {
    /// In memory.
    Memory(&'a [u8]),
    /// In a file of this machine.
    File(File),
}

/// The rows of a file, a few at a time.
pub struct NestedRows {
    reader: ParquetRecordBatchReader,
    rows: u64,
}

impl NestedRows {
    /// Opens a file and names its columns to `wanted`, which says what is to be read of it: columns, or
    /// `column.field` of a struct. Names that are not there are left out.
    pub fn open(
        source: Source<'_>,
        wanted: impl FnOnce(&[String]) -> Vec<String>,
    ) -> Result<Self, TableError> {
        let open = AssertUnwindSafe(|| match source {
            Source::Memory(bytes) => {
                let bytes = Bytes::copy_from_slice(bytes);
                Self::build(ParquetRecordBatchReaderBuilder::try_new(bytes)?, wanted)
            }
            Source::File(file) => {
                Self::build(ParquetRecordBatchReaderBuilder::try_new(file)?, wanted)
            }
        });
        catch_unwind(open).unwrap_or_else(|panic| Err(damaged(&*panic)))
    }

    fn build<T: parquet::file::reader::ChunkReader + 'static>(
        builder: ParquetRecordBatchReaderBuilder<T>,
        wanted: impl FnOnce(&[String]) -> Vec<String>,
    ) -> Result<Self, TableError> {
        let fields = builder.schema().fields();
        let names: Vec<String> = fields.iter().map(|field| field.name().clone()).collect();
        let wanted = wanted(&names);
        // By hand: `ProjectionMask::columns` takes the dot of a column's own name for a struct's.
        let schema = builder.parquet_schema();
        let asked = |path: &str| {
            let under = |name: &String| path.strip_prefix(name.as_str());
            wanted.iter().filter_map(under).any(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        let leaves =
            (0..schema.num_columns()).filter(|&at| asked(&schema.column(at).path().string()));
        let mask = ProjectionMask::leaves(schema, leaves);
        let rows = u64::try_from(builder.metadata().file_metadata().num_rows()).unwrap_or(0);
        let reader = builder.with_projection(mask).with_batch_size(ROWS).build()?;
        Ok(Self { reader, rows })
    }

    /// Number of rows, as the file claims.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// The next rows, one JSON object a line, empty cells left out; None behind the last.
    pub fn next_lines(&mut self) -> Result<Option<Vec<u8>>, TableError> {
        let next = AssertUnwindSafe(|| {
            let Some(batch) = self.reader.next() else { return Ok(None) };
            let mut lines = LineDelimitedWriter::new(Vec::new());
            lines.write(&batch?)?;
            lines.finish()?;
            Ok(Some(lines.into_inner()))
        });
        catch_unwind(next).unwrap_or_else(|panic| Err(damaged(&*panic)))
    }
}
