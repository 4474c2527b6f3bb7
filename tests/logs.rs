//! Logs as lm-evaluation-harness writes them, of two small tasks and made-up models.

use std::{
    fs,
    path::{Path, PathBuf},
};

use parquet::file::reader::{FileReader, SerializedFileReader};
use serde_json::{Map, Value, json};

/// Leaf tasks, and documents of each.
pub const TASKS: [&str; 2] = ["toy_alpha", "toy_beta"];
pub const DOCS: usize = 40;

/// One run of the tool: both tasks, some documents, one model.
#[derive(Clone)]
pub struct Run {
    pub model: usize,
    /// Documents of each task.
    pub docs: [Vec<usize>; 2],
    pub shots: u32,
    pub filters: Vec<&'static str>,
    /// What the prompts are digested with.
    pub wording: &'static str,
    /// A document of the first task without a score.
    pub errored: Option<usize>,
    pub time: &'static str,
}

impl Run {
    pub fn full(model: usize) -> Self {
        Self {
            model,
            docs: [(0..DOCS).collect(), (0..DOCS).collect()],
            shots: 5,
            filters: vec!["strict", "flex"],
            wording: "Q:",
            errored: None,
            time: "2026-10-01T10-00-00.000000",
        }
    }

    pub fn name(&self) -> String {
        format!("lab/model-{:02}", self.model)
    }

    /// Writes samples and results into the folder that the tool would make; returns it.
    pub fn write(&self, root: &Path) -> PathBuf {
        let folder = root.join(self.name().replace('/', "__"));
        fs::create_dir_all(&folder).unwrap();
        for (task, docs) in TASKS.iter().zip(&self.docs) {
            let lines: Vec<String> = docs.iter().flat_map(|&doc| self.lines(task, doc)).collect();
            if !lines.is_empty() {
                let name = format!("samples_{task}_{}.jsonl", self.time);
                fs::write(folder.join(name), lines.concat()).unwrap();
            }
        }
        let results = serde_json::to_vec_pretty(&self.results()).unwrap();
        fs::write(folder.join(format!("results_{}.json", self.time)), results).unwrap();
        folder
    }

    fn lines(&self, task: &str, doc: usize) -> Vec<String> {
        let line = |filter: &&str| {
            let score = score(self.model, task, doc);
            let strict = if *filter == "strict" { score } else { 1.0 - score };
            let errored = task == TASKS[0] && self.errored == Some(doc);
            let strict = if errored { Value::Null } else { json!(strict) };
            let question = question(task, doc);
            let prompt = format!("{} {question} after {} shots", self.wording, self.shots);
            let record = json!({
                "doc_id": doc, "doc": {"question": question, "answer": "42"}, "target": "42",
                "arguments": {"gen_args_0": {"arg_0": prompt, "arg_1": {"until": ["\n"]}}},
                "resps": [["41"]], "filtered_resps": ["41"], "filter": filter,
                "metrics": ["exact_match", "em"],
                "doc_hash": blake3::hash(question.as_bytes()).to_hex().as_str(),
                "prompt_hash": blake3::hash(prompt.as_bytes()).to_hex().as_str(),
                "target_hash": "0", "exact_match": strict, "em": 1.0 - score,
            });
            format!("{record}\n")
        };
        self.filters.iter().map(line).collect()
    }

    fn results(&self) -> Value {
        let each = |of: &dyn Fn(usize) -> Value| -> Map<String, Value> {
            (0..2).map(|at| (TASKS[at].to_owned(), of(at))).collect()
        };
        json!({
            "results": each(&|at| {
                let mut results = json!({"alias": TASKS[at], "name": TASKS[at]});
                for metric in ["exact_match", "em"] {
                    for filter in &self.filters {
                        results[format!("{metric},{filter}")] = json!(0.5);
                    }
                }
                results
            }),
            "group_subtasks": {"toy": TASKS},
            "configs": each(&|at| json!({"task": TASKS[at], "num_fewshot": self.shots})),
            "versions": each(&|_| json!(1.0)),
            "n-shot": each(&|_| json!(self.shots)),
            "higher_is_better": each(&|_| json!({"exact_match": true, "em": true})),
            "n-samples": each(&|at| json!({"original": DOCS, "effective": self.docs[at].len()})),
            "config": {"model": "hf", "model_args": {"pretrained": self.name()}},
            "lm_eval_version": "0.4.9",
        })
    }
}

pub fn question(task: &str, doc: usize) -> String {
    format!("Question {doc} of {task}: what is it?")
}

/// A plain function of the numbers: abilities and difficulties with an irregular remainder.
pub fn score(model: usize, task: &str, doc: usize) -> f64 {
    let item = doc + if task == TASKS[1] { DOCS } else { 0 };
    let noise = ((model * 7919 + item * 104_729) % 1009) as f64 / 1009.0;
    let chance = 0.5 + 0.4 * ((model % 17) as f64 / 16.0 - item as f64 / 80.0);
    f64::from(u8::from(noise < chance))
}

/// Rows of a Parquet file.
pub fn rows(path: &Path) -> i64 {
    let file = fs::File::open(path).unwrap();
    SerializedFileReader::new(file).unwrap().metadata().file_metadata().num_rows()
}
