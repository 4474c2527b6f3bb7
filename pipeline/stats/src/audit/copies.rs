//! Models whose answers are too alike to be independent.

use super::{expected::Expected, packed::Packed};
use crate::{StatsError, matrix::ResponseMatrix};

/// When two models count as suspiciously alike; both have to hold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Likeness {
    /// Share of the differences to be expected that are not there, at least: 1 for copies, about 0 for
    /// models that share nothing but their ability. 0.8 asks for less than a fifth of them.
    pub similarity: f64,
    /// Probability that among independent models any pair at all is reported, at most.
    pub level: f64,
}

impl Default for Likeness {
    fn default() -> Self {
        Self { similarity: 0.8, level: 0.001 }
    }
}

/// A model that answers as an earlier one does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SuspectedCopy {
    /// Number of the model.
    pub model: usize,
    /// Number of the earlier model that it is most alike.
    pub of: usize,
    /// Whether the two are declared relatives.
    pub related: bool,
    /// Items that both answered.
    pub items: usize,
    /// Items on which they differ.
    pub differing: u32,
    /// Items on which independent models of their abilities would differ, on average.
    pub expected: f64,
    /// Natural logarithm of the bound on the p value, times the number of pairs.
    pub log_p: f64,
}

impl SuspectedCopy {
    /// Share of the expected differences that are not there, in (-infinity, 1].
    pub fn similarity(&self) -> f64 {
        1.0 - f64::from(self.differing) / self.expected
    }
}

/// Models of `order` that answer as an earlier one does, with the one each is most alike.
///
/// An answer is above or not above the mean of its item over the models: right or wrong on 0/1 items. Under
/// the null, answers of two models are independent given their abilities and the items' curves, so the
/// number of differing items is a sum of independent 0/1 variables with known mean: the generalised
/// binomial test (van der Linden and Sotaridona, "Detecting answer copying when the regular response
/// process follows a known response model", J. Educational and Behavioral Statistics 31, 2006; for the
/// index of which it is the exact form see Wollack, "A nominal response model approach for detecting answer
/// copying", Applied Psychological Measurement 21, 1997). Its tail is bounded by Hoeffding, J. American
/// Statistical Association 58 (1963), theorem 1, which needs the mean only and never understates p, and
/// corrected by Bonferroni for all pairs. Curves are fitted to all models, copies too, which makes the test
/// miss rather than accuse. Models of one family share more than ability: significance alone would report
/// them all, so [`Likeness::similarity`] asks for a size as well.
///
/// A model is compared with those before it in `order` that are no copies of unrelated ones themselves;
/// for each the most alike unrelated one is told, or else the most alike relative. Models that are on one
/// side of all means prove nothing and are left out, and so is every model that is not in `order`.
/// Answers are packed to bits and a comparison ends once too many differ: models squared x items / 64
/// words at worst.
///
/// Errors with [`StatsError::BadParameter`] for a similarity outside (0, 1] or a level outside (0, 1).
pub fn suspected_copies(
    matrix: &ResponseMatrix,
    order: &[usize],
    related: impl Fn(usize, usize) -> bool,
    likeness: Likeness,
) -> Result<Vec<SuspectedCopy>, StatsError> {
    check("the similarity of copies", "(0, 1]", likeness.similarity, likeness.similarity <= 1.0)?;
    check("the level of the test for copies", "(0, 1)", likeness.level, likeness.level < 1.0)?;
    let packed = Packed::new(matrix, &item_means(matrix));
    let expected = Expected::new(matrix, &packed);
    let pairs = (order.len() * order.len().saturating_sub(1) / 2).max(1);
    let search = Search { packed, expected, likeness, log_pairs: libm::log(pairs as f64) };
    let mut originals: Vec<usize> = Vec::new();
    let mut found = Vec::new();
    for &model in order.iter().filter(|&&model| search.varies(model, matrix.items())) {
        let (mut stranger, mut relative) = (None, None);
        for &of in &originals {
            let Some(copy) = search.pair(model, of) else { continue };
            let related = related(model, of);
            let best = if related { &mut relative } else { &mut stranger };
            let copy = SuspectedCopy { related, ..copy };
            if best.is_none_or(|best: SuspectedCopy| copy.similarity() > best.similarity()) {
                *best = Some(copy);
            }
        }
        originals.extend(stranger.is_none().then_some(model));
        found.extend(stranger.or(relative));
    }
    Ok(found)
}

fn check(
    what: &'static str,
    range: &'static str,
    value: f64,
    fits: bool,
) -> Result<(), StatsError> {
    if value > 0.0 && fits { Ok(()) } else { Err(StatsError::BadParameter { what, range, value }) }
}

/// Mean score of each item; 0 of one without scores.
fn item_means(matrix: &ResponseMatrix) -> Vec<f64> {
    let (mut sums, mut counts) = (vec![0.0; matrix.items()], vec![0_u32; matrix.items()]);
    for model in 0..matrix.models() {
        for (item, (sum, count)) in sums.iter_mut().zip(&mut counts).enumerate() {
            if let Some(score) = matrix.get(model, item) {
                *sum += score;
                *count += 1;
            }
        }
    }
    sums.into_iter().zip(counts).map(|(sum, count)| sum / f64::from(count.max(1))).collect()
}

struct Search {
    packed: Packed,
    expected: Expected,
    likeness: Likeness,
    log_pairs: f64,
}

impl Search {
    /// Whether some answers of a model are above the means and some are not.
    fn varies(&self, model: usize, items: usize) -> bool {
        let mut sides = (0..items)
            .filter(|&item| self.packed.is_given(model, item))
            .map(|item| self.packed.is_above(model, item));
        sides.next().is_some_and(|first| sides.any(|side| side != first))
    }

    /// None unless the two are alike.
    fn pair(&self, model: usize, of: usize) -> Option<SuspectedCopy> {
        let part = 1.0 - self.likeness.similarity;
        let limit = part * self.expected.differing(model, of);
        let differing = self.packed.differing(model, of, limit as u32)?;
        let items = self.packed.common(model, of).count();
        let expected = self.expected.differing_on(model, of, self.packed.common(model, of));
        if f64::from(differing) > part * expected {
            return None;
        }
        let log_p = log_tail(f64::from(differing), expected, items as f64) + self.log_pairs;
        let copy = SuspectedCopy { model, of, related: false, items, differing, expected, log_p };
        (log_p <= libm::log(self.likeness.level)).then_some(copy)
    }
}

/// Hoeffding's bound on the logarithm of P(as few as `count`), for a sum of `terms` independent 0/1
/// variables with the mean `expected` above it: minus terms times the Kullback-Leibler divergence.
fn log_tail(count: f64, expected: f64, terms: f64) -> f64 {
    if terms <= 0.0 || count >= expected {
        return 0.0;
    }
    let (share, mean) = (count / terms, expected / terms);
    let part = |x: f64, y: f64| if x > 0.0 { x * libm::log(x / y) } else { 0.0 };
    -terms * (part(share, mean) + part(1.0 - share, 1.0 - mean))
}

#[cfg(test)]
mod tests;
