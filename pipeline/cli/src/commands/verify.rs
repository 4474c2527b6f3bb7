use aliquot_release::{
    log,
    publish::{is_published, is_tagged},
    verify::{Fault, Problem, Verified, verify},
};
use serde_json::json;

use super::{open_release, print, print_json};
use crate::{args::Global, error::Error};

/// Arguments of `verify`.
#[derive(clap::Args)]
pub struct Arguments {
    /// Release: name, name@version or the beginning of its id.
    release: String,
}

pub fn run(global: &Global, arguments: &Arguments) -> Result<(), Error> {
    let (store, id, manifest) = open_release(global, &arguments.release)?;
    let entries = log::read(&store)?.len();
    let (name, version) = (&manifest.name, &manifest.version);
    if !is_tagged(&store, name, version, id)? {
        let tag = store.document_place(&format!("releases/{name}/{version}.json"));
        return Err(Error::Unverified(format!("the version tag `{tag}` is missing")));
    }
    // Both follow from the log, and lag behind it when a publisher was stopped at the last moment.
    let lags = !is_published(&store, name, version, id)?;
    let Verified { objects, bytes, problems } = verify(&store, id, &manifest)?;
    if global.json {
        let problems: Vec<_> = problems.iter().map(problem_json).collect();
        print_json(&json!({
            "release": id, "objects": objects, "bytes": bytes, "log_entries": entries,
            "lagging": lags, "problems": problems,
        }));
    }
    if problems.is_empty() {
        if !global.json {
            print(&format!(
                "{id}: {objects} objects, {bytes} bytes, {entries} log entries: all as published\n"
            ));
            if lags {
                print(
                    "note: `latest` or `index.json` lags behind the log; running the recipe again mends them\n",
                );
            }
        }
        return Ok(());
    }
    let lines: Vec<String> = problems.iter().map(describe).collect();
    Err(Error::Unverified(format!(
        "{} of {objects} objects of {name}@{version} are not as published:\n  {}",
        lines.len(),
        lines.join("\n  ")
    )))
}

fn describe(problem: &Problem) -> String {
    let Problem { role, id, place, fault } = problem;
    match fault {
        Fault::Missing => format!("{role} (object {id}) is missing: no `{place}`"),
        Fault::Damaged { range: Some(range) } => {
            format!(
                "{role} (object {id}) is damaged: first bad bytes in {}..{} of `{place}`",
                range.start, range.end
            )
        }
        Fault::Damaged { range: None } => format!("{role} (object {id}) is damaged: `{place}`"),
        Fault::Unreadable(why) => format!("{role} (object {id}) cannot be read: {why}: `{place}`"),
        Fault::Inconsistent => {
            format!("{role} (object {id}) has another size or SHA-256 than the manifest says")
        }
    }
}

fn problem_json(problem: &Problem) -> serde_json::Value {
    let (fault, range) = match &problem.fault {
        Fault::Missing => ("missing", None),
        Fault::Damaged { range } => ("damaged", range.clone()),
        Fault::Inconsistent => ("inconsistent", None),
        Fault::Unreadable(_) => ("unreadable", None),
    };
    json!({
        "role": problem.role, "object": problem.id, "place": problem.place, "fault": fault,
        "first_bad_range": range.map(|range| [range.start, range.end]),
    })
}
