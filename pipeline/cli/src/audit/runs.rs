//! How the runs of one benchmark differ: shots, template, versions.

use std::collections::{BTreeMap, BTreeSet};

use aliquot_stats::audit::{Drift, Setting, drift};
use aliquot_tables::runs::Run;

use super::{
    Audited, Severity, found,
    policy::{AuditPolicy, Policy},
};

/// Settings that make two runs two experiments.
const ASKING: [&str; 3] = ["shots", "template", "task version"];

/// Models and tasks named in a finding before the rest is only counted.
const NAMED: usize = 5;

/// Models left out of each benchmark.
pub(super) type Drifting = BTreeMap<String, BTreeSet<String>>;

impl Audited {
    /// Notes the models that were asked otherwise than most; returns those to leave out.
    pub(super) fn look_at_runs(&mut self, policy: &AuditPolicy, runs: &[Run]) -> Drifting {
        let shots: Vec<String> = runs
            .iter()
            .map(|run| run.shots.map_or_else(String::new, |shots| shots.to_string()))
            .collect();
        let settings = runs.iter().zip(&shots).flat_map(|(run, shots)| {
            let values = [
                ("shots", shots.as_str()),
                ("template", &run.template),
                ("task version", &run.task_version),
                ("tool version", &run.tool_version),
            ];
            let Run { benchmark, task, model, .. } = run;
            values
                .into_iter()
                .filter(|(_, value)| !value.is_empty())
                .map(move |(property, value)| Setting { benchmark, task, property, value, model })
        });
        let mut drifting = Drifting::new();
        for drift in drift(&settings.collect::<Vec<_>>()) {
            let other_experiment = ASKING.contains(&drift.property);
            // Without a majority there is no telling who to leave out.
            let action = match policy.setting_drift {
                _ if !other_experiment => Policy::Keep,
                Policy::Drop if !drift.has_majority() => Policy::Keep,
                action => action,
            };
            if action == Policy::Drop {
                let left_out = drifting.entry(drift.benchmark.to_owned()).or_default();
                left_out.extend(drift.models.iter().map(ToString::to_string));
            }
            let severity = if other_experiment { Severity::Warning } else { Severity::Info };
            let finding = found(drift.property, action.name(), evidence(&drift));
            self.note("setting-drift", severity, drift.benchmark, finding);
        }
        drifting
    }
}

fn evidence(drift: &Drift<'_>) -> String {
    format!(
        "{} where {} of {} models have {}: {}; in {}",
        drift.value,
        drift.usual_models,
        drift.saying,
        drift.usual,
        named(&drift.models),
        named(&drift.tasks)
    )
}

fn named(names: &[&str]) -> String {
    let shown = names[..names.len().min(NAMED)].join(", ");
    match names.len().saturating_sub(NAMED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(model: &str, shots: u32, tool_version: &str) -> Run {
        Run {
            model: model.to_owned(),
            benchmark: "arc".to_owned(),
            task: "arc_challenge".to_owned(),
            shots: Some(shots),
            tool_version: tool_version.to_owned(),
            ..Run::default()
        }
    }

    #[test]
    fn models_asked_otherwise_are_noted_and_left_out_where_the_recipe_says_so() {
        let runs = [run("a", 25, "1"), run("b", 25, "2"), run("c", 0, "1"), run("d", 25, "1")];
        for (action, left_out) in [(Policy::Keep, None), (Policy::Drop, Some("c"))] {
            let mut audited = Audited::default();
            let policy = AuditPolicy { setting_drift: action, ..AuditPolicy::default() };
            let drifting = audited.look_at_runs(&policy, &runs);
            let dropped = drifting.get("arc").and_then(|models| models.first()).cloned();
            assert_eq!(dropped.as_deref(), left_out);
            let seen: Vec<(&str, &str, &str)> = audited
                .findings
                .iter()
                .map(|row| (row.severity.as_str(), row.action.as_str(), row.evidence.as_str()))
                .collect();
            let shots = "0 where 3 of 4 models have 25: c; in arc_challenge";
            let tool = "2 where 3 of 4 models have 1: b; in arc_challenge";
            assert_eq!(seen, [("warning", action.name(), shots), ("info", "keep", tool)]);
        }
    }

    #[test]
    fn without_a_majority_nobody_is_left_out() {
        let policy = AuditPolicy { setting_drift: Policy::Drop, ..AuditPolicy::default() };
        let runs = [run("a", 25, "1"), run("c", 0, "1")];
        assert!(Audited::default().look_at_runs(&policy, &runs).is_empty());
    }
}
