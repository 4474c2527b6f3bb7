//! Anchor items: one for each kind of item that the model tells apart.

use super::{
    ItemResponseModel, candidates,
    kmeans::{kmeans, nearest, squared_distance},
};
use crate::{StatsError, matrix::Target, rng::Stream, select::Subset};

/// Selects `k` items of the pool near the centres of a weighted k-means on slopes and intercepts.
///
/// Each item stands for its cluster: its weight is the cluster's share of the target, to which an
/// item outside the pool adds through its nearest centre. Where fewer than `k` clusters have items,
/// the cluster with most target weight an anchor gets one more (the next nearest to its centre), and
/// the anchors of a cluster share its weight evenly. Source: Polo et al., "tinyBenchmarks: evaluating
/// LLMs with fewer examples", ICML (2024).
pub fn irt_anchors(
    model: &ItemResponseModel,
    target: &Target,
    pool: &[usize],
    k: usize,
    stream: &mut Stream,
) -> Result<Subset, StatsError> {
    let weights = target.weights();
    let candidates = candidates(model, target, pool, k)?;
    let point = |item: usize| -> Vec<f64> {
        let slopes = model.slopes.iter().map(|slopes| slopes[item]);
        slopes.chain([model.intercepts[item]]).collect()
    };
    let dimensions = model.dimensions() + 1;
    let points: Vec<f64> = candidates.iter().flat_map(|&item| point(item)).collect();
    let masses: Vec<f64> = candidates.iter().map(|&item| weights[item]).collect();
    let (assignment, centres) = kmeans(&points, dimensions, &masses, k, stream);

    let mut clusters: Vec<Cluster> = centres.chunks_exact(dimensions).map(Cluster::new).collect();
    for (item, weight) in weights.iter().enumerate() {
        let cluster = match candidates.binary_search(&item) {
            Ok(at) => assignment[at],
            Err(_) => nearest(&centres, &point(item)),
        };
        clusters[cluster].share += weight;
    }
    for ((&item, point), &cluster) in
        candidates.iter().zip(points.chunks_exact(dimensions)).zip(&assignment)
    {
        clusters[cluster].add(item, point);
    }
    Ok(anchors(clusters, k))
}

struct Cluster<'a> {
    centre: &'a [f64],
    /// Weight in the target.
    share: f64,
    /// Distance to the centre and number of each candidate.
    members: Vec<(f64, usize)>,
    /// How many of the nearest members are taken.
    taken: usize,
}

impl<'a> Cluster<'a> {
    fn new(centre: &'a [f64]) -> Self {
        Self { centre, share: 0.0, members: Vec::new(), taken: 0 }
    }

    fn add(&mut self, item: usize, point: &[f64]) {
        self.members.push((squared_distance(self.centre, point), item));
    }

    /// Target weight an anchor, if the cluster had one more; the first anchor comes before all else.
    fn claim(&self) -> f64 {
        if self.taken == 0 { f64::INFINITY } else { self.share / (self.taken + 1) as f64 }
    }
}

fn anchors(mut clusters: Vec<Cluster<'_>>, k: usize) -> Subset {
    // Clusters without members cannot give an anchor; their share, of items outside the pool, is
    // spread over the rest by the final scaling.
    clusters.retain(|cluster| !cluster.members.is_empty());
    for cluster in &mut clusters {
        cluster.members.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    }
    for _ in 0..k {
        let open = clusters.iter_mut().filter(|cluster| cluster.taken < cluster.members.len());
        let next =
            open.reduce(|best, other| if other.claim() > best.claim() { other } else { best });
        if let Some(cluster) = next {
            cluster.taken += 1;
        }
    }
    let mut chosen: Vec<(usize, f64)> = clusters
        .iter()
        .flat_map(|cluster| {
            let weight = cluster.share / cluster.taken as f64;
            cluster.members[..cluster.taken].iter().map(move |(_, item)| (*item, weight))
        })
        .collect();
    chosen.sort_by_key(|(item, _)| *item);
    let total: f64 = chosen.iter().map(|(_, weight)| weight).sum();
    Subset {
        items: chosen.iter().map(|(item, _)| *item).collect(),
        weights: chosen.iter().map(|(_, weight)| weight / total).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(intercepts: Vec<f64>) -> ItemResponseModel {
        let slopes = vec![vec![1.0; intercepts.len()]];
        ItemResponseModel {
            slopes,
            intercepts,
            abilities: vec![vec![0.0]],
            sweeps: 0,
            converged: true,
        }
    }

    #[test]
    fn anchors_stand_for_their_clusters() {
        // Middle items of two clusters; item 7 is outside the pool and counts for the second.
        let model = model(vec![-3.1, -3.0, -2.9, 4.0, 4.1, 4.3, -3.0, 4.2]);
        let target = Target::uniform(8).unwrap();
        for seed in 0..10 {
            let mut stream = Stream::new(seed, "anchors", 0);
            let subset = irt_anchors(&model, &target, &[0, 1, 2, 3, 4, 5], 2, &mut stream).unwrap();
            assert_eq!(subset, Subset { items: vec![1, 4], weights: vec![0.5, 0.5] });
        }
    }

    #[test]
    fn an_item_counts_by_its_weight_in_the_target() {
        // Benchmark 0 is item 0 alone and weighs 3/4.
        let target = Target::grouped(&[0, 1, 1, 1], &[3.0, 1.0]).unwrap();
        let model = model(vec![-3.0, 3.0, 3.1, 2.9]);
        let mut stream = Stream::new(1, "anchors", 0);
        let subset = irt_anchors(&model, &target, &[0, 1, 2, 3], 2, &mut stream).unwrap();
        assert_eq!(subset.items, [0, 1]);
        assert!((subset.weights[0] - 0.75).abs() < 1e-12);
    }

    #[test]
    fn every_budget_gives_distinct_items_even_among_equals() {
        let target = Target::grouped(&[0, 0, 0, 0, 0, 0, 0, 0, 1], &[1.0, 0.0]).unwrap();
        for intercepts in [vec![1.0; 9], vec![0.0, 0.0, 0.0, 1.0, 1.0, 2.0, 3.0, 4.0, 5.0]] {
            let model = model(intercepts);
            for k in 1..=8 {
                let mut stream = Stream::new(2, "anchors", k as u64);
                let pool: Vec<usize> = (0..9).collect();
                let subset = irt_anchors(&model, &target, &pool, k, &mut stream).unwrap();
                assert_eq!(subset.items.len(), k);
                assert!(
                    subset.items.windows(2).all(|pair| pair[0] < pair[1])
                        && subset.items[k - 1] < 8
                );
                assert!((subset.weights.iter().sum::<f64>() - 1.0).abs() < 1e-12);
                assert!(subset.weights.iter().all(|weight| *weight > 0.0));
            }
        }
    }

    #[test]
    fn impossible_budgets_are_errors() {
        let (model, target) = (model(vec![0.0, 1.0]), Target::uniform(2).unwrap());
        let error = |pool: &[usize], k| {
            irt_anchors(&model, &target, pool, k, &mut Stream::new(1, "anchors", 0)).unwrap_err()
        };
        assert_eq!(error(&[0, 1], 0), StatsError::BudgetZero);
        assert_eq!(error(&[0, 1], 3), StatsError::BudgetTooLarge { k: 3, pool: 2 });
        assert_eq!(error(&[0, 2], 1), StatsError::NoSuchItem { item: 2, items: 2 });
    }
}
