//! Files below the paths of a command.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    fs, io,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use crate::error::Error;

/// Files of one command.
const MOST_FILES: usize = 1_000_000;

/// Folders inside folders.
const DEEPEST: usize = 64;

/// A file.
pub struct Found {
    /// As it was reached.
    pub path: PathBuf,
    /// The same for every way to reach it: its folder without links, and its name.
    pub place: PathBuf,
    /// Whether it was named itself and not found in a folder.
    pub named: bool,
}

/// A file that is not read.
pub struct Unused {
    /// Where it is.
    pub path: PathBuf,
    /// Why it is not.
    pub why: Cow<'static, str>,
}

/// All files at and below the paths, each once, in the order of their places, and what is none. Hidden
/// entries of folders and those of `besides` are passed over.
pub fn find(paths: &[PathBuf], besides: &[&Path]) -> Result<(Vec<Found>, Vec<Unused>), Error> {
    let mut walk = Walk {
        besides: besides.iter().filter_map(|path| fs::canonicalize(path).ok()).collect(),
        ..Walk::default()
    };
    for path in paths {
        walk.named(path)?;
    }
    Ok((walk.files.into_values().collect(), walk.unused))
}

/// What ends a command that cannot do something to a file.
pub fn file_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::File { action, path, source }
}

#[derive(Default)]
struct Walk {
    /// By the folder's own place, links followed, and the file's name: a file that is reached in two ways
    /// is one, two links to the same bytes are two.
    files: BTreeMap<PathBuf, Found>,
    /// Folders that have been entered, so that links in a circle end.
    entered: BTreeSet<PathBuf>,
    besides: BTreeSet<PathBuf>,
    unused: Vec<Unused>,
}

impl Walk {
    fn named(&mut self, path: &Path) -> Result<(), Error> {
        let metadata = fs::metadata(path).map_err(file_error("read", path))?;
        if metadata.is_dir() {
            return self.folder(path, 0);
        }
        if !metadata.is_file() {
            return Err(Error::Usage(format!(
                "`{}` is neither a file nor a folder: save what it gives as a file",
                path.display()
            )));
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        let own = fs::canonicalize(folder).map_err(file_error("read", folder))?;
        self.add(own.join(path.file_name().unwrap_or_default()), path.to_owned(), true)
    }

    fn add(&mut self, place: PathBuf, path: PathBuf, named: bool) -> Result<(), Error> {
        let found = Found { path, place: place.clone(), named: false };
        self.files.entry(place).or_insert(found).named |= named;
        if self.files.len() > MOST_FILES {
            return Err(Error::Usage(format!(
                "these are more than {MOST_FILES} files: take parts of them"
            )));
        }
        Ok(())
    }

    fn folder(&mut self, path: &Path, depth: usize) -> Result<(), Error> {
        let own = fs::canonicalize(path).map_err(file_error("read", path))?;
        if !self.entered.insert(own.clone()) {
            return Ok(());
        }
        if depth > DEEPEST {
            return Err(Error::Usage(format!(
                "`{}`: folders are {DEEPEST} deep here: take parts of them",
                path.display()
            )));
        }
        for name in names(path)? {
            self.entry(path.join(&name), own.join(&name), depth)?;
        }
        Ok(())
    }

    fn entry(&mut self, path: PathBuf, place: PathBuf, depth: usize) -> Result<(), Error> {
        let metadata = match fs::metadata(&path) {
            Ok(metadata) => metadata,
            Err(_) if path.is_symlink() => {
                self.unused.push(Unused { path, why: "it is a link that leads nowhere".into() });
                return Ok(());
            }
            Err(error) => return Err(file_error("read", &path)(error)),
        };
        if metadata.is_file() {
            return self.add(place, path, false);
        }
        if !metadata.is_dir() {
            self.unused.push(Unused { path, why: "it is neither a file nor a folder".into() });
            return Ok(());
        }
        let own = fs::canonicalize(&path).map_err(file_error("read", &path))?;
        if self.besides.contains(&own) { Ok(()) } else { self.folder(&path, depth + 1) }
    }
}

/// Names in a folder that are not hidden, sorted: which of two links to a folder is followed must not
/// hang on the file system.
fn names(folder: &Path) -> Result<Vec<OsString>, Error> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(file_error("read", folder))? {
        let name = entry.map_err(file_error("read", folder))?.file_name();
        if !name.as_bytes().starts_with(b".") {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn found(paths: &[PathBuf], besides: &[&Path], root: &Path) -> (Vec<String>, Vec<String>) {
        let (files, unused) = find(paths, besides).unwrap();
        let name = |path: &Path| path.strip_prefix(root).unwrap().display().to_string();
        (
            files.iter().map(|file| name(&file.path)).collect(),
            unused.iter().map(|file| format!("{}: {}", name(&file.path), file.why)).collect(),
        )
    }

    #[test]
    fn every_file_comes_once_and_circles_of_links_end() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for inner in ["a/b", "a/.git", "a/store", "a/x.jsonl"] {
            fs::create_dir_all(root.join(inner)).unwrap();
        }
        for file in ["a/b/1", "a/b/2 ü", "a/.git/3", "a/store/4", "a/x.jsonl/5"] {
            fs::write(root.join(file), file).unwrap();
        }
        symlink(root.join("a"), root.join("a/b/circle")).unwrap();
        symlink("nowhere", root.join("a/b/dead")).unwrap();
        symlink(root.join("a/b/1"), root.join("a/b/twin")).unwrap();

        let all = ["a/b/1", "a/b/2 ü", "a/b/twin", "a/x.jsonl/5"];
        let paths = [root.join("a"), root.join("a/b/../b"), root.join("a/b/1")];
        let (files, unused) = found(&paths, &[&root.join("a/store")], root);
        assert_eq!(files, all);
        assert_eq!(unused, ["a/b/dead: it is a link that leads nowhere"]);
        assert!(find(&paths, &[]).unwrap().0.iter().any(|file| file.named));
        // A folder that is asked for is read, whatever else it is.
        let (files, _) = found(&[root.join("a/store")], &[&root.join("a/store")], root);
        assert_eq!(files, ["a/store/4"]);
    }
}
