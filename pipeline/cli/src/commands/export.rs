//! A subset in the form that an eval tool takes.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use aliquot_sources::selection::samples;
use aliquot_tables::{
    aliases,
    foreign::Format,
    items::{self, Item},
    selection,
    subsets::{self, Member},
};

use super::{open_release, print_bytes, read_table, show::find_subset, write_whole};
use crate::{args::Global, error::Error, stages::table};

/// What is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum To {
    /// The JSON that lm-evaluation-harness takes as `--samples`: leaf tasks and positions.
    LmEvalSamples,
    /// Items with their texts, a row each.
    Csv,
    /// The same, a JSON object a line.
    Jsonl,
    /// The same as Parquet.
    Parquet,
}

/// Notes on `--samples`; the last paragraph of `aliquot export --help`.
const NOTE: &str = "\
lm-eval-samples: run `lm_eval ... --samples FILE --log_samples` and give the logs to `aliquot estimate`.
Do not use --cache_requests with it: lm-evaluation-harness then scores another subset's prompts. With
worked examples in the prompt its default sampler picks others for a subset; `aliquot estimate` notices
by the digests of the prompts.";

/// Arguments of `export`.
#[derive(clap::Args)]
#[command(after_long_help = NOTE)]
pub struct Arguments {
    /// Release: name, name@version or the beginning of its id.
    release: String,
    /// What to write.
    #[arg(long, value_enum, value_name = "FORMAT")]
    to: To,
    /// Subset (TARGET/SUBSET); all of them unless given, for lm-eval-samples the test subsets.
    #[arg(long)]
    subset: Option<String>,
    /// File to write; standard output unless given.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub fn run(global: &Global, arguments: &Arguments) -> Result<(), Error> {
    let (store, _, manifest) = open_release(global, &arguments.release)?;
    let chosen =
        arguments.subset.as_deref().map(|name| find_subset(&manifest, name)).transpose()?;
    let wanted = |member: &Member| match &chosen {
        Some(name) => member.target == name.target && member.subset == name.subset,
        None => arguments.to != To::LmEvalSamples || member.subset == "test",
    };
    let bytes = |name| read_table(&store, &manifest, name);
    let members = subsets::decode(&bytes("subsets")?).map_err(table("subsets"))?;
    let members: Vec<&Member> = members.iter().filter(|member| wanted(member)).collect();

    let format = match arguments.to {
        To::Csv => Format::Csv,
        To::Jsonl => Format::Jsonl,
        To::Parquet => Format::Parquet,
        To::LmEvalSamples => {
            let items: BTreeSet<&str> =
                members.iter().map(|member| member.item_uid.as_str()).collect();
            let aliases = aliases::decode(&bytes("aliases")?).map_err(table("aliases"))?;
            let samples = samples(&items, &aliases).map_err(|error| {
                Error::NotFound(format!(
                    "{error}\n  next: `--to jsonl` writes the items themselves"
                ))
            })?;
            let text = serde_json::to_string(&samples)
                .map_err(|error| Error::Internal(error.to_string()))?;
            return write(arguments, format!("{text}\n").as_bytes());
        }
    };
    let items = items::decode(&bytes("items")?).map_err(table("items"))?;
    let items: BTreeMap<&str, &Item> =
        items.iter().map(|item| (item.item_uid.as_str(), item)).collect();
    let rows = members.into_iter().map(|member| {
        let item = items.get(member.item_uid.as_str()).ok_or_else(|| {
            Error::Unverified(format!("item {} is not in the table of items", member.item_uid))
        })?;
        Ok((member, *item))
    });
    let rows = rows.collect::<Result<Vec<_>, Error>>()?;
    write(arguments, &selection::encode(&rows, format).map_err(table("items"))?)
}

fn write(arguments: &Arguments, bytes: &[u8]) -> Result<(), Error> {
    if let Some(path) = &arguments.output {
        return write_whole(path, bytes);
    }
    print_bytes(bytes);
    Ok(())
}
