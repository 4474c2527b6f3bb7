use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use aliquot_sources::{Address, Fetcher, Listed, Lock, LockedFile};
use aliquot_store::Store;
use serde_json::json;

use super::{RecipeFile, print, print_json, write_whole};
use crate::{
    args::{FetchOptions, Global},
    error::Error,
};

/// Files that are fetched at the same time: waiting for servers costs no core.
const PARALLEL: usize = 8;

/// Arguments of `lock`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The recipe, a TOML file; its lock is the file beside it that ends in .lock.
    recipe: PathBuf,
    /// Pin again what is pinned already; without it, only missing files are added.
    #[arg(long)]
    update: bool,
    #[command(flatten)]
    fetch: FetchOptions,
}

pub fn run(global: &Global, arguments: &Arguments) -> Result<(), Error> {
    let file = RecipeFile::read(&arguments.recipe)?;
    let path = file.lock_path();
    let before = match fs::read_to_string(&path) {
        Ok(text) => Lock::parse(&text).map_err(|source| Error::Lock { path: path.clone(), source }),
        Err(_) => Ok(Lock::new(Vec::new())),
    };
    // A lock that cannot be read is no reason not to write a new one.
    let before =
        if arguments.update { before.unwrap_or_else(|_| Lock::new(Vec::new())) } else { before? };

    let store = Store::open(&global.store)?;
    let settings = arguments.fetch.settings(&arguments.recipe)?;
    let fetcher = Fetcher::new(settings, file.recipe.allow.clone())?;
    let kept = |address: &Address| before.file(address).filter(|_| !arguments.update).cloned();
    let mut listed: Vec<Listed> =
        file.recipe.addresses().into_iter().cloned().map(Listed::from).collect();
    for pattern in file.recipe.patterns() {
        let covered = before.files().iter().filter(|file| pattern.covers(&file.address));
        let known: Vec<Listed> = covered.map(|file| file.address.clone().into()).collect();
        // What is pinned already stays as it is, at the commit that it is pinned at.
        match known.is_empty() || arguments.update {
            true => listed.extend(fetcher.resolve(pattern)?),
            false => listed.extend(known),
        }
    }
    let after = Lock::new(in_parallel(&listed, |listed| match kept(&listed.address) {
        Some(file) => Ok(file),
        None => Ok(fetcher.pin(listed, &store)?),
    })?);

    write_whole(&path, after.to_text().as_bytes())?;
    report(global, &before, &after, &path);
    Ok(())
}

fn in_parallel(
    listed: &[Listed],
    pin: impl Fn(&Listed) -> Result<LockedFile, Error> + Sync,
) -> Result<Vec<LockedFile>, Error> {
    let next = AtomicUsize::new(0);
    let pinned = Mutex::new(Vec::new());
    let work = || {
        while let Some(file) = listed.get(next.fetch_add(1, Ordering::Relaxed)) {
            let file = pin(file);
            if file.is_err() {
                // Nothing is started after a failure.
                next.store(listed.len(), Ordering::Relaxed);
            }
            pinned.lock().unwrap_or_else(PoisonError::into_inner).push(file);
        }
    };
    thread::scope(|scope| {
        for _ in 0..PARALLEL.min(listed.len()) {
            scope.spawn(work);
        }
    });
    pinned.into_inner().unwrap_or_else(PoisonError::into_inner).into_iter().collect()
}

fn report(global: &Global, before: &Lock, after: &Lock, path: &Path) {
    let mut changes = Vec::new();
    for file in after.files() {
        match before.file(&file.address) {
            None => changes.push((file.address.to_string(), None, Some(file.blake3))),
            Some(old) if old.blake3 != file.blake3 => {
                changes.push((file.address.to_string(), Some(old.blake3), Some(file.blake3)));
            }
            Some(_) => {}
        }
    }
    for old in before.files().iter().filter(|old| after.file(&old.address).is_none()) {
        changes.push((old.address.to_string(), Some(old.blake3), None));
    }
    if global.json {
        let changes: Vec<_> = changes
            .iter()
            .map(|(address, before, after)| json!({"address": address, "before": before, "after": after}))
            .collect();
        print_json(
            &json!({"lock": path.display().to_string(), "files": after.files().len(), "changes": changes}),
        );
        return;
    }
    for (address, before, after) in &changes {
        let text = match (before, after) {
            (None, Some(after)) => format!("added    {} {address}\n", after.short()),
            (Some(before), Some(after)) => {
                format!("changed  {} -> {} {address}\n", before.short(), after.short())
            }
            (Some(before), None) => format!("removed  {} {address}\n", before.short()),
            (None, None) => String::new(),
        };
        print(&text);
    }
    let size: u64 = after.files().iter().map(|file| file.size).sum();
    print(&format!(
        "{}: {} files, {size} bytes, {} changes\n",
        path.display(),
        after.files().len(),
        changes.len()
    ));
}
