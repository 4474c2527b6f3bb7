use std::collections::BTreeMap;

use aliquot_release::{estimator::Estimator, manifest::Manifest};
use aliquot_store::Store;
use aliquot_tables::{
    item_analysis::{self, ItemAnalysis},
    items,
    quality::Quality,
    subsets,
};
use serde_json::json;

use super::{open_release, print, print_json, read_table};
use crate::{args::Global, error::Error, stages::table};

/// Arguments of `show`.
#[derive(clap::Args)]
pub struct Arguments {
    /// Release: name, name@version or the beginning of its id.
    release: String,
    /// Print the items of a subset (TARGET/SUBSET, or SUBSET if there is one target) as CSV.
    #[arg(long, value_name = "SUBSET")]
    items: Option<String>,
}

pub fn run(global: &Global, arguments: &Arguments) -> Result<(), Error> {
    let (store, id, manifest) = open_release(global, &arguments.release)?;
    if let Some(subset) = &arguments.items {
        return print_items(&store, &manifest, &find_subset(&manifest, subset)?);
    }
    if global.json {
        print_json(&json!({"release": id, "manifest": manifest}));
        return Ok(());
    }
    if let Some(summary) = manifest.reports.get("summary.txt") {
        print(&String::from_utf8_lossy(&store.get(summary.blake3)?));
    }
    print(&format!("\nrelease {id}\n"));
    for object in manifest.objects().iter().filter(|object| !object.role.starts_with("raw file")) {
        print(&format!("  {} {:>10}  {}\n", object.id.short(), object.size, object.role));
    }
    let raw: u64 = manifest.raw.iter().map(|raw| raw.size).sum();
    print(&format!(
        "  made from {} raw files, {raw} bytes (`--json` lists them)\n",
        manifest.raw.len()
    ));
    Ok(())
}

/// Target and name of a subset.
pub(super) struct SubsetName {
    pub(super) target: String,
    pub(super) subset: String,
}

/// Finds a subset by `target/subset`, or by its own name where there is one target only.
pub(super) fn find_subset(manifest: &Manifest, text: &str) -> Result<SubsetName, Error> {
    let all = || {
        manifest
            .targets
            .iter()
            .flat_map(|t| t.subsets.keys().map(|subset| (t.name.clone(), subset.clone())))
    };
    let fits = |target: &str, subset: &str| {
        format!("{target}/{subset}") == text || (manifest.targets.len() == 1 && subset == text)
    };
    match all().find(|(target, subset)| fits(target, subset)) {
        Some((target, subset)) => Ok(SubsetName { target, subset }),
        None => {
            let known: Vec<String> =
                all().map(|(target, subset)| format!("{target}/{subset}")).collect();
            Err(Error::NotFound(format!(
                "no subset `{text}` in {}@{}; it has: {}",
                manifest.name,
                manifest.version,
                known.join(", ")
            )))
        }
    }
}

/// The estimator file of a subset.
pub(super) fn read_estimator(
    store: &Store,
    manifest: &Manifest,
    name: &SubsetName,
) -> Result<Estimator, Error> {
    let artifact = manifest
        .targets
        .iter()
        .find(|target| target.name == name.target)
        .and_then(|target| target.subsets.get(&name.subset))
        .map(|subset| &subset.estimator)
        .ok_or_else(|| {
            Error::NotFound(format!("no estimator for {}/{}", name.target, name.subset))
        })?;
    serde_json::from_slice(&store.get(artifact.blake3)?)
        .map_err(|error| Error::Unverified(format!("estimator {}: {error}", artifact.blake3)))
}

/// The analysis of all items; nothing where no model has answered them.
fn read_analysis(store: &Store, manifest: &Manifest) -> Result<Vec<ItemAnalysis>, Error> {
    const TABLE: &str = "item_analysis";
    if !manifest.tables.contains_key(TABLE) {
        return Ok(Vec::new());
    }
    item_analysis::decode(&read_table(store, manifest, TABLE)?).map_err(table(TABLE))
}

fn print_items(store: &Store, manifest: &Manifest, name: &SubsetName) -> Result<(), Error> {
    let members =
        subsets::decode(&read_table(store, manifest, "subsets")?).map_err(table("subsets"))?;
    let items = items::decode(&read_table(store, manifest, "items")?).map_err(table("items"))?;
    let by_uid: BTreeMap<&str, &items::Item> =
        items.iter().map(|item| (item.item_uid.as_str(), item)).collect();
    let mut csv = csv::Writer::from_writer(Vec::new());
    let analysis = read_analysis(store, manifest)?;
    let analysis: BTreeMap<&str, &ItemAnalysis> = analysis
        .iter()
        .filter(|row| row.target == name.target)
        .map(|row| (row.item_uid.as_str(), row))
        .collect();
    let mut write = |cells: [&str; 9]| {
        csv.write_record(cells).map_err(|error| Error::Internal(error.to_string()))
    };
    write([
        "item_uid",
        "weight",
        "benchmark",
        "task",
        "stem",
        "target",
        "proportion",
        "item_rest",
        "irt_slope",
    ])?;
    for member in
        members.iter().filter(|member| member.target == name.target && member.subset == name.subset)
    {
        let item = by_uid.get(member.item_uid.as_str()).ok_or_else(|| {
            Error::Unverified(format!("item {} is not in the table of items", member.item_uid))
        })?;
        let target = item.target.as_deref().unwrap_or("");
        let row = analysis.get(member.item_uid.as_str());
        let figure =
            |value: Option<f64>| value.map_or(String::new(), |value| format!("{value:.4}"));
        let figures = [
            row.and_then(|row| row.proportion),
            row.and_then(|row| row.item_rest),
            row.map(|row| row.irt_slope),
        ]
        .map(figure);
        write([
            &member.item_uid,
            &member.weight.to_string(),
            &item.benchmark,
            &item.task,
            &item.stem,
            target,
            &figures[0],
            &figures[1],
            &figures[2],
        ])?;
    }
    let bytes = csv.into_inner().map_err(|error| Error::Internal(error.to_string()))?;
    print(&String::from_utf8_lossy(&bytes));
    Ok(())
}

/// A row of the quality table as JSON.
pub(super) fn quality_json(row: &Quality) -> serde_json::Value {
    json!({
        "target": row.target, "split": row.split, "k": row.k, "procedure": row.procedure,
        "released": row.released, "repetitions": row.repetitions, "models": row.models,
        "mae_pp": row.mae_pp, "mae_se_pp": row.mae_se_pp, "rmse_pp": row.rmse_pp, "bias_pp": row.bias_pp,
        "p95_pp": row.p95_pp, "kendall_tau": row.kendall_tau, "coverage_95": row.coverage_95,
        "width_95_pp": row.width_95_pp,
    })
}
