//! The main job on real leaderboards: our own, which is part of the project, and others where `../shared`
//! is there.

use std::{fs, path::Path, process::Command};

use serde_json::Value;

use crate::support::{aliquot, json_of, root, shared, stdout};

fn run(recipe: &str, store: &Path, options: &[&str]) -> Value {
    let mut command: Command = aliquot(&["run", "--json", "--offline"]);
    command.arg(root().join(recipe)).arg("--store").arg(store).args(options);
    json_of(&command.output().unwrap())
}

/// What `manifests/releases` says of a release that was run.
fn committed(run: &Value) -> Value {
    let name = run["name"].as_str().unwrap();
    let pointer = root().join(format!("manifests/releases/{name}.json"));
    let versions: Value = serde_json::from_slice(&fs::read(pointer).unwrap()).unwrap();
    versions[run["version"].as_str().unwrap()].clone()
}

#[test]
fn compression_is_released_from_the_clone_alone_under_the_id_that_is_committed() {
    let folder = tempfile::tempdir().unwrap();
    let recipe = "manifests/recipes/compression.toml";
    let first = run(recipe, &folder.path().join("one"), &["--jobs", "1"]);
    let second = run(recipe, &folder.path().join("two"), &["--jobs", "2"]);
    assert_eq!(first["release"], second["release"]);
    assert_eq!(
        first["release"],
        committed(&first),
        "the release changed: raise the stage's or the recipe's version, then `make pointers`"
    );
}

#[test]
fn alpaca_eval_equals_the_leaderboard_and_the_release_id_that_is_committed() {
    let Some(mirror) = shared("mirror") else { return };
    let folder = tempfile::tempdir().unwrap();
    let recipe = "manifests/recipes/alpaca-eval.toml";
    let mirror = mirror.to_str().unwrap();
    let first = run(recipe, &folder.path().join("one"), &["--mirror", mirror, "--jobs", "1"]);
    let second = run(recipe, &folder.path().join("two"), &["--mirror", mirror, "--jobs", "2"]);
    assert_eq!(first["release"], second["release"]);

    assert_eq!(
        first["release"],
        committed(&first),
        "the release changed: raise the stage's or the recipe's version, then `make pointers`"
    );

    let store = folder.path().join("one");
    let show = aliquot(&["show", "alpaca-eval@0.2.0", "--store"]).arg(&store).output().unwrap();
    let text = stdout(&show);
    // 57 win rates within 0.01 points of the leaderboard's; text_davinci_003 is not on it.
    let counts: Vec<Vec<&str>> = text
        .lines()
        .filter(|line| line.starts_with("aggregate"))
        .map(|line| line.split_whitespace().take(4).collect())
        .collect();
    assert_eq!(
        counts,
        [vec!["aggregate", "info", "keep", "57"], vec!["aggregate", "warning", "keep", "1"]]
    );
    let verify = aliquot(&["verify", "alpaca-eval", "--store"]).arg(&store).output().unwrap();
    assert!(verify.status.success());

    // The default errs by about 1.05 points on models like the sources, the stratified mean by 1.2.
    let quality = first["quality"].as_array().unwrap();
    let error = |procedure: &str| {
        let row = quality
            .iter()
            .find(|row| row["procedure"] == procedure && row["split"] == "interpolation");
        row.unwrap()["mae_pp"].as_f64().unwrap()
    };
    assert!(error("two-sided+guarded") < 1.2);
    assert!(error("two-sided+guarded") < error("stratified+mean"));
    assert!(error("stratified+mean") < error("random+mean"));
}

#[test]
fn three_benchmarks_at_once_have_a_subset_each_and_one_for_their_mean() {
    let Some(data) = shared("data") else { return };
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    // Four repetitions instead of twenty: the point here is the shape, not the figures.
    for ending in ["toml", "lock"] {
        let from = root().join(format!("tests/recipes/openllm-v2.{ending}"));
        let text = fs::read_to_string(from).unwrap().replace("repetitions = 20", "repetitions = 4");
        fs::write(folder.path().join(format!("openllm-v2.{ending}")), text).unwrap();
    }
    let recipe = folder.path().join("openllm-v2.toml");
    run(recipe.to_str().unwrap(), &store, &["--data", data.to_str().unwrap()]);

    let show = aliquot(&["show", "openllm-v2", "--json", "--store"]).arg(&store).output().unwrap();
    let manifest = json_of(&show)["manifest"].clone();
    let sizes: Vec<(String, u64, u64)> = manifest["targets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|target| {
            let number = |key: &str| target[key].as_u64().unwrap();
            (target["name"].as_str().unwrap().to_owned(), number("items"), number("models"))
        })
        .collect();
    // 448 models; 21 are listed twice with the same answers, arc_challenge has 218 of which 9 are
    // copies, and 208 models are left on all three.
    let expected = [
        ("ifeval", 541, 427),
        ("openllm_math", 894, 427),
        ("arc_challenge", 1172, 209),
        ("mean", 2607, 208),
    ];
    assert_eq!(sizes, expected.map(|(name, items, models)| (name.to_owned(), items, models)));
    assert_alphas(&store);
    let items = |subset: &str| {
        let output = aliquot(&["show", "openllm-v2", "--items", subset, "--store"])
            .arg(&store)
            .output()
            .unwrap();
        stdout(&output)
            .lines()
            .skip(1)
            .map(|line| line.split(',').next().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let names = ["ifeval", "openllm_math", "arc_challenge", "mean"];
    let tests: Vec<String> = names.iter().flat_map(|name| items(&format!("{name}/test"))).collect();
    let validations: Vec<String> =
        names.iter().flat_map(|name| items(&format!("{name}/validation"))).collect();
    assert_eq!((tests.len(), validations.len()), (400, 400));
    assert!(
        validations.iter().all(|item| !tests.contains(item)),
        "no validation item is in any test subset"
    );
}

/// Computed from the matrices with NumPy, KR-20 and stratified alpha by their textbook formulas.
fn assert_alphas(store: &Path) {
    let show = aliquot(&["show", "openllm-v2", "--store"]).arg(store).output().unwrap();
    let text = stdout(&show);
    let alphas: Vec<(&str, &str)> = text
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .filter(|cells| cells.get(1) == Some(&"full"))
        .map(|cells| (cells[0], cells[4]))
        .collect();
    let expected = [
        ("arc_challenge", "0.993"),
        ("ifeval", "0.994"),
        ("mean", "0.995"),
        ("openllm_math", "0.991"),
    ];
    assert_eq!(alphas, expected);
}
