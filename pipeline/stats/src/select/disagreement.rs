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
