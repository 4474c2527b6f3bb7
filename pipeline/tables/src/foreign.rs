//! Other people's tables: CSV, JSONL and Parquet, every cell as text.

use std::sync::Arc;

#[cfg(test)]
use arrow_array::{Array, StringArray};
use arrow_array::{RecordBatch, cast::AsArray};
use arrow_json::reader::infer_json_schema;
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};

#[cfg(test)]
use crate::parquet_bytes;
use crate::{TableError, foreign_parquet};

/// Cells that readers make room for at once, whatever the file holds.
const CELLS_PER_BATCH: usize = 1 << 20;

/// Rows of so many columns that are read at once: a header may name more columns than the rows have.
pub(crate) fn rows_per_batch(columns: usize) -> usize {
    (CELLS_PER_BATCH / columns.max(1)).clamp(1, 8192)
}

/// File formats that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Comma-separated, with a header line.
    Csv,
    /// One JSON object a line.
    Jsonl,
    /// Apache Parquet.
    Parquet,
}

impl Format {
    /// The format that a file name's ending stands for.
    pub fn from_name(name: &str) -> Option<Self> {
        match name.rsplit_once('.')?.1 {
            "csv" => Some(Self::Csv),
            "jsonl" | "ndjson" => Some(Self::Jsonl),
            "parquet" => Some(Self::Parquet),
            _ => None,
        }
    }
}

/// A table of texts; an absent or blank cell is None.
pub struct TextTable {
    names: Vec<String>,
    batches: Vec<RecordBatch>,
}

impl TextTable {
    /// Reads all columns.
    pub fn read(format: Format, bytes: &[u8]) -> Result<Self, TableError> {
        let batches = match format {
            Format::Csv => read_csv(bytes)?,
            Format::Jsonl => read_jsonl(bytes)?,
            Format::Parquet => foreign_parquet::read(bytes)?,
        };
        let schema = batches.first().map_or_else(|| Arc::new(Schema::empty()), RecordBatch::schema);
        let names: Vec<String> = schema.fields().iter().map(|field| field.name().clone()).collect();
        Self { names, batches }.checked()
    }

    /// Two columns of one name would be read as one, and a table without columns says nothing.
    fn checked(self) -> Result<Self, TableError> {
        if self.names.is_empty() {
            return Err(TableError::Format("it holds no column".to_owned()));
        }
        let mut sorted: Vec<&String> = self.names.iter().collect();
        sorted.sort();
        match sorted.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(TableError::Format(format!("column `{}` is there twice", pair[0]))),
            None => Ok(self),
        }
    }

    /// Column names in file order.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The cells of one column, or an error that lists the columns there are.
    pub fn column(&self, name: &str) -> Result<Vec<Option<&str>>, TableError> {
        let at = self.names.iter().position(|candidate| candidate == name).ok_or_else(|| {
            TableError::MissingColumn { column: name.to_owned(), present: self.names.clone() }
        })?;
        let cells =
            self.batches.iter().flat_map(|batch| batch.column(at).as_string::<i32>().iter());
        Ok(cells.map(|cell| cell.map(str::trim).filter(|cell| !cell.is_empty())).collect())
    }
}

pub(crate) fn all_text<'a>(names: impl IntoIterator<Item = &'a str>) -> SchemaRef {
    Arc::new(Schema::new(
        names.into_iter().map(|name| Field::new(name, DataType::Utf8, true)).collect::<Vec<_>>(),
    ))
}

fn read_csv(bytes: &[u8]) -> Result<Vec<RecordBatch>, TableError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let format = arrow_csv::reader::Format::default().with_header(true);
    let (header, _) = format.infer_schema(bytes, Some(0))?;
    let schema = all_text(header.fields().iter().map(|field| field.name().as_str()));
    let reader = arrow_csv::ReaderBuilder::new(Arc::clone(&schema)).with_header(true);
    let batches = reader
        .with_batch_size(rows_per_batch(schema.fields().len()))
        .build(bytes)?
        .collect::<Result<Vec<_>, ArrowError>>()?;
    Ok(if batches.is_empty() { vec![RecordBatch::new_empty(schema)] } else { batches })
}

fn read_jsonl(bytes: &[u8]) -> Result<Vec<RecordBatch>, TableError> {
    let (inferred, _) = infer_json_schema(bytes, None).map_err(|error| bad_line(bytes, error))?;
    let nested = inferred.fields().iter().find(|field| field.data_type().is_nested());
    if let Some(field) = nested {
        return Err(TableError::Format(format!(
            "column `{}` holds objects or arrays, expected plain values",
            field.name()
        )));
    }
    let schema = all_text(inferred.fields().iter().map(|field| field.name().as_str()));
    let rows = rows_per_batch(schema.fields().len());
    let reader =
        arrow_json::ReaderBuilder::new(schema).with_coerce_primitive(true).with_batch_size(rows);
    Ok(reader.build(bytes)?.collect::<Result<_, ArrowError>>()?)
}

/// Names the line that is no JSON object; `arrow_json` counts from wherever it stands.
fn bad_line(bytes: &[u8], error: ArrowError) -> TableError {
    let lines = bytes.split(|byte| *byte == b'\n').zip(1..);
    let mut bad = lines.filter(|(line, _)| infer_json_schema(*line, None).is_err());
    match bad.next() {
        Some((_, number)) => TableError::Format(format!("line {number}: {error}")),
        None => error.into(),
    }
}

/// Writes rows of texts as Parquet.
#[cfg(test)]
fn parquet_of_texts(names: &[&str], rows: &[Vec<&str>]) -> Result<Vec<u8>, TableError> {
    let column = |at: usize| {
        Arc::new(rows.iter().map(|row| Some(row[at])).collect::<StringArray>()) as Arc<dyn Array>
    };
    parquet_bytes::write(&all_text(names.iter().copied()), (0..names.len()).map(column).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_gives_the_same_texts() {
        let csv = b"\xef\xbb\xbfmodel,score\r\na,0.5\r\nb,\r\n".to_vec();
        let jsonl = b"{\"model\":\"a\",\"score\":0.5}\n{\"model\":\"b\",\"score\":null}\n".to_vec();
        let parquet =
            parquet_of_texts(&["model", "score"], &[vec!["a", "0.5"], vec!["b", " "]]).unwrap();
        for (format, bytes) in
            [(Format::Csv, csv), (Format::Jsonl, jsonl), (Format::Parquet, parquet)]
        {
            let table = TextTable::read(format, &bytes).unwrap();
            assert_eq!(table.column("model").unwrap(), [Some("a"), Some("b")], "{format:?}");
            assert_eq!(table.column("score").unwrap(), [Some("0.5"), None], "{format:?}");
            let error = table.column("accuracy").unwrap_err().to_string();
            assert_eq!(error, "column `accuracy` is missing; the table has: model, score");
        }
    }

    #[test]
    fn a_table_without_rows_still_has_its_columns() {
        let parquet = parquet_of_texts(&["a", "b"], &[]).unwrap();
        for (format, bytes) in [(Format::Csv, b"a,b\n".to_vec()), (Format::Parquet, parquet)] {
            let table = TextTable::read(format, &bytes).unwrap();
            assert_eq!(
                (table.names(), table.column("b").unwrap()),
                (&["a".into(), "b".into()][..], vec![])
            );
        }
        assert!(TextTable::read(Format::Csv, b"").is_err());
    }

    #[test]
    fn a_line_that_is_no_json_is_named() {
        let error =
            TextTable::read(Format::Jsonl, b"{\"a\":1}\n\n{\"a\":2}\n{\"a\n").err().unwrap();
        assert!(error.to_string().starts_with("line 4: "), "{error}");
    }

    #[test]
    fn a_ragged_csv_names_its_line() {
        let error = TextTable::read(Format::Csv, b"a,b\n1,2\n3\n").err().unwrap();
        let TableError::Arrow(source) = error else { panic!("{error}") };
        assert!(source.to_string().contains("line 3"), "{source}");
    }

    #[test]
    fn damaged_files_end_in_errors_not_panics() {
        let rows: Vec<Vec<&str>> =
            (0..300).map(|row| vec!["model", if row % 3 == 0 { "0.5" } else { "1" }]).collect();
        let parquet = parquet_of_texts(&["model", "score"], &rows).unwrap();
        let jsonl = b"{\"model\":\"a\",\"score\":0.5}\n".repeat(20);
        let csv = b"model,score\n\"a\",0.5\n".repeat(20);
        // A linear congruential walk over positions and values: the same cases every time.
        let mut state = 12_345_u64;
        let mut next = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize
        };
        for (format, bytes) in
            [(Format::Parquet, parquet), (Format::Jsonl, jsonl), (Format::Csv, csv)]
        {
            for _ in 0..3_000 {
                let mut damaged = bytes.clone();
                for _ in 0..=next() % 3 {
                    let at = next() % damaged.len();
                    damaged[at] = next() as u8;
                }
                damaged.truncate(damaged.len() - next() % 2 * (next() % 40));
                drop(TextTable::read(format, &damaged));
            }
        }
    }
}
