use std::{collections::BTreeMap, env, path::Path, sync::Arc};

use aliquot_tables::parquet_file::{ParquetFile, Source};
use datafusion::{
    common::TableReference,
    execution::{
        disk_manager::{DiskManagerBuilder, DiskManagerMode},
        memory_pool::FairSpillPool,
        runtime_env::{RuntimeEnv, RuntimeEnvBuilder},
    },
    prelude::{SQLOptions, SessionConfig, SessionContext},
};
use tempfile::TempDir;
use tokio::runtime::{self, Runtime};

use crate::{Answer, QueryError, provider::Provider, statement};

/// Rows that go through a plan at once.
pub(crate) const ROWS_PER_BATCH: usize = 8192;

/// What DataFusion keeps back for each sort to merge its spilled runs with, unless that is a large
/// part of the whole.
const SORT_RESERVE: usize = 10 << 20;

/// A stack for planning, which is recursive; the longest SQL that is accepted needs less.
const STACK: usize = 64 << 20;

/// What a session may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Bytes that sorts, joins and groups may hold before they spill. What is read and what is in
    /// flight between operators comes on top: some MiB a thread.
    pub memory: usize,
    /// Threads, at least one. With one, an answer is the same every time, to the order of rows that
    /// the SQL leaves open and the last digit of sums.
    pub threads: usize,
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its Arrow type; texts of a dictionary are read as plain ones.
    pub kind: String,
    /// Whether cells may be empty.
    pub nullable: bool,
}

/// A table of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Number of rows.
    pub rows: u64,
    /// Its columns, in order.
    pub columns: Vec<Column>,
}

/// Tables by name, and the means to query them.
pub struct Session {
    context: SessionContext,
    engine: Engine,
    tables: BTreeMap<String, Table>,
}

/// Threads, memory and a folder for what does not fit; the folder goes when the value does.
pub(crate) struct Engine {
    pub(crate) runtime: Runtime,
    pub(crate) environment: Arc<RuntimeEnv>,
    pub(crate) settings: Settings,
    pub(crate) folder: TempDir,
}

impl Engine {
    pub(crate) fn new(settings: Settings) -> Result<Self, QueryError> {
        Self::new_in(&env::temp_dir(), settings)
    }

    /// With its folder in `place`.
    pub(crate) fn new_in(place: &Path, settings: Settings) -> Result<Self, QueryError> {
        let failed = |action| move |source| QueryError::Io { action, source };
        let folder = tempfile::Builder::new()
            .prefix("aliquot-query-")
            .tempdir_in(place)
            .map_err(failed("make a temporary folder"))?;
        let runtime = runtime::Builder::new_multi_thread()
            .worker_threads(settings.threads.max(1))
            .thread_stack_size(STACK)
            .build()
            .map_err(failed("start threads"))?;
        let disk = DiskManagerMode::Directories(vec![folder.path().to_owned()]);
        let environment = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(FairSpillPool::new(settings.memory)))
            .with_disk_manager_builder(DiskManagerBuilder::default().with_mode(disk))
            .build_arc()
            .map_err(|error| QueryError::from_plan(error, settings.memory))?;
        Ok(Self { runtime, environment, settings, folder })
    }

    pub(crate) fn context(&self) -> SessionContext {
        let threads = self.settings.threads.max(1);
        let reserve = SORT_RESERVE.min(self.settings.memory / (8 * threads));
        let config = SessionConfig::new()
            .with_target_partitions(threads)
            .with_batch_size(ROWS_PER_BATCH)
            .with_sort_spill_reservation_bytes(reserve);
        SessionContext::new_with_config_rt(config, Arc::clone(&self.environment))
    }

    pub(crate) fn failed(&self, error: datafusion::error::DataFusionError) -> QueryError {
        QueryError::from_plan(error, self.settings.memory)
    }
}

impl Session {
    /// A session without tables. Fails with [`QueryError::Io`] where there is no temporary folder.
    pub fn new(settings: Settings) -> Result<Self, QueryError> {
        let engine = Engine::new(settings)?;
        Ok(Self { context: engine.context(), engine, tables: BTreeMap::new() })
    }

    /// Adds a table. Fails with [`QueryError::Table`] if it is no Parquet file, with
    /// [`QueryError::TableTwice`] if there is one of that name.
    pub fn register(&mut self, name: &str, source: Source) -> Result<(), QueryError> {
        if self.tables.contains_key(name) {
            return Err(QueryError::TableTwice(name.to_owned()));
        }
        let file = ParquetFile::open(source)
            .and_then(ParquetFile::with_plain_texts)
            .map_err(|source| QueryError::Table { table: name.to_owned(), source })?;
        self.tables.insert(name.to_owned(), describe(name, &file));
        self.context
            .register_table(TableReference::bare(name), Arc::new(Provider::new(name, file)))
            .map_err(|error| self.engine.failed(error))?;
        Ok(())
    }

    /// The tables, in alphabetical order.
    pub fn tables(&self) -> impl Iterator<Item = &Table> {
        self.tables.values()
    }

    /// Starts a query: one `SELECT`, or `EXPLAIN` of one. Rows come as they are asked for.
    pub fn query(&self, sql: &str) -> Result<Answer<'_>, QueryError> {
        for table in statement::tables_of(sql)? {
            if !self.tables.contains_key(&table) {
                let known = self.tables.keys().cloned().collect();
                return Err(QueryError::UnknownTable { table, known });
            }
        }
        let statement = statement::read(sql)?;
        let context = self.context.clone();
        let planned = self.engine.runtime.spawn(async move {
            let plan = context.state().statement_to_plan(statement).await?;
            read_only().verify_plan(&plan)?;
            let frame = context.execute_logical_plan(plan).await?;
            let schema = frame.schema().clone();
            Ok((schema, frame.execute_stream().await?))
        });
        let planned = self.engine.runtime.block_on(planned);
        let (schema, stream) = planned
            .map_err(|error| QueryError::Failed(error.to_string()))?
            .map_err(|error| self.engine.failed(error))?;
        Answer::new(&self.engine, &schema, stream)
    }
}

/// The second lock on the door: the first is the list in `statement`.
fn read_only() -> SQLOptions {
    SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false)
}

fn describe(name: &str, file: &ParquetFile) -> Table {
    let columns = file.schema().fields().iter().map(|field| Column {
        name: field.name().clone(),
        kind: field.data_type().to_string(),
        nullable: field.is_nullable(),
    });
    Table { name: name.to_owned(), rows: file.rows(), columns: columns.collect() }
}

#[cfg(test)]
mod tests {
    use aliquot_tables::responses::{self, Response, Responses};

    use super::*;

    const ITEMS: usize = 100_000;
    const MODELS: usize = 11;

    /// More rows than a row group, in the order of the models.
    fn table() -> Source {
        let mut rows = Responses::default();
        for model in 0..MODELS {
            for item in 0..ITEMS {
                rows.push(&Response {
                    model: &format!("model-{model:02}"),
                    item_uid: &format!("item-{item:06}"),
                    metric: "acc",
                    filter: "",
                    trial: 0,
                    score: Ok(((item * 7 + model) % 11) as f32 / 10.0),
                    log_likelihood: None,
                    raw: "r",
                    record: (item * 7919 % ITEMS) as u64,
                });
            }
        }
        Source::Bytes(responses::encode(&rows).unwrap().into())
    }

    fn session(memory: usize, threads: usize) -> Session {
        let mut session = Session::new(Settings { memory, threads }).unwrap();
        session.register("responses", table()).unwrap();
        session
    }

    fn all(session: &Session, sql: &str) -> Result<Vec<Vec<String>>, QueryError> {
        let mut answer = session.query(sql)?;
        let mut rows = Vec::new();
        while let Some(more) = answer.next_cells()? {
            rows.extend(more);
        }
        Ok(rows)
    }

    #[test]
    fn a_sort_of_more_than_the_memory_spills_and_is_right() {
        let sql = "SELECT record, model, item_uid FROM responses ORDER BY record, model DESC";
        for threads in [1, 3] {
            let session = session(24 << 20, threads);
            let mut answer = session.query(sql).unwrap();
            let (mut rows, mut bytes) = (0_usize, 0);
            while let Some(batch) = answer.next_cells().unwrap() {
                for row in batch {
                    let expected = (rows / MODELS, MODELS - 1 - rows % MODELS);
                    assert_eq!(
                        (row[0].as_str(), row[1].as_str()),
                        (
                            expected.0.to_string().as_str(),
                            format!("model-{:02}", expected.1).as_str()
                        )
                    );
                    bytes += 8 + row[1].len() + row[2].len();
                    rows += 1;
                }
            }
            assert_eq!(rows, MODELS * ITEMS);
            assert!(bytes > 24 << 20, "the test sorts too little: {bytes} bytes");
        }
    }

    #[test]
    fn what_cannot_spill_ends_in_an_error_that_says_so() {
        let session = session(2 << 20, 1);
        let error =
            all(&session, "SELECT count(*) FROM responses a JOIN responses b USING (record)");
        assert!(
            matches!(&error, Err(QueryError::Memory { limit, .. }) if *limit == 2 << 20),
            "{error:?}"
        );
        // The session lives on.
        assert_eq!(all(&session, "SELECT count(*) FROM responses").unwrap(), [["1100000"]]);
    }

    #[test]
    fn nothing_is_left_behind() {
        let session = session(24 << 20, 1);
        let folder = session.engine.folder.path().to_owned();
        let mut answer = session.query("SELECT * FROM responses ORDER BY record").unwrap();
        answer.next_batch().unwrap();
        drop(answer);
        assert!(folder.is_dir());
        drop(session);
        assert!(!folder.exists());
    }

    #[test]
    fn filters_on_any_column_count_what_they_should() {
        let session = session(64 << 20, 2);
        let count = |filter: &str| {
            all(&session, &format!("SELECT count(*) FROM responses WHERE {filter}"))
                .unwrap()
                .concat()
        };
        assert_eq!(count("model = 'model-10'"), ["100000"]);
        assert_eq!(count("model > 'model-10'"), ["0"]);
        assert_eq!(count("model = 'model-10' AND item_uid >= 'item-099990'"), ["10"]);
        assert_eq!(count("upper(model) = 'MODEL-10' AND length(item_uid) = 11"), ["100000"]);
    }

    #[test]
    fn columns_and_tables_that_are_not_there_are_named_with_those_that_are() {
        let session = session(64 << 20, 1);
        let error = all(&session, "SELECT colour FROM responses").unwrap_err();
        let QueryError::UnknownColumn { column, known } = &error else { panic!("{error}") };
        assert_eq!(column, "colour");
        assert!(known.contains(&"responses.score".to_owned()), "{known:?}");
        let error = all(&session, "SELECT * FROM 'responses.parquet'").unwrap_err();
        assert!(
            matches!(&error, QueryError::UnknownTable { known, .. } if known == &["responses"])
        );
        let error = all(&session, "SELECT frobnicate(score) FROM responses").unwrap_err();
        assert!(matches!(&error, QueryError::Plan(_)), "{error}");
    }

    #[test]
    fn long_chains_of_conditions_do_not_overflow_the_stack() {
        let session = session(64 << 20, 1);
        let conditions = vec!["trial = 1"; 5_000].join(" OR ");
        let count = all(&session, &format!("SELECT count(*) FROM responses WHERE {conditions}"));
        assert_eq!(count.unwrap(), [["0"]]);
    }
}
