//! What every statistical stage starts from: the matrix of a target.

use std::collections::{BTreeMap, BTreeSet};

use aliquot_stats::{
    StatsError, cluster::Points, interval::Problem, item_analysis::RepeatedAnswers, matrix::Target,
};
use aliquot_store::{ObjectId, Store};
use aliquot_tables::{
    embeddings::{self, Embeddings},
    items::{self, Item},
    matrix::{self, NamedMatrix},
    roster, scores,
};

use crate::{
    error::Error,
    recipe::TargetSpec,
    stages::{stats, table},
};

/// The decoded tables that a target is cut out of.
pub struct Tables {
    scores: scores::Scores,
    items: Vec<Item>,
    roster: Vec<roster::Entry>,
    vectors: Option<Embeddings>,
}

/// Embeddings of the items of a target, in its order.
#[derive(Debug, Clone)]
pub struct Vectors {
    dimension: usize,
    /// Row-major.
    values: Vec<f64>,
}

impl Vectors {
    /// As points.
    pub fn points(&self) -> Result<Points<'_>, StatsError> {
        Points::new(self.values.len() / self.dimension, self.dimension, &self.values)
    }
}

fn points(vectors: Option<&Vectors>) -> Result<Option<Points<'_>>, Error> {
    vectors.map(Vectors::points).transpose().map_err(stats("read embeddings"))
}

impl TargetItems {
    /// The embeddings as points, if the stage was given any.
    pub fn points(&self) -> Result<Option<Points<'_>>, Error> {
        points(self.vectors.as_ref())
    }
}

/// The items of a target.
pub struct TargetItems {
    /// Item uids, sorted by (benchmark, uid).
    pub uids: Vec<String>,
    /// What each item counts.
    pub target: Target,
    /// Benchmark of each item.
    pub benchmarks: Vec<String>,
    /// Embeddings, if the stage was given any.
    pub vectors: Option<Vectors>,
}

/// One benchmark: its matrix, and its texts.
pub struct BenchmarkMatrix {
    /// Kept models x items, answered or not; both by name.
    pub named: NamedMatrix,
    /// Number of each item's task; none where no item has one.
    pub tasks: Option<Vec<u32>>,
    /// Embeddings.
    pub vectors: Vectors,
}

/// One target: its matrix, and the weights of its items.
pub struct TargetMatrix {
    /// Kept models x kept items; items sorted by (benchmark, uid), models by name.
    pub named: NamedMatrix,
    /// What each item counts.
    pub target: Target,
    /// Benchmark of each item.
    pub benchmarks: Vec<String>,
    /// Embeddings, if the stage was given any.
    pub vectors: Option<Vectors>,
}

impl Tables {
    /// Reads the first three inputs of a stage: scores, items, roster.
    pub fn read(store: &Store, inputs: &[ObjectId]) -> Result<Self, Error> {
        Ok(Self {
            scores: scores::decode(&store.get(inputs[0])?).map_err(table("scores"))?,
            items: items::decode(&store.get(inputs[1])?).map_err(table("items"))?,
            roster: roster::decode(&store.get(inputs[2])?).map_err(table("roster"))?,
            vectors: None,
        })
    }

    /// Reads the first three inputs of a stage, and the embeddings that follow them if it looks at
    /// text; gives the other inputs too.
    pub fn read_with<'a>(
        store: &Store,
        inputs: &'a [ObjectId],
        embeddings: bool,
    ) -> Result<(Self, &'a [ObjectId]), Error> {
        let tables = Self::read(store, inputs)?;
        if !embeddings {
            return Ok((tables, &inputs[3..]));
        }
        let vectors = embeddings::decode(&store.get(inputs[3])?).map_err(table("embeddings"))?;
        Ok((Self { vectors: Some(vectors), ..tables }, &inputs[4..]))
    }

    /// Whether any model has answered anything.
    pub fn have_results(&self) -> bool {
        !self.scores.score.is_empty()
    }

    /// The kept items of a target's benchmarks.
    pub fn items(&self, spec: &TargetSpec) -> Result<TargetItems, Error> {
        let (mut uids, mut groups, mut benchmarks) = (Vec::new(), Vec::new(), Vec::new());
        for (group, benchmark) in spec.benchmarks.keys().enumerate() {
            let kept = self.kept(benchmark, roster::ITEM);
            if kept.is_empty() {
                return Err(self.nothing_left(spec, benchmark));
            }
            groups.extend(std::iter::repeat_n(group as u32, kept.len()));
            benchmarks.extend(std::iter::repeat_n(benchmark.clone(), kept.len()));
            uids.extend(kept);
        }
        let weights: Vec<f64> = spec.benchmarks.values().copied().collect();
        let mut target = Target::grouped(&groups, &weights).map_err(stats(&spec.name))?;
        if let Some(tasks) = self.tasks(&uids) {
            target = target.with_tasks(tasks).map_err(stats(&spec.name))?;
        }
        let vectors = self.vectors(&uids)?;
        Ok(TargetItems { uids, target, benchmarks, vectors })
    }

    /// Cuts out one target: the kept items of its benchmarks, the models kept in all of them.
    pub fn target(&self, spec: &TargetSpec) -> Result<TargetMatrix, Error> {
        let TargetItems { uids, target, benchmarks, vectors } = self.items(spec)?;
        let mut models: Option<Vec<String>> = None;
        for benchmark in spec.benchmarks.keys() {
            let kept = self.kept(benchmark, roster::MODEL);
            if kept.is_empty() {
                return Err(self.nothing_left(spec, benchmark));
            }
            models = Some(match models {
                None => kept,
                Some(before) => {
                    before.into_iter().filter(|model| kept.binary_search(model).is_ok()).collect()
                }
            });
        }
        let models: Vec<String> = models.into_iter().flatten().collect();
        if models.is_empty() {
            return Err(Error::Data(format!(
                "target `{}`: no model has results on all its benchmarks",
                spec.name
            )));
        }
        let mut named = matrix::pivot(&self.scores, models, uids).map_err(stats(&spec.name))?;
        if let Some(repeated) = self.scores.repeated(&named.models, &named.items) {
            named.scores = named.scores.with_trials(repeated.counts).map_err(stats(&spec.name))?;
        }
        Ok(TargetMatrix { named, target, benchmarks, vectors })
    }

    /// All kept models and items of a benchmark, with items that are to be predicted.
    pub fn benchmark(&self, benchmark: &str) -> Result<BenchmarkMatrix, Error> {
        let models = self.kept(benchmark, roster::MODEL);
        let mut items = self.kept(benchmark, roster::ITEM);
        items.extend(self.kept(benchmark, roster::UNANSWERED));
        items.sort();
        let vectors = self.vectors(&items)?;
        let vectors =
            vectors.ok_or_else(|| Error::Internal("a stage without embeddings".to_owned()))?;
        let tasks = self.tasks(&items);
        let named = matrix::pivot(&self.scores, models, items).map_err(stats(benchmark))?;
        Ok(BenchmarkMatrix { named, tasks, vectors })
    }

    fn kept(&self, benchmark: &str, axis: &str) -> Vec<String> {
        let own =
            self.roster.iter().filter(|entry| entry.benchmark == benchmark && entry.axis == axis);
        own.map(|entry| entry.name.clone()).collect()
    }

    fn nothing_left(&self, spec: &TargetSpec, benchmark: &str) -> Error {
        Error::Data(format!(
            "target `{}`: benchmark `{benchmark}` has no items or no models left; the data have: {}",
            spec.name,
            self.known_benchmarks().join(", ")
        ))
    }

    fn vectors(&self, uids: &[String]) -> Result<Option<Vectors>, Error> {
        let Some(all) = &self.vectors else { return Ok(None) };
        let mut values = Vec::with_capacity(uids.len() * all.dimension);
        for uid in uids {
            let row = all.ids.binary_search(uid);
            let row = row.map_err(|_| Error::Internal(format!("item {uid} has no embedding")))?;
            values.extend(all.row(row).iter().copied().map(f64::from));
        }
        Ok(Some(Vectors { dimension: all.dimension, values }))
    }

    /// Number of each item's task within its benchmark; None where no item has one.
    fn tasks(&self, items: &[String]) -> Option<Vec<u32>> {
        let known = self.items.iter().map(|item| (item.item_uid.as_str(), item));
        let known: BTreeMap<&str, &Item> = known.collect();
        let task = |uid: &String| {
            let item = known.get(uid.as_str());
            item.map_or(("", ""), |item| (item.benchmark.as_str(), item.task.as_str()))
        };
        let tasks: Vec<(&str, &str)> = items.iter().map(task).collect();
        if tasks.iter().all(|(_, task)| task.is_empty()) {
            return None;
        }
        let distinct: BTreeSet<(&str, &str)> = tasks.iter().copied().collect();
        let numbers: BTreeMap<(&str, &str), u32> = distinct.into_iter().zip(0..).collect();
        Some(tasks.iter().map(|task| numbers[task]).collect())
    }

    /// Number and spread of the trials behind each score of a target; None where none has two.
    pub fn repeated(&self, matrix: &TargetMatrix) -> Option<RepeatedAnswers> {
        self.scores.repeated(&matrix.named.models, &matrix.named.items)
    }

    /// Log-likelihoods of the gold answers, laid out as the matrix; None where there is not one.
    pub fn log_likelihoods(&self, matrix: &TargetMatrix) -> Option<Vec<f32>> {
        self.scores.log_likelihoods(&matrix.named.models, &matrix.named.items)
    }

    /// Reference answer of each item of a target, where there is one.
    pub fn gold(&self, matrix: &TargetMatrix) -> Vec<Option<&str>> {
        let known = self.items.iter().map(|item| (item.item_uid.as_str(), item.target.as_deref()));
        let known: BTreeMap<&str, Option<&str>> = known.collect();
        let items = matrix.named.items.iter();
        items.map(|uid| known.get(uid.as_str()).copied().flatten()).collect()
    }

    fn known_benchmarks(&self) -> Vec<String> {
        let mut known: Vec<String> = self.items.iter().map(|item| item.benchmark.clone()).collect();
        known.sort();
        known.dedup();
        known
    }
}

impl TargetMatrix {
    /// The embeddings as points, if the stage was given any.
    pub fn points(&self) -> Result<Option<Points<'_>>, Error> {
        points(self.vectors.as_ref())
    }

    /// To estimate the target from `k` items of the pool.
    pub fn problem<'a>(&'a self, pool: &'a [usize], k: usize) -> Result<Problem<'a>, Error> {
        let (matrix, target) = (&self.named.scores, &self.target);
        Ok(Problem { matrix, target, pool, points: self.points()?, k })
    }
}
