//! One module a result format. An adapter is a pure function from raw files to a [`crate::Shard`].
//!
//! Rules that all adapters keep: an explicit primary metric or an error; scores of two filters are
//! never merged; a missing score is missing with its reason, never 0; where the file has the
//! log-likelihoods of the choices, accuracy is recomputed from them and has to agree.

pub mod alpaca_eval;
mod curated;
pub mod evalplus;
pub mod every_eval_ever;
pub mod helm;
pub mod inspect;
mod json;
mod json_stream;
mod json_walk;
mod lighteval;
mod likelihood;
pub mod lm_eval;
mod names;
pub mod opencompass;
pub mod swe_bench;
pub mod table;

use aliquot_tables::foreign::{Format, TextTable};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use self::json::Records;
pub use self::lm_eval::Templates;
use crate::{AdapterError, Address, Place, RawFile, Shard};

/// The adapters of files that say themselves what they are. Tables whose columns leave a doubt need a
/// declaration, see [`table`].
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Adapter {
    /// AlpacaEval's annotations, by any judge.
    AlpacaEval,
    /// lm-evaluation-harness, and Open LLM Leaderboard v2.
    LmEval,
    /// SWE-bench's reports and boards.
    SweBench,
    /// EvalPlus' results.
    #[serde(rename = "evalplus")]
    EvalPlus,
    /// Every Eval Ever's samples.
    EveryEvalEver,
    /// lighteval, and Open LLM Leaderboard v1.
    Lighteval,
    /// Runs of HELM: folders.
    Helm,
    /// Logs of Inspect, as `.eval` and `.json`.
    Inspect,
    /// Results of OpenCompass, with their predictions.
    Opencompass,
    /// Tables with a model, an item and a score in each row.
    Table,
}

/// What a recipe or the command line says besides the files.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// Name of the model, where the files' own is absent or wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Name of the benchmark, where it is not the one that the task is known to belong to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub benchmark: Option<String>,
    /// Metric of the scores, where the files hold several and declare none as the main one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<String>,
    /// Filter of the answers, where the files hold several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// Revision of the repository that the files are from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
}

impl Adapter {
    /// All of them, in the order in which they are asked whether a file is theirs.
    pub const ALL: [Self; 10] = [
        Self::AlpacaEval,
        Self::LmEval,
        Self::SweBench,
        Self::EvalPlus,
        Self::EveryEvalEver,
        Self::Lighteval,
        Self::Helm,
        Self::Inspect,
        Self::Opencompass,
        Self::Table,
    ];

    /// Name, as in recipes and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::AlpacaEval => "alpaca-eval",
            Self::LmEval => "lm-eval",
            Self::SweBench => "swe-bench",
            Self::EvalPlus => "evalplus",
            Self::EveryEvalEver => "every-eval-ever",
            Self::Lighteval => "lighteval",
            Self::Helm => "helm",
            Self::Inspect => "inspect",
            Self::Opencompass => "opencompass",
            Self::Table => "table",
        }
    }

    /// Raised when the same bytes give other rows.
    pub fn version(self) -> u32 {
        match self {
            Self::AlpacaEval => alpaca_eval::VERSION,
            Self::LmEval => lm_eval::VERSION,
            Self::SweBench => swe_bench::VERSION,
            Self::EvalPlus => evalplus::VERSION,
            Self::EveryEvalEver => every_eval_ever::VERSION,
            Self::Lighteval => lighteval::VERSION,
            Self::Helm => helm::VERSION,
            Self::Inspect => inspect::VERSION,
            Self::Opencompass => opencompass::VERSION,
            Self::Table => table::VERSION,
        }
    }

    /// The adapter of a file, told by its name and the beginning of its unpacked text.
    pub fn guess(file: &RawFile<'_>, head: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|adapter| adapter.recognises(file, head))
    }

    /// Whether a file of this name and beginning, unpacked, looks like this adapter's.
    pub fn recognises(self, file: &RawFile<'_>, head: &[u8]) -> bool {
        let name = file.address.to_string();
        match self {
            Self::AlpacaEval => alpaca_eval::recognises(&name, head),
            Self::LmEval => lm_eval::recognises(&name, head),
            Self::SweBench => swe_bench::recognises(&name, head),
            Self::EvalPlus => evalplus::recognises(&name, head),
            Self::EveryEvalEver => every_eval_ever::recognises(&name, head),
            Self::Lighteval => lighteval::recognises(&name, head),
            Self::Helm => helm::recognises(&name, head),
            Self::Inspect => inspect::recognises(&name, head),
            Self::Opencompass => opencompass::recognises(&name, head),
            Self::Table => table::recognises(file, head),
        }
    }

    /// How a file with scores has to be named, where the name says what the content does not.
    pub fn named(self) -> Option<&'static str> {
        match self {
            Self::LmEval => Some("samples_TASK_TIME.jsonl, in a folder named as the model"),
            Self::Lighteval => Some("details_TASK_TIME.parquet"),
            Self::Helm => Some("per_instance_stats.json"),
            Self::Opencompass => Some("results/MODEL/DATASET.json"),
            _ => None,
        }
    }

    /// Files that are read together, as positions in `addresses`, which are all of this adapter. The
    /// first file of a unit holds the scores; a file may serve several units, or none.
    pub fn units(self, addresses: &[&Address]) -> Vec<Vec<usize>> {
        match self {
            Self::LmEval => lm_eval::units(addresses),
            Self::SweBench => swe_bench::units(addresses),
            Self::EveryEvalEver => every_eval_ever::units(addresses),
            Self::Lighteval => lighteval::units(addresses),
            Self::Helm => helm::units(addresses),
            Self::Opencompass => opencompass::units(addresses),
            Self::AlpacaEval | Self::EvalPlus | Self::Inspect | Self::Table => {
                (0..addresses.len()).map(|at| vec![at]).collect()
            }
        }
    }

    /// Reads the files of one unit.
    pub fn normalize(self, files: &[RawFile<'_>], wanted: &Wanted) -> Result<Shard, AdapterError> {
        self.normalize_among(files, wanted, &Templates::default())
    }

    /// The same, faster where `templates` have seen other models' files of the same task, and has been
    /// shown these.
    pub fn normalize_among(
        self,
        files: &[RawFile<'_>],
        wanted: &Wanted,
        templates: &Templates,
    ) -> Result<Shard, AdapterError> {
        match self {
            Self::AlpacaEval => alpaca_eval::normalize(files, wanted),
            Self::LmEval => lm_eval::normalize(files, wanted, templates),
            Self::SweBench => swe_bench::normalize(files, wanted),
            Self::EvalPlus => evalplus::normalize(files, wanted),
            Self::EveryEvalEver => every_eval_ever::normalize(files, wanted),
            Self::Lighteval => lighteval::normalize(files, wanted),
            Self::Helm => helm::normalize(files, wanted),
            Self::Inspect => inspect::normalize(files, wanted),
            Self::Opencompass => opencompass::normalize(files, wanted),
            Self::Table => table::normalize_undeclared(&files[0], wanted),
        }
    }
}

/// One record of a raw file, as JSON: a row of a table, a line, or an element of an array, gzip unpacked.
/// A record inside of one large document or an archive is not taken out: then it is said where it is.
pub fn raw_record(file: &RawFile<'_>, record: u64) -> Result<Value, AdapterError> {
    let absent = || file.error(Place::Record(record), "there is no such record");
    let format = Format::from_name(file.address.to_string().trim_end_matches(".gz"));
    if let Some(format @ (Format::Csv | Format::Parquet)) = format {
        let table = TextTable::read(format, &file.document()?);
        let table = table.map_err(|error| file.table_error(&error))?;
        let mut row = Map::new();
        for name in table.names() {
            let cells = table.column(name).map_err(|error| file.table_error(&error))?;
            let cell = cells.get(record as usize).ok_or_else(absent)?;
            row.insert(name.clone(), cell.map_or(Value::Null, Value::from));
        }
        return Ok(Value::Object(row));
    }
    let mut records = Records::of(file)?;
    let lines = matches!(records, Records::Lines(..));
    loop {
        let (number, text) = match records.next() {
            Ok(Some((number, _, text))) => (number, text),
            Ok(None) if !lines => return Err(absent()),
            Err(error) if !lines => return Err(error),
            Ok(None) | Err(_) => return Ok(inside(file, record)),
        };
        if number == record {
            // A line of an indented document may be a value as well, but no record.
            let value = serde_json::from_slice(&json::without_bare_nan(text.as_bytes()));
            let value = value.ok().filter(Value::is_object);
            return Ok(value.unwrap_or_else(|| inside(file, record)));
        }
    }
}

fn inside(file: &RawFile<'_>, record: u64) -> Value {
    json!({
        "file": file.address.to_string(), "record": record,
        "note": "inside of a document or an archive, counted from 0 as the adapter reads it",
    })
}
