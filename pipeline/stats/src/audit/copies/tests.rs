use super::*;
use crate::{rng::Stream, simulated::Rasch};

/// Rows of a simulated leaderboard as scores.
fn rows(models: usize, items: usize, seed: u64) -> Vec<Vec<f32>> {
    let world = Rasch::new(items, seed).sources(models, seed);
    let score = |model, item| world.responses.get(model, item).unwrap() as f32;
    (0..models).map(|model| (0..items).map(|item| score(model, item)).collect()).collect()
}

fn search(rows: &[Vec<f32>], related: impl Fn(usize, usize) -> bool) -> Vec<SuspectedCopy> {
    let matrix = ResponseMatrix::new(rows.len(), rows[0].len(), rows.concat()).unwrap();
    let order: Vec<usize> = (0..rows.len()).collect();
    suspected_copies(&matrix, &order, related, Likeness::default()).unwrap()
}

/// The same answers, each turned with that probability.
fn noisy(row: &[f32], noise: f64, stream: &mut Stream) -> Vec<f32> {
    row.iter().map(|&score| if stream.uniform() < noise { 1.0 - score } else { score }).collect()
}

#[test]
fn copies_with_two_percent_noise_are_found_and_point_at_their_original() {
    let mut stream = Stream::new(1, "copies", 0);
    let (mut planted, mut hits) = (0, 0);
    for seed in 0..5 {
        let mut all = rows(60, 200, seed);
        for original in 0..10 {
            let copy = noisy(&all[original], 0.02, &mut stream);
            all.push(copy);
        }
        for copy in search(&all, |_, _| false) {
            assert!(copy.model >= 60, "{copy:?} was not planted");
            assert!(copy.similarity() >= 0.8 && copy.log_p < -6.0 && !copy.related);
            hits += usize::from(copy.of == copy.model - 60);
        }
        planted += 10;
    }
    assert!(hits >= planted * 9 / 10, "{hits} of {planted}");
}

#[test]
fn independent_models_are_not_accused_whatever_the_size() {
    for (models, items, seeds) in [(300, 30, 5), (200, 100, 5), (100, 1000, 3), (10, 50, 20)] {
        for seed in 0..seeds {
            let found = search(&rows(models, items, 50 + seed), |_, _| false);
            assert!(found.is_empty(), "{models} x {items}: {found:?}");
        }
    }
}

#[test]
fn relatives_are_told_apart_and_stay_to_be_compared_with() {
    let mut stream = Stream::new(2, "copies", 0);
    let mut all = rows(40, 300, 9);
    let [relative, stranger] = [0.01, 0.01].map(|noise| noisy(&all[3], noise, &mut stream));
    all.extend([relative, stranger]);
    let found = search(&all, |a, b| a.max(b) == 40);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].related && (found[0].model, found[0].of) == (40, 3));
    assert!(!found[1].related && (found[1].model, found[1].of) == (41, 3));
}

#[test]
fn gaps_and_graded_scores_do_not_hide_a_copy() {
    let mut stream = Stream::new(3, "copies", 0);
    let mut all = rows(40, 400, 11);
    for row in &mut all {
        row.iter_mut().for_each(|score| *score = 0.5 * *score + 0.5 * stream.uniform() as f32);
    }
    let near = |score: &f32| (score + 0.01 * stream.uniform() as f32).min(1.0);
    let copy: Vec<f32> = all[5].iter().map(near).collect();
    all.push(copy);
    for row in &mut all {
        row.iter_mut().for_each(|score| {
            if stream.uniform() < 0.2 {
                *score = f32::NAN;
            }
        });
    }
    let found = search(&all, |_, _| false);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((found[0].model, found[0].of), (40, 5));
    assert!(found[0].items < 300, "{found:?}");
}

#[test]
fn models_without_spread_prove_nothing_and_bad_parameters_are_refused() {
    let mut all = rows(30, 100, 4);
    all.extend([vec![0.0; 100], vec![0.0; 100], vec![1.0; 100], vec![f32::NAN; 100]]);
    assert!(search(&all, |_, _| false).is_empty());
    let matrix = ResponseMatrix::new(30, 100, all[..30].concat()).unwrap();
    for (similarity, level) in [(0.0, 0.1), (1.1, 0.1), (0.5, 0.0), (0.5, 1.0), (f64::NAN, 0.1)] {
        let likeness = Likeness { similarity, level };
        assert!(suspected_copies(&matrix, &[0, 1], |_, _| false, likeness).is_err());
    }
}

#[test]
fn the_tail_bound_is_above_the_binomial_tail_and_of_its_order() {
    // Binomial(20, 1/2): P(X <= 3) = 1351 / 2^20 = 0.001288.
    let bound = libm::exp(log_tail(3.0, 10.0, 20.0));
    assert!((0.001_288..0.01).contains(&bound), "{bound}");
    assert_eq!(log_tail(10.0, 10.0, 20.0), 0.0);
    // None of 20 differ: (1/2)^20 exactly.
    assert!((log_tail(0.0, 10.0, 20.0) - 20.0 * libm::log(0.5)).abs() < 1e-12);
}
