//! From folders to matrices without gaps, one a benchmark and metric.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use aliquot_stats::{
    dense::complete_part,
    matrix::{ResponseMatrix, Target},
    split::ModelAttributes,
};
use aliquot_tables::{
    TableError,
    dataset::{Items, Models, Responses},
};

use super::texts::Texts;
use crate::error::Error;

/// Smallest number of models of a matrix.
const MINIMUM_MODELS: usize = 12;
/// Smallest number of items of a matrix.
const MINIMUM_ITEMS: usize = 4;

/// Benchmarks and metrics that are wanted; an empty list wants all.
pub struct Filter<'a> {
    /// Names of benchmarks.
    pub benchmarks: &'a [String],
    /// Names of metrics.
    pub metrics: &'a [String],
}

/// One benchmark under one metric, without gaps.
pub struct Matrix {
    /// Folder/benchmark, and /metric where the benchmark has several.
    pub dataset: String,
    /// Name of the benchmark.
    pub benchmark: String,
    /// Name of the metric.
    pub metric: String,
    /// Names of the models, in their order.
    pub models: Vec<String>,
    /// Ids of the items, in their order.
    pub items: Vec<String>,
    /// The items' texts, where they are given.
    pub texts: Option<Texts>,
    /// Models x items, both in the order of their names.
    pub scores: ResponseMatrix,
    /// The parent of each item, where any is known.
    pub parents: Option<Vec<u32>>,
    /// What each item counts.
    pub target: Target,
    /// The target mean of each model.
    pub full_scores: Vec<f64>,
    /// What else is known of each model.
    pub attributes: Vec<ModelAttributes>,
}

impl Matrix {
    /// Whether a subset of `k` items is less than half of all.
    pub fn allows(&self, k: usize) -> bool {
        2 * k < self.scores.items()
    }
}

/// Reads the folders, in their order; `say` gets a line on every matrix, also one that is skipped.
pub fn read(
    folders: &[PathBuf],
    filter: &Filter<'_>,
    say: &mut dyn FnMut(&str),
) -> Result<Vec<Matrix>, Error> {
    let mut names = BTreeSet::new();
    let mut known = Known::default();
    let mut matrices = Vec::new();
    for path in folders {
        let folder = Folder::read(path)?;
        if !names.insert(folder.name.clone()) {
            return Err(Error::Usage(format!(
                "two folders are called `{}`: their records could not be told apart",
                folder.name
            )));
        }
        for group in folder.groups()? {
            known.benchmarks.insert(group.benchmark.clone());
            known.metrics.insert(group.metric.clone());
            let wanted = |names: &[String], name| names.is_empty() || names.contains(name);
            if wanted(filter.benchmarks, &group.benchmark) && wanted(filter.metrics, &group.metric)
            {
                matrices.extend(folder.matrix(&group, say)?);
            }
        }
    }
    known.check(filter)?;
    Ok(matrices)
}

/// Names that occur in the folders.
#[derive(Default)]
struct Known {
    benchmarks: BTreeSet<String>,
    metrics: BTreeSet<String>,
}

impl Known {
    fn check(&self, filter: &Filter<'_>) -> Result<(), Error> {
        let sides = [
            ("benchmark", filter.benchmarks, &self.benchmarks),
            ("metric", filter.metrics, &self.metrics),
        ];
        for (what, wanted, known) in sides {
            if let Some(unknown) = wanted.iter().find(|name| !known.contains(*name)) {
                let known: Vec<&str> = known.iter().map(String::as_str).collect();
                let known = known.join(", ");
                return Err(Error::Usage(format!("unknown {what} `{unknown}`; known: {known}")));
            }
        }
        Ok(())
    }
}

struct Folder {
    name: String,
    responses: Responses,
    items: Items,
    models: Models,
    /// Where the responses were read, for errors.
    path: PathBuf,
}

/// The rows of one benchmark and metric.
struct Group {
    dataset: String,
    benchmark: String,
    metric: String,
    rows: Vec<usize>,
}

impl Folder {
    fn read(path: &Path) -> Result<Self, Error> {
        // A name for `.` and for a path that ends in `..`.
        let whole = fs::canonicalize(path).map_err(|source| Error::File {
            action: "read",
            path: path.to_owned(),
            source,
        })?;
        let name = whole.file_name().unwrap_or(whole.as_os_str()).to_string_lossy().into_owned();
        Ok(Self {
            name,
            responses: decode(path, "responses.parquet", Responses::decode)?,
            items: decode(path, "items.parquet", Items::decode)?,
            models: decode(path, "models.parquet", Models::decode)?,
            path: path.join("responses.parquet"),
        })
    }

    /// Rows by benchmark, then metric, both in the order of their names.
    fn groups(&self) -> Result<Vec<Group>, Error> {
        let Responses { items, metrics, scores, .. } = &self.responses;
        let benchmark = |id: &String| self.items.by_id.get(id).map(|item| item.benchmark.as_str());
        let benchmarks: Vec<Option<&str>> = items.values().iter().map(benchmark).collect();
        let mut groups: BTreeMap<&str, BTreeMap<&str, Vec<usize>>> = BTreeMap::new();
        for row in (0..scores.len()).filter(|&row| !scores[row].is_nan()) {
            let benchmark = benchmarks[items.codes()[row] as usize];
            let benchmark = benchmark.ok_or_else(|| Error::Dataset {
                path: self.path.clone(),
                source: TableError::Value {
                    column: "item_id".to_owned(),
                    row,
                    value: items.get(row).to_owned(),
                    expected: "an item of items.parquet",
                },
            })?;
            groups.entry(benchmark).or_default().entry(metrics.get(row)).or_default().push(row);
        }
        let mut all = Vec::new();
        for (benchmark, metrics) in groups {
            let several = metrics.len() > 1;
            for (metric, rows) in metrics {
                let mut dataset = format!("{}/{benchmark}", self.name);
                if several {
                    dataset.push_str(&format!("/{metric}"));
                }
                let (benchmark, metric) = (benchmark.to_owned(), metric.to_owned());
                all.push(Group { dataset, benchmark, metric, rows });
            }
        }
        Ok(all)
    }

    /// The complete part of a group; None, and a line that says so, if too little is left.
    fn matrix(&self, group: &Group, say: &mut dyn FnMut(&str)) -> Result<Option<Matrix>, Error> {
        let mut sparse = Sparse::new(&self.responses, &group.rows);
        let (models, items) = (sparse.models.len(), sparse.items.len());
        let repeated = sparse.drop_repeated();
        let gaps = sparse.drop_gaps();
        let zeros = sparse.drop_zeros();
        let left = format!(
            "{}: {} of {models} models x {} of {items} items; models dropped: {repeated} repeated, \
             {gaps} with gaps, {zeros} that score 0",
            group.dataset,
            sparse.models.len(),
            sparse.items.len(),
        );
        if sparse.models.len() < MINIMUM_MODELS || sparse.items.len() < MINIMUM_ITEMS {
            say(&format!(
                "{left}; skipped: fewer than {MINIMUM_MODELS} models or {MINIMUM_ITEMS} items"
            ));
            return Ok(None);
        }
        say(&left);

        let weight = |item: &&str| self.items.by_id.get(*item).map_or(1.0, |item| item.weight);
        let weights: Vec<f64> = sparse.items.iter().map(weight).collect();
        let attributes =
            |model: &&str| self.models.by_name.get(*model).copied().unwrap_or_default();
        let attributes = sparse.models.iter().map(attributes).collect();
        let failed = |source| Error::Stats { context: group.dataset.clone(), source };
        let mut target = Target::weighted(&weights).map_err(failed)?;
        if let Some(tasks) = self.tasks(&sparse.items) {
            target = target.with_tasks(tasks).map_err(failed)?;
        }
        let (models, items) = (sparse.models.len(), sparse.items.len());
        let scores = ResponseMatrix::new(models, items, sparse.scores).map_err(failed)?;
        Ok(Some(Matrix {
            dataset: group.dataset.clone(),
            benchmark: group.benchmark.clone(),
            metric: group.metric.clone(),
            full_scores: scores.full_scores(&target),
            parents: self.parents(&sparse.items),
            items: sparse.items.into_iter().map(str::to_owned).collect(),
            texts: None,
            models: sparse.models.into_iter().map(str::to_owned).collect(),
            scores,
            target,
            attributes,
        }))
    }

    /// Number of each item's task, items without one together; None if no task is known.
    fn tasks(&self, items: &[&str]) -> Option<Vec<u32>> {
        let task = |item: &&str| self.items.by_id.get(*item).and_then(|it| it.task.as_deref());
        let tasks: Vec<Option<&str>> = items.iter().map(task).collect();
        let distinct: BTreeSet<Option<&str>> = tasks.iter().copied().collect();
        let numbers: BTreeMap<Option<&str>, u32> = distinct.into_iter().zip(0..).collect();
        let any = tasks.iter().any(Option::is_some);
        any.then(|| tasks.iter().map(|task| numbers[task]).collect())
    }

    /// Number of each item's parent; an item without one is its own. None if no parent is known.
    fn parents(&self, items: &[&str]) -> Option<Vec<u32>> {
        let parent = |item: &&str| self.items.by_id.get(*item).and_then(|it| it.parent.as_deref());
        let parents: Vec<Option<&str>> = items.iter().map(parent).collect();
        let distinct: BTreeSet<&str> = parents.iter().copied().flatten().collect();
        if distinct.is_empty() {
            return None;
        }
        let places: BTreeMap<&str, u32> = distinct.into_iter().zip(0..).collect();
        let mut alone = places.len() as u32..;
        let number = |parent: &Option<&str>| match parent.and_then(|parent| places.get(parent)) {
            Some(&place) => place,
            None => alone.next().unwrap_or(u32::MAX),
        };
        Some(parents.iter().map(number).collect())
    }
}

fn decode<T>(
    folder: &Path,
    file: &str,
    decode: impl Fn(&[u8]) -> Result<T, TableError>,
) -> Result<T, Error> {
    decode_file(folder.join(file), decode)
}

/// Reads and decodes a file; what is wrong with it names it.
pub fn decode_file<T>(
    path: PathBuf,
    decode: impl Fn(&[u8]) -> Result<T, TableError>,
) -> Result<T, Error> {
    match fs::read(&path) {
        Ok(bytes) => decode(&bytes).map_err(|source| Error::Dataset { path, source }),
        Err(source) => Err(Error::File { action: "read", path, source }),
    }
}

/// Models x items, row-major, NaN where there is no score.
struct Sparse<'a> {
    models: Vec<&'a str>,
    items: Vec<&'a str>,
    scores: Vec<f32>,
}

impl<'a> Sparse<'a> {
    fn new(responses: &'a Responses, rows: &[usize]) -> Self {
        let (models, model_places) = places(&responses.models, rows);
        let (items, item_places) = places(&responses.items, rows);
        let mut scores = vec![f32::NAN; models.len() * items.len()];
        for &row in rows {
            let model = model_places[responses.models.codes()[row] as usize];
            let item = item_places[responses.items.codes()[row] as usize];
            scores[model * items.len() + item] = responses.scores[row];
        }
        Self { models, items, scores }
    }

    fn row(&self, model: usize) -> &[f32] {
        &self.scores[model * self.items.len()..(model + 1) * self.items.len()]
    }

    fn keep(&mut self, models: &[usize], items: &[usize]) {
        let cells = models.iter().flat_map(|&model| {
            let row = self.row(model);
            items.iter().map(|&item| row[item])
        });
        self.scores = cells.collect();
        self.models = models.iter().map(|&model| self.models[model]).collect();
        self.items = items.iter().map(|&item| self.items[item]).collect();
    }

    fn keep_models(&mut self, keep: impl Fn(&Self, usize) -> bool) -> usize {
        let models: Vec<usize> =
            (0..self.models.len()).filter(|&model| keep(self, model)).collect();
        let items: Vec<usize> = (0..self.items.len()).collect();
        let dropped = self.models.len() - models.len();
        if dropped > 0 {
            self.keep(&models, &items);
        }
        dropped
    }

    /// Drops `NAME#2` where it has the scores of `NAME`: the same run, listed again.
    fn drop_repeated(&mut self) -> usize {
        let bits = |row: &[f32]| row.iter().map(|score| score.to_bits()).collect::<Vec<_>>();
        self.keep_models(|all, model| {
            let first =
                original(all.models[model]).and_then(|name| all.models.binary_search(&name).ok());
            first.is_none_or(|first| bits(all.row(first)) != bits(all.row(model)))
        })
    }

    /// Drops models and items until no score is missing; the number of models that it cost.
    fn drop_gaps(&mut self) -> usize {
        let answered: Vec<bool> = self.scores.iter().map(|score| !score.is_nan()).collect();
        let before = self.models.len();
        let part = complete_part(before, self.items.len(), &answered);
        self.keep(&part.models, &part.items);
        before - self.models.len()
    }

    /// Drops models without a single right answer: their run or their format failed.
    fn drop_zeros(&mut self) -> usize {
        self.keep_models(|all, model| all.row(model).iter().any(|&score| score > 0.0))
    }
}

/// `NAME` of `NAME#2`.
fn original(name: &str) -> Option<&str> {
    let (original, number) = name.rsplit_once('#')?;
    number.parse::<u32>().is_ok().then_some(original)
}

/// The texts of these rows in the order of their names, and the place of every code among them.
fn places<'a>(
    column: &'a aliquot_tables::Categorical,
    rows: &[usize],
) -> (Vec<&'a str>, Vec<usize>) {
    let codes: BTreeSet<u32> = rows.iter().map(|&row| column.codes()[row]).collect();
    let mut texts: Vec<(&str, u32)> =
        codes.into_iter().map(|code| (column.values()[code as usize].as_str(), code)).collect();
    texts.sort_unstable();
    let mut places = vec![0; column.values().len()];
    for (place, (_, code)) in texts.iter().enumerate() {
        places[*code as usize] = place;
    }
    (texts.into_iter().map(|(text, _)| text).collect(), places)
}
