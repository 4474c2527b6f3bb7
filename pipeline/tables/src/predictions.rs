//! `predictions`: parameters of items that no model has answered, from their texts. Sorted by item uid.

use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, StringArray};
use arrow_schema::{DataType, Field, Schema, SchemaRef};

use crate::{TableError, columns::Columns, parquet_bytes};

/// One row.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Prediction {
    /// Item uid, as hexadecimal digits.
    pub item_uid: String,
    /// Benchmark of the item.
    pub benchmark: String,
    /// Logit of the mean model's chance to fail.
    pub difficulty: f64,
    /// Its standard error, the item's own deviation included.
    pub difficulty_error: f64,
    /// Logarithm of the slope, in logits a standard deviation of ability.
    pub log_discrimination: f64,
    /// Its standard error.
    pub log_discrimination_error: f64,
}

/// Arrow schema.
pub fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("item_uid", DataType::Utf8, false),
        Field::new("benchmark", DataType::Utf8, false),
        Field::new("difficulty", DataType::Float64, false),
        Field::new("difficulty_error", DataType::Float64, false),
        Field::new("log_discrimination", DataType::Float64, false),
        Field::new("log_discrimination_error", DataType::Float64, false),
    ]))
}

/// Parquet bytes, sorted by item uid.
pub fn encode(rows: &[Prediction]) -> Result<Vec<u8>, TableError> {
    let mut rows: Vec<&Prediction> = rows.iter().collect();
    rows.sort_by(|a, b| a.item_uid.cmp(&b.item_uid));
    let numbers = |number: fn(&Prediction) -> f64| -> ArrayRef {
        Arc::new(rows.iter().map(|row| Some(number(row))).collect::<Float64Array>())
    };
    let columns: Vec<ArrayRef> = vec![
        Arc::new(rows.iter().map(|row| Some(row.item_uid.as_str())).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| Some(row.benchmark.as_str())).collect::<StringArray>()),
        numbers(|row| row.difficulty),
        numbers(|row| row.difficulty_error),
        numbers(|row| row.log_discrimination),
        numbers(|row| row.log_discrimination_error),
    ];
    parquet_bytes::write(&schema(), columns)
}

/// Reads the table back.
pub fn decode(bytes: &[u8]) -> Result<Vec<Prediction>, TableError> {
    let columns = Columns::read(bytes)?;
    let item_uid = columns.strings("item_uid")?;
    let benchmark = columns.strings("benchmark")?;
    let difficulty = columns.f64s("difficulty")?;
    let difficulty_error = columns.f64s("difficulty_error")?;
    let log_discrimination = columns.f64s("log_discrimination")?;
    let log_discrimination_error = columns.f64s("log_discrimination_error")?;
    let row = |at: usize| Prediction {
        item_uid: item_uid[at].clone(),
        benchmark: benchmark[at].clone(),
        difficulty: difficulty[at],
        difficulty_error: difficulty_error[at],
        log_discrimination: log_discrimination[at],
        log_discrimination_error: log_discrimination_error[at],
    };
    Ok((0..item_uid.len()).map(row).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_sorted() {
        let row = |item_uid: &str, difficulty| Prediction {
            item_uid: item_uid.to_owned(),
            benchmark: "b".to_owned(),
            difficulty,
            difficulty_error: 0.5,
            log_discrimination: -0.25,
            log_discrimination_error: 0.125,
        };
        let rows = [row("2", 1.0), row("1", -1.0)];
        assert_eq!(decode(&encode(&rows).unwrap()).unwrap(), [rows[1].clone(), rows[0].clone()]);
    }
}
