//! `reliability`: how repeatable and how fine the scores of each target are, on the full benchmarks and
//! on each subset. Sorted by (target, subset).
//!
//! "pp" is percentage points. Null stands for what the answers do not determine, such as the
//! reliability of a subset with a single item of a benchmark.

use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, StringArray, UInt32Array};
use arrow_schema::{DataType, Field, Schema, SchemaRef};

use crate::{TableError, columns::Columns, parquet_bytes};

/// `subset` of a row on all items of the target.
pub const FULL: &str = "full";

/// One row.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reliability {
    /// Name of the mean that is estimated.
    pub target: String,
    /// [`FULL`], `test` or `validation`.
    pub subset: String,
    /// Number of items.
    pub items: u32,
    /// Number of models that the row is computed from.
    pub models: u32,
    /// Cronbach's alpha of the weighted mean, KR-20 for 0/1 scores of equal weight; stratified alpha
    /// where several benchmarks take part.
    pub alpha: Option<f64>,
    /// What the full benchmark's alpha predicts for that many random items (Spearman-Brown).
    pub predicted_alpha: Option<f64>,
    /// Correlation of random halves, stepped up to full length; mean over random splits.
    pub split_half: Option<f64>,
    /// Standard deviation of the models' scores.
    pub score_deviation_pp: Option<f64>,
    /// Standard error of measurement: what other items of the kind would change.
    pub standard_error_pp: Option<f64>,
    /// Variance of the models' true scores over variance of their errors.
    pub signal_to_noise: Option<f64>,
    /// Difference of two models that items and chance alone exceed once in twenty times.
    pub resolvable_pp: Option<f64>,
    /// Answers that a score is the mean of, harmonic mean; null without repeated answers.
    pub trials: Option<f64>,
    /// Standard error of a score that comes from chance between trials on the same items.
    pub trial_error_pp: Option<f64>,
}

/// Arrow schema.
pub fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("target", DataType::Utf8, false),
        Field::new("subset", DataType::Utf8, false),
        Field::new("items", DataType::UInt32, false),
        Field::new("models", DataType::UInt32, false),
        Field::new("alpha", DataType::Float64, true),
        Field::new("predicted_alpha", DataType::Float64, true),
        Field::new("split_half", DataType::Float64, true),
        Field::new("score_deviation_pp", DataType::Float64, true),
        Field::new("standard_error_pp", DataType::Float64, true),
        Field::new("signal_to_noise", DataType::Float64, true),
        Field::new("resolvable_pp", DataType::Float64, true),
        Field::new("trials", DataType::Float64, true),
        Field::new("trial_error_pp", DataType::Float64, true),
    ]))
}

/// Parquet bytes, sorted by (target, subset).
pub fn encode(rows: &[Reliability]) -> Result<Vec<u8>, TableError> {
    let mut rows: Vec<&Reliability> = rows.iter().collect();
    rows.sort_by(|a, b| (&a.target, &a.subset).cmp(&(&b.target, &b.subset)));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(rows.iter().map(|row| Some(row.target.as_str())).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| Some(row.subset.as_str())).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| Some(row.items)).collect::<UInt32Array>()),
        Arc::new(rows.iter().map(|row| Some(row.models)).collect::<UInt32Array>()),
        Arc::new(rows.iter().map(|row| row.alpha).collect::<Float64Array>()),
        Arc::new(rows.iter().map(|row| row.predicted_alpha).collect::<Float64Array>()),
        Arc::new(rows.iter().map(|row| row.split_half).collect::<Float64Array>()),
        Arc::new(rows.iter().map(|row| row.score_deviation_pp).collect::<Float64Array>()),
        Arc::new(rows.iter().map(|row| row.standard_error_pp).collect::<Float64Array>()),
        Arc::new(rows.iter().map(|row| row.signal_to_noise).collect::<Float64Array>()),
        Arc::new(rows.iter().map(|row| row.resolvable_pp).collect::<Float64Array>()),
        Arc::new(rows.iter().map(|row| row.trials).collect::<Float64Array>()),
        Arc::new(rows.iter().map(|row| row.trial_error_pp).collect::<Float64Array>()),
    ];
    parquet_bytes::write(&schema(), columns)
}

/// Reads the table back.
pub fn decode(bytes: &[u8]) -> Result<Vec<Reliability>, TableError> {
    let columns = Columns::read(bytes)?;
    let target = columns.strings("target")?;
    let subset = columns.strings("subset")?;
    let items = columns.u32s("items")?;
    let models = columns.u32s("models")?;
    let alpha = columns.optional_f64s("alpha")?;
    let predicted_alpha = columns.optional_f64s("predicted_alpha")?;
    let split_half = columns.optional_f64s("split_half")?;
    let score_deviation_pp = columns.optional_f64s("score_deviation_pp")?;
    let standard_error_pp = columns.optional_f64s("standard_error_pp")?;
    let signal_to_noise = columns.optional_f64s("signal_to_noise")?;
    let resolvable_pp = columns.optional_f64s("resolvable_pp")?;
    let trials = columns.optional_f64s("trials")?;
    let trial_error_pp = columns.optional_f64s("trial_error_pp")?;
    let row = |at: usize| Reliability {
        target: target[at].clone(),
        subset: subset[at].clone(),
        items: items[at],
        models: models[at],
        alpha: alpha[at],
        predicted_alpha: predicted_alpha[at],
        split_half: split_half[at],
        score_deviation_pp: score_deviation_pp[at],
        standard_error_pp: standard_error_pp[at],
        signal_to_noise: signal_to_noise[at],
        resolvable_pp: resolvable_pp[at],
        trials: trials[at],
        trial_error_pp: trial_error_pp[at],
    };
    Ok((0..target.len()).map(row).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_sorted_with_their_gaps() {
        let row = |subset: &str, known| Reliability {
            target: "t".to_owned(),
            subset: subset.to_owned(),
            items: 100,
            models: 58,
            alpha: Some(0.5),
            predicted_alpha: known,
            split_half: known,
            score_deviation_pp: Some(12.5),
            standard_error_pp: known,
            signal_to_noise: Some(1.0),
            resolvable_pp: known,
            trials: known,
            trial_error_pp: known.map(|value| 2.0 * value),
        };
        let rows = [row("test", Some(0.25)), row(FULL, None)];
        let back = decode(&encode(&rows).unwrap()).unwrap();
        assert_eq!(back, [rows[1].clone(), rows[0].clone()]);
    }
}
