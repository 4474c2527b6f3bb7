use aliquot_store::ObjectId;

use super::*;
use crate::Content;

fn read(files: &[(&str, &str)], wanted: &Wanted) -> Result<Shard, AdapterError> {
    let addresses: Vec<Address> =
        files.iter().map(|(name, _)| format!("file:{name}").parse().unwrap()).collect();
    let files: Vec<RawFile<'_>> = files
        .iter()
        .zip(&addresses)
        .map(|((_, text), address)| {
            let (id, content) = (ObjectId::of(text.as_bytes()), Content::Memory(text.as_bytes()));
            RawFile { address, id, content }
        })
        .collect();
    normalize(&files, wanted)
}

/// (native id, score or reason) of all responses.
fn scores(shard: &Shard) -> Vec<(String, String)> {
    let rows = &shard.responses;
    let score = |row: usize| match rows.missing_reason.get(row) {
        "" => rows.score[row].to_string(),
        reason => reason.to_owned(),
    };
    let ids = shard.aliases.iter().map(|alias| alias.native_id.clone().unwrap());
    ids.enumerate().map(|(row, id)| (id, score(row))).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(id, score)| ((*id).to_owned(), (*score).to_owned())).collect()
}

const POSITIVES: &str = r#"{"no_generation": ["a__b-1"], "no_logs": [], "resolved": ["a__b-2"]}"#;
const INSTANCES: &str = "{\"instance_id\":\"a__b-1\",\"repo\":\"a/b\",\"problem_statement\":\"It breaks.\",\"FAIL_TO_PASS\":[\"t\"]}\n\
    {\"instance_id\":\"a__b-2\",\"repo\":\"a/b\",\"problem_statement\":\"It breaks.\"}\n\
    {\"instance_id\":\"c__d-9\",\"repo\":\"c/d\"}\n";

#[test]
fn a_list_of_positives_needs_the_instances_and_counts_the_rest_as_unresolved() {
    let path = "evaluation/verified/20250101_agent/results/results.json";
    let error = read(&[(path, POSITIVES)], &Wanted::default()).unwrap_err().to_string();
    assert!(error.contains("resolved instances only: add a file of all instances"), "{error}");

    let files = [(path, POSITIVES), ("verified.jsonl", INSTANCES)];
    let shard = read(&files, &Wanted::default()).unwrap();
    assert_eq!(scores(&shard), pairs(&[("a__b-1", "0"), ("a__b-2", "1"), ("c__d-9", "0")]));
    assert_eq!(shard.models[0].model, "20250101_agent");
    assert_eq!(shard.runs[0].benchmark, "swe_bench_verified");
    assert_eq!((shard.runs[0].items, shard.runs[0].population), (3, Some(3)));
    let parents: Vec<_> = shard.items.iter().map(|item| item.parent.as_deref().unwrap()).collect();
    assert_eq!(parents, ["a/b", "a/b", "c/d"]);
    // Two issues with one text are two items, an issue without a text is its id.
    assert_eq!((shard.items[1].occurrence, shard.items[2].stem.as_str()), (1, "c__d-9"));
    assert_eq!(shard.findings.len(), 1);
    assert!(shard.findings[0].evidence.starts_with("1 instances scored 0"));

    let other = files[1].1.replace("a__b-2", "x__y-2");
    let error = read(&[files[0], ("v.jsonl", &other)], &Wanted::default()).unwrap_err().to_string();
    assert!(error.contains("`a__b-2` is not in the file of instances"), "{error}");
}

#[test]
fn instances_are_read_from_every_format() {
    let csv = "instance_id,repo\na__b-1,a/b\na__b-2,a/b\n";
    let json = r#"[{"instance_id":"a__b-1"},{"instance_id":"a__b-2"}]"#;
    for (name, text) in [("v.csv", csv), ("instances.json", json)] {
        let shard = read(&[("results.json", POSITIVES), (name, text)], &Wanted::default()).unwrap();
        assert_eq!(scores(&shard), pairs(&[("a__b-1", "0"), ("a__b-2", "1")]), "{name}");
        assert_eq!(shard.items[0].parent.as_deref(), Some("a/b"));
        let twice = text.replace("a__b-2", "a__b-1");
        let error = read(&[("results.json", POSITIVES), (name, &twice)], &Wanted::default());
        assert!(error.unwrap_err().to_string().contains("`a__b-1` is there twice"));
    }
}

#[test]
fn a_report_of_a_run_is_complete_in_itself() {
    let report = r#"{"total_instances": 5, "resolved_instances": 1, "resolved_ids": ["a__b-1"],
        "unresolved_ids": ["a__b-2"], "error_ids": ["a__b-3"], "empty_patch_ids": ["a__b-4"],
        "incomplete_ids": ["a__b-5"], "submitted_ids": ["a__b-1", "made__up-1"],
        "infra_failure_ids": ["a__b-2"], "failure_reasons": {"a__b-2": "x"}, "schema_version": 2}"#;
    let shard = read(&[("agent.1.night.json", report)], &Wanted::default()).unwrap();
    let expected = [
        ("a__b-1", "1"),
        ("a__b-2", "0"),
        ("a__b-3", "0"),
        ("a__b-4", "0"),
        ("a__b-5", "not submitted"),
    ];
    assert_eq!(scores(&shard), pairs(&expected));
    assert_eq!(shard.models[0].model, "agent.1");
    let kinds: Vec<_> = shard.findings.iter().map(|finding| finding.kind.as_str()).collect();
    assert_eq!(kinds, ["infra-failure", "no-patch", "no-report", "not-submitted", "unknown-item"]);

    let error = |from: &str, to: &str| {
        let report = report.replace(from, to);
        read(&[("a.b.json", &report)], &Wanted::default()).unwrap_err().to_string()
    };
    let short = error("\"total_instances\": 5", "\"total_instances\": 6");
    assert!(short.contains("it lists 5 of its 6 instances"), "{short}");
    let both = error("\"unresolved_ids\": [", "\"unresolved_ids\": [\"a__b-1\",");
    assert!(both.contains("`a__b-1` is listed as resolved and in `unresolved_ids`"), "{both}");
    let count = error("\"resolved_instances\": 1", "\"resolved_instances\": 2");
    assert!(count.contains("its `resolved_instances` is 2"), "{count}");
    let twice = error("\"schema_version\": 2", "\"resolved_ids\": []");
    assert!(twice.contains("`resolved_ids` is there twice"), "{twice}");
    let metric = Wanted { metric: Some("pass".to_owned()), ..Wanted::default() };
    let error = read(&[("a.b.json", report)], &metric).unwrap_err().to_string();
    assert!(error.contains("it has no metric `pass`; it has: resolved"), "{error}");
}

#[test]
fn reports_of_instances_are_one_unit_a_run_and_model() {
    let names = [
        "x/run/m1/a__b-1/report.json",
        "v.csv",
        "x/run/m1/a__b-2/report.json",
        "x/run/m2/a__b-1/report.json",
    ];
    let addresses = names.map(|name| format!("file:{name}").parse::<Address>().unwrap());
    let all: Vec<&Address> = addresses.iter().collect();
    assert_eq!(units(&all), [vec![0, 2, 1], vec![3, 1]]);

    let report = |id: &str, resolved: bool| {
        format!(
            "{{\"{id}\": {{\"patch_is_None\": false, \"resolved\": {resolved}, \"tests_status\": {{}}}}}}"
        )
    };
    let (one, two) = (report("a__b-1", true), report("a__b-2", false));
    let files = [(names[0], one.as_str()), (names[2], two.as_str())];
    let shard = read(&files, &Wanted::default()).unwrap();
    assert_eq!(scores(&shard), pairs(&[("a__b-1", "1"), ("a__b-2", "0")]));
    assert_eq!((shard.models[0].model.as_str(), shard.runs[0].population), ("m1", None));
    assert_eq!(shard.findings[0].kind, "unknown-population");

    let with = [files[0], files[1], ("v.jsonl", INSTANCES)];
    let shard = read(&with, &Wanted::default()).unwrap();
    assert_eq!(scores(&shard).last(), pairs(&[("c__d-9", "0")]).last());
    assert_eq!(shard.findings[0].kind, "no-report");
    let error = read(&[files[0], files[0]], &Wanted::default()).unwrap_err().to_string();
    assert!(error.contains("`a__b-1` is there twice"), "{error}");
    let board = r#"{"a__b-1": {"cost": 0.5, "api_calls": 3, "resolved": true}}"#;
    let shard = read(&[("s/per_instance_details.json", board)], &Wanted::default()).unwrap();
    assert_eq!((scores(&shard), &shard.models[0].model[..]), (pairs(&[("a__b-1", "1")]), "s"));
}

#[test]
fn files_are_told_by_name_and_head() {
    assert!(recognises(
        "file:a/report.json",
        br#"{"x-1": {"patch_exists": true, "resolved": false}}"#
    ));
    assert!(recognises("file:m.run.json", br#"{"total_instances": 1, "resolved_instances": 1}"#));
    assert!(recognises("file:a/results.json", POSITIVES.as_bytes()));
    assert!(recognises("file:v.jsonl", INSTANCES.as_bytes()));
    assert!(recognises("file:v.csv", b"instance_id,repo\n"));
    assert!(!recognises("file:preds.jsonl", br#"{"instance_id": "a", "model_patch": ""}"#));
    assert!(!recognises("file:results.json", br#"{"results": {}}"#));
    assert!(!recognises("file:report.json", br#"{"results": {}}"#));
}
