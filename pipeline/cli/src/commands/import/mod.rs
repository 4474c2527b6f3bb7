//! Result files to canonical tables, without a recipe.

mod sources;

use std::{
    collections::BTreeMap,
    fs::{self, File},
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

use aliquot_engine::{Graph, Node, Outcome};
use aliquot_sources::{
    Fetcher,
    adapters::{Adapter, Templates, Wanted},
};
use aliquot_store::{ObjectId, Store};
use aliquot_tables::{
    findings::{self, Finding},
    parquet_file::{ParquetFile, Source},
};
use indicatif::MultiProgress;
use serde_json::json;

use self::sources::{Unit, digests, group, sources};
use super::{
    files::{Unused, file_error},
    print, print_json, printable,
    run::cores,
    write_whole,
};
use crate::{
    args::Global,
    embedding::ModelPlace,
    error::Error,
    graph::{GATHER, NORMALIZE, NORMALIZED, SOURCE_FINDINGS, Task, stage_version},
    runner::Runner,
    stages::{
        Workplace,
        encoded::Encoded,
        local_file::LocalFile,
        normalize::{FileParams, OnError, QUARANTINED},
        table,
    },
};

/// Files without use that are named one by one.
const LISTED: usize = 5;

/// The tables, in the order of the outputs of `gather`.
const TABLES: [&str; NORMALIZED] =
    ["responses", "items", "models", "aliases", "runs", "prompts", "findings"];

/// What `--json` prints; the last paragraph of `aliquot import --help`.
const NOTE: &str = "\
--json prints the output folder, the number of units by adapter (a file with scores and what belongs to
it), how many were read, how many reused from the store, how many of them left out, the number of responses and how many have no
score (missing_reason says why), and the findings: kind, severity, subject,
benchmark, evidence, expected, observed and action. Files that were not used are findings of the kind
unused-file, files left out by --on-error skip of the kind quarantined-file.";

/// Arguments of `import`.
#[derive(clap::Args)]
#[command(after_long_help = NOTE)]
pub struct Arguments {
    /// Result files, or folders of them; hidden entries of folders are passed over.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Folder that the tables are written to.
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    #[command(flatten)]
    reading: Reading,
    /// Files that are read at the same time; the number of cores unless given.
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
}

/// What the files do not say.
#[derive(Debug, Clone, clap::Args)]
pub struct Reading {
    /// Format of the files; guessed from their content unless given. Of a folder, the files that look like
    /// it are taken, and those named on the command line in any case.
    #[arg(long, value_name = "NAME", value_parser = adapter)]
    adapter: Option<Adapter>,
    /// Name of the model, where the files' own is absent or wrong.
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// Name of the benchmark, where it is not the one that the task is known to belong to.
    #[arg(long, value_name = "NAME")]
    benchmark: Option<String>,
    /// Metric of the scores, where the files hold several.
    #[arg(long, value_name = "NAME")]
    pub metric: Option<String>,
    /// Filter of the answers, where the files hold several.
    #[arg(long, value_name = "NAME")]
    pub filter: Option<String>,
    /// What is done about a file that cannot be read. Unless given, `import` fails; `estimate` and `compare`
    /// skip it with a note, for they refuse results with items missing.
    #[arg(long, value_enum, value_name = "WHAT")]
    pub on_error: Option<OnError>,
}

fn adapter(name: &str) -> Result<Adapter, String> {
    let names = || Adapter::ALL.map(Adapter::name).join(", ");
    let found = Adapter::ALL.into_iter().find(|adapter| adapter.name() == name);
    found.ok_or_else(|| format!("there is none of that name; adapters: {}", names()))
}

/// Files that were read, and what came of them.
pub struct Imported {
    /// Objects of the tables, in the order of [`TABLES`].
    pub tables: Vec<ObjectId>,
    /// Number of units of each adapter.
    pub units: BTreeMap<Adapter, usize>,
    /// Units that were read now, and units that had been read before.
    pub read: (usize, usize),
    /// What the adapters and the merge saw.
    pub findings: Vec<Finding>,
    /// Files that no adapter knows, or that belong to no file with scores.
    pub unused: Vec<Unused>,
}

pub fn run(global: &Global, arguments: &Arguments) -> Result<(), Error> {
    let store = Store::open(&global.store)?;
    let jobs = arguments.jobs.map_or_else(cores, usize::from);
    // Before the work, so that a place that cannot be written is told at once.
    fs::create_dir_all(&arguments.output).map_err(file_error("create", &arguments.output))?;
    let besides = [Path::new(&global.store), &arguments.output];
    let imported = import(&store, &arguments.paths, &besides, &arguments.reading, jobs)?;
    for (name, id) in TABLES.iter().zip(&imported.tables) {
        let path = arguments.output.join(format!("{name}.parquet"));
        match store.file(*id)? {
            Some(object) => {
                let bytes = File::open(&object).map_err(file_error("read", &object))?;
                write_whole(&path, bytes)?;
            }
            None => write_whole(&path, &*store.get(*id)?)?,
        }
    }
    let responses = arguments.output.join("responses.parquet");
    let responses = ParquetFile::open(Source::File(responses)).map_err(table("responses"))?;
    let missing = responses.empty_cells("score").map_err(table("responses"))?;
    tell(global, &arguments.output, &imported, (responses.rows(), missing));
    Ok(())
}

/// Reads files; what was read before, by the same adapter and with the same options, is reused.
pub fn import(
    store: &Store,
    paths: &[PathBuf],
    besides: &[&Path],
    reading: &Reading,
    jobs: usize,
) -> Result<Imported, Error> {
    let (files, mut unused) = sources(paths, besides)?;
    let grouped = group(&files, reading, &mut unused)?;
    if grouped.is_empty() {
        return Err(nothing(paths, &unused));
    }
    let mut units = BTreeMap::new();
    for unit in &grouped {
        *units.entry(unit.adapter).or_default() += 1;
    }

    let digested = digests(&grouped, jobs)?;
    let mut graph = Graph::new();
    let mut addresses = BTreeMap::new();
    let mut shards = Vec::new();
    for (unit, files) in grouped.iter().zip(digested) {
        addresses.extend(files.iter().map(|file| (file.id, file.path.display().to_string())));
        shards.push(graph.add(read_node(unit, files, reading)?));
    }
    // What is found names the files, so that other names give other tables.
    let names: Vec<(String, &String)> =
        addresses.iter().map(|(id, name)| (id.to_string(), name)).collect();
    let mut gather = Node::new(GATHER, GATHER, stage_version(GATHER), &names)?;
    for read in shards {
        for output in 0..NORMALIZED {
            gather = gather.input(read, output);
        }
    }
    graph.add(gather.task(Task::Gather(addresses)));
    let (tables, read) = execute(store, &graph, jobs)?;
    let findings = read_findings(store, &tables, read.0 + read.1)?;
    unused.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(Imported { tables, units, read, findings, unused })
}

/// The findings; an error if every unit was left out.
fn read_findings(store: &Store, tables: &[ObjectId], units: usize) -> Result<Vec<Finding>, Error> {
    let findings =
        findings::decode(&store.get(tables[SOURCE_FINDINGS])?).map_err(table("findings"))?;
    let left_out = |finding: &&Finding| finding.kind == QUARANTINED;
    if let Some(first) = findings.iter().find(left_out)
        && findings.iter().filter(left_out).count() == units
    {
        return Err(Error::Data(format!(
            "none of the {units} files with scores can be read, the first is {}: {}",
            first.subject, first.evidence
        )));
    }
    Ok(findings)
}

fn read_node(
    Unit { adapter, files }: &Unit<'_>,
    contents: Vec<LocalFile>,
    reading: &Reading,
) -> Result<Node<Task>, Error> {
    let Reading { model, benchmark, metric, filter, on_error, .. } = reading;
    let wanted = Wanted {
        model: model.clone(),
        benchmark: benchmark.clone(),
        metric: metric.clone(),
        filter: filter.clone(),
        revision: None,
    };
    let addresses = files.iter().map(|file| file.address.clone()).collect();
    let on_error = on_error.unwrap_or_default();
    let version = adapter.version();
    let params = FileParams { adapter: *adapter, version, addresses, wanted, on_error };
    let ids: Vec<ObjectId> = contents.iter().map(|file| file.id).collect();
    let name = format!("{NORMALIZE}/{}", files[0].address);
    let node = Node::new(name, NORMALIZE, stage_version(NORMALIZE), &(&params, ids))?;
    Ok(node.task(Task::Read(params, contents)))
}

fn execute(
    store: &Store,
    graph: &Graph<Task>,
    jobs: usize,
) -> Result<(Vec<ObjectId>, (usize, usize)), Error> {
    let progress = MultiProgress::new();
    // The files are here: nothing is fetched.
    let fetcher = Fetcher::local(PathBuf::new())?;
    let embedding = ModelPlace::new(PathBuf::new(), None, progress.clone());
    let (encoded, templates) = (Encoded::default(), Templates::default());
    let workplace = Workplace {
        fetcher: &fetcher,
        embedding: &embedding,
        progress: &progress,
        encoded: &encoded,
        templates: &templates,
    };
    let records = Runner { store, recipe: "import" }.run(graph, jobs, workplace)?;
    let read = |outcome| {
        let of = |record: &&aliquot_engine::NodeRecord| {
            record.stage == NORMALIZE && record.outcome == outcome
        };
        records.iter().filter(of).count()
    };
    let gathered = records.iter().find(|record| record.stage == GATHER);
    let gathered = gathered.ok_or_else(|| Error::Internal("nothing was gathered".to_owned()))?;
    Ok((gathered.outputs.clone(), (read(Outcome::Ran), read(Outcome::Reused))))
}

fn nothing(paths: &[PathBuf], unused: &[Unused]) -> Error {
    let paths: Vec<String> = paths.iter().map(|path| format!("`{}`", path.display())).collect();
    let known = Adapter::ALL.map(Adapter::name).join(", ");
    let Some(first) = unused.first() else {
        return Error::Data(format!("there is no file in {}", paths.join(", ")));
    };
    Error::Data(format!(
        "none of the {} files of {} has scores in a format that is known: {known}\n  \
         `{}`: {}; `--adapter` says what a file is",
        unused.len(),
        paths.join(", "),
        first.path.display(),
        first.why
    ))
}

fn unused(file: &Unused) -> Finding {
    Finding {
        kind: "unused-file".to_owned(),
        severity: "info".to_owned(),
        subject: file.path.display().to_string(),
        evidence: file.why.to_string(),
        action: "drop".to_owned(),
        ..Finding::default()
    }
}

/// `responses` are the rows, and those of them without a score.
fn tell(global: &Global, output: &Path, imported: &Imported, responses: (u64, u64)) {
    let (read, reused) = imported.read;
    let left_out = imported.findings.iter().filter(|finding| finding.kind == QUARANTINED).count();
    let unused = imported.unused.iter().map(unused);
    if global.json {
        let units: BTreeMap<&str, usize> =
            imported.units.iter().map(|(adapter, units)| (adapter.name(), *units)).collect();
        let findings = imported.findings.iter().cloned().chain(unused);
        let findings: Vec<_> = findings
            .map(|finding| {
                json!({
                    "kind": finding.kind, "severity": finding.severity, "subject": finding.subject,
                    "benchmark": finding.benchmark, "evidence": finding.evidence,
                    "expected": finding.expected, "observed": finding.observed,
                    "action": finding.action,
                })
            })
            .collect();
        print_json(&json!({
            "output": output, "adapters": units, "read": read, "reused": reused,
            "left_out": left_out, "responses": responses.0, "without_score": responses.1,
            "findings": findings,
        }));
        return;
    }
    for finding in imported.findings.iter().cloned().chain(unused.take(LISTED)) {
        let figures = finding.expected.zip(finding.observed);
        let figures = figures.map(|(expected, observed)| format!(" ({observed}, not {expected})"));
        let line = format!(
            "{}: {} {}: {}{}",
            finding.severity,
            finding.kind,
            finding.subject,
            finding.evidence,
            figures.unwrap_or_default()
        );
        eprintln!("{}", printable(&line));
    }
    if let Some(more) = imported.unused.len().checked_sub(LISTED).filter(|more| *more > 0) {
        eprintln!("info: unused-file: {more} more; --json lists them");
    }
    let adapters: Vec<String> = imported
        .units
        .iter()
        .map(|(adapter, units)| format!("{units} by {}", adapter.name()))
        .collect();
    print(&format!(
        "{}; {read} read, {reused} reused, {left_out} left out; {} responses, {} of them without a score\n{}\n",
        adapters.join(", "),
        responses.0,
        responses.1,
        TABLES.map(|name| output.join(format!("{name}.parquet")).display().to_string()).join("\n")
    ));
}
