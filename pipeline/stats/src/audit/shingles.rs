//! A text as the set of its runs of three tokens.

/// Tokens of a shingle. Broder, "On the resemblance and containment of documents", 1997, takes ten words
/// of long pages; questions are short, and three keep some of the order.
pub const TOKENS: usize = 3;

/// Hashes of the distinct runs of [`TOKENS`] tokens of a text, ascending; the whole text where it has
/// fewer tokens, nothing where it has none.
///
/// A token is a run of letters and digits, in lower case, or any other character that is no white space:
/// in `2 - 3` the sign tells items apart. Letters of scripts written without spaces are tokens of their
/// own. The caller brings texts to one Unicode form.
pub fn shingles(text: &str) -> Vec<u64> {
    let tokens = tokens(text);
    let hash = |run: &[u64]| run.iter().fold(0, |hash, token| mixed(hash ^ token));
    let mut shingles: Vec<u64> = match tokens.len() {
        0 => Vec::new(),
        1..TOKENS => vec![hash(&tokens)],
        _ => tokens.windows(TOKENS).map(hash).collect(),
    };
    shingles.sort_unstable();
    shingles.dedup();
    shingles
}

/// Jaccard similarity of two sets, each ascending without repetition: shared over all, 0 of two empty
/// ones. Exact but for collisions of 64-bit hashes, some 10^-15 for a pair of long texts.
pub fn jaccard(left: &[u64], right: &[u64]) -> f64 {
    let (mut shared, mut at) = (0_usize, 0);
    for value in left {
        while right.get(at).is_some_and(|other| other < value) {
            at += 1;
        }
        shared += usize::from(right.get(at) == Some(value));
    }
    let all = left.len() + right.len() - shared;
    if all == 0 { 0.0 } else { shared as f64 / all as f64 }
}

/// One hash a token.
fn tokens(text: &str) -> Vec<u64> {
    let (mut tokens, mut word) = (Vec::new(), None);
    for character in text.chars() {
        let joins = character.is_alphanumeric() && !stands_alone(character);
        if !joins {
            tokens.extend(word.take());
        }
        if character.is_whitespace() {
            continue;
        }
        let before = if joins { word.unwrap_or(WORD) } else { WORD };
        let hash = character.to_lowercase().fold(before, |hash, part| mixed(hash ^ part as u64));
        if joins {
            word = Some(hash);
        } else {
            tokens.push(hash);
        }
    }
    tokens.extend(word);
    tokens
}

/// Start of a token's hash, so that no token is like an empty run.
const WORD: u64 = 0x9e37_79b9_7f4a_7c15;

/// Scripts written without spaces between words: Thai to Myanmar and Khmer, kana, Han.
fn stands_alone(character: char) -> bool {
    matches!(
        character,
        '\u{e00}'..='\u{eff}'
            | '\u{1000}'..='\u{109f}'
            | '\u{1780}'..='\u{17ff}'
            | '\u{3040}'..='\u{30ff}'
            | '\u{3400}'..='\u{9fff}'
            | '\u{f900}'..='\u{faff}'
            | '\u{20000}'..='\u{3ffff}'
    )
}

/// The finaliser of SplitMix64, a bijection whose output bits each depend on all input bits (Steele, Lea
/// and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014).
pub(super) fn mixed(value: u64) -> u64 {
    let value = value.wrapping_add(WORD);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_finaliser_is_that_of_splitmix64() {
        // First outputs of the generator seeded with 1234567, as published with the algorithm.
        assert_eq!(mixed(1_234_567), 6_457_827_717_110_365_317);
        assert_eq!(mixed(1_234_567_u64.wrapping_add(WORD)), 3_203_168_211_198_807_973);
    }

    #[test]
    fn tokens_are_words_signs_and_single_letters_of_unspaced_scripts() {
        assert_eq!(tokens("Is 2+3, x_1?").len(), 9);
        assert_eq!(tokens("a\u{7b54}\u{6848}b").len(), 4);
        assert_eq!(tokens("The CAT"), tokens("the  cat"));
        assert_ne!(tokens("2 + 3"), tokens("2 - 3"));
        assert_ne!(tokens("ab c"), tokens("a bc"));
        assert!(tokens(" \t").is_empty());
    }

    #[test]
    fn similarity_equals_counts_by_hand() {
        // Four shingles each, of which "a b c" and "b c d" are shared: 2 / 6.
        let (left, right) = (shingles("a b c d e f"), shingles("a b c d x y"));
        assert_eq!((left.len(), right.len()), (4, 4));
        assert!((jaccard(&left, &right) - 2.0 / 6.0).abs() < 1e-15);
        assert_eq!(jaccard(&left, &left), 1.0);
        assert_eq!(jaccard(&[], &[]), 0.0);
        assert_eq!(jaccard(&left, &[]), 0.0);
        assert_eq!(shingles("a b a b a b").len(), 2);
        assert_eq!((shingles("one word").len(), shingles("").len()), (1, 0));
    }
}
