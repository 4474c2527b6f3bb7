use std::path::PathBuf;

use aliquot_engine::{Action, RunRecord};
use aliquot_release::log;
use aliquot_store::Store;
use serde_json::json;

use super::{LockedRecipe, dag, print, print_json};
use crate::{
    args::Global,
    error::Error,
    runner::{Runner, tally},
};

/// Arguments of `status`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The recipe, a TOML file; without it, the whole store.
    recipe: Option<PathBuf>,
}

pub fn run(global: &Global, arguments: &Arguments) -> Result<(), Error> {
    let store = Store::open(&global.store)?;
    match &arguments.recipe {
        Some(recipe) => of_recipe(global, &store, recipe),
        None => of_store(global, &store),
    }
}

fn of_recipe(global: &Global, store: &Store, recipe: &std::path::Path) -> Result<(), Error> {
    let locked = LockedRecipe::read(recipe)?;
    let graph = locked.graph()?;
    let runner = Runner { store, recipe: &locked.file.recipe.name };
    let planned = runner.plan(&graph)?;
    if !global.json {
        let stale =
            planned.iter().filter(|plan| !matches!(plan.action, Action::Reuse { .. })).count();
        let state = if stale == 0 {
            "up to date".to_owned()
        } else {
            format!("{stale} of {} nodes to run", planned.len())
        };
        print(&format!("{}@{}: {state}\n", locked.file.recipe.name, locked.file.recipe.version));
        for record in runner.records(1)? {
            print(&format!("last run: {}\n\n", describe(&record)));
        }
    }
    dag::print_plan(global, &graph, &planned)
}

fn of_store(global: &Global, store: &Store) -> Result<(), Error> {
    let entries = log::read(store)?;
    let mut recipes: Vec<String> = store
        .list("runs")?
        .iter()
        .filter_map(|key| {
            key.strip_prefix("runs/")?.split_once('/').map(|(recipe, _)| recipe.to_owned())
        })
        .collect();
    recipes.dedup();
    let mut runs = Vec::new();
    for recipe in &recipes {
        runs.extend(Runner { store, recipe }.records(1)?);
    }
    if global.json {
        print_json(&json!({"store": store.location(), "releases": entries, "last_runs": runs}));
        return Ok(());
    }
    print(&format!("store {}: {} releases\n", store.location(), entries.len()));
    for entry in &entries {
        print(&format!("  {}@{}  {}\n", entry.name, entry.version, entry.release));
    }
    for record in &runs {
        print(&format!("last run of {}: {}\n", record.recipe, describe(record)));
    }
    Ok(())
}

fn describe(record: &RunRecord) -> String {
    let (reused, ran) = tally(&record.nodes);
    let seconds = record.milliseconds as f64 / 1000.0;
    match &record.failure {
        None => format!("{ran} nodes ran, {reused} reused, {seconds:.1} s"),
        Some(failure) => {
            format!("failed after {seconds:.1} s, {ran} nodes ran, {reused} reused\n  {failure}")
        }
    }
}
