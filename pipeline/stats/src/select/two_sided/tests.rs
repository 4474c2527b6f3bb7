use super::{Posterior, Strata, select};
use crate::{
    field::DESIGN,
    rng::Stream,
    select::random,
    simulated::{Rasch, World},
    sources::Sources,
};

fn stream(index: u64) -> Stream {
    Stream::new(6, "two-sided", index)
}

/// Variances of the target mean under both hypotheses, given the answers to `items`.
fn left(sources: &Sources<'_>, items: &[usize]) -> [f64; 2] {
    let field = sources.field().unwrap();
    let weights = sources.target.weights();
    DESIGN.map(|hypothesis| {
        let mut posterior = Posterior::new(field, &hypothesis, weights);
        for &item in items {
            let kernel: Vec<f64> =
                (0..weights.len()).map(|other| field.kernel(item, other)).collect();
            posterior.observe(&kernel, item);
        }
        posterior.target
    })
}

fn world() -> World {
    Rasch::new(300, 1).sources(40, 2)
}

#[test]
fn every_stratum_gives_one_item() {
    let world = world();
    let sources = world.sources();
    for k in [1, 7, 30] {
        let subset = select(&sources, k, &mut stream(0)).unwrap();
        let field = sources.field().unwrap();
        let strata = Strata::new(&sources, field, world.pool.clone(), k, &mut stream(0));
        let of = |item: &usize| {
            strata.stratum[strata.items.iter().position(|other| other == item).unwrap()]
        };
        let mut seen: Vec<usize> = subset.items.iter().map(of).collect();
        for (item, weight) in subset.items.iter().zip(&subset.weights) {
            assert!((weight - strata.shares[of(item)]).abs() < 1e-9);
        }
        seen.sort_unstable();
        assert_eq!(seen, (0..k).collect::<Vec<usize>>());
    }
}

#[test]
fn strata_run_from_the_hardest_to_the_easiest_items() {
    let world = world();
    let sources = world.sources();
    let field = sources.field().unwrap();
    let strata = Strata::new(&sources, field, world.pool.clone(), 9, &mut stream(0));
    let means = sources.complete.item_means();
    assert!(strata.items.windows(2).all(|pair| means[pair[0]] <= means[pair[1]]));
    assert!(strata.stratum.windows(2).all(|pair| pair[0] <= pair[1]));
    assert!((strata.shares.iter().sum::<f64>() - 1.0).abs() < 1e-9);
}

#[test]
fn less_is_left_to_know_than_after_any_of_twenty_random_subsets() {
    let world = world();
    let sources = world.sources();
    let chosen = left(&sources, &select(&sources, 20, &mut stream(0)).unwrap().items);
    for draw in 0..20 {
        let drawn = left(&sources, &random::select(&sources.design(), 20, &mut stream(draw)));
        assert!(chosen[0] < drawn[0] && chosen[1] < drawn[1], "{chosen:?} {drawn:?}");
    }
}

#[test]
fn observing_one_item_after_another_is_conditioning_on_all() {
    let world = world();
    let sources = world.sources();
    let forwards = left(&sources, &[5, 17, 80, 200]);
    let backwards = left(&sources, &[200, 80, 17, 5]);
    let fewer = left(&sources, &[5, 17, 80]);
    for place in 0..2 {
        assert!((forwards[place] / backwards[place] - 1.0).abs() < 1e-9);
        assert!(forwards[place] < fewer[place]);
    }
}

#[test]
fn a_census_has_the_weights_of_the_target() {
    let heavy: Vec<f64> = (0..20).map(|item| if item == 3 { 60.0 } else { 1.0 }).collect();
    for weights in [vec![1.0; 20], heavy] {
        let world = Rasch::new(20, 3).sources(12, 4).with_weights(&weights);
        let subset = super::select(&world.sources(), 20, &mut Stream::new(1, "census", 0)).unwrap();
        for (item, weight) in subset.items.iter().zip(&subset.weights) {
            assert!((weight - world.target.weights()[*item]).abs() < 1e-12, "{subset:?}");
        }
    }
}
