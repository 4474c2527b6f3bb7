//! What the log-likelihoods of the choices say.

/// Natural logarithm of the probability of the gold choices, normalised over all: the softmax of the
/// summed log-likelihoods. None where they are not all numbers or the probability is 0.
pub(crate) fn of_gold(log_likelihoods: &[f64], gold: &[usize]) -> Option<f32> {
    let total = log_sum(log_likelihoods.iter().copied())?;
    let of_gold: Option<Vec<f64>> =
        gold.iter().map(|&choice| log_likelihoods.get(choice).copied()).collect();
    let share = log_sum(of_gold?.into_iter())? - total;
    share.is_finite().then_some(share.min(0.0) as f32)
}

/// Logarithm of the sum of exponentials, the largest taken out first.
fn log_sum(values: impl Iterator<Item = f64> + Clone) -> Option<f64> {
    let largest = values.clone().fold(f64::NEG_INFINITY, f64::max);
    let usable = largest.is_finite() && values.clone().all(|value| !value.is_nan());
    let sum: f64 = usable.then(|| values.map(|value| libm::exp(value - largest)).sum())?;
    Some(largest + libm::log(sum))
}

/// Position of the first of the largest values, as NumPy's `argmax`; None with a NaN among them.
pub(crate) fn first_largest(values: impl Iterator<Item = f64>) -> Option<usize> {
    let mut best: Option<(usize, f64)> = None;
    for (at, value) in values.enumerate() {
        if value.is_nan() {
            return None;
        }
        if best.is_none_or(|(_, largest)| value > largest) {
            best = Some((at, value));
        }
    }
    best.map(|(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_are_normalised_over_the_choices() {
        let thirds = of_gold(&[-700.0, -700.0, -700.0], &[1]).unwrap();
        assert!((f64::from(thirds) + 3f64.ln()).abs() < 1e-6);
        assert!((of_gold(&[-1.0, -1.0, f64::NEG_INFINITY], &[0, 1]).unwrap()).abs() < 1e-6);
        assert_eq!(of_gold(&[-1.0, f64::NEG_INFINITY], &[1]), None);
        assert_eq!(of_gold(&[-1.0, f64::NAN], &[0]), None);
        assert_eq!(of_gold(&[-1.0], &[1]), None);
        assert_eq!(of_gold(&[], &[]), None);
    }

    #[test]
    fn the_first_of_equals_wins() {
        assert_eq!(first_largest([-2.0, -1.0, -1.0].into_iter()), Some(1));
        assert_eq!(first_largest([f64::NEG_INFINITY; 2].into_iter()), Some(0));
        assert_eq!(first_largest([-1.0, f64::NAN].into_iter()), None);
    }
}
