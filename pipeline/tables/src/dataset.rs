//! Folders of per-item results: three Parquet files that say who scored what on which item.
//!
//! | file | required columns | optional columns |
//! |---|---|---|
//! | `responses.parquet` | `model`, `item_id`, `score`, `metric` | |
//! | `items.parquet` | `item_id`, `benchmark` | `weight`, `parent_item`, `task` |
//! | `models.parquet` | `model` | `family`, `date`, `base`, `compressed`, see [`Models::decode`] |
//!
//! Other columns are not looked at. Scores are read as typed columns, in one pass over the rows.

mod pairs;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use aliquot_stats::split::ModelAttributes;
use arrow_array::{Array, RecordBatch, cast::AsArray, types::Float32Type};
use arrow_cast::{can_cast_types, cast};
use arrow_schema::DataType;

use crate::{Categorical, TableError, parquet_bytes};

pub use pairs::Pair;

/// Scores, one row each.
#[derive(Debug, Clone, Default)]
pub struct Responses {
    /// Who answered.
    pub models: Categorical,
    /// What.
    pub items: Categorical,
    /// Who or what gave the score, such as a judge's name.
    pub metrics: Categorical,
    /// In [0, 1]; NaN where there is none.
    pub scores: Vec<f32>,
}

impl Responses {
    /// Reads `responses.parquet`; a score outside [0, 1] or a second score of one model, item and
    /// metric is an error that names its row.
    pub fn decode(bytes: &[u8]) -> Result<Self, TableError> {
        let table = Table::read(bytes)?;
        let scores = table.numbers("score")?;
        let in_range = |score: &f32| score.is_nan() || (0.0..=1.0).contains(score);
        if let Some(row) = scores.iter().position(|score| !in_range(score)) {
            return Err(bad_value("score", row, &scores[row].to_string(), "a score from 0 to 1"));
        }
        let responses = Self {
            models: table.categories("model")?,
            items: table.categories("item_id")?,
            metrics: table.categories("metric")?,
            scores,
        };
        responses.each_once()?;
        Ok(responses)
    }

    fn each_once(&self) -> Result<(), TableError> {
        let (models, items) = (self.models.codes(), self.items.codes());
        let mut rows: Vec<u32> = (0..self.scores.len() as u32).collect();
        let key = |row: u32| {
            let row = row as usize;
            (models[row], items[row], self.metrics.codes()[row])
        };
        rows.sort_unstable_by_key(|&row| (key(row), row));
        let again = rows.windows(2).filter(|pair| key(pair[0]) == key(pair[1]));
        match again.map(|pair| pair[1] as usize).min() {
            None => Ok(()),
            Some(row) => {
                let expected = "each item once for a model and metric";
                Err(bad_value("item_id", row, self.items.get(row), expected))
            }
        }
    }
}

/// Benchmark and weight of every item.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Items {
    /// By item id.
    pub by_id: BTreeMap<String, Item>,
}

/// What is known of an item.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// The benchmark that it belongs to.
    pub benchmark: String,
    /// What it counts in the benchmark's mean, relative to the others; 1 without a column `weight`.
    pub weight: f64,
    /// What it shares with other items, such as the text that they ask about; blank and no column
    /// `parent_item` alike are None.
    pub parent: Option<String>,
    /// Task or category inside the benchmark; blank and no column `task` alike are None.
    pub task: Option<String>,
}

impl Items {
    /// Reads `items.parquet`; an item that is there twice, or a weight that is not positive, is an
    /// error that names its row.
    pub fn decode(bytes: &[u8]) -> Result<Self, TableError> {
        let table = Table::read(bytes)?;
        let ids = table.required_texts("item_id")?;
        let benchmarks = table.required_texts("benchmark")?;
        let weights = match table.has("weight") {
            true => table.numbers("weight")?,
            false => vec![1.0; ids.len()],
        };
        let parents = table.first_texts(&["parent_item"], ids.len())?;
        let tasks = table.first_texts(&["task"], ids.len())?;
        let mut by_id = BTreeMap::new();
        let rows = ids.into_iter().zip(benchmarks).zip(weights).zip(parents).zip(tasks);
        for (row, ((((id, benchmark), weight), parent), task)) in rows.enumerate() {
            if !(weight > 0.0 && weight.is_finite()) {
                return Err(bad_value("weight", row, &weight.to_string(), "a positive number"));
            }
            let item = Item { benchmark, weight: f64::from(weight), parent, task };
            if by_id.insert(id.clone(), item).is_some() {
                return Err(bad_value("item_id", row, &id, "each item once"));
            }
        }
        Ok(Self { by_id })
    }
}

/// Attributes of every model.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Models {
    /// By name.
    pub by_name: BTreeMap<String, ModelAttributes>,
}

/// Columns with a model's family; the first that is there counts.
const FAMILY: [&str; 2] = ["family", "family_guess"];
/// Columns with a model's release date, or what comes nearest to it.
const DATE: [&str; 5] = ["date", "released", "release_date", "run_date", "timestamp"];
/// Columns that are equal for models of the same weights.
const BASE: [&str; 3] = ["base", "base_group", "base_model"];
/// Columns that say how a model is compressed; blank where it is not.
const COMPRESSION: [&str; 3] = ["compression", "quant_method", "quant_tag"];

impl Models {
    /// Reads `models.parquet`.
    ///
    /// The family is in the first of `family`, `family_guess` that is there; the date in the first of
    /// `date`, `released`, `release_date`, `run_date`, `timestamp`, as a number or as a text that
    /// begins with YYYY, YYYY-MM or YYYY-MM-DD; the group of the same weights in the first of `base`,
    /// `base_group`, `base_model`. A model is compressed where `compressed` is true, else where
    /// `is_unquantized` is false, else where any of `compression`, `quant_method`, `quant_tag` is
    /// filled. Blank cells, and models that are not listed, are unknown. Families and groups are
    /// numbered in the order of their names.
    pub fn decode(bytes: &[u8]) -> Result<Self, TableError> {
        let table = Table::read(bytes)?;
        let names = table.required_texts("model")?;
        let families = numbered(&table.first_texts(&FAMILY, names.len())?);
        let bases = numbered(&table.first_texts(&BASE, names.len())?);
        let dates = table.dates(names.len())?;
        let compressed = table.compressed(names.len())?;
        let mut by_name = BTreeMap::new();
        for (row, name) in names.into_iter().enumerate() {
            let attributes = ModelAttributes {
                released: dates[row],
                family: families[row],
                base: bases[row],
                compressed: compressed[row],
            };
            if by_name.insert(name.clone(), attributes).is_some() {
                return Err(bad_value("model", row, &name, "each model once"));
            }
        }
        Ok(Self { by_name })
    }
}

fn bad_value(column: &str, row: usize, value: &str, expected: &'static str) -> TableError {
    TableError::Value { column: column.to_owned(), row, value: value.to_owned(), expected }
}

/// Each text's place among the distinct texts.
fn numbered(texts: &[Option<String>]) -> Vec<Option<u32>> {
    let distinct: BTreeSet<&String> = texts.iter().flatten().collect();
    let places: HashMap<&String, u32> = distinct.into_iter().zip(0..).collect();
    texts.iter().map(|text| text.as_ref().and_then(|text| places.get(text).copied())).collect()
}

/// A table whose columns are cast to what is asked for, whatever integers, floats or kinds of text
/// their writer chose.
struct Table {
    batches: Vec<RecordBatch>,
}

impl Table {
    fn read(bytes: &[u8]) -> Result<Self, TableError> {
        Ok(Self { batches: parquet_bytes::read(bytes)? })
    }

    fn has(&self, column: &str) -> bool {
        self.batches.iter().all(|batch| batch.column_by_name(column).is_some())
    }

    /// The column of every batch, cast.
    fn cast(
        &self,
        column: &str,
        to: &DataType,
        expected: &'static str,
    ) -> Result<Vec<arrow_array::ArrayRef>, TableError> {
        let one = |batch: &RecordBatch| {
            let array = batch.column_by_name(column).ok_or_else(|| TableError::MissingColumn {
                column: column.to_owned(),
                present: batch.schema().fields().iter().map(|field| field.name().clone()).collect(),
            })?;
            let got = array.data_type();
            // A text that is no number would be cast to null, which is not what its writer meant.
            let lossy = to.is_numeric() && !(got.is_numeric() || got == &DataType::Boolean);
            if lossy || got.is_nested() || !can_cast_types(got, to) {
                return Err(TableError::ColumnType {
                    column: column.to_owned(),
                    got: got.to_string(),
                    expected,
                });
            }
            Ok(cast(array, to)?)
        };
        self.batches.iter().map(one).collect()
    }

    /// NaN where null.
    fn numbers(&self, column: &str) -> Result<Vec<f32>, TableError> {
        let mut numbers = Vec::new();
        for array in self.cast(column, &DataType::Float32, "a number")? {
            let array = array.as_primitive::<Float32Type>();
            numbers.extend(array.iter().map(|number| number.unwrap_or(f32::NAN)));
        }
        Ok(numbers)
    }

    fn texts(&self, column: &str) -> Result<Vec<Option<String>>, TableError> {
        let mut texts = Vec::new();
        for array in self.cast(column, &DataType::LargeUtf8, "text")? {
            let cells = array.as_string::<i64>().iter();
            texts.extend(cells.map(|cell| {
                cell.map(str::trim).filter(|cell| !cell.is_empty()).map(str::to_owned)
            }));
        }
        Ok(texts)
    }

    fn required_texts(&self, column: &str) -> Result<Vec<String>, TableError> {
        let null = |row| TableError::Null { column: column.to_owned(), row };
        let cells = self.texts(column)?.into_iter().enumerate();
        cells.map(|(row, cell)| cell.ok_or_else(|| null(row))).collect()
    }

    /// A text is looked up only where it differs from the row before: rows come in runs.
    fn categories(&self, column: &str) -> Result<Categorical, TableError> {
        let mut all = Categorical::default();
        for array in self.cast(column, &DataType::LargeUtf8, "text")? {
            let mut last: Option<(&str, u32)> = None;
            for cell in array.as_string::<i64>() {
                let cell = cell.filter(|cell| !cell.trim().is_empty());
                let text = cell.ok_or_else(|| TableError::Null {
                    column: column.to_owned(),
                    row: all.len(),
                })?;
                let code = match last {
                    Some((before, code)) if before == text => code,
                    _ => all.intern(text.trim()),
                };
                last = Some((text, code));
                all.push_code(code);
            }
        }
        Ok(all)
    }

    /// The texts of the first of these columns that is there; nothing if none is.
    fn first_texts(
        &self,
        columns: &[&str],
        rows: usize,
    ) -> Result<Vec<Option<String>>, TableError> {
        let first = columns.iter().find(|column| self.has(column));
        first.map_or_else(|| Ok(vec![None; rows]), |column| self.texts(column))
    }

    fn dates(&self, rows: usize) -> Result<Vec<Option<i64>>, TableError> {
        let Some(column) = DATE.iter().find(|column| self.has(column)) else {
            return Ok(vec![None; rows]);
        };
        let mut arrays = self.batches.iter().filter_map(|batch| batch.column_by_name(column));
        let numeric = arrays.all(|array| array.data_type().is_numeric());
        let parse = |(row, text): (usize, Option<String>)| {
            let Some(text) = text else { return Ok(None) };
            let number =
                if numeric { text.parse::<f64>().ok().map(|n| n as i64) } else { day(&text) };
            let expected = "a number or a date such as 2024-05-31";
            number.map(Some).ok_or_else(|| bad_value(column, row, &text, expected))
        };
        self.texts(column)?.into_iter().enumerate().map(parse).collect()
    }

    fn compressed(&self, rows: usize) -> Result<Vec<bool>, TableError> {
        for (column, when) in [("compressed", "true"), ("is_unquantized", "false")] {
            if self.has(column) {
                let texts = self.texts(column)?;
                return Ok(texts.iter().map(|text| text.as_deref() == Some(when)).collect());
            }
        }
        let mut compressed = vec![false; rows];
        for column in COMPRESSION.iter().filter(|column| self.has(column)) {
            for (flag, text) in compressed.iter_mut().zip(self.texts(column)?) {
                *flag |= text.is_some();
            }
        }
        Ok(compressed)
    }
}

/// YYYY, YYYY-MM or YYYY-MM-DD at the beginning of a text, as the number YYYYMMDD.
fn day(text: &str) -> Option<i64> {
    let date = text.get(..10).unwrap_or(text);
    let parts = date.split('-').map(|part| part.parse::<i64>().ok());
    let parts: Vec<i64> = parts.collect::<Option<_>>()?;
    let (year, month, day) = match parts[..] {
        [year] => (year, 1, 1),
        [year, month] => (year, month, 1),
        [year, month, day] => (year, month, day),
        _ => return None,
    };
    let valid =
        (1000..=9999).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    valid.then_some(year * 10_000 + month * 100 + day)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{
        ArrayRef, BooleanArray, DictionaryArray, Float64Array, Int64Array, LargeStringArray,
        StringArray, types::Int32Type,
    };
    use arrow_schema::{Field, Schema};

    use super::*;

    fn parquet(columns: &[(&str, ArrayRef)]) -> Vec<u8> {
        let field =
            |(name, array): &(&str, ArrayRef)| Field::new(*name, array.data_type().clone(), true);
        let schema = Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()));
        let arrays = columns.iter().map(|(_, array)| Arc::clone(array)).collect();
        parquet_bytes::write(&schema, arrays).unwrap()
    }

    fn texts(values: &[&str]) -> ArrayRef {
        Arc::new(StringArray::from(values.to_vec()))
    }

    fn responses(scores: ArrayRef) -> Result<Responses, TableError> {
        let models: DictionaryArray<Int32Type> = ["a", "a", "b"].into_iter().collect();
        Responses::decode(&parquet(&[
            ("model", Arc::new(models)),
            ("item_id", Arc::new(LargeStringArray::from(vec!["x", "y", "x"]))),
            ("score", scores),
            ("metric", texts(&["acc"; 3])),
        ]))
    }

    #[test]
    fn any_kind_of_text_and_number_is_read() {
        for scores in [
            Arc::new(Float64Array::from(vec![Some(1.0), None, Some(0.0)])) as ArrayRef,
            Arc::new(Int64Array::from(vec![Some(1), None, Some(0)])),
            Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)])),
        ] {
            let responses = responses(scores).unwrap();
            assert_eq!((responses.models.get(2), responses.items.get(1)), ("b", "y"));
            assert_eq!((responses.scores[0], responses.scores[2]), (1.0, 0.0));
            assert!(responses.scores[1].is_nan());
        }
    }

    #[test]
    fn a_bad_score_names_its_row_and_a_text_its_column() {
        let error = responses(Arc::new(Float64Array::from(vec![1.0, 0.5, 1.5]))).unwrap_err();
        let expected = "row 2: column `score` holds `1.5`, expected a score from 0 to 1";
        assert_eq!(error.to_string(), expected);
        let error = responses(texts(&["1", "one", "0"])).unwrap_err();
        assert_eq!(error.to_string(), "column `score` is Utf8, expected a number");
    }

    #[test]
    fn a_second_score_of_one_cell_is_an_error() {
        let error = Responses::decode(&parquet(&[
            ("model", texts(&["a", "b", "a"])),
            ("item_id", texts(&["x", "x", "x"])),
            ("score", Arc::new(Float64Array::from(vec![1.0, 1.0, 1.0]))),
            ("metric", texts(&["acc"; 3])),
        ]))
        .unwrap_err();
        assert!(error.to_string().starts_with("row 2: column `item_id` holds `x`"), "{error}");
    }

    #[test]
    fn attributes_come_from_the_first_column_that_is_there() {
        let models = Models::decode(&parquet(&[
            ("model", texts(&["m0", "m1", "m2"])),
            ("family_guess", Arc::new(StringArray::from(vec![Some("yi"), None, Some("gemma")]))),
            ("run_date", texts(&["2024-05-31", "2024-06", "2023-12-01T10:00:00"])),
            ("timestamp", Arc::new(Int64Array::from(vec![1, 2, 3]))),
            ("base_group", texts(&["b", "a", "b"])),
            ("quant_tag", texts(&["", "awq", "awq"])),
            ("is_unquantized", Arc::new(BooleanArray::from(vec![true, true, false]))),
        ]))
        .unwrap();
        let of = |name: &str| models.by_name[name];
        let attributes = |released, family, base, compressed| ModelAttributes {
            released: Some(released),
            family,
            base: Some(base),
            compressed,
        };
        assert_eq!(of("m0"), attributes(20_240_531, Some(1), 1, false));
        assert_eq!(of("m1"), attributes(20_240_601, None, 0, false));
        assert_eq!(of("m2"), attributes(20_231_201, Some(0), 1, true));
    }

    #[test]
    fn pairs_are_for_a_metric_a_benchmark_or_everything() {
        let models = [("quant_model", texts(&["v", "w", "x"])), ("base_model", texts(&["b"; 3]))];
        let metrics = StringArray::from(vec![Some("acc"), Some("acc:quiz"), None]);
        let with = [&models[..], &[("metric", Arc::new(metrics) as ArrayRef)]].concat();
        let pairs = Pair::decode_all(&parquet(&with)).unwrap();
        assert_eq!((pairs[1].variant.as_str(), pairs[1].base.as_str()), ("w", "b"));
        let is_for = |benchmark, metric| [0, 1, 2].map(|at| pairs[at].is_for(benchmark, metric));
        assert_eq!(is_for("made/quiz", "acc"), [true, true, true]);
        assert_eq!(is_for("quiz", "acc"), [true, true, true]);
        assert_eq!(is_for("exam", "acc"), [true, false, true]);
        assert_eq!(is_for("quiz", "loose"), [false, false, true]);
        assert!(Pair::decode_all(&parquet(&models)).unwrap()[0].is_for("any", "any"));
    }

    #[test]
    fn parents_are_read_where_there_are_any() {
        let items = [("item_id", texts(&["x", "y"])), ("benchmark", texts(&["b"; 2]))];
        assert_eq!(Items::decode(&parquet(&items)).unwrap().by_id["x"].parent, None);
        let parents = Arc::new(StringArray::from(vec![Some("p"), None])) as ArrayRef;
        let items = Items::decode(&parquet(&[&items[..], &[("parent_item", parents)]].concat()));
        let items = items.unwrap().by_id;
        assert_eq!((items["x"].parent.as_deref(), &items["y"].parent), (Some("p"), &None));
    }

    #[test]
    fn names_alone_are_models_of_which_nothing_is_known() {
        let models = Models::decode(&parquet(&[("model", texts(&["m"]))])).unwrap();
        assert_eq!(models.by_name["m"], ModelAttributes::default());
        let error = Models::decode(&parquet(&[
            ("model", texts(&["m", "n"])),
            ("date", texts(&["2024-01-01", "spring"])),
        ]));
        let error = error.unwrap_err().to_string();
        assert!(error.starts_with("row 1: column `date` holds `spring`"), "{error}");
    }
}
