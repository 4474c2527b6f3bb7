//! A JSON text value by value, so that the memory holds one value and not the document.

use std::io::BufRead;

use memchr::{memchr_iter, memchr2};
use serde::Deserialize;

use super::json::{LONGEST_LINE, without_bare_nan};
use crate::{AdapterError, Place, RawFile};

/// Longest value that is read as one.
const LONGEST_VALUE: usize = LONGEST_LINE as usize;

/// As deep as `serde_json` goes, so that what is skipped is no deeper than what is read.
const DEEPEST: usize = 128;

/// A place in a JSON text. Bare `NaN` and infinities, which Python writes, are read as `null`.
///
/// What is skipped is only looked at for its brackets and strings.
pub(crate) struct Walk<'a> {
    file: RawFile<'a>,
    text: Box<dyn BufRead + 'a>,
    line: usize,
    column: usize,
    value: Vec<u8>,
}

/// An array or object whose end has not been reached.
pub(crate) struct Open {
    close: u8,
    first: bool,
}

impl<'a> Walk<'a> {
    /// At the beginning of a file's text.
    pub(crate) fn of(file: &RawFile<'a>) -> Result<Self, AdapterError> {
        Ok(Self { file: *file, text: file.text()?, line: 1, column: 1, value: Vec::new() })
    }

    /// The next byte that is not blank, which stays; None at the end of the text.
    pub(crate) fn peek(&mut self) -> Result<Option<u8>, AdapterError> {
        loop {
            let chunk = fill(&mut self.text, &self.file, (self.line, self.column))?;
            if chunk.is_empty() {
                return Ok(None);
            }
            let at = chunk.iter().position(|byte| !b" \t\r\n".contains(byte));
            let (next, blank) = (at.map(|at| chunk[at]), at.unwrap_or(chunk.len()));
            self.consume(blank);
            if next.is_some() {
                return Ok(next);
            }
        }
    }

    /// Goes into the array (`[`) or object (`{`) that has to be next.
    pub(crate) fn open(&mut self, bracket: u8) -> Result<Open, AdapterError> {
        self.expect(bracket)?;
        Ok(Open { close: if bracket == b'[' { b']' } else { b'}' }, first: true })
    }

    /// Whether another element or member follows; if none does, leaves the array or object.
    pub(crate) fn more(&mut self, open: &mut Open) -> Result<bool, AdapterError> {
        if self.peek()? == Some(open.close) {
            self.consume(1);
            return Ok(false);
        }
        if !std::mem::replace(&mut open.first, false) {
            self.expect(b',')?;
        }
        Ok(true)
    }

    /// The key of the next member of an object.
    pub(crate) fn key(&mut self) -> Result<String, AdapterError> {
        let key = self.value()?;
        self.expect(b':')?;
        Ok(key)
    }

    /// Reads the next value.
    pub(crate) fn value<'v, T: Deserialize<'v>>(&'v mut self) -> Result<T, AdapterError> {
        self.peek()?;
        let (line, column) = (self.line, self.column);
        if self.pass(true)? {
            self.value = without_bare_nan(&self.value).into_owned();
        }
        serde_json::from_slice(&self.value).map_err(|error| {
            let place = if error.line() <= 1 {
                Place::Line(line, column + error.column().saturating_sub(1))
            } else {
                Place::Line(line + error.line() - 1, error.column())
            };
            // Its own place is that in the value.
            let text = error.to_string();
            let problem = text.rfind(" at line ").map_or(text.as_str(), |end| &text[..end]);
            self.file.error(place, problem)
        })
    }

    /// Goes past the next value.
    pub(crate) fn skip(&mut self) -> Result<(), AdapterError> {
        self.pass(false).map(|_| ())
    }

    /// Nothing but blanks may follow.
    pub(crate) fn end(&mut self) -> Result<(), AdapterError> {
        match self.peek()? {
            None => Ok(()),
            Some(_) => Err(self.error("expected the end of the text")),
        }
    }

    /// An error at this place.
    pub(crate) fn error(&self, problem: impl Into<String>) -> AdapterError {
        self.file.error(Place::Line(self.line, self.column), problem)
    }

    fn expect(&mut self, byte: u8) -> Result<(), AdapterError> {
        let problem = match self.peek()? {
            Some(next) if next == byte => {
                self.consume(1);
                return Ok(());
            }
            Some(next) => format!("`{}`", next.escape_ascii()),
            None => "the end of the text".to_owned(),
        };
        Err(self.error(format!("expected `{}`, found {problem}", char::from(byte))))
    }

    /// Goes past the next value, keeping its bytes if asked to; true if a bare word that is no JSON may
    /// be in it.
    fn pass(&mut self, keep: bool) -> Result<bool, AdapterError> {
        self.value.clear();
        if self.peek()?.is_none_or(|next| b",:]}".contains(&next)) {
            return Err(self.error("expected a value"));
        }
        let mut scan = Scan::default();
        while !scan.done {
            let chunk = fill(&mut self.text, &self.file, (self.line, self.column))?;
            if chunk.is_empty() {
                if scan.depth == 0 && !scan.inside {
                    break;
                }
                return Err(self.error("the text ends inside a value"));
            }
            let used = scan.advance(chunk);
            if keep {
                self.value.extend_from_slice(&chunk[..used]);
            }
            self.consume(used);
            if scan.depth > DEEPEST {
                return Err(self.error(format!("it is nested deeper than {DEEPEST}")));
            }
            if self.value.len() > LONGEST_VALUE {
                let problem = format!("one value has more than {LONGEST_VALUE} bytes");
                return Err(self.error(problem));
            }
        }
        Ok(scan.bare_word)
    }

    fn consume(&mut self, count: usize) {
        // What is consumed is in the buffer: nothing is read here, nothing can fail.
        let Ok(chunk) = self.text.fill_buf() else { return };
        let chunk = &chunk[..count];
        match memchr::memrchr(b'\n', chunk) {
            Some(last) => {
                self.line += memchr_iter(b'\n', chunk).count();
                self.column = count - last;
            }
            None => self.column += count,
        }
        self.text.consume(count);
    }
}

/// At most [`BITE`] bytes, so that limits are looked at before much is read.
fn fill<'t>(
    text: &'t mut Box<dyn BufRead + '_>,
    file: &RawFile<'_>,
    (line, column): (usize, usize),
) -> Result<&'t [u8], AdapterError> {
    let chunk = text
        .fill_buf()
        .map_err(|error| file.error(Place::Line(line, column), error.to_string()))?;
    Ok(&chunk[..chunk.len().min(BITE)])
}

const BITE: usize = 1 << 20;

/// Where a value ends.
#[derive(Default)]
struct Scan {
    depth: usize,
    inside: bool,
    escaped: bool,
    bare_word: bool,
    done: bool,
}

impl Scan {
    /// How many of the next bytes belong to the value.
    fn advance(&mut self, chunk: &[u8]) -> usize {
        let mut at = 0;
        while at < chunk.len() && !self.done {
            if self.inside {
                at += self.string(&chunk[at..]);
                continue;
            }
            match chunk[at] {
                b'"' => self.inside = true,
                b'{' | b'[' => {
                    self.depth += 1;
                    if self.depth > DEEPEST {
                        return at;
                    }
                }
                b'}' | b']' if self.depth <= 1 => {
                    self.done = true;
                    // The bracket of a scalar's container is not part of the scalar.
                    return at + self.depth;
                }
                b'}' | b']' => self.depth -= 1,
                b',' | b' ' | b'\t' | b'\r' | b'\n' if self.depth == 0 => {
                    self.done = true;
                    return at;
                }
                b'N' | b'I' => self.bare_word = true,
                _ => {}
            }
            at += 1;
        }
        at
    }

    /// How many of the next bytes belong to the string that we are in, its closing quote included.
    fn string(&mut self, chunk: &[u8]) -> usize {
        if std::mem::replace(&mut self.escaped, false) {
            return 1;
        }
        match memchr2(b'"', b'\\', chunk) {
            None => chunk.len(),
            Some(at) => {
                self.escaped = chunk[at] == b'\\';
                self.inside = self.escaped;
                self.done = !self.inside && self.depth == 0;
                at + 1
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use aliquot_store::ObjectId;
    use serde_json::{Value, json};

    use super::*;
    use crate::Content;

    fn elements(text: &[u8]) -> Result<Vec<Value>, AdapterError> {
        let address = "file:a.json".parse().unwrap();
        let (id, content) = (ObjectId::of(text), Content::Memory(text));
        let mut walk = Walk::of(&RawFile { address: &address, id, content })?;
        let (mut array, mut found) = (walk.open(b'[')?, Vec::new());
        while walk.more(&mut array)? {
            found.push(walk.value()?);
        }
        walk.end()?;
        Ok(found)
    }

    #[test]
    fn every_kind_of_value_is_told_from_what_follows() {
        let text =
            br#" [1 , -2.5e3,"a,]\"}\\",null,true,[],{} ,[[1],{"a":"}"}],NaN,{"b":[-Infinity]}] "#;
        let expected = json!([1, -2.5e3, "a,]\"}\\", null, true, [], {}, [[1], {"a": "}"}], null, {"b": [null]}]);
        assert_eq!(Value::from(elements(text).unwrap()), expected);
        assert_eq!(elements(b"[]").unwrap(), Vec::<Value>::new());
    }

    #[test]
    fn it_reads_what_serde_json_reads_and_nothing_else() {
        let text = br#"[{"a": [1, "x\u00e9\n", {}]}, "\\", 3, false]"#;
        for at in 0..text.len() {
            for byte in *b"\"\\[]{},:0x \n" {
                let mut bytes = text.to_vec();
                bytes[at] = byte;
                let (ours, theirs) =
                    (elements(&bytes), serde_json::from_slice::<Vec<Value>>(&bytes));
                assert_eq!(ours.ok(), theirs.ok(), "{}", String::from_utf8_lossy(&bytes));
            }
        }
    }

    #[test]
    fn mistakes_name_their_line_and_column() {
        let error = |text: &[u8]| elements(text).unwrap_err().to_string();
        assert_eq!(error(b"{}"), "file:a.json, line 1 column 1: expected `[`, found `{`");
        assert_eq!(error(b"[1,\n 2 3]"), "file:a.json, line 2 column 4: expected `,`, found `3`");
        assert!(
            error(b"[1,\n {\"a\":\n x}]").starts_with("file:a.json, line 3 column 2: expected")
        );
        assert!(error(b"[1, x]").starts_with("file:a.json, line 1 column 5: expected"));
        assert_eq!(error(b"[\"a"), "file:a.json, line 1 column 4: the text ends inside a value");
        assert_eq!(error(b"[1,]"), "file:a.json, line 1 column 4: expected a value");
        assert!(error(&b"[".repeat(1000)).contains("nested deeper than 128"));
        assert!(error(b"[1] 2").contains("expected the end"));
        let long = [b"[\"".to_vec(), vec![b'x'; LONGEST_VALUE + 2], b"\"]".to_vec()].concat();
        assert!(error(&long).contains("one value has more than"));
    }

    #[test]
    fn members_are_walked_and_skipped() {
        let text = br#"{"a": {"x": [1, "]"]}, "b": [1, 2], "c": 3}"#;
        let address = "file:a.json".parse().unwrap();
        let (id, content) = (ObjectId::of(text), Content::Memory(text));
        let mut walk = Walk::of(&RawFile { address: &address, id, content }).unwrap();
        let (mut object, mut kept) = (walk.open(b'{').unwrap(), Vec::new());
        while walk.more(&mut object).unwrap() {
            match walk.key().unwrap().as_str() {
                "b" => kept = walk.value::<Vec<u8>>().unwrap(),
                _ => walk.skip().unwrap(),
            }
        }
        walk.end().unwrap();
        assert_eq!(kept, [1, 2]);
    }
}
