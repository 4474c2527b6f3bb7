//! Choosing the items of a subset.
//!
//! Every method returns `k` distinct items of the pool with weights that sum to one. Items are drawn
//! with probability proportional to their weight in the target, so that the weights of the subset
//! are equal and its plain mean estimates the target.

mod anchor_points;
mod balanced_swap;
mod cold;
mod combined_anchors;
#[cfg(test)]
mod contract;
mod difficulty_clusters;
mod disagreement;
mod eligible;
mod embedding_strata;
mod facility_location;
mod genetic;
mod greedy_design;
mod kmeans_items;
mod method;
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
    rng::Stream,
    sources::Sources,
};
pub use cold::{Cold, select_cold};
pub use combined_anchors::CombinedSpace;
pub(crate) use method::DIMENSIONS;
pub use method::SelectionMethod;

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
/// models than there are, for selection by tasks of a target without tasks, and with
/// [`StatsError::NoEmbeddings`] for selection by text of sources without points.
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
        SelectionMethod::EmbeddingAnchors => {
            kmeans_items::select(design, sources.points()?, k, stream)
        }
        SelectionMethod::EmbeddingFacilityLocation => {
            facility_location::select_by_points(design, sources.points()?, k, stream)
        }
        SelectionMethod::EmbeddingStrata => {
            embedding_strata::select(design, sources.points()?, k, stream)
        }
        SelectionMethod::CombinedAnchors { text } => {
            combined_anchors::select(sources, text, k, stream)
        }
        SelectionMethod::TwoSided => two_sided::select(sources, k, stream),
    }
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
