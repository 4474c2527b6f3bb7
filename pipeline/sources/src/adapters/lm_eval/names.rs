//! What file names say, and which results file belongs to which samples.

use std::collections::BTreeMap;

use crate::{
    Address,
    adapters::names::{PathName, split_time},
};

/// The parts of a file's name.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Name {
    /// Folder, and what stands before `samples_` or `results`: runs are told apart by both.
    pub run: String,
    /// Task of a samples file, sanitised; None for a results file.
    pub task: Option<String>,
    /// Timestamp of a results file, and of a samples file with one; empty without.
    pub time: String,
}

impl Name {
    /// Reads `samples_<task>_<time>.jsonl`, `results_<time>.json` and `<stem>_<time>.json`, each with a
    /// prefix, with `.gz`, and without time.
    pub fn of(address: &Address) -> Self {
        let PathName { folder, file } = PathName::of(address);
        let file = file.strip_suffix(".gz").unwrap_or(&file);
        let stem = [".jsonl", ".ndjson", ".json"].iter().find_map(|end| file.strip_suffix(end));
        let (stem, time) = split_time(stem.unwrap_or(file));
        if let Some((prefix, task)) = stem.split_once("samples_") {
            let (run, task) = (format!("{folder}/{prefix}"), Some(task.to_owned()));
            return Self { run, task, time: time.to_owned() };
        }
        // `<stem>_<time>.json` lies beside samples without its stem.
        let prefix = stem.strip_suffix("results").unwrap_or("");
        Self { run: format!("{folder}/{prefix}"), task: None, time: time.to_owned() }
    }

    /// The model, where the prefix of the file or its folder is `organisation__model`.
    pub fn model(&self) -> Option<String> {
        let (folder, prefix) = self.run.rsplit_once('/').unwrap_or(("", &self.run));
        let prefix = prefix.trim_end_matches('_');
        // A prefix is a path that was flattened by whoever copied the file: its last two parts.
        let last = prefix.rsplit_once("__").map(|(before, model)| {
            let organisation = before.rsplit_once("__").map_or(before, |(_, last)| last);
            format!("{organisation}/{model}")
        });
        let folder = folder.rsplit_once('/').map_or(folder, |(_, last)| last);
        let folder = folder.strip_suffix("-details").unwrap_or(folder);
        last.or_else(|| folder.contains("__").then(|| folder.replacen("__", "/", 1)))
    }
}

/// Samples files, each with the results file of its run that has its time or the next later one.
pub(crate) fn units(addresses: &[&Address]) -> Vec<Vec<usize>> {
    let names: Vec<Name> = addresses.iter().map(|address| Name::of(address)).collect();
    let mut results: BTreeMap<&str, BTreeMap<&str, usize>> = BTreeMap::new();
    for (at, name) in names.iter().enumerate().filter(|(_, name)| name.task.is_none()) {
        results.entry(&name.run).or_default().entry(&name.time).or_insert(at);
    }
    let next = |run: &str, time: &str| {
        let (found, at) = results.get(run)?.range(time..).next()?;
        (found.is_empty() == time.is_empty()).then_some(*at)
    };
    let samples = names.iter().enumerate().filter(|(_, name)| name.task.is_some());
    samples
        .map(|(at, name)| {
            let found = next(&name.run, &name.time).or_else(|| next(folder(&name.run), &name.time));
            std::iter::once(at).chain(found).collect()
        })
        .collect()
}

/// The folder with its slash, without a prefix of files.
fn folder(run: &str) -> &str {
    run.rfind('/').map_or("", |slash| &run[..=slash])
}

/// A task's name as it stands in file names.
///
/// SOURCE: `sanitize_task_name` of lm-evaluation-harness 0.4.13.
pub(super) fn sanitised(task: &str) -> String {
    task.chars().map(|c| if c.is_alphanumeric() || c == '_' { c } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(paths: &[&str]) -> Vec<Address> {
        paths.iter().map(|path| format!("file:{path}").parse().unwrap()).collect()
    }

    #[test]
    fn names_are_taken_apart() {
        let name = |path| Name::of(&addresses(&[path])[0]);
        let samples = name("o__m/samples_arc_easy_2024-06-21T15-44-04.366910.jsonl.gz");
        assert_eq!(samples.task.as_deref(), Some("arc_easy"));
        assert_eq!(samples.time, "2024-06-21T15-44-04.366910");
        assert_eq!(samples.model().as_deref(), Some("o/m"));
        let results = name("o__m/results_2024-06-21T15-44-04.366910.json");
        assert_eq!((results.run, results.task), (samples.run, None));
        assert_eq!(name("x/lm_eval_samples_mc.jsonl").run, name("x/lm_eval_results.json").run);
        assert_eq!(name("a/o__m__samples_t.jsonl").model().as_deref(), Some("o/m"));
        assert_eq!(name("a/res__t__o__m__samples_t.jsonl").model().as_deref(), Some("o/m"));
        assert_eq!(name("o__m-details/samples_t.json").model().as_deref(), Some("o/m"));
        assert_eq!(name("vqvnukgg/samples_t.jsonl").model(), None);
    }

    #[test]
    fn samples_go_with_the_results_of_their_time_or_the_next() {
        let paths = [
            "m/results_2024-06-21T15-00-00.json",
            "m/samples_a_2024-06-21T15-00-00.jsonl",
            "m/samples_b_2024-06-21T16-00-00.jsonl",
            "m/results_2024-06-21T18-00-00.json",
            "m/results_2024-06-21T17-00-00.json",
            "m/samples_c_2024-06-21T19-00-00.jsonl",
            "n/samples_a_2024-06-21T15-00-00.jsonl",
            "n/mine_2024-06-21T15-00-00.json",
        ];
        let addresses = addresses(&paths);
        let units = units(&addresses.iter().collect::<Vec<_>>());
        assert_eq!(units, [vec![1, 0], vec![2, 4], vec![5], vec![6, 7]]);
    }
}
