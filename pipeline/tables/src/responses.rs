//! `responses`: the score of one model on one item under one metric.
//!
//! Sorted by (model, item uid, metric, filter, trial). At 10^8 cells this table is the one that
//! must stay columnar: texts are dictionary codes, a row takes about 45 bytes in memory.

use std::sync::Arc;

use arrow_array::{ArrayRef, Float32Array, StringArray, UInt32Array, UInt64Array};
use arrow_schema::{DataType, Field, Schema, SchemaRef};

use crate::{Categorical, TableError, columns::Columns, parquet_bytes};

/// Columns that the table is sorted by, which together name a cell.
pub const KEY: [&str; 5] = ["model", "item_uid", "metric", "filter", "trial"];

/// All responses, column by column; every column has [`Self::len`] rows.
#[derive(Debug, Clone, Default)]
pub struct Responses {
    /// Name of the evaluated model.
    pub model: Categorical,
    /// Item uid, as hexadecimal digits.
    pub item_uid: Categorical,
    /// Metric that the score is of.
    pub metric: Categorical,
    /// Filter of the tool's answer extraction; empty where the tool has none.
    pub filter: Categorical,
    /// Repetition, counted from 0.
    pub trial: Vec<u32>,
    /// Score in [0, 1]; NaN where missing.
    pub score: Vec<f32>,
    /// Natural logarithm of the probability that the model gave to the gold answer, normalised over
    /// the choices where there are any; NaN where the source does not say.
    pub log_likelihood: Vec<f32>,
    /// Why the score is missing; empty where it is not.
    pub missing_reason: Categorical,
    /// Object id of the raw file.
    pub raw: Categorical,
    /// Record of the raw file that the score is from, counted from 0.
    pub record: Vec<u64>,
}

/// One row to be added.
#[derive(Debug, Clone, Copy)]
pub struct Response<'a> {
    /// Name of the evaluated model.
    pub model: &'a str,
    /// Item uid, as hexadecimal digits.
    pub item_uid: &'a str,
    /// Metric that the score is of.
    pub metric: &'a str,
    /// Filter; empty where the tool has none.
    pub filter: &'a str,
    /// Repetition, counted from 0.
    pub trial: u32,
    /// The score in [0, 1], or why there is none.
    pub score: Result<f32, &'a str>,
    /// See [`Responses::log_likelihood`].
    pub log_likelihood: Option<f32>,
    /// Object id of the raw file.
    pub raw: &'a str,
    /// Record of the raw file, counted from 0.
    pub record: u64,
}

impl Responses {
    /// Adds a row.
    pub fn push(&mut self, row: &Response<'_>) {
        self.model.push(row.model);
        self.item_uid.push(row.item_uid);
        self.metric.push(row.metric);
        self.filter.push(row.filter);
        self.trial.push(row.trial);
        self.score.push(row.score.unwrap_or(f32::NAN));
        self.log_likelihood.push(row.log_likelihood.unwrap_or(f32::NAN));
        self.missing_reason.push(row.score.err().unwrap_or(""));
        self.raw.push(row.raw);
        self.record.push(row.record);
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.score.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.score.is_empty()
    }

    /// Adds all rows of another table.
    pub fn append(&mut self, other: &Self) {
        let append = |all: &mut Categorical, more: &Categorical| {
            let codes: Vec<u32> = more.values().iter().map(|value| all.intern(value)).collect();
            more.codes().iter().for_each(|&code| all.push_code(codes[code as usize]));
        };
        append(&mut self.model, &other.model);
        append(&mut self.item_uid, &other.item_uid);
        append(&mut self.metric, &other.metric);
        append(&mut self.filter, &other.filter);
        append(&mut self.missing_reason, &other.missing_reason);
        append(&mut self.raw, &other.raw);
        self.trial.extend(&other.trial);
        self.score.extend(&other.score);
        self.log_likelihood.extend(&other.log_likelihood);
        self.record.extend(&other.record);
    }

    /// The rows that are wanted, given by their numbers.
    #[must_use]
    pub fn filtered(&self, wanted: impl Fn(usize) -> bool) -> Self {
        let mut kept = Self::default();
        for row in (0..self.len()).filter(|&row| wanted(row)) {
            let missing = self.score[row].is_nan();
            let log_likelihood = self.log_likelihood[row];
            kept.push(&Response {
                model: self.model.get(row),
                item_uid: self.item_uid.get(row),
                metric: self.metric.get(row),
                filter: self.filter.get(row),
                trial: self.trial[row],
                score: if missing {
                    Err(self.missing_reason.get(row))
                } else {
                    Ok(self.score[row])
                },
                log_likelihood: (!log_likelihood.is_nan()).then_some(log_likelihood),
                raw: self.raw.get(row),
                record: self.record[row],
            });
        }
        kept
    }

    /// Row numbers in canonical order.
    pub(crate) fn order(&self) -> Vec<u32> {
        let key = [&self.model, &self.item_uid, &self.metric, &self.filter].map(Categorical::ranks);
        let columns = [&self.model, &self.item_uid, &self.metric, &self.filter];
        let mut order: Vec<u32> = (0..self.len() as u32).collect();
        order.sort_by_cached_key(|&row| {
            let rank = |column: usize| key[column][columns[column].codes()[row as usize] as usize];
            (rank(0), rank(1), rank(2), rank(3), self.trial[row as usize])
        });
        order
    }

    /// The first cell that occurs twice, as its two rows in canonical order; None if all differ.
    pub fn duplicate_cell(&self) -> Option<(usize, usize)> {
        let order = self.order();
        let cell = |row: u32| {
            let row = row as usize;
            (
                self.model.get(row),
                self.item_uid.get(row),
                self.metric.get(row),
                self.filter.get(row),
                self.trial[row],
            )
        };
        order
            .windows(2)
            .find(|pair| cell(pair[0]) == cell(pair[1]))
            .map(|pair| (pair[0] as usize, pair[1] as usize))
    }
}

/// Arrow schema.
pub fn schema() -> SchemaRef {
    let text = || DataType::Dictionary(Box::new(DataType::UInt32), Box::new(DataType::Utf8));
    Arc::new(Schema::new(vec![
        Field::new("model", text(), false),
        Field::new("item_uid", text(), false),
        Field::new("metric", text(), false),
        Field::new("filter", text(), false),
        Field::new("trial", DataType::UInt32, false),
        Field::new("score", DataType::Float32, true),
        Field::new("log_likelihood", DataType::Float32, true),
        Field::new("missing_reason", DataType::Utf8, true),
        Field::new("raw", text(), false),
        Field::new("record", DataType::UInt64, false),
    ]))
}

/// Parquet bytes, rows in canonical order.
pub fn encode(responses: &Responses) -> Result<Vec<u8>, TableError> {
    parquet_bytes::write(&schema(), columns(responses))
}

/// The same rows, not compressed: faster to write and to merge, and some five times as large.
pub fn encode_unpacked(responses: &Responses) -> Result<Vec<u8>, TableError> {
    parquet_bytes::write_unpacked(&schema(), columns(responses))
}

/// The columns of the schema, sorted.
fn columns(responses: &Responses) -> Vec<ArrayRef> {
    let order = responses.order();
    let rows = || order.iter().map(|&row| row as usize);
    let present = |score: f32| (!score.is_nan()).then_some(score);
    let reason = |row| Some(responses.missing_reason.get(row)).filter(|reason| !reason.is_empty());
    vec![
        responses.model.to_arrow(&order),
        responses.item_uid.to_arrow(&order),
        responses.metric.to_arrow(&order),
        responses.filter.to_arrow(&order),
        Arc::new(UInt32Array::from_iter_values(rows().map(|row| responses.trial[row]))),
        Arc::new(rows().map(|row| present(responses.score[row])).collect::<Float32Array>()),
        Arc::new(
            rows().map(|row| present(responses.log_likelihood[row])).collect::<Float32Array>(),
        ),
        Arc::new(rows().map(reason).collect::<StringArray>()),
        responses.raw.to_arrow(&order),
        Arc::new(UInt64Array::from_iter_values(rows().map(|row| responses.record[row]))),
    ]
}

/// Reads the table back.
pub fn decode(bytes: &[u8]) -> Result<Responses, TableError> {
    let columns = Columns::read(bytes)?;
    let reasons = columns.optional_strings("missing_reason")?;
    Ok(Responses {
        model: columns.categories("model")?,
        item_uid: columns.categories("item_uid")?,
        metric: columns.categories("metric")?,
        filter: columns.categories("filter")?,
        trial: columns.u32s("trial")?,
        score: columns.scores("score")?,
        log_likelihood: columns.scores("log_likelihood")?,
        missing_reason: reasons.iter().map(|reason| reason.as_deref().unwrap_or("")).collect(),
        raw: columns.categories("raw")?,
        record: columns.u64s("record")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row<'a>(model: &'a str, item_uid: &'a str, score: Result<f32, &'a str>) -> Response<'a> {
        Response {
            model,
            item_uid,
            metric: "acc",
            filter: "",
            trial: 0,
            score,
            log_likelihood: score.is_ok().then_some(-0.5),
            raw: "r",
            record: 7,
        }
    }

    #[test]
    fn bytes_do_not_depend_on_the_order_in_which_rows_came() {
        let rows = [row("b", "1", Ok(0.5)), row("a", "2", Err("dropped")), row("a", "1", Ok(1.0))];
        let mut forward = Responses::default();
        rows.iter().for_each(|row| forward.push(row));
        let mut backward = Responses::default();
        rows.iter().rev().for_each(|row| backward.push(row));
        let bytes = encode(&forward).unwrap();
        assert_eq!(bytes, encode(&backward).unwrap());

        let back = decode(&bytes).unwrap();
        let cells: Vec<_> =
            (0..3).map(|row| (back.model.get(row), back.item_uid.get(row))).collect();
        assert_eq!(cells, [("a", "1"), ("a", "2"), ("b", "1")]);
        assert!(back.score[1].is_nan() && back.log_likelihood[1].is_nan());
        assert_eq!(back.log_likelihood[2], -0.5);
        assert_eq!((back.missing_reason.get(1), back.missing_reason.get(0)), ("dropped", ""));
    }

    #[test]
    fn a_cell_given_twice_is_found() {
        let mut responses = Responses::default();
        for item in ["1", "2", "1"] {
            responses.push(&row("a", item, Ok(0.0)));
        }
        assert_eq!(responses.duplicate_cell(), Some((0, 2)));
    }
}
