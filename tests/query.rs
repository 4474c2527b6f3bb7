//! `aliquot query` on a release, a run and a folder, next to figures that are computed here.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use serde_json::{Value, json};

use crate::support::{
    ITEMS, Leaderboard, MODELS, aliquot, assert_refused, edit, files, json_of, model_name,
    read_table, stderr, stdout,
};

fn published() -> Leaderboard {
    let board = Leaderboard::new();
    board.release("store", &[]);
    board
}

fn ask(board: &Leaderboard, sql: &str) -> Vec<Value> {
    let answer = json_of(&board.on_release(&["query", sql, "demo", "--json"], "store"));
    answer.as_array().unwrap().clone()
}

fn manifest(board: &Leaderboard) -> Value {
    json_of(&board.on_release(&["show", "demo", "--json"], "store"))["manifest"].clone()
}

#[test]
fn a_mean_by_model_is_that_of_the_source() {
    let board = published();
    // The source: preferences of 1 to 2, of which scores are the part above 1, as 32-bit numbers.
    let mut sums: BTreeMap<String, f64> = BTreeMap::new();
    for model in 0..MODELS {
        let text = fs::read_to_string(board.mirror_file(&board.annotations_path(model))).unwrap();
        let records: Vec<Value> = serde_json::from_str(&text).unwrap();
        let scores =
            records.iter().map(|r| f64::from((r["preference"].as_f64().unwrap() - 1.0) as f32));
        sums.insert(model_name(model), scores.sum());
    }
    let rows = ask(
        &board,
        "SELECT model, count(score) AS n, avg(CAST(score AS DOUBLE)) AS mean FROM responses \
         GROUP BY model ORDER BY model",
    );
    assert_eq!(rows.len(), MODELS);
    for (row, (model, sum)) in rows.iter().zip(&sums) {
        assert_eq!((row["model"].as_str().unwrap(), &row["n"]), (model.as_str(), &json!(ITEMS)));
        let difference = row["mean"].as_f64().unwrap() - sum / ITEMS as f64;
        assert!(difference.abs() < 1e-12, "{row}");
    }
    let best = sums.iter().max_by(|a, b| a.1.total_cmp(b.1)).unwrap().0;
    let sql = "SELECT model FROM responses GROUP BY model ORDER BY sum(CAST(score AS DOUBLE)) DESC LIMIT 1";
    assert_eq!(ask(&board, sql), [json!({"model": best})]);
}

#[test]
fn tables_of_a_release_join() {
    let board = published();
    let store = board.store("store");
    let subsets = read_table(&store, &manifest(&board), "subsets");
    let expected: BTreeSet<(String, String)> = subsets
        .iter()
        .filter(|row| row["subset"] == "test")
        .map(|row| row["item_uid"].as_str().unwrap().to_owned())
        .map(|uid| {
            let items = read_table(&store, &manifest(&board), "items");
            let item = items.into_iter().find(|item| item["item_uid"] == uid.as_str()).unwrap();
            (uid, item["stem"].as_str().unwrap().to_owned())
        })
        .collect();
    let sql = "SELECT items.item_uid, stem, count(*) AS answers \
               FROM subsets JOIN items USING (item_uid) JOIN responses USING (item_uid) \
               WHERE subset = 'test' GROUP BY items.item_uid, stem";
    let rows = ask(&board, sql);
    let found: BTreeSet<(String, String)> = rows
        .iter()
        .map(|row| {
            (row["item_uid"].as_str().unwrap().to_owned(), row["stem"].as_str().unwrap().to_owned())
        })
        .collect();
    assert_eq!((found, rows.len()), (expected, 12));
    assert!(rows.iter().all(|row| row["answers"] == MODELS));

    // Columns of one name are told apart by their table.
    let sql = "SELECT * FROM items JOIN responses ON items.item_uid = responses.item_uid LIMIT 1";
    let row = &ask(&board, sql)[0];
    assert_eq!(row["items.item_uid"], row["responses.item_uid"]);
    assert!(row["stem"].is_string() && row["model"].is_string());
}

#[test]
fn names_versions_and_ids_name_a_release_and_damage_is_refused() {
    let board = published();
    let id = json_of(&board.on_release(&["show", "demo", "--json"], "store"))["release"].clone();
    let sql = "SELECT count(*) AS n FROM items";
    for name in ["demo", "demo@0.1.0", &id.as_str().unwrap()[..12]] {
        let rows = json_of(&board.on_release(&["query", sql, name, "--json"], "store"));
        assert_eq!(rows, json!([{"n": ITEMS}]));
    }
    assert_refused(
        &board.on_release(&["query", sql, "other"], "store"),
        8,
        &["other", "demo@0.1.0"],
    );

    let items = manifest(&board)["tables"]["items"]["blake3"].as_str().unwrap().to_owned();
    let object = board.store("store").join("objects").join(&items[..2]).join(&items);
    let mut bytes = fs::read(&object).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&object, bytes).unwrap();
    assert_refused(&board.on_release(&["query", sql, "demo"], "store"), 7, &[&items[..8]]);
    // Tables that the query does not read are not read.
    let other =
        board.on_release(&["query", "SELECT count(*) AS n FROM models", "demo", "--json"], "store");
    assert_eq!(json_of(&other), json!([{"n": MODELS}]));
}

#[test]
fn tables_are_listed_with_columns_and_rows() {
    let board = published();
    let text = stdout(&board.on_release(&["query", "--tables", "demo"], "store"));
    assert!(text.contains(&format!("items  {ITEMS} rows\n")), "{text}");
    assert!(text.contains(&format!("responses  {} rows\n", ITEMS * MODELS)), "{text}");
    let listed = json_of(&board.on_release(&["query", "--tables", "demo", "--json"], "store"));
    let names: Vec<&str> =
        listed.as_array().unwrap().iter().map(|table| table["table"].as_str().unwrap()).collect();
    let release = manifest(&board);
    assert_eq!(names, release["tables"].as_object().unwrap().keys().collect::<Vec<_>>());
    let responses = listed.as_array().unwrap().iter().find(|t| t["table"] == "responses").unwrap();
    let score = json!({"name": "score", "type": "Float32", "nullable": true});
    assert!(responses["columns"].as_array().unwrap().contains(&score));
}

#[test]
fn a_run_need_not_be_published() {
    let board = Leaderboard::new();
    let query = |sql: &str| {
        let mut command = aliquot(&["query", sql, "--json", "--run"]);
        command.arg(board.recipe()).arg("--store").arg(board.store("store")).output().unwrap()
    };
    let sql = "SELECT count(*) AS n FROM responses";
    assert_refused(&query(sql), 8, &["no run of", "aliquot run"]);
    let output =
        board.command(&["run", "--offline", "--until", "audit"], "store").output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(json_of(&query(sql)), json!([{"n": ITEMS * MODELS}]));
    assert_refused(
        &query("SELECT * FROM quality"),
        2,
        &["no table `quality`", "findings, gaps, items, models"],
    );
    board.release("store", &[]);
    let quality = json_of(&query("SELECT count(*) AS n FROM quality"));
    assert!(quality[0]["n"].as_u64().unwrap() > 0);
}

/// The tables of a release as files, which is what an import writes.
fn exported(board: &Leaderboard) -> std::path::PathBuf {
    let folder = board.folder.path().join("tables");
    fs::create_dir_all(&folder).unwrap();
    for (name, artifact) in manifest(board)["tables"].as_object().unwrap() {
        let id = artifact["blake3"].as_str().unwrap();
        let object = board.store("store").join("objects").join(&id[..2]).join(id);
        fs::copy(object, folder.join(format!("{name}.parquet"))).unwrap();
    }
    folder
}

fn in_folder(folder: &Path, arguments: &[&str]) -> std::process::Output {
    aliquot(&["query"]).args(arguments).arg("--folder").arg(folder).output().unwrap()
}

#[test]
fn a_folder_of_parquet_files_is_queried_in_text_csv_and_json() {
    let board = published();
    let folder = exported(&board);
    fs::copy(folder.join("items.parquet"), folder.join("My items.parquet")).unwrap();
    let sql = "SELECT model, trial AS t, missing_reason, round(CAST(score AS DOUBLE), 3) AS s \
               FROM responses ORDER BY model DESC, item_uid";
    let csv = stdout(&in_folder(&folder, &[sql, "--csv"]));
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    assert_eq!(reader.headers().unwrap(), vec!["model", "t", "missing_reason", "s"]);
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), ITEMS * MODELS);
    assert_eq!((&rows[0][0], &rows[0][1], &rows[0][2]), ("model-15", "0", ""));

    let json = json_of(&in_folder(&folder, &[sql, "--json", "--limit", "3"]));
    let json = json.as_array().unwrap();
    assert_eq!(json.len(), 3);
    for (object, row) in json.iter().zip(&rows) {
        assert_eq!(object["s"].as_f64().unwrap(), row[3].parse::<f64>().unwrap());
        assert_eq!(object["missing_reason"], Value::Null, "a missing cell is there, as null");
    }

    let text = stdout(&in_folder(&folder, &[sql, "--limit", "2"]));
    let lines: Vec<&str> = text.lines().collect();
    let more = format!("({} more rows; `--limit N` prints more)", ITEMS * MODELS - 2);
    assert_eq!((lines.len(), lines[3]), (4, more.as_str()));
    assert!(lines[0].starts_with("model     t  missing_reason"), "{text}");
    assert!(lines[1].starts_with("model-15  0  "), "{text}");
    assert_eq!(stdout(&in_folder(&folder, &[sql])).lines().count(), 102);

    // No row still has columns.
    let none = "SELECT model, score FROM responses WHERE model = 'nobody'";
    assert_eq!(stdout(&in_folder(&folder, &[none, "--csv"])), "model,score\n");
    assert_eq!(json_of(&in_folder(&folder, &[none, "--json"])), json!([]));

    let quoted = "SELECT count(*) AS n FROM \"My items\"";
    assert_eq!(json_of(&in_folder(&folder, &[quoted, "--json"])), json!([{"n": ITEMS}]));
}

#[test]
fn one_thread_and_many_give_the_same_rows() {
    let board = published();
    let folder = exported(&board);
    let sql = "SELECT model, count(*) AS n, min(score) AS low, max(item_uid) AS last FROM responses \
               GROUP BY model ORDER BY model";
    let one = stdout(&in_folder(&folder, &[sql, "--csv"]));
    assert_eq!(one, stdout(&in_folder(&folder, &[sql, "--csv", "--jobs", "5"])));
    assert_eq!(one.lines().count(), MODELS + 1);
}

#[test]
fn statements_that_write_or_reach_outside_are_refused() {
    let board = published();
    let folder = exported(&board);
    let before = files(board.folder.path());
    let outside = folder.join("items.parquet");
    let outside = outside.display();
    let place = board.folder.path().join("out.csv");
    for (sql, word) in [
        ("CREATE TABLE t AS SELECT 1".to_owned(), "CREATE"),
        (format!("CREATE EXTERNAL TABLE t STORED AS PARQUET LOCATION '{outside}'"), "CREATE"),
        (format!("COPY (SELECT * FROM items) TO '{}'", place.display()), "COPY"),
        ("INSERT INTO items SELECT * FROM items".to_owned(), "INSERT"),
        ("DROP TABLE items".to_owned(), "DROP"),
        ("SET datafusion.execution.target_partitions = 1".to_owned(), "SET"),
    ] {
        let parts = [&*format!("`{word}` is refused"), "SELECT"];
        assert_refused(&in_folder(&folder, &[&sql]), 2, &parts);
    }
    let sql = format!("SELECT * FROM '{outside}'");
    assert_refused(&in_folder(&folder, &[&sql]), 2, &["no table", "aliases, "]);
    let sql = "SELECT 1 AS a INTO t";
    assert_eq!(in_folder(&folder, &[sql]).status.code(), Some(2));
    let sql = "SELECT * FROM information_schema.df_settings";
    assert_refused(&in_folder(&folder, &[sql]), 2, &["no table `df_settings`"]);
    assert_eq!(files(board.folder.path()), before);
}

#[test]
fn mistakes_say_what_there_is() {
    let board = published();
    let folder = exported(&board);
    let refused = |sql: &str, parts: &[&str]| {
        assert_refused(&in_folder(&folder, &[sql]), 2, parts);
    };
    refused("SELECT * FROM answers", &["no table `answers`", "responses", "--tables"]);
    refused("SELECT colour FROM responses", &["no column `colour`", "responses.model"]);
    refused("SELECT r.colour FROM responses r", &["no column `r.colour`", "r.model"]);
    refused("SELECT model, score FROM responses GROUP BY model", &["score"]);
    refused("SELECT * FROM", &["the SQL cannot be read"]);
    refused("SELECT 1; SELECT 2", &["more than one statement"]);
    refused("SELECT frobnicate(score) FROM responses", &["frobnicate"]);
    refused("SELECT CAST(model AS INT) FROM responses", &["the query failed"]);
    refused(
        "SELECT * FROM (SELECT 1 AS b) a, (SELECT 2 AS b) c, (SELECT 3 AS \"a.b\") d",
        &["two columns `a.b`"],
    );

    let usage = |arguments: &[&str], part: &str| {
        assert_refused(&aliquot(arguments).output().unwrap(), 2, &[part]);
    };
    usage(&["query", "SELECT 1"], "say whose tables");
    usage(&["query"], "say whose tables");
    usage(&["query", "--tables"], "say whose tables");
    usage(&["query", "--tables", "SELECT 1", "demo"], "no SQL");
    let both = aliquot(&["query", "SELECT 1", "demo", "--folder"]).arg(&folder).output().unwrap();
    assert_refused(&both, 2, &["say whose tables"]);
    assert_refused(&in_folder(&folder.join("nothing"), &["SELECT 1"]), 5, &["nothing"]);
    assert_refused(&in_folder(&board.mirror(), &["SELECT 1"]), 8, &["no file NAME.parquet"]);
}

#[test]
fn files_that_are_no_tables_are_named() {
    let board = published();
    let folder = exported(&board);
    let items = folder.join("items.parquet");
    let whole = fs::read(&items).unwrap();
    fs::write(&items, &whole[..whole.len() / 2]).unwrap();
    let sql = "SELECT count(stem) FROM items";
    assert_refused(&in_folder(&folder, &[sql]), 4, &["table `items`"]);
    fs::write(&items, b"item_uid,stem\n").unwrap();
    assert_refused(&in_folder(&folder, &[sql]), 4, &["table `items`"]);
    // Damage behind the footer shows on reading, as an error of that table.
    let mut damaged = whole.clone();
    damaged[4..whole.len() / 2].fill(0xFF);
    fs::write(&items, damaged).unwrap();
    assert_refused(&in_folder(&folder, &[sql]), 4, &["table `items`"]);
}

#[test]
fn a_query_that_needs_more_memory_than_allowed_ends_with_an_error() {
    let board = published();
    let folder = exported(&board);
    // 960 answers, paired three times over: far more groups than fit into a MiB.
    let sql = "SELECT count(*) FROM (SELECT DISTINCT a.raw, a.record AS x, b.record AS y, c.record AS z, \
               a.model AS p, b.model AS q, c.item_uid AS r FROM responses a, responses b, responses c)";
    let output = in_folder(&folder, &[sql, "--memory", "1"]);
    assert_refused(&output, 2, &["more than 1 MiB", "--memory"]);
}

#[test]
fn an_edited_recipe_has_no_tables_of_its_own_until_it_runs() {
    let board = published();
    edit(&board.recipe(), "minimum_coverage = 0.9", "minimum_coverage = 0.8");
    let mut command = aliquot(&["query", "SELECT * FROM findings", "--run"]);
    let output =
        command.arg(board.recipe()).arg("--store").arg(board.store("store")).output().unwrap();
    // Merged tables are as before, audited ones are not made yet.
    assert_refused(
        &output,
        2,
        &["no table `findings`", "aliases, gaps, items, models, responses, scores"],
    );
}
