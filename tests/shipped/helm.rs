//! HELM Lite: a folder a run in a bucket.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::solves;

/// Bucket of HELM's public results.
pub const BUCKET: &str = "crfm-helm-public";

/// Files of a run that the recipe reads.
pub const FILES: [&str; 4] =
    ["instances.json", "per_instance_stats.json", "run_spec.json", "stats.json"];

/// A run: what its name begins with, class of its scenario, main metric, split.
type Scenario = (&'static str, &'static str, &'static str, &'static str);

/// A run of each benchmark of the recipe, two where it has several.
pub const RUNS: [Scenario; 13] = [
    ("narrative_qa:", "NarrativeQAScenario", "f1_score", "test"),
    ("natural_qa:mode=openbook_longans,", "NaturalQAScenario", "f1_score", "valid"),
    ("natural_qa:mode=closedbook,", "NaturalQAScenario", "f1_score", "valid"),
    (
        "commonsense:dataset=openbookqa,method=multiple_choice_joint,",
        "OpenBookQA",
        "exact_match",
        "test",
    ),
    (
        "mmlu:subject=econometrics,method=multiple_choice_joint,",
        "MMLUScenario",
        "exact_match",
        "test",
    ),
    (
        "mmlu:subject=us_foreign_policy,method=multiple_choice_joint,",
        "MMLUScenario",
        "exact_match",
        "test",
    ),
    (
        "math:subject=algebra,level=1,use_official_examples=False,use_chain_of_thought=True,",
        "MATHScenario",
        "math_equiv_chain_of_thought",
        "test",
    ),
    ("gsm:", "GSM8KScenario", "final_number_exact_match", "test"),
    ("legalbench:subset=abercrombie,", "LegalBenchScenario", "quasi_exact_match", "test"),
    ("legalbench:subset=proa,", "LegalBenchScenario", "quasi_exact_match", "test"),
    ("med_qa:", "MedQAScenario", "quasi_exact_match", "test"),
    ("wmt_14:language_pair=cs-en,", "WMT14Scenario", "bleu_4", "test"),
    ("wmt_14:language_pair=hi-en,", "WMT14Scenario", "bleu_4", "test"),
];

const ITEMS: usize = 16;

/// Key of a file of a run; later runs have arguments behind the model.
pub fn key(version: &str, run: &str, model: &str, behind: &str, file: &str) -> String {
    format!("lite/benchmark_output/runs/{version}/{run}model={model}{behind}/{file}")
}

/// Name of a made-up model as HELM makes folders of it.
pub fn folder(number: usize) -> String {
    super::model(number).replace('/', "_")
}

fn stat(name: &str, split: &str, value: f64) -> Value {
    json!({
        "name": {"name": name, "split": split}, "count": 1, "sum": value,
        "sum_squared": value * value, "min": value, "max": value, "mean": value,
        "variance": 0.0, "stddev": 0.0,
    })
}

fn contents(model: usize, (run, class, metric, split): Scenario) -> [Value; 4] {
    let arguments: BTreeMap<&str, &str> = run
        .split_once(':')
        .map(|(_, rest)| rest.split(',').filter_map(|pair| pair.split_once('=')).collect())
        .unwrap_or_default();
    let id = |item: usize| format!("id{}", 100 + item);
    let score = |item: usize| match (metric, solves(model, item, run)) {
        ("f1_score" | "bleu_4", right) => 0.25 * (item % 3) as f64 + if right { 0.5 } else { 0.0 },
        (_, right) => f64::from(u8::from(right)),
    };
    let instance = |item: usize| {
        json!({
            "input": {"text": format!("Question {item} of {run} what follows?")},
            "references": [{"output": {"text": "yes"}, "tags": ["correct"]}],
            "split": split, "id": id(item),
        })
    };
    let stats = |item: usize| {
        let metrics = [stat("num_references", split, 1.0), stat(metric, split, score(item))];
        json!({"instance_id": id(item), "train_trial_index": 0, "stats": metrics})
    };
    let mean = (0..ITEMS).map(score).sum::<f64>() / ITEMS as f64;
    let name = format!("{run}model={}", folder(model));
    let spec = json!({
        "name": name,
        "scenario_spec": {
            "class_name": format!("helm.benchmark.scenarios.some_scenario.{class}"),
            "args": arguments,
        },
        "adapter_spec": {
            "method": "generation", "max_train_instances": 5, "model": super::model(model),
            "model_deployment": super::model(model), "num_train_trials": 1,
        },
        "metric_specs": [], "groups": [run.split(':').next()],
    });
    [
        (0..ITEMS).map(instance).collect(),
        (0..ITEMS).map(stats).collect(),
        spec,
        json!([stat("num_references", split, 1.0), stat(metric, split, mean)]),
    ]
}

/// Runs of made-up models, in two versions; the odd ones have an argument behind the model.
pub fn objects(models: usize) -> BTreeMap<String, Vec<u8>> {
    let mut objects = BTreeMap::new();
    for model in 0..models {
        let version = if model < 8 { "v1.0.0" } else { "v1.3.0" };
        let behind = if model % 2 == 1 { ",stop=none" } else { "" };
        for run in RUNS {
            for (file, content) in FILES.iter().zip(contents(model, run)) {
                let key = key(version, run.0, &folder(model), behind, file);
                objects.insert(key, serde_json::to_vec_pretty(&content).unwrap());
            }
            let other = key(version, run.0, &folder(model), behind, "scenario_state.json");
            objects.insert(other, b"not asked for".to_vec());
        }
    }
    objects
}
