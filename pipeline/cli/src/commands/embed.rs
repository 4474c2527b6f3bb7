use std::{
    fs,
    path::{Path, PathBuf},
};

use aliquot_embed::self_check;
use aliquot_store::Store;
use aliquot_tables::{
    embeddings::{self, Embeddings},
    foreign::{Format, TextTable},
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
    embedding::{Computation, find_model},
    error::Error,
    graph::EMBED,
    runner::Runner,
    stages::{embed::provenance, table},
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
    #[arg(long, default_value_t = 1e-4, value_name = "NUMBER")]
    tolerance: f64,
    /// Embed a pinned set of texts, and compare with pinned vectors.
    #[arg(long, conflicts_with_all = ["input", "output", "compare"])]
    self_check: bool,
    /// Model of a table: a name of manifests/models, or the path of such a file. The recipe says its
    /// own.
    #[arg(long, default_value = "paraphrase-MiniLM-L3-v2")]
    model: String,
    /// cpu, cuda:0 (or another number), or auto.
    #[arg(long, default_value = "auto")]
    device: String,
    /// truncate or windowed-mean; the model's own rule unless given.
    #[arg(long, value_name = "RULE")]
    long_texts: Option<String>,
    /// Column of a table that names its rows.
    #[arg(long, default_value = "item_id", value_name = "COLUMN")]
    id: String,
    /// Column of a table with the texts.
    #[arg(long, default_value = "prompt", value_name = "COLUMN")]
    text: String,
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
        write_whole(path, &embeddings::encode(&vectors).map_err(table("embeddings"))?)?;
        let (rows, dimension) = (vectors.ids.len(), vectors.dimension);
        told(
            global,
            &json!({"output": path, "vectors": rows, "dimension": dimension}),
            &format!("{}: {rows} vectors of {dimension}\n", path.display()),
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

/// Runs the graph of a recipe up to its embeddings.
fn of_recipe(global: &Global, arguments: &Arguments, path: &Path) -> Result<Embeddings, Error> {
    let locked = LockedRecipe::read(path)?;
    let store = Store::open(&global.store)?;
    let runner = Runner { store: &store, recipe: &locked.file.recipe.name };
    let graph = locked.graph()?.until(EMBED);
    let Arguments { fetch, embed, .. } = arguments;
    let options = Options { jobs: cores(), recipe: path, fetch, embed };
    let records = execute(&locked, &runner, &graph, &options)?;
    let made = records.iter().find(|record| record.stage == EMBED);
    let made = made.ok_or_else(|| Error::Recipe {
        path: path.to_owned(),
        problem: "it has no [embed]".to_owned(),
    })?;
    embeddings::decode(&store.get(made.outputs[0])?).map_err(table("embeddings"))
}

fn of_table(arguments: &Arguments, path: &Path) -> Result<Embeddings, Error> {
    let wrong = |source| Error::Dataset { path: path.to_owned(), source };
    let format = Format::from_name(&path.to_string_lossy()).ok_or_else(|| {
        Error::Usage(format!("`{}` ends in none of .toml, .csv, .jsonl, .parquet", path.display()))
    })?;
    let bytes = read(path)?;
    let rows = TextTable::read(format, &bytes).map_err(wrong)?;
    let ids = rows.column(&arguments.id).map_err(wrong)?;
    let texts = rows.column(&arguments.text).map_err(wrong)?;
    let blank = |column: &str, row: usize| {
        Error::Results(format!("{}: row {}: `{column}` is blank", path.display(), row + 1))
    };
    let id = |(row, id): (usize, &Option<&str>)| {
        id.map(str::to_owned).ok_or_else(|| blank(&arguments.id, row))
    };
    let ids = ids.iter().enumerate().map(id).collect::<Result<Vec<_>, _>>()?;
    // A blank cell is an empty text, which a model has a vector for.
    let texts: Vec<String> = texts.iter().map(|text| text.unwrap_or("").to_owned()).collect();

    let place = arguments.embed.place(MultiProgress::new());
    let mut embedder = place.open(&computation(arguments)?)?;
    let embedded = place.embed(&mut embedder, &texts)?;
    let (dimension, provenance) = (embedder.dimension(), provenance(&embedder)?);
    Ok(Embeddings { ids, dimension, values: embedded.vectors, provenance })
}

fn computation(arguments: &Arguments) -> Result<Computation, Error> {
    let Arguments { model, device, long_texts, .. } = arguments;
    find_model(model, Path::new(""))
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
        .map_err(|source| Error::Dataset { path: path.to_owned(), source })?;
    if recorded.dimension != vectors.dimension {
        return Err(Error::Unverified(format!(
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
            .map_err(|_| Error::Unverified(format!("{}: `{id}` has no vector", path.display())))?;
        for (a, b) in vectors.row(row).iter().zip(recorded.row(other)) {
            let difference = f64::from((a - b).abs());
            if difference > largest {
                (largest, at) = (difference, id);
            }
        }
    }
    let rows = vectors.ids.len();
    if largest > tolerance {
        return Err(Error::Unverified(format!(
            "{}: vectors differ by up to {largest:.2e} (`{at}`), more than {tolerance:.0e}; \
             computed: {}; recorded: {}",
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
    Err(Error::Unverified(format!(
        "vectors of {} are not the pinned ones: cosine {:.4}, at least {SMALLEST_COSINE} expected; \
         `make setup` fetches library and model again where they are damaged",
        provenance.model, found.smallest_cosine
    )))
}
