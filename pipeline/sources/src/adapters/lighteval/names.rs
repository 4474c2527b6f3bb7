//! What the paths of details and results say.

use std::collections::BTreeMap;

use crate::{
    Address,
    adapters::names::{PathName, split_time},
};

/// Suites that stand before a task's name.
const SUITES: [&str; 10] = [
    "harness",
    "leaderboard",
    "lighteval",
    "original",
    "helm",
    "bigbench",
    "custom",
    "extended",
    "community",
    "test",
];

/// The parts of a path.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Name {
    /// Folders without `details`, `results` and the time's own: the same for all files of a run.
    run: String,
    /// `suite|task|shots` as it stands, `suite` and `shots` not always there; None for results.
    pub details: Option<String>,
    /// Timestamp, its colons as hyphens.
    pub time: String,
    /// Model by a folder `details_organisation__model` or `details/organisation/model`.
    pub model: Option<String>,
}

impl Name {
    pub fn of(address: &Address) -> Self {
        let PathName { folder, file } = PathName::of(address);
        let stem = file.strip_suffix(".parquet").or_else(|| file.strip_suffix(".json"));
        let (stem, time) = split_time(stem.unwrap_or(&file));
        let hyphens = |text: &str| text.replace(':', "-");
        let time = hyphens(time);
        let of_run = |part: &&str| !matches!(*part, "details" | "results") && hyphens(part) != time;
        let parts: Vec<&str> = folder.split('/').collect();
        let run: Vec<&str> = parts.iter().copied().filter(of_run).collect();
        let details = stem.strip_prefix("details_").map(str::to_owned);
        Self { run: run.join("/"), details, time, model: model(&parts) }
    }

    /// The task without suite and shots.
    pub fn task(&self) -> &str {
        let mut parts = self.details.as_deref().unwrap_or_default().split('|');
        let first = parts.next().unwrap_or_default();
        let next = parts.next().filter(|_| SUITES.contains(&first));
        next.unwrap_or(first)
    }

    /// Worked examples: the first number behind the task.
    pub fn shots(&self) -> Option<u32> {
        let parts = self.details.as_deref().unwrap_or_default().split('|');
        parts.skip(1).find_map(|part| part.parse().ok())
    }
}

fn model(folders: &[&str]) -> Option<String> {
    let repository = folders.iter().rev().find_map(|part| {
        let named = part.strip_prefix("details_")?;
        named.contains("__").then(|| named.replacen("__", "/", 1))
    });
    let behind = || {
        let at = folders.iter().rposition(|part| *part == "details")?;
        let named: Vec<&str> = folders[at + 1..].to_vec();
        let named = named.strip_suffix(&[*named.last()?]).filter(|rest| !rest.is_empty())?;
        Some(named.join("/"))
    };
    repository.or_else(behind)
}

/// Details, each with the results file of its run that has its time or the next later one.
pub(crate) fn units(addresses: &[&Address]) -> Vec<Vec<usize>> {
    let names: Vec<Name> = addresses.iter().map(|address| Name::of(address)).collect();
    let mut results: BTreeMap<&str, BTreeMap<&str, usize>> = BTreeMap::new();
    for (at, name) in names.iter().enumerate().filter(|(_, name)| name.details.is_none()) {
        results.entry(&name.run).or_default().entry(&name.time).or_insert(at);
    }
    let next = |name: &Name| {
        let of_run = results.get(&*name.run)?;
        of_run.range(&*name.time..).next().map(|(_, at)| *at)
    };
    let details = names.iter().enumerate().filter(|(_, name)| name.details.is_some());
    details.map(|(at, name)| std::iter::once(at).chain(next(name)).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_both_eras_are_taken_apart() {
        let addresses: Vec<Address> = [
            "x/details_o__m/2023-07-19T14:12:20/details_harness|arc:challenge|25_2023-07-19T14:12:20.parquet",
            "x/details_o__m/results_2023-07-19T14:12:20.json",
            "y/details/o/m/2026-11-21T03-08-03.5/details_local_mmlu_pro|0_2026-11-21T03-08-03.5.parquet",
            "y/results/o/m/results_2026-11-21T03-08-03.5.json",
            "y/results/o/m/results_2026-11-21T02-00-00.json",
        ]
        .map(|path| format!("file:{path}").parse().unwrap())
        .to_vec();
        let names: Vec<Name> = addresses.iter().map(Name::of).collect();
        assert_eq!((names[0].task(), names[0].shots()), ("arc:challenge", Some(25)));
        assert_eq!((names[2].task(), names[2].shots()), ("local_mmlu_pro", Some(0)));
        assert_eq!(names[0].time, "2023-07-19T14-12-20");
        assert_eq!([0, 2].map(|at: usize| names[at].model.as_deref()), [Some("o/m"); 2]);
        assert_eq!(units(&addresses.iter().collect::<Vec<_>>()), [vec![0, 1], vec![2, 3]]);
    }
}
