//! Settings in which the runs of one benchmark differ: shots, prompt template, tool version.

use std::collections::{BTreeMap, BTreeSet};

type Models<'a> = BTreeSet<&'a str>;

/// What one run says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Setting<'a> {
    /// Benchmark.
    pub benchmark: &'a str,
    /// Task inside it; empty where there is none.
    pub task: &'a str,
    /// What is set, such as `shots`.
    pub property: &'a str,
    /// What it is set to; a run that does not say has no setting, not an empty one.
    pub value: &'a str,
    /// The model that was run.
    pub model: &'a str,
}

/// A value that some models were run with and most were not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drift<'a> {
    /// Benchmark.
    pub benchmark: &'a str,
    /// What is set.
    pub property: &'a str,
    /// Tasks in which the same models differ in the same way, sorted.
    pub tasks: Vec<&'a str>,
    /// The value of most models; of several as frequent, the first in the alphabet.
    pub usual: &'a str,
    /// Number of models that have it, in the task where they are fewest.
    pub usual_models: usize,
    /// Number of models that say what it was set to, in the same task.
    pub saying: usize,
    /// The other value.
    pub value: &'a str,
    /// Models that have it, sorted.
    pub models: Vec<&'a str>,
}

impl Drift<'_> {
    /// Whether more than half of the models that say have the usual value: without such a majority
    /// there is no telling who differs from whom.
    pub fn has_majority(&self) -> bool {
        2 * self.usual_models > self.saying
    }
}

/// Every value of a property that is not the usual one of its benchmark and task.
///
/// Rows are compared within (benchmark, task, property), in any order, equal ones counted once; a model
/// that was run in two ways counts for both. Tasks whose drift is the same are told together: a model
/// that ran all 57 subjects with other shots is one finding. Sorted by benchmark, property, usual value,
/// value and models. Time: sorting the rows.
pub fn drift<'a>(settings: &[Setting<'a>]) -> Vec<Drift<'a>> {
    let mut places: BTreeMap<(&str, &str, &str), BTreeMap<&str, Models<'_>>> = BTreeMap::new();
    for setting in settings {
        let Setting { benchmark, task, property, value, model } = *setting;
        let values = places.entry((benchmark, property, task)).or_default();
        values.entry(value).or_default().insert(model);
    }
    let mut alike: BTreeMap<_, (Vec<&str>, (usize, usize))> = BTreeMap::new();
    for ((benchmark, property, task), values) in places {
        let most = values.iter().rev().max_by_key(|(_, models)| models.len());
        let Some((usual, usual_models)) = most.map(|(value, models)| (*value, models.len())) else {
            continue;
        };
        let saying = values.values().flatten().copied().collect::<Models<'_>>().len();
        for (value, models) in values.into_iter().filter(|(value, _)| *value != usual) {
            let models: Vec<&str> = models.into_iter().collect();
            let (tasks, fewest) = alike
                .entry((benchmark, property, usual, value, models))
                .or_insert((Vec::new(), (usual_models, saying)));
            tasks.push(task);
            *fewest = (*fewest).min((usual_models, saying));
        }
    }
    let told = |((benchmark, property, usual, value, models), (tasks, (usual_models, saying)))| {
        Drift { benchmark, property, tasks, usual, usual_models, saying, value, models }
    };
    alike.into_iter().map(told).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shots<'a>(task: &'a str, model: &'a str, value: &'a str) -> Setting<'a> {
        Setting { benchmark: "mmlu", task, property: "shots", value, model }
    }

    #[test]
    fn a_model_with_other_shots_in_all_tasks_is_one_finding() {
        let mut settings = Vec::new();
        for task in ["law", "physics"] {
            settings.extend(["a", "b", "c"].map(|model| shots(task, model, "5")));
            settings.push(shots(task, "odd", "0"));
        }
        settings.push(shots("law", "rare", "25"));
        settings.reverse();
        let found = drift(&settings);
        assert_eq!(found.len(), 2, "{found:?}");
        let odd = &found[0];
        assert_eq!((odd.usual, odd.value, odd.usual_models), ("5", "0", 3));
        assert_eq!((&odd.models[..], &odd.tasks[..]), (&["odd"][..], &["law", "physics"][..]));
        assert_eq!((found[1].value, &found[1].tasks[..]), ("25", &["law"][..]));
        assert_eq!(odd.saying, 4);
        assert!(odd.has_majority());
    }

    #[test]
    fn benchmarks_and_properties_are_apart_and_agreement_is_silent() {
        let same = [shots("", "a", "5"), shots("", "b", "5"), shots("", "a", "5")];
        assert!(drift(&same).is_empty() && drift(&[]).is_empty());
        let other = Setting { benchmark: "arc", value: "25", ..same[0] };
        let tool = Setting { property: "tool_version", value: "0.4.3", ..same[0] };
        assert!(drift(&[same[0], same[1], other, tool]).is_empty());
    }

    #[test]
    fn a_tie_is_told_from_the_first_value_and_has_no_majority() {
        let found = drift(&[shots("", "a", "5"), shots("", "b", "0")]);
        assert_eq!((found[0].usual, found[0].value, found.len()), ("0", "5", 1));
        assert!(!found[0].has_majority());
    }
}
