//! lm-evaluation-harness: a file of samples, one line a document and filter, and the results file of
//! its run. Open LLM Leaderboard v2 published the same files, some as one array.
//!
//! Eras: digests since 0.4.3, the filter's name in each line since 0.4.7, `arguments` as a list of
//! lists in May 2024. [`doc`] says what stem and choices are.
//!
//! Metric: `wanted`, or the one of the curated table, or the only one. Filter: `wanted`, or the only one
//! that the results file has for the metric, or the curated table's; scores of two are never merged.
//! Lines of several filters without names come in blocks: the k-th line of a document is the k-th
//! filter's of the results file, and each filter's mean has to be the published one.

mod choices;
mod doc;
mod names;
mod plan;
mod reader;
mod record;
mod results;
mod template;

use aliquot_tables::{findings::Finding, models::Model, runs::Run};

pub(crate) use names::units;
pub use template::Templates;

use self::{names::Name, plan::Plan, reader::Reader, results::Results};
use super::Wanted;
use crate::{AdapterError, Place, RawFile, Shard};

/// Raised when the same bytes give other rows.
pub const VERSION: u32 = 1;

/// Name of the tool in runs, aliases and prompts.
pub const TOOL: &str = "lm-eval";

/// How far a published mean may be from the recomputed one.
const TOLERANCE: f64 = 1e-6;

/// Whether a file looks like samples or results.
pub(crate) fn recognises(name: &str, head: &[u8]) -> bool {
    let head = String::from_utf8_lossy(head);
    let start = head.trim_start().trim_start_matches('\u{feff}');
    let has = |keys: &[&str]| keys.iter().all(|key| start.contains(key));
    let samples = start.starts_with(['{', '[']) && has(&["\"doc_id\"", "\"doc\"", "\"arguments\""]);
    let results = start.starts_with('{') && has(&["\"results\"", "\"alias\""])
        || name.contains("results") && has(&["\"results\"", "\"group_subtasks\""]);
    samples || results && !start.contains("\"config_general\"")
}

/// Reads samples and, if it is there, the results file of their run.
pub(crate) fn normalize(
    files: &[RawFile<'_>],
    wanted: &Wanted,
    templates: &Templates,
) -> Result<Shard, AdapterError> {
    let file = &files[0];
    let name = Name::of(file.address);
    let Some(task) = &name.task else {
        let problem = "it is a results file; per-item scores are in samples_*.jsonl beside it";
        return Err(file.error(Place::File, problem));
    };
    let results = match files.get(1) {
        Some(results) => Results::read(results, task)?,
        None => None,
    };
    let plan = Plan::new(task, results.unwrap_or_default(), wanted);
    let model =
        wanted.model.clone().or_else(|| plan.results.model.clone()).or_else(|| name.model());
    let model = model.ok_or_else(|| {
        let problem = "neither the results file nor the folder names the model: name it with \
            --model, in a recipe by the key `model`";
        file.error(Place::File, problem)
    })?;
    let mut reader = Reader::new(file, &model, &plan, templates);
    reader.read_all()?;
    let (mut shard, outcome) = reader.finish()?;
    shard.findings.extend(aggregate_finding(&plan, &model, &outcome));
    shard.runs.push(run(file, &name, &model, &plan, &outcome));
    shard.models.push(Model { model, ..Model::default() });
    Ok(shard)
}

/// What was read.
struct Outcome {
    metric: String,
    filter: String,
    /// Documents with a line.
    items: u32,
    /// Mean score; None where a score is missing.
    mean: Option<f64>,
}

fn run(file: &RawFile<'_>, name: &Name, model: &str, plan: &Plan, outcome: &Outcome) -> Run {
    let results = &plan.results;
    Run {
        model: model.to_owned(),
        benchmark: plan.benchmark.clone(),
        task: plan.task().to_owned(),
        metric: outcome.metric.clone(),
        filter: outcome.filter.clone(),
        raw: file.id.to_string(),
        model_revision: results.model_revision.clone(),
        tool: TOOL.to_owned(),
        tool_version: results.tool_version.clone(),
        task_version: results.task_version.clone(),
        config_digest: results.config_digest.clone(),
        template: results.template.clone(),
        started: name.time.clone(),
        shots: results.shots,
        items: outcome.items,
        population: results.population,
    }
}

/// The published mean, where the lines give another.
fn aggregate_finding(plan: &Plan, model: &str, outcome: &Outcome) -> Option<Finding> {
    let published = plan.results.mean(&outcome.metric, &outcome.filter)?;
    let observed = outcome.mean.filter(|mean| (mean - published).abs() > TOLERANCE)?;
    Some(Finding {
        kind: "aggregate".to_owned(),
        severity: "warning".to_owned(),
        benchmark: plan.benchmark.clone(),
        subject: model.to_owned(),
        evidence: format!(
            "{} of task {} under filter {}: the mean of the samples is not the published one",
            outcome.metric,
            plan.task(),
            outcome.filter
        ),
        action: "keep".to_owned(),
        expected: Some(published),
        observed: Some(observed),
    })
}

#[cfg(test)]
mod tests;
