//! A selection and an estimator that go together.

use crate::{
    StatsError,
    estimate::{self, EstimatorMethod, Fitted},
    rng::Stream,
    select::{self, SelectionMethod, Subset},
    sources::Sources,
};

/// Such as `balanced-swap+mean`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Procedure {
    /// Chooses the items.
    pub selection: SelectionMethod,
    /// Turns the answers into an estimate.
    pub estimator: EstimatorMethod,
}

impl Procedure {
    /// What Aliquot recommends for every input; `default` is its other name.
    pub const DEFAULT: Self =
        Self { selection: SelectionMethod::TwoSided, estimator: EstimatorMethod::Guarded };

    /// The baseline that everything is compared with.
    pub const RANDOM_MEAN: Self =
        Self { selection: SelectionMethod::Random, estimator: EstimatorMethod::Mean };

    /// The mean of one random item of each stratum of text: what needs no results and has an honest
    /// interval all the same.
    pub const STRATA_MEAN: Self =
        Self { selection: SelectionMethod::EmbeddingStrata, estimator: EstimatorMethod::Mean };

    /// `selection+estimator`.
    pub fn name(self) -> String {
        format!("{}+{}", self.selection.name(), self.estimator.name())
    }

    /// The procedure of that name, or the default.
    pub fn from_name(name: &str) -> Option<Self> {
        if name == "default" {
            return Some(Self::DEFAULT);
        }
        let (selection, estimator) = name.split_once('+')?;
        Some(Self {
            selection: SelectionMethod::from_name(selection)?,
            estimator: EstimatorMethod::from_name(estimator)?,
        })
    }

    /// Selects `k` items and fits the estimator on the same sources.
    pub fn run(
        self,
        sources: &Sources<'_>,
        k: usize,
        stream: &mut Stream,
    ) -> Result<(Subset, Fitted), StatsError> {
        let subset = select::select(self.selection, sources, k, stream)?;
        let fitted = estimate::fit(self.estimator, sources, &subset, stream)?;
        Ok((subset, fitted))
    }
}
