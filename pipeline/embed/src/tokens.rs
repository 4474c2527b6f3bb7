//! Texts as windows of token ids, in bounded memory.
//!
//! The tokenizer keeps several words for every byte it is handed, so a long text goes through it in
//! pieces, and only as far as there are windows to fill. A piece ends where a word of a BERT
//! tokenizer ends in any case: before white space (ASCII, or the ideographic space), before ASCII
//! punctuation other than `]` (which closes the special tokens), before a CJK ideograph. So the
//! tokens are those of the whole text. A run without such a place that is longer than [`LONGEST_RUN`] is cut all the same;
//! a word of that length is `[UNK]` to the model, and two are.

use std::{borrow::Cow, path::Path};

use tokenizers::{NormalizerWrapper, PreTokenizerWrapper, Tokenizer};

use crate::{EmbedError, ModelManifest};

/// Bytes of a piece for each token of a window: four times the English average, so that one piece
/// nearly always fills a window.
const PIECE_BYTES_PER_TOKEN: usize = 16;

/// Bytes after which a run is cut that offers no place to.
const LONGEST_RUN: usize = 64 << 10;

/// Turns texts into windows.
pub(crate) struct Windows {
    tokenizer: Tokenizer,
    prefix: String,
    first: i64,
    last: i64,
    content: usize,
    limit: usize,
}

/// The windows of one text.
pub(crate) struct Windowed {
    /// Each with its special tokens, none longer than the model's maximum; at least one.
    pub windows: Vec<Vec<i64>>,
    /// Whether tokens were left out.
    pub truncated: bool,
}

impl Windows {
    /// `bytes` is the content of `path`, a `tokenizer.json`.
    pub(crate) fn new(
        manifest: &ModelManifest,
        path: &Path,
        bytes: &[u8],
    ) -> Result<Self, EmbedError> {
        let refused = |message: String| EmbedError::Tokenizer { path: path.to_owned(), message };
        let mut tokenizer =
            Tokenizer::from_bytes(bytes).map_err(|error| refused(error.to_string()))?;
        if !is_bert(&tokenizer) {
            return Err(refused(
                "it is no BERT tokenizer (BertNormalizer, BertPreTokenizer), the one kind that is supported"
                    .to_owned(),
            ));
        }
        tokenizer.with_padding(None);
        tokenizer.with_truncation(None).map_err(|error| refused(error.to_string()))?;
        let empty = tokenizer.encode_fast("", true).map_err(|error| refused(error.to_string()))?;
        let &[first, last] = empty.get_ids() else {
            return Err(refused(format!(
                "an empty text has the tokens {:?}; expected two special ones",
                empty.get_ids()
            )));
        };
        Ok(Self {
            tokenizer,
            prefix: manifest.prefix.clone(),
            first: i64::from(first),
            last: i64::from(last),
            content: manifest.maximum_tokens - 2,
            limit: manifest.long_texts.windows(),
        })
    }

    /// The windows of a text. An empty one has one window, of the two special tokens.
    pub(crate) fn of(&self, text: &str) -> Result<Windowed, tokenizers::Error> {
        let text = if self.prefix.is_empty() {
            Cow::Borrowed(text)
        } else {
            Cow::Owned(format!("{}{text}", self.prefix))
        };
        let wanted = self.content * self.limit;
        let mut ids: Vec<i64> = Vec::new();
        let mut rest = &*text;
        while !rest.is_empty() && ids.len() <= wanted {
            let (piece, after) = rest.split_at(piece_end(rest, self.piece_bytes()));
            let encoding = self.tokenizer.encode_fast(piece, false)?;
            ids.extend(encoding.get_ids().iter().map(|&id| i64::from(id)));
            rest = after;
        }
        let truncated = ids.len() > wanted;
        ids.truncate(wanted);
        Ok(Windowed { windows: self.framed(&ids), truncated })
    }

    /// Work that a text of so many bytes can make at most, in bytes; for the time left.
    pub(crate) fn work(&self, bytes: usize) -> u64 {
        // A text always costs its special tokens and a run.
        (bytes.min(4 * self.content * self.limit) + 16) as u64
    }

    fn piece_bytes(&self) -> usize {
        PIECE_BYTES_PER_TOKEN * self.content
    }

    fn framed(&self, ids: &[i64]) -> Vec<Vec<i64>> {
        let window = |part: &[i64]| {
            let mut window = Vec::with_capacity(part.len() + 2);
            window.push(self.first);
            window.extend_from_slice(part);
            window.push(self.last);
            window
        };
        if ids.is_empty() {
            return vec![window(&[])];
        }
        ids.chunks(self.content).map(window).collect()
    }
}

fn is_bert(tokenizer: &Tokenizer) -> bool {
    matches!(tokenizer.get_normalizer(), Some(NormalizerWrapper::BertNormalizer(_)))
        && matches!(tokenizer.get_pre_tokenizer(), Some(PreTokenizerWrapper::BertPreTokenizer(_)))
}

/// Where the first piece of a text ends: at most `wanted` bytes in, if there is a place to cut.
fn piece_end(text: &str, wanted: usize) -> usize {
    if text.len() <= wanted {
        return text.len();
    }
    let most = text.floor_char_boundary(wanted);
    // With the character behind, before which a piece may end.
    let head = &text[..text.ceil_char_boundary(most + 1)];
    let place = |&(at, character): &(usize, char)| at > 0 && begins_word(character);
    if let Some((end, _)) = head.char_indices().rev().find(place) {
        return end;
    }
    let longest = &text[..text.floor_char_boundary(LONGEST_RUN.max(head.len()))];
    longest.char_indices().skip(1).find(place).map_or(longest.len(), |(end, _)| end)
}

/// Whether a word of a BERT tokenizer begins here, whatever stands before it.
fn begins_word(character: char) -> bool {
    matches!(character, ' ' | '\n' | '\t' | '\r' | '\u{3000}' | '\u{4e00}'..='\u{9fff}')
        || (character.is_ascii_punctuation() && character != ']')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_end_where_words_do() {
        assert_eq!(piece_end("one two three", 100), 13);
        assert_eq!(piece_end("one two three", 9), 7);
        assert_eq!(piece_end("one,two", 5), 3);
        assert_eq!(piece_end("abc[SEP]def", 8), 3);
        assert_eq!(piece_end("一二三", 7), 6);
        // No place to cut so far: the next one, or the longest run.
        assert_eq!(piece_end("abcdefgh ij", 4), 8);
        assert_eq!(piece_end(&"é".repeat(LONGEST_RUN), 4), LONGEST_RUN);
        assert_eq!(piece_end(" abcdefgh", 4), 9);
    }
}
