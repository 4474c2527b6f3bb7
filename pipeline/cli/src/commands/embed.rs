use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use aliquot_embed::{Embedded, Provenance, self_check};
use aliquot_store::Store;
use aliquot_tables::{
    embeddings::{self, Embeddings},
    foreign::{Format, TextTable},
    items,
};
use indicatif::MultiProgress;
use serde_json::{Value, json};

use super::{
    LockedRecipe, print, print_json,
    run::{Options, cores, execute},
    write_whole,
};
use crate::{
    args::{EmbedOptions, FetchOptions, Global},
    embedding::{Computation, Vectors, find_model},
    error::Error,
    graph::{ITEMS, MERGE},
    runner::Runner,
    stages::{
        embed::{computed, provenance},
        table,
    },
};

/// Arguments of `embed`.
#[derive(clap::Args)]
pub struct Arguments {
    /// A recipe with [embed], whose items are embedded; or a table of texts that ends in .csv, .jsonl
    /// or .parquet.
    #[arg(required_unless_present = "self_check")]
    input: Option<PathBuf>,
    /// Where the vectors go, a Parquet file.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Compare with these vectors, of an earlier run or another machine.
    #[arg(long, value_name = "FILE")]
    compare: Option<PathBuf>,
    /// Largest difference of a number of a vector that counts as none.
    #[arg(long, default_value_t = 1e-4, value_parser = tolerance, value_name = "NUMBER")]
    tolerance: f64,
    /// Embed a pinned set of texts, and compare with pinned vectors.
    #[arg(long, conflicts_with_all = ["input", "output", "compare"])]
    self_check: bool,
    /// Model of a table, a name of manifests/models or the path of such a file;
    /// paraphrase-MiniLM-L3-v2 unless given. A recipe says its own.
    #[arg(long)]
    model: Option<String>,
    /// cpu, cuda:0 (or another number), or auto, which it is unless given. A recipe says its own.
    #[arg(long)]
    device: Option<String>,
    /// truncate or windowed-mean; the model's own rule unless given. A recipe says its own.
    #[arg(long, value_name = "RULE")]
    long_texts: Option<String>,
    /// Column of a table that names its rows; item_id unless given.
    #[arg(long, value_name = "COLUMN")]
    id: Option<String>,
    /// Column of a table with the texts; prompt unless given.
    #[arg(long, value_name = "COLUMN")]
    text: Option<String>,
    #[command(flatten)]
    embed: EmbedOptions,
    #[command(flatten)]
    fetch: FetchOptions,
}

pub fn run(global: &Global, arguments: &Arguments) -> Result<(), Error> {
    let Some(input) = &arguments.input else { return check_self(global, arguments) };
    if arguments.output.is_none() && arguments.compare.is_none() {
        return Err(Error::Usage("give --output FILE, --compare FILE, or both".to_owned()));
    }
    let vectors = match input.extension().is_some_and(|extension| extension == "toml") {
        true => of_recipe(global, arguments, input)?,
        false => of_table(arguments, input)?,
    };
    if let Some(path) = &arguments.output {
        write_whole(path, &*embeddings::encode(&vectors).map_err(table("embeddings"))?)?;
        let (rows, dimension) = (vectors.ids.len(), vectors.dimension);
        let truncated = vectors.truncated.iter().filter(|cut| **cut).count();
        let provenance: Provenance = serde_json::from_str(&vectors.provenance)
            .map_err(|error| Error::Internal(format!("provenance of vectors: {error}")))?;
        let provider = provenance.provider;
        told(
            global,
            &json!({
                "output": path, "vectors": rows, "dimension": dimension, "truncated": truncated,
                "provider": provider,
            }),
            &format!(
                "{}: {rows} vectors of {dimension} by {} on {provider}; {truncated} texts longer than it reads\n",
                path.display(),
                provenance.model
            ),
        );
    }
    match &arguments.compare {
        Some(path) => compare(global, &vectors, path, arguments.tolerance),
        None => Ok(()),
    }
}

fn told(global: &Global, json: &Value, text: &str) {
    if global.json { print_json(json) } else { print(text) }
}

fn tolerance(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number: &f64| number.is_finite() && *number >= 0.0);
    number.ok_or_else(|| "give a number that is not negative".to_owned())
}

/// Refuses what a recipe says itself: to pass over `--device cuda:0` would be to embed elsewhere.
fn nothing_of_a_table(arguments: &Arguments) -> Result<(), Error> {
    let Arguments { model, device, long_texts, id, text, .. } = arguments;
    let options = [
        ("--model", model),
        ("--device", device),
        ("--long-texts", long_texts),
        ("--id", id),
        ("--text", text),
    ];
    match options.iter().find(|(_, given)| given.is_some()) {
        Some((name, _)) => Err(Error::Usage(format!(
            "`{name}` is for tables: a recipe says how its items are embedded, under [embed] and [source]"
        ))),
        None => Ok(()),
    }
}

/// Runs the graph of a recipe up to its items, and embeds them; to compare, nothing is taken from an
/// earlier run.
fn of_recipe(global: &Global, arguments: &Arguments, path: &Path) -> Result<Embeddings, Error> {
    nothing_of_a_table(arguments)?;
    let locked = LockedRecipe::read(path)?;
    let wrong =
        |problem: &str| Error::Recipe { path: path.to_owned(), problem: problem.to_owned() };
    let embed = locked.file.recipe.embed.as_ref().ok_or_else(|| wrong("it has no [embed]"))?;
    let Vectors::Computed(computation) = &embed.vectors else {
        return Err(wrong(
            "its vectors are recorded: to make them write `model` in place of `vectors`",
        ));
    };
    let store = Store::open(&global.store)?;
    let runner = Runner { store: &store, recipe: &locked.file.recipe.name };
    let graph = locked.graph()?.until(MERGE);
    let Arguments { fetch, embed, compare, .. } = arguments;
    let options = Options { jobs: cores(), recipe: path, fetch, embed };
    let records = execute(&locked, &runner, &graph, &options)?;
    let merged = records.iter().find(|record| record.stage == MERGE);
    let merged = merged.ok_or_else(|| Error::Internal("a graph without merge".to_owned()))?;
    let items = items::decode(&store.get(merged.outputs[ITEMS])?).map_err(table("items"))?;
    let place = embed.place(MultiProgress::new());
    computed(&items, computation, &place, compare.is_some())
}

fn of_table(arguments: &Arguments, path: &Path) -> Result<Embeddings, Error> {
    let wrong = |source| Error::Texts { path: path.to_owned(), source };
    let format = Format::from_name(&path.to_string_lossy()).ok_or_else(|| {
        Error::Usage(format!("`{}` ends in none of .toml, .csv, .jsonl, .parquet", path.display()))
    })?;
    let bytes = read(path)?;
    let rows = TextTable::read(format, &bytes).map_err(wrong)?;
    let column = arguments.id.as_deref().unwrap_or("item_id");
    let ids = unique_ids(&rows.column(column).map_err(wrong)?).map_err(|(row, problem)| {
        Error::Results(format!("{}: row {}: `{column}` {problem}", path.display(), row + 1))
    })?;
    let texts = rows.column(arguments.text.as_deref().unwrap_or("prompt")).map_err(wrong)?;
    // A blank cell is an empty text, which a model has a vector for.
    let texts: Vec<String> = texts.iter().map(|text| text.unwrap_or("").to_owned()).collect();

    let place = arguments.embed.place(MultiProgress::new());
    let mut embedder = place.open(&computation(arguments)?)?;
    let Embedded { vectors, truncated, .. } =
        place.embed(&mut embedder, &texts, arguments.compare.is_some())?;
    let (dimension, provenance) = (embedder.dimension(), provenance(&embedder)?);
    Ok(Embeddings { ids, dimension, values: vectors, truncated, provenance })
}

/// The ids; or the row, from 0, of one that is blank or there for the second time.
fn unique_ids(ids: &[Option<&str>]) -> Result<Vec<String>, (usize, String)> {
    let mut known = BTreeSet::new();
    let id = |(row, id): (usize, &Option<&str>)| match id {
        None => Err((row, "is blank".to_owned())),
        Some(id) if !known.insert(id.to_string()) => Err((row, format!("holds `{id}` again"))),
        Some(id) => Ok(id.to_string()),
    };
    ids.iter().enumerate().map(id).collect()
}

fn computation(arguments: &Arguments) -> Result<Computation, Error> {
    let Arguments { model, device, long_texts, .. } = arguments;
    let device = device.as_deref().unwrap_or("auto");
    find_model(model.as_deref().unwrap_or("paraphrase-MiniLM-L3-v2"), Path::new(""))
        .and_then(|model| Computation::new(model, Some(device), long_texts.as_deref()))
        .map_err(Error::Usage)
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|source| Error::File { action: "read", path: path.to_owned(), source })
}

/// Largest difference between two sets of vectors of the same texts.
fn compare(
    global: &Global,
    vectors: &Embeddings,
    path: &Path,
    tolerance: f64,
) -> Result<(), Error> {
    let recorded = embeddings::decode(&read(path)?)
        .map_err(|source| Error::Vectors { place: path.display().to_string(), source })?;
    if recorded.dimension != vectors.dimension {
        return Err(Error::Differs(format!(
            "{}: vectors of {}, computed ones are of {}",
            path.display(),
            recorded.dimension,
            vectors.dimension
        )));
    }
    let (mut largest, mut at) = (0.0, "");
    for (row, id) in vectors.ids.iter().enumerate() {
        let other = recorded
            .ids
            .binary_search(id)
            .map_err(|_| Error::Differs(format!("{}: `{id}` has no vector", path.display())))?;
        for (a, b) in vectors.row(row).iter().zip(recorded.row(other)) {
            let difference = f64::from((a - b).abs());
            if difference > largest {
                (largest, at) = (difference, id);
            }
        }
    }
    let rows = vectors.ids.len();
    if largest > tolerance {
        return Err(Error::Differs(format!(
            "{}: vectors differ by up to {largest:.2e} (`{at}`), more than {tolerance:.0e}; if that \
             is meant, record them again with `--output`\n  computed: {}\n  recorded: {}",
            path.display(),
            vectors.provenance,
            recorded.provenance
        )));
    }
    told(
        global,
        &json!({"compared": rows, "largest_difference": largest, "tolerance": tolerance}),
        &format!(
            "{rows} vectors compared, largest difference {largest:.2e}, tolerance {tolerance:.0e}\n"
        ),
    );
    Ok(())
}

/// Smallest cosine with the pinned vectors that passes: float models are at 1 up to rounding, of
/// quantised ones other processors have other kernels.
const SMALLEST_COSINE: f64 = 0.999;

fn check_self(global: &Global, arguments: &Arguments) -> Result<(), Error> {
    let place = arguments.embed.place(MultiProgress::new());
    let mut embedder = place.open(&computation(arguments)?)?;
    let found = self_check(&mut embedder)?;
    let provenance = embedder.provenance();
    told(
        global,
        &json!({
            "model": provenance.model, "runtime": provenance.runtime,
            "provider": found.provider, "texts": found.texts,
            "texts_per_second": found.texts_per_second,
            "largest_deviation": found.largest_deviation, "smallest_cosine": found.smallest_cosine,
        }),
        &format!(
            "model      {}\nruntime    ONNX Runtime {}\nprovider   {}\ntexts      {}, {:.0} a second\n\
             deviation  {:.2e} at most from the pinned vectors, cosine {:.6} at least\n",
            provenance.model,
            provenance.runtime,
            found.provider,
            found.texts,
            found.texts_per_second,
            found.largest_deviation,
            found.smallest_cosine,
        ),
    );
    if found.smallest_cosine >= SMALLEST_COSINE {
        return Ok(());
    }
    Err(Error::Differs(format!(
        "vectors of {} are not the pinned ones: cosine {:.4}, at least {SMALLEST_COSINE} expected; \
         `make setup` fetches library and model again where they are damaged",
        provenance.model, found.smallest_cosine
    )))
}
