//! AlpacaEval's `annotations.json`: one array, one record an instruction, a judge's preference.
//!
//! `preference` runs from 1 (the baseline's output is better) to 2 (the model's is), continuous for
//! weighted annotators. Score = preference - 1. Traps: 1.5 is a draw, the legacy code 0 is a draw
//! too; null and bare NaN mean unscored and stay missing, for the leaderboard leaves them out of
//! its mean. `generator_2` is not the model's name in every file, so the name comes from the recipe.

use std::borrow::Cow;

use aliquot_tables::{
    aliases::Alias, findings::Finding, items::Item, models::Model, responses::Response, runs::Run,
};
use serde::Deserialize;

use super::{Wanted, json_walk::Walk};
use crate::{AdapterError, ItemContent, Occurrences, Place, RawFile, Shard};

/// Raised when the same bytes give other rows.
pub const VERSION: u32 = 2;

/// Name of the benchmark in item uids and targets.
pub const BENCHMARK: &str = "alpaca_eval";

/// Instructions of the benchmark.
const POPULATION: usize = 805;

/// What the recipe knows about a file and the file does not say.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// Name of the evaluated model.
    pub model: &'a str,
    /// Revision of the repository.
    pub revision: &'a str,
}

#[derive(Deserialize)]
struct Annotation<'a> {
    #[serde(borrow)]
    instruction: Cow<'a, str>,
    #[serde(borrow, default)]
    dataset: Cow<'a, str>,
    #[serde(borrow)]
    generator_1: Cow<'a, str>,
    #[serde(borrow, default)]
    generator_2: Option<Cow<'a, str>>,
    #[serde(borrow)]
    annotator: Cow<'a, str>,
    /// Null is allowed, absence is not.
    #[serde(deserialize_with = "Option::deserialize")]
    preference: Option<f64>,
}

/// Whether a file looks like annotations.
pub(crate) fn recognises(_name: &str, head: &[u8]) -> bool {
    let head = String::from_utf8_lossy(head);
    head.trim_start().starts_with('[')
        && ["\"instruction\"", "\"generator_1\"", "\"annotator\""]
            .iter()
            .all(|key| head.contains(key))
}

/// Reads the only file of a unit. The model is `generator_2` unless it is wanted otherwise; of several
/// judges the one of the wanted metric is read.
pub(crate) fn normalize(files: &[RawFile<'_>], wanted: &Wanted) -> Result<Shard, AdapterError> {
    let file = &files[0];
    let reader = Reader {
        benchmark: wanted.benchmark.as_deref().unwrap_or(BENCHMARK),
        judge: wanted.metric.as_deref(),
        ..Reader::of(file, wanted.model.as_deref(), wanted.revision.as_deref().unwrap_or_default())
    };
    let mut shard = reader.read()?;
    let [judge] = shard.responses.metric.values() else {
        let judges = shard.responses.metric.values();
        let problem =
            format!("it has annotations by {} judges: {}", judges.len(), judges.join(", "));
        return Err(file.error(Place::File, format!("{problem}; name the metric to choose one")));
    };
    let (model, items) = (&shard.models[0].model, shard.items.len());
    shard.runs.push(Run {
        model: model.clone(),
        benchmark: shard.items[0].benchmark.clone(),
        metric: judge.clone(),
        raw: file.id.to_string(),
        tool: "alpaca_eval".to_owned(),
        items: items as u32,
        population: wanted.benchmark.is_none().then_some(POPULATION as u32),
        ..Run::default()
    });
    if items != POPULATION && wanted.benchmark.is_none() {
        shard.findings.push(Finding {
            kind: "partial-run".to_owned(),
            severity: "warning".to_owned(),
            benchmark: shard.items[0].benchmark.clone(),
            subject: model.clone(),
            evidence: format!("{items} of AlpacaEval's {POPULATION} instructions"),
            action: "keep".to_owned(),
            expected: Some(POPULATION as f64),
            observed: Some(items as f64),
        });
    }
    Ok(shard)
}

/// Reads one file of annotations of a named model, whatever it calls it itself.
pub fn annotations(file: &RawFile<'_>, source: &Source<'_>) -> Result<Shard, AdapterError> {
    Reader::of(file, Some(source.model), source.revision).read()
}

struct Reader<'a> {
    file: &'a RawFile<'a>,
    raw: String,
    /// None takes it from the file.
    model: Option<Cow<'a, str>>,
    benchmark: &'a str,
    revision: &'a str,
    /// The only judge whose annotations are read; None reads all.
    judge: Option<&'a str>,
    shard: Shard,
    occurrences: Occurrences,
}

impl<'a> Reader<'a> {
    fn of(file: &'a RawFile<'a>, model: Option<&'a str>, revision: &'a str) -> Self {
        Self {
            file,
            raw: file.id.to_string(),
            model: model.map(Cow::Borrowed),
            benchmark: BENCHMARK,
            revision,
            judge: None,
            shard: Shard::default(),
            occurrences: Occurrences::default(),
        }
    }

    /// One annotation at a time.
    fn read(mut self) -> Result<Shard, AdapterError> {
        let mut walk = Walk::of(self.file)?;
        let named = self.model.is_some();
        let (mut array, mut record) = (walk.open(b'[')?, 0);
        while walk.more(&mut array)? {
            let annotation: Annotation<'_> = walk.value()?;
            if !named {
                self.name_model(record, annotation.generator_2.as_deref())?;
            }
            if self.judge.is_none_or(|judge| judge == annotation.annotator) {
                self.add(record, &annotation)?;
            }
            record += 1;
        }
        walk.end()?;
        match self.model {
            Some(model) if !self.shard.responses.is_empty() => {
                let model = Model { model: model.into_owned(), ..Model::default() };
                self.shard.models.push(model);
                Ok(self.shard)
            }
            _ => {
                let of = self.judge.map_or(String::new(), |judge| format!(" by `{judge}`"));
                Err(self.file.error(Place::File, format!("it holds no annotation{of}")))
            }
        }
    }

    /// Takes the name from the first record; all others have to agree.
    fn name_model(&mut self, record: u64, name: Option<&str>) -> Result<(), AdapterError> {
        let error = |problem: String| Err(self.file.error(Place::Record(record), problem));
        match (&self.model, name) {
            (_, None | Some("")) => error("`generator_2` is absent: name the model".to_owned()),
            (Some(first), Some(name)) if first != name => error(format!(
                "it is of the model `{name}`, the records before of `{first}`: name one"
            )),
            (Some(_), Some(_)) => Ok(()),
            (None, Some(name)) => {
                self.model = Some(name.to_owned().into());
                Ok(())
            }
        }
    }

    fn add(&mut self, record: u64, annotation: &Annotation<'_>) -> Result<(), AdapterError> {
        let place = Place::Record(record);
        let score =
            score(annotation.preference).map_err(|problem| self.file.error(place, problem))?;
        let content = ItemContent {
            benchmark: self.benchmark,
            config: &annotation.generator_1,
            split: "eval",
            stem: &annotation.instruction,
            choices: None,
            target: None,
        };
        let (item_uid, occurrence) =
            self.occurrences.next_uid(&content).map_err(self.file.canonical_error(place))?;
        self.shard.responses.push(&Response {
            model: self.model.as_deref().unwrap_or_default(),
            item_uid: &item_uid,
            metric: &annotation.annotator,
            filter: "",
            trial: 0,
            score,
            log_likelihood: None,
            raw: &self.raw,
            record,
        });
        self.shard.aliases.push(Alias {
            item_uid: item_uid.clone(),
            tool: "alpaca_eval".to_owned(),
            task: annotation.dataset.clone().into_owned(),
            revision: self.revision.to_owned(),
            native_id: Some(annotation.instruction.clone().into_owned()),
            ..Alias::default()
        });
        self.shard.items.push(Item {
            item_uid,
            benchmark: self.benchmark.to_owned(),
            config: annotation.generator_1.clone().into_owned(),
            split: "eval".to_owned(),
            task: annotation.dataset.clone().into_owned(),
            stem: annotation.instruction.clone().into_owned(),
            occurrence,
            ..Item::default()
        });
        Ok(())
    }
}

/// The score, or why there is none.
fn score(preference: Option<f64>) -> Result<Result<f32, &'static str>, String> {
    match preference {
        None => Ok(Err("unscored")),
        Some(0.0) => Ok(Ok(0.5)),
        Some(preference) if (1.0..=2.0).contains(&preference) => Ok(Ok((preference - 1.0) as f32)),
        Some(preference) => {
            Err(format!("preference {preference} is not between 1 and 2 (nor the legacy draw 0)"))
        }
    }
}

#[cfg(test)]
mod tests {
    use aliquot_store::ObjectId;

    use super::*;
    use crate::Content;

    fn read(json: &str) -> Result<Shard, AdapterError> {
        let address = "https://h/a.json".parse().unwrap();
        let content = Content::Memory(json.as_bytes());
        let file = RawFile { address: &address, id: ObjectId::of(json.as_bytes()), content };
        annotations(&file, &Source { model: "m", revision: "r" })
    }

    fn annotation(instruction: &str, preference: &str) -> String {
        format!(
            r#"{{"instruction":"{instruction}","output_1":"x","generator_1":"base","dataset":"d",
                "output_2":"y","generator_2":"g","annotator":"judge","preference":{preference}}}"#
        )
    }

    #[test]
    fn preferences_become_scores_and_every_legacy_code_is_read() {
        let preferences = ["1.0", "2.0", "1.5", "0", "1.25", "null", "NaN"];
        let records: Vec<String> = preferences
            .iter()
            .enumerate()
            .map(|(index, value)| annotation(&format!("q{index}"), value))
            .collect();
        let shard = read(&format!("[{}]", records.join(","))).unwrap();
        assert_eq!(shard.responses.score[..5], [0.0, 1.0, 0.5, 0.5, 0.25]);
        assert!(shard.responses.score[5].is_nan() && shard.responses.score[6].is_nan());
        assert_eq!(shard.responses.missing_reason.get(6), "unscored");
        assert_eq!(shard.responses.record, [0, 1, 2, 3, 4, 5, 6]);
        assert_eq!((shard.items[0].config.as_str(), shard.items[0].task.as_str()), ("base", "d"));
    }

    #[test]
    fn a_preference_of_7_names_its_record() {
        let error =
            read(&format!("[{},{}]", annotation("a", "1"), annotation("b", "7"))).unwrap_err();
        assert_eq!(
            error.to_string(),
            "https://h/a.json, record 1: preference 7 is not between 1 and 2 (nor the legacy draw 0)"
        );
    }

    #[test]
    fn truncated_json_a_missing_key_and_another_shape_name_their_place() {
        let whole = format!("[{}]", annotation("a", "1"));
        let error = read(&whole[..whole.len() - 20]).unwrap_err();
        assert!(matches!(error.place, Place::Line(2, _)), "{error}");
        assert!(error.problem.contains("ends inside"), "{error}");
        let error = read(&whole.replace("preference", "score")).unwrap_err().to_string();
        assert!(error.contains("missing field `preference`"), "{error}");
        assert!(read("{}").is_err() && read("[]").is_err() && read("").is_err());
    }

    #[test]
    fn the_same_instruction_twice_is_two_items() {
        let shard = read(&format!("[{},{}]", annotation("a", "1"), annotation("a", "2"))).unwrap();
        assert_ne!(shard.items[0].item_uid, shard.items[1].item_uid);
        assert_eq!(shard.items[1].occurrence, 1);
    }

    fn normalized(json: &str, wanted: &Wanted) -> Result<Shard, AdapterError> {
        let address = "https://h/a.json".parse().unwrap();
        let content = Content::Memory(json.as_bytes());
        let file = RawFile { address: &address, id: ObjectId::of(json.as_bytes()), content };
        normalize(&[file], wanted)
    }

    #[test]
    fn the_model_is_what_all_records_call_it_unless_it_is_named() {
        let [one, two] = [annotation("a", "1"), annotation("b", "2")];
        let both = format!("[{one},{two}]");
        let shard = normalized(&both, &Wanted::default()).unwrap();
        assert_eq!((shard.models[0].model.as_str(), shard.runs[0].model.as_str()), ("g", "g"));
        assert_eq!((shard.runs[0].items, shard.runs[0].population), (2, Some(805)));
        assert_eq!(shard.findings[0].kind, "partial-run");

        let other = format!("[{one},{}]", two.replace("\"g\"", "\"h\""));
        let error = normalized(&other, &Wanted::default()).unwrap_err().to_string();
        assert!(error.contains("record 1: it is of the model `h`"), "{error}");
        let named = Wanted { model: Some("m".to_owned()), ..Wanted::default() };
        assert_eq!(normalized(&other, &named).unwrap().models[0].model, "m");
        let absent = one.replace("generator_2", "generator");
        let error = normalized(&format!("[{absent}]"), &Wanted::default()).unwrap_err();
        assert!(error.problem.contains("name the model"), "{error}");
    }

    #[test]
    fn of_several_judges_one_has_to_be_named() {
        let jury = annotation("a", "2").replace("\"judge\"", "\"jury\"");
        let both = format!("[{},{jury}]", annotation("a", "1"));
        let error = normalized(&both, &Wanted::default()).unwrap_err().to_string();
        assert!(error.contains("2 judges: judge, jury"), "{error}");
        let by = |judge: &str| Wanted { metric: Some(judge.to_owned()), ..Wanted::default() };
        let shard = normalized(&both, &by("jury")).unwrap();
        assert_eq!((&shard.responses.score, shard.items[0].occurrence), (&vec![1.0], 0));
        assert_eq!(shard.responses.record, [1]);
        let error = normalized(&both, &by("nobody")).unwrap_err().to_string();
        assert!(error.ends_with("it holds no annotation by `nobody`"), "{error}");
    }

    #[test]
    fn damaged_files_end_in_errors_that_name_the_file() {
        let whole = format!("[{},{}]", annotation("a", "1.5"), annotation("b", "2"));
        for at in 0..whole.len() {
            for byte in [b'"', b'{', b'\\', b'9', 0xff] {
                let mut bytes = whole.clone().into_bytes();
                bytes[at] = byte;
                let address = "https://h/a.json".parse().unwrap();
                let content = Content::Memory(&bytes);
                let file = RawFile { address: &address, id: ObjectId::of(&bytes), content };
                if let Err(error) = annotations(&file, &Source { model: "m", revision: "r" }) {
                    assert!(error.to_string().starts_with("https://h/a.json"), "{error}");
                }
            }
        }
    }
}
