//! Runs of HELM: a folder with `run_spec.json`, `per_instance_stats.json` and, for the questions,
//! `instances.json` or `scenario_state.json`.
//!
//! A response is one instance as it is, not perturbed, under the main metric; the draws of worked
//! examples (`train_trial_index`) are trials. Traps: an instance's id counts within its scenario; a
//! statistic that is not there, or counts nothing, is missing; HELM gives requests that failed a
//! score, here they are missing.

mod likelihood;
mod metrics;
mod records;
mod rows;
mod run;
#[cfg(test)]
mod tests;

use super::{Wanted, json_stream::read_one};
use crate::{AdapterError, Address, Place, RawFile, Shard};

/// Raised when the same bytes give other rows.
pub const VERSION: u32 = 1;

const TOOL: &str = "helm";

/// The scores; first in a unit.
const STATS: &str = "per_instance_stats.json";

/// Files of a run that are read, besides the scores.
const READ: [&str; 5] = [
    "run_spec.json",
    "instances.json",
    "scenario_state.json",
    "stats.json",
    "display_predictions.json",
];

/// Other files of a run: HELM's, but of no use here.
const OTHERS: [&str; 3] = ["scenario.json", "display_requests.json", "schema.json"];

/// Whether a file looks like one of a run.
pub(crate) fn recognises(name: &str, head: &[u8]) -> bool {
    let has = |text: &str| head.windows(text.len()).any(|window| window == text.as_bytes());
    match file_name(name) {
        STATS | "display_predictions.json" | "display_requests.json" => has("\"instance_id\""),
        "run_spec.json" => has("\"adapter_spec\"") || has("\"scenario_spec\""),
        "scenario_state.json" => has("\"adapter_spec\""),
        "instances.json" => has("\"input\"") && has("\"references\""),
        "stats.json" => has("\"sum_squared\""),
        "scenario.json" => has("\"definition_path\""),
        "schema.json" => {
            has("\"run_groups\"") || has("\"perturbations\"") || has("\"metric_groups\"")
        }
        _ => false,
    }
}

/// The files of one folder are a unit, the scores first, and with them the `schema.json` whose folder
/// is nearest.
pub(crate) fn units(addresses: &[&Address]) -> Vec<Vec<usize>> {
    let names: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    let schemas: Vec<usize> =
        (0..names.len()).filter(|&at| file_name(&names[at]) == "schema.json").collect();
    let mut units = Vec::new();
    for at in (0..names.len()).filter(|&at| file_name(&names[at]) == STATS) {
        let here = folder(&names[at]);
        let mut unit = vec![at];
        unit.extend((0..names.len()).filter(|&other| {
            folder(&names[other]) == here && READ.contains(&file_name(&names[other]))
        }));
        unit.extend(schemas.iter().max_by_key(|&&schema| shared(here, folder(&names[schema]))));
        units.push(unit);
    }
    units
}

/// Number of folders that two folders have in common.
fn shared(one: &str, other: &str) -> usize {
    one.split('/').zip(other.split('/')).take_while(|(one, other)| one == other).count()
}

/// Name without its folder and without the ending of packed files.
fn file_name(name: &str) -> &str {
    let name = name.rsplit('/').next().unwrap_or(name);
    name.strip_suffix(".gz").unwrap_or(name)
}

fn folder(name: &str) -> &str {
    name.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// Reads the files of one run, in any order.
pub(crate) fn normalize(files: &[RawFile<'_>], wanted: &Wanted) -> Result<Shard, AdapterError> {
    let find = |name: &str| files.iter().find(|file| file_name(&file.address.to_string()) == name);
    let first = &files[0];
    let need = |name: &str| {
        find(name).ok_or_else(|| {
            let others = [&READ[..], &OTHERS[..]].concat().join("`, `");
            let problem = format!(
                "`{name}` is not beside it; a run of HELM is a folder with `{STATS}`, `{others}`"
            );
            first.error(Place::File, problem)
        })
    };
    let stats = need(STATS)?;
    let run_spec = need("run_spec.json")?;
    let spec: records::RunSpec =
        read_one(run_spec, run_spec.text()?, "the specification of a HELM run")?;
    let schema: Option<metrics::Schema> = find("schema.json")
        .map(|file| read_one(file, file.text()?, "the schema of a HELM suite"))
        .transpose()?;
    let instances = find("instances.json");
    let states = find("scenario_state.json");
    if instances.is_none() && states.is_none() {
        let problem = "neither `instances.json` nor `scenario_state.json` is beside it: they have the questions";
        return Err(stats.error(Place::File, problem));
    }

    let main = metrics::main_metric(&spec.groups, schema.as_ref(), wanted.metric.as_deref());
    let mut rows = rows::Rows::read(stats, main.as_ref())?;
    let metric = rows
        .choose(main.as_ref(), schema.as_ref())
        .map_err(|problem| stats.error(Place::File, problem))?;
    if let Some(file) = instances {
        rows.add_instances(file)?;
    }
    if let Some(file) = states {
        rows.add_states(file, instances.is_none(), spec.setting("method"))?;
    }
    let files = run::Files {
        scores: stats,
        aggregates: find("stats.json"),
        shown: find("display_predictions.json"),
    };
    run::shard(&files, wanted, &spec, &metric, &rows)
}
