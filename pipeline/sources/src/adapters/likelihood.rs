//! What the log-likelihoods of the choices say, and whether a file's accuracies agree with them.

use std::sync::Arc;

use crate::Place;

/// Accuracies that the log-likelihoods of the choices decide.
const DECIDED: [&str; 3] = ["acc", "acc_norm", "acc_bytes"];

/// What the delimiter before a choice is, where there is one.
const DELIMITER: char = ' ';

/// The choices of an item as a model scored them.
#[derive(Debug, Clone)]
pub(crate) struct Scored {
    /// Choices, the delimiter before them taken off where all have one.
    pub texts: Arc<[String]>,
    /// Of the choices, and of the choices with their delimiter.
    lengths: Arc<[Lengths; 2]>,
    /// Summed log-likelihoods.
    pub log_likelihoods: Vec<f64>,
    /// Positions of the right choices; empty where the file does not say.
    pub gold: Vec<usize>,
}

/// Lengths of the choices, by which accuracies are normalised.
#[derive(Debug)]
struct Lengths {
    characters: Vec<f64>,
    bytes: Vec<f64>,
}

impl Lengths {
    fn of(texts: &[String]) -> Self {
        Self {
            characters: texts.iter().map(|text| text.chars().count() as f64).collect(),
            bytes: texts.iter().map(|text| text.len() as f64).collect(),
        }
    }
}

impl Scored {
    /// Choices as they were scored, each with its log-likelihood.
    pub(crate) fn new(choices: Vec<String>, log_likelihoods: Vec<f64>, gold: Vec<usize>) -> Self {
        let stripped: Option<Vec<String>> =
            choices.iter().map(|text| text.strip_prefix(DELIMITER).map(str::to_owned)).collect();
        let delimited = Lengths::of(&choices);
        let texts = stripped.unwrap_or(choices);
        let lengths = Arc::new([Lengths::of(&texts), delimited]);
        Self { texts: texts.into(), lengths, log_likelihoods, gold }
    }

    /// The same choices with another model's log-likelihoods, one each.
    pub(crate) fn by_another(&self, log_likelihoods: Vec<f64>) -> Self {
        let (texts, lengths) = (Arc::clone(&self.texts), Arc::clone(&self.lengths));
        Self { texts, lengths, log_likelihoods, gold: self.gold.clone() }
    }

    /// Whether the accuracy is the one that the log-likelihoods give, for the lengths of the choices
    /// without and with their delimiter; None where that cannot be told.
    ///
    /// SOURCE: lm-evaluation-harness, `process_results` of `lm_eval/api/task.py`; lighteval,
    /// `LoglikelihoodAcc`: the first largest of the log-likelihoods, by characters in `acc_norm` and by
    /// bytes in `acc_bytes`.
    fn agrees(&self, metric: &str, accuracy: f64) -> Option<[bool; 2]> {
        if self.gold.is_empty() || self.texts.len() < 2 {
            return None;
        }
        let agrees = |lengths: &Lengths| {
            let length = |at: usize| match metric {
                "acc" => 1.0,
                "acc_norm" => lengths.characters[at],
                _ => lengths.bytes[at],
            };
            let known = (0..self.texts.len()).all(|at| length(at) > 0.0);
            let values = self.log_likelihoods.iter().enumerate().map(|(at, ll)| ll / length(at));
            let best = known.then(|| first_largest(values))??;
            Some(self.gold.contains(&best) == (accuracy == 1.0))
        };
        let [stripped, delimited] = &*self.lengths;
        Some([agrees(stripped)?, agrees(delimited)?])
    }

    /// See [`aliquot_tables::responses::Responses::log_likelihood`].
    pub(crate) fn log_likelihood(&self) -> Option<f32> {
        match self.log_likelihoods[..] {
            [alone] if alone.is_finite() => Some(alone.min(0.0) as f32),
            [_] => None,
            _ => of_gold(&self.log_likelihoods, &self.gold),
        }
    }
}

/// Accuracies of a file that the log-likelihoods do not give, for both lengths of [`Scored::agrees`].
#[derive(Default)]
pub(crate) struct Guard {
    first: [Option<(Place, String)>; 2],
    continuous: bool,
}

impl Guard {
    /// Compares the accuracies of one record. Returns whether they are accuracies: neither 0 nor 1
    /// means that the task has its own score of that name.
    pub(crate) fn check<'m>(
        &mut self,
        place: Place,
        scored: &Scored,
        metrics: impl Iterator<Item = (&'m str, f64)>,
    ) -> bool {
        let mut binary = true;
        for (metric, accuracy) in metrics.filter(|(metric, _)| DECIDED.contains(metric)) {
            if accuracy != 0.0 && accuracy != 1.0 {
                binary = false;
                continue;
            }
            let agrees = scored.agrees(metric, accuracy).unwrap_or([true, true]);
            for (first, _) in self.first.iter_mut().zip(agrees).filter(|(_, agrees)| !agrees) {
                first.get_or_insert_with(|| (place, disagreement(metric, accuracy)));
            }
        }
        self.continuous |= !binary;
        binary
    }

    /// Whether the log-likelihoods of the file stand for what they seem to, or where they do not.
    pub(crate) fn verdict(self) -> Result<bool, (Place, String)> {
        match self.first {
            [Some(first), Some(_)] if !self.continuous => Err(first),
            _ => Ok(!self.continuous),
        }
    }
}

fn disagreement(metric: &str, accuracy: f64) -> String {
    format!(
        "`{metric}` is {accuracy}, which the log-likelihoods of the choices do not give; if the task \
         scores in another way, give the results file of the run"
    )
}

/// Natural logarithm of the probability of the gold choices, normalised over all: the softmax of the
/// summed log-likelihoods. None where they are not all numbers or the probability is 0.
fn of_gold(log_likelihoods: &[f64], gold: &[usize]) -> Option<f32> {
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
fn first_largest(values: impl Iterator<Item = f64>) -> Option<usize> {
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
