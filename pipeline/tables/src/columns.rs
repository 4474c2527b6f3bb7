//! Typed access to the columns of record batches.

use arrow_array::{
    Array, BooleanArray, DictionaryArray, Float32Array, Float64Array, RecordBatch, StringArray,
    UInt32Array, UInt64Array, cast::AsArray, types::UInt32Type,
};

use crate::{Categorical, TableError, parquet_bytes};

/// All rows of one table, column by column.
pub(crate) struct Columns {
    batches: Vec<RecordBatch>,
}

impl Columns {
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, TableError> {
        Ok(Self { batches: parquet_bytes::read(bytes)? })
    }

    /// An entry of the schema's metadata.
    pub(crate) fn metadata(&self, key: &str) -> Option<String> {
        self.batches.iter().find_map(|batch| batch.schema().metadata().get(key).cloned())
    }

    /// Gathers one column over all batches through `take(array, values so far)`.
    pub(crate) fn gather<A: Array + 'static, T>(
        &self,
        column: &str,
        expected: &'static str,
        mut take: impl FnMut(&A, &mut Vec<T>) -> Result<(), TableError>,
    ) -> Result<Vec<T>, TableError> {
        let mut values = Vec::new();
        for batch in &self.batches {
            let array = batch.column_by_name(column).ok_or_else(|| missing(column, batch))?;
            let typed =
                array.as_any().downcast_ref::<A>().ok_or_else(|| TableError::ColumnType {
                    column: column.to_owned(),
                    got: array.data_type().to_string(),
                    expected,
                })?;
            take(typed, &mut values)?;
        }
        Ok(values)
    }

    pub(crate) fn optional_strings(&self, column: &str) -> Result<Vec<Option<String>>, TableError> {
        self.gather::<StringArray, _>(column, "Utf8", |array, values| {
            values.extend(array.iter().map(|value| value.map(str::to_owned)));
            Ok(())
        })
    }

    pub(crate) fn strings(&self, column: &str) -> Result<Vec<String>, TableError> {
        required(column, self.optional_strings(column)?)
    }

    pub(crate) fn categories(&self, column: &str) -> Result<Categorical, TableError> {
        let mut all = Categorical::default();
        self.gather::<DictionaryArray<UInt32Type>, ()>(
            column,
            "Dictionary(UInt32, Utf8)",
            |array, _| {
                let values = array.values().as_string::<i32>();
                let codes: Vec<u32> =
                    values.iter().map(|value| all.intern(value.unwrap_or(""))).collect();
                for (row, key) in array.keys().iter().enumerate() {
                    let key =
                        key.ok_or_else(|| TableError::Null { column: column.to_owned(), row })?;
                    all.push_code(codes[key as usize]);
                }
                Ok(())
            },
        )?;
        Ok(all)
    }

    pub(crate) fn optional_u32s(&self, column: &str) -> Result<Vec<Option<u32>>, TableError> {
        self.gather::<UInt32Array, _>(column, "UInt32", |array, values| {
            values.extend(array.iter());
            Ok(())
        })
    }

    pub(crate) fn u32s(&self, column: &str) -> Result<Vec<u32>, TableError> {
        required(column, self.optional_u32s(column)?)
    }

    pub(crate) fn u64s(&self, column: &str) -> Result<Vec<u64>, TableError> {
        let values = self.gather::<UInt64Array, _>(column, "UInt64", |array, values| {
            values.extend(array.iter());
            Ok(())
        })?;
        required(column, values)
    }

    pub(crate) fn bools(&self, column: &str) -> Result<Vec<bool>, TableError> {
        let values = self.gather::<BooleanArray, _>(column, "Boolean", |array, values| {
            values.extend(array.iter());
            Ok(())
        })?;
        required(column, values)
    }

    pub(crate) fn optional_f64s(&self, column: &str) -> Result<Vec<Option<f64>>, TableError> {
        self.gather::<Float64Array, _>(column, "Float64", |array, values| {
            values.extend(array.iter());
            Ok(())
        })
    }

    pub(crate) fn f64s(&self, column: &str) -> Result<Vec<f64>, TableError> {
        required(column, self.optional_f64s(column)?)
    }

    /// NaN where null.
    pub(crate) fn scores(&self, column: &str) -> Result<Vec<f32>, TableError> {
        self.gather::<Float32Array, _>(column, "Float32", |array, values| {
            values.extend(array.iter().map(|value| value.unwrap_or(f32::NAN)));
            Ok(())
        })
    }
}

fn missing(column: &str, batch: &RecordBatch) -> TableError {
    let present = batch.schema().fields().iter().map(|field| field.name().clone()).collect();
    TableError::MissingColumn { column: column.to_owned(), present }
}

fn required<T>(column: &str, values: Vec<Option<T>>) -> Result<Vec<T>, TableError> {
    let null = |row| TableError::Null { column: column.to_owned(), row };
    values.into_iter().enumerate().map(|(row, value)| value.ok_or_else(|| null(row))).collect()
}
