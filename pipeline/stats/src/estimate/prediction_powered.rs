//! Prediction-powered inference: the answers, corrected by what their items were expected to give.

use crate::{
    StatsError,
    linalg::dot,
    matrix::{CompleteMatrix, Target},
    select::Subset,
};

/// What is known of the items before a model answers: the prediction of each is its mean score
/// among the sources.
///
/// The predictions are the same for every model, so the estimate stays valid for a model of any
/// strength: it is the regression estimator of survey sampling with a coefficient from the sample.
#[derive(Debug, Clone, PartialEq)]
pub struct PredictionPowered {
    /// Predictions of the subset's items, in the subset's order.
    pub predictions: Vec<f64>,
    /// Weights of the subset's items, summing to one.
    pub weights: Vec<f64>,
    /// Target mean of the predictions of all items.
    pub mean_prediction: f64,
    /// Variance of the predictions over all items under the target's weights.
    pub prediction_variance: f64,
    /// Share of the target's weight outside the subset: the finite-population correction.
    pub unsampled: f64,
}

/// Predicts every item by its mean score among `sources`.
///
/// Errors when the subset is empty.
pub fn fit(
    sources: &CompleteMatrix,
    target: &Target,
    subset: &Subset,
) -> Result<PredictionPowered, StatsError> {
    if subset.items.is_empty() {
        return Err(StatsError::BudgetZero);
    }
    let predictions = sources.item_means();
    let mean_prediction = dot(target.weights(), predictions);
    let deviations = predictions.iter().map(|prediction| prediction - mean_prediction);
    let squares =
        deviations.zip(target.weights()).map(|(deviation, weight)| weight * deviation * deviation);
    let sampled: f64 = subset.items.iter().map(|&item| target.weights()[item]).sum();
    Ok(PredictionPowered {
        predictions: subset.items.iter().map(|&item| predictions[item]).collect(),
        weights: subset.weights.clone(),
        mean_prediction,
        prediction_variance: squares.sum(),
        unsampled: (1.0 - sampled).max(0.0),
    })
}

impl PredictionPowered {
    /// How much of the predictions a model's answers support, in [0, 1].
    ///
    /// Cov(answers, predictions) in the sample over the predictions' variance among all items; source:
    /// Angelopoulos, Duchi and Zrnic, "PPI++" (2023), power tuning for a mean. Their factor
    /// 1 / (1 + n / N) is absorbed: their N items are without answers, while `mean_prediction` is over
    /// all. 0, the plain mean, when there is one answer or the predictions are all equal.
    pub fn power(&self, answers: &[f64]) -> f64 {
        let spread = self.spread();
        if self.prediction_variance <= 0.0 || spread <= 0.0 {
            return 0.0;
        }
        let centre = dot(&self.weights, answers);
        let predicted = dot(&self.weights, &self.predictions);
        let pairs = answers.iter().zip(&self.predictions).zip(&self.weights);
        let covariance: f64 = pairs
            .map(|((answer, prediction), weight)| {
                weight * (answer - centre) * (prediction - predicted)
            })
            .sum();
        (covariance / spread / self.prediction_variance).clamp(0.0, 1.0)
    }

    /// Power x mean prediction + weighted mean of answer - power x prediction; not cut to [0, 1].
    pub fn estimate(&self, answers: &[f64]) -> f64 {
        let gap = self.mean_prediction - dot(&self.weights, &self.predictions);
        dot(&self.weights, answers) + self.power(answers) * gap
    }

    /// Standard error over the draw of the items, at the power that these answers choose.
    ///
    /// sqrt(s^2 sum of w^2 (1 - f)) with the weighted sample variance s^2 of answer - power x
    /// prediction and the sampled share f of the target: Cochran, *Sampling Techniques*, chapter 7
    /// and eq. 2.20. None with fewer than two answers of positive weight. It takes the items for a random
    /// sample and leaves out that the power was chosen on it, which shows below about 50 answers.
    pub fn standard_error(&self, answers: &[f64]) -> Option<f64> {
        let spread = self.spread();
        let power = self.power(answers);
        let residuals: Vec<f64> =
            answers.iter().zip(&self.predictions).map(|(a, p)| a - power * p).collect();
        let centre = dot(&self.weights, &residuals);
        let squares = residuals.iter().zip(&self.weights);
        let variance: f64 = squares
            .map(|(residual, weight)| weight * (residual - centre) * (residual - centre))
            .sum();
        let concentration = dot(&self.weights, &self.weights);
        (spread > 0.0).then(|| (variance / spread * concentration * self.unsampled).sqrt())
    }

    /// 1 - sum of squared weights, (k - 1) / k for equal ones: what unbiases a weighted variance.
    fn spread(&self) -> f64 {
        1.0 - dot(&self.weights, &self.weights)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{matrix::ResponseMatrix, rng::Stream};

    fn sources(means: &[f64]) -> CompleteMatrix {
        let scores = means.iter().map(|mean| *mean as f32).collect();
        ResponseMatrix::new(1, means.len(), scores).unwrap().imputed().unwrap()
    }

    #[test]
    fn the_estimate_is_the_one_worked_by_hand() {
        // Predictions 0, 1/2, 1, 1/2 of four items; answers 0 and 1 to the first two.
        let fitted = fit(
            &sources(&[0.0, 0.5, 1.0, 0.5]),
            &Target::uniform(4).unwrap(),
            &Subset { items: vec![0, 1], weights: vec![0.5, 0.5] },
        )
        .unwrap();
        // Sample covariance 1/4 over population variance 1/8, cut to 1: 1/2 + (1/2 - 1/4).
        assert_eq!(fitted.power(&[0.0, 1.0]), 1.0);
        assert_eq!(fitted.estimate(&[0.0, 1.0]), 0.75);
        // Residuals 0 and 1/2: variance 1/8, over two answers, half of the items seen.
        assert!(
            (fitted.standard_error(&[0.0, 1.0]).unwrap() - (1.0_f64 / 32.0).sqrt()).abs() < 1e-15
        );
        // Answers against the predictions get no power: the plain mean.
        assert_eq!(fitted.estimate(&[1.0, 0.5]), 0.75);
        // An intermediate one: covariance 1/16 over 1/8.
        assert_eq!(fitted.power(&[0.25, 0.5]), 0.5);
        assert_eq!(fitted.estimate(&[0.25, 0.5]), 0.375 + 0.5 * 0.25);
    }

    #[test]
    fn degenerate_subsets_have_no_power() {
        let target = Target::uniform(3).unwrap();
        let one = Subset { items: vec![1], weights: vec![1.0] };
        let fitted = fit(&sources(&[0.0, 0.5, 1.0]), &target, &one).unwrap();
        assert_eq!((fitted.estimate(&[1.0]), fitted.standard_error(&[1.0])), (1.0, None));
        let all = Subset { items: vec![0, 1, 2], weights: vec![1.0 / 3.0; 3] };
        let fitted = fit(&sources(&[1.0; 3]), &target, &all).unwrap();
        assert_eq!(fitted.power(&[0.0, 1.0, 1.0]), 0.0);
        assert!(fitted.standard_error(&[0.0, 1.0, 1.0]).unwrap() < 1e-8);
        let none = Subset { items: vec![], weights: vec![] };
        assert_eq!(fit(&sources(&[1.0; 3]), &target, &none), Err(StatsError::BudgetZero));
    }

    #[test]
    fn the_standard_error_is_the_spread_over_draws() {
        // Scores that follow difficulty with noise; 2,000 samples of 40 of 200 items.
        let mut stream = Stream::new(1, "ppi", 0);
        let means: Vec<f64> = (0..200).map(|item| f64::from(item) / 200.0).collect();
        let sources = sources(&means);
        let truth: Vec<f64> =
            means.iter().map(|mean| f64::from(u8::from(stream.uniform() < *mean))).collect();
        let target = Target::uniform(200).unwrap();
        let full = truth.iter().sum::<f64>() / 200.0;
        let mut order: Vec<usize> = (0..200).collect();
        let (mut error, mut square, mut said) = (0.0, 0.0, 0.0);
        for _ in 0..2000 {
            stream.shuffle(&mut order);
            let subset = Subset { items: order[..40].to_vec(), weights: vec![1.0 / 40.0; 40] };
            let answers: Vec<f64> = subset.items.iter().map(|&item| truth[item]).collect();
            let fitted = fit(&sources, &target, &subset).unwrap();
            let off = fitted.estimate(&answers) - full;
            error += off / 2000.0;
            square += off * off / 2000.0;
            said += fitted.standard_error(&answers).unwrap() / 2000.0;
        }
        assert!(error.abs() < 0.004, "bias {error}");
        assert!((square.sqrt() / said - 1.0).abs() < 0.1, "{} {said}", square.sqrt());
    }
}
