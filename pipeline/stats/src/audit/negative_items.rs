//! Items that weaker models solve more often than stronger ones.

use super::benjamini_hochberg;
use crate::{
    StatsError,
    distribution::incomplete_beta,
    item_analysis::item_statistics,
    matrix::{ResponseMatrix, Target},
};

/// With fewer answers an interval of a correlation says nothing.
const FEWEST_ANSWERS: usize = 5;
/// Upper 5 % point of the standard normal.
const ONE_SIDED_95: f64 = 1.644_853_626_951_472_7;

/// An item whose correlation with the rest of the benchmark is shown to be negative.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NegativeItem {
    /// Number of the item.
    pub item: usize,
    /// Number of models that answered it.
    pub answers: usize,
    /// Correlation of the item with the mean of the others (corrected item-total correlation).
    pub item_rest: f64,
    /// It lies below this with 95 % confidence.
    pub upper: f64,
    /// p value of "not negative", adjusted so that the expected share of false ones among items up to q
    /// is at most q.
    pub q_value: f64,
}

/// Items whose corrected item-total correlation is below zero, at a false discovery rate of `rate`.
///
/// One-sided t test of a correlation with answers - 2 degrees of freedom; the upper limit by Fisher's z
/// (Fisher, "On the probable error of a coefficient of correlation", Metron 1, 1921). The test takes
/// models as a sample: relatives among them answer alike and make it too sure. A wrong reference answer
/// is the usual cause. Errors as [`item_statistics`].
pub fn negative_items(
    matrix: &ResponseMatrix,
    target: &Target,
    rate: f64,
) -> Result<Vec<NegativeItem>, StatsError> {
    let statistics = item_statistics(matrix, target)?;
    let tested: Vec<(usize, usize, f64)> = statistics
        .iter()
        .enumerate()
        .filter(|(_, item)| item.answers >= FEWEST_ANSWERS)
        .filter_map(|(at, item)| Some((at, item.answers, item.item_rest?)))
        .collect();
    let p_values: Vec<f64> =
        tested.iter().map(|(_, answers, correlation)| p_value(*correlation, *answers)).collect();
    let found = tested.into_iter().zip(benjamini_hochberg(&p_values));
    Ok(found
        .filter(|((_, _, item_rest), q_value)| *item_rest < 0.0 && *q_value <= rate)
        .map(|((item, answers, item_rest), q_value)| {
            let upper = upper_limit(item_rest, answers);
            NegativeItem { item, answers, item_rest, upper, q_value }
        })
        .collect())
}

/// P(a correlation as low as this or lower) if there is none.
fn p_value(correlation: f64, answers: usize) -> f64 {
    let freedom = answers as f64 - 2.0;
    // t^2 = r^2 f / (1 - r^2), so f / (f + t^2) = 1 - r^2.
    let tail = 0.5 * incomplete_beta(1.0 - correlation * correlation, freedom / 2.0, 0.5);
    if correlation < 0.0 { tail } else { 1.0 - tail }
}

fn upper_limit(correlation: f64, answers: usize) -> f64 {
    let error = ONE_SIDED_95 / (answers as f64 - 3.0).sqrt();
    libm::tanh(libm::atanh(correlation) + error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulated::Rasch;

    fn planted(models: usize, items: usize, seed: u64, negative: usize) -> Vec<NegativeItem> {
        let world = Rasch::new(items, seed).sources(models, seed);
        let score = |model, item| world.responses.get(model, item).unwrap() as f32;
        let turned = |model, item| {
            if item < negative { 1.0 - score(model, item) } else { score(model, item) }
        };
        let scores = (0..models * items).map(|at| turned(at / items, at % items)).collect();
        let matrix = ResponseMatrix::new(models, items, scores).unwrap();
        negative_items(&matrix, &Target::uniform(items).unwrap(), 0.05).unwrap()
    }

    #[test]
    fn t_equals_the_published_table_and_fisher_s_example() {
        // Fisher and Yates, table VI: r = 0.5494 at 18 degrees of freedom is the 1 % point, two-sided 5 %
        // is 0.4438.
        assert!((2.0 * p_value(-0.4438, 20) - 0.05).abs() < 2e-4);
        assert!((p_value(0.4438, 20) - 0.975).abs() < 1e-4);
        // z of -0.5 is -0.5493; plus 1.645 / sqrt(25): tanh(-0.2203).
        assert!((upper_limit(-0.5, 28) - -0.2168).abs() < 1e-3, "{}", upper_limit(-0.5, 28));
    }

    #[test]
    fn turned_items_are_found_and_right_ones_are_not() {
        let (mut found, mut wrong) = (0, 0);
        for seed in 0..10 {
            let items = planted(120, 200, seed, 10);
            found += items.iter().filter(|item| item.item < 10).count();
            wrong += items.iter().filter(|item| item.item >= 10).count();
            assert!(items.iter().all(|item| item.upper < 0.0 && item.q_value <= 0.05));
        }
        assert!(found >= 45 && wrong <= 2, "{found} of 100 found, {wrong} wrong");
        let wrong: usize = (0..20).map(|seed| planted(60, 200, 100 + seed, 0).len()).sum();
        assert!(wrong <= 1, "{wrong} of 4,000 clean items");
    }

    #[test]
    fn pure_noise_is_reported_as_rarely_as_promised() {
        // Coin flips: every item has correlation zero, the worst case of the null.
        let mut worlds = 0;
        for seed in 0..100 {
            let mut stream = crate::rng::Stream::new(seed, "noise", 0);
            let scores = (0..50 * 40).map(|_| f32::from(stream.uniform() < 0.5)).collect();
            let matrix = ResponseMatrix::new(50, 40, scores).unwrap();
            let found = negative_items(&matrix, &Target::uniform(40).unwrap(), 0.05).unwrap();
            worlds += usize::from(!found.is_empty());
        }
        // Expected at most 5, and 11 once in a hundred times.
        assert!(worlds <= 11, "{worlds} of 100 worlds have a false finding");
    }
}
