use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    path::{Path, PathBuf},
};

use aliquot_release::{estimator::Estimator, manifest::Manifest};
use aliquot_stats::{
    estimate::{Fitted, guarded::{Judged, Regime}},
    interval::{Answers, Intervals},
};
use aliquot_store::Store;
use serde_json::json;

use super::{
    open_release, print, print_json,
    show::{SubsetName, find_subset, read_estimator},
};
use crate::{args::Global, error::Error, stages::stats};

/// Names listed in an error before the rest is only counted.
const LISTED: usize = 5;

/// Arguments of `estimate`.
#[derive(clap::Args)]
pub struct Arguments {
    /// Release: name, name@version or the beginning of its id.
    release: String,
    /// CSV with the columns item_uid and score, one row an item, scores in [0, 1].
    results: PathBuf,
    /// Subset that was run (TARGET/SUBSET); found by its items unless given.
    #[arg(long)]
    subset: Option<String>,
}

pub fn run(global: &Global, arguments: &Arguments) -> Result<(), Error> {
    let (store, id, manifest) = open_release(global, &arguments.release)?;
    let results = read_results(&arguments.results)?;
    let estimators = candidates(&store, &manifest, arguments.subset.as_deref())?;
    let estimator = closest(&estimators, &results);
    let scores = align(estimator, &results, &arguments.results)?;

    let fitted = Fitted::try_from(estimator.form.clone()).map_err(stats("the estimator"))?;
    let estimate = fitted.estimate(&scores).map_err(stats("estimate"))?;
    let judged = fitted.judge(&scores);
    let regime = judged.as_ref().map(|judged| judged.regime().name());
    let answers = Answers { filled: &scores, answered: &scores };
    let interval = Intervals::from(&estimator.interval)
        .interval(&fitted, answers, estimator.population as usize)
        .map_err(stats("the interval"))?;
    let [lowest, highest] = estimator.source_range;
    let beyond = !(lowest..=highest).contains(&estimate);
    if global.json {
        print_json(&json!({
            "release": id, "target": estimator.target, "subset": estimator.subset,
            "estimator": estimator.procedure, "items": estimator.items.len(), "population": estimator.population,
            "estimate": estimate, "lower": interval.lower, "upper": interval.upper,
            "interval": estimator.interval, "source_range": estimator.source_range, "beyond_sources": beyond,
            "regime": regime, "weight_outside": judged.as_ref().map(|judged| judged.outside),
        }));
        return Ok(());
    }
    print(&format!(
        "{}@{} {}/{}, {} of {} items, estimator {}\n\
         estimate  {:.2} %\ninterval  {:.2} to {:.2} %  ({:.0} % {}, {}; {} sources)\n",
        manifest.name,
        manifest.version,
        estimator.target,
        estimator.subset,
        estimator.items.len(),
        estimator.population,
        estimator.procedure,
        100.0 * estimate,
        100.0 * interval.lower,
        100.0 * interval.upper,
        100.0 * estimator.interval.level(),
        estimator.interval.kind(),
        estimator.interval.covers(),
        estimator.sources,
    ));
    if let Some(judged) = judged {
        print(&regime_line(&judged));
    }
    if beyond {
        print(&format!(
            "note      outside the sources' range ({:.2} to {:.2} %); see the extrapolation rows of `aliquot show`\n",
            100.0 * lowest,
            100.0 * highest
        ));
    }
    Ok(())
}

/// How far the estimate leans on the source models.
fn regime_line(judged: &Judged) -> String {
    let meaning = match judged.regime() {
        Regime::Inside => "like the sources: the estimate leans on how they answered",
        Regime::Edge => "the answers do not tell whether it is like the sources",
        Regime::Outside => "unlike the sources: the estimate leans on the answers",
    };
    format!(
        "regime    {}  ({meaning}; weight of outside {:.2})\n",
        judged.regime().name(),
        judged.outside
    )
}

/// Scores by item uid; every mistake is an error that names its line.
fn read_results(path: &Path) -> Result<BTreeMap<String, f64>, Error> {
    let refuse = |problem: String| Error::Results(format!("`{}`{problem}", path.display()));
    let file = File::open(path).map_err(|source| Error::File {
        action: "read",
        path: path.to_owned(),
        source,
    })?;
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(file);
    let header = reader.headers().map_err(|error| refuse(format!(": {error}")))?.clone();
    let names: Vec<&str> = header.iter().map(|name| name.trim_start_matches('\u{feff}')).collect();
    let unknown: Vec<&str> =
        names.iter().copied().filter(|name| !["item_uid", "score"].contains(name)).collect();
    let position = |wanted: &str| names.iter().position(|name| *name == wanted);
    let once = names.len() == 2;
    let (Some(uid_at), Some(score_at), true) =
        (position("item_uid"), position("score"), unknown.is_empty() && once)
    else {
        return Err(refuse(format!(
            ": the columns must be item_uid,score; found {}",
            names.join(",")
        )));
    };
    let mut results = BTreeMap::new();
    for record in reader.records() {
        let record = record.map_err(|error| refuse(format!(": {error}")))?;
        let line = record.position().map_or(0, csv::Position::line);
        let (uid, text) = (&record[uid_at], &record[score_at]);
        if uid.is_empty() {
            return Err(refuse(format!(", line {line}: the item_uid is blank")));
        }
        let score: f64 = text
            .parse()
            .map_err(|_| refuse(format!(", line {line}: score `{text}` is not a number")))?;
        if !(0.0..=1.0).contains(&score) {
            return Err(refuse(format!(", line {line}: score {text} is not between 0 and 1")));
        }
        if results.insert(uid.to_owned(), score).is_some() {
            return Err(refuse(format!(", line {line}: item {uid} is there twice")));
        }
    }
    Ok(results)
}

fn candidates(
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
    Ok(estimators)
}

/// The subset that shares most items with the results; its estimator says what is missing.
fn closest<'a>(estimators: &'a [Estimator], results: &BTreeMap<String, f64>) -> &'a Estimator {
    let shared = |estimator: &Estimator| {
        estimator.items.iter().filter(|item| results.contains_key(*item)).count()
    };
    let mut best = &estimators[0];
    for estimator in &estimators[1..] {
        if shared(estimator) > shared(best) {
            best = estimator;
        }
    }
    best
}

/// One score an item, in the estimator's order; refuses missing and unknown items by name.
fn align(
    estimator: &Estimator,
    results: &BTreeMap<String, f64>,
    path: &Path,
) -> Result<Vec<f64>, Error> {
    let wanted: BTreeSet<&String> = estimator.items.iter().collect();
    let missing: Vec<&str> = wanted
        .iter()
        .filter(|item| !results.contains_key(**item))
        .map(|item| item.as_str())
        .collect();
    let unknown: Vec<&str> =
        results.keys().filter(|item| !wanted.contains(item)).map(String::as_str).collect();
    if missing.is_empty() && unknown.is_empty() {
        return Ok(estimator.items.iter().map(|item| results[item]).collect());
    }
    let list = |what: &str, items: &[&str]| {
        if items.is_empty() {
            return String::new();
        }
        let shown = items.iter().take(LISTED).copied().collect::<Vec<_>>().join("\n    ");
        let more = if items.len() > LISTED {
            format!("\n    and {} more", items.len() - LISTED)
        } else {
            String::new()
        };
        format!("\n  {} {what}:\n    {shown}{more}", items.len())
    };
    Err(Error::Results(format!(
        "`{}` does not hold exactly the {} items of {}/{}{}{}\n  \
         `aliquot show RELEASE --items {}/{}` lists them; nothing is imputed",
        path.display(),
        estimator.items.len(),
        estimator.target,
        estimator.subset,
        list("missing", &missing),
        list("unknown", &unknown),
        estimator.target,
        estimator.subset
    )))
}
