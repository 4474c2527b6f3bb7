//! What is wrong with the data, and what stays: tables and policy to findings and a roster.
//!
//! One module a subject: [`texts`] of items, [`scores`] as they were read, then for each benchmark
//! [`published`] scores, [`models`], [`gaps`] and [`items`]. Each looks, notes every finding with its
//! evidence and what was done, and says what to leave out; the statistics are those of
//! [`aliquot_stats::audit`].

mod gaps;
mod grid;
mod items;
mod models;
pub mod policy;
mod published;
mod runs;
mod scores;
mod texts;

use std::collections::{BTreeMap, BTreeSet};

use aliquot_stats::{StatsError, matrix::ResponseMatrix};
use aliquot_tables::{
    embeddings::Embeddings,
    findings::Finding,
    gaps::Gap,
    items::Item,
    models::Model,
    roster::{self, Entry},
    runs::Run,
    scores::Scores,
};

use crate::{error::Error, recipe::Published};
use grid::{Grid, grids};
use policy::AuditPolicy;

pub use published::published_scores;

/// What is looked at.
pub struct Data<'a> {
    /// All scores.
    pub scores: &'a Scores,
    /// All items, sorted by uid.
    pub items: &'a [Item],
    /// All models.
    pub models: &'a [Model],
    /// Missing scores by reason.
    pub gaps: &'a [Gap],
    /// How responses came about, where the sources say it.
    pub runs: &'a [Run],
    /// What the adapters saw.
    pub sources: &'a [Finding],
    /// The items' texts as vectors, if there are.
    pub vectors: Option<&'a Embeddings>,
    /// Published scores and how to compare them, if there are.
    pub published: Option<(&'a Published, BTreeMap<String, f64>)>,
}

/// What earlier checks leave out.
#[derive(Clone, Copy)]
struct Apart<'a> {
    /// Items.
    dropped: &'a BTreeSet<&'a str>,
    /// Models of each benchmark.
    drifting: &'a runs::Drifting,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Audited {
    /// What was seen.
    pub findings: Vec<Finding>,
    /// What stays.
    pub roster: Vec<Entry>,
}

/// Runs every check; fails where the policy says so.
pub fn audit(policy: &AuditPolicy, data: &Data<'_>) -> Result<Audited, Error> {
    let mut audited = Audited { findings: data.sources.to_vec(), ..Audited::default() };
    let drifting = audited.look_at_runs(policy, data.runs);
    let dropped = audited.look_at_texts(policy, data)?;
    let refused = audited.look_at_scores(policy, data);
    // Before statistics, which refuse such values with less to say about them.
    audited.fail_if_told_to()?;

    for grid in grids(data, &refused)? {
        audited.look_at_grid(
            policy,
            data,
            &grid,
            Apart { dropped: &dropped, drifting: &drifting },
        )?;
    }
    match data.scores.score.is_empty() {
        true => audited.keep_unanswered(data.items, &dropped),
        false => audited.unseen(policy, data, &dropped),
    }
    audited.fail_if_told_to()?;
    Ok(audited)
}

impl Audited {
    /// One benchmark: which models stay, then which items.
    fn look_at_grid(
        &mut self,
        policy: &AuditPolicy,
        data: &Data<'_>,
        grid: &Grid<'_>,
        apart: Apart<'_>,
    ) -> Result<(), Error> {
        let mut kept: Vec<usize> = (0..grid.models.len()).collect();
        if let Some(drifting) = apart.drifting.get(grid.benchmark) {
            kept.retain(|model| !drifting.contains(grid.models[*model]));
        }
        if let Some((published, scores)) = &data.published {
            let disagreeing = self.compare_with_published(policy, grid, published, scores);
            kept.retain(|model| !disagreeing.contains(model));
        }
        self.count_gaps(policy, data, grid);
        kept.retain(|model| self.covers_enough(policy, grid, *model));
        let duplicates = self.duplicate_models(policy, grid, &kept);
        kept.retain(|model| !duplicates.dropped.contains(model));
        let originals: Vec<usize> =
            kept.iter().copied().filter(|model| !duplicates.all.contains(model)).collect();
        let copies = self.suspected_copies(policy, data, grid, &originals)?;
        kept.retain(|model| !copies.contains(model));
        for model in &kept {
            self.keep(grid, roster::MODEL, grid.models[*model]);
        }
        self.look_at_items(policy, grid, &kept, apart.dropped)
    }

    fn note(&mut self, kind: &str, severity: Severity, benchmark: &str, finding: Finding) {
        let (kind, benchmark) = (kind.to_owned(), benchmark.to_owned());
        self.findings.push(Finding {
            kind,
            severity: severity.name().to_owned(),
            benchmark,
            ..finding
        });
    }

    fn keep(&mut self, grid: &Grid<'_>, axis: &str, name: &str) {
        let (benchmark, axis, name) = (grid.benchmark.to_owned(), axis.to_owned(), name.to_owned());
        self.roster.push(Entry { benchmark, axis, name });
    }

    fn fail_if_told_to(&self) -> Result<(), Error> {
        let failures: Vec<String> = self
            .findings
            .iter()
            .filter(|finding| finding.action == "fail")
            .map(|finding| {
                format!(
                    "{} {} `{}`: {}",
                    finding.kind, finding.benchmark, finding.subject, finding.evidence
                )
            })
            .collect();
        if failures.is_empty() {
            return Ok(());
        }
        let shown = failures[..failures.len().min(5)].join("\n  ");
        Err(Error::Data(format!(
            "the audit found {} reasons to stop (set `keep` or `drop` under [audit] to go on):\n  {shown}",
            failures.len()
        )))
    }
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Severity {
    Info,
    Warning,
    Error,
}

impl Severity {
    fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// A finding about something, with what was done; kind, severity and benchmark come with the note.
fn found(subject: &str, action: &str, evidence: String) -> Finding {
    let (subject, action) = (subject.to_owned(), action.to_owned());
    Finding { subject, action, evidence, ..Finding::default() }
}

/// Names the benchmark that a computation was about.
fn on(benchmark: &str, what: &str) -> impl FnOnce(StatsError) -> Error {
    let context = format!("{what} in `{benchmark}`");
    move |source| Error::Stats { context, source }
}

/// Mean of the scores that are there.
fn mean(scores: &[f32]) -> f64 {
    let present = scores.iter().filter(|score| !score.is_nan());
    let (sum, count) =
        present.fold((0.0, 0_u64), |(sum, count), score| (sum + f64::from(*score), count + 1));
    sum / count as f64
}

/// The rows and columns of a matrix that are given.
fn part(
    matrix: &ResponseMatrix,
    models: &[usize],
    items: &[usize],
) -> Result<ResponseMatrix, StatsError> {
    let all = |kept: &[usize], count: usize| kept.len() == count;
    match (all(models, matrix.models()), all(items, matrix.items())) {
        (true, true) => Ok(matrix.clone()),
        (false, true) => matrix.select_models(models),
        (true, false) => matrix.select_items(items),
        (false, false) => matrix.select_models(models)?.select_items(items),
    }
}

#[cfg(test)]
mod tests;
