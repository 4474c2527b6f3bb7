//! What texts say about items that no model has answered: parameters of the item response model,
//! predicted from embeddings by ridge regression, and from them the answers of each source model.
//!
//! Source: Truong et al., "Reliable and Efficient Amortized Model-based Evaluation" (ICML 2025), who
//! predict difficulties from embeddings; here with the discrimination, a standard error, and an R^2 that
//! is cross-validated beside that of the task alone, since text may say no more than the task does.

mod ridge;

use std::collections::BTreeMap;

use self::ridge::{Regression, Rows};
use crate::{
    StatsError,
    cluster::{Points, squared_distance},
    irt::{Family, FitSettings, ItemResponseModel, fit},
    linalg::add_scaled,
    matrix::ResponseMatrix,
    rng::Stream,
};

/// Cosine from which on two texts are so much alike that one would give the other's parameters away:
/// [`Texts::groups`] should hold them together.
pub const ALIKE: f64 = 0.95;
/// Folds of the cross-validation, and least number of groups of items.
const FOLDS: usize = 5;
/// Tasks that are told apart; the smaller ones beyond are taken for none.
pub const TASKS: usize = 100;
/// Slopes are counted from here on: the logarithm of less would say more than answers can.
const LEAST_SLOPE: f64 = 0.05;

/// All items of a matrix, answered or not.
#[derive(Debug, Clone, Copy)]
pub struct Texts<'a> {
    /// The embedding of each item.
    pub points: &'a Points<'a>,
    /// Task of each item, where it is known; it is then predicted from beside the text.
    pub tasks: Option<&'a [u32]>,
    /// Items of one group, such as a parent or near-duplicates, share a fold; each alone without it.
    pub groups: Option<&'a [u32]>,
}

/// Cross-validated shares of the variance of a parameter over the calibrated items: 1 minus the squared
/// errors of a prediction over those of the training folds' mean. Negative where the mean is better.
///
/// The parameters are estimates: what is noise in them no text can foretell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Explained {
    /// By the text alone.
    pub text: f64,
    /// By the mean of the item's task; None without tasks.
    pub task: Option<f64>,
    /// By text and task in one regression; None without tasks.
    pub text_and_task: Option<f64>,
}

/// A predicted parameter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Predicted {
    /// The prediction.
    pub value: f64,
    /// Its standard error, the item's own deviation included.
    pub standard_error: f64,
}

/// What is predicted of an item without answers, in slope-intercept form.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PredictedItem {
    /// Number of the item.
    pub item: usize,
    /// Logit of the mean source's chance to fail.
    pub difficulty: Predicted,
    /// Logarithm of the slope, logits per standard deviation of the sources' ability.
    pub log_discrimination: Predicted,
}

/// A matrix whose unanswered items are filled with what the source models are expected to score.
#[derive(Debug, Clone, PartialEq)]
pub struct Extension {
    /// The answers as they were; of an item that nobody has answered, expected scores.
    pub matrix: ResponseMatrix,
    /// The items that nobody has answered, ascending.
    pub predicted: Vec<PredictedItem>,
    /// How well difficulties of answered items are foretold.
    pub difficulty: Explained,
    /// How well logarithms of their slopes are.
    pub log_discrimination: Explained,
}

/// Predicts the answers of all models to the items that none of them has answered.
///
/// A two-parameter model is fitted to the answered items; their difficulties (minus the intercepts) and
/// logarithms of slopes are regressed by ridge regression on the embeddings and, where tasks are known,
/// on one number a task, 1 for its items (of at most [`TASKS`] tasks, the largest), scaled so that text and tasks have
/// the same total variance. A new item's expected score for a model is that of its predicted curve at
/// the model's ability, flattened for the predictions' standard errors by MacKay's formula for a
/// logistic of a Gaussian ("The evidence framework applied to classification networks", 1992).
///
/// The penalty is chosen by five folds that do not part a group; in [`Explained`] it is chosen anew
/// without the fold that is predicted. Cost: the squared dimensions times the items, and their cube some
/// 180 times. Errors with [`StatsError::Length`] when texts do not fit, with [`StatsError::TooFewItems`]
/// with fewer than ten groups of answered items, and as [`fit`].
pub fn extend(
    responses: &ResponseMatrix,
    texts: Texts<'_>,
    stream: &mut Stream,
) -> Result<Extension, StatsError> {
    let items = responses.items();
    texts.check(items)?;
    let is_answered =
        |item: &usize| (0..responses.models()).any(|model| responses.get(model, *item).is_some());
    let (answered, new): (Vec<usize>, Vec<usize>) = (0..items).partition(is_answered);
    let folds = texts.folds(&answered, stream)?;
    let known = responses.select_items(&answered)?;
    let model = fit(&known, known.trials(), &FitSettings::new(Family::TwoParameter))?;

    let difficulties: Vec<f64> = model.intercepts.iter().map(|intercept| -intercept).collect();
    let log_slopes: Vec<f64> =
        model.slopes[0].iter().map(|slope| libm::log(slope.max(LEAST_SLOPE))).collect();
    let parameters = [difficulties.as_slice(), log_slopes.as_slice()];
    let features = Features::new(&texts, &answered);
    let [difficulty, log_discrimination] = amortise(&features, &answered, &folds, parameters)?;
    let predict = |regression: &Regression, item: usize| {
        let (value, standard_error) = regression.predict(&features.of(item));
        Predicted { value, standard_error }
    };
    let predicted: Vec<PredictedItem> = new
        .iter()
        .map(|&item| PredictedItem {
            item,
            difficulty: predict(&difficulty.0, item),
            log_discrimination: predict(&log_discrimination.0, item),
        })
        .collect();
    Ok(Extension {
        matrix: filled(responses, &model, &predicted)?,
        predicted,
        difficulty: difficulty.1,
        log_discrimination: log_discrimination.1,
    })
}

impl Texts<'_> {
    fn check(&self, items: usize) -> Result<(), StatsError> {
        let lists = [
            ("points of items", Some(self.points.count())),
            ("tasks of items", self.tasks.map(<[u32]>::len)),
            ("groups of items", self.groups.map(<[u32]>::len)),
        ];
        for (what, length) in lists {
            if let Some(got) = length.filter(|length| *length != items) {
                return Err(StatsError::Length { what, expected: items, got });
            }
        }
        Ok(())
    }

    /// The fold of each answered item: groups in random order, each to the smallest fold.
    fn folds(&self, answered: &[usize], stream: &mut Stream) -> Result<Vec<usize>, StatsError> {
        let group = |item: usize| match self.groups {
            Some(groups) => groups[item] as usize,
            None => item,
        };
        let mut sizes: BTreeMap<usize, usize> = BTreeMap::new();
        for &item in answered {
            *sizes.entry(group(item)).or_default() += 1;
        }
        if sizes.len() < 2 * FOLDS {
            return Err(StatsError::TooFewItems {
                what: "a cross-validated prediction from text",
                items: answered.len(),
                missing: 0,
            });
        }
        let mut order: Vec<(usize, usize)> = sizes.into_iter().collect();
        stream.shuffle(&mut order);
        let mut filled = [0; FOLDS];
        let mut folds = BTreeMap::new();
        for (group, size) in order {
            let fold = (0..FOLDS).min_by_key(|&fold| filled[fold]).unwrap_or(0);
            filled[fold] += size;
            folds.insert(group, fold);
        }
        Ok(answered.iter().map(|&item| folds[&group(item)]).collect())
    }
}

/// What an item is predicted from.
struct Features<'a> {
    texts: &'a Texts<'a>,
    /// Place of each task that counts; none without tasks.
    places: BTreeMap<u32, usize>,
    /// What an item of a task has in the task's place.
    scale: f64,
}

impl<'a> Features<'a> {
    fn new(texts: &'a Texts<'a>, answered: &[usize]) -> Self {
        let Some(tasks) = texts.tasks else {
            return Self { texts, places: BTreeMap::new(), scale: 0.0 };
        };
        let mut sizes: BTreeMap<u32, usize> = BTreeMap::new();
        for &item in answered {
            *sizes.entry(tasks[item]).or_default() += 1;
        }
        let mut largest: Vec<(u32, usize)> = sizes.into_iter().collect();
        largest.sort_by_key(|(task, size)| (usize::MAX - size, *task));
        largest.truncate(TASKS);
        let count = answered.len() as f64;
        let variance = |(_, size): &(u32, usize)| {
            let share = *size as f64 / count;
            share * (1.0 - share)
        };
        let of_tasks: f64 = largest.iter().map(variance).sum();
        let of_text = total_variance(texts.points, answered);
        let scale = if of_tasks > 0.0 { (of_text / of_tasks).sqrt() } else { 0.0 };
        let places = largest.iter().map(|(task, _)| *task).zip(0..).collect();
        Self { texts, places, scale }
    }

    /// The embedding, then a number a task.
    fn of(&self, item: usize) -> Vec<f64> {
        let mut features = self.texts.points.row(item).to_vec();
        let dimensions = features.len();
        features.resize(dimensions + self.places.len(), 0.0);
        let task = self.texts.tasks.map(|tasks| tasks[item]);
        if let Some(place) = task.and_then(|task| self.places.get(&task)) {
            features[dimensions + place] = self.scale;
        }
        features
    }
}

/// Mean squared distance of some points to their mean.
fn total_variance(points: &Points<'_>, numbers: &[usize]) -> f64 {
    let count = numbers.len() as f64;
    let mut mean = vec![0.0; points.dimensions()];
    numbers.iter().for_each(|&number| add_scaled(&mut mean, 1.0 / count, points.row(number)));
    numbers.iter().map(|&number| squared_distance(points.row(number), &mean)).sum::<f64>() / count
}

/// Of each parameter the regression to predict with, and what it explains.
fn amortise(
    features: &Features<'_>,
    answered: &[usize],
    folds: &[usize],
    parameters: [&[f64]; 2],
) -> Result<[(Regression, Explained); 2], StatsError> {
    let text = |&item: &usize| features.texts.points.row(item).to_vec();
    let text = Rows::new(answered.iter().map(text).collect(), folds.to_vec(), FOLDS);
    let by_text = text.validate(&parameters)?;
    let tasks = features.texts.tasks;
    let both = tasks.map(|_| {
        let rows = answered.iter().map(|&item| features.of(item)).collect();
        Rows::new(rows, folds.to_vec(), FOLDS)
    });
    let by_both = both.as_ref().map(|rows| rows.validate(&parameters)).transpose()?;
    let tasks: Option<Vec<u32>> =
        tasks.map(|tasks| answered.iter().map(|&item| tasks[item]).collect());
    let of = |number: usize| -> Result<(Regression, Explained), StatsError> {
        let errors = Errors { values: parameters[number], folds };
        let validated = by_both.as_ref().unwrap_or(&by_text);
        let explained = Explained {
            text: errors.explained(&by_text[number].predictions),
            task: tasks.as_ref().map(|tasks| errors.explained(&errors.means(tasks))),
            text_and_task: by_both.as_ref().map(|both| errors.explained(&both[number].predictions)),
        };
        let rows = both.as_ref().unwrap_or(&text);
        Ok((rows.regression(parameters[number], &validated[number])?, explained))
    };
    Ok([of(0)?, of(1)?])
}

/// Values that are predicted fold by fold.
struct Errors<'a> {
    values: &'a [f64],
    folds: &'a [usize],
}

impl Errors<'_> {
    /// Of each value the mean over the other folds of its task, or of all where the task has none.
    fn means(&self, tasks: &[u32]) -> Vec<f64> {
        let mut all = [(0.0, 0.0); FOLDS];
        let mut of_tasks: BTreeMap<u32, [(f64, f64); FOLDS]> = BTreeMap::new();
        for ((value, fold), task) in self.values.iter().zip(self.folds).zip(tasks) {
            let of_task = of_tasks.entry(*task).or_default();
            for other in (0..FOLDS).filter(|other| other != fold) {
                for sums in [&mut all[other], &mut of_task[other]] {
                    *sums = (sums.0 + value, sums.1 + 1.0);
                }
            }
        }
        let mean = |(fold, task): (&usize, &u32)| {
            let of_task = of_tasks[task][*fold];
            let (sum, count) = if of_task.1 > 0.0 { of_task } else { all[*fold] };
            sum / count
        };
        self.folds.iter().zip(tasks).map(mean).collect()
    }

    /// 1 minus squared errors over those of the mean; 0 where that is always right.
    fn explained(&self, predictions: &[f64]) -> f64 {
        let squares = |predictions: &[f64]| -> f64 {
            self.values.iter().zip(predictions).map(|(a, b)| (a - b) * (a - b)).sum()
        };
        let total = squares(&self.means(&vec![0; self.values.len()]));
        if total > 0.0 { 1.0 - squares(predictions) / total } else { 0.0 }
    }
}

/// The matrix with expected scores in the columns of the predicted items.
fn filled(
    responses: &ResponseMatrix,
    model: &ItemResponseModel,
    predicted: &[PredictedItem],
) -> Result<ResponseMatrix, StatsError> {
    let (models, items) = (responses.models(), responses.items());
    let mut scores = Vec::with_capacity(models * items);
    for source in 0..models {
        let start = scores.len();
        let score = |item| responses.get(source, item).map_or(f32::NAN, |score| score as f32);
        scores.extend((0..items).map(score));
        for item in predicted {
            scores[start + item.item] = item.expected_score(model.abilities[0][source]) as f32;
        }
    }
    let filled = ResponseMatrix::new(models, items, scores)?;
    match responses.trials() {
        // An expected score counts as one answer.
        Some(trials) => {
            let mut trials = trials.to_vec();
            for source in 0..models {
                predicted.iter().for_each(|item| trials[source * items + item.item] = 1.0);
            }
            filled.with_trials(trials)
        }
        None => Ok(filled),
    }
}

impl PredictedItem {
    /// Expected score in [0, 1] of a model of this ability, in standard deviations of the sources.
    pub fn expected_score(&self, ability: f64) -> f64 {
        let Self { difficulty, log_discrimination, .. } = self;
        let slope = libm::exp(log_discrimination.value);
        let logit = slope * ability - difficulty.value;
        let by_slope = slope * ability * log_discrimination.standard_error;
        let variance = difficulty.standard_error * difficulty.standard_error + by_slope * by_slope;
        let flattened = logit / (1.0 + std::f64::consts::PI * variance / 8.0).sqrt();
        1.0 / (1.0 + libm::exp(-flattened))
    }
}

#[cfg(test)]
mod tests;
