//! Classical statistics of each item.

use crate::{
    StatsError,
    matrix::{ResponseMatrix, Target},
};

/// Share of the models in the upper and in the lower group: for normal scores the most powerful
/// split (Kelley, "The selection of upper and lower groups for the validation of test items",
/// J. Educational Psychology 30, 1939).
const GROUP_SHARE: f64 = 0.27;

/// Classical statistics of one item over the models that answered it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ItemStatistics {
    /// Number of models that answered.
    pub answers: usize,
    /// Mean score, the proportion correct of 0/1 items: high for easy ones. None without answers.
    pub proportion: Option<f64>,
    /// Standard deviation over the models, sqrt(p (1 - p)) of 0/1 items. None without answers.
    pub standard_deviation: Option<f64>,
    /// Pearson correlation of the item with the target mean of the model's answers, this one
    /// included: the point-biserial correlation of 0/1 items. None where either is constant.
    pub item_total: Option<f64>,
    /// The same with the target mean of the model's other answers (corrected item-rest correlation; Lord
    /// and Novick, *Statistical Theories of Mental Test Scores*, 1968, sec. 15.3).
    pub item_rest: Option<f64>,
    /// Mean score of the upper 27 % of the models less that of the lower 27 %, in [-1, 1], by their
    /// target mean over all their answers. None with fewer than two answers.
    pub discrimination: Option<f64>,
}

/// Statistics of every item; totals and rests are means with the weights of the target.
///
/// A missing answer leaves the item's, the total's and the rest's denominator, so that totals of
/// models with different gaps are compared as means. Models with equal totals at the edge of the
/// upper or the lower group share its last places equally. Errors with [`StatsError::Length`] when
/// the target is over other items.
pub fn item_statistics(
    matrix: &ResponseMatrix,
    target: &Target,
) -> Result<Vec<ItemStatistics>, StatsError> {
    let (weights, expected) = (target.weights(), matrix.items());
    if weights.len() != expected {
        return Err(StatsError::Length { what: "item weights", expected, got: weights.len() });
    }
    let total = |model| Total::of(matrix, weights, model);
    let totals: Vec<Total> = (0..matrix.models()).map(total).collect();
    let item = |(item, weight): (usize, &f64)| statistics(matrix, &totals, item, *weight);
    Ok(weights.iter().enumerate().map(item).collect())
}

/// Weighted sum, and sum of weights, of one model's answers.
struct Total {
    sum: f64,
    weight: f64,
}

/// Less weight than this is the rounding of weights that sum to one.
const NO_WEIGHT: f64 = 1e-12;

impl Total {
    fn of(matrix: &ResponseMatrix, weights: &[f64], model: usize) -> Self {
        let answered = weights.iter().enumerate();
        let (sum, weight) = answered.fold((0.0, 0.0), |(sum, all), (item, weight)| {
            matrix.get(model, item).map_or((sum, all), |score| (sum + weight * score, all + weight))
        });
        Self { sum, weight }
    }

    fn mean(&self) -> f64 {
        self.sum / self.weight
    }

    /// Mean without an answer of that weight; None where nothing else counts.
    fn rest(&self, score: f64, weight: f64) -> Option<f64> {
        let rest = self.weight - weight;
        (rest > NO_WEIGHT).then(|| (self.sum - weight * score) / rest)
    }
}

fn statistics(
    matrix: &ResponseMatrix,
    totals: &[Total],
    item: usize,
    weight: f64,
) -> ItemStatistics {
    let answered: Vec<(f64, &Total)> = totals
        .iter()
        .enumerate()
        .filter_map(|(model, total)| matrix.get(model, item).map(|score| (score, total)))
        .collect();
    let count = answered.len() as f64;
    let scores: Vec<f64> = answered.iter().map(|(score, _)| *score).collect();
    let mean = scores.iter().sum::<f64>() / count;
    let variance = scores.iter().map(|score| (score - mean) * (score - mean)).sum::<f64>() / count;
    let with_total: Vec<(f64, f64)> = answered
        .iter()
        .filter(|(_, total)| total.weight > NO_WEIGHT)
        .map(|(score, total)| (*score, total.mean()))
        .collect();
    let with_rest: Vec<(f64, f64)> = answered
        .iter()
        .filter_map(|(score, total)| Some((*score, total.rest(*score, weight)?)))
        .collect();
    let some = |value: f64| (!answered.is_empty()).then_some(value);
    ItemStatistics {
        answers: answered.len(),
        proportion: some(mean),
        standard_deviation: some(variance.sqrt()),
        item_total: correlation(&with_total),
        item_rest: correlation(&with_rest),
        discrimination: discrimination(with_total),
    }
}

/// Pearson correlation, None where a list is constant but for rounding.
pub(super) fn correlation(pairs: &[(f64, f64)]) -> Option<f64> {
    let count = pairs.len() as f64;
    let (left, right) = pairs.iter().fold((0.0, 0.0), |(l, r), pair| (l + pair.0, r + pair.1));
    let (left, right) = (left / count, right / count);
    let (mut squares_left, mut squares_right, mut products) = (0.0, 0.0, 0.0);
    for pair in pairs {
        let (x, y) = (pair.0 - left, pair.1 - right);
        squares_left += x * x;
        squares_right += y * y;
        products += x * y;
    }
    // Scores lie in [0, 1] and come from single precision: a spread of 1e-10 is rounding.
    let constant = |squares: f64| squares <= 1e-20 * count;
    if pairs.len() < 2 || constant(squares_left) || constant(squares_right) {
        return None;
    }
    Some((products / (squares_left * squares_right).sqrt()).clamp(-1.0, 1.0))
}

/// Upper minus lower group of (score, total) pairs.
fn discrimination(mut answers: Vec<(f64, f64)>) -> Option<f64> {
    if answers.len() < 2 {
        return None;
    }
    answers.sort_by(|left, right| left.1.total_cmp(&right.1));
    let places = (GROUP_SHARE * answers.len() as f64).round().max(1.0);
    let lower = group_mean(&answers, places);
    answers.reverse();
    Some(group_mean(&answers, places) - lower)
}

/// Mean score of the first `places` answers, in which those tied for the last places share them.
fn group_mean(answers: &[(f64, f64)], places: f64) -> f64 {
    let (mut sum, mut left) = (0.0, places);
    for tied in answers.chunk_by(|one, other| (one.1 - other.1).abs() < 1e-10) {
        let size = tied.len() as f64;
        let taken = size.min(left);
        sum += tied.iter().map(|answer| answer.0).sum::<f64>() / size * taken;
        left -= taken;
        if left <= 0.0 {
            break;
        }
    }
    sum / places
}

#[cfg(test)]
mod tests {
    use super::*;

    const GAP: f32 = f32::NAN;

    fn of(matrix: &ResponseMatrix) -> Vec<ItemStatistics> {
        item_statistics(matrix, &Target::uniform(matrix.items()).unwrap()).unwrap()
    }

    #[test]
    fn totals_and_rests_are_those_of_the_target() {
        // Item 0 is a benchmark that counts as much as items 1 and 2 together.
        let scores = vec![1.0, 1.0, 1.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0];
        let matrix = ResponseMatrix::new(4, 3, scores).unwrap();
        let target = Target::grouped(&[0, 1, 1], &[1.0, 1.0]).unwrap();
        let statistics = item_statistics(&matrix, &target).unwrap();
        // Rests of item 1: (1/2 + 1/4) / (3/4) = 1, 1, 0, 0 against scores 1, 0, 1, 0.
        assert!(statistics[1].item_rest.unwrap().abs() < 1e-12, "{statistics:?}");
        // Totals 1, 3/4, 1/4, 0: deviations 1/2, 1/4, -1/4, -1/2 against 1/2, -1/2, 1/2, -1/2 have
        // products 1/4, squares 5/8 and 1.
        let total = 0.25 / 0.625_f64.sqrt();
        assert!((statistics[1].item_total.unwrap() - total).abs() < 1e-12, "{statistics:?}");
        assert!(item_statistics(&matrix, &Target::uniform(2).unwrap()).is_err());
    }

    #[test]
    fn statistics_equal_values_worked_by_hand() {
        // Totals 1, 2/3, 1/3, 0; rests of item 0: 1, 1/2, 0, 0 against scores 1, 1, 1, 0.
        let scores = vec![1.0, 1.0, 1.0, 1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0];
        let statistics = of(&ResponseMatrix::new(4, 3, scores).unwrap());
        let first = statistics[0];
        assert_eq!((first.answers, first.proportion), (4, Some(0.75)));
        assert!((first.standard_deviation.unwrap() - 0.1875_f64.sqrt()).abs() < 1e-12);
        // Score deviations 1/4, 1/4, 1/4, -3/4; rest deviations 5/8, 1/8, -3/8, -3/8:
        // products 3/8, squares 3/4 and 11/16.
        let rest = 0.375 / (0.75_f64 * 0.6875).sqrt();
        assert!((first.item_rest.unwrap() - rest).abs() < 1e-12, "{first:?}");
        // Totals deviate by 1/2, 1/6, -1/6, -1/2: products 1/2, squares 5/9.
        let total = 0.5 / (0.75_f64 * 5.0 / 9.0).sqrt();
        assert!((first.item_total.unwrap() - total).abs() < 1e-12, "{first:?}");
        // One model in each group: best 1, worst 0.
        assert_eq!(first.discrimination, Some(1.0));
    }

    #[test]
    fn tied_models_share_the_last_places() {
        // Two places; the second is shared by three tied models with scores 1, 0, 0.
        let answers = [(1.0, 0.9), (1.0, 0.5), (0.0, 0.5), (0.0, 0.5), (0.0, 0.1)];
        assert!((group_mean(&answers, 2.0) - (1.0 + 1.0 / 3.0) / 2.0).abs() < 1e-12);
    }

    #[test]
    fn the_order_of_models_does_not_matter() {
        let mut stream = crate::rng::Stream::new(8, "items", 0);
        let rows: Vec<Vec<f32>> = (0..12)
            .map(|_| (0..7).map(|_| if stream.uniform() < 0.6 { 1.0 } else { 0.0 }).collect())
            .collect();
        let forward = ResponseMatrix::new(12, 7, rows.concat()).unwrap();
        let turned: Vec<Vec<f32>> = rows.into_iter().rev().collect();
        let backward = ResponseMatrix::new(12, 7, turned.concat()).unwrap();
        for (one, other) in of(&forward).iter().zip(of(&backward)) {
            assert_eq!(one.proportion, other.proportion);
            assert!((one.item_rest.unwrap() - other.item_rest.unwrap()).abs() < 1e-12);
            assert!((one.discrimination.unwrap() - other.discrimination.unwrap()).abs() < 1e-12);
        }
    }

    #[test]
    fn items_without_spread_or_answers_have_no_correlation() {
        let scores = vec![1.0, GAP, 1.0, 1.0, GAP, 0.0];
        let statistics = of(&ResponseMatrix::new(2, 3, scores).unwrap());
        assert_eq!((statistics[0].item_rest, statistics[0].standard_deviation), (None, Some(0.0)));
        let empty = statistics[1];
        assert_eq!((empty.answers, empty.proportion, empty.discrimination), (0, None, None));
        let single = ResponseMatrix::new(2, 1, vec![1.0, 0.0]).unwrap();
        assert_eq!(of(&single)[0].item_rest, None);
    }
}
