//! `--unanswered PERCENT`: what predictions from text are worth for items that no source has answered.

use std::collections::BTreeMap;

use aliquot_stats::{
    StatsError,
    amortised::{ALIKE, Explained, Texts, extend},
    cluster::{Points, duplicates},
    estimate,
    interval::StreamKey,
    matrix::{ResponseMatrix, Target},
    procedure::Procedure,
    rng::Stream,
    sources::Sources,
    split::Split,
};
use serde::Serialize;

use super::{Matrix, Outcome, Plan, Task, Work, print, summary::aligned};
use crate::error::Error;

const POINTS: f64 = 100.0;

/// Which items nobody has answered.
#[derive(Debug, Clone, Copy)]
pub struct Hidden {
    /// Share of the items.
    pub share: f64,
    /// Whether they are a random item and those nearest to it, in place of random ones.
    pub alike: bool,
}

/// How items without answers are dealt with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Ignored,
    TaskMean,
    Text,
    TextAndTask,
}

impl Way {
    const ALL: [Self; 4] = [Self::Ignored, Self::TaskMean, Self::Text, Self::TextAndTask];

    fn name(self) -> &'static str {
        match self {
            Self::Ignored => "ignored",
            Self::TaskMean => "task mean",
            Self::Text => "text",
            Self::TextAndTask => "text and task",
        }
    }
}

/// One way with one method and size on one split.
#[derive(Debug, Clone, Serialize)]
struct Record {
    dataset: String,
    split: &'static str,
    seed: u64,
    method: String,
    k: usize,
    unanswered: &'static str,
    /// Mean absolute error of the held-out models' scores over all items, the hidden ones included.
    mae_pp: f64,
    /// Mean absolute error of the sources' scores over the hidden items.
    hidden_mae_pp: f64,
    /// R^2 of difficulties and of logarithms of discriminations, from text, task, and both.
    difficulty_r2: [Option<f64>; 3],
    log_discrimination_r2: [Option<f64>; 3],
}

/// Measures all tasks.
pub fn run(plan: &Plan, tasks: &[Task<'_>], hidden: Hidden, work: &Work) -> Result<(), Error> {
    let json = work.json;
    let records = work.measure(|task| measure(plan, &tasks[task], hidden))?;
    if !json {
        print(&text(&records, plan));
    }
    Ok(())
}

fn measure(plan: &Plan, task: &Task<'_>, hidden: Hidden) -> Result<Outcome<Record>, Error> {
    let dataset = &task.matrix.dataset;
    let failed = |source| Error::Stats { context: dataset.clone(), source };
    let points = task.matrix.texts.as_ref().map(super::Texts::points).transpose();
    let Some(points) = points.map_err(failed)? else {
        return Err(Error::Usage("--unanswered needs --embeddings FILE".to_owned()));
    };
    let groups = duplicates(&points, ALIKE, 0).map_err(failed)?.group_numbers(points.count());
    let mut outcome = (Vec::new(), Vec::new());
    for seed in task.repetitions.clone() {
        let split = plan.split(&Task { repetitions: seed..seed + 1, ..*task }).map_err(failed)?;
        let label = format!("bench/{dataset}/{}/unanswered/{seed}", task.kind.name());
        let key = StreamKey { seed: plan.seed, label: &label };
        let hides = hides(&points, hidden, &mut key.stream("hidden", 0));
        let cell = Cell { plan, task, seed, split: &split, points: &points, groups: &groups, key };
        outcome.0.extend(cell.measure(&hides).map_err(failed)?);
    }
    Ok(outcome)
}

/// Whether each item is hidden.
fn hides(points: &Points<'_>, hidden: Hidden, stream: &mut Stream) -> Vec<bool> {
    let items = points.count();
    let mut order: Vec<usize> = (0..items).collect();
    stream.shuffle(&mut order);
    if hidden.alike {
        let centre = points.row(order[0]);
        let likeness =
            |item: usize| -> f64 { points.row(item).iter().zip(centre).map(|(a, b)| a * b).sum() };
        order.sort_by(|&a, &b| likeness(b).total_cmp(&likeness(a)));
    }
    let mut hides = vec![false; items];
    let count = (items as f64 * hidden.share).round() as usize;
    order[..count].iter().for_each(|&item| hides[item] = true);
    hides
}

struct Cell<'a> {
    plan: &'a Plan,
    task: &'a Task<'a>,
    seed: u64,
    split: &'a Split,
    points: &'a Points<'a>,
    groups: &'a [u32],
    key: StreamKey<'a>,
}

impl Cell<'_> {
    fn measure(&self, hides: &[bool]) -> Result<Vec<Record>, StatsError> {
        let Matrix { scores, target, .. } = self.task.matrix;
        let full = scores.select_models(&self.split.sources)?;
        let known = masked(&full, hides)?;
        let old: Vec<usize> = (0..hides.len()).filter(|&item| !hides[item]).collect();
        let with = |tasks| {
            let texts = Texts { points: self.points, tasks, groups: Some(self.groups) };
            extend(&known, texts, &mut self.key.stream("folds", 0))
        };
        let (text, both) = (with(None)?, with(target.tasks())?);
        let r2 = |it: &Explained| [Some(it.text), it.task, it.text_and_task];
        let mut records = Vec::new();
        for way in Way::ALL {
            let filled = match way {
                Way::Ignored => filled_by_task(&known, None)?,
                Way::TaskMean => filled_by_task(&known, target.tasks())?,
                Way::Text => text.matrix.clone(),
                Way::TextAndTask => both.matrix.clone(),
            };
            let hidden_mae_pp = POINTS * hidden_error(&full, &filled, target, hides);
            for (method, procedure, k) in self.plan.runs(self.task.matrix) {
                // An ignored item is in no matrix and no target.
                let error = match way {
                    Way::Ignored => {
                        let matrix = full.select_items(&old)?;
                        let weights = old.iter().map(|&item| target.weights()[item]);
                        let target = Target::weighted(&weights.collect::<Vec<_>>())?;
                        let all: Vec<usize> = (0..old.len()).collect();
                        self.error(procedure, k, (&matrix, &target, &all), &old)?
                    }
                    _ => {
                        let all: Vec<usize> = (0..hides.len()).collect();
                        self.error(procedure, k, (&filled, target, &old), &all)?
                    }
                };
                records.push(Record {
                    dataset: self.task.matrix.dataset.clone(),
                    split: self.task.kind.name(),
                    seed: self.seed,
                    method: method.to_owned(),
                    k,
                    unanswered: way.name(),
                    mae_pp: POINTS * error,
                    hidden_mae_pp,
                    difficulty_r2: r2(&both.difficulty),
                    log_discrimination_r2: r2(&both.log_discrimination),
                });
            }
        }
        Ok(records)
    }

    /// Mean absolute error over the held-out models; `numbers` are the columns in the whole matrix.
    fn error(
        &self,
        procedure: Procedure,
        k: usize,
        (matrix, target, pool): (&ResponseMatrix, &Target, &[usize]),
        numbers: &[usize],
    ) -> Result<f64, StatsError> {
        let sources = Sources::new(matrix, target, pool, self.key)?;
        let (subset, fitted) =
            procedure.run(&sources, k, &mut self.key.stream("select", k as u64))?;
        let Matrix { scores, full_scores, .. } = self.task.matrix;
        let known = scores.select_items(numbers)?;
        let mut sum = 0.0;
        for &model in &self.split.held_out {
            let answers: Vec<f64> =
                estimate::answers(&known, model, &subset).into_iter().flatten().collect();
            sum += (fitted.estimate(&answers)? - full_scores[model]).abs();
        }
        Ok(sum / self.split.held_out.len() as f64)
    }
}

/// The matrix without the answers on hidden items.
fn masked(full: &ResponseMatrix, hides: &[bool]) -> Result<ResponseMatrix, StatsError> {
    let items = full.items();
    let score = |at: usize| match hides[at % items] {
        true => f32::NAN,
        false => full.get(at / items, at % items).map_or(f32::NAN, |score| score as f32),
    };
    ResponseMatrix::new(full.models(), items, (0..full.models() * items).map(score).collect())
}

/// The matrix with each model's mean over the item's task, or over all items, where it has no answer.
fn filled_by_task(
    known: &ResponseMatrix,
    tasks: Option<&[u32]>,
) -> Result<ResponseMatrix, StatsError> {
    let mut scores = Vec::with_capacity(known.models() * known.items());
    for model in 0..known.models() {
        let mut of_tasks: BTreeMap<Option<u32>, (f64, f64)> = BTreeMap::new();
        let task = |item: usize| tasks.map(|tasks| tasks[item]);
        for item in 0..known.items() {
            if let Some(score) = known.get(model, item) {
                for of in [task(item), None].iter().take(1 + usize::from(tasks.is_some())) {
                    let (sum, count) = of_tasks.entry(*of).or_default();
                    (*sum, *count) = (*sum + score, *count + 1.0);
                }
            }
        }
        let mean = |item| {
            let (sum, count) = of_tasks.get(&task(item)).unwrap_or(&of_tasks[&None]);
            sum / count
        };
        let score = |item| known.get(model, item).unwrap_or_else(|| mean(item)) as f32;
        scores.extend((0..known.items()).map(score));
    }
    ResponseMatrix::new(known.models(), known.items(), scores)
}

/// Mean over the models of the absolute error of the mean over the hidden items.
fn hidden_error(
    full: &ResponseMatrix,
    filled: &ResponseMatrix,
    target: &Target,
    hides: &[bool],
) -> f64 {
    let of = |matrix: &ResponseMatrix, model| {
        target.mean(|item| matrix.get(model, item).filter(|_| hides[item]))
    };
    let errors = (0..full.models()).map(|model| (of(full, model) - of(filled, model)).abs());
    errors.sum::<f64>() / full.models() as f64
}

fn text(records: &[Record], plan: &Plan) -> String {
    let mut datasets: Vec<(&str, &str)> = Vec::new();
    for record in records {
        let place = (record.dataset.as_str(), record.split);
        if !datasets.contains(&place) {
            datasets.push(place);
        }
    }
    let mut rows = vec![vec!["matrix, split, method, items without answers".to_owned()]];
    rows[0].extend(plan.ks.iter().map(|k| format!("k = {k}")));
    rows[0].push("the items themselves".to_owned());
    let mut explained = Vec::new();
    for (dataset, split) in datasets {
        let own: Vec<&Record> =
            records.iter().filter(|r| (r.dataset.as_str(), r.split) == (dataset, split)).collect();
        for method in &plan.methods {
            for way in Way::ALL {
                let of = |r: &&&Record| r.method == method.name && r.unanswered == way.name();
                let mut row = vec![format!("{dataset} {split} {} {}", method.name, way.name())];
                row.extend(plan.ks.iter().map(|&k| {
                    mean(own.iter().filter(of).filter(|r| r.k == k).map(|r| Some(r.mae_pp)))
                }));
                row.push(mean(own.iter().filter(of).map(|r| Some(r.hidden_mae_pp))));
                rows.push(row);
            }
        }
        let r2 = |values: fn(&Record) -> [Option<f64>; 3]| {
            [0, 1, 2].map(|at| mean(own.iter().map(|r| values(r)[at]))).join(" ")
        };
        explained.push(format!(
            "{dataset} {split}: difficulty {}; log discrimination {}\n",
            r2(|r| r.difficulty_r2),
            r2(|r| r.log_discrimination_r2)
        ));
    }
    format!(
        "mean absolute error in points; seeds: {}\n{}\n\
         cross-validated R^2 from text, task, both\n{}",
        plan.seeds,
        aligned(&rows),
        explained.concat()
    )
}

/// With two decimals; a dash where there is nothing.
fn mean(values: impl Iterator<Item = Option<f64>>) -> String {
    let values: Vec<f64> = values.flatten().collect();
    match values.len() {
        0 => "-".to_owned(),
        count => format!("{:.2}", values.iter().sum::<f64>() / count as f64),
    }
}
