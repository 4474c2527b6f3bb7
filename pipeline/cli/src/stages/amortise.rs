//! What texts say about items: how well they foretell difficulty, and what is predicted of items that no
//! model has answered.

use std::collections::BTreeSet;

use aliquot_stats::{
    StatsError,
    amortised::{ALIKE, Explained, Extension, PredictedItem, Texts, extend},
    cluster::duplicates,
    interval::StreamKey,
    matrix::ResponseMatrix,
};
use aliquot_store::{ObjectId, Store};
use aliquot_tables::{
    amortisation::{self, Amortised},
    predictions::{self, Prediction},
    responses::{Response, Responses},
    roster::{self, Entry},
    scores::{self, Scores},
};
use serde::Serialize;

use super::{stats, table};
use crate::{
    error::Error,
    problem::{BenchmarkMatrix, Tables},
};

/// What is told, and predicted.
#[derive(Debug, Clone, Serialize)]
pub struct Params {
    /// The recipe's seed.
    pub seed: u64,
    /// Benchmarks that count in a target.
    pub benchmarks: BTreeSet<String>,
}

/// Inputs: scores, items, roster, embeddings. Outputs: amortisation, predictions, and scores and roster
/// with the unanswered items, each with what every model is expected to score.
pub fn run(params: &Params, inputs: &[ObjectId], store: &Store) -> Result<Vec<ObjectId>, Error> {
    let (tables, _) = Tables::read_with(store, inputs, true)?;
    let known = scores::decode(&store.get(inputs[0])?).map_err(table("scores"))?;
    let roster = roster::decode(&store.get(inputs[2])?).map_err(table("roster"))?;

    let (mut rows, mut predicted) = (Vec::new(), Vec::new());
    let mut completed = responses(&known);
    for benchmark in &params.benchmarks {
        let matrix = tables.benchmark(benchmark)?;
        let key = StreamKey { seed: params.seed, label: benchmark };
        let Some(extension) = amortise(&matrix, benchmark, key)? else { continue };
        rows.extend(explained(benchmark, &matrix, &extension));
        predicted.extend(predictions(benchmark, &matrix, &extension));
        add_expected(&mut completed, &matrix, &extension);
    }
    let roster: Vec<Entry> = roster.into_iter().map(counted).collect();

    Ok(vec![
        store.put(&amortisation::encode(&rows).map_err(table("amortisation"))?)?,
        store.put(&predictions::encode(&predicted).map_err(table("predictions"))?)?,
        store.put(&scores::encode(&completed).map_err(table("scores"))?)?,
        store.put(&roster::encode(&roster).map_err(table("roster"))?)?,
    ])
}

/// None where there is too little to learn from and nothing to predict.
fn amortise(
    matrix: &BenchmarkMatrix,
    benchmark: &str,
    key: StreamKey<'_>,
) -> Result<Option<Extension>, Error> {
    let extended = || -> Result<Extension, StatsError> {
        let points = matrix.vectors.points()?;
        let groups = duplicates(&points, ALIKE, 0)?.group_numbers(points.count());
        let tasks = matrix.tasks.as_deref();
        let texts = Texts { points: &points, tasks, groups: Some(&groups) };
        extend(&matrix.named.scores, texts, &mut key.stream("amortise", 0))
    };
    match extended() {
        Ok(extension) => Ok(Some(extension)),
        Err(StatsError::TooFewItems { .. } | StatsError::TooFewModels { .. })
            if !has_unanswered(&matrix.named.scores) =>
        {
            Ok(None)
        }
        Err(error) => Err(stats(format!("predict items of `{benchmark}` from text"))(error)),
    }
}

fn has_unanswered(scores: &ResponseMatrix) -> bool {
    let none = |item: usize| (0..scores.models()).all(|model| scores.get(model, item).is_none());
    (0..scores.items()).any(none)
}

fn explained(benchmark: &str, matrix: &BenchmarkMatrix, extension: &Extension) -> [Amortised; 2] {
    let predicted = extension.predicted.len();
    let row = |parameter: &str, explained: Explained| Amortised {
        benchmark: benchmark.to_owned(),
        parameter: parameter.to_owned(),
        items: (matrix.named.items.len() - predicted) as u32,
        predicted: predicted as u32,
        r2_text: explained.text,
        r2_task: explained.task,
        r2_text_and_task: explained.text_and_task,
    };
    [
        row("difficulty", extension.difficulty),
        row("log_discrimination", extension.log_discrimination),
    ]
}

fn predictions(
    benchmark: &str,
    matrix: &BenchmarkMatrix,
    extension: &Extension,
) -> Vec<Prediction> {
    let row = |item: &PredictedItem| Prediction {
        item_uid: matrix.named.items[item.item].clone(),
        benchmark: benchmark.to_owned(),
        difficulty: item.difficulty.value,
        difficulty_error: item.difficulty.standard_error,
        log_discrimination: item.log_discrimination.value,
        log_discrimination_error: item.log_discrimination.standard_error,
    };
    extension.predicted.iter().map(row).collect()
}

/// The scores as responses, without what statistics do not look at.
fn responses(known: &Scores) -> Responses {
    let mut responses = Responses::default();
    for row in 0..known.score.len() {
        let (score, log_likelihood) = (known.score[row], known.log_likelihood[row]);
        responses.push(&Response {
            trial: known.trial[row],
            score: if score.is_nan() { Err("missing") } else { Ok(score) },
            log_likelihood: (!log_likelihood.is_nan()).then_some(log_likelihood),
            ..blank(known.model.get(row), known.item_uid.get(row))
        });
    }
    responses
}

fn blank<'a>(model: &'a str, item_uid: &'a str) -> Response<'a> {
    Response {
        model,
        item_uid,
        metric: "",
        filter: "",
        trial: 0,
        score: Err("missing"),
        log_likelihood: None,
        raw: "",
        record: 0,
    }
}

fn add_expected(all: &mut Responses, matrix: &BenchmarkMatrix, extension: &Extension) {
    for (model, name) in matrix.named.models.iter().enumerate() {
        for item in &extension.predicted {
            let Some(score) = extension.matrix.get(model, item.item) else { continue };
            let uid = &matrix.named.items[item.item];
            all.push(&Response { score: Ok(score as f32), ..blank(name, uid) });
        }
    }
}

/// Unanswered items count as items from here on.
fn counted(mut entry: Entry) -> Entry {
    if entry.axis == roster::UNANSWERED {
        entry.axis = roster::ITEM.to_owned();
    }
    entry
}
