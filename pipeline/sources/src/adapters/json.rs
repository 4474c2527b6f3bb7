//! JSON as Python writes it.

use std::{
    borrow::Cow,
    io::{BufRead, Read},
};

use crate::{AdapterError, Place, RawFile};

/// Longest line of a file of lines: one record must fit into the memory many times over.
pub(crate) const LONGEST_LINE: u64 = 32 << 20;

/// The lines of a text that are not blank, one at a time, each with its number from 1.
pub(crate) struct Lines<'a> {
    file: RawFile<'a>,
    text: Box<dyn BufRead + 'a>,
    number: usize,
    line: Vec<u8>,
}

impl<'a> Lines<'a> {
    pub(crate) fn of(file: &RawFile<'a>) -> Result<Self, AdapterError> {
        Ok(Self { file: *file, text: file.text()?, number: 0, line: Vec::new() })
    }

    /// The next line, without its end; None behind the last.
    pub(crate) fn next(&mut self) -> Result<Option<(usize, &[u8])>, AdapterError> {
        loop {
            self.line.clear();
            self.number += 1;
            let place = Place::Line(self.number, 1);
            let read = (&mut self.text)
                .take(LONGEST_LINE + 1)
                .read_until(b'\n', &mut self.line)
                .map_err(|error| self.file.error(place, error.to_string()))?;
            if read as u64 > LONGEST_LINE {
                let problem = format!("the line has more than {LONGEST_LINE} bytes");
                return Err(self.file.error(place, problem));
            }
            if read == 0 {
                return Ok(None);
            }
            if !self.line.trim_ascii().is_empty() {
                return Ok(Some((self.number, self.line.trim_ascii())));
            }
        }
    }
}

/// Replaces bare `NaN`, `Infinity` and `-Infinity`, which Python's `json` writes and JSON lacks, by
/// `null`; text inside strings is left alone. Borrows when there is nothing to replace.
pub(crate) fn without_bare_nan(bytes: &[u8]) -> Cow<'_, [u8]> {
    let mut out: Vec<u8> = Vec::new();
    let (mut copied, mut at, mut inside) = (0, 0, false);
    while at < bytes.len() {
        let rest = &bytes[at..];
        match bytes[at] {
            b'\\' if inside => at += 1,
            b'"' => inside = !inside,
            b'N' | b'I' | b'-' if !inside => {
                let word = [&b"NaN"[..], b"Infinity", b"-Infinity"]
                    .into_iter()
                    .find(|word| rest.starts_with(word));
                if let Some(word) = word {
                    out.extend_from_slice(&bytes[copied..at]);
                    out.extend_from_slice(b"null");
                    at += word.len();
                    copied = at;
                    continue;
                }
            }
            _ => {}
        }
        at += 1;
    }
    if copied == 0 {
        return Cow::Borrowed(bytes);
    }
    out.extend_from_slice(&bytes[copied..]);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use aliquot_store::ObjectId;

    use super::*;
    use crate::Content;

    #[test]
    fn lines_are_numbered_as_an_editor_does_and_bounded() {
        let numbers = |text: &[u8]| {
            let address = "file:a.jsonl".parse().unwrap();
            let (id, content) = (ObjectId::of(text), Content::Memory(text));
            let mut lines = Lines::of(&RawFile { address: &address, id, content }).unwrap();
            let mut found = Vec::new();
            while let Some((number, line)) = lines.next()? {
                found.push((number, line.to_vec()));
            }
            Ok::<_, AdapterError>(found)
        };
        let found = numbers(b"\xef\xbb\xbf{}\r\n\r\n \n[1]").unwrap();
        assert_eq!(found, [(1, b"{}".to_vec()), (4, b"[1]".to_vec())]);
        let error = numbers(&vec![b' '; (LONGEST_LINE + 1) as usize]).unwrap_err().to_string();
        assert!(error.starts_with("file:a.jsonl, line 1 column 1: the line has more"), "{error}");
    }

    #[test]
    fn only_bare_words_are_replaced() {
        let text = br#"[{"a":NaN,"b":"NaN \" NaN","c":-Infinity,"d":-1}]"#;
        assert_eq!(&*without_bare_nan(text), br#"[{"a":null,"b":"NaN \" NaN","c":null,"d":-1}]"#);
        assert!(matches!(without_bare_nan(b"[1,\"NaN\"]"), Cow::Borrowed(_)));
    }
}
