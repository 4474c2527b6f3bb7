//! Shards of all raw files to one set of tables.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::Path,
};

use aliquot_query::{Settings, Shard as Sorted, Source, merge_sorted};
use aliquot_sources::{
    Shard,
    merge::{MergeError, Merger, Places, Superseded},
};
use aliquot_store::{ObjectId, Store};
use aliquot_tables::{
    aliases, findings, gaps, items, models, prompts, responses, runs, runs::Run, scores,
};

use super::{encoded::Encoded, table};
use crate::{
    error::Error,
    graph::{ALIASES, ITEMS, MODELS, NORMALIZED, PROMPTS, RESPONSES, RUNS, SOURCE_FINDINGS},
};

/// Address of each raw file, for errors.
pub type Addresses = BTreeMap<ObjectId, String>;

/// What the merge of the responses of an import may hold. It streams: more would not help.
const SETTINGS: Settings = Settings { memory: 256 << 20, threads: 1 };

/// Inputs: the tables of each shard. Outputs: the same, merged to one leaderboard, each benchmark under
/// one metric, in one setting; then the scores side by side, and the gaps among them.
pub fn leaderboard(
    addresses: &Addresses,
    inputs: &[ObjectId],
    encoded: &Encoded,
    store: &Store,
) -> Result<Vec<ObjectId>, Error> {
    let places = places(addresses);
    let mut merger =
        Merger::new(Superseded::among(&all_runs(inputs, store)?.concat(), &places, true)?);
    for shard in inputs.chunks_exact(NORMALIZED) {
        merger.add(read(shard, store)?)?;
    }
    let merged = merger.finish();
    merged.check_cells(&places)?;
    merged.check_leaderboard()?;

    let mut outputs = write(&merged, encoded, store)?;
    outputs.push(store.put(&scores::encode(&merged.responses).map_err(table("scores"))?)?);
    let benchmarks: BTreeMap<&str, &str> =
        merged.items.iter().map(|item| (item.item_uid.as_str(), item.benchmark.as_str())).collect();
    let gaps = gaps::counted(&merged.responses, |item| benchmarks.get(item).copied());
    outputs.push(store.put(&gaps::encode(&gaps).map_err(table("gaps"))?)?);
    Ok(outputs)
}

/// Inputs: the tables of each shard. Outputs: the same, merged, of whatever there is. Of the responses
/// no more than one shard is in memory at a time.
pub fn tables(
    addresses: &Addresses,
    inputs: &[ObjectId],
    encoded: &Encoded,
    store: &Store,
) -> Result<Vec<ObjectId>, Error> {
    let places = places(addresses);
    let runs = all_runs(inputs, store)?;
    let mut merger = Merger::new(Superseded::among(&runs.concat(), &places, false)?);
    let mut shared = Shared::default();
    let mut sorted = Vec::new();
    let staging = store.staging()?;
    // For shards of which something is left out, and for those that are no files of this machine.
    let folder = tempfile::tempdir_in(&staging).map_err(file_error(&staging))?;
    for (at, (objects, runs)) in inputs.chunks_exact(NORMALIZED).zip(runs).enumerate() {
        let shard = shared.read(objects, runs, &merger, store)?;
        let rows = shard.responses.len();
        let Some(kept) = merger.take(shard)? else { continue };
        shared.merged(objects);
        let whole = if kept.len() == rows { store.file(objects[RESPONSES])? } else { None };
        let path = match whole {
            Some(path) => path,
            None => {
                let path = folder.path().join(at.to_string());
                let bytes = match kept.len() == rows {
                    true => store.get(objects[RESPONSES])?,
                    false => responses::encode(&kept).map_err(table("responses"))?,
                };
                fs::write(&path, bytes).map_err(file_error(&path))?;
                path
            }
        };
        let name = format!("responses {}", objects[RESPONSES].short());
        sorted.push(Sorted { name, source: Source::File(path) });
    }
    let responses = merge_responses(&sorted, folder.path(), &places, store)?;
    let mut outputs = vec![responses];
    outputs.extend(write_described(&merger.finish(), encoded, store)?);
    Ok(outputs)
}

fn merge_responses(
    sorted: &[Sorted],
    folder: &Path,
    places: &Places,
    store: &Store,
) -> Result<ObjectId, Error> {
    let mut file = store.stage()?;
    let merged = merge_sorted(sorted, &responses::KEY, &mut file, SETTINGS, folder)?;
    if let Some(cell) = merged.duplicate_cell()? {
        let from = cell.places.each_ref().map(|place| (place.raw.as_str(), place.record));
        return Err(MergeError::cell(&cell.model, &cell.item_uid, from, places).into());
    }
    Ok(store.put_staged(file)?)
}

/// An object, checked against its digest; where it is a file of this machine, it is not taken into
/// memory.
pub fn source(id: ObjectId, store: &Store) -> Result<Source, Error> {
    Ok(match store.file(id)? {
        Some(path) => Source::File(path),
        None => Source::Bytes(store.get(id)?.into()),
    })
}

fn places(addresses: &Addresses) -> Places {
    addresses.iter().map(|(id, address)| (id.to_string(), address.clone())).collect()
}

/// The runs of each shard.
fn all_runs(inputs: &[ObjectId], store: &Store) -> Result<Vec<Vec<Run>>, Error> {
    let read = |shard: &[ObjectId]| runs::decode(&store.get(shard[RUNS])?).map_err(table("runs"));
    inputs.chunks_exact(NORMALIZED).map(read).collect()
}

fn file_error(path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::File { action: "write", path, source }
}

/// The objects of a shard, in the order of the outputs of `normalize`.
pub(super) fn write(
    shard: &Shard,
    encoded: &Encoded,
    store: &Store,
) -> Result<Vec<ObjectId>, Error> {
    let responses = responses::encode(&shard.responses).map_err(table("responses"))?;
    write_with(&responses, shard, encoded, store)
}

/// The same for a shard that is to be gathered, and for nothing else: its responses are not compressed.
pub(super) fn write_part(
    shard: &Shard,
    encoded: &Encoded,
    store: &Store,
) -> Result<Vec<ObjectId>, Error> {
    let responses = responses::encode_unpacked(&shard.responses).map_err(table("responses"))?;
    write_with(&responses, shard, encoded, store)
}

fn write_with(
    responses: &[u8],
    shard: &Shard,
    encoded: &Encoded,
    store: &Store,
) -> Result<Vec<ObjectId>, Error> {
    let mut outputs = vec![store.put(responses)?];
    outputs.extend(write_described(shard, encoded, store)?);
    Ok(outputs)
}

/// All of them but the responses.
fn write_described(
    shard: &Shard,
    encoded: &Encoded,
    store: &Store,
) -> Result<Vec<ObjectId>, Error> {
    Ok(vec![
        encoded.items.put("items", &shard.items, items::encode, store)?,
        store.put(&models::encode(&shard.models).map_err(table("models"))?)?,
        encoded.aliases.put("aliases", &shard.aliases, aliases::encode, store)?,
        store.put(&runs::encode(&shard.runs).map_err(table("runs"))?)?,
        encoded.prompts.put("prompts", &shard.prompts, prompts::encode, store)?,
        store.put(&findings::encode(&shard.findings).map_err(table("findings"))?)?,
    ])
}

fn read(objects: &[ObjectId], store: &Store) -> Result<Shard, Error> {
    let bytes = |at: usize| store.get(objects[at]);
    Ok(Shard {
        responses: responses::decode(&bytes(RESPONSES)?).map_err(table("responses"))?,
        items: items::decode(&bytes(ITEMS)?).map_err(table("items"))?.into(),
        models: models::decode(&bytes(MODELS)?).map_err(table("models"))?,
        aliases: aliases::decode(&bytes(ALIASES)?).map_err(table("aliases"))?.into(),
        runs: runs::decode(&bytes(RUNS)?).map_err(table("runs"))?,
        prompts: prompts::decode(&bytes(PROMPTS)?).map_err(table("prompts"))?.into(),
        findings: findings::decode(&bytes(SOURCE_FINDINGS)?).map_err(table("findings"))?,
    })
}

/// Tables of items and their names that are merged already: those of the models of one task are equal,
/// so that one is read for all.
#[derive(Default)]
struct Shared {
    merged: BTreeSet<ObjectId>,
}

impl Shared {
    fn merged(&mut self, objects: &[ObjectId]) {
        self.merged.extend([ITEMS, ALIASES, PROMPTS].map(|at| objects[at]));
    }

    /// The tables of a shard, without what the merge does not need of it.
    fn read(
        &self,
        objects: &[ObjectId],
        runs: Vec<Run>,
        merger: &Merger,
        store: &Store,
    ) -> Result<Shard, Error> {
        let bytes = |at: usize| store.get(objects[at]);
        if runs.is_empty() || merger.leaves_out_of(&runs) {
            return read(objects, store);
        }
        let mut shard = Shard {
            models: models::decode(&bytes(MODELS)?).map_err(table("models"))?,
            findings: findings::decode(&bytes(SOURCE_FINDINGS)?).map_err(table("findings"))?,
            runs,
            ..Shard::default()
        };
        let new = |at: usize| !self.merged.contains(&objects[at]);
        if new(ITEMS) {
            shard.items = items::decode(&bytes(ITEMS)?).map_err(table("items"))?.into();
        }
        if new(ALIASES) {
            shard.aliases = aliases::decode(&bytes(ALIASES)?).map_err(table("aliases"))?.into();
        }
        if new(PROMPTS) {
            shard.prompts = prompts::decode(&bytes(PROMPTS)?).map_err(table("prompts"))?.into();
        }
        Ok(shard)
    }
}

#[cfg(test)]
mod tests {
    use aliquot_tables::{aliases::Alias, items::Item, models::Model, responses::Response};

    use super::*;

    const QUESTIONS: u32 = 700;

    /// One run of a model on a task; `items` of them, from `raw`.
    fn shard(model: &str, task: &str, raw: &str, items: u32) -> Shard {
        let mut shard = Shard::default();
        for item in 0..items {
            let uid = format!("{task}-{:04}", item * 389 % QUESTIONS);
            shard.responses.push(&Response {
                model,
                item_uid: &uid,
                metric: "acc",
                filter: if item % 2 == 0 { "" } else { "strict" },
                trial: item % 3,
                score: if item % 50 == 0 { Err("no answer") } else { Ok(1.0 / item as f32) },
                log_likelihood: (item % 7 == 0).then_some(-0.5),
                raw,
                record: u64::from(item),
            });
            let (task, native_id) = (task.to_owned(), Some(item.to_string()));
            shard.aliases.push(Alias {
                item_uid: uid.clone(),
                task,
                native_id,
                ..Alias::default()
            });
            shard.items.push(Item { item_uid: uid, ..Item::default() });
        }
        shard.models.push(Model { model: model.to_owned(), ..Model::default() });
        shard.runs.push(Run {
            model: model.to_owned(),
            task: task.to_owned(),
            metric: "acc".to_owned(),
            raw: raw.to_owned(),
            items,
            ..Run::default()
        });
        shard
    }

    /// Two models on two tasks; one run is superseded, one file is there twice, one is empty.
    fn shards() -> Vec<Shard> {
        let mut both = shard("b", "t", "raw-3", 100);
        let other = shard("b", "u", "raw-3", QUESTIONS);
        both.responses.append(&other.responses);
        both.items.extend(other.items);
        both.aliases.extend(other.aliases);
        both.runs.extend(other.runs);
        vec![
            shard("b", "t", "raw-1", QUESTIONS),
            shard("a", "t", "raw-2", QUESTIONS),
            both,
            shard("a", "t", "raw-2", QUESTIONS),
            Shard::default(),
            shard("a", "u", "raw-4", 300),
        ]
    }

    fn stored(shards: &[Shard], store: &Store) -> Vec<ObjectId> {
        shards.iter().flat_map(|shard| write(shard, &Encoded::default(), store).unwrap()).collect()
    }

    fn gather(inputs: &[ObjectId], store: &Store) -> Result<Vec<ObjectId>, Error> {
        tables(&Addresses::new(), inputs, &Encoded::default(), store)
    }

    #[test]
    fn responses_merged_piece_by_piece_have_the_bytes_of_the_whole() {
        let folder = tempfile::tempdir().unwrap();
        let shards = shards();
        let runs: Vec<Run> = shards.iter().flat_map(|shard| shard.runs.clone()).collect();
        let none = Places::new();
        let mut merger = Merger::new(Superseded::among(&runs, &none, false).unwrap());
        shards.iter().for_each(|shard| merger.add(shard.clone()).unwrap());
        let whole = merger.finish();
        assert_eq!(whole.responses.len() as u32, 3 * QUESTIONS + 300, "what is superseded is out");
        for store in [Store::memory(), Store::open(folder.path().to_str().unwrap()).unwrap()] {
            let expected = write(&whole, &Encoded::default(), &store).unwrap();
            let inputs = stored(&shards, &store);
            assert_eq!(gather(&inputs, &store).unwrap(), expected);
            let mut backward = shards.clone();
            backward.reverse();
            let backward = gather(&stored(&backward, &store), &store).unwrap();
            assert_eq!(backward[0], expected[0]);
        }
    }

    /// Nothing is superseded here, so that tables that shards share are read once.
    #[test]
    fn shared_tables_are_merged_once_and_whole() {
        let store = Store::memory();
        let mut third = shard("c", "t", "raw-3", QUESTIONS);
        third.items[5].parent = Some("passage".to_owned());
        let bare = Shard { runs: Vec::new(), ..shard("d", "u", "raw-4", 50) };
        let shards =
            [shard("a", "t", "raw-1", QUESTIONS), shard("b", "t", "raw-2", QUESTIONS), third, bare];
        let inputs = stored(&shards, &store);
        assert_eq!(inputs[ITEMS], inputs[NORMALIZED + ITEMS]);
        let mut merger = Merger::new(Superseded::default());
        shards.iter().for_each(|shard| merger.add(shard.clone()).unwrap());
        let whole = merger.finish();
        assert_eq!((whole.responses.len() as u32, whole.runs.len()), (3 * QUESTIONS + 50, 3));
        let expected = write(&whole, &Encoded::default(), &store).unwrap();
        assert_eq!(gather(&inputs, &store).unwrap(), expected);
    }

    /// Two tasks with the same verdicts, whose questions are in other files.
    #[test]
    fn equal_bytes_may_be_the_results_of_two_tasks() {
        let store = Store::memory();
        let shards = [shard("a", "t", "raw-1", 9), shard("a", "u", "raw-1", 9)];
        let outputs = gather(&stored(&shards, &store), &store).unwrap();
        let rows = responses::decode(&store.get(outputs[0]).unwrap()).unwrap();
        assert_eq!(rows.len(), 18);
    }

    #[test]
    fn a_cell_given_twice_is_named_with_both_places() {
        let store = Store::memory();
        let mut shards = [shard("a", "t", "raw-1", 3), shard("a", "t", "raw-2", 3)];
        shards.iter_mut().for_each(|shard| shard.runs.clear());
        let error = gather(&stored(&shards, &store), &store).unwrap_err();
        let error = error.to_string();
        assert!(error.contains("record 0 of raw-1 and record 0 of raw-2"), "{error}");
    }
}
