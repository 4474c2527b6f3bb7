use std::cmp::Ordering::Equal;

use super::{Design, Subset, kmeans_items};
use crate::{StatsError, cluster::Points, rng::Stream};

/// Most groups of sources; fewer sources than that are a group each.
const GROUPS: usize = 10;

/// Clusters of items that are hard for the same sources: k-means on difficulty profiles, the item
/// nearest to each centre, weighted by its cluster's share of the target.
///
/// The profile of an item is its mean score in each of ten groups of sources, equal in size and
/// ordered by the sources' target means. After Xu et al., "Unveiling Downstream Performance Scaling of
/// LLMs: A Clustering-Based Perspective" (COD, 2025), who cluster on the pass rates of models of growing
/// size; here the groups take the place of sizes, which sources do not declare.
pub(crate) fn select(
    design: &Design<'_>,
    k: usize,
    stream: &mut Stream,
) -> Result<Subset, StatsError> {
    let profiles = difficulty_profiles(design);
    let dimensions = profiles.len() / design.matrix.items();
    let points = Points::new(design.matrix.items(), dimensions, &profiles)?;
    kmeans_items::select(design, &points, k, stream)
}

/// Row-major, items x groups, the weakest group first.
fn difficulty_profiles(design: &Design<'_>) -> Vec<f64> {
    let models = design.matrix.models();
    let groups = GROUPS.min(models);
    let ability = design.matrix.target_means(design.target);
    let mut order: Vec<usize> = (0..models).collect();
    // Of equally able sources, in the order of their answers: not of their rows.
    let answers =
        |model: usize| (0..design.matrix.items()).map(move |i| design.matrix.item(i)[model]);
    order.sort_by(|&a, &b| {
        ability[a]
            .total_cmp(&ability[b])
            .then_with(|| answers(a).partial_cmp(answers(b)).unwrap_or(Equal))
    });
    let mut profiles = Vec::with_capacity(design.matrix.items() * groups);
    for item in 0..design.matrix.items() {
        let scores = design.matrix.item(item);
        profiles.extend((0..groups).map(|group| {
            let members = &order[group * models / groups..(group + 1) * models / groups];
            members.iter().map(|&model| scores[model]).sum::<f64>() / members.len() as f64
        }));
    }
    profiles
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::{ResponseMatrix, Target};

    #[test]
    fn a_profile_runs_from_the_weakest_to_the_strongest_group() {
        // Twenty models, model m answers the items below m; item 0 only all but the weakest.
        let scores = (0..20 * 20).map(|at| if at % 20 < at / 20 { 1.0 } else { 0.0 }).collect();
        let matrix = ResponseMatrix::new(20, 20, scores).unwrap().imputed().unwrap();
        let target = Target::uniform(20).unwrap();
        let profiles = difficulty_profiles(&Design { matrix: &matrix, target: &target, pool: &[] });
        assert_eq!(profiles[..10], [0.5, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]);
        assert_eq!(profiles[170..180], [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]);
    }
}
