//! The instances of a run: their statistics, questions and likelihoods, brought together by id.

use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};

use super::{
    likelihood::{Likelihood, References},
    metrics::{Main, Schema, is_score},
    records::{Instance, PerInstance, RequestState, each},
};
use crate::{AdapterError, Place, RawFile};

/// Reported besides the metric where choices were asked for one by one, to check the likelihoods.
const EXACT_MATCH: &str = "exact_match";

/// What was asked.
#[derive(Debug)]
pub(super) struct Question {
    pub stem: String,
    pub references: Vec<String>,
    pub correct: Vec<String>,
}

/// One instance under one draw of worked examples.
#[derive(Debug)]
pub(super) struct Row {
    pub record: u64,
    split: String,
    /// By position in [`Rows::metrics`].
    values: Vec<Option<f64>>,
    /// The model was not reached.
    pub failed: bool,
    pub likelihood: Option<Likelihood>,
}

/// The metric and split that were chosen.
#[derive(Debug)]
pub(super) struct Metric {
    pub name: String,
    pub split: String,
    /// Group that named it; empty where none did.
    pub group: String,
    position: usize,
}

#[derive(Debug)]
pub(super) struct Rows {
    metrics: Vec<String>,
    /// Names of all statistics that may be scores.
    seen: BTreeSet<String>,
    splits: BTreeMap<String, usize>,
    pub rows: BTreeMap<(String, u32), Row>,
    pub questions: BTreeMap<String, Question>,
    /// Unperturbed instances by split, in the files that list them.
    pub listed: BTreeMap<String, BTreeSet<String>>,
}

impl Rows {
    /// Reads the statistics of the instances as they are.
    pub fn read(file: &RawFile<'_>, main: Option<&Main>) -> Result<Self, AdapterError> {
        let mut metrics = main.map_or_else(Vec::new, |main| main.metrics.clone());
        metrics.push(EXACT_MATCH.to_owned());
        let mut rows = Self {
            metrics,
            seen: BTreeSet::new(),
            splits: BTreeMap::new(),
            rows: BTreeMap::new(),
            questions: BTreeMap::new(),
            listed: BTreeMap::new(),
        };
        each(file, None, |record, instance: PerInstance| rows.add(file, record, instance))?;
        if rows.rows.is_empty() {
            return Err(file.error(Place::File, "it holds no instance that is not perturbed"));
        }
        Ok(rows)
    }

    fn add(
        &mut self,
        file: &RawFile<'_>,
        record: u64,
        instance: PerInstance,
    ) -> Result<(), AdapterError> {
        if instance.perturbation.is_some() {
            return Ok(());
        }
        let plain = || instance.stats.0.iter().filter(|stat| stat.is_plain());
        let split = plain().find_map(|stat| stat.name.split.clone()).unwrap_or_default();
        let mut values = vec![None; self.metrics.len()];
        for stat in plain() {
            let name = &stat.name.name;
            if !self.seen.contains(name) && is_score(name) && self.seen.len() < 10_000 {
                self.seen.insert(name.clone());
            }
            for (at, _) in self.metrics.iter().enumerate().filter(|(_, metric)| *metric == name) {
                values[at] = stat.value();
            }
        }
        *self.splits.entry(split.clone()).or_default() += 1;
        let row = Row { record, split, values, failed: false, likelihood: None };
        match self.rows.entry((instance.instance_id, instance.train_trial_index)) {
            Entry::Vacant(vacant) => vacant.insert(row),
            Entry::Occupied(occupied) => {
                let (id, trial) = occupied.key();
                let problem = format!("the instance `{id}` of trial {trial} stands there twice");
                return Err(file.error(Place::Record(record), problem));
            }
        };
        Ok(())
    }

    /// The first of the main metrics that the run has, in the main split.
    pub fn choose(&self, main: Option<&Main>, schema: Option<&Schema>) -> Result<Metric, String> {
        let listed = || {
            let names: Vec<&str> = self.seen.iter().map(String::as_str).collect();
            format!(
                "its statistics are: {}; name one (metric = \"...\" of the recipe, or `--metric`)",
                names.join(", ")
            )
        };
        let Some(main) = main else {
            return Err(format!("nothing says which metric is the main one; {}", listed()));
        };
        let has = |metric: &&String| self.seen.contains(*metric);
        let Some(name) = main.metrics.iter().find(has) else {
            return Err(format!("it has no `{}`; {}", main.metrics.join("` and no `"), listed()));
        };
        if schema.and_then(|schema| schema.lower_is_better(name)) == Some(true) {
            return Err(format!("of `{name}` less is better, so it is no score; {}", listed()));
        }
        let declared = main.split.as_ref().filter(|split| self.splits.contains_key(*split));
        let mut splits = self.splits.keys();
        let split = match (declared, splits.next(), splits.next()) {
            (Some(split), _, _) | (None, Some(split), None) => split.clone(),
            _ => {
                let splits: Vec<&str> = self.splits.keys().map(String::as_str).collect();
                return Err(format!(
                    "nothing says which of its splits {} is the main one: give the suite's `schema.json` too",
                    splits.join(", ")
                ));
            }
        };
        let position = self.metrics.iter().position(|metric| metric == name).unwrap_or_default();
        Ok(Metric { name: name.clone(), split, group: main.group.clone(), position })
    }

    /// Reads the questions.
    pub fn add_instances(&mut self, file: &RawFile<'_>) -> Result<(), AdapterError> {
        each(file, None, |record, instance: Instance| self.add_instance(file, record, &instance))
    }

    /// Reads failures and likelihoods, and the questions where they are not known.
    pub fn add_states(
        &mut self,
        file: &RawFile<'_>,
        questions: bool,
        method: &str,
    ) -> Result<(), AdapterError> {
        let separate = method.starts_with("multiple_choice_separate");
        let mut references: BTreeMap<(String, u32), References> = BTreeMap::new();
        each(file, Some("request_states"), |record, state: RequestState| {
            if state.instance.perturbation.is_some() {
                return Ok(());
            }
            if questions {
                self.add_instance(file, record, &state.instance)?;
            }
            let id = state.instance.id.clone().unwrap_or_default();
            let key = (id, state.train_trial_index);
            let Some(row) = self.rows.get_mut(&key) else { return Ok(()) };
            row.failed |= state.result.as_ref().is_none_or(|result| result.success == Some(false));
            if separate {
                references.entry(key).or_default().add(&state);
            }
            Ok(())
        })?;
        for (key, references) in references {
            if let Some(row) = self.rows.get_mut(&key) {
                row.likelihood = references.likelihood(method.ends_with("calibrated"));
            }
        }
        Ok(())
    }

    fn add_instance(
        &mut self,
        file: &RawFile<'_>,
        record: u64,
        instance: &Instance,
    ) -> Result<(), AdapterError> {
        let Some(id) = instance.id.as_ref().filter(|_| instance.perturbation.is_none()) else {
            return Ok(());
        };
        let split = instance.split.clone().unwrap_or_default();
        self.listed.entry(split).or_default().insert(id.clone());
        let texts = |only_correct: bool| -> Vec<String> {
            let references = instance.references.0.iter();
            let kept = references.filter(|reference| !only_correct || reference.is_correct());
            kept.map(|reference| reference.output.0.clone()).collect()
        };
        let question = Question {
            stem: instance.input.0.clone(),
            references: texts(false),
            correct: texts(true),
        };
        match self.questions.get(id) {
            None => {
                self.questions.insert(id.clone(), question);
            }
            Some(known)
                if (&known.stem, &known.references) != (&question.stem, &question.references) =>
            {
                let problem = format!("the id `{id}` names two questions");
                return Err(file.error(Place::Record(record), problem));
            }
            Some(_) => {}
        }
        Ok(())
    }
}

impl Metric {
    /// Whether a row is of the split.
    pub fn covers(&self, row: &Row) -> bool {
        row.split == self.split
    }

    /// Value of a row.
    pub fn value(&self, row: &Row) -> Option<f64> {
        row.values[self.position]
    }
}

impl Row {
    /// HELM's `exact_match`.
    pub fn exact_match(&self) -> Option<f64> {
        self.values.last().copied().flatten()
    }
}
