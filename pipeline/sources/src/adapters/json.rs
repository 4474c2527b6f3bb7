//! JSON as Python writes it.

use std::{
    borrow::Cow,
    io::{self, BufRead, Read},
};

use crate::{AdapterError, Place, RawFile};

/// Longest line of a file of lines: one record must fit into the memory many times over.
pub(crate) const LONGEST_LINE: u64 = 32 << 20;

/// The lines of a text that are not blank, one at a time, each with its number from 1.
pub(crate) struct Lines<'a> {
    file: RawFile<'a>,
    text: Box<dyn BufRead + 'a>,
    number: usize,
    /// A line that is not in the buffer as a whole.
    line: Vec<u8>,
    /// Bytes of the buffer that the last line given took.
    given: usize,
}

impl<'a> Lines<'a> {
    pub(crate) fn of(file: &RawFile<'a>) -> Result<Self, AdapterError> {
        Ok(Self { file: *file, text: file.text()?, number: 0, line: Vec::new(), given: 0 })
    }

    /// The next line, without its end; None behind the last.
    pub(crate) fn next(&mut self) -> Result<Option<(usize, &[u8])>, AdapterError> {
        self.text.consume(std::mem::take(&mut self.given));
        loop {
            self.number += 1;
            let place = Place::Line(self.number, 1);
            let failed = |error: io::Error| self.file.error(place, error.to_string());
            let buffer = self.text.fill_buf().map_err(failed)?;
            if let Some(end) = memchr::memchr(b'\n', buffer)
                && end as u64 <= LONGEST_LINE
            {
                if buffer[..end].trim_ascii().is_empty() {
                    self.text.consume(end + 1);
                    continue;
                }
                self.given = end + 1;
                // The same buffer once more: it is not empty, so nothing is read.
                let line = &self.text.fill_buf().map_err(failed)?[..end];
                return Ok(Some((self.number, line.trim_ascii())));
            }
            self.line.clear();
            let read = (&mut self.text)
                .take(LONGEST_LINE + 2)
                .read_until(b'\n', &mut self.line)
                .map_err(failed)?;
            let length = read - usize::from(self.line.ends_with(b"\n"));
            if length as u64 > LONGEST_LINE {
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

/// The elements of one array, one at a time, each with its number from 0.
pub(crate) struct Elements<'a> {
    file: RawFile<'a>,
    text: Box<dyn BufRead + 'a>,
    number: u64,
    element: Vec<u8>,
    state: ArrayState,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum ArrayState {
    Before,
    /// Behind `[` or a comma.
    Inside,
    Behind,
}

/// Where a scan over an element is: how deep, and whether in a string or behind a backslash.
#[derive(Default)]
struct Scan {
    depth: u64,
    string: bool,
    escape: bool,
}

impl Scan {
    /// Whether this byte ends the element, which it is no part of.
    fn ends(&mut self, byte: u8) -> bool {
        if self.string {
            let escape = std::mem::take(&mut self.escape);
            match byte {
                b'\\' => self.escape = !escape,
                b'"' if !escape => self.string = false,
                _ => {}
            }
            return false;
        }
        match byte {
            b'"' => self.string = true,
            b'{' | b'[' => self.depth += 1,
            b',' | b']' if self.depth == 0 => return true,
            b'}' | b']' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        false
    }
}

impl<'a> Elements<'a> {
    pub(crate) fn of(file: &RawFile<'a>) -> Result<Self, AdapterError> {
        let (text, state) = (file.text()?, ArrayState::Before);
        Ok(Self { file: *file, text, number: 0, element: Vec::new(), state })
    }

    /// The next element as it stands, which need not be valid; None behind the last.
    pub(crate) fn next(&mut self) -> Result<Option<(u64, &[u8])>, AdapterError> {
        if self.state == ArrayState::Before {
            self.scan()?; // the bracket
        }
        if self.state == ArrayState::Behind {
            self.check_end()?;
            return Ok(None);
        }
        let number = self.number;
        self.scan()?;
        self.number += 1;
        let element = self.element.trim_ascii();
        if element.is_empty() && number == 0 && self.state == ArrayState::Behind {
            self.check_end()?;
            return Ok(None);
        }
        Ok(Some((number, self.element.trim_ascii())))
    }

    /// Nothing may follow the array: a second one would be lost.
    fn check_end(&mut self) -> Result<(), AdapterError> {
        let place = Place::Record(self.number);
        loop {
            let rest = self.text.fill_buf();
            let rest = rest.map_err(|error| self.file.error(place, error.to_string()))?;
            if !rest.trim_ascii().is_empty() {
                return Err(self.file.error(place, "there is more behind the `]` of the array"));
            }
            let read = rest.len();
            if read == 0 {
                return Ok(());
            }
            self.text.consume(read);
        }
    }

    /// Reads up to the end of an element, or the opening bracket.
    fn scan(&mut self) -> Result<(), AdapterError> {
        self.element.clear();
        let place = Place::Record(self.number);
        let mut scan = Scan::default();
        loop {
            let buffer = self.text.fill_buf();
            let buffer = buffer.map_err(|error| self.file.error(place, error.to_string()))?;
            if buffer.is_empty() {
                return Err(self.file.error(place, "the array ends without `]`"));
            }
            let opening = self.state == ArrayState::Before;
            let end = match opening {
                true => buffer.iter().position(|&byte| byte == b'['),
                false => buffer.iter().position(|&byte| scan.ends(byte)),
            };
            let taken = end.unwrap_or(buffer.len());
            self.element.extend_from_slice(&buffer[..taken]);
            if self.element.len() as u64 > LONGEST_LINE {
                let problem = format!("it has more than {LONGEST_LINE} bytes");
                return Err(self.file.error(place, problem));
            }
            let last = end.map(|end| buffer[end]);
            self.text.consume(taken + usize::from(end.is_some()));
            match last {
                Some(b']') => self.state = ArrayState::Behind,
                Some(_) => self.state = ArrayState::Inside,
                None => continue,
            }
            return Ok(());
        }
    }
}

/// The records of a text: its lines, or the elements of its array if it starts with a bracket.
pub(crate) enum Records<'a> {
    Lines(Lines<'a>, u64),
    Elements(Elements<'a>),
}

impl<'a> Records<'a> {
    pub(crate) fn of(file: &RawFile<'a>) -> Result<Self, AdapterError> {
        let mut text = file.text()?;
        let head = text.fill_buf().map_err(|error| file.error(Place::File, error.to_string()))?;
        if head.trim_ascii_start().starts_with(b"[") {
            return Elements::of(file).map(Self::Elements);
        }
        Ok(Self::Lines(Lines::of(file)?, 0))
    }

    /// The next record as UTF-8 text, its number from 0 and its place; None behind the last.
    pub(crate) fn next(&mut self) -> Result<Option<(u64, Place, &str)>, AdapterError> {
        let (file, record) = match self {
            Self::Lines(lines, count) => {
                let (file, number) = (lines.file, *count);
                *count += 1;
                let line = lines.next()?;
                (file, line.map(|(line, text)| (number, Place::Line(line, 1), text)))
            }
            Self::Elements(elements) => {
                let file = elements.file;
                let element = elements.next()?;
                (file, element.map(|(number, text)| (number, Place::Record(number), text)))
            }
        };
        let Some((number, place, bytes)) = record else { return Ok(None) };
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let column = error.valid_up_to() + 1;
            let place = match place {
                Place::Line(line, _) => Place::Line(line, column),
                other => other,
            };
            file.error(place, "it is not UTF-8")
        })?;
        Ok(Some((number, place, text)))
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

    /// Lines that lie in the reader's buffer, over its edge, and at the bound, from memory and from a file.
    #[test]
    fn lines_of_any_length_come_whole() {
        let bound = LONGEST_LINE as usize;
        let lengths = [0, 1, 7, (1 << 18) - 9, 3, 1 << 18, (1 << 19) + 1, bound, 2, 100];
        let line = |(at, length): (usize, &usize)| vec![b'a' + at as u8; *length];
        let lines: Vec<Vec<u8>> = lengths.iter().enumerate().map(line).collect();
        let text = lines.join(&b'\n');
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jsonl");
        std::fs::write(&path, &text).unwrap();
        let address = "file:a.jsonl".parse().unwrap();
        let id = ObjectId::of(&text);
        let expected: Vec<&Vec<u8>> = lines.iter().filter(|line| !line.is_empty()).collect();
        for content in [Content::Memory(&text), Content::File(&path)] {
            let mut lines = Lines::of(&RawFile { address: &address, id, content }).unwrap();
            let mut found = Vec::new();
            while let Some((_, line)) = lines.next().unwrap() {
                found.push(line.to_vec());
            }
            assert!(found.iter().eq(expected.iter().copied()));
        }
    }

    fn records(text: &[u8]) -> Result<Vec<String>, AdapterError> {
        let address = "file:a.json".parse().unwrap();
        let (id, content) = (ObjectId::of(text), Content::Memory(text));
        let mut records = Records::of(&RawFile { address: &address, id, content })?;
        let mut found = Vec::new();
        while let Some((number, _, text)) = records.next()? {
            assert_eq!(number as usize, found.len());
            found.push(text.to_owned());
        }
        Ok(found)
    }

    #[test]
    fn elements_and_lines_are_told_apart_and_counted() {
        let array = b"\xef\xbb\xbf [ {\"a\": \"],\\\\\", \"b\": [1, {}]},\n 2 , \"x\\\",\"]\n";
        let found = records(array).unwrap();
        assert_eq!(found, [r#"{"a": "],\\", "b": [1, {}]}"#, "2", r#""x\",""#]);
        assert_eq!(records(b"{}\n\n{\"a\":1}\n").unwrap(), ["{}", "{\"a\":1}"]);
        assert!(records(b"[]").unwrap().is_empty() && records(b"").unwrap().is_empty());
        assert_eq!(records(b"[1] \n\n").unwrap(), ["1"]);
        for more in [&b"[1]\n[2]"[..], b"[] x", b"[1],"] {
            let error = records(more).unwrap_err().to_string();
            assert!(error.contains("there is more behind the `]`"), "{error}");
        }
        let error = records(b"[{}, {").unwrap_err().to_string();
        assert_eq!(error, "file:a.json, record 1: the array ends without `]`");
        let error = records(b"{}\n{\"\xff\"}").unwrap_err().to_string();
        assert_eq!(error, "file:a.json, line 2 column 3: it is not UTF-8");
        let error = records(&[b"[\"".as_slice(), &vec![b'x'; 40 << 20]].concat()).unwrap_err();
        assert!(error.to_string().contains("record 0: it has more than"), "{error}");
    }

    #[test]
    fn only_bare_words_are_replaced() {
        let text = br#"[{"a":NaN,"b":"NaN \" NaN","c":-Infinity,"d":-1}]"#;
        assert_eq!(&*without_bare_nan(text), br#"[{"a":null,"b":"NaN \" NaN","c":null,"d":-1}]"#);
        assert!(matches!(without_bare_nan(b"[1,\"NaN\"]"), Cow::Borrowed(_)));
    }
}
