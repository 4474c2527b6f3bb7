//! Shards of many raw files to one set of tables.

use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};

use aliquot_tables::{
    aliases::Alias, findings::Finding, items::Item, models::Model, prompts::Prompt,
    responses::Responses, runs::Run,
};
use thiserror::Error;

use crate::Shard;

/// Shards that cannot be joined.
#[derive(Debug, Error)]
pub enum MergeError {
    /// Two files describe one model in two ways.
    #[error("model `{0}` is described in two ways by two files")]
    Model(String),
    /// Two scores of one cell.
    #[error("model `{model}` has two scores on item {item_uid}: {} and {}", places[0], places[1])]
    Cell {
        /// The model.
        model: String,
        /// The item.
        item_uid: String,
        /// Where the two scores are from.
        places: [Box<str>; 2],
    },
    /// One benchmark under two metrics or filters.
    #[error(
        "benchmark `{benchmark}` has scores of two metrics, {:?} and {:?}: one recipe takes one",
        metrics[0], metrics[1]
    )]
    Metrics {
        /// The benchmark.
        benchmark: String,
        /// Metric and filter of both.
        metrics: [(Box<str>, Box<str>); 2],
    },
    /// An alias that leads to two items could not be joined by.
    #[error("alias `{native_id}` of {tool} {task} names two different items")]
    Alias {
        /// Tool.
        tool: String,
        /// Task.
        task: String,
        /// The name.
        native_id: String,
    },
    /// One model was run twice, in two ways.
    #[error(
        "model `{model}` was run twice on `{task}`, with different {what} ({} and {}): leave one of the \
         files out\n  {}\n  {}", values[0], values[1], places[0], places[1]
    )]
    Settings {
        /// The model.
        model: String,
        /// The task.
        task: String,
        /// Which setting.
        what: &'static str,
        /// Its values.
        values: [Box<str>; 2],
        /// The two files.
        places: [Box<str>; 2],
    },
}

/// Runs whose rows are not taken, because another run of the same model on the same task is.
#[derive(Debug, Clone, Default)]
pub struct Superseded {
    /// Tasks by raw file and model.
    runs: BTreeMap<(String, String), BTreeSet<String>>,
    /// What was left out and why.
    findings: Vec<Finding>,
}

/// Names a raw file, given by its object id, for people.
pub type Places = BTreeMap<String, String>;

fn place<'a>(places: &'a Places, raw: &'a str) -> &'a str {
    places.get(raw).map_or(raw, String::as_str)
}

impl Superseded {
    /// Of several runs of one model on one task under one metric and filter the one with most items is
    /// taken, then the latest, then the one whose file comes first by digest. Runs that differ in shots
    /// or template are no repetitions: `strict` makes them an error, otherwise they are found, too.
    pub fn among(runs: &[Run], places: &Places, strict: bool) -> Result<Self, MergeError> {
        let mut groups: BTreeMap<_, BTreeMap<&str, &Run>> = BTreeMap::new();
        for run in runs {
            let key = (&run.model, &run.benchmark, &run.task, &run.metric, &run.filter);
            groups.entry(key).or_default().insert(&run.raw, run);
        }
        let mut superseded = Self::default();
        for files in groups.into_values() {
            let preference =
                |run: &&Run| (run.items, run.started.clone(), std::cmp::Reverse(run.raw.clone()));
            let Some(taken) = files.values().copied().max_by_key(preference) else { continue };
            for other in files.into_values().filter(|run| run.raw != taken.raw) {
                if let (true, Some((what, values))) = (strict, difference(taken, other)) {
                    let places = [&taken.raw, &other.raw].map(|raw| place(places, raw).into());
                    let (model, task) = (taken.model.clone(), taken.task.clone());
                    return Err(MergeError::Settings { model, task, what, values, places });
                }
                superseded.leave_out(other, taken, places);
            }
        }
        Ok(superseded)
    }

    fn leave_out(&mut self, run: &Run, taken: &Run, places: &Places) {
        let tasks = self.runs.entry((run.raw.clone(), run.model.clone())).or_default();
        tasks.insert(run.task.clone());
        let differs = difference(taken, run).map(|(what, [one, other])| {
            format!("; they differ in {what}: {other} here, {one} there")
        });
        self.findings.push(Finding {
            kind: "superseded-run".to_owned(),
            severity: if differs.is_some() { "warning" } else { "info" }.to_owned(),
            benchmark: run.benchmark.clone(),
            subject: run.model.clone(),
            evidence: format!(
                "{}: {} items of {} (started {}) left out for {} of {} (started {}){}",
                run.task,
                run.items,
                place(places, &run.raw),
                known(&run.started),
                taken.items,
                place(places, &taken.raw),
                known(&taken.started),
                differs.unwrap_or_default(),
            ),
            action: "drop".to_owned(),
            ..Finding::default()
        });
    }
}

fn known(text: &str) -> &str {
    if text.is_empty() { "at an unknown time" } else { text }
}

/// What makes two runs of one task different experiments.
fn difference(one: &Run, other: &Run) -> Option<(&'static str, [Box<str>; 2])> {
    let shots = |run: &Run| run.shots.map_or_else(String::new, |shots| shots.to_string());
    let properties = [
        ("shots", shots(one), shots(other)),
        ("template", one.template.clone(), other.template.clone()),
        ("model revision", one.model_revision.clone(), other.model_revision.clone()),
    ];
    properties
        .into_iter()
        .find(|(_, one, other)| !one.is_empty() && !other.is_empty() && one != other)
        .map(|(what, one, other)| (what, [one.into(), other.into()]))
}

/// Joins shards, one at a time.
#[derive(Debug, Default)]
pub struct Merger {
    superseded: BTreeMap<(String, String), BTreeSet<String>>,
    responses: Responses,
    items: BTreeMap<String, Item>,
    models: BTreeMap<String, Model>,
    aliases: BTreeSet<Alias>,
    runs: BTreeSet<Run>,
    prompts: BTreeSet<Prompt>,
    findings: Vec<Finding>,
    /// What is in already: one file under two addresses counts once, two models with the same answers
    /// are two.
    known: BTreeSet<Origin>,
}

impl Merger {
    /// Joins shards without what is superseded.
    pub fn new(superseded: Superseded) -> Self {
        let Superseded { runs, findings } = superseded;
        Self { superseded: runs, findings, ..Self::default() }
    }

    /// Adds a shard.
    pub fn add(&mut self, shard: Shard) -> Result<(), MergeError> {
        if let Some(kept) = self.take(shard)? {
            self.responses.append(&kept);
        }
        Ok(())
    }

    /// Adds a shard but for its responses; returns those that are not superseded, None if the shard is
    /// in already. Of a shard with runs, none of which is superseded, the responses may be left out.
    pub fn take(&mut self, shard: Shard) -> Result<Option<Responses>, MergeError> {
        let own = origins(&shard);
        if !own.is_empty() && own.iter().all(|origin| self.known.contains(origin)) {
            return Ok(None);
        }
        let Shard { responses, items, models, aliases, runs, prompts, findings } = shard;
        let touched = own.iter().any(|[raw, model, ..]| self.leaves_out(raw, model));
        let rows = if touched { self.kept(&responses, &aliases) } else { responses };
        let kept = !touched || !rows.is_empty();
        self.known.extend(own);
        // The uid fixes an item's content, so the first description stands for all, but for one that
        // knows no more than the uid.
        for item in items {
            match self.items.entry(item.item_uid.clone()) {
                Entry::Occupied(known) if !is_bare(known.get()) => {}
                Entry::Occupied(mut bare) => drop(bare.insert(item)),
                Entry::Vacant(new) => drop(new.insert(item)),
            }
        }
        for model in models {
            match self.models.get(&model.model) {
                Some(before) if *before != model => return Err(MergeError::Model(model.model)),
                Some(_) => {}
                None => drop(self.models.insert(model.model.clone(), model)),
            }
        }
        self.aliases.extend(aliases);
        self.runs.extend(runs);
        // Prompts of a run that is left out asked for none of the scores.
        if kept {
            self.prompts.extend(prompts);
        }
        self.findings.extend(findings);
        Ok(Some(rows))
    }

    /// Whether something of these runs is left out.
    pub fn leaves_out_of(&self, runs: &[Run]) -> bool {
        runs.iter().any(|run| self.leaves_out(&run.raw, &run.model))
    }

    fn leaves_out(&self, raw: &str, model: &str) -> bool {
        self.superseded.contains_key(&(raw.to_owned(), model.to_owned()))
    }

    /// The rows that are not superseded.
    fn kept(&self, responses: &Responses, aliases: &[Alias]) -> Responses {
        let mut tasks: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for alias in aliases {
            tasks.entry(&alias.item_uid).or_default().insert(&alias.task);
        }
        let by_code: BTreeMap<(u32, u32), &BTreeSet<String>> = self
            .superseded
            .iter()
            .filter_map(|((raw, model), tasks)| {
                let code = (responses.raw.code_of(raw)?, responses.model.code_of(model)?);
                Some((code, tasks))
            })
            .collect();
        responses.filtered(|row| {
            let code = (responses.raw.codes()[row], responses.model.codes()[row]);
            let left_out = by_code.get(&code);
            let mut own = tasks.get(responses.item_uid.get(row)).into_iter().flatten();
            !left_out.is_some_and(|left_out| own.any(|task| left_out.contains(*task)))
        })
    }

    /// The tables as they are.
    pub fn finish(self) -> Shard {
        Shard {
            responses: self.responses,
            items: self.items.into_values().collect(),
            models: self.models.into_values().collect(),
            aliases: self.aliases.into_iter().collect(),
            runs: self.runs.into_iter().collect(),
            prompts: self.prompts.into_iter().collect(),
            findings: self.findings,
        }
    }
}

/// Raw file, model, benchmark, task, metric and filter.
type Origin = [String; 6];

/// Where the rows of a shard are from, as its runs tell it; of tables without runs as the rows do. Equal
/// bytes may be the results of two tasks, which the names of their files tell apart.
fn origins(shard: &Shard) -> BTreeSet<Origin> {
    let rows = &shard.responses;
    if !shard.runs.is_empty() {
        let origin = |run: &Run| {
            [&run.raw, &run.model, &run.benchmark, &run.task, &run.metric, &run.filter]
                .map(String::clone)
        };
        return shard.runs.iter().map(origin).collect();
    }
    let codes: BTreeSet<(u32, u32)> =
        rows.raw.codes().iter().copied().zip(rows.model.codes().iter().copied()).collect();
    let origin = |(raw, model): (u32, u32)| {
        let (raw, model) = (&rows.raw.values()[raw as usize], &rows.model.values()[model as usize]);
        [raw, model, "", "", "", ""].map(str::to_owned)
    };
    codes.into_iter().map(origin).collect()
}

/// Whether only the uid of an item is known.
fn is_bare(item: &Item) -> bool {
    item.stem == item.item_uid
}

impl MergeError {
    /// Two scores of one cell, each place a raw file and a record of it.
    pub fn cell(model: &str, item_uid: &str, from: [(&str, u64); 2], places: &Places) -> Self {
        let place = |(raw, record)| format!("record {record} of {}", place(places, raw)).into();
        let (model, item_uid) = (model.to_owned(), item_uid.to_owned());
        Self::Cell { model, item_uid, places: from.map(place) }
    }
}

impl Shard {
    /// A cell given twice is never averaged silently.
    pub fn check_cells(&self, places: &Places) -> Result<(), MergeError> {
        let rows = &self.responses;
        let Some((first, second)) = rows.duplicate_cell() else { return Ok(()) };
        let from = |row: usize| (rows.raw.get(row), rows.record[row]);
        let (model, item_uid) = (rows.model.get(first), rows.item_uid.get(first));
        Err(MergeError::cell(model, item_uid, [from(first), from(second)], places))
    }

    /// What makes tables one leaderboard: a native id names one item, and scores of two metrics, filters
    /// or judges are never mixed.
    pub fn check_leaderboard(&self) -> Result<(), MergeError> {
        let items: BTreeMap<&str, &Item> =
            self.items.iter().map(|item| (item.item_uid.as_str(), item)).collect();
        self.check_aliases(&items)?;
        let rows = &self.responses;
        let mut seen: BTreeMap<&str, (&str, &str)> = BTreeMap::new();
        let mut pairs: BTreeSet<(u32, u32, u32)> = BTreeSet::new();
        for row in 0..rows.len() {
            let key =
                (rows.item_uid.codes()[row], rows.metric.codes()[row], rows.filter.codes()[row]);
            if !pairs.insert(key) {
                continue;
            }
            let Some(item) = items.get(rows.item_uid.get(row)) else { continue };
            let now = (rows.metric.get(row), rows.filter.get(row));
            let before = *seen.entry(&item.benchmark).or_insert(now);
            if before != now {
                let owned = |(metric, filter): (&str, &str)| (metric.into(), filter.into());
                let (benchmark, metrics) = (item.benchmark.clone(), [owned(before), owned(now)]);
                return Err(MergeError::Metrics { benchmark, metrics });
            }
        }
        Ok(())
    }

    fn check_aliases(&self, items: &BTreeMap<&str, &Item>) -> Result<(), MergeError> {
        let mut seen: BTreeMap<(&str, &str, &str), &str> = BTreeMap::new();
        for alias in &self.aliases {
            let Some(native_id) = &alias.native_id else { continue };
            let occurrence = items.get(alias.item_uid.as_str()).map_or(0, |item| item.occurrence);
            let named = seen.entry((&alias.tool, &alias.task, native_id));
            if occurrence == 0 && *named.or_insert(&alias.item_uid) != alias.item_uid {
                let (tool, task) = (alias.tool.clone(), alias.task.clone());
                return Err(MergeError::Alias { tool, task, native_id: native_id.clone() });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use aliquot_tables::responses::Response;

    use super::*;

    fn shard(raw: &str, items: u32, started: &str, shots: u32) -> Shard {
        shard_of("m", raw, items, started, shots)
    }

    fn shard_of(model: &str, raw: &str, items: u32, started: &str, shots: u32) -> Shard {
        let mut shard = Shard::default();
        for item in 0..items {
            let uid = format!("{item:02}");
            shard.responses.push(&Response {
                model,
                item_uid: &uid,
                metric: "acc",
                filter: "",
                trial: 0,
                score: Ok(1.0),
                log_likelihood: None,
                raw,
                record: u64::from(item),
            });
            shard.aliases.push(Alias {
                item_uid: uid.clone(),
                task: "t".to_owned(),
                native_id: Some(uid.clone()),
                ..Alias::default()
            });
            shard.prompts.push(Prompt {
                item_uid: uid.clone(),
                prompt_hash: format!("{shots} shots"),
                ..Prompt::default()
            });
            let benchmark = "b".to_owned();
            shard.items.push(Item { item_uid: uid, benchmark, ..Item::default() });
        }
        shard.models.push(Model { model: model.to_owned(), ..Model::default() });
        shard.runs.push(Run {
            model: model.to_owned(),
            benchmark: "b".to_owned(),
            task: "t".to_owned(),
            metric: "acc".to_owned(),
            raw: raw.to_owned(),
            started: started.to_owned(),
            shots: Some(shots),
            items,
            ..Run::default()
        });
        shard
    }

    fn merge(shards: &[Shard], strict: bool) -> Result<Shard, MergeError> {
        let runs: Vec<Run> = shards.iter().flat_map(|shard| shard.runs.clone()).collect();
        let mut merger = Merger::new(Superseded::among(&runs, &Places::new(), strict)?);
        for shard in shards {
            merger.add(shard.clone())?;
        }
        let merged = merger.finish();
        merged.check_cells(&Places::new())?;
        merged.check_leaderboard()?;
        Ok(merged)
    }

    fn raw(merged: &Shard) -> Vec<&str> {
        let mut raw: Vec<&str> =
            (0..merged.responses.len()).map(|row| merged.responses.raw.get(row)).collect();
        raw.dedup();
        raw
    }

    #[test]
    fn of_two_runs_the_one_with_more_items_is_taken_then_the_later_one() {
        let partial = shard("1", 3, "2026-03", 0);
        let (early, late) = (shard("2", 5, "2026-01", 0), shard("3", 5, "2026-02", 0));
        let merged = merge(&[partial, late, early], true).unwrap();
        assert_eq!((raw(&merged), merged.responses.len()), (vec!["3"], 5));
        let evidence: Vec<&str> =
            merged.findings.iter().map(|finding| finding.evidence.as_str()).collect();
        assert_eq!(
            evidence,
            [
                "t: 3 items of 1 (started 2026-03) left out for 5 of 3 (started 2026-02)",
                "t: 5 items of 2 (started 2026-01) left out for 5 of 3 (started 2026-02)"
            ]
        );
    }

    #[test]
    fn runs_of_other_shots_are_an_error_where_one_leaderboard_is_made_and_a_finding_elsewhere() {
        let shards = [shard("1", 3, "", 0), shard("2", 3, "", 5)];
        let error = merge(&shards, true).unwrap_err().to_string();
        assert!(error.contains("run twice on `t`, with different shots (0 and 5)"), "{error}");
        let merged = merge(&shards, false).unwrap();
        assert_eq!((raw(&merged), merged.findings[0].severity.as_str()), (vec!["1"], "warning"));
        // The prompts are those of the run that is taken.
        assert!(merged.prompts.iter().all(|prompt| prompt.prompt_hash == "0 shots"));
    }

    #[test]
    fn two_models_with_files_of_the_same_bytes_are_both_there() {
        let twins = [shard_of("a", "1", 3, "", 0), shard_of("b", "1", 3, "", 0)];
        assert_eq!(merge(&twins, true).unwrap().responses.len(), 6);
        // A longer run of one of them leaves the other as it is.
        let [a, b] = twins;
        let merged = merge(&[a, b, shard_of("a", "2", 5, "", 0)], true).unwrap();
        assert_eq!((merged.responses.len(), merged.models.len()), (8, 2));
    }

    #[test]
    fn the_same_file_twice_counts_once() {
        let merged = merge(&[shard("1", 3, "", 0), shard("1", 3, "", 0)], true).unwrap();
        assert_eq!((merged.responses.len(), merged.findings.len()), (3, 0));
    }

    #[test]
    fn one_file_of_two_models_counts_for_both() {
        let mut other = shard("1", 3, "", 0);
        other.responses.model = ["n"; 3].into_iter().collect();
        other.models[0].model = "n".to_owned();
        other.runs[0].model = "n".to_owned();
        assert_eq!(merge(&[shard("1", 3, "", 0), other], true).unwrap().responses.len(), 6);
    }

    #[test]
    fn cells_without_a_run_that_come_twice_are_an_error_that_names_both() {
        let mut shards = [shard("1", 3, "", 0), shard("2", 3, "", 0)];
        shards.iter_mut().for_each(|shard| shard.runs.clear());
        let error = merge(&shards, false).unwrap_err().to_string();
        assert!(error.contains("item 00: record 0 of 1 and record 0 of 2"), "{error}");
    }
}
