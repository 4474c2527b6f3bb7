//! `embeddings`: the text of each item as a vector of unit length. Sorted by item uid.
//!
//! Who made the vectors, and how, stands in the metadata of the Arrow schema under
//! [`PROVENANCE`], so that a file of vectors tells of itself wherever it goes.

use std::{collections::HashMap, sync::Arc};

use arrow_array::{
    Array, ArrayRef, BooleanArray, FixedSizeListArray, Float32Array, StringArray, cast::AsArray,
    types::Float32Type,
};
use arrow_schema::{ArrowError, DataType, Field, FieldRef, Schema, SchemaRef};

use crate::{TableError, columns::Columns, parquet_bytes};

/// Key of the schema's metadata that holds the provenance, canonical JSON.
pub const PROVENANCE: &str = "aliquot.embeddings";

/// Numbers in a vector of the schema that [`schema`] shows; a table has its model's.
const SHOWN: usize = 384;

/// All vectors of a table.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Embeddings {
    /// Item uid of each row, or whatever else names the text.
    pub ids: Vec<String>,
    /// Numbers in a vector.
    pub dimension: usize,
    /// Row-major, `ids` x `dimension`, all finite.
    pub values: Vec<f32>,
    /// Whether the model did not read all of a row's text.
    pub truncated: Vec<bool>,
    /// How they were made, as canonical JSON; empty where that is not known.
    pub provenance: String,
}

impl Embeddings {
    /// Vector of a row.
    pub fn row(&self, row: usize) -> &[f32] {
        &self.values[row * self.dimension..(row + 1) * self.dimension]
    }
}

/// Arrow schema of vectors of 384 numbers.
pub fn schema() -> SchemaRef {
    schema_of(SHOWN, "")
}

fn schema_of(dimension: usize, provenance: &str) -> SchemaRef {
    let fields = vec![
        Field::new("item_uid", DataType::Utf8, false),
        Field::new_fixed_size_list("embedding", number(), dimension as i32, false),
        Field::new("truncated", DataType::Boolean, false),
    ];
    let schema = Schema::new(fields);
    Arc::new(match provenance {
        "" => schema,
        text => schema.with_metadata(HashMap::from([(PROVENANCE.to_owned(), text.to_owned())])),
    })
}

fn number() -> FieldRef {
    Arc::new(Field::new("item", DataType::Float32, false))
}

/// Parquet bytes, sorted by item uid.
///
/// Errors where two rows have one id, or `values` are not `ids` x `dimension`.
pub fn encode(embeddings: &Embeddings) -> Result<Vec<u8>, TableError> {
    let Embeddings { ids, dimension, values, truncated, provenance } = embeddings;
    let complete = Some(values.len()) == ids.len().checked_mul(*dimension);
    if *dimension == 0 || !complete || truncated.len() != ids.len() {
        return Err(TableError::Format(format!(
            "{} numbers are not {} vectors of {dimension}",
            values.len(),
            ids.len()
        )));
    }
    let mut order: Vec<usize> = (0..ids.len()).collect();
    order.sort_by(|a, b| ids[*a].cmp(&ids[*b]));
    unique(order.iter().map(|row| ids[*row].as_str()))?;
    let sorted: Vec<f32> =
        order.iter().flat_map(|&row| embeddings.row(row).iter().copied()).collect();
    let lists = FixedSizeListArray::try_new(
        number(),
        *dimension as i32,
        Arc::new(Float32Array::from(sorted)),
        None,
    )?;
    let ids: StringArray = order.iter().map(|row| Some(ids[*row].as_str())).collect();
    let truncated: BooleanArray = order.iter().map(|row| Some(truncated[*row])).collect();
    let columns: Vec<ArrayRef> = vec![Arc::new(ids), Arc::new(lists), Arc::new(truncated)];
    parquet_bytes::write(&schema_of(*dimension, provenance), columns)
}

/// Reads the table back. Every vector has to be there, finite, and of one length.
pub fn decode(bytes: &[u8]) -> Result<Embeddings, TableError> {
    let columns = Columns::read(bytes)?;
    let ids = columns.strings("item_uid")?;
    let mut dimension = 0;
    let values = columns.gather::<FixedSizeListArray, f32>(
        "embedding",
        "FixedSizeList(Float32)",
        |array, values| {
            dimension = array.value_length() as usize;
            let numbers = array.values().as_primitive_opt::<Float32Type>().ok_or_else(|| {
                TableError::Arrow(ArrowError::CastError("embedding is no list of Float32".into()))
            })?;
            if let Some(row) = (0..array.len()).find(|row| array.is_null(*row)) {
                return Err(TableError::Null { column: "embedding".to_owned(), row });
            }
            let bad = numbers.iter().position(|value| value.is_none_or(|value| !value.is_finite()));
            if let Some(place) = bad {
                return Err(TableError::Value {
                    column: "embedding".to_owned(),
                    row: place / dimension.max(1),
                    value: format!("{:?}", numbers.values()[place]),
                    expected: "finite numbers",
                });
            }
            values.extend_from_slice(numbers.values());
            Ok(())
        },
    )?;
    if dimension == 0 {
        return Err(TableError::Format("embeddings have no numbers".to_owned()));
    }
    unique(ids.iter().map(String::as_str))?;
    let truncated = match columns.bools("truncated") {
        // A table of vectors that somebody else made.
        Err(TableError::MissingColumn { .. }) => vec![false; ids.len()],
        other => other?,
    };
    let provenance = columns.metadata(PROVENANCE).unwrap_or_default();
    Ok(Embeddings { ids, dimension, values, truncated, provenance })
}

/// Ascending and no two alike.
fn unique<'a>(ids: impl Iterator<Item = &'a str>) -> Result<(), TableError> {
    let mut before: Option<&str> = None;
    for (row, id) in ids.enumerate() {
        if before.is_some_and(|before| before >= id) {
            return Err(TableError::Value {
                column: "item_uid".to_owned(),
                row,
                value: id.to_owned(),
                expected: "ids in ascending order, each once",
            });
        }
        before = Some(id);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two() -> Embeddings {
        Embeddings {
            ids: vec!["b".into(), "a".into()],
            dimension: 2,
            values: vec![0.6, 0.8, 1.0, 0.0],
            truncated: vec![true, false],
            provenance: "{\"model\":\"m\"}".into(),
        }
    }

    #[test]
    fn vectors_come_back_sorted_with_their_provenance() {
        let back = decode(&encode(&two()).unwrap()).unwrap();
        assert_eq!((back.ids.join(""), back.row(1)), ("ab".to_owned(), &[0.6, 0.8][..]));
        assert_eq!((&back.truncated, &back.provenance), (&vec![false, true], &two().provenance));
        assert_eq!(encode(&back).unwrap(), encode(&two()).unwrap());
    }

    #[test]
    fn twice_the_same_id_missing_numbers_and_infinity_are_refused() {
        let twice = Embeddings { ids: vec!["a".into(), "a".into()], ..two() };
        assert!(encode(&twice).unwrap_err().to_string().contains("each once"));
        let short = Embeddings { values: vec![1.0; 3], ..two() };
        assert!(encode(&short).unwrap_err().to_string().contains("3 numbers are not 2 vectors"));
        let infinite = Embeddings { values: vec![0.6, f32::NAN, 1.0, 0.0], ..two() };
        let error = decode(&encode(&infinite).unwrap()).unwrap_err().to_string();
        assert!(error.contains("row 1") && error.contains("finite"), "{error}");
    }
}
