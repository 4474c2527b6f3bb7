//! Texts that say nearly the same, word by word.

use std::borrow::Cow;

use super::{
    minhash::Banding,
    shingles::{jaccard, shingles},
};
use crate::{StatsError, cluster::Groups};

/// Comparisons for each text, on average over all bands, before pairs are left out: templates with one
/// blank would make them quadratic.
const COMPARISONS: u64 = 200;
/// Comparisons that are always made: a few seconds.
const AFFORDABLE: u64 = 5_000_000;

/// Texts that are alike, by what they share.
#[derive(Debug, Clone, PartialEq)]
pub struct SimilarTexts {
    /// Texts joined by pairs at or above the threshold, directly or by way of others; each group
    /// ascending, the groups in order of their first text.
    pub groups: Vec<Vec<usize>>,
    /// For each text the highest similarity that was seen among those at or above the threshold.
    pub nearest: Vec<Option<f64>>,
    /// Pairs that were compared in full.
    pub compared: u64,
    /// Times that a text met a group and was not compared, because so many did: above zero, the list may
    /// lack some.
    pub left_out: u64,
}

/// Groups of texts whose Jaccard similarity over runs of three tokens is at least `threshold`.
///
/// Candidates by MinHash and bands ([`Banding::for_threshold`]: at least 99.9 % of the pairs at the
/// threshold meet, more of those above), each verified in full, so that every pair that joins a group
/// is at or above the threshold. One pass hashes all texts; then texts of a bucket are compared with those
/// before them, until they are in one group. `text(i)` gives text i, and is asked again when it is compared. Memory is
/// `4 x bands` bytes a text (100 at 0.8) besides the shingles of at most 4,096 texts of a bucket; time is linear in
/// the length of all texts times the bands, and in the comparisons, at most 200 a text on average.
///
/// In a text of n tokens one other word changes 3 of n - 2 runs: at 0.8 it takes 29 words before that is
/// near, so short questions that differ in a number are not. Texts of fewer than t / (1 - t) runs, 4 at 0.8,
/// are near no other one that differs at all, and are left out. Errors with [`StatsError::BadParameter`] for a
/// threshold outside [0.5, 1]: below, too few pairs would meet for too many comparisons.
pub fn similar_texts<'t>(
    count: usize,
    text: impl Fn(usize) -> Cow<'t, str>,
    threshold: f64,
) -> Result<SimilarTexts, StatsError> {
    if !(0.5..=1.0).contains(&threshold) {
        let (what, range) = ("the Jaccard similarity of near-duplicates", "[0.5, 1]");
        return Err(StatsError::BadParameter { what, range, value: threshold });
    }
    let banding = Banding::for_threshold(threshold);
    // One row a text that has tokens.
    let (mut texts, mut keys) = (Vec::new(), Vec::new());
    // Of fewer runs a single other one is too much: s / (s + 1) has to be the threshold at least.
    let fewest = if threshold < 1.0 { threshold / (1.0 - threshold) - ROUNDING } else { 1.0 };
    for at in 0..count {
        let set = shingles(&text(at));
        if set.len() as f64 >= fewest {
            texts.push(at);
            keys.extend(banding.keys(&set).into_iter().flatten());
        }
    }
    let mut search = Search {
        text: &text,
        threshold,
        groups: Groups::new(count),
        nearest: vec![None; count],
        compared: 0,
        left_out: 0,
        budget: AFFORDABLE.max(COMPARISONS * count as u64),
    };
    for band in 0..banding.bands {
        let key = |row: &usize| keys[row * banding.bands + band];
        let mut rows: Vec<usize> = (0..texts.len()).collect();
        rows.sort_by_key(|row| (key(row), *row));
        for bucket in rows.chunk_by(|one, other| key(one) == key(other)) {
            search.compare(&bucket.iter().map(|&row| texts[row]).collect::<Vec<_>>());
        }
    }
    let Search { groups, nearest, compared, left_out, .. } = search;
    Ok(SimilarTexts { groups: groups.finish(), nearest, compared, left_out })
}

/// Texts of one bucket whose shingles are held in memory; later ones are compared with these.
const HELD: usize = 4096;

/// What a quotient of the threshold may be above a whole number.
const ROUNDING: f64 = 1e-9;

struct Search<'a, T> {
    text: &'a T,
    threshold: f64,
    groups: Groups,
    nearest: Vec<Option<f64>>,
    compared: u64,
    left_out: u64,
    budget: u64,
}

/// Texts of a bucket that are in one group, with their shingles.
type Members = Vec<(usize, Vec<u64>)>;

impl<'t, T: Fn(usize) -> Cow<'t, str>> Search<'_, T> {
    /// Compares each text of a bucket with those before it, until it is known to be in their group.
    fn compare(&mut self, bucket: &[usize]) {
        let first = self.groups.first(bucket[0]);
        if bucket.iter().all(|&text| self.groups.first(text) == first) {
            return;
        }
        let mut before: Vec<Members> = Vec::new();
        let mut held = 0;
        for &text in bucket {
            let set = shingles(&(self.text)(text));
            for members in &before {
                self.meet(text, &set, members);
            }
            let (own, others): (Vec<Members>, _) = std::mem::take(&mut before)
                .into_iter()
                .partition(|members| self.groups.first(members[0].0) == self.groups.first(text));
            before = others;
            let mut own: Members = own.into_iter().flatten().collect();
            if held < HELD {
                own.push((text, set));
                held += 1;
            }
            before.extend((!own.is_empty()).then_some(own));
        }
    }

    /// Compares a text with members of one group, up to the first that it is like.
    fn meet(&mut self, text: usize, set: &[u64], members: &Members) {
        if self.groups.first(members[0].0) == self.groups.first(text) {
            return;
        }
        for (member, other) in members {
            if self.compared >= self.budget {
                self.left_out += 1;
                return;
            }
            self.compared += 1;
            let similarity = jaccard(set, other);
            if similarity >= self.threshold {
                self.groups.join(text, *member);
                for text in [text, *member] {
                    let best = self.nearest[text].map_or(similarity, |best| best.max(similarity));
                    self.nearest[text] = Some(best);
                }
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Stream;

    /// A text of that many words of a vocabulary of 2,000.
    fn words(count: usize, stream: &mut Stream) -> Vec<String> {
        (0..count).map(|_| format!("w{}", stream.below(2000))).collect()
    }

    fn found(texts: &[String], threshold: f64) -> SimilarTexts {
        similar_texts(texts.len(), |at| texts[at].as_str().into(), threshold).unwrap()
    }

    #[test]
    fn groups_equal_those_of_all_pairs() {
        // 40 texts, each with copies in which ever more words differ: similarities all over the range.
        let mut stream = Stream::new(1, "texts", 0);
        let mut texts = Vec::new();
        for _ in 0..40 {
            let mut text = words(60, &mut stream);
            for _ in 0..6 {
                texts.push(text.join(" "));
                for _ in 0..stream.below(4) {
                    let at = stream.below(text.len());
                    text[at] = format!("new{}", stream.below(1_000_000));
                }
            }
        }
        let sets: Vec<Vec<u64>> = texts.iter().map(|text| shingles(text)).collect();
        let mut groups = Groups::new(texts.len());
        let mut near = 0;
        for left in 0..texts.len() {
            for right in left + 1..texts.len() {
                if jaccard(&sets[left], &sets[right]) >= 0.8 {
                    groups.join(left, right);
                    near += 1;
                }
            }
        }
        let found = found(&texts, 0.8);
        assert!(near > 100, "{near}");
        assert_eq!((found.groups, found.left_out), (groups.finish(), 0));
        assert!(found.nearest.iter().flatten().all(|similarity| *similarity >= 0.8));
    }

    #[test]
    fn recall_at_the_threshold_is_that_of_the_formula_and_nothing_below_is_reported() {
        // Word k of n other: 3 of n - 2 runs differ, J = (n - 5) / (n + 1): 0.8 at 29 words.
        let mut stream = Stream::new(2, "recall", 0);
        let mut texts = Vec::new();
        for at in 0..2000 {
            let text = words(if at % 2 == 0 { 29 } else { 28 }, &mut stream);
            let mut other = text.clone();
            other[14] = "another".to_owned();
            texts.extend([text.join(" "), other.join(" ")]);
        }
        let found = found(&texts, 0.8);
        let hits = found.groups.iter().filter(|group| group[0] % 4 == 0).count();
        // Expected 999.95 of 1,000.
        assert!(hits >= 998, "{hits}");
        assert_eq!(hits, found.groups.len(), "28 words are below the threshold");
        assert!(found.groups.iter().all(|group| group[0] + 1 == group[1]));
    }

    #[test]
    fn independent_texts_are_not_alike_and_empty_ones_are_like_no_other() {
        let mut stream = Stream::new(4, "clean", 0);
        let mut texts: Vec<String> = (0..3000).map(|_| words(40, &mut stream).join(" ")).collect();
        texts.extend([String::new(), String::new()]);
        assert!(found(&texts, 0.5).groups.is_empty());
        // Ids that stand for unknown texts share their prefix, and are too short to be near.
        let ids: Vec<String> = (0..50).map(|at| format!("bench_mark:{at}")).collect();
        assert_eq!(found(&ids, 0.8).compared, 0);
        let bad = |threshold| similar_texts(0, |_| "".into(), threshold);
        assert!(bad(0.49).is_err() && bad(f64::NAN).is_err() && bad(1.1).is_err());
        assert!(bad(0.8).unwrap().groups.is_empty());
    }

    #[test]
    fn a_template_with_a_blank_is_bounded_and_says_so() {
        // 150 shared words and 25 of its own: similarity 148 / 200, short of the threshold.
        let mut stream = Stream::new(5, "template", 0);
        let shared = words(150, &mut stream).join(" ");
        let texts: Vec<String> =
            (0..3000).map(|_| format!("{shared} {}", words(25, &mut stream).join(" "))).collect();
        let found = found(&texts, 0.8);
        assert!(found.groups.is_empty());
        assert!(found.compared <= AFFORDABLE && found.left_out > 0, "{}", found.compared);
    }
}
