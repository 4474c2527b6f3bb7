//! `item_analysis`: what each item contributes to each mean that is estimated. Sorted by (target, item
//! uid).
//!
//! Computed from all models and items of the target, chosen or not. A statistic that the answers do
//! not determine is null: correlations of an item that all models solve, for one.

use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, StringArray, UInt32Array};
use arrow_schema::{DataType, Field, Schema, SchemaRef};

use crate::{TableError, columns::Columns, parquet_bytes};

/// One row.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ItemAnalysis {
    /// Name of the mean that is estimated.
    pub target: String,
    /// Item uid, as hexadecimal digits.
    pub item_uid: String,
    /// Benchmark of the item.
    pub benchmark: String,
    /// Subset of the target that holds the item; null where none does.
    pub subset: Option<String>,
    /// Number of models with a score.
    pub answers: u32,
    /// Mean score, the proportion correct: high for easy items.
    pub proportion: Option<f64>,
    /// Standard deviation of the score over the models.
    pub standard_deviation: Option<f64>,
    /// Correlation of the score with the mean over the other items, point-biserial for 0/1 scores.
    pub item_rest: Option<f64>,
    /// Mean score of the upper 27 % of the models less that of the lower 27 %.
    pub discrimination: Option<f64>,
    /// Slope `a` of the two-parameter model `logistic(a theta + b)`, in logits a standard deviation of
    /// ability.
    pub irt_slope: f64,
    /// Intercept `b` of it, the logit of the mean model.
    pub irt_intercept: f64,
    /// `-b / a`, the ability that solves the item half of the time; null unless the slope is positive.
    pub irt_difficulty: Option<f64>,
    /// Difficulty in logits where all items have one slope: 0 if the mean model solves the item half of
    /// the time.
    pub rasch_difficulty: f64,
    /// Pointwise V-information in bits, mean over the models: how much likelier the item makes its gold
    /// answer than that answer's share in the benchmark does. Null where log-likelihoods or gold
    /// answers are not known.
    pub v_information: Option<f64>,
}

/// Arrow schema.
pub fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("target", DataType::Utf8, false),
        Field::new("item_uid", DataType::Utf8, false),
        Field::new("benchmark", DataType::Utf8, false),
        Field::new("subset", DataType::Utf8, true),
        Field::new("answers", DataType::UInt32, false),
        Field::new("proportion", DataType::Float64, true),
        Field::new("standard_deviation", DataType::Float64, true),
        Field::new("item_rest", DataType::Float64, true),
        Field::new("discrimination", DataType::Float64, true),
        Field::new("irt_slope", DataType::Float64, false),
        Field::new("irt_intercept", DataType::Float64, false),
        Field::new("irt_difficulty", DataType::Float64, true),
        Field::new("rasch_difficulty", DataType::Float64, false),
        Field::new("v_information", DataType::Float64, true),
    ]))
}

/// Parquet bytes, sorted by (target, item uid).
pub fn encode(rows: &[ItemAnalysis]) -> Result<Vec<u8>, TableError> {
    let mut rows: Vec<&ItemAnalysis> = rows.iter().collect();
    rows.sort_by(|a, b| (&a.target, &a.item_uid).cmp(&(&b.target, &b.item_uid)));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(rows.iter().map(|row| Some(row.target.as_str())).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| Some(row.item_uid.as_str())).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| Some(row.benchmark.as_str())).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| row.subset.as_deref()).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| Some(row.answers)).collect::<UInt32Array>()),
        Arc::new(rows.iter().map(|row| row.proportion).collect::<Float64Array>()),
        Arc::new(rows.iter().map(|row| row.standard_deviation).collect::<Float64Array>()),
        Arc::new(rows.iter().map(|row| row.item_rest).collect::<Float64Array>()),
        Arc::new(rows.iter().map(|row| row.discrimination).collect::<Float64Array>()),
        Arc::new(rows.iter().map(|row| Some(row.irt_slope)).collect::<Float64Array>()),
        Arc::new(rows.iter().map(|row| Some(row.irt_intercept)).collect::<Float64Array>()),
        Arc::new(rows.iter().map(|row| row.irt_difficulty).collect::<Float64Array>()),
        Arc::new(rows.iter().map(|row| Some(row.rasch_difficulty)).collect::<Float64Array>()),
        Arc::new(rows.iter().map(|row| row.v_information).collect::<Float64Array>()),
    ];
    parquet_bytes::write(&schema(), columns)
}

/// Reads the table back.
pub fn decode(bytes: &[u8]) -> Result<Vec<ItemAnalysis>, TableError> {
    let columns = Columns::read(bytes)?;
    let target = columns.strings("target")?;
    let item_uid = columns.strings("item_uid")?;
    let benchmark = columns.strings("benchmark")?;
    let subset = columns.optional_strings("subset")?;
    let answers = columns.u32s("answers")?;
    let proportion = columns.optional_f64s("proportion")?;
    let standard_deviation = columns.optional_f64s("standard_deviation")?;
    let item_rest = columns.optional_f64s("item_rest")?;
    let discrimination = columns.optional_f64s("discrimination")?;
    let irt_slope = columns.f64s("irt_slope")?;
    let irt_intercept = columns.f64s("irt_intercept")?;
    let irt_difficulty = columns.optional_f64s("irt_difficulty")?;
    let rasch_difficulty = columns.f64s("rasch_difficulty")?;
    let v_information = columns.optional_f64s("v_information")?;
    let row = |at: usize| ItemAnalysis {
        target: target[at].clone(),
        item_uid: item_uid[at].clone(),
        benchmark: benchmark[at].clone(),
        subset: subset[at].clone(),
        answers: answers[at],
        proportion: proportion[at],
        standard_deviation: standard_deviation[at],
        item_rest: item_rest[at],
        discrimination: discrimination[at],
        irt_slope: irt_slope[at],
        irt_intercept: irt_intercept[at],
        irt_difficulty: irt_difficulty[at],
        rasch_difficulty: rasch_difficulty[at],
        v_information: v_information[at],
    };
    Ok((0..target.len()).map(row).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_sorted_with_their_gaps() {
        let row = |target: &str, item_uid: &str, subset: Option<&str>, known| ItemAnalysis {
            target: target.to_owned(),
            item_uid: item_uid.to_owned(),
            benchmark: "b".to_owned(),
            subset: subset.map(str::to_owned),
            answers: 7,
            proportion: Some(0.25),
            standard_deviation: Some(0.5),
            item_rest: known,
            discrimination: known,
            irt_slope: 1.5,
            irt_intercept: -2.0,
            irt_difficulty: known,
            rasch_difficulty: -1.0,
            v_information: known.map(|value| -value),
        };
        let rows = [
            row("u", "1", None, None),
            row("t", "2", Some("test"), Some(0.125)),
            row("t", "1", Some("validation"), None),
        ];
        let bytes = encode(&rows).unwrap();
        let [first, second, third] = &rows;
        assert_eq!(decode(&bytes).unwrap(), [third.clone(), second.clone(), first.clone()]);
        let turned: Vec<ItemAnalysis> = rows.iter().rev().cloned().collect();
        assert_eq!(encode(&turned).unwrap(), bytes);
    }
}
