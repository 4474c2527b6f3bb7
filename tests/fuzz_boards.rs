//! Damaged files of the boards' adapters, of tables and of Parquet: any answer but a panic, a hang or a
//! memory that grows. `ALIQUOT_FUZZ_CASES` sets the number of cases.

use std::{fs, path::Path};

use aliquot_sources::{
    AdapterError, Address, Content, RawFile, Shard,
    adapters::{
        Adapter, Wanted,
        table::{self, Declaration, Layout},
    },
};
use aliquot_store::ObjectId;
use serde_json::json;

use crate::{
    mutate::{cases, mutations},
    support::{root, shared},
};

/// What a sample gives whole, and what the same reader gives for each damaged copy: an error has to name
/// the file.
fn survive(
    seed: u64,
    corpus: &[Vec<u8>],
    name: &str,
    read: impl Fn(&RawFile<'_>) -> Result<Shard, AdapterError>,
) {
    let address: Address = format!("file:{name}").parse().unwrap();
    let read = |bytes: &[u8]| {
        let (id, content) = (ObjectId::of(bytes), Content::Memory(bytes));
        read(&RawFile { address: &address, id, content })
    };
    for sample in corpus {
        read(sample).unwrap();
    }
    let mut accepted = 0;
    for (case, bytes) in mutations(seed, corpus, cases()).enumerate() {
        match read(&bytes) {
            Ok(shard) => {
                accepted += 1;
                let scores = shard.responses.score.iter().filter(|score| !score.is_nan());
                assert!({ scores }.all(|score| (0.0..=1.0).contains(score)), "case {case}");
                assert_eq!(shard.aliases.len(), shard.items.len(), "case {case}");
            }
            Err(error) => {
                let text = error.to_string();
                assert!(text.starts_with(&format!("file:{name}")), "case {case}: {text}");
            }
        }
    }
    // Some damage is none: a text that reads differently. If nothing is ever read, the damage is too much.
    assert!(accepted > 0 && accepted < cases(), "{accepted} of {} were read", cases());
}

fn sample(path: &str) -> Vec<u8> {
    fs::read(root().join("tests/samples").join(path)).unwrap()
}

/// The first records of an array, whole and small.
fn head(path: &Path, records: usize) -> Vec<u8> {
    let all: Vec<serde_json::Value> = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    serde_json::to_vec_pretty(&all[..records]).unwrap()
}

#[test]
fn alpaca_eval_survives() {
    let Some(folder) = shared("raw_samples/alpaca_eval") else { return };
    let corpus = [
        head(&folder.join("text_davinci_001__alpaca_eval_gpt4__annotations.json"), 10),
        head(&folder.join("alpaca-7b__alpaca_eval_cot_gpt4_turbo_fn__annotations.json"), 3),
    ];
    // The judges and models of two samples must not meet in one case.
    for (seed, sample) in (1..).zip(corpus) {
        survive(seed, &[sample], "a.json", |file| {
            Adapter::AlpacaEval.normalize(&[*file], &Wanted::default())
        });
    }
}

#[test]
fn swe_bench_survives() {
    let report =
        "swebench/logs/run_evaluation/night/acme__agent-1.5/psf__requests-1142/report.json";
    let corpus = [sample("swebench/acme__agent-1.5.night.json"), sample(report)];
    survive(3, &corpus, "a.night.json", |file| {
        Adapter::SweBench.normalize(&[*file], &Wanted::default())
    });
    let board = br#"{"no_generation": ["a__b-1"], "no_logs": [], "resolved": ["a__b-2"]}"#;
    let board_address: Address = "file:instances/results.json".parse().unwrap();
    let (id, content) = (ObjectId::of(board), Content::Memory(board));
    let board = RawFile { address: &board_address, id, content };
    let instances =
        b"{\"instance_id\":\"a__b-1\",\"repo\":\"a/b\",\"problem_statement\":\"Why?\"}\n\
        {\"instance_id\":\"a__b-2\",\"repo\":\"a/b\",\"problem_statement\":\"How?\"}\n";
    survive(4, &[instances.to_vec()], "instances.jsonl", |file| {
        let read = Adapter::SweBench.normalize(&[board, *file], &Wanted::default());
        // A board whose instances are gone is the board's error.
        read.map_err(|error| AdapterError { address: file.address.clone(), ..error })
    });
}

#[test]
fn evalplus_survives() {
    let corpus = [sample("evalplus/acme--coder-1b_hf_temp_0.8_eval_results.json")];
    survive(5, &corpus, "m_eval_results.json", |file| {
        Adapter::EvalPlus.normalize(&[*file], &Wanted::default())
    });
}

#[test]
fn every_eval_ever_survives() {
    let uuid = "every_eval_ever/dd2f7b05-4c27-426e-9d52-293d92e29a55";
    let (samples, aggregate) =
        (sample(&format!("{uuid}_samples.jsonl")), sample(&format!("{uuid}.json")));
    let wanted = Wanted { filter: Some("flex".to_owned()), ..Wanted::default() };
    let other: Address = "file:a.json".parse().unwrap();
    let raw = |bytes| RawFile {
        address: &other,
        id: ObjectId::of(bytes),
        content: Content::Memory(bytes),
    };
    survive(6, std::slice::from_ref(&samples), "a_samples.jsonl", |file| {
        Adapter::EveryEvalEver.normalize(&[*file, raw(&aggregate)], &wanted)
    });
    survive(7, std::slice::from_ref(&aggregate), "a.json", |file| {
        Adapter::EveryEvalEver.normalize(&[raw(&samples), *file], &wanted)
    });
}

#[test]
fn tables_survive() {
    let rows = |at: usize| format!("a,{at}1,0.5,acc,x\na,{at}2,,acc,x\nb,{at}1,1,acc,y\n");
    let rows: String = (0..3).map(rows).collect();
    let csv = format!("model,item,score,metric,benchmark\n{rows}");
    survive(8, &[csv.into_bytes()], "s.csv", |file| {
        table::normalize_undeclared(file, &Wanted::default())
    });
    let line = |at: usize| json!({"model": "a", "item": at, "score": 0.5, "benchmark": "x"});
    let jsonl: String = (0..20).map(|at| format!("{}\n", line(at))).collect();
    survive(9, &[jsonl.into_bytes()], "s.jsonl", |file| {
        table::normalize_undeclared(file, &Wanted::default())
    });
    let wide = b"id,A,B\n1,1,0\n2,,0.5\n".to_vec();
    let declaration: Declaration = serde_json::from_value(json!({
        "layout": Layout::WideItemsInRows, "metric": "acc", "benchmark": "x", "columns": {"item": "id"},
    }))
    .unwrap();
    survive(10, &[wide], "s.csv", |file| {
        table::normalize(
            &table::Files { scores: *file, items: None, models: None },
            &declaration,
            true,
        )
    });
}

#[test]
fn parquet_survives() {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
    use parquet::{
        arrow::ArrowWriter,
        basic::Compression,
        file::properties::{WriterProperties, WriterVersion},
    };

    let names = ["a", "b", "c"];
    let models: StringArray = (0..300).map(|row| Some(names[row % 3])).collect();
    let items: Int64Array = (0..300).map(|row| Some(row / 3)).collect();
    let scores: Float64Array = (0..300).map(|row| (row % 7 > 0).then_some(0.5)).collect();
    let benchmarks: StringArray = (0..300).map(|_| Some("x")).collect();
    let columns: [(&str, ArrayRef); 4] = [
        ("model", Arc::new(models)),
        ("item", Arc::new(items)),
        ("score", Arc::new(scores)),
        ("benchmark", Arc::new(benchmarks)),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let write = |compression, version| {
        let properties = WriterProperties::builder()
            .set_compression(compression)
            .set_writer_version(version)
            .set_max_row_group_row_count(Some(128))
            .build();
        let mut bytes = Vec::new();
        let mut writer =
            ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        bytes
    };
    let corpus = [
        write(Compression::ZSTD(Default::default()), WriterVersion::PARQUET_1_0),
        write(Compression::SNAPPY, WriterVersion::PARQUET_2_0),
        write(Compression::UNCOMPRESSED, WriterVersion::PARQUET_1_0),
    ];
    survive(11, &corpus, "s.parquet", |file| table::normalize_undeclared(file, &Wanted::default()));
}
