//! What looks wrong in a benchmark's results: each check a pure function over scores or texts.
//!
//! Items: [`mod@equal_texts`] (the same question twice), [`mod@similar_texts`] (nearly so),
//! [`mod@negative_items`] (weaker models do better). Models: [`copies`] (answers too alike).
//! Scores: [`impossible`] (no score at all), [`mod@missingness`] (gaps that depend on the score that
//! would be there). Runs: [`mod@drift`] (settings that differ from the usual ones). A check reports what
//! it saw with figures; what is done about it is the caller's.

pub mod copies;
pub mod drift;
pub mod equal_texts;
mod expected;
pub mod impossible;
pub mod minhash;
pub mod missingness;
pub mod multiplicity;
pub mod negative_items;
mod packed;
pub mod shingles;
pub mod similar_texts;

pub use copies::{Likeness, SuspectedCopy, suspected_copies};
pub use drift::{Drift, Setting, drift};
pub use equal_texts::equal_texts;
pub use impossible::{Census, Fault};
pub use missingness::{Association, Missingness, missingness};
pub use multiplicity::benjamini_hochberg;
pub use negative_items::{NegativeItem, negative_items};
pub use similar_texts::{SimilarTexts, similar_texts};

/// The member of a group that stands for it: the one with the most answers, the first of several.
pub fn representative(group: &[usize], answers: &[usize]) -> Option<usize> {
    group.iter().copied().max_by_key(|&member| (answers[member], std::cmp::Reverse(member)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_answered_stands_for_a_group_and_the_first_of_equals() {
        assert_eq!(representative(&[0, 2, 3], &[1, 9, 5, 5]), Some(2));
        assert_eq!(representative(&[], &[]), None);
    }
}
