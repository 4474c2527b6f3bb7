//! Inspect, HELM and OpenCompass on genuine files: scores against the files' own aggregates.

use std::{collections::BTreeMap, fs, path::Path};

use aliquot_sources::{
    AdapterError, Address, Content, RawFile, Shard,
    adapters::{Adapter, Wanted},
};
use aliquot_store::ObjectId;

use crate::support::shared;

/// Files that are read together, given by their paths.
pub fn read_files(
    adapter: Adapter,
    paths: &[&Path],
    wanted: &Wanted,
) -> Result<Shard, AdapterError> {
    let contents: Vec<Vec<u8>> = paths.iter().map(|path| fs::read(path).unwrap()).collect();
    let addresses: Vec<Address> = paths
        .iter()
        .map(|path| {
            // Only names matter: addresses of files may not be absolute.
            let name: Vec<&str> =
                path.iter().rev().take(2).map(|part| part.to_str().unwrap()).collect();
            format!("file:{}/{}", name[1], name[0]).parse().unwrap()
        })
        .collect();
    let files: Vec<RawFile<'_>> = contents
        .iter()
        .zip(&addresses)
        .map(|(bytes, address)| RawFile {
            address,
            id: ObjectId::of(bytes),
            content: Content::Memory(bytes),
        })
        .collect();
    adapter.normalize(&files, wanted)
}

/// Mean of the scores that there are, an item's trials first.
fn mean(shard: &Shard) -> f64 {
    let mut items: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for at in (0..shard.responses.len()).filter(|&at| !shard.responses.score[at].is_nan()) {
        let scores = items.entry(shard.responses.item_uid.get(at)).or_default();
        scores.push(f64::from(shard.responses.score[at]));
    }
    let means = items.values().map(|scores| scores.iter().sum::<f64>() / scores.len() as f64);
    means.sum::<f64>() / items.len() as f64
}

fn close(one: f64, other: f64) -> bool {
    (one - other).abs() < 1e-6
}

fn inspect(name: &str) -> Option<Result<Shard, AdapterError>> {
    let path = shared("raw_samples")?.join(name);
    Some(read_files(Adapter::Inspect, &[&path], &Wanted::default()))
}

#[test]
fn inspect_means_are_those_of_the_logs() {
    // Path, samples, population, mean of `results.scores` where the log has all of its samples.
    let logs = [
        ("inspect/data_arc_qwen.json", 3, 2376, Some(1.0 / 3.0)),
        ("inspect/data_arc_sonnet.json", 5, 2376, Some(1.0)),
        ("inspect/log_formats.json", 1, 100, Some(0.0)),
        ("inspect/log__test_eval_log__log_formats.eval", 1, 100, Some(0.0)),
        ("inspect/log__test_eval_log__log_streaming.eval", 2, 100, Some(0.75)),
        ("inspect/log__test_eval_log__log_read_sample.eval", 1, 100, Some(1.0)),
        ("inspect/2025-05-12T20-28-26-04-00_security-guide.json", 3, 16, Some(1.0)),
        ("inspect/2025-05-12T20-28-13-04-00_popularity.json", 3, 100, Some(2.0 / 3.0)),
        ("inspect/analysis__test_logs_choices__mmlu-summary-choices.eval", 1, 14042, Some(0.0)),
        // Cut to one sample by who published them.
        ("inspect/data_cyse2_vuln_exploit_challenges.json", 1, 1, None),
        ("inspect/data_intercode_ctf_local_path.json", 1, 1, None),
    ];
    for (name, items, population, expected) in logs {
        let Some(shard) = inspect(name) else { return };
        let shard = shard.unwrap();
        assert_eq!(shard.items.len(), items, "{name}");
        assert_eq!(shard.runs[0].population, Some(population), "{name}");
        let differs = shard.findings.iter().any(|finding| finding.kind == "aggregate");
        assert_eq!(differs, expected.is_none(), "{name}: {:?}", shard.findings);
        assert!(expected.is_none_or(|expected| close(mean(&shard), expected)), "{name}");
    }
}

#[test]
fn inspect_epochs_are_trials_and_both_formats_agree() {
    let Some(json) = inspect("tool_generated/inspect.json") else { return };
    let Some(zip) = inspect("tool_generated/inspect_zstd.eval") else { return };
    let (json, zip) = (json.unwrap(), zip.unwrap());
    assert_eq!((json.items.len(), json.responses.len()), (2, 4));
    assert_eq!((zip.items.len(), zip.responses.len()), (6, 12));
    assert_eq!(zip.responses.metric.values(), ["choice"]);
    assert_eq!(zip.responses.trial.iter().sum::<u32>(), 6);
    assert_eq!(mean(&zip), 0.0);
    assert_eq!(json.items[0], *zip.items.iter().find(|item| **item == json.items[0]).unwrap());
    assert_eq!(json.items[0].choices.as_deref(), Some(r#"["a","b","c"]"#));
    assert_eq!(json.items[0].target.as_deref(), Some("b"));
    let path = shared("raw_samples").unwrap().join("tool_generated/inspect.json");
    let wanted = Wanted { metric: Some("includes".to_owned()), ..Wanted::default() };
    assert_eq!(mean(&read_files(Adapter::Inspect, &[&path], &wanted).unwrap()), 0.5);
}

#[test]
fn inspect_questions_are_the_same_under_two_models() {
    let Some(qwen) = inspect("inspect/data_arc_qwen.json") else { return };
    let Some(sonnet) = inspect("inspect/data_arc_sonnet.json") else { return };
    let (qwen, sonnet) = (qwen.unwrap(), sonnet.unwrap());
    assert_eq!(qwen.items[..], sonnet.items[..3]);
    assert_eq!(qwen.aliases[0].item_uid, sonnet.aliases[0].item_uid);
    assert_ne!(qwen.models, sonnet.models);
    assert_eq!(qwen.runs[0].benchmark, "arc_easy");
}

#[test]
fn inspect_logs_without_scores_say_so() {
    let Some(empty) = inspect("inspect/2025-05-12T20-28-13-04-00_no-samples.json") else { return };
    assert!(empty.unwrap_err().to_string().contains("it holds no samples"));
    let failed = inspect("inspect/data_cvebench_empty_choices.json").unwrap().unwrap();
    assert!(failed.responses.score[0].is_nan());
    assert_eq!(failed.responses.missing_reason.get(0), "error");
    assert_eq!(failed.items[0].choices, None);
    let unscored =
        "inspect/scorer__logs__2025-02-11T15-17-00-05-00_popularity_dPiJifoWeEQBrfWsAopzWr.eval";
    let error = inspect(unscored).unwrap().unwrap_err().to_string();
    assert!(error.contains("the run was not scored"), "{error}");
    let cancelled = inspect("inspect/2025-05-12T20-28-13-04-00_popularity.json").unwrap().unwrap();
    assert_eq!(cancelled.findings[0].kind, "unfinished-run");
}

const HELM: [&str; 4] =
    ["per_instance_stats.json", "run_spec.json", "scenario_state.json", "stats.json"];

fn helm(folder: &str, files: &[&str], metric: Option<&str>) -> Option<Result<Shard, AdapterError>> {
    let folder = shared("raw_samples")?.join(folder);
    let paths: Vec<_> = files.iter().map(|name| folder.join(name)).collect();
    let paths: Vec<&Path> = paths.iter().map(std::path::PathBuf::as_path).collect();
    let wanted = Wanted { metric: metric.map(str::to_owned), ..Wanted::default() };
    Some(read_files(Adapter::Helm, &paths, &wanted))
}

#[test]
fn helm_means_are_those_of_the_runs() {
    // Folder, metric where no group of it is known, its mean in the run's `stats.json`, the first stem.
    let runs = [
        (
            "helm/commonsense-dataset=hellaswag,method=multiple_choice_joint,model=eleutherai_pythia-1b-v0",
            None,
            0.3,
        ),
        // One of its ten instances is of the split `valid`, which is not the main one.
        (
            "helm/mmlu-subject=philosophy,method=multiple_choice_joint,model=openai_gpt2",
            None,
            1.0 / 9.0,
        ),
        ("helm_v0.5.16_mock_model/simple_mcqa:model=simple_model1", Some("exact_match"), 0.0),
        (
            "helm_v0.5.16_mock_model/simple_classification:model=simple_model1",
            Some("quasi_prefix_exact_match"),
            0.0,
        ),
    ];
    for (folder, metric, expected) in runs {
        let Some(shard) = helm(folder, &HELM, metric) else { return };
        let shard = shard.unwrap();
        let items = match folder {
            folder if folder.contains("philosophy") => 9,
            folder if folder.contains("hellaswag") => 10,
            _ => 20,
        };
        assert_eq!((shard.items.len(), shard.responses.len()), (items, items), "{folder}");
        assert!(close(mean(&shard), expected), "{folder}: {}", mean(&shard));
        assert_eq!(shard.findings, [], "{folder}");
        assert_eq!(shard.runs[0].shots, Some(5));
        assert_eq!(shard.runs[0].population, Some(items as u32));
    }
}

#[test]
fn helm_items_are_the_questions_and_both_files_with_them_agree() {
    let folder = "helm_v0.5.16_mock_model/simple_mcqa:model=simple_model1";
    let listed = ["per_instance_stats.json", "run_spec.json", "instances.json"];
    let Some(listed) = helm(folder, &listed, Some("exact_match")) else { return };
    let asked = helm(folder, &HELM, Some("exact_match")).unwrap().unwrap();
    let listed = listed.unwrap();
    assert_eq!(listed.items, asked.items);
    let item = listed.items.iter().find(|item| item.stem == "Is 70 even or odd?").unwrap();
    assert_eq!(item.choices.as_deref(), Some(r#"["Even","Odd"]"#));
    assert_eq!((item.target.as_deref(), item.split.as_str()), (Some("Even"), "test"));
    let alias = listed.aliases.iter().find(|alias| alias.item_uid == item.item_uid).unwrap();
    assert_eq!(alias.doc_id.as_deref(), Some("id60"));
    let error = helm(folder, &HELM, None).unwrap().unwrap_err().to_string();
    assert!(error.contains("exact_match, exact_match@5"), "{error}");
}

#[test]
fn helm_takes_the_main_metric_from_the_suites_schema() {
    let folder = "helm/mmlu-subject=philosophy,method=multiple_choice_joint,model=openai_gpt2";
    let schema = "../../helm_v0.5.16_mock_model/_suite/schema.json";
    let Some(shard) = helm(folder, &[&HELM[..], &[schema]].concat(), None) else { return };
    assert_eq!(shard.unwrap().responses.metric.values(), ["exact_match"]);
}
