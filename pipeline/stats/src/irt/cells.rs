//! Scores as the fit walks over them: dense, by item and by model.

use crate::{StatsError, matrix::ResponseMatrix};

/// Scores and trials of `units` units (items or models) over `length` observations each.
pub(super) struct Cells {
    units: usize,
    length: usize,
    scores: Vec<f32>,
    trials: Vec<f32>,
}

impl Cells {
    /// By model: one unit a model, one observation an item.
    pub(super) fn by_model(
        responses: &ResponseMatrix,
        trials: Option<&[f32]>,
    ) -> Result<Self, StatsError> {
        let (units, length) = (responses.models(), responses.items());
        if let Some(trials) = trials {
            if trials.len() != units * length {
                return Err(StatsError::Shape { models: units, items: length, got: trials.len() });
            }
            if trials.iter().any(|count| !count.is_finite() || *count < 0.0) {
                return Err(StatsError::BadTrials);
            }
        }
        let mut cells = Self { units, length, scores: Vec::new(), trials: Vec::new() };
        for model in 0..units {
            for item in 0..length {
                let score = responses.get(model, item);
                let given = trials.map_or(1.0, |trials| trials[model * length + item]);
                cells.scores.push(score.unwrap_or(0.0) as f32);
                cells.trials.push(if score.is_some() { given } else { 0.0 });
            }
        }
        Ok(cells)
    }

    /// The same cells with units and observations exchanged.
    pub(super) fn transposed(&self) -> Self {
        let exchange = |values: &[f32]| -> Vec<f32> {
            (0..self.length)
                .flat_map(|column| values[column..].iter().step_by(self.length))
                .copied()
                .collect()
        };
        Self {
            units: self.length,
            length: self.units,
            scores: exchange(&self.scores),
            trials: exchange(&self.trials),
        }
    }

    /// Number of units.
    pub(super) fn units(&self) -> usize {
        self.units
    }

    /// Observations of each unit.
    pub(super) fn length(&self) -> usize {
        self.length
    }

    /// Scores of one unit.
    pub(super) fn scores(&self, unit: usize) -> &[f32] {
        &self.scores[unit * self.length..(unit + 1) * self.length]
    }

    /// Trials of one unit, 0 where a score is missing.
    pub(super) fn trials(&self, unit: usize) -> &[f32] {
        &self.trials[unit * self.length..(unit + 1) * self.length]
    }

    /// Mean score of one unit over its trials, shrunk by half a success and half a failure.
    pub(super) fn mean(&self, unit: usize) -> f64 {
        let (mut sum, mut count) = (0.5, 1.0);
        for (score, trials) in self.scores(unit).iter().zip(self.trials(unit)) {
            sum += f64::from(score * trials);
            count += f64::from(*trials);
        }
        sum / count
    }

    /// Scores of one unit less their mean, 0 where missing.
    pub(super) fn centred(&self, unit: usize) -> impl Iterator<Item = f32> {
        let mean = self.mean(unit) as f32;
        let observed = self.scores(unit).iter().zip(self.trials(unit));
        observed.map(move |(score, trials)| if *trials > 0.0 { score - mean } else { 0.0 })
    }
}
