//! `aliquot bench`: every method on every split of every matrix of some folders, or on pairs of models.

mod matrices;
mod measure;
mod pairs;
mod queue;
mod summary;
mod texts;
mod unanswered;

use std::{
    num::{NonZeroU32, NonZeroUsize},
    ops::Range,
    path::PathBuf,
    thread,
};

use aliquot_stats::{
    StatsError,
    procedure::Procedure,
    split::{Split, SplitKind, split_by_attributes},
};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use self::{
    matrices::{Filter, Matrix},
    measure::{Cell, Entry, Measured, Method, measure_cell},
    texts::Texts,
};
use super::print;
use crate::{args::Global, error::Error};

/// What the folders have to hold; the last paragraphs of `aliquot bench --help`.
const FOLDERS: &str = "\
Each folder holds three Parquet files:
  responses.parquet  model, item_id, score (0 to 1, empty where missing), metric
  items.parquet      item_id, benchmark; weight, if items count differently; task, for tasks+...
  models.parquet     model; for the splits by attributes any of
                     family, family_guess
                     date, released, release_date, run_date, timestamp
                     base, base_group, base_model (equal for models of the same weights)
                     compressed, is_unquantized, compression, quant_method, quant_tag

Each benchmark and metric gives one matrix. Left out of it: a model whose name ends in #2, #3, ... and
whose scores are those of the model without that ending; a model with scores on half of the items or
less; then, until no score is missing, the model or the items that lack the largest share; a model that
scores 0 on everything. At least 12 models and 4 items must be left. A size k is measured where it is
less than half of the items.

Splits: interpolation holds out a random quarter of the models. extrapolation holds out the best 30 %,
the sources are the worst half. date holds out what is newer than the date that leaves about 27.5 %.
family holds out one family; those of at least 3 models take turns over the seeds. compressed holds out
the quantised and pruned models, compressed-without-base in addition takes their relatives from the
sources.

--pairs FILE measures comparisons of variants with their base instead of single scores. The file is
Parquet with quant_model and base_model, and metric (METRIC or METRIC:BENCHMARK) if a pair is not for
all; items.parquet may have parent_item. Each selection of --methods, and always random and stratified,
draws a subset per seed from the models that are in no pair and share no base with a model of a pair;
then every pair is compared on it, once with the base's score on all items known and once without. The
truth is the difference on all items. A size k is measured where it is less than the number of items.
Claims are those of `aliquot compare` at level 0.95 on one variant: worse or better is wrong if the
truth is not, equivalent is wrong if the truth is the margin or more. Records hold sums over pairs.";

/// Arguments of `bench`.
#[derive(clap::Args)]
#[command(after_long_help = FOLDERS)]
pub struct Arguments {
    /// Folders with responses.parquet, items.parquet and models.parquet.
    #[arg(required = true, value_name = "DIR")]
    folders: Vec<PathBuf>,
    /// Only these benchmarks.
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    benchmark: Vec<String>,
    /// Only these metrics.
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    metric: Vec<String>,
    /// Numbers of items.
    #[arg(long, value_delimiter = ',', default_value = "10,20,50,100", value_name = "N")]
    k: Vec<NonZeroUsize>,
    /// Kinds of split.
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "interpolation,extrapolation",
        value_name = "NAME"
    )]
    splits: Vec<String>,
    /// Repetitions of every split, each with other random choices.
    #[arg(long, default_value = "20", value_name = "N")]
    seeds: NonZeroU32,
    /// SELECTION+ESTIMATOR, or `default`.
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "default,random+mean,stratified+mean,random+aipw,random+ridge,irt-anchors+gp-irt,greedy-design+ridge",
        value_name = "NAME"
    )]
    methods: Vec<String>,
    /// Calibrate an interval by ten refits for the methods that have none of their own.
    #[arg(long)]
    conformal: bool,
    /// Splits that are measured at the same time; the number of cores unless given.
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// Seed of all random choices.
    #[arg(long, default_value = "0", value_name = "N")]
    seed: u64,
    /// Measure comparisons of these pairs of models (Parquet) instead of single scores.
    #[arg(long, value_name = "FILE", conflicts_with = "splits")]
    pairs: Option<PathBuf>,
    /// Vectors of the items' prompts (Parquet: item_uid, which is the item_id here, and embedding), for
    /// methods of text.
    #[arg(long, value_name = "FILE")]
    embeddings: Option<PathBuf>,
    /// Hide the answers of this share of the items from all sources, and measure what predictions from
    /// text are worth for them.
    #[arg(long, value_name = "PERCENT", requires = "embeddings", conflicts_with_all = ["pairs", "conformal"],
        value_parser = clap::value_parser!(u8).range(1..=80))]
    unanswered: Option<u8>,
    /// With --unanswered: hide a random item and those nearest to it, not random items.
    #[arg(long, requires = "unanswered")]
    alike: bool,
    /// With --pairs: largest difference that counts as none, in points.
    #[arg(long, default_value = "2", value_name = "POINTS", requires = "pairs")]
    margin: f64,
}

/// One method at one size on one split; `--json` prints one a line.
#[derive(Debug, Clone, Serialize)]
struct Record {
    dataset: String,
    benchmark: String,
    metric: String,
    split: &'static str,
    k: usize,
    /// Number of the repetition, from 0.
    seed: u64,
    method: String,
    #[serde(flatten)]
    measured: Measured,
}

/// The arguments, checked.
struct Plan {
    ks: Vec<usize>,
    kinds: Vec<SplitKind>,
    methods: Vec<Method>,
    seeds: u64,
    seed: u64,
    conformal: bool,
}

/// One cell of the queue: a split of a matrix, with all methods and sizes. Repetitions of a split
/// that is not random share it, and what is learnt from its sources.
struct Task<'a> {
    matrix: &'a Matrix,
    kind: SplitKind,
    repetitions: Range<u64>,
}

/// What a task gives: records, and why some are missing.
type Outcome<R> = (Vec<R>, Vec<String>);

pub fn run(global: &Global, arguments: &Arguments) -> Result<(), Error> {
    let plan = Plan::new(arguments)?;
    let filter = Filter { benchmarks: &arguments.benchmark, metrics: &arguments.metric };
    let mut matrices = matrices::read(&arguments.folders, &filter, &mut say)?;
    match &arguments.embeddings {
        Some(file) => texts::attach(file, &mut matrices)?,
        None => plan.check_texts()?,
    }
    if let Some(file) = &arguments.pairs {
        let work = |count| Work { count, jobs: arguments.jobs, json: global.json };
        return pairs::Evaluation::new(&plan, arguments.margin)?.run(file, &matrices, work);
    }
    let tasks = plan.tasks(&matrices);
    if tasks.is_empty() {
        return Err(Error::NotFound(
            "nothing to measure: no matrix allows any of these splits and sizes".to_owned(),
        ));
    }
    let work = Work { count: tasks.len(), jobs: arguments.jobs, json: global.json };
    if let Some(percent) = arguments.unanswered {
        let hidden =
            unanswered::Hidden { share: f64::from(percent) / 100.0, alike: arguments.alike };
        return unanswered::run(&plan, &tasks, hidden, &work);
    }
    let records = work.measure(|task| plan.measure(&tasks[task]))?;
    if !global.json {
        print(&summary::text(&records, &plan));
    }
    Ok(())
}

/// Tasks that are done in parallel.
struct Work {
    count: usize,
    jobs: Option<NonZeroUsize>,
    /// Whether records are printed as they come.
    json: bool,
}

impl Work {
    /// All records in the order of the tasks; none where they have been printed.
    fn measure<R: Serialize + Send>(
        &self,
        task: impl Fn(usize) -> Result<Outcome<R>, Error> + Sync,
    ) -> Result<Vec<R>, Error> {
        let bar = ProgressBar::new(self.count as u64);
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos} of {len}, {eta} left") {
            bar.set_style(style);
        }
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let jobs = self.jobs.map_or(cores, usize::from);
        let mut records = Vec::new();
        queue::in_order(self.count, jobs, task, |(new, failures)| {
            bar.inc(1);
            bar.suspend(|| failures.iter().for_each(|failure| say(failure)));
            if self.json {
                let lines = json_lines(&new)?;
                bar.suspend(|| print(&lines));
            } else {
                records.extend(new);
            }
            Ok(())
        })?;
        bar.finish_and_clear();
        Ok(records)
    }
}

fn say(line: &str) {
    eprintln!("{line}");
}

fn json_lines<R: Serialize>(records: &[R]) -> Result<String, Error> {
    let mut lines = String::new();
    for record in records {
        let line =
            serde_json::to_string(record).map_err(|error| Error::Internal(error.to_string()))?;
        lines.push_str(&line);
        lines.push('\n');
    }
    Ok(lines)
}

impl Plan {
    fn new(arguments: &Arguments) -> Result<Self, Error> {
        let kind = |name: &String| {
            let known = SplitKind::ALL.map(SplitKind::name).join(", ");
            SplitKind::from_name(name)
                .ok_or_else(|| Error::Usage(format!("unknown split `{name}`; known: {known}")))
        };
        let kinds = each_once(&arguments.splits).map(kind).collect::<Result<_, _>>()?;
        let methods = each_once(&arguments.methods)
            .map(|name| Method::from_name(name).map_err(Error::Usage))
            .collect::<Result<_, _>>()?;
        let ks = each_once(&arguments.k).map(|k| k.get()).collect();
        Ok(Self {
            ks,
            kinds,
            methods,
            seeds: arguments.seeds.get().into(),
            seed: arguments.seed,
            conformal: arguments.conformal,
        })
    }

    /// Without vectors, no method may need them.
    fn check_texts(&self) -> Result<(), Error> {
        match self.methods.iter().find(|method| method.selection().needs_embeddings()) {
            Some(method) => Err(Error::Usage(format!(
                "`{}` selects by text: give the vectors of the prompts with --embeddings FILE",
                method.name
            ))),
            None => Ok(()),
        }
    }

    /// All splits that can be made, in the order of the output; says which cannot.
    fn tasks<'a>(&self, matrices: &'a [Matrix]) -> Vec<Task<'a>> {
        let mut tasks = Vec::new();
        for matrix in matrices {
            let (fit, large): (Vec<usize>, Vec<usize>) =
                self.ks.iter().partition(|&&k| matrix.allows(k));
            for k in large {
                let items = matrix.scores.items();
                say(&format!(
                    "{}: k = {k} skipped: not less than half of {items} items",
                    matrix.dataset
                ));
            }
            if fit.is_empty() {
                continue;
            }
            for &kind in &self.kinds {
                if let Err(error) = self.split(&Task { matrix, kind, repetitions: 0..1 }) {
                    say(&format!("{}: {} skipped: {error}", matrix.dataset, kind.name()));
                    continue;
                }
                let each = if kind.is_random() { 1 } else { self.seeds };
                let starts = (0..self.seeds).step_by(each as usize);
                let task = |start| Task { matrix, kind, repetitions: start..start + each };
                tasks.extend(starts.map(task));
            }
        }
        tasks
    }

    fn split(&self, task: &Task<'_>) -> Result<Split, StatsError> {
        let Matrix { full_scores, attributes, .. } = task.matrix;
        split_by_attributes(task.kind, full_scores, attributes, self.seed, task.repetitions.start)
    }

    /// Every method at every size that the matrix allows.
    fn runs<'a>(&'a self, matrix: &'a Matrix) -> impl Iterator<Item = (&'a str, Procedure, usize)> {
        let sizes = || self.ks.iter().copied().filter(|&k| matrix.allows(k));
        self.methods.iter().flat_map(move |method| {
            sizes().map(move |k| (method.name.as_str(), method.procedure(), k))
        })
    }

    fn measure(&self, task: &Task<'_>) -> Result<Outcome<Record>, Error> {
        let Task { matrix, kind, repetitions } = task;
        let place =
            |repetition: u64| format!("{} {} seed {repetition}", matrix.dataset, kind.name());
        let failed = |source| Error::Stats { context: place(repetitions.start), source };
        let split = self.split(task).map_err(failed)?;
        let points = matrix.texts.as_ref().map(Texts::points).transpose().map_err(failed)?;
        let cell = Cell {
            matrix: &matrix.scores,
            target: &matrix.target,
            points,
            split: &split,
            seed: self.seed,
            repetitions: repetitions.clone(),
            label: &format!("{}/{}", matrix.dataset, kind.name()),
            conformal: self.conformal,
        };
        let ks: Vec<usize> = self.ks.iter().copied().filter(|&k| matrix.allows(k)).collect();
        let (mut records, mut failures) = (Vec::new(), Vec::new());
        for entry in measure_cell(&cell, &ks, &self.methods).map_err(failed)? {
            let Entry { repetition, k, method, result } = entry;
            match result {
                Ok(measured) => records.push(Record {
                    dataset: matrix.dataset.clone(),
                    benchmark: matrix.benchmark.clone(),
                    metric: matrix.metric.clone(),
                    split: kind.name(),
                    k,
                    seed: repetition,
                    method: method.name.clone(),
                    measured,
                }),
                Err(error) => failures.push(format!(
                    "{} k {k} {} skipped: {error}",
                    place(repetition),
                    method.name
                )),
            }
        }
        Ok((records, failures))
    }
}

/// The values without later repetitions.
fn each_once<T: PartialEq>(values: &[T]) -> impl Iterator<Item = &T> {
    values.iter().enumerate().filter(|(at, value)| !values[..*at].contains(value)).map(|(_, v)| v)
}
