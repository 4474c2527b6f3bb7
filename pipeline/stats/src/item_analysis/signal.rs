//! The spread between models against the noise of their scores.

use super::reliability::mean_squares;
use crate::{StatsError, distribution, matrix::ResponseMatrix};

/// Repeated answers behind each score of a matrix.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trials {
    /// Answers that each score is the mean of; the harmonic mean where scores differ in it, because
    /// that is what the variance of a mean goes by.
    pub per_item: f64,
    /// Variance of one answer about its own model's expectation on its item, mean over all.
    pub within_variance: f64,
}

/// Variances of the models' mean scores over a benchmark, by origin.
///
/// All models answer the same items, so that an item's difficulty moves them alike; what separates
/// them wrongly is how models and items interact, and chance (relative error variance of
/// generalizability theory; Brennan, *Generalizability Theory*, 2001, sec. 2.3).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SignalToNoise {
    /// Variance of the models' expected scores over items of the kind, at least 0.
    pub signal: f64,
    /// Noise variance of a mean score, items and trials together.
    pub noise: f64,
    /// Part of the noise that other items would change, at least 0. Without trials it is all of it.
    pub item_noise: f64,
    /// Part that another run on the same items would change; None when trials are unknown.
    pub trial_noise: Option<f64>,
}

/// Signal and noise of the mean over all items of the matrix.
///
/// Signal is (mean square of models - residual) / items, noise is residual / items, of the two-way
/// layout that [`super::reliability()`] describes, gaps and errors included. The residual of scores
/// that are means of trials contains the noise of the trials; `trials` tells that part apart.
pub fn signal_to_noise(
    matrix: &ResponseMatrix,
    trials: Option<Trials>,
) -> Result<SignalToNoise, StatsError> {
    let items = matrix.items() as f64;
    let trial_noise = trials.map(|trials| trials.noise(1.0 / items)).transpose()?;
    let squares = mean_squares(matrix)?;
    let noise = squares.residual / items;
    Ok(SignalToNoise {
        signal: ((squares.models - squares.residual) / items).max(0.0),
        noise,
        item_noise: (noise - trial_noise.unwrap_or(0.0)).max(0.0),
        trial_noise,
    })
}

impl Trials {
    /// Variance of a weighted mean of scores, `squares` being the sum of the squared weights.
    pub(super) fn noise(self, squares: f64) -> Result<f64, StatsError> {
        let Self { per_item, within_variance } = self;
        // The largest variance of answers in [0, 1].
        if !(0.0..=0.25).contains(&within_variance) {
            let (what, range) = ("variance within trials", "[0, 0.25]");
            return Err(StatsError::BadParameter { what, range, value: within_variance });
        }
        if per_item.is_nan() || per_item < 1.0 {
            let (what, range) = ("trials", "[1, infinity)");
            return Err(StatsError::BadParameter { what, range, value: per_item });
        }
        Ok(within_variance / per_item * squares)
    }
}

impl SignalToNoise {
    /// Signal over noise variance, r / (1 - r) of the reliability r where alpha is positive; None
    /// without noise.
    pub fn ratio(&self) -> Option<f64> {
        (self.noise > 0.0).then(|| self.signal / self.noise)
    }

    /// Difference of two models' scores that noise alone exceeds with probability 1 - `level`
    /// (two-sided): z sqrt(2 noise). What is nearer together is not told apart on items of this
    /// kind.
    pub fn resolvable(&self, level: f64) -> Result<f64, StatsError> {
        critical(level).map(|z| z * (2.0 * self.noise).sqrt())
    }

    /// The same when the items stay the same and only the run is repeated; None when trials are
    /// unknown.
    pub fn resolvable_on_these_items(&self, level: f64) -> Result<Option<f64>, StatsError> {
        let z = critical(level)?;
        Ok(self.trial_noise.map(|noise| z * (2.0 * noise).sqrt()))
    }
}

fn critical(level: f64) -> Result<f64, StatsError> {
    if level > 0.0 && level < 1.0 {
        return Ok(distribution::normal_critical(level));
    }
    Err(StatsError::BadParameter { what: "level", range: "(0, 1)", value: level })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{item_analysis::reliability, rng::Stream};

    #[test]
    fn ratio_is_that_of_the_reliability_and_points_are_worked_by_hand() {
        let scores = vec![1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0];
        let matrix = ResponseMatrix::new(4, 3, scores).unwrap();
        let result = signal_to_noise(&matrix, None).unwrap();
        // Alpha is 3/4, the variance of means 5/27.
        assert!((result.ratio().unwrap() - 3.0).abs() < 1e-12, "{result:?}");
        assert!((result.signal - 5.0 / 27.0 * 0.75).abs() < 1e-12);
        assert!((result.signal + result.noise - 5.0 / 27.0).abs() < 1e-12);
        let expected = 1.959_964 * (2.0 * 5.0 / 108.0_f64).sqrt();
        assert!((result.resolvable(0.95).unwrap() - expected).abs() < 1e-6);
        assert_eq!(result.item_noise, result.noise);
        assert_eq!(result.resolvable_on_these_items(0.95), Ok(None));
    }

    #[test]
    fn models_that_differ_by_chance_only_are_within_the_resolvable_difference() {
        // 60 models with probability 1/2 on 100 items: pairs differ by more about once in 20.
        let mut stream = Stream::new(2, "chance", 0);
        let scores = (0..6_000).map(|_| f32::from(u8::from(stream.uniform() < 0.5))).collect();
        let matrix = ResponseMatrix::new(60, 100, scores).unwrap();
        let result =
            signal_to_noise(&matrix, Some(Trials { per_item: 1.0, within_variance: 0.25 }));
        let result = result.unwrap();
        let means = matrix.full_scores(&crate::matrix::Target::uniform(100).unwrap());
        let resolvable = result.resolvable(0.95).unwrap();
        let apart =
            (0..30).filter(|&pair| (means[2 * pair] - means[2 * pair + 1]).abs() > resolvable);
        // 30 independent pairs: more than 5 has probability 0.016.
        assert!(apart.count() <= 5, "{result:?}");
        assert!(result.ratio().unwrap() < 0.6, "{result:?}");
        // All noise is that of the trials: sd of the mean square with 5,841 df is 2 %.
        assert!((result.trial_noise.unwrap() / result.noise - 1.0).abs() < 0.08, "{result:?}");
    }

    #[test]
    fn degenerate_inputs_have_no_ratio_or_are_errors() {
        let ones = ResponseMatrix::new(3, 4, vec![1.0; 12]).unwrap();
        let result = signal_to_noise(&ones, None).unwrap();
        assert_eq!((result.ratio(), result.resolvable(0.95)), (None, Ok(0.0)));
        assert!(result.resolvable(1.0).is_err());
        let trials = Trials { per_item: 0.0, within_variance: 0.1 };
        assert!(signal_to_noise(&ones, Some(trials)).is_err());
        let trials = Trials { per_item: 2.0, within_variance: f64::NAN };
        assert!(signal_to_noise(&ones, Some(trials)).is_err());
        assert!(reliability(&ones).unwrap().alpha.is_none());
    }
}
