//! What is wrong with a recipe that embeds, its models, or a table of texts.

use std::{fs, process::Output};

use crate::{
    support::{aliquot, assert_refused, edit, json_of, stderr, stdout},
    texts::{ITEMS, QUANTISED, SMALL, Texts},
};

/// Runs the recipe with a part replaced.
fn with(texts: &Texts, recipe: &str, from: &str, to: &str) -> Output {
    let text = fs::read_to_string(texts.path(&format!("{recipe}.toml"))).unwrap();
    assert!(text.contains(from), "`{from}` is not in {text}");
    texts.write("changed.toml", &text.replacen(from, to, 1));
    fs::copy(texts.path(&format!("{recipe}.lock")), texts.path("changed.lock")).unwrap();
    texts.run("changed", "store")
}

#[test]
fn mistakes_in_a_recipe_that_embeds() {
    let Some(texts) = Texts::new() else { return };
    let refused = |recipe: &str, from: &str, to: &str, parts: &[&str]| {
        assert_refused(&with(&texts, recipe, from, to), 3, parts);
    };
    for recipe in ["cold", "answered"] {
        refused(recipe, SMALL, "MiniLM", &["unknown model `MiniLM`", SMALL, QUANTISED]);
        refused(recipe, "\"cpu\"", "\"gpu\"", &["`gpu` is no device", "`cuda:N`"]);
        refused(recipe, "clusters = [3, 6]", "clusters = [1]", &["embed.clusters", "between 2"]);
        let typo = "clusters = []\nlong_texts = \"trunkate\"";
        let parts = ["long_texts `trunkate`", "truncate or windowed-mean"];
        refused(recipe, "clusters = [3, 6]", typo, &parts);
        let parts = ["unknown field `long_text`", "`long_texts`"];
        refused(recipe, "clusters = [3, 6]", "long_text = \"truncate\"", &parts);
        refused(recipe, ", prompt = \"prompt\"", "", &["declare the `prompt` of the items"]);
        let embed =
            "[embed]\nmodel = \"paraphrase-MiniLM-L3-v2\"\ndevice = \"cpu\"\nclusters = [3, 6]\n";
        refused(recipe, embed, "", &["`embedding-strata+mean` looks at text: add [embed]"]);
        let near = "[audit.near_duplicates]\naction = \"drop\"\n";
        let random = with_random(&texts, recipe);
        refused(&random, embed, near, &["audit.near_duplicates looks at text: add [embed]"]);
        let both = format!("{embed}vectors = \"file:v.parquet\"\n");
        refused(recipe, embed, &both, &["[embed] takes `model`", "or `vectors`"]);
    }
    let no_column = with(&texts, "cold", "prompt = \"prompt\"", "prompt = \"question\"");
    assert_refused(&no_column, 4, &["column `question` is missing", "item, prompt"]);
}

/// A copy of the recipe that chooses items at random.
fn with_random(texts: &Texts, recipe: &str) -> String {
    let name = format!("{recipe}-random");
    let text = fs::read_to_string(texts.path(&format!("{recipe}.toml"))).unwrap();
    texts.write(&format!("{name}.toml"), &text.replace("embedding-strata", "random"));
    fs::copy(texts.path(&format!("{recipe}.lock")), texts.path(&format!("{name}.lock"))).unwrap();
    name
}

/// A copy of the recipe without results that has no [embed].
fn without_embed(texts: &Texts) -> String {
    let name = with_random(texts, "cold");
    let path = texts.path(&format!("{name}.toml"));
    let text = fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once("[embed]").unwrap();
    let rest = rest.split_once("[[target]]").unwrap().1;
    fs::write(&path, format!("{before}[[target]]{rest}")).unwrap();
    name
}

#[test]
fn what_a_benchmark_without_results_cannot_have() {
    let Some(texts) = Texts::new() else { return };
    let refused = |from: &str, to: &str, parts: &[&str]| {
        assert_refused(&with(&texts, "cold", from, to), 3, parts);
    };
    let instead = [
        "learns from results and [source.items] has none",
        "embedding-strata+mean",
        "random+mean",
        "embedding-anchors",
        "embedding-facility-location",
    ];
    for procedure in
        ["default", "stratified+mean", "combined-anchors+gp-irt", "embedding-anchors+ridge"]
    {
        refused("embedding-strata+mean", procedure, &instead);
    }
    refused("[subsets]", "[evaluate]\n[subsets]", &["[evaluate] needs results"]);
    let search = "validation = { target_mae_pp = 2 }";
    refused("validation = 10", search, &["without results no size can be searched for"]);
    refused("test = 12", "test = 59", &["cannot select 10 items from a pool of 1"]);
}

#[test]
fn missing_models_are_named_with_the_command_and_nobody_else_needs_them() {
    let Some(texts) = Texts::new() else { return };
    fs::remove_file(texts.path("models").join(SMALL)).unwrap();
    let parts = [SMALL, "is not there; `make setup MODEL=paraphrase-MiniLM-L3-v2` fetches it"];
    assert_refused(&texts.run("cold", "store"), 10, &parts);
    fs::remove_file(texts.path("models/onnxruntime")).unwrap();
    let parts = ["libonnxruntime.so is not there; `make setup` fetches it"];
    assert_refused(&texts.run("cold", "store"), 10, &parts);
    fs::remove_dir_all(texts.path("models")).unwrap();
    assert_refused(&texts.run("cold", "store"), 10, &parts);
    assert_refused(&self_check(&texts, SMALL), 10, &parts);

    let random = without_embed(&texts);
    texts.release(&random, "store");
}

#[test]
fn files_that_are_not_those_of_the_manifest() {
    let Some(texts) = Texts::new() else { return };
    let own = texts.path("models").join(SMALL);
    let real = fs::canonicalize(&own).unwrap();
    fs::remove_file(&own).unwrap();
    fs::create_dir(&own).unwrap();
    for file in ["model.onnx", "tokenizer.json"] {
        fs::copy(real.join(file), own.join(file)).unwrap();
    }
    for file in ["model.onnx", "tokenizer.json"] {
        let mut bytes = fs::read(own.join(file)).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(own.join(file), bytes).unwrap();
        let parts = [
            file,
            "is not the file that the manifest of",
            "pinned:",
            "found:",
            "make setup MODEL=",
        ];
        assert_refused(&texts.run("cold", "store"), 10, &parts);
        fs::copy(real.join(file), own.join(file)).unwrap();
    }
    fs::write(own.join("model.onnx"), "").unwrap();
    assert_refused(&texts.run("cold", "store"), 10, &["model.onnx", "pinned:", "found:"]);
}

#[test]
fn a_library_that_is_none_and_a_device_that_is_not_there() {
    let Some(texts) = Texts::new() else { return };
    let library = texts.write("library.so", "no library");
    let mut command = texts.command(&["run", "--offline"], "cold.toml", "store");
    let output = command.arg("--runtime").arg(library).output().unwrap();
    assert_refused(&output, 10, &["load ONNX Runtime from", "library.so", "make setup"]);

    // The library of `make setup` is for the CPU; with that of DEVICE=cuda the driver may be there.
    let cuda = with(&texts, "cold", "\"cpu\"", "\"cuda:0\"");
    let table =
        texts.embed("items.csv", "store", "v.parquet", &["--id", "item", "--device", "cuda:0"]);
    for output in [cuda, table] {
        if !output.status.success() {
            assert_refused(
                &output,
                10,
                &["device `cuda:0` cannot be used", "make setup DEVICE=cuda"],
            );
        }
    }
    // What the recipe says is not passed over.
    for option in [["--device", "cuda:0"], ["--model", SMALL], ["--id", "item"]] {
        let output = texts.embed("cold.toml", "store", "v.parquet", &option);
        assert_refused(&output, 2, &[option[0], "is for tables: a recipe says"]);
    }
}

fn self_check(texts: &Texts, model: &str) -> Output {
    let mut command =
        aliquot(&["embed", "--self-check", "--json", "--device", "cpu", "--model", model]);
    command.arg("--models").arg(texts.path("models")).output().unwrap()
}

#[test]
fn both_small_models_check_themselves() {
    let Some(texts) = Texts::new() else { return };
    for model in [SMALL, QUANTISED] {
        let found = json_of(&self_check(&texts, model));
        assert_eq!((&found["model"], &found["provider"]), (&model.into(), &"cpu".into()));
        assert!(found["smallest_cosine"].as_f64().unwrap() >= 0.999, "{found}");
        assert!(found["texts_per_second"].as_f64().unwrap() > 0.0, "{found}");
    }
    let missing = "is not there; `make setup MODEL=bge-base-en-v1.5` fetches it";
    assert_refused(&self_check(&texts, "bge-base-en-v1.5"), 10, &[missing]);
    assert_refused(&self_check(&texts, "bge"), 2, &["unknown model `bge`", SMALL]);
}

#[test]
fn tables_of_texts_that_cannot_be_read() {
    let Some(texts) = Texts::new() else { return };
    let refused = |text: &str, options: &[&str], code: i32, parts: &[&str]| {
        texts.write("table.csv", text);
        let output = texts.embed("table.csv", "store", "v.parquet", options);
        assert_refused(&output, code, &[&["table.csv"], parts].concat());
        assert!(!texts.path("v.parquet").exists());
    };
    refused("item_id,prompt\na,x\n,y\n", &[], 9, &["row 2: `item_id` is blank"]);
    refused("item_id,prompt\na,x\nb,y\na,z\n", &[], 9, &["row 3: `item_id` holds `a` again"]);
    let step = "name its columns with `--id` and `--text`";
    refused("uid,prompt\na,x\n", &[], 4, &["column `item_id` is missing", "uid, prompt", step]);
    let text = ["--text", "question"];
    refused("item_id,prompt\na,x\n", &text, 4, &["column `question` is missing", step]);
    refused("", &[], 4, &["it holds no column"]);
    refused("item_id,prompt\na,x,y\n", &[], 4, &["line 2"]);

    let gone = texts.embed("nothing.csv", "store", "v.parquet", &[]);
    assert_refused(&gone, 5, &["nothing.csv", "No such file"]);
    texts.write("table.txt", "");
    let ending = texts.embed("table.txt", "store", "v.parquet", &[]);
    assert_refused(&ending, 2, &["ends in none of .toml, .csv, .jsonl, .parquet"]);
    let neither = texts.command(&["embed"], "items.csv", "store").output().unwrap();
    assert_refused(&neither, 2, &["give --output FILE, --compare FILE, or both"]);
    let random = without_embed(&texts);
    let without = texts.embed(&format!("{random}.toml"), "store", "v.parquet", &[]);
    assert_refused(&without, 3, &["it has no [embed]"]);
}

#[test]
fn an_empty_prompt_and_one_of_a_megabyte_have_vectors() {
    let Some(texts) = Texts::new() else { return };
    let long = "long words ".repeat(1 << 17);
    texts.write("table.csv", &format!("item_id,prompt\nempty,\nlong,{long}\nshort,a word\n"));
    for rule in ["truncate", "windowed-mean"] {
        let output = texts.embed("table.csv", "store", "v.parquet", &["--long-texts", rule]);
        assert!(output.status.success(), "{}", stderr(&output));
        assert!(stdout(&output).contains("3 vectors of 384"));
    }
    // As in a table, so in a recipe.
    let mut prompts: Vec<String> = (0..ITEMS).map(crate::texts::prompt).collect();
    prompts[3] = String::new();
    prompts[5] = long;
    texts.write_items(&prompts);
    texts.lock("cold");
    edit(&texts.path("cold.toml"), "0.1.0", "0.2.0");
    texts.release("cold", "store");
}
