//! Damaged logs of Inspect, HELM and OpenCompass: a shard or an error that names the file, no panic.

use std::fs;

use aliquot_sources::{
    Address, Content, RawFile,
    adapters::{Adapter, Wanted},
};
use aliquot_store::ObjectId;

use crate::{
    mutate::{cases, mutations},
    support::shared,
};

fn corpus(names: &[&str]) -> Option<Vec<Vec<u8>>> {
    let folder = shared("raw_samples")?;
    Some(names.iter().map(|name| fs::read(folder.join(name)).unwrap()).collect())
}

/// Reads one file as the only one, or with whole files beside it.
fn read(adapter: Adapter, name: &str, bytes: &[u8]) -> bool {
    let address: Address = name.parse().unwrap();
    let file =
        RawFile { address: &address, id: ObjectId::of(bytes), content: Content::Memory(bytes) };
    match adapter.normalize(&[file], &Wanted::default()) {
        Ok(shard) => {
            assert!(shard.responses.score.iter().all(|score| !(*score < 0.0 || *score > 1.0)));
            true
        }
        Err(error) => {
            assert!(error.to_string().starts_with(name), "{error}");
            false
        }
    }
}

#[test]
fn damaged_logs_of_inspect() {
    let names = [
        "inspect/log_formats.json",
        "inspect/data_intercode_ctf_local_path.json",
        "tool_generated/inspect.json",
        "inspect/log__test_eval_log__log_streaming.eval",
        "inspect/analysis__test_logs_choices__mmlu-summary-choices.eval",
        "tool_generated/inspect_zstd.eval",
    ];
    let Some(corpus) = corpus(&names) else { return };
    let read = |bytes: Vec<u8>| read(Adapter::Inspect, "file:log", &bytes);
    let whole = mutations(1, &corpus, cases()).map(read).filter(|whole| *whole).count();
    assert!(whole > 0, "every case was refused: the cases are too damaged to test anything");
}

/// The file of a run that is damaged comes first; the others are whole.
fn read_helm(folder: &str, damaged: &str, bytes: &[u8]) -> bool {
    let path = shared("raw_samples").unwrap().join(folder);
    let names = ["per_instance_stats.json", "run_spec.json", "scenario_state.json", "stats.json"];
    let address = |name: &str| -> Address { format!("file:run/{name}").parse().unwrap() };
    let addresses = names.map(address);
    let contents = names.map(|name| {
        if name == damaged { bytes.to_vec() } else { fs::read(path.join(name)).unwrap() }
    });
    let files: Vec<RawFile<'_>> = addresses
        .iter()
        .zip(&contents)
        .map(|(address, bytes)| RawFile {
            address,
            id: ObjectId::of(bytes),
            content: Content::Memory(bytes),
        })
        .collect();
    match Adapter::Helm.normalize(&files, &Wanted::default()) {
        Ok(shard) => {
            assert!(shard.responses.score.iter().all(|score| !(*score < 0.0 || *score > 1.0)));
            true
        }
        Err(error) => {
            assert!(error.to_string().starts_with("file:run/"), "{error}");
            false
        }
    }
}

#[test]
fn damaged_runs_of_helm() {
    let folder = "helm/mmlu-subject=philosophy,method=multiple_choice_joint,model=openai_gpt2";
    let damaged = ["per_instance_stats.json", "run_spec.json", "scenario_state.json", "stats.json"];
    let mut whole = 0;
    for (seed, name) in damaged.into_iter().enumerate() {
        let Some(mut corpus) = corpus(&[&format!("{folder}/{name}")]) else { return };
        if name == "per_instance_stats.json" {
            // Cut where a record ends, or every case would be cut short.
            let rows: Vec<serde_json::Value> = serde_json::from_slice(&corpus[0]).unwrap();
            corpus[0] = serde_json::to_vec(&rows[..5]).unwrap();
        }
        let cases = mutations(seed as u64, &corpus, cases().div_ceil(damaged.len()));
        whole += cases.filter(|bytes| read_helm(folder, name, bytes)).count();
    }
    assert!(whole > 0, "every case was refused: the cases are too damaged to test anything");
}

/// No genuine file of OpenCompass is at hand: these have the keys that its 0.5.4 writes.
const OPENCOMPASS: [&str; 3] = [
    r#"{"accuracy": 50.0, "details": [{"example_abbr": "d_test_0", "pred": ["4"], "answer": ["4"], "correct": [true]},
        {"example_abbr": "d_test_1", "pred": ["5"], "answer": ["4"], "correct": [false]}]}"#,
    r#"{"accuracy": 100.0, "details": {"type": "PPL", "0": {"origin_prediction": {"A": {"prompt": "p", "PPL": 1.5}},
        "predictions": "A", "references": "A", "correct": true}}, "correct_bpb": 51.2}"#,
    r#"{"accuracy (2 runs average)": 75.0, "accuracy": [50.0, 100.0], "details": [
        {"example_abbr": "d_test_0", "is_correct": [1, 0], "G-Pass@2_0.5": 1.0}]}"#,
];

#[test]
fn damaged_results_of_opencompass() {
    let corpus = OPENCOMPASS.map(|text| text.as_bytes().to_vec());
    let read = |bytes: Vec<u8>| read(Adapter::Opencompass, "file:out/results/m/d.json", &bytes);
    let whole = mutations(2, &corpus, cases()).map(read).filter(|whole| *whole).count();
    assert!(whole > 0, "every case was refused: the cases are too damaged to test anything");
}

#[test]
fn damaged_predictions_of_opencompass() {
    let results = br#"{"details": [{"correct": true}]}"#;
    let corpus = [
        br#"{"0": {"origin_prompt": [{"role": "HUMAN", "prompt": "Q?"}], "prediction": "4", "gold": ["4", 4]}}"#
            .to_vec(),
        br#"{"0": {"origin_prompt": "Q A", "label: A": {"testing input": "Q A", "PPL": 1.5, "BPB": 0.5},
            "label: B": {"testing input": "Q B", "PPL": 2.5, "BPB": 0.7}, "prediction": "A", "gold": "A"}}"#
            .to_vec(),
    ];
    let addresses: [Address; 2] = ["file:out/results/m/d.json", "file:out/predictions/m/d.json"]
        .map(|name| name.parse().unwrap());
    let read = |predictions: &Vec<u8>| {
        let contents = [&results[..], predictions];
        let files = [0, 1].map(|at| RawFile {
            address: &addresses[at],
            id: ObjectId::of(contents[at]),
            content: Content::Memory(contents[at]),
        });
        let shard = Adapter::Opencompass.normalize(&files, &Wanted::default());
        if let Err(error) = &shard {
            assert!(error.to_string().starts_with("file:out/"), "{error}");
        }
        shard.is_ok_and(|shard| {
            assert!(!shard.responses.log_likelihood.iter().any(|logarithm| *logarithm > 0.0));
            true
        })
    };
    let whole = mutations(3, &corpus, cases()).filter(read).count();
    assert!(whole > 0, "every case was refused: the cases are too damaged to test anything");
}
