//! Damaged files of lm-evaluation-harness and lighteval end in errors that name them, or are read.

use std::fs;

use aliquot_sources::{
    AdapterError, Address, Content, RawFile, Shard,
    adapters::{Adapter, Templates, Wanted},
};
use aliquot_store::ObjectId;
use aliquot_tables::responses;

use crate::{
    mutate::{cases, mutations},
    support::shared,
};

fn file<'a>(address: &'a Address, bytes: &'a [u8]) -> RawFile<'a> {
    RawFile { address, id: ObjectId::of(bytes), content: Content::Memory(bytes) }
}

/// Samples that start with whole lines, so that damage meets all of them.
fn corpus(names: &[&str]) -> Option<Vec<Vec<u8>>> {
    let folder = shared("raw_samples")?;
    Some(names.iter().map(|name| fs::read(folder.join(name)).unwrap()).collect())
}

#[test]
fn damaged_lm_eval_files() {
    let history = "lm_eval_harness/from_lm_eval_repo_history";
    let asdiv = format!("{history}/results__asdiv__meta-llama__Meta-Llama-3-8B-Instruct__");
    let samples = [
        "tool_generated/lm_eval_samples_mc.jsonl",
        "tool_generated/lm_eval_samples_two_filters.jsonl",
        "lm_eval_harness/prompteval_arc_easy/samples_arc_challenge_2024-06-21T15-44-04.366910.jsonl.gz",
        &format!("{asdiv}samples_asdiv_2024-08-21T03-44-09.494230.jsonl"),
    ];
    let results = [
        "tool_generated/lm_eval_results.json",
        &format!("{asdiv}results_2024-08-21T03-44-09.494230.json"),
    ];
    let (Some(samples), Some(results)) = (corpus(&samples), corpus(&results)) else { return };
    let addresses: [Address; 2] =
        ["file:o__m/samples_toy_gen.jsonl", "file:o__m/results.json"].map(|a| a.parse().unwrap());
    let wanted = Wanted { metric: Some("acc".to_owned()), ..Wanted::default() };
    let mut read = 0;
    let damaged = mutations(1, &samples, cases()).zip(mutations(2, &results, cases()));
    for (at, (bytes, results)) in damaged.enumerate() {
        let alone = [file(&addresses[0], &bytes)];
        let both = [alone[0], file(&addresses[1], &results)];
        let wanted = if at % 2 == 0 { wanted.clone() } else { Wanted::default() };
        for files in [&alone[..], &both[..]] {
            match Adapter::LmEval.normalize(files, &wanted) {
                Ok(_) => read += 1,
                Err(error) => assert!(error.to_string().starts_with("file:o__m/"), "{error}"),
            }
        }
    }
    // Damage that nobody reads does no harm, so some cases are read; not most.
    assert!(read > 0 && read < cases() * 2, "{read} of {} were read", 2 * cases());
}

/// A file read by the template of another one gives what it gives alone, whatever is wrong with it.
#[test]
fn damaged_files_beside_whole_ones() {
    let Some(samples) = corpus(&["tool_generated/lm_eval_samples_mc.jsonl"]) else { return };
    let address: Address = "file:o__m/samples_toy_mc.jsonl".parse().unwrap();
    let wanted = Wanted { metric: Some("acc".to_owned()), ..Wanted::default() };
    let whole = file(&address, &samples[0]);
    let templates = Templates::default();
    for _ in 0..2 {
        Adapter::LmEval.normalize_among(&[whole], &wanted, &templates).unwrap();
    }
    let told = |outcome: Result<Shard, AdapterError>| {
        let shard = outcome.map_err(|error| error.to_string())?;
        let responses = responses::encode(&shard.responses).unwrap();
        let Shard { items, models, aliases, runs, prompts, findings, .. } = shard;
        Ok::<_, String>((responses, items, models, aliases, runs, prompts, findings))
    };
    let mut read = 0;
    for bytes in mutations(5, &samples, cases()) {
        let own = [file(&address, &bytes)];
        let among = told(Adapter::LmEval.normalize_among(&own, &wanted, &templates));
        assert_eq!(among, told(Adapter::LmEval.normalize(&own, &wanted)));
        read += usize::from(among.is_ok());
    }
    assert!(read > 0 && read < cases(), "{read} of {} were read", cases());
}

#[test]
fn damaged_lighteval_files() {
    let folder = "lighteval_v0.13_mock_model";
    let time = "2026-11-21T03-08-03.576478";
    let details = format!("{folder}/details/dummy/{time}/details_local_mmlu_pro|0_{time}.parquet");
    let results = format!("{folder}/results/dummy/results_{time}.json");
    let (Some(details), Some(results)) = (corpus(&[&details]), corpus(&[&results])) else { return };
    let addresses: [Address; 2] =
        ["file:o__m/details_local_mmlu_pro|0.parquet", "file:o__m/r.json"]
            .map(|a| a.parse().unwrap());
    let mut read = 0;
    let damaged = mutations(3, &details, cases()).zip(mutations(4, &results, cases()));
    for (at, (bytes, damaged_results)) in damaged.enumerate() {
        let whole = if at % 8 == 0 { &details[0] } else { &bytes };
        let both = [file(&addresses[0], whole), file(&addresses[1], &damaged_results)];
        match Adapter::Lighteval.normalize(&both, &Wanted::default()) {
            Ok(_) => read += 1,
            Err(error) => assert!(error.to_string().starts_with("file:o__m/"), "{error}"),
        }
    }
    assert!(read > 0 && read < cases(), "{read} of {} were read", cases());
}
