//! The samples of a log, as far as they matter: who was asked what, and with what outcome.

use std::collections::{BTreeMap, btree_map};

use super::{
    archive::Archive,
    header::Id,
    sample::{Outcome, Sample, Value},
};
use crate::{AdapterError, Place, RawFile};

/// What was asked.
#[derive(Debug, PartialEq)]
pub(super) struct Question {
    pub stem: String,
    pub choices: Option<Vec<String>>,
    pub target: Option<String>,
}

/// One sample of one epoch.
#[derive(Debug)]
pub(super) struct Row {
    /// Position in the file's list of samples.
    pub record: u64,
    /// Why it counts as unscored, whatever its scores are.
    pub failure: Option<&'static str>,
    /// Outcomes by position in [`Rows::names`].
    pub outcomes: Vec<(usize, Outcome)>,
}

/// All samples of a log, by id.
#[derive(Debug, Default)]
pub(super) struct Rows {
    /// Names of the scores: the scorer, or scorer and key of named values.
    pub names: Vec<String>,
    positions: BTreeMap<String, usize>,
    pub questions: BTreeMap<Id, (Question, BTreeMap<u32, Row>)>,
}

impl Rows {
    /// Adds a sample with its texts resolved.
    pub fn add(
        &mut self,
        file: &RawFile<'_>,
        record: u64,
        sample: Sample,
    ) -> Result<(), AdapterError> {
        let refuse = |problem: String| Err(file.error(Place::Record(record), problem));
        let outcomes = self.outcomes(&sample);
        let failure = match (&sample.error, &sample.invalidation) {
            (Some(_), _) => Some("error"),
            (None, Some(_)) => Some("invalidated"),
            (None, None) => None,
        };
        let row = Row { record, failure, outcomes };
        let (id, epoch) = (sample.id.clone(), sample.epoch);
        let question = question(sample);
        match self.questions.entry(id) {
            btree_map::Entry::Vacant(vacant) => {
                vacant.insert((question, BTreeMap::from([(epoch, row)])));
            }
            btree_map::Entry::Occupied(mut occupied) => {
                let id = occupied.key().clone();
                let (known, rows) = occupied.get_mut();
                if rows.contains_key(&epoch) {
                    return refuse(format!("the sample `{id}` has epoch {epoch} twice"));
                }
                if (&known.stem, &known.choices) != (&question.stem, &question.choices) {
                    return refuse(format!("the id `{id}` names two questions"));
                }
                rows.insert(epoch, row);
            }
        }
        Ok(())
    }

    fn outcomes(&mut self, sample: &Sample) -> Vec<(usize, Outcome)> {
        let mut outcomes = Vec::new();
        let scores = sample.scores.iter().flat_map(|scores| &scores.0);
        let only = sample.score.iter().filter(|_| sample.scores.is_none());
        let named = scores.map(|(name, score)| (name.as_str(), score));
        for (name, score) in named.chain(only.map(|score| ("score", score))) {
            match &score.value {
                Value::Named(values) => {
                    for (key, value) in values {
                        outcomes.push((self.position(&format!("{name}/{key}")), value.outcome()));
                    }
                }
                value => outcomes.push((self.position(name), value.outcome())),
            }
        }
        outcomes
    }

    fn position(&mut self, name: &str) -> usize {
        if let Some(&position) = self.positions.get(name) {
            return position;
        }
        self.names.push(name.to_owned());
        self.positions.insert(name.to_owned(), self.names.len() - 1);
        self.names.len() - 1
    }
}

fn question(sample: Sample) -> Question {
    let choices = sample.choices.map(|choices| choices.0).filter(|choices| !choices.is_empty());
    let target = sample.target.map(|target| gold(&target.0, choices.as_deref()));
    let target = target.filter(|target| !target.is_empty());
    Question { stem: sample.input.0, choices, target }
}

/// The reference answer as text: of choices the one that the letter stands for, so that it reads the
/// same as other tools have it; of several the list.
fn gold(targets: &[String], choices: Option<&[String]>) -> String {
    let choice = |letter: &String| match letter.as_bytes() {
        [letter @ b'A'..=b'Z'] => choices?.get(usize::from(letter - b'A')).cloned(),
        _ => None,
    };
    let texts: Vec<String> =
        targets.iter().map(|target| choice(target).unwrap_or_else(|| target.clone())).collect();
    match texts.as_slice() {
        [only] => only.clone(),
        [] => String::new(),
        several => serde_json::Value::from(several).to_string(),
    }
}

/// The samples of an archive, read one at a time.
pub(super) fn of_archive(
    file: &RawFile<'_>,
    archive: &mut Archive<'_>,
) -> Result<Rows, AdapterError> {
    let mut rows = Rows::default();
    for (record, entry) in archive.samples().iter().enumerate() {
        let mut sample: Sample = archive.read(&entry.name, "a sample of Inspect")?;
        if entry.chunked {
            sample.input.0 = archive.resolve(entry, &sample.input.0)?;
        }
        rows.add(file, record as u64, sample)?;
    }
    Ok(rows)
}
