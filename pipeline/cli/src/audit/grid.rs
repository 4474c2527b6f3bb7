//! The scores of one benchmark.

use std::collections::{BTreeMap, BTreeSet};

use aliquot_stats::matrix::ResponseMatrix;
use aliquot_tables::{Categorical, items::Item};

use super::{Data, on};
use crate::error::Error;

/// The mean scores over trials of one benchmark.
pub(super) struct Grid<'a> {
    /// Benchmark.
    pub benchmark: &'a str,
    /// Rows, sorted.
    pub models: Vec<&'a str>,
    /// Columns, sorted by uid.
    pub items: Vec<&'a str>,
    /// NaN where missing.
    pub matrix: ResponseMatrix,
}

/// Benchmark and model.
pub(super) type Refused<'a> = BTreeSet<(&'a str, &'a str)>;

/// One grid a benchmark with scores, without the refused models.
pub(super) fn grids<'a>(data: &Data<'a>, refused: &Refused<'_>) -> Result<Vec<Grid<'a>>, Error> {
    let scores = data.scores;
    let (numbers, names) = benchmarks(data.items, &scores.item_uid);
    // Which models and items have a row, by code.
    let mut models = vec![vec![false; scores.model.values().len()]; names.len()];
    let mut items = vec![false; scores.item_uid.values().len()];
    for (model, item) in scores.model.codes().iter().zip(scores.item_uid.codes()) {
        if let Some(benchmark) = numbers[*item as usize] {
            models[benchmark][*model as usize] = true;
            items[*item as usize] = true;
        }
    }
    let mut grids = Vec::new();
    for (number, benchmark) in names.into_iter().enumerate() {
        let mut models = texts(&scores.model, |code| models[number][code]);
        models.retain(|model| !refused.contains(&(benchmark, *model)));
        let own = |code: usize| items[code] && numbers[code] == Some(number);
        let items = texts(&scores.item_uid, own);
        if models.is_empty() || items.is_empty() {
            continue;
        }
        let means = scores.means(&models, &items);
        let matrix = ResponseMatrix::new(models.len(), items.len(), means)
            .map_err(on(benchmark, "read the scores"))?;
        grids.push(Grid { benchmark, models, items, matrix });
    }
    Ok(grids)
}

/// Number of the benchmark of each item code, None of an unknown item, and the benchmarks' names, sorted.
pub(super) fn benchmarks<'a>(
    items: &'a [Item],
    codes: &Categorical,
) -> (Vec<Option<usize>>, Vec<&'a str>) {
    let names: BTreeSet<&str> = items.iter().map(|item| item.benchmark.as_str()).collect();
    let names: Vec<&str> = names.into_iter().collect();
    let number: BTreeMap<&str, usize> = names.iter().copied().zip(0..).collect();
    let mut numbers = vec![None; codes.values().len()];
    for item in items {
        if let Some(code) = codes.code_of(&item.item_uid) {
            numbers[code as usize] = number.get(item.benchmark.as_str()).copied();
        }
    }
    (numbers, names)
}

/// Texts of the codes that are wanted, sorted.
fn texts(column: &Categorical, wanted: impl Fn(usize) -> bool) -> Vec<&str> {
    let texts = column.values().iter().enumerate();
    let mut texts: Vec<&str> =
        texts.filter(|(code, _)| wanted(*code)).map(|(_, text)| text.as_str()).collect();
    texts.sort_unstable();
    texts
}
