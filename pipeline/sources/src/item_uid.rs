use std::{borrow::Cow, collections::HashMap};

use aliquot_store::{ObjectId, canonical::CanonicalError};
use serde::Serialize;
use unicode_normalization::UnicodeNormalization;

/// What makes an item the item that it is.
///
/// The item uid is BLAKE3 of the RFC 8785 JSON of this struct's fields, `stem` folded by
/// [`folded`], plus `occurrence`, and `media: []` as long as no adapter carries media.
#[derive(Debug, Clone, Copy)]
pub struct ItemContent<'a> {
    /// Benchmark.
    pub benchmark: &'a str,
    /// Configuration or baseline; empty where there is one only.
    pub config: &'a str,
    /// Split of the data set; empty where unknown.
    pub split: &'a str,
    /// The question.
    pub stem: &'a str,
    /// Ordered choices; None for open questions.
    pub choices: Option<&'a [String]>,
    /// Reference answer, where it is part of the question.
    pub target: Option<&'a str>,
}

impl ItemContent<'_> {
    /// The uid as hexadecimal digits; `occurrence` tells items of equal content apart.
    pub fn uid(&self, occurrence: u32) -> Result<String, CanonicalError> {
        Ok(self.id(occurrence)?.to_string())
    }

    fn id(&self, occurrence: u32) -> Result<ObjectId, CanonicalError> {
        let text = self.canonical(occurrence).map_err(CanonicalError::Serialize)?;
        Ok(ObjectId::of(&text))
    }

    /// The RFC 8785 JSON, its members in order as written here: a general sort and a tree of values would
    /// take most of the time that reading a log takes. `serde_json` writes texts as the RFC asks.
    fn canonical(&self, occurrence: u32) -> Result<Vec<u8>, serde_json::Error> {
        let Self { benchmark, config, split, stem, choices, target } = *self;
        let mut out = Vec::with_capacity(2 * stem.len() + 512);
        member(&mut out, r#"{"benchmark":"#, benchmark)?;
        member(&mut out, r#","choices":"#, &choices)?;
        member(&mut out, r#","config":"#, config)?;
        member(&mut out, r#","media":[],"occurrence":"#, &occurrence)?;
        member(&mut out, r#","split":"#, split)?;
        member(&mut out, r#","stem":"#, &*folded(stem))?;
        member(&mut out, r#","target":"#, &target)?;
        out.push(b'}');
        Ok(out)
    }
}

fn member<T: Serialize + ?Sized>(
    out: &mut Vec<u8>,
    key: &str,
    value: &T,
) -> Result<(), serde_json::Error> {
    out.extend_from_slice(key.as_bytes());
    serde_json::to_writer(out, value)
}

/// Unicode NFC, runs of white space as one space, none at the ends: tools differ in all three.
pub fn folded(text: &str) -> Cow<'_, str> {
    // ASCII is its own normal form, and most prompts are ASCII.
    let normal: Cow<'_, str> = if text.is_ascii() { text.into() } else { text.nfc().collect() };
    if is_folded_ascii(&normal) {
        return normal;
    }
    let mut out = String::with_capacity(normal.len());
    for word in normal.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out.into()
}

/// Whether it is ASCII with no white space but single spaces inside.
fn is_folded_ascii(text: &str) -> bool {
    let mut space = true;
    for byte in text.bytes() {
        if !byte.is_ascii() || (byte == b' ' && space) || (b'\t'..=b'\r').contains(&byte) {
            return false;
        }
        space = byte == b' ';
    }
    !space || text.is_empty()
}

/// Counts how often each content came up in one file.
#[derive(Debug, Default)]
pub struct Occurrences {
    seen: HashMap<ObjectId, u32>,
}

impl Occurrences {
    /// Uid and occurrence of the next item with this content.
    pub fn next_uid(&mut self, content: &ItemContent<'_>) -> Result<(String, u32), CanonicalError> {
        let first = content.id(0)?;
        let count = self.seen.entry(first).or_insert(0);
        let occurrence = *count;
        *count += 1;
        let id = if occurrence == 0 { first } else { content.id(occurrence)? };
        Ok((id.to_string(), occurrence))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(stem: &str) -> ItemContent<'_> {
        ItemContent { benchmark: "b", config: "", split: "test", stem, choices: None, target: None }
    }

    #[test]
    fn white_space_and_unicode_form_do_not_matter_and_everything_else_does() {
        let uid = content("Caf\u{e9}  au\nlait?").uid(0).unwrap();
        assert_eq!(uid, content(" Cafe\u{301} au lait? ").uid(0).unwrap());
        assert_ne!(uid, content("Cafe au lait?").uid(0).unwrap());
        for text in
            ["a b", " a b", "a b ", "a  b", "a\tb", "a\u{b}b", "\u{c}a b", "a \nb", "a\u{2003}b"]
        {
            assert_eq!(folded(text), "a b", "{text:?}");
        }
        assert_eq!(folded("a\u{1f}b\0"), "a\u{1f}b\0");
        assert_eq!((folded(""), folded(" ")), ("".into(), "".into()));
        assert_ne!(uid, content("Caf\u{e9} au lait?").uid(1).unwrap());
        let choices = ["a".to_owned(), "b".to_owned()];
        let open = content("Which?");
        assert_ne!(
            open.uid(0).unwrap(),
            ItemContent { choices: Some(&choices), ..open }.uid(0).unwrap()
        );
    }

    #[test]
    fn equal_items_are_counted() {
        let mut occurrences = Occurrences::default();
        let (first, zero) = occurrences.next_uid(&content("same")).unwrap();
        let (second, one) = occurrences.next_uid(&content("same ")).unwrap();
        assert_eq!((zero, one), (0, 1));
        assert_ne!(first, second);
    }

    #[test]
    fn the_uid_is_that_of_the_canonical_json() {
        let choices = ["\u{e9}\n\"".to_owned(), String::new()];
        let content = ItemContent {
            choices: Some(&choices),
            target: Some("\u{1}\u{1f600}"),
            ..content("a\\b")
        };
        let value = serde_json::json!({
            "stem": "a\\b", "choices": choices, "target": "\u{1}\u{1f600}", "benchmark": "b",
            "config": "", "split": "test", "media": [], "occurrence": 3,
        });
        let digest = aliquot_store::canonical::digest(&value).unwrap();
        assert_eq!(content.uid(3).unwrap(), digest.to_string());
    }

    #[test]
    fn the_uid_is_pinned() {
        // Golden value: a change here orphans every published item.
        assert_eq!(content("What is 2 + 2?").uid(0).unwrap(), PINNED);
    }
    const PINNED: &str = "b36f84f1bd8edbc790d3c08c2aada9b5b9c1a0eabcfcf2860ecfdedd0da539ad";
}
