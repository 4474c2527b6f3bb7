use std::{
    num::NonZeroUsize,
    path::{Path, PathBuf},
    thread,
};

use aliquot_engine::{Graph, NodeRecord, Outcome};
use aliquot_release::manifest::Manifest;
use aliquot_report::quality_text;
use aliquot_sources::{Fetcher, adapters::Templates};
use aliquot_store::{ObjectId, Store};
use aliquot_tables::quality;
use indicatif::MultiProgress;
use serde_json::json;

use super::{LockedRecipe, dag, print, print_json, read_table};
use crate::{
    args::{EmbedOptions, FetchOptions, Global, STORE},
    error::Error,
    graph::{PACKAGE, PUBLISH, STAGES, Task},
    runner::{Runner, tally},
    stages::{Workplace, encoded::Encoded, package, table},
};

/// Arguments of `run`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The recipe, a TOML file.
    recipe: PathBuf,
    /// Print what would be done, and why; do nothing.
    #[arg(long)]
    dry_run: bool,
    /// Nodes that run at the same time; the number of cores unless given.
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// Stop after this stage.
    #[arg(long, value_name = "STAGE")]
    until: Option<String>,
    #[command(flatten)]
    fetch: FetchOptions,
    #[command(flatten)]
    embed: EmbedOptions,
}

pub fn run(global: &Global, arguments: &Arguments) -> Result<(), Error> {
    let locked = LockedRecipe::read(&arguments.recipe)?;
    let mut graph = locked.graph()?;
    if let Some(stage) = &arguments.until {
        let known: Vec<&str> = STAGES.iter().map(|(name, _)| *name).collect();
        if !known.contains(&stage.as_str()) {
            return Err(Error::Usage(format!(
                "unknown stage `{stage}`; stages: {}",
                known.join(", ")
            )));
        }
        graph = graph.until(stage);
    }
    let store = Store::open(&global.store)?;
    let runner = Runner { store: &store, recipe: &locked.file.recipe.name };
    if arguments.dry_run {
        return dag::print_plan(global, &graph, &runner.plan(&graph)?);
    }

    let jobs = arguments.jobs.map_or_else(cores, usize::from);
    let Arguments { recipe, fetch, embed, .. } = arguments;
    let records = execute(&locked, &runner, &graph, &Options { jobs, recipe, fetch, embed })?;

    let made = |stage: &str| {
        records.iter().find(|record| record.stage == stage).map(|record| record.outputs[0])
    };
    match (made(PUBLISH), made(PACKAGE)) {
        (Some(id), _) => announce(global, &store, id, &records),
        (None, _) => {
            let (reused, ran) = tally(&records);
            print(&format!("{ran} nodes ran, {reused} reused; nothing was published\n"));
            Ok(())
        }
    }
}

/// How a graph is run.
pub(super) struct Options<'a> {
    /// Nodes at the same time.
    pub jobs: usize,
    /// Path of the recipe.
    pub recipe: &'a Path,
    /// Where raw files come from.
    pub fetch: &'a FetchOptions,
    /// Where models lie.
    pub embed: &'a EmbedOptions,
}

pub(super) fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// Runs the nodes of a recipe's graph.
pub(super) fn execute(
    locked: &LockedRecipe,
    runner: &Runner<'_>,
    graph: &Graph<Task>,
    options: &Options<'_>,
) -> Result<Vec<NodeRecord>, Error> {
    let settings = options.fetch.settings(options.recipe)?;
    let fetcher = Fetcher::new(settings, locked.file.recipe.allow.clone())?;
    let progress = MultiProgress::new();
    let embedding = options.embed.place(progress.clone());
    let (encoded, templates) = (Encoded::default(), Templates::default());
    let workplace = Workplace {
        fetcher: &fetcher,
        embedding: &embedding,
        progress: &progress,
        encoded: &encoded,
        templates: &templates,
    };
    runner.run(graph, options.jobs, workplace)
}

fn announce(
    global: &Global,
    store: &Store,
    id: ObjectId,
    records: &[NodeRecord],
) -> Result<(), Error> {
    let manifest: Manifest = package::read(store, id)?;
    let (reused, ran) = tally(records);
    let (name, version) = (&manifest.name, &manifest.version);
    let rows =
        quality::decode(&read_table(store, &manifest, "quality")?).map_err(table("quality"))?;
    if global.json {
        let names: Vec<&str> = records
            .iter()
            .filter(|record| record.outcome == Outcome::Ran)
            .map(|record| record.name.as_str())
            .collect();
        let quality: Vec<_> = rows.iter().map(super::show::quality_json).collect();
        print_json(&json!({
            "release": id, "name": name, "version": version,
            "nodes_ran": ran, "nodes_reused": reused, "ran": names, "quality": quality,
        }));
        return Ok(());
    }
    let place = match &*global.store {
        STORE => String::new(),
        other => format!(" --store {other}"),
    };
    let mut items: Vec<String> = Vec::new();
    for target in &manifest.targets {
        items.push(format!(
            "  aliquot show {name}@{version} --items {}/test{place} > items.csv",
            target.name
        ));
    }
    let quality = match rows.is_empty() {
        true => "no model has answered these items: nothing could be measured\n".to_owned(),
        false => quality_text(&rows),
    };
    print(&format!(
        "{}\n{}\n{ran} nodes ran, {reused} reused\npublished {name}@{version}\nrelease   {id}\nstore     {}\n\n\
         next:\n  aliquot show {name}@{version}{place}\n{}\n  aliquot estimate {name}@{version} results.csv{place}    # columns item_uid,score\n  \
         aliquot verify {name}@{version}{place}\n",
        manifest.title,
        quality,
        store.location(),
        items.join("\n"),
    ));
    Ok(())
}
