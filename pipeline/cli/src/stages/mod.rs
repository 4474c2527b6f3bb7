//! One module a stage. Each reads its inputs from the store, makes one call into pure code, and puts
//! what came of it back; stages see object ids, never each other.

use aliquot_sources::{Content, Fetcher, adapters::Templates};
use aliquot_stats::StatsError;
use aliquot_store::{ObjectId, Store};
use aliquot_tables::TableError;
use indicatif::MultiProgress;

use self::{encoded::Encoded, local_file::LocalFile};
use crate::{embedding::ModelPlace, error::Error, graph::Task};

pub mod amortise;
pub mod analyse;
pub mod audit;
pub mod cluster;
pub mod embed;
pub mod encoded;
pub mod evaluate;
pub mod fit;
pub mod local_file;
pub mod merge;
pub mod normalize;
pub mod package;
pub mod report;
pub mod select;
pub mod size;
pub mod split;

/// What stages use of the machine, besides the store.
#[derive(Clone, Copy)]
pub struct Workplace<'a> {
    /// Brings raw files.
    pub fetcher: &'a Fetcher,
    /// Where models, their runtime and cached vectors lie.
    pub embedding: &'a ModelPlace,
    /// Where progress is drawn.
    pub progress: &'a MultiProgress,
    /// What other nodes have written already.
    pub encoded: &'a Encoded,
    /// What other nodes have read already.
    pub templates: &'a Templates,
}

/// Runs one node.
pub fn run(
    task: &Task,
    inputs: &[ObjectId],
    store: &Store,
    workplace: Workplace<'_>,
) -> Result<Vec<ObjectId>, Error> {
    match task {
        Task::Fetch(file) => Ok(vec![workplace.fetcher.fetch(file, store)?]),
        Task::Normalize(params) => normalize::run(params, inputs, store, workplace),
        Task::Read(params, files) => {
            let contents: Vec<_> =
                files.iter().map(|file| (file.id, Content::File(&file.path))).collect();
            let shard = params.read(&contents, workplace.templates);
            files.iter().try_for_each(LocalFile::check)?;
            merge::write_part(&shard?, workplace.encoded, store)
        }
        Task::Merge(addresses) => merge::leaderboard(addresses, inputs, workplace.encoded, store),
        Task::Gather(addresses) => merge::tables(addresses, inputs, workplace.encoded, store),
        Task::Embed(params) => embed::run(params, inputs, store, workplace.embedding),
        Task::Amortise(params) => amortise::run(params, inputs, store),
        Task::Cluster(params) => cluster::run(params, inputs, store),
        Task::Audit(params) => audit::run(params, inputs, store),
        Task::Split(params) => split::run(params, inputs, store),
        Task::Size(params) => size::run(params, inputs, store),
        Task::Select(params) => select::run(params, inputs, store),
        Task::Fit(params) => fit::run(params, inputs, store),
        Task::Analyse(params) => analyse::run(params, inputs, store),
        Task::Evaluate(params) => evaluate::run(params, inputs, store),
        Task::Report(params) => report::run(params, inputs, store),
        Task::Package(params) => package::run(params, inputs, store),
        Task::Publish => publish(inputs, store),
    }
}

fn publish(inputs: &[ObjectId], store: &Store) -> Result<Vec<ObjectId>, Error> {
    let manifest = package::read(store, inputs[0])?;
    Ok(vec![aliquot_release::publish(store, &manifest)?])
}

/// For parameters that are told only where they are true: recipes that do not know them keep their ids.
#[allow(clippy::trivially_copy_pass_by_ref)] // serde's signature
fn is_false(value: &bool) -> bool {
    !value
}

/// Names the table that an error is about.
pub(crate) fn table(table: &'static str) -> impl Fn(TableError) -> Error {
    move |source| Error::Table { table, source }
}

/// Names the computation that an error is about.
pub(crate) fn stats(context: impl Into<String>) -> impl FnOnce(StatsError) -> Error {
    let context = context.into();
    move |source| Error::Stats { context, source }
}
