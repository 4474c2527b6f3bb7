//! Models that answer as others do.

use std::collections::{BTreeMap, BTreeSet};

use aliquot_stats::audit::{Likeness, SuspectedCopy, suspected_copies};
use aliquot_tables::{findings::Finding, models::Model};

use super::{
    Audited, Data, Severity, found,
    grid::Grid,
    on,
    policy::{AuditPolicy, Policy},
};
use crate::error::Error;

/// Models with the same score on every item as an earlier one.
pub(super) struct DuplicateModels {
    /// All of them.
    pub all: BTreeSet<usize>,
    /// Those to be left out.
    pub dropped: BTreeSet<usize>,
}

impl Audited {
    /// Models that have the same score on every item as an earlier one. Models that score alike
    /// everywhere (all zeros on a hard benchmark) prove nothing and stay.
    pub(super) fn duplicate_models(
        &mut self,
        policy: &AuditPolicy,
        grid: &Grid<'_>,
        kept: &[usize],
    ) -> DuplicateModels {
        let mut first_with: BTreeMap<Vec<u32>, usize> = BTreeMap::new();
        let mut duplicates = DuplicateModels { all: BTreeSet::new(), dropped: BTreeSet::new() };
        for &model in kept {
            let scores = grid.matrix.scores_of(model);
            let bits: Vec<u32> = scores.iter().map(|score| score.to_bits()).collect();
            if bits.iter().all(|score| *score == bits[0]) {
                continue;
            }
            let Some(&first) = first_with.get(&bits) else {
                first_with.insert(bits, model);
                continue;
            };
            let evidence =
                format!("the same {} scores as `{}`", grid.items.len(), grid.models[first]);
            let action = policy.duplicate_models;
            let finding = found(grid.models[model], action.name(), evidence);
            self.note("duplicate-model", Severity::Warning, grid.benchmark, finding);
            duplicates.all.insert(model);
            if action == Policy::Drop {
                duplicates.dropped.insert(model);
            }
        }
        duplicates
    }

    /// Models that answer nearly as an earlier one does; returns those to drop.
    pub(super) fn suspected_copies(
        &mut self,
        policy: &AuditPolicy,
        data: &Data<'_>,
        grid: &Grid<'_>,
        models: &[usize],
    ) -> Result<BTreeSet<usize>, Error> {
        let policy = &policy.suspected_copies;
        let kin = Kin::of(data.models, &grid.models);
        let answers = |model: &usize| {
            grid.matrix.scores_of(*model).iter().filter(|score| !score.is_nan()).count()
        };
        let mut order = models.to_vec();
        order.sort_by_key(|model| (std::cmp::Reverse(answers(model)), *model));
        let likeness = Likeness { similarity: policy.similarity, ..Likeness::default() };
        let related = |model, of| kin.related(model, of);
        let copies = suspected_copies(&grid.matrix, &order, related, likeness)
            .map_err(on(grid.benchmark, "look for copies of models"))?;
        let mut dropped = BTreeSet::new();
        for copy in copies {
            let (severity, action) = match copy.related {
                true => (Severity::Info, policy.relatives),
                false => (Severity::Warning, policy.action),
            };
            let finding = Finding {
                expected: Some(copy.expected / copy.items as f64),
                observed: Some(f64::from(copy.differing) / copy.items as f64),
                ..found(grid.models[copy.model], action.name(), evidence(&copy, grid))
            };
            self.note("suspected-copy", severity, grid.benchmark, finding);
            dropped.extend((action == Policy::Drop).then_some(copy.model));
        }
        Ok(dropped)
    }
}

fn evidence(copy: &SuspectedCopy, grid: &Grid<'_>) -> String {
    let SuspectedCopy { of, items, differing, expected, log_p, related, .. } = copy;
    let kin = if *related { "its declared relative " } else { "" };
    // Powers of ten, for p values that no double holds.
    let power = (log_p / std::f64::consts::LN_10).ceil();
    format!(
        "differs from {kin}`{}` on {differing} of {items} items, where {expected:.0} are expected of \
         independent models as able (p < 1e{power:.0})",
        grid.models[*of]
    )
}

/// What models of a grid are made from.
struct Kin<'a> {
    /// First ancestor and family of each.
    origins: Vec<(&'a str, Option<&'a str>)>,
}

impl<'a> Kin<'a> {
    fn of(models: &'a [Model], names: &[&'a str]) -> Self {
        let described: BTreeMap<&str, &Model> =
            models.iter().map(|model| (model.model.as_str(), model)).collect();
        let origin = |name: &&'a str| {
            let mut ancestor = *name;
            // A table may be wrong and name a circle; no chain is longer than the table.
            for _ in 0..models.len() {
                let base = described.get(ancestor).and_then(|model| model.base_model.as_deref());
                match base.filter(|base| !base.is_empty()) {
                    Some(base) => ancestor = base,
                    None => break,
                }
            }
            let family = described.get(*name).and_then(|model| model.family.as_deref());
            (ancestor, family.filter(|family| !family.is_empty()))
        };
        Self { origins: names.iter().map(origin).collect() }
    }

    fn related(&self, one: usize, other: usize) -> bool {
        let ((one, family), (other, other_family)) = (self.origins[one], self.origins[other]);
        one == other || (family.is_some() && family == other_family)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_of_one_origin_or_family_are_related() {
        let model = |name: &str, base: Option<&str>, family: Option<&str>| Model {
            model: name.to_owned(),
            base_model: base.map(str::to_owned),
            family: family.map(str::to_owned),
            ..Model::default()
        };
        let models = [
            model("base", None, Some("f")),
            model("q4", Some("base"), None),
            model("q4-pruned", Some("q4"), None),
            model("cousin", None, Some("f")),
            model("stranger", None, None),
            model("circle", Some("circle"), Some("")),
        ];
        let names: Vec<&str> = models.iter().map(|model| model.model.as_str()).collect();
        let kin = Kin::of(&models, &names);
        assert!(kin.related(0, 1) && kin.related(1, 2) && kin.related(0, 3));
        assert!(!kin.related(1, 3) && !kin.related(0, 4) && !kin.related(4, 5));
    }
}
