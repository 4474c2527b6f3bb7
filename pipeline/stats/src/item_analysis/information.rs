//! Usable information of each item: how much its input tells models about its gold answer.

use crate::StatsError;

/// What a predictor that has not seen the input gives to the gold answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum NullModel<'a> {
    /// Natural logarithm of the probability that the model gave to the gold answer with the input
    /// left out, models x items, row-major, NaN where missing: the null of the definition.
    Measured(&'a [f64]),
    /// The gold class of each item: the null is the share of the items that have this class. It is
    /// the best predictor that ignores the input, so it stands in for a model that would learn it.
    ClassPrior(&'a [u32]),
    /// The number of choices of each item: the null is one over it.
    Uniform(&'a [u32]),
}

/// Pointwise V-information of every item in bits, mean over the models that have a value; None
/// where none has.
///
/// log2 p(gold | input) - log2 p(gold | null): positive where the input makes the gold answer
/// likelier, negative where it misleads the models. Sources: Xu et al., "A theory of usable
/// information under computational constraints", ICLR 2020; Ethayarajh et al., "Understanding
/// dataset difficulty with V-usable information", ICML 2022, eq. 4 and 5. Those fine-tune one model
/// with and without inputs; here V is the set of models as they are, and the mean over items
/// estimates their V-information.
///
/// `gold` holds natural logarithms of probabilities, models x items, row-major, NaN where missing;
/// the models are those that the buffer has rows for. Probabilities should be normalised over an
/// item's choices where the null is a class prior or uniform. Errors when a buffer does not fit
/// `items`, a logarithm is positive or infinite (a probability of zero has no finite information),
/// or an item has no choices.
pub fn pointwise_v_information(
    gold: &[f64],
    items: usize,
    null: NullModel<'_>,
) -> Result<Vec<Option<f64>>, StatsError> {
    if items == 0 || gold.is_empty() {
        return Err(StatsError::Empty { models: 0, items });
    }
    if !gold.len().is_multiple_of(items) {
        let expected = gold.len().div_ceil(items) * items;
        return Err(StatsError::Length { what: "log-likelihoods", expected, got: gold.len() });
    }
    check_logarithms(gold)?;
    let of_item = match null {
        NullModel::Measured(logs) => {
            expect_length("null log-likelihoods", gold.len(), logs.len())?;
            check_logarithms(logs)?;
            return Ok(means(items, gold.len(), |at| gold[at] - logs[at]));
        }
        NullModel::ClassPrior(classes) => {
            expect_length("gold classes", items, classes.len())?;
            class_priors(classes)
        }
        NullModel::Uniform(choices) => {
            expect_length("numbers of choices", items, choices.len())?;
            if choices.contains(&0) {
                let (what, range) = ("number of choices", "[1, infinity)");
                return Err(StatsError::BadParameter { what, range, value: 0.0 });
            }
            choices.iter().map(|&count| -libm::log(f64::from(count))).collect()
        }
    };
    Ok(means(items, gold.len(), |at| gold[at] - of_item[at % items]))
}

/// Mean over the rows, in bits, of what `nats` gives for each position; NaN is left out.
fn means(items: usize, length: usize, nats: impl Fn(usize) -> f64) -> Vec<Option<f64>> {
    (0..items)
        .map(|item| {
            let values = (item..length).step_by(items).map(&nats).filter(|value| !value.is_nan());
            let (sum, count) = values.fold((0.0, 0_u64), |(sum, n), value| (sum + value, n + 1));
            (count > 0).then(|| sum / count as f64 * std::f64::consts::LOG2_E)
        })
        .collect()
}

/// Logarithm of the share of the items whose gold class is that of each item.
fn class_priors(classes: &[u32]) -> Vec<f64> {
    let mut counts = std::collections::BTreeMap::new();
    for class in classes {
        *counts.entry(class).or_insert(0_u64) += 1;
    }
    let share = |class| counts.get(class).map_or(1.0, |&count| count as f64 / classes.len() as f64);
    classes.iter().map(|class| libm::log(share(class))).collect()
}

fn check_logarithms(values: &[f64]) -> Result<(), StatsError> {
    let bad = values.iter().find(|value| **value > 0.0 || value.is_infinite());
    bad.map_or(Ok(()), |&value| {
        let (what, range) = ("log-likelihood", "(-infinity, 0]");
        Err(StatsError::BadParameter { what, range, value })
    })
}

fn expect_length(what: &'static str, expected: usize, got: usize) -> Result<(), StatsError> {
    if expected == got { Ok(()) } else { Err(StatsError::Length { what, expected, got }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_equal_values_worked_by_hand() {
        // Two models, three items; gold classes 0, 0, 1: priors 2/3, 2/3, 1/3.
        let gold = [0.5, 1.0, 0.25, 0.125, 1.0, f64::NAN].map(libm::log);
        let prior = NullModel::ClassPrior(&[0, 0, 1]);
        let bits = pointwise_v_information(&gold, 3, prior).unwrap();
        let three = libm::log2(3.0);
        let expected = [(-1.0 - 3.0) / 2.0 - 1.0 + three, three - 1.0, -2.0 + three];
        assert!(bits.iter().zip(expected).all(|(a, b)| (a.unwrap() - b).abs() < 1e-12), "{bits:?}");
        let uniform = pointwise_v_information(&gold, 3, NullModel::Uniform(&[4, 2, 2])).unwrap();
        assert!((uniform[0].unwrap() - 0.0).abs() < 1e-12 && uniform[2] == Some(-1.0));
    }

    #[test]
    fn an_input_that_changes_nothing_carries_nothing() {
        let gold = [-0.3, -2.0, -0.1, f64::NAN];
        let bits = pointwise_v_information(&gold, 2, NullModel::Measured(&gold)).unwrap();
        assert_eq!(bits, [Some(0.0), Some(0.0)]);
        let absent = pointwise_v_information(&[f64::NAN], 1, NullModel::Uniform(&[2])).unwrap();
        assert_eq!(absent, [None]);
    }

    #[test]
    fn impossible_inputs_are_errors() {
        let one = NullModel::Uniform(&[2]);
        assert!(pointwise_v_information(&[0.1], 1, one).is_err());
        assert!(pointwise_v_information(&[f64::NEG_INFINITY], 1, one).is_err());
        assert!(pointwise_v_information(&[-0.1; 3], 2, NullModel::Uniform(&[2, 2])).is_err());
        assert!(pointwise_v_information(&[-0.1], 1, NullModel::Uniform(&[0])).is_err());
        assert!(pointwise_v_information(&[], 0, one).is_err());
    }
}
