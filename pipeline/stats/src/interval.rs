//! How far an estimate may be off.
//!
//! Two kinds, for two kinds of randomness. A *design* interval holds over the random draw of the
//! items, for any model. A *conformal* interval holds over the models: a new model that is
//! exchangeable with the source models falls inside with the stated probability, whatever the
//! estimator. It is studentised: errors are counted in sampling errors of the model's own answers, so
//! that it widens by itself for a model whose answers vary more than those of the sources, as a
//! stronger model's do on a hard benchmark. It still covers less when the new model is unlike the
//! sources; the extrapolation rows of a quality table say by how much.

use crate::{
    StatsError,
    cluster::Points,
    distribution,
    estimate::{self, EstimatorMethod, Fitted},
    linalg::dot,
    matrix::{ResponseMatrix, Target},
    procedure::Procedure,
    rng::Stream,
    sources::Sources,
};

/// Lower and upper end, in [0, 1].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub lower: f64,
    /// Upper end.
    pub upper: f64,
}

impl Interval {
    /// The estimate plus and minus the half width, cut to [0, 1].
    pub fn around(estimate: f64, half_width: f64) -> Self {
        Self { lower: (estimate - half_width).max(0.0), upper: (estimate + half_width).min(1.0) }
    }

    /// Whether the value lies inside, ends included.
    pub fn contains(&self, value: f64) -> bool {
        self.lower <= value && value <= self.upper
    }

    /// Upper minus lower end.
    pub fn width(&self) -> f64 {
        self.upper - self.lower
    }
}

/// Interval of the mean of `answers`, a simple random sample of `population` items.
///
/// Wilson's score interval (Wilson 1927) for 0/1 answers, Student's t otherwise; both with the
/// finite-population correction (Cochran, *Sampling Techniques*, 2.6). Fewer than two answers, or a
/// sample of all items, have the widest and the narrowest interval there is. The standard error behind
/// Student's t is at least that of a quarter of one answer, as in [`sampling_error`]: equal graded
/// answers do not make sure of the rest.
pub fn design_interval(answers: &[f64], population: usize, level: f64) -> Interval {
    let k = answers.len() as f64;
    let mean = answers.iter().sum::<f64>() / k;
    if answers.len() >= population {
        return Interval { lower: mean, upper: mean };
    }
    let unsampled = 1.0 - k / population as f64;
    if answers.iter().all(|&answer| answer == 0.0 || answer == 1.0) {
        let z = distribution::normal_critical(level);
        let effective = k / unsampled;
        let denominator = 1.0 + z * z / effective;
        let centre = (mean + z * z / (2.0 * effective)) / denominator;
        let spread =
            (mean * (1.0 - mean) / effective + z * z / (4.0 * effective * effective)).sqrt();
        return Interval::around(centre, z * spread / denominator);
    }
    if answers.len() < 2 {
        return Interval { lower: 0.0, upper: 1.0 };
    }
    let variance =
        answers.iter().map(|answer| (answer - mean) * (answer - mean)).sum::<f64>() / (k - 1.0);
    let critical = distribution::student_t_critical(level, k - 1.0);
    let squared_error = (variance / k * unsampled).max(1.0 / (16.0 * k * k));
    Interval::around(mean, critical * squared_error.sqrt())
}

/// Standard error of the mean of `answers`, were they a simple random sample of `population` items,
/// with a floor.
///
/// sqrt(s^2 / k (1 - k / N) + (1 / 4k)^2), with the sample variance s^2 (1/4 when there is one answer
/// only). The first term is Cochran, *Sampling Techniques*, eq. 2.20; the second keeps a model with
/// equal answers everywhere from a standard error of zero: a quarter of what one answer weighs.
pub fn sampling_error(answers: &[f64], population: usize) -> f64 {
    let k = answers.len() as f64;
    let mean = answers.iter().sum::<f64>() / k;
    let squares = answers.iter().map(|answer| (answer - mean) * (answer - mean)).sum::<f64>();
    let variance = if answers.len() > 1 { squares / (k - 1.0) } else { 0.25 };
    let unsampled = (1.0 - k / population as f64).max(0.0);
    (variance / k * unsampled + 1.0 / (16.0 * k * k)).sqrt()
}

/// A studentised conformal interval: estimate -+ multiplier x [`sampling_error`] of the answers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Conformal {
    /// Half width in sampling errors.
    pub multiplier: f64,
    /// Coverage promised under exchangeability; below the nominal level when there are fewer than
    /// level / (1 - level) errors to learn from.
    pub level: f64,
}

impl Conformal {
    /// The ceil(level (n + 1))-th smallest absolute error; `studentised` must not be empty.
    ///
    /// Source: Lei et al., "Distribution-free predictive inference for regression", JASA 113 (2018),
    /// split-conformal quantile, and sec. 5.2 for residuals divided by their spread.
    pub fn calibrate(studentised: &[f64], level: f64) -> Self {
        let mut sizes: Vec<f64> = studentised.iter().map(|error| error.abs()).collect();
        sizes.sort_by(f64::total_cmp);
        let count = sizes.len();
        let wanted = (level * (count + 1) as f64).ceil() as usize;
        let rank = wanted.clamp(1, count);
        let promised = rank as f64 / (count + 1) as f64;
        Self { multiplier: sizes[rank - 1], level: promised.min(level) }
    }

    /// The interval of an estimate that was made from these answers.
    pub fn interval(&self, estimate: f64, answers: &[f64], population: usize) -> Interval {
        Interval::around(estimate, self.multiplier * sampling_error(answers, population))
    }
}

/// Estimate minus truth, in sampling errors, for every source model, each from a selection and a fit
/// on the others.
///
/// The models are dealt into `folds` random folds; for each, items are selected and the estimator is
/// fitted on the rest. So the errors contain what selection on the sources over-fits, which
/// leave-one-out residuals of a finished subset do not. A model that has answered none of the items
/// selected for its fold gives no error. Errors when there are fewer models than folds,
/// or no error to learn from.
pub fn studentised_errors(
    procedure: Procedure,
    problem: &Problem<'_>,
    folds: usize,
    key: StreamKey<'_>,
) -> Result<Vec<f64>, StatsError> {
    let models = problem.matrix.models();
    if models < folds {
        return Err(StatsError::TooFewModels {
            what: "a cross-validated interval",
            needed: folds,
            got: models,
        });
    }
    let mut order: Vec<usize> = (0..models).collect();
    key.stream("folds", 0).shuffle(&mut order);
    let full = problem.matrix.full_scores(problem.target);

    let mut errors = vec![None; models];
    for fold in 0..folds {
        let inside = |place: &usize| place % folds == fold;
        let held_out: Vec<usize> = (0..models).filter(inside).map(|place| order[place]).collect();
        let mut kept: Vec<usize> =
            (0..models).filter(|place| !inside(place)).map(|place| order[place]).collect();
        kept.sort_unstable();
        let matrix = problem.matrix.select_models(&kept)?;
        let sources = Sources::new(&matrix, problem.target, problem.pool, key)?
            .with_points(problem.points)?;
        let mut stream = key.stream("fold", fold as u64);
        let (subset, fitted) = procedure.run(&sources, problem.k, &mut stream)?;
        for &model in &held_out {
            let answers = estimate::answers(problem.matrix, model, &subset);
            let answered: Vec<f64> = answers.iter().copied().flatten().collect();
            let Some(filled) = estimate::fill_gaps(&answers, &sources.complete, &subset) else {
                continue;
            };
            let spread = sampling_error(&answered, problem.matrix.items());
            errors[model] = Some((fitted.estimate(&filled)? - full[model]) / spread);
        }
    }
    let errors: Vec<f64> = errors.into_iter().flatten().collect();
    if errors.is_empty() {
        return Err(StatsError::NothingToMeasure { k: problem.k });
    }
    Ok(errors)
}

/// Folds of the cross-validated interval.
pub const FOLDS: usize = 10;

/// Nominal coverage of all intervals.
pub const LEVEL: f64 = 0.95;

/// How the intervals of a procedure are made, at the nominal level.
#[derive(Debug, Clone, PartialEq)]
pub enum Intervals {
    /// Over the draw of the items, a simple random sample: [`design_interval`].
    Design,
    /// Over models like the sources: [`Conformal`].
    Conformal(Conformal),
    /// From the estimator's own posterior.
    Posterior,
    /// What the answers settle, whatever the other items: from all of them wrong to all of them right.
    /// The weight of each subset item in the target.
    Bounds(Vec<f64>),
}

/// A model's answers on a subset.
#[derive(Debug, Clone, Copy)]
pub struct Answers<'a> {
    /// One an item, gaps filled.
    pub filled: &'a [f64],
    /// Those that were given.
    pub answered: &'a [f64],
}

impl Intervals {
    /// Those that a procedure has without calibration.
    pub fn own(procedure: Procedure) -> Option<Self> {
        match procedure {
            // Strata of text only take off the variance of a simple random sample.
            Procedure::RANDOM_MEAN | Procedure::STRATA_MEAN => Some(Self::Design),
            Procedure { estimator: EstimatorMethod::Guarded, .. } => Some(Self::Posterior),
            _ => None,
        }
    }

    /// The procedure's own, or conformal ones calibrated on the sources, `problem.matrix`.
    pub fn calibrate(
        procedure: Procedure,
        problem: &Problem<'_>,
        key: StreamKey<'_>,
    ) -> Result<Self, StatsError> {
        if let Some(own) = Self::own(procedure) {
            return Ok(own);
        }
        let folds = FOLDS.min(problem.matrix.models());
        let errors = studentised_errors(procedure, problem, folds, key)?;
        Ok(Self::Conformal(Conformal::calibrate(&errors, LEVEL)))
    }

    /// The interval of one model's estimate.
    pub fn interval(
        &self,
        fitted: &Fitted,
        answers: Answers<'_>,
        population: usize,
    ) -> Result<Interval, StatsError> {
        Ok(match self {
            Self::Design => design_interval(answers.answered, population, LEVEL),
            Self::Conformal(conformal) => {
                conformal.interval(fitted.estimate(answers.filled)?, answers.answered, population)
            }
            Self::Posterior => match fitted.judge(answers.filled) {
                Some(judged) => judged.interval(LEVEL),
                None => Interval { lower: 0.0, upper: 1.0 },
            },
            Self::Bounds(weights) => {
                let settled = dot(weights, answers.filled);
                let open = 1.0 - weights.iter().sum::<f64>();
                Interval { lower: settled.max(0.0), upper: (settled + open).min(1.0) }
            }
        })
    }
}

/// What is to be estimated, from how many items out of which pool.
#[derive(Debug, Clone, Copy)]
pub struct Problem<'a> {
    /// Source models on all items.
    pub matrix: &'a ResponseMatrix,
    /// The mean over all items.
    pub target: &'a Target,
    /// Items that may be chosen.
    pub pool: &'a [usize],
    /// The embedding of each item, for methods of text.
    pub points: Option<Points<'a>>,
    /// Size of the subset.
    pub k: usize,
}

/// Seed and label under which a computation draws its streams.
#[derive(Debug, Clone, Copy)]
pub struct StreamKey<'a> {
    /// The recipe's seed.
    pub seed: u64,
    /// Names the computation.
    pub label: &'a str,
}

impl StreamKey<'_> {
    /// The stream for one part of the computation.
    pub fn stream(&self, part: &str, index: u64) -> Stream {
        Stream::new(self.seed, &format!("{}/{part}", self.label), index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wilson_equals_a_published_value() {
        // Newcombe, Statistics in Medicine 17 (1998), table I, method 3: 81 of 263, 0.2553 to 0.3662.
        let answers: Vec<f64> = (0..263).map(|index| f64::from(u8::from(index < 81))).collect();
        let interval = design_interval(&answers, usize::MAX, 0.95);
        assert!(
            (interval.lower - 0.2553).abs() < 5e-5 && (interval.upper - 0.3662).abs() < 5e-5,
            "{interval:?}"
        );
    }

    #[test]
    fn equal_graded_answers_leave_doubt() {
        // Student's t, 3 degrees of freedom: 3.182 standard errors of a sixteenth.
        let interval = design_interval(&[0.5; 4], 100, 0.95);
        assert!((interval.width() - 2.0 * 3.182_446 / 16.0).abs() < 1e-5, "{interval:?}");
        // Beyond that floor, the textbook's: s^2 = 1/12, k = 4, N = 8.
        let interval = design_interval(&[0.25, 0.75, 0.25, 0.75], 8, 0.95);
        let error = (1.0_f64 / 12.0 / 4.0 / 2.0).sqrt();
        assert!((interval.width() - 2.0 * 3.182_446 * error).abs() < 1e-5, "{interval:?}");
    }

    #[test]
    fn a_census_has_no_sampling_error() {
        assert_eq!(design_interval(&[1.0, 0.0], 2, 0.95), Interval { lower: 0.5, upper: 0.5 });
    }

    #[test]
    fn conformal_takes_the_rank_that_promises_the_level() {
        let errors: Vec<f64> = (1..=39).map(f64::from).collect();
        // ceil(0.95 * 40) = 38th of 39.
        assert_eq!(
            Conformal::calibrate(&errors, 0.95),
            Conformal { multiplier: 38.0, level: 0.95 }
        );
        let few = Conformal::calibrate(&[-3.0, 1.0, 2.0], 0.95);
        assert_eq!(few, Conformal { multiplier: 3.0, level: 0.75 });
    }

    #[test]
    fn conformal_covers_what_it_promises() {
        // 400 repetitions of 50 exchangeable errors and one new one.
        let mut stream = Stream::new(11, "coverage", 0);
        let mut draw = || (0..12).map(|_| stream.uniform()).sum::<f64>() - 6.0;
        let mut covered = 0;
        for _ in 0..400 {
            let errors: Vec<f64> = (0..50).map(|_| draw()).collect();
            covered += i32::from(draw().abs() <= Conformal::calibrate(&errors, 0.9).multiplier);
        }
        // 0.9 +- 3 binomial standard errors.
        assert!((342..=378).contains(&covered), "{covered} of 400");
    }

    #[test]
    fn the_sampling_error_is_the_textbook_one_above_its_floor() {
        // s^2 = 1/3, k = 4, N = 8: 1/3 / 4 * 1/2 = 1/24, plus (1/16)^2.
        let error = sampling_error(&[1.0, 0.0, 1.0, 0.0], 8);
        assert!((error * error - (1.0 / 24.0 + 1.0 / 256.0)).abs() < 1e-15);
        assert_eq!(sampling_error(&[1.0; 10], 1000), 0.025);
    }
}
