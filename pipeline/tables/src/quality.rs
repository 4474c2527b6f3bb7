//! `quality`: how good each procedure is on held-out models. Sorted by (target, split, k, procedure).

use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, Float64Array, StringArray, UInt32Array};
use arrow_schema::{DataType, Field, Schema, SchemaRef};

use crate::{TableError, columns::Columns, parquet_bytes};

/// One row.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Quality {
    /// Name of the mean that is estimated.
    pub target: String,
    /// How held-out models relate to the sources.
    pub split: String,
    /// Number of items.
    pub k: u32,
    /// `selection+estimator`.
    pub procedure: String,
    /// Whether the release uses this procedure for this target.
    pub released: bool,
    /// Number of random splits.
    pub repetitions: u32,
    /// Number of predictions, over all repetitions.
    pub models: u32,
    /// Mean absolute error in percentage points.
    pub mae_pp: f64,
    /// Its standard error over repetitions.
    pub mae_se_pp: f64,
    /// Root mean square error in percentage points.
    pub rmse_pp: f64,
    /// Mean of estimate minus truth in percentage points.
    pub bias_pp: f64,
    /// 95th percentile of the absolute error in percentage points.
    pub p95_pp: f64,
    /// Kendall tau-b of estimates against truths; null when undefined.
    pub kendall_tau: Option<f64>,
    /// Share of truths inside their 95 % interval.
    pub coverage_95: f64,
    /// Mean width of the intervals in percentage points.
    pub width_95_pp: f64,
}

/// Arrow schema.
pub fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("target", DataType::Utf8, false),
        Field::new("split", DataType::Utf8, false),
        Field::new("k", DataType::UInt32, false),
        Field::new("procedure", DataType::Utf8, false),
        Field::new("released", DataType::Boolean, false),
        Field::new("repetitions", DataType::UInt32, false),
        Field::new("models", DataType::UInt32, false),
        Field::new("mae_pp", DataType::Float64, false),
        Field::new("mae_se_pp", DataType::Float64, false),
        Field::new("rmse_pp", DataType::Float64, false),
        Field::new("bias_pp", DataType::Float64, false),
        Field::new("p95_pp", DataType::Float64, false),
        Field::new("kendall_tau", DataType::Float64, true),
        Field::new("coverage_95", DataType::Float64, false),
        Field::new("width_95_pp", DataType::Float64, false),
    ]))
}

/// Parquet bytes, sorted by (target, split, k, procedure).
pub fn encode(rows: &[Quality]) -> Result<Vec<u8>, TableError> {
    let mut sorted: Vec<&Quality> = rows.iter().collect();
    sorted.sort_by(|a, b| {
        (&a.target, &a.split, &a.k, &a.procedure).cmp(&(&b.target, &b.split, &b.k, &b.procedure))
    });
    let rows = sorted;
    let columns: Vec<ArrayRef> = vec![
        Arc::new(rows.iter().map(|row| Some(row.target.as_str())).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| Some(row.split.as_str())).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| Some(row.k)).collect::<UInt32Array>()),
        Arc::new(rows.iter().map(|row| Some(row.procedure.as_str())).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| Some(row.released)).collect::<BooleanArray>()),
        Arc::new(rows.iter().map(|row| Some(row.repetitions)).collect::<UInt32Array>()),
        Arc::new(rows.iter().map(|row| Some(row.models)).collect::<UInt32Array>()),
        Arc::new(rows.iter().map(|row| Some(row.mae_pp)).collect::<Float64Array>()),
        Arc::new(rows.iter().map(|row| Some(row.mae_se_pp)).collect::<Float64Array>()),
        Arc::new(rows.iter().map(|row| Some(row.rmse_pp)).collect::<Float64Array>()),
        Arc::new(rows.iter().map(|row| Some(row.bias_pp)).collect::<Float64Array>()),
        Arc::new(rows.iter().map(|row| Some(row.p95_pp)).collect::<Float64Array>()),
        Arc::new(rows.iter().map(|row| row.kendall_tau).collect::<Float64Array>()),
        Arc::new(rows.iter().map(|row| Some(row.coverage_95)).collect::<Float64Array>()),
        Arc::new(rows.iter().map(|row| Some(row.width_95_pp)).collect::<Float64Array>()),
    ];
    parquet_bytes::write(&schema(), columns)
}

/// Reads the table back.
pub fn decode(bytes: &[u8]) -> Result<Vec<Quality>, TableError> {
    let columns = Columns::read(bytes)?;
    let target = columns.strings("target")?;
    let split = columns.strings("split")?;
    let k = columns.u32s("k")?;
    let procedure = columns.strings("procedure")?;
    let released = columns.bools("released")?;
    let repetitions = columns.u32s("repetitions")?;
    let models = columns.u32s("models")?;
    let mae_pp = columns.f64s("mae_pp")?;
    let mae_se_pp = columns.f64s("mae_se_pp")?;
    let rmse_pp = columns.f64s("rmse_pp")?;
    let bias_pp = columns.f64s("bias_pp")?;
    let p95_pp = columns.f64s("p95_pp")?;
    let kendall_tau = columns.optional_f64s("kendall_tau")?;
    let coverage_95 = columns.f64s("coverage_95")?;
    let width_95_pp = columns.f64s("width_95_pp")?;
    let row = |at: usize| Quality {
        target: target[at].clone(),
        split: split[at].clone(),
        k: k[at],
        procedure: procedure[at].clone(),
        released: released[at],
        repetitions: repetitions[at],
        models: models[at],
        mae_pp: mae_pp[at],
        mae_se_pp: mae_se_pp[at],
        rmse_pp: rmse_pp[at],
        bias_pp: bias_pp[at],
        p95_pp: p95_pp[at],
        kendall_tau: kendall_tau[at],
        coverage_95: coverage_95[at],
        width_95_pp: width_95_pp[at],
    };
    Ok((0..target.len()).map(row).collect())
}
