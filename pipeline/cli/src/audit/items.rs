//! Items that tell nothing, or the wrong thing.

use std::collections::BTreeSet;

use aliquot_stats::{
    audit::{NegativeItem, negative_items},
    matrix::Target,
};
use aliquot_tables::{
    findings::Finding,
    items::Item,
    roster::{self, Entry},
};

use super::{
    Audited, Data, Severity, found,
    grid::Grid,
    on, part,
    policy::{AuditPolicy, Policy, Unanswered},
};
use crate::error::Error;

/// Expected share of false ones among the negative items that are reported.
const FALSE_DISCOVERY_RATE: f64 = 0.05;

impl Audited {
    /// Which items of a benchmark stay, given the models that do.
    pub(super) fn look_at_items(
        &mut self,
        policy: &AuditPolicy,
        grid: &Grid<'_>,
        kept: &[usize],
        dropped: &BTreeSet<&str>,
    ) -> Result<(), Error> {
        let mut answered = Vec::new();
        for (column, item) in grid.items.iter().enumerate() {
            if dropped.contains(item) {
                continue;
            }
            let scores = kept.iter().filter_map(|model| grid.matrix.get(*model, column));
            let mut distinct: Vec<f64> = scores.collect();
            let answers = distinct.len();
            distinct.dedup();
            match distinct[..] {
                [] => self.unanswered(policy, grid.benchmark, item),
                [score] => {
                    let evidence = format!("all {answers} models score {}", score as f32);
                    let finding = found(item, Policy::Keep.name(), evidence);
                    self.note("constant-item", Severity::Info, grid.benchmark, finding);
                }
                _ => {}
            }
            answered.extend((answers > 0).then_some(column));
        }
        let negative = self.negative_items(policy, grid, kept, &answered)?;
        for item in answered.into_iter().filter(|item| !negative.contains(item)) {
            self.keep(grid, roster::ITEM, grid.items[item]);
        }
        Ok(())
    }

    /// Items that weaker models solve more often; returns those to drop.
    fn negative_items(
        &mut self,
        policy: &AuditPolicy,
        grid: &Grid<'_>,
        models: &[usize],
        items: &[usize],
    ) -> Result<BTreeSet<usize>, Error> {
        let mut dropped = BTreeSet::new();
        if models.is_empty() || items.is_empty() {
            return Ok(dropped);
        }
        let context = || on(grid.benchmark, "look for negative items");
        let matrix = part(&grid.matrix, models, items).map_err(context())?;
        let target = Target::uniform(items.len()).map_err(context())?;
        let action = policy.negative_items;
        for negative in negative_items(&matrix, &target, FALSE_DISCOVERY_RATE).map_err(context())? {
            let NegativeItem { item, answers, item_rest, upper, q_value } = negative;
            let evidence = format!(
                "the better of {answers} models solve it less: item-rest correlation {item_rest:+.2}, \
                 below {upper:+.2} with 95 % confidence (q = {q_value:.1e})"
            );
            let column = items[item];
            let finding = Finding {
                observed: Some(item_rest),
                ..found(grid.items[column], action.name(), evidence)
            };
            self.note("negative-item", Severity::Warning, grid.benchmark, finding);
            dropped.extend((action == Policy::Drop).then_some(column));
        }
        Ok(dropped)
    }

    /// An item that no kept model has a score on.
    fn unanswered(&mut self, policy: &AuditPolicy, benchmark: &str, item: &str) {
        let action = policy.unanswered_items.unwrap_or(Unanswered::Drop);
        let finding = found(item, action.name(), "no kept model has a score on it".to_owned());
        self.note("unanswered-item", Severity::Warning, benchmark, finding);
        if action == Unanswered::Predict {
            let (benchmark, axis) = (benchmark.to_owned(), roster::UNANSWERED.to_owned());
            self.roster.push(Entry { benchmark, axis, name: item.to_owned() });
        }
    }

    /// Items that are in no table of scores.
    pub(super) fn unseen(
        &mut self,
        policy: &AuditPolicy,
        data: &Data<'_>,
        dropped: &BTreeSet<&str>,
    ) {
        let seen = |item: &&Item| data.scores.item_uid.code_of(&item.item_uid).is_some();
        let benchmarks: BTreeSet<&str> =
            data.items.iter().filter(seen).map(|item| item.benchmark.as_str()).collect();
        for item in data.items.iter().filter(|item| !seen(item)) {
            let uid = item.item_uid.as_str();
            if !dropped.contains(uid) && benchmarks.contains(item.benchmark.as_str()) {
                self.unanswered(policy, &item.benchmark, uid);
            }
        }
    }

    /// Items of a benchmark without results all stay, but those that the recipe drops for their text.
    pub(super) fn keep_unanswered(&mut self, items: &[Item], dropped: &BTreeSet<&str>) {
        let kept = items.iter().filter(|item| !dropped.contains(item.item_uid.as_str()));
        self.roster.extend(kept.map(|item| Entry {
            benchmark: item.benchmark.clone(),
            axis: roster::ITEM.to_owned(),
            name: item.item_uid.clone(),
        }));
    }
}
