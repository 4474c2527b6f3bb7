use super::{Guarded, Known, Regime, fit};
use crate::{
    estimate::{self, EstimatorMethod},
    interval::LEVEL,
    procedure::Procedure,
    rng::Stream,
    select::{self, SelectionMethod, Subset},
    simulated::{Rasch, World, normal},
    sources::Sources,
};

const ITEMS: usize = 500;

/// Sixty sources of abilities around 0, of standard deviation 0.7, on 500 items.
fn world() -> (Rasch, World) {
    let rasch = Rasch::new(ITEMS, 21);
    let world = rasch.sources(60, 22);
    (rasch, world)
}

fn subset(sources: &Sources<'_>, k: usize) -> Subset {
    select::select(Procedure::DEFAULT.selection, sources, k, &mut Stream::new(1, "g", 0)).unwrap()
}

/// Answers to all items, and the score over them.
fn new_model(rasch: &Rasch, ability: f64, stream: &mut Stream) -> (Vec<f64>, f64) {
    let answers: Vec<f64> = rasch.answers(ability, stream).into_iter().map(f64::from).collect();
    let truth = answers.iter().sum::<f64>() / answers.len() as f64;
    (answers, truth)
}

fn on(subset: &[usize], answers: &[f64]) -> Vec<f64> {
    subset.iter().map(|&item| answers[item]).collect()
}

#[test]
fn models_like_the_sources_are_inside_and_others_are_not() {
    let (rasch, world) = world();
    let sources = world.sources();
    let subset = subset(&sources, 50);
    let fitted = fit(&sources, &subset.items).unwrap();
    let regimes = |ability: f64| -> Vec<Regime> {
        let mut stream = Stream::new(2, "regimes", 0);
        let judged = |stream: &mut Stream| {
            fitted.judge(&on(&subset.items, &new_model(&rasch, ability, stream).0)).regime()
        };
        (0..40).map(|_| judged(&mut stream)).collect()
    };
    let share = |ability: f64, regime: Regime| {
        regimes(ability).iter().filter(|found| **found == regime).count()
    };
    assert!(share(0.0, Regime::Inside) >= 38, "{:?}", regimes(0.0));
    assert!(share(4.0, Regime::Outside) >= 38, "{:?}", regimes(4.0));
    assert!(share(-4.0, Regime::Outside) >= 38, "{:?}", regimes(-4.0));
}

/// Mean of estimate minus truth over a hundred models of one ability.
fn bias(fitted: impl Fn(&[f64]) -> f64, (rasch, items): (&Rasch, &[usize]), ability: f64) -> f64 {
    let mut stream = Stream::new(3, "bias", 0);
    let error = |stream: &mut Stream| {
        let (answers, truth) = new_model(rasch, ability, stream);
        fitted(&on(items, &answers)) - truth
    };
    (0..100).map(|_| error(&mut stream)).sum::<f64>() / 100.0
}

#[test]
fn models_far_from_the_sources_are_not_drawn_towards_them_as_by_ridge() {
    let (rasch, world) = world();
    let sources = world.sources();
    let subset = subset(&sources, 50);
    let guarded = fit(&sources, &subset.items).unwrap();
    let mut unused = Stream::new(1, "unused", 0);
    let ridge = estimate::fit(EstimatorMethod::Ridge, &sources, &subset, &mut unused).unwrap();
    for (ability, sign) in [(3.0, -1.0), (-3.0, 1.0)] {
        let place = (&rasch, &subset.items[..]);
        let guarded = sign * bias(|answers| guarded.judge(answers).value, place, ability);
        let ridge = sign * bias(|answers| ridge.estimate(answers).unwrap(), place, ability);
        assert!(guarded.abs() < 0.045, "{ability}: guarded {guarded}, ridge {ridge}");
        assert!(
            ridge > 2.0 * guarded.abs() && ridge > 0.05,
            "{ability}: guarded {guarded}, ridge {ridge}"
        );
    }
}

/// Of 300 models, how many have their truth in the interval, and the mean width.
fn coverage(
    fitted: &Guarded,
    (rasch, items): (&Rasch, &[usize]),
    mut ability: impl FnMut(&mut Stream) -> f64,
) -> (i32, f64) {
    let mut stream = Stream::new(4, "coverage", 0);
    let (mut covered, mut width) = (0, 0.0);
    for _ in 0..300 {
        let ability = ability(&mut stream);
        let (answers, truth) = new_model(rasch, ability, &mut stream);
        let interval = fitted.judge(&on(items, &answers)).interval(LEVEL);
        covered += i32::from(interval.contains(truth));
        width += interval.width() / 300.0;
    }
    (covered, width)
}

#[test]
fn intervals_cover_models_like_the_sources_and_stronger_ones() {
    let (rasch, world) = world();
    let sources = world.sources();
    let mut stream = Stream::new(7, "random", 0);
    let random = select::select(SelectionMethod::Random, &sources, 50, &mut stream).unwrap();
    let chosen = subset(&sources, 50);
    // 0.95 of 300 less 3 binomial standard errors. Items chosen on the very sources that the
    // estimator learns from flatter its variances: there 0.85 is asked for.
    for (subset, least) in [(random, 273), (chosen, 255)] {
        let fitted = fit(&sources, &subset.items).unwrap();
        let place = (&rasch, &subset.items[..]);
        let inside = coverage(&fitted, place, |stream| 0.7 * normal(stream));
        let above = coverage(&fitted, place, |stream| 2.0 + stream.uniform());
        for (covered, width) in [inside, above] {
            // Narrower than +-0.13 of the mean of fifty random answers.
            assert!(covered >= least && width < 0.26, "{least}: {inside:?} {above:?}");
        }
    }
}

#[test]
fn what_is_rebuilt_from_the_known_judges_alike() {
    let (rasch, world) = world();
    let sources = world.sources();
    let items = subset(&sources, 20).items;
    let fitted = fit(&sources, &items).unwrap();
    let Known {
        sources,
        target_weights,
        kernel,
        target_covariances,
        target_variance,
        dispersion,
        groups,
        gate,
    } = fitted.known.clone();
    let rebuilt = Guarded::new(Known {
        sources,
        target_weights,
        kernel,
        target_covariances,
        target_variance,
        dispersion,
        groups,
        gate,
    });
    let rebuilt = rebuilt.unwrap();
    let mut stream = Stream::new(5, "rebuilt", 0);
    for ability in [-4.0, -1.0, 0.0, 1.0, 4.0] {
        let answers = on(&items, &new_model(&rasch, ability, &mut stream).0);
        let (one, other) = (fitted.judge(&answers), rebuilt.judge(&answers));
        assert_eq!(one, other);
        assert_eq!(one.interval(LEVEL), other.interval(LEVEL));
    }
}

#[test]
fn intervals_widen_with_the_level_and_hold_the_estimate() {
    let (rasch, world) = world();
    let sources = world.sources();
    let items = subset(&sources, 30).items;
    let fitted = fit(&sources, &items).unwrap();
    let mut stream = Stream::new(6, "levels", 0);
    for ability in [-5.0, -2.0, 0.0, 1.5, 5.0] {
        let judged = fitted.judge(&on(&items, &new_model(&rasch, ability, &mut stream).0));
        let widths = [0.5, 0.8, 0.95, 0.99].map(|level| judged.interval(level).width());
        assert!(widths.windows(2).all(|pair| pair[0] < pair[1]), "{ability}: {widths:?}");
        assert!(judged.interval(LEVEL).contains(judged.value), "{ability}: {judged:?}");
        assert!((0.0..=1.0).contains(&judged.outside));
    }
}

#[test]
fn what_is_answered_bounds_what_can_be() {
    let world = Rasch::new(100, 21).sources(60, 22);
    // Four fifths of the items known: at least that if all are right, at most the rest if none is.
    let sources = world.sources();
    let items: Vec<usize> = (0..100).filter(|item| item % 5 != 0).collect();
    let fitted = fit(&sources, &items).unwrap();
    let (best, worst) = (fitted.judge(&vec![1.0; 80]), fitted.judge(&vec![0.0; 80]));
    for level in [0.5, 0.9999] {
        assert!(best.interval(level).lower >= 0.8 - 1e-9);
        assert!(worst.interval(level).upper <= 0.2 + 1e-9);
    }
    assert!(best.value > 0.95 && worst.value < 0.05, "{} {}", best.value, worst.value);
    assert_eq!((best.regime(), worst.regime()), (Regime::Outside, Regime::Outside));
}

#[test]
fn more_right_answers_never_lower_the_estimate_by_much() {
    // The gate mixes regions, so the estimate is not linear; it must still rise from 0 to 1.
    let (_, world) = world();
    let sources = world.sources();
    let subset = subset(&sources, 40);
    let fitted = fit(&sources, &subset.items).unwrap();
    let means = sources.complete.item_means();
    let mut order: Vec<usize> = (0..40).collect();
    order.sort_by(|&a, &b| means[subset.items[b]].total_cmp(&means[subset.items[a]]));
    let mut answers = vec![0.0; 40];
    let mut values = vec![fitted.judge(&answers).value];
    for place in order {
        answers[place] = 1.0;
        values.push(fitted.judge(&answers).value);
    }
    assert!(values.windows(2).all(|pair| pair[1] > pair[0] - 0.01), "{values:?}");
    assert!(values[0] < 0.05 && values[40] > 0.95, "{values:?}");
}

#[test]
fn sources_that_all_answer_alike_give_their_own_score_and_damaged_parts_are_refused() {
    let world = World::of(6, 12, |_, _| 0.5);
    let fitted = super::fit(&world.sources(), &[1, 5, 7]).unwrap();
    let judged = fitted.judge(&[0.5, 0.5, 0.5]);
    assert!((judged.value - 0.5).abs() < 0.01, "{judged:?}");
    let refused = |damage: &dyn Fn(&mut Known)| {
        let mut known = fitted.known.clone();
        damage(&mut known);
        assert!(super::Guarded::new(known).is_err());
    };
    refused(&|known| known.target_weights.clear());
    refused(&|known| known.kernel.truncate(4));
    refused(&|known| known.groups.clear());
    refused(&|known| known.gate.odds.fill(0.0));
    refused(&|known| known.groups[0].priors[0].means[0] = 1e200);
    refused(&|known| known.dispersion = -1.0);
    refused(&|known| known.sources = 0);
}
