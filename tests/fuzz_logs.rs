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
