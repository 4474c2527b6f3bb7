//! `aliquot import`: files and folders to tables, without a recipe.

use std::{
    fs,
    io::Write,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Output,
};

use aliquot_sources::{Content, RawFile, adapters::raw_record};
use aliquot_store::ObjectId;
use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    logs::{DOCS, Run, TASKS, rows},
    support::{aliquot, assert_refused, edit, json_of, shared, stderr, stdout},
};

/// Options by which the generated logs are read.
const STRICT: [&str; 4] = ["--metric", "exact_match", "--filter", "strict"];

/// A folder with logs, a store and an output.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs `import` there.
    fn import(&self, paths: &[&Path], options: &[&str]) -> Output {
        let mut command = aliquot(&["import", "--store", "store", "-o", "out"]);
        command.current_dir(self.0.path()).args(paths).args(options).output().unwrap()
    }

    fn strict(&self, paths: &[&Path], options: &[&str]) -> Value {
        json_of(&self.import(paths, &[&STRICT, options, &["--json"]].concat()))
    }

    fn responses(&self) -> i64 {
        rows(&self.path("out/responses.parquet"))
    }
}

fn counts(json: &Value) -> [u64; 2] {
    ["read", "reused"].map(|key| json[key].as_u64().unwrap())
}

/// `subject: evidence` of the findings of a kind.
fn findings(json: &Value, kind: &str) -> Vec<String> {
    let all = json["findings"].as_array().unwrap().iter();
    let own = all.filter(|finding| finding["kind"] == kind);
    own.map(|finding| {
        format!(
            "{}: {}",
            finding["subject"].as_str().unwrap(),
            finding["evidence"].as_str().unwrap()
        )
    })
    .collect()
}

#[test]
fn genuine_files_are_guessed_and_read() {
    let Some(samples) = shared("raw_samples") else { return };
    let place = Place::new();
    let arc = samples.join("lm_eval_harness/prompteval_arc_easy");
    let judged = samples.join("alpaca_eval/text_davinci_001__alpaca_eval_gpt4__annotations.json");
    let json = json_of(&place.import(&[&arc, &judged], &["--json"]));
    assert_eq!(json["adapters"], json!({"alpaca-eval": 1, "lm-eval": 1}));
    assert_eq!(place.responses(), 1172 + 805);
    // The later results file is of another run.
    let unused = findings(&json, "unused-file");
    assert!(unused.len() == 1 && unused[0].contains("results_2024-06-21T15-46-42"), "{unused:?}");
    for table in ["items", "models", "aliases", "runs", "prompts", "findings"] {
        assert!(place.path(&format!("out/{table}.parquet")).is_file(), "{table}");
    }

    let all = samples.join("lm_eval_harness");
    let error = place.import(&[&all], &[]);
    assert_refused(&error, 4, &["file:", "choose", "--on-error skip"]);
    let json = json_of(&place.import(&[&all], &["--on-error", "skip", "--json"]));
    let left_out = findings(&json, "quarantined-file");
    assert!(left_out.iter().any(|file| file.contains("hellaswag_secondary")), "{left_out:?}");
    assert!(place.responses() > 1172, "{json}");
}

#[test]
fn a_table_whose_columns_leave_no_doubt_needs_no_declaration() {
    let place = Place::new();
    let tables = place.path("tables");
    fs::create_dir(&tables).unwrap();
    let rows = "a,q1,1\r\na,q2,0\r\nb,q1,\r\nb,q2,0.5\r\n";
    fs::write(tables.join("scores.csv"), format!("\u{feff}model,item,score\r\n{rows}")).unwrap();
    fs::write(tables.join("notes.csv"), "item,note\nq1,hard\n").unwrap();
    assert_refused(&place.import(&[&tables], &[]), 4, &["scores.csv", "--benchmark"]);
    let json = json_of(&place.import(&[&tables], &["--benchmark", "quiz", "--json"]));
    assert_eq!((&json["adapters"], place.responses()), (&json!({"table": 1}), 4));
    assert_eq!((&json["responses"], &json["without_score"]), (&4.into(), &1.into()));
    assert!(findings(&json, "unused-file")[0].contains("notes.csv"), "{json}");
    // Its own output has other columns as well, and is told by its footer.
    let responses = place.path("out/responses.parquet");
    let copy = place.path("copy.parquet");
    fs::copy(responses, &copy).unwrap();
    assert_refused(&place.import(&[&copy], &["--benchmark", "quiz"]), 4, &["no adapter knows it"]);
}

#[test]
fn adding_or_changing_one_file_reads_only_that_one_again() {
    let place = Place::new();
    let logs = place.path("logs of ü");
    (0..3).for_each(|model| drop(Run::full(model).write(&logs)));
    assert_eq!(counts(&place.strict(&[&logs], &[])), [6, 0]);
    assert_eq!(place.responses(), 6 * DOCS as i64);
    let before = fs::read(place.path("out/responses.parquet")).unwrap();
    assert_eq!(counts(&place.strict(&[&logs], &[])), [0, 6]);
    assert_eq!(fs::read(place.path("out/responses.parquet")).unwrap(), before);

    let fourth = Run::full(3).write(&logs);
    let json = place.strict(&[&logs], &[]);
    assert_eq!((counts(&json), &json["adapters"]["lm-eval"]), ([2, 6], &8.into()));
    assert_eq!(place.responses(), 8 * DOCS as i64);
    // The results file belongs to both tasks.
    let results = fourth.join(format!("results_{}.json", Run::full(3).time));
    edit(&results, "0.4.9", "0.4.8");
    assert_eq!(counts(&place.strict(&[&logs], &[])), [2, 6]);
    // The same names elsewhere are other files with results of their own.
    let elsewhere = place.path("elsewhere");
    Run { shots: 0, ..Run::full(4) }.write(&elsewhere.join("logs"));
    Run { shots: 1, ..Run::full(4) }.write(&place.path("logs"));
    let mut command = aliquot(&["import", "--store", "store", "-o", "out"]);
    command.current_dir(&elsewhere).args(["logs", "../logs", "--json"]).args(STRICT);
    let json = json_of(&command.output().unwrap());
    let found = findings(&json, "superseded-run");
    assert!(found.len() == 2 && found[0].contains("they differ in shots"), "{found:?}");

    // Another metric is another table of everything.
    let json = json_of(&place.import(&[&logs], &["--metric", "em", "--filter", "flex", "--json"]));
    assert_eq!(counts(&json), [8, 0]);
}

#[test]
fn a_file_counts_once_however_it_is_reached() {
    let place = Place::new();
    let folder = Run::full(0).write(&place.path("logs"));
    let samples = format!("samples_{}_{}.jsonl", TASKS[0], Run::full(0).time);
    symlink(&folder, folder.join("circle")).unwrap();
    let relative = Path::new("logs/../logs/lab__model-00").join(&samples);
    let json = place.strict(&[&folder, Path::new("logs"), &relative, &folder.join(&samples)], &[]);
    assert_eq!((counts(&json), place.responses()), ([2, 0], 2 * DOCS as i64));
    assert!(findings(&json, "superseded-run").is_empty(), "{json}");
}

#[test]
fn files_without_scores_are_told_and_nothing_else_is_read() {
    let place = Place::new();
    let logs = place.path("logs");
    Run::full(0).write(&logs);
    fs::write(logs.join("notes.txt"), "nothing").unwrap();
    fs::write(logs.join("samples_empty.jsonl"), "").unwrap();
    symlink("nowhere", logs.join("dead")).unwrap();
    fs::create_dir_all(logs.join("samples_folder.jsonl")).unwrap();
    fs::create_dir_all(logs.join(".hidden")).unwrap();
    fs::write(logs.join(".hidden/notes.txt"), "nothing").unwrap();
    // Store and output lie in the folder, and are no results.
    for _ in 0..2 {
        let json = place.strict(&[place.0.path()], &[]);
        let unused = findings(&json, "unused-file");
        let ends = |part: &str| unused.iter().filter(|text| text.ends_with(part)).count();
        assert_eq!(unused.len(), 3, "{unused:?}");
        assert_eq!(ends("notes.txt: no adapter knows it"), 1);
        assert_eq!(ends("samples_empty.jsonl: it is empty"), 1);
        assert_eq!(ends("dead: it is a link that leads nowhere"), 1);
    }
    let output = place.import(&[&logs], &STRICT);
    assert!(
        stdout(&output).starts_with("2 by lm-eval; 0 read, 2 reused, 0 left out; "),
        "{}",
        stdout(&output)
    );
    assert!(stderr(&output).contains("unused-file"), "{}", stderr(&output));

    let refused = |path: &str, code, part: &str| {
        assert_refused(&place.import(&[Path::new(path)], &[]), code, &[part]);
    };
    fs::create_dir(place.path("empty")).unwrap();
    refused("empty", 4, "there is no file in `empty`");
    refused("logs/notes.txt", 4, "`logs/notes.txt`: no adapter knows it");
    refused("none", 5, "next: check the path");
    refused("/dev/null", 2, "neither a file nor a folder");
}

#[test]
fn a_named_adapter_takes_its_own_of_a_folder_and_all_that_is_named() {
    let place = Place::new();
    let logs = place.path("logs");
    let folder = Run::full(0).write(&logs);
    let judged = r#"[{"instruction":"Why?","output_1":"a","generator_1":"base","output_2":"b",
        "generator_2":"m","annotator":"judge","preference":2.0}]"#;
    fs::write(logs.join("annotations.json"), judged).unwrap();
    let json = place.strict(&[&logs], &["--adapter", "lm-eval"]);
    assert_eq!(json["adapters"], json!({"lm-eval": 2}));
    let unused = findings(&json, "unused-file");
    assert!(unused.len() == 1 && unused[0].ends_with("does not look like that adapter's"));

    let samples = folder.join(format!("samples_{}_{}.jsonl", TASKS[0], Run::full(0).time));
    let error = place.import(&[&samples], &["--adapter", "alpaca-eval"]);
    assert_refused(&error, 4, &[&samples.file_name().unwrap().to_string_lossy()]);
    let unknown = place.import(&[&logs], &["--adapter", "csv"]);
    assert_refused(&unknown, 2, &["adapters: alpaca-eval, lm-eval"]);
}

#[test]
fn a_damaged_file_stops_everything_or_is_left_out() {
    let place = Place::new();
    let logs = place.path("logs");
    let folder = Run::full(0).write(&logs);
    Run::full(1).write(&logs);
    let damaged = folder.join(format!("samples_{}_{}.jsonl", TASKS[0], Run::full(0).time));
    edit(&damaged, "\"doc_id\":1,", "\"doc_id\":one,");
    let error = place.import(&[&logs], &STRICT);
    assert_refused(&error, 4, &["samples_toy_alpha", "line 3 column", "--on-error skip"]);

    let json = place.strict(&[&logs], &["--on-error", "skip"]);
    let left_out = findings(&json, "quarantined-file");
    assert!(left_out.len() == 1 && left_out[0].contains("line 3 column"), "{left_out:?}");
    assert_eq!(place.responses(), 3 * DOCS as i64);
    // Nothing left is no result.
    let error = place.import(&[&damaged], &[&STRICT[..], &["--on-error", "skip"]].concat());
    assert_refused(&error, 4, &["none of the 1 files with scores can be read", "line 3 column"]);
}

#[test]
fn of_two_runs_of_a_model_the_full_one_is_taken_and_other_shots_are_told() {
    let place = Place::new();
    let logs = place.path("logs");
    Run::full(0).write(&logs);
    let subset = Run {
        docs: [vec![1, 2], vec![3]],
        shots: 0,
        time: "2026-10-02T10-00-00.000000",
        ..Run::full(0)
    };
    subset.write(&logs);
    let json = place.strict(&[&logs], &[]);
    assert_eq!(place.responses(), 2 * DOCS as i64);
    let found = findings(&json, "superseded-run");
    assert!(found.len() == 2 && found[0].contains("they differ in shots: 0 here, 5 there"));
    // The prompts are those of the runs whose scores are taken.
    assert_eq!(rows(&place.path("out/prompts.parquet")), 2 * DOCS as i64);
}

#[test]
fn an_output_that_cannot_be_written_is_told_before_anything_is_read() {
    let place = Place::new();
    let logs = place.path("logs");
    Run::full(0).write(&logs);
    fs::write(place.path("out"), "a file").unwrap();
    assert_refused(&place.import(&[&logs], &STRICT), 5, &["create `out`"]);
    assert!(!place.path("store/cache").exists());
}

#[test]
fn raw_records_are_lines_elements_and_rows_and_others_are_located() {
    let record = |name: &str, bytes: &[u8], record| {
        let address = name.parse().unwrap();
        let content = Content::Memory(bytes);
        let file = RawFile { address: &address, id: ObjectId::of(bytes), content };
        raw_record(&file, record).map_err(|error| error.to_string())
    };
    let lines = b"{\"a\":1}\n\n{\"a\":NaN}\n";
    assert_eq!(record("file:x.jsonl", lines, 1), Ok(json!({"a": null})));
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(lines).unwrap();
    let packed = packed.finish().unwrap();
    assert_eq!(record("file:x.jsonl.gz", &packed, 0), Ok(json!({"a": 1})));
    let array = b"[{\"a\":1}, {\"a\":[2]}]";
    assert_eq!(record("file:x.json", array, 1), Ok(json!({"a": [2]})));
    assert!(record("file:x.json", array, 2).unwrap_err().contains("record 2"));
    assert_eq!(record("file:x.csv", b"a,b\n1,x\n", 0), Ok(json!({"a": "1", "b": "x"})));
    for bytes in [&b"PK\x03\x04\xff\xfe"[..], b"{\n  \"samples\": []\n}\n", b""] {
        let located = record("file:logs/x.eval", bytes, 7).unwrap();
        assert_eq!((&located["file"], &located["record"]), (&json!("file:logs/x.eval"), &json!(7)));
    }
}
