//! AlpacaEval's `annotations.json`: one array, one record an instruction, a judge's preference.
//!
//! `preference` runs from 1 (the baseline's output is better) to 2 (the model's is), continuous for
//! weighted annotators. Score = preference - 1. Traps: 1.5 is a draw, the legacy code 0 is a draw
//! too; null and bare NaN mean unscored and stay missing, for the leaderboard leaves them out of
//! its mean. `generator_2` is not the model's name in every file, so the name comes from the recipe.

use std::{borrow::Cow, fmt};

use aliquot_tables::{aliases::Alias, items::Item, models::Model, responses::Response, runs::Run};
use serde::{
    Deserialize,
    de::{DeserializeSeed, Deserializer, Error as _, SeqAccess, Visitor},
};

use super::{Wanted, json::without_bare_nan};
use crate::{AdapterError, ItemContent, Occurrences, Place, RawFile, Shard};

/// Raised when the same bytes give other rows.
pub const VERSION: u32 = 2;

/// Name of the benchmark in item uids and targets.
pub const BENCHMARK: &str = "alpaca_eval";

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

/// Reads the only file of a unit. The model is `generator_2` of the first record unless it is wanted
/// otherwise.
pub(crate) fn normalize(files: &[RawFile<'_>], wanted: &Wanted) -> Result<Shard, AdapterError> {
    let file = &files[0];
    let model = match &wanted.model {
        Some(model) => model.clone(),
        None => generator(file)?,
    };
    let revision = wanted.revision.as_deref().unwrap_or_default();
    let mut shard = annotations(file, &Source { model: &model, revision })?;
    let judges = shard.responses.metric.values();
    if let [judge] = judges {
        shard.runs.push(Run {
            model: model.clone(),
            benchmark: BENCHMARK.to_owned(),
            metric: judge.clone(),
            raw: file.id.to_string(),
            tool: "alpaca_eval".to_owned(),
            items: shard.responses.len() as u32,
            ..Run::default()
        });
        return Ok(shard);
    }
    Err(file.error(Place::File, format!("it has annotations by {} judges", judges.len())))
}

/// The evaluated model, as the first record calls it.
fn generator(file: &RawFile<'_>) -> Result<String, AdapterError> {
    #[derive(Deserialize)]
    struct Named {
        generator_2: String,
    }
    let document = file.document()?;
    let named: Vec<Named> =
        serde_json::from_slice(&without_bare_nan(&document)).map_err(|error| {
            let place = Place::Line(error.line(), error.column());
            file.error(place, format!("{error}; name the model if the file does not"))
        })?;
    let first = named.first().map(|first| first.generator_2.clone());
    if named.iter().any(|other| Some(&other.generator_2) != first.as_ref()) {
        return Err(file.error(Place::File, "its records name several models: name one"));
    }
    first.ok_or_else(|| file.error(Place::File, "it holds no annotation"))
}

/// Reads one file of annotations of a named model.
pub fn annotations(file: &RawFile<'_>, source: &Source<'_>) -> Result<Shard, AdapterError> {
    let bytes = file.document()?;
    let first = read(file, source, &bytes);
    // Bare NaN is no JSON and rare: looking for it first would cost more than reading twice.
    let mut shard = match first {
        Ok(shard) => shard,
        Err(error) => match without_bare_nan(&bytes) {
            Cow::Owned(plain) => read(file, source, &plain)?,
            Cow::Borrowed(_) => return Err(error),
        },
    };
    if shard.responses.is_empty() {
        return Err(file.error(Place::File, "it holds no annotation"));
    }
    shard.models.push(Model { model: source.model.to_owned(), ..Model::default() });
    Ok(shard)
}

fn read(file: &RawFile<'_>, source: &Source<'_>, bytes: &[u8]) -> Result<Shard, AdapterError> {
    let mut builder = Builder {
        file,
        source,
        raw: file.id.to_string(),
        shard: Shard::default(),
        occurrences: Occurrences::default(),
        failure: None,
    };
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let parsed = Records(&mut builder).deserialize(&mut json).and_then(|()| json.end());
    if let Some(failure) = builder.failure {
        return Err(failure);
    }
    parsed.map_err(|error| {
        let place = Place::Line(error.line(), error.column());
        file.error(place, format!("{error}; expected AlpacaEval's array of annotations"))
    })?;
    Ok(builder.shard)
}

struct Builder<'a> {
    file: &'a RawFile<'a>,
    source: &'a Source<'a>,
    raw: String,
    shard: Shard,
    occurrences: Occurrences,
    failure: Option<AdapterError>,
}

impl Builder<'_> {
    fn add(&mut self, record: u64, annotation: &Annotation<'_>) -> Result<(), AdapterError> {
        let place = Place::Record(record);
        let score =
            score(annotation.preference).map_err(|problem| self.file.error(place, problem))?;
        let content = ItemContent {
            benchmark: BENCHMARK,
            config: &annotation.generator_1,
            split: "eval",
            stem: &annotation.instruction,
            choices: None,
            target: None,
        };
        let (item_uid, occurrence) =
            self.occurrences.next_uid(&content).map_err(self.file.canonical_error(place))?;
        self.shard.responses.push(&Response {
            model: self.source.model,
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
            revision: self.source.revision.to_owned(),
            native_id: Some(annotation.instruction.clone().into_owned()),
            ..Alias::default()
        });
        self.shard.items.push(Item {
            item_uid,
            benchmark: BENCHMARK.to_owned(),
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

/// Reads the array record by record, so that only one is in memory besides the bytes.
struct Records<'b, 'a>(&'b mut Builder<'a>);

impl<'de> DeserializeSeed<'de> for Records<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Records<'_, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "an array of annotations")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<(), A::Error> {
        let mut record = 0;
        while let Some(annotation) = sequence.next_element::<Annotation<'de>>()? {
            if let Err(error) = self.0.add(record, &annotation) {
                self.0.failure = Some(error);
                return Err(A::Error::custom("annotation refused"));
            }
            record += 1;
        }
        Ok(())
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
