//! Answers as text: cells, CSV, JSON.

use std::io::{self, Write};

use datafusion::arrow::{
    array::RecordBatch,
    csv, json,
    util::display::{ArrayFormatter, FormatOptions},
};

use crate::{Answer, QueryError};

impl Answer<'_> {
    /// The next rows as texts, None behind the last: numbers with the digits that tell them from their
    /// neighbours, an empty cell as an empty text.
    pub fn next_cells(&mut self) -> Result<Option<Vec<Vec<String>>>, QueryError> {
        self.next_batch()?.map(|batch| cells(&batch)).transpose()
    }

    /// Writes all rows, or the first `limit`, as a JSON array of objects, a missing cell or a number
    /// that JSON does not have (NaN, infinity) as null. Returns the number of rows.
    pub fn write_json(&mut self, out: impl Write, limit: Option<u64>) -> Result<u64, QueryError> {
        let mut writer = json::WriterBuilder::new()
            .with_explicit_nulls(true)
            .build::<_, json::writer::JsonArray>(out);
        let rows = self.each(limit, |batch| writer.write(batch).map_err(unwritten))?;
        writer.finish().map_err(unwritten)?;
        let mut out = writer.into_inner();
        out.write_all(b"\n").map_err(|source| QueryError::Io { action: "write", source })?;
        Ok(rows)
    }

    /// Writes the names of the columns, then all rows or the first `limit`, as CSV. Returns the number
    /// of rows.
    pub fn write_csv(&mut self, out: impl Write, limit: Option<u64>) -> Result<u64, QueryError> {
        let mut writer = csv::WriterBuilder::new().with_header(true).build(out);
        // Without rows the writer would leave out the header.
        let empty = RecordBatch::new_empty(self.schema().clone());
        writer.write(&empty).map_err(unwritten)?;
        self.each(limit, |batch| writer.write(batch).map_err(unwritten))
    }

    fn each(
        &mut self,
        limit: Option<u64>,
        mut write: impl FnMut(&RecordBatch) -> Result<(), QueryError>,
    ) -> Result<u64, QueryError> {
        let mut rows = 0;
        while limit.is_none_or(|limit| rows < limit) {
            let Some(batch) = self.next_batch()? else { break };
            let room = limit.map_or(u64::MAX, |limit| limit - rows);
            let batch = batch.slice(0, room.min(batch.num_rows() as u64) as usize);
            write(&batch)?;
            rows += batch.num_rows() as u64;
        }
        Ok(rows)
    }
}

fn cells(batch: &RecordBatch) -> Result<Vec<Vec<String>>, QueryError> {
    let failed =
        |error: datafusion::arrow::error::ArrowError| QueryError::Failed(error.to_string());
    let options = FormatOptions::default().with_null("");
    let formatters = batch.columns().iter().map(|column| ArrayFormatter::try_new(column, &options));
    let formatters = formatters.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    let cell = |formatter: &ArrayFormatter<'_>, row| formatter.value(row).try_to_string();
    (0..batch.num_rows())
        .map(|row| formatters.iter().map(|formatter| cell(formatter, row)).collect())
        .collect::<Result<_, _>>()
        .map_err(failed)
}

fn unwritten(error: datafusion::arrow::error::ArrowError) -> QueryError {
    use datafusion::arrow::error::ArrowError;

    match error {
        ArrowError::IoError(_, source) => QueryError::Io { action: "write the answer", source },
        // The writer of CSV keeps the text of an error and drops its kind.
        ArrowError::CsvError(text) if text.contains("Broken pipe") => {
            QueryError::Io { action: "write the answer", source: io::ErrorKind::BrokenPipe.into() }
        }
        other => QueryError::Failed(other.to_string()),
    }
}
