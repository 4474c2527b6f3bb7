use super::{Dissimilarity, check};
use crate::StatsError;

/// Picks `k` objects one by one, each the one that most reduces the weighted sum of dissimilarities
/// to the nearest pick; in order of picking.
///
/// This is BUILD of PAM (Kaufman and Rousseeuw, *Finding Groups in Data*, 1990, ch. 2) and, with any
/// similarity that falls linearly in the dissimilarity, the greedy maximum of the facility-location
/// function (within 1 - 1/e of the best: Nemhauser, Wolsey and Fisher, 1978). Gains only shrink as
/// picks are added, so a gain computed earlier bounds the present one and most stay uncomputed
/// (Minoux, "Accelerated greedy algorithms", 1978). Ties go to the lower index.
///
/// `weights` gives one non-negative weight an object. Errors with [`StatsError::BudgetZero`],
/// [`StatsError::BudgetTooLarge`], [`StatsError::Length`] or [`StatsError::BadWeights`].
pub fn greedy_medoids(
    dissimilarity: &Dissimilarity,
    weights: &[f64],
    k: usize,
) -> Result<Vec<usize>, StatsError> {
    check(dissimilarity.size(), weights, k)?;
    let farthest = farthest(dissimilarity);
    let mut nearest = vec![farthest; dissimilarity.size()];
    let mut bounds: Vec<f64> = (0..dissimilarity.size())
        .map(|object| gain(dissimilarity.row(object), &nearest, weights))
        .collect();
    // The pick at which each bound was computed; it is exact at that pick.
    let mut computed_at = vec![0; bounds.len()];
    let mut picks = Vec::with_capacity(k);
    while picks.len() < k {
        let Some(object) = first_largest(&bounds) else { break };
        if computed_at[object] < picks.len() {
            bounds[object] = gain(dissimilarity.row(object), &nearest, weights);
            computed_at[object] = picks.len();
            continue;
        }
        // Below every gain: never picked again.
        bounds[object] = -1.0;
        picks.push(object);
        for (nearest, value) in nearest.iter_mut().zip(dissimilarity.row(object)) {
            *nearest = nearest.min(*value);
        }
    }
    Ok(picks)
}

/// The largest dissimilarity, found in eight lanes.
fn farthest(dissimilarity: &Dissimilarity) -> f32 {
    let larger = |most: f32, value: f32| if value > most { value } else { most };
    let mut lanes = [0.0_f32; 8];
    let mut rest = 0.0;
    for object in 0..dissimilarity.size() {
        let (blocks, tail) = dissimilarity.row(object).as_chunks::<8>();
        for block in blocks {
            for (most, value) in lanes.iter_mut().zip(block) {
                *most = larger(*most, *value);
            }
        }
        rest = tail.iter().copied().fold(rest, larger);
    }
    lanes.into_iter().fold(rest, larger)
}

/// What a further pick would take off the weighted sum: eight running sums, added in order.
fn gain(row: &[f32], nearest: &[f32], weights: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    let ((row, row_rest), (nearest, nearest_rest)) =
        (row.as_chunks::<8>(), nearest.as_chunks::<8>());
    let (weights, weights_rest) = weights.as_chunks::<8>();
    for ((row, nearest), weights) in row.iter().zip(nearest).zip(weights) {
        for (sum, ((value, nearest), weight)) in
            sums.iter_mut().zip(row.iter().zip(nearest).zip(weights))
        {
            *sum += weight * f64::from((nearest - value).max(0.0));
        }
    }
    let rest = row_rest.iter().zip(nearest_rest).zip(weights_rest);
    sums.iter().sum::<f64>()
        + rest
            .map(|((value, nearest), weight)| weight * f64::from((nearest - value).max(0.0)))
            .sum::<f64>()
}

/// The first of the largest values that are not negative.
fn first_largest(values: &[f64]) -> Option<usize> {
    let mut best = None;
    let mut most = -0.5;
    for (index, value) in values.iter().enumerate() {
        if *value > most {
            (best, most) = (Some(index), *value);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Stream;

    fn loss(matrix: &Dissimilarity, weights: &[f64], picks: &[usize]) -> f64 {
        (0..matrix.size())
            .map(|object| {
                let row = matrix.row(object);
                weights[object] * picks.iter().map(|&pick| f64::from(row[pick])).fold(9.0, f64::min)
            })
            .sum()
    }

    #[test]
    fn lazy_picks_equal_plain_greedy_picks() {
        let mut stream = Stream::new(3, "facility", 0);
        let matrix = Dissimilarity::from_fn(41, |_, _| stream.uniform() as f32).unwrap();
        let weights: Vec<f64> = (0..41).map(|_| stream.uniform()).collect();
        let mut plain: Vec<usize> = Vec::new();
        for _ in 0..12 {
            let with = |object| loss(&matrix, &weights, &[&plain[..], &[object]].concat());
            let next = (0..41).min_by(|&a, &b| with(a).total_cmp(&with(b))).unwrap();
            plain.push(next);
        }
        assert_eq!(greedy_medoids(&matrix, &weights, 12).unwrap(), plain);
    }

    #[test]
    fn objects_that_all_coincide_are_still_picked_once_each() {
        let matrix = Dissimilarity::from_fn(5, |_, _| 0.0).unwrap();
        assert_eq!(greedy_medoids(&matrix, &[1.0; 5], 5).unwrap(), [0, 1, 2, 3, 4]);
    }
}
