//! `scores`: what statistics need of `responses`, and nothing of where it came from.
//!
//! Sorted by (model, item uid, trial). Because it holds no raw file, a raw file that changes without
//! changing a score changes no byte of it, and nothing that reads it runs again.

use std::sync::Arc;

use aliquot_stats::item_analysis::RepeatedAnswers;
use arrow_array::{ArrayRef, Float32Array, UInt32Array};
use arrow_schema::{DataType, Field, Schema, SchemaRef};

use crate::{Categorical, TableError, columns::Columns, parquet_bytes, responses::Responses};

/// All scores, column by column.
#[derive(Debug, Clone, Default)]
pub struct Scores {
    /// Name of the evaluated model.
    pub model: Categorical,
    /// Item uid, as hexadecimal digits.
    pub item_uid: Categorical,
    /// Repetition, counted from 0.
    pub trial: Vec<u32>,
    /// Score in [0, 1]; NaN where missing.
    pub score: Vec<f32>,
    /// As in [`Responses::log_likelihood`].
    pub log_likelihood: Vec<f32>,
}

impl Scores {
    /// Mean score over trials of `models` x `items`, row-major, NaN where there is none.
    pub fn means<S: AsRef<str>>(&self, models: &[S], items: &[S]) -> Vec<f32> {
        self.means_of(&self.score, models, items)
    }

    /// Mean log-likelihood over trials, laid out as [`Self::means`]; None where there is not one.
    pub fn log_likelihoods<S: AsRef<str>>(&self, models: &[S], items: &[S]) -> Option<Vec<f32>> {
        let means = self.means_of(&self.log_likelihood, models, items);
        means.iter().any(|mean| !mean.is_nan()).then_some(means)
    }

    /// Number of trials and their spread, laid out as [`Self::means`]; None where no cell has two.
    pub fn repeated<S: AsRef<str>>(&self, models: &[S], items: &[S]) -> Option<RepeatedAnswers> {
        let mut counts = vec![0.0_f32; models.len() * items.len()];
        self.each(&self.score, models, items, |cell, _| counts[cell] += 1.0);
        if counts.iter().all(|count| *count < 2.0) {
            return None;
        }
        let means = self.means(models, items);
        let mut squares = vec![0.0_f32; counts.len()];
        self.each(&self.score, models, items, |cell, score| {
            let difference = score as f32 - means[cell];
            squares[cell] += difference * difference;
        });
        Some(RepeatedAnswers { counts, squares })
    }

    fn means_of<S: AsRef<str>>(&self, values: &[f32], models: &[S], items: &[S]) -> Vec<f32> {
        let mut sums = vec![0.0_f64; models.len() * items.len()];
        let mut trials = vec![0_u32; sums.len()];
        self.each(values, models, items, |cell, value| {
            sums[cell] += value;
            trials[cell] += 1;
        });
        let mean = |(sum, trials): (f64, u32)| match trials {
            0 => f32::NAN,
            _ => (sum / f64::from(trials)) as f32,
        };
        sums.into_iter().zip(trials).map(mean).collect()
    }

    /// Cell and value of every row that has one and is asked for.
    fn each<S: AsRef<str>>(
        &self,
        values: &[f32],
        models: &[S],
        items: &[S],
        mut take: impl FnMut(usize, f64),
    ) {
        let rows = positions(models, &self.model);
        let columns = positions(items, &self.item_uid);
        for (row, value) in values.iter().enumerate() {
            let model = rows[self.model.codes()[row] as usize];
            let item = columns[self.item_uid.codes()[row] as usize];
            if let (Some((model, item)), false) = (model.zip(item), value.is_nan()) {
                take(model * items.len() + item, f64::from(*value));
            }
        }
    }
}

/// Place of each code's text in a list of names.
fn positions<S: AsRef<str>>(names: &[S], column: &Categorical) -> Vec<Option<usize>> {
    let mut positions = vec![None; column.values().len()];
    for (position, name) in names.iter().enumerate() {
        if let Some(code) = column.code_of(name.as_ref()) {
            positions[code as usize] = Some(position);
        }
    }
    positions
}

/// Arrow schema.
pub fn schema() -> SchemaRef {
    let text = || DataType::Dictionary(Box::new(DataType::UInt32), Box::new(DataType::Utf8));
    Arc::new(Schema::new(vec![
        Field::new("model", text(), false),
        Field::new("item_uid", text(), false),
        Field::new("trial", DataType::UInt32, false),
        Field::new("score", DataType::Float32, true),
        Field::new("log_likelihood", DataType::Float32, true),
    ]))
}

/// Parquet bytes of the scores of `responses`, which hold one metric and filter a benchmark.
pub fn encode(responses: &Responses) -> Result<Vec<u8>, TableError> {
    let order = responses.order();
    let rows = || order.iter().map(|&row| row as usize);
    let present = |value: f32| (!value.is_nan()).then_some(value);
    let columns: Vec<ArrayRef> = vec![
        responses.model.to_arrow(&order),
        responses.item_uid.to_arrow(&order),
        Arc::new(UInt32Array::from_iter_values(rows().map(|row| responses.trial[row]))),
        Arc::new(rows().map(|row| present(responses.score[row])).collect::<Float32Array>()),
        Arc::new(
            rows().map(|row| present(responses.log_likelihood[row])).collect::<Float32Array>(),
        ),
    ];
    parquet_bytes::write(&schema(), columns)
}

/// Reads the table back.
pub fn decode(bytes: &[u8]) -> Result<Scores, TableError> {
    let columns = Columns::read(bytes)?;
    Ok(Scores {
        model: columns.categories("model")?,
        item_uid: columns.categories("item_uid")?,
        trial: columns.u32s("trial")?,
        score: columns.scores("score")?,
        log_likelihood: columns.scores("log_likelihood")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::responses::Response;

    #[test]
    fn trials_are_averaged_gaps_stay_gaps_and_the_source_does_not_show() {
        let table = |raw: &str| {
            let mut responses = Responses::default();
            for (model, item_uid, trial, score, log_likelihood) in [
                ("a", "1", 0, Ok(1.0), Some(-0.5)),
                ("a", "1", 1, Ok(0.0), Some(-1.0)),
                ("b", "2", 0, Ok(0.25), None),
                ("b", "1", 0, Err("error"), None),
            ] {
                let (metric, filter, record) = ("acc", "", 0);
                responses.push(&Response {
                    model,
                    item_uid,
                    metric,
                    filter,
                    trial,
                    score,
                    log_likelihood,
                    raw,
                    record,
                });
            }
            encode(&responses).unwrap()
        };
        assert_eq!(table("one"), table("another"));
        let scores = decode(&table("one")).unwrap();
        let means = scores.means(&["b", "a"], &["1", "2"]);
        assert!(means[0].is_nan() && means[3].is_nan());
        assert_eq!((means[1], means[2]), (0.25, 0.5));
        let repeated = scores.repeated(&["b", "a"], &["1", "2"]).unwrap();
        assert_eq!(repeated.counts, [0.0, 1.0, 2.0, 0.0]);
        assert_eq!(repeated.squares, [0.0, 0.0, 0.5, 0.0]);
        assert_eq!(scores.repeated(&["b"], &["1", "2"]), None);
        assert_eq!(scores.log_likelihoods(&["a"], &["1"]), Some(vec![-0.75]));
        assert_eq!(scores.log_likelihoods(&["b"], &["1", "2"]), None);
    }
}
