//! What no estimate may depend on, and what it must follow.

use super::{EstimatorMethod, fit};
use crate::{
    rng::Stream,
    select::Subset,
    simulated::{Rasch, World},
};

const ITEMS: usize = 60;
const MODELS: usize = 24;
const CHOSEN: [usize; 9] = [2, 7, 11, 20, 28, 33, 41, 50, 57];

fn world() -> World {
    let weights: Vec<f64> = (0..ITEMS).map(|item| [1.0, 2.0, 0.5][item % 3]).collect();
    Rasch::new(ITEMS, 31).sources(MODELS, 32).with_weights(&weights)
}

/// Estimates of three patterns of answers, given in the order of `items`.
fn estimates(method: EstimatorMethod, world: &World, items: &[usize]) -> [f64; 3] {
    let mut sorted: Vec<(usize, usize)> = items.iter().copied().zip(0..).collect();
    sorted.sort_unstable();
    let subset = Subset {
        items: sorted.iter().map(|(item, _)| *item).collect(),
        weights: vec![1.0 / items.len() as f64; items.len()],
    };
    let sources = world.sources();
    let fitted = fit(method, &sources, &subset, &mut Stream::new(1, "fit", 0)).unwrap();
    [0b101_101_110, 0b000_010_010, 0b111_111_111_u32].map(|pattern| {
        let answers: Vec<f64> =
            sorted.iter().map(|(_, place)| f64::from(pattern >> place & 1)).collect();
        fitted.estimate(&answers).unwrap()
    })
}

fn moved(one: [f64; 3], other: [f64; 3]) -> f64 {
    one.iter().zip(other).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

/// What permutes models or items draws a fresh sample in the forest, whose trees are grown on rows and
/// columns drawn by number, and (models only) in gp-irt, which holds out rows drawn by number: their
/// estimates stay the same in distribution, no further.
fn draws_by_number(method: EstimatorMethod) -> bool {
    matches!(method, EstimatorMethod::Signature)
}

fn shuffled(count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    Stream::new(2, "order", count as u64).shuffle(&mut order);
    order
}

#[test]
fn the_order_of_the_sources_does_not_matter() {
    let world = world();
    let other = world.reordered(&shuffled(MODELS), &world.pool);
    for method in EstimatorMethod::ALL {
        let moved = moved(estimates(method, &world, &CHOSEN), estimates(method, &other, &CHOSEN));
        match method {
            // An iterative fit, which stops at a tolerance.
            EstimatorMethod::PIrt { .. } => assert!(moved < 1e-4, "{method:?}: {moved}"),
            EstimatorMethod::GpIrt { .. } => assert!(moved < 0.1, "{method:?}: {moved}"),
            method if draws_by_number(method) => assert!(moved < 0.1, "{method:?}: {moved}"),
            _ => assert!(moved < 1e-9, "{method:?}: {moved}"),
        }
    }
}

#[test]
fn the_order_of_the_items_does_not_matter() {
    let world = world();
    let order = shuffled(ITEMS);
    let models: Vec<usize> = (0..MODELS).collect();
    let other = world.reordered(&models, &order);
    let places = CHOSEN.map(|item| order.iter().position(|place| *place == item).unwrap());
    for method in EstimatorMethod::ALL {
        let moved = moved(estimates(method, &world, &CHOSEN), estimates(method, &other, &places));
        let tolerance = if draws_by_number(method) { 0.1 } else { 1e-9 };
        assert!(moved < tolerance, "{method:?}: {moved}");
    }
}

#[test]
fn copies_of_all_sources_change_nothing_but_what_counts_models() {
    // mean, ppi and pca-completion know means and covariances only. The priors of guarded's curves and
    // the penalty of aipw are worth a fixed number of models, so that copies outweigh them a little.
    // All others choose a penalty or a number of neighbours by leaving one model out, of which the
    // copy stays: they over-fit. (That copies double a given ridge penalty is tested in ridge.)
    let world = world();
    let twice: Vec<usize> = (0..MODELS).chain(0..MODELS).collect();
    let other = world.reordered(&twice, &world.pool);
    let cases = [
        (EstimatorMethod::Mean, 1e-12),
        (EstimatorMethod::WeightedMean, 1e-12),
        (EstimatorMethod::PredictionPowered, 1e-9),
        (EstimatorMethod::PcaCompletion { components: 4 }, 1e-9),
        (EstimatorMethod::Guarded, 0.02),
        (EstimatorMethod::Aipw, 0.02),
    ];
    for (method, tolerance) in cases {
        let moved = moved(estimates(method, &world, &CHOSEN), estimates(method, &other, &CHOSEN));
        assert!(moved < tolerance, "{method:?}: {moved}");
    }
}

#[test]
fn an_item_that_all_sources_solve_moves_the_estimate_by_its_share() {
    // Regressions of the full score are exact, completions nearly so: their noise and priors keep a
    // little doubt whether a new model solves it too. mean, weighted-mean, aipw and ppi see other items
    // through the answers alone and promise nothing.
    let world = world();
    let share = 0.05;
    let mut weights = world.target.weights().to_vec();
    weights.push(share);
    for solved in [1.0, 0.0] {
        let score = |model, item| match item {
            ITEMS => solved,
            item => world.responses.get(model, item).unwrap() as f32,
        };
        let more = World::of(MODELS, ITEMS + 1, score).with_weights(&weights);
        let cases = [
            (EstimatorMethod::Ridge, 1e-9),
            (EstimatorMethod::GaussianProcess, 1e-9),
            (EstimatorMethod::Signature, 1e-9),
            (EstimatorMethod::SignatureNeighbours, 1e-9),
            (EstimatorMethod::GeneralisedAdditive, 1e-9),
            (EstimatorMethod::PcaCompletion { components: 4 }, 0.01),
            (EstimatorMethod::PIrt { dimensions: 1 }, 0.02),
            (EstimatorMethod::Guarded, 0.02),
        ];
        for (method, tolerance) in cases {
            let expected = estimates(method, &world, &CHOSEN)
                .map(|estimate| (estimate + share * f64::from(solved)) / (1.0 + share));
            let moved = moved(expected, estimates(method, &more, &CHOSEN));
            assert!(moved < tolerance, "{method:?}, {solved}: {moved}");
        }
    }
}
