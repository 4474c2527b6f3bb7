use std::ops::Range;

use super::{
    Design, Subset, eligible::eligible, kmeans_items::check_points, probability::systematic,
};
use crate::{
    StatsError,
    cluster::{Points, squared_distance},
    linalg::{add_scaled, dot_lanes},
    rng::Stream,
};

/// Rounds of the power iteration. A direction that is not quite the leading one still cuts well.
const ROUNDS: usize = 8;

/// One random item from each of k strata of like texts, each stratum of equal target weight.
///
/// Items stand in order of benchmark and, within it, of recursive bisection: a part that holds several
/// strata is sorted along its leading principal direction and cut in two at the stratum boundary
/// nearest to its middle, and so on with both halves. The strata are the k intervals of equal weight
/// of that order, and of each one item is drawn with probability proportional to its weight. So the
/// plain mean of the answers is unbiased for the pool's mean, for any model, whatever the embedding is
/// worth, as long as no item outweighs a stratum, and but for items on a boundary of strata: one that both
/// draw gives way to its neighbour. Source of the cuts: Boley, "Principal direction divisive partitioning",
/// Data Mining and Knowledge Discovery 2 (1998), here into parts of equal weight.
pub(super) fn select(
    design: &Design<'_>,
    points: &Points<'_>,
    k: usize,
    stream: &mut Stream,
) -> Result<Subset, StatsError> {
    check_points(design, points)?;
    let order = order(design, points, k)?;
    let drawn = systematic(&order, design.target.weights(), k, |_| stream.uniform());
    Ok(Subset::equal_weights(drawn))
}

/// The items of the pool that count, stratum after stratum.
fn order(design: &Design<'_>, points: &Points<'_>, k: usize) -> Result<Vec<usize>, StatsError> {
    let mut items = eligible(design, k)?;
    let (groups, weights) = (design.target.groups(), design.target.weights());
    items.sort_by_key(|&item| groups[item]);
    let total: f64 = items.iter().map(|&item| weights[item]).sum();
    let bisection = Bisection { points, weights, stratum: total / k as f64 };
    let mut start = 0.0;
    let mut parts = Vec::new();
    let mut first = 0;
    for group in items.chunk_by(|a, b| groups[*a] == groups[*b]) {
        parts.push(Part { range: first..first + group.len(), start });
        start += group.iter().map(|&item| weights[item]).sum::<f64>();
        first += group.len();
    }
    while let Some(part) = parts.pop() {
        parts.extend(bisection.cut(&mut items, &part).into_iter().flatten());
    }
    Ok(items)
}

/// Some items that stand together, and the weight of all before them.
struct Part {
    range: Range<usize>,
    start: f64,
}

struct Bisection<'a> {
    points: &'a Points<'a>,
    weights: &'a [f64],
    /// Weight of a stratum.
    stratum: f64,
}

impl Bisection<'_> {
    /// Sorts a part along its leading direction; its two halves, or None where it is within a stratum.
    fn cut(&self, order: &mut [usize], part: &Part) -> Option<[Part; 2]> {
        let items = &mut order[part.range.clone()];
        let total: f64 = items.iter().map(|&item| self.weights[item]).sum();
        let boundary = self.boundary(part.start, part.start + total)?;
        if items.len() < 2 {
            return None;
        }
        self.sort(items);
        let (mut left, mut count) = (0.0, 0);
        // An item that spans the boundary goes where the larger part of it is.
        while count + 1 < items.len() {
            let weight = self.weights[items[count]];
            if count > 0 && part.start + left + weight / 2.0 > boundary {
                break;
            }
            left += weight;
            count += 1;
        }
        let middle = part.range.start + count;
        Some([
            Part { range: part.range.start..middle, start: part.start },
            Part { range: middle..part.range.end, start: part.start + left },
        ])
    }

    /// The middle one of the boundaries of strata strictly between two cumulative weights.
    fn boundary(&self, start: f64, end: f64) -> Option<f64> {
        // A boundary is not inside because of the rounding of a sum.
        const ROUNDING: f64 = 1e-9;
        let first = (start / self.stratum + ROUNDING).floor() + 1.0;
        let last = (end / self.stratum - ROUNDING).ceil() - 1.0;
        (first <= last).then(|| ((first + last) / 2.0).floor() * self.stratum)
    }

    /// Along the leading principal direction, equal places by number.
    fn sort(&self, items: &mut [usize]) {
        let direction = self.leading_direction(items);
        let mut places: Vec<(f64, usize)> = items
            .iter()
            .map(|&item| (dot_lanes(self.points.row(item), &direction), item))
            .collect();
        places.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        for (slot, (_, item)) in items.iter_mut().zip(places) {
            *slot = item;
        }
    }

    /// Power iteration on the weighted covariance from the point farthest from the mean; zeros when all
    /// points coincide.
    fn leading_direction(&self, items: &[usize]) -> Vec<f64> {
        let dimensions = self.points.dimensions();
        let total: f64 = items.iter().map(|&item| self.weights[item]).sum();
        let mut mean = vec![0.0; dimensions];
        for &item in items {
            add_scaled(&mut mean, self.weights[item] / total, self.points.row(item));
        }
        let (mut direction, mut farthest) = (vec![0.0; dimensions], 0.0);
        for &item in items {
            let row = self.points.row(item);
            let distance = squared_distance(row, &mean);
            if distance > farthest {
                farthest = distance;
                direction.copy_from_slice(row);
                add_scaled(&mut direction, -1.0, &mean);
            }
        }
        for _ in 0..ROUNDS {
            let norm = dot_lanes(&direction, &direction).sqrt();
            if norm <= 0.0 {
                break;
            }
            direction.iter_mut().for_each(|value| *value /= norm);
            let centre = dot_lanes(&mean, &direction);
            let mut image = vec![0.0; dimensions];
            // Centred places sum to zero, so that the rows need no centring.
            for &item in items {
                let row = self.points.row(item);
                let place = dot_lanes(row, &direction) - centre;
                add_scaled(&mut image, self.weights[item] / total * place, row);
            }
            direction = image;
        }
        direction
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::{CompleteMatrix, Target};

    /// The items of each stratum, from many draws.
    fn drawn_counts(target: &Target, pool: &[usize], values: &[f64], k: usize) -> Vec<u32> {
        let items = target.weights().len();
        let matrix = CompleteMatrix::unanswered(items);
        let design = Design { matrix: &matrix, target, pool };
        let points = Points::new(items, values.len() / items, values).unwrap();
        let mut counts = vec![0; items];
        let mut stream = Stream::new(1, "strata", 0);
        for _ in 0..4000 {
            let subset = select(&design, &points, k, &mut stream).unwrap();
            assert_eq!(subset.items.len(), k);
            subset.items.iter().for_each(|&item| counts[item] += 1);
        }
        counts
    }

    #[test]
    fn strata_are_the_clumps_of_the_text_and_each_gives_one_item() {
        // Four clumps of five on the corners of a rectangle, numbered in turn.
        let place = |item: usize| (item % 4, 0.01 * (item / 4) as f64);
        let values: Vec<f64> = (0..20)
            .map(place)
            .flat_map(|(clump, jitter)| {
                [7.0 * (clump / 2) as f64 + jitter, 3.0 * (clump % 2) as f64 - jitter]
            })
            .collect();
        let (matrix, target) = (CompleteMatrix::unanswered(20), Target::uniform(20).unwrap());
        let pool: Vec<usize> = (0..20).collect();
        let design = Design { matrix: &matrix, target: &target, pool: &pool };
        let points = Points::new(20, 2, &values).unwrap();
        for seed in 0..50 {
            let mut stream = Stream::new(seed, "strata", 0);
            let subset = select(&design, &points, 4, &mut stream).unwrap();
            let mut clumps: Vec<usize> = subset.items.iter().map(|item| item % 4).collect();
            clumps.sort_unstable();
            assert_eq!(clumps, [0, 1, 2, 3], "{subset:?}");
        }
    }

    #[test]
    fn every_item_is_drawn_by_its_weight() {
        let mut stream = Stream::new(4, "points", 0);
        let values: Vec<f64> = (0..30 * 3).map(|_| stream.uniform()).collect();
        let weights: Vec<f64> = (0..30).map(|item| f64::from(item % 3 + 1)).collect();
        let target = Target::weighted(&weights).unwrap();
        let pool: Vec<usize> = (0..30).filter(|item| item % 10 != 9).collect();
        let total: f64 = pool.iter().map(|&item| weights[item]).sum();
        let counts = drawn_counts(&target, &pool, &values, 7);
        for item in 0..30 {
            let expected = match pool.contains(&item) {
                true => 4000.0 * 7.0 * weights[item] / total,
                false => 0.0,
            };
            // Five binomial standard errors.
            let gap = (f64::from(counts[item]) - expected).abs();
            assert!(gap <= 5.0 * expected.sqrt(), "{item}: {} for {expected}", counts[item]);
        }
    }

    #[test]
    fn coinciding_points_are_a_plain_sample() {
        let target = Target::uniform(12).unwrap();
        let pool: Vec<usize> = (0..12).collect();
        let counts = drawn_counts(&target, &pool, &[0.0; 24], 4);
        assert!(counts.iter().all(|&count| (1180..1490).contains(&count)), "{counts:?}");
    }

    #[test]
    fn an_item_that_outweighs_strata_is_taken_once() {
        let target = Target::weighted(&[50.0, 1.0, 1.0, 1.0, 1.0, 1.0]).unwrap();
        let values = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0];
        let counts = drawn_counts(&target, &[0, 1, 2, 3, 4, 5], &values, 3);
        assert_eq!(counts[0], 4000);
    }
}
