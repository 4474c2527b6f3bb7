//! What every statistical stage starts from: the matrix of a target.

use std::collections::{BTreeMap, BTreeSet};

use aliquot_stats::{item_analysis::RepeatedAnswers, matrix::Target};
use aliquot_store::{ObjectId, Store};
use aliquot_tables::{
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
}

/// One target: its matrix, and the weights of its items.
pub struct TargetMatrix {
    /// Kept models x kept items; items sorted by (benchmark, uid), models by name.
    pub named: NamedMatrix,
    /// What each item counts.
    pub target: Target,
    /// Benchmark of each item.
    pub benchmarks: Vec<String>,
}

impl Tables {
    /// Reads the first three inputs of a stage: scores, items, roster.
    pub fn read(store: &Store, inputs: &[ObjectId]) -> Result<Self, Error> {
        Ok(Self {
            scores: scores::decode(&store.get(inputs[0])?).map_err(table("scores"))?,
            items: items::decode(&store.get(inputs[1])?).map_err(table("items"))?,
            roster: roster::decode(&store.get(inputs[2])?).map_err(table("roster"))?,
        })
    }

    /// Cuts out one target: the kept items of its benchmarks, the models kept in all of them.
    pub fn target(&self, spec: &TargetSpec) -> Result<TargetMatrix, Error> {
        let names: Vec<&String> = spec.benchmarks.keys().collect();
        let kept = |benchmark: &str, axis: &str| -> Vec<String> {
            let entries = self
                .roster
                .iter()
                .filter(|entry| entry.benchmark == benchmark && entry.axis == axis);
            entries.map(|entry| entry.name.clone()).collect()
        };
        let (mut items, mut groups, mut benchmarks) = (Vec::new(), Vec::new(), Vec::new());
        let mut models: Option<Vec<String>> = None;
        for (group, benchmark) in names.iter().enumerate() {
            let (of_items, of_models) = (kept(benchmark, "item"), kept(benchmark, "model"));
            if of_items.is_empty() || of_models.is_empty() {
                return Err(Error::Data(format!(
                    "target `{}`: benchmark `{benchmark}` has no items or no models left; the data have: {}",
                    spec.name,
                    self.known_benchmarks().join(", ")
                )));
            }
            groups.extend(std::iter::repeat_n(group as u32, of_items.len()));
            benchmarks.extend(std::iter::repeat_n((*benchmark).clone(), of_items.len()));
            items.extend(of_items);
            models = Some(match models {
                None => of_models,
                Some(before) => before
                    .into_iter()
                    .filter(|model| of_models.binary_search(model).is_ok())
                    .collect(),
            });
        }
        let models: Vec<String> = models.into_iter().flatten().collect();
        if models.is_empty() {
            return Err(Error::Data(format!(
                "target `{}`: no model has results on all its benchmarks",
                spec.name
            )));
        }
        let weights: Vec<f64> = spec.benchmarks.values().copied().collect();
        let mut target = Target::grouped(&groups, &weights).map_err(stats(&spec.name))?;
        if let Some(tasks) = self.tasks(&items) {
            target = target.with_tasks(tasks).map_err(stats(&spec.name))?;
        }
        let mut named = matrix::pivot(&self.scores, models, items).map_err(stats(&spec.name))?;
        if let Some(repeated) = self.scores.repeated(&named.models, &named.items) {
            named.scores = named.scores.with_trials(repeated.counts).map_err(stats(&spec.name))?;
        }
        Ok(TargetMatrix { named, target, benchmarks })
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
    /// Position of an item uid among the columns.
    pub fn item(&self, item_uid: &str) -> Option<usize> {
        self.named.items.iter().position(|candidate| candidate == item_uid)
    }
}
