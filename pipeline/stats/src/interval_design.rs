//! Intervals that hold over the draw of the items, for any model: the items are random, the model is
//! not. They need no source models and do not suffer when a model is unlike any of them.

use crate::{distribution, interval::Interval};

/// A standard error and the degrees of freedom of its estimate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StandardError {
    /// In score units.
    pub value: f64,
    /// For Student's t.
    pub degrees_of_freedom: f64,
}

/// Standard error of the mean of one random answer from each of k ordered strata of equal weight.
///
/// `answers` stand in the order of the strata, of `population` items in all. Neighbouring strata are
/// collapsed to pairs, of an odd number the last three to one group: the variance is the sum over
/// groups of L / (L - 1) times the squares about the group's mean, over k^2, with the finite-population
/// correction; source: Cochran, *Sampling Techniques*, sec. 5A.12. It covers the draw within the
/// strata, and errs on the wide side by what the strata of a group differ. None with fewer than two
/// answers.
pub fn collapsed_strata(answers: &[f64], population: usize) -> Option<StandardError> {
    let count = answers.len();
    if count < 2 {
        return None;
    }
    let pairs = if count.is_multiple_of(2) { count / 2 } else { count / 2 - 1 };
    let (paired, rest) = answers.split_at(2 * pairs);
    let groups = paired.chunks(2).chain((!rest.is_empty()).then_some(rest));
    let (mut squares, mut differences) = (0.0, 0.0);
    for group in groups {
        let size = group.len() as f64;
        let mean = group.iter().sum::<f64>() / size;
        let about = group.iter().map(|answer| (answer - mean) * (answer - mean)).sum::<f64>();
        squares += about * size / (size - 1.0);
        differences += size - 1.0;
    }
    let unsampled = (1.0 - count as f64 / population as f64).max(0.0);
    let value = (squares * unsampled).sqrt() / count as f64;
    Some(StandardError { value, degrees_of_freedom: differences })
}

/// Student's t interval around an `estimate` made from a stratified sample of answers.
///
/// The half width is t sqrt(s^2 + (1 / 4k)^2) with s of [`collapsed_strata`] and its degrees of freedom;
/// the second term, as in [`crate::interval::sampling_error`], keeps a model with equal answers
/// everywhere from an interval of no width. Covers the draw of the items; approximate, as t intervals
/// are, for few answers near 0 or 1. One answer has [0, 1], a census the estimate itself.
pub fn stratified_interval(
    estimate: f64,
    answers: &[f64],
    population: usize,
    level: f64,
) -> Interval {
    if answers.len() >= population {
        return Interval::around(estimate, 0.0);
    }
    let Some(error) = collapsed_strata(answers, population) else {
        return Interval { lower: 0.0, upper: 1.0 };
    };
    let floor = 0.25 / answers.len() as f64;
    let critical = distribution::student_t_critical(level, error.degrees_of_freedom);
    Interval::around(estimate, critical * (error.value * error.value + floor * floor).sqrt())
}

/// Candidate means are multiples of one in this many.
const GRID: usize = 1000;
/// Largest share of the capital that a bet may lose.
const TRUNCATION: f64 = 0.75;

/// A betting interval for the mean of `population` scores in [0, 1], from a simple random sample
/// without replacement in the order of its draw.
///
/// Covers the draw of the items with at least the stated probability for every k and every population:
/// no large-sample approximation. Against each candidate mean two gamblers bet that answers come out
/// higher, and lower, than what the candidate leaves to expect of the items not yet drawn; a candidate
/// is dropped once the larger of their halved capitals reaches 1 / (1 - level). Source: Waudby-Smith and
/// Ramdas, "Estimating means of bounded random variables by betting", JRSS B 86 (2024): the
/// hedged capital process, without replacement, with predictable plug-in bets for a fixed sample size.
/// Candidates are a grid of 1/1000; the ends are moved outward by one step, so that no mean between two
/// candidates is lost.
///
/// The order must not depend on the answers: items sorted by difficulty or by number have to be
/// shuffled first, by a stream of their own. Not for stratified or weighted samples.
pub fn betting_interval(answers: &[f64], population: usize, level: f64) -> Interval {
    let sum: f64 = answers.iter().sum();
    let left = population.saturating_sub(answers.len()) as f64;
    let size = population.max(answers.len()) as f64;
    if left == 0.0 {
        return Interval::around(if answers.is_empty() { 0.5 } else { sum / size }, 0.0);
    }
    let bets = bets(answers, level);
    let survives = |step: &usize| {
        let candidate = *step as f64 / GRID as f64;
        survives(candidate, answers, &bets, (size, 1.0 / (1.0 - level)))
    };
    let possible = Interval { lower: sum / size, upper: (sum + left) / size };
    let lowest = (0..=GRID).find(survives);
    let highest = (0..=GRID).rev().find(survives);
    let (Some(lowest), Some(highest)) = (lowest, highest) else { return possible };
    Interval {
        lower: (lowest.saturating_sub(1) as f64 / GRID as f64).max(possible.lower),
        upper: ((highest + 1) as f64 / GRID as f64).min(possible.upper),
    }
}

/// Bets before each answer: sqrt(2 ln(2 / alpha) / (k v)), v the variance of the answers before it
/// with one of 1/4 and a mean of 1/2 counted in.
fn bets(answers: &[f64], level: f64) -> Vec<f64> {
    let evidence = 2.0 * libm::log(2.0 / (1.0 - level)) / answers.len() as f64;
    let (mut sum, mut squares) = (0.5, 0.25);
    let mut bets = Vec::with_capacity(answers.len());
    for (earlier, answer) in answers.iter().enumerate() {
        let counted = (earlier + 1) as f64;
        bets.push((evidence * counted / squares).sqrt());
        sum += answer;
        let mean = sum / (counted + 1.0);
        squares += (answer - mean) * (answer - mean);
    }
    bets
}

/// Whether a candidate mean is never ruled out along the sample.
fn survives(candidate: f64, answers: &[f64], bets: &[f64], (size, limit): (f64, f64)) -> bool {
    let (mut higher, mut lower) = (0.5, 0.5);
    let mut sum = 0.0;
    for (drawn, (answer, bet)) in answers.iter().zip(bets).enumerate() {
        let expected = (size * candidate - sum) / (size - drawn as f64);
        if !(0.0..=1.0).contains(&expected) {
            return false;
        }
        higher *= 1.0 + bet.min(TRUNCATION / expected) * (answer - expected);
        lower *= 1.0 - bet.min(TRUNCATION / (1.0 - expected)) * (answer - expected);
        if f64::max(higher, lower) >= limit {
            return false;
        }
        sum += answer;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Stream;

    #[test]
    fn collapsed_strata_equal_the_sum_worked_by_hand() {
        // Pairs (0, 1) and (1/2, 1): (1 + 1/4) / 16, times 1 - 4/8.
        let error = collapsed_strata(&[0.0, 1.0, 0.5, 1.0], 8).unwrap();
        assert!((error.value - (1.25_f64 / 16.0 / 2.0).sqrt()).abs() < 1e-15);
        assert_eq!(error.degrees_of_freedom, 2.0);
        // A pair of equals and a group of three, 0 0 1: 3/2 x 2/3 = 1, over 25.
        let error = collapsed_strata(&[1.0, 1.0, 0.0, 0.0, 1.0], usize::MAX).unwrap();
        assert!((error.value - 0.2).abs() < 1e-15);
        assert_eq!(error.degrees_of_freedom, 3.0);
        assert_eq!(collapsed_strata(&[1.0], 8), None);
        let three = collapsed_strata(&[0.0, 0.0, 1.0], usize::MAX).unwrap();
        assert!((three.value - 1.0 / 3.0).abs() < 1e-15);
    }

    #[test]
    fn stratified_intervals_have_their_ends() {
        assert_eq!(stratified_interval(0.5, &[1.0], 9, 0.95), Interval { lower: 0.0, upper: 1.0 });
        let census = stratified_interval(0.5, &[1.0, 0.0], 2, 0.95);
        assert_eq!(census, Interval { lower: 0.5, upper: 0.5 });
        // Equal answers: t with 5 degrees of freedom, 2.571 (published table), times 1/40.
        let sure = stratified_interval(1.0, &[1.0; 10], 1000, 0.95);
        assert!((sure.lower - (1.0 - 2.571 / 40.0)).abs() < 1e-4 && sure.upper == 1.0);
    }

    #[test]
    fn stratified_intervals_cover_the_draw() {
        // 400 items whose chance rises with their number; one of ten in each of 40 strata.
        let mut stream = Stream::new(1, "strata", 0);
        let scores: Vec<f64> = (0..400)
            .map(|item| f64::from(u8::from(stream.uniform() * 400.0 < f64::from(item))))
            .collect();
        let truth = scores.iter().sum::<f64>() / 400.0;
        let mut covered = 0;
        for _ in 0..1000 {
            let answers: Vec<f64> =
                (0..40).map(|stratum| scores[stratum * 10 + stream.below(10)]).collect();
            let mean = answers.iter().sum::<f64>() / 40.0;
            covered += i32::from(stratified_interval(mean, &answers, 400, 0.95).contains(truth));
        }
        assert!((930..=995).contains(&covered), "{covered} of 1000");
    }

    #[test]
    fn betting_covers_without_replacement_and_not_by_being_all() {
        let mut stream = Stream::new(2, "betting", 0);
        for positives in [6, 60] {
            let mut scores = vec![0.0; 200];
            scores[..positives].fill(1.0);
            let truth = positives as f64 / 200.0;
            let (mut covered, mut width) = (0, 0.0);
            for _ in 0..500 {
                stream.shuffle(&mut scores);
                let interval = betting_interval(&scores[..60], 200, 0.9);
                covered += i32::from(interval.contains(truth));
                width += interval.width() / 500.0;
            }
            // At least 0.9 less three binomial standard errors; narrower than Hoeffding's
            // 2 sqrt(ln(2 / 0.1) / (2 60)) = 0.316.
            assert!(covered >= 430 && width < 0.316, "{covered} {width}");
        }
    }

    #[test]
    fn betting_mirrors_its_answers() {
        let answers = [1.0, 0.0, 0.25, 1.0, 1.0, 0.75, 1.0, 0.5, 1.0, 1.0];
        let mirrored: Vec<f64> = answers.iter().map(|answer| 1.0 - answer).collect();
        let (one, two) =
            (betting_interval(&answers, 80, 0.95), betting_interval(&mirrored, 80, 0.95));
        assert!((one.lower - (1.0 - two.upper)).abs() < 1e-9);
        assert!((one.upper - (1.0 - two.lower)).abs() < 1e-9);
        assert!(one.lower > 0.2 && one.lower < 0.75, "{one:?}");
    }

    #[test]
    fn betting_knows_what_is_possible() {
        let census = betting_interval(&[1.0, 0.0], 2, 0.95);
        assert_eq!(census, Interval { lower: 0.5, upper: 0.5 });
        let nothing = betting_interval(&[], 10, 0.95);
        assert_eq!(nothing, Interval { lower: 0.0, upper: 1.0 });
        // Nine of ten drawn: at most 1/10 is open.
        let nine = betting_interval(&[1.0; 9], 10, 0.95);
        assert!(nine.lower >= 0.9 && nine.upper == 1.0, "{nine:?}");
    }
}
