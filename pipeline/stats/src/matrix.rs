//! Scores of models on items, and the mean that is to be estimated from them.

use crate::StatsError;

/// Scores in [0, 1], one row a model, one column an item; a missing score is not a zero.
#[derive(Debug, Clone, PartialEq)]
pub struct ResponseMatrix {
    models: usize,
    items: usize,
    /// Row-major; NaN marks a missing score.
    scores: Vec<f32>,
    /// Row-major; None where every score is one answer.
    trials: Option<Vec<f32>>,
}

impl ResponseMatrix {
    /// Builds a matrix from `models * items` scores in row-major order, NaN where missing.
    pub fn new(models: usize, items: usize, scores: Vec<f32>) -> Result<Self, StatsError> {
        if models == 0 || items == 0 {
            return Err(StatsError::Empty { models, items });
        }
        if scores.len() != models * items {
            return Err(StatsError::Shape { models, items, got: scores.len() });
        }
        if let Some(at) =
            scores.iter().position(|score| !score.is_nan() && !(0.0..=1.0).contains(score))
        {
            return Err(StatsError::ScoreOutOfRange {
                model: at / items,
                item: at % items,
                score: scores[at],
            });
        }
        Ok(Self { models, items, scores, trials: None })
    }

    /// The same with the number of answers that each score is the mean of, laid out as the scores; it
    /// is not looked at where a score is missing.
    ///
    /// Errors with [`StatsError::Shape`] or [`StatsError::BadTrials`].
    pub fn with_trials(self, trials: Vec<f32>) -> Result<Self, StatsError> {
        let Self { models, items, scores, .. } = self;
        if trials.len() != scores.len() {
            return Err(StatsError::Shape { models, items, got: trials.len() });
        }
        if trials.iter().any(|count| !count.is_finite() || *count < 0.0) {
            return Err(StatsError::BadTrials);
        }
        Ok(Self { models, items, scores, trials: Some(trials) })
    }

    /// Numbers of answers behind the scores, row-major; None where each is one.
    pub fn trials(&self) -> Option<&[f32]> {
        self.trials.as_deref()
    }

    /// Number of models (rows).
    pub fn models(&self) -> usize {
        self.models
    }

    /// Number of items (columns).
    pub fn items(&self) -> usize {
        self.items
    }

    /// The score of one model on one item, if there is one.
    pub fn get(&self, model: usize, item: usize) -> Option<f64> {
        let score = self.scores[model * self.items + item];
        (!score.is_nan()).then_some(f64::from(score))
    }

    /// The scores of one model, NaN where missing.
    pub fn scores_of(&self, model: usize) -> &[f32] {
        self.row(&self.scores, model)
    }

    /// The rows `models`, in that order.
    pub fn select_models(&self, models: &[usize]) -> Result<Self, StatsError> {
        let rows = |values: &[f32]| {
            models.iter().flat_map(|&model| self.row(values, model)).copied().collect()
        };
        let selected = Self::new(models.len(), self.items, rows(&self.scores))?;
        Ok(Self { trials: self.trials.as_deref().map(rows), ..selected })
    }

    /// The columns `items`, in that order.
    pub fn select_items(&self, items: &[usize]) -> Result<Self, StatsError> {
        let columns = |values: &[f32]| {
            let row = |model| items.iter().map(move |&item| self.row(values, model)[item]);
            (0..self.models).flat_map(row).collect()
        };
        let selected = Self::new(self.models, items.len(), columns(&self.scores))?;
        Ok(Self { trials: self.trials.as_deref().map(columns), ..selected })
    }

    /// The target mean of every model over the items that it has answered.
    ///
    /// A model that has answered none of the target's items gets NaN.
    pub fn full_scores(&self, target: &Target) -> Vec<f64> {
        (0..self.models).map(|model| target.mean(|item| self.get(model, item))).collect()
    }

    /// Fills each missing score with model mean + item mean - grand mean, clamped to [0, 1].
    ///
    /// This is the additive two-way model, fitted by plain means over what was observed: it keeps
    /// the order of models and of items and adds no interaction that was not seen. An item that none
    /// of these models has answered gets the grand mean; a model without any score is an error.
    pub fn imputed(&self) -> Result<CompleteMatrix, StatsError> {
        let model_means = (0..self.models)
            .map(|model| mean_of((0..self.items).map(|item| self.get(model, item))))
            .enumerate()
            .map(|(model, mean)| mean.ok_or(StatsError::NoScores { model }))
            .collect::<Result<Vec<_>, _>>()?;
        let grand = model_means.iter().sum::<f64>() / self.models as f64;
        let item_mean = |item| mean_of((0..self.models).map(|model| self.get(model, item)));
        let item_means: Vec<f64> =
            (0..self.items).map(|item| item_mean(item).unwrap_or(grand)).collect();

        let mut columns = Vec::with_capacity(self.scores.len());
        for (item, item_mean) in item_means.iter().enumerate() {
            for (model, model_mean) in model_means.iter().enumerate() {
                let stand_in = || (model_mean + item_mean - grand).clamp(0.0, 1.0);
                columns.push(self.get(model, item).unwrap_or_else(stand_in));
            }
        }
        Ok(CompleteMatrix { models: self.models, items: self.items, columns, item_means })
    }

    fn row<'a>(&self, values: &'a [f32], model: usize) -> &'a [f32] {
        &values[model * self.items..(model + 1) * self.items]
    }
}

fn mean_of(values: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    let (sum, count) =
        values.flatten().fold((0.0, 0_u64), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / count as f64)
}

/// A matrix without gaps, stored by item because selection walks over items.
#[derive(Debug, Clone, PartialEq)]
pub struct CompleteMatrix {
    models: usize,
    items: usize,
    columns: Vec<f64>,
    item_means: Vec<f64>,
}

impl CompleteMatrix {
    /// Items that no model has answered: no rows, and all items of one difficulty.
    pub(crate) fn unanswered(items: usize) -> Self {
        Self { models: 0, items, columns: Vec::new(), item_means: vec![0.5; items] }
    }

    /// Number of models.
    pub fn models(&self) -> usize {
        self.models
    }

    /// Number of items.
    pub fn items(&self) -> usize {
        self.items
    }

    /// The scores of all models on one item.
    pub fn item(&self, item: usize) -> &[f64] {
        &self.columns[item * self.models..(item + 1) * self.models]
    }

    /// Mean observed score of each item, the proportion correct of 0/1 scores.
    pub fn item_means(&self) -> &[f64] {
        &self.item_means
    }

    /// The target mean of every model, gaps filled.
    pub fn target_means(&self, target: &Target) -> Vec<f64> {
        let mut means = vec![0.0; self.models];
        for (item, weight) in target.weights.iter().enumerate() {
            for (mean, score) in means.iter_mut().zip(self.item(item)) {
                *mean += weight * score;
            }
        }
        means
    }
}

/// The quantity to estimate: a weighted mean over all items, weights summing to one.
///
/// One benchmark has equal weights. The mean of several benchmarks gives each item its benchmark's
/// weight divided by that benchmark's number of items.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    weights: Vec<f64>,
    groups: Vec<u32>,
    tasks: Option<Vec<u32>>,
}

impl Target {
    /// Equal weights: the plain mean over `items` items.
    pub fn uniform(items: usize) -> Result<Self, StatsError> {
        Self::grouped(&vec![0; items], &[1.0])
    }

    /// `groups[item]` is the benchmark of each item, `group_weights` what each benchmark counts.
    ///
    /// Weights are scaled to sum to one. Errors with [`StatsError::BadWeights`] when a group has no
    /// weight declared, or no weight is positive.
    pub fn grouped(groups: &[u32], group_weights: &[f64]) -> Result<Self, StatsError> {
        let mut sizes = vec![0_u64; group_weights.len()];
        for &group in groups {
            *sizes.get_mut(group as usize).ok_or(StatsError::BadWeights)? += 1;
        }
        let raw: Vec<f64> = groups
            .iter()
            .map(|&group| group_weights[group as usize] / sizes[group as usize] as f64)
            .collect();
        Self::scaled(&raw, groups.to_vec())
    }

    fn scaled(raw: &[f64], groups: Vec<u32>) -> Result<Self, StatsError> {
        let total: f64 = raw.iter().sum();
        let valid = raw.iter().all(|weight| weight.is_finite() && *weight >= 0.0);
        if !valid || total.is_nan() || total <= 0.0 {
            return Err(StatsError::BadWeights);
        }
        let weights = raw.iter().map(|weight| weight / total).collect();
        Ok(Self { weights, groups, tasks: None })
    }

    /// The same mean over the items of the pool alone: the others weigh nothing, and each benchmark keeps
    /// the share that it has in all.
    ///
    /// Errors with [`StatsError::BadWeights`] when a benchmark that counts has no item in the pool.
    pub fn within(&self, pool: &[usize]) -> Result<Self, StatsError> {
        let groups = self.groups.iter().max().map_or(0, |last| *last as usize + 1);
        let (mut all, mut kept) = (vec![0.0; groups], vec![0.0; groups]);
        for (group, weight) in self.groups.iter().zip(&self.weights) {
            all[*group as usize] += weight;
        }
        let mut weights = vec![0.0; self.weights.len()];
        for &item in pool {
            weights[item] = self.weights[item];
            kept[self.groups[item] as usize] += self.weights[item];
        }
        for (group, (all, kept)) in all.iter().zip(&kept).enumerate() {
            if *all > 0.0 && *kept <= 0.0 {
                return Err(StatsError::BadWeights);
            }
            for (weight, of) in weights.iter_mut().zip(&self.groups) {
                *weight *= if *of as usize == group && *kept > 0.0 { all / kept } else { 1.0 };
            }
        }
        Ok(Self { weights, ..self.clone() })
    }

    /// The same with the task of each item, which selection by tasks goes by.
    ///
    /// Errors with [`StatsError::Length`] unless there is one number an item.
    pub fn with_tasks(self, tasks: Vec<u32>) -> Result<Self, StatsError> {
        let (expected, got) = (self.weights.len(), tasks.len());
        if got != expected {
            return Err(StatsError::Length { what: "tasks of items", expected, got });
        }
        Ok(Self { tasks: Some(tasks), ..self })
    }

    /// Task of each item, where it is known.
    pub fn tasks(&self) -> Option<&[u32]> {
        self.tasks.as_deref()
    }

    /// One benchmark whose items count by `weights`, which are scaled to sum to one.
    ///
    /// Errors with [`StatsError::BadWeights`] when a weight is negative or not finite, or none is
    /// positive.
    pub fn weighted(weights: &[f64]) -> Result<Self, StatsError> {
        Self::scaled(weights, vec![0; weights.len()])
    }

    /// Weight of each item; they sum to one.
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// Benchmark of each item, by number.
    pub fn groups(&self) -> &[u32] {
        &self.groups
    }

    /// Weighted mean of the benchmarks' means over the items for which `score` gives a value; NaN if
    /// there is none.
    ///
    /// A gap leaves the denominator of its own benchmark: it does not make the others count more.
    pub fn mean(&self, score: impl Fn(usize) -> Option<f64>) -> f64 {
        let groups = self.groups.iter().max().map_or(0, |last| *last as usize + 1);
        // Weighted sum of scores, weight answered, weight in all.
        let mut parts = vec![(0.0, 0.0, 0.0); groups];
        for (item, weight) in self.weights.iter().enumerate() {
            let (sum, answered, all) = &mut parts[self.groups[item] as usize];
            *all += weight;
            if let Some(value) = score(item) {
                *sum += weight * value;
                *answered += weight;
            }
        }
        let answered = parts.iter().filter(|(_, answered, _)| *answered > 0.0);
        let (sum, weight) = answered.fold((0.0, 0.0), |(total, weight), (sum, answered, all)| {
            (total + sum / answered * all, weight + all)
        });
        sum / weight
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_scores_leave_the_denominator() {
        let matrix = ResponseMatrix::new(2, 2, vec![1.0, f32::NAN, 0.0, 1.0]).unwrap();
        let target = Target::uniform(2).unwrap();
        assert_eq!(matrix.full_scores(&target), [1.0, 0.5]);
    }

    #[test]
    fn rows_and_columns_are_taken_in_the_order_asked_for() {
        let matrix = ResponseMatrix::new(2, 3, vec![0.0, 0.1, 0.2, 0.3, 0.4, 0.5]).unwrap();
        let part = matrix.select_models(&[1, 0]).unwrap().select_items(&[2, 0]).unwrap();
        assert_eq!(part, ResponseMatrix::new(2, 2, vec![0.5, 0.3, 0.2, 0.0]).unwrap());
    }

    #[test]
    fn imputation_is_additive_and_keeps_what_was_observed() {
        let matrix = ResponseMatrix::new(2, 2, vec![0.5, f32::NAN, 0.25, 0.25]).unwrap();
        let complete = matrix.imputed().unwrap();
        // model mean 0.5 + item mean 0.25 - grand mean (0.5 + 0.25) / 2
        assert_eq!(complete.item(1), [0.375, 0.25]);
        assert_eq!(complete.item(0), [0.5, 0.25]);
    }

    #[test]
    fn a_model_without_scores_and_a_bad_score_are_errors() {
        let gap = ResponseMatrix::new(2, 1, vec![1.0, f32::NAN]).unwrap();
        assert_eq!(gap.imputed(), Err(StatsError::NoScores { model: 1 }));
        let error = ResponseMatrix::new(1, 2, vec![0.0, 7.0]).unwrap_err();
        assert_eq!(error, StatsError::ScoreOutOfRange { model: 0, item: 1, score: 7.0 });
    }

    #[test]
    fn a_gap_does_not_make_other_benchmarks_count_more() {
        // Benchmark 0 all right with a gap, benchmark 1 all wrong: still one half.
        let target = Target::grouped(&[0, 0, 0, 1, 1, 1], &[1.0, 1.0]).unwrap();
        let score = |item: usize| (item != 0).then_some(if item < 3 { 1.0 } else { 0.0 });
        assert!((target.mean(score) - 0.5).abs() < 1e-12);
    }

    #[test]
    fn items_of_one_benchmark_count_by_their_weights() {
        let target = Target::weighted(&[1.0, 2.0, 5.0]).unwrap();
        assert_eq!(target.mean(|item| Some(if item == 1 { 1.0 } else { 0.0 })), 0.25);
        assert_eq!(Target::weighted(&[1.0, -1.0, 5.0]), Err(StatsError::BadWeights));
    }

    #[test]
    fn benchmarks_count_by_weight_not_by_size() {
        let target = Target::grouped(&[0, 0, 0, 1], &[1.0, 1.0]).unwrap();
        assert_eq!(target.mean(|item| Some(if item == 3 { 1.0 } else { 0.0 })), 0.5);
    }
}
