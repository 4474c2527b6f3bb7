//! Many sorted files to one.

use std::{fs::File, io::Write, path::Path, sync::Arc};

use aliquot_tables::parquet_file::{ParquetFile, Source, Writer};
use datafusion::{
    arrow::{array::RecordBatch, datatypes::SchemaRef, error::ArrowError},
    error::DataFusionError,
    physical_expr::{LexOrdering, PhysicalSortExpr, expressions::col},
    physical_plan::{
        ExecutionPlan,
        sorts::sort_preserving_merge::SortPreservingMergeExec,
        streaming::{PartitionStream, StreamingTableExec},
    },
};
use futures_util::StreamExt;

use crate::{
    QueryError, Settings,
    chain::{Chain, Key, Sorted},
    duplicates::Neighbours,
    session::Engine,
};

/// Streams that are merged at once. Each holds a page of every column and some batches, a few MiB;
/// where there are more, groups of them are merged into temporary files first.
const FAN_IN: usize = 64;

/// Rows that each of several streams reads at once.
const ROWS_PER_READ: usize = 2048;

/// A sorted Parquet file that is to be merged.
#[derive(Debug, Clone)]
pub struct Shard {
    /// For errors.
    pub name: String,
    /// Its bytes.
    pub source: Source,
}

/// What was merged.
#[derive(Debug)]
pub struct Merged {
    /// Number of rows.
    pub rows: u64,
    /// Two rows with the first key that comes twice; see [`Self::duplicate_cell`].
    pub(crate) repeated: Option<[RecordBatch; 2]>,
}

/// Merges sorted files of the same columns into one sorted Parquet file.
///
/// `key` names the columns that they are sorted by, ascending. The bytes written are those that
/// `aliquot_tables` writes for all rows in that order, and depend on the rows alone: not on threads or
/// memory, nor on how rows are spread over files as long as no key is there twice. Rows of equal keys
/// stay in an order that the list of files fixes; [`Merged::duplicate_cell`] tells of one.
///
/// Memory does not grow with the rows: files that follow one another are read one after another (so
/// shards of one model each are, whatever their number), at most 64 streams are merged at once; of more,
/// the parts lie in `staging` for the time.
///
/// Fails with [`QueryError::NothingToMerge`] without shards, [`QueryError::Columns`] if they differ,
/// [`QueryError::NotSorted`], and [`QueryError::Table`] where one cannot be read.
pub fn merge_sorted(
    shards: &[Shard],
    key: &[&str],
    out: impl Write + Send,
    settings: Settings,
    staging: &Path,
) -> Result<Merged, QueryError> {
    let engine = Engine::new_in(staging, settings)?;
    let first = shards.first().ok_or(QueryError::NothingToMerge)?;
    let opened = shards.iter().map(open).collect::<Result<Vec<_>, _>>()?;
    let schema = Arc::clone(opened[0].schema());
    if let Some(at) = opened.iter().position(|file| *file.schema() != schema) {
        let (shard, first) = (shards[at].name.clone(), first.name.clone());
        return Err(QueryError::Columns { shard, first });
    }
    let failed = |source| QueryError::Table { table: first.name.clone(), source };
    let key = Key::new(&schema, key).map_err(failed).and_then(|columns| {
        Ok(Merge { engine: &engine, ordering: ordering(&schema, key)?, key: columns, schema })
    })?;
    let sorted = shards.iter().zip(opened);
    let sorted = sorted.map(|(shard, file)| Sorted::new(&shard.name, file, &key.key));
    let chains = Chain::all(sorted.collect::<Result<_, _>>()?, &key.key, ROWS_PER_READ);
    let chains = key.narrowed(chains)?;
    key.write(chains, out)
}

fn open(shard: &Shard) -> Result<ParquetFile, QueryError> {
    ParquetFile::open(shard.source.clone())
        .map_err(|source| QueryError::Table { table: shard.name.clone(), source })
}

fn ordering(schema: &SchemaRef, key: &[&str]) -> Result<LexOrdering, QueryError> {
    let columns = key.iter().map(|name| Ok(PhysicalSortExpr::new_default(col(name, schema)?)));
    let columns: Vec<PhysicalSortExpr> = columns
        .collect::<Result<_, DataFusionError>>()
        .map_err(|error| QueryError::from_plan(error, 0))?;
    LexOrdering::new(columns).ok_or(QueryError::Plan("no column to merge by".to_owned()))
}

struct Merge<'a> {
    engine: &'a Engine,
    schema: SchemaRef,
    key: Key,
    ordering: LexOrdering,
}

impl Merge<'_> {
    /// As few chains as can be merged at once.
    fn narrowed(&self, mut chains: Vec<Chain>) -> Result<Vec<Chain>, QueryError> {
        while chains.len() > FAN_IN {
            let groups = chains.chunks(FAN_IN).map(|group| self.merged_file(group.to_vec()));
            chains = groups.collect::<Result<_, _>>()?;
        }
        Ok(chains)
    }

    fn merged_file(&self, chains: Vec<Chain>) -> Result<Chain, QueryError> {
        let failed = |source| QueryError::Io { action: "write a temporary file", source };
        let (file, path) = tempfile::Builder::new()
            .tempfile_in(self.engine.folder.path())
            .and_then(|file| file.keep().map_err(|error| error.error))
            .map_err(failed)?;
        self.write::<File>(chains, file)?;
        let shard = Shard { name: "temporary file".to_owned(), source: Source::File(path) };
        let sorted = Sorted::new(&shard.name, open(&shard)?, &self.key)?;
        Ok(Chain::of(sorted, &self.key, ROWS_PER_READ))
    }

    fn write<W: Write + Send>(&self, chains: Vec<Chain>, out: W) -> Result<Merged, QueryError> {
        let writer = Writer::new(&self.schema, out).map_err(QueryError::Write)?;
        let neighbours = Neighbours::new(&self.key).map_err(unread)?;
        let mut writer = Looking { writer, neighbours };
        match &chains[..] {
            [] => {}
            [chain] => {
                for batch in chain.rows() {
                    writer.write(&batch?)?;
                }
            }
            _ => self.write_merged(chains, &mut writer)?,
        }
        let repeated = writer.neighbours.repeated();
        Ok(Merged { rows: writer.writer.finish().map_err(QueryError::Write)?, repeated })
    }

    fn write_merged<W: Write + Send>(
        &self,
        chains: Vec<Chain>,
        writer: &mut Looking<W>,
    ) -> Result<(), QueryError> {
        let runtime = &self.engine.runtime;
        let _entered = runtime.enter();
        let started =
            self.plan(chains).and_then(|plan| plan.execute(0, self.engine.context().task_ctx()));
        let mut stream = started.map_err(|error| self.engine.failed(error))?;
        while let Some(batch) = runtime.block_on(stream.next()) {
            writer.write(&batch.map_err(|error| self.engine.failed(error))?)?;
        }
        Ok(())
    }

    /// Equal keys come in the order of the chains, never in that of the threads.
    fn plan(&self, chains: Vec<Chain>) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
        let partitions =
            chains.into_iter().map(|chain| Arc::new(chain) as Arc<dyn PartitionStream>).collect();
        let ordered = [self.ordering.clone()];
        let schema = Arc::clone(&self.schema);
        let shards = StreamingTableExec::try_new(schema, partitions, None, ordered, false, None)?;
        let merge = SortPreservingMergeExec::new(self.ordering.clone(), Arc::new(shards))
            .with_round_robin_repartition(false);
        Ok(Arc::new(merge))
    }
}

/// Writes rows and looks at their keys.
struct Looking<W: Write + Send> {
    writer: Writer<W>,
    neighbours: Neighbours,
}

impl<W: Write + Send> Looking<W> {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), QueryError> {
        self.neighbours.look(batch).map_err(unread)?;
        self.writer.write(batch).map_err(QueryError::Write)
    }
}

fn unread(error: ArrowError) -> QueryError {
    QueryError::Write(error.into())
}

#[cfg(test)]
mod tests {
    use aliquot_tables::responses::{self, KEY, Response, Responses};

    use std::env;

    use super::*;
    use crate::{CellPlace, DuplicateCell};

    const SETTINGS: Settings = Settings { memory: 256 << 20, threads: 2 };

    /// A row that follows from model and item, some scores missing.
    fn push(rows: &mut Responses, model: usize, item: usize) {
        let uid = format!("{:016x}", (item as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let score = (item * 31 + model * 17) % 97;
        rows.push(&Response {
            model: &format!("model-{model:03}"),
            item_uid: &uid,
            metric: if item.is_multiple_of(3) { "acc" } else { "exact" },
            filter: "",
            trial: (item % 2) as u32,
            score: if score == 0 { Err("no answer") } else { Ok(score as f32 / 97.0) },
            log_likelihood: item.is_multiple_of(5).then_some(-(score as f32) / 7.0),
            raw: &format!("raw-{model}"),
            record: item as u64,
        });
    }

    /// The same rows whole and in parts; `part` says which a row goes to.
    fn split(
        models: usize,
        items: usize,
        parts: usize,
        part: impl Fn(usize, usize) -> usize,
    ) -> (Vec<u8>, Vec<Shard>) {
        let mut whole = Responses::default();
        let mut shards = vec![Responses::default(); parts];
        for (model, item) in (0..models).flat_map(|model| (0..items).map(move |item| (model, item)))
        {
            push(&mut whole, model, item);
            push(&mut shards[part(model, item)], model, item);
        }
        let shards = shards.iter().enumerate().map(|(at, rows)| shard(at, rows)).collect();
        (responses::encode(&whole).unwrap(), shards)
    }

    fn shard(at: usize, rows: &Responses) -> Shard {
        let bytes = responses::encode(rows).unwrap();
        Shard { name: format!("shard {at}"), source: Source::Bytes(bytes.into()) }
    }

    fn merged(shards: &[Shard], settings: Settings) -> Result<Vec<u8>, QueryError> {
        let mut out = Vec::new();
        merge_sorted(shards, &KEY, &mut out, settings, &env::temp_dir())?;
        Ok(out)
    }

    fn repeated(shards: &[Shard]) -> Option<DuplicateCell> {
        let merged = merge_sorted(shards, &KEY, Vec::new(), SETTINGS, &env::temp_dir()).unwrap();
        merged.duplicate_cell().unwrap()
    }

    /// More rows than a row group has, so that its end is merged over too.
    #[test]
    fn overlapping_shards_merge_to_the_bytes_of_the_whole_on_any_number_of_threads() {
        let (whole, shards) = split(11, 100_000, 5, |model, item| (model * 7 + item * 13) % 5);
        for (threads, memory) in [(1, 64 << 20), (2, 256 << 20), (7, 1 << 30)] {
            let settings = Settings { threads, memory };
            assert!(merged(&shards, settings).unwrap() == whole, "{threads} threads");
        }
        // The order of the shards says nothing either.
        let mut backward = shards;
        backward.reverse();
        assert!(merged(&backward, SETTINGS).unwrap() == whole);
    }

    #[test]
    fn a_shard_a_model_is_read_one_after_another() {
        let (whole, mut shards) = split(300, 50, 300, |model, _| model);
        shards.rotate_left(100);
        shards.push(shard(300, &Responses::default()));
        assert!(merged(&shards, SETTINGS).unwrap() == whole);
    }

    #[test]
    fn more_streams_than_are_merged_at_once_go_through_temporary_files() {
        let (whole, shards) = split(4, 5_000, 150, |_, item| item % 150);
        assert!(shards.len() > 2 * FAN_IN);
        assert!(merged(&shards, SETTINGS).unwrap() == whole);
    }

    #[test]
    fn files_on_disk_merge_as_bytes_do() {
        let (whole, shards) = split(3, 1_000, 3, |_, item| item % 3);
        let folder = tempfile::tempdir().unwrap();
        let on_disk = |(at, shard): (usize, &Shard)| {
            let path = folder.path().join(format!("{at}.parquet"));
            let Source::Bytes(bytes) = &shard.source else { panic!("shards are in memory") };
            std::fs::write(&path, bytes).unwrap();
            Shard { name: shard.name.clone(), source: Source::File(path) }
        };
        let files: Vec<Shard> = shards.iter().enumerate().map(on_disk).collect();
        assert!(merged(&files, SETTINGS).unwrap() == whole);
        std::fs::remove_file(folder.path().join("1.parquet")).unwrap();
        let error = merged(&files, SETTINGS).unwrap_err();
        assert!(matches!(&error, QueryError::Table { table, .. } if table == "shard 1"), "{error}");
    }

    #[test]
    fn a_table_without_rows_has_the_bytes_of_one() {
        let empty = shard(0, &Responses::default());
        let whole = responses::encode(&Responses::default()).unwrap();
        assert!(merged(&[empty.clone(), empty], SETTINGS).unwrap() == whole);
        assert!(matches!(merged(&[], SETTINGS), Err(QueryError::NothingToMerge)));
    }

    #[test]
    fn a_shard_that_does_not_fit_is_named() {
        let (_, shards) = split(2, 100, 2, |_, item| item % 2);
        // By another key it is not sorted: the records were counted in another order.
        let error =
            merge_sorted(&shards, &["record"], Vec::new(), SETTINGS, &env::temp_dir()).unwrap_err();
        assert!(
            matches!(&error, QueryError::NotSorted { shard, row } if shard.starts_with("shard") && *row > 0),
            "{error}"
        );
        let models = aliquot_tables::models::encode(&[]).unwrap();
        let other = Shard { name: "models".to_owned(), source: Source::Bytes(models.into()) };
        let error = merged(&[shards[0].clone(), other], SETTINGS).unwrap_err();
        assert!(
            matches!(&error, QueryError::Columns { shard, .. } if shard == "models"),
            "{error}"
        );
        let error =
            merge_sorted(&shards, &["colour"], Vec::new(), SETTINGS, &env::temp_dir()).unwrap_err();
        assert!(matches!(&error, QueryError::Table { .. }), "{error}");
        let Source::Bytes(bytes) = &shards[0].source else { panic!("shards are in memory") };
        let half = Source::Bytes(bytes.slice(..bytes.len() / 2));
        let half = Shard { name: "half".to_owned(), source: half };
        let error = merged(&[shards[1].clone(), half], SETTINGS).unwrap_err();
        assert!(matches!(&error, QueryError::Table { table, .. } if table == "half"), "{error}");
    }

    #[test]
    fn cells_given_twice_are_found_with_their_places() {
        let mut first = Responses::default();
        let mut second = Responses::default();
        (0..500).for_each(|item| push(&mut first, 1, item));
        [7, 499].into_iter().for_each(|item| push(&mut second, 1, item));
        let again = second.clone();
        (0..300).for_each(|item| push(&mut second, 0, item));
        let twice = Response {
            model: "model-000",
            item_uid: "0",
            metric: "acc",
            filter: "",
            trial: 0,
            score: Ok(1.0),
            log_likelihood: None,
            raw: "raw-b",
            record: 3,
        };
        second.push(&twice);
        second.push(&Response { raw: "raw-a", record: 9, ..twice });
        second.push(&Response { raw: "raw-b", record: 1, ..twice });
        let found = repeated(&[shard(0, &first), shard(1, &second)]).unwrap();
        assert_eq!((found.model.as_str(), found.item_uid.as_str()), ("model-000", "0"));
        let place = |raw: &str, record| CellPlace { raw: raw.to_owned(), record };
        assert!(
            found.places.contains(&place("raw-b", 1)) || found.places.contains(&place("raw-b", 3))
        );
        assert!(found.places[0] < found.places[1]);
        let found = repeated(&[shard(0, &first), shard(1, &again)]).unwrap();
        assert_eq!(
            (found.model.as_str(), found.places[0].record),
            ("model-001", found.places[1].record)
        );
        assert_eq!(repeated(&[shard(0, &first)]), None);
    }

    /// The edges of batches and row groups are where a comparison of neighbours goes wrong.
    #[test]
    fn a_cell_given_twice_is_found_wherever_it_lies() {
        for item in [0, 1, 8_191, 8_192, 65_535, 65_536, 99_999] {
            let (mut first, mut second) = (Responses::default(), Responses::default());
            let sorted = |item: usize| format!("{item:06}");
            let put = |rows: &mut Responses, item: usize| {
                let item_uid = &sorted(item);
                let (model, metric, filter, raw) = ("model", "acc", "", "raw");
                let record = item as u64;
                let (trial, score, log_likelihood) = (0, Ok(1.0), None);
                rows.push(&Response {
                    model,
                    item_uid,
                    metric,
                    filter,
                    trial,
                    score,
                    log_likelihood,
                    raw,
                    record,
                });
            };
            (0..100_000).for_each(|item| put(&mut first, item));
            put(&mut second, item);
            let found = repeated(&[shard(0, &first), shard(1, &second)]).unwrap();
            assert_eq!(found.item_uid, sorted(item));
        }
    }
}
