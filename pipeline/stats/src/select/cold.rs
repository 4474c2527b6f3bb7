//! Selection where no model has answered anything yet.

use super::{
    Design, SelectionMethod, Subset, eligible, embedding_strata, facility_location, kmeans_items,
    random,
};
use crate::{
    StatsError,
    cluster::Points,
    matrix::{CompleteMatrix, Target},
    rng::Stream,
};

/// Items without results.
#[derive(Debug, Clone, Copy)]
pub struct Cold<'a> {
    /// The mean over all items that the subset has to stand for.
    pub target: &'a Target,
    /// Items that may be chosen, ascending; the rest still counts in the target.
    pub pool: &'a [usize],
    /// The embedding of each item of the target, where there is one.
    pub points: Option<Points<'a>>,
}

/// Selects `k` items of the pool without any results.
///
/// `random` and `embedding-strata` draw from the pool with probability proportional to weight, each
/// benchmark with the share that it has in all, and so have an honest interval with `mean`; where an
/// item counts more than one of k, that cannot be, and is [`StatsError::Outweighs`]. Errors with [`StatsError::NeedsResults`] for a method that learns from results, with
/// [`StatsError::NoEmbeddings`] for a method of text without points, with [`StatsError::Length`] unless
/// there is one point an item, and where the pool has no `k` items that count.
pub fn select_cold(
    method: SelectionMethod,
    items: &Cold<'_>,
    k: usize,
    stream: &mut Stream,
) -> Result<Subset, StatsError> {
    let Cold { target, pool, points } = *items;
    let matrix = CompleteMatrix::unanswered(target.weights().len());
    let design = &Design { matrix: &matrix, target, pool };
    eligible::eligible(design, k)?;
    let own = target.within(pool)?;
    let drawn = &Design { target: &own, ..*design };
    if matches!(method, SelectionMethod::Random | SelectionMethod::EmbeddingStrata) {
        check_shares(&own, k)?;
    }
    let points = || points.as_ref().ok_or(StatsError::NoEmbeddings);
    match method {
        SelectionMethod::Random => Ok(Subset::equal_weights(random::select(drawn, k, stream))),
        SelectionMethod::EmbeddingAnchors => kmeans_items::select(design, points()?, k, stream),
        SelectionMethod::EmbeddingFacilityLocation => {
            facility_location::select_by_points(design, points()?, k, stream)
        }
        SelectionMethod::EmbeddingStrata => embedding_strata::select(drawn, points()?, k, stream),
        other => Err(StatsError::NeedsResults { method: other.name() }),
    }
}

/// Whether k draws of equal weight can show every item at its weight.
fn check_shares(target: &Target, k: usize) -> Result<(), StatsError> {
    // A share of one in k, but for rounding.
    const ROUNDING: f64 = 1e-9;
    let share = target.weights().iter().copied().fold(0.0, f64::max);
    match share * k as f64 > 1.0 + ROUNDING {
        true => Err(StatsError::Outweighs { share, k, most: (1.0 / share + ROUNDING) as usize }),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_of_text_and_random_select_without_results_and_no_others_do() {
        let target = Target::grouped(&[0, 0, 0, 0, 0, 0, 1, 1, 1, 1], &[1.0, 2.0]).unwrap();
        let pool: Vec<usize> = (0..10).filter(|item| item % 4 != 3).collect();
        let mut stream = Stream::new(3, "text", 0);
        let values: Vec<f64> = (0..40).map(|_| stream.uniform() - 0.5).collect();
        let with = Cold { target: &target, pool: &pool, points: Points::new(10, 4, &values).ok() };
        let without = Cold { points: None, ..with };
        for method in SelectionMethod::ALL {
            let run = |items, k| select_cold(method, items, k, &mut Stream::new(1, "cold", 0));
            if method.needs_results() {
                let error = StatsError::NeedsResults { method: method.name() };
                assert_eq!(run(&with, 3), Err(error));
                continue;
            }
            for k in [1, 3, 4] {
                let subset = run(&with, k).unwrap();
                assert_eq!(subset.items.len(), k, "{method:?}");
                assert!(subset.items.is_sorted() && subset.items.iter().all(|i| pool.contains(i)));
                assert!((subset.weights.iter().sum::<f64>() - 1.0).abs() < 1e-12, "{method:?}");
            }
            assert_eq!(run(&with, 0), Err(StatsError::BudgetZero));
            assert_eq!(run(&with, 9), Err(StatsError::BudgetTooLarge { k: 9, pool: pool.len() }));
            let blind = run(&without, 3);
            assert_eq!(blind == Err(StatsError::NoEmbeddings), method.needs_embeddings());
            let points = Points::new(20, 2, &values).ok();
            let other = run(&Cold { points, ..with }, 3);
            assert_eq!(matches!(other, Err(StatsError::Length { .. })), method.needs_embeddings());
        }
    }

    #[test]
    fn a_small_benchmark_keeps_its_share_in_a_pool_that_has_lost_most_of_it() {
        // Ten items and a hundred, each benchmark half of the mean; the pool has four of the ten.
        let groups: Vec<u32> = (0..110).map(|item| u32::from(item >= 10)).collect();
        let target = Target::grouped(&groups, &[1.0, 1.0]).unwrap();
        let pool: Vec<usize> = (6..110).collect();
        let mut stream = Stream::new(3, "text", 0);
        let values: Vec<f64> = (0..220).map(|_| stream.uniform() - 0.5).collect();
        let items =
            Cold { target: &target, pool: &pool, points: Points::new(110, 2, &values).ok() };
        for method in [SelectionMethod::Random, SelectionMethod::EmbeddingStrata] {
            let run = |k, seed| select_cold(method, &items, k, &mut Stream::new(seed, "cold", 0));
            for seed in 0..20 {
                let small = run(8, seed).unwrap().items.iter().filter(|item| **item < 10).count();
                assert_eq!(small, 4, "{method:?}");
            }
            // Four items that are half of the mean are not shown by more than eight equal answers.
            let error = run(9, 0).unwrap_err();
            assert!(matches!(error, StatsError::Outweighs { k: 9, most: 8, .. }), "{error:?}");
        }
    }

    #[test]
    fn one_item_and_texts_that_are_all_alike_are_no_trouble() {
        for (count, values) in [(1, vec![0.0; 3]), (5, vec![0.0; 15]), (5, vec![0.5; 15])] {
            let target = Target::uniform(count).unwrap();
            let pool: Vec<usize> = (0..count).collect();
            let items =
                Cold { target: &target, pool: &pool, points: Points::new(count, 3, &values).ok() };
            for method in SelectionMethod::ALL.into_iter().filter(|m| !m.needs_results()) {
                for k in [1, count] {
                    let mut stream = Stream::new(1, "alike", 0);
                    let subset = select_cold(method, &items, k, &mut stream).unwrap();
                    assert_eq!(subset.items.len(), k, "{method:?}");
                    assert!((subset.weights.iter().sum::<f64>() - 1.0).abs() < 1e-12);
                }
            }
        }
    }
}
