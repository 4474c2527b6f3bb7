//! `amortisation`: how well texts foretell what items are like. Sorted by (benchmark, parameter).

use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, StringArray, UInt32Array};
use arrow_schema::{DataType, Field, Schema, SchemaRef};

use crate::{TableError, columns::Columns, parquet_bytes};

/// One row.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Amortised {
    /// Benchmark of the items.
    pub benchmark: String,
    /// `difficulty` or `log_discrimination` of the two-parameter model.
    pub parameter: String,
    /// Answered items that it was learnt from.
    pub items: u32,
    /// Items without answers whose parameter is predicted.
    pub predicted: u32,
    /// Cross-validated R2 of a ridge regression on the embedding: share of the variance over the
    /// items, negative where the mean is better.
    pub r2_text: f64,
    /// That of the mean of the item's task; null without tasks.
    pub r2_task: Option<f64>,
    /// That of text and task together; null without tasks.
    pub r2_text_and_task: Option<f64>,
}

/// Arrow schema.
pub fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("benchmark", DataType::Utf8, false),
        Field::new("parameter", DataType::Utf8, false),
        Field::new("items", DataType::UInt32, false),
        Field::new("predicted", DataType::UInt32, false),
        Field::new("r2_text", DataType::Float64, false),
        Field::new("r2_task", DataType::Float64, true),
        Field::new("r2_text_and_task", DataType::Float64, true),
    ]))
}

/// Parquet bytes, sorted by (benchmark, parameter).
pub fn encode(rows: &[Amortised]) -> Result<Vec<u8>, TableError> {
    let mut rows: Vec<&Amortised> = rows.iter().collect();
    rows.sort_by(|a, b| (&a.benchmark, &a.parameter).cmp(&(&b.benchmark, &b.parameter)));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(rows.iter().map(|row| Some(row.benchmark.as_str())).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| Some(row.parameter.as_str())).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| Some(row.items)).collect::<UInt32Array>()),
        Arc::new(rows.iter().map(|row| Some(row.predicted)).collect::<UInt32Array>()),
        Arc::new(rows.iter().map(|row| Some(row.r2_text)).collect::<Float64Array>()),
        Arc::new(rows.iter().map(|row| row.r2_task).collect::<Float64Array>()),
        Arc::new(rows.iter().map(|row| row.r2_text_and_task).collect::<Float64Array>()),
    ];
    parquet_bytes::write(&schema(), columns)
}

/// Reads the table back.
pub fn decode(bytes: &[u8]) -> Result<Vec<Amortised>, TableError> {
    let columns = Columns::read(bytes)?;
    let benchmark = columns.strings("benchmark")?;
    let parameter = columns.strings("parameter")?;
    let (items, predicted) = (columns.u32s("items")?, columns.u32s("predicted")?);
    let r2_text = columns.f64s("r2_text")?;
    let r2_task = columns.optional_f64s("r2_task")?;
    let r2_text_and_task = columns.optional_f64s("r2_text_and_task")?;
    let row = |at: usize| Amortised {
        benchmark: benchmark[at].clone(),
        parameter: parameter[at].clone(),
        items: items[at],
        predicted: predicted[at],
        r2_text: r2_text[at],
        r2_task: r2_task[at],
        r2_text_and_task: r2_text_and_task[at],
    };
    Ok((0..benchmark.len()).map(row).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_sorted() {
        let row = |parameter: &str, r2_task| Amortised {
            benchmark: "b".to_owned(),
            parameter: parameter.to_owned(),
            items: 40,
            predicted: 2,
            r2_text: 0.25,
            r2_task,
            r2_text_and_task: r2_task,
        };
        let rows = [row("log_discrimination", None), row("difficulty", Some(-0.5))];
        assert_eq!(decode(&encode(&rows).unwrap()).unwrap(), [rows[1].clone(), rows[0].clone()]);
    }
}
