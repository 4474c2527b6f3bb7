use super::{Design, Subset, eligible::eligible, stratified};
use crate::{StatsError, rng::Stream};

/// Subsets in a generation.
const POPULATION: usize = 40;

/// Best subsets that live on unchanged.
const ELITE: usize = 2;

/// Subsets compared for the right to be a parent.
const TOURNAMENT: usize = 3;

/// Generations that the default runs.
pub(crate) const GENERATIONS: usize = 100;

/// A genetic search for the k items whose plain mean tracks the sources' target means.
///
/// The fitness of a subset is the mean square distance, over the sources, of its mean to the target
/// mean; lower is better. The first generation is drawn stratified; parents win tournaments of three;
/// a child takes the items that both parents have and a random part of those that one has, and then up
/// to two of its items are exchanged for random ones of the same benchmark. The two best live on, so
/// the result is never worse than the first stratified sample of the stream. At most 40 + 38 x
/// `generations` subsets are scored, at k x models additions each. Source: after the fitness-based
/// stage of EssenceBench (2025); the search is that of Holland, *Adaptation in Natural and Artificial
/// Systems* (1975).
pub(crate) fn select(
    design: &Design<'_>,
    k: usize,
    generations: usize,
    stream: &mut Stream,
) -> Result<Subset, StatsError> {
    let mut search = Search::new(design, eligible(design, k)?, k);
    let mut population: Vec<Individual> = (0..POPULATION)
        .map(|_| {
            let items = stratified::select(design, k, stream);
            search.score(items)
        })
        .collect();
    rank(&mut population);
    for _ in 0..generations {
        let children: Vec<Individual> = (ELITE..POPULATION)
            .map(|_| {
                let parents = [tournament(stream), tournament(stream)];
                let [a, b] = parents.map(|parent| &population[parent].items);
                let mut child = search.cross(a, b, stream);
                search.mutate(&mut child, stream);
                search.score(child)
            })
            .collect();
        population.truncate(ELITE);
        population.extend(children);
        rank(&mut population);
    }
    let best = population.swap_remove(0);
    Ok(Subset::equal_weights(best.items))
}

/// k distinct items and how far their mean is from the target.
struct Individual {
    items: Vec<usize>,
    distance: f64,
}

/// Best first; stable, so that equals keep their order.
fn rank(population: &mut [Individual]) {
    population.sort_by(|a, b| a.distance.total_cmp(&b.distance));
}

/// The winner's place: the population is ranked, so the smallest of random places wins.
fn tournament(stream: &mut Stream) -> usize {
    (0..TOURNAMENT).fold(POPULATION - 1, |best, _| best.min(stream.below(POPULATION)))
}

struct Search<'a> {
    design: Design<'a>,
    k: usize,
    means: Vec<f64>,
    /// Eligible items of each benchmark.
    groups: Vec<Vec<usize>>,
    /// Scratch: how many of the two parents, or whether the child, has each item.
    seen: Vec<u8>,
}

impl<'a> Search<'a> {
    fn new(design: &Design<'a>, pool: Vec<usize>, k: usize) -> Self {
        let of_item = design.target.groups();
        let count = of_item.iter().max().map_or(0, |last| *last as usize + 1);
        let mut groups = vec![Vec::new(); count];
        for item in pool {
            groups[of_item[item] as usize].push(item);
        }
        let means = design.matrix.target_means(design.target);
        Self { design: *design, k, means, groups, seen: vec![0; of_item.len()] }
    }

    fn score(&self, items: Vec<usize>) -> Individual {
        let mut sums = vec![0.0; self.means.len()];
        for &item in &items {
            for (sum, score) in sums.iter_mut().zip(self.design.matrix.item(item)) {
                *sum += score;
            }
        }
        let scale = 1.0 / self.k as f64;
        let gaps = sums.iter().zip(&self.means).map(|(sum, mean)| sum * scale - mean);
        let distance = gaps.map(|gap| gap * gap).sum::<f64>() / self.means.len() as f64;
        // So that equally good subsets tie whatever the order of the models.
        let distance = (distance * 1e15).round() / 1e15;
        Individual { items, distance }
    }

    fn cross(&mut self, a: &[usize], b: &[usize], stream: &mut Stream) -> Vec<usize> {
        for &item in a.iter().chain(b) {
            self.seen[item] += 1;
        }
        let (mut child, mut single): (Vec<usize>, Vec<usize>) =
            a.iter().partition(|&&item| self.seen[item] == 2);
        single.extend(b.iter().filter(|&&item| self.seen[item] == 1));
        for &item in a.iter().chain(b) {
            self.seen[item] = 0;
        }
        // The first part of a Fisher-Yates shuffle.
        for place in 0..self.k - child.len() {
            let other = place + stream.below(single.len() - place);
            single.swap(place, other);
            child.push(single[place]);
        }
        child
    }

    fn mutate(&mut self, child: &mut [usize], stream: &mut Stream) {
        for &item in child.iter() {
            self.seen[item] = 1;
        }
        for _ in 0..stream.below(3) {
            let slot = stream.below(child.len());
            let group = &self.groups[self.design.target.groups()[child[slot]] as usize];
            let item = group[stream.below(group.len())];
            if self.seen[item] == 0 {
                self.seen[child[slot]] = 0;
                self.seen[item] = 1;
                child[slot] = item;
            }
        }
        for &item in child.iter() {
            self.seen[item] = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::{CompleteMatrix, ResponseMatrix, Target};

    fn matrix() -> CompleteMatrix {
        let mut stream = Stream::new(12, "genetic", 0);
        let scores =
            (0..25 * 120).map(|_| if stream.uniform() < 0.5 { 1.0 } else { 0.0 }).collect();
        ResponseMatrix::new(25, 120, scores).unwrap().imputed().unwrap()
    }

    #[test]
    fn generations_improve_on_the_stratified_sample_of_the_same_stream() {
        let (matrix, target) = (matrix(), Target::uniform(120).unwrap());
        let pool: Vec<usize> = (0..120).collect();
        let design = Design { matrix: &matrix, target: &target, pool: &pool };
        let search = Search::new(&design, pool.clone(), 15);
        let stratified = search.score(stratified::select(&design, 15, &mut stream())).distance;
        let after = |generations| {
            let subset = select(&design, 15, generations, &mut stream()).unwrap();
            search.score(subset.items).distance
        };
        let (start, short, long) = (after(0), after(10), after(GENERATIONS));
        assert!(start <= stratified && short < start && long < short, "{start} {short} {long}");
        assert!(long < 0.2 * stratified, "{long} against {stratified}");
    }

    fn stream() -> Stream {
        Stream::new(4, "genetic", 1)
    }

    #[test]
    fn a_child_has_k_distinct_items_and_all_that_its_parents_share() {
        let (matrix, target) = (matrix(), Target::uniform(120).unwrap());
        let pool: Vec<usize> = (0..120).collect();
        let design = Design { matrix: &matrix, target: &target, pool: &pool };
        let mut search = Search::new(&design, pool.clone(), 4);
        let mut draws = stream();
        for _ in 0..50 {
            let mut child = search.cross(&[1, 2, 3, 4], &[3, 9, 1, 8], &mut draws);
            assert!(child.contains(&1) && child.contains(&3), "{child:?}");
            assert!(child.iter().all(|item| [1, 2, 3, 4, 8, 9].contains(item)), "{child:?}");
            search.mutate(&mut child, &mut draws);
            child.sort_unstable();
            child.dedup();
            assert_eq!(child.len(), 4);
        }
        assert!(search.seen.iter().all(|seen| *seen == 0));
    }
}
