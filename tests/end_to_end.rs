use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::Command,
};

use serde_json::Value;

use crate::support::{
    ITEMS, Leaderboard, MODELS, aliquot, assert_refused, edit, files, json_of, read_table, stdout,
};

#[test]
fn the_release_id_does_not_depend_on_threads_place_or_compression() {
    let board = Leaderboard::new();
    let one = board.release("one", &["--jobs", "1"]);
    let two = board.release("two", &["--jobs", "2"]);
    assert_eq!(one, two);

    let plain = fs::read(board.mirror_file(&board.annotations_path(0))).unwrap();
    let zst = board.mirror_file(&format!("{}.zst", board.annotations_path(0)));
    fs::write(zst, zstd::encode_all(&plain[..], 3).unwrap()).unwrap();
    fs::remove_file(board.mirror_file(&board.annotations_path(0))).unwrap();
    let plain = fs::read(board.mirror_file(&board.annotations_path(1))).unwrap();
    let gz =
        fs::File::create(board.mirror_file(&format!("{}.gz", board.annotations_path(1)))).unwrap();
    let mut gz = flate2::write::GzEncoder::new(gz, flate2::Compression::default());
    std::io::Write::write_all(&mut gz, &plain).unwrap();
    gz.finish().unwrap();
    fs::remove_file(board.mirror_file(&board.annotations_path(1))).unwrap();
    assert_eq!(one, board.release("three", &["--jobs", "7"]));
}

#[test]
fn a_second_run_does_nothing_and_says_the_same() {
    let board = Leaderboard::new();
    let first = json_of(&board.aliquot(&["run", "--json"], "store"));
    let before = files(&board.store("store/objects"));
    let second = json_of(&board.aliquot(&["run", "--json"], "store"));
    assert_eq!((&first["release"], &first["quality"]), (&second["release"], &second["quality"]));
    assert_eq!(second["nodes_ran"], 0);
    assert_eq!(files(&board.store("store/objects")), before);
    assert_eq!(files(&board.store("store/log")).len(), 1);
}

#[test]
fn the_plan_gives_reasons_and_a_change_reruns_only_what_it_reaches() {
    let board = Leaderboard::new();
    let plan = |node: &str| -> (String, String) {
        let rows = json_of(&board.aliquot(&["run", "--dry-run", "--json"], "store"));
        let row = rows.as_array().unwrap().iter().find(|row| row["node"] == node).unwrap().clone();
        let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
        (text("action"), text("reason"))
    };
    let fetch = "fetch/https://leaderboard.example/results/leaderboard.csv";
    assert_eq!(plan(fetch), ("run".into(), "no earlier run".into()));
    assert_eq!(plan("merge").0, "pending");
    assert!(!board.store("store").join("objects").exists(), "a dry run does nothing");

    board.release("store", &[]);
    assert_eq!(plan("publish").0, "reuse");

    // Another seed: data stay, what draws random numbers runs.
    board.edit_recipe("seed = 7", "seed = 8");
    board.edit_recipe("0.1.0", "0.2.0");
    assert_eq!(
        (plan("audit").0, plan("select")),
        ("reuse".into(), ("run".into(), "parameters changed".into()))
    );
    assert_eq!(plan("report").0, "pending");
    board.release("store", &[]);

    // A raw file whose bytes change without changing a score: its rows are read and merged again, the
    // scores come out the same, and no statistic runs. Packaging does: the release names the file.
    let path = board.annotations_path(3);
    let text = fs::read_to_string(board.mirror_file(&path)).unwrap();
    board.write_mirror(&path, text.replace("answer of model 3", "another answer").as_bytes());
    assert!(board.aliquot(&["lock", "--update"], "lock-store").status.success());
    assert_eq!(plan("normalize/model-03").0, "pending");
    board.edit_recipe("0.2.0", "0.3.0");
    let run = json_of(&board.aliquot(&["run", "--json"], "store"));
    let fetch = "fetch/https://leaderboard.example/results/model-03/annotations.json";
    let ran =
        serde_json::json!([fetch, "normalize/model-03", "merge", "report", "package", "publish"]);
    assert_eq!(run["ran"], ran);
}

#[test]
fn validation_and_test_subsets_are_disjoint_and_of_the_declared_size() {
    let board = Leaderboard::new();
    board.release("store", &[]);
    let items = |subset: &str| -> BTreeSet<String> {
        let output = board.on_release(&["show", "demo@0.1.0", "--items", subset], "store");
        assert!(output.status.success());
        let csv = stdout(&output);
        csv::Reader::from_reader(csv.as_bytes())
            .records()
            .map(|row| row.unwrap()[0].to_owned())
            .collect()
    };
    let (validation, test) = (items("demo/validation"), items("demo/test"));
    assert_eq!((validation.len(), test.len()), (10, 12));
    assert!(validation.is_disjoint(&test));
    assert_refused(
        &board.on_release(&["show", "demo", "--items", "demo/train"], "store"),
        8,
        &["no subset `demo/train`", "demo/test, demo/validation"],
    );
}

#[test]
fn the_release_says_what_each_item_contributes() {
    let board = Leaderboard::new();
    board.release("store", &[]);
    let text = stdout(&board.on_release(&["show", "demo"], "store"));
    let section = text.split("Reliability\n").nth(1).unwrap().split("SEM (").next().unwrap();
    let rows: Vec<Vec<&str>> = section
        .lines()
        .filter(|line| line.starts_with("demo "))
        .map(|line| line.split_whitespace().collect())
        .collect();
    let sizes: Vec<_> = rows.iter().map(|row| (row[1], row[2], row[3])).collect();
    assert_eq!(sizes, [("full", "60", "16"), ("test", "12", "16"), ("validation", "10", "16")]);
    // A fifth of the items leaves five times the noise of a mean, about.
    let error = |row: &[&str]| row[7].parse::<f64>().unwrap();
    let ratio = error(&rows[1]) / error(&rows[0]);
    assert!((1.6..3.0).contains(&ratio), "{rows:?}");
    let worst = text.split("Items that discriminate worst").nth(1).unwrap();
    assert_eq!(worst.lines().filter(|line| line.starts_with("demo ")).count(), 5);

    let csv = stdout(&board.on_release(&["show", "demo", "--items", "test"], "store"));
    let mut csv = csv::Reader::from_reader(csv.as_bytes());
    assert_eq!(
        &csv.headers().unwrap().iter().collect::<Vec<_>>()[6..],
        ["proportion", "item_rest", "irt_slope"]
    );
    for row in csv.records() {
        let proportion: f64 = row.unwrap()[6].parse().unwrap();
        assert!((0.0..=1.0).contains(&proportion));
    }
}

/// Long tables of 12 models, 20 items in 10 passages and 3 trials.
pub fn repeated_trials(folder: &Path) {
    let mut scores = String::from("model,item,trial,score,log_likelihood\n");
    for (model, item, trial) in (0..12).flat_map(|model| {
        (0..20).flat_map(move |item| (0..3).map(move |trial| (model, item, trial)))
    }) {
        let noise = (model * 31 + item * 17 + trial * 7 + model * item) % 12;
        let score = u8::from(noise < (3 * model + 20 - item) / 4);
        scores.push_str(&format!("model-{model:02},{item},{trial},{score},-0.5\n"));
    }
    let row = |item: usize| format!("{item},Question {item}?,{},passage {}\n", item % 2, item / 2);
    let items: String = (0..20).map(row).collect();
    fs::write(folder.join("scores.csv"), scores).unwrap();
    fs::write(folder.join("items.csv"), format!("item,prompt,gold,passage\n{items}")).unwrap();
    fs::write(folder.join("trials.toml"), TRIALS).unwrap();
}

const TRIALS: &str = r#"
name = "trials"
version = "0.1.0"
title = "Trials"
description = ""
licence = "MIT"
seed = 1
[source.table]
scores = "file:scores.csv"
items = "file:items.csv"
[source.table.read]
layout = "long"
metric = "acc"
benchmark = "b"
columns = { model = "model", item = "item", score = "score", trial = "trial", log_likelihood = "log_likelihood" }
item_columns = { item = "item", prompt = "prompt", target = "gold", parent = "passage" }
[[target]]
name = "t"
benchmarks = { b = 1.0 }
[subsets]
validation = 5
test = 5
procedure = "random+mean"
[evaluate]
procedures = []
repetitions = 1
"#;

#[test]
fn trials_parents_and_log_likelihoods_reach_the_release() {
    let folder = tempfile::tempdir().unwrap();
    repeated_trials(folder.path());
    let (recipe, store) = (folder.path().join("trials.toml"), folder.path().join("store"));
    let run = |verb: &[&str]| {
        let output = aliquot(verb).arg(&recipe).arg("--store").arg(&store).output().unwrap();
        assert!(output.status.success(), "{}", crate::support::stderr(&output));
    };
    run(&["lock"]);
    run(&["run", "--offline"]);
    let show = aliquot(&["show", "trials", "--json", "--store"]).arg(&store).output().unwrap();
    let manifest = json_of(&show)["manifest"].clone();

    let items = read_table(&store, &manifest, "items");
    let passages: BTreeSet<&str> =
        items.iter().map(|item| item["parent"].as_str().unwrap()).collect();
    assert_eq!((items.len(), passages.len()), (20, 10));
    let reliability = read_table(&store, &manifest, "reliability");
    assert_eq!(reliability.len(), 3);
    for row in reliability {
        let figure = |key: &str| row[key].as_f64().unwrap();
        assert!(row["models"] == 12 && (figure("trials") - 3.0).abs() < 1e-9, "{row}");
        assert!(figure("trial_error_pp") > 0.0, "{row}");
    }
    // Two gold answers in equal number: log2 of exp(-1/2) over 1/2.
    let bits = 1.0 - 0.5 / 2.0_f64.ln();
    for row in read_table(&store, &manifest, "item_analysis") {
        assert!((row["v_information"].as_f64().unwrap() - bits).abs() < 1e-6, "{row}");
    }
}

#[test]
fn a_size_that_is_searched_for_is_found_once_and_used_everywhere() {
    let board = Leaderboard::new();
    board.edit_recipe("test = 12", "test = { target_mae_pp = 6, smallest = 5 }");
    let one = board.release("one", &["--jobs", "1"]);
    assert_eq!(one, board.release("two", &["--jobs", "3"]));

    let manifest =
        json_of(&board.on_release(&["show", "demo", "--json"], "one"))["manifest"].clone();
    let k = manifest["targets"][0]["subsets"]["test"]["k"].as_u64().unwrap();
    let text = stdout(&board.on_release(&["show", "demo"], "one"));
    let line = format!("demo/test: k = {k} meets MAE <= 6 pp with 95 % confidence (interpolation)");
    assert!(text.contains(&line), "`{line}` is not in:\n{text}");

    // The curve has the whole grid, and the size is the first from which on the bound is met.
    let curve = read_table(&board.store("one"), &manifest, "error_curve");
    let own: Vec<(u64, f64)> = curve
        .iter()
        .filter(|row| row["subset"] == "test")
        .map(|row| (row["k"].as_u64().unwrap(), row["bound"].as_f64().unwrap()))
        .collect();
    let sizes: Vec<u64> = own.iter().map(|(k, _)| *k).collect();
    assert_eq!(sizes, [5, 7, 9, 12, 15, 19, 24, 30]);
    let found = own.iter().rev().take_while(|(_, bound)| *bound <= 6.0).last().unwrap().0;
    assert!(found == k && k > 5, "{own:?}");
    // Selection and evaluation have that size; validation keeps its own.
    let members = read_table(&board.store("one"), &manifest, "subsets");
    let count = |subset: &str| members.iter().filter(|row| row["subset"] == subset).count() as u64;
    assert_eq!((count("test"), count("validation")), (k, 10));
    let quality = read_table(&board.store("one"), &manifest, "quality");
    let measured: BTreeSet<u64> = quality.iter().map(|row| row["k"].as_u64().unwrap()).collect();
    assert_eq!(measured, BTreeSet::from([10, k]));
}

#[test]
fn every_release_says_what_another_size_would_give() {
    let board = Leaderboard::new();
    board.release("store", &[]);
    let manifest =
        json_of(&board.on_release(&["show", "demo", "--json"], "store"))["manifest"].clone();
    let curve = read_table(&board.store("store"), &manifest, "error_curve");
    let rows: Vec<_> = curve
        .iter()
        .map(|row| (row["split"].as_str().unwrap(), row["k"].as_u64().unwrap()))
        .collect();
    let expected = [
        ("extrapolation", 10),
        ("extrapolation", 20),
        ("interpolation", 10),
        ("interpolation", 20),
    ];
    assert_eq!(rows, expected);
    for row in &curve {
        let figure = |key: &str| row[key].as_f64().unwrap();
        assert!(0.0 < figure("mae_pp") && figure("mae_pp") < figure("mae_upper_pp"), "{row}");
        // Intervals of stratified+mean are calibrated, which a curve does not pay for.
        assert!(row["subset"].is_null() && row["coverage_95"].is_null(), "{row}");
    }
}

#[test]
fn a_size_that_no_subset_can_have_says_how_near_it_came() {
    let board = Leaderboard::new();
    board.edit_recipe("test = 12", "test = { target_tau = 0.999, split = \"extrapolation\" }");
    let parts = [
        "find the size of the test subset of target `demo`",
        "no k from 10 to 30 keeps tau-b >= 0.999 with 95 % confidence from there on",
        "the best bound is 0.",
        "at k = ",
    ];
    assert_refused(&board.aliquot(&["run"], "store"), 3, &parts);
}

#[test]
fn tasks_are_kept_whole_and_weigh_what_they_stand_for() {
    let folder = tempfile::tempdir().unwrap();
    repeated_trials(folder.path());
    let recipe = folder.path().join("trials.toml");
    let store = folder.path().join("store");
    edit(&recipe, "parent = \"passage\"", "parent = \"passage\", task = \"passage\"");
    edit(&recipe, "validation = 5\ntest = 5", "validation = 4\ntest = 6");
    edit(&recipe, "random+mean", "tasks(keep=3)+weighted-mean");
    for verb in ["lock", "run"] {
        let output = aliquot(&[verb]).arg(&recipe).arg("--store").arg(&store).output().unwrap();
        assert!(output.status.success(), "{}", crate::support::stderr(&output));
    }
    let show = aliquot(&["show", "trials", "--json", "--store"]).arg(&store).output().unwrap();
    let manifest = json_of(&show)["manifest"].clone();
    let items = read_table(&store, &manifest, "items");
    let task = |uid: &Value| {
        let item = items.iter().find(|item| item["item_uid"] == *uid).unwrap();
        item["task"].as_str().unwrap().to_owned()
    };
    let members = read_table(&store, &manifest, "subsets");
    let mut weights: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for member in members.iter().filter(|member| member["subset"] == "test") {
        let weight = member["weight"].as_f64().unwrap();
        weights.entry(task(&member["item_uid"])).or_default().push(weight);
    }
    // Three tasks of two items: all six, in pairs of equal weight.
    assert_eq!(weights.len(), 3, "{weights:?}");
    assert!(weights.values().all(|pair| pair.len() == 2 && pair[0] == pair[1]), "{weights:?}");
    let total: f64 = weights.values().flatten().sum();
    assert!((total - 1.0).abs() < 1e-12, "{weights:?}");
}

#[test]
fn a_selection_by_tasks_needs_tasks() {
    let folder = tempfile::tempdir().unwrap();
    repeated_trials(folder.path());
    let (recipe, store) = (folder.path().join("trials.toml"), folder.path().join("store"));
    edit(&recipe, "random+mean", "tasks+weighted-mean");
    let run = |verb| aliquot(&[verb]).arg(&recipe).arg("--store").arg(&store).output().unwrap();
    assert!(run("lock").status.success());
    let part = "selection by tasks needs the task of each item, which these items do not have";
    assert_refused(&run("run"), 3, &[part]);
}

#[test]
fn the_audit_compares_every_model_with_the_published_score() {
    let board = Leaderboard::new();
    board.release("store", &[]);
    let text = stdout(&board.on_release(&["show", "demo"], "store"));
    let line = text.lines().find(|line| line.starts_with("aggregate")).unwrap();
    assert_eq!(
        line.split_whitespace().take(4).collect::<Vec<_>>(),
        ["aggregate", "info", "keep", &MODELS.to_string()]
    );
}

#[test]
fn verify_names_the_first_bad_bytes() {
    let board = Leaderboard::new();
    board.release("store", &[]);
    assert!(board.on_release(&["verify", "demo"], "store").status.success());

    let manifest =
        json_of(&board.on_release(&["show", "demo", "--json"], "store"))["manifest"].clone();
    let object = |artifact: &Value| {
        let id = artifact["blake3"].as_str().unwrap().to_owned();
        board.store("store").join("objects").join(&id[..2]).join(&id)
    };
    let small = object(&manifest["tables"]["models"]);
    let bytes = fs::read(&small).unwrap();
    fs::write(&small, [&bytes[..9], &[bytes[9] ^ 1], &bytes[10..]].concat()).unwrap();
    let output = board.on_release(&["verify", "demo"], "store");
    assert_refused(
        &output,
        7,
        &["table models", "first bad bytes in 0..", &small.display().to_string()],
    );
    fs::write(&small, &bytes).unwrap();

    let large = {
        let raw = manifest["raw"]
            .as_array()
            .unwrap()
            .iter()
            .find(|raw| raw["size"].as_u64() > Some(1 << 17));
        object(raw.unwrap())
    };
    let bytes = fs::read(&large).unwrap();
    fs::write(&large, [&bytes[..70_000], &[bytes[70_000] ^ 1], &bytes[70_001..]].concat()).unwrap();
    let output = board.on_release(&["verify", "demo"], "store");
    assert_refused(&output, 7, &["raw file https://", "first bad bytes in 65536..131072 of"]);
    fs::write(&large, &bytes[..80_000]).unwrap();
    assert_refused(
        &board.on_release(&["verify", "demo"], "store"),
        7,
        &["first bad bytes in 65536..131072 of"],
    );
    fs::write(&large, &bytes).unwrap();

    fs::remove_file(object(&manifest["targets"][0]["subsets"]["test"]["estimator"])).unwrap();
    let output = board.on_release(&["verify", "demo"], "store");
    assert_refused(&output, 7, &["estimator demo/test", "is missing"]);

    // Running again makes it anew, to the same bytes.
    board.release("store", &[]);
    assert!(board.on_release(&["verify", "demo"], "store").status.success());
}

#[test]
fn a_tampered_store_is_refused_or_healed_and_never_believed() {
    let board = Leaderboard::new();
    let release = board.release("store", &[]);
    // Cache entries are only a memory: nonsense in them costs a run, not the release.
    for entry in files(&board.store("store/cache")) {
        fs::write(entry, "{\"outputs\":[]}").unwrap();
    }
    assert_eq!(board.release("store", &[]), release);
    fs::write(board.store("store/releases/demo/latest"), "9.9.9").unwrap();
    fs::remove_file(board.store("store/index.json")).unwrap();
    assert_eq!(board.release("store", &[]), release);
    assert_eq!(fs::read(board.store("store/releases/demo/latest")).unwrap(), b"0.1.0");

    let tag = board.store("store/releases/demo/0.1.0.json");
    let bytes = fs::read(&tag).unwrap();
    fs::write(&tag, [&bytes[..], b" "].concat()).unwrap();
    assert_refused(
        &board.on_release(&["show", "demo"], "store"),
        7,
        &["0.1.0.json", &release, "restore it"],
    );
    assert_refused(&board.aliquot(&["run"], "store"), 7, &["0.1.0.json", &release]);
    fs::write(&tag, bytes).unwrap();

    let verify = || board.on_release(&["verify", "demo"], "store");
    fs::remove_file(board.store("store/index.json")).unwrap();
    assert!(stdout(&verify()).contains("`index.json` lags behind the log"));
    fs::remove_file(board.store("store/releases/demo/0.1.0.json")).unwrap();
    assert_refused(&verify(), 7, &["the version tag", "0.1.0.json", "is missing"]);
    board.release("store", &[]);
    assert!(!stdout(&verify()).contains("lags"));

    let log = board.store("store/log/000001.json");
    let bytes = fs::read(&log).unwrap();
    fs::write(&log, [&bytes[..], b"\n"].concat()).unwrap();
    assert_refused(
        &board.on_release(&["verify", "demo"], "store"),
        7,
        &["log entry 1", "000001.json"],
    );
    fs::write(&log, bytes).unwrap();
    assert!(board.on_release(&["verify", "demo"], "store").status.success());
}

#[test]
fn a_raw_object_that_was_changed_in_the_store_gets_into_no_release() {
    let board = Leaderboard::new();
    board.release("store", &[]);
    let raw = fs::read(board.mirror_file(&board.annotations_path(6))).unwrap();
    let id = blake3::hash(&raw).to_hex().to_string();
    let object = board.store("store/objects").join(&id[..2]).join(&id);
    fs::write(&object, [b"x", &raw[1..]].concat()).unwrap();
    board.edit_recipe("seed = 7", "seed = 8");
    board.edit_recipe("0.1.0", "0.2.0");
    assert_refused(
        &board.aliquot(&["run"], "store"),
        7,
        &[&id, "is damaged", "delete that object"],
    );
    fs::remove_file(object).unwrap();
    board.release("store", &[]);
}

#[test]
fn an_item_is_traced_to_the_record_of_its_source() {
    let board = Leaderboard::new();
    board.release("store", &[]);
    let items = stdout(&board.on_release(&["show", "demo", "--items", "test"], "store"));
    let uid = items.lines().nth(1).unwrap().split(',').next().unwrap();
    let trace = json_of(
        &board.on_release(&["trace", "demo", &uid[..12], "--model", "model-05", "--json"], "store"),
    );
    assert_eq!(trace["item_uid"], uid);
    let response = &trace["responses"][0];
    assert_eq!(
        response["address"],
        "https://leaderboard.example/results/model-05/annotations.json"
    );
    assert_eq!(trace["record"]["instruction"], trace["stem"]);
    let preference = trace["record"]["preference"].as_f64().unwrap();
    assert!((response["score"].as_f64().unwrap() - (preference - 1.0)).abs() < 1e-6);
    let raw = fs::read(board.mirror_file("results/model-05/annotations.json")).unwrap();
    assert_eq!(response["raw"], blake3::hash(&raw).to_hex().as_str());

    // Two models with files of the same bytes are two sources.
    fs::copy(
        board.mirror_file("results/model-05/annotations.json"),
        board.mirror_file("results/model-06/annotations.json"),
    )
    .unwrap();
    board.edit_recipe("[audit]", "[audit]\ndisagreeing_scores = \"keep\"");
    board.edit_recipe("0.1.0", "0.2.0");
    assert!(board.aliquot(&["lock", "--update"], "lock-store").status.success());
    board.release("store", &[]);
    let copy = json_of(
        &board.on_release(&["trace", "demo", uid, "--model", "model-06", "--json"], "store"),
    );
    assert_eq!(
        copy["responses"][0]["address"],
        "https://leaderboard.example/results/model-06/annotations.json"
    );

    let all = json_of(&board.on_release(&["trace", "demo", uid, "--json"], "store"));
    assert_eq!(all["responses"].as_array().unwrap().len(), MODELS);
    assert_refused(&board.on_release(&["trace", "demo", "0123456789ab"], "store"), 8, &["no item"]);
}

#[test]
fn estimate_applies_the_estimator_and_refuses_what_does_not_fit() {
    let board = Leaderboard::new();
    board.release("store", &[]);
    let items = stdout(&board.on_release(&["show", "demo", "--items", "test"], "store"));
    let uids: Vec<&str> =
        items.lines().skip(1).map(|line| line.split(',').next().unwrap()).collect();
    let estimate = |rows: &[String], header: &str| {
        let path = board.folder.path().join("results.csv");
        fs::write(&path, format!("{header}\n{}\n", rows.join("\n"))).unwrap();
        board.on_release(&["estimate", "demo", path.to_str().unwrap(), "--json"], "store")
    };
    let rows: Vec<String> =
        uids.iter().enumerate().map(|(at, uid)| format!("{uid},{}", at % 2)).collect();
    let good = json_of(&estimate(&rows, "item_uid,score"));
    assert!((good["estimate"].as_f64().unwrap() - 0.5).abs() < 1e-12);
    assert_eq!((&good["subset"], &good["estimator"]), (&"test".into(), &"stratified+mean".into()));
    assert_eq!(
        (good["items"].as_u64(), good["population"].as_u64()),
        (Some(12), Some(ITEMS as u64))
    );
    assert!(good["lower"].as_f64().unwrap() < 0.5 && good["upper"].as_f64().unwrap() > 0.5);

    assert_refused(&estimate(&rows[1..], "item_uid,score"), 9, &["1 missing", uids[0]]);
    let unknown = [&rows[..], &["feed,1".to_owned()]].concat();
    assert_refused(&estimate(&unknown, "item_uid,score"), 9, &["1 unknown", "feed"]);
    let header = estimate(
        &rows.iter().map(|row| format!("{row},0")).collect::<Vec<_>>(),
        "item_uid,score,score",
    );
    assert_refused(&header, 9, &["columns must be item_uid,score"]);
    let twice = [&rows[..], &rows[..1]].concat();
    assert_refused(&estimate(&twice, "item_uid,score"), 9, &["line 14", uids[0], "twice"]);
    assert_refused(
        &estimate(&rows, "item_uid,accuracy"),
        9,
        &["columns must be item_uid,score", "accuracy"],
    );
    let seven = rows[0].replace(",0", ",7");
    assert_refused(
        &estimate(&[&[seven], &rows[1..]].concat(), "item_uid,score"),
        9,
        &["line 2", "not between 0 and 1"],
    );
}

#[test]
fn a_page_of_python_applies_the_estimator_to_the_same_figure() {
    for procedure in ["stratified+mean", "random+ridge", "default"] {
        python_agrees(procedure);
    }
}

fn python_agrees(procedure: &str) {
    let board = Leaderboard::new();
    board.edit_recipe("\"stratified+mean\"", &format!("\"{procedure}\""));
    board.release("store", &[]);
    let manifest =
        json_of(&board.on_release(&["show", "demo", "--json"], "store"))["manifest"].clone();
    let id = manifest["targets"][0]["subsets"]["test"]["estimator"]["blake3"]
        .as_str()
        .unwrap()
        .to_owned();
    let estimator = board.store("store").join("objects").join(&id[..2]).join(&id);
    let uids: Vec<String> = {
        let json: Value = serde_json::from_slice(&fs::read(&estimator).unwrap()).unwrap();
        json["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|uid| uid.as_str().unwrap().to_owned())
            .collect()
    };
    let rows: Vec<String> = uids
        .iter()
        .enumerate()
        .map(|(at, uid)| format!("{uid},{}", (at % 5) as f64 / 4.0))
        .collect();
    let results = board.folder.path().join("results.csv");
    fs::write(&results, format!("item_uid,score\n{}\n", rows.join("\n"))).unwrap();

    let readme = fs::read_to_string(crate::support::root().join("README.md")).unwrap();
    let script = readme
        .split("```python\n")
        .nth(1)
        .expect("the README shows Python")
        .split("```")
        .next()
        .unwrap();
    assert!(script.lines().count() <= 60);
    let python = Command::new("python3")
        .arg("-c")
        .arg(script)
        .arg(&estimator)
        .arg(&results)
        .output()
        .unwrap();
    assert!(python.status.success(), "{}", crate::support::stderr(&python));
    let figure: f64 = stdout(&python).trim().parse().unwrap();
    let ours = json_of(
        &board.on_release(&["estimate", "demo", results.to_str().unwrap(), "--json"], "store"),
    );
    assert!((figure - ours["estimate"].as_f64().unwrap()).abs() < 1e-9, "{figure} {ours}");
    let regime = &ours["regime"];
    assert_eq!(regime.is_string(), procedure == "default", "{ours}");
}

#[test]
fn a_published_version_never_changes() {
    let board = Leaderboard::new();
    let first = board.release("store", &[]);
    board.edit_recipe("title = \"Demo\"", "title = \"Changed\"");
    let output = board.aliquot(&["run"], "store");
    assert_refused(&output, 3, &["demo@0.1.0 is already published", &first, "raise `version`"]);
    board.edit_recipe("0.1.0", "0.2.0");
    let second = board.release("store", &[]);
    let id = |reference: &str| {
        json_of(&board.on_release(&["show", reference, "--json"], "store"))["release"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!((id("demo"), id("demo@0.1.0"), id(&second[..10])), (second.clone(), first, second));
}

#[test]
fn status_dag_and_until_tell_what_is_there() {
    let board = Leaderboard::new();
    let output = board.command(&["run", "--until", "select"], "store").output().unwrap();
    assert!(output.status.success() && stdout(&output).contains("nothing was published"));
    let release = board.release("store", &[]);
    let status = board.on_release(&["status"], "store");
    assert!(stdout(&status).contains(&format!("demo@0.1.0  {release}")), "{}", stdout(&status));
    let recipe = board.recipe();
    let recipe = recipe.to_str().unwrap();
    let status = board.on_release(&["status", recipe], "store");
    assert!(stdout(&status).starts_with("demo@0.1.0: up to date"), "{}", stdout(&status));

    let dag = stdout(&crate::support::aliquot(&["dag", recipe]).output().unwrap());
    assert!(dag.contains("fetch x17\n") && dag.contains("merge <- normalize x16"), "{dag}");
    let mermaid =
        stdout(&crate::support::aliquot(&["dag", recipe, "--format", "mermaid"]).output().unwrap());
    assert!(mermaid.starts_with("flowchart LR\n") && mermaid.contains(" --> "), "{mermaid}");
    let unknown = board.command(&["run", "--until", "bake"], "store").output().unwrap();
    assert_refused(&unknown, 2, &["unknown stage `bake`", "fetch, normalize"]);
}
