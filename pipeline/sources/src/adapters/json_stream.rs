//! JSON of any size, read as a stream: what Python's `json` adds is taken out, and what would fill the
//! memory is refused before it does.

use std::{
    cell::Cell,
    fmt,
    io::{self, BufRead, BufReader, Read},
    marker::PhantomData,
    rc::Rc,
};

use serde::{
    Deserialize,
    de::{DeserializeSeed, Deserializer, Error as _, SeqAccess, Visitor},
};

use crate::{AdapterError, Place, RawFile};

/// Longest string: images and sounds in base64 are the longest that there are.
const LONGEST_STRING: u64 = 64 << 20;

/// Deepest nesting, skipped parts included: `serde_json` allows 128 in what is read.
const DEEPEST: u32 = 512;

/// Most bytes of one record.
const LONGEST_RECORD: u64 = 1 << 30;

/// Most elements of a list that is kept in the memory as a whole.
const LONGEST_LIST: usize = 1 << 16;

/// Bytes of a reader's buffer.
const BUFFER: usize = 1 << 16;

/// Most bytes outside of records: settings, which are kept as a whole.
const LONGEST_SETTINGS: u64 = 32 << 20;

/// Bytes that may follow before the next record has to begin, shared by the reader and who asks for
/// the records.
#[derive(Debug, Clone)]
pub(crate) struct Meter(Rc<Cell<u64>>);

impl Meter {
    fn settings() -> Self {
        Self(Rc::new(Cell::new(LONGEST_SETTINGS)))
    }

    pub(crate) fn record_begins(&self) {
        self.0.set(LONGEST_RECORD);
    }
}

/// A parser of a stream.
pub(crate) type Parser<'a> =
    serde_json::Deserializer<serde_json::de::IoRead<BufReader<PlainJson<Box<dyn BufRead + 'a>>>>>;

/// The parser of a text, and the meter that a reader of records resets.
pub(crate) fn parser<'a>(text: Box<dyn BufRead + 'a>) -> (Parser<'a>, Meter) {
    let meter = Meter::settings();
    let plain = PlainJson::new(text, meter.clone());
    let reader = BufReader::with_capacity(BUFFER, plain);
    (serde_json::Deserializer::from_reader(reader), meter)
}

/// Reads one record, which has to be all that the text holds; `expected` says what it should be.
pub(crate) fn read_one<T: for<'de> Deserialize<'de>>(
    file: &RawFile<'_>,
    text: Box<dyn BufRead + '_>,
    expected: &str,
) -> Result<T, AdapterError> {
    let (mut parser, meter) = parser(text);
    meter.record_begins();
    let value = T::deserialize(&mut parser).and_then(|value| parser.end().map(|()| value));
    value.map_err(|error| json_error(file, &error, expected))
}

/// Where the parser stopped, why, and what was expected.
pub(crate) fn json_error(
    file: &RawFile<'_>,
    error: &serde_json::Error,
    expected: &str,
) -> AdapterError {
    file.error(Place::Line(error.line(), error.column()), format!("{error}; expected {expected}"))
}

/// Passes JSON on, bare `NaN`, `Infinity` and `-Infinity` outside of strings as `null`; ends in an error
/// at strings, nesting and records beyond the bounds.
pub(crate) struct PlainJson<R> {
    inner: R,
    meter: Meter,
    filter: Filter,
}

/// What the bytes so far say about the next.
struct Filter {
    state: State,
    depth: u32,
    length: u64,
    /// A minus sign that is not passed on yet.
    minus: bool,
    /// What is left of a word that is being replaced, and of `null` that replaces it.
    word: &'static [u8],
    null: &'static [u8],
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Outside,
    Inside,
    Escaped,
}

impl<R: BufRead> PlainJson<R> {
    fn new(inner: R, meter: Meter) -> Self {
        let state = State::Outside;
        let filter = Filter { state, depth: 0, length: 0, minus: false, word: b"", null: b"" };
        Self { inner, meter, filter }
    }

    fn weigh(&mut self, given: usize) -> io::Result<()> {
        let left = self.meter.0.get().checked_sub(given as u64);
        self.meter.0.set(left.ok_or_else(|| {
            refused(format!(
                "a record of more than {LONGEST_RECORD} bytes, or settings of more than {LONGEST_SETTINGS}"
            ))
        })?);
        Ok(())
    }
}

impl<R: BufRead> Read for PlainJson<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut output = Output { buffer, given: 0 };
        while output.given == 0 && output.room() > 0 {
            let input = self.inner.fill_buf()?;
            if input.is_empty() {
                self.filter.end(&mut output);
                break;
            }
            let taken = self.filter.pass(input, &mut output)?;
            self.inner.consume(taken);
        }
        let given = output.given;
        self.weigh(given)?;
        Ok(given)
    }
}

/// The part of a buffer that is filled.
struct Output<'a> {
    buffer: &'a mut [u8],
    given: usize,
}

impl Output<'_> {
    fn room(&self) -> usize {
        self.buffer.len() - self.given
    }

    fn push(&mut self, byte: u8) {
        self.extend(&[byte]);
    }

    fn extend(&mut self, bytes: &[u8]) {
        self.buffer[self.given..self.given + bytes.len()].copy_from_slice(bytes);
        self.given += bytes.len();
    }
}

impl Filter {
    /// Passes on what of `input` is no word: how many bytes of it were taken.
    fn pass(&mut self, input: &[u8], output: &mut Output<'_>) -> io::Result<usize> {
        let mut taken = 0;
        while output.room() > 0 {
            if let [first, rest @ ..] = self.null {
                output.push(*first);
                self.null = rest;
                continue;
            }
            if self.state == State::Inside {
                taken += self.pass_text(&input[taken..], output)?;
            }
            let Some(&byte) = input.get(taken).filter(|_| output.room() > 0) else { break };
            if std::mem::take(&mut self.minus) && byte != b'I' {
                output.push(b'-');
                continue;
            }
            taken += 1;
            self.pass_one(byte, output)?;
        }
        Ok(taken)
    }

    fn pass_one(&mut self, byte: u8, output: &mut Output<'_>) -> io::Result<()> {
        if let [expected, rest @ ..] = self.word {
            self.word = rest;
            let known = byte == *expected;
            return known.then_some(()).ok_or_else(|| refused("a word that JSON does not have"));
        }
        if self.state == State::Outside && matches!(byte, b'N' | b'I') {
            self.word = if byte == b'N' { b"aN" } else { b"nfinity" };
            self.null = b"null";
        } else if self.state == State::Outside && byte == b'-' {
            self.minus = true;
        } else {
            self.step(byte)?;
            output.push(byte);
        }
        Ok(())
    }

    /// Passes on the part of a string up to what may end it: its length.
    fn pass_text(&mut self, input: &[u8], output: &mut Output<'_>) -> io::Result<usize> {
        let room = &input[..input.len().min(output.room())];
        let text = room.iter().position(|&byte| matches!(byte, b'"' | b'\\')).unwrap_or(room.len());
        output.extend(&room[..text]);
        self.length += text as u64;
        if self.length > LONGEST_STRING {
            return Err(refused(format!("a string of more than {LONGEST_STRING} bytes")));
        }
        Ok(text)
    }

    fn step(&mut self, byte: u8) -> io::Result<()> {
        match (self.state, byte) {
            (State::Outside, b'"') => (self.state, self.length) = (State::Inside, 0),
            (State::Outside, b'[' | b'{') => self.depth += 1,
            (State::Outside, b']' | b'}') => self.depth = self.depth.saturating_sub(1),
            (State::Outside, _) => {}
            (State::Inside, b'"') => self.state = State::Outside,
            (State::Inside, b'\\') => self.state = State::Escaped,
            (State::Inside | State::Escaped, _) => self.state = State::Inside,
        }
        self.length += u64::from(self.state == State::Escaped);
        if self.depth > DEEPEST {
            return Err(refused(format!("it is nested more than {DEEPEST} deep")));
        }
        Ok(())
    }

    /// What is left at the end of the text.
    fn end(&mut self, output: &mut Output<'_>) {
        if std::mem::take(&mut self.minus) {
            output.push(b'-');
        }
    }
}

fn refused(problem: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, problem.into())
}

/// The elements of an array, one at a time, to `each` with their numbers from 0. An error of `each` ends
/// the reading and stands in `failure`.
pub(crate) struct Elements<'s, T, F> {
    meter: &'s Meter,
    each: F,
    failure: &'s mut Option<AdapterError>,
    element: PhantomData<T>,
}

impl<'s, T, F: FnMut(u64, T) -> Result<(), AdapterError>> Elements<'s, T, F> {
    pub(crate) fn new(meter: &'s Meter, failure: &'s mut Option<AdapterError>, each: F) -> Self {
        Self { meter, each, failure, element: PhantomData }
    }
}

impl<'de, T, F> DeserializeSeed<'de> for Elements<'_, T, F>
where
    T: Deserialize<'de>,
    F: FnMut(u64, T) -> Result<(), AdapterError>,
{
    type Value = u64;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<u64, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T, F> Visitor<'de> for Elements<'_, T, F>
where
    T: Deserialize<'de>,
    F: FnMut(u64, T) -> Result<(), AdapterError>,
{
    type Value = u64;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "an array of records")
    }

    fn visit_unit<E>(self) -> Result<u64, E> {
        Ok(0)
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut sequence: A) -> Result<u64, A::Error> {
        let mut number = 0;
        self.meter.record_begins();
        while let Some(element) = sequence.next_element::<T>()? {
            if let Err(error) = (self.each)(number, element) {
                *self.failure = Some(error);
                return Err(A::Error::custom("record refused"));
            }
            number += 1;
            self.meter.record_begins();
        }
        Ok(number)
    }
}

/// A list that is short enough to be kept.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Few<T>(pub(crate) Vec<T>);

impl<T> Default for Few<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Few<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(FewVisitor(PhantomData))
    }
}

struct FewVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for FewVisitor<T> {
    type Value = Few<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "a list of at most {LONGEST_LIST} elements")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Few<T>, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = sequence.next_element()? {
            elements.push(element);
            if elements.len() > LONGEST_LIST {
                return Err(A::Error::custom(format!(
                    "a list of more than {LONGEST_LIST} elements"
                )));
            }
        }
        Ok(Few(elements))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &[u8], chunk: usize) -> io::Result<String> {
        let inner = BufReader::with_capacity(chunk, text);
        let mut reader = PlainJson::new(inner, Meter::settings());
        let (mut out, mut buffer) = (Vec::new(), [0; 3]);
        loop {
            match reader.read(&mut buffer)? {
                0 => return Ok(String::from_utf8(out).unwrap()),
                given => out.extend_from_slice(&buffer[..given]),
            }
        }
    }

    #[test]
    fn bare_words_become_null_wherever_the_buffers_end() {
        let text = br#"[{"a":NaN,"b":"NaN \" NaN","c":-Infinity,"d":-1,"e":Infinity}]-"#;
        let expected = r#"[{"a":null,"b":"NaN \" NaN","c":null,"d":-1,"e":null}]-"#;
        for chunk in 1..20 {
            assert_eq!(plain(text, chunk).unwrap(), expected, "{chunk}");
        }
        assert!(plain(b"[NaM]", 2).is_err());
    }

    #[test]
    fn what_would_fill_the_memory_is_refused() {
        let error = plain(&vec![b'['; 600], 64).unwrap_err().to_string();
        assert!(error.contains("nested more than 512 deep"), "{error}");
        let long = [&b"\""[..], &vec![b'x'; (LONGEST_STRING + 1) as usize]].concat();
        let meter = Meter::settings();
        meter.record_begins();
        let reader = PlainJson::new(&long[..], meter);
        let error = io::copy(&mut BufReader::new(reader), &mut io::sink()).unwrap_err().to_string();
        assert!(error.contains("a string of more than"), "{error}");
        let many = format!("[{}1]", "1,".repeat(LONGEST_LIST));
        assert!(serde_json::from_str::<Few<u8>>(&many).is_err());
    }
}
