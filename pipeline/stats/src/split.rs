//! Which models are sources and which are held out.

use std::collections::{BTreeMap, BTreeSet};

use crate::{StatsError, rng::Stream};

/// How the held-out models relate to the sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SplitKind {
    /// A random quarter of the models is held out.
    Interpolation,
    /// The best 30 % of the models are held out, the worst 50 % are sources, the rest is unused.
    Extrapolation,
    /// The newest models are held out, those released before them are sources.
    Date,
    /// One family of models is held out, all others are sources.
    Family,
    /// The quantised and pruned variants are held out, all others are sources, their bases included.
    Compressed,
    /// As [`Self::Compressed`], without the relatives of held-out models among the sources.
    CompressedWithoutBase,
}

impl SplitKind {
    /// All kinds, in the order of reports.
    pub const ALL: [Self; 6] = [
        Self::Interpolation,
        Self::Extrapolation,
        Self::Date,
        Self::Family,
        Self::Compressed,
        Self::CompressedWithoutBase,
    ];

    /// The kinds that need nothing but scores.
    pub const BY_SCORE: [Self; 2] = [Self::Interpolation, Self::Extrapolation];

    /// Name in recipes and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Interpolation => "interpolation",
            Self::Extrapolation => "extrapolation",
            Self::Date => "date",
            Self::Family => "family",
            Self::Compressed => "compressed",
            Self::CompressedWithoutBase => "compressed-without-base",
        }
    }

    /// Whether repetitions differ in who is held out.
    pub fn is_random(self) -> bool {
        matches!(self, Self::Interpolation | Self::Family)
    }

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// What is known of a model besides its scores; names are numbered by the caller.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ModelAttributes {
    /// When it was released, on any scale that grows with time; a model without is left out of
    /// splits by date.
    pub released: Option<i64>,
    /// Its family; a model without is a source of every split by family, never held out.
    pub family: Option<u32>,
    /// The group of models that go back to the same weights; a model without has no relatives.
    pub base: Option<u32>,
    /// Whether it is a quantised or pruned variant.
    pub compressed: bool,
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

/// Smallest number of sources of a split by attributes: what extrapolation keeps of
/// [`MINIMUM_MODELS`].
pub const MINIMUM_SOURCES: usize = 4;

/// Smallest number of models that a split by attributes holds out: fewer have hardly an order.
pub const MINIMUM_HELD_OUT: usize = 3;

/// Splits models of which nothing but the full scores is known; see [`split_by_attributes`].
pub fn split(
    kind: SplitKind,
    full_scores: &[f64],
    seed: u64,
    repetition: u64,
) -> Result<Split, StatsError> {
    let unknown = vec![ModelAttributes::default(); full_scores.len()];
    split_by_attributes(kind, full_scores, &unknown, seed, repetition)
}

/// Splits models by their full scores or by their attributes, one of each a model.
///
/// - Interpolation draws from the stream ("split", `repetition`) of `seed`.
/// - Extrapolation has no randomness: every repetition gives the same sets, ties in score broken by
///   row.
/// - Date holds out what was released after the date that leaves the share nearest to 27.5 % of the
///   dated models; models of one date stay together, all repetitions are equal.
/// - Family puts the families of at least [`MINIMUM_HELD_OUT`] models in the order of the stream
///   ("split/family", 0); repetition r holds out family r, counted round.
/// - Compressed and compressed without base hold out all compressed models; all repetitions are equal.
///
/// Errors with [`StatsError::NoAttribute`] when no model has what the kind goes by, and with
/// [`StatsError::TooFewModels`] when there are fewer than [`MINIMUM_MODELS`] models in all,
/// [`MINIMUM_SOURCES`] sources or [`MINIMUM_HELD_OUT`] held-out ones.
pub fn split_by_attributes(
    kind: SplitKind,
    full_scores: &[f64],
    attributes: &[ModelAttributes],
    seed: u64,
    repetition: u64,
) -> Result<Split, StatsError> {
    let models = full_scores.len();
    at_least(MINIMUM_MODELS, models, "a split")?;
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
        SplitKind::Date => by_date(attributes)?,
        SplitKind::Family => by_family(attributes, seed, repetition)?,
        SplitKind::Compressed => by_compression(attributes, false)?,
        SplitKind::CompressedWithoutBase => by_compression(attributes, true)?,
    };
    sources.sort_unstable();
    held_out.sort_unstable();
    Ok(Split { sources, held_out })
}

/// Sources and held-out models.
type Sides = (Vec<usize>, Vec<usize>);

fn at_least(needed: usize, got: usize, what: &'static str) -> Result<(), StatsError> {
    if got < needed { Err(StatsError::TooFewModels { what, needed, got }) } else { Ok(()) }
}

fn checked((sources, held_out): Sides) -> Result<Sides, StatsError> {
    at_least(MINIMUM_SOURCES, sources.len(), "the source side of a split")?;
    at_least(MINIMUM_HELD_OUT, held_out.len(), "the held-out side of a split")?;
    Ok((sources, held_out))
}

fn by_date(attributes: &[ModelAttributes]) -> Result<Sides, StatsError> {
    let released = |model: usize| attributes[model].released.map(|date| (date, model));
    let dated: Vec<(i64, usize)> = (0..attributes.len()).filter_map(released).collect();
    let newer = |date: i64| dated.iter().filter(|(other, _)| *other > date).count();
    // In fortieths of the models, to stay with whole numbers: 27.5 % are eleven of them.
    let distance = |date: i64| (40 * newer(date)).abs_diff(11 * dated.len());
    let dates: BTreeSet<i64> = dated.iter().map(|(date, _)| *date).collect();
    let cut_off = dates.into_iter().min_by_key(|&date| distance(date));
    let cut_off = cut_off.ok_or(StatsError::NoAttribute { attribute: "release date" })?;
    let side = |held_out: bool| {
        let inside = dated.iter().filter(|(date, _)| (*date > cut_off) == held_out);
        inside.map(|(_, model)| *model).collect()
    };
    checked((side(false), side(true)))
}

fn by_family(
    attributes: &[ModelAttributes],
    seed: u64,
    repetition: u64,
) -> Result<Sides, StatsError> {
    let mut families: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (model, attributes) in attributes.iter().enumerate() {
        if let Some(family) = attributes.family {
            families.entry(family).or_default().push(model);
        }
    }
    if families.is_empty() {
        return Err(StatsError::NoAttribute { attribute: "family" });
    }
    let largest = families.values().map(Vec::len).max().unwrap_or(0);
    let fits = |members: &Vec<usize>| {
        members.len() >= MINIMUM_HELD_OUT && attributes.len() - members.len() >= MINIMUM_SOURCES
    };
    let mut order: Vec<Vec<usize>> = families.into_values().filter(fits).collect();
    Stream::new(seed, "split/family", 0).shuffle(&mut order);
    if order.is_empty() {
        // The largest family is either too small to be held out or leaves too few sources.
        at_least(MINIMUM_HELD_OUT, largest, "the held-out side of a split")?;
        at_least(MINIMUM_SOURCES, attributes.len() - largest, "the source side of a split")?;
    }
    let held_out = order.swap_remove((repetition % order.len() as u64) as usize);
    let sources = (0..attributes.len()).filter(|model| !held_out.contains(model)).collect();
    checked((sources, held_out))
}

fn by_compression(attributes: &[ModelAttributes], without_base: bool) -> Result<Sides, StatsError> {
    let (held_out, mut sources): (Vec<usize>, Vec<usize>) =
        (0..attributes.len()).partition(|&model| attributes[model].compressed);
    if held_out.is_empty() {
        return Err(StatsError::NoAttribute { attribute: "mark of compression" });
    }
    if without_base {
        let bases: BTreeSet<u32> =
            held_out.iter().filter_map(|&model| attributes[model].base).collect();
        let related =
            |model: usize| attributes[model].base.is_some_and(|base| bases.contains(&base));
        sources.retain(|&model| !related(model));
    }
    checked((sources, held_out))
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

    fn models(count: usize, attributes: impl Fn(usize) -> ModelAttributes) -> Vec<ModelAttributes> {
        (0..count).map(attributes).collect()
    }

    fn by(
        kind: SplitKind,
        attributes: &[ModelAttributes],
        repetition: u64,
    ) -> Result<Split, StatsError> {
        split_by_attributes(kind, &vec![0.5; attributes.len()], attributes, 1, repetition)
    }

    #[test]
    fn dates_hold_out_the_newest_and_never_part_equal_dates() {
        // 19 dated models: 4 after day 7, 8 after day 5 (21 % and 42 %, so 4 are nearer to 27.5 %).
        let days = [9, 9, 9, 9, 7, 7, 7, 7, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5];
        let dated = models(20, |model| ModelAttributes {
            released: days.get(model).copied(),
            ..ModelAttributes::default()
        });
        let split = by(SplitKind::Date, &dated, 0).unwrap();
        assert_eq!(split.held_out, [0, 1, 2, 3]);
        assert_eq!(split.sources, (4..19).collect::<Vec<_>>());
        assert_eq!(by(SplitKind::Date, &dated, 7).unwrap(), split);

        let same =
            models(20, |_| ModelAttributes { released: Some(3), ..ModelAttributes::default() });
        let error = by(SplitKind::Date, &same, 0).unwrap_err();
        let what = "the held-out side of a split";
        assert_eq!(error, StatsError::TooFewModels { what, needed: 3, got: 0 });
    }

    #[test]
    fn forty_distinct_dates_hold_out_eleven() {
        let dated = models(40, |model| ModelAttributes {
            released: Some(1000 - model as i64),
            ..ModelAttributes::default()
        });
        assert_eq!(by(SplitKind::Date, &dated, 0).unwrap().held_out, (0..11).collect::<Vec<_>>());
    }

    #[test]
    fn each_repetition_holds_out_another_large_family() {
        // Families 0, 1, 2 of four, family 3 of two, two models of none.
        let families = models(16, |model| ModelAttributes {
            family: (model < 14).then_some(model as u32 / 4),
            ..ModelAttributes::default()
        });
        let splits: Vec<Split> = (0..4)
            .map(|repetition| by(SplitKind::Family, &families, repetition).unwrap())
            .collect();
        let mut held_out: Vec<&[usize]> = splits[..3].iter().map(|s| &s.held_out[..]).collect();
        held_out.sort_unstable();
        assert_eq!(held_out, [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]);
        assert_eq!(splits[3], splits[0]);
        assert!(splits.iter().all(|split| split.sources.len() == 12));
        assert!(splits.iter().all(|split| split.sources.ends_with(&[12, 13, 14, 15])));
    }

    #[test]
    fn families_that_are_too_small_or_too_large_are_not_held_out() {
        let pairs = models(16, |model| ModelAttributes {
            family: Some(model as u32 / 2),
            ..ModelAttributes::default()
        });
        let what = "the held-out side of a split";
        let error = by(SplitKind::Family, &pairs, 0).unwrap_err();
        assert_eq!(error, StatsError::TooFewModels { what, needed: 3, got: 2 });
        let one = models(16, |_| ModelAttributes { family: Some(0), ..ModelAttributes::default() });
        let what = "the source side of a split";
        let error = by(SplitKind::Family, &one, 0).unwrap_err();
        assert_eq!(error, StatsError::TooFewModels { what, needed: 4, got: 0 });
    }

    #[test]
    fn compressed_models_are_held_out_with_or_without_their_bases() {
        // Odd models are compressed; model 2n + 1 goes back to model 2n for n < 3.
        let variants = models(20, |model| ModelAttributes {
            base: (model < 6).then_some(model as u32 / 2),
            compressed: model % 2 == 1,
            ..ModelAttributes::default()
        });
        let odd: Vec<usize> = (0..20).filter(|model| model % 2 == 1).collect();
        let even: Vec<usize> = (0..20).filter(|model| model % 2 == 0).collect();
        let with = by(SplitKind::Compressed, &variants, 0).unwrap();
        assert_eq!(with, Split { sources: even.clone(), held_out: odd.clone() });
        let without = by(SplitKind::CompressedWithoutBase, &variants, 0).unwrap();
        assert_eq!(without, Split { sources: even[3..].to_vec(), held_out: odd });
    }

    #[test]
    fn models_without_attributes_are_split_by_score_only() {
        for kind in SplitKind::ALL {
            let result = split(kind, &[0.5; 20], 1, 0);
            let missing = matches!(result, Err(StatsError::NoAttribute { .. }));
            assert_eq!(missing, !SplitKind::BY_SCORE.contains(&kind), "{kind:?}: {result:?}");
        }
    }

    #[test]
    fn the_random_split_is_pinned() {
        // Golden value: a change here changes every release id.
        let held_out = split(SplitKind::Interpolation, &[0.5; 16], 2026, 3).unwrap().held_out;
        assert_eq!(held_out, PINNED);
    }
    const PINNED: [usize; 4] = [2, 6, 10, 15];
}
