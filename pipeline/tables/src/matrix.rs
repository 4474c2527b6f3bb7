//! From long tables to the matrix that `stats` works on.

use aliquot_stats::{StatsError, matrix::ResponseMatrix};

use crate::scores::Scores;

/// A response matrix with the names of its rows and columns.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedMatrix {
    /// Name of each row.
    pub models: Vec<String>,
    /// Item uid of each column.
    pub items: Vec<String>,
    /// The scores.
    pub scores: ResponseMatrix,
}

/// The matrix of `models` x `items`, in that order: the mean over trials, missing where there is no
/// score.
pub fn pivot(
    scores: &Scores,
    models: Vec<String>,
    items: Vec<String>,
) -> Result<NamedMatrix, StatsError> {
    let scores = ResponseMatrix::new(models.len(), items.len(), scores.means(&models, &items))?;
    Ok(NamedMatrix { models, items, scores })
}
