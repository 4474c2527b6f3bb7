//! Result files to canonical tables, without a recipe.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io::{self, Read},
    num::NonZeroUsize,
    path::{Component, Path, PathBuf},
};

use aliquot_engine::{Graph, Node, Outcome};
use aliquot_sources::{
    Address, Content, Fetcher, RawFile,
    adapters::{Adapter, Wanted},
};
use aliquot_store::{ObjectId, Store};
use aliquot_tables::findings::{self, Finding};
use indicatif::MultiProgress;
use serde_json::json;

use super::{print, print_json, run::cores, write_whole};
use crate::{
    args::Global,
    embedding::ModelPlace,
    error::Error,
    graph::{GATHER, NORMALIZE, NORMALIZED, Task, stage_version},
    runner::Runner,
    stages::{
        Workplace,
        normalize::{FileParams, OnError},
        table,
    },
};

/// Bytes of a file that its adapter is guessed from.
const HEAD: u64 = 1 << 16;

/// Files of one import.
const MOST_FILES: usize = 1_000_000;

/// Folders inside folders.
const DEEPEST: usize = 64;

/// The tables, in the order of the outputs of `gather`.
const TABLES: [&str; NORMALIZED] =
    ["responses", "items", "models", "aliases", "runs", "prompts", "findings"];

/// Arguments of `import`.
#[derive(clap::Args)]
pub struct Arguments {
    /// Result files, or folders of them.
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
    /// Format of the files; guessed from their content unless given.
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
    /// What is done about a file that cannot be read.
    #[arg(long, value_enum, default_value_t, value_name = "WHAT")]
    on_error: OnError,
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
    /// Files that no adapter knows, or that belong to no file with scores.
    pub unused: Vec<PathBuf>,
}

pub fn run(global: &Global, arguments: &Arguments) -> Result<(), Error> {
    let store = Store::open(&global.store)?;
    let jobs = arguments.jobs.map_or_else(cores, usize::from);
    let imported = import(&store, &arguments.paths, &arguments.reading, jobs)?;

    fs::create_dir_all(&arguments.output).map_err(file_error("create", &arguments.output))?;
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
    let mut findings =
        findings::decode(&store.get(imported.tables[6])?).map_err(table("findings"))?;
    findings.extend(imported.unused.iter().map(|path| unused(path)));
    tell(global, &arguments.output, &imported, &findings)
}

/// Reads files; what was read before, by the same adapter and with the same options, is reused.
pub fn import(
    store: &Store,
    paths: &[PathBuf],
    reading: &Reading,
    jobs: usize,
) -> Result<Imported, Error> {
    let files = files(paths)?;
    let mut unused = Vec::new();
    let mut by_adapter: BTreeMap<Adapter, Vec<&SourceFile>> = BTreeMap::new();
    for file in &files {
        match reading.adapter.map_or_else(|| guess(file), |adapter| Ok(Some(adapter)))? {
            Some(adapter) => by_adapter.entry(adapter).or_default().push(file),
            None => unused.push(file.path.clone()),
        }
    }

    let (mut graph, mut units) = (Graph::new(), BTreeMap::new());
    let mut addresses = BTreeMap::new();
    let mut gather = Node::new(GATHER, GATHER, stage_version(GATHER), &())?;
    for (adapter, files) in by_adapter {
        let named: Vec<&Address> = files.iter().map(|file| &file.address).collect();
        let grouped = adapter.units(&named);
        let used: BTreeSet<usize> = grouped.iter().flatten().copied().collect();
        let left = (0..files.len()).filter(|at| !used.contains(at));
        unused.extend(left.map(|at| files[at].path.clone()));
        units.insert(adapter, grouped.len());
        for unit in grouped {
            let unit: Vec<&SourceFile> = unit.into_iter().map(|at| files[at]).collect();
            let read = read_node(adapter, &unit, reading)?;
            if let Task::Read(_, contents) = &read.task {
                let names = unit.iter().map(|file| file.path.display().to_string());
                addresses.extend(contents.iter().map(|(id, _)| *id).zip(names));
            }
            let read = graph.add(read);
            for output in 0..NORMALIZED {
                gather = gather.input(read, output);
            }
        }
    }
    if graph.nodes().is_empty() {
        return Err(nothing(paths, &unused));
    }
    graph.add(gather.task(Task::Gather(addresses)));
    let (tables, read) = execute(store, &graph, jobs)?;
    unused.sort();
    Ok(Imported { tables, units, read, unused })
}

/// A file, and the name by which it goes in errors and tables.
struct SourceFile {
    path: PathBuf,
    address: Address,
}

fn read_node(
    adapter: Adapter,
    unit: &[&SourceFile],
    reading: &Reading,
) -> Result<Node<Task>, Error> {
    let contents = unit
        .iter()
        .map(|file| {
            let (id, _) = File::open(&file.path)
                .and_then(ObjectId::of_reader)
                .map_err(file_error("read", &file.path))?;
            Ok((id, file.path.clone()))
        })
        .collect::<Result<Vec<_>, Error>>()?;
    let Reading { model, benchmark, metric, filter, on_error, .. } = reading;
    let wanted = Wanted {
        model: model.clone(),
        benchmark: benchmark.clone(),
        metric: metric.clone(),
        filter: filter.clone(),
        revision: None,
    };
    let addresses = unit.iter().map(|file| file.address.clone()).collect();
    let params =
        FileParams { adapter, version: adapter.version(), addresses, wanted, on_error: *on_error };
    let ids: Vec<ObjectId> = contents.iter().map(|(id, _)| *id).collect();
    let name = format!("{NORMALIZE}/{}", unit[0].address);
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
    let workplace = Workplace { fetcher: &fetcher, embedding: &embedding, progress: &progress };
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

/// All files below the paths, each once, sorted.
fn files(paths: &[PathBuf]) -> Result<Vec<SourceFile>, Error> {
    let mut found = BTreeSet::new();
    for path in paths {
        walk(path, 0, &mut found)?;
    }
    found
        .into_iter()
        .map(|path| {
            let address = address(&path)?;
            Ok(SourceFile { path, address })
        })
        .collect()
}

fn walk(path: &Path, depth: usize, found: &mut BTreeSet<PathBuf>) -> Result<(), Error> {
    let metadata = fs::metadata(path).map_err(file_error("read", path))?;
    if metadata.is_file() {
        found.insert(path.to_owned());
    }
    if found.len() > MOST_FILES || depth > DEEPEST {
        return Err(Error::Usage(format!(
            "`{}`: more than {MOST_FILES} files, or folders {DEEPEST} deep: import parts of it",
            path.display()
        )));
    }
    if metadata.is_dir() {
        for entry in fs::read_dir(path).map_err(file_error("read", path))? {
            let entry = entry.map_err(file_error("read", path))?.path();
            // A link that leads nowhere is no file; one back up is bounded by the depth.
            if entry.exists() {
                walk(&entry, depth + 1, found)?;
            }
        }
    }
    Ok(())
}

/// The path without what leads to it from outside.
fn address(path: &Path) -> Result<Address, Error> {
    let named = |component: Component<'_>| match component {
        Component::Normal(name) => Some(name.to_owned()),
        _ => None,
    };
    let plain: PathBuf = path.components().filter_map(named).collect();
    let text = plain.to_str().ok_or_else(|| {
        Error::Usage(format!("`{}`: its name is no UTF-8; rename it", path.display()))
    })?;
    format!("file:{text}").parse().map_err(|error: aliquot_sources::InvalidAddress| {
        Error::Usage(format!("`{}`: {error}", path.display()))
    })
}

fn guess(file: &SourceFile) -> Result<Option<Adapter>, Error> {
    let raw = RawFile {
        address: &file.address,
        id: ObjectId::of(b""),
        content: Content::File(&file.path),
    };
    let mut head = Vec::new();
    // What cannot be unpacked is none of ours.
    let Ok(text) = raw.text() else { return Ok(None) };
    match text.take(HEAD).read_to_end(&mut head) {
        Err(error) if error.kind() != io::ErrorKind::InvalidData && head.is_empty() => {
            Err(file_error("read", &file.path)(error))
        }
        _ => Ok(Adapter::guess(&file.address, &head)),
    }
}

fn file_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::File { action, path, source }
}

fn nothing(paths: &[PathBuf], unused: &[PathBuf]) -> Error {
    let paths: Vec<String> = paths.iter().map(|path| format!("`{}`", path.display())).collect();
    let known = Adapter::ALL.map(Adapter::name).join(", ");
    Error::Data(format!(
        "none of the {} files of {} is of a format that is known: {known}; `--adapter` says which it is",
        unused.len(),
        paths.join(", ")
    ))
}

fn unused(path: &Path) -> Finding {
    Finding {
        kind: "unused-file".to_owned(),
        severity: "info".to_owned(),
        subject: path.display().to_string(),
        evidence: "no adapter knows it, or it belongs to no file with scores".to_owned(),
        action: "drop".to_owned(),
        ..Finding::default()
    }
}

fn tell(
    global: &Global,
    output: &Path,
    imported: &Imported,
    findings: &[Finding],
) -> Result<(), Error> {
    let (read, reused) = imported.read;
    if global.json {
        let units: BTreeMap<&str, usize> =
            imported.units.iter().map(|(adapter, units)| (adapter.name(), *units)).collect();
        let findings: Vec<_> = findings
            .iter()
            .map(|finding| {
                json!({
                    "kind": finding.kind, "severity": finding.severity, "subject": finding.subject,
                    "benchmark": finding.benchmark, "evidence": finding.evidence,
                    "action": finding.action,
                })
            })
            .collect();
        print_json(&json!({
            "output": output, "adapters": units, "read": read, "reused": reused, "findings": findings,
        }));
        return Ok(());
    }
    for finding in findings {
        eprintln!(
            "{}: {} {}: {}",
            finding.severity, finding.kind, finding.subject, finding.evidence
        );
    }
    let adapters: Vec<String> = imported
        .units
        .iter()
        .map(|(adapter, units)| format!("{units} by {}", adapter.name()))
        .collect();
    print(&format!(
        "{}; {read} read, {reused} reused\n{}\n",
        adapters.join(", "),
        TABLES.map(|name| output.join(format!("{name}.parquet")).display().to_string()).join("\n")
    ));
    Ok(())
}
