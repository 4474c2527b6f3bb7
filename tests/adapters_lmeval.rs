//! lm-evaluation-harness and lighteval: genuine files, their own aggregates as the reference.

use std::path::Path;

use aliquot_sources::{
    Address, Content, RawFile, Shard,
    adapters::{Adapter, Wanted},
};
use aliquot_store::ObjectId;

use crate::support::shared;

/// The units of the files of a folder of the raw samples, by path, and what each gives.
fn read(adapter: Adapter, folder: &str, wanted: &Wanted) -> Vec<(String, Result<Shard, String>)> {
    let Some(root) = shared("raw_samples") else { return Vec::new() };
    let mut paths = Vec::new();
    files(&root.join(folder), &mut paths);
    paths.sort();
    let address = |path: &String| -> Address {
        let path = Path::new(path).strip_prefix(&root).unwrap();
        format!("file:{}", path.display()).parse().unwrap()
    };
    let addresses: Vec<Address> = paths.iter().map(address).collect();
    let units = adapter.units(&addresses.iter().collect::<Vec<_>>());
    let read_unit = |unit: Vec<usize>| {
        let raw: Vec<RawFile<'_>> = unit
            .iter()
            .map(|&at| RawFile {
                address: &addresses[at],
                id: ObjectId::of(paths[at].as_bytes()),
                content: Content::File(Path::new(&paths[at])),
            })
            .collect();
        let shard = adapter.normalize(&raw, wanted).map_err(|error| error.to_string());
        (addresses[unit[0]].to_string(), shard)
    };
    units.into_iter().map(read_unit).collect()
}

fn files(folder: &Path, found: &mut Vec<String>) {
    for entry in folder.read_dir().unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files(&path, found),
            false => found.push(path.display().to_string()),
        }
    }
}

fn mean(shard: &Shard) -> f64 {
    let scores = &shard.responses.score;
    scores.iter().map(|&score| f64::from(score)).sum::<f64>() / scores.len() as f64
}

fn metric(metric: &str) -> Wanted {
    Wanted { metric: Some(metric.to_owned()), ..Wanted::default() }
}

/// The one shard of a folder whose file has `part` in its name.
fn one(folder: &str, part: &str, wanted: &Wanted) -> Option<Result<Shard, String>> {
    let all = read(Adapter::LmEval, folder, wanted);
    all.into_iter().find(|(name, _)| name.contains(part)).map(|(_, shard)| shard)
}

#[test]
fn lm_eval_gives_the_aggregates_that_the_tool_published() {
    // The expected means are those of the results files beside the samples.
    let history = "lm_eval_harness/from_lm_eval_repo_history";
    for (folder, part, wanted, items, expected) in [
        ("lm_eval_harness/prompteval_arc_easy", "arc", "acc", 1172, 0.5298634812286689),
        ("lm_eval_harness/prompteval_arc_easy", "arc", "acc_norm", 1172, 0.5674061433447098),
        (history, "asdiv_2024-08-21T03-44", "acc", 50, 0.92),
    ] {
        let Some(shard) = one(folder, part, &metric(wanted)) else { return };
        let shard = shard.unwrap();
        assert_eq!(shard.responses.len(), items, "{part}");
        assert!((mean(&shard) - expected).abs() < 1e-6, "{part}");
        assert!(shard.findings.is_empty(), "{:?}", shard.findings);
        assert!(shard.responses.log_likelihood.iter().all(|value| *value <= 0.0), "{part}");
    }
}

#[test]
fn lm_eval_says_how_the_run_came_about() {
    let Some(shard) = one("lm_eval_harness", "prompteval", &Wanted::default()) else { return };
    let shard = shard.unwrap();
    let run = &shard.runs[0];
    // The curated metric of ARC; the model is in `model_args` only.
    assert_eq!(
        (&*run.benchmark, &*run.metric, &*run.filter),
        ("arc_challenge", "acc_norm", "none")
    );
    assert_eq!((&*run.model, run.shots), ("meta-llama/llama-3-8b-instruct", Some(0)));
    assert_eq!((&*run.tool_version, &*run.task_version), ("git:647a1df", "1.0"));
    assert_eq!((run.items, run.population), (1172, Some(1172)));
    assert_eq!(shard.aliases[0].native_id.as_deref(), Some("Mercury_7175875"));
    assert_eq!(shard.items[0].target.as_deref(), Some("Planetary days will become shorter."));
    assert_eq!((shard.items.len(), shard.prompts.len()), (1172, 1172));

    let limited = one("lm_eval_harness", "asdiv__meta", &Wanted::default()).unwrap().unwrap();
    assert_eq!((limited.runs[0].items, limited.runs[0].population), (50, Some(2305)));
    assert_eq!(limited.runs[0].shots, Some(8));
    // A prompt with eight worked examples gives the bare question.
    let question = "Seven red apples and two green apples are in the basket.\n\
        How many apples are in the basket?";
    assert_eq!(limited.items[0].stem, question);
}

#[test]
fn the_same_question_has_one_uid_in_two_runs_and_two_configurations_one_digest() {
    let read = |part| one("lm_eval_harness", part, &Wanted::default());
    let (Some(first), Some(second)) = (read("asdiv__meta"), read("asdiv_cot__meta")) else {
        return;
    };
    let (first, second) = (first.unwrap(), second.unwrap());
    let uids = |shard: &Shard| -> Vec<String> {
        shard.items.iter().map(|item| item.item_uid.clone()).collect()
    };
    assert_eq!(uids(&first), uids(&second));
    assert_eq!(first.runs[0].config_digest, second.runs[0].config_digest);
    assert_eq!(first.prompts, second.prompts);
}

#[test]
fn contexts_that_are_choices_are_scored_by_their_own_gold() {
    // Winogrande asks for one ending after two contexts; accuracy is recomputed from both.
    let Some(shard) = one("lm_eval_harness", "winogrande_permute", &Wanted::default()) else {
        return;
    };
    let shard = shard.unwrap();
    assert_eq!(shard.responses.len(), 133);
    let right = shard.responses.score.iter().zip(&shard.responses.log_likelihood);
    let half = -std::f32::consts::LN_2;
    assert!(right.into_iter().all(|(&score, &ll)| (score == 1.0) == (ll >= half) || ll == half));
    assert_eq!(shard.items[0].choices.as_deref(), Some("[\"Felicia\",\"Patricia\"]"));
}

#[test]
fn metrics_without_a_score_of_an_item_are_refused_by_name() {
    let named = Wanted { model: Some("m".to_owned()), ..Wanted::default() };
    for (part, expected) in [
        ("masakhaner_luo_prompt_1_2026-01-16T15", "metric `f1` has no score of its own"),
        ("masakhaner_luo_prompt_1_2026-01-16T16", "metric `f1` has no score of its own"),
        ("tgpred", "less is better in metric `mae`"),
        ("hellaswag_secondary", "it has the metrics `acc`, `acc_norm`: choose one with --metric"),
    ] {
        let Some(shard) = one("lm_eval_harness", part, &named) else { return };
        let error = shard.unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
    let blind = one("lm_eval_harness", "masakhaner_luo_prompt_1_2026-01-16T16", &Wanted::default());
    assert!(blind.unwrap().unwrap_err().contains("name it with --model"));
}

#[test]
fn filters_are_chosen_and_never_merged() {
    let wanted = |filter: Option<&str>| Wanted {
        model: Some("m".to_owned()),
        filter: filter.map(str::to_owned),
        ..Wanted::default()
    };
    let read = |filter| one("tool_generated", "two_filters", &wanted(filter));
    let Some(unchosen) = read(None) else { return };
    let error = unchosen.unwrap_err();
    assert!(error.contains("line 11") && error.contains("filters `strict`, `flex`"), "{error}");
    for filter in ["strict", "flex"] {
        let shard = read(Some(filter)).unwrap().unwrap();
        assert_eq!(shard.responses.len(), 10);
        assert_eq!(shard.responses.filter.values(), [filter]);
        assert_eq!(shard.responses.record[0], if filter == "strict" { 0 } else { 10 });
    }
    let error = read(Some("loose")).unwrap().unwrap_err();
    assert!(error.contains("no line has filter `loose`, but `flex`, `strict`"), "{error}");
}

#[test]
fn lighteval_gives_the_aggregates_that_the_tool_published() {
    let folder = "lighteval_v0.13_mock_model";
    let all = read(Adapter::Lighteval, folder, &Wanted::default());
    if all.is_empty() {
        return;
    }
    let [(_, choice), (_, open)] = &all[..] else { panic!("two files of details") };
    let (choice, open) = (choice.as_ref().unwrap(), open.as_ref().unwrap());
    // results_*.json: acc 0.25 of 40, em 0.0 of 30.
    assert_eq!((choice.responses.len(), mean(choice)), (40, 0.25));
    assert_eq!((open.responses.len(), mean(open)), (30, 0.0));
    assert!(choice.findings.is_empty() && open.findings.is_empty());
    assert!(choice.responses.log_likelihood.iter().all(|value| *value < 0.0));
    assert!(open.responses.log_likelihood.iter().all(|value| value.is_nan()));
    let run = &choice.runs[0];
    assert_eq!((&*run.task, &*run.model, run.shots), ("local_mmlu_pro", "dummy", Some(0)));
    let first = &choice.items[0];
    assert_eq!(first.target.as_deref(), Some("size of the planet"));
    assert_eq!(choice.aliases[0].doc_id.as_deref(), Some("9"));
    // Rows are shuffled; the ids are those of the split, each once.
    let mut ids: Vec<u32> = choice
        .aliases
        .iter()
        .map(|alias| alias.doc_id.as_deref().unwrap().parse().unwrap())
        .collect();
    assert!(!ids.is_sorted());
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 40);
}

/// Details of Open LLM Leaderboard v1: question, choices, log-likelihoods, gold and both accuracies.
type Flat<'a> = (&'a str, [&'a str; 2], [f64; 2], i64, [f64; 2]);

fn flat_details(rows: &[Flat<'_>]) -> Vec<u8> {
    use arrow_array::{
        ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray,
        builder::{Float64Builder, ListBuilder, StringBuilder},
    };
    use std::sync::Arc;
    let mut choices = ListBuilder::new(StringBuilder::new());
    let mut predictions = ListBuilder::new(Float64Builder::new());
    for row in rows {
        choices.append_value(row.1.map(Some));
        predictions.append_value(row.2.map(Some));
    }
    let column = |at: usize| {
        Arc::new(rows.iter().map(|row| Some(row.4[at])).collect::<Float64Array>()) as ArrayRef
    };
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("example", Arc::new(rows.iter().map(|row| Some(row.0)).collect::<StringArray>())),
        ("full_prompt", Arc::new(rows.iter().map(|_| Some("shots")).collect::<StringArray>())),
        ("choices", Arc::new(choices.finish())),
        ("predictions", Arc::new(predictions.finish())),
        ("gold_index", Arc::new(rows.iter().map(|row| Some(row.3)).collect::<Int64Array>())),
        ("metrics.acc", column(0)),
        ("metrics.acc_norm", column(1)),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut bytes = Vec::new();
    let mut writer =
        parquet::arrow::ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

#[test]
fn details_of_open_llm_leaderboard_v1_are_read_and_their_accuracies_recomputed() {
    let address: Address = "https://h/details_o__m/2023-07-19T14:12:20/\
        details_harness%7Carc:challenge%7C25_2023-07-19T14:12:20.parquet"
        .parse()
        .unwrap();
    let read = |rows: &[Flat<'_>], wanted: &Wanted| {
        let bytes = flat_details(rows);
        let (id, content) = (ObjectId::of(&bytes), Content::Memory(&bytes));
        let file = RawFile { address: &address, id, content };
        Adapter::Lighteval.normalize(&[file], wanted).map_err(|error| error.to_string())
    };
    // The longer choice wins by characters.
    let rows: [Flat<'_>; 2] = [
        ("Why is it so?", [" of this", " of that, which is longer"], [-2.0, -3.0], 1, [0.0, 1.0]),
        ("Mercury_SC_409171", [" yes", " no"], [-1.0, -1.0], 1, [0.0, 0.0]),
    ];
    let shard = read(&rows, &Wanted::default()).unwrap();
    assert_eq!(shard.responses.score, [1.0, 0.0]);
    let run = &shard.runs[0];
    assert_eq!((&*run.benchmark, &*run.metric, run.shots), ("arc_challenge", "acc_norm", Some(25)));
    assert_eq!((&*run.model, &*run.started), ("o/m", "2023-07-19T14-12-20"));
    assert_eq!(
        shard.items[0].choices.as_deref(),
        Some("[\"of this\",\"of that, which is longer\"]")
    );
    assert_eq!(shard.items[0].target.as_deref(), Some("of that, which is longer"));
    assert_eq!(shard.aliases[1].native_id.as_deref(), Some("Mercury_SC_409171"));
    assert!((shard.responses.log_likelihood[1] + std::f32::consts::LN_2).abs() < 1e-6);
    assert_eq!(read(&rows, &metric("acc")).unwrap().responses.score, [0.0, 0.0]);

    let mut wrong = rows;
    wrong[1].4[0] = 1.0;
    let error = read(&wrong, &Wanted::default()).unwrap_err();
    assert!(error.contains("row 2: `acc` is 1, which the log-likelihoods"), "{error}");
    wrong[1].4 = [0.5, 2.0];
    let error = read(&wrong, &Wanted::default()).unwrap_err();
    assert!(error.contains("row 2: `acc_norm` is 2, which is not between 0 and 1"), "{error}");
}
