//! Every estimator on matrices that leave something undefined: a typed error or a finite estimate.

use super::{
    aipw, gaussian_process, generalised_additive, pca_completion, prediction_powered, signature,
};
use crate::{
    StatsError,
    matrix::{CompleteMatrix, ResponseMatrix, Target},
    rng::Stream,
    select::Subset,
};

const ITEMS: usize = 6;

fn matrix(models: usize, score: impl Fn(usize, usize) -> f32) -> CompleteMatrix {
    let scores = (0..models * ITEMS).map(|at| score(at / ITEMS, at % ITEMS)).collect();
    ResponseMatrix::new(models, ITEMS, scores).unwrap().imputed().unwrap()
}

/// One estimate, or the error of the fit, an estimator.
fn estimates(
    sources: &CompleteMatrix,
    target: &Target,
    subset: &Subset,
    answers: &[f64],
) -> Vec<(&'static str, Result<f64, StatsError>)> {
    let (items, full) = (&subset.items, sources.target_means(target));
    let mut stream = Stream::new(1, "degenerate", 0);
    vec![
        ("aipw", aipw::fit(sources, target, subset).map(|f| f.apply(answers))),
        ("pca", pca_completion::fit(sources, target, items).map(|f| f.apply(answers))),
        ("ppi", prediction_powered::fit(sources, target, subset).map(|f| f.estimate(answers))),
        ("gp", gaussian_process::fit(sources, items, &full).map(|f| f.estimate(answers))),
        ("gam", generalised_additive::fit(sources, subset, &full).map(|f| f.estimate(answers))),
        ("knn", signature::fit_neighbours(sources, items, &full).map(|f| f.estimate(answers))),
        (
            "forest",
            signature::fit_forest(sources, items, &full, &mut stream).map(|f| f.estimate(answers)),
        ),
    ]
}

#[test]
fn estimates_are_finite_or_typed_errors() {
    let sources = [
        ("one model", matrix(1, |_, item| item as f32 / 8.0)),
        ("two models", matrix(2, |model, item| ((model + item) % 2) as f32)),
        ("all ones", matrix(5, |_, _| 1.0)),
        ("constant items", matrix(5, |_, item| (item % 2) as f32)),
        ("one item seven times", matrix(7, |model, _| model as f32 / 8.0)),
        ("one model seven times", matrix(7, |_, item| item as f32 / 8.0)),
        ("pairs of copies", matrix(8, |model, item| ((model / 2 + item) % 3) as f32 / 2.0)),
    ];
    let targets = [
        Target::uniform(ITEMS).unwrap(),
        Target::grouped(&[0, 0, 0, 0, 0, 1], &[1.0, 3.0]).unwrap(),
    ];
    for (name, sources) in &sources {
        for target in &targets {
            for k in [1, 2, ITEMS - 1, ITEMS] {
                finite_or_too_few(name, sources, target, k);
            }
        }
    }
}

fn finite_or_too_few(name: &str, sources: &CompleteMatrix, target: &Target, k: usize) {
    let subset = Subset { items: (0..k).collect(), weights: vec![1.0 / k as f64; k] };
    for answer in [0.0, 0.3, 1.0] {
        for (method, estimate) in estimates(sources, target, &subset, &vec![answer; k]) {
            let few =
                matches!(estimate, Err(StatsError::TooFewModels { needed: 3, got: 1 | 2, .. }));
            let finite = estimate.as_ref().is_ok_and(|value| value.abs() < 10.0);
            assert!(finite || few, "{method} on {name}, {k} items: {estimate:?}");
        }
    }
}

#[test]
fn copies_of_all_models_leave_completion_and_predictions_alone() {
    // The other estimators count models: their penalties and samples change with copies.
    let once = matrix(5, |model, item| ((model * model + 3 * item) % 5) as f32 / 4.0);
    let twice = matrix(10, |model, item| once.item(item)[model % 5] as f32);
    let target = Target::uniform(ITEMS).unwrap();
    let subset = Subset { items: vec![0, 2, 3], weights: vec![1.0 / 3.0; 3] };
    let answers = [1.0, 0.0, 0.5];
    let completed = [&once, &twice].map(|sources| {
        pca_completion::fit(sources, &target, &subset.items).unwrap().apply(&answers)
    });
    assert!((completed[0] - completed[1]).abs() < 1e-9, "{completed:?}");
    let predicted = [&once, &twice].map(|sources| {
        prediction_powered::fit(sources, &target, &subset).unwrap().estimate(&answers)
    });
    assert!((predicted[0] - predicted[1]).abs() < 1e-9, "{predicted:?}");
}
