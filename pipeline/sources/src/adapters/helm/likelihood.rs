//! Log-likelihoods of the choices that HELM asks for one by one (`multiple_choice_separate_*`).

use std::collections::BTreeMap;

use super::records::{RequestState, Token};

/// Scores of one reference.
#[derive(Debug, Clone, Copy, Default)]
struct Asked {
    /// Summed log-likelihood of the reference and its number of tokens, behind the question.
    original: Option<(f64, usize)>,
    /// Summed log-likelihood behind a neutral beginning.
    calibration: Option<f64>,
}

/// What one model gave to the references of one instance.
#[derive(Debug, Default)]
pub(super) struct References {
    asked: BTreeMap<usize, Asked>,
    correct: Vec<bool>,
}

/// What follows from the references.
#[derive(Debug, PartialEq)]
pub(super) struct Likelihood {
    /// Natural logarithm of the probability of the correct references, normalised over all.
    pub gold: f64,
    /// HELM's `exact_match`: the share of correct ones among the references with the best score.
    pub exact_match: f64,
}

impl References {
    /// Takes in one request; its answer's last tokens are the reference.
    pub fn add(&mut self, request: &RequestState) {
        let references = &request.instance.references.0;
        self.correct = references.iter().map(super::records::Reference::is_correct).collect();
        let (Some(index), Some(result)) = (request.reference_index, &request.result) else {
            return;
        };
        let (Some(reference), [completion]) = (references.get(index), &result.completions.0[..])
        else {
            return;
        };
        let asked = self.asked.entry(index).or_default();
        let sum = sum_of(&completion.tokens.0, &reference.output.0);
        match request.request_mode.as_deref() {
            Some("calibration") => asked.calibration = sum.map(|(sum, _)| sum),
            _ => asked.original = sum,
        }
    }

    /// None where a reference was not asked for, or its tokens are not to be told from the question's.
    /// SOURCE: crfm-helm 0.5.16, `BasicReferenceMetric`: by the mean over tokens, or where calibrated by the
    /// difference.
    pub fn likelihood(&self, calibrated: bool) -> Option<Likelihood> {
        let mut sums = Vec::new();
        let mut scores = Vec::new();
        for at in 0..self.correct.len() {
            let asked = self.asked.get(&at)?;
            let (sum, tokens) = asked.original?;
            let difference = calibrated.then(|| asked.calibration.map(|other| sum - other));
            let difference = match difference {
                None => None,
                Some(difference) => Some(difference?),
            };
            sums.push(difference.unwrap_or(sum));
            scores.push(difference.unwrap_or(sum / tokens as f64));
        }
        let best = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let is_best = |at: &usize| scores[*at] >= best;
        let ties = (0..scores.len()).filter(is_best).count();
        let right = (0..scores.len()).filter(is_best).filter(|&at| self.correct[at]).count();
        let gold = (0..sums.len()).filter(|&at| self.correct[at]).map(|at| sums[at]);
        let gold = log_sum(gold) - log_sum(sums.iter().copied());
        gold.is_finite()
            .then(|| Likelihood { gold: gold.min(0.0), exact_match: right as f64 / ties as f64 })
    }
}

/// Logarithm of the sum of exponentials.
fn log_sum(logarithms: impl Iterator<Item = f64> + Clone) -> f64 {
    let largest = logarithms.clone().fold(f64::NEG_INFINITY, f64::max);
    if largest == f64::NEG_INFINITY {
        return largest;
    }
    largest + logarithms.map(|logarithm| (logarithm - largest).exp()).sum::<f64>().ln()
}

/// Summed log-likelihood and number of the last tokens that spell the reference, a space in front of it
/// included; None where no token begins with the reference.
fn sum_of(tokens: &[Token], reference: &str) -> Option<(f64, usize)> {
    let mut left = reference.trim_start();
    let mut sum = 0.0;
    for (count, token) in tokens.iter().rev().enumerate() {
        if left.is_empty() {
            let is_space = !token.text.is_empty() && token.text.trim().is_empty();
            let more = if is_space { token.logprob? } else { 0.0 };
            return Some((sum + more, count + usize::from(is_space)));
        }
        sum += token.logprob?;
        if token.text.trim_start() == left {
            if token.text.len() > left.len() {
                return Some((sum, count + 1));
            }
            left = "";
        } else {
            left = left.strip_suffix(token.text.as_str())?;
        }
    }
    (left.is_empty() && !tokens.is_empty()).then_some((sum, tokens.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(index: usize, mode: &str, tokens: &[(&str, f64)]) -> RequestState {
        let tokens: Vec<_> = tokens
            .iter()
            .map(|(text, logprob)| serde_json::json!({"text": text, "logprob": logprob}))
            .collect();
        serde_json::from_value(serde_json::json!({
            "instance": {"input": {"text": "Capital?"}, "references": [
                {"output": {"text": "New York"}, "tags": []}, {"output": {"text": "Paris"}, "tags": ["correct"]}]},
            "reference_index": index, "request_mode": mode,
            "result": {"success": true, "completions": [{"tokens": tokens}]}}))
        .unwrap()
    }

    #[test]
    fn the_reference_is_told_from_the_question() {
        let tokens = |texts: &[&str]| -> Vec<Token> {
            texts
                .iter()
                .map(|text| Token { text: (*text).to_owned(), logprob: Some(-1.0) })
                .collect()
        };
        assert_eq!(sum_of(&tokens(&["Q?", " New", " York"]), "New York"), Some((-2.0, 2)));
        assert_eq!(sum_of(&tokens(&["Q?", " ", "Par", "is"]), "Paris"), Some((-3.0, 3)));
        assert_eq!(sum_of(&tokens(&["Q?Par", "is"]), "Paris"), None);
        assert_eq!(sum_of(&tokens(&[]), "Paris"), None);
    }

    #[test]
    fn likelihood_and_exact_match_follow_the_tools_rule() {
        let mut references = References::default();
        references.add(&request(0, "original", &[("Q", -9.0), (" New", -1.0), (" York", -1.0)]));
        assert_eq!(references.likelihood(false), None);
        references.add(&request(1, "original", &[("Q", -9.0), (" Paris", -1.5)]));
        let likelihood = references.likelihood(false).unwrap();
        // By tokens -1 against -1.5: wrong; by sums -2 against -1.5: 1 / (1 + e^-0.5).
        assert_eq!(likelihood.exact_match, 0.0);
        assert!((likelihood.gold - (1.0 / (1.0 + (-0.5f64).exp())).ln()).abs() < 1e-12);
        references.add(&request(
            0,
            "calibration",
            &[("Answer", -9.0), (" New", -0.5), (" York", -0.5)],
        ));
        references.add(&request(1, "calibration", &[("Answer", -9.0), (" Paris", -3.0)]));
        assert_eq!(references.likelihood(true).unwrap().exact_match, 1.0);
    }
}
