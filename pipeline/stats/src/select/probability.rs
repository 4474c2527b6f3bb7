//! Systematic sampling with probability proportional to weight.

/// Splits the items of `order` into k intervals of equal total weight and draws one item from each.
///
/// `draw(j)` gives the point in [0, 1) at which interval `j` is read. An item whose weight spans a
/// whole interval can be hit twice; the second hit takes the nearest later item of the order that is
/// still free (then the nearest earlier one), so that k distinct items come out.
///
/// Source: Madow, "On the theory of systematic sampling II", Annals of Mathematical Statistics 20
/// (1949), with a fresh random point an interval when `draw` is random.
pub(super) fn systematic(
    order: &[usize],
    weights: &[f64],
    k: usize,
    mut draw: impl FnMut(usize) -> f64,
) -> Vec<usize> {
    let mut cumulative = Vec::with_capacity(order.len());
    let mut total = 0.0;
    for &item in order {
        total += weights[item];
        cumulative.push(total);
    }
    let mut taken = vec![false; order.len()];
    for interval in 0..k {
        let point = (interval as f64 + draw(interval)) / k as f64 * total;
        let hit = cumulative.partition_point(|&end| end <= point).min(order.len() - 1);
        let free = |position: &usize| !taken[*position] && weights[order[*position]] > 0.0;
        let position = (hit..order.len()).find(free).or_else(|| (0..hit).rev().find(free));
        if let Some(position) = position {
            taken[position] = true;
        }
    }
    (0..order.len()).filter(|&position| taken[position]).map(|position| order[position]).collect()
}
