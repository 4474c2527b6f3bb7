use super::*;
use verdict::{Criterion, Verdict, claim, judge, plan};

const BENCHMARK: Scope = Scope::Benchmark { items: 1_000, draw: Draw::Items };

fn setting(scope: Scope, base_full: Option<f64>) -> Setting {
    Setting { scope, base_full }
}

/// 0/1 answers: `right` in both, then losses, gains, and the rest wrong in both.
fn answers(right: usize, losses: usize, gains: usize, wrong: usize) -> (Vec<f64>, Vec<f64>) {
    let part = |value: f64, count: usize| std::iter::repeat_n(value, count);
    let base = part(1.0, right + losses).chain(part(0.0, gains + wrong)).collect();
    let variant = part(1.0, right).chain(part(0.0, losses)).chain(part(1.0, gains));
    (base, variant.chain(part(0.0, wrong)).collect())
}

fn compared(base: &[f64], variant: &[f64], clusters: Option<&[u32]>, at: &Setting) -> Comparison {
    let weights = vec![1.0; base.len()];
    let answers = Answers { base, variant, weights: &weights, clusters };
    compare(&answers, at, &mut Stream::new(1, "compare", 0)).unwrap()
}

fn close(left: f64, right: f64) -> bool {
    (left - right).abs() < 1e-12
}

#[test]
fn estimate_and_errors_equal_values_worked_by_hand() {
    // 4 losses and 1 gain in 20: mean -0.15, sum of squares 5 - 20 x 0.0225 = 4.55.
    let (base, variant) = answers(10, 4, 1, 5);
    let result = compared(&base, &variant, None, &setting(BENCHMARK, Some(0.7)));
    let simple = (4.55_f64 / 19.0 / 20.0).sqrt();
    let difference = &result.difference;
    assert!(close(difference.estimate, -0.15) && close(difference.on_subset, -0.15));
    assert_eq!(difference.control_variate, ControlVariate::Paired);
    assert!(close(difference.standard_errors.simple.unwrap(), simple));
    assert!(close(difference.standard_error.unwrap(), simple * 0.98_f64.sqrt()));
    let (full, interval) = result.variant_full(0.95).unwrap().unwrap();
    assert!(close(full, 0.55) && interval.contains(full));
}

#[test]
fn clustered_error_equals_the_simple_one_when_each_item_is_its_own_parent() {
    let (base, variant) = answers(11, 5, 3, 6);
    let own: Vec<u32> = (0..25).rev().collect();
    let result = compared(&base, &variant, Some(&own), &setting(Scope::ItemsOfTheKind, None));
    let errors = result.difference.standard_errors;
    assert!(close(errors.simple.unwrap(), errors.clustered.unwrap()), "{errors:?}");
}

#[test]
fn clustered_error_equals_the_value_worked_by_hand() {
    // Three parents of two items with total differences -2, 0, -1, mean -1/2: residual totals -1, 1,
    // 0, over 6 items; 3/2 x 2/36 = 1/12.
    let (base, variant) = ([1.0; 6], [0.0, 0.0, 1.0, 1.0, 0.0, 1.0]);
    let parents = [7, 7, 3, 3, 5, 5];
    let result = compared(&base, &variant, Some(&parents), &setting(Scope::ItemsOfTheKind, None));
    let difference = result.difference;
    assert!(close(difference.standard_errors.clustered.unwrap(), (1.0_f64 / 12.0).sqrt()));
    assert_eq!(difference.degrees_of_freedom, 2.0);
    // Items drawn singly from a benchmark are independent by the draw: parents are only reported.
    let single = compared(&base, &variant, Some(&parents), &setting(BENCHMARK, None)).difference;
    assert_eq!(single.degrees_of_freedom, 5.0);
    assert!(single.standard_errors.clustered.is_some());
}

#[test]
fn the_order_of_items_and_the_scale_of_weights_do_not_matter() {
    let mut stream = Stream::new(3, "order", 0);
    let mut rows: Vec<(f64, f64, f64, u32)> = (0..60)
        .map(|item| (stream.uniform(), stream.uniform(), stream.uniform() + 0.1, item / 4))
        .collect();
    let run = |rows: &[(f64, f64, f64, u32)], scale: f64| {
        let base: Vec<f64> = rows.iter().map(|row| row.0).collect();
        let variant: Vec<f64> = rows.iter().map(|row| row.1).collect();
        let weights: Vec<f64> = rows.iter().map(|row| row.2 * scale).collect();
        let clusters: Vec<u32> = rows.iter().map(|row| row.3).collect();
        let answers = Answers {
            base: &base,
            variant: &variant,
            weights: &weights,
            clusters: Some(&clusters),
        };
        let at = setting(Scope::Benchmark { items: 200, draw: Draw::Parents }, Some(0.5));
        let result = compare(&answers, &at, &mut Stream::new(1, "compare", 0)).unwrap();
        let interval = result.difference.interval(0.9).unwrap();
        [interval.lower, interval.upper, result.difference.p_no_difference(), result.sign_flip.p]
    };
    let first = run(&rows, 1.0);
    Stream::new(4, "order", 0).shuffle(&mut rows);
    let second = run(&rows, 7.0);
    assert!(first.iter().zip(second).all(|(a, b)| (a - b).abs() < 1e-9), "{first:?} {second:?}");
}

#[test]
fn swapping_the_models_turns_everything_round() {
    let (base, variant) = answers(30, 9, 2, 12);
    let at = setting(BENCHMARK, None);
    let (one, other) = (compared(&base, &variant, None, &at), compared(&variant, &base, None, &at));
    let (left, right) = (one.difference.interval(0.95).unwrap(), other.difference.interval(0.95));
    let right = right.unwrap();
    assert!(close(left.lower, -right.upper) && close(left.upper, -right.lower));
    let equivalent = |comparison: &Comparison| comparison.difference.p_not_equivalent(0.3).unwrap();
    assert!((equivalent(&one) - equivalent(&other)).abs() < 1e-7, "TOST is symmetric");
    assert_eq!(one.mcnemar, other.mcnemar);
}

#[test]
fn no_disagreement_leaves_the_rule_of_three() {
    let (base, variant) = answers(60, 0, 0, 40);
    let result = compared(&base, &variant, None, &setting(Scope::ItemsOfTheKind, None));
    let interval = result.difference.interval(0.95).unwrap();
    let expected = 1.0 - libm::pow(0.025, 0.01);
    assert!(close(interval.upper, expected) && close(interval.lower, -expected), "{interval:?}");
    assert!((result.difference.p_no_difference() - 1.0).abs() < 1e-7);
    // 1 - 0.05^(1/100) = 2.95 points is what 100 silent items exclude at the 5 % level.
    let tost = |margin| result.difference.p_not_equivalent(margin).unwrap();
    assert!(tost(0.0296) < 0.05 && tost(0.0295) > 0.05);
    assert!(result.flips.kappa() == Some(1.0) && result.mcnemar.unwrap().exact == 1.0);
}

#[test]
fn p_values_are_the_intervals_that_touch() {
    let (base, variant) = answers(60, 14, 3, 23);
    for base_full in [None, Some(0.75)] {
        let result = compared(&base, &variant, None, &setting(BENCHMARK, base_full)).difference;
        let touching = result.interval(1.0 - result.p_no_difference()).unwrap();
        assert!(touching.upper.abs() < 1e-6, "{touching:?}");
        let tost = result.p_not_equivalent(0.25).unwrap();
        let touching = result.interval(1.0 - 2.0 * tost).unwrap();
        assert!((touching.lower + 0.25).abs() < 1e-6, "{touching:?}");
    }
}

#[test]
fn the_base_s_full_run_narrows_the_interval_and_shifts_the_estimate() {
    // The base is right on 60 % of the subset and on 70 % of all; answers correlate weakly, so that
    // lambda is small: rates 45/60 and 20/40 right, lambda 1/4.
    let (base, variant) = answers(45, 15, 20, 20);
    let without = compared(&base, &variant, None, &setting(BENCHMARK, None)).difference;
    let with = compared(&base, &variant, None, &setting(BENCHMARK, Some(0.7))).difference;
    let ControlVariate::Tuned { lambda } = with.control_variate else { panic!("{with:?}") };
    assert!(close(lambda, 0.25));
    // Post-stratified: 0.7 x 3/4 + 0.3 x 1/2 = 0.675, less 0.7.
    assert!(close(with.estimate, -0.025) && close(without.estimate, 0.05));
    let width = |difference: &Difference| difference.interval(0.95).unwrap().width();
    assert!(width(&with) < 0.9 * width(&without));
}

#[test]
fn degenerate_inputs_have_sensible_values() {
    let whole = |at: Scope| compared(&[1.0], &[0.0], Some(&[4]), &setting(at, None)).difference;
    let one = whole(Scope::ItemsOfTheKind);
    assert_eq!((one.standard_error, one.p_no_difference()), (None, 1.0));
    assert_eq!(one.interval(0.95).unwrap(), Interval { lower: -1.0, upper: 1.0 });
    // One parent of many items is one unit.
    let (base, variant) = answers(5, 3, 0, 2);
    let at = setting(Scope::Benchmark { items: 90, draw: Draw::Parents }, Some(0.8));
    let parent = compared(&base, &variant, Some(&[1; 10]), &at);
    assert_eq!(parent.difference.interval(0.5).unwrap(), Interval { lower: -1.0, upper: 1.0 });
    assert_eq!(parent.sign_flip.p, 1.0);
    // All items answered: the difference is known.
    let all = setting(Scope::Benchmark { items: 10, draw: Draw::Items }, Some(0.8));
    let known = compared(&base, &variant, None, &all).difference;
    let interval = known.interval(0.95).unwrap();
    assert!(close(interval.lower, -0.3) && close(interval.upper, -0.3), "{interval:?}");
    assert!(known.p_no_difference() < 1e-6);
    // Three tenths up and down do not sum to zero exactly; that is no difference.
    let (base, variant) = ([0.1, 0.2, 0.3, 0.9], [0.2, 0.3, 0.4, 0.6]);
    let all = setting(Scope::Benchmark { items: 4, draw: Draw::Items }, None);
    let none = compared(&base, &variant, None, &all).difference;
    assert_eq!(none.p_no_difference(), 1.0);
    // All right in both.
    let right = compared(&[1.0; 9], &[1.0; 9], None, &setting(BENCHMARK, Some(1.0)));
    assert_eq!((right.flips.kappa(), right.difference.estimate), (None, 0.0));
    let interval = right.difference.interval(0.95).unwrap();
    assert!(interval.lower < -0.2 && interval.upper == 0.0, "{interval:?}");
}

#[test]
fn bad_inputs_are_typed_errors() {
    let run = |base: &[f64], weights: &[f64], clusters: Option<&[u32]>, at: &Setting| {
        let variant = vec![1.0; base.len()];
        let answers = Answers { base, variant: &variant, weights, clusters };
        compare(&answers, at, &mut Stream::new(1, "compare", 0)).unwrap_err()
    };
    let at = setting(BENCHMARK, None);
    assert_eq!(run(&[], &[], None, &at), StatsError::BudgetZero);
    assert_eq!(run(&[1.0], &[0.0], None, &at), StatsError::BadWeights);
    let error = StatsError::Length { what: "clusters", expected: 1, got: 0 };
    assert_eq!(run(&[1.0], &[1.0], Some(&[]), &at), error);
    let gap = run(&[f64::NAN], &[1.0], None, &at);
    assert!(matches!(gap, StatsError::AnswerOutOfRange { position: 0, .. }));
    let small = setting(Scope::Benchmark { items: 1, draw: Draw::Items }, None);
    let error = StatsError::BudgetTooLarge { k: 2, pool: 1 };
    assert_eq!(run(&[1.0; 2], &[1.0; 2], None, &small), error);
    let beyond = setting(BENCHMARK, Some(1.5));
    assert!(matches!(run(&[1.0], &[1.0], None, &beyond), StatsError::BadParameter { .. }));
    let (base, variant) = answers(5, 1, 1, 1);
    let difference = compared(&base, &variant, None, &at).difference;
    assert!(difference.interval(1.0).is_err() && difference.p_not_equivalent(0.0).is_err());
}

#[test]
fn verdicts_say_what_the_intervals_say() {
    let at = setting(BENCHMARK, None);
    let verdict_of = |losses, gains, same, margin| {
        let (base, variant) = answers(same, losses, gains, 0);
        let comparison = compared(&base, &variant, None, &at);
        let criterion = Criterion { level: 0.95, margin };
        let claim = claim(&comparison, &criterion).unwrap();
        assert_eq!(judge(&[comparison], &criterion).unwrap()[0].verdict, claim);
        claim
    };
    assert_eq!(verdict_of(30, 2, 68, 0.02), Verdict::Worse { within_margin: false });
    assert_eq!(verdict_of(2, 30, 68, 0.02), Verdict::Better { within_margin: false });
    assert_eq!(verdict_of(30, 2, 68, 0.5), Verdict::Worse { within_margin: true });
    assert_eq!(verdict_of(1, 1, 198, 0.05), Verdict::Equivalent);
    assert_eq!(verdict_of(4, 1, 20, 0.02), Verdict::Undecided);
}

#[test]
fn a_claim_needs_a_level_above_one_half() {
    let comparison = compared(&[1.0; 9], &[0.0; 9], None, &setting(BENCHMARK, None));
    assert!(claim(&comparison, &Criterion { level: 0.5, margin: 0.02 }).is_err());
    assert!(claim(&comparison, &Criterion { level: 0.95, margin: 0.0 }).is_err());
}

#[test]
fn a_plan_goes_by_the_size_of_changes() {
    let at = setting(BENCHMARK, None);
    let disagreement = |base: &[f64], variant: &[f64]| {
        plan(&compared(base, variant, None, &at), 0.95).disagreement
    };
    // 5 flips of 20, and half a one: 5.5 / 21.
    let (base, variant) = answers(10, 4, 1, 5);
    assert!(close(disagreement(&base, &variant), 5.5 / 21.0));
    // Changes of 0.2 on half of the items, none across one half: mean square 0.02.
    let (base, variant) = ([0.1, 0.4, 0.9, 0.6], [0.3, 0.4, 0.7, 0.6]);
    assert!(close(disagreement(&base, &variant), (4.0 * 0.02 + 0.5) / 5.0));
}

#[test]
fn many_variants_need_more_evidence_than_one() {
    let at = setting(BENCHMARK, None);
    let (base, variant) = answers(80, 10, 1, 9);
    let worse = compared(&base, &variant, None, &at);
    let quiet = compared(&base, &base, None, &at);
    let criterion = Criterion { level: 0.95, margin: 0.02 };
    let alone = &judge(std::slice::from_ref(&worse), &criterion).unwrap()[0];
    assert_eq!(alone.verdict, Verdict::Worse { within_margin: false });
    let mut family = vec![quiet; 19];
    family.push(worse);
    let last = judge(&family, &criterion).unwrap().pop().unwrap();
    assert!((last.p_difference - 20.0 * alone.p_difference).abs() < 1e-9, "{last:?}");
    assert_eq!(last.verdict, Verdict::Undecided);
    assert!(judge(&[], &criterion).unwrap().is_empty());
}
