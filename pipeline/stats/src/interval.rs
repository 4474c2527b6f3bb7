//! How far an estimate may be off.
//!
//! Two kinds, for two kinds of randomness. A *design* interval holds over the random draw of the
//! items, for any model. A *conformal* interval holds over the models: a new model that is
//! exchangeable with the source models falls inside with the stated probability, whatever the
//! estimator. It covers less when the new model is unlike them, for example stronger than all; the
//! extrapolation rows of a quality table say by how much.

use crate::{
    StatsError, distribution,
    estimate::{self, Procedure},
    matrix::{ResponseMatrix, Target},
    rng::Stream,
    select::Design,
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
/// sample of all items, have the widest and the narrowest interval there is.
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
    Interval::around(mean, critical * (variance / k * unsampled).sqrt())
}

/// Half width of a conformal interval, and the level that so few residuals can promise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ConformalWidth {
    /// To be added to and taken from the estimate.
    pub half_width: f64,
    /// Coverage promised under exchangeability; below the nominal level when there are fewer than
    /// level / (1 - level) residuals.
    pub level: f64,
}

/// The ceil(level (n + 1))-th smallest absolute residual.
///
/// Source: Lei et al., "Distribution-free predictive inference for regression", JASA 113 (2018),
/// split-conformal quantile. `residuals` must not be empty.
pub fn conformal_width(residuals: &[f64], level: f64) -> ConformalWidth {
    let mut sizes: Vec<f64> = residuals.iter().map(|residual| residual.abs()).collect();
    sizes.sort_by(f64::total_cmp);
    let count = sizes.len();
    let wanted = (level * (count + 1) as f64).ceil() as usize;
    let rank = wanted.clamp(1, count);
    let promised = rank as f64 / (count + 1) as f64;
    ConformalWidth { half_width: sizes[rank - 1], level: promised.min(level) }
}

/// Estimate minus truth for every source model, each from a selection and a fit on the others.
///
/// The models are dealt into `folds` random folds; for each, items are selected and the estimator is
/// fitted on the rest. So the residuals contain what selection on the sources over-fits, which
/// leave-one-out residuals of a finished subset do not. Errors when fewer models than folds are
/// given.
pub fn cross_validated_residuals(
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

    let mut residuals = vec![0.0; models];
    for fold in 0..folds {
        let (held_out, mut sources): (Vec<usize>, Vec<usize>) = order.iter().enumerate().fold(
            (vec![], vec![]),
            |(mut inside, mut outside), (place, &model)| {
                if place % folds == fold {
                    inside.push(model)
                } else {
                    outside.push(model)
                }
                (inside, outside)
            },
        );
        sources.sort_unstable();
        let complete = problem.matrix.select_models(&sources)?.imputed()?;
        let source_scores: Vec<f64> = sources.iter().map(|&model| full[model]).collect();
        let design = Design { matrix: &complete, target: problem.target, pool: problem.pool };
        let (subset, estimator) = procedure.run(
            &design,
            &source_scores,
            problem.k,
            &mut key.stream("fold", fold as u64),
        )?;
        for &model in &held_out {
            let estimate =
                estimator.apply_with_gaps(&estimate::answers(problem.matrix, model, &subset));
            // A model that answered none of these items gives no residual worth more than its range.
            residuals[model] = estimate.unwrap_or(0.0) - full[model];
        }
    }
    Ok(residuals)
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
    fn a_census_has_no_sampling_error() {
        assert_eq!(design_interval(&[1.0, 0.0], 2, 0.95), Interval { lower: 0.5, upper: 0.5 });
    }

    #[test]
    fn conformal_takes_the_rank_that_promises_the_level() {
        let residuals: Vec<f64> = (1..=39).map(f64::from).collect();
        // ceil(0.95 * 40) = 38th of 39.
        assert_eq!(
            conformal_width(&residuals, 0.95),
            ConformalWidth { half_width: 38.0, level: 0.95 }
        );
        let few = conformal_width(&[-3.0, 1.0, 2.0], 0.95);
        assert_eq!(few, ConformalWidth { half_width: 3.0, level: 0.75 });
    }

    #[test]
    fn conformal_covers_what_it_promises() {
        // 400 repetitions of 50 exchangeable residuals and one new one.
        let mut stream = Stream::new(11, "coverage", 0);
        let mut draw = || (0..12).map(|_| stream.uniform()).sum::<f64>() - 6.0;
        let mut covered = 0;
        for _ in 0..400 {
            let residuals: Vec<f64> = (0..50).map(|_| draw()).collect();
            covered += i32::from(draw().abs() <= conformal_width(&residuals, 0.9).half_width);
        }
        // 0.9 +- 3 binomial standard errors.
        assert!((342..=378).contains(&covered), "{covered} of 400");
    }
}
