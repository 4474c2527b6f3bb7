//! What every selection method owes its caller, on ordinary and on degenerate inputs.

use super::{
    Design, Subset, anchor_points, difficulty_clusters, disagreement, facility_location, genetic,
    greedy_design, kmeans_items,
};
use crate::{
    StatsError,
    cluster::Points,
    matrix::{CompleteMatrix, ResponseMatrix, Target},
    rng::Stream,
};

type Method = fn(&Design<'_>, usize, &mut Stream) -> Result<Subset, StatsError>;

const METHODS: [(&str, Method); 9] = [
    ("anchor-points", anchor_points::select),
    ("response-clusters", kmeans_items::response_clusters),
    ("embedding-anchors", |design, k, stream| by_points(kmeans_items::select, design, k, stream)),
    ("difficulty-clusters", difficulty_clusters::select),
    ("disagreement", disagreement::select),
    ("greedy-design", |design, k, stream| {
        greedy_design::select(design, k, greedy_design::NOISE, stream)
    }),
    ("facility-location", facility_location::select),
    ("facility-location by points", |design, k, stream| {
        by_points(facility_location::select_by_points, design, k, stream)
    }),
    ("genetic", |design, k, stream| genetic::select(design, k, 10, stream)),
];

type PointMethod = fn(&Design<'_>, &Points<'_>, usize, &mut Stream) -> Result<Subset, StatsError>;

/// Points that have nothing to do with the scores, as embeddings.
fn by_points(
    method: PointMethod,
    design: &Design<'_>,
    k: usize,
    stream: &mut Stream,
) -> Result<Subset, StatsError> {
    let items = design.matrix.items();
    let mut noise = Stream::new(77, "embedding", 0);
    let values: Vec<f64> = (0..items * 6).map(|_| noise.uniform() - 0.5).collect();
    method(design, &Points::new(items, 6, &values)?, k, stream)
}

/// Scores of a one-parameter model with a few missing cells.
fn scores(models: usize, items: usize, seed: u64) -> Vec<f32> {
    let mut stream = Stream::new(seed, "scores", 0);
    let ease: Vec<f64> = (0..items).map(|_| stream.uniform()).collect();
    let mut scores = Vec::new();
    for model in 0..models {
        let ability = (model as f64 + 1.0) / (models as f64 + 1.0);
        for ease in &ease {
            let right = stream.uniform() < (ease + ability) / 2.0;
            let seen = stream.uniform() > 0.02;
            scores.push(if !seen {
                f32::NAN
            } else if right {
                1.0
            } else {
                0.0
            });
        }
    }
    scores
}

fn complete(models: usize, items: usize, scores: Vec<f32>) -> CompleteMatrix {
    ResponseMatrix::new(models, items, scores).unwrap().imputed().unwrap()
}

fn check(name: &str, subset: &Subset, design: &Design<'_>, k: usize) {
    assert_eq!((subset.items.len(), subset.weights.len()), (k, k), "{name}");
    assert!(subset.items.windows(2).all(|pair| pair[0] < pair[1]), "{name}: {:?}", subset.items);
    for item in &subset.items {
        assert!(design.pool.contains(item), "{name}: {item} is not in the pool");
        assert!(design.target.weights()[*item] > 0.0, "{name}: {item} does not count");
    }
    assert!(subset.weights.iter().all(|weight| (0.0..=1.0).contains(weight)), "{name}");
    assert!((subset.weights.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{name}");
}

fn run_all(matrix: &CompleteMatrix, target: &Target, pool: &[usize], budgets: &[usize]) {
    let design = Design { matrix, target, pool };
    for (name, method) in METHODS {
        for &k in budgets {
            let subset = method(&design, k, &mut Stream::new(1, "contract", 0)).unwrap();
            check(name, &subset, &design, k);
        }
        let error = method(&design, 0, &mut Stream::new(1, "contract", 0)).unwrap_err();
        assert_eq!(error, StatsError::BudgetZero, "{name}");
        let error = method(&design, 999, &mut Stream::new(1, "contract", 0)).unwrap_err();
        assert!(matches!(error, StatsError::BudgetTooLarge { k: 999, .. }), "{name}");
    }
}

#[test]
fn k_distinct_items_of_the_pool_that_count_whose_weights_sum_to_one() {
    let matrix = complete(20, 60, scores(20, 60, 1));
    let pool: Vec<usize> = (0..60).filter(|item| item % 3 != 0).collect();
    run_all(&matrix, &Target::uniform(60).unwrap(), &pool, &[1, 7, 39, 40]);
    let groups: Vec<u32> = (0..60).map(|item| u32::from(item >= 45)).collect();
    run_all(&matrix, &Target::grouped(&groups, &[1.0, 1.0]).unwrap(), &pool, &[1, 7, 40]);
    // The first benchmark counts nothing: ten items of the pool are left.
    run_all(&matrix, &Target::grouped(&groups, &[0.0, 1.0]).unwrap(), &pool, &[1, 7, 10]);
}

#[test]
fn degenerate_matrices_give_valid_subsets() {
    let pool: Vec<usize> = (0..24).collect();
    let target = Target::uniform(24).unwrap();
    let same: Vec<f32> = scores(1, 24, 4).iter().map(|score| score.max(0.0)).collect();
    let alternating: Vec<f32> = (0..24).map(|item| [1.0, 0.0][item % 2]).collect();
    let matrices = [
        complete(1, 24, same.clone()),
        complete(2, 24, same.repeat(2)),
        complete(5, 24, vec![1.0; 120]),
        complete(4, 24, alternating.repeat(4)),
        // Every item a copy of one: correlations of one throughout.
        complete(3, 24, [[1.0; 24], [0.0; 24], [0.5; 24]].concat()),
    ];
    for matrix in matrices {
        run_all(&matrix, &target, &pool, &[1, 5, 24]);
    }
}

#[test]
fn the_order_of_the_sources_does_not_matter() {
    let (models, items) = (12, 40);
    // Without gaps, whose filling sums over the models in order.
    let scores: Vec<f32> = scores(models, items, 6).iter().map(|score| score.max(0.0)).collect();
    let reversed: Vec<f32> = scores.chunks(items).rev().flatten().copied().collect();
    let (matrix, other) = (complete(models, items, scores), complete(models, items, reversed));
    let target = Target::uniform(items).unwrap();
    let pool: Vec<usize> = (0..items).collect();
    for (name, method) in METHODS {
        let run = |matrix| {
            let design = Design { matrix, target: &target, pool: &pool };
            method(&design, 6, &mut Stream::new(2, "order", 0)).unwrap()
        };
        assert_eq!(run(&matrix).items, run(&other).items, "{name}");
    }
}
