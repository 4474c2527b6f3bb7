//! Files told apart by adapter, and those that belong together.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::{self, Read},
    panic::resume_unwind,
    path::{Component, Path, PathBuf},
    sync::{Mutex, PoisonError},
    thread,
};

use aliquot_sources::{Address, Content, InvalidAddress, RawFile, adapters::Adapter};
use aliquot_store::ObjectId;

use super::Reading;
use crate::{
    commands::files::{Unused, file_error, find},
    error::Error,
    stages::{local_file::LocalFile, normalize::OnError},
};

/// Bytes of a file that its adapter is guessed from.
const HEAD: u64 = 1 << 16;

/// A file, and the name by which it goes in errors and tables.
pub(super) struct SourceFile {
    pub path: PathBuf,
    named: bool,
    pub address: Address,
}

impl SourceFile {
    /// Its adapter, or why it is not read.
    fn adapter(&self, reading: &Reading) -> Result<Result<Adapter, &'static str>, Error> {
        if let (Some(adapter), true) = (reading.adapter, self.named) {
            return Ok(Ok(adapter));
        }
        let head = match self.head() {
            Ok(head) => head,
            Err(_) if reading.on_error == Some(OnError::Skip) => {
                return Ok(Err("it cannot be opened"));
            }
            Err(error) => return Err(file_error("read", &self.path)(error)),
        };
        if head.is_empty() {
            return Ok(Err("it is empty"));
        }
        Ok(match reading.adapter {
            Some(adapter) => adapter
                .recognises(&self.raw(), &head)
                .then_some(adapter)
                .ok_or("it does not look like that adapter's"),
            None => Adapter::guess(&self.raw(), &head).ok_or("no adapter knows it"),
        })
    }

    /// For a look at it; its digest is taken when it is read.
    fn raw(&self) -> RawFile<'_> {
        let (id, content) = (ObjectId::of(b""), Content::File(&self.path));
        RawFile { address: &self.address, id, content }
    }

    /// The beginning of the unpacked text; of the bytes, where they cannot be unpacked.
    fn head(&self) -> io::Result<Vec<u8>> {
        let mut head = Vec::new();
        File::open(&self.path)?.take(HEAD).read_to_end(&mut head)?;
        let mut unpacked = Vec::new();
        if let Ok(text) = self.raw().text()
            && (text.take(HEAD).read_to_end(&mut unpacked).is_ok() || !unpacked.is_empty())
        {
            return Ok(unpacked);
        }
        Ok(head)
    }
}

/// Files that are read together.
pub(super) struct Unit<'a> {
    pub adapter: Adapter,
    /// The one with the scores first.
    pub files: Vec<&'a SourceFile>,
}

impl Unit<'_> {
    fn digests(&self) -> Result<Vec<LocalFile>, Error> {
        let digest = |file: &&SourceFile| {
            LocalFile::digested(&file.path).map_err(file_error("read", &file.path))
        };
        self.files.iter().map(digest).collect()
    }
}

/// The files of each unit with their digests, taken by `jobs` threads; of several errors the first one's.
pub(super) fn digests(units: &[Unit<'_>], jobs: usize) -> Result<Vec<Vec<LocalFile>>, Error> {
    let waiting = Mutex::new(units.iter().enumerate());
    let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).next();
    let work = || {
        let mut done = Vec::new();
        while let Some((at, unit)) = next() {
            done.push((at, unit.digests()));
        }
        done
    };
    let mut all: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> =
            (0..jobs.clamp(1, units.len().max(1))).map(|_| scope.spawn(work)).collect();
        let joined = threads.into_iter().map(thread::ScopedJoinHandle::join);
        joined.flat_map(|done| done.unwrap_or_else(|panic| resume_unwind(panic))).collect()
    });
    all.sort_by_key(|(at, _)| *at);
    all.into_iter().map(|(_, files)| files).collect()
}

/// The files below the paths, and those that are none; `besides` is passed over.
pub(super) fn sources(
    paths: &[PathBuf],
    besides: &[&Path],
) -> Result<(Vec<SourceFile>, Vec<Unused>), Error> {
    let (found, unused) = find(paths, besides)?;
    let mut files = Vec::with_capacity(found.len());
    for file in found {
        // Two relative paths may look alike without what leads out of this folder: places do not.
        let address = address(&file.place)?;
        files.push(SourceFile { path: file.path, named: file.named, address });
    }
    Ok((files, unused))
}

/// The units of each adapter; files of none go to `unused`.
pub(super) fn group<'a>(
    files: &'a [SourceFile],
    reading: &Reading,
    unused: &mut Vec<Unused>,
) -> Result<Vec<Unit<'a>>, Error> {
    let mut by_adapter: BTreeMap<Adapter, Vec<&SourceFile>> = BTreeMap::new();
    for file in files {
        match file.adapter(reading)? {
            Ok(adapter) => by_adapter.entry(adapter).or_default().push(file),
            Err(why) => unused.push(Unused { path: file.path.clone(), why: why.into() }),
        }
    }
    let mut grouped = Vec::new();
    for (adapter, files) in by_adapter {
        let named: Vec<&Address> = files.iter().map(|file| &file.address).collect();
        let own = adapter.units(&named);
        let used: BTreeSet<usize> = own.iter().flatten().copied().collect();
        let left = (0..files.len()).filter(|at| !used.contains(at));
        let why: Cow<'static, str> = match adapter.named() {
            Some(name) => {
                format!("it belongs to no file with scores, which is named {name}").into()
            }
            None => "it belongs to no file with scores".into(),
        };
        unused.extend(left.map(|at| Unused { path: files[at].path.clone(), why: why.clone() }));
        let unit = |unit: Vec<usize>| unit.into_iter().map(|at| files[at]).collect();
        grouped.extend(own.into_iter().map(|own| Unit { adapter, files: unit(own) }));
    }
    Ok(grouped)
}

/// The path without what leads to it from outside.
fn address(path: &Path) -> Result<Address, Error> {
    let named = |component: Component<'_>| match component {
        Component::Normal(name) => Some(name.to_owned()),
        _ => None,
    };
    let plain: PathBuf = path.components().filter_map(named).collect();
    let text = plain.to_str().ok_or_else(|| {
        Error::Usage(format!("`{}`: its name is no UTF-8; rename it", path.display()))
    })?;
    format!("file:{text}")
        .parse()
        .map_err(|error: InvalidAddress| Error::Usage(format!("`{}`: {error}", path.display())))
}
