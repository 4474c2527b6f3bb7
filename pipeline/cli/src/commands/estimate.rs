use std::path::PathBuf;

use aliquot_stats::{estimate::LinearEstimator, interval::Conformal};
use serde_json::json;

use super::{
    open_release, print, print_json,
    results::{Results, candidates, closest},
};
use crate::{args::Global, error::Error};

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

    let linear =
        LinearEstimator { intercept: estimator.intercept, weights: estimator.weights.clone() };
    let conformal =
        Conformal { multiplier: estimator.interval.multiplier, level: estimator.interval.level };
    let estimate = linear.apply(&scores);
    let interval = conformal.interval(estimate, &scores, estimator.population as usize);
    let [lowest, highest] = estimator.source_range;
    let beyond = !(lowest..=highest).contains(&estimate);
    if global.json {
        print_json(&json!({
            "release": id, "target": estimator.target, "subset": estimator.subset,
            "estimator": estimator.procedure, "items": estimator.items.len(), "population": estimator.population,
            "estimate": estimate, "lower": interval.lower, "upper": interval.upper,
            "interval": estimator.interval, "source_range": estimator.source_range, "beyond_sources": beyond,
        }));
        return Ok(());
    }
    print(&format!(
        "{}@{} {}/{}, {} of {} items, estimator {}\n\
         estimate  {:.2} %\ninterval  {:.2} to {:.2} %  ({:.0} % {}, over models like the {} sources)\n",
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
        100.0 * estimator.interval.level,
        estimator.interval.kind,
        estimator.sources,
    ));
    if beyond {
        print(&format!(
            "note      outside the sources' range ({:.2} to {:.2} %): the interval may cover less than it says;\n          \
             see the extrapolation rows of `aliquot show`\n",
            100.0 * lowest,
            100.0 * highest
        ));
    }
    Ok(())
}
