//! What every estimator owes its caller, on ordinary and on degenerate inputs.

use super::{EstimatorMethod, Fitted, fit};
use crate::{
    StatsError,
    interval::{Answers, Intervals, Problem, StreamKey},
    matrix::Target,
    procedure::Procedure,
    rng::Stream,
    select::{SelectionMethod, Subset},
    simulated::{Rasch, World},
    sources::Sources,
};

fn fitted(
    method: EstimatorMethod,
    sources: &Sources<'_>,
    items: &[usize],
) -> Result<Fitted, StatsError> {
    let weights = vec![1.0 / items.len() as f64; items.len()];
    let subset = Subset { items: items.to_vec(), weights };
    fit(method, sources, &subset, &mut Stream::new(1, "estimator", 0))
}

/// Fewest sources that a method learns from.
fn least_models(method: EstimatorMethod) -> usize {
    match method {
        EstimatorMethod::PIrt { .. } | EstimatorMethod::GpIrt { .. } => 6,
        EstimatorMethod::Ridge
        | EstimatorMethod::GaussianProcess
        | EstimatorMethod::Signature
        | EstimatorMethod::SignatureNeighbours
        | EstimatorMethod::GeneralisedAdditive => 3,
        _ => 1,
    }
}

fn checked(method: EstimatorMethod, sources: &Sources<'_>, items: &[usize]) -> Option<Fitted> {
    let outcome = fitted(method, sources, items);
    if sources.complete.models() >= least_models(method) {
        return Some(outcome.unwrap());
    }
    let few = matches!(outcome, Err(StatsError::TooFewModels { .. }));
    assert!(few, "{method:?}: {outcome:?}");
    None
}

#[test]
fn estimates_lie_between_zero_and_one_and_none_is_made_of_no_items() {
    let weights: Vec<f64> = (0..40).map(|item| f64::from(item % 3)).collect();
    let plain = Rasch::new(40, 1).sources(20, 2);
    let weighted = Rasch::new(40, 1).sources(20, 2).with_weights(&weights);
    for world in [plain, weighted] {
        let sources = world.sources();
        for method in EstimatorMethod::ALL {
            for k in [1, 5, 25, 40] {
                let items: Vec<usize> = (40 - k..40).collect();
                let fitted = checked(method, &sources, &items).unwrap();
                for answer in [0.0, 0.4, 1.0] {
                    let estimate = fitted.estimate(&vec![answer; k]).unwrap();
                    assert!((0.0..=1.0).contains(&estimate), "{method:?}, {k}: {estimate}");
                }
            }
        }
    }
}

#[test]
fn all_answers_give_the_truth_itself() {
    let groups: Vec<u32> = (0..40).map(|item| u32::from(item >= 30)).collect();
    let uniform = Rasch::new(40, 1).sources(20, 2);
    let target = Target::grouped(&groups, &[1.0, 1.0]).unwrap();
    let grouped = World { target, ..Rasch::new(40, 1).sources(20, 2) };
    let exact = [
        EstimatorMethod::Guarded,
        EstimatorMethod::PcaCompletion { components: 3 },
        EstimatorMethod::PIrt { dimensions: 1 },
        EstimatorMethod::Aipw,
    ];
    let mut stream = Stream::new(3, "new", 0);
    for (world, method) in exact.map(|method| [(&uniform, method), (&grouped, method)]).concat() {
        let sources = world.sources();
        let fitted = fitted(method, &sources, &world.pool).unwrap();
        exact_on_new_models(&fitted, world, &mut stream);
    }
    let mean = fitted(EstimatorMethod::Mean, &uniform.sources(), &uniform.pool).unwrap();
    exact_on_new_models(&mean, &uniform, &mut stream);
}

fn exact_on_new_models(fitted: &Fitted, world: &World, stream: &mut Stream) {
    for graded in [false, true] {
        for _ in 0..50 {
            let chance = stream.uniform();
            let answer = |stream: &mut Stream| {
                let draw = stream.uniform();
                if graded { draw } else { f64::from(u8::from(draw < chance)) }
            };
            let answers: Vec<f64> = world.pool.iter().map(|_| answer(stream)).collect();
            let truth = world.target.mean(|item| Some(answers[item]));
            let estimate = fitted.estimate(&answers).unwrap();
            assert!((estimate - truth).abs() < 1e-9, "{fitted:?}: {estimate} for {truth}");
            if let Some(judged) = fitted.judge(&answers) {
                let interval = judged.interval(0.95);
                assert!((interval.lower - truth).abs() < 1e-9, "{interval:?} for {truth}");
                assert!((interval.upper - truth).abs() < 1e-9, "{interval:?} for {truth}");
            }
        }
    }
}

fn degenerate() -> Vec<(&'static str, World)> {
    let parity = |model: usize, item: usize| ((model * model + item) % 2) as f32;
    vec![
        ("one model", World::of(1, 12, parity)),
        ("two models", World::of(2, 12, parity)),
        ("all ones", World::of(8, 12, |_, _| 1.0)),
        ("all zeros", World::of(8, 12, |_, _| 0.0)),
        ("constant items", World::of(8, 12, |_, item| (item % 2) as f32)),
        ("one item twelve times", World::of(8, 12, |model, _| model as f32 / 8.0)),
        ("one model eight times", World::of(8, 12, |_, item| item as f32 / 16.0)),
        ("pairs of copies", World::of(8, 12, |model, item| parity(model / 2, item / 2))),
        ("one item", World::of(8, 1, parity)),
        (
            "an item nobody answered",
            World::of(8, 12, |model, item| if item == 0 { f32::NAN } else { parity(model, item) }),
        ),
        (
            "gaps",
            World::of(8, 12, |model, item| {
                if (model + 2 * item) % 5 == 0 { f32::NAN } else { parity(model, item) }
            }),
        ),
    ]
}

#[test]
fn degenerate_sources_end_in_an_estimate_or_a_typed_error() {
    for (name, world) in degenerate() {
        let sources = world.sources();
        for method in EstimatorMethod::ALL {
            for k in [1, 2, world.pool.len().saturating_sub(1), world.pool.len()] {
                let k = k.clamp(1, world.pool.len());
                let Some(fitted) = checked(method, &sources, &world.pool[..k]) else { continue };
                for answer in [0.0, 0.3, 1.0] {
                    let estimate = fitted.estimate(&vec![answer; k]).unwrap();
                    assert!((0.0..=1.0).contains(&estimate), "{method:?} on {name}: {estimate}");
                }
            }
        }
    }
}

#[test]
fn degenerate_sources_have_intervals_as_wide_as_something_is_unknown() {
    for (name, world) in degenerate() {
        let sources = world.sources();
        for estimator in [EstimatorMethod::Mean, EstimatorMethod::Guarded, EstimatorMethod::Ridge] {
            let procedure = Procedure { selection: SelectionMethod::Random, estimator };
            for k in [1, world.pool.len().div_ceil(2), world.pool.len()] {
                if world.responses.models() < 4 && estimator == EstimatorMethod::Ridge {
                    continue;
                }
                let (responses, target) = (&world.responses, &world.target);
                let problem =
                    Problem { matrix: responses, target, pool: &world.pool, points: None, k };
                let key = StreamKey { seed: 1, label: "degenerate" };
                let intervals = Intervals::calibrate(procedure, &problem, key).unwrap();
                let fitted = checked(estimator, &sources, &world.pool[..k]).unwrap();
                for answer in [0.0, 0.3, 1.0] {
                    let filled = vec![answer; k];
                    let answers = Answers { filled: &filled, answered: &filled };
                    let interval = intervals.interval(&fitted, answers, world.pool.len()).unwrap();
                    let estimate = fitted.estimate(&filled).unwrap();
                    let text =
                        format!("{estimator:?} on {name}, {k}, {answer}: {interval:?} {estimate}");
                    assert!(interval.lower >= 0.0 && interval.upper <= 1.0, "{text}");
                    assert!(interval.lower <= estimate + 1e-9, "{text}");
                    assert!(estimate <= interval.upper + 1e-9, "{text}");
                    // Conformal intervals are as wide as the sources' errors, which may all be 0.
                    let promised = !matches!(intervals, Intervals::Conformal(_));
                    let unknown = k < world.pool.len();
                    assert!(interval.width() > 0.0 || !unknown || !promised, "{text}");
                }
            }
        }
    }
}

#[test]
fn a_source_that_answered_nothing_that_counts_is_refused() {
    // The first source has answered the second benchmark only, which counts nothing.
    let groups: Vec<u32> = (0..12).map(|item| u32::from(item >= 8)).collect();
    let target = Target::grouped(&groups, &[1.0, 0.0]).unwrap();
    let plain = World::of(9, 12, |model, item| {
        if model == 0 && item < 8 { f32::NAN } else { ((model * model + item) % 2) as f32 }
    });
    let world = World { target, ..plain };
    let key = StreamKey { seed: 1, label: "test" };
    let sources = Sources::new(&world.responses, &world.target, &world.pool, key);
    assert_eq!(sources.err(), Some(StatsError::NoScores { model: 0 }));
}
