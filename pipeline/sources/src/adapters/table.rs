//! Plain tables of scores: long or wide, as CSV, JSONL or Parquet.
//!
//! Layout, columns and metric are declared; only a long table whose column names leave no doubt is read
//! without ([`Declaration::guess`]). A blank cell, `null` or `NaN` is a
//! missing score, never 0. An optional second table says what the items are, a third one what is
//! known of the models. An item without a prompt is identified by its native id instead.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, HashMap},
};

use aliquot_tables::{
    aliases::Alias,
    foreign::{Format, TextTable},
    items::Item,
    models::Model,
    responses::Response,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{AdapterError, ItemContent, Occurrences, Place, RawFile, Shard};

mod undeclared;

pub use undeclared::normalize_undeclared;
pub(crate) use undeclared::recognises;

/// Raised when the same bytes give other rows.
pub const VERSION: u32 = 2;

/// How scores are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Layout {
    /// One row a score.
    Long,
    /// One row a model, one column an item.
    WideModelsInRows,
    /// One row an item, one column a model.
    WideItemsInRows,
}

/// Columns of the table of scores.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScoreColumns {
    /// Name of the model; in `wide-items-in-rows` not used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Native id of the item; in `wide-models-in-rows` not used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
    /// Uid of the item, in place of `item`, where another table has it from Aliquot. `long` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item_uid: Option<String>,
    /// Benchmark of the item; without a table of items and in `long` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub benchmark: Option<String>,
    /// Score; `long` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<String>,
    /// Metric; rows of other metrics than the declared one are left out. `long` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<String>,
    /// Repetition, a whole number from 0. `long` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trial: Option<String>,
    /// Natural logarithm of the probability of the gold answer, normalised over the choices where
    /// there are any. `long` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_likelihood: Option<String>,
}

/// Columns of the table of items.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ItemColumns {
    /// Native id.
    pub item: String,
    /// Benchmark.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub benchmark: Option<String>,
    /// Task or category.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// The question.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// Reference answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// What the item shares with others, such as its passage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
}

/// Columns of the table of models.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ModelColumns {
    /// Name.
    pub model: String,
    /// Family.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family: Option<String>,
    /// Model that this one was made from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_model: Option<String>,
    /// How it was compressed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compression: Option<String>,
    /// Release date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub released: Option<String>,
}

/// How to read the tables.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Declaration {
    /// How scores are laid out.
    pub layout: Layout,
    /// The metric that scores are of.
    pub metric: String,
    /// Benchmark of all items, where no column says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub benchmark: Option<String>,
    /// Scores that stand for 0 and for 1.
    #[serde(default = "unit_range")]
    pub score_range: [f64; 2],
    /// Columns of the table of scores.
    pub columns: ScoreColumns,
    /// Columns of the table of items; with that table only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item_columns: Option<ItemColumns>,
    /// Columns of the table of models; with that table only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_columns: Option<ModelColumns>,
}

fn unit_range() -> [f64; 2] {
    [0.0, 1.0]
}

/// The raw files of one table source.
#[derive(Debug, Clone, Copy)]
pub struct Files<'a> {
    /// Scores.
    pub scores: RawFile<'a>,
    /// What the items are.
    pub items: Option<RawFile<'a>>,
    /// What is known of the models.
    pub models: Option<RawFile<'a>>,
}

/// Reads the tables of one source; of items without a score only if `all_items`.
pub fn normalize(
    files: &Files<'_>,
    declaration: &Declaration,
    all_items: bool,
) -> Result<Shard, AdapterError> {
    let scores = read(&files.scores)?;
    shard(files, &scores, declaration, all_items)
}

fn shard(
    files: &Files<'_>,
    scores: &TextTable,
    declaration: &Declaration,
    all_items: bool,
) -> Result<Shard, AdapterError> {
    let cells = cells(&files.scores, scores, declaration)?;
    let known: BTreeMap<Key<'_>, Item> = match (&files.items, &declaration.item_columns) {
        (Some(_), Some(_)) if declaration.columns.benchmark.is_some() => {
            let problem = "`columns.benchmark` is for scores without a table of items";
            return Err(files.scores.error(Place::File, problem));
        }
        (Some(file), Some(columns)) => {
            let items = described_items(file, columns, declaration.benchmark.as_deref())?;
            items.into_iter().map(|(id, item)| ((Cow::Borrowed(""), id.into()), item)).collect()
        }
        _ => bare_items(&files.scores, &cells, declaration)?,
    };

    let mut shard = Shard::default();
    let raw = files.scores.id.to_string();
    let mut used = BTreeSet::new();
    if all_items {
        used.extend(known.keys().cloned());
    }
    let mut places: HashMap<_, Place> = HashMap::new();
    for cell in &cells {
        if let Some(first) = places.insert((cell.model, cell.key(), cell.trial), cell.place) {
            let (model, item, trial) = (cell.model, cell.item, cell.trial);
            let problem = format!(
                "model `{model}` has a second score on item `{item}`, trial {trial}; the first is{}",
                first.to_string().replace(',', " in")
            );
            return Err(files.scores.error(cell.place, problem));
        }
        let item = known.get(&cell.key()).ok_or_else(|| {
            files
                .scores
                .error(cell.place, format!("item `{}` is not in the table of items", cell.item))
        })?;
        used.insert(cell.key());
        shard.responses.push(&Response {
            model: cell.model,
            item_uid: &item.item_uid,
            metric: &declaration.metric,
            filter: "",
            trial: cell.trial,
            score: cell.score,
            log_likelihood: cell.log_likelihood,
            raw: &raw,
            record: cell.record,
        });
    }
    for key in used {
        let item = &known[&key];
        shard.aliases.push(alias(&key.1, item));
        shard.items.push(item.clone());
    }
    shard.models = models(files, &cells, declaration)?;
    Ok(shard)
}

/// Reads a table of items that no model has answered yet. `benchmark` is that of all items, where no
/// column says it.
pub fn normalize_items(
    file: &RawFile<'_>,
    columns: &ItemColumns,
    benchmark: Option<&str>,
) -> Result<Shard, AdapterError> {
    let known = described_items(file, columns, benchmark)?;
    if known.is_empty() {
        return Err(file.error(Place::File, "it has no items"));
    }
    let aliases = known.iter().map(|(native_id, item)| alias(native_id, item)).collect();
    Ok(Shard { items: known.into_values().collect(), aliases, ..Shard::default() })
}

fn alias(native_id: &str, item: &Item) -> Alias {
    Alias {
        item_uid: item.item_uid.clone(),
        tool: "table".to_owned(),
        task: item.benchmark.clone(),
        native_id: Some(native_id.to_owned()),
        ..Alias::default()
    }
}

fn read(file: &RawFile<'_>) -> Result<TextTable, AdapterError> {
    TextTable::read(format(file)?, &file.document()?).map_err(|error| file.table_error(&error))
}

fn format(file: &RawFile<'_>) -> Result<Format, AdapterError> {
    let name = file.address.to_string();
    Format::from_name(name.trim_end_matches(".gz")).ok_or_else(|| {
        file.error(
            Place::File,
            "its name ends in none of .csv, .jsonl, .ndjson, .parquet, nor in one and .gz",
        )
    })
}

/// Benchmark, empty where no column of the scores says it, and native id of an item.
type Key<'a> = (Cow<'a, str>, Cow<'a, str>);

struct Cell<'a> {
    model: &'a str,
    benchmark: &'a str,
    item: &'a str,
    trial: u32,
    score: Result<f32, &'static str>,
    log_likelihood: Option<f32>,
    record: u64,
    place: Place,
}

impl<'a> Cell<'a> {
    fn key(&self) -> Key<'a> {
        (self.benchmark.into(), self.item.into())
    }
}

fn cells<'a>(
    file: &RawFile<'_>,
    table: &'a TextTable,
    declaration: &Declaration,
) -> Result<Vec<Cell<'a>>, AdapterError> {
    match declaration.layout {
        Layout::Long => long_cells(file, table, declaration),
        Layout::WideModelsInRows | Layout::WideItemsInRows => wide_cells(file, table, declaration),
    }
}

fn long_cells<'a>(
    file: &RawFile<'_>,
    table: &'a TextTable,
    declaration: &Declaration,
) -> Result<Vec<Cell<'a>>, AdapterError> {
    let columns = &declaration.columns;
    let column = |name: &Option<String>, what: &str| declared(file, table, name.as_deref(), what);
    let models = column(&columns.model, "model")?;
    let items =
        column(columns.item_uid.as_ref().map_or(&columns.item, |_| &columns.item_uid), "item")?;
    let scores = column(&columns.score, "score")?;
    let optional = |name: &Option<String>| name.as_ref().map(|_| column(name, "")).transpose();
    let (metrics, trials) = (optional(&columns.metric)?, optional(&columns.trial)?);
    let log_likelihoods = optional(&columns.log_likelihood)?;
    let benchmarks = optional(&columns.benchmark)?;

    let mut cells = Vec::with_capacity(scores.len());
    for (row, score) in scores.iter().enumerate() {
        let place = Place::Row(row as u64 + 1);
        let blank = |what: &str| file.error(place, format!("the {what} is blank"));
        if let Some(metrics) = &metrics
            && metrics[row].ok_or_else(|| blank("metric"))? != declaration.metric
        {
            continue;
        }
        let trial = match trials.as_ref().map(|trials| trials[row].unwrap_or("")) {
            None => 0,
            Some(text) => text
                .parse()
                .map_err(|_| file.error(place, format!("trial `{text}` is not a whole number")))?,
        };
        cells.push(Cell {
            model: models[row].ok_or_else(|| blank("model"))?,
            item: items[row].ok_or_else(|| blank("item"))?,
            benchmark: match &benchmarks {
                Some(benchmarks) => benchmarks[row].ok_or_else(|| blank("benchmark"))?,
                None => "",
            },
            trial,
            score: score_of(*score, declaration.score_range)
                .map_err(|problem| file.error(place, problem))?,
            log_likelihood: log_likelihoods
                .as_ref()
                .and_then(|texts| texts[row])
                .map(log_likelihood_of)
                .transpose()
                .map_err(|problem| file.error(place, problem))?,
            record: row as u64,
            place,
        });
    }
    if cells.is_empty() {
        return Err(
            file.error(Place::File, format!("it has no row of metric `{}`", declaration.metric))
        );
    }
    Ok(cells)
}

fn wide_cells<'a>(
    file: &RawFile<'_>,
    table: &'a TextTable,
    declaration: &Declaration,
) -> Result<Vec<Cell<'a>>, AdapterError> {
    let models_in_rows = declaration.layout == Layout::WideModelsInRows;
    let (name, what) = if models_in_rows {
        (declaration.columns.model.as_deref(), "model")
    } else {
        (declaration.columns.item.as_deref(), "item")
    };
    let labels = declared(file, table, name, what)?;
    let mut cells = Vec::new();
    for heading in table.names().iter().filter(|heading| Some(heading.as_str()) != name) {
        let scores = table.column(heading).map_err(|error| file.table_error(&error))?;
        for (row, (score, label)) in scores.iter().zip(&labels).enumerate() {
            let place = Place::Row(row as u64 + 1);
            let label = label.ok_or_else(|| file.error(place, format!("the {what} is blank")))?;
            let score = score_of(*score, declaration.score_range)
                .map_err(|problem| file.error(place, format!("column `{heading}`: {problem}")))?;
            let (model, item) =
                if models_in_rows { (label, heading.as_str()) } else { (heading.as_str(), label) };
            let (trial, log_likelihood, record) = (0, None, row as u64);
            let benchmark = "";
            cells.push(Cell {
                model,
                benchmark,
                item,
                trial,
                score,
                log_likelihood,
                record,
                place,
            });
        }
    }
    Ok(cells)
}

fn declared<'a>(
    file: &RawFile<'_>,
    table: &'a TextTable,
    name: Option<&str>,
    what: &str,
) -> Result<Vec<Option<&'a str>>, AdapterError> {
    let name = name.ok_or_else(|| {
        file.error(Place::File, format!("this layout needs `columns.{what}` in the recipe"))
    })?;
    table.column(name).map_err(|error| file.table_error(&error))
}

fn score_of(
    text: Option<&str>,
    [low, high]: [f64; 2],
) -> Result<Result<f32, &'static str>, String> {
    let Some(text) = text else { return Ok(Err("blank")) };
    let number: f64 = match text {
        "true" | "True" => high,
        "false" | "False" => low,
        "null" => return Ok(Err("null")),
        other => other.parse().map_err(|_| format!("score `{other}` is not a number"))?,
    };
    if number.is_nan() {
        return Ok(Err("NaN"));
    }
    let score = (number - low) / (high - low);
    if !(0.0..=1.0).contains(&score) {
        return Err(format!("score {number} is outside the declared range {low} to {high}"));
    }
    Ok(Ok(score as f32))
}

fn log_likelihood_of(text: &str) -> Result<f32, String> {
    match text.parse() {
        Ok(value) if value <= 0.0 && f32::is_finite(value) => Ok(value),
        _ => Err(format!("log-likelihood `{text}` is not the logarithm of a probability above 0")),
    }
}

/// Items from their own table, by native id.
fn described_items(
    file: &RawFile<'_>,
    columns: &ItemColumns,
    benchmark_of_all: Option<&str>,
) -> Result<BTreeMap<String, Item>, AdapterError> {
    let table = read(file)?;
    let column = |name: &str| table.column(name).map_err(|error| file.table_error(&error));
    let optional = |name: &Option<String>| name.as_deref().map(column).transpose();
    let ids = column(&columns.item)?;
    let (benchmarks, tasks) = (optional(&columns.benchmark)?, optional(&columns.task)?);
    let (prompts, targets) = (optional(&columns.prompt)?, optional(&columns.target)?);
    let parents = optional(&columns.parent)?;

    let mut items = BTreeMap::new();
    let mut occurrences = Occurrences::default();
    for (row, id) in ids.iter().enumerate() {
        let place = Place::Row(row as u64 + 1);
        let cell = |column: &Option<Vec<Option<&str>>>| {
            column.as_ref().and_then(|cells| cells[row]).map(str::to_owned)
        };
        let id = id.ok_or_else(|| file.error(place, "the item is blank"))?;
        let benchmark = cell(&benchmarks).or_else(|| benchmark_of_all.map(str::to_owned));
        let benchmark = benchmark.ok_or_else(|| {
            file.error(
                place,
                "the benchmark is blank: declare `benchmark` or the column of it in the recipe",
            )
        })?;
        let stem = cell(&prompts).unwrap_or_else(|| id.to_owned());
        let described = Described {
            benchmark,
            stem,
            task: cell(&tasks).unwrap_or_default(),
            target: cell(&targets),
            parent: cell(&parents),
        };
        let item = described.item(&mut occurrences).map_err(file.canonical_error(place))?;
        if items.insert(id.to_owned(), item).is_some() {
            return Err(file.error(place, format!("item `{id}` is there twice")));
        }
    }
    Ok(items)
}

/// Items of which only the native id or the uid is known.
fn bare_items<'a>(
    file: &RawFile<'_>,
    cells: &[Cell<'a>],
    declaration: &Declaration,
) -> Result<BTreeMap<Key<'a>, Item>, AdapterError> {
    let mut items = BTreeMap::new();
    for cell in cells {
        if items.contains_key(&cell.key()) {
            continue;
        }
        let benchmark = Some(cell.benchmark).filter(|benchmark| !benchmark.is_empty());
        let benchmark = benchmark.or(declaration.benchmark.as_deref()).ok_or_else(|| {
            file.error(
                Place::File,
                "without a table of items or a column of benchmarks the recipe has to declare \
                 `benchmark`, the command line --benchmark",
            )
        })?;
        let described = Described {
            benchmark: benchmark.to_owned(),
            stem: cell.item.to_owned(),
            task: String::new(),
            target: None,
            parent: None,
        };
        let mut item = described
            .item(&mut Occurrences::default())
            .map_err(file.canonical_error(cell.place))?;
        if declaration.columns.item_uid.is_some() {
            let uid = uid(cell.item).map_err(|problem| file.error(cell.place, problem))?;
            item.item_uid = uid.to_owned();
        }
        items.insert(cell.key(), item);
    }
    Ok(items)
}

/// The text, if it is an item uid.
fn uid(text: &str) -> Result<&str, String> {
    let digits = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if text.len() == 64 && digits {
        return Ok(text);
    }
    Err(format!("`{text}` is no item uid, which has 64 hexadecimal digits"))
}

struct Described {
    benchmark: String,
    stem: String,
    task: String,
    target: Option<String>,
    parent: Option<String>,
}

impl Described {
    fn item(
        self,
        occurrences: &mut Occurrences,
    ) -> Result<Item, aliquot_store::canonical::CanonicalError> {
        let Self { benchmark, stem, task, target, parent } = self;
        let (config, split, choices) = ("", "", None);
        let content = ItemContent {
            benchmark: &benchmark,
            config,
            split,
            stem: &stem,
            choices,
            target: target.as_deref(),
        };
        let (item_uid, occurrence) = occurrences.next_uid(&content)?;
        Ok(Item { item_uid, benchmark, task, stem, target, occurrence, parent, ..Item::default() })
    }
}

/// The models that have scores, with what the table of models knows of them.
fn models(
    files: &Files<'_>,
    cells: &[Cell<'_>],
    declaration: &Declaration,
) -> Result<Vec<Model>, AdapterError> {
    let scored: BTreeSet<&str> = cells.iter().map(|cell| cell.model).collect();
    let mut models: BTreeMap<&str, Model> = scored
        .into_iter()
        .map(|model| (model, Model { model: model.to_owned(), ..Model::default() }))
        .collect();
    if let (Some(file), Some(columns)) = (&files.models, &declaration.model_columns) {
        let table = read(file)?;
        let column = |name: &str| table.column(name).map_err(|error| file.table_error(&error));
        let optional = |name: &Option<String>| name.as_deref().map(column).transpose();
        let names = column(&columns.model)?;
        let (families, bases) = (optional(&columns.family)?, optional(&columns.base_model)?);
        let (compressions, dates) = (optional(&columns.compression)?, optional(&columns.released)?);
        for (row, name) in names.iter().enumerate() {
            let cell = |column: &Option<Vec<Option<&str>>>| {
                column.as_ref().and_then(|cells| cells[row]).map(str::to_owned)
            };
            if let Some(model) = name.and_then(|name| models.get_mut(name)) {
                (model.family, model.base_model) = (cell(&families), cell(&bases));
                (model.compression, model.released) = (cell(&compressions), cell(&dates));
            }
        }
    }
    Ok(models.into_values().collect())
}

#[cfg(test)]
mod tests {
    use aliquot_store::ObjectId;

    use super::*;
    use crate::Content;

    fn declaration(toml: &str) -> Declaration {
        toml::from_str(toml).unwrap()
    }

    fn read_csv(csv: &str, declaration: &Declaration) -> Result<Shard, AdapterError> {
        let address = "file:scores.csv".parse().unwrap();
        let scores = RawFile {
            address: &address,
            id: ObjectId::of(csv.as_bytes()),
            content: Content::Memory(csv.as_bytes()),
        };
        normalize(&Files { scores, items: None, models: None }, declaration, false)
    }

    const LONG: &str = "layout = 'long'\nmetric = 'acc'\nbenchmark = 'b'\n\
        columns = { model = 'm', item = 'i', score = 's', metric = 'k' }";

    #[test]
    fn long_and_both_wide_layouts_give_the_same_scores() {
        let long = read_csv(
            "m,i,s,k\nA,1,1,acc\nA,2,,acc\nB,1,0.5,acc\nB,2,0,acc\nB,2,1,f1\n",
            &declaration(LONG),
        )
        .unwrap();
        let wide = "layout = 'wide-models-in-rows'\nmetric = 'acc'\nbenchmark = 'b'\ncolumns = { model = 'm' }";
        let models_in_rows = read_csv("m,1,2\nA,1,\nB,0.5,0\n", &declaration(wide)).unwrap();
        let wide = "layout = 'wide-items-in-rows'\nmetric = 'acc'\nbenchmark = 'b'\ncolumns = { item = 'i' }";
        let items_in_rows = read_csv("i,A,B\n1,1,0.5\n2,,0\n", &declaration(wide)).unwrap();
        let view = |shard: &Shard| {
            let rows = &shard.responses;
            let mut view: Vec<_> = (0..rows.len())
                .map(|row| {
                    format!(
                        "{} {} {}",
                        rows.model.get(row),
                        rows.item_uid.get(row),
                        rows.score[row]
                    )
                })
                .collect();
            view.sort();
            view
        };
        assert_eq!(view(&long).len(), 4);
        assert_eq!(view(&long), view(&models_in_rows));
        assert_eq!(view(&long), view(&items_in_rows));
    }

    #[test]
    fn mistakes_name_file_row_and_column() {
        let error = |csv: &str| read_csv(csv, &declaration(LONG)).unwrap_err().to_string();
        assert_eq!(
            error("m,i,s,k\nA,1,7,acc\n"),
            "file:scores.csv, row 1: score 7 is outside the declared range 0 to 1"
        );
        assert_eq!(
            error("m,i,s,k\nA,1,x,acc\n"),
            "file:scores.csv, row 1: score `x` is not a number"
        );
        assert_eq!(
            error("m,i,s,k\nA,1,1,acc\n,1,1,acc\n"),
            "file:scores.csv, row 2: the model is blank"
        );
        assert_eq!(
            error("m,i,s\nA,1,1\n"),
            "file:scores.csv: column `k` is missing; the table has: m, i, s"
        );
    }

    #[test]
    fn a_parent_is_carried_and_is_no_part_of_the_uid() {
        let with_parents = "item_columns = { item = 'i', prompt = 'q', parent = 'p' }";
        let read = |columns: &str| {
            let (scores, items) = (b"m,i,s\nA,1,1\nA,2,0\n", b"i,q,p\n1,Why?,x\n2,How?,\n");
            let of = |address, bytes| RawFile {
                address,
                id: ObjectId::of(bytes),
                content: Content::Memory(bytes),
            };
            let addresses = ["file:scores.csv", "file:items.csv"].map(|text| text.parse().unwrap());
            let [scores, items] = [of(&addresses[0], scores), of(&addresses[1], &items[..])];
            let long = "layout = 'long'\nmetric = 'acc'\nbenchmark = 'b'\n\
                columns = { model = 'm', item = 'i', score = 's' }";
            let declaration = declaration(&format!("{long}\n{columns}"));
            normalize(&Files { scores, items: Some(items), models: None }, &declaration, false)
                .unwrap()
        };
        let (with, without) =
            (read(with_parents), read("item_columns = { item = 'i', prompt = 'q' }"));
        let parents: Vec<_> = with.items.iter().map(|item| item.parent.as_deref()).collect();
        assert_eq!(parents, [Some("x"), None]);
        let uids = |shard: &Shard| -> Vec<String> {
            shard.items.iter().map(|item| item.item_uid.clone()).collect()
        };
        assert_eq!(uids(&with), uids(&without));
    }

    #[test]
    fn items_without_a_score_are_kept_if_they_are_asked_for_and_need_no_scores_at_all() {
        let (scores, items) = (b"m,i,s\nA,1,1\n", b"i,q\n1,Why?\n2,How?\n");
        let of = |address, bytes| RawFile {
            address,
            id: ObjectId::of(bytes),
            content: Content::Memory(bytes),
        };
        let addresses = ["file:scores.csv", "file:items.csv"].map(|text| text.parse().unwrap());
        let [scores, items] = [of(&addresses[0], &scores[..]), of(&addresses[1], &items[..])];
        let declaration = declaration(
            "layout = 'long'\nmetric = 'acc'\nbenchmark = 'b'\n\
             columns = { model = 'm', item = 'i', score = 's' }\n\
             item_columns = { item = 'i', prompt = 'q' }",
        );
        let files = Files { scores, items: Some(items), models: None };
        let stems = |shard: &Shard| -> Vec<String> {
            shard.items.iter().map(|item| item.stem.clone()).collect()
        };
        let read = |all_items| normalize(&files, &declaration, all_items).unwrap();
        assert_eq!(stems(&read(false)), ["Why?"]);
        assert_eq!((stems(&read(true)).len(), read(true).aliases.len()), (2, 2));

        let columns = declaration.item_columns.as_ref().unwrap();
        let bare = normalize_items(&items, columns, Some("b")).unwrap();
        assert_eq!((bare.items, bare.responses.len()), (read(true).items, 0));
        let error = normalize_items(&items, columns, None).unwrap_err().to_string();
        assert!(error.contains("row 1: the benchmark is blank"), "{error}");
    }

    #[test]
    fn log_likelihoods_are_carried_and_have_to_be_logarithms_of_probabilities() {
        let long = LONG.replace("metric = 'k' }", "log_likelihood = 'l' }");
        let shard = read_csv("m,i,s,l\nA,1,1,-0.5\nA,2,0,\n", &declaration(&long)).unwrap();
        assert_eq!(shard.responses.log_likelihood[0], -0.5);
        assert!(shard.responses.log_likelihood[1].is_nan());
        for bad in ["0.1", "-inf", "NaN", "x"] {
            let csv = format!("m,i,s,l\nA,1,1,{bad}\n");
            let error = read_csv(&csv, &declaration(&long)).unwrap_err().to_string();
            assert!(error.contains(&format!("row 1: log-likelihood `{bad}` is not")), "{error}");
        }
    }

    #[test]
    fn a_range_of_0_to_100_is_scaled() {
        let percent = format!("score_range = [0.0, 100.0]\n{LONG}");
        let shard = read_csv("m,i,s,k\nA,1,25,acc\n", &declaration(&percent)).unwrap();
        assert_eq!(shard.responses.score, [0.25]);
    }
}
