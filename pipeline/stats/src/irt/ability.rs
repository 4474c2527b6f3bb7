//! Abilities of a model that the fit has not seen, from its answers on some items.

use super::{
    ItemResponseModel, Prior, check_answers, check_items,
    logistic::{Regression, Workspace, add_scaled, logistic},
};
use crate::{StatsError, linalg::Cholesky};

/// Newton steps at most; damped steps from 0 need about ten.
const STEPS: usize = 100;
/// A step whose squared length is below this ends the climb.
const SMALL_STEP: f64 = 1e-20;
/// Abilities of one dimension are sought within this many standard deviations of the sources.
const RANGE: f64 = 6.0;
/// Points of the quadrature over the range, 0.1 apart.
const QUADRATURE_POINTS: usize = 121;
/// Halvings of the range by bisection: 12 / 2^60 is below the precision of the abilities.
const HALVINGS: usize = 60;

/// How to weigh the answers against what is known of the sources, who have mean 0 and variance 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum AbilityMethod {
    /// Mode of the posterior; any number of dimensions.
    Map(AbilityPrior),
    /// Mean of the posterior under the standard normal prior; one dimension.
    Eap,
    /// Maximum likelihood; one dimension. All answers right (wrong) give the end of the range, +6
    /// (-6).
    MaximumLikelihood,
}

/// Precisions (1 / variance) of the zero-mean Gaussian prior of a new model's abilities; positive.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AbilityPrior {
    /// Of the first ability.
    pub general: f64,
    /// Of each of the others.
    pub specific: f64,
}

impl AbilityPrior {
    /// For models that may be stronger than all sources: wider than the sources, whose precision is
    /// 1, in every direction.
    ///
    /// A trade, set on 8 of the 15 matrices of `bench/`: over all of them, general precisions of 0.1,
    /// 0.3, 0.5 and 1 give gp-IRT errors at 10 items of 6.5, 6.2, 6.0 and 5.8 pp on models like the
    /// sources, 7.5, 8.5, 9.6 and 12.1 on stronger ones. From 50 items on only the latter differ.
    pub const NEW_MODEL: Self = Self { general: 0.3, specific: 0.3 };
}

/// Estimated abilities, one a dimension.
#[derive(Debug, Clone, PartialEq)]
pub struct Ability {
    /// In standard deviations of the sources.
    pub theta: Vec<f64>,
    /// Posterior standard deviation (for [`AbilityMethod::MaximumLikelihood`] 1 / sqrt of the Fisher
    /// information, which may be infinite).
    pub standard_errors: Vec<f64>,
}

/// Abilities from one answer in [0, 1] an item of `items`, NaN where there is none.
///
/// An item outside the model is a [`StatsError::NoSuchItem`], a list of answers of another length a
/// [`StatsError::Shape`], and a method for one dimension on a model of several a
/// [`StatsError::ManyDimensions`].
pub fn estimate_ability(
    model: &ItemResponseModel,
    items: &[usize],
    answers: &[f64],
    method: AbilityMethod,
) -> Result<Ability, StatsError> {
    check_answers(items.len(), answers)?;
    check_items(model, items)?;
    if !matches!(method, AbilityMethod::Map(_)) && model.dimensions() != 1 {
        return Err(StatsError::ManyDimensions { dimensions: model.dimensions() });
    }
    let curves = ItemCurves::new(model, items);
    let answers = Answers::new(answers);
    match method {
        AbilityMethod::Map(prior) => curves.map(&answers, prior),
        AbilityMethod::Eap => Ok(curves.posterior_mean(&answers)),
        AbilityMethod::MaximumLikelihood => Ok(curves.maximum_likelihood(&answers)),
    }
}

/// Answers of one model as the regression takes them.
pub(super) struct Answers {
    pub scores: Vec<f32>,
    /// 1 where there is an answer, 0 where there is none.
    pub trials: Vec<f32>,
}

impl Answers {
    pub(super) fn new(answers: &[f64]) -> Self {
        let scores =
            answers.iter().map(|answer| if answer.is_nan() { 0.0 } else { *answer as f32 });
        let trials = answers.iter().map(|answer| if answer.is_nan() { 0.0 } else { 1.0 });
        Self { scores: scores.collect(), trials: trials.collect() }
    }
}

/// Parameters of some of a model's items, as in [`ItemResponseModel`].
#[derive(Debug, Clone, PartialEq)]
pub struct ItemCurves {
    /// One list over the items a dimension.
    pub slopes: Vec<Vec<f64>>,
    /// One an item.
    pub intercepts: Vec<f64>,
}

impl ItemCurves {
    pub(super) fn new(model: &ItemResponseModel, items: &[usize]) -> Self {
        let of = |values: &[f64]| items.iter().map(|&item| values[item]).collect();
        Self {
            slopes: model.slopes.iter().map(|slopes| of(slopes)).collect(),
            intercepts: of(&model.intercepts),
        }
    }

    /// Expected score on each item.
    pub(super) fn expected_scores(&self, theta: &[f64]) -> Vec<f64> {
        let mut scores = self.intercepts.clone();
        for (ability, slopes) in theta.iter().zip(&self.slopes) {
            add_scaled(&mut scores, *ability, slopes);
        }
        scores.iter_mut().for_each(|score| *score = logistic(*score));
        scores
    }

    pub(super) fn map(
        &self,
        answers: &Answers,
        prior: AbilityPrior,
    ) -> Result<Ability, StatsError> {
        let covariates: Vec<&[f64]> = self.slopes.iter().map(Vec::as_slice).collect();
        let mut priors = vec![Prior { mean: 0.0, precision: prior.specific }; self.slopes.len()];
        priors[0].precision = prior.general;
        let regression = Regression {
            covariates: &covariates,
            offset: &self.intercepts,
            scores: &answers.scores,
            trials: &answers.trials,
            priors: &priors,
        };
        let mut theta = vec![0.0; self.slopes.len()];
        let mut work = Workspace::default();
        for _ in 0..STEPS {
            if regression.step(&mut theta, &mut work)? <= SMALL_STEP {
                break;
            }
        }
        regression.gradient(&theta, &mut work);
        let factor = Cholesky::factor(theta.len(), &regression.information(&mut work))?;
        let standard_error = |dimension| {
            let mut unit = vec![0.0; theta.len()];
            unit[dimension] = 1.0;
            factor.inverse_quadratic(&unit).sqrt()
        };
        let standard_errors = (0..theta.len()).map(standard_error).collect();
        Ok(Ability { theta, standard_errors })
    }

    /// By sums over equally spaced points; source: Bock and Mislevy, "Adaptive EAP estimation of
    /// ability in a microcomputer environment", Applied Psychological Measurement 6 (1982).
    fn posterior_mean(&self, answers: &Answers) -> Ability {
        let log_density = |theta: f64| {
            let predictors =
                self.intercepts.iter().zip(&self.slopes[0]).map(|(b, a)| a * theta + b);
            let cells = answers.scores.iter().zip(&answers.trials).zip(predictors);
            // log p = -log(1 + e^-x) and log (1 - p) = log p - x.
            cells.fold(-theta * theta / 2.0, |sum, ((score, trials), x)| {
                let miss = 1.0 - f64::from(*score);
                sum + f64::from(*trials) * (log_logistic(x) - miss * x)
            })
        };
        let step = 2.0 * RANGE / (QUADRATURE_POINTS - 1) as f64;
        let points: Vec<f64> = (0..QUADRATURE_POINTS).map(|at| at as f64 * step - RANGE).collect();
        let logs: Vec<f64> = points.iter().map(|&theta| log_density(theta)).collect();
        let largest = logs.iter().fold(f64::NEG_INFINITY, |largest, value| largest.max(*value));
        let (mut total, mut first, mut second) = (0.0, 0.0, 0.0);
        for (theta, log) in points.iter().zip(&logs) {
            let density = libm::exp(log - largest);
            total += density;
            first += density * theta;
            second += density * theta * theta;
        }
        let mean = first / total;
        let variance = (second / total - mean * mean).max(0.0);
        Ability { theta: vec![mean], standard_errors: vec![variance.sqrt()] }
    }

    /// By bisection: the log-likelihood is concave in the ability, whatever the signs of the slopes.
    fn maximum_likelihood(&self, answers: &Answers) -> Ability {
        let cells = || answers.scores.iter().zip(&answers.trials).zip(&self.slopes[0]);
        let derivative = |theta: f64| -> f64 {
            let expected = self.expected_scores(&[theta]);
            cells()
                .zip(expected)
                .map(|(((score, trials), slope), p)| {
                    f64::from(*trials) * slope * (f64::from(*score) - p)
                })
                .sum()
        };
        let (mut low, mut high) = (-RANGE, RANGE);
        for _ in 0..HALVINGS {
            let middle = (low + high) / 2.0;
            match derivative(middle) {
                rising if rising > 0.0 => low = middle,
                falling if falling < 0.0 => high = middle,
                _ => (low, high) = (middle, middle),
            }
        }
        let theta = (low + high) / 2.0;
        let expected = self.expected_scores(&[theta]);
        let information: f64 = cells()
            .zip(expected)
            .map(|(((_, trials), slope), p)| f64::from(*trials) * slope * slope * p * (1.0 - p))
            .sum();
        Ability { theta: vec![theta], standard_errors: vec![1.0 / information.sqrt()] }
    }
}

/// log(1 / (1 + exp(-x))) without overflow.
fn log_logistic(x: f64) -> f64 {
    x.min(0.0) - libm::log1p(libm::exp(-x.abs()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::irt::{
        Family, FitSettings, fit,
        simulation::{correlation, simulate},
    };

    fn model(slopes: Vec<Vec<f64>>, intercepts: Vec<f64>) -> ItemResponseModel {
        let abilities = vec![vec![0.0]; slopes.len()];
        ItemResponseModel { slopes, intercepts, abilities, sweeps: 0, converged: true }
    }

    const MAP: AbilityMethod = AbilityMethod::Map(AbilityPrior::NEW_MODEL);

    #[test]
    fn all_right_and_all_wrong_stay_finite() {
        let one = model(vec![vec![1.0, 2.0, 0.5]], vec![0.0, -1.0, 1.0]);
        for (answer, sign) in [(1.0, 1.0), (0.0, -1.0)] {
            for method in [MAP, AbilityMethod::Eap, AbilityMethod::MaximumLikelihood] {
                let ability = estimate_ability(&one, &[0, 1, 2], &[answer; 3], method).unwrap();
                let theta = sign * ability.theta[0];
                assert!(theta > 0.5 && theta <= RANGE, "{method:?} {ability:?}");
                assert!(ability.standard_errors[0] > 0.3, "{method:?} {ability:?}");
            }
        }
    }

    #[test]
    fn maximum_likelihood_by_hand() {
        // Three items of slope 2 and intercept 0, two right: logistic(2 theta) = 2/3, theta = ln 2 / 2;
        // information 3 * 4 * 2/9.
        let one = model(vec![vec![2.0; 3]], vec![0.0; 3]);
        let ability =
            estimate_ability(&one, &[0, 1, 2], &[1.0, 0.0, 1.0], AbilityMethod::MaximumLikelihood)
                .unwrap();
        assert!((ability.theta[0] - libm::log(2.0) / 2.0).abs() < 1e-12);
        assert!((ability.standard_errors[0] - (3.0_f64 / 8.0).sqrt()).abs() < 1e-12);
    }

    #[test]
    fn without_answers_the_prior_is_left() {
        let one = model(vec![vec![2.0; 2]], vec![0.0; 2]);
        let none = [f64::NAN; 2];
        let eap = estimate_ability(&one, &[0, 1], &none, AbilityMethod::Eap).unwrap();
        assert!(eap.theta[0].abs() < 1e-12 && (eap.standard_errors[0] - 1.0).abs() < 1e-6);
        let map = estimate_ability(&one, &[0, 1], &none, MAP).unwrap();
        assert_eq!(map.theta, [0.0]);
        let deviation = 1.0 / AbilityPrior::NEW_MODEL.general.sqrt();
        assert!((map.standard_errors[0] - deviation).abs() < 1e-12);
    }

    #[test]
    fn abilities_of_the_sources_come_back_from_half_of_the_items() {
        let truth = simulate(100, 80, 1);
        let model = fit(&truth.responses, None, &FitSettings::new(Family::TwoParameter)).unwrap();
        let items: Vec<usize> = (0..80).step_by(2).collect();
        let theta = |method| -> Vec<f64> {
            let of = |source| {
                let answers: Vec<f64> =
                    items.iter().map(|&item| truth.responses.get(source, item).unwrap()).collect();
                estimate_ability(&model, &items, &answers, method).unwrap().theta[0]
            };
            (0..100).map(of).collect()
        };
        for method in [MAP, AbilityMethod::Eap] {
            assert!(correlation(&theta(method), &truth.abilities[0]) > 0.9);
        }
    }

    #[test]
    fn wrong_arguments_are_errors() {
        let two = model(vec![vec![1.0], vec![1.0]], vec![0.0]);
        let error = |items: &[usize], answers: &[f64], method| {
            estimate_ability(&two, items, answers, method).unwrap_err()
        };
        let many = StatsError::ManyDimensions { dimensions: 2 };
        assert_eq!(error(&[0], &[1.0], AbilityMethod::Eap), many);
        assert_eq!(error(&[1], &[1.0], MAP), StatsError::NoSuchItem { item: 1, items: 1 });
        assert_eq!(error(&[0], &[], MAP), StatsError::Shape { models: 1, items: 1, got: 0 });
    }
}
