//! SWE-bench Verified: a file of resolved issues a submission, and the list of all issues.

use std::{collections::BTreeMap, sync::Arc};

use arrow_array::{ArrayRef, StringArray};
use serde_json::json;

use super::{open_llm_v1::parquet, solves};

/// `owner/name` of the list of issues.
pub const ISSUES: &str = "princeton-nlp/SWE-bench_Verified";

const ITEMS: usize = 40;

fn id(item: usize) -> String {
    format!("django__django-{}", 10_000 + item)
}

/// Name of a made-up submission.
pub fn submission(number: usize) -> String {
    format!("202401{:02}_agent+model-{number}", number + 1)
}

/// Path of a submission's results on the web server.
pub fn path(submission: &str) -> String {
    format!("/SWE-bench/experiments/main/evaluation/verified/{submission}/results/results.json")
}

/// What a submission resolved.
pub fn results(number: usize) -> Vec<u8> {
    let resolved: Vec<String> =
        (0..ITEMS).filter(|item| solves(number, *item, "swe")).map(id).collect();
    let without: Vec<String> =
        (0..ITEMS).filter(|item| !solves(number, *item, "swe")).map(id).take(2).collect();
    let results = json!({"no_generation": without, "no_logs": [], "resolved": resolved});
    serde_json::to_vec_pretty(&results).unwrap()
}

/// The repository with the list of issues.
pub fn issues() -> BTreeMap<String, Vec<u8>> {
    let column = |text: &dyn Fn(usize) -> String| -> ArrayRef {
        Arc::new((0..ITEMS).map(|item| Some(text(item))).collect::<StringArray>())
    };
    let columns = vec![
        ("repo", column(&|_| "django/django".to_owned())),
        ("instance_id", column(&id)),
        ("base_commit", column(&|item| format!("{item:040x}"))),
        ("problem_statement", column(&|item| format!("Issue {item}: it does not work"))),
        ("FAIL_TO_PASS", column(&|_| "[\"test_it\"]".to_owned())),
    ];
    let file = "data/test-00000-of-00001.parquet".to_owned();
    BTreeMap::from([(file, parquet(columns)), ("README.md".to_owned(), b"# Issues".to_vec())])
}
