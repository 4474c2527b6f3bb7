//! The selection methods and their names.

use super::{balanced_swap, combined_anchors::CombinedSpace, genetic, tasks};
use crate::names::{self, Written};

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
    /// K-means on the items' embeddings, weighted by cluster, as tinyBenchmarks.
    EmbeddingAnchors,
    /// Items whose embedding every other item's resembles, by submodular maximisation.
    EmbeddingFacilityLocation,
    /// One random item from each of k strata of like texts.
    EmbeddingStrata,
    /// K-means on answers and embeddings together, weighted by cluster.
    CombinedAnchors {
        /// Share of the text in the variance that is clustered, in percent, below 100.
        text: usize,
    },
    /// The default: strata that follow the spread expected inside and beyond the sources' range, and
    /// in them the items that most reduce the posterior variance under both.
    TwoSided,
}

/// Abilities of an item response model unless another number is named, as tinyBenchmarks.
pub(crate) const DIMENSIONS: usize = 5;

impl SelectionMethod {
    /// All methods with their default parameters, in the order of reports.
    pub const ALL: [Self; 18] = [
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
        Self::EmbeddingAnchors,
        Self::EmbeddingFacilityLocation,
        Self::EmbeddingStrata,
        Self::CombinedAnchors { text: CombinedSpace::TEXT },
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
            Self::EmbeddingAnchors => "embedding-anchors",
            Self::EmbeddingFacilityLocation => "embedding-facility-location",
            Self::EmbeddingStrata => "embedding-strata",
            Self::CombinedAnchors { .. } => "combined-anchors",
            Self::TwoSided => "two-sided",
        }
    }

    /// Whether the method looks at an embedding of each item.
    pub fn needs_embeddings(self) -> bool {
        matches!(
            self,
            Self::EmbeddingAnchors
                | Self::EmbeddingFacilityLocation
                | Self::EmbeddingStrata
                | Self::CombinedAnchors { .. }
        )
    }

    /// Whether the method looks at the sources' results; the others select from a cold start, see
    /// [`select_cold`](super::select_cold).
    pub fn needs_results(self) -> bool {
        !matches!(
            self,
            Self::Random
                | Self::EmbeddingAnchors
                | Self::EmbeddingFacilityLocation
                | Self::EmbeddingStrata
        )
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
            Self::CombinedAnchors { text } => Some(("text", text)),
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
            Self::CombinedAnchors { .. } => Self::CombinedAnchors { text: value },
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
