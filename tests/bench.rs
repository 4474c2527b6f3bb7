//! `aliquot bench` on a folder that the test writes, and on the real ones.

use std::{fs, path::PathBuf, process::Output, sync::Arc};

use arrow_array::{
    ArrayRef, BooleanArray, FixedSizeListArray, Float32Array, Int64Array, RecordBatch, StringArray,
};
use arrow_schema::{DataType, Field, Schema};
use parquet::arrow::ArrowWriter;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{aliquot, assert_refused, shared, stderr, stdout};

const MODELS: usize = 24;
const ITEMS: usize = 50;

const FIELDS: [&str; 18] = [
    "dataset",
    "benchmark",
    "metric",
    "split",
    "k",
    "seed",
    "method",
    "models",
    "mae_pp",
    "rmse_pp",
    "bias_pp",
    "p95_pp",
    "kendall_tau",
    "coverage_95",
    "width_95_pp",
    "fit_seconds",
    "interval_seconds",
    "predict_seconds",
];

/// Rows of `responses.parquet`.
#[derive(Default, Clone)]
struct Rows {
    model: Vec<String>,
    item: Vec<String>,
    score: Vec<f32>,
    metric: Vec<String>,
}

impl Rows {
    fn push(&mut self, model: &str, item: usize, score: f32, metric: &str) {
        self.model.push(model.to_owned());
        self.item.push(format!("item-{item:02}"));
        self.score.push(score);
        self.metric.push(metric.to_owned());
    }
}

/// A folder in the layout that `bench` reads.
struct Folder {
    place: TempDir,
}

fn texts(values: impl IntoIterator<Item = impl Into<String>>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(values.into_iter().map(Into::into)))
}

/// A plain function of the numbers: abilities and difficulties with an irregular remainder.
fn score(model: usize, item: usize) -> f32 {
    let noise = ((model * 7919 + item * 104_729) % 1009) as f64 / 1009.0;
    let chance = 0.5 + 0.4 * (model as f64 / MODELS as f64 - item as f64 / ITEMS as f64);
    if noise < chance { 1.0 } else { 0.0 }
}

fn name(model: usize) -> String {
    format!("model-{model:02}")
}

impl Folder {
    /// 24 models under metric `exact`; beside them one listed again, one that stopped early, one
    /// that scores nothing. Metric `loose` has four models only.
    fn new() -> Self {
        let folder = Self { place: tempfile::tempdir().unwrap() };
        fs::create_dir(folder.path()).unwrap();
        let mut rows = Rows::default();
        for item in 0..ITEMS {
            for model in 0..MODELS {
                rows.push(&name(model), item, score(model, item), "exact");
            }
            rows.push("model-03#2", item, score(3, item), "exact");
            rows.push("nothing", item, 0.0, "exact");
            if item < 20 {
                rows.push("stopped", item, 1.0, "exact");
            }
            for model in 0..4 {
                rows.push(&name(model), item, 1.0, "loose");
            }
        }
        folder.write_responses(rows);
        let items = || (0..ITEMS).map(|item| format!("item-{item:02}"));
        folder.write(
            "items",
            vec![("item_id", texts(items())), ("benchmark", texts(items().map(|_| "quiz")))],
        );
        folder.write_models(12);
        folder
    }

    /// The first `related` models go back to one base for every four of them.
    fn write_models(&self, related: usize) {
        let each = || 0..MODELS;
        let days = each().map(|model| format!("2024-01-{:02}", model + 1));
        let bases = each().map(|model| (model < related).then(|| format!("base-{}", model / 4)));
        let unquantized: Vec<bool> = each().map(|model| model % 4 != 3).collect();
        self.write(
            "models",
            vec![
                ("model", texts(each().map(name))),
                ("family_guess", texts(each().map(|model| ["a", "b", "c"][model % 3]))),
                ("run_date", texts(days)),
                ("base_group", Arc::new(bases.collect::<StringArray>())),
                ("is_unquantized", Arc::new(BooleanArray::from(unquantized))),
            ],
        );
    }

    fn path(&self) -> PathBuf {
        self.place.path().join("made")
    }

    fn write(&self, file: &str, columns: Vec<(&str, ArrayRef)>) {
        let field =
            |(name, array): &(&str, ArrayRef)| Field::new(*name, array.data_type().clone(), true);
        let schema = Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()));
        let arrays = columns.into_iter().map(|(_, array)| array).collect();
        let batch = RecordBatch::try_new(Arc::clone(&schema), arrays).unwrap();
        let file = fs::File::create(self.path().join(format!("{file}.parquet"))).unwrap();
        let mut writer = ArrowWriter::try_new(file, schema, None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
    }

    fn write_responses(&self, rows: Rows) {
        let scores = Arc::new(Float32Array::from(rows.score));
        self.write(
            "responses",
            vec![
                ("model", texts(rows.model)),
                ("item_id", texts(rows.item)),
                ("score", scores),
                ("metric", texts(rows.metric)),
            ],
        );
    }

    fn bench(&self, options: &[&str]) -> Output {
        aliquot(&["bench"]).arg(self.path()).args(options).output().unwrap()
    }
}

fn records(output: &Output) -> Vec<Value> {
    assert!(output.status.success(), "{}", stderr(output));
    stdout(output).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn without_seconds(mut records: Vec<Value>) -> Vec<Value> {
    for record in &mut records {
        let fields = record.as_object_mut().unwrap();
        fields.retain(|name, _| !name.ends_with("_seconds"));
    }
    records
}

/// Embeddings whose direction follows the item's difficulty, but for the items left out.
fn embed(folder: &Folder, left_out: usize) -> PathBuf {
    let number = Arc::new(Field::new("item", DataType::Float32, false));
    // One direction that all share, and one of its own for each: no two are near-duplicates.
    const DIMENSION: usize = ITEMS + 2;
    let vector = |item: usize| {
        let angle = 2.0 * item as f32 / ITEMS as f32;
        let mut vector = [0.0; DIMENSION];
        (vector[0], vector[1], vector[2 + item]) = (angle.cos(), angle.sin(), 1.0);
        vector
    };
    let values = Float32Array::from_iter_values((left_out..ITEMS).flat_map(vector));
    let vectors =
        FixedSizeListArray::try_new(number, DIMENSION as i32, Arc::new(values), None).unwrap();
    let ids = (left_out..ITEMS).map(|item| format!("item-{item:02}"));
    folder.write("embeddings", vec![("item_uid", texts(ids)), ("embedding", Arc::new(vectors))]);
    folder.path().join("embeddings.parquet")
}

#[test]
fn methods_of_text_take_embeddings_and_say_when_there_are_none() {
    let folder = Folder::new();
    let methods = ["--json", "--k", "12", "--seeds", "2", "--methods"];
    let with_text = "embedding-strata+mean,embedding-anchors+weighted-mean,combined-anchors+ridge";
    let refused = folder.bench(&[&methods[..], &[with_text]].concat());
    assert!(!refused.status.success());
    assert!(stderr(&refused).contains("--embeddings"), "{}", stderr(&refused));
    let file = embed(&folder, 0);
    let file = file.to_str().unwrap();
    let found =
        records(&folder.bench(&[&methods[..], &[with_text, "--embeddings", file]].concat()));
    assert!(!found.is_empty() && found.iter().all(|record| record["mae_pp"].is_number()));
    let file = embed(&folder, 1);
    let options = [&methods[..], &[with_text, "--embeddings", file.to_str().unwrap()]].concat();
    assert!(stderr(&folder.bench(&options)).contains("item-00"));
}

#[test]
fn difficulties_that_texts_give_away_are_foretold() {
    let folder = Folder::new();
    let file = embed(&folder, 0);
    let options =
        ["--json", "--k", "10", "--seeds", "2", "--unanswered", "20", "--methods", "default"];
    assert!(stderr(&folder.bench(&options)).contains("--embeddings"));
    let options = [&options[..], &["--embeddings", file.to_str().unwrap()]].concat();
    let found = records(&folder.bench(&options));
    let text: Vec<&Value> = found.iter().filter(|record| record["unanswered"] == "text").collect();
    assert!(!text.is_empty());
    for record in &text {
        assert!(record["difficulty_r2"][0].as_f64().unwrap() > 0.3, "{record}");
    }
    for way in ["ignored", "task mean", "text and task"] {
        assert!(found.iter().any(|record| record["unanswered"] == way), "{way}");
    }
}

const ALL_SPLITS: &str =
    "interpolation,extrapolation,date,family,compressed,compressed-without-base";

#[test]
fn intervals_that_need_refits_are_left_out_unless_asked_for() {
    let methods = ["--json", "--k", "12", "--seeds", "1", "--methods", "default,random+ridge"];
    for record in records(&Folder::new().bench(&methods)) {
        let known = record["coverage_95"].is_number() && record["width_95_pp"].is_number();
        assert_eq!(known, record["method"] == "default", "{record}");
    }
}

#[test]
fn every_split_size_seed_and_method_gives_a_record() {
    let output = Folder::new().bench(&[
        "--json",
        "--k",
        "5,12,40",
        "--seeds",
        "3",
        "--splits",
        ALL_SPLITS,
        "--methods",
        "random+mean,random+ridge",
        "--conformal",
    ]);
    let records = records(&output);
    assert_eq!(records.len(), 6 * 3 * 2 * 2);
    for record in &records {
        let names: Vec<&String> = record.as_object().unwrap().keys().collect();
        assert_eq!(names, FIELDS);
        assert_eq!(record["dataset"], "made/quiz/exact");
        let error = record["mae_pp"].as_f64().unwrap();
        assert!((0.0..50.0).contains(&error), "{record}");
        let coverage = record["coverage_95"].as_f64().unwrap();
        assert!((0.0..=1.0).contains(&coverage), "{record}");
        assert!(record["fit_seconds"].as_f64().unwrap() >= 0.0, "{record}");
    }
    // 24 models: a quarter, 30 %, the 7 newest (nearest to 27.5 %), a family, every fourth model.
    for (split, held_out) in
        [("interpolation", 6), ("extrapolation", 7), ("date", 7), ("family", 8), ("compressed", 6)]
    {
        let models = records.iter().filter(|record| record["split"] == split);
        assert!(models.clone().count() == 12, "{split}");
        assert!(models.clone().all(|record| record["models"] == held_out), "{split}");
    }
    let said = stderr(&output);
    for part in [
        "made/quiz/exact: 24 of 27 models x 50 of 50 items; models dropped: 1 repeated, 1 with gaps, \
         1 that score 0\n",
        "made/quiz/loose: 4 of 4 models x 50 of 50 items",
        "skipped: fewer than 12 models or 4 items",
        "made/quiz/exact: k = 40 skipped: not less than half of 50 items",
    ] {
        assert!(said.contains(part), "`{part}` is not in:\n{said}");
    }
}

#[test]
fn a_split_without_sources_is_skipped() {
    // Now every model is related to a compressed one.
    let folder = Folder::new();
    folder.write_models(MODELS);
    let output = folder.bench(&[
        "--json",
        "--k",
        "5",
        "--seeds",
        "1",
        "--splits",
        "compressed-without-base,date",
        "--methods",
        "random+mean",
    ]);
    assert_eq!(records(&output).len(), 1);
    let part =
        "compressed-without-base skipped: the source side of a split needs at least 4 models";
    assert!(stderr(&output).contains(part), "{}", stderr(&output));
}

#[test]
fn figures_do_not_depend_on_threads_but_on_the_seed() {
    let folder = Folder::new();
    let run = |jobs: &str, seed: &str| {
        let output = folder.bench(&[
            "--json",
            "--k",
            "5,10",
            "--seeds",
            "4",
            "--splits",
            "interpolation,extrapolation,date",
            "--jobs",
            jobs,
            "--seed",
            seed,
        ]);
        without_seconds(records(&output))
    };
    let one = run("1", "0");
    assert_eq!(one, run("2", "0"));
    assert_eq!(one, run("7", "0"));
    assert_ne!(one, run("2", "1"));
}

#[test]
fn selection_by_tasks_goes_by_the_column_of_items() {
    let folder = Folder::new();
    let options = ["--json", "--k", "10", "--seeds", "1", "--splits", "interpolation", "--methods"];
    let options = [&options[..], &["tasks(keep=4)+weighted-mean"]].concat();
    let without = folder.bench(&options);
    let said = stderr(&without);
    assert!(said.contains("selection by tasks needs the task of each item"), "{said}");

    let items = || (0..ITEMS).map(|item| format!("item-{item:02}"));
    folder.write(
        "items",
        vec![
            ("item_id", texts(items())),
            ("benchmark", texts(items().map(|_| "quiz"))),
            ("task", texts((0..ITEMS).map(|item| format!("task-{}", item % 10)))),
        ],
    );
    let records = records(&folder.bench(&options));
    assert_eq!(records.len(), 1);
    assert_eq!(records[0]["method"], "tasks(keep=4)+weighted-mean");
}

#[test]
fn a_person_gets_tables() {
    let output = Folder::new().bench(&["--k", "5", "--seeds", "2", "--metric", "exact"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let text = stdout(&output);
    for part in ["interpolation: ", "extrapolation: ", "k = 5", "default", "Kendall tau", " / "] {
        assert!(text.contains(part), "`{part}` is not in:\n{text}");
    }
    assert!(!stderr(&output).contains("loose"), "{}", stderr(&output));
}

#[test]
fn a_folder_that_lacks_a_file_or_a_column() {
    let folder = Folder::new();
    fs::remove_file(folder.path().join("items.parquet")).unwrap();
    let output = folder.bench(&[]);
    assert_refused(&output, 5, &["items.parquet", "No such file", "next: check the path"]);
    folder.write("items", vec![("item_id", texts(["item-00"])), ("task", texts(["quiz"]))]);
    let output = folder.bench(&[]);
    let column = "column `benchmark` is missing; the table has: item_id, task";
    assert_refused(&output, 4, &["items.parquet", column, "next: correct the file"]);
    fs::write(folder.path().join("items.parquet"), "no Parquet").unwrap();
    let output = folder.bench(&[]);
    let message = stderr(&output);
    assert_eq!(output.status.code(), Some(4), "{message}");
    assert!(message.contains("items.parquet") && message.contains("next: correct"), "{message}");
}

#[test]
fn rows_that_do_not_fit() {
    let folder = Folder::new();
    let mut rows = Rows::default();
    (0..30).for_each(|item| rows.push("model", item, 0.5, "exact"));
    let with = |change: &dyn Fn(&mut Rows)| {
        let mut changed = rows.clone();
        change(&mut changed);
        folder.write_responses(changed);
        folder.bench(&[])
    };
    let next = "next: correct the file";
    let output = with(&|rows| rows.score[17] = 1.5);
    let value = "row 17: column `score` holds `1.5`, expected a score from 0 to 1";
    assert_refused(&output, 4, &["responses.parquet", value, next]);
    let output = with(&|rows| rows.item[17] = "item-99".to_owned());
    let value = "row 17: column `item_id` holds `item-99`, expected an item of items.parquet";
    assert_refused(&output, 4, &["responses.parquet", value, next]);
    let output = with(&|rows| rows.item[17] = "item-03".to_owned());
    assert_refused(&output, 4, &["responses.parquet", "row 17", "each item once", next]);
    let output = with(&|rows| rows.model[17] = " ".to_owned());
    assert_refused(&output, 4, &["responses.parquet", "row 17: column `model` is empty", next]);
}

#[test]
fn a_date_that_is_none() {
    let folder = Folder::new();
    let released: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    folder.write("models", vec![("model", texts(["a"])), ("released", released)]);
    assert!(folder.bench(&["--k", "5", "--seeds", "1"]).status.success());
    folder.write("models", vec![("model", texts(["a"])), ("released", texts(["in spring"]))]);
    let value = "row 0: column `released` holds `in spring`, expected a number or a date";
    assert_refused(&folder.bench(&[]), 4, &["models.parquet", value]);
}

#[test]
fn arguments_that_name_nothing() {
    let folder = Folder::new();
    let refused = |options: &[&str], code: i32, parts: &[&str]| {
        assert_refused(&folder.bench(options), code, parts);
    };
    let methods = ["random+oracle", "selections: random,", "estimators: mean,", "`default`"];
    refused(&["--methods", "random+mean,random+oracle"], 2, &methods);
    refused(&["--splits", "fold"], 2, &["unknown split `fold`", "interpolation", "family"]);
    refused(&["--benchmark", "exam"], 2, &["unknown benchmark `exam`; known: quiz"]);
    refused(&["--metric", "fuzzy"], 2, &["unknown metric `fuzzy`; known: exact, loose"]);
    refused(&["--k", "0"], 2, &["--k"]);
    refused(&["--k", "25"], 8, &["nothing to measure"]);
    let twice = aliquot(&["bench"]).args([folder.path(), folder.path()]).output().unwrap();
    assert_refused(&twice, 2, &["two folders are called `made`"]);
}

const SUMS: [&str; 12] = [
    "pairs",
    "signed",
    "sign_right",
    "sign_tied",
    "claims",
    "claims_wrong",
    "equivalent",
    "equivalent_wrong",
    "covered",
    "width_pp",
    "variance_by_item_pp2",
    "variance_by_parent_pp2",
];

impl Folder {
    /// A file of pairs beside the folder: the last of every four related models against the first.
    fn pairs(&self, metric: &str) -> String {
        let path = self.path().join("pairs.parquet");
        let pairs = [("model-03", 0), ("model-07", 4), ("model-11", 8), ("stopped", 0)];
        self.write(
            "pairs",
            vec![
                ("quant_model", texts(pairs.map(|(variant, _)| variant))),
                ("base_model", texts(pairs.map(|(_, base)| name(base)))),
                ("metric", texts(pairs.map(|_| metric))),
            ],
        );
        path.to_str().unwrap().to_owned()
    }

    fn bench_pairs(&self, options: &[&str]) -> Output {
        let pairs = self.pairs("exact:quiz");
        self.bench(&[&["--pairs", &pairs], options].concat())
    }
}

#[test]
fn every_pair_is_compared_on_every_subset() {
    let folder = Folder::new();
    let options = ["--k", "10,30,60", "--seeds", "5", "--methods", "balanced-swap+ridge", "--json"];
    let output = folder.bench_pairs(&options);
    let all = records(&output);
    let said = stderr(&output);
    let line = "made/quiz/exact: 3 of 4 pairs; 12 models to select from\n";
    assert!(said.contains(line), "{said}");
    let sum = |field: &str, keep: &dyn Fn(&Value) -> bool| -> f64 {
        let kept = all.iter().filter(|record| keep(record));
        kept.map(|record| record[field].as_f64().unwrap()).sum()
    };
    for k in [10, 30] {
        for selection in ["random", "stratified", "balanced-swap"] {
            for base_run in ["subset", "full"] {
                let own = |record: &Value| {
                    record["k"] == k
                        && record["selection"] == selection
                        && record["base_run"] == base_run
                };
                assert_eq!(sum("pairs", &own), 15.0, "{k} {selection} {base_run}");
            }
        }
    }
    // Sizes beyond the 50 items are left out, and nothing else is there.
    assert_eq!(sum("pairs", &|_| true), 2.0 * 3.0 * 2.0 * 15.0);
    for record in &all {
        let fields: Vec<&String> = record.as_object().unwrap().keys().collect();
        assert_eq!(fields[8..], SUMS, "{record}");
        assert!(record["claims_wrong"].as_u64() <= record["claims"].as_u64(), "{record}");
        assert!(record["covered"].as_u64() <= record["pairs"].as_u64(), "{record}");
    }
    // More items, narrower intervals; the base's full run never hurts much.
    let width = |k: i32, base_run: &str| {
        sum("width_pp", &|record| record["k"] == k && record["base_run"] == base_run)
    };
    assert!(width(30, "subset") < 0.7 * width(10, "subset"));
    assert!(width(30, "full") < 1.02 * width(30, "subset"));
    assert!(sum("covered", &|_| true) >= 0.9 * sum("pairs", &|_| true));

    let again = folder.bench_pairs(&[&options[..], &["--jobs", "1"]].concat());
    assert_eq!(records(&again), all);
}

#[test]
fn a_person_gets_pairs_by_the_size_of_their_difference() {
    let folder = Folder::new();
    // Every five items have a parent.
    let items = || (0..ITEMS).map(|item| format!("item-{item:02}"));
    folder.write(
        "items",
        vec![
            ("item_id", texts(items())),
            ("benchmark", texts(items().map(|_| "quiz"))),
            ("parent_item", texts((0..ITEMS).map(|item| format!("parent-{}", item / 5)))),
        ],
    );
    let output = folder.bench_pairs(&["--k", "20", "--seeds", "2", "--methods", "default"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let text = stdout(&output);
    let rows = |selection: &str| {
        text.lines().filter(|line| line.split_whitespace().nth(1) == Some(selection)).count()
    };
    assert!(rows("random") >= 4 && rows("random") == rows("stratified"), "{text}");
    for part in ["k = 20, base known on the subset", "margin 2 points", "sign right", "by parent: "]
    {
        assert!(text.contains(part), "`{part}` is not in:\n{text}");
    }
}

#[test]
fn pairs_that_cannot_be_measured() {
    let folder = Folder::new();
    let refused = |pairs: &str, options: &[&str], code: i32, parts: &[&str]| {
        let options = [&["--pairs", pairs], options].concat();
        let output = folder.bench(&options);
        let message = stderr(&output);
        assert_eq!(output.status.code(), Some(code), "{message}");
        parts.iter().for_each(|part| assert!(message.contains(part), "`{part}`: {message}"));
    };
    let none = ["3 of 4 pairs", "nothing to measure"];
    refused(&folder.pairs("exact"), &["--k", "50"], 8, &none);
    refused(&folder.pairs("fuzzy"), &[], 8, &["0 of 0 pairs", "nothing to measure"]);
    let pairs = folder.pairs("exact");
    refused(&pairs, &["--margin", "0"], 2, &["--margin 0"]);
    refused(&pairs, &["--splits", "date"], 2, &["--pairs"]);
    let column = ["models.parquet", "column `quant_model` is missing"];
    refused(folder.path().join("models.parquet").to_str().unwrap(), &[], 4, &column);
    refused("none.parquet", &[], 5, &["none.parquet", "next: check the path"]);
    // Without a model that is free of the pairs' bases there is nothing to select from.
    folder.write_models(MODELS);
    let pairs: Vec<String> = (0..MODELS).step_by(4).map(name).collect();
    let variants = texts((0..MODELS).step_by(4).map(|base| name(base + 1)));
    folder.write("pairs", vec![("quant_model", variants), ("base_model", texts(pairs))]);
    let path = folder.path().join("pairs.parquet");
    refused(path.to_str().unwrap(), &["--k", "5"], 8, &["; 0 models to select from; skipped"]);
}

#[test]
fn claims_on_real_pairs_are_seldom_wrong() {
    let Some(data) = shared("data/can_ai_code_checks") else { return };
    let output =
        aliquot(&["bench", "--json", "--k", "50", "--seeds", "10", "--methods", "default"])
            .arg(&data)
            .arg("--pairs")
            .arg(data.join("quant_pairs.parquet"))
            .output()
            .unwrap();
    let all = records(&output);
    for selection in ["random", "stratified"] {
        let sum = |field: &str| -> f64 {
            let own = all.iter().filter(|record| record["selection"] == selection);
            own.map(|record| record[field].as_f64().unwrap()).sum()
        };
        assert_eq!(sum("pairs"), 2.0 * 10.0 * 139.0);
        assert!(sum("covered") >= 0.95 * sum("pairs"), "{selection}");
        assert!(sum("claims_wrong") <= 0.02 * sum("pairs"), "{selection}");
        assert!(sum("claims") >= 0.1 * sum("pairs"), "{selection}");
    }
}

/// Shapes of the reference program's matrices, `../shared/bench/protocol.py`.
#[test]
fn real_folders_give_the_matrices_of_the_reference() {
    let Some(data) = shared("data") else { return };
    let folders = ["alpaca_eval", "glue_preds", "helm_lite", "mmlu_pro", "openllm_v2", "zeroeval"];
    let output = aliquot(&["bench", "--json", "--k", "10", "--seeds", "1"])
        .args(["--methods", "random+mean", "--splits", "extrapolation"])
        .args(folders.map(|folder| data.join(folder)))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let said = stderr(&output);
    for (dataset, models, items) in [
        ("openllm_v2/ifeval", 429, 541),
        ("openllm_v2/openllm_math", 377, 894),
        ("openllm_v2/arc_challenge", 212, 1172),
        ("helm_lite/gsm", 83, 1000),
        ("helm_lite/math", 83, 437),
        ("helm_lite/mmlu", 83, 567),
        ("helm_lite/commonsense", 83, 500),
        ("glue_preds/mrpc", 87, 408),
        ("glue_preds/rte", 87, 277),
        ("glue_preds/sst2", 87, 872),
        ("alpaca_eval/alpaca_eval/weighted_alpaca_eval_gpt4_turbo", 58, 797),
        ("zeroeval/gsm", 43, 1319),
        ("zeroeval/math-l5", 42, 706),
        ("zeroeval/crux", 51, 800),
        ("mmlu_pro/mmlu_pro", 28, 12_002),
    ] {
        let line = said.lines().find(|line| line.starts_with(&format!("{dataset}: ")));
        let line = line.unwrap_or_else(|| panic!("{dataset} is not in:\n{said}"));
        let shape = (format!(": {models} of "), format!(" x {items} of "));
        assert!(line.contains(&shape.0) && line.contains(&shape.1), "{line}");
    }
}
