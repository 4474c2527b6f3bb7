//! Raw files to one shard of the canonical tables.

use aliquot_sources::{
    Address, Content, RawFile,
    adapters::{
        alpaca_eval, table as table_adapter,
        table::{Declaration, ItemColumns},
    },
};
use aliquot_store::{ObjectId, Store};
use aliquot_tables::{aliases, items, models, responses};
use serde::Serialize;

use super::{is_false, table};
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

/// Outputs: responses, items, models, aliases.
pub fn run(params: &Params, inputs: &[ObjectId], store: &Store) -> Result<Vec<ObjectId>, Error> {
    let files =
        inputs.iter().map(|id| Ok((*id, store.get(*id)?))).collect::<Result<Vec<_>, Error>>()?;

    let shard = match params {
        Params::AlpacaEval { address, model, revision } => {
            let (id, bytes) = &files[0];
            let source = alpaca_eval::Source { model, revision };
            alpaca_eval::annotations(
                &RawFile { address, id: *id, content: Content::Memory(bytes) },
                &source,
            )?
        }
        Params::Table { scores, items, models, declaration, all_items } => {
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
            let (id, bytes) = &files[0];
            let file = RawFile { address: items, id: *id, content: Content::Memory(bytes) };
            table_adapter::normalize_items(&file, columns, benchmark.as_deref())?
        }
    };

    Ok(vec![
        store.put(&responses::encode(&shard.responses).map_err(table("responses"))?)?,
        store.put(&items::encode(&shard.items).map_err(table("items"))?)?,
        store.put(&models::encode(&shard.models).map_err(table("models"))?)?,
        store.put(&aliases::encode(&shard.aliases).map_err(table("aliases"))?)?,
    ])
}
