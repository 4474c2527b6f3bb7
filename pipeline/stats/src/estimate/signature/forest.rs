use crate::{StatsError, estimate::training::Training, matrix::CompleteMatrix, rng::Stream};

const TREES: usize = 100;
/// Distinct source models that a leaf holds at least.
const LEAST_LEAF: usize = 2;
/// Marks a leaf in [`Forest::items`].
pub const LEAF: u32 = u32::MAX;

/// Regression trees, flattened: node n tests one answer and goes to `left[n]` or `left[n] + 1`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Forest {
    /// Place in the subset of the answer each node tests; [`LEAF`] for a leaf.
    pub items: Vec<u32>,
    /// Answers up to this go left. 0 for a leaf.
    pub thresholds: Vec<f64>,
    /// The left child, which the right one follows. 0 for a leaf.
    pub left: Vec<u32>,
    /// Mean full score of the node's models.
    pub values: Vec<f64>,
    /// First node of each tree.
    pub roots: Vec<u32>,
}

impl Forest {
    /// Mean of the trees' leaves, from one answer a subset item.
    pub fn estimate(&self, answers: &[f64]) -> f64 {
        let leaf = |&root: &u32| {
            let mut node = root as usize;
            while self.items[node] != LEAF {
                let right = answers[self.items[node] as usize] > self.thresholds[node];
                node = self.left[node] as usize + usize::from(right);
            }
            self.values[node]
        };
        self.roots.iter().map(leaf).sum::<f64>() / self.roots.len() as f64
    }
}

/// Grows 100 trees on bootstrap samples of the source models.
///
/// Each node is split where the variance of the full score falls most, over a third of the items drawn
/// anew, until a leaf would hold fewer than two models; source: Breiman, "Random Forests", Machine
/// Learning 45 (2001), with the settings of Hastie, Tibshirani and Friedman, *The Elements of
/// Statistical Learning*, sec. 15.2 but for the leaf. When none of the items drawn splits a node, more
/// are drawn.
///
/// Errors with fewer than 3 models, no items, or scores of the wrong shape.
pub fn fit_forest(
    sources: &CompleteMatrix,
    items: &[usize],
    full_scores: &[f64],
    stream: &mut Stream,
) -> Result<Forest, StatsError> {
    let training = Training::new(sources, items, full_scores, ("a random forest", 3))?;
    let mut grower = Grower::new(&training);
    for _ in 0..TREES {
        grower.grow_tree(stream);
    }
    Ok(grower.forest)
}

/// One item's answers as ranks among its distinct values.
struct Feature {
    /// One a model.
    codes: Vec<u32>,
    /// Ascending.
    levels: Vec<f64>,
}

impl Feature {
    fn new(answers: &[f64]) -> Self {
        let mut levels = answers.to_vec();
        levels.sort_by(f64::total_cmp);
        levels.dedup();
        let code = |answer: &f64| levels.partition_point(|level| level < answer) as u32;
        Self { codes: answers.iter().map(code).collect(), levels }
    }
}

/// A model drawn into a tree's sample.
#[derive(Clone, Copy)]
struct Drawn {
    model: u32,
    /// How often it was drawn.
    weight: f64,
    /// Weight times score.
    sum: f64,
}

#[derive(Clone, Copy, Default)]
struct Cell {
    models: usize,
    weight: f64,
    sum: f64,
}

impl Cell {
    fn add(&mut self, models: usize, weight: f64, sum: f64) {
        self.models += models;
        self.weight += weight;
        self.sum += sum;
    }

    fn less(self, other: Self) -> Self {
        Self {
            models: self.models - other.models,
            weight: self.weight - other.weight,
            sum: self.sum - other.sum,
        }
    }

    fn of(drawn: &[Drawn]) -> Self {
        let mut cell = Self::default();
        drawn.iter().for_each(|drawn| cell.add(1, drawn.weight, drawn.sum));
        cell
    }
}

/// The last level that goes left, and the level that follows it in the node.
#[derive(Clone, Copy)]
struct Split {
    item: usize,
    below: u32,
    above: u32,
    /// Sum over both sides of (sum of scores)^2 / weight: higher is less variance.
    merit: f64,
}

struct Grower<'a> {
    features: Vec<Feature>,
    scores: &'a [f64],
    forest: Forest,
    /// A permutation of the items; its head is what a node looks at.
    order: Vec<usize>,
    /// Room for one item's levels within a node.
    cells: Vec<Cell>,
    /// Room for sorting a node's models by one item: level above, place in the node below, in one
    /// word, which sorts faster than a pair.
    sorted: Vec<u64>,
}

impl<'a> Grower<'a> {
    fn new(training: &Training<'a>) -> Self {
        let features: Vec<Feature> =
            training.columns.iter().map(|column| Feature::new(column)).collect();
        Self {
            order: (0..features.len()).collect(),
            features,
            scores: training.scores,
            forest: Forest::default(),
            cells: Vec::new(),
            sorted: Vec::new(),
        }
    }

    fn grow_tree(&mut self, stream: &mut Stream) {
        let mut drawn = self.bootstrap(stream);
        let root = self.add_leaf(&drawn);
        self.forest.roots.push(root);
        let mut open = vec![(root, 0, drawn.len())];
        while let Some((node, start, end)) = open.pop() {
            let inside = &mut drawn[start..end];
            let Some(split) = self.best_split(inside, stream) else { continue };
            let feature = &self.features[split.item];
            let levels = &feature.levels;
            let middle = 0.5 * (levels[split.below as usize] + levels[split.above as usize]);
            inside.sort_by_key(|drawn| feature.codes[drawn.model as usize] > split.below);
            let codes = |drawn: &Drawn| feature.codes[drawn.model as usize] <= split.below;
            let border = start + inside.partition_point(codes);

            let left = self.add_leaf(&drawn[start..border]);
            let right = self.add_leaf(&drawn[border..end]);
            let place = node as usize;
            self.forest.items[place] = split.item as u32;
            self.forest.thresholds[place] = middle;
            self.forest.left[place] = left;
            open.push((left, start, border));
            open.push((right, border, end));
        }
    }

    /// As many draws with replacement as there are models.
    fn bootstrap(&self, stream: &mut Stream) -> Vec<Drawn> {
        let models = self.scores.len();
        let mut counts = vec![0_u32; models];
        for _ in 0..models {
            counts[stream.below(models)] += 1;
        }
        let seen = counts.iter().zip(self.scores).enumerate().filter(|(_, (count, _))| **count > 0);
        seen.map(|(model, (&count, score))| {
            let weight = f64::from(count);
            Drawn { model: model as u32, weight, sum: weight * score }
        })
        .collect()
    }

    fn add_leaf(&mut self, drawn: &[Drawn]) -> u32 {
        let cell = Cell::of(drawn);
        self.forest.items.push(LEAF);
        self.forest.thresholds.push(0.0);
        self.forest.left.push(0);
        self.forest.values.push(cell.sum / cell.weight);
        (self.forest.values.len() - 1) as u32
    }

    /// The best split over a third of the items, or over the first beyond them that has one.
    fn best_split(&mut self, drawn: &[Drawn], stream: &mut Stream) -> Option<Split> {
        let first = drawn.first().map(|drawn| self.scores[drawn.model as usize]);
        let equal = |drawn: &Drawn| Some(self.scores[drawn.model as usize]) == first;
        if drawn.len() < 2 * LEAST_LEAF || drawn.iter().all(equal) {
            return None;
        }
        let whole = Cell::of(drawn);
        let items = self.order.len();
        let wanted = (items / 3).max(1);
        let mut best: Option<Split> = None;
        for looked in 0..items {
            if looked >= wanted && best.is_some() {
                break;
            }
            let other = looked + stream.below(items - looked);
            self.order.swap(looked, other);
            let found = self.split_on(self.order[looked], drawn, whole);
            if found.is_some_and(|found| best.is_none_or(|best| found.merit > best.merit)) {
                best = found;
            }
        }
        best
    }

    /// The best split of a node on one item.
    fn split_on(&mut self, item: usize, drawn: &[Drawn], whole: Cell) -> Option<Split> {
        let Feature { codes, levels } = &self.features[item];
        if levels.len() < 2 {
            return None;
        }
        let mut scan = Scan { item, whole, left: Cell::default(), last: 0, best: None };
        if levels.len() == 2 {
            let upper = upper_half(codes, drawn);
            scan.take(0, whole.less(upper));
            scan.take(1, upper);
        } else if levels.len() <= drawn.len() {
            self.cells.clear();
            self.cells.resize(levels.len(), Cell::default());
            for drawn in drawn {
                let code = codes[drawn.model as usize];
                self.cells[code as usize].add(1, drawn.weight, drawn.sum);
            }
            let present = self.cells.iter().zip(0_u32..).filter(|(cell, _)| cell.models > 0);
            present.for_each(|(cell, code)| scan.take(code, *cell));
        } else {
            self.sorted.clear();
            let word =
                |(drawn, at): (&Drawn, u64)| u64::from(codes[drawn.model as usize]) << 32 | at;
            self.sorted.extend(drawn.iter().zip(0..).map(word));
            self.sorted.sort_unstable();
            for level in self.sorted.chunk_by(|a, b| a >> 32 == b >> 32) {
                let mut cell = Cell::default();
                for word in level {
                    let drawn = drawn[*word as u32 as usize];
                    cell.add(1, drawn.weight, drawn.sum);
                }
                scan.take((level[0] >> 32) as u32, cell);
            }
        }
        scan.best
    }
}

/// What a node has of the upper of two levels; two partial sums and no branch, since most items of
/// most benchmarks are 0 or 1.
fn upper_half(codes: &[u32], drawn: &[Drawn]) -> Cell {
    let mut lanes = [Cell::default(); 2];
    let mut add = |lane: usize, drawn: &Drawn| {
        let code = codes[drawn.model as usize];
        let share = f64::from(code);
        lanes[lane].add(code as usize, share * drawn.weight, share * drawn.sum);
    };
    let (pairs, rest) = drawn.as_chunks::<2>();
    for [first, second] in pairs {
        add(0, first);
        add(1, second);
    }
    rest.iter().for_each(|drawn| add(0, drawn));
    let [mut cell, other] = lanes;
    cell.add(other.models, other.weight, other.sum);
    cell
}

/// Walks a node's levels upwards and keeps the best border passed.
struct Scan {
    item: usize,
    whole: Cell,
    left: Cell,
    last: u32,
    best: Option<Split>,
}

impl Scan {
    fn take(&mut self, code: u32, level: Cell) {
        let (left, whole) = (self.left, self.whole);
        if left.models >= LEAST_LEAF && whole.models - left.models >= LEAST_LEAF {
            let rest = whole.sum - left.sum;
            let merit =
                left.sum * left.sum / left.weight + rest * rest / (whole.weight - left.weight);
            if self.best.is_none_or(|best| merit > best.merit) {
                self.best = Some(Split { item: self.item, below: self.last, above: code, merit });
            }
        }
        self.left.add(level.models, level.weight, level.sum);
        self.last = code;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::ResponseMatrix;

    fn graded(models: usize, items: usize, levels: f64) -> (CompleteMatrix, Vec<f64>) {
        let mut stream = Stream::new(1, "forest", 0);
        let (mut scores, mut full) = (Vec::new(), Vec::new());
        for _ in 0..models {
            let ability = stream.uniform();
            let answer = |_| ((ability + stream.uniform()) / 2.0 * levels).round() / levels;
            let row: Vec<f64> = (0..items).map(answer).collect();
            full.push(ability);
            scores.extend(row.iter().map(|score| *score as f32));
        }
        (ResponseMatrix::new(models, items, scores).unwrap().imputed().unwrap(), full)
    }

    fn fitted(sources: &CompleteMatrix, full: &[f64]) -> Forest {
        let items: Vec<usize> = (0..sources.items()).collect();
        fit_forest(sources, &items, full, &mut Stream::new(2, "forest", 0)).unwrap()
    }

    #[test]
    fn one_item_that_decides_is_found_and_its_threshold_lies_between() {
        let (_, mut full) = graded(60, 1, 1.0);
        let mut scores = Vec::new();
        for (model, score) in full.iter_mut().enumerate() {
            let high = model % 3 == 0;
            *score = if high { 0.75 } else { 0.25 };
            scores.extend([(model % 5) as f32 / 4.0, if high { 0.9 } else { 0.3 }]);
        }
        let sources = ResponseMatrix::new(60, 2, scores).unwrap().imputed().unwrap();
        let forest = fitted(&sources, &full);
        assert_eq!(forest.roots.len(), 100);
        // Whatever the first answer, trees that split on the second are pure.
        for first in [0.0, 1.0] {
            assert!((forest.estimate(&[first, 0.61]) - 0.75).abs() < 0.02);
            assert!((forest.estimate(&[first, 0.59]) - 0.25).abs() < 0.02);
        }
    }

    #[test]
    fn trees_respect_the_least_leaf_and_cover_their_sample() {
        // Both ways of counting: two levels, and more levels than models in most nodes.
        for levels in [1.0, 1000.0] {
            let (sources, full) = graded(50, 9, levels);
            let forest = fitted(&sources, &full);
            let mut errors = 0.0;
            for (model, score) in full.iter().enumerate() {
                let answers: Vec<f64> = (0..9).map(|item| sources.item(item)[model]).collect();
                errors += (forest.estimate(&answers) - score).abs() / 50.0;
            }
            assert!(errors < 0.12, "{errors}");
            // At most as many leaves as pairs of models a tree.
            let leaves = forest.items.iter().filter(|item| **item == LEAF).count();
            assert!(leaves <= 100 * 25, "{leaves}");
            assert_eq!(2 * leaves - 100, forest.items.len());
        }
    }

    #[test]
    fn counting_and_sorting_find_one_split() {
        for levels in [1.0, 4.0] {
            counting_equals_sorting(levels);
        }
    }

    fn counting_equals_sorting(levels: f64) {
        let (sources, full) = graded(40, 6, levels);
        let items: Vec<usize> = (0..6).collect();
        let training = Training::new(&sources, &items, &full, ("", 3)).unwrap();
        let mut grower = Grower::new(&training);
        let drawn = grower.bootstrap(&mut Stream::new(3, "forest", 0));
        for item in 0..6 {
            let counted = grower.split_on(item, &drawn, Cell::of(&drawn)).unwrap();
            // Levels that nobody has force the other way.
            let unused = (0..100).map(|extra| 2.0 + f64::from(extra));
            grower.features[item].levels.extend(unused);
            let sorted = grower.split_on(item, &drawn, Cell::of(&drawn)).unwrap();
            assert_eq!((counted.below, counted.above), (sorted.below, sorted.above));
            assert!((counted.merit - sorted.merit).abs() < 1e-12);
        }
    }

    #[test]
    fn degenerate_sources_give_a_mean() {
        let ones = ResponseMatrix::new(5, 2, vec![1.0; 10]).unwrap().imputed().unwrap();
        let forest = fitted(&ones, &[0.0, 0.0, 1.0, 1.0, 1.0]);
        assert_eq!(forest.items, vec![LEAF; 100]);
        assert!((forest.estimate(&[0.0, 1.0]) - 0.6).abs() < 0.1);
        let mut stream = Stream::new(1, "forest", 0);
        let error = fit_forest(&ones, &[], &[1.0; 5], &mut stream).unwrap_err();
        assert_eq!(error, StatsError::BudgetZero);
    }
}
