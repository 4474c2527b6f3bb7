use super::{
    Points,
    groups::Groups,
    lanes::{Interleaved, products},
};
use crate::{StatsError, linalg::dot_lanes};

/// Points that are compared with one at a time.
const BLOCK: usize = 16;
/// What the cosine of a vector with itself may fall short of 1.
const UNIT_ROUNDING: f64 = 1e-12;
/// Points that a block meets while it is in cache.
const ROWS_AT_ONCE: usize = 64;

/// Two points and the cosine of the angle between them; `left` is the lower number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pair {
    /// Number of a point.
    pub left: usize,
    /// Number of another.
    pub right: usize,
    /// In [-1, 1].
    pub cosine: f64,
}

/// Points that are all but alike.
#[derive(Debug, Clone, PartialEq)]
pub struct Duplicates {
    /// Number of pairs at or above the threshold.
    pub pairs_found: usize,
    /// The first of them by (left, right), no more than the limit.
    pub pairs: Vec<Pair>,
    /// Points joined by any of the pairs, also by those over the limit, directly or by way of others;
    /// each group ascending, the groups in order of their first point.
    pub groups: Vec<Vec<usize>>,
}

impl Duplicates {
    /// Number of the group of each of `points` points: that of its first point, its own where it is like
    /// no other.
    pub fn group_numbers(&self, points: usize) -> Vec<u32> {
        let mut numbers: Vec<u32> = (0..points as u32).collect();
        for group in &self.groups {
            group.iter().for_each(|&point| numbers[point] = group[0] as u32);
        }
        numbers
    }
}

/// All pairs of points whose cosine is at least `threshold`, in (0, 1], and the groups that they join.
///
/// Exact: products in f32 only sort out what is below the threshold by more than their rounding can be,
/// the rest is decided in f64. A group is a connected component, so that its ends may lie below the
/// threshold (Broder et al., "Syntactic clustering of the Web", 1997, join near-duplicates so). A zero
/// vector is like no other. Time grows with points squared x dimensions; memory is that of the points,
/// once more, and of `limit` pairs.
///
/// Errors with [`StatsError::BadParameter`] for a threshold out of range.
pub fn duplicates(
    points: &Points<'_>,
    threshold: f64,
    limit: usize,
) -> Result<Duplicates, StatsError> {
    if !(threshold > 0.0 && threshold <= 1.0) {
        return Err(StatsError::BadParameter {
            what: "the cosine of near-duplicates",
            range: "(0, 1]",
            value: threshold,
        });
    }
    let norms: Vec<f64> = points.rows().map(|row| dot_lanes(row, row).sqrt()).collect();
    let units: Vec<Vec<f32>> = points.rows().zip(&norms).map(unit).collect();
    let columns =
        Interleaved::<f32, BLOCK>::new(points.count(), points.dimensions(), |p| &units[p]);
    // Each value is rounded once, then each of the products and of the sums.
    let rounding = (points.dimensions() + 4) as f64 * f64::from(f32::EPSILON);
    let cosine = |left: usize, right: usize| {
        let product = dot_lanes(points.row(left), points.row(right));
        (product / (norms[left] * norms[right])).clamp(-1.0, 1.0)
    };
    let (mut pairs, mut pairs_found) = (Vec::new(), 0);
    let mut groups = Groups::new(points.count());
    for first in (0..points.count()).step_by(ROWS_AT_ONCE) {
        let rows = first..(first + ROWS_AT_ONCE).min(points.count());
        let mut near = candidates(&units[rows], first, &columns, (threshold - rounding) as f32);
        near.retain(|&(left, right)| cosine(left, right) >= threshold - UNIT_ROUNDING);
        near.sort_unstable();
        pairs_found += near.len();
        let left_over = limit.saturating_sub(pairs.len());
        let pair = |&(left, right): &_| Pair { left, right, cosine: cosine(left, right) };
        pairs.extend(near.iter().take(left_over).map(pair));
        near.into_iter().for_each(|(left, right)| groups.join(left, right));
    }
    Ok(Duplicates { pairs_found, pairs, groups: groups.finish() })
}

/// A vector of length one in f32; a zero vector stays one.
fn unit((row, norm): (&[f64], &f64)) -> Vec<f32> {
    let scale = if *norm > 0.0 { 1.0 / norm } else { 0.0 };
    row.iter().map(|value| (value * scale) as f32).collect()
}

/// Pairs of one of `rows`, numbered from `first`, and a later point, whose product is at least `least`.
fn candidates(
    rows: &[Vec<f32>],
    first: usize,
    columns: &Interleaved<f32, BLOCK>,
    least: f32,
) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    for (block, columns) in columns.blocks().enumerate().skip(first / BLOCK) {
        for (left, row) in rows.iter().enumerate() {
            let products = products::<f32, BLOCK>(row, columns);
            if products.iter().all(|product| *product < least) {
                continue;
            }
            let near = products.iter().enumerate().filter(|(_, product)| **product >= least);
            let pairs = near.map(|(lane, _)| (first + left, block * BLOCK + lane));
            found.extend(pairs.filter(|(left, right)| left < right));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Stream;

    #[test]
    fn pairs_and_groups_equal_those_of_the_definition() {
        let mut stream = Stream::new(1, "duplicates", 0);
        // 150 points in 5 dimensions, lengths from 0.5 to 2; zero vectors among them.
        let values: Vec<f64> = (0..150)
            .flat_map(|point| {
                let length = if point % 40 == 7 { 0.0 } else { 0.5 + 1.5 * stream.uniform() };
                [(); 5].map(|()| length * (stream.uniform() - 0.5))
            })
            .collect();
        let points = Points::new(150, 5, &values).unwrap();
        let found = duplicates(&points, 0.93, usize::MAX).unwrap();
        let mut expected = Vec::new();
        for left in 0..150 {
            for right in left + 1..150 {
                let (a, b) = (points.row(left), points.row(right));
                let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
                let norms = (dot(a, a) * dot(b, b)).sqrt();
                if norms > 0.0 && dot(a, b) >= 0.93 * norms {
                    expected.push((left, right));
                }
            }
        }
        let pairs: Vec<(usize, usize)> = found.pairs.iter().map(|p| (p.left, p.right)).collect();
        assert!(expected.len() > 20, "{}", expected.len());
        assert_eq!((pairs, found.pairs_found), (expected.clone(), expected.len()));
        assert!(found.pairs.iter().all(|pair| pair.cosine >= 0.93 - 1e-12));
        for group in &found.groups {
            let joined = |&(l, r): &(usize, usize)| group.contains(&l) == group.contains(&r);
            assert!(group.is_sorted() && expected.iter().all(joined), "{group:?}");
        }
        let grouped: usize = found.groups.iter().map(Vec::len).sum();
        let mut alone: Vec<usize> = expected.iter().flat_map(|(l, r)| [*l, *r]).collect();
        alone.sort_unstable();
        alone.dedup();
        assert_eq!(grouped, alone.len());
    }

    #[test]
    fn copies_are_one_group_and_the_limit_cuts_pairs_only() {
        // Points 0, 2, 4 are alike, 1 and 3 are, 5 is alone; a chain joins what is not near itself.
        let values = [1.0, 0.0, 0.0, 1.0, 2.0, 0.0, 0.0, 3.0, 1.0, 0.0, -1.0, -1.0];
        let points = Points::new(6, 2, &values).unwrap();
        let found = duplicates(&points, 1.0, 2).unwrap();
        assert_eq!(found.groups, [vec![0, 2, 4], vec![1, 3]]);
        assert_eq!(found.pairs_found, 4);
        let pair = |left, right| Pair { left, right, cosine: 1.0 };
        assert_eq!(found.pairs, [pair(0, 2), pair(0, 4)]);
        let chain: Vec<f64> = (0..5)
            .flat_map(|s| [libm::cos(f64::from(s) * 0.1), libm::sin(f64::from(s) * 0.1)])
            .collect();
        let chain = Points::new(5, 2, &chain).unwrap();
        let found = duplicates(&chain, libm::cos(0.11), 10).unwrap();
        assert_eq!((found.pairs_found, found.groups), (4, vec![vec![0, 1, 2, 3, 4]]));
    }

    #[test]
    fn nothing_is_like_a_zero_vector_and_thresholds_out_of_range_are_refused() {
        let points = Points::new(3, 2, &[0.0, 0.0, 0.0, 0.0, 1.0, 0.0]).unwrap();
        let found = duplicates(&points, 0.01, 9).unwrap();
        assert_eq!(found, Duplicates { pairs_found: 0, pairs: vec![], groups: vec![] });
        for threshold in [0.0, -0.5, 1.1, f64::NAN] {
            assert!(matches!(
                duplicates(&points, threshold, 9),
                Err(StatsError::BadParameter { .. })
            ));
        }
    }
}
