//! What the boards say of each instance.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::instances::Instance;
use crate::{AdapterError, Place, RawFile, adapters::json_walk::Walk};

/// Lists of unresolved instances, in the order in which they explain one, and the note that each leaves.
const UNRESOLVED: [(&str, Option<&str>); 11] = [
    ("no_generation", Some("no-patch")),
    ("empty_patch_ids", Some("no-patch")),
    ("no_logs", Some("no-report")),
    ("error_ids", Some("no-report")),
    ("install_fail", Some("harness-failure")),
    ("reset_failed", Some("harness-failure")),
    ("test_errored", Some("harness-failure")),
    ("test_timeout", Some("harness-failure")),
    ("no_apply", None),
    ("unresolved_ids", None),
    ("unresolved", None),
];

/// Lists that say something else.
const OTHER: [&str; 6] = [
    "resolved_ids",
    "resolved",
    "incomplete_ids",
    "submitted_ids",
    "infra_failure_ids",
    "ambiguous_failure_ids",
];

/// One instance.
pub(super) struct Outcome {
    /// Resolved or not, or why that is not known.
    pub(super) score: Result<bool, &'static str>,
    /// What was wrong besides.
    pub(super) notes: BTreeSet<&'static str>,
    /// Position of the file.
    pub(super) board: usize,
    /// Member of the file's object, or position in the sorted ids where the file has lists.
    pub(super) record: u64,
}

/// All instances of one model.
pub(super) struct Board {
    pub(super) outcomes: BTreeMap<String, Outcome>,
    /// Submitted ids that are no instance.
    pub(super) unknown: Vec<String>,
    /// Number of instances of the benchmark, where it is known.
    pub(super) population: Option<u64>,
}

impl Default for Outcome {
    fn default() -> Self {
        Self { score: Ok(false), notes: BTreeSet::new(), board: 0, record: 0 }
    }
}

/// `report.json` and `per_instance_details.json` have one of these for each instance.
#[derive(Deserialize)]
struct Entry {
    resolved: bool,
    #[serde(default)]
    infra_failure: Option<bool>,
    #[serde(default, rename = "patch_is_None")]
    patch_is_none: Option<bool>,
}

/// One file, as it is.
#[derive(Default)]
struct Raw {
    entries: Vec<(String, Entry)>,
    lists: BTreeMap<&'static str, BTreeSet<String>>,
    total: Option<u64>,
    resolved: Option<u64>,
}

/// Reads the boards of one unit: several only if they have an entry an instance.
pub(super) fn read(
    files: &[&RawFile<'_>],
    instances: Option<&BTreeMap<String, Instance>>,
) -> Result<Board, AdapterError> {
    let mut outcomes = BTreeMap::new();
    for (board, file) in files.iter().enumerate() {
        let raw = raw(file)?;
        if raw.entries.is_empty() {
            if files.len() > 1 {
                return Err(file.error(Place::File, "it has no entry of an instance"));
            }
            return Lists { file, raw: &raw, instances }.read();
        }
        for (record, (id, entry)) in raw.entries.into_iter().enumerate() {
            let place = Place::Record(record as u64);
            check_known(file, place, &id, instances)?;
            let outcome = of_entry(&entry, board, record as u64);
            if outcomes.insert(id.clone(), outcome).is_some() {
                return Err(file.error(place, format!("instance `{id}` is there twice")));
            }
        }
    }
    for id in instances.into_iter().flat_map(BTreeMap::keys) {
        let unreported = || Outcome { notes: ["no-report"].into(), ..Outcome::default() };
        outcomes.entry(id.clone()).or_insert_with(unreported);
    }
    let population = instances.map(|instances| instances.len() as u64);
    Ok(Board { outcomes, unknown: Vec::new(), population })
}

fn of_entry(entry: &Entry, board: usize, record: u64) -> Outcome {
    let notes = [
        (entry.infra_failure == Some(true), "infra-failure"),
        (entry.patch_is_none == Some(true), "no-patch"),
    ];
    let notes = notes.into_iter().filter_map(|(is, note)| is.then_some(note)).collect();
    Outcome { score: Ok(entry.resolved), notes, board, record }
}

fn check_known(
    file: &RawFile<'_>,
    place: Place,
    id: &str,
    instances: Option<&BTreeMap<String, Instance>>,
) -> Result<(), AdapterError> {
    if instances.is_none_or(|instances| instances.contains_key(id)) {
        return Ok(());
    }
    let problem =
        format!("instance `{id}` is not in the file of instances: it is of another benchmark");
    Err(file.error(place, problem))
}

/// Reads a file member by member, keeping what is known.
fn raw(file: &RawFile<'_>) -> Result<Raw, AdapterError> {
    let mut walk = Walk::of(file)?;
    let mut raw = Raw::default();
    let mut object = walk.open(b'{')?;
    while walk.more(&mut object)? {
        let key = walk.key()?;
        let lists = UNRESOLVED.iter().map(|(name, _)| *name).chain(OTHER);
        let list = lists.into_iter().find(|name| *name == key);
        match (list, key.as_str(), walk.peek()?) {
            (Some(list), _, Some(b'[')) => {
                if raw.lists.insert(list, walk.value()?).is_some() {
                    return Err(walk.error(format!("`{list}` is there twice")));
                }
            }
            (None, "total_instances", _) => raw.total = walk.value()?,
            (None, "resolved_instances", _) => raw.resolved = walk.value()?,
            // Reasons and counts are objects too, and have no `resolved`.
            (None, _, Some(b'{')) if !matches!(key.as_str(), "failure_reasons") => {
                raw.entries.push((key, walk.value()?));
            }
            _ => walk.skip()?,
        }
    }
    walk.end()?;
    Ok(raw)
}

/// A board that lists instances by outcome.
struct Lists<'a> {
    file: &'a RawFile<'a>,
    raw: &'a Raw,
    instances: Option<&'a BTreeMap<String, Instance>>,
}

impl Lists<'_> {
    fn read(&self) -> Result<Board, AdapterError> {
        let mut outcomes = self.listed()?;
        // Only reports of runs list what was not resolved; the leaderboard's files do not.
        let complete = self.raw.lists.contains_key("unresolved_ids");
        let listed = outcomes.len() as u64;
        match self.instances {
            None if !complete => {
                return Err(self.error(
                    "it lists the resolved instances only: add a file of all instances of the \
                     benchmark (JSONL, CSV or Parquet with instance_id, repo, problem_statement)",
                ));
            }
            None => {
                if let Some(total) = self.raw.total.filter(|total| *total != listed) {
                    let problem = format!(
                        "it lists {listed} of its {total} instances: add a file of all instances"
                    );
                    return Err(self.error(problem));
                }
            }
            Some(instances) => {
                for id in outcomes.keys() {
                    check_known(self.file, Place::File, id, self.instances)?;
                }
                for id in instances.keys() {
                    outcomes.entry(id.clone()).or_insert_with(|| unlisted(complete));
                }
            }
        }
        for (record, outcome) in outcomes.values_mut().enumerate() {
            outcome.record = record as u64;
        }
        let submitted = self.list("submitted_ids").iter();
        let unknown = submitted.filter(|id| !outcomes.contains_key(*id)).cloned().collect();
        let population = Some(outcomes.len() as u64);
        Ok(Board { outcomes, unknown, population })
    }

    /// Every instance of the lists of outcomes.
    fn listed(&self) -> Result<BTreeMap<String, Outcome>, AdapterError> {
        let resolved: BTreeSet<&String> =
            self.list("resolved_ids").union(self.list("resolved")).collect();
        if !["resolved", "resolved_ids"].iter().any(|name| self.raw.lists.contains_key(name)) {
            return Err(self.error("it has neither `resolved` nor `resolved_ids`"));
        }
        if let Some(count) = self.raw.resolved.filter(|count| *count != resolved.len() as u64) {
            let problem = format!(
                "it lists {} resolved instances, its `resolved_instances` is {count}",
                resolved.len()
            );
            return Err(self.error(problem));
        }
        let mut outcomes: BTreeMap<String, Outcome> = resolved
            .into_iter()
            .map(|id| (id.clone(), Outcome { score: Ok(true), ..Outcome::default() }))
            .collect();
        for (list, note) in UNRESOLVED {
            for id in self.list(list) {
                let outcome = outcomes.entry(id.clone()).or_default();
                if outcome.score == Ok(true) {
                    let problem = format!("instance `{id}` is listed as resolved and in `{list}`");
                    return Err(self.error(problem));
                }
                outcome.notes.extend(note);
            }
        }
        for id in self.list("incomplete_ids") {
            outcomes.entry(id.clone()).or_insert_with(|| unlisted(true));
        }
        for (list, note) in
            [("infra_failure_ids", "infra-failure"), ("ambiguous_failure_ids", "ambiguous-failure")]
        {
            for id in self.list(list) {
                if let Some(outcome) = outcomes.get_mut(id) {
                    outcome.notes.insert(note);
                }
            }
        }
        Ok(outcomes)
    }

    fn list(&self, name: &str) -> &BTreeSet<String> {
        static NONE: BTreeSet<String> = BTreeSet::new();
        self.raw.lists.get(name).unwrap_or(&NONE)
    }

    fn error(&self, problem: impl Into<String>) -> AdapterError {
        self.file.error(Place::File, problem)
    }
}

/// An instance that no list has: in a complete report it was not submitted, on the leaderboard it was
/// not resolved.
fn unlisted(complete: bool) -> Outcome {
    if complete {
        let notes = ["not-submitted"].into();
        return Outcome { score: Err("not submitted"), notes, ..Outcome::default() };
    }
    Outcome::default()
}
