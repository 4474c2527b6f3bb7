//! What was run: answers on the subset, and where they are there, on the whole benchmark.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use aliquot_release::{estimator::Estimator, manifest::Manifest};
use aliquot_stats::matrix::Target;
use aliquot_store::Store;
use aliquot_tables::{items, roster, subsets};

use crate::{
    commands::{read_table, results::Results},
    error::Error,
    stages::{stats, table},
};

/// A subset, and the weighted mean of benchmarks that it stands for.
pub struct Benchmark {
    /// Target, name and items of the subset.
    pub subset: Estimator,
    /// What each item of the subset counts.
    weights: Vec<f64>,
    /// Number of the parent of each item of the subset, where any item has one.
    clusters: Option<Vec<u32>>,
    /// The items that the mean is over.
    items: Vec<String>,
    /// What each of them counts.
    target: Target,
    /// Items of these benchmarks, those included that the audit left out of the mean.
    listed: BTreeSet<String>,
}

/// The results of one model.
pub struct Run {
    /// The file's name without its ending, made unique.
    pub name: String,
    /// The file.
    pub path: PathBuf,
    /// One score an item of the subset.
    pub answers: Vec<f64>,
    /// The score on all items, where the file holds them.
    pub full: Option<f64>,
    /// What does not match the runs that the release was made from.
    pub notes: Vec<String>,
}

impl Benchmark {
    /// Reads what the release says of the subset and of its target.
    pub fn read(store: &Store, manifest: &Manifest, subset: &Estimator) -> Result<Self, Error> {
        let declared = manifest.targets.iter().find(|target| target.name == subset.target);
        let declared = declared.ok_or_else(|| {
            Error::Unverified(format!("the manifest names no target `{}`", subset.target))
        })?;
        let places: BTreeMap<&str, u32> =
            declared.benchmarks.keys().map(String::as_str).zip(0..).collect();

        let roster = read_table(store, manifest, "roster")?;
        let roster = roster::decode(&roster).map_err(table("roster"))?;
        let (mut items, mut groups) = (Vec::new(), Vec::new());
        for entry in roster.into_iter().filter(|entry| entry.axis == "item") {
            if let Some(&place) = places.get(entry.benchmark.as_str()) {
                items.push(entry.name);
                groups.push(place);
            }
        }
        let shares: Vec<f64> = declared.benchmarks.values().copied().collect();
        let target = Target::grouped(&groups, &shares).map_err(stats(&subset.target))?;

        let all = items::decode(&read_table(store, manifest, "items")?).map_err(table("items"))?;
        let own = all.into_iter().filter(|item| places.contains_key(item.benchmark.as_str()));
        let parents: BTreeMap<String, Option<String>> =
            own.map(|item| (item.item_uid, item.parent)).collect();
        let clusters = clusters(&subset.items, &parents);
        let listed = parents.into_keys().collect();
        let weights = weights(store, manifest, subset)?;
        Ok(Self { subset: subset.clone(), weights, clusters, items, target, listed })
    }

    /// What each item of the subset counts.
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// Number of the parent of each item of the subset, where any item has one.
    pub fn clusters(&self) -> Option<&[u32]> {
        self.clusters.as_deref()
    }

    /// Number of items that the mean is over.
    pub fn population(&self) -> usize {
        self.items.len()
    }

    /// The answers of one model, which has to hold exactly the subset's items or those of all
    /// benchmarks; what the audit left out may be there or not.
    pub fn run(&self, name: String, results: &Results) -> Result<Run, Error> {
        let subset: BTreeSet<&str> = self.subset.items.iter().map(String::as_str).collect();
        let listed: BTreeSet<&str> = self.listed.iter().map(String::as_str).collect();
        let path = results.path().to_owned();
        let answers = results.scores(&self.subset.items);
        let all = results.scores(&self.items).filter(|_| results.within(&listed));
        match (answers, all) {
            (Some(answers), None) if results.within(&subset) => {
                Ok(Run { name, path, answers, full: None, notes: Vec::new() })
            }
            (Some(answers), Some(all)) => {
                let full = self.target.mean(|item| Some(all[item]));
                Ok(Run { name, path, answers, full: Some(full), notes: Vec::new() })
            }
            _ => Err(self.misfit(results, &subset, &listed)),
        }
    }

    fn misfit(&self, results: &Results, subset: &BTreeSet<&str>, listed: &BTreeSet<&str>) -> Error {
        let what = format!(
            "the {} items of {}/{} and no others, nor all {} items of its benchmarks",
            subset.len(),
            self.subset.target,
            self.subset.subset,
            self.items.len(),
        );
        let others = listed.difference(subset).filter(|item| results.holds(item)).count();
        if others == 0 {
            return results.misfit(&what, subset, subset, &self.subset);
        }
        let what = format!("{what}; as a full run it has");
        let wanted = self.items.iter().map(String::as_str).collect();
        results.misfit(&what, &wanted, listed, &self.subset)
    }
}

/// Items of one parent get one number, an item without a parent one of its own; None where no item has
/// a parent.
fn clusters(items: &[String], parents: &BTreeMap<String, Option<String>>) -> Option<Vec<u32>> {
    let parent = |item: &String| parents.get(item).and_then(Option::as_deref);
    items.iter().find_map(parent)?;
    let mut numbers: BTreeMap<(Option<&str>, &str), u32> = BTreeMap::new();
    let mut number = |item| {
        let key = parent(item).map_or((None, item.as_str()), |parent| (Some(parent), ""));
        let next = numbers.len() as u32;
        *numbers.entry(key).or_insert(next)
    };
    Some(items.iter().map(&mut number).collect())
}

/// Weights of the subset's items, in the estimator's order.
fn weights(store: &Store, manifest: &Manifest, subset: &Estimator) -> Result<Vec<f64>, Error> {
    let members = read_table(store, manifest, "subsets")?;
    let members = subsets::decode(&members).map_err(table("subsets"))?;
    let own = members
        .iter()
        .filter(|member| member.target == subset.target && member.subset == subset.subset);
    let by_item: BTreeMap<&str, f64> =
        own.map(|member| (member.item_uid.as_str(), member.weight)).collect();
    let weight = |item: &String| {
        by_item.get(item.as_str()).copied().ok_or_else(|| {
            Error::Unverified(format!("item {item} of an estimator is not in its subset"))
        })
    };
    subset.items.iter().map(weight).collect()
}

/// File names without ending; one that is there already gets a number.
pub fn names<'a>(paths: impl Iterator<Item = &'a Path>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for path in paths {
        let stem = path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        let mut name = stem.clone();
        let mut number = 1;
        while names.contains(&name) {
            number += 1;
            name = format!("{stem}#{number}");
        }
        names.push(name);
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique() {
        let paths = ["a/q4.csv", "b/q4.csv", "q4#2.csv", "c/q4.csv"].map(Path::new);
        assert_eq!(names(paths.into_iter()), ["q4", "q4#2", "q4#2#2", "q4#3"]);
    }

    #[test]
    fn items_of_one_parent_share_a_number_and_orphans_have_their_own() {
        let items = ["a", "b", "c", "d"].map(str::to_owned).to_vec();
        let of = |parents: [Option<&str>; 4]| {
            items.iter().cloned().zip(parents.map(|parent| parent.map(str::to_owned))).collect()
        };
        let some = of([Some("p"), None, Some("p"), None]);
        assert_eq!(clusters(&items, &some), Some(vec![0, 1, 0, 2]));
        assert_eq!(clusters(&items, &of([None; 4])), None);
    }
}
