//! The chosen items as the argument `--samples` of lm-evaluation-harness.

use std::collections::{BTreeMap, BTreeSet};

use aliquot_tables::aliases::Alias;
use thiserror::Error;

use crate::adapters::lm_eval::TOOL;

/// Positions of documents by task; sorted, each once, as lm-evaluation-harness needs them: it numbers
/// the documents of an unsorted list wrongly.
pub type Samples = BTreeMap<String, BTreeSet<u64>>;

/// Items that cannot be named to lm-evaluation-harness.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SamplesError {
    /// No log of lm-evaluation-harness was among the sources of the release, or not of this item.
    #[error("{count} of {all} items have no position in a task of lm-eval, the first is {first}")]
    Unnamed {
        /// Items without a position.
        count: usize,
        /// Items asked for.
        all: usize,
        /// The first of those without.
        first: String,
    },
    /// The position of an item depends on the version of the task.
    #[error(
        "item {item} is at positions {positions:?} of task `{task}` in different versions of lm-eval"
    )]
    Moved {
        /// The item.
        item: String,
        /// The task.
        task: String,
        /// Its positions.
        positions: Vec<u64>,
    },
    /// Two items would be asked for by one position.
    #[error("position {position} of task `{task}` is of two items: {} and {}", items[0], items[1])]
    Shared {
        /// The task.
        task: String,
        /// The position.
        position: u64,
        /// The items.
        items: [String; 2],
    },
}

/// Names items by the leaf tasks and positions under which lm-evaluation-harness logged them.
pub fn samples(items: &BTreeSet<&str>, aliases: &[Alias]) -> Result<Samples, SamplesError> {
    let mut positions: BTreeMap<&str, BTreeMap<&str, BTreeSet<u64>>> = BTreeMap::new();
    let mut holders: BTreeMap<(&str, u64), &str> = BTreeMap::new();
    for alias in aliases.iter().filter(|alias| alias.tool == TOOL) {
        let Some(position) = alias.doc_id.as_deref().and_then(|id| id.parse().ok()) else {
            continue;
        };
        let (item, task) = (alias.item_uid.as_str(), alias.task.as_str());
        if !items.contains(item) {
            continue;
        }
        if let Some(other) = holders.insert((task, position), item).filter(|other| *other != item) {
            let items = [other, item].map(str::to_owned);
            return Err(SamplesError::Shared { task: task.to_owned(), position, items });
        }
        positions.entry(item).or_default().entry(task).or_default().insert(position);
    }
    let unnamed: Vec<&&str> = items.iter().filter(|item| !positions.contains_key(**item)).collect();
    if let Some(first) = unnamed.first() {
        let (count, all) = (unnamed.len(), items.len());
        return Err(SamplesError::Unnamed { count, all, first: first.to_string() });
    }
    let mut samples = Samples::new();
    for (item, tasks) in positions {
        // An item that several tasks ask is asked by the first of them: once is enough.
        let Some((task, own)) = tasks.into_iter().next() else { continue };
        if own.len() > 1 {
            return Err(SamplesError::Moved {
                item: item.to_owned(),
                task: task.to_owned(),
                positions: own.into_iter().collect(),
            });
        }
        samples.entry(task.to_owned()).or_default().extend(own);
    }
    Ok(samples)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alias(item_uid: &str, task: &str, doc_id: &str) -> Alias {
        Alias {
            item_uid: item_uid.to_owned(),
            tool: TOOL.to_owned(),
            task: task.to_owned(),
            doc_id: Some(doc_id.to_owned()),
            ..Alias::default()
        }
    }

    #[test]
    fn positions_are_numbers_sorted_by_leaf_task() {
        let aliases = [
            alias("a", "arc", "10"),
            alias("b", "arc", "9"),
            alias("c", "mmlu", "0"),
            alias("d", "x", "1"),
        ];
        let samples = samples(&BTreeSet::from(["a", "b", "c"]), &aliases).unwrap();
        let text = serde_json::to_string(&samples).unwrap();
        assert_eq!(text, r#"{"arc":[9,10],"mmlu":[0]}"#);
    }

    #[test]
    fn items_that_cannot_be_named_by_one_position_are_refused() {
        let items = BTreeSet::from(["a", "b"]);
        let unnamed = samples(&items, &[alias("a", "arc", "1")]).unwrap_err();
        assert_eq!(unnamed, SamplesError::Unnamed { count: 1, all: 2, first: "b".to_owned() });
        let twice = [alias("a", "arc", "1"), alias("a", "arc", "2"), alias("b", "arc", "3")];
        assert!(matches!(samples(&items, &twice), Err(SamplesError::Moved { .. })));
        let shared = [alias("a", "arc", "1"), alias("b", "arc", "1")];
        assert!(matches!(samples(&items, &shared), Err(SamplesError::Shared { .. })));
    }
}
