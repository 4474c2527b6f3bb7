//! Running a graph against a store: the cache, the records, the progress.

use std::{
    collections::BTreeMap,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use aliquot_engine::{
    CacheEntry, Event, Fingerprint, Graph, Node, NodeRecord, Outcome, Planned, RunRecord, execute,
    plan,
};
use aliquot_release::publish::is_published;
use aliquot_store::{ObjectId, Store, canonical};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::{
    error::Error,
    graph::{FETCH, PUBLISH, Task, outputs},
    guard::guarded,
    stages::{self, Workplace},
};

/// Records that are searched for the last state of a node: a run that failed early has few.
const RECORDS_SEARCHED: usize = 8;

/// A store and the recipe whose graph is run on it.
pub struct Runner<'a> {
    /// Where everything lies.
    pub store: &'a Store,
    /// Name of the recipe.
    pub recipe: &'a str,
}

impl Runner<'_> {
    /// What a run would do.
    pub fn plan(&self, graph: &Graph<Task>) -> Result<Vec<Planned>, Error> {
        let previous = self.previous()?;
        Ok(plan(graph, |node, fingerprint| self.lookup(node, fingerprint), &previous))
    }

    /// Outputs that are there already. A cache entry that cannot be read is as good as none.
    fn lookup(&self, node: &Node<Task>, fingerprint: Fingerprint) -> Option<Vec<ObjectId>> {
        match &node.task {
            // A pinned file is known by its digest alone, whoever put it there.
            Task::Fetch(file) => {
                let there = self.store.size(file.blake3).ok()? == Some(file.size);
                there.then(|| vec![file.blake3])
            }
            _ => {
                let bytes = self.store.read(&cache_key(fingerprint)).ok()??;
                let expected = outputs(node.stage);
                let CacheEntry { outputs } = serde_json::from_slice(&bytes).ok()?;
                let all_there =
                    outputs.iter().all(|id| self.store.size(*id).is_ok_and(|size| size.is_some()));
                (all_there
                    && outputs.len() == expected
                    && (node.stage != PUBLISH || self.still_published(&outputs)))
                .then_some(outputs)
            }
        }
    }

    fn still_published(&self, outputs: &[ObjectId]) -> bool {
        let published = |id: ObjectId| {
            let manifest = stages::package::read(self.store, id).ok()?;
            is_published(self.store, &manifest.name, &manifest.version, id).ok()
        };
        outputs.first().and_then(|id| published(*id)).unwrap_or(false)
    }

    /// Runs what has to run; writes the record of the run, whether it ends well or not.
    pub fn run(
        &self,
        graph: &Graph<Task>,
        jobs: usize,
        workplace: Workplace<'_>,
    ) -> Result<Vec<NodeRecord>, Error> {
        let started = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let clock = Instant::now();
        let progress = Progress::new(graph.nodes().len(), workplace.progress);
        let run = |node: &Node<Task>, inputs: &[ObjectId]| {
            let outputs = guarded(|| stages::run(&node.task, inputs, self.store, workplace))?;
            if node.stage != FETCH {
                let entry = CacheEntry { outputs: outputs.clone() };
                self.store
                    .replace(&cache_key(node.fingerprint(inputs)), &canonical::to_bytes(&entry)?)?;
            }
            Ok(outputs)
        };
        let result = execute(
            graph,
            jobs,
            |node, fingerprint| self.lookup(node, fingerprint),
            run,
            |event| {
                progress.observe(&event);
            },
        );
        progress.finish();

        let (nodes, failure) = match result {
            Ok(nodes) => (nodes, None),
            Err(failed) => (
                failed.records,
                Some(Error::Stage { node: failed.node, source: Box::new(failed.error) }),
            ),
        };
        let record = RunRecord {
            recipe: self.recipe.to_owned(),
            program: env!("CARGO_PKG_VERSION").to_owned(),
            started: started.as_secs(),
            milliseconds: clock.elapsed().as_millis() as u64,
            failure: failure.as_ref().map(Error::report),
            nodes,
        };
        let key =
            format!("runs/{}/{:013}-{}.json", self.recipe, started.as_millis(), std::process::id());
        let written = canonical::to_bytes(&record).map(|bytes| self.store.replace(&key, &bytes));
        if let Some(failure) = failure {
            // The stage's failure matters more than one to write about it.
            return Err(failure);
        }
        written??;
        Ok(record.nodes)
    }

    /// Records of earlier runs, newest first.
    pub fn records(&self, limit: usize) -> Result<Vec<RunRecord>, Error> {
        let keys = self.store.list(&format!("runs/{}", self.recipe))?;
        let mut records = Vec::new();
        for key in keys.iter().rev().take(limit) {
            // A record is a help, not a source of truth: one that cannot be read is passed over.
            if let Some(record) =
                self.store.read(key)?.and_then(|bytes| serde_json::from_slice(&bytes).ok())
            {
                records.push(record);
            }
        }
        Ok(records)
    }

    fn previous(&self) -> Result<BTreeMap<String, NodeRecord>, Error> {
        let mut previous = BTreeMap::new();
        for record in self.records(RECORDS_SEARCHED)? {
            for node in record.nodes {
                previous.entry(node.name.clone()).or_insert(node);
            }
        }
        Ok(previous)
    }
}

fn cache_key(fingerprint: Fingerprint) -> String {
    let hex = fingerprint.to_string();
    format!("cache/{}/{hex}.json", &hex[..2])
}

/// A bar on a terminal, nothing elsewhere.
struct Progress {
    bar: ProgressBar,
}

impl Progress {
    fn new(nodes: usize, screen: &MultiProgress) -> Self {
        let bar = screen.add(ProgressBar::new(nodes as u64));
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}") {
            bar.set_style(style);
        }
        Self { bar }
    }

    fn observe(&self, event: &Event<'_, Task>) {
        match event {
            Event::Started(node) => {
                self.bar.set_message(node.name.chars().take(100).collect::<String>());
            }
            Event::Finished(..) => self.bar.inc(1),
        }
    }

    fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// How many nodes were reused and how many ran.
pub fn tally(records: &[NodeRecord]) -> (usize, usize) {
    let ran = records.iter().filter(|record| record.outcome == Outcome::Ran).count();
    (records.len() - ran, ran)
}
