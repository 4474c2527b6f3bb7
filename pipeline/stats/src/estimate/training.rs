use crate::{StatsError, matrix::CompleteMatrix};

/// What a regression learns from: the sources' answers on a subset and their full scores.
#[derive(Debug)]
pub(super) struct Training<'a> {
    /// One slice over the models a subset item.
    pub columns: Vec<&'a [f64]>,
    /// One a model.
    pub scores: &'a [f64],
}

impl<'a> Training<'a> {
    /// Checks the shapes once, so that no fit has to.
    ///
    /// Errors when there are no items, fewer than `needed` models, not one score a model, or a model
    /// whose score is not a number.
    pub fn new(
        sources: &'a CompleteMatrix,
        items: &[usize],
        scores: &'a [f64],
        (what, needed): (&'static str, usize),
    ) -> Result<Self, StatsError> {
        let models = sources.models();
        if items.is_empty() {
            return Err(StatsError::BudgetZero);
        }
        if models < needed {
            return Err(StatsError::TooFewModels { what, needed, got: models });
        }
        if scores.len() != models {
            return Err(StatsError::Shape { models, items: 1, got: scores.len() });
        }
        if let Some(model) = scores.iter().position(|score| !score.is_finite()) {
            return Err(StatsError::NoScores { model });
        }
        Ok(Self { columns: items.iter().map(|&item| sources.item(item)).collect(), scores })
    }

    /// Number of source models.
    pub fn models(&self) -> usize {
        self.scores.len()
    }

    /// Answers by model, row-major models x items, `shifts` (one an item) taken off.
    pub fn rows(&self, shifts: &[f64]) -> Vec<f64> {
        let mut rows = Vec::with_capacity(self.models() * self.columns.len());
        for model in 0..self.models() {
            rows.extend(
                self.columns.iter().zip(shifts).map(|(column, shift)| column[model] - shift),
            );
        }
        rows
    }

    /// Mean answer on each item.
    pub fn means(&self) -> Vec<f64> {
        self.columns.iter().map(|column| mean(column)).collect()
    }
}

/// Mean of a slice that is not empty.
pub(super) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::ResponseMatrix;

    #[test]
    fn wrong_shapes_are_refused_before_any_fit() {
        let scores = vec![1.0, 0.0, 0.5, 0.25];
        let sources = ResponseMatrix::new(2, 2, scores).unwrap().imputed().unwrap();
        let refused = |items: &[usize], scores: &[f64], needed| {
            Training::new(&sources, items, scores, ("a fit", needed)).unwrap_err()
        };
        assert_eq!(refused(&[], &[0.5, 0.5], 2), StatsError::BudgetZero);
        let few = StatsError::TooFewModels { what: "a fit", needed: 3, got: 2 };
        assert_eq!(refused(&[0], &[0.5, 0.5], 3), few);
        assert_eq!(refused(&[0], &[0.5], 2), StatsError::Shape { models: 2, items: 1, got: 1 });
        assert_eq!(refused(&[0], &[0.5, f64::NAN], 2), StatsError::NoScores { model: 1 });
    }
}
