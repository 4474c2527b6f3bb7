//! `gaps`: how many scores of each model are missing, and why. Sorted by (benchmark, model, reason).

use std::{collections::BTreeMap, sync::Arc};

use arrow_array::{ArrayRef, StringArray, UInt64Array};
use arrow_schema::{DataType, Field, Schema, SchemaRef};

use crate::{TableError, columns::Columns, parquet_bytes, responses::Responses};

/// One row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gap {
    /// Benchmark.
    pub benchmark: String,
    /// Name of the model.
    pub model: String,
    /// Why, as the adapter has it; empty where it does not say.
    pub reason: String,
    /// Number of rows of `responses` without a score for this reason.
    pub count: u64,
}

/// Counts the missing scores of `responses`; `benchmark_of` knows the benchmark of an item uid, and items
/// that it does not know are left out.
pub fn counted<'a>(
    responses: &Responses,
    benchmark_of: impl Fn(&str) -> Option<&'a str>,
) -> Vec<Gap> {
    let mut counts: BTreeMap<(&str, &str, &str), u64> = BTreeMap::new();
    for row in (0..responses.len()).filter(|&row| responses.score[row].is_nan()) {
        let Some(benchmark) = benchmark_of(responses.item_uid.get(row)) else { continue };
        let key = (benchmark, responses.model.get(row), responses.missing_reason.get(row));
        *counts.entry(key).or_default() += 1;
    }
    let gap = |((benchmark, model, reason), count): ((&str, &str, &str), u64)| Gap {
        benchmark: benchmark.to_owned(),
        model: model.to_owned(),
        reason: reason.to_owned(),
        count,
    };
    counts.into_iter().map(gap).collect()
}

/// Arrow schema.
pub fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("benchmark", DataType::Utf8, false),
        Field::new("model", DataType::Utf8, false),
        Field::new("reason", DataType::Utf8, false),
        Field::new("count", DataType::UInt64, false),
    ]))
}

/// Parquet bytes, sorted by (benchmark, model, reason).
pub fn encode(rows: &[Gap]) -> Result<Vec<u8>, TableError> {
    let mut sorted: Vec<&Gap> = rows.iter().collect();
    sorted.sort_by(|a, b| {
        (&a.benchmark, &a.model, &a.reason).cmp(&(&b.benchmark, &b.model, &b.reason))
    });
    let rows = sorted;
    let columns: Vec<ArrayRef> = vec![
        Arc::new(rows.iter().map(|row| Some(row.benchmark.as_str())).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| Some(row.model.as_str())).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| Some(row.reason.as_str())).collect::<StringArray>()),
        Arc::new(UInt64Array::from_iter_values(rows.iter().map(|row| row.count))),
    ];
    parquet_bytes::write(&schema(), columns)
}

/// Reads the table back.
pub fn decode(bytes: &[u8]) -> Result<Vec<Gap>, TableError> {
    let columns = Columns::read(bytes)?;
    let benchmark = columns.strings("benchmark")?;
    let model = columns.strings("model")?;
    let reason = columns.strings("reason")?;
    let count = columns.u64s("count")?;
    let row = |at: usize| Gap {
        benchmark: benchmark[at].clone(),
        model: model[at].clone(),
        reason: reason[at].clone(),
        count: count[at],
    };
    Ok((0..benchmark.len()).map(row).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::responses::Response;

    #[test]
    fn missing_scores_are_counted_by_reason_and_come_back() {
        let mut responses = Responses::default();
        for (model, item_uid, score) in [
            ("b", "1", Err("error")),
            ("b", "2", Err("error")),
            ("b", "3", Err("")),
            ("a", "1", Ok(1.0)),
            ("a", "2", Err("blank")),
            ("a", "elsewhere", Err("blank")),
        ] {
            let (metric, filter, raw) = ("acc", "", "raw");
            let log_likelihood = None;
            let (trial, record) = (0, 0);
            let row = Response {
                model,
                item_uid,
                metric,
                filter,
                trial,
                score,
                log_likelihood,
                raw,
                record,
            };
            responses.push(&row);
        }
        let gaps = counted(&responses, |item| (item.len() == 1).then_some("bench"));
        let told: Vec<_> = gaps.iter().map(|g| (&*g.model, &*g.reason, g.count)).collect();
        assert_eq!(told, [("a", "blank", 1), ("b", "", 1), ("b", "error", 2)]);
        assert_eq!(decode(&encode(&gaps).unwrap()).unwrap(), gaps);
    }
}
