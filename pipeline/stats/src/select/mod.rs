//! Choosing the items of a subset.
//!
//! Every method returns `k` distinct items of the pool with weights that sum to one. Items are drawn
//! with probability proportional to their weight in the target, so that the weights of the subset
//! are equal and its plain mean estimates the target.

mod anchor_points;
mod balanced_swap;
#[cfg(test)]
mod contract;
mod difficulty_clusters;
mod disagreement;
mod eligible;
mod facility_location;
mod genetic;
mod greedy_design;
mod kmeans_items;
mod probability;
mod random;
mod shares;
mod simplex;
mod stratified;
mod tasks;
mod two_sided;

use crate::{
    StatsError,
    cluster::Points,
    irt,
    matrix::{CompleteMatrix, Target},
    names::{self, Written},
    rng::Stream,
    sources::Sources,
};

/// The selection methods, by the names of the field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SelectionMethod {
    /// A random sample.
    Random,
    /// One random item from each of k strata of difficulty, within each benchmark.
    Stratified,
    /// A stratified sample, improved by exchanges until its mean tracks the sources' full means.
    BalancedSwap {
        /// Exchanges that are tried.
        exchanges: usize,
    },
    /// K-medoids on 1 - correlation of the sources' answers (FasterPAM), weighted by cluster.
    AnchorPoints,
    /// K-means on item response parameters, weighted by cluster, as tinyBenchmarks.
    IrtAnchors {
        /// Abilities of the item response model.
        dimensions: usize,
    },
    /// Items of most Fisher information over the sources' abilities, as metabench.
    Information {
        /// Abilities of the item response model.
        dimensions: usize,
    },
    /// K-means on the sources' answers, weighted by cluster.
    ResponseClusters,
    /// K-means on difficulty profiles over ability groups, weighted by cluster, as COD.
    DifficultyClusters,
    /// Items on which the sources disagree most, as DISCO.
    Disagreement,
    /// Items that most reduce the posterior variance of the target mean under one Gaussian.
    GreedyDesign,
    /// Items that every other item resembles, by submodular maximisation.
    FacilityLocation,
    /// A genetic search for the items whose mean tracks the sources, as EssenceBench.
    Genetic {
        /// Generations that are bred.
        generations: usize,
    },
    /// Whole tasks that track the sources, as small-bench, and a stratified sample of their items.
    Tasks {
        /// Tasks that are kept; all where there are no more.
        keep: usize,
    },
    /// The default: strata that follow the spread expected inside and beyond the sources' range, and
    /// in them the items that most reduce the posterior variance under both.
    TwoSided,
}

/// Abilities of an item response model unless another number is named, as tinyBenchmarks.
pub(crate) const DIMENSIONS: usize = 5;

impl SelectionMethod {
    /// All methods with their default parameters, in the order of reports.
    pub const ALL: [Self; 14] = [
        Self::Random,
        Self::Stratified,
        Self::BalancedSwap { exchanges: balanced_swap::EXCHANGES },
        Self::AnchorPoints,
        Self::IrtAnchors { dimensions: DIMENSIONS },
        Self::Information { dimensions: DIMENSIONS },
        Self::ResponseClusters,
        Self::DifficultyClusters,
        Self::Disagreement,
        Self::GreedyDesign,
        Self::FacilityLocation,
        Self::Genetic { generations: genetic::GENERATIONS },
        Self::Tasks { keep: tasks::KEEP },
        Self::TwoSided,
    ];

    /// Name in recipes and tables, without parameter.
    pub fn method(self) -> &'static str {
        match self {
            Self::Random => "random",
            Self::Stratified => "stratified",
            Self::BalancedSwap { .. } => "balanced-swap",
            Self::AnchorPoints => "anchor-points",
            Self::IrtAnchors { .. } => "irt-anchors",
            Self::Information { .. } => "information",
            Self::ResponseClusters => "response-clusters",
            Self::DifficultyClusters => "difficulty-clusters",
            Self::Disagreement => "disagreement",
            Self::GreedyDesign => "greedy-design",
            Self::FacilityLocation => "facility-location",
            Self::Genetic { .. } => "genetic",
            Self::Tasks { .. } => "tasks",
            Self::TwoSided => "two-sided",
        }
    }

    /// The parameter's name and value, for a method that has one.
    pub fn parameter(self) -> Option<(&'static str, usize)> {
        match self {
            Self::BalancedSwap { exchanges } => Some(("exchanges", exchanges)),
            Self::IrtAnchors { dimensions } | Self::Information { dimensions } => {
                Some(("dimensions", dimensions))
            }
            Self::Genetic { generations } => Some(("generations", generations)),
            Self::Tasks { keep } => Some(("keep", keep)),
            _ => None,
        }
    }

    fn with_parameter(self, value: usize) -> Self {
        match self {
            Self::BalancedSwap { .. } => Self::BalancedSwap { exchanges: value },
            Self::IrtAnchors { .. } => Self::IrtAnchors { dimensions: value },
            Self::Information { .. } => Self::Information { dimensions: value },
            Self::Genetic { .. } => Self::Genetic { generations: value },
            Self::Tasks { .. } => Self::Tasks { keep: value },
            other => other,
        }
    }

    /// Full name: `irt-anchors`, or `irt-anchors(dimensions=2)` where that is not the default.
    pub fn name(self) -> String {
        let default = Self::ALL.into_iter().find(|method| method.method() == self.method());
        let default = default.and_then(Self::parameter).map(|(_, value)| value);
        names::write(self.method(), self.parameter(), default)
    }

    /// The method of that name, with or without its parameter.
    pub fn from_name(name: &str) -> Option<Self> {
        let Written { method, parameter } = Written::parse(name)?;
        let found = Self::ALL.into_iter().find(|candidate| candidate.method() == method)?;
        match parameter {
            None => Some(found),
            Some((name, value)) => {
                (found.parameter()?.0 == name).then(|| found.with_parameter(value))
            }
        }
    }
}

/// What a selection may look at: scores of source models, the mean to estimate, and the items that
/// may be taken.
#[derive(Debug, Clone, Copy)]
pub struct Design<'a> {
    /// Source models on all items.
    pub matrix: &'a CompleteMatrix,
    /// The mean over all items that the subset has to stand for.
    pub target: &'a Target,
    /// Items that may be chosen, ascending; the rest still counts in the target.
    pub pool: &'a [usize],
}

/// Chosen items and what each counts.
#[derive(Debug, Clone, PartialEq)]
pub struct Subset {
    /// Columns of the matrix, ascending and distinct.
    pub items: Vec<usize>,
    /// One weight an item, summing to one.
    pub weights: Vec<f64>,
}

impl Subset {
    pub(crate) fn equal_weights(mut items: Vec<usize>) -> Self {
        items.sort_unstable();
        let weights = vec![1.0 / items.len() as f64; items.len()];
        Self { items, weights }
    }
}

/// Selects `k` items of the pool.
///
/// Errors when there are no `k` items that count in the target, where a method needs more source
/// models than there are, and for selection by tasks of a target without tasks.
pub fn select(
    method: SelectionMethod,
    sources: &Sources<'_>,
    k: usize,
    stream: &mut Stream,
) -> Result<Subset, StatsError> {
    let design = &sources.design();
    eligible::eligible(design, k)?;
    match method {
        SelectionMethod::Random => Ok(Subset::equal_weights(random::select(design, k, stream))),
        SelectionMethod::Stratified => {
            Ok(Subset::equal_weights(stratified::select(design, k, stream)))
        }
        SelectionMethod::BalancedSwap { exchanges } => {
            Ok(Subset::equal_weights(balanced_swap::select(design, k, exchanges, stream)))
        }
        SelectionMethod::AnchorPoints => anchor_points::select(design, k, stream),
        SelectionMethod::IrtAnchors { dimensions } => {
            let model = &sources.calibration(dimensions)?.model;
            let points = model.item_points();
            let points = Points::new(model.items(), model.dimensions() + 1, &points)?;
            kmeans_items::select(design, &points, k, stream)
        }
        SelectionMethod::Information { dimensions } => {
            let model = &sources.calibration(dimensions)?.model;
            irt::information_items(model, sources.target, sources.pool, k)
        }
        SelectionMethod::ResponseClusters => kmeans_items::response_clusters(design, k, stream),
        SelectionMethod::DifficultyClusters => difficulty_clusters::select(design, k, stream),
        SelectionMethod::Disagreement => disagreement::select(design, k, stream),
        SelectionMethod::GreedyDesign => {
            greedy_design::select(design, k, greedy_design::NOISE, stream)
        }
        SelectionMethod::FacilityLocation => facility_location::select(design, k, stream),
        SelectionMethod::Genetic { generations } => genetic::select(design, k, generations, stream),
        SelectionMethod::Tasks { keep } => tasks::draw(design, keep, k, stream),
        SelectionMethod::TwoSided => two_sided::select(sources, k, stream),
    }
}

/// `embedding-anchors`: k-means on `points`, one row an item, such as embeddings of the prompts; the
/// item nearest to each centre, weighted by its cluster's share of the target.
///
/// Errors as [`select`], and when there is not one point an item.
pub fn embedding_anchors(
    sources: &Sources<'_>,
    points: &Points<'_>,
    k: usize,
    stream: &mut Stream,
) -> Result<Subset, StatsError> {
    kmeans_items::select(&sources.design(), points, k, stream)
}

/// `facility-location` by (1 + cosine) / 2 of `points`, one row an item, in place of correlation.
///
/// Errors as [`select`], and when there is not one point an item.
pub fn facility_location_by_points(
    sources: &Sources<'_>,
    points: &Points<'_>,
    k: usize,
    stream: &mut Stream,
) -> Result<Subset, StatsError> {
    facility_location::select_by_points(&sources.design(), points, k, stream)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulated::World;

    fn world() -> World {
        let mut stream = Stream::new(5, "matrix", 0);
        World::of(20, 60, |_, _| f32::from(u8::from(stream.uniform() < 0.6)))
    }

    fn stream() -> Stream {
        Stream::new(1, "t", 0)
    }

    #[test]
    fn the_mean_of_benchmarks_draws_from_each_by_weight() {
        let groups: Vec<u32> = (0..60).map(|item| u32::from(item >= 45)).collect();
        let target = Target::grouped(&groups, &[1.0, 1.0]).unwrap();
        let world = World { target, ..world() };
        let subset =
            select(SelectionMethod::Stratified, &world.sources(), 20, &mut stream()).unwrap();
        assert_eq!(subset.items.iter().filter(|&&item| item >= 45).count(), 10);
    }

    #[test]
    fn balanced_swap_tracks_the_sources_better_than_its_start() {
        let world = world();
        let sources = world.sources();
        let error = |method| {
            let subset = select(method, &sources, 12, &mut stream()).unwrap();
            let of = |model: usize| {
                let answers = subset.items.iter().map(|&item| sources.complete.item(item)[model]);
                answers.sum::<f64>() / 12.0
            };
            let full = sources.full_scores.iter().enumerate();
            full.map(|(model, full)| (of(model) - full).powi(2)).sum::<f64>()
        };
        let swapped = error(SelectionMethod::BalancedSwap { exchanges: balanced_swap::EXCHANGES });
        assert!(swapped < 0.2 * error(SelectionMethod::Stratified));
    }
}
