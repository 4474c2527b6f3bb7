//! Many tests at once.

/// Benjamini-Hochberg adjusted p values, in the order given: reporting those up to q makes the expected
/// share of false ones among the reported at most q, for tests that are independent or positively
/// dependent.
///
/// Source: Benjamini and Hochberg, "Controlling the false discovery rate", J. Royal Statistical Society B
/// 57 (1995), 289-300; dependence: Benjamini and Yekutieli, Annals of Statistics 29 (2001), 1165-1188.
pub fn benjamini_hochberg(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&a, &b| p_values[b].total_cmp(&p_values[a]));
    let count = p_values.len() as f64;
    let mut adjusted = vec![0.0; p_values.len()];
    let mut smallest = 1.0_f64;
    for (larger, at) in order.into_iter().enumerate() {
        let rank = count - larger as f64;
        smallest = smallest.min(p_values[at] * count / rank);
        adjusted[at] = smallest;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_values_worked_by_hand() {
        // Ascending 0.01, 0.02, 0.03, 0.5: times 4/1, 4/2, 4/3, 4/4, minima from the right.
        let adjusted = benjamini_hochberg(&[0.03, 0.01, 0.5, 0.02]);
        for (got, expected) in adjusted.iter().zip([0.04, 0.04, 0.5, 0.04]) {
            assert!((got - expected).abs() < 1e-15, "{adjusted:?}");
        }
        assert!(benjamini_hochberg(&[]).is_empty());
    }
}
