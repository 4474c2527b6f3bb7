//! What every selection method owes its caller, on ordinary and on degenerate inputs.

use super::{SelectionMethod, Subset, select};
use crate::{
    StatsError,
    cluster::Points,
    matrix::Target,
    rng::Stream,
    simulated::{Rasch, World},
    sources::Sources,
};

/// All methods but tasks, which owe this only where the target has tasks; `tasks.rs` has their tests.
fn all() -> impl Iterator<Item = SelectionMethod> {
    let methods = SelectionMethod::ALL.map(|method| match method {
        // A tenth of the generations: what is owed does not depend on how long is searched.
        SelectionMethod::Genetic { .. } => SelectionMethod::Genetic { generations: 10 },
        other => other,
    });
    methods.into_iter().filter(|method| !matches!(method, SelectionMethod::Tasks { .. }))
}

fn run(method: SelectionMethod, sources: &Sources<'_>, k: usize) -> Result<Subset, StatsError> {
    select(method, sources, k, &mut Stream::new(1, "contract", 0))
}

/// Embeddings that have nothing to do with the scores, six numbers an item.
fn noise(items: usize) -> Vec<f64> {
    let mut noise = Stream::new(77, "embedding", 0);
    (0..items * 6).map(|_| noise.uniform() - 0.5).collect()
}

/// The world's sources with these points.
fn sources<'a>(world: &'a World, noise: &'a [f64]) -> Sources<'a> {
    let points = Points::new(world.responses.items(), 6, noise).unwrap();
    world.sources().with_points(Some(points)).unwrap()
}

/// Item response models are not fitted to fewer sources than this.
fn least_models(method: SelectionMethod) -> usize {
    match method {
        SelectionMethod::IrtAnchors { .. } | SelectionMethod::Information { .. } => 6,
        _ => 1,
    }
}

fn check(method: SelectionMethod, subset: &Subset, world: &World, k: usize) {
    assert_eq!((subset.items.len(), subset.weights.len()), (k, k), "{method:?}");
    assert!(subset.items.windows(2).all(|pair| pair[0] < pair[1]), "{method:?}: {subset:?}");
    for item in &subset.items {
        assert!(world.pool.contains(item), "{method:?}: {item} is not in the pool");
        assert!(world.target.weights()[*item] > 0.0, "{method:?}: {item} does not count");
    }
    assert!(subset.weights.iter().all(|weight| (0.0..=1.0).contains(weight)), "{method:?}");
    assert!((subset.weights.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{method:?}");
}

fn run_all(world: &World, budgets: &[usize]) {
    let noise = noise(world.responses.items());
    let sources = sources(world, &noise);
    for method in all() {
        for &k in budgets {
            let outcome = run(method, &sources, k);
            if world.responses.models() < least_models(method) {
                let few = matches!(outcome, Err(StatsError::TooFewModels { needed: 6, .. }));
                assert!(few, "{method:?}: {outcome:?}");
            } else {
                check(method, &outcome.unwrap(), world, k);
            }
        }
        assert_eq!(run(method, &sources, 0), Err(StatsError::BudgetZero), "{method:?}");
        let error = run(method, &sources, 999).unwrap_err();
        assert!(matches!(error, StatsError::BudgetTooLarge { k: 999, .. }), "{method:?}");
    }
}

/// Answers of twenty models to sixty items with a few gaps; a third of the items is not in the pool.
fn world() -> World {
    let ordinary = Rasch::new(60, 3).sources(20, 1);
    let mut stream = Stream::new(1, "gaps", 0);
    let score = |model, item| {
        if stream.uniform() < 0.02 {
            f32::NAN
        } else {
            ordinary.responses.get(model, item).unwrap() as f32
        }
    };
    World { pool: (0..60).filter(|item| item % 3 != 0).collect(), ..World::of(20, 60, score) }
}

#[test]
fn k_distinct_items_of_the_pool_that_count_whose_weights_sum_to_one() {
    run_all(&world(), &[1, 7, 39, 40]);
    let groups: Vec<u32> = (0..60).map(|item| u32::from(item >= 45)).collect();
    let of =
        |weights: &[f64]| World { target: Target::grouped(&groups, weights).unwrap(), ..world() };
    run_all(&of(&[1.0, 1.0]), &[1, 7, 40]);
    // The first benchmark counts nothing: ten items of the pool are left.
    run_all(&of(&[0.0, 1.0]), &[1, 7, 10]);
    // One item outweighs all others together.
    let weights: Vec<f64> = (0..60).map(|item| if item == 4 { 100.0 } else { 1.0 }).collect();
    run_all(&world().with_weights(&weights), &[1, 7, 40]);
}

#[test]
fn degenerate_matrices_give_valid_subsets() {
    let worlds = [
        World::of(1, 24, |_, item| (item % 2) as f32),
        World::of(2, 24, |_, item| (item % 2) as f32),
        World::of(7, 24, |_, _| 1.0),
        World::of(7, 24, |_, _| 0.0),
        World::of(7, 24, |_, item| (item % 2) as f32),
        // Every item a copy of one: correlations of one throughout.
        World::of(7, 24, |model, _| (model % 3) as f32 / 2.0),
        World::of(7, 1, |model, _| (model % 2) as f32),
        // Nobody has answered the last item.
        World::of(
            7,
            24,
            |model, item| if item == 23 { f32::NAN } else { ((model + item) % 2) as f32 },
        ),
    ];
    for world in worlds {
        let items = world.pool.len();
        run_all(&world, if items == 1 { &[1] } else { &[1, 5, 24] });
    }
}

#[test]
fn an_empty_pool_is_too_small_for_anything() {
    let empty = World { pool: Vec::new(), ..world() };
    let noise = noise(60);
    for method in all() {
        let error = run(method, &sources(&empty, &noise), 1).unwrap_err();
        assert_eq!(error, StatsError::BudgetTooLarge { k: 1, pool: 0 }, "{method:?}");
    }
}

#[test]
fn the_order_of_the_sources_does_not_matter() {
    // Without gaps, whose filling sums over the models in order.
    let world = Rasch::new(40, 5).sources(12, 6);
    let models: Vec<usize> = (0..12).rev().collect();
    let other = world.reordered(&models, &world.pool);
    let noise = noise(40);
    let (sources, reversed) = (sources(&world, &noise), sources(&other, &noise));
    for method in all() {
        let run = |sources| run(method, sources, 6).unwrap().items;
        assert_eq!(run(&sources), run(&reversed), "{method:?}");
    }
}

#[test]
fn the_order_of_the_items_does_not_matter_to_methods_that_do_not_draw_them_by_number() {
    // The others (random, balanced-swap, genetic, all k-means) draw items by their place: reordering
    // changes the draw, not its distribution. anchor-points tries exchanges in the order of the items
    // and can end in another local optimum. Graded scores, so that nothing ties.
    let mut stream = Stream::new(9, "graded", 0);
    let world = World::of(12, 40, |model, item| {
        ((model as f64 / 12.0 + (item * 7 % 40) as f64 / 40.0 + stream.uniform()) / 3.0) as f32
    });
    let mut order: Vec<usize> = (0..40).collect();
    stream.shuffle(&mut order);
    let models: Vec<usize> = (0..12).collect();
    let other = world.reordered(&models, &order);
    let (sources, reordered) = (world.sources(), other.sources());
    let methods = [
        SelectionMethod::Stratified,
        SelectionMethod::Information { dimensions: 1 },
        SelectionMethod::Disagreement,
        SelectionMethod::GreedyDesign,
        SelectionMethod::FacilityLocation,
        SelectionMethod::TwoSided,
    ];
    for method in methods {
        let run = |sources| run(method, sources, 7).unwrap().items;
        let mut back: Vec<usize> = run(&reordered).iter().map(|&place| order[place]).collect();
        back.sort_unstable();
        assert_eq!(run(&sources), back, "{method:?}");
    }
}

#[test]
fn what_was_computed_before_changes_nothing() {
    let (world, noise) = (world(), noise(60));
    let shared = sources(&world, &noise);
    let together: Vec<Option<Subset>> = all().map(|method| run(method, &shared, 8).ok()).collect();
    let apart: Vec<Option<Subset>> =
        all().map(|method| run(method, &sources(&world, &noise), 8).ok()).collect();
    assert!(together.iter().all(Option::is_some));
    assert_eq!(together, apart);
}

#[test]
fn without_embeddings_methods_of_text_say_so_and_the_others_are_what_they_were() {
    let (world, noise) = (world(), noise(60));
    let (with, without) = (sources(&world, &noise), world.sources());
    for method in all() {
        let expected = match method.needs_embeddings() {
            true => Err(StatsError::NoEmbeddings),
            false => run(method, &with, 8),
        };
        assert_eq!(run(method, &without, 8), expected, "{method:?}");
    }
    let points = Points::new(6, 60, &noise).unwrap();
    let error = world.sources().with_points(Some(points)).err();
    assert_eq!(error, Some(StatsError::Length { what: "points of items", expected: 60, got: 6 }));
}
