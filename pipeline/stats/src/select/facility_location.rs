use super::{
    Design, Subset,
    anchor_points::{dense_sample, nearest_shares},
    eligible::{fill, weighted},
};
use crate::{
    StatsError,
    cluster::{Points, UnitRows, greedy_medoids},
    rng::Stream,
};

/// Items that greedily maximise the sum over items of target weight times similarity to the nearest
/// chosen one, (1 + correlation over the sources) / 2; each weighted by the target weight nearest to
/// it.
///
/// Memory is bounded as for `anchor-points`.
pub(crate) fn select(
    design: &Design<'_>,
    k: usize,
    stream: &mut Stream,
) -> Result<Subset, StatsError> {
    select_among(design, &UnitRows::correlation(design.matrix), k, stream)
}

/// The same with (1 + cosine) / 2 of given points, one row an item of the matrix.
pub(crate) fn select_by_points(
    design: &Design<'_>,
    points: &Points<'_>,
    k: usize,
    stream: &mut Stream,
) -> Result<Subset, StatsError> {
    super::kmeans_items::check_points(design, points)?;
    select_among(design, &UnitRows::cosine(points), k, stream)
}

fn select_among(
    design: &Design<'_>,
    rows: &UnitRows,
    k: usize,
    stream: &mut Stream,
) -> Result<Subset, StatsError> {
    let (items, weights) = dense_sample(design, k, stream)?;
    // The similarity is 1 - dissimilarity / 2, so that the greedy picks are those of BUILD.
    let picks = greedy_medoids(&rows.dissimilarity(&items), &weights, k.min(items.len()))?;
    let mut chosen: Vec<usize> = picks.iter().map(|&object| items[object]).collect();
    fill(design, &mut chosen, k, stream);
    Ok(weighted(&chosen, &nearest_shares(design, rows, &chosen)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::{ResponseMatrix, Target};

    #[test]
    fn the_first_two_picks_cover_the_two_directions_by_weight() {
        let matrix = ResponseMatrix::new(1, 5, vec![1.0; 5]).unwrap().imputed().unwrap();
        // Two directions: items 0 to 2, items 3 and 4; lengths do not matter.
        let values = [1.0, 0.0, 2.0, 0.0, 5.0, 0.0, 0.0, 1.0, 0.0, 3.0];
        let points = Points::new(5, 2, &values).unwrap();
        let pool: Vec<usize> = (0..5).collect();
        let run = |target: &Target, k| {
            let design = Design { matrix: &matrix, target, pool: &pool };
            select_by_points(&design, &points, k, &mut Stream::new(1, "facility", 0)).unwrap()
        };
        let uniform = Target::uniform(5).unwrap();
        assert_eq!(run(&uniform, 1).items, [0]);
        let two = run(&uniform, 2);
        assert_eq!(two.items, [0, 3]);
        assert!((two.weights[0] - 0.6).abs() < 1e-9, "{two:?}");
        // A benchmark of the last two that counts twice as much as that of the others.
        let heavy = Target::grouped(&[0, 0, 0, 1, 1], &[1.0, 2.0]).unwrap();
        assert_eq!(run(&heavy, 1).items, [3]);
    }
}
