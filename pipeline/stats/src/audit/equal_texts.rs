//! The same question twice.

use std::collections::BTreeMap;

/// Groups of equal texts, each ascending, in order of their first member; single ones are left out.
///
/// A text is a list of parts, such as the question and its choices, equal where all parts are, byte by
/// byte: the caller folds what shall not matter. Compared by BLAKE3, 32 bytes a text in memory.
pub fn equal_texts<P: AsRef<[u8]>, T: AsRef<[P]>>(
    texts: impl IntoIterator<Item = T>,
) -> Vec<Vec<usize>> {
    let mut groups: BTreeMap<[u8; 32], Vec<usize>> = BTreeMap::new();
    for (at, text) in texts.into_iter().enumerate() {
        let mut hasher = blake3::Hasher::new();
        for part in text.as_ref() {
            let part = part.as_ref();
            // With their lengths, or else "ab", "c" would be "a", "bc".
            hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
        }
        groups.entry(*hasher.finalize().as_bytes()).or_default().push(at);
    }
    let mut groups: Vec<Vec<usize>> =
        groups.into_values().filter(|group| group.len() > 1).collect();
    groups.sort();
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_equal_where_all_parts_are() {
        let texts = [
            ["Why?", "[\"a\"]"],
            ["What?", ""],
            ["Why?", "[\"b\"]"],
            ["Why?", "[\"a\"]"],
            ["what?", ""],
            ["What?", ""],
            ["Why?[", "\"a\"]"],
        ];
        assert_eq!(equal_texts(texts), [vec![0, 3], vec![1, 5]]);
        assert!(equal_texts::<&str, [&str; 1]>([]).is_empty());
    }
}
