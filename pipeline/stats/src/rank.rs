//! Rank agreement.

/// Kendall's tau-b between two lists of equal length, in [-1, 1]; None when either is constant.
///
/// Source: Kendall, *Rank Correlation Methods*, ch. 3: (concordant - discordant) over the geometric
/// mean of the pairs untied in each list. Quadratic in the length: leaderboards have at most a few
/// thousand models.
pub fn kendall_tau_b(left: &[f64], right: &[f64]) -> Option<f64> {
    let (mut agreement, mut untied_left, mut untied_right) = (0_i64, 0_u64, 0_u64);
    for first in 0..left.len() {
        for second in first + 1..left.len() {
            let by_left = order(left[first], left[second]);
            let by_right = order(right[first], right[second]);
            agreement += by_left * by_right;
            untied_left += by_left.unsigned_abs();
            untied_right += by_right.unsigned_abs();
        }
    }
    (untied_left > 0 && untied_right > 0)
        .then(|| agreement as f64 / (untied_left as f64 * untied_right as f64).sqrt())
}

/// -1, 0 or 1; adding zero makes -0.0 equal to 0.0, which `total_cmp` tells apart.
fn order(left: f64, right: f64) -> i64 {
    (left + 0.0).total_cmp(&(right + 0.0)) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_values_worked_by_hand() {
        assert_eq!(kendall_tau_b(&[1.0, 2.0, 3.0], &[1.0, 2.0, 3.0]), Some(1.0));
        assert_eq!(kendall_tau_b(&[1.0, 2.0, 3.0], &[3.0, 2.0, 1.0]), Some(-1.0));
        // Pairs: (1,2) tied right, (1,3) concordant, (2,3) concordant: 2 / sqrt(3 * 2).
        let tau = kendall_tau_b(&[1.0, 2.0, 3.0], &[1.0, 1.0, 2.0]).unwrap();
        assert!((tau - 2.0 / 6.0_f64.sqrt()).abs() < 1e-15);
        assert_eq!(kendall_tau_b(&[1.0, 2.0], &[5.0, 5.0]), None);
    }
}
