//! Which models are variants of which.

use super::Table;
use crate::TableError;

/// Two models that are compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// The variant.
    pub variant: String,
    /// The model that it was made from.
    pub base: String,
    /// `METRIC` or `METRIC:BENCHMARK` that the pair is for; None for all.
    pub metric: Option<String>,
}

impl Pair {
    /// Reads a table of pairs: `quant_model` and `base_model`; `metric` may be there.
    pub fn decode_all(bytes: &[u8]) -> Result<Vec<Self>, TableError> {
        let table = Table::read(bytes)?;
        let variants = table.required_texts("quant_model")?;
        let bases = table.required_texts("base_model")?;
        let metrics = table.first_texts(&["metric"], variants.len())?;
        let rows = variants.into_iter().zip(bases).zip(metrics);
        Ok(rows.map(|((variant, base), metric)| Self { variant, base, metric }).collect())
    }

    /// Whether it is for that benchmark under that metric; a benchmark may be named by the part
    /// after its last `/`.
    pub fn is_for(&self, benchmark: &str, metric: &str) -> bool {
        let Some(wanted) = &self.metric else { return true };
        let short = benchmark.rsplit('/').next().unwrap_or(benchmark);
        let of = |name: &str| format!("{metric}:{name}") == *wanted;
        wanted == metric || of(benchmark) || of(short)
    }
}
