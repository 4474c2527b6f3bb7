//! One module a verb: its arguments, and what it does with them.

use std::{
    fs::{self, Permissions},
    io::{self, Read, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use aliquot_release::{manifest::Manifest, resolve};
use aliquot_sources::{Address, Lock, LockedFile};
use aliquot_store::{ObjectId, Store};
use serde_json::Value;
use tempfile::NamedTempFile;

use crate::{args::Global, error::Error, graph::Texts, recipe::Recipe};

pub mod bench;
pub mod compare;
pub mod dag;
pub mod embed;
pub mod estimate;
pub mod export;
pub mod files;
pub mod import;
pub mod lock;
pub mod logs;
pub mod query;
pub mod results;
pub mod run;
pub mod schemas;
pub mod show;
pub mod status;
pub mod trace;
pub mod verify;

/// A recipe file, read and checked.
pub struct RecipeFile {
    path: PathBuf,
    text: String,
    recipe: Recipe,
}

/// A recipe with the lock that belongs to it.
pub struct LockedRecipe {
    file: RecipeFile,
    lock_text: String,
    lock: Lock,
}

impl RecipeFile {
    fn read(path: &Path) -> Result<Self, Error> {
        let text = read_text(path)?;
        let recipe = Recipe::parse(&text, path.parent().unwrap_or(Path::new("")))
            .map_err(|problem| Error::Recipe { path: path.to_owned(), problem })?;
        Ok(Self { path: path.to_owned(), text, recipe })
    }

    /// `x.toml` has the lock `x.lock`.
    fn lock_path(&self) -> PathBuf {
        self.path.with_extension("lock")
    }
}

impl LockedRecipe {
    fn read(path: &Path) -> Result<Self, Error> {
        let file = RecipeFile::read(path)?;
        let lock_path = file.lock_path();
        let lock_text = match fs::read_to_string(&lock_path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(Error::StaleLock {
                    path: lock_path,
                    problem: "does not exist".to_owned(),
                });
            }
            other => other.map_err(|source| Error::File {
                action: "read",
                path: lock_path.clone(),
                source,
            })?,
        };
        let lock = Lock::parse(&lock_text)
            .map_err(|source| Error::Lock { path: lock_path.clone(), source })?;
        let wanted = file.recipe.addresses();
        if let Some(absent) = wanted.iter().find(|address| lock.file(address).is_none()) {
            return Err(Error::StaleLock { path: lock_path, problem: format!("lacks {absent}") });
        }
        let patterns = file.recipe.patterns();
        let covered = |address: &Address| patterns.iter().any(|pattern| pattern.covers(address));
        let unresolved = patterns
            .iter()
            .find(|pattern| !lock.files().iter().any(|file| pattern.covers(&file.address)));
        if let Some(pattern) = unresolved {
            return Err(Error::StaleLock { path: lock_path, problem: format!("lacks {pattern}") });
        }
        let named = |file: &LockedFile| wanted.contains(&&file.address) || covered(&file.address);
        if let Some(extra) = lock.files().iter().find(|file| !named(file)) {
            let problem = format!("pins {}, which the recipe does not name", extra.address);
            return Err(Error::StaleLock { path: lock_path, problem });
        }
        if let Some(address) = file.recipe.read_twice(&lock) {
            let problem = format!("source.files: {address} is read by two of its entries or parts");
            return Err(Error::Recipe { path: file.path, problem });
        }
        Ok(Self { file, lock_text, lock })
    }

    fn graph(&self) -> Result<aliquot_engine::Graph<crate::graph::Task>, Error> {
        let texts = Texts { recipe: &self.file.text, lock: &self.lock_text };
        Ok(crate::graph::build(&self.file.recipe, &self.lock, texts)?)
    }
}

fn read_text(path: &Path) -> Result<String, Error> {
    fs::read_to_string(path).map_err(|source| Error::File {
        action: "read",
        path: path.to_owned(),
        source,
    })
}

/// Opens the store and finds a release in it.
fn open_release(global: &Global, reference: &str) -> Result<(Store, ObjectId, Manifest), Error> {
    let store = Store::open(&global.store)?;
    let (id, manifest) = resolve(&store, &reference.parse()?)?;
    Ok((store, id, manifest))
}

/// The bytes of one table of a release.
fn read_table(store: &Store, manifest: &Manifest, name: &str) -> Result<Vec<u8>, Error> {
    let artifact = manifest.tables.get(name);
    let artifact = artifact
        .ok_or_else(|| Error::Unverified(format!("the manifest names no table `{name}`")))?;
    Ok(store.get(artifact.blake3)?)
}

/// Writes beside the file, syncs and renames: a file is never half there.
fn write_whole(path: &Path, mut bytes: impl Read) -> Result<(), Error> {
    let failed = |source| Error::File { action: "write", path: path.to_owned(), source };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut beside = NamedTempFile::new_in(folder.unwrap_or(Path::new("."))).map_err(failed)?;
    io::copy(&mut bytes, &mut beside).map_err(failed)?;
    beside.as_file().set_permissions(Permissions::from_mode(0o644)).map_err(failed)?;
    beside.as_file().sync_all().map_err(failed)?;
    beside.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

/// Why standard output did not take everything.
static UNWRITTEN: OnceLock<io::Error> = OnceLock::new();

/// Prints to standard output; what goes wrong is told by [`check_printed`].
fn print(text: &str) {
    print_bytes(text.as_bytes());
}

fn print_bytes(bytes: &[u8]) {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        // A reader that has seen enough is no error.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => drop(UNWRITTEN.set(error)),
        _ => {}
    }
}

/// An error if something that was printed did not arrive, on a full disk for example.
pub fn check_printed() -> Result<(), Error> {
    match UNWRITTEN.get() {
        Some(error) => Err(Error::File {
            action: "write",
            path: "standard output".into(),
            source: io::Error::new(error.kind(), error.to_string()),
        }),
        None => Ok(()),
    }
}

/// One line that a terminal shows as it is: line ends and control characters are escaped.
pub fn printable(text: &str) -> String {
    let escape = |c: char| -> String {
        if c.is_control() { c.escape_default().collect() } else { c.into() }
    };
    text.chars().map(escape).collect()
}

fn print_json(value: &Value) {
    print(&format!("{value:#}\n"));
}
