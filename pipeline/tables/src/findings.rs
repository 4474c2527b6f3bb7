//! `findings`: what the audit saw, with evidence and what was done about it. Sorted by (kind, benchmark, subject).

use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, StringArray};
use arrow_schema::{DataType, Field, Schema, SchemaRef};

use crate::{TableError, columns::Columns, parquet_bytes};

/// One row.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Finding {
    /// Kind, such as `aggregate` or `duplicate-model`.
    pub kind: String,
    /// `info`, `warning` or `error`.
    pub severity: String,
    /// Benchmark concerned; empty for all.
    pub benchmark: String,
    /// Model or item concerned.
    pub subject: String,
    /// What was seen, in words and figures.
    pub evidence: String,
    /// `keep`, `drop` or `fail`.
    pub action: String,
    /// Published value, for comparisons.
    pub expected: Option<f64>,
    /// Recomputed value, for comparisons.
    pub observed: Option<f64>,
}

impl Finding {
    /// Something that was noted and changes nothing; `about` are benchmark and subject.
    pub fn kept(kind: &str, severity: &str, about: (&str, &str), evidence: String) -> Self {
        Self {
            kind: kind.to_owned(),
            severity: severity.to_owned(),
            benchmark: about.0.to_owned(),
            subject: about.1.to_owned(),
            evidence,
            action: "keep".to_owned(),
            ..Self::default()
        }
    }
}

/// Arrow schema.
pub fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("kind", DataType::Utf8, false),
        Field::new("severity", DataType::Utf8, false),
        Field::new("benchmark", DataType::Utf8, false),
        Field::new("subject", DataType::Utf8, false),
        Field::new("evidence", DataType::Utf8, false),
        Field::new("action", DataType::Utf8, false),
        Field::new("expected", DataType::Float64, true),
        Field::new("observed", DataType::Float64, true),
    ]))
}

/// Parquet bytes, sorted by (kind, benchmark, subject).
pub fn encode(rows: &[Finding]) -> Result<Vec<u8>, TableError> {
    let mut sorted: Vec<&Finding> = rows.iter().collect();
    sorted.sort_by(|a, b| {
        (&a.kind, &a.benchmark, &a.subject).cmp(&(&b.kind, &b.benchmark, &b.subject))
    });
    let rows = sorted;
    let columns: Vec<ArrayRef> = vec![
        Arc::new(rows.iter().map(|row| Some(row.kind.as_str())).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| Some(row.severity.as_str())).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| Some(row.benchmark.as_str())).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| Some(row.subject.as_str())).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| Some(row.evidence.as_str())).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| Some(row.action.as_str())).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| row.expected).collect::<Float64Array>()),
        Arc::new(rows.iter().map(|row| row.observed).collect::<Float64Array>()),
    ];
    parquet_bytes::write(&schema(), columns)
}

/// Reads the table back.
pub fn decode(bytes: &[u8]) -> Result<Vec<Finding>, TableError> {
    let columns = Columns::read(bytes)?;
    let kind = columns.strings("kind")?;
    let severity = columns.strings("severity")?;
    let benchmark = columns.strings("benchmark")?;
    let subject = columns.strings("subject")?;
    let evidence = columns.strings("evidence")?;
    let action = columns.strings("action")?;
    let expected = columns.optional_f64s("expected")?;
    let observed = columns.optional_f64s("observed")?;
    let row = |at: usize| Finding {
        kind: kind[at].clone(),
        severity: severity[at].clone(),
        benchmark: benchmark[at].clone(),
        subject: subject[at].clone(),
        evidence: evidence[at].clone(),
        action: action[at].clone(),
        expected: expected[at],
        observed: observed[at],
    };
    Ok((0..kind.len()).map(row).collect())
}
