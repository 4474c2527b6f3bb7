//! A small benchmark with prompts, answered by models and not, and a folder of models to embed with.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{aliquot, edit, files, json_of, root, stderr};

pub const SMALL: &str = "paraphrase-MiniLM-L3-v2";
pub const QUANTISED: &str = "all-MiniLM-L6-v2-int8";
pub const ITEMS: usize = 60;

/// Recipes `answered.toml` and `cold.toml` in a folder with their tables.
pub struct Texts {
    pub folder: TempDir,
}

impl Texts {
    /// None, with a line that says so, where `make setup` has not run; in CI that is a failure.
    pub fn new() -> Option<Self> {
        let there = [SMALL, QUANTISED, "onnxruntime"]
            .iter()
            .all(|name| root().join(".models").join(name).is_dir());
        if !there {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "CI needs `make setup`");
            eprintln!("skipped: .models is not there, `make setup` fetches it");
            return None;
        }
        let texts = Self { folder: tempfile::tempdir().unwrap() };
        texts.write_items(&(0..ITEMS).map(prompt).collect::<Vec<_>>());
        let scores = (0..12).flat_map(|model| (0..ITEMS).map(move |item| score(model, item)));
        texts.write("scores.csv", &format!("model,item,score\n{}", scores.collect::<String>()));
        texts.write("answered.toml", &format!("{HEAD}{ANSWERED}{EMBED}{TAIL}{EVALUATE}"));
        texts.write("cold.toml", &format!("{HEAD}{COLD}{EMBED}{TAIL}"));
        texts.link_models("models");
        for recipe in ["answered", "cold"] {
            edit(&texts.path(&format!("{recipe}.toml")), "NAME", recipe);
            texts.lock(recipe);
        }
        Some(texts)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        fs::write(self.path(name), text).unwrap();
        self.path(name)
    }

    /// Items i00, i01, ... with these prompts.
    pub fn write_items(&self, prompts: &[String]) {
        let mut csv = csv::Writer::from_path(self.path("items.csv")).unwrap();
        csv.write_record(["item", "prompt"]).unwrap();
        for (item, prompt) in prompts.iter().enumerate() {
            csv.write_record([&format!("i{item:02}"), prompt]).unwrap();
        }
        csv.flush().unwrap();
    }

    /// A folder with the models of the repository and no cache.
    pub fn link_models(&self, name: &str) -> PathBuf {
        let folder = self.path(name);
        fs::create_dir(&folder).unwrap();
        for model in [SMALL, QUANTISED, "onnxruntime"] {
            symlink(root().join(".models").join(model), folder.join(model)).unwrap();
        }
        folder
    }

    pub fn lock(&self, recipe: &str) {
        let output = aliquot(&["lock", "--update"])
            .arg(self.path(&format!("{recipe}.toml")))
            .arg("--store")
            .arg(self.path("lock-store"))
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
    }

    /// A command on a recipe or table of the folder, with its models.
    pub fn command(&self, verb: &[&str], file: &str, store: &str) -> Command {
        let mut command = aliquot(verb);
        command.arg(self.path(file)).arg("--store").arg(self.path(store));
        command.arg("--models").arg(self.path("models"));
        command
    }

    pub fn run(&self, recipe: &str, store: &str) -> Output {
        let file = format!("{recipe}.toml");
        self.command(&["run", "--json", "--offline"], &file, store).output().unwrap()
    }

    /// Runs the recipe; returns the release id.
    pub fn release(&self, recipe: &str, store: &str) -> String {
        json_of(&self.run(recipe, store))["release"].as_str().unwrap().to_owned()
    }

    /// Writes the vectors of a recipe's items or of a table.
    pub fn embed(&self, file: &str, store: &str, to: &str, options: &[&str]) -> Output {
        let mut command = self.command(&["embed"], file, store);
        command.arg("--output").arg(self.path(to)).args(options);
        command.output().unwrap()
    }

    pub fn on_release(&self, arguments: &[&str], store: &str) -> Output {
        aliquot(arguments).arg("--store").arg(self.path(store)).output().unwrap()
    }

    pub fn manifest(&self, release: &str, store: &str) -> Value {
        json_of(&self.on_release(&["show", release, "--json"], store))["manifest"].clone()
    }
}

/// Bytes of the cache of a folder of models, which has one file of vectors at most.
pub fn cached(models: &Path) -> Vec<u8> {
    let files = files(&models.join("cache"));
    assert!(files.len() <= 1, "{files:?}");
    files.first().map_or_else(Vec::new, |file| fs::read(file).unwrap())
}

/// Bytes that the cache needs for a text: digest, flag, 384 numbers, digest.
pub const RECORD: usize = 32 + 4 + 4 * 384 + 32;

/// Questions of which no two say nearly the same.
pub fn prompt(item: usize) -> String {
    let subjects =
        ["The river", "A teacher", "Gravity", "The market", "An old violin", "Every planet"];
    let verbs = ["explains", "measures", "breaks", "follows", "sells", "warms"];
    let objects = ["a stone bridge", "three equations", "the winter wheat", "a quiet promise"];
    format!(
        "{} {} {}; why, and what of {item}?",
        subjects[item % 6],
        verbs[item / 6 % 6],
        objects[(item * 7 + item / 36) % 4]
    )
}

fn score(model: usize, item: usize) -> String {
    let noise = ((model * 7919 + item * 104_729) % 1009) as f64 / 1009.0;
    let right = noise < 0.5 + 0.4 * (model as f64 / 12.0 - item as f64 / ITEMS as f64);
    format!("model-{model:02},i{item:02},{}\n", u8::from(right))
}

const HEAD: &str = r#"name = "NAME"
version = "0.1.0"
title = "Texts"
description = "Made by a test."
licence = "MIT"
seed = 3
"#;

const ANSWERED: &str = r#"
[source.table]
scores = "file:scores.csv"
items = "file:items.csv"
[source.table.read]
layout = "long"
metric = "acc"
benchmark = "b"
columns = { model = "model", item = "item", score = "score" }
item_columns = { item = "item", prompt = "prompt" }
"#;

const COLD: &str = r#"
[source.items]
table = "file:items.csv"
benchmark = "b"
columns = { item = "item", prompt = "prompt" }
"#;

pub const EMBED: &str = r#"
[embed]
model = "paraphrase-MiniLM-L3-v2"
device = "cpu"
clusters = [3, 6]
"#;

const TAIL: &str = r#"
[[target]]
name = "t"
benchmarks = { b = 1.0 }
[subsets]
validation = 10
test = 12
procedure = "embedding-strata+mean"
"#;

const EVALUATE: &str = r"
[evaluate]
procedures = []
repetitions = 1
";
