//! Means that the source publishes beside the scores.

use std::collections::{BTreeMap, BTreeSet};

use aliquot_tables::{
    findings::Finding,
    foreign::{Format, TextTable},
};

use super::{
    Audited, Severity, found,
    grid::Grid,
    mean,
    policy::{AuditPolicy, Policy},
};
use crate::{error::Error, recipe::Published};

/// Published score of each model, as the table has it.
pub fn published_scores(
    published: &Published,
    bytes: &[u8],
) -> Result<BTreeMap<String, f64>, Error> {
    let problem = |problem: String| Error::Data(format!("{}: {problem}", published.address));
    let format = Format::from_name(&published.address.to_string())
        .ok_or_else(|| problem("its name ends in none of .csv, .jsonl, .parquet".to_owned()))?;
    let text = TextTable::read(format, bytes).map_err(|error| problem(error.to_string()))?;
    let models =
        text.column(&published.model_column).map_err(|error| problem(error.to_string()))?;
    let scores =
        text.column(&published.score_column).map_err(|error| problem(error.to_string()))?;
    let mut published_scores = BTreeMap::new();
    for (row, (model, score)) in models.into_iter().zip(scores).enumerate() {
        let (Some(model), Some(score)) = (model, score) else { continue };
        let score: f64 = score
            .parse()
            .map_err(|_| problem(format!("row {}: score `{score}` is not a number", row + 1)))?;
        published_scores.insert(model.to_owned(), score);
    }
    Ok(published_scores)
}

impl Audited {
    /// Records every comparison, those that agree too; returns the models to drop.
    pub(super) fn compare_with_published(
        &mut self,
        policy: &AuditPolicy,
        grid: &Grid<'_>,
        published: &Published,
        scores: &BTreeMap<String, f64>,
    ) -> BTreeSet<usize> {
        let mut dropped = BTreeSet::new();
        for (row, model) in grid.models.iter().enumerate() {
            let observed = mean(grid.matrix.scores_of(row)) * published.scale;
            let expected = scores.get(*model).copied();
            let (severity, action, evidence) = match expected
                .map(|expected| (expected, (observed - expected).abs()))
            {
                None => (Severity::Warning, Policy::Keep, "no published score".to_owned()),
                Some((_, difference)) if difference <= published.tolerance => (
                    Severity::Info,
                    Policy::Keep,
                    format!("differs by {difference:.6}, within {}", published.tolerance),
                ),
                Some((expected, difference)) => (
                    Severity::Error,
                    policy.disagreeing_scores,
                    format!(
                        "recomputed {observed:.4}, published {expected:.4}: differs by {difference:.4}"
                    ),
                ),
            };
            if action == Policy::Drop {
                dropped.insert(row);
            }
            let finding = Finding {
                expected,
                observed: Some(observed),
                ..found(model, action.name(), evidence)
            };
            self.note("aggregate", severity, grid.benchmark, finding);
        }
        dropped
    }
}
