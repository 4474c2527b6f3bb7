//! Every Eval Ever 0.3: `<uuid>_samples.jsonl`, one row a sample and result, and beside it `<uuid>.json`
//! with what the results are.
//!
//! Score = `evaluation.score` as a share of the metric's declared range, oriented by its
//! `lower_is_better`; without the second file it is `evaluation.is_correct`. Traps: a sample has a row
//! for each metric and filter; `sample_id` is unique only inside an `evaluation_name`, which may carry
//! lm-eval's filter; `sample_hash` is computed differently by the guide and by its converters, so it is
//! not read; epochs repeat a sample.

mod aggregate;
mod rows;

use std::collections::{BTreeMap, BTreeSet};

use aliquot_store::canonical;
use aliquot_tables::{findings::Finding, models::Model, runs::Run};

use self::{
    aggregate::Aggregate,
    rows::{Reader, Task},
};
use super::{
    Wanted,
    json::{Lines, without_bare_nan},
};
use crate::{AdapterError, Address, Place, RawFile, Shard};

/// Raised when the same bytes give other rows.
pub const VERSION: u32 = 1;

/// Name of the tool in aliases, and in runs where the aggregate does not name the one that evaluated.
const TOOL: &str = "every-eval-ever";

/// Ending of a file of samples.
const SAMPLES: &str = "_samples.jsonl";

/// Difference between a published mean and ours that is worth a finding.
const TOLERANCE: f64 = 0.005;

/// Whether a file is one of the two.
pub(crate) fn recognises(_name: &str, head: &[u8]) -> bool {
    let head = String::from_utf8_lossy(head);
    let has = |keys: &[&str]| keys.iter().all(|key| head.contains(&format!("\"{key}\"")));
    has(&["schema_version", "evaluation_id", "sample_id", "interaction_type"])
        || has(&["schema_version", "evaluation_id", "source_metadata", "evaluation_results"])
}

/// Every file of samples is a unit, with its aggregate where that is there.
pub(crate) fn units(addresses: &[&Address]) -> Vec<Vec<usize>> {
    let names: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    let stem = |name: &str| {
        name.trim_end_matches(".gz").strip_suffix(SAMPLES).map(|stem| format!("{stem}.json"))
    };
    let unit = |(at, name): (usize, &String)| {
        let aggregate = stem(name)?;
        let aggregate = names.iter().position(|other| other.trim_end_matches(".gz") == aggregate);
        Some([Some(at), aggregate].into_iter().flatten().collect())
    };
    names.iter().enumerate().filter_map(unit).collect()
}

/// Reads a file of samples, the first, with its aggregate, the second.
pub(crate) fn normalize(files: &[RawFile<'_>], wanted: &Wanted) -> Result<Shard, AdapterError> {
    let file = &files[0];
    let aggregate = files.get(1).map(Aggregate::read).transpose()?;
    let mut reader = Reader::new(file, aggregate.as_ref(), wanted);
    let mut lines = Lines::of(file)?;
    let mut record = 0;
    while let Some((number, line)) = lines.next()? {
        let at = |error: &serde_json::Error| {
            file.error(Place::Line(number, error.column()), error.to_string())
        };
        // Bare NaN is no JSON and rare.
        match serde_json::from_slice(line) {
            Ok(row) => reader.add(number, record, &row)?,
            Err(_) => {
                let plain = without_bare_nan(line);
                let row = serde_json::from_slice(&plain).map_err(|error| at(&error))?;
                reader.add(number, record, &row)?;
            }
        }
        record += 1;
    }
    let Reader { mut shard, tasks, model, .. } = reader;
    let Some(model) = model else {
        return Err(file.error(Place::File, "it holds no row"));
    };
    check_choice(file, &tasks, wanted)?;
    for (name, task) in &tasks {
        shard.runs.push(run(file, &model, (name, task), aggregate.as_ref())?);
        shard.findings.extend(published(&model, name, task, aggregate.as_ref()));
    }
    if aggregate.is_none() {
        shard.findings.push(Finding {
            kind: "no-aggregate".to_owned(),
            severity: "info".to_owned(),
            subject: model.clone(),
            evidence: "the file that says what the scores are is absent: `is_correct` is used"
                .to_owned(),
            action: "keep".to_owned(),
            ..Finding::default()
        });
    }
    shard.models.push(Model { model, ..Model::default() });
    Ok(shard)
}

/// One metric and one filter of each task, or an error that lists what there is.
fn check_choice(
    file: &RawFile<'_>,
    tasks: &BTreeMap<String, Task>,
    wanted: &Wanted,
) -> Result<(), AdapterError> {
    let list = |names: &BTreeSet<String>| names.iter().cloned().collect::<Vec<_>>().join(", ");
    for (name, task) in tasks {
        let error = |problem| Err(file.error(Place::File, problem));
        if task.metrics.len() > 1 && wanted.metric.is_none() {
            let metrics = list(&task.metrics);
            return error(format!(
                "`{name}` has the metrics {metrics}: name the metric (--metric)"
            ));
        }
        if task.filters.len() > 1 && wanted.filter.is_none() {
            let filters = list(&task.filters);
            return error(format!(
                "`{name}` has the filters {filters}: name the filter (--filter)"
            ));
        }
    }
    if tasks.values().all(|task| task.rows == 0) {
        let metrics: BTreeSet<String> =
            tasks.values().flat_map(|task| task.metrics.iter().cloned()).collect();
        let filters: BTreeSet<String> =
            tasks.values().flat_map(|task| task.filters.iter().cloned()).collect();
        let problem = format!(
            "no row has the wanted metric and filter; metrics: {}; filters: {}",
            list(&metrics),
            list(&filters)
        );
        return Err(file.error(Place::File, problem));
    }
    Ok(())
}

fn run(
    file: &RawFile<'_>,
    model: &str,
    (name, task): (&str, &Task),
    aggregate: Option<&Aggregate>,
) -> Result<Run, AdapterError> {
    let result = aggregate.zip(task.result).map(|(all, at)| &all.evaluation_results[at]);
    let settings = result.and_then(|result| result.generation_config.as_ref());
    let digest =
        settings.map(canonical::digest).transpose().map_err(file.canonical_error(Place::File))?;
    let shots = settings.and_then(|settings| {
        settings.pointer("/additional_details/num_fewshot")?.as_str()?.parse().ok()
    });
    let library = aggregate.map(|aggregate| &aggregate.eval_library);
    let tool = library.map(|library| library.name.clone()).filter(|name| !name.is_empty());
    Ok(Run {
        model: model.to_owned(),
        benchmark: task.benchmark.clone(),
        task: name.to_owned(),
        metric: task.metric.clone(),
        filter: task.filter.clone(),
        raw: file.id.to_string(),
        tool: tool.unwrap_or_else(|| TOOL.to_owned()),
        tool_version: library.map(|library| library.version.clone()).unwrap_or_default(),
        config_digest: digest.map(|digest| digest.to_string()).unwrap_or_default(),
        started: aggregate
            .and_then(|aggregate| aggregate.evaluation_timestamp.clone())
            .unwrap_or_default(),
        shots,
        items: task.items,
        population: result
            .and_then(|result| result.source_data.as_ref())
            .and_then(|source| source.samples_number),
        ..Run::default()
    })
}

/// A published mean that ours is not.
fn published(
    model: &str,
    name: &str,
    task: &Task,
    aggregate: Option<&Aggregate>,
) -> Option<Finding> {
    let result = &aggregate?.evaluation_results[task.result?];
    let expected = result.score_details.as_ref()?.score;
    let observed = task.sum / f64::from(task.scored);
    if (observed - expected).abs() <= TOLERANCE {
        return None;
    }
    Some(Finding {
        kind: "aggregate".to_owned(),
        severity: "warning".to_owned(),
        benchmark: task.benchmark.clone(),
        subject: model.to_owned(),
        evidence: format!(
            "`{name}`: the mean of {} rows is {observed:.4}, the aggregate's score {expected:.4}",
            task.scored
        ),
        action: "keep".to_owned(),
        expected: Some(expected),
        observed: Some(observed),
    })
}

#[cfg(test)]
mod tests;
