//! Which item of a release an item of somebody's logs is.
//!
//! The item uid is digested from the item's content, so equal uids are equal items. Where a tool logs
//! the content in another way, its own names decide, the surest first: the tool's digest of the
//! document, the benchmark's native id, the position in the same task at the same version. A name that
//! several items of either side bear decides nothing. No two items may come out as the same one.

use std::collections::{BTreeMap, BTreeSet};

use aliquot_tables::aliases::Alias;
use thiserror::Error;

/// Which item of the release each item of the logs is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Matching {
    /// From the logs' item uid to the release's.
    pub items: BTreeMap<String, String>,
    /// Items of the logs that are none of the release's.
    pub unknown: BTreeSet<String>,
}

/// Two items of the logs are the same item of the release.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("items {} and {} of the results are both item {item} of the release", both[0], both[1])]
pub struct NotOneToOne {
    /// Item uid in the release.
    pub item: String,
    /// Item uids in the logs.
    pub both: [String; 2],
}

/// A way to name an item, given an alias; None where the alias has no such name.
type Name = fn(&Alias) -> Option<[&str; 5]>;

/// Kinds of names, the surest first.
const NAMES: [Name; 4] = [
    |alias| Some([&alias.tool, &alias.task, alias.doc_hash.as_deref()?, "", ""]),
    // A subset is often run under a task name of its own.
    |alias| Some([&alias.tool, alias.doc_hash.as_deref()?, "", "", ""]),
    |alias| Some([&alias.task, alias.native_id.as_deref()?, "", "", ""]),
    |alias| {
        let Alias { tool, tool_version, task, revision, .. } = alias;
        Some([tool, tool_version, task, revision, alias.doc_id.as_deref()?])
    },
];

/// Matches the items of logs to those of a release.
pub fn match_items(
    release: &BTreeSet<&str>,
    release_aliases: &[Alias],
    items: &BTreeSet<&str>,
    aliases: &[Alias],
) -> Result<Matching, NotOneToOne> {
    let mut matching = Matching::default();
    let (same, mut left): (BTreeSet<&str>, BTreeSet<&str>) =
        items.iter().partition(|item| release.contains(*item));
    matching.items.extend(same.iter().map(|item| (item.to_string(), item.to_string())));
    for name in NAMES {
        if left.is_empty() {
            break;
        }
        let known = named(release_aliases, name, |alias| release.contains(alias.item_uid.as_str()));
        let wanted = named(aliases, name, |alias| left.contains(alias.item_uid.as_str()));
        for (key, item) in wanted {
            if let (Some(item), Some(Some(own))) = (item, known.get(&key)) {
                left.remove(item);
                matching.items.insert(item.to_owned(), (*own).to_owned());
            }
        }
    }
    matching.unknown = left.into_iter().map(str::to_owned).collect();

    let mut taken: BTreeMap<&str, &str> = BTreeMap::new();
    for (item, own) in &matching.items {
        if let Some(other) = taken.insert(own, item) {
            return Err(NotOneToOne { item: own.clone(), both: [other.to_owned(), item.clone()] });
        }
    }
    Ok(matching)
}

/// The item of each name; None where several bear it.
fn named(
    aliases: &[Alias],
    name: Name,
    counts: impl Fn(&Alias) -> bool,
) -> BTreeMap<[&str; 5], Option<&str>> {
    let mut named = BTreeMap::new();
    for alias in aliases.iter().filter(|alias| counts(alias)) {
        let Some(key) = name(alias) else { continue };
        let item = named.entry(key).or_insert(Some(alias.item_uid.as_str()));
        if *item != Some(&alias.item_uid) {
            *item = None;
        }
    }
    named
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alias(item_uid: &str, task: &str, doc_hash: &str, doc_id: &str) -> Alias {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Alias {
            item_uid: item_uid.to_owned(),
            tool: "lm-eval".to_owned(),
            task: task.to_owned(),
            doc_hash: some(doc_hash),
            doc_id: some(doc_id),
            ..Alias::default()
        }
    }

    fn matched(release: &[Alias], logs: &[Alias]) -> Result<Vec<(String, String)>, NotOneToOne> {
        let uids = |aliases: &[Alias]| -> BTreeSet<String> {
            aliases.iter().map(|alias| alias.item_uid.clone()).collect()
        };
        let (own, items) = (uids(release), uids(logs));
        let (own, items) = (own.iter().map(String::as_str), items.iter().map(String::as_str));
        match_items(&own.collect(), release, &items.collect(), logs)
            .map(|matching| matching.items.into_iter().collect())
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(a, b)| (a.to_string(), b.to_string())).collect()
    }

    #[test]
    fn content_decides_before_names_and_hashes_before_positions() {
        let release = [
            alias("a", "arc", "h1", "0"),
            alias("b", "arc", "h2", "1"),
            alias("c", "arc", "", "2"),
        ];
        // The subset's own task renumbers: its positions say nothing about those of `arc`.
        let logs = [
            alias("a", "arc", "h2", "1"),
            alias("x", "subset", "h2", "0"),
            alias("y", "subset", "", "2"),
            alias("z", "arc", "", "2"),
        ];
        let expected = pairs(&[("a", "a"), ("x", "b"), ("z", "c")]);
        assert_eq!(matched(&release, &logs).unwrap(), expected);
    }

    #[test]
    fn a_name_that_two_items_bear_decides_nothing() {
        let release = [alias("a", "arc", "h", "0"), alias("b", "arc", "h", "1")];
        assert_eq!(matched(&release, &[alias("x", "arc", "h", "")]).unwrap(), []);
        let expected = pairs(&[("x", "b")]);
        assert_eq!(matched(&release, &[alias("x", "arc", "h", "1")]).unwrap(), expected);
        let logs = [alias("x", "arc", "k", ""), alias("y", "arc", "k", "")];
        assert_eq!(matched(&[alias("a", "arc", "k", "")], &logs).unwrap(), []);
    }

    #[test]
    fn two_items_that_would_be_the_same_one_are_refused() {
        let release = [alias("a", "arc", "h", "0")];
        let logs = [alias("x", "arc", "h", ""), alias("y", "arc", "", "0")];
        let error = matched(&release, &logs).unwrap_err();
        assert_eq!(error.item, "a");
        assert_eq!(error.both, ["x", "y"]);
    }
}
