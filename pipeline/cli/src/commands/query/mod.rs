use std::{
    io::{self, BufWriter, Write},
    num::{NonZeroU32, NonZeroUsize},
    path::PathBuf,
};

use aliquot_query::{Answer, QueryError, Session, Settings, tables_of};
use serde_json::json;

use super::{print, print_json};
use crate::{args::Global, error::Error};

mod cells;
mod tables;

use cells::Cells;
use tables::Tables;

/// Rows of text that are printed unless `--limit` says otherwise.
const ROWS: u64 = 100;

/// Arguments of `query`.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  aliquot query --tables alpaca-eval
  aliquot query \"SELECT model, avg(score) AS mean FROM scores GROUP BY model ORDER BY mean DESC\" alpaca-eval
  aliquot query \"SELECT benchmark, count(*) FROM items GROUP BY benchmark\" --folder DIR --csv

SELECT and EXPLAIN only; names with other characters than a-z, 0-9 and _ need double quotes.
Without ORDER BY the order of rows means nothing.")]
pub struct Arguments {
    /// One SELECT; with --tables not given.
    #[arg(value_name = "SQL")]
    first: Option<String>,
    /// Release: name, name@version or the beginning of its id.
    #[arg(value_name = "RELEASE")]
    second: Option<String>,
    /// Tables that the last runs of a recipe have made, published or not.
    #[arg(long, value_name = "RECIPE", conflicts_with = "folder")]
    run: Option<PathBuf>,
    /// Tables of a folder: each file NAME.parquet is table NAME.
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
    /// List the tables, their columns and numbers of rows.
    #[arg(long)]
    tables: bool,
    /// Print CSV.
    #[arg(long, conflicts_with_all = ["json", "tables"])]
    csv: bool,
    /// Most rows to print; as text 100 unless given, as CSV and JSON all.
    #[arg(long, value_name = "N", conflicts_with = "tables")]
    limit: Option<u64>,
    /// Memory for sorts, joins and groups in MiB; what does not fit goes to temporary files.
    #[arg(long, value_name = "MIB", default_value = "1024")]
    memory: NonZeroU32,
    /// Threads. With more than one, the last digit of sums and the order of rows without ORDER BY
    /// may differ from time to time.
    #[arg(long, value_name = "N", default_value = "1")]
    jobs: NonZeroUsize,
}

pub fn run(global: &Global, arguments: &Arguments) -> Result<(), Error> {
    let Arguments { first, second, .. } = arguments;
    let (sql, release) = if arguments.tables {
        (None, second.as_deref().or(first.as_deref()))
    } else {
        (first.as_deref(), second.as_deref())
    };
    if arguments.tables && first.is_some() && second.is_some() {
        return Err(Error::Usage("`--tables` takes a release and no SQL".to_owned()));
    }
    // A statement that is not answered anyway needs no store.
    let wanted = sql.map(tables_of).transpose()?;
    let tables = place(global, arguments, release)?;
    let settings = Settings {
        memory: (u64::from(arguments.memory.get()) << 20) as usize,
        threads: arguments.jobs.get(),
    };
    let mut session = Session::new(settings)?;
    match (sql, wanted) {
        (Some(sql), Some(wanted)) => {
            tables.register(&mut session, &wanted)?;
            answer(global, arguments, session.query(sql)?)
        }
        _ if arguments.tables => {
            tables.register(&mut session, &tables.names())?;
            list(global, &session);
            Ok(())
        }
        _ => Err(Error::Usage("give one SELECT, or `--tables`".to_owned())),
    }
}

fn place(global: &Global, arguments: &Arguments, release: Option<&str>) -> Result<Tables, Error> {
    match (release, &arguments.run, &arguments.folder) {
        (Some(release), None, None) => Tables::of_release(global, release),
        (None, Some(recipe), None) => Tables::of_run(global, recipe),
        (None, None, Some(folder)) => Tables::of_folder(folder),
        _ => Err(Error::Usage(
            "say whose tables by exactly one of RELEASE, `--run RECIPE` and `--folder DIR`"
                .to_owned(),
        )),
    }
}

fn answer(global: &Global, arguments: &Arguments, mut answer: Answer<'_>) -> Result<(), Error> {
    let mut out = BufWriter::new(io::stdout().lock());
    let written = if global.json {
        answer.write_json(&mut out, arguments.limit).map(|_| ())
    } else if arguments.csv {
        answer.write_csv(&mut out, arguments.limit).map(|_| ())
    } else {
        let cells = Cells::of(&mut answer, arguments.limit.unwrap_or(ROWS))?;
        out.write_all(cells.text().as_bytes())
            .map_err(|source| QueryError::Io { action: "write the answer", source })
    };
    let flushed = |()| out.flush().map_err(|source| QueryError::Io { action: "write", source });
    match written.and_then(flushed) {
        // A reader that has seen enough is no error.
        Err(QueryError::Io { source, .. }) if source.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}

fn list(global: &Global, session: &Session) {
    if global.json {
        let tables: Vec<_> = session
            .tables()
            .map(|table| {
                let columns = table.columns.iter().map(|column| {
                    json!({"name": column.name, "type": column.kind, "nullable": column.nullable})
                });
                let columns: Vec<_> = columns.collect();
                json!({"table": table.name, "rows": table.rows, "columns": columns})
            })
            .collect();
        print_json(&json!(tables));
        return;
    }
    for table in session.tables() {
        let width = table.columns.iter().map(|column| column.name.len()).max().unwrap_or(0);
        let mut text = format!("{}  {} rows\n", table.name, table.rows);
        for column in &table.columns {
            let empty = if column.nullable { ", may be empty" } else { "" };
            text.push_str(&format!("  {:<width$}  {}{empty}\n", column.name, column.kind));
        }
        print(&text);
    }
}
