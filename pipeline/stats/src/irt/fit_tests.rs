use super::*;
use crate::irt::simulation::{correlation, simulate};

fn exact(family: Family) -> FitSettings {
    FitSettings { sweeps: 3000, tolerance: 1e-9, ..FitSettings::new(family) }
}

fn probability_error(model: &ItemResponseModel, truth: &crate::irt::simulation::Simulated) -> f64 {
    let (models, items) = (model.models(), model.items());
    let cells = (0..models).flat_map(|model| (0..items).map(move |item| (model, item)));
    let squares = cells.map(|(row, item)| {
        let fitted = model.expected_score(&model.ability(row), item);
        (fitted - truth.probability(row, item)).powi(2)
    });
    (squares.sum::<f64>() / (models * items) as f64).sqrt()
}

#[test]
fn two_parameters_are_recovered() {
    let truth = simulate(300, 100, 1);
    let model = fit(&truth.responses, None, &FitSettings::new(Family::TwoParameter)).unwrap();
    assert!(model.converged, "{}", model.sweeps);
    assert!(correlation(&model.abilities[0], &truth.abilities[0]) > 0.97);
    assert!(correlation(&model.intercepts, &truth.intercepts) > 0.98);
    let slopes = correlation(&model.slopes[0], &truth.slopes[0]);
    assert!(slopes > 0.85, "{slopes}");
    let bias =
        model.slopes[0].iter().zip(&truth.slopes[0]).map(|(a, b)| a - b).sum::<f64>() / 100.0;
    assert!(bias.abs() < 0.15, "{bias}");
    let error = probability_error(&model, &truth);
    assert!(error < 0.06, "{error}");
}

#[test]
fn a_second_ability_is_found_where_there_is_one() {
    let truth = simulate(200, 120, 2);
    let error = |family| {
        let model = fit(&truth.responses, None, &FitSettings::new(family)).unwrap();
        probability_error(&model, &truth)
    };
    let two = error(Family::Multidimensional { dimensions: 2 });
    let one = error(Family::TwoParameter);
    assert!(two < 0.09 && two < 0.6 * one, "{two} {one}");
}

#[test]
fn rasch_has_one_slope_and_orders_items_by_their_means() {
    let truth = simulate(100, 20, 1);
    let model = fit(&truth.responses, None, &FitSettings::new(Family::Rasch)).unwrap();
    assert!(model.slopes[0].iter().all(|slope| *slope == model.slopes[0][0]));
    // The simulated slopes average 1.25.
    assert!((0.9..1.6).contains(&model.slopes[0][0]), "{}", model.slopes[0][0]);
    let means = truth.responses.imputed().unwrap();
    for (left, right) in (0..20).flat_map(|left| (0..20).map(move |right| (left, right))) {
        let difference = means.item_means()[left] - means.item_means()[right];
        if difference > 1e-9 {
            assert!(model.intercepts[left] > model.intercepts[right]);
        }
    }
}

#[test]
fn nothing_pulls_at_the_optimum() {
    let truth = simulate(40, 30, 2);
    for family in [Family::TwoParameter, Family::Multidimensional { dimensions: 2 }] {
        let settings = exact(family);
        let by_model = Cells::by_model(&truth.responses, None).unwrap();
        let by_item = by_model.transposed();
        let mut state = State::start(&by_item, &settings);
        let (_, converged) = state.climb(&by_item, &by_model, &settings).unwrap();
        assert!(converged);
        let (ones, zeros) = (vec![1.0; 40], vec![0.0; 40]);
        let mut work = Workspace::default();
        let priors: Vec<Prior> =
            settings.slopes(state.slopes.len()).chain([settings.intercept]).collect();
        let mut covariates: Vec<&[f64]> = state.abilities.iter().map(Vec::as_slice).collect();
        covariates.push(&ones);
        for item in 0..30 {
            let regression = Regression {
                covariates: &covariates,
                offset: &zeros,
                scores: by_item.scores(item),
                trials: by_item.trials(item),
                priors: &priors,
            };
            let mut coefficients: Vec<f64> = state.slopes.iter().map(|a| a[item]).collect();
            coefficients.push(state.intercepts[item]);
            let gradient = regression.gradient(&coefficients, &mut work);
            assert!(gradient.iter().all(|part| part.abs() < 1e-5), "{family:?} {gradient:?}");
        }
    }
}

#[test]
fn the_order_of_models_and_items_does_not_matter() {
    let truth = simulate(30, 24, 1);
    // 7 and 5 have no divisor in common with 30 and 24.
    let (row, column) = (|model: usize| model * 7 % 30, |item: usize| item * 5 % 24);
    let cell = |at: usize| truth.responses.get(row(at / 24), column(at % 24)).unwrap() as f32;
    let permuted = ResponseMatrix::new(30, 24, (0..720).map(cell).collect()).unwrap();
    for family in [Family::Rasch, Family::TwoParameter, Family::Multidimensional { dimensions: 2 }]
    {
        let one = fit(&truth.responses, None, &exact(family)).unwrap();
        let two = fit(&permuted, None, &exact(family)).unwrap();
        for (model, item) in (0..30).flat_map(|model| (0..24).map(move |item| (model, item))) {
            let left = one.expected_score(&one.ability(row(model)), column(item));
            let right = two.expected_score(&two.ability(model), item);
            assert!((left - right).abs() < 1e-4, "{family:?} {left} {right}");
        }
    }
}

#[test]
fn duplicated_models_have_one_ability() {
    let truth = simulate(20, 30, 1);
    let rows: Vec<usize> = (0..20).chain([3, 3, 3]).collect();
    let responses = truth.responses.select_models(&rows).unwrap();
    let family = Family::Multidimensional { dimensions: 3 };
    let model = fit(&responses, None, &exact(family)).unwrap();
    for (one, two) in model.ability(3).iter().zip(model.ability(22)) {
        assert!((one - two).abs() < 1e-6, "{one} {two}");
    }
}

#[test]
fn degenerate_matrices_give_finite_parameters() {
    let gaps = vec![f32::NAN, f32::NAN, 1.0, 0.0, f32::NAN, 0.5];
    let cases = [
        (1, 6, vec![1.0; 6]),
        (6, 1, vec![0.0; 6]),
        (3, 2, vec![1.0; 6]),
        (3, 2, vec![1.0, 0.0, 1.0, 0.0, 1.0, 0.0]),
        (3, 2, gaps),
        (2, 3, vec![f32::NAN; 6]),
    ];
    for (models, items, scores) in cases {
        let responses = ResponseMatrix::new(models, items, scores).unwrap();
        for family in
            [Family::Rasch, Family::TwoParameter, Family::Multidimensional { dimensions: 5 }]
        {
            let model = fit(&responses, None, &FitSettings::new(family)).unwrap();
            let lists = model.slopes.iter().chain(&model.abilities).chain([&model.intercepts]);
            assert!(lists.flatten().all(|value| value.is_finite() && value.abs() < 20.0));
        }
    }
}

#[test]
fn missing_cells_are_not_wrong_answers_and_trials_count() {
    let truth = simulate(40, 20, 1);
    let complete: Vec<f32> =
        (0..800).map(|at| truth.responses.get(at / 20, at % 20).unwrap() as f32).collect();
    let settings = exact(Family::TwoParameter);
    let with = |scores: Vec<f32>, trials: Option<Vec<f32>>| {
        let responses = ResponseMatrix::new(40, 20, scores).unwrap();
        fit(&responses, trials.as_deref(), &settings).unwrap()
    };
    // A cell without trials is a missing cell, whatever its score.
    let gaps = |filler: f32| -> Vec<f32> {
        complete.iter().enumerate().map(|(at, x)| if at % 7 == 0 { filler } else { *x }).collect()
    };
    let trials: Vec<f32> = (0..800).map(|at| if at % 7 == 0 { 0.0 } else { 1.0 }).collect();
    assert_eq!(with(gaps(f32::NAN), None), with(gaps(1.0), Some(trials)));
    assert_ne!(with(gaps(f32::NAN), None), with(gaps(0.0), None));
    // More trials of the same score leave less to the priors.
    let steep = |count: f32| with(complete.clone(), Some(vec![count; 800])).intercepts;
    let spread = |values: Vec<f64>| values.iter().map(|value| value * value).sum::<f64>();
    assert!(spread(steep(50.0)) > 1.05 * spread(steep(1.0)));
}

#[test]
fn wrong_trials_are_errors() {
    let responses = ResponseMatrix::new(1, 2, vec![1.0, 0.0]).unwrap();
    let settings = FitSettings::new(Family::TwoParameter);
    let error = |trials: &[f32]| fit(&responses, Some(trials), &settings).unwrap_err();
    assert_eq!(error(&[1.0]), StatsError::Shape { models: 1, items: 2, got: 1 });
    assert_eq!(error(&[1.0, -1.0]), StatsError::BadTrials);
}
