//! Where the tables of a query lie.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use aliquot_engine::Action;
use aliquot_query::{QueryError, Session, Source};
use aliquot_store::{ObjectId, Store};

use crate::{
    args::Global,
    commands::{LockedRecipe, open_release},
    error::Error,
    graph::Task,
    runner::Runner,
    stages::merge::source,
};

/// Tables by name; nothing is read before it is asked for.
pub enum Tables {
    /// Objects of a store.
    Objects(Store, BTreeMap<String, ObjectId>),
    /// Files.
    Files(BTreeMap<String, PathBuf>),
}

impl Tables {
    pub fn of_release(global: &Global, reference: &str) -> Result<Self, Error> {
        let (store, _, manifest) = open_release(global, reference)?;
        let tables = manifest.tables.iter();
        let tables = tables.map(|(name, artifact)| (name.clone(), artifact.blake3)).collect();
        Ok(Self::Objects(store, tables))
    }

    /// What the recipe, as it is now, would reuse.
    pub fn of_run(global: &Global, recipe: &Path) -> Result<Self, Error> {
        let locked = LockedRecipe::read(recipe)?;
        let graph = locked.graph()?;
        let store = Store::open(&global.store)?;
        let planned = Runner { store: &store, recipe: &locked.file.recipe.name }.plan(&graph)?;
        let named = graph.nodes().iter().find_map(|node| match &node.task {
            Task::Package(params) => Some(&params.tables),
            _ => None,
        });
        let mut tables = BTreeMap::new();
        for (name, node, output) in named.into_iter().flatten() {
            if let Action::Reuse { outputs } = &planned[node.index()].action {
                tables.insert((*name).to_owned(), outputs[*output]);
            }
        }
        if tables.is_empty() {
            return Err(Error::NotFound(format!(
                "no run of `{}` in {}, or none of the recipe as it is now: `aliquot run` makes its tables",
                recipe.display(),
                store.location()
            )));
        }
        Ok(Self::Objects(store, tables))
    }

    pub fn of_folder(folder: &Path) -> Result<Self, Error> {
        let failed = |source| Error::File { action: "read", path: folder.to_owned(), source };
        let mut tables = BTreeMap::new();
        for entry in fs::read_dir(folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let name = path.file_stem().and_then(|stem| stem.to_str()).map(str::to_owned);
            if let (Some(name), Some("parquet"), true) =
                (name, path.extension().and_then(|ending| ending.to_str()), path.is_file())
            {
                tables.insert(name, path);
            }
        }
        if tables.is_empty() {
            let folder = folder.display();
            return Err(Error::NotFound(format!("no file NAME.parquet in `{folder}`")));
        }
        Ok(Self::Files(tables))
    }

    pub fn names(&self) -> Vec<String> {
        match self {
            Self::Objects(_, tables) => tables.keys().cloned().collect(),
            Self::Files(tables) => tables.keys().cloned().collect(),
        }
    }

    /// Adds tables to a session; objects are checked against their digests before.
    pub fn register(&self, session: &mut Session, names: &[String]) -> Result<(), Error> {
        for name in names {
            let source = match self {
                Self::Objects(store, tables) => match tables.get(name) {
                    Some(id) => Some(source(*id, store)?),
                    None => None,
                },
                Self::Files(tables) => tables.get(name).cloned().map(Source::File),
            };
            let unknown = || QueryError::UnknownTable { table: name.clone(), known: self.names() };
            session.register(name, source.ok_or_else(unknown)?)?;
        }
        Ok(())
    }
}
