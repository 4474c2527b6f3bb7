//! The zip archive of an `.eval` log: its entries by name, each within bounds, one unpacked at a time.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufRead, BufReader, Read},
};

use serde::Deserialize;
use zip::ZipArchive;

use super::super::json_stream::{Few, read_one};
use crate::{AdapterError, Place, RawFile, Seekable};

/// Most entries: a log has one a sample, or about ten where samples are cut into chunks.
const MOST_ENTRIES: usize = 1 << 20;

/// Packed bytes may unfold to this many times their number; see [`crate::RawFile::text`].
const LARGEST_RATIO: u64 = 200;

/// No entry is refused for its ratio below this size.
const SMALLEST_BOUND: u64 = 64 << 20;

/// Prefix of the entries with samples.
const SAMPLES: &str = "samples/";

/// Name of the entry that stands for a sample in chunks.
const SHELL: &str = "/sample.json";

/// Folder of a sample's long texts, between its own and the name of the chunk.
const CHUNKS: &str = "/attachments/";

/// Scheme of references to the texts of a sample in chunks.
const REFERENCE: &str = "attachment://";

pub(super) struct Archive<'a> {
    file: RawFile<'a>,
    zip: ZipArchive<Box<dyn Seekable + 'a>>,
    names: Vec<String>,
    /// Numbers of the first texts of the chunks, by folder of the sample.
    chunks: BTreeMap<String, Vec<u64>>,
}

/// Where a sample is.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// Name of the entry.
    pub name: String,
    /// Whether its long texts are in other entries.
    pub chunked: bool,
}

impl<'a> Archive<'a> {
    pub fn open(file: &RawFile<'a>) -> Result<Self, AdapterError> {
        let refuse = |problem: String| Err(file.error(Place::File, problem));
        let zip = ZipArchive::new(file.seekable()?)
            .map_err(|error| file.error(Place::File, format!("as a zip archive: {error}")))?;
        if zip.len() > MOST_ENTRIES {
            return refuse(format!("it has more than {MOST_ENTRIES} entries: refused"));
        }
        if zip.has_duplicate_names() {
            return refuse(
                "two of its entries have one name: write it anew with `inspect log convert`"
                    .to_owned(),
            );
        }
        let mut names = Vec::with_capacity(zip.len());
        for name in zip.file_names_raw() {
            match std::str::from_utf8(name) {
                Ok(name) if is_inside(name) => names.push(name.to_owned()),
                _ => {
                    let name = String::from_utf8_lossy(name).into_owned();
                    return refuse(format!(
                        "the name of its entry `{name}` leads out of it: refused"
                    ));
                }
            }
        }
        let chunks = chunks(&names);
        let mut archive = Self { file: *file, zip, names, chunks };
        archive.check_sizes()?;
        Ok(archive)
    }

    fn check_sizes(&mut self) -> Result<(), AdapterError> {
        let mut total: u64 = 0;
        for at in 0..self.zip.len() {
            let file = self.file;
            let broken = |error| file.error(Place::File, format!("as a zip archive: {error}"));
            let entry = self.zip.by_index_raw(at).map_err(broken)?;
            let (packed, size) = (entry.compressed_size(), entry.size());
            if size > packed.saturating_mul(LARGEST_RATIO).max(SMALLEST_BOUND) {
                let problem =
                    format!("its entry `{}` unpacks to {size} bytes: refused", self.names[at]);
                return Err(file.error(Place::File, problem));
            }
            total = total.saturating_add(size);
        }
        let bound = self.file.size()?.saturating_mul(LARGEST_RATIO).max(16 * SMALLEST_BOUND);
        if total > bound {
            let problem = format!("its entries unpack to {total} bytes: refused");
            return Err(self.file.error(Place::File, problem));
        }
        Ok(())
    }

    pub fn has(&self, name: &str) -> bool {
        self.zip.index_for_name_raw(name.as_bytes()).is_some()
    }

    /// The samples, in the order of the archive.
    pub fn samples(&self) -> Vec<Entry> {
        let in_samples = || self.names.iter().filter(|name| name.starts_with(SAMPLES));
        let folders: BTreeSet<&str> =
            in_samples().filter_map(|name| name.strip_suffix(SHELL)).collect();
        let is_part = |name: &str| {
            name.match_indices('/').any(|(at, _)| folders.contains(&name[..at]))
                && !name.strip_suffix(SHELL).is_some_and(|folder| folders.contains(folder))
        };
        in_samples()
            .filter(|name| name.ends_with(".json") && !is_part(name))
            .map(|name| Entry { name: name.clone(), chunked: name.ends_with(SHELL) })
            .collect()
    }

    /// The document of an entry.
    pub fn read<T: for<'de> Deserialize<'de>>(
        &mut self,
        name: &str,
        expected: &str,
    ) -> Result<T, AdapterError> {
        let file = self.file;
        let inside = |problem: String| file.error(Place::File, format!("{name}: {problem}"));
        let at = self.zip.index_for_name_raw(name.as_bytes());
        let at = at.ok_or_else(|| inside("there is no such entry".to_owned()))?;
        let entry = self.zip.by_index(at).map_err(|error| inside(error.to_string()))?;
        let size = entry.size();
        let text: Box<dyn BufRead + '_> = Box::new(BufReader::new(entry.take(size + 1)));
        read_one(&file, text, expected)
            .map_err(|error| inside(format!("{}: {}", error.place, error.problem)))
    }

    /// A text of a sample in chunks with its references resolved; a name of a kind that chunks do not
    /// have stands as it is.
    pub fn resolve(&mut self, entry: &Entry, text: &str) -> Result<String, AdapterError> {
        let mut resolved = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once(REFERENCE) {
            let end = after.find(|letter: char| !letter.is_ascii_alphanumeric());
            let (number, behind) = after.split_at(end.unwrap_or(after.len()));
            resolved.push_str(before);
            match number.parse::<u64>() {
                Ok(number) => resolved.push_str(&self.attachment(entry, number)?),
                Err(_) => resolved.extend([REFERENCE, number]),
            }
            rest = behind;
        }
        resolved.push_str(rest);
        Ok(resolved)
    }

    /// Chunks are named by the number of their first text.
    fn attachment(&mut self, entry: &Entry, number: u64) -> Result<String, AdapterError> {
        let folder = entry.name.strip_suffix(SHELL).unwrap_or(&entry.name).to_owned();
        let starts = self.chunks.get(&folder).into_iter().flatten();
        let chunk = starts.copied().filter(|&start| start <= number).max();
        let mut texts = match chunk {
            Some(chunk) => {
                let name = format!("{folder}{CHUNKS}{chunk}.json");
                self.read::<Few<String>>(&name, "a list of texts")?.0
            }
            None => Vec::new(),
        };
        let at = (number - chunk.unwrap_or(0)) as usize;
        if at >= texts.len() {
            let problem = format!("{}: there is no text {number} in its chunks", entry.name);
            return Err(self.file.error(Place::File, problem));
        }
        Ok(texts.swap_remove(at))
    }
}

/// Numbers of the first texts of the chunks, by folder of the sample.
fn chunks(names: &[String]) -> BTreeMap<String, Vec<u64>> {
    let mut chunks: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for name in names {
        let start = name
            .rsplit_once(CHUNKS)
            .and_then(|(folder, name)| Some((folder, name.strip_suffix(".json")?.parse().ok()?)));
        if let Some((folder, start)) = start {
            chunks.entry(folder.to_owned()).or_default().push(start);
        }
    }
    chunks
}

/// Whether a name stays in the folder that the archive would be unpacked to. Nothing is unpacked to a
/// folder here; who does so later is warned by this.
fn is_inside(name: &str) -> bool {
    !name.starts_with(['/', '\\'])
        && !name.contains('\0')
        && name.split(['/', '\\']).all(|part| part != "..")
}
