//! The adapters of boards on genuine files: those of `../shared`, and those that the tools wrote into
//! `tests/samples`.

use std::{fs, io::Read, path::Path};

use aliquot_sources::{
    Address, Content, RawFile, Shard,
    adapters::{
        Adapter, Wanted,
        table::{self, Declaration},
    },
};
use aliquot_store::ObjectId;

use crate::support::{root, shared};

/// Files of a folder, as the import command gives them to an adapter.
struct Raw {
    addresses: Vec<Address>,
    bytes: Vec<Vec<u8>>,
}

impl Raw {
    fn read(folder: &Path, names: &[&str]) -> Self {
        let addresses = names.iter().map(|name| format!("file:{name}").parse().unwrap()).collect();
        let bytes = names.iter().map(|name| fs::read(folder.join(name)).unwrap()).collect();
        Self { addresses, bytes }
    }

    fn files(&self) -> Vec<RawFile<'_>> {
        self.addresses
            .iter()
            .zip(&self.bytes)
            .map(|(address, bytes)| RawFile {
                address,
                id: ObjectId::of(bytes),
                content: Content::Memory(bytes),
            })
            .collect()
    }

    /// Guesses the adapter of the first file, which has to be `expected`, and reads all units.
    fn shards(&self, expected: Adapter, wanted: &Wanted) -> Vec<Shard> {
        let files = self.files();
        let mut head = Vec::new();
        files[0].text().unwrap().take(1 << 16).read_to_end(&mut head).unwrap();
        assert_eq!(Adapter::guess(&files[0], &head), Some(expected));
        let addresses: Vec<&Address> = self.addresses.iter().collect();
        expected
            .units(&addresses)
            .iter()
            .map(|unit| {
                let files: Vec<RawFile<'_>> = unit.iter().map(|at| files[*at]).collect();
                expected.normalize(&files, wanted).unwrap()
            })
            .collect()
    }
}

/// Mean over the scores that are there, and their number.
fn mean(shard: &Shard) -> (f64, usize) {
    let scores: Vec<f64> =
        shard.responses.score.iter().filter(|s| !s.is_nan()).map(|s| f64::from(*s)).collect();
    (scores.iter().sum::<f64>() / scores.len() as f64, scores.len())
}

fn close(observed: f64, expected: f64) {
    assert!((observed - expected).abs() < 1e-6, "{observed} is not {expected}");
}

#[test]
fn alpaca_eval_by_three_judges_equals_the_leaderboards() {
    let Some(folder) = shared("raw_samples/alpaca_eval") else { return };
    // Win rates of the leaderboards of ../shared; that of the 300 first is their own mean.
    let expected = [
        (
            "FuseChat-Llama-3.1-8B-Instruct__weighted_alpaca_eval_gpt4_turbo__annotations.json.gz",
            ("FuseChat-Llama-3.1-8B-Instruct", "weighted_alpaca_eval_gpt4_turbo"),
            (63.331_582_923_627_34, 805, 805),
        ),
        (
            "text_davinci_001__alpaca_eval_gpt4__annotations.json",
            ("text_davinci_001", "alpaca_eval_gpt4"),
            (15.174_129_353_233_83, 804, 805),
        ),
        (
            "alpaca-7b__alpaca_eval_cot_gpt4_turbo_fn__annotations.json",
            ("alpaca-7b", "alpaca_eval_cot_gpt4_turbo_fn"),
            (2.422_360_248_447_205, 805, 805),
        ),
        (
            "FuseChat-Llama-3.2-1B-Instruct__weighted_alpaca_eval_gpt4_turbo__annotations.head300.json",
            ("FuseChat-Llama-3.2-1B-Instruct", "weighted_alpaca_eval_gpt4_turbo"),
            (25.241_814_484, 300, 300),
        ),
    ];
    for (name, (model, judge), (win_rate, scored, items)) in expected {
        let raw = Raw::read(&folder, &[name]);
        let shards = raw.shards(Adapter::AlpacaEval, &Wanted::default());
        let shard = &shards[0];
        let (mean, count) = mean(shard);
        close(100.0 * mean, win_rate);
        assert_eq!((count, shard.items.len()), (scored, items), "{name}");
        assert_eq!((shard.models[0].model.as_str(), shard.runs[0].metric.as_str()), (model, judge));
        assert_eq!(shard.findings.len(), usize::from(items < 805));
    }
    // One question under two models is one item; under two baselines it is two.
    let uids = |at: usize| {
        let raw = Raw::read(&folder, &[expected[at].0]);
        let shard = raw.shards(Adapter::AlpacaEval, &Wanted::default()).remove(0);
        shard.items.into_iter().map(|item| item.item_uid).collect::<Vec<_>>()
    };
    assert_eq!(uids(0)[..300], uids(3)[..]);
    assert_eq!(uids(0), uids(2));
    assert_ne!(uids(0), uids(1));
}

#[test]
fn swe_bench_reports_of_the_harness_and_of_the_fork_for_java() {
    let samples = root().join("tests/samples/swebench");
    let report = Raw::read(&samples, &["acme__agent-1.5.night.json"]);
    let whole = report.shards(Adapter::SweBench, &Wanted::default()).remove(0);
    assert_eq!((mean(&whole), whole.models[0].model.as_str()), ((0.2, 5), "acme__agent-1.5"));
    let kinds: Vec<&str> = whole.findings.iter().map(|finding| finding.kind.as_str()).collect();
    assert_eq!(kinds, ["infra-failure", "no-patch", "no-report", "not-submitted", "unknown-item"]);

    let reports = ["astropy__astropy-12907", "django__django-11099", "psf__requests-1142"]
        .map(|id| format!("logs/run_evaluation/night/acme__agent-1.5/{id}/report.json"));
    let raw = Raw::read(&samples, &reports.each_ref().map(String::as_str));
    let parts = raw.shards(Adapter::SweBench, &Wanted::default());
    assert_eq!((parts.len(), mean(&parts[0]).1), (1, 3));
    assert_eq!(parts[0].models, whole.models);
    // The same instances, so the same items, from either kind of file.
    for item in &parts[0].items {
        assert!(whole.items.contains(item), "{}", item.stem);
    }

    let Some(folder) = shared("raw_samples/swebench") else { return };
    let name = "multi_swe_java__20240825_SWE-agent_deepseek-chat-v2__results.json";
    let java = Raw::read(&folder, &[name]).shards(Adapter::SweBench, &Wanted::default()).remove(0);
    let (mean, count) = mean(&java);
    assert_eq!(count, 91);
    close(mean, 9.0 / 91.0);
    assert_eq!(java.runs[0].population, Some(91));
    assert_eq!(java.items[0].parent.as_deref(), Some("apache/dubbo"));
}

#[test]
fn evalplus_equals_its_own_pass_at_1_and_evalperf_is_refused() {
    let folder = root().join("tests/samples/evalplus");
    let raw = Raw::read(&folder, &["acme--coder-1b_hf_temp_0.8_eval_results.json"]);
    // What `evalplus.evaluate` printed: pass@1 0.667 of the base tests, 0.333 of both.
    for (metric, expected) in [(None, 2.0 / 6.0), (Some("base"), 4.0 / 6.0)] {
        let wanted = Wanted { metric: metric.map(str::to_owned), ..Wanted::default() };
        let shard = raw.shards(Adapter::EvalPlus, &wanted).remove(0);
        close(mean(&shard).0, expected);
        assert_eq!((shard.responses.len(), shard.items.len()), (6, 3));
        assert_eq!(shard.models[0].model, "acme/coder-1b");
    }

    let Some(folder) = shared("raw_samples/evalplus") else { return };
    let name = "meta-llama--Meta-Llama-3-8B-Instruct_vllm_temp_1.0_evalperf_results.brief.json";
    let raw = Raw::read(&folder, &[name]);
    let error = Adapter::EvalPlus.normalize(&raw.files(), &Wanted::default()).unwrap_err();
    assert!(error.to_string().contains("evalperf"), "{error}");
}

#[test]
fn every_eval_ever_equals_its_aggregates() {
    let folder = root().join("tests/samples/every_eval_ever");
    let quiz = "c084ebf3-5665-44ca-b669-f38f4c9bea6c";
    let sums = "dd2f7b05-4c27-426e-9d52-293d92e29a55";
    let read = |uuid: &str, wanted: &Wanted| {
        let names = [format!("{uuid}_samples.jsonl"), format!("{uuid}.json")];
        let raw = Raw::read(&folder, &names.each_ref().map(String::as_str));
        raw.shards(Adapter::EveryEvalEver, wanted).remove(0)
    };
    let wanted = |metric: Option<&str>, filter: Option<&str>| Wanted {
        metric: metric.map(str::to_owned),
        filter: filter.map(str::to_owned),
        ..Wanted::default()
    };
    for metric in ["acc", "acc_norm"] {
        let shard = read(quiz, &wanted(Some(metric), None));
        assert_eq!((mean(&shard), shard.findings.len()), ((0.5, 4), 0));
        assert!(shard.items[0].choices.is_some() && shard.prompts.len() == 4);
    }
    for (filter, expected) in [("strict", 1.0 / 3.0), ("flex", 2.0 / 3.0)] {
        let shard = read(sums, &wanted(None, Some(filter)));
        close(mean(&shard).0, expected);
        assert_eq!(
            (shard.runs[0].filter.as_str(), shard.runs[0].benchmark.as_str()),
            (filter, "sums")
        );
        assert_eq!((shard.findings.len(), shard.runs[0].tool_version.as_str()), (0, "0.4.13"));
    }
    let names = [format!("{sums}_samples.jsonl"), format!("{sums}.json")];
    let raw = Raw::read(&folder, &names.each_ref().map(String::as_str));
    let error = Adapter::EveryEvalEver.normalize(&raw.files(), &Wanted::default()).unwrap_err();
    assert!(error.to_string().contains("the filters flex, strict: name the filter"), "{error}");
}

#[test]
fn a_wide_matrix_is_read_as_declared() {
    let Some(folder) = shared("raw_samples/matrix_csv") else { return };
    let raw = Raw::read(&folder, &["chembench_binary_matrix.csv"]);
    let declaration: Declaration = serde_json::from_value(serde_json::json!({
        "layout": "wide-items-in-rows", "metric": "acc", "benchmark": "chembench",
        "columns": { "item": "" },
    }))
    .unwrap();
    let files = table::Files { scores: raw.files()[0], items: None, models: None };
    let shard = table::normalize(&files, &declaration, false).unwrap();
    let lines = String::from_utf8(raw.bytes[0].clone()).unwrap();
    let cells: Vec<&str> = lines.lines().skip(1).flat_map(|line| line.split(',').skip(1)).collect();
    let right = cells.iter().filter(|cell| **cell == "1.0").count();
    assert_eq!((shard.models.len(), shard.responses.len()), (22, cells.len()));
    let ones = shard.responses.score.iter().filter(|score| **score == 1.0).count();
    assert_eq!(
        (ones, mean(&shard).1),
        (right, cells.iter().filter(|cell| !cell.is_empty()).count())
    );
    let error = table::normalize_undeclared(&raw.files()[0], &Wanted::default()).unwrap_err();
    assert!(error.to_string().contains("do not say how to read it"), "{error}");
}
