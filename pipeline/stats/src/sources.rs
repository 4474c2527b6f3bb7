//! The source models, and what is computed from them once however many methods ask.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use crate::{
    StatsError,
    cluster::Points,
    curves::Curves,
    field::Field,
    interval::StreamKey,
    irt::{Calibration, Family, FitSettings},
    linalg::{Components, components},
    matrix::{CompleteMatrix, ResponseMatrix, Target},
    select::Design,
};

/// Source models with all that selection and estimation may know of them.
///
/// What several methods need (item response models, principal components, item curves) is computed on
/// first use, from streams keyed by its own name: which method asks first changes nothing.
pub struct Sources<'a> {
    /// Scores with their gaps, one row a source model.
    pub responses: &'a ResponseMatrix,
    /// The same, gaps filled by the additive model.
    pub complete: CompleteMatrix,
    /// The mean that is to be estimated.
    pub target: &'a Target,
    /// Items that may be chosen, ascending; the rest still counts in the target.
    pub pool: &'a [usize],
    /// Target mean of each source model.
    pub full_scores: Vec<f64>,
    points: Option<Points<'a>>,
    key: StreamKey<'a>,
    calibrations: Mutex<BTreeMap<usize, Arc<Calibration>>>,
    components: Mutex<BTreeMap<usize, Arc<Components>>>,
    curves: OnceLock<Curves>,
    field: OnceLock<Result<Field, StatsError>>,
}

impl<'a> Sources<'a> {
    /// Fills the gaps of `responses` and takes the target means over what each model answered.
    ///
    /// `key` seeds what is shared between methods. Errors when a model has no score that counts in the
    /// target: there is nothing to learn from it.
    pub fn new(
        responses: &'a ResponseMatrix,
        target: &'a Target,
        pool: &'a [usize],
        key: StreamKey<'a>,
    ) -> Result<Self, StatsError> {
        let full_scores = responses.full_scores(target);
        if let Some(model) = full_scores.iter().position(|score| score.is_nan()) {
            return Err(StatsError::NoScores { model });
        }
        Ok(Self {
            responses,
            complete: responses.imputed()?,
            target,
            pool,
            full_scores,
            points: None,
            key,
            calibrations: Mutex::default(),
            components: Mutex::default(),
            curves: OnceLock::new(),
            field: OnceLock::new(),
        })
    }

    /// The same with an embedding of each item, one row an item of the matrix, where there are any:
    /// what methods of text look at. The others are not changed by it.
    ///
    /// Errors with [`StatsError::Length`] unless there is one point an item.
    pub fn with_points(self, points: Option<Points<'a>>) -> Result<Self, StatsError> {
        let (expected, got) = (self.responses.items(), points.map(|points| points.count()));
        match got {
            Some(got) if got != expected => {
                Err(StatsError::Length { what: "points of items", expected, got })
            }
            _ => Ok(Self { points, ..self }),
        }
    }

    /// The embedding of each item; [`StatsError::NoEmbeddings`] where there is none.
    pub fn points(&self) -> Result<&Points<'a>, StatsError> {
        self.points.as_ref().ok_or(StatsError::NoEmbeddings)
    }

    /// What a selection may look at.
    pub fn design(&self) -> Design<'_> {
        Design { matrix: &self.complete, target: self.target, pool: self.pool }
    }

    /// The item response model of so many abilities, with its cross-fit.
    pub fn calibration(&self, dimensions: usize) -> Result<Arc<Calibration>, StatsError> {
        once(&self.calibrations, dimensions, || {
            let settings = FitSettings::new(match dimensions {
                1 => Family::TwoParameter,
                _ => Family::Multidimensional { dimensions },
            });
            let mut stream = self.key.stream("calibration", dimensions as u64);
            Calibration::fit(self.responses, &settings, &mut stream)
        })
    }

    /// The leading principal components.
    pub fn components(&self, rank: usize) -> Result<Arc<Components>, StatsError> {
        once(&self.components, rank, || components(&self.complete, rank))
    }

    /// Expected score of each item by overall score.
    pub fn curves(&self) -> &Curves {
        self.curves.get_or_init(|| Curves::fit(&self.complete, &self.full_scores))
    }

    /// The Gaussian priors of a new model's answers.
    pub(crate) fn field(&self) -> Result<&Field, StatsError> {
        self.field.get_or_init(|| Field::new(self)).as_ref().map_err(Clone::clone)
    }
}

/// The value under `key`, computed unless it is there.
fn once<T>(
    cache: &Mutex<BTreeMap<usize, Arc<T>>>,
    key: usize,
    compute: impl FnOnce() -> Result<T, StatsError>,
) -> Result<Arc<T>, StatsError> {
    // A cache is whole whatever a panicking thread was doing: entries are only added.
    let mut cache = cache.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = cache.get(&key) {
        return Ok(Arc::clone(known));
    }
    let value = Arc::new(compute()?);
    cache.insert(key, Arc::clone(&value));
    Ok(value)
}
