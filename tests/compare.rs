//! `aliquot compare` on a published release.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Output,
};

use arrow_array::{Array, StringArray};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;

use crate::support::{ITEMS, Leaderboard, aliquot, assert_refused, json_of, stderr, stdout};

/// A release with a test subset of 30 of 60 items.
struct Setup {
    board: Leaderboard,
    /// Items of the test subset.
    subset: Vec<String>,
    /// All items.
    all: Vec<String>,
}

impl Setup {
    fn new() -> Self {
        let board = Leaderboard::new();
        board.edit_recipe("test = 12", "test = 30");
        board.release("store", &[]);
        let items = stdout(&board.on_release(&["show", "demo", "--items", "test"], "store"));
        let uid = |line: &str| line.split(',').next().unwrap().to_owned();
        let subset: Vec<String> = items.lines().skip(1).map(uid).collect();
        let manifest = json_of(&board.on_release(&["show", "demo", "--json"], "store"));
        let id = manifest["manifest"]["tables"]["items"]["blake3"].as_str().unwrap().to_owned();
        let all = uids(&board.store("store").join("objects").join(&id[..2]).join(&id));
        assert_eq!((subset.len(), all.len()), (30, ITEMS));
        Self { board, subset, all }
    }

    /// Results of these items, each with the score of its place.
    fn write(&self, file: &str, items: &[String], score: impl Fn(usize) -> f64) -> PathBuf {
        let rows: String =
            items.iter().enumerate().map(|(at, uid)| format!("{uid},{}\n", score(at))).collect();
        self.write_text(file, &format!("item_uid,score\n{rows}"))
    }

    fn write_text(&self, file: &str, text: &str) -> PathBuf {
        let path = self.board.folder.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    fn compare(&self, files: &[&PathBuf], options: &[&str]) -> Output {
        let mut command = aliquot(&["compare", "demo"]);
        command.args(files).args(options).arg("--store").arg(self.board.store("store"));
        command.output().unwrap()
    }

    fn variants(&self, files: &[&PathBuf], options: &[&str]) -> Vec<Value> {
        let json = json_of(&self.compare(files, &[options, &["--json"]].concat()));
        json["variants"].as_array().unwrap().clone()
    }
}

fn uids(table: &Path) -> Vec<String> {
    let file = fs::File::open(table).unwrap();
    let batches = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
    let mut uids = Vec::new();
    for batch in batches {
        let batch = batch.unwrap();
        let column = batch.column_by_name("item_uid").unwrap();
        let column = column.as_any().downcast_ref::<StringArray>().unwrap();
        uids.extend(column.iter().map(|uid| uid.unwrap().to_owned()));
    }
    uids
}

/// Right on three items of four.
fn usual(at: usize) -> f64 {
    f64::from(u8::from(!at.is_multiple_of(4)))
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

#[test]
fn the_same_answers_carry_no_claim_of_a_difference() {
    let setup = Setup::new();
    let base = setup.write("base.csv", &setup.subset, usual);
    let same = setup.write("same.csv", &setup.subset, usual);
    let variant = &setup.variants(&[&base, &same], &[])[0];
    // 30 answers without a change exclude losses of more than some 10 points, not of 2.
    assert_eq!(variant["verdict"], "undecided");
    assert_eq!(number(&variant["difference_pp"]), 0.0);
    assert!(number(&variant["lower_pp"]) < -5.0 && number(&variant["upper_pp"]) > 5.0);
    assert_eq!(number(&variant["p_difference"]).round(), 1.0);
    assert_eq!(number(&variant["flips"]["share"]), 0.0);
    assert_eq!(
        (number(&variant["mcnemar"]["mid_p"]), number(&variant["sign_flip"]["p"])),
        (1.0, 1.0)
    );
    assert_eq!(variant["full"], Value::Null);
    assert_eq!(variant["items_needed"]["observed"], Value::Null);

    let wide = &setup.variants(&[&base, &same], &["--margin", "20"])[0];
    assert_eq!(wide["verdict"], "equivalent");
    let text = stdout(&setup.compare(&[&base, &same], &[]));
    assert!(text.contains("undecided: may be better, worse, or within 2 points of base"), "{text}");
    let text = stdout(&setup.compare(&[&base, &same], &["--margin", "20"]));
    assert!(text.contains("less than 20 points from base; no difference is shown"), "{text}");
    assert!(
        text.contains("points, more than these changes can add up to; 1 point needs"),
        "{text}"
    );
}

#[test]
fn a_clearly_worse_variant_is_worse_and_a_slightly_worse_one_undecided() {
    let setup = Setup::new();
    let base = setup.write("base.csv", &setup.subset, usual);
    // 15 of the 22 right answers lost; one lost and one gained.
    let worse = setup.write("a/q2.csv", &setup.subset, |at| if at < 20 { 0.0 } else { usual(at) });
    let moved =
        setup.write("b/q2.csv", &setup.subset, |at| usual(if at < 2 { 1 - at } else { at }));
    let both = setup.variants(&[&base, &worse, &moved], &[]);
    assert_eq!((&both[0]["name"], &both[1]["name"]), (&"q2".into(), &"q2#2".into()));
    assert_eq!((&both[0]["verdict"], &both[1]["verdict"]), (&"worse".into(), &"undecided".into()));
    assert_eq!(both[0]["flips"]["right_to_wrong"], 15);
    assert!((number(&both[0]["difference_pp"]) + 50.0).abs() < 1e-9, "{}", both[0]);
    assert!(number(&both[0]["upper_pp"]) < 0.0);
    assert!(number(&both[0]["mcnemar"]["mid_p"]) < 0.001);
    assert!(number(&both[0]["p_difference_holm"]) >= number(&both[0]["p_difference"]));

    // What is said of one does not hang on the others, but for the adjustment.
    let mut alone = setup.variants(&[&base, &worse], &[]).remove(0);
    assert_eq!(alone["p_difference_holm"], alone["p_difference"]);
    alone["p_difference_holm"] = both[0]["p_difference_holm"].clone();
    alone["p_tost_holm"] = both[0]["p_tost_holm"].clone();
    assert_eq!(alone, both[0]);

    let text = stdout(&setup.compare(&[&base, &worse, &moved], &[]));
    for part in [
        "demo@0.1.0 demo/test, 30 of 60 items; base base: full run not given",
        "worse than base\n",
        "-50.00  (",
        "15 right to wrong, 0 wrong to right: 50.0 % of the answers\n",
        "1 right to wrong, 1 wrong to right: 6.7 % of the answers; accuracy shows 0 of the 2\n",
        "adjusted for 2 variants",
        "McNemar mid-p",
        "30 items find a difference of about",
        "(the benchmark has 60)",
    ] {
        assert!(text.contains(part), "`{part}` is not in:\n{text}");
    }
    assert!(!text.contains("full score"), "{text}");

    // The other way round it is better.
    let turned = setup.variants(&[&worse, &base], &[]).remove(0);
    assert_eq!(turned["verdict"], "better");
}

#[test]
fn the_base_s_full_run_gives_the_full_score_and_a_narrower_interval() {
    let setup = Setup::new();
    let base = setup.write("base.csv", &setup.subset, usual);
    // Right on the subset as before, and on the other 30 items.
    let score = |at: usize| {
        let place = setup.subset.iter().position(|uid| *uid == setup.all[at]);
        place.map_or(1.0, usual)
    };
    let full = setup.write("full.csv", &setup.all, score);
    let variant = setup.write("q4.csv", &setup.subset, |at| usual(at % 7));
    let without = &setup.variants(&[&base, &variant], &[])[0];
    let json = json_of(&setup.compare(&[&full, &variant], &["--json"]));
    let with = &json["variants"][0];

    // 22 and 30 of 60 are right.
    let known = number(&json["base"]["full_score"]);
    assert!((known - 52.0 / 60.0).abs() < 1e-12, "{json}");
    assert!(number(&with["control_variate_lambda"]) < 1.0, "{with}");
    let expected = known + number(&with["difference_pp"]) / 100.0;
    assert!((number(&with["full"]["estimate"]) - expected).abs() < 1e-12, "{with}");
    let width = |variant: &Value| number(&variant["upper_pp"]) - number(&variant["lower_pp"]);
    assert!(width(with) < width(without), "{with}\n{without}");
    assert_eq!(with["on_subset_pp"], without["on_subset_pp"]);

    // A variant's full run is read for its items of the subset.
    let whole = setup.write("whole.csv", &setup.all, |at| {
        let place = setup.subset.iter().position(|uid| *uid == setup.all[at]);
        place.map_or(0.0, |place| usual(place % 7))
    });
    let subset = ["--subset", "demo/test"];
    let measured = &setup.variants(&[&full, &whole], &subset)[0];
    for key in ["difference_pp", "lower_pp", "p_tost", "flips"] {
        assert_eq!(measured[key], with[key], "{key}");
    }
    assert!(number(&measured["full_run"]) < 0.5 && with["full_run"].is_null());
    let text = stdout(&setup.compare(&[&full, &whole], &subset));
    assert!(text.contains("base full: full run 86.67 %"), "{text}");
    assert!(text.contains("full score") && text.contains("measured; the above uses"), "{text}");
}

#[test]
fn graded_scores_have_no_mcnemar_but_a_sign_flip_test() {
    let setup = Setup::new();
    let base = setup.write("base.csv", &setup.subset, |at| 0.5 + 0.01 * at as f64);
    let lower = setup.write("lower.csv", &setup.subset, |at| 0.4 + 0.005 * at as f64);
    let run = || setup.variants(&[&base, &lower], &[]).remove(0);
    let variant = run();
    assert_eq!((&variant["mcnemar"], &variant["verdict"]), (&Value::Null, &"worse".into()));
    assert_eq!(variant["flips"]["changed_scores"], 30);
    // 30 unequal changes are too many to enumerate, and are drawn from a fixed seed.
    assert_eq!(variant["sign_flip"]["exact"], false);
    assert!(number(&variant["sign_flip"]["p"]) < 0.001);
    assert_eq!(variant, run());
}

#[test]
fn files_that_do_not_fit_are_refused_by_item_and_line() {
    let setup = Setup::new();
    let base = setup.write("base.csv", &setup.subset, usual);
    let refused = |file: &PathBuf, code: i32, parts: &[&str]| {
        assert_refused(&setup.compare(&[&base, file], &[]), code, parts);
        assert_refused(&setup.compare(&[file, &base], &[]), code, parts);
    };
    let less = setup.write("less.csv", &setup.subset[1..], usual);
    let lists = "`aliquot show RELEASE --items demo/test`";
    let test = ["less.csv", "30 items of demo/test", "1 missing", &setup.subset[0], lists];
    refused(&less, 9, &test);

    let strange: Vec<String> = [&setup.subset[..], &["feed".to_owned()]].concat();
    let strange = setup.write("strange.csv", &strange, usual);
    refused(&strange, 9, &["strange.csv", "1 unknown", "feed (line 32)"]);

    let part = setup.write("part.csv", &setup.all[..59], usual);
    let missing = setup.all[59].as_str();
    refused(&part, 9, &["part.csv", "nor all 60 items", "1 missing", missing]);

    let text = fs::read_to_string(&base).unwrap();
    let seven = setup.write_text("seven.csv", &text.replacen(",1\n", ",7\n", 1));
    refused(&seven, 9, &["seven.csv", "line 3", "score 7 is not between 0 and 1"]);
    let twice = setup.write_text("twice.csv", &format!("{text}{},1\n", setup.subset[3]));
    refused(&twice, 9, &["twice.csv", "line 32", &setup.subset[3], "twice"]);
    refused(&setup.board.folder.path().join("none.csv"), 5, &["none.csv", "next: check the path"]);

    let compare = |options: &[&str]| setup.compare(&[&base, &base], options);
    assert_refused(&compare(&["--margin", "0"]), 2, &["--margin 0"]);
    assert_refused(&compare(&["--level", "95"]), 2, &["--level 95"]);
    assert_refused(&compare(&["--subset", "demo/train"]), 8, &["no subset `demo/train`"]);
    let full = setup.write("full.csv", &setup.all, usual);
    let output = setup.compare(&[&full, &full], &[]);
    assert_refused(&output, 2, &["demo/test, demo/validation", "--subset demo/test"]);
    let none = aliquot(&["compare", "demo"]).arg(&base).output().unwrap();
    assert!(none.status.code() == Some(2) && stderr(&none).contains("VARIANT"));
}
