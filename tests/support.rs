//! A small leaderboard in AlpacaEval's layout, and the program that is run on it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use parquet::{file::reader::SerializedFileReader, record::Field};
use serde_json::{Value, json};
use tempfile::TempDir;

pub const MODELS: usize = 16;
pub const ITEMS: usize = 60;

/// Root of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The program, built by `make test` before the tests are.
pub fn program() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let program = test.parent().unwrap().parent().unwrap().join("aliquot");
    assert!(
        program.is_file(),
        "{} is not there: run `make test`, which builds it",
        program.display()
    );
    program
}

/// `../shared`, or None with a line that says so; missing in CI it is a failure.
pub fn shared(what: &str) -> Option<PathBuf> {
    let path = root().parent().unwrap().join("shared").join(what);
    if path.exists() {
        return Some(path);
    }
    assert!(std::env::var("CI").as_deref() != Ok("true"), "CI needs {}", path.display());
    eprintln!("skipped: {} is not there", path.display());
    None
}

/// A folder with a recipe, its lock and a mirror of its raw files.
pub struct Leaderboard {
    pub folder: TempDir,
    pub host: String,
}

/// A plain function of the numbers, so that every run of the tests has the same leaderboard.
fn preference(model: usize, item: usize) -> f64 {
    // A spread of abilities and difficulties with a fixed, irregular remainder.
    let noise = ((model * 7919 + item * 104_729) % 1009) as f64 / 1009.0;
    let chance = 0.5 + 0.4 * (model as f64 / MODELS as f64 - item as f64 / ITEMS as f64);
    if noise < chance { 2.0 - 0.3 * noise } else { 1.0 + 0.2 * noise }
}

fn annotations(model: usize) -> Vec<Value> {
    let record = |item: usize| {
        json!({
            "instruction": format!("Question {item}: what follows?"),
            "output_1": "the baseline's answer ".repeat(120), "generator_1": "baseline", "dataset": "demo",
            "output_2": format!("answer of model {model}"), "generator_2": format!("model-{model:02}"),
            "annotator": "judge", "preference": preference(model, item), "raw_completion": null,
        })
    };
    (0..ITEMS).map(record).collect()
}

pub fn model_name(model: usize) -> String {
    format!("model-{model:02}")
}

impl Leaderboard {
    /// Files of a host, in a mirror; the lock is written by `aliquot lock`.
    pub fn new() -> Self {
        Self::on_host("https://leaderboard.example")
    }

    /// The same with addresses that start with `origin`.
    pub fn on_host(origin: &str) -> Self {
        let host = origin.split("://").nth(1).unwrap().split(':').next().unwrap().to_owned();
        let board = Self { folder: tempfile::tempdir().unwrap(), host };
        let mut published = String::from(",win_rate\n");
        for model in 0..MODELS {
            let records = annotations(model);
            let mean = records.iter().map(|r| r["preference"].as_f64().unwrap() - 1.0).sum::<f64>()
                / ITEMS as f64;
            published.push_str(&format!("{},{}\n", model_name(model), 100.0 * mean));
            board.write_mirror(
                &board.annotations_path(model),
                &serde_json::to_vec_pretty(&records).unwrap(),
            );
        }
        board.write_mirror("results/leaderboard.csv", published.as_bytes());
        fs::write(board.recipe(), recipe(origin)).unwrap();
        let output = board.aliquot(&["lock"], "lock-store");
        assert!(output.status.success(), "{}", stderr(&output));
        board
    }

    pub fn annotations_path(&self, model: usize) -> String {
        format!("results/{}/annotations.json", model_name(model))
    }

    pub fn mirror(&self) -> PathBuf {
        self.folder.path().join("mirror")
    }

    pub fn mirror_file(&self, path: &str) -> PathBuf {
        self.mirror().join(&self.host).join(path)
    }

    pub fn write_mirror(&self, path: &str, bytes: &[u8]) {
        let file = self.mirror_file(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, bytes).unwrap();
    }

    pub fn recipe(&self) -> PathBuf {
        self.folder.path().join("demo.toml")
    }

    pub fn lock(&self) -> PathBuf {
        self.folder.path().join("demo.lock")
    }

    pub fn store(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Rewrites a part of the recipe, which must be there.
    pub fn edit_recipe(&self, from: &str, to: &str) {
        edit(&self.recipe(), from, to);
    }

    /// A command on the recipe, with the mirror, on a store of this folder.
    pub fn command(&self, verb: &[&str], store: &str) -> Command {
        let mut command = aliquot(verb);
        command
            .arg(self.recipe())
            .arg("--store")
            .arg(self.store(store))
            .arg("--mirror")
            .arg(self.mirror());
        command
    }

    /// Runs such a command.
    pub fn aliquot(&self, verb: &[&str], store: &str) -> Output {
        self.command(verb, store).output().unwrap()
    }

    /// Runs the recipe; returns the release id.
    pub fn release(&self, store: &str, options: &[&str]) -> String {
        let output =
            self.command(&["run", "--json", "--offline"], store).args(options).output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        json_of(&output)["release"].as_str().unwrap().to_owned()
    }

    /// Runs a command on the release of a store.
    pub fn on_release(&self, arguments: &[&str], store: &str) -> Output {
        aliquot(arguments).arg("--store").arg(self.store(store)).output().unwrap()
    }
}

/// The program with nothing inherited that would change what it does.
pub fn aliquot(arguments: &[&str]) -> Command {
    let mut command = Command::new(program());
    for variable in
        ["ALIQUOT_STORE", "ALIQUOT_MIRROR", "ALIQUOT_DATA", "ALIQUOT_MODELS", "ORT_DYLIB_PATH"]
    {
        command.env_remove(variable);
    }
    command.env_remove("HF_ENDPOINT").env_remove("HF_TOKEN");
    command.args(arguments);
    command
}

pub fn edit(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "`{from}` is not in {}", path.display());
    fs::write(path, text.replacen(from, to, 1)).unwrap();
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub fn json_of(output: &Output) -> Value {
    assert!(output.status.success(), "{}", stderr(output));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Exit code and every part of the message that has to be there.
pub fn assert_refused(output: &Output, code: i32, parts: &[&str]) {
    let message = stderr(output);
    assert_eq!(output.status.code(), Some(code), "{message}");
    for part in parts {
        assert!(message.contains(part), "`{part}` is not in:\n{message}");
    }
    // Causes that a library words itself may say "Csv error:".
    let errors = message.matches("error:").count() - message.matches(" error:").count();
    assert_eq!(errors, 1, "one error, in:\n{message}");
    assert!(!message.contains("panicked"), "{message}");
}

/// One table of a release, as JSON objects.
pub fn read_table(store: &Path, manifest: &Value, table: &str) -> Vec<Value> {
    let id = manifest["tables"][table]["blake3"].as_str().unwrap();
    let file = fs::File::open(store.join("objects").join(&id[..2]).join(id)).unwrap();
    let rows = SerializedFileReader::new(file).unwrap().into_iter();
    let cell = |field: &Field| match field {
        Field::Str(text) => Value::from(text.as_str()),
        Field::UInt(number) => Value::from(*number),
        Field::Double(number) => Value::from(*number),
        _ => Value::Null,
    };
    rows.map(|row| {
        let row = row.unwrap();
        row.get_column_iter().map(|(name, field)| (name.clone(), cell(field))).collect()
    })
    .collect()
}

/// All files under a folder, sorted.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

fn recipe(origin: &str) -> String {
    let models: Vec<String> = (0..MODELS).map(|model| format!("{:?}", model_name(model))).collect();
    format!(
        r#"name = "demo"
version = "0.1.0"
title = "Demo"
description = "A leaderboard made by a test."
licence = "Apache-2.0"
seed = 7

[source.alpaca-eval]
address = "{origin}/{{revision}}/{{model}}/annotations.json"
revision = "results"
models = [{}]

[source.alpaca-eval.published]
address = "{origin}/{{revision}}/leaderboard.csv"
model_column = ""
score_column = "win_rate"
scale = 100.0
tolerance = 0.01

[audit]
minimum_coverage = 0.9

[[target]]
name = "demo"
benchmarks = {{ alpaca_eval = 1.0 }}

[subsets]
validation = 10
test = 12
procedure = "stratified+mean"

[evaluate]
repetitions = 4
"#,
        models.join(", ")
    )
}
