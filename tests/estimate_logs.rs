//! The loop closed: a release made from logs, its subset exported, run, and estimated from logs.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Output,
};

use parquet::file::reader::SerializedFileReader;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    logs::{DOCS, Run, TASKS, question, score},
    support::{aliquot, assert_refused, edit, json_of, stderr, stdout},
};

const MODELS: usize = 16;

const RECIPE: &str = r#"name = "toy"
version = "0.1.0"
title = "Toy"
description = "Made of logs by a test."
licence = "Apache-2.0"
seed = 7

[[source.files]]
adapter = "lm-eval"
addresses = ["file:logs/*/samples_*.jsonl", "file:logs/*/results_*.json"]
benchmark = "toy"
metric = "exact_match"
filter = "strict"

[audit]
minimum_coverage = 0.9

[[target]]
name = "toy"
benchmarks = { toy = 1.0 }

[subsets]
validation = 20
test = 16
procedure = "stratified+mean"

[evaluate]
repetitions = 4
"#;

/// A release, and how lm-evaluation-harness is told its test subset.
struct Setup {
    folder: TempDir,
    /// Documents of the test subset, by task.
    chosen: [Vec<usize>; 2],
    /// Their item uids.
    uids: BTreeMap<(usize, usize), String>,
}

impl Setup {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        (0..MODELS).for_each(|model| drop(Run::full(model).write(&folder.path().join("logs"))));
        fs::write(folder.path().join("toy.toml"), RECIPE).unwrap();
        let mut setup = Self { folder, chosen: Default::default(), uids: BTreeMap::new() };
        for verb in [&["lock", "toy.toml"][..], &["run", "toy.toml", "--offline"]] {
            let output = setup.aliquot(verb);
            assert!(output.status.success(), "{}", stderr(&output));
        }
        let samples = json_of(&setup.aliquot(&["export", "toy", "--to", "lm-eval-samples"]));
        for (docs, task) in setup.chosen.iter_mut().zip(TASKS) {
            let listed = samples[task].as_array().unwrap().iter();
            docs.extend(listed.map(|doc| doc.as_u64().unwrap() as usize));
        }
        setup.uids = setup.uids();
        setup
    }

    fn aliquot(&self, arguments: &[&str]) -> Output {
        let mut command = aliquot(arguments);
        command.current_dir(self.folder.path()).args(["--store", "store"]).output().unwrap()
    }

    /// Item uids of the test subset by task and document, as its texts tell.
    fn uids(&self) -> BTreeMap<(usize, usize), String> {
        let output = self.aliquot(&["export", "toy", "--to", "jsonl", "--subset", "toy/test"]);
        let rows = stdout(&output);
        let rows = rows.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        rows.map(|row| {
            let task = TASKS.iter().position(|task| row["task"] == *task).unwrap();
            let place = (0..DOCS).find(|doc| row["stem"] == question(TASKS[task], *doc)).unwrap();
            ((task, place), row["item_uid"].as_str().unwrap().to_owned())
        })
        .collect()
    }

    /// A run of the test subset by a model that is not in the release.
    fn subset(&self) -> Run {
        Run { docs: self.chosen.clone(), ..Run::full(99) }
    }

    /// Writes runs into a folder of their own.
    fn write(&self, name: &str, runs: &[Run]) -> PathBuf {
        let folder = self.folder.path().join(name);
        runs.iter().for_each(|run| drop(run.write(&folder)));
        folder
    }

    fn estimate(&self, path: &Path, options: &[&str]) -> Output {
        self.aliquot(&[&["estimate", "toy", path.to_str().unwrap()], options].concat())
    }

    fn json(&self, path: &Path) -> Value {
        json_of(&self.estimate(path, &["--json"]))
    }

    /// The same results as a table.
    fn csv(&self, name: &str, model: usize) -> PathBuf {
        let row = |((task, doc), uid): (&(usize, usize), &String)| {
            format!("{uid},{}\n", score(model, TASKS[*task], *doc))
        };
        let path = self.folder.path().join(name);
        let rows: String = self.uids.iter().map(row).collect();
        fs::write(&path, format!("item_uid,score\n{rows}")).unwrap();
        path
    }
}

fn notes(json: &Value) -> Vec<&str> {
    json["notes"].as_array().unwrap().iter().map(|note| note.as_str().unwrap()).collect()
}

const FIGURES: [&str; 5] = ["estimate", "lower", "upper", "subset", "items"];

#[test]
fn a_subset_is_exported_run_and_estimated() {
    let setup = Setup::new();
    let [alpha, beta] = &setup.chosen;
    assert_eq!((alpha.len() + beta.len(), setup.uids.len()), (16, 16));
    for (task, docs) in [alpha, beta].into_iter().enumerate() {
        assert!(docs.is_sorted_by(|a, b| a < b), "{docs:?}");
        assert!(docs.iter().all(|doc| setup.uids.contains_key(&(task, *doc))), "{docs:?}");
    }

    let logs = setup.write("run", &[setup.subset()]);
    let own = setup.json(&logs);
    let table = setup.json(&setup.csv("results.csv", 99));
    for key in FIGURES {
        assert_eq!(own[key], table[key], "{key}");
    }
    assert_eq!((&own["model"], &own["subset"]), (&json!("lab/model-99"), &json!("test")));
    assert_eq!(notes(&own), [""; 0]);
    let text = stdout(&setup.estimate(&logs, &[]));
    assert!(text.starts_with("model     lab/model-99\ntoy@0.1.0 toy/test, 16 of 80"), "{text}");

    // A full run holds both subsets: the test subset is meant, though the other is larger.
    let full = setup.json(&setup.write("full", &[Run::full(99)]));
    assert_eq!(full["estimate"], own["estimate"]);
    let asked =
        setup.estimate(&setup.folder.path().join("full"), &["--subset", "validation", "--json"]);
    assert_eq!(json_of(&asked)["items"], 20);

    // A full run and a partial one are one model; two models are two estimates.
    let partial = Run { time: "2026-10-03T10-00-00.000000", ..setup.subset() };
    let both = setup.write("both", &[Run::full(99), partial, Run { model: 98, ..setup.subset() }]);
    let all = setup.json(&both);
    let models: Vec<&Value> = all.as_array().unwrap().iter().map(|one| &one["model"]).collect();
    assert_eq!(models, ["lab/model-98", "lab/model-99"]);
    assert_eq!(all[1]["estimate"], own["estimate"]);
    assert!(notes(&all[1])[0].starts_with("superseded-run"), "{:?}", notes(&all[1]));
    let tables = ["results.csv", "other.csv"];
    setup.csv("other.csv", 98);
    let both = setup.aliquot(&[&["estimate", "toy"], &tables[..], &["--json"]].concat());
    assert_eq!(json_of(&both)[1]["model"], "other.csv");
}

#[test]
fn other_filters_and_metrics_are_refused() {
    let setup = Setup::new();
    let flex = Run { filters: vec!["flex"], ..setup.subset() };
    let flex = setup.write("flex", &[flex]);
    let refused = |options: &[&str], parts: &[&str]| {
        assert_refused(&setup.estimate(&flex, options), 9, parts);
    };
    refused(&[], &["filter `strict` is absent: it has `flex`"]);
    let ours = "the release's of exact_match (filter strict)";
    refused(&["--filter", "flex"], &["`toy` are of exact_match (filter flex)", ours]);
    let subset = setup.write("run", &[setup.subset()]);
    let em =
        setup.estimate(&subset, &["--metric", "em", "--filter", "strict", "--benchmark", "toy"]);
    assert_refused(&em, 9, &["of em (filter strict)", ours]);
}

#[test]
fn other_settings_are_noted() {
    let setup = Setup::new();
    let expected = setup.json(&setup.write("run", &[setup.subset()]))["estimate"].clone();
    let noted = |name: &str, run: Run, parts: &[&str]| {
        let json = setup.json(&setup.write(name, &[run]));
        assert_eq!(json["estimate"], expected);
        let notes = notes(&json);
        assert_eq!(notes.len(), parts.len(), "{notes:?}");
        for (note, part) in notes.iter().zip(parts) {
            assert!(note.contains(part), "`{part}` is not in `{note}`");
        }
    };
    let prompts = "16 of 16 prompts in these files are none of those in calibration";
    let shots = ["toy_alpha: shots 0, in calibration 5", "toy_beta: shots 0", prompts];
    noted("shots", Run { shots: 0, ..setup.subset() }, &shots);
    noted("wording", Run { wording: "Please:", ..setup.subset() }, &[prompts]);
    let strange = setup.write("strange", &[setup.subset()]);
    let file = strange.join("lab__model-99").join(format!(
        "samples_{}_{}.jsonl",
        TASKS[0],
        Run::full(0).time
    ));
    let first = setup.chosen[0][0];
    let digest = blake3::hash(question(TASKS[0], first).as_bytes()).to_hex();
    // Document 1000 of another digest is none of the benchmark.
    let line = fs::read_to_string(&file).unwrap().lines().next().unwrap().to_owned();
    let unknown = line
        .replace("Question", "Query")
        .replace(&format!("\"doc_id\":{first},"), "\"doc_id\":1000,")
        .replace(digest.as_str(), &"0".repeat(64));
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, format!("{text}{unknown}\n")).unwrap();
    let json = setup.json(&strange);
    assert_eq!(json["estimate"], expected);
    assert!(notes(&json).iter().any(|note| note.starts_with("1 items are none of the release's")));
}

#[test]
fn items_without_a_score_are_refused_by_name_and_with_what_explains_them() {
    let setup = Setup::new();
    let uid = &setup.uids[&(0, setup.chosen[0][0])];
    let mut less = setup.subset();
    let gone = less.docs[0].remove(0);
    let refused = setup.estimate(&setup.write("less", &[less]), &[]);
    assert_refused(&refused, 9, &["16 items of toy/test", "1 missing", uid]);

    let errored = Run { errored: Some(gone), ..setup.subset() };
    let refused = setup.estimate(&setup.write("errored", &[errored]), &[]);
    let note = format!("note: 1 of the release's items have no score: {uid} (unscored)");
    assert_refused(&refused, 9, &["1 missing", uid, &note]);

    // One task's file is damaged: it is left out, and what is missing is told with the reason.
    let damaged = setup.write("damaged", &[setup.subset()]).join("lab__model-99");
    let file = damaged.join(format!("samples_{}_{}.jsonl", TASKS[0], Run::full(0).time));
    edit(&file, "\"doc_id\":", "\"doc_id\":x");
    let refused = setup.estimate(&damaged, &[]);
    assert_refused(&refused, 9, &["missing", "note: quarantined-file", "line 1 column"]);

    let elsewhere = setup.folder.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    assert_refused(&setup.estimate(&elsewhere, &[]), 9, &["there is no file in"]);
    // One model fits, the other does not: the first is told, the second refused.
    let mixed = setup.write("mixed", &[setup.subset()]);
    let mut other = Run { model: 98, ..setup.subset() };
    other.docs[1].clear();
    other.write(&mixed);
    let output = setup.estimate(&mixed, &["--json"]);
    assert_refused(&output, 9, &["lab/model-98", "missing"]);
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told[0]["model"], "lab/model-99");
}

#[test]
fn compare_reads_logs_and_trace_shows_their_lines() {
    let setup = Setup::new();
    let base = setup.write("base", &[Run::full(99)]);
    let variant = setup.write("q4", &[Run { model: 98, shots: 0, ..setup.subset() }]);
    let compare = |paths: [&str; 2], options: &[&str]| {
        setup.aliquot(&[&["compare", "toy"], &paths[..], options].concat())
    };
    let [base, variant] = [&base, &variant].map(|path| path.to_str().unwrap());
    let logs = json_of(&compare([base, variant], &["--json"]));
    setup.csv("base.csv", 99);
    setup.csv("q4.csv", 98);
    let tables = json_of(&compare(["base.csv", "q4.csv"], &["--json"]));
    assert_eq!(logs["variants"][0]["flips"], tables["variants"][0]["flips"]);
    assert_eq!(logs["variants"][0]["on_subset_pp"], tables["variants"][0]["on_subset_pp"]);
    assert!(logs["base"]["full_score"].is_f64() && tables["base"]["full_score"].is_null());
    assert!(notes(&logs["variants"][0])[0].contains("shots 0, in calibration 5"), "{logs}");
    let text = stdout(&compare(["base.csv", variant], &[]));
    assert!(text.contains("note      q4: toy_alpha: shots 0"), "{text}");
    let two = setup.write("two", &[setup.subset(), Run { model: 98, ..setup.subset() }]);
    let refused = compare([base, two.to_str().unwrap()], &[]);
    assert_refused(&refused, 9, &["2 models: `lab/model-98`, `lab/model-99`"]);

    let (place, uid) = setup.uids.first_key_value().unwrap();
    let traced =
        json_of(&setup.aliquot(&["trace", "toy", uid, "--model", "lab/model-03", "--json"]));
    assert_eq!(traced["record"]["doc"]["question"], question(TASKS[place.0], place.1));
    assert_eq!(traced["record"]["filter"], "strict");
}

#[test]
fn items_are_exported_as_tables_that_read_back() {
    let setup = Setup::new();
    let export = |to: &str, file: &str| {
        let output =
            setup.aliquot(&["export", "toy", "--to", to, "--subset", "toy/test", "-o", file]);
        assert!(output.status.success(), "{}", stderr(&output));
        setup.folder.path().join(file)
    };
    let mut uids: Vec<String> = setup.uids.values().cloned().collect();
    uids.sort();
    let sorted = |mut found: Vec<String>| {
        found.sort();
        found
    };
    let mut table = csv::Reader::from_path(export("csv", "items.csv")).unwrap();
    let names = table.headers().unwrap().clone();
    let at = |name: &str| names.iter().position(|other| other == name).unwrap();
    let rows: Vec<csv::StringRecord> = table.records().map(Result::unwrap).collect();
    assert_eq!(sorted(rows.iter().map(|row| row[at("item_uid")].to_owned()).collect()), uids);
    let weights: f64 = rows.iter().map(|row| row[at("weight")].parse::<f64>().unwrap()).sum();
    assert!((weights - 1.0).abs() < 1e-9, "{weights}");
    assert!(rows.iter().all(|row| row[at("stem")].starts_with("Question ")));

    let parquet = fs::File::open(export("parquet", "items.parquet")).unwrap();
    let rows = SerializedFileReader::new(parquet).unwrap().into_iter();
    let uid = |row: parquet::record::Row| {
        let mut columns = row.get_column_iter();
        let text = columns.find(|(name, _)| *name == "item_uid").unwrap().1.to_string();
        text.trim_matches('"').to_owned()
    };
    assert_eq!(sorted(rows.map(|row| uid(row.unwrap())).collect()), uids);
    let all = stdout(&setup.aliquot(&["export", "toy", "--to", "jsonl"]));
    assert_eq!(all.lines().count(), 36);
    let nowhere = setup.aliquot(&["export", "toy", "--to", "csv", "-o", "none/items.csv"]);
    assert_refused(&nowhere, 5, &["write `none/items.csv`"]);
}
