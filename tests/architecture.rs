//! The dependency rules of the workspace, read off `cargo metadata`.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

use serde_json::Value;

use crate::support::root;

/// What each crate may use of the others.
const DIRECTIONS: [(&str, &[&str]); 11] = [
    ("stats", &[]),
    ("store", &[]),
    ("embed", &[]),
    ("bench", &["stats", "embed"]),
    ("tables", &["stats"]),
    ("engine", &["store"]),
    ("sources", &["store", "tables"]),
    ("release", &["stats", "store", "tables"]),
    ("report", &["stats", "tables"]),
    ("query", &["store", "tables"]),
    (
        "cli",
        &["stats", "store", "tables", "engine", "sources", "embed", "release", "report", "query"],
    ),
];

/// Heavy crates, by the beginning of their name, and the only crates that may name them.
const HOMES: [(&str, &[&str]); 11] = [
    ("arrow", &["tables"]),
    ("parquet", &["tables"]),
    ("object_store", &["store", "sources"]),
    ("tokio", &["store", "sources", "query"]),
    ("reqwest", &["sources"]),
    ("datafusion", &["query"]),
    ("polars", &["report"]),
    ("ort", &["embed"]),
    ("tokenizers", &["embed"]),
    ("clap", &["cli"]),
    ("indicatif", &["cli"]),
];

/// `stats` stays pure: these and nothing else.
const STATS_DEPENDENCIES: [&str; 3] = ["blake3", "libm", "thiserror"];

fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let names = |package: &Value| {
        let all = package["dependencies"].as_array().unwrap().iter();
        all.filter(|dependency| dependency["kind"].is_null())
            .map(|dependency| dependency["name"].as_str().unwrap().to_owned())
            .collect()
    };
    let packages = metadata["packages"].as_array().unwrap().iter();
    packages
        .map(|package| {
            (
                package["name"].as_str().unwrap().trim_start_matches("aliquot-").to_owned(),
                names(package),
            )
        })
        .filter(|(name, _)| name != "tests")
        .collect()
}

#[test]
fn crates_depend_in_one_direction() {
    let rules: BTreeMap<&str, BTreeSet<&str>> =
        DIRECTIONS.iter().map(|(name, uses)| (*name, uses.iter().copied().collect())).collect();
    for (name, uses) in dependencies() {
        let allowed =
            rules.get(name.as_str()).unwrap_or_else(|| panic!("crate {name} has no rule"));
        let internal: BTreeSet<&str> =
            uses.iter().filter_map(|used| used.strip_prefix("aliquot-")).collect();
        assert!(internal.is_subset(allowed), "{name} uses {internal:?}, may use {allowed:?}");
    }
}

#[test]
fn heavy_crates_have_one_home() {
    for (name, uses) in dependencies() {
        for (heavy, homes) in HOMES {
            let named = uses.iter().find(|used| used.split('-').next() == Some(heavy));
            assert!(
                named.is_none() || homes.contains(&name.as_str()),
                "{name} uses {named:?}, which lives in {homes:?}"
            );
        }
    }
}

#[test]
fn stats_is_pure() {
    let uses = dependencies().remove("stats").unwrap();
    assert_eq!(uses.iter().map(String::as_str).collect::<Vec<_>>(), STATS_DEPENDENCIES);
}
