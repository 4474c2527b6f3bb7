use super::Curves;
use crate::{
    rng::Stream,
    simulated::{Rasch, World, normal},
};

fn fit(world: &World) -> Curves {
    let sources = world.sources();
    Curves::fit(&sources.complete, &sources.full_scores)
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let values: Vec<f64> = values.collect();
    values.iter().sum::<f64>() / values.len() as f64
}

/// 300 models of 0/1 answers to 120 items whose slopes on a common ability are 0.5, 1 and 1.5 in turn.
fn discriminating() -> World {
    let mut stream = Stream::new(4, "discriminating", 0);
    let difficulties: Vec<f64> = (0..120).map(|_| normal(&mut stream)).collect();
    let abilities: Vec<f64> = (0..300).map(|_| normal(&mut stream)).collect();
    World::of(300, 120, |model, item| {
        let slope = 0.5 + 0.5 * (item % 3) as f64;
        let logit = slope * abilities[model] - difficulties[item];
        f32::from(u8::from(stream.uniform() < 1.0 / (1.0 + libm::exp(-logit))))
    })
}

#[test]
fn slopes_come_out_in_the_ratios_that_went_in() {
    let curves = fit(&discriminating());
    let of = |kind: usize| mean(curves.slopes.iter().skip(kind).step_by(3).copied());
    let (flat, middle, steep) = (of(0), of(1), of(2));
    // Levels are logits of the overall score, hence in other units than the abilities: ratios count.
    assert!((flat / middle - 0.5).abs() < 0.15, "{flat} {middle} {steep}");
    assert!((steep / middle - 1.5).abs() < 0.2, "{flat} {middle} {steep}");
}

#[test]
fn a_curve_in_units_of_the_overall_score_is_recovered() {
    // Without differences in difficulty the overall score is the ability itself: slope 1, intercept 0.
    let mut stream = Stream::new(5, "equal", 0);
    let world = World::of(200, 200, |model, _| {
        let ability = -2.0 + 4.0 * model as f64 / 199.0;
        f32::from(u8::from(stream.uniform() < 1.0 / (1.0 + libm::exp(-ability))))
    });
    let curves = fit(&world);
    let slope = mean(curves.slopes.iter().copied());
    let intercept = mean(curves.intercepts.iter().copied());
    assert!((slope - 1.0).abs() < 0.05, "{slope}");
    assert!((intercept - curves.centre).abs() < 0.05, "{intercept} {}", curves.centre);
}

#[test]
fn expected_scores_rise_with_the_level_where_the_slope_is_positive() {
    let curves = fit(&discriminating());
    for item in 0..120 {
        let scores: Vec<f64> = (-8..=8).map(|level| curves.at(item, f64::from(level))).collect();
        assert!(scores.iter().all(|score| (0.0..=1.0).contains(score)));
        let rises = curves.slopes[item] > 0.0;
        assert!(scores.windows(2).all(|pair| (pair[1] > pair[0]) == rises), "{item}: {scores:?}");
    }
}

#[test]
fn quantiles_rise_from_the_weakest_to_the_strongest_source() {
    let curves = fit(&Rasch::new(50, 1).sources(21, 2));
    let quantiles: Vec<f64> =
        (0..=40).map(|step| curves.quantile(f64::from(step) / 40.0)).collect();
    assert!(quantiles.windows(2).all(|pair| pair[0] <= pair[1]), "{quantiles:?}");
    let least = curves.levels.iter().copied().fold(f64::INFINITY, f64::min);
    let greatest = curves.levels.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    assert_eq!((quantiles[0], quantiles[40]), (least, greatest));
    // Ten of twenty-one lie below the middle one.
    let below = curves.levels.iter().filter(|level| **level < curves.quantile(0.5)).count();
    assert!(below <= 10, "{below}");
}

#[test]
fn dispersion_is_one_for_0_1_answers_and_less_for_graded_ones() {
    let rasch = Rasch::new(100, 7);
    let world = rasch.sources(60, 8);
    let curves = fit(&world);
    let dispersion = curves.dispersion(&world.sources().complete);
    assert!((0.9..=1.0).contains(&dispersion), "{dispersion}");
    // The mean of four tries has a quarter of the variance.
    let tries: Vec<World> = (0..4).map(|seed| same_models(&rasch, seed)).collect();
    let graded = World::of(60, 100, |model, item| {
        let answer = |world: &World| world.responses.get(model, item).unwrap();
        (tries.iter().map(answer).sum::<f64>() / 4.0) as f32
    });
    let dispersion = fit(&graded).dispersion(&graded.sources().complete);
    assert!((0.18..0.32).contains(&dispersion), "{dispersion}");
}

/// Sixty models of evenly spaced abilities; their chance in answers differs by seed.
fn same_models(rasch: &Rasch, seed: u64) -> World {
    let mut stream = Stream::new(seed, "tries", 0);
    let rows: Vec<Vec<f32>> =
        (0..60).map(|model| rasch.answers(f64::from(model) / 20.0 - 1.5, &mut stream)).collect();
    World::of(60, 100, |model, item| rows[model][item])
}

#[test]
fn constant_answers_give_finite_curves() {
    for score in [0.0, 1.0] {
        for (models, items) in [(1, 1), (1, 20), (5, 1), (5, 20)] {
            let world = World::of(models, items, |_, _| score);
            let curves = fit(&world);
            assert!(curves.slopes.iter().chain(&curves.intercepts).all(|value| value.is_finite()));
            let at = curves.at(0, curves.quantile(0.5));
            assert!((at > 0.5) == (score == 1.0) || items == 1, "{score} {models} {items}: {at}");
            assert!((0.0..=1.0).contains(&curves.dispersion(&world.sources().complete)));
        }
    }
}
