use super::*;
use crate::simulated::normal;

/// 40 models, 400 items whose difficulty is linear in the first of four numbers, plus noise; nobody has
/// answered the last `hidden` of them. Also their true chances, row-major.
fn world(noise: f64, hidden: usize) -> (ResponseMatrix, Vec<f64>, Vec<f64>) {
    let mut stream = Stream::new(5, "amortised", 0);
    let points: Vec<f64> = (0..400 * 4).map(|_| normal(&mut stream)).collect();
    let difficulties: Vec<f64> =
        points.chunks(4).map(|row| 1.2 * row[0] + noise * normal(&mut stream)).collect();
    let (mut scores, mut chances) = (Vec::new(), Vec::new());
    for _ in 0..40 {
        let ability = normal(&mut stream);
        for (item, difficulty) in difficulties.iter().enumerate() {
            let chance = 1.0 / (1.0 + libm::exp(difficulty - ability));
            let right = stream.uniform() < chance;
            chances.push(chance);
            scores.push(if item < 400 - hidden { f32::from(u8::from(right)) } else { f32::NAN });
        }
    }
    (ResponseMatrix::new(40, 400, scores).unwrap(), points, chances)
}

fn extended(responses: &ResponseMatrix, points: &[f64], tasks: Option<&[u32]>) -> Extension {
    let points = Points::new(400, 4, points).unwrap();
    let texts = Texts { points: &points, tasks, groups: None };
    extend(responses, texts, &mut Stream::new(1, "extend", 0)).unwrap()
}

#[test]
fn difficulties_that_text_foretells_fill_the_gaps_and_answers_stay() {
    let (responses, points, chances) = world(0.3, 100);
    let extension = extended(&responses, &points, None);
    assert!(extension.difficulty.text > 0.7, "{:?}", extension.difficulty);
    assert_eq!(extension.difficulty.task, None);
    assert_eq!(extension.predicted.len(), 100);
    let (mut squares, mut own) = (0.0, 0.0);
    for model in 0..40 {
        for item in 0..400 {
            let got = extension.matrix.get(model, item).unwrap();
            match responses.get(model, item) {
                Some(score) => assert_eq!(got, score),
                None => {
                    let chance = chances[model * 400 + item];
                    squares += (got - chance) * (got - chance) / 4000.0;
                    own += (chance - 0.5) * (chance - 0.5) / 4000.0;
                }
            }
        }
    }
    assert!(squares < 0.15 * own, "{squares} {own}");
}

#[test]
fn standard_errors_are_those_of_the_difficulties() {
    let (hidden, points, _) = world(0.6, 100);
    let (all, ..) = world(0.6, 0);
    let extension = extended(&hidden, &points, None);
    let truth = fit(&all, None, &FitSettings::new(Family::TwoParameter)).unwrap();
    let within = extension.predicted.iter().filter(|item| {
        let difficulty = item.difficulty;
        (difficulty.value + truth.intercepts[item.item]).abs() < difficulty.standard_error
    });
    // 68 of 100 for a normal error, give or take three binomial standard errors.
    let within = within.count();
    assert!((54..=82).contains(&within), "{within}");
}

#[test]
fn text_that_says_nothing_explains_nothing_and_tasks_explain_what_they_do() {
    let (responses, points, _) = world(0.3, 100);
    let mut stream = Stream::new(8, "noise", 0);
    let noise: Vec<f64> = (0..1600).map(|_| normal(&mut stream)).collect();
    let none = extended(&responses, &noise, None);
    assert!((-0.1..0.03).contains(&none.difficulty.text), "{:?}", none.difficulty);
    let tasks: Vec<u32> = points.chunks(4).map(|row| u32::from(row[0] > 0.0)).collect();
    let with = extended(&responses, &noise, Some(&tasks)).difficulty;
    let (task, both) = (with.task.unwrap(), with.text_and_task.unwrap());
    assert!(task > 0.4 && (both - task).abs() < 0.05, "{with:?}");
    let full = extended(&responses, &points, Some(&tasks)).difficulty;
    assert!(full.text_and_task.unwrap() > task + 0.1, "{full:?}");
}

#[test]
fn copies_in_one_group_are_no_evidence() {
    // Every item twice, with points that say which pair it is and nothing else.
    let mut stream = Stream::new(2, "copies", 0);
    let difficulties: Vec<f64> = (0..60).map(|_| 1.5 * normal(&mut stream)).collect();
    let mut scores = Vec::new();
    for _ in 0..60 {
        let ability = normal(&mut stream);
        let chance = |item: usize| 1.0 / (1.0 + libm::exp(difficulties[item / 2] - ability));
        scores.extend((0..120).map(|item| f32::from(u8::from(stream.uniform() < chance(item)))));
    }
    let responses = ResponseMatrix::new(60, 120, scores).unwrap();
    let values: Vec<f64> = (0..120)
        .flat_map(|item| (0..60).map(move |at| f64::from(u8::from(at == item / 2))))
        .collect();
    let points = Points::new(120, 60, &values).unwrap();
    let pairs: Vec<u32> = (0..120).map(|item| item / 2).collect();
    let explained = |groups| {
        let texts = Texts { points: &points, tasks: None, groups };
        extend(&responses, texts, &mut Stream::new(1, "extend", 0)).unwrap().difficulty.text
    };
    assert!(explained(None) > 0.4, "{}", explained(None));
    assert!(explained(Some(&pairs)) < 0.02, "{}", explained(Some(&pairs)));
}

#[test]
fn nothing_to_predict_leaves_the_matrix_and_too_little_is_refused() {
    let (responses, points, _) = world(0.3, 0);
    let extension = extended(&responses, &points, None);
    assert_eq!((extension.matrix, extension.predicted), (responses, vec![]));
    let few = ResponseMatrix::new(4, 8, vec![1.0; 32]).unwrap();
    let points = Points::new(8, 2, &[0.5; 16]).unwrap();
    let texts = Texts { points: &points, tasks: None, groups: None };
    let error = extend(&few, texts, &mut Stream::new(1, "few", 0)).unwrap_err();
    assert!(matches!(error, StatsError::TooFewItems { items: 8, .. }), "{error}");
    let tasks = Texts { tasks: Some(&[0; 3]), ..texts };
    let error = extend(&few, tasks, &mut Stream::new(1, "few", 0)).unwrap_err();
    assert_eq!(error, StatsError::Length { what: "tasks of items", expected: 8, got: 3 });
}

#[test]
fn doubt_moves_an_expected_score_towards_one_half() {
    let item = |standard_error| PredictedItem {
        item: 0,
        difficulty: Predicted { value: -1.0, standard_error },
        log_discrimination: Predicted { value: 0.0, standard_error: 0.0 },
    };
    // logistic(2); with variance 8 / pi, logistic(2 / sqrt 2).
    assert!((item(0.0).expected_score(1.0) - 0.880_797_077_977_882_4).abs() < 1e-12);
    let doubtful = item((8.0 / std::f64::consts::PI).sqrt()).expected_score(1.0);
    assert!((doubtful - 1.0 / (1.0 + libm::exp(-2.0_f64.sqrt()))).abs() < 1e-12);
}
