//! `error_curve`: what the released procedure does at other sizes. Sorted by (target, split, subset, k).

use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, Float64Array, StringArray, UInt32Array};
use arrow_schema::{DataType, Field, Schema, SchemaRef};

use crate::{TableError, columns::Columns, parquet_bytes};

/// One row.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CurvePoint {
    /// Name of the mean that is estimated.
    pub target: String,
    /// How held-out models relate to the sources.
    pub split: String,
    /// The subset whose size is searched for; null where the sizes are for comparison only.
    pub subset: Option<String>,
    /// Number of items.
    pub k: u32,
    /// Number of random splits.
    pub repetitions: u32,
    /// Mean absolute error in percentage points.
    pub mae_pp: f64,
    /// Its one-sided upper confidence bound; null where one repetition gives none.
    pub mae_upper_pp: Option<f64>,
    /// Kendall tau-b of estimates against truths; null when undefined.
    pub kendall_tau: Option<f64>,
    /// Share of truths inside their 95 % interval; null where intervals would have to be calibrated
    /// anew at each size.
    pub coverage_95: Option<f64>,
    /// Mean width of the intervals in percentage points; null as `coverage_95`.
    pub width_95_pp: Option<f64>,
    /// Confidence of the bounds.
    pub confidence: f64,
    /// What is asked of the subset, for people; null where nothing is.
    pub request: Option<String>,
    /// Bound of what is asked, in its unit.
    pub bound: Option<f64>,
    /// Whether this is the size that the subset gets.
    pub chosen: bool,
}

/// Arrow schema.
pub fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("target", DataType::Utf8, false),
        Field::new("split", DataType::Utf8, false),
        Field::new("subset", DataType::Utf8, true),
        Field::new("k", DataType::UInt32, false),
        Field::new("repetitions", DataType::UInt32, false),
        Field::new("mae_pp", DataType::Float64, false),
        Field::new("mae_upper_pp", DataType::Float64, true),
        Field::new("kendall_tau", DataType::Float64, true),
        Field::new("coverage_95", DataType::Float64, true),
        Field::new("width_95_pp", DataType::Float64, true),
        Field::new("confidence", DataType::Float64, false),
        Field::new("request", DataType::Utf8, true),
        Field::new("bound", DataType::Float64, true),
        Field::new("chosen", DataType::Boolean, false),
    ]))
}

/// Parquet bytes, sorted by (target, split, subset, k).
pub fn encode(rows: &[CurvePoint]) -> Result<Vec<u8>, TableError> {
    let mut rows: Vec<&CurvePoint> = rows.iter().collect();
    rows.sort_by(|a, b| {
        (&a.target, &a.split, &a.subset, a.k).cmp(&(&b.target, &b.split, &b.subset, b.k))
    });
    let columns: Vec<ArrayRef> = vec![
        Arc::new(rows.iter().map(|row| Some(row.target.as_str())).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| Some(row.split.as_str())).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| row.subset.as_deref()).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| Some(row.k)).collect::<UInt32Array>()),
        Arc::new(rows.iter().map(|row| Some(row.repetitions)).collect::<UInt32Array>()),
        Arc::new(rows.iter().map(|row| Some(row.mae_pp)).collect::<Float64Array>()),
        Arc::new(rows.iter().map(|row| row.mae_upper_pp).collect::<Float64Array>()),
        Arc::new(rows.iter().map(|row| row.kendall_tau).collect::<Float64Array>()),
        Arc::new(rows.iter().map(|row| row.coverage_95).collect::<Float64Array>()),
        Arc::new(rows.iter().map(|row| row.width_95_pp).collect::<Float64Array>()),
        Arc::new(rows.iter().map(|row| Some(row.confidence)).collect::<Float64Array>()),
        Arc::new(rows.iter().map(|row| row.request.as_deref()).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| row.bound).collect::<Float64Array>()),
        Arc::new(rows.iter().map(|row| Some(row.chosen)).collect::<BooleanArray>()),
    ];
    parquet_bytes::write(&schema(), columns)
}

/// Reads the table back.
pub fn decode(bytes: &[u8]) -> Result<Vec<CurvePoint>, TableError> {
    let columns = Columns::read(bytes)?;
    let target = columns.strings("target")?;
    let split = columns.strings("split")?;
    let subset = columns.optional_strings("subset")?;
    let k = columns.u32s("k")?;
    let repetitions = columns.u32s("repetitions")?;
    let mae_pp = columns.f64s("mae_pp")?;
    let mae_upper_pp = columns.optional_f64s("mae_upper_pp")?;
    let kendall_tau = columns.optional_f64s("kendall_tau")?;
    let coverage_95 = columns.optional_f64s("coverage_95")?;
    let width_95_pp = columns.optional_f64s("width_95_pp")?;
    let confidence = columns.f64s("confidence")?;
    let request = columns.optional_strings("request")?;
    let bound = columns.optional_f64s("bound")?;
    let chosen = columns.bools("chosen")?;
    let row = |at: usize| CurvePoint {
        target: target[at].clone(),
        split: split[at].clone(),
        subset: subset[at].clone(),
        k: k[at],
        repetitions: repetitions[at],
        mae_pp: mae_pp[at],
        mae_upper_pp: mae_upper_pp[at],
        kendall_tau: kendall_tau[at],
        coverage_95: coverage_95[at],
        width_95_pp: width_95_pp[at],
        confidence: confidence[at],
        request: request[at].clone(),
        bound: bound[at],
        chosen: chosen[at],
    };
    Ok((0..target.len()).map(row).collect())
}
