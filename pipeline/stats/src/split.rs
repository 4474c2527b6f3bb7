//! Which models are sources and which are held out.

use crate::{StatsError, rng::Stream};

/// How the held-out models relate to the sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SplitKind {
    /// A random quarter of the models is held out.
    Interpolation,
    /// The best 30 % of the models are held out, the worst 50 % are sources, the rest is unused.
    Extrapolation,
}

impl SplitKind {
    /// All kinds, in the order of reports.
    pub const ALL: [Self; 2] = [Self::Interpolation, Self::Extrapolation];

    /// Name in recipes and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Interpolation => "interpolation",
            Self::Extrapolation => "extrapolation",
        }
    }

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// Disjoint sets of rows, each ascending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// Models whose full results select and fit.
    pub sources: Vec<usize>,
    /// Models of which only the subset's answers are seen.
    pub held_out: Vec<usize>,
}

/// Smallest number of models that can be split.
pub const MINIMUM_MODELS: usize = 8;

/// Splits models by their full scores.
///
/// Random kinds draw from the stream ("split", `repetition`) of `seed`. Extrapolation has no
/// randomness: every repetition gives the same sets, ties in score broken by row.
pub fn split(
    kind: SplitKind,
    full_scores: &[f64],
    seed: u64,
    repetition: u64,
) -> Result<Split, StatsError> {
    let models = full_scores.len();
    if models < MINIMUM_MODELS {
        return Err(StatsError::TooFewModels {
            what: "a split",
            needed: MINIMUM_MODELS,
            got: models,
        });
    }
    let mut order: Vec<usize> = (0..models).collect();
    let (mut sources, mut held_out) = match kind {
        SplitKind::Interpolation => {
            Stream::new(seed, "split", repetition).shuffle(&mut order);
            let held_out = order.split_off(models - models / 4);
            (order, held_out)
        }
        SplitKind::Extrapolation => {
            order.sort_by(|&a, &b| full_scores[a].total_cmp(&full_scores[b]).then(a.cmp(&b)));
            let held_out = order.split_off(models - models * 3 / 10);
            order.truncate(models / 2);
            (order, held_out)
        }
    };
    sources.sort_unstable();
    held_out.sort_unstable();
    Ok(Split { sources, held_out })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extrapolation_holds_out_the_best_and_learns_from_the_worst() {
        let scores: Vec<f64> = (0..10).map(|rank| f64::from(rank) / 10.0).rev().collect();
        let split = split(SplitKind::Extrapolation, &scores, 1, 0).unwrap();
        assert_eq!(split.held_out, [0, 1, 2]);
        assert_eq!(split.sources, [5, 6, 7, 8, 9]);
    }

    #[test]
    fn interpolation_holds_out_a_quarter_and_differs_between_repetitions() {
        let scores = vec![0.5; 40];
        let first = split(SplitKind::Interpolation, &scores, 1, 0).unwrap();
        let second = split(SplitKind::Interpolation, &scores, 1, 1).unwrap();
        assert_eq!((first.sources.len(), first.held_out.len()), (30, 10));
        assert!(first.sources.iter().all(|model| !first.held_out.contains(model)));
        assert_ne!(first, second);
    }

    #[test]
    fn seven_models_cannot_be_split() {
        let error = split(SplitKind::Interpolation, &[0.0; 7], 1, 0).unwrap_err();
        assert_eq!(error, StatsError::TooFewModels { what: "a split", needed: 8, got: 7 });
    }
}
