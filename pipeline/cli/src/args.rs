//! Command-line arguments.

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use aliquot_sources::{BucketOptions, Hub, Network, Settings};
use clap::{Args, Parser, Subcommand};
use indicatif::MultiProgress;

use crate::{
    commands,
    embedding::ModelPlace,
    error::{EXIT_CODES, Error},
    guard::{guarded, silence_panics},
};

/// The store unless another is given.
pub const STORE: &str = "artifacts";

/// Small representative subsets of LLM benchmarks, published as immutable releases.
#[derive(Parser)]
#[command(name = "aliquot", version, after_help = EXIT_CODES, after_long_help = EXIT_CODES)]
struct Arguments {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Options of every command.
#[derive(Args, Debug, Clone)]
pub struct Global {
    /// Folder or bucket (s3://, gs://, az://) that holds objects and releases; a web server
    /// (http://, https://) to read only.
    #[arg(
        long,
        global = true,
        env = "ALIQUOT_STORE",
        default_value = STORE,
        value_name = "PLACE"
    )]
    pub store: String,
    /// Print JSON instead of text.
    #[arg(long, global = true)]
    pub json: bool,
}

/// Options of commands that may fetch.
#[derive(Args, Debug, Clone)]
pub struct FetchOptions {
    /// Folder laid out as host/path (s3/bucket/key, hf/datasets/owner/name/commit/path), plain or with
    /// .zst or .gz appended, tried before the network.
    #[arg(long, env = "ALIQUOT_MIRROR", value_name = "DIR")]
    pub mirror: Option<PathBuf>,
    /// Folder that `file:` addresses are relative to; the recipe's folder unless given.
    #[arg(long, env = "ALIQUOT_DATA", value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Never use the network.
    #[arg(long)]
    pub offline: bool,
}

impl FetchOptions {
    /// What the fetcher needs, for a recipe at that path.
    pub fn settings(&self, recipe: &std::path::Path) -> Result<Settings, Error> {
        if let Some(mirror) = self.mirror.as_ref().filter(|mirror| !mirror.is_dir()) {
            return Err(Error::Usage(format!("the mirror `{}` is not a folder", mirror.display())));
        }
        let folder = recipe.parent().unwrap_or(recipe).to_owned();
        // The parent of a bare file name is the empty path, which no file system knows.
        let folder = if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder };
        let hub = Hub::from_environment().map_err(|error| Error::Usage(error.to_string()))?;
        Ok(Settings {
            mirror: self.mirror.clone(),
            data: self.data.clone().unwrap_or(folder),
            offline: self.offline,
            network: Network::new(hub, BucketOptions::from_environment()),
        })
    }
}

/// Options of commands that may embed texts.
#[derive(Args, Debug, Clone)]
pub struct EmbedOptions {
    /// Folder that `make setup` put models and ONNX Runtime in; vectors are cached there.
    #[arg(long, env = "ALIQUOT_MODELS", default_value = ".models", value_name = "DIR")]
    pub models: PathBuf,
    /// Library of ONNX Runtime; DIR/onnxruntime/libonnxruntime.so unless given.
    #[arg(long, env = "ORT_DYLIB_PATH", value_name = "FILE")]
    pub runtime: Option<PathBuf>,
}

impl EmbedOptions {
    /// Where things lie, with progress drawn on `progress`.
    pub fn place(&self, progress: MultiProgress) -> ModelPlace {
        ModelPlace::new(self.models.clone(), self.runtime.clone(), progress)
    }
}

#[derive(Subcommand)]
enum Command {
    /// Make and publish the release of a recipe; what was done before is reused.
    Run(commands::run::Arguments),
    /// Write the lock of a recipe: size and digests of every raw file.
    Lock(commands::lock::Arguments),
    /// Turn result files of eval tools into tables: responses, items, models, aliases, runs.
    Import(commands::import::Arguments),
    /// Show what is published and when recipes ran; with a recipe, what a run would do.
    Status(commands::status::Arguments),
    /// Print the graph of a recipe.
    Dag(commands::dag::Arguments),
    /// Show a release: quality, subsets, objects; with --items the items of a subset as CSV.
    Show(commands::show::Arguments),
    /// Re-hash everything that a release names.
    Verify(commands::verify::Arguments),
    /// Follow an item of a release back to the source bytes.
    Trace(commands::trace::Arguments),
    /// Ask the tables of a release, a run or a folder in SQL.
    Query(commands::query::Arguments),
    /// Estimate the full score of a model from its results on a subset.
    Estimate(commands::estimate::Arguments),
    /// Write a subset in the form that an eval tool takes.
    Export(commands::export::Arguments),
    /// Embed the texts of a recipe's items or of a table; with --self-check, check the library and a model.
    Embed(commands::embed::Arguments),
    /// Compare variants of a model with it on a subset: difference, flips, tests, a verdict.
    Compare(commands::compare::Arguments),
    /// Measure methods on folders of per-item results: error, rank agreement, intervals, time.
    Bench(commands::bench::Arguments),
    /// Write the JSON Schemas and Arrow schemas of every format to a folder.
    Schemas(commands::schemas::Arguments),
}

/// Parses the arguments, runs the command, and reports its error.
pub fn run() -> ExitCode {
    let Arguments { global, command } = Arguments::parse();
    silence_panics();
    let result = guarded(|| match command {
        Command::Run(arguments) => commands::run::run(&global, &arguments),
        Command::Lock(arguments) => commands::lock::run(&global, &arguments),
        Command::Import(arguments) => commands::import::run(&global, &arguments),
        Command::Status(arguments) => commands::status::run(&global, &arguments),
        Command::Dag(arguments) => commands::dag::run(&global, &arguments),
        Command::Show(arguments) => commands::show::run(&global, &arguments),
        Command::Verify(arguments) => commands::verify::run(&global, &arguments),
        Command::Trace(arguments) => commands::trace::run(&global, &arguments),
        Command::Query(arguments) => commands::query::run(&global, &arguments),
        Command::Estimate(arguments) => commands::estimate::run(&global, &arguments),
        Command::Export(arguments) => commands::export::run(&global, &arguments),
        Command::Embed(arguments) => commands::embed::run(&global, &arguments),
        Command::Compare(arguments) => commands::compare::run(&global, &arguments),
        Command::Bench(arguments) => commands::bench::run(&global, &arguments),
        Command::Schemas(arguments) => commands::schemas::run(&global, &arguments),
    });
    match result.and_then(|()| commands::check_printed()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(&global, &error);
            ExitCode::from(error.exit_code())
        }
    }
}

fn report(global: &Global, error: &Error) {
    if global.json {
        let json = serde_json::json!({
            "error": error.report(),
            "exit_code": error.exit_code(),
            "next": error.next_step(),
        });
        tell(&json.to_string());
    } else {
        // Texts of files may be in it.
        let report = error.report();
        let lines: Vec<String> = report.lines().map(commands::printable).collect();
        tell(&lines.join("\n"));
    }
}

/// Nobody may be there to hear it.
fn tell(text: &str) {
    writeln!(io::stderr(), "{text}").ok();
}
