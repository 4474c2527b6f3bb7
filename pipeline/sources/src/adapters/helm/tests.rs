use aliquot_store::ObjectId;
use serde_json::{Value, json};

use super::*;
use crate::Content;

fn read(files: &[(&str, Value)], wanted: &Wanted) -> Result<Shard, AdapterError> {
    let addresses: Vec<Address> =
        files.iter().map(|(name, _)| format!("file:run/{name}").parse().unwrap()).collect();
    let texts: Vec<Vec<u8>> =
        files.iter().map(|(_, value)| value.to_string().into_bytes()).collect();
    let files: Vec<RawFile<'_>> = addresses
        .iter()
        .zip(&texts)
        .map(|(address, text)| RawFile {
            address,
            id: ObjectId::of(text),
            content: Content::Memory(text),
        })
        .collect();
    normalize(&files, wanted)
}

fn spec(group: &str, method: &str) -> (&'static str, Value) {
    let adapter = json!({"method": method, "model": "org/m", "max_train_instances": 5, "max_eval_instances": 10});
    let scenario = json!({"class_name": "a.b.MMLUScenario", "args": {"subject": "law"}});
    let spec = json!({"name": "mmlu:subject=law,model=m", "scenario_spec": scenario,
        "adapter_spec": adapter, "groups": [group]});
    ("run_spec.json", spec)
}

fn stat(name: &str, split: &str, mean: f64) -> Value {
    json!({"name": {"name": name, "split": split}, "count": 1, "sum": mean, "mean": mean})
}

fn scores() -> (&'static str, Value) {
    let perturbed = json!({"name": "typos"});
    let wrong = json!({"name": {"name": "exact_match", "split": "test", "perturbation": perturbed},
        "count": 1, "mean": 0.0});
    let rows = json!([
        {"instance_id": "id2", "train_trial_index": 0, "stats": [stat("exact_match", "test", 1.0), wrong]},
        {"instance_id": "id2", "train_trial_index": 1, "stats": [stat("exact_match", "test", 0.0)]},
        {"instance_id": "id10", "train_trial_index": 0,
            "stats": [{"name": {"name": "exact_match", "split": "test"}, "count": 0, "sum": 0}]},
        {"instance_id": "id2", "perturbation": perturbed, "stats": [stat("exact_match", "test", 0.0)]},
        {"instance_id": "id7", "train_trial_index": 0, "stats": [stat("exact_match", "valid", 1.0)]},
    ]);
    ("per_instance_stats.json", rows)
}

fn instance(id: &str, question: &str, split: &str) -> Value {
    json!({"id": id, "input": {"text": question}, "split": split, "references": [
        {"output": {"text": "yes"}, "tags": ["correct"]}, {"output": {"text": "no"}, "tags": []}]})
}

fn instances() -> (&'static str, Value) {
    let all = json!([
        instance("id2", "Q2?", "test"),
        instance("id10", "Q10?", "test"),
        instance("id7", "Q7?", "valid"),
        instance("id11", "Q11?", "test")
    ]);
    ("instances.json", all)
}

#[test]
fn instances_as_they_are_under_the_main_metric_and_split() {
    let files = [scores(), spec("mmlu", "multiple_choice_joint"), instances()];
    let shard = read(&files, &Wanted::default()).unwrap();
    assert_eq!(shard.responses.score[..2], [1.0, 0.0]);
    assert_eq!((shard.responses.trial[1], shard.responses.missing_reason.get(2)), (1, "unscored"));
    assert_eq!((shard.responses.len(), shard.items.len()), (3, 2));
    let item = &shard.items[0];
    assert_eq!((item.benchmark.as_str(), item.config.as_str()), ("mmlu", "subject=law"));
    assert_eq!(item.choices.as_deref(), Some(r#"["yes","no"]"#));
    assert_eq!(item.target.as_deref(), Some("yes"));
    let alias = &shard.aliases[1];
    assert_eq!(
        (alias.task.as_str(), alias.doc_id.as_deref()),
        ("MMLUScenario:subject=law", Some("id10"))
    );
    let run = &shard.runs[0];
    assert_eq!((run.items, run.population, run.shots), (2, Some(3), Some(5)));
    assert_eq!((run.model.as_str(), run.template.as_str()), ("org/m", "multiple_choice_joint"));
}

#[test]
fn what_the_pages_show_is_compared() {
    let shown = |score: f64| {
        let own = |id: &str, trial: u32, value: f64| {
            json!({"instance_id": id, "train_trial_index": trial, "predicted_text": "yes",
                "stats": {"exact_match": value}})
        };
        let perturbed = json!({"instance_id": "id2", "perturbation": {"name": "typos"},
            "stats": {"exact_match": 0.5}});
        let without = json!({"instance_id": "id10", "train_trial_index": 0, "stats": {}});
        let other_split = own("id7", 0, 0.0);
        let all =
            json!([own("id2", 0, 1.0), own("id2", 1, score), perturbed, without, other_split]);
        let joint = spec("mmlu", "multiple_choice_joint");
        let files = [scores(), joint, instances(), ("display_predictions.json", all)];
        read(&files, &Wanted::default()).unwrap()
    };
    assert_eq!(shown(0.0).findings, []);
    let finding = shown(1.0).findings.remove(0);
    assert_eq!(finding.kind, "shown-scores");
    assert!(finding.evidence.contains("of 1 instances, the first `id2`"), "{}", finding.evidence);
}

#[test]
fn requests_that_failed_are_missing_and_questions_come_from_the_requests_too() {
    let request = |id: &str, trial: u32, success: bool| {
        json!({"instance": instance(id, &format!("Q{id}?"), "test"), "train_trial_index": trial,
            "result": {"success": success, "completions": []}})
    };
    let states = json!({"adapter_spec": {}, "request_states":
        [request("id2", 0, false), request("id2", 1, true), request("id10", 0, true)]});
    let files = [spec("mmlu", "generation"), scores(), ("scenario_state.json", states)];
    let shard = read(&files, &Wanted::default()).unwrap();
    assert_eq!(shard.responses.missing_reason.get(0), "error");
    assert_eq!(shard.responses.score[1], 0.0);
    assert_eq!(shard.items[0].choices, None);
}

#[test]
fn likelihoods_are_kept_where_they_agree_with_the_tool() {
    let request = |reference: usize, text: &str, logprob: f64| {
        json!({"instance": instance("id2", "Q2?", "test"), "train_trial_index": 0,
            "reference_index": reference, "request_mode": "original",
            "result": {"success": true, "completions": [{"tokens": [
                {"text": "Q2?", "logprob": 0.0}, {"text": text, "logprob": logprob}]}]}})
    };
    let states = |yes: f64| {
        let all = json!({"request_states": [request(0, " yes", yes), request(1, " no", -2.0)]});
        let method = "multiple_choice_separate_original";
        let files = [scores(), spec("mmlu", method), instances(), ("scenario_state.json", all)];
        read(&files, &Wanted::default()).unwrap()
    };
    let shard = states(-1.0);
    let expected = (1.0 / (1.0 + (-1.0f64).exp())).ln() as f32;
    assert_eq!(shard.responses.log_likelihood[0], expected);
    assert!(shard.responses.log_likelihood[1].is_nan() && shard.findings.is_empty());
    let shard = states(-3.0);
    assert!(shard.responses.log_likelihood[0].is_nan());
    assert_eq!(shard.findings[0].kind, "log-likelihood");
}

#[test]
fn mistakes_say_what_to_do() {
    let refused = |files: &[(&str, Value)], metric: Option<&str>, parts: &[&str]| {
        let wanted = Wanted { metric: metric.map(str::to_owned), ..Wanted::default() };
        let error = read(files, &wanted).unwrap_err().to_string();
        assert!(parts.iter().all(|part| error.contains(part)), "{error}");
    };
    let joint = || spec("mmlu", "multiple_choice_joint");
    refused(&[scores()], None, &["run_spec.json` is not beside it"]);
    refused(&[scores(), joint()], None, &["neither `instances.json` nor"]);
    let all = [scores(), spec("unheard", "generation"), instances()];
    refused(&all, None, &["main one; its statistics are: exact_match", "--metric"]);
    refused(&all, Some("exact_match"), &["which of its splits test, valid"]);
    refused(&[scores(), joint(), instances()], Some("f1"), &["it has no `f1`"]);
    let large = json!([{"instance_id": "id2", "stats": [stat("exact_match", "test", 55.0)]}]);
    let large = ("per_instance_stats.json", large);
    refused(&[large, joint(), instances()], None, &["record 0: `exact_match` is 55"]);
    let twice = json!([{"instance_id": "id2", "stats": []}, {"instance_id": "id2", "stats": []}]);
    let twice = ("per_instance_stats.json", twice);
    refused(&[twice, joint(), instances()], None, &["record 1: the instance `id2`"]);
    let others = ("instances.json", json!([instance("id1", "Q?", "test")]));
    refused(&[scores(), joint(), others], None, &["no question has its id `id2`"]);
}

#[test]
fn a_unit_is_a_folder_and_the_nearest_schema() {
    let names = [
        "file:a/v1/_suite/schema.json",
        "file:a/v1/run1/run_spec.json",
        "file:a/v1/run1/per_instance_stats.json",
        "file:a/v1/run1/display_predictions.json",
        "file:a/v2/run1/per_instance_stats.json",
        "file:a/v2/schema.json",
    ];
    let addresses: Vec<Address> = names.iter().map(|name| name.parse().unwrap()).collect();
    let units = units(&addresses.iter().collect::<Vec<_>>());
    assert_eq!(units, [vec![2, 1, 3, 0], vec![4, 5]]);
}
