//! Results that a user brings: one score an item, and how they fit a subset of a release.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use aliquot_release::{estimator::Estimator, manifest::Manifest};
use aliquot_store::Store;

use super::show::{SubsetName, find_subset, read_estimator};
use crate::error::Error;

/// Bytes of a file that its header is looked for in.
const HEADER: u64 = 4096;

/// Names listed in an error before the rest is only counted.
const LISTED: usize = 5;

/// A CSV file with the columns item_uid and score, or what a log holds of one model.
pub struct Results {
    path: PathBuf,
    answers: BTreeMap<String, Answer>,
    /// Logs hold what the tool ran, tables what their writer chose: items of a log that are not asked
    /// for do no harm.
    log: bool,
}

struct Answer {
    score: f64,
    /// Line of the table; None in a log.
    line: Option<u64>,
}

impl Results {
    /// Reads the file; every mistake is an error that names its line.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let refuse = |problem: String| Error::Results(format!("`{}`{problem}", path.display()));
        let file = File::open(path).map_err(|source| Error::File {
            action: "read",
            path: path.to_owned(),
            source,
        })?;
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(file);
        let header = reader.headers().map_err(|error| refuse(format!(": {error}")))?;
        let (uid_at, score_at) = columns(header).map_err(refuse)?;
        let mut answers = BTreeMap::new();
        for record in reader.records() {
            let record = record.map_err(|error| refuse(format!(": {error}")))?;
            let line = record.position().map_or(0, csv::Position::line);
            let refuse = |problem: String| refuse(format!(", line {line}: {problem}"));
            let (uid, text) = (&record[uid_at], &record[score_at]);
            if uid.is_empty() {
                return Err(refuse("the item_uid is blank".to_owned()));
            }
            let score: f64 =
                text.parse().map_err(|_| refuse(format!("score `{text}` is not a number")))?;
            if !(0.0..=1.0).contains(&score) {
                return Err(refuse(format!("score {text} is not between 0 and 1")));
            }
            if answers.insert(uid.to_owned(), Answer { score, line: Some(line) }).is_some() {
                return Err(refuse(format!("item {uid} is there twice")));
            }
        }
        Ok(Self { path: path.to_owned(), answers, log: false })
    }

    /// Whether a file is such a table, told by its name or the beginning of its first line.
    pub fn recognises(path: &Path) -> bool {
        let csv = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("csv"));
        let mut head = Vec::new();
        let read = File::open(path).and_then(|file| file.take(HEADER).read_to_end(&mut head));
        let first = head.split(|&byte| byte == b'\n').next().unwrap_or_default();
        let names = String::from_utf8_lossy(first);
        // A line of JSON may speak of item_uid, too.
        let header = !names.trim_start().starts_with(['{', '[']) && names.contains("item_uid");
        // With models it is a table like others, which an adapter reads.
        let model = |name: &str| name.trim_matches([' ', '"']).to_lowercase().starts_with("model");
        read.is_ok() && (csv || header) && !names.split(',').any(model)
    }

    /// The scores of a model in a log.
    pub fn of_log(name: PathBuf, scores: impl Iterator<Item = (String, f64)>) -> Self {
        let answer = |(item, score)| (item, Answer { score, line: None });
        Self { path: name, answers: scores.map(answer).collect(), log: true }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Number of items.
    pub fn len(&self) -> usize {
        self.answers.len()
    }

    /// Whether it has a score of that item.
    pub fn holds(&self, item: &str) -> bool {
        self.answers.contains_key(item)
    }

    /// One score an item, in their order; None if any is missing.
    pub fn scores(&self, items: &[String]) -> Option<Vec<f64>> {
        items.iter().map(|item| self.answers.get(item).map(|answer| answer.score)).collect()
    }

    /// Whether it holds no item that is not one of these, or is a log, of which only these are taken.
    pub fn within(&self, items: &BTreeSet<&str>) -> bool {
        self.log || self.answers.keys().all(|item| items.contains(item.as_str()))
    }

    /// One score an item of the subset, in the estimator's order; refuses missing and unknown items
    /// by name.
    pub fn of_subset(&self, estimator: &Estimator) -> Result<Vec<f64>, Error> {
        let wanted: BTreeSet<&str> = estimator.items.iter().map(String::as_str).collect();
        match self.scores(&estimator.items) {
            Some(scores) if self.within(&wanted) => Ok(scores),
            _ => {
                let what = format!(
                    "exactly the {} items of {}/{}",
                    estimator.items.len(),
                    estimator.target,
                    estimator.subset
                );
                Err(self.misfit(&what, &wanted, &wanted, estimator))
            }
        }
    }

    /// An error that names what is missing of `wanted` and what is not one of `known`.
    pub fn misfit(
        &self,
        what: &str,
        wanted: &BTreeSet<&str>,
        known: &BTreeSet<&str>,
        estimator: &Estimator,
    ) -> Error {
        let missing: Vec<String> =
            wanted.iter().filter(|item| !self.holds(item)).map(ToString::to_string).collect();
        let unknown = self.answers.iter().filter(|(item, _)| !known.contains(item.as_str()));
        let unknown: Vec<String> = unknown
            .filter_map(|(item, answer)| Some(format!("{item} (line {})", answer.line?)))
            .collect();
        Error::Results(format!(
            "`{}` does not hold {what}{}{}\n  \
             `aliquot show RELEASE --items {}/{}` lists the subset; nothing is imputed",
            self.path.display(),
            listed("missing", &missing),
            listed("unknown", &unknown),
            estimator.target,
            estimator.subset
        ))
    }
}

/// Places of item_uid and score, which have to be the only columns.
fn columns(header: &csv::StringRecord) -> Result<(usize, usize), String> {
    let names: Vec<&str> = header.iter().map(|name| name.trim_start_matches('\u{feff}')).collect();
    match names[..] {
        ["item_uid", "score"] => Ok((0, 1)),
        ["score", "item_uid"] => Ok((1, 0)),
        _ => Err(format!(": the columns must be item_uid,score; found {}", names.join(","))),
    }
}

fn listed(what: &str, items: &[String]) -> String {
    if items.is_empty() {
        return String::new();
    }
    let shown: Vec<&str> = items.iter().take(LISTED).map(String::as_str).collect();
    let more = match items.len() - shown.len() {
        0 => String::new(),
        more => format!("\n    and {more} more"),
    };
    format!("\n  {} {what}:\n    {}{more}", items.len(), shown.join("\n    "))
}

/// The estimators of the subset that was named, or of all.
pub fn candidates(
    store: &Store,
    manifest: &Manifest,
    subset: Option<&str>,
) -> Result<Vec<Estimator>, Error> {
    if let Some(subset) = subset {
        return Ok(vec![read_estimator(store, manifest, &find_subset(manifest, subset)?)?]);
    }
    let mut estimators = Vec::new();
    for target in &manifest.targets {
        for subset in target.subsets.keys() {
            let name = SubsetName { target: target.name.clone(), subset: subset.clone() };
            estimators.push(read_estimator(store, manifest, &name)?);
        }
    }
    if estimators.is_empty() {
        return Err(Error::Unverified("the release has no subsets".to_owned()));
    }
    Ok(estimators)
}

/// The subsets that results are of: those that a log holds whole, of each target the test subset before
/// others; without any, and of a table, the closest, whose estimator says what does not fit.
pub fn fitting<'a>(estimators: &'a [Estimator], results: &Results) -> Vec<&'a Estimator> {
    let whole = |estimator: &&Estimator| {
        results.log && estimator.items.iter().all(|item| results.holds(item))
    };
    let whole: Vec<&Estimator> = estimators.iter().filter(whole).collect();
    let test = |estimator: &&&Estimator| estimator.subset == "test";
    let tested: BTreeSet<&str> = whole.iter().filter(test).map(|own| &*own.target).collect();
    let kept = |own: &&Estimator| own.subset == "test" || !tested.contains(own.target.as_str());
    let kept: Vec<&Estimator> = whole.into_iter().filter(kept).collect();
    if kept.is_empty() { vec![closest(estimators, results)] } else { kept }
}

/// The subset that shares most items with the results; its estimator says what is missing.
pub fn closest<'a>(estimators: &'a [Estimator], results: &Results) -> &'a Estimator {
    let shared =
        |estimator: &Estimator| estimator.items.iter().filter(|item| results.holds(item)).count();
    let mut best = &estimators[0];
    for estimator in &estimators[1..] {
        if shared(estimator) > shared(best) {
            best = estimator;
        }
    }
    best
}
