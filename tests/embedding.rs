//! Recipes that embed the texts of their items. All need the models of `make setup`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::{Output, Stdio},
    sync::Arc,
    thread,
    time::Duration,
};

use arrow_array::{
    Array, FixedSizeListArray, Float32Array, RecordBatch, cast::AsArray, types::Float32Type,
};
use parquet::arrow::{ArrowWriter, arrow_reader::ParquetRecordBatchReaderBuilder};

use crate::{
    support::{assert_refused, edit, json_of, read_table, stderr, stdout},
    texts::{EMBED, ITEMS, RECORD, Texts, cached, prompt},
};

fn succeeded(output: &Output) {
    assert!(output.status.success(), "{}", stderr(output));
}

#[test]
fn the_release_of_a_recipe_that_embeds_is_one_whatever_the_threads_and_the_cache() {
    let Some(texts) = Texts::new() else { return };
    let run = |store: &str, jobs: &str| {
        let mut command =
            texts.command(&["run", "--json", "--offline", "--jobs", jobs], "answered.toml", store);
        json_of(&command.output().unwrap())["release"].clone()
    };
    let one = run("one", "1");
    let kept = cached(&texts.path("models"));
    assert_eq!(kept.len(), ITEMS * RECORD);
    assert_eq!(one, run("two", "2"));
    // The second store took all vectors from the cache: nothing was added.
    assert_eq!(cached(&texts.path("models")), kept);
    // And without the cache they are made again, the same.
    fs::remove_dir_all(texts.path("models/cache")).unwrap();
    assert_eq!(one, run("three", "3"));
    assert_eq!(cached(&texts.path("models")).len(), ITEMS * RECORD);

    succeeded(&texts.on_release(&["verify", "answered"], "one"));
    let manifest = texts.manifest("answered", "one");
    let rows = |table: &str| read_table(&texts.path("one"), &manifest, table);
    assert_eq!(rows("embeddings").len(), ITEMS);
    let clusters = rows("clusters");
    let items: BTreeSet<&str> =
        clusters.iter().map(|row| row["item_uid"].as_str().unwrap()).collect();
    assert_eq!((clusters.len(), items.len()), (ITEMS, ITEMS));
    // Texts by k-means and k-medoids, answers and texts by k-means, for 3 and for 6 clusters.
    assert_eq!(rows("clustering").len(), 6);
    let map = manifest["reports"]["items.svg"]["blake3"].as_str().unwrap();
    let map = fs::read_to_string(texts.path("one/objects").join(&map[..2]).join(map)).unwrap();
    assert!(map.starts_with("<svg") && map.trim_end().ends_with("</svg>"), "{map}");

    let shown = stdout(&texts.on_release(&["show", "answered"], "one"));
    let section = shown.split("\nTexts\n-----\n").nth(1).unwrap().split("\nData\n").next().unwrap();
    assert_eq!(section.lines().filter(|line| line.starts_with("t  ")).count(), 6, "{section}");
    assert_eq!(section.matches("k-means *").count(), 1, "{section}");
}

/// Item uids of the test subset.
fn subset(texts: &Texts, release: &str) -> Vec<String> {
    let output = texts.on_release(&["show", release, "--items", "test"], "store");
    succeeded(&output);
    csv::Reader::from_reader(stdout(&output).as_bytes())
        .records()
        .map(|row| row.unwrap()[0].to_owned())
        .collect()
}

/// What `estimate` says of these scores: estimate, lower, upper and the kind of the interval.
fn estimate(texts: &Texts, release: &str, score: impl Fn(usize) -> u8) -> ([f64; 3], String) {
    let uids = subset(texts, release);
    let rows: String =
        uids.iter().enumerate().map(|(at, uid)| format!("{uid},{}\n", score(at))).collect();
    let results = texts.write("results.csv", &format!("item_uid,score\n{rows}"));
    let results = results.to_str().unwrap();
    let json = json_of(&texts.on_release(&["estimate", release, results, "--json"], "store"));
    let figures = ["estimate", "lower", "upper"].map(|key| json[key].as_f64().unwrap());
    (figures, json["interval"]["kind"].as_str().unwrap().to_owned())
}

#[test]
fn a_benchmark_without_results_has_a_release_to_show_estimate_and_trace() {
    let Some(texts) = Texts::new() else { return };
    texts.release("cold", "store");
    let uids = subset(&texts, "cold");
    assert_eq!(uids.len(), 12);
    let shown = stdout(&texts.on_release(&["show", "cold"], "store"));
    assert!(shown.contains("No model has answered these items yet"), "{shown}");
    assert!(shown.contains("\nTexts\n-----\n") && !shown.contains("Reliability"), "{shown}");
    succeeded(&texts.on_release(&["verify", "cold"], "store"));

    // A design interval: the mean of the answers, and less than everything that is possible.
    let ([value, lower, upper], kind) = estimate(&texts, "cold", |at| u8::from(at % 2 == 0));
    assert!(kind == "design" && (value - 0.5).abs() < 1e-9, "{kind} {value}");
    assert!(0.1 < lower && lower < 0.5 && 0.5 < upper && upper < 0.9, "{lower} to {upper}");

    // Without responses there is nothing to follow but the item.
    let traced = texts.on_release(&["trace", "cold", &uids[0]], "store");
    succeeded(&traced);
    let traced = stdout(&traced);
    assert!(traced.contains("subset     t/test") && traced.contains("no model has answered"));
    assert_refused(
        &texts.on_release(&["trace", "cold", &uids[0], "--model", "m"], "store"),
        8,
        &["has no response of model `m`"],
    );

    let results = texts.path("results.csv");
    let compared = texts.on_release(
        &["compare", "cold", results.to_str().unwrap(), results.to_str().unwrap()],
        "store",
    );
    succeeded(&compared);
    assert!(stdout(&compared).contains("full run not given"));
}

#[test]
fn bounds_hold_for_any_answers() {
    let Some(texts) = Texts::new() else { return };
    edit(&texts.path("cold.toml"), "embedding-strata+mean", "embedding-anchors+weighted-mean");
    texts.release("cold", "store");
    for answer in
        [|_| 0, |_| 1, |at| u8::from(at % 3 == 0), |at| u8::from(at == 5)] as [fn(usize) -> u8; 4]
    {
        let ([value, lower, upper], kind) = estimate(&texts, "cold", answer);
        assert_eq!(kind, "bounds");
        // The truth with every other item wrong, and with every other one right.
        let right = (0..12).map(|at| f64::from(answer(at))).sum::<f64>();
        let truths = [right, right + (ITEMS - 12) as f64].map(|sum| sum / ITEMS as f64);
        assert!(lower <= truths[0] + 1e-12 && truths[1] <= upper + 1e-12, "{lower} to {upper}");
        assert!(lower <= value && value <= upper);
        // And no wider than that.
        assert!((lower - truths[0]).abs() < 1e-9 && (upper - truths[1]).abs() < 1e-9);
    }
}

/// Rewrites a file of vectors.
fn change(from: &Path, to: &Path, changed: impl Fn(RecordBatch) -> RecordBatch) {
    let builder = ParquetRecordBatchReaderBuilder::try_new(fs::File::open(from).unwrap()).unwrap();
    let schema = Arc::clone(builder.schema());
    let mut writer = ArrowWriter::try_new(fs::File::create(to).unwrap(), schema, None).unwrap();
    for batch in builder.build().unwrap() {
        writer.write(&changed(batch.unwrap())).unwrap();
    }
    writer.close().unwrap();
}

/// Adds to every number of every vector.
fn shifted(batch: &RecordBatch, by: f32) -> RecordBatch {
    let lists = batch.column(1).as_fixed_size_list();
    let values: Float32Array = lists.values().as_primitive::<Float32Type>().unary(|v| v + by);
    let field = match lists.data_type() {
        arrow_schema::DataType::FixedSizeList(field, _) => Arc::clone(field),
        other => panic!("{other}"),
    };
    let lists = FixedSizeListArray::new(field, lists.value_length(), Arc::new(values), None);
    let mut columns = batch.columns().to_vec();
    columns[1] = Arc::new(lists);
    RecordBatch::try_new(batch.schema(), columns).unwrap()
}

#[test]
fn recorded_vectors_make_the_same_release_without_any_model() {
    let Some(texts) = Texts::new() else { return };
    succeeded(&texts.embed("cold.toml", "store", "v.parquet", &[]));
    let computed = texts.release("cold", "store");
    let cold = fs::read_to_string(texts.path("cold.toml")).unwrap();
    let recorded = cold
        .replace(
            "model = \"paraphrase-MiniLM-L3-v2\"\ndevice = \"cpu\"",
            "vectors = \"file:v.parquet\"",
        )
        .replace("name = \"cold\"", "name = \"recorded\"");
    texts.write("recorded.toml", &recorded);
    texts.lock("recorded");
    fs::rename(texts.path("models"), texts.path("elsewhere")).unwrap();
    let first = texts.release("recorded", "one");
    assert_eq!(first, texts.release("recorded", "two"));
    assert_ne!(first, computed, "its recipe is another");
    let table = |store: &str, release: &str| {
        texts.manifest(release, store)["tables"]["embeddings"]["blake3"].clone()
    };
    assert_eq!(table("one", "recorded"), table("store", "cold"));

    // One item less: it is named.
    change(&texts.path("v.parquet"), &texts.path("fewer.parquet"), |batch| {
        batch.slice(1, batch.num_rows() - 1)
    });
    let missing = {
        let all = fs::File::open(texts.path("v.parquet")).unwrap();
        let mut batches = ParquetRecordBatchReaderBuilder::try_new(all).unwrap().build().unwrap();
        batches.next().unwrap().unwrap().column(0).as_string::<i32>().value(0).to_owned()
    };
    edit(&texts.path("recorded.toml"), "v.parquet", "fewer.parquet");
    texts.lock("recorded");
    let parts = ["the recorded vectors lack item", &missing, "aliquot embed RECIPE -o FILE"];
    assert_refused(&texts.run("recorded", "one"), 4, &parts);

    // A file that holds no vectors.
    texts.write("fewer.parquet", "no Parquet at all");
    texts.lock("recorded");
    let parts = ["read the vectors of embed.vectors", "aliquot embed --output FILE"];
    assert_refused(&texts.run("recorded", "one"), 4, &parts);
}

#[test]
fn vectors_are_compared_with_those_of_another_run() {
    let Some(texts) = Texts::new() else { return };
    succeeded(&texts.embed("cold.toml", "store", "v.parquet", &[]));
    let compare = |file: &str, options: &[&str]| {
        let mut command = texts.command(&["embed"], "cold.toml", "store");
        command.arg("--compare").arg(texts.path(file)).args(options).output().unwrap()
    };
    let same = compare("v.parquet", &["--tolerance", "0"]);
    succeeded(&same);
    assert!(stdout(&same).contains("60 vectors compared, largest difference 0"));

    let shift = |batch: RecordBatch| shifted(&batch, 0.01);
    change(&texts.path("v.parquet"), &texts.path("shifted.parquet"), shift);
    let parts = ["vectors differ by up to 1.00e-2", "computed: {", "recorded: {"];
    assert_refused(&compare("shifted.parquet", &[]), 7, &parts);
    succeeded(&compare("shifted.parquet", &["--tolerance", "0.011"]));
    for wrong in ["nan", "inf", "x"] {
        assert_refused(&compare("shifted.parquet", &["--tolerance", wrong]), 2, &["not negative"]);
    }

    change(&texts.path("v.parquet"), &texts.path("fewer.parquet"), |batch| batch.slice(0, 59));
    assert_refused(&compare("fewer.parquet", &[]), 7, &["has no vector"]);
    assert_refused(&compare("items.csv", &[]), 4, &["items.csv", "aliquot embed --output FILE"]);
}

#[test]
fn items_that_say_nearly_the_same_are_found_and_dropped_or_stop_the_run() {
    let Some(texts) = Texts::new() else { return };
    let mut prompts: Vec<String> = (0..ITEMS).map(prompt).collect();
    prompts[40] = format!("{}?", prompts[7]);
    texts.write_items(&prompts);
    texts.lock("answered");
    let run = |action: &str, store: &str| {
        let recipe = fs::read_to_string(texts.path("answered.toml")).unwrap();
        let audit = format!("[audit.near_duplicates]\nsimilarity = 0.97\naction = \"{action}\"");
        texts.write("near.toml", &recipe.replace("[[target]]", &format!("{audit}\n[[target]]")));
        fs::copy(texts.path("answered.lock"), texts.path("near.lock")).unwrap();
        texts.run("near", store)
    };
    for (action, items) in [("keep", ITEMS), ("drop", ITEMS - 1)] {
        succeeded(&run(action, action));
        let manifest = texts.manifest("answered", action);
        let rows = |table: &str| read_table(&texts.path(action), &manifest, table);
        let found = rows("findings");
        let found: Vec<_> =
            found.iter().filter(|row| row["kind"] == "near-duplicate-item").collect();
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0]["action"], action);
        assert!(found[0]["observed"].as_f64().unwrap() > 0.97);
        assert_eq!(manifest["targets"][0]["items"], items);
        assert_eq!(rows("clusters").len(), items);
    }
    assert_refused(&run("fail", "fail"), 4, &["reasons to stop", "near-duplicate-item b"]);
}

#[test]
fn items_that_nobody_answered_are_counted_as_predicted_from_their_texts() {
    let Some(texts) = Texts::new() else { return };
    // Six items nobody has answered; the first of them says what an answered one says, nearly.
    let mut prompts: Vec<String> = (0..ITEMS + 6).map(prompt).collect();
    prompts[ITEMS] = format!("{}?", prompts[7]);
    texts.write_items(&prompts);
    let recipe = fs::read_to_string(texts.path("answered.toml")).unwrap();
    let audit = "[audit]\nunanswered_items = \"predict\"\n\
                 [audit.near_duplicates]\nsimilarity = 0.97\naction = \"drop\"\n[[target]]";
    texts.write("predicted.toml", &recipe.replace("[[target]]", audit));
    texts.lock("predicted");
    texts.release("predicted", "store");
    let manifest = texts.manifest("answered", "store");
    let rows = |table: &str| read_table(&texts.path("store"), &manifest, table);
    let predicted = rows("predictions");
    assert_eq!((predicted.len(), &manifest["targets"][0]["items"]), (5, &(ITEMS + 5).into()));
    let stems: BTreeMap<String, String> = rows("items")
        .iter()
        .map(|row| ["item_uid", "stem"].map(|key| row[key].as_str().unwrap().to_owned()).into())
        .collect();
    for row in &predicted {
        let stem = &stems[row["item_uid"].as_str().unwrap()];
        assert!(prompts[ITEMS + 1..].contains(stem), "{stem} was answered");
        assert!(row["difficulty_error"].as_f64().unwrap() > 0.0);
    }
    let uids = subset(&texts, "answered");
    let scores: String = uids.iter().map(|uid| format!("{uid},1\n")).collect();
    let results = texts.write("results.csv", &format!("item_uid,score\n{scores}"));
    let said = texts.on_release(&["estimate", "answered", results.to_str().unwrap()], "store");
    succeeded(&said);
    assert!(stdout(&said).contains("note      5 items of the mean have no answers"));
    let json = ["estimate", "answered", results.to_str().unwrap(), "--json"];
    assert_eq!(json_of(&texts.on_release(&json, "store"))["predicted_items"], 5);

    let without =
        recipe.replace("[[target]]", "[audit]\nunanswered_items = \"predict\"\n[[target]]");
    let without = without.replace(EMBED, "");
    texts.write("without.toml", &without);
    assert_refused(&texts.run("without", "store"), 3, &["looks at text: add [embed]"]);
}

#[test]
fn a_cold_subset_of_two_unequal_benchmarks_keeps_their_shares() {
    let Some(texts) = Texts::new() else { return };
    let mut csv = csv::Writer::from_path(texts.path("items.csv")).unwrap();
    csv.write_record(["item", "prompt", "benchmark"]).unwrap();
    for item in 0..ITEMS {
        let benchmark = if item < 20 { "b" } else { "a" };
        csv.write_record([&format!("i{item:02}"), &prompt(item), benchmark]).unwrap();
    }
    csv.flush().unwrap();
    drop(csv);
    let cold = fs::read_to_string(texts.path("cold.toml")).unwrap();
    let cold = cold
        .replace("benchmark = \"b\"\n", "")
        .replace("prompt = \"prompt\"", "prompt = \"prompt\", benchmark = \"benchmark\"");
    let two = |shares: &str| cold.replace("{ b = 1.0 }", shares);
    texts.write("two.toml", &two("{ a = 0.5, b = 0.5 }"));
    texts.lock("two");
    texts.release("two", "store");
    let manifest = texts.manifest("cold", "store");
    let benchmarks: BTreeMap<String, String> = read_table(&texts.path("store"), &manifest, "items")
        .iter()
        .map(|row| {
            ["item_uid", "benchmark"].map(|key| row[key].as_str().unwrap().to_owned()).into()
        })
        .collect();
    let output = texts.on_release(&["show", "cold", "--items", "test"], "store");
    let shown = stdout(&output);
    let mut shares = BTreeMap::<&str, f64>::new();
    for row in csv::Reader::from_reader(shown.as_bytes()).deserialize::<BTreeMap<String, String>>()
    {
        let row = row.unwrap();
        *shares.entry(&benchmarks[&row["item_uid"]]).or_default() +=
            row["weight"].parse::<f64>().unwrap();
    }
    assert!((shares["a"] - 0.5).abs() < 1e-9 && (shares["b"] - 0.5).abs() < 1e-9, "{shares:?}");
}

#[test]
fn kill_9_while_embedding_costs_nothing_but_the_batch_at_work() {
    let Some(texts) = Texts::new() else { return };
    const MANY: usize = 400;
    let long =
        |item: usize| (0..8).map(|part| prompt(item * 8 + part)).collect::<Vec<_>>().join(" ");
    texts.write_items(&(0..MANY).map(long).collect::<Vec<_>>());
    texts.lock("cold");

    let killed = || {
        let mut command = texts.command(&["run", "--offline"], "cold.toml", "killed");
        let mut run = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        while cached(&texts.path("models")).len() < 20 * RECORD && run.try_wait().unwrap().is_none()
        {
            thread::sleep(Duration::from_millis(2));
        }
        run.kill().unwrap();
        assert!(run.wait().unwrap().code().is_none(), "the run ended before it could be killed");
        cached(&texts.path("models"))
    };
    let left = killed();
    let whole = left.len() / RECORD;
    assert!((20..MANY).contains(&whole), "{whole} texts were done when it was killed");

    let resumed = texts.release("cold", "killed");
    let all = cached(&texts.path("models"));
    // Each text once: those of the killed run were not embedded again.
    assert_eq!(all.len(), MANY * RECORD);
    assert_eq!(all[..whole * RECORD], left[..whole * RECORD]);

    fs::remove_dir_all(texts.path("models/cache")).unwrap();
    assert_eq!(resumed, texts.release("cold", "undisturbed"));
}
