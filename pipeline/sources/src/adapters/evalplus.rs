//! EvalPlus' `*_eval_results.json`: every completion of every task, with the base tests of HumanEval or
//! MBPP and the tests that EvalPlus adds.
//!
//! Metric `base` = the base tests pass, `plus` (the default) = both pass, for EvalPlus' own pass@k
//! counts so. Completions of a task are trials. Traps: a run with `--base-only` has a null
//! `plus_status`; inputs of failed tests may hold bare NaN; evalperf's files look alike and have no
//! outcome a completion.

use std::collections::BTreeMap;

use aliquot_store::canonical;
use aliquot_tables::{aliases::Alias, items::Item, models::Model, responses::Response, runs::Run};
use serde::Deserialize;

use super::{Wanted, json_walk::Walk};
use crate::{AdapterError, ItemContent, Place, RawFile, Shard};

/// Raised when the same bytes give other rows.
pub const VERSION: u32 = 1;

/// Name of the tool in aliases and runs.
const TOOL: &str = "evalplus";

/// What a completion is scored by.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Metric {
    Base,
    Plus,
}

impl Metric {
    fn name(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Plus => "plus",
        }
    }
}

#[derive(Deserialize)]
struct Completion {
    #[serde(default)]
    task_id: Option<String>,
    /// Null is allowed, absence is not.
    #[serde(deserialize_with = "Option::deserialize")]
    base_status: Option<String>,
    #[serde(default)]
    plus_status: Option<String>,
}

/// Whether a file looks like results.
pub(crate) fn recognises(name: &str, head: &[u8]) -> bool {
    let head = String::from_utf8_lossy(head);
    let has = |key: &str| head.contains(&format!("\"{key}\""));
    let named = name.trim_end_matches(".gz").ends_with("eval_results.json");
    has("eval") && ((has("base_status") && has("plus_status")) || (named && has("hash")))
}

/// Reads the only file of a unit.
pub(crate) fn normalize(files: &[RawFile<'_>], wanted: &Wanted) -> Result<Shard, AdapterError> {
    let file = &files[0];
    let metric = match wanted.metric.as_deref() {
        None | Some("plus") => Metric::Plus,
        Some("base") => Metric::Base,
        Some(other) => {
            let problem = format!("it has no metric `{other}`; it has: base, plus");
            return Err(file.error(Place::File, problem));
        }
    };
    let name = file.address.to_string();
    let identity = Identity::of(&name);
    let mut reader = Reader {
        file,
        raw: file.id.to_string(),
        model: wanted.model.clone().unwrap_or_else(|| identity.model.clone()),
        wanted,
        metric,
        shard: Shard::default(),
        seen: BTreeMap::new(),
        record: 0,
        scored: 0,
    };
    let head = reader.read()?;
    reader.finish(&head, &identity)
}

/// What the name of a file says: `<org>--<model>_<backend>_temp_<temperature>_eval_results.json`, or the
/// folder of an `eval_results.json`.
struct Identity {
    model: String,
    /// Backend and temperature; empty where the name has another form.
    settings: String,
}

impl Identity {
    fn of(address: &str) -> Self {
        let path = address.trim_start_matches("file:").trim_end_matches(".gz");
        let path = path.trim_end_matches("eval_results.json").trim_end_matches(['_', '/']);
        let name = path.rsplit('/').next().unwrap_or_default();
        let name = name.strip_suffix(".json").unwrap_or(name);
        let parts = name.rsplit_once("_temp_").and_then(|(name, temperature)| {
            let (model, backend) = name.rsplit_once('_')?;
            Some((model, format!("{backend}_temp_{temperature}")))
        });
        let (model, settings) = parts.unwrap_or((name, String::new()));
        Self { model: model.replace("--", "/"), settings }
    }
}

#[derive(Default)]
struct Head {
    date: String,
    hash: String,
}

struct Reader<'a> {
    file: &'a RawFile<'a>,
    raw: String,
    model: String,
    wanted: &'a Wanted,
    metric: Metric,
    shard: Shard,
    /// Trials of each task so far.
    seen: BTreeMap<String, u32>,
    record: u64,
    scored: usize,
}

impl Reader<'_> {
    /// One completion at a time.
    fn read(&mut self) -> Result<Head, AdapterError> {
        let mut walk = Walk::of(self.file)?;
        let (mut head, mut found) = (Head::default(), false);
        let mut object = walk.open(b'{')?;
        while walk.more(&mut object)? {
            match walk.key()?.as_str() {
                "date" => head.date = walk.value()?,
                "hash" => head.hash = walk.value()?,
                "eval" if found => return Err(walk.error("`eval` is there twice")),
                "eval" => {
                    found = true;
                    self.tasks(&mut walk)?;
                }
                _ => walk.skip()?,
            }
        }
        walk.end()?;
        Ok(head)
    }

    fn tasks(&mut self, walk: &mut Walk<'_>) -> Result<(), AdapterError> {
        let mut tasks = walk.open(b'{')?;
        while walk.more(&mut tasks)? {
            let task = walk.key()?;
            if self.seen.contains_key(&task) {
                return Err(walk.error(format!("task `{task}` is there twice")));
            }
            if walk.peek()? == Some(b'{') {
                return Err(walk.error(
                    "the task has no list of completions: results of evalperf, or of evalplus \
                     before 0.2, say nothing of a completion that can be read",
                ));
            }
            let item_uid = self.item(&task)?;
            let mut completions = walk.open(b'[')?;
            while walk.more(&mut completions)? {
                let completion = walk.value()?;
                self.add(&task, &item_uid, &completion)?;
            }
        }
        Ok(())
    }

    fn item(&mut self, task: &str) -> Result<String, AdapterError> {
        self.seen.insert(task.to_owned(), 0);
        let place = Place::Record(self.record);
        let benchmark = match &self.wanted.benchmark {
            Some(benchmark) => benchmark.clone(),
            None => benchmark(task).map_err(|problem| self.file.error(place, problem))?,
        };
        let (config, split, choices, target) = ("", "", None, None);
        let content =
            ItemContent { benchmark: &benchmark, config, split, stem: task, choices, target };
        let item_uid = content.uid(0).map_err(self.file.canonical_error(place))?;
        self.shard.aliases.push(Alias {
            item_uid: item_uid.clone(),
            tool: TOOL.to_owned(),
            task: benchmark.clone(),
            revision: self.wanted.revision.clone().unwrap_or_default(),
            native_id: Some(task.to_owned()),
            ..Alias::default()
        });
        self.shard.items.push(Item {
            item_uid: item_uid.clone(),
            benchmark,
            stem: task.to_owned(),
            ..Item::default()
        });
        Ok(item_uid)
    }

    fn add(
        &mut self,
        task: &str,
        item_uid: &str,
        completion: &Completion,
    ) -> Result<(), AdapterError> {
        let place = Place::Record(self.record);
        let error = |problem: String| self.file.error(place, problem);
        if let Some(other) = completion.task_id.as_deref().filter(|other| *other != task) {
            return Err(error(format!("a completion of task `{task}` says it is of `{other}`")));
        }
        let base = passed("base_status", completion.base_status.as_deref()).map_err(error)?;
        let plus = passed("plus_status", completion.plus_status.as_deref()).map_err(error)?;
        let score = match (self.metric, base, plus) {
            (Metric::Base, base, _) => base.ok_or("untested"),
            // A failure of the base tests decides it, whatever the others say.
            (Metric::Plus, Some(false), _) | (Metric::Plus, _, Some(false)) => Ok(false),
            (Metric::Plus, Some(true), Some(true)) => Ok(true),
            (Metric::Plus, _, _) => Err("untested"),
        };
        // Without any plus status the file has no such metric, even where base failures decide it.
        let tested = if self.metric == Metric::Base { base } else { plus };
        self.scored += usize::from(tested.is_some());
        let trial = self.seen.entry(task.to_owned()).or_default();
        self.shard.responses.push(&Response {
            model: &self.model,
            item_uid,
            metric: self.metric.name(),
            filter: "",
            trial: *trial,
            score: score.map(f32::from),
            log_likelihood: None,
            raw: &self.raw,
            record: self.record,
        });
        *trial += 1;
        self.record += 1;
        Ok(())
    }

    fn finish(mut self, head: &Head, identity: &Identity) -> Result<Shard, AdapterError> {
        let error = |problem: String| Err(self.file.error(Place::File, problem));
        if self.shard.responses.is_empty() {
            return error("it holds no completion".to_owned());
        }
        if self.scored == 0 {
            let other = if self.metric == Metric::Plus { "base" } else { "plus" };
            return error(format!(
                "no completion has a `{}_status`: choose the metric `{other}`",
                self.metric.name()
            ));
        }
        let digest = canonical::digest(&[&head.hash, &identity.settings])
            .map_err(self.file.canonical_error(Place::File))?;
        let mut benchmarks: Vec<&String> =
            self.shard.items.iter().map(|item| &item.benchmark).collect();
        benchmarks.sort();
        let counts = benchmarks.chunk_by(|one, other| one == other);
        self.shard.runs = counts
            .map(|items| Run {
                model: self.model.clone(),
                benchmark: items[0].clone(),
                task: items[0].clone(),
                metric: self.metric.name().to_owned(),
                raw: self.raw.clone(),
                tool: TOOL.to_owned(),
                task_version: head.hash.clone(),
                config_digest: digest.to_string(),
                started: head.date.clone(),
                items: items.len() as u32,
                ..Run::default()
            })
            .collect();
        self.shard.models.push(Model { model: self.model, ..Model::default() });
        Ok(self.shard)
    }
}

/// Whether a status says that the tests passed; None where they were not run.
fn passed(name: &str, status: Option<&str>) -> Result<Option<bool>, String> {
    match status {
        None => Ok(None),
        Some("pass") => Ok(Some(true)),
        Some("fail" | "timeout") => Ok(Some(false)),
        Some(other) => Err(format!("{name} `{other}` is none of pass, fail, timeout")),
    }
}

/// The benchmark that a task is of.
fn benchmark(task: &str) -> Result<String, String> {
    match task.split_once('/').map(|(prefix, _)| prefix) {
        Some("HumanEval") => Ok("humaneval".to_owned()),
        Some("Mbpp") => Ok("mbpp".to_owned()),
        _ => Err(format!("task `{task}` is neither of HumanEval nor of Mbpp: name the benchmark")),
    }
}

#[cfg(test)]
mod tests {
    use aliquot_store::ObjectId;

    use super::*;
    use crate::Content;

    fn read(json: &str, wanted: &Wanted) -> Result<Shard, AdapterError> {
        let address = "file:r/acme--m-1_x_vllm_temp_0.2_eval_results.json".parse().unwrap();
        let (id, content) = (ObjectId::of(json.as_bytes()), Content::Memory(json.as_bytes()));
        normalize(&[RawFile { address: &address, id, content }], wanted)
    }

    fn by(metric: &str) -> Wanted {
        Wanted { metric: Some(metric.to_owned()), ..Wanted::default() }
    }

    fn completion(base: &str, plus: &str) -> String {
        format!(
            r#"{{"solution":"x","base_status":{base},"plus_status":{plus},"base_fail_tests":[[NaN]]}}"#
        )
    }

    fn results(completions: &[String]) -> String {
        format!(
            r#"{{"date":"2024-01-02 03:04","hash":"h","eval":{{"HumanEval/0":[{}]}}}}"#,
            completions.join(",")
        )
    }

    #[test]
    fn plus_needs_both_and_completions_are_trials() {
        let statuses =
            [("pass", "pass"), ("pass", "fail"), ("fail", "pass"), ("timeout", "timeout")];
        let file = results(
            &statuses
                .map(|(base, plus)| completion(&format!("\"{base}\""), &format!("\"{plus}\""))),
        );
        let plus = read(&file, &Wanted::default()).unwrap();
        assert_eq!(plus.responses.score, [1.0, 0.0, 0.0, 0.0]);
        assert_eq!(
            (&plus.responses.trial[..], &plus.responses.record[..]),
            (&[0, 1, 2, 3][..], &[0, 1, 2, 3][..])
        );
        assert_eq!(read(&file, &by("base")).unwrap().responses.score, [1.0, 1.0, 0.0, 0.0]);
        let run = &plus.runs[0];
        assert_eq!((run.model.as_str(), run.benchmark.as_str()), ("acme/m-1_x", "humaneval"));
        assert_eq!(
            (run.started.as_str(), run.task_version.as_str(), run.items),
            ("2024-01-02 03:04", "h", 1)
        );
        assert_eq!(plus.items[0].item_uid, read(&file, &by("base")).unwrap().items[0].item_uid);
    }

    #[test]
    fn what_was_not_tested_is_missing() {
        let some = results(&[completion("\"pass\"", "null"), completion("\"pass\"", "\"pass\"")]);
        let shard = read(&some, &Wanted::default()).unwrap();
        assert!(shard.responses.score[0].is_nan());
        assert_eq!(shard.responses.missing_reason.get(0), "untested");
        let none = results(&[completion("\"fail\"", "null")]);
        let error = read(&none, &Wanted::default()).unwrap_err().to_string();
        assert!(error.ends_with("has a `plus_status`: choose the metric `base`"), "{error}");
        assert_eq!(read(&none, &by("base")).unwrap().responses.score, [0.0]);
    }

    #[test]
    fn mistakes_name_their_place() {
        let error = |json: &str| read(json, &Wanted::default()).unwrap_err().to_string();
        let unknown = error(&results(&[completion("\"passed\"", "null")]));
        assert!(
            unknown.ends_with("record 0: base_status `passed` is none of pass, fail, timeout"),
            "{unknown}"
        );
        let other = results(&[completion("\"pass\"", "null").replace("solution", "task_id")]);
        assert!(error(&other).contains("of task `HumanEval/0` says it is of `x`"));
        let task = results(&[completion("\"pass\"", "null")]).replace("HumanEval", "Own");
        assert!(error(&task).contains("name the benchmark"));
        assert!(error(r#"{"eval": {"HumanEval/0": {"pass@1": 3}}}"#).contains("evalperf"));
        assert!(error(r#"{"eval": {"HumanEval/0": [], "HumanEval/0": []}}"#).contains("twice"));
        assert!(error("{}").contains("holds no completion"));
        let error = read("{}", &by("pass@1")).unwrap_err().to_string();
        assert!(error.contains("it has: base, plus"), "{error}");
    }
}
