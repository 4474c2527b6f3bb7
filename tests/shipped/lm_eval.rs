//! Open LLM Leaderboard v2: samples of lm-evaluation-harness, as JSON lines and as an array.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{model, place::Repositories, solves};
use crate::hub_server::Repository;

/// Some tasks of each benchmark, with what their names share.
pub const TASKS: [&str; 9] = [
    "leaderboard_ifeval",
    "leaderboard_bbh_snarks",
    "leaderboard_bbh_navigate",
    "leaderboard_math_algebra_hard",
    "leaderboard_math_geometry_hard",
    "leaderboard_gpqa_main",
    "leaderboard_musr_object_placements",
    "leaderboard_musr_team_allocation",
    "leaderboard_mmlu_pro",
];

const ITEMS: usize = 24;

/// `owner/name` of a model's details.
pub fn repository(model: &str) -> String {
    format!("open-llm-leaderboard/{}-details", model.replace('/', "__"))
}

/// Path of a samples file.
pub fn samples(model: &str, task: &str, time: &str, ending: &str) -> String {
    format!("{}/samples_{task}_{time}.{ending}", model.replace('/', "__"))
}

fn record(model: usize, task: &str, item: usize) -> Value {
    let right = solves(model, item, task);
    let mut record = Map::new();
    let question = format!("Question {item} of {task}: what follows?");
    let chosen = !matches!(task, "leaderboard_ifeval") && !task.contains("math");
    record.insert("doc_id".to_owned(), json!(item));
    record.insert("doc".to_owned(), json!({"question": question, "answer": "yes"}));
    record.insert("target".to_owned(), json!(if chosen { "0" } else { "yes" }));
    let request = |choice: &str| json!({"arg_0": question, "arg_1": choice});
    if chosen {
        // As long as each other, so that acc and acc_norm choose the same one.
        let (yes, no) = if right { ("-0.5", "-2.5") } else { ("-2.25", "-0.75") };
        let scored = json!([[yes, "False"], [no, "False"]]);
        record.insert(
            "arguments".to_owned(),
            json!({"gen_args_0": request(" yes"), "gen_args_1": request(" nay")}),
        );
        record.insert("resps".to_owned(), json!([[[yes, "False"]], [[no, "False"]]]));
        record.insert("filtered_resps".to_owned(), scored);
    } else {
        let arguments = json!({"gen_args_0": {"arg_0": question, "arg_1": {"until": []}}});
        let answer = if right { "yes" } else { "no" };
        record.insert("arguments".to_owned(), arguments);
        record.insert("resps".to_owned(), json!([[answer]]));
        record.insert("filtered_resps".to_owned(), json!([answer]));
    }
    let hash = |text: &str| Repository::digest(text.as_bytes());
    record.insert("doc_hash".to_owned(), json!(hash(&question)));
    record.insert("prompt_hash".to_owned(), json!(hash(&question)));
    record.insert("target_hash".to_owned(), json!(hash("yes")));
    let score = f64::from(u8::from(right));
    for metric in metrics(task) {
        record.insert((*metric).to_owned(), json!(score));
    }
    Value::Object(record)
}

fn metrics(task: &str) -> &'static [&'static str] {
    match task {
        "leaderboard_ifeval" => &["prompt_level_strict_acc", "prompt_level_loose_acc"],
        "leaderboard_mmlu_pro" => &["acc"],
        _ if task.contains("math") => &["exact_match"],
        _ => &["acc_norm"],
    }
}

/// Details of made-up models. The first has a partial run that is later than the whole one, the second
/// arrays of June 2024, and all have tasks that the recipe does not ask for.
pub fn details(models: usize) -> Repositories {
    let details = |number: usize| {
        let name = model(number);
        let mut files = BTreeMap::new();
        for task in TASKS {
            let records: Vec<Value> = (0..ITEMS).map(|item| record(number, task, item)).collect();
            let lines: String = records.iter().map(|record| format!("{record}\n")).collect();
            let (time, ending) = ("2024-07-01T10-00-00.000001", "jsonl");
            match number {
                1 => {
                    let time = "2024-06-17T12-07-04.698905";
                    let array = serde_json::to_vec(&records).unwrap();
                    files.insert(samples(&name, task, time, "json"), array);
                }
                _ => {
                    files.insert(samples(&name, task, time, ending), lines.clone().into_bytes());
                }
            }
            if number == 0 {
                let some: String = lines.split_inclusive('\n').take(5).collect();
                let later = samples(&name, task, "2025-01-02T10-00-00.000001", ending);
                files.insert(later, some.into_bytes());
            }
        }
        let other = samples(&name, "leaderboard_arc_challenge", "2024-07-01T10-00-00.1", "jsonl");
        files.insert(other, b"not asked for".to_vec());
        files.insert("README.md".to_owned(), b"# Details".to_vec());
        (repository(&name), files)
    };
    (0..models).map(details).collect()
}
