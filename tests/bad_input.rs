use std::{
    fs,
    process::{Command, Output},
};

use crate::support::{Leaderboard, assert_refused, edit, files, program, stderr};

const FILE: &str = "results/model-02/annotations.json";
const ADDRESS: &str = "https://leaderboard.example/results/model-02/annotations.json";

/// Changes a raw file and, if `relock`, pins the changed bytes.
fn with_file(board: &Leaderboard, change: impl Fn(&str) -> String, relock: bool) -> Output {
    let text = fs::read_to_string(board.mirror_file(FILE)).unwrap();
    let changed = change(&text);
    assert_ne!(text, changed);
    board.write_mirror(FILE, changed.as_bytes());
    if relock {
        let output = board.aliquot(&["lock", "--update"], "lock-store");
        assert!(output.status.success(), "{}", stderr(&output));
    }
    board.aliquot(&["run", "--offline"], "store")
}

#[test]
fn a_raw_file_with_one_byte_changed() {
    let board = Leaderboard::new();
    let output = with_file(&board, |text| text.replacen("baseline", "basemine", 1), false);
    assert_refused(
        &output,
        4,
        &[ADDRESS, FILE, "are not those in the lock", "locked:", "found:", "lock RECIPE --update"],
    );
    // What other files gave is kept, the bad one is not in the store.
    let stored: Vec<Vec<u8>> = files(&board.store("store/objects"))
        .iter()
        .map(|object| fs::read(object).unwrap())
        .collect();
    assert!(
        !stored.is_empty()
            && stored.iter().all(|bytes| !String::from_utf8_lossy(bytes).contains("basemine"))
    );
}

#[test]
fn a_raw_file_that_grew_or_shrank() {
    let board = Leaderboard::new();
    let output = with_file(&board, |text| format!("{text}{}", " ".repeat(1 << 20)), false);
    assert_refused(&output, 4, &[ADDRESS, "are not those in the lock", "found:  more than"]);
    let output = with_file(&board, |text| text[..100].to_owned(), false);
    assert_refused(&output, 4, &[ADDRESS, "100 bytes"]);
}

#[test]
fn truncated_json() {
    let board = Leaderboard::new();
    let output = with_file(&board, |text| text[..text.len() / 2].to_owned(), true);
    assert_refused(&output, 4, &[ADDRESS, "line", "the text ends inside a value", "next:"]);
}

#[test]
fn a_preference_of_7() {
    let board = Leaderboard::new();
    let second = |text: &str| {
        let at = text.match_indices("\"preference\": ").nth(1).unwrap().0;
        format!("{}\"preference\": 7, \"was\": {}", &text[..at], &text[at + 14..])
    };
    let output = with_file(&board, second, true);
    assert_refused(&output, 4, &[ADDRESS, "record 1", "preference 7 is not between 1 and 2"]);
}

#[test]
fn scores_of_two_judges() {
    let board = Leaderboard::new();
    let output = with_file(&board, |text| text.replacen("\"judge\"", "\"jury\"", 1), true);
    assert_refused(
        &output,
        4,
        &["benchmark `alpaca_eval` has scores of two metrics", "judge", "jury"],
    );
}

#[test]
fn one_address_in_two_roles() {
    let folder = tempfile::tempdir().unwrap();
    let rows: String = (0..10)
        .flat_map(|m| {
            (0..8).map(move |i| format!("m{m},i{i},{},b\n", (m * 7 + i * 5 + m * i) % 11 / 6))
        })
        .collect();
    fs::write(folder.path().join("scores.csv"), format!("model,item,accuracy,benchmark\n{rows}"))
        .unwrap();
    let recipe = TABLE_RECIPE
        .replace(
            "scores = \"file:scores.csv\"",
            "scores = \"file:scores.csv\"\nmodels = \"file:scores.csv\"",
        )
        .replace("benchmark = \"b\"", "benchmark = \"b\"\nmodel_columns = { model = \"model\" }");
    fs::write(folder.path().join("table.toml"), recipe).unwrap();
    for verb in ["lock", "run"] {
        let store = folder.path().join("store");
        let mut command = Command::new(program());
        let output = command
            .arg(verb)
            .arg(folder.path().join("table.toml"))
            .arg("--store")
            .arg(store)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
    }
}

#[test]
fn a_sha256_in_the_lock_that_is_not_that_of_the_bytes() {
    let board = Leaderboard::new();
    board.release("store", &[]);
    let lock = fs::read_to_string(board.lock()).unwrap();
    let digest = lock.lines().find(|line| line.starts_with("sha256")).unwrap();
    edit(&board.lock(), digest, &format!("sha256 = \"{}\"", "0".repeat(64)));
    board.edit_recipe("0.1.0", "0.2.0");
    // On a store that has the bytes as on one that has not.
    assert_refused(&board.aliquot(&["run", "--offline"], "store"), 4, &["SHA-256"]);
    assert_refused(&board.aliquot(&["run", "--offline"], "new"), 4, &["are not those in the lock"]);
}

#[test]
fn a_score_that_is_not_the_published_one() {
    let board = Leaderboard::new();
    let output = with_file(
        &board,
        |text| text.replacen("\"preference\": 1.", "\"preference\": 1.9", 1),
        true,
    );
    assert_refused(&output, 4, &["aggregate", "model-02", "recomputed", "published"]);
    board.edit_recipe("[audit]", "[audit]\ndisagreeing_scores = \"drop\"");
    let output = board.aliquot(&["run", "--offline"], "store");
    assert!(output.status.success(), "{}", stderr(&output));
}

#[test]
fn an_unknown_column() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("scores.csv"), "model,item,score\na,1,1\n").unwrap();
    fs::write(folder.path().join("table.toml"), TABLE_RECIPE).unwrap();
    let run = |verb: &str| {
        let store = folder.path().join("store");
        Command::new(program())
            .arg(verb)
            .arg(folder.path().join("table.toml"))
            .arg("--store")
            .arg(store)
            .output()
            .unwrap()
    };
    assert!(run("lock").status.success());
    let output = run("run");
    assert_refused(
        &output,
        4,
        &["file:scores.csv", "column `accuracy` is missing", "model, item, score"],
    );
}

const TABLE_RECIPE: &str = r#"
name = "table"
version = "0.1.0"
title = "Table"
description = ""
licence = "MIT"
seed = 1
[source.table]
scores = "file:scores.csv"
[source.table.read]
layout = "long"
metric = "acc"
benchmark = "b"
columns = { model = "model", item = "item", score = "accuracy" }
[[target]]
name = "b"
benchmarks = { b = 1.0 }
[subsets]
validation = 1
test = 1
procedure = "random+mean"
"#;

#[test]
fn a_recipe_with_a_misspelt_key() {
    let board = Leaderboard::new();
    board.edit_recipe("tolerance", "tolerence");
    let output = board.aliquot(&["run"], "store");
    assert_refused(
        &output,
        3,
        &["demo.toml", "line 18", "unknown field `tolerence`", "`tolerance`"],
    );
}

#[test]
fn a_lock_that_lacks_a_file_or_is_not_there() {
    let board = Leaderboard::new();
    let lock = fs::read_to_string(board.lock()).unwrap();
    let entry = lock.split("\n[[file]]").find(|entry| entry.contains(ADDRESS)).unwrap().to_owned();
    edit(&board.lock(), &format!("\n[[file]]{entry}"), "");
    assert_refused(
        &board.aliquot(&["run"], "store"),
        3,
        &["demo.lock", "lacks", ADDRESS, "aliquot lock"],
    );
    fs::remove_file(board.lock()).unwrap();
    assert_refused(
        &board.aliquot(&["run"], "store"),
        3,
        &["demo.lock", "does not exist", "aliquot lock"],
    );
}

#[test]
fn a_path_that_leaves_its_folder() {
    let board = Leaderboard::new();
    board.edit_recipe("\"model-02\"", "\"../../x\"");
    assert_refused(
        &board.aliquot(&["run"], "store"),
        3,
        &["demo.toml", "../../x", "must not contain `..`"],
    );

    let folder = tempfile::tempdir().unwrap();
    let recipe = folder.path().join("table.toml");
    fs::write(&recipe, TABLE_RECIPE.replace("file:scores.csv", "file:../../x")).unwrap();
    let output = Command::new(program()).arg("run").arg(&recipe).output().unwrap();
    assert_refused(&output, 3, &["table.toml", "file:../../x", "without `..`"]);

    // A link out of the data folder is followed by no recipe.
    fs::write(&recipe, TABLE_RECIPE).unwrap();
    std::os::unix::fs::symlink("/etc/hostname", folder.path().join("scores.csv")).unwrap();
    let store = folder.path().join("store");
    let output = Command::new(program())
        .arg("lock")
        .arg(&recipe)
        .arg("--store")
        .arg(store)
        .output()
        .unwrap();
    assert_refused(&output, 4, &["file:scores.csv", "leads out of the data folder or the mirror"]);
}

#[test]
fn a_full_disk() {
    let board = Leaderboard::new();
    let Some(output) = on_own_file_system(&board, "mount -t tmpfs -o size=192k none \"$STORE\"")
    else {
        return;
    };
    assert_refused(&output, 5, &["because:", "No space left on device", "finished work is kept"]);
    // On a real disk with room again, nothing of it is in the way.
    board.release("store", &[]);
}

#[test]
fn a_read_only_store() {
    let board = Leaderboard::new();
    let Some(output) = on_own_file_system(&board, "mount -t tmpfs -o ro none \"$STORE\"") else {
        return;
    };
    assert_refused(&output, 5, &["because:", "Read-only file system", "another `--store`"]);
}

/// Runs the recipe in a mount namespace of its own, on a store that `mount` sets up; None where the
/// system allows no such namespace.
fn on_own_file_system(board: &Leaderboard, mount: &str) -> Option<Output> {
    fs::create_dir_all(board.store("store")).unwrap();
    let shell = |script: &str| {
        Command::new("unshare")
            .args(["--map-root-user", "--mount", "sh", "-c", script])
            .env("STORE", board.store("store"))
            .env("PROGRAM", program())
            .env("RECIPE", board.recipe())
            .env("MIRROR", board.mirror())
            .output()
    };
    if !shell(mount).is_ok_and(|output| output.status.success()) {
        assert!(
            std::env::var("CI").as_deref() != Ok("true"),
            "CI needs a system that allows mount namespaces"
        );
        eprintln!("skipped: this system allows no mount namespace");
        return None;
    }
    let run = r#"exec "$PROGRAM" run "$RECIPE" --mirror "$MIRROR" --store "$STORE" --offline"#;
    Some(shell(&format!("{mount} && {run}")).unwrap())
}

#[test]
fn a_target_that_the_data_cannot_carry() {
    let board = Leaderboard::new();
    board.edit_recipe("test = 12", "test = 55");
    let output = board.aliquot(&["run", "--offline"], "store");
    assert_refused(&output, 3, &["validation subset", "cannot select 10 items from a pool of 5"]);
    board.edit_recipe("alpaca_eval = 1.0", "mmlu = 1.0");
    let output = board.aliquot(&["run", "--offline"], "store");
    assert_refused(&output, 4, &["benchmark `mmlu`", "the data have: alpaca_eval"]);
}

#[test]
fn every_exit_code_is_in_the_help() {
    let help =
        String::from_utf8(Command::new(program()).arg("help").output().unwrap().stdout).unwrap();
    for code in 0..=10 {
        assert!(
            help.lines().any(|line| line.starts_with(&format!("  {code:<2} "))),
            "code {code} in:\n{help}"
        );
    }
}

#[test]
fn a_size_that_is_neither_a_number_nor_a_target() {
    let refused = |size: &str, parts: &[&str]| {
        let board = Leaderboard::new();
        board.edit_recipe("test = 12", &format!("test = {size}"));
        assert_refused(&board.aliquot(&["run"], "store"), 3, parts);
    };
    refused("{ target_mae = 1 }", &["unknown field `target_mae`", "`target_mae_pp`, `target_tau`"]);
    refused("{ confidence = 0.9 }", &["subsets.test: give exactly one of target_mae_pp"]);
    refused("{ target_tau = 0.9, target_mae_pp = 1 }", &["give exactly one of target_mae_pp"]);
    refused("{ target_tau = 1.5 }", &["target_tau must lie between 0 and 1, got 1.5"]);
    refused("{ target_mae_pp = nan }", &["target_mae_pp must lie between 0 and 100, got NaN"]);
    let confidence = "confidence must lie between 0.5 and 1, such as 0.95, got 95";
    refused("{ target_mae_pp = 1, confidence = 95 }", &[confidence]);
    refused("{ target_mae_pp = 1, smallest = 600 }", &["largest between smallest and"]);
    refused("{ target_mae_pp = 1, split = \"date\" }", &["known: interpolation, extrapolation"]);
    refused("-3", &["integer `-3`, expected a number of items, or a table such as"]);
    refused("\"ten\"", &["string \"ten\", expected a number of items"]);
    let board = Leaderboard::new();
    board.edit_recipe("test = 12", "test = { target_mae_pp = 6 }");
    board.edit_recipe("repetitions = 4", "repetitions = 1");
    assert_refused(&board.aliquot(&["run"], "store"), 3, &["repetitions of at least 2"]);
    let board = Leaderboard::new();
    board.edit_recipe("test = 12", "test = { target_mae_pp = 6, smallest = 31 }");
    assert_refused(&board.aliquot(&["run"], "store"), 3, &["1 to half of the items, got 31"]);
}
