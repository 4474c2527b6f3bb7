//! An Inspect log as one JSON document, read in one pass: its samples are not kept.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};

use super::{header::Header, rows::Rows, sample::Sample};
use crate::{
    AdapterError, RawFile,
    adapters::json_stream::{Elements, Meter, json_error, parser},
};

/// Reads a `.json` log.
pub(super) fn read(file: &RawFile<'_>) -> Result<(Header, Rows), AdapterError> {
    let (mut parser, meter) = parser(file.text()?);
    let mut rows = Rows::default();
    let mut failure = None;
    let log = Log { file, meter: &meter, rows: &mut rows, failure: &mut failure };
    let read = log.deserialize(&mut parser).and_then(|header| parser.end().map(|()| header));
    if let Some(failure) = failure {
        return Err(failure);
    }
    read.map(|header| (header, rows)).map_err(|error| json_error(file, &error, "a log of Inspect"))
}

struct Log<'s> {
    file: &'s RawFile<'s>,
    meter: &'s Meter,
    rows: &'s mut Rows,
    failure: &'s mut Option<AdapterError>,
}

impl<'de> DeserializeSeed<'de> for Log<'_> {
    type Value = Header;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Header, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Log<'_> {
    type Value = Header;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "a log of Inspect")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Header, A::Error> {
        let Self { file, meter, rows, failure } = self;
        let mut header = Header::default();
        let mut seen = std::collections::BTreeSet::new();
        while let Some(key) = map.next_key::<String>()? {
            let known = ["status", "eval", "plan", "results", "samples"].contains(&key.as_str());
            if known && !seen.insert(key.clone()) {
                return Err(A::Error::custom(format!("duplicate field `{key}`")));
            }
            match key.as_str() {
                "status" => header.status = map.next_value()?,
                "eval" => header.eval = map.next_value()?,
                "plan" => header.plan = map.next_value()?,
                "results" => header.results = map.next_value()?,
                "samples" => {
                    let each = |record, sample: Sample| rows.add(file, record, sample);
                    map.next_value_seed(Elements::new(meter, failure, each))?;
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        if !seen.contains("eval") {
            return Err(A::Error::custom("missing field `eval`"));
        }
        Ok(header)
    }
}
