//! Joint maximum a posteriori fit of items and abilities.

use super::{
    ItemResponseModel, Prior,
    cells::Cells,
    logistic::{Regression, Workspace},
    standardise::standardised,
    start,
};
use crate::{StatsError, matrix::ResponseMatrix};

/// What may differ between items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// Difficulty only: one ability, one slope common to all items (Rasch up to the unit of ability).
    Rasch,
    /// Difficulty and discrimination: one ability.
    TwoParameter,
    /// M2PL: a slope on each of several abilities.
    Multidimensional {
        /// Number of abilities; at most one fewer than the models is fitted.
        dimensions: usize,
    },
}

/// How to fit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FitSettings {
    /// The model.
    pub family: Family,
    /// Prior of every item's slope on the first ability.
    pub general: Prior,
    /// Prior of every item's slope on each of the other abilities.
    pub specific: Prior,
    /// Prior of every intercept.
    pub intercept: Prior,
    /// At most this many rounds over all items and all models.
    pub sweeps: usize,
    /// Stop when a round changes the parameters by less than this share of their norm.
    pub tolerance: f64,
}

impl FitSettings {
    /// Settings for a family.
    ///
    /// Chosen by the log-likelihood per cell of a random tenth of the cells, averaged over all 15
    /// matrices of `bench/` (so that mean is no independent check of them): -0.303 with five
    /// dimensions, -0.335 with a common prior of mean 0 and precision 2. Halving or doubling a precision
    /// moves it by 0.001, that of the specific slopes by up to 0.005, where firmer is better the more
    /// dimensions there are. Abilities rest on so many items that their own prior prunes no dimension;
    /// that of the specific slopes has to.
    ///
    /// The mean of 1 is a trade. Against a mean of 0 it halves the error of gp-IRT on models stronger
    /// than all sources (9.3 to 4.6 pp at 50 items), because few models cannot turn an item round; with
    /// the common prior above, models like the sources are estimated 0.4 pp better at 10 and 20 items.
    ///
    /// The intercepts' standard deviation of 1.8 keeps constant items finite. With one dimension the
    /// held-out likelihood settles within 10 rounds; with five it falls by 0.001 from round 5 to 40, so
    /// the cap costs nothing.
    pub fn new(family: Family) -> Self {
        Self {
            family,
            general: Prior { mean: 1.0, precision: 4.0 },
            specific: Prior { mean: 0.0, precision: 32.0 },
            intercept: Prior { mean: 0.0, precision: 0.3 },
            sweeps: 20,
            tolerance: 1e-2,
        }
    }

    fn slopes(&self, dimensions: usize) -> impl Iterator<Item = Prior> {
        std::iter::once(self.general).chain(std::iter::repeat_n(self.specific, dimensions - 1))
    }
}

/// Of every ability of a source; it sets the unit in which the slopes' priors are meant.
const ABILITY: Prior = Prior { mean: 0.0, precision: 1.0 };

/// Fits abilities of the models (rows) and slopes and intercepts of the items (columns), by joint
/// maximum a posteriori.
///
/// `trials` gives, row-major as the scores, how many trials each score is the mean of; without it
/// every score counts once. Missing scores are skipped. Alternates one damped Newton step for every
/// item with one for every model, from a start at the principal components: no step lowers the
/// posterior (but for the common slope of [`Family::Rasch`], whose step is merely bounded). The caps
/// on rounds make this deterministic in time; [`ItemResponseModel::converged`] tells which it was.
///
/// Errors: [`StatsError::Shape`] and [`StatsError::BadTrials`] for wrong trials,
/// [`StatsError::NotPositiveDefinite`] for a prior precision that is not positive.
pub fn fit(
    responses: &ResponseMatrix,
    trials: Option<&[f32]>,
    settings: &FitSettings,
) -> Result<ItemResponseModel, StatsError> {
    let by_model = Cells::by_model(responses, trials)?;
    let by_item = by_model.transposed();
    let mut state = State::start(&by_item, settings);
    let (sweeps, converged) = state.climb(&by_item, &by_model, settings)?;
    let mut model = standardised(&state)?;
    (model.sweeps, model.converged) = (sweeps, converged);
    Ok(model)
}

/// Parameters in the units of the priors.
pub(super) struct State {
    pub slopes: Vec<Vec<f64>>,
    pub intercepts: Vec<f64>,
    pub abilities: Vec<Vec<f64>>,
}

impl State {
    fn start(by_item: &Cells, settings: &FitSettings) -> Self {
        let (models, items) = (by_item.length(), by_item.units());
        let dimensions = match settings.family {
            Family::Multidimensional { dimensions } => {
                dimensions.min(models.saturating_sub(1)).min(items).max(1)
            }
            Family::Rasch | Family::TwoParameter => 1,
        };
        let logit = |mean: f64| libm::log(mean / (1.0 - mean));
        Self {
            slopes: settings.slopes(dimensions).map(|prior| vec![prior.mean; items]).collect(),
            intercepts: (0..items).map(|item| logit(by_item.mean(item))).collect(),
            abilities: start::components(by_item, dimensions),
        }
    }

    fn climb(
        &mut self,
        by_item: &Cells,
        by_model: &Cells,
        settings: &FitSettings,
    ) -> Result<(usize, bool), StatsError> {
        let mut work = Workspace::default();
        for sweep in 1..=settings.sweeps {
            let moved = match settings.family {
                Family::Rasch => self.step_difficulties(by_item, settings, &mut work)?,
                _ => self.step_items(by_item, settings, &mut work)?,
            } + self.step_abilities(by_model, &mut work)?;
            if moved <= settings.tolerance * settings.tolerance * self.norm() {
                return Ok((sweep, true));
            }
        }
        Ok((settings.sweeps, false))
    }

    fn norm(&self) -> f64 {
        let lists = self.slopes.iter().chain(&self.abilities).chain([&self.intercepts]);
        lists.flatten().map(|value| value * value).sum()
    }

    fn step_items(
        &mut self,
        by_item: &Cells,
        settings: &FitSettings,
        work: &mut Workspace,
    ) -> Result<f64, StatsError> {
        let models = by_item.length();
        let (ones, zeros) = (vec![1.0; models], vec![0.0; models]);
        let mut covariates: Vec<&[f64]> = self.abilities.iter().map(Vec::as_slice).collect();
        covariates.push(&ones);
        let mut priors: Vec<Prior> = settings.slopes(self.slopes.len()).collect();
        priors.push(settings.intercept);
        let mut moved = 0.0;
        for item in 0..by_item.units() {
            let regression = Regression {
                covariates: &covariates,
                offset: &zeros,
                scores: by_item.scores(item),
                trials: by_item.trials(item),
                priors: &priors,
            };
            let mut coefficients: Vec<f64> = self.slopes.iter().map(|slope| slope[item]).collect();
            coefficients.push(self.intercepts[item]);
            moved += regression.step(&mut coefficients, work)?;
            for (slope, value) in self.slopes.iter_mut().zip(&coefficients) {
                slope[item] = *value;
            }
            self.intercepts[item] = coefficients[self.slopes.len()];
        }
        Ok(moved)
    }

    /// Intercepts one by one, then the common slope, by a Newton step of at most a half.
    fn step_difficulties(
        &mut self,
        by_item: &Cells,
        settings: &FitSettings,
        work: &mut Workspace,
    ) -> Result<f64, StatsError> {
        let ones = vec![1.0; by_item.length()];
        let slope = self.slopes[0][0];
        let offset: Vec<f64> = self.abilities[0].iter().map(|ability| slope * ability).collect();
        let mut moved = 0.0;
        let (mut gradient, mut information) = (0.0, settings.general.precision);
        gradient -= settings.general.precision * (slope - settings.general.mean);
        for (item, intercept) in self.intercepts.iter_mut().enumerate() {
            let regression = Regression {
                covariates: &[&ones],
                offset: &offset,
                scores: by_item.scores(item),
                trials: by_item.trials(item),
                priors: &[settings.intercept],
            };
            let mut coefficients = [*intercept];
            moved += regression.step(&mut coefficients, work)?;
            *intercept = coefficients[0];
            let (first, second) = work.derivatives(&self.abilities[0]);
            gradient += first;
            information += second;
        }
        let step = (gradient / information).clamp(-0.5, 0.5);
        self.slopes[0].fill(slope + step);
        Ok(moved + step * step)
    }

    fn step_abilities(
        &mut self,
        by_model: &Cells,
        work: &mut Workspace,
    ) -> Result<f64, StatsError> {
        let covariates: Vec<&[f64]> = self.slopes.iter().map(Vec::as_slice).collect();
        let priors = vec![ABILITY; self.slopes.len()];
        let mut moved = 0.0;
        for model in 0..by_model.units() {
            let regression = Regression {
                covariates: &covariates,
                offset: &self.intercepts,
                scores: by_model.scores(model),
                trials: by_model.trials(model),
                priors: &priors,
            };
            let mut coefficients: Vec<f64> =
                self.abilities.iter().map(|ability| ability[model]).collect();
            moved += regression.step(&mut coefficients, work)?;
            for (ability, value) in self.abilities.iter_mut().zip(&coefficients) {
                ability[model] = *value;
            }
        }
        Ok(moved)
    }
}

#[cfg(test)]
#[path = "fit_tests.rs"]
mod tests;
