//! Raw files to one shard of the canonical tables.

use std::path::PathBuf;

use aliquot_sources::{
    AdapterError, Address, Content, RawFile, Shard,
    adapters::{
        Adapter, Templates, Wanted, alpaca_eval, table as table_adapter,
        table::{Declaration, ItemColumns},
    },
};
use aliquot_store::{ObjectId, Store};
use aliquot_tables::findings::Finding;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Workplace, is_false};
use crate::error::Error;

/// Which adapter, and what the recipe knows that the files do not say.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Params {
    /// One AlpacaEval file.
    AlpacaEval {
        /// For errors; the same bytes from elsewhere give the same rows.
        #[serde(skip)]
        address: Address,
        /// Name of the model.
        model: String,
        /// Revision of the repository.
        revision: String,
    },
    /// Plain tables.
    Table {
        /// Table of scores. Part of the parameters: its ending names the format.
        scores: Address,
        /// Table of items.
        items: Option<Address>,
        /// Table of models.
        models: Option<Address>,
        /// How to read them.
        declaration: Declaration,
        /// Whether items without a score are kept.
        #[serde(skip_serializing_if = "is_false")]
        all_items: bool,
    },
    /// Files that say themselves what they are, read together.
    Files(FileParams),
    /// Items without results.
    Items {
        /// Table of items. Part of the parameters: its ending names the format.
        items: Address,
        /// Benchmark of all items, where no column says it.
        benchmark: Option<String>,
        /// Columns of the table.
        columns: ItemColumns,
    },
}

/// How files that say themselves what they are are read.
#[derive(Debug, Clone, Serialize)]
pub struct FileParams {
    /// The adapter.
    pub adapter: Adapter,
    /// Its version: the stage's own tells of the adapters that recipes declare.
    pub version: u32,
    /// The files, the one with the scores first. Part of the parameters: names tell models.
    pub addresses: Vec<Address>,
    /// What the files do not say.
    #[serde(flatten)]
    pub wanted: Wanted,
    /// Whether a file that cannot be read stops everything.
    pub on_error: OnError,
}

/// What is done about a file that cannot be read.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, clap::ValueEnum,
)]
#[serde(rename_all = "kebab-case")]
pub enum OnError {
    /// Stop.
    #[default]
    Fail,
    /// Leave it out, note it among the findings, and go on.
    Skip,
}

impl FileParams {
    /// Reads the files.
    pub fn read(
        &self,
        contents: &[(ObjectId, Content<'_>)],
        templates: &Templates,
    ) -> Result<Shard, Error> {
        let files: Vec<RawFile<'_>> = self
            .addresses
            .iter()
            .zip(contents)
            .map(|(address, &(id, content))| RawFile { address, id, content })
            .collect();
        match self.adapter.normalize_among(&files, &self.wanted, templates) {
            Err(error) if self.on_error == OnError::Skip => Ok(quarantined(&error)),
            result => Ok(result?),
        }
    }
}

/// Kind of the finding that tells of a file that was left out.
pub const QUARANTINED: &str = "quarantined-file";

/// A shard that tells of a file that was left out, and nothing else.
fn quarantined(error: &AdapterError) -> Shard {
    let finding = Finding {
        kind: QUARANTINED.to_owned(),
        severity: "error".to_owned(),
        subject: error.address.to_string(),
        evidence: format!("{}{}", error.problem, error.place),
        action: "drop".to_owned(),
        ..Finding::default()
    };
    Shard { findings: vec![finding], ..Shard::default() }
}

/// Outputs: responses, items, models, aliases, runs, prompts, findings.
pub fn run(
    params: &Params,
    inputs: &[ObjectId],
    store: &Store,
    workplace: Workplace<'_>,
) -> Result<Vec<ObjectId>, Error> {
    let read =
        || inputs.iter().map(|id| Ok((*id, store.get(*id)?))).collect::<Result<Vec<_>, Error>>();
    let shard = match params {
        Params::Files(params) => from_store(params, inputs, store, workplace)?,
        Params::AlpacaEval { address, model, revision } => {
            let files = read()?;
            let (id, bytes) = &files[0];
            let source = alpaca_eval::Source { model, revision };
            alpaca_eval::annotations(
                &RawFile { address, id: *id, content: Content::Memory(bytes) },
                &source,
            )?
        }
        Params::Table { scores, items, models, declaration, all_items } => {
            let files = read()?;
            let mut inputs = files.iter();
            let mut raw = |address| {
                inputs.next().map(|(id, bytes)| RawFile {
                    address,
                    id: *id,
                    content: Content::Memory(bytes),
                })
            };
            let scores = raw(scores)
                .ok_or_else(|| Error::Internal("a table source without scores".to_owned()))?;
            let (items, models) =
                (items.as_ref().and_then(&mut raw), models.as_ref().and_then(&mut raw));
            let files = table_adapter::Files { scores, items, models };
            table_adapter::normalize(&files, declaration, *all_items)?
        }
        Params::Items { items, benchmark, columns } => {
            let files = read()?;
            let (id, bytes) = &files[0];
            let file = RawFile { address: items, id: *id, content: Content::Memory(bytes) };
            table_adapter::normalize_items(&file, columns, benchmark.as_deref())?
        }
    };

    super::merge::write(&shard, workplace.encoded, store)
}

/// Files of a local store are read where they lie: they may be larger than the memory.
fn from_store(
    params: &FileParams,
    inputs: &[ObjectId],
    store: &Store,
    workplace: Workplace<'_>,
) -> Result<Shard, Error> {
    enum Held {
        File(PathBuf),
        Memory(Vec<u8>),
    }
    let held = inputs.iter().map(|id| {
        Ok(match store.file(*id)? {
            Some(path) => Held::File(path),
            None => Held::Memory(store.get(*id)?),
        })
    });
    let held = held.collect::<Result<Vec<_>, Error>>()?;
    let contents: Vec<(ObjectId, Content<'_>)> = inputs
        .iter()
        .zip(&held)
        .map(|(id, held)| match held {
            Held::File(path) => (*id, Content::File(path)),
            Held::Memory(bytes) => (*id, Content::Memory(bytes)),
        })
        .collect();
    params.read(&contents, workplace.templates)
}
