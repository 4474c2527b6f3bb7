use std::path::PathBuf;

use aliquot_release::manifest::Manifest;
use aliquot_stats::{
    estimate::guarded::{Judged, Regime},
    interval::{Answers, Intervals},
};
use aliquot_store::Store;
use aliquot_tables::predictions;
use serde_json::json;

use super::{
    open_release, print, print_json, read_table,
    results::{Results, candidates, closest},
};
use crate::{args::Global, error::Error, stages::table};

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
    let results = Results::read(&arguments.results)?;
    let estimators = candidates(&store, &manifest, arguments.subset.as_deref())?;
    let estimator = closest(&estimators, &results);
    let scores = results.of_subset(estimator)?;

    let fitted = estimator.fitted().map_err(|problem| damaged(&problem))?;
    let estimate = fitted.estimate(&scores).map_err(|error| damaged(&error.to_string()))?;
    if !estimate.is_finite() {
        return Err(damaged("its estimate is no number"));
    }
    let judged = fitted.judge(&scores);
    let regime = judged.as_ref().map(|judged| judged.regime().name());
    let answers = Answers { filled: &scores, answered: &scores };
    let interval = Intervals::from(&estimator.interval)
        .interval(&fitted, answers, estimator.population as usize)
        .map_err(|error| damaged(&error.to_string()))?;
    let [lowest, highest] = estimator.source_range;
    let beyond = !(lowest..=highest).contains(&estimate);
    let predicted = predicted(&store, &manifest, &estimator.target)?;
    if global.json {
        print_json(&json!({
            "predicted_items": predicted, "release": id, "target": estimator.target, "subset": estimator.subset,
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
    if predicted > 0 {
        print(&format!(
            "note      {predicted} items of the mean have no answers: what models would score on them is \
             predicted from their text, and the interval does not know how well\n"
        ));
    }
    if beyond {
        print(&beyond_line(estimator.source_range));
    }
    Ok(())
}

fn beyond_line([lowest, highest]: [f64; 2]) -> String {
    format!(
        "note      outside the sources' range ({:.2} to {:.2} %); see the extrapolation rows of `aliquot show`\n",
        100.0 * lowest,
        100.0 * highest
    )
}

/// Items of a target that no model has answered.
fn predicted(store: &Store, manifest: &Manifest, target: &str) -> Result<usize, Error> {
    const TABLE: &str = "predictions";
    let own = manifest.targets.iter().find(|own| own.name == target);
    let (Some(target), true) = (own, manifest.tables.contains_key(TABLE)) else { return Ok(0) };
    let rows = predictions::decode(&read_table(store, manifest, TABLE)?).map_err(table(TABLE))?;
    Ok(rows.iter().filter(|row| target.benchmarks.contains_key(&row.benchmark)).count())
}

/// The scores have been checked: what is wrong now is the release.
fn damaged(problem: &str) -> Error {
    Error::Unverified(format!("the release's estimator cannot be used: {problem}"))
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
