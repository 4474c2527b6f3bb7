//! One module a result format. An adapter is a pure function from raw bytes to a [`crate::Shard`].

pub mod alpaca_eval;
mod json;
pub mod table;

use aliquot_store::ObjectId;
use aliquot_tables::foreign::{Format, TextTable};
use serde_json::{Map, Value};

use crate::{AdapterError, Address, Place, RawFile};

/// One record of a raw file, as JSON: a row of a table, or an element of an array.
pub fn raw_record(address: &Address, bytes: &[u8], record: u64) -> Result<Value, AdapterError> {
    let file = RawFile { address, id: ObjectId::of(bytes), bytes };
    let absent = || file.error(Place::Record(record), "there is no such record");
    if let Some(format) = Format::from_name(&address.to_string()) {
        let table = TextTable::read(format, bytes).map_err(|error| file.table_error(&error))?;
        let mut row = Map::new();
        for name in table.names() {
            let cells = table.column(name).map_err(|error| file.table_error(&error))?;
            let cell = cells.get(record as usize).ok_or_else(absent)?;
            row.insert(name.clone(), cell.map_or(Value::Null, Value::from));
        }
        return Ok(Value::Object(row));
    }
    let records: Vec<Value> =
        serde_json::from_slice(&json::without_bare_nan(bytes)).map_err(|error| {
            file.error(Place::Line(error.line(), error.column()), error.to_string())
        })?;
    records.into_iter().nth(record as usize).ok_or_else(absent)
}
