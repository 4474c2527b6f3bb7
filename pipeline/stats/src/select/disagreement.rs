use super::{
    Design, Subset,
    eligible::{by_target_weight, eligible},
};
use crate::{StatsError, rng::Stream};

/// The items on which the sources disagree most: largest squared target weight times variance of the
/// score between sources, p(1-p) for 0/1 scores; ties in random order.
///
/// Weights are those of the target, scaled. The items are chosen to tell models apart, so their mean
/// does not estimate the target mean: it takes a regression on the answers. Source: Rubinstein et al.,
/// "DISCO" (2025), whose predictive diversity score this is for one score a model and item.
pub(crate) fn select(
    design: &Design<'_>,
    k: usize,
    stream: &mut Stream,
) -> Result<Subset, StatsError> {
    let mut items = eligible(design, k)?;
    stream.shuffle(&mut items);
    let mut keyed: Vec<(f64, usize)> = items
        .iter()
        .map(|&item| {
            let weight = design.target.weights()[item];
            (weight * weight * variance(design.matrix.item(item)), item)
        })
        .collect();
    // Stable: equal items stay shuffled.
    keyed.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    let chosen: Vec<usize> = keyed[..k].iter().map(|(_, item)| *item).collect();
    Ok(by_target_weight(design, &chosen))
}

fn variance(scores: &[f64]) -> f64 {
    let mean = scores.iter().sum::<f64>() / scores.len() as f64;
    let variance = scores.iter().map(|score| (score - mean) * (score - mean)).sum::<f64>()
        / scores.len() as f64;
    // So that items with the same counts tie whatever the order of the models.
    (variance * 1e12).round() / 1e12
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::{ResponseMatrix, Target};

    #[test]
    fn the_most_divided_items_come_first_and_ties_fall_by_lot() {
        // Four models; items solved by 2, 2, 2, 1, 4 and 0 of them.
        let solved = [2, 2, 2, 1, 4, 0];
        let scores = (0..4).flat_map(|model| solved.map(|by| f32::from(u8::from(model < by))));
        let matrix = ResponseMatrix::new(4, 6, scores.collect()).unwrap().imputed().unwrap();
        let pool: Vec<usize> = (0..6).collect();
        let items = |target: &Target, k, seed| {
            let design = Design { matrix: &matrix, target, pool: &pool };
            select(&design, k, &mut Stream::new(seed, "lot", 0)).unwrap().items
        };
        let uniform = Target::uniform(6).unwrap();
        assert_eq!(items(&uniform, 4, 0), [0, 1, 2, 3]);
        let firsts: std::collections::BTreeSet<usize> =
            (0..40).map(|seed| items(&uniform, 1, seed)[0]).collect();
        assert_eq!(firsts.into_iter().collect::<Vec<_>>(), [0, 1, 2]);
        // At four times the weight, 3/16 counts for more than 1/4.
        let weighted = Target::grouped(&[0, 0, 0, 1, 0, 0], &[5.0, 4.0]).unwrap();
        assert_eq!(items(&weighted, 1, 0), [3]);
    }
}
