use aliquot_store::ObjectId;
use serde_json::json;

use super::*;
use crate::Content;

fn read(files: &[(&str, Value)]) -> Result<Shard, AdapterError> {
    let addresses: Vec<Address> =
        files.iter().map(|(name, _)| format!("file:out/{name}").parse().unwrap()).collect();
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
    normalize(&files, &Wanted::default())
}

const RESULTS: &str = "results/m/gsm8k.json";

fn chat(question: &str) -> Value {
    json!({"origin_prompt": [{"role": "HUMAN", "prompt": "an example"}, {"role": "BOT", "prompt": "4"},
        {"role": "HUMAN", "prompt": question}], "prediction": "p", "gold": "4"})
}

#[test]
fn lists_of_verdicts_are_trials_and_parts_count_from_0() {
    let results = json!({"accuracy (2 runs average)": 75.0, "details": [
        {"example_abbr": "gsm8k_test_0", "pred": ["4", "5"], "correct": [true, false]},
        {"example_abbr": "gsm8k_test_9", "pred": ["4", "4"], "correct": [true, true]}]});
    let first = json!({"0": chat("Q0?"), "1": chat("Q9?")});
    let second = json!({"0": chat("Q0?"), "1": chat("Q9?")});
    let files = [
        (RESULTS, results),
        ("predictions/m/gsm8k_0.json", first),
        ("predictions/m/gsm8k_1.json", second),
    ];
    let shard = read(&files).unwrap();
    assert_eq!(shard.responses.score, [1.0, 0.0, 1.0, 1.0]);
    assert_eq!(shard.responses.trial, [0, 1, 0, 1]);
    assert_eq!(shard.findings, []);
    let stems: Vec<&str> = shard.items.iter().map(|item| item.stem.as_str()).collect();
    assert_eq!(stems, ["Q0?", "Q9?"]);
    assert_eq!(shard.aliases[1].doc_id.as_deref(), Some("gsm8k_test_9"));
    assert_eq!(
        (shard.models[0].model.as_str(), shard.items[0].target.as_deref()),
        ("m", Some("4"))
    );
    let error = read(&files[..2]).unwrap_err().to_string();
    assert!(error.contains("the predictions beside it are 2, not 4"), "{error}");
}

fn label(answer: &str, perplexity: f64, tokens: f64) -> Value {
    let input = format!("Q: sky?\nA: {answer}");
    let by_byte = perplexity * tokens / input.len() as f64;
    json!({"testing input": input, "prompt": "shots", "PPL": perplexity, "BPB": by_byte})
}

fn judged(gold: &str) -> Value {
    json!({"0": {"origin_prompt": "Q: sky?\nA: blue", "label: blue": label("blue", 1.0, 5.0),
        "label: red": label("red", 2.0, 4.0), "prediction": "blue", "gold": gold}})
}

#[test]
fn perplexities_become_likelihoods_and_have_to_agree_with_the_verdicts() {
    let results = |correct: bool| {
        json!({"accuracy": 100.0 * f64::from(u8::from(correct)),
        "details": {"type": "PPL", "0": {"predictions": "blue", "correct": correct}}})
    };
    let files =
        |correct, gold| [(RESULTS, results(correct)), ("predictions/m/gsm8k.json", judged(gold))];
    let shard = read(&files(true, "blue")).unwrap();
    // Summed: 5 against 8 nats.
    let expected = -(1.0 + (-3.0f64).exp()).ln();
    assert!((f64::from(shard.responses.log_likelihood[0]) - expected).abs() < 1e-6);
    assert_eq!(shard.items[0].stem, "Q: sky?\nA:");
    assert_eq!(shard.items[0].choices.as_deref(), Some(r#"["blue","red"]"#));
    assert!(read(&files(false, "red")).is_ok());
    for (correct, gold) in [(false, "blue"), (true, "red")] {
        let error = read(&files(correct, gold)).unwrap_err().to_string();
        assert!(error.contains("record 0: its verdict is") && error.contains("one run"), "{error}");
    }
}

#[test]
fn what_is_missing_is_said() {
    let refused = |results: Value, part: &str| {
        let error = read(&[(RESULTS, results)]).unwrap_err().to_string();
        assert!(
            error.starts_with("file:out/results/m/gsm8k.json") && error.contains(part),
            "{error}"
        );
    };
    refused(json!({"accuracy": 50.0}), "--dump-eval-details");
    refused(json!({"error": "no such key"}), "OpenCompass failed: no such key");
    refused(json!({"details": {"type": "GEN", "0": {"predictions": "x"}}}), "no verdict on single");
    refused(
        json!({"details": [{"correct": [1, 0]}, {"correct": [1]}]}),
        "record 1: it has 1 verdicts",
    );
    refused(json!({"details": [{"correct": 7}]}), "record 0: its verdict is 7");
    refused(json!({"details": [{"correct": "yes"}]}), "expected a verdict");
    refused(json!([]), "expected an object of results");
    let rows = json!({"accuracy": 50.0, "details": [{"is_correct": true}, {"is_correct": null},
        {"cascade_correct": 1}]});
    let shard = read(&[(RESULTS, rows)]).unwrap();
    assert_eq!(shard.responses.missing_reason.get(1), "unscored");
    let kinds: Vec<&str> = shard.findings.iter().map(|finding| finding.kind.as_str()).collect();
    assert_eq!(kinds, ["aggregate", "no-questions"]);
    assert_eq!(shard.findings[0].observed, Some(1.0));
}

#[test]
fn a_unit_is_the_results_and_the_parts_of_the_predictions() {
    let names = [
        "file:out/predictions/m/a_10.json",
        "file:out/predictions/m/a_2.json",
        "file:out/results/m/a.json",
        "file:out/results/m/a_2.json",
        "file:out/predictions/n/a.json",
        "file:out/predictions/m/b_0.json",
        "file:out/predictions/m/b.json",
        "file:out/results/m/b.json",
        "file:out/summary/x.json",
        "file:out/predictions/m/a_3.json",
    ];
    let addresses: Vec<Address> = names.iter().map(|name| name.parse().unwrap()).collect();
    let units = units(&addresses.iter().collect::<Vec<_>>());
    assert_eq!(units, [vec![2, 9, 0], vec![3, 1], vec![7, 6]]);
    assert!(recognises(names[2], br#"{"details": [{"correct": 1}]}"#));
    assert!(!recognises(names[8], br#"{"details": [{"correct": 1}]}"#));
}
