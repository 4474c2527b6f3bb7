//! Items that ask the same.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use aliquot_sources::folded;
use aliquot_stats::{
    StatsError,
    audit::{equal_texts, representative, similar_texts},
    cluster::{Duplicates, Points, duplicates},
};
use aliquot_tables::{embeddings::Embeddings, findings::Finding, items::Item, scores::Scores};

use super::{
    Audited, Data, Severity, found, on,
    policy::{AuditPolicy, Policy, SimilarTexts},
};
use crate::error::Error;

/// Pairs of near-duplicates whose similarity is kept; groups are whole whatever their number.
const LISTED_PAIRS: usize = 100_000;

impl Audited {
    /// Equal, similar and near texts, benchmark by benchmark; returns the items to drop.
    pub(super) fn look_at_texts<'a>(
        &mut self,
        policy: &AuditPolicy,
        data: &Data<'a>,
    ) -> Result<BTreeSet<&'a str>, Error> {
        let answers = answers(data.scores);
        let mut benchmarks: BTreeMap<&str, Vec<&Item>> = BTreeMap::new();
        for item in data.items {
            benchmarks.entry(&item.benchmark).or_default().push(item);
        }
        let mut dropped = BTreeSet::new();
        for (benchmark, items) in benchmarks {
            let answers: Vec<usize> = items.iter().map(|item| of(&answers, data, item)).collect();
            let group = Texts { benchmark, items: &items, answers: &answers };
            let equal = self.equal(group, policy.duplicate_items);
            if let Some(similar) = &policy.similar_texts {
                let left_out = self.similar(group, similar, &equal)?;
                dropped.extend(left_out.into_iter().map(|item| items[item].item_uid.as_str()));
            }
            if policy.duplicate_items == Policy::Drop {
                dropped.extend(equal.iter().map(|&item| items[item].item_uid.as_str()));
            }
            if let (Some(near), Some(vectors)) = (&policy.near_duplicates, data.vectors) {
                let found = alike(&items, vectors, near.similarity)
                    .map_err(on(benchmark, "look for near-duplicates"))?;
                for (item, finding) in findings_of(&found, group, vectors, near.action) {
                    dropped.extend((finding.action == Policy::Drop.name()).then_some(item));
                    self.note("near-duplicate-item", Severity::Warning, benchmark, finding);
                }
            }
        }
        Ok(dropped)
    }

    /// Notes all but one item of each group of equal ones, and returns them.
    fn equal(&mut self, texts: Texts<'_, '_>, action: Policy) -> BTreeSet<usize> {
        let parts = texts.items.iter().map(|item| {
            let choices = item.choices.as_deref().unwrap_or("");
            [folded(&item.stem), folded(choices)].map(Cow::into_owned)
        });
        let mut copies = BTreeSet::new();
        for group in equal_texts(parts) {
            let group = texts.distinct(&group);
            let Some(stays) = representative(&group, texts.answers) else { continue };
            for &item in group.iter().filter(|&&item| item != stays) {
                let (item, kept) = (texts.items[item], texts.items[stays]);
                let targets = match item.target == kept.target {
                    true => "",
                    false => ", but another reference answer",
                };
                let evidence = format!(
                    "the same text and choices as {} ({} alike in all){targets}",
                    kept.item_uid,
                    group.len()
                );
                let finding = found(&item.item_uid, action.name(), evidence);
                self.note("duplicate-item", Severity::Warning, texts.benchmark, finding);
            }
            copies.extend(group.into_iter().filter(|&item| item != stays));
        }
        copies
    }

    /// Notes all but one item of each group of similar ones, of which `equal` are told already; returns
    /// those to drop.
    fn similar(
        &mut self,
        texts: Texts<'_, '_>,
        policy: &SimilarTexts,
        equal: &BTreeSet<usize>,
    ) -> Result<Vec<usize>, Error> {
        let looked_at: Vec<usize> =
            (0..texts.items.len()).filter(|item| !equal.contains(item)).collect();
        let text = |at: usize| {
            let Item { stem, choices, .. } = texts.items[looked_at[at]];
            folded(&format!("{stem} {}", choices.as_deref().unwrap_or(""))).into_owned().into()
        };
        let similar = similar_texts(looked_at.len(), text, policy.similarity)
            .map_err(on(texts.benchmark, "look for similar texts"))?;
        let mut dropped = Vec::new();
        for group in &similar.groups {
            let group: Vec<usize> = group.iter().map(|&at| looked_at[at]).collect();
            let group = texts.distinct(&group);
            let Some(stays) = representative(&group, texts.answers) else { continue };
            for &item in group.iter().filter(|&&item| item != stays) {
                let observed = looked_at.binary_search(&item).ok();
                let observed = observed.and_then(|at| similar.nearest[at]);
                let evidence = format!(
                    "like {}: shares {:.0} % of the runs of three words with the nearest of {} alike",
                    texts.items[stays].item_uid,
                    100.0 * observed.unwrap_or(f64::NAN),
                    group.len()
                );
                let action = policy.action.name();
                let finding =
                    Finding { observed, ..found(&texts.items[item].item_uid, action, evidence) };
                self.note("similar-item", Severity::Warning, texts.benchmark, finding);
                dropped.extend((policy.action == Policy::Drop).then_some(item));
            }
        }
        if similar.left_out > 0 {
            let evidence = format!(
                "{} comparisons of similar texts were left out after {}: too many share most of their \
                 words, and some near-duplicates may not be listed",
                similar.left_out, similar.compared
            );
            let finding = found("", Policy::Keep.name(), evidence);
            self.note("similar-item", Severity::Info, texts.benchmark, finding);
        }
        Ok(dropped)
    }
}

/// The items of one benchmark.
#[derive(Clone, Copy)]
struct Texts<'a, 'i> {
    benchmark: &'a str,
    items: &'a [&'i Item],
    /// Models that answered each.
    answers: &'a [usize],
}

impl Texts<'_, '_> {
    /// The group with one item of each parent: parts of one question, such as the checks of a function, have
    /// its text in common and are no duplicates.
    fn distinct(&self, group: &[usize]) -> Vec<usize> {
        let mut parents = BTreeSet::new();
        let new = |item: &usize| match self.items[*item].parent.as_deref() {
            None => true,
            Some(parent) => parents.insert(parent),
        };
        group.iter().copied().filter(new).collect()
    }
}

/// Number of models with a score on each item code; rows are sorted by model and item.
fn answers(scores: &Scores) -> Vec<usize> {
    let mut answers = vec![0; scores.item_uid.values().len()];
    let mut last = None;
    let cells = scores.model.codes().iter().zip(scores.item_uid.codes()).zip(&scores.score);
    for ((model, item), score) in cells {
        if !score.is_nan() && last != Some((model, item)) {
            answers[*item as usize] += 1;
            last = Some((model, item));
        }
    }
    answers
}

fn of(answers: &[usize], data: &Data<'_>, item: &Item) -> usize {
    let code = data.scores.item_uid.code_of(&item.item_uid);
    code.map_or(0, |code| answers[code as usize])
}

/// Items of one benchmark whose embeddings are near each other.
fn alike(items: &[&Item], vectors: &Embeddings, similarity: f64) -> Result<Duplicates, StatsError> {
    let row = |item: &&Item| {
        let row = vectors.ids.binary_search(&item.item_uid);
        row.map_or(&[][..], |row| vectors.row(row))
    };
    let values: Vec<f64> = items.iter().flat_map(row).copied().map(f64::from).collect();
    duplicates(&Points::new(items.len(), vectors.dimension, &values)?, similarity, LISTED_PAIRS)
}

/// Every item of a group but one, with what is to be said of it. The one that stays is the first that
/// has answers.
fn findings_of<'i>(
    near: &Duplicates,
    texts: Texts<'_, 'i>,
    vectors: &Embeddings,
    action: Policy,
) -> Vec<(&'i str, Finding)> {
    let items = texts.items;
    let mut nearest: Vec<Option<f64>> = vec![None; items.len()];
    for (item, cosine) in near.pairs.iter().flat_map(|p| [(p.left, p.cosine), (p.right, p.cosine)])
    {
        nearest[item] = Some(nearest[item].map_or(cosine, |best| best.max(cosine)));
    }
    let finding = |stays: &Item, item: usize, alike: usize| {
        let cut = is_truncated(vectors, items[item]);
        let note = if cut { ", as far as the model reads it" } else { "" };
        let evidence =
            format!("its text is like that of {} ({alike} alike in all){note}", stays.item_uid);
        let action = if cut { Policy::Keep } else { action };
        Finding { observed: nearest[item], ..found(&items[item].item_uid, action.name(), evidence) }
    };
    let of_group = |group: &Vec<usize>| {
        let stays = group.iter().find(|&&item| texts.answers[item] > 0);
        let stays = stays.copied().unwrap_or(group[0]);
        let rest = group.iter().filter(|&&item| item != stays);
        let of_item = |&item: &usize| {
            (items[item].item_uid.as_str(), finding(items[stays], item, group.len()))
        };
        rest.map(of_item).collect::<Vec<_>>()
    };
    near.groups.iter().flat_map(of_group).collect()
}

/// Whether the model read the beginning of an item's text only: the rest may be what tells it apart.
fn is_truncated(vectors: &Embeddings, item: &Item) -> bool {
    let row = vectors.ids.binary_search(&item.item_uid);
    row.is_ok_and(|row| vectors.truncated[row])
}
