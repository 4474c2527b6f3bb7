use std::path::PathBuf;

use aliquot_release::{estimator::Estimator, manifest::Manifest};
use aliquot_stats::{
    estimate::guarded::{Judged, Regime},
    interval::{Answers, Interval, Intervals},
};
use aliquot_store::{ObjectId, Store};
use aliquot_tables::predictions;
use serde_json::{Value, json};

use super::{
    import::Reading,
    logs::{self, Log},
    open_release, print, print_json, read_table,
    results::{candidates, fitting},
};
use crate::{args::Global, error::Error, stages::table};

/// What `--json` prints; the last paragraph of `aliquot estimate --help`.
const NOTE: &str = "\
Logs are joined to the release item by item: by content, or else by the tool's digest, the benchmark's id,
the position. Scores of another metric or filter than the release's are refused; other shots, templates,
versions of the task and prompts are noted.
--json prints one object, or a list of them where the results are of several models or subsets.";

/// Arguments of `estimate`.
#[derive(clap::Args)]
#[command(after_long_help = NOTE)]
pub struct Arguments {
    /// Release: name, name@version or the beginning of its id.
    release: String,
    /// Results: a CSV with the columns item_uid and score, one row an item, scores in [0, 1]; or files
    /// and folders that an eval tool wrote, as `aliquot import` reads them, of one model or several.
    #[arg(required = true, value_name = "PATH")]
    results: Vec<PathBuf>,
    /// Subset that was run (TARGET/SUBSET). Unless given, all that the results hold, of each target the
    /// test subset before the validation subset.
    #[arg(long)]
    subset: Option<String>,
    #[command(flatten)]
    reading: Reading,
}

pub fn run(global: &Global, arguments: &Arguments) -> Result<(), Error> {
    let (store, id, manifest) = open_release(global, &arguments.release)?;
    let from = (global.store.as_str(), &store);
    let logs = logs::read(from, &manifest, &arguments.results, &arguments.reading)?;
    let estimators = candidates(&store, &manifest, arguments.subset.as_deref())?;
    let release = Release { store: &store, id, manifest: &manifest };
    // The results of one model say nothing of another's: those that fit are told before those that do
    // not end the command.
    let (mut estimated, mut refused) = (Vec::new(), Vec::new());
    for log in &logs {
        for estimator in fitting(&estimators, &log.results) {
            match release.estimate(log, estimator) {
                Ok(own) => estimated.push(own),
                Err(error) => refused.push(noted(error, &log.notes)),
            }
        }
    }
    let several = estimated.len() + refused.len() > 1;
    tell(global, &release, &estimated, several);
    match refused.len() {
        0 => Ok(()),
        1 => Err(refused.remove(0)),
        _ => {
            let all: Vec<String> = refused.iter().map(ToString::to_string).collect();
            Err(Error::Results(all.join("\n")))
        }
    }
}

/// A refusal with what may explain it.
pub fn noted(error: Error, notes: &[String]) -> Error {
    match error {
        Error::Results(mut problem) => {
            notes.iter().for_each(|note| problem.push_str(&format!("\n  note: {note}")));
            Error::Results(problem)
        }
        other => other,
    }
}

fn tell(global: &Global, release: &Release<'_>, estimated: &[Estimated<'_>], several: bool) {
    if global.json {
        let mut estimated: Vec<_> = estimated.iter().map(|own| own.json(release)).collect();
        match (estimated.len(), several) {
            (0, _) => {}
            (1, false) => print_json(&estimated.remove(0)),
            _ => print_json(&estimated.into()),
        }
        return;
    }
    for (at, own) in estimated.iter().enumerate() {
        print(if at > 0 { "\n" } else { "" });
        print(&own.text(release));
    }
}

/// What estimates are made with.
struct Release<'a> {
    store: &'a Store,
    id: ObjectId,
    manifest: &'a Manifest,
}

/// The estimate of one model, and what to know of it.
struct Estimated<'a> {
    log: &'a Log,
    estimator: &'a Estimator,
    estimate: f64,
    interval: Interval,
    judged: Option<Judged>,
    /// Items of the mean that nobody has answered.
    predicted: usize,
}

impl Release<'_> {
    fn estimate<'a>(
        &'a self,
        log: &'a Log,
        estimator: &'a Estimator,
    ) -> Result<Estimated<'a>, Error> {
        let scores = log.results.of_subset(estimator)?;
        let fitted = estimator.fitted().map_err(|problem| damaged(&problem))?;
        let estimate = fitted.estimate(&scores).map_err(|error| damaged(&error.to_string()))?;
        if !estimate.is_finite() {
            return Err(damaged("its estimate is no number"));
        }
        let judged = fitted.judge(&scores);
        let answers = Answers { filled: &scores, answered: &scores };
        let interval = Intervals::from(&estimator.interval)
            .interval(&fitted, answers, estimator.population as usize)
            .map_err(|error| damaged(&error.to_string()))?;
        let predicted = predicted(self.store, self.manifest, &estimator.target)?;
        Ok(Estimated { log, estimator, estimate, interval, judged, predicted })
    }
}

impl Estimated<'_> {
    fn beyond(&self) -> bool {
        let [lowest, highest] = self.estimator.source_range;
        !(lowest..=highest).contains(&self.estimate)
    }

    fn json(&self, release: &Release<'_>) -> Value {
        let Self { log, estimator, estimate, interval, judged, predicted } = self;
        let regime = judged.as_ref().map(|judged| judged.regime().name());
        json!({
            "predicted_items": predicted, "release": release.id, "target": estimator.target,
            "subset": estimator.subset, "estimator": estimator.procedure,
            "items": estimator.items.len(), "population": estimator.population,
            "estimate": estimate, "lower": interval.lower, "upper": interval.upper,
            "interval": estimator.interval, "source_range": estimator.source_range,
            "beyond_sources": self.beyond(), "regime": regime,
            "weight_outside": judged.as_ref().map(|judged| judged.outside),
            "model": (!log.model.is_empty()).then_some(&log.model), "notes": log.notes,
        })
    }

    fn text(&self, release: &Release<'_>) -> String {
        let Self { log, estimator, estimate, interval, judged, predicted } = self;
        let mut text = String::new();
        if !log.model.is_empty() {
            text.push_str(&format!("model     {}\n", log.model));
        }
        text.push_str(&format!(
            "{}@{} {}/{}, {} of {} items, estimator {}\n\
             estimate  {:.2} %\ninterval  {:.2} to {:.2} %  ({:.0} % {}, {}; {} sources)\n",
            release.manifest.name,
            release.manifest.version,
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
        text.extend(judged.as_ref().map(regime_line));
        if *predicted > 0 {
            text.push_str(&format!(
                "note      {predicted} items of the mean have no answers: what models would score on them is \
                 predicted from their text, and the interval does not know how well\n"
            ));
        }
        if self.beyond() {
            text.push_str(&beyond_line(estimator.source_range));
        }
        text.extend(log.notes.iter().map(|note| format!("note      {note}\n")));
        text
    }
}

fn beyond_line([lowest, highest]: [f64; 2]) -> String {
    format!(
        "note      the estimate is beyond the sources' own scores ({:.2} to {:.2} %); see the extrapolation rows of `aliquot show`\n",
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
