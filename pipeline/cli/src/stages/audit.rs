//! What is wrong with the data, and what stays.

use std::collections::{BTreeMap, BTreeSet};

use aliquot_stats::{
    StatsError,
    cluster::{Duplicates, Points, duplicates},
};
use aliquot_store::{ObjectId, Store};
use aliquot_tables::{
    embeddings::{self, Embeddings},
    findings::{self, Finding},
    foreign::{Format, TextTable},
    items::{self, Item},
    roster::{self, Entry},
    scores::{self, Scores},
};
use serde::Serialize;

use super::table;
use crate::{
    error::Error,
    recipe::{AuditPolicy, NearDuplicates, Policy, Published, Unanswered},
};

/// What is looked for, and what is done about it.
#[derive(Debug, Clone, Serialize)]
pub struct Params {
    /// What is done.
    pub policy: AuditPolicy,
    /// How to read the published scores.
    pub published: Option<Published>,
}

/// Inputs: scores, items, embeddings if near-duplicates are looked for, published scores if there are.
/// Outputs: findings, roster.
pub fn run(params: &Params, inputs: &[ObjectId], store: &Store) -> Result<Vec<ObjectId>, Error> {
    let all = scores::decode(&store.get(inputs[0])?).map_err(table("scores"))?;
    let items = items::decode(&store.get(inputs[1])?).map_err(table("items"))?;
    let near = &params.policy.near_duplicates;
    let (vectors, rest) = inputs[2..].split_at(usize::from(near.is_some()));
    let vectors = vectors.iter().map(|id| store.get(*id)).collect::<Result<Vec<_>, _>>()?;
    let vectors =
        vectors.iter().map(|bytes| embeddings::decode(bytes).map_err(table("embeddings")));
    let vectors = vectors.collect::<Result<Vec<_>, _>>()?;
    let scores = match (&params.published, rest.first()) {
        (Some(published), Some(id)) => {
            Some((published, published_scores(published, &store.get(*id)?)?))
        }
        _ => None,
    };

    let mut audit = Audit { policy: &params.policy, findings: Vec::new(), roster: Vec::new() };
    let mut dropped = BTreeSet::new();
    if let (Some(near), Some(vectors)) = (near, vectors.first()) {
        let scored = (0..all.score.len()).filter(|row| !all.score[*row].is_nan());
        let answered: BTreeSet<&str> = scored.map(|row| all.item_uid.get(row)).collect();
        dropped = audit.near_duplicates(near, &items, Texts { vectors, answered: &answered })?;
    }
    for grid in grids(&all, &items) {
        let disagreeing = match &scores {
            Some((published, scores)) => audit.compare_with_published(&grid, published, scores),
            None => BTreeSet::new(),
        };
        audit.decide_what_stays(&grid, &disagreeing, &dropped);
    }
    match all.score.is_empty() {
        true => audit.keep_unanswered(&items, &dropped),
        false => audit.unseen(&all, &items, &dropped),
    }
    audit.fail_if_told_to()?;

    Ok(vec![
        store.put(&findings::encode(&audit.findings).map_err(table("findings"))?)?,
        store.put(&roster::encode(&audit.roster).map_err(table("roster"))?)?,
    ])
}

/// The scores of one benchmark, rows sorted by model, columns by item uid.
struct Grid<'a> {
    benchmark: &'a str,
    models: Vec<&'a str>,
    items: Vec<&'a str>,
    /// Row-major, NaN where missing; the mean over trials.
    scores: Vec<f32>,
}

impl Grid<'_> {
    fn row(&self, model: usize) -> &[f32] {
        &self.scores[model * self.items.len()..(model + 1) * self.items.len()]
    }

    fn column(&self, item: usize, models: &[usize]) -> Vec<f32> {
        models.iter().map(|model| self.row(*model)[item]).filter(|score| !score.is_nan()).collect()
    }
}

fn grids<'a>(scores: &'a Scores, items: &'a [Item]) -> Vec<Grid<'a>> {
    let benchmark_of: BTreeMap<&str, &str> =
        items.iter().map(|item| (item.item_uid.as_str(), item.benchmark.as_str())).collect();
    // Models and items of each benchmark, both sorted.
    let mut by_benchmark: BTreeMap<&str, (BTreeSet<&str>, BTreeSet<&str>)> = BTreeMap::new();
    for row in 0..scores.score.len() {
        let item = scores.item_uid.get(row);
        let Some(benchmark) = benchmark_of.get(item) else { continue };
        let (models, items) = by_benchmark.entry(benchmark).or_default();
        models.insert(scores.model.get(row));
        items.insert(item);
    }
    let grid = |(benchmark, (models, items)): (&'a str, (BTreeSet<&'a str>, BTreeSet<&'a str>))| {
        let (models, items): (Vec<&str>, Vec<&str>) =
            (models.into_iter().collect(), items.into_iter().collect());
        let scores = scores.means(&models, &items);
        Grid { benchmark, models, items, scores }
    };
    by_benchmark.into_iter().map(grid).collect()
}

/// Published score of each model, as the table has it.
fn published_scores(published: &Published, bytes: &[u8]) -> Result<BTreeMap<String, f64>, Error> {
    let problem = |problem: String| Error::Data(format!("{}: {problem}", published.address));
    let format = Format::from_name(&published.address.to_string())
        .ok_or_else(|| problem("its name ends in none of .csv, .jsonl, .parquet".to_owned()))?;
    let text = TextTable::read(format, bytes).map_err(|error| problem(error.to_string()))?;
    let models =
        text.column(&published.model_column).map_err(|error| problem(error.to_string()))?;
    let scores =
        text.column(&published.score_column).map_err(|error| problem(error.to_string()))?;
    let mut published_scores = BTreeMap::new();
    for (row, (model, score)) in models.into_iter().zip(scores).enumerate() {
        let (Some(model), Some(score)) = (model, score) else { continue };
        let score: f64 = score
            .parse()
            .map_err(|_| problem(format!("row {}: score `{score}` is not a number", row + 1)))?;
        published_scores.insert(model.to_owned(), score);
    }
    Ok(published_scores)
}

struct Audit<'a> {
    policy: &'a AuditPolicy,
    findings: Vec<Finding>,
    roster: Vec<Entry>,
}

impl Audit<'_> {
    fn note(&mut self, kind: &str, severity: &str, grid: &Grid<'_>, finding: Finding) {
        let (kind, severity, benchmark) =
            (kind.to_owned(), severity.to_owned(), grid.benchmark.to_owned());
        self.findings.push(Finding { kind, severity, benchmark, ..finding });
    }

    /// Records every comparison, those that agree too; returns the models to drop.
    fn compare_with_published(
        &mut self,
        grid: &Grid<'_>,
        published: &Published,
        scores: &BTreeMap<String, f64>,
    ) -> BTreeSet<usize> {
        let mut dropped = BTreeSet::new();
        for (row, model) in grid.models.iter().enumerate() {
            let observed = mean(grid.row(row)) * published.scale;
            let expected = scores.get(*model).copied();
            let (severity, action, evidence) = match expected
                .map(|expected| (expected, (observed - expected).abs()))
            {
                None => ("warning", Policy::Keep, "no published score".to_owned()),
                Some((_, difference)) if difference <= published.tolerance => (
                    "info",
                    Policy::Keep,
                    format!("differs by {difference:.6}, within {}", published.tolerance),
                ),
                Some((expected, difference)) => (
                    "error",
                    self.policy.disagreeing_scores,
                    format!(
                        "recomputed {observed:.4}, published {expected:.4}: differs by {difference:.4}"
                    ),
                ),
            };
            if action == Policy::Drop {
                dropped.insert(row);
            }
            let (subject, action) = ((*model).to_owned(), action.name().to_owned());
            let observed = Some(observed);
            let finding =
                Finding { subject, evidence, action, expected, observed, ..Finding::default() };
            self.note("aggregate", severity, grid, finding);
        }
        dropped
    }

    /// Groups of items whose texts say nearly the same, benchmark by benchmark; returns the items to
    /// drop, all but one of each group.
    fn near_duplicates<'i>(
        &mut self,
        near: &NearDuplicates,
        items: &'i [Item],
        texts: Texts<'_>,
    ) -> Result<BTreeSet<&'i str>, Error> {
        let mut benchmarks: BTreeMap<&str, Vec<&Item>> = BTreeMap::new();
        for item in items {
            benchmarks.entry(&item.benchmark).or_default().push(item);
        }
        let mut dropped = BTreeSet::new();
        for (benchmark, items) in benchmarks {
            let found =
                alike(&items, texts.vectors, near.similarity).map_err(|source| Error::Stats {
                    context: format!("look for near-duplicates in `{benchmark}`"),
                    source,
                })?;
            for (item, finding) in findings_of(&found, &items, texts, near.action) {
                dropped.extend((finding.action == Policy::Drop.name()).then_some(item));
                self.findings.push(finding);
            }
        }
        Ok(dropped)
    }

    /// An item that no kept model has a score on.
    fn unanswered(&mut self, benchmark: &str, item: &str) {
        let action = self.policy.unanswered_items.unwrap_or(Unanswered::Drop);
        self.findings.push(Finding {
            kind: "unanswered-item".to_owned(),
            severity: "warning".to_owned(),
            benchmark: benchmark.to_owned(),
            subject: item.to_owned(),
            evidence: "no kept model has a score on it".to_owned(),
            action: action.name().to_owned(),
            ..Finding::default()
        });
        if action == Unanswered::Predict {
            let (benchmark, axis) = (benchmark.to_owned(), roster::UNANSWERED.to_owned());
            self.roster.push(Entry { benchmark, axis, name: item.to_owned() });
        }
    }

    /// Items that are in no table of scores.
    fn unseen(&mut self, all: &Scores, items: &[Item], dropped: &BTreeSet<&str>) {
        let benchmarks: BTreeSet<&str> = items
            .iter()
            .filter(|item| all.item_uid.code_of(&item.item_uid).is_some())
            .map(|item| item.benchmark.as_str())
            .collect();
        for item in items {
            let uid = item.item_uid.as_str();
            let unseen = all.item_uid.code_of(uid).is_none() && !dropped.contains(uid);
            if unseen && benchmarks.contains(item.benchmark.as_str()) {
                self.unanswered(&item.benchmark, uid);
            }
        }
    }

    /// Items of a benchmark without results all stay, but near-duplicates that the recipe drops.
    fn keep_unanswered(&mut self, items: &[Item], dropped: &BTreeSet<&str>) {
        let kept = items.iter().filter(|item| !dropped.contains(item.item_uid.as_str()));
        self.roster.extend(kept.map(|item| Entry {
            benchmark: item.benchmark.clone(),
            axis: roster::ITEM.to_owned(),
            name: item.item_uid.clone(),
        }));
    }

    fn decide_what_stays(
        &mut self,
        grid: &Grid<'_>,
        disagreeing: &BTreeSet<usize>,
        dropped: &BTreeSet<&str>,
    ) {
        let mut kept: Vec<usize> =
            (0..grid.models.len()).filter(|model| !disagreeing.contains(model)).collect();
        kept.retain(|model| self.covers_enough(grid, *model));
        let duplicates = self.duplicates(grid, &kept);
        kept.retain(|model| !duplicates.contains(model));
        for model in &kept {
            self.keep(grid, roster::MODEL, grid.models[*model]);
        }
        let items = grid.items.iter().enumerate().filter(|(_, item)| !dropped.contains(*item));
        for (column, item) in items {
            let scores = grid.column(column, &kept);
            if scores.is_empty() {
                self.unanswered(grid.benchmark, item);
                continue;
            }
            if scores.iter().all(|score| *score == scores[0]) {
                let evidence = format!("all {} models score {}", scores.len(), scores[0]);
                let finding = Finding {
                    subject: (*item).to_owned(),
                    evidence,
                    action: "keep".to_owned(),
                    ..Finding::default()
                };
                self.note("constant-item", "info", grid, finding);
            }
            self.keep(grid, roster::ITEM, item);
        }
    }

    fn keep(&mut self, grid: &Grid<'_>, axis: &str, name: &str) {
        let (benchmark, axis, name) = (grid.benchmark.to_owned(), axis.to_owned(), name.to_owned());
        self.roster.push(Entry { benchmark, axis, name });
    }

    fn covers_enough(&mut self, grid: &Grid<'_>, model: usize) -> bool {
        let missing = grid.row(model).iter().filter(|score| score.is_nan()).count();
        if missing == 0 {
            return true;
        }
        let coverage = 1.0 - missing as f64 / grid.items.len() as f64;
        // Without a single score there is nothing to keep, whatever the recipe allows.
        let enough = coverage >= self.policy.minimum_coverage && missing < grid.items.len();
        let evidence = format!("{missing} of {} items have no score", grid.items.len());
        let (severity, action) = if enough { ("info", "keep") } else { ("warning", "drop") };
        let subject = grid.models[model].to_owned();
        let finding = Finding {
            subject,
            evidence,
            action: action.to_owned(),
            observed: Some(coverage),
            ..Finding::default()
        };
        self.note("missing-scores", severity, grid, finding);
        enough
    }

    /// Models to drop because an earlier one has the same score on every item. Models that score
    /// alike everywhere (all zeros on a hard benchmark) prove nothing and stay.
    fn duplicates(&mut self, grid: &Grid<'_>, kept: &[usize]) -> BTreeSet<usize> {
        let mut first_with: BTreeMap<Vec<u32>, usize> = BTreeMap::new();
        let mut dropped = BTreeSet::new();
        for &model in kept {
            let bits: Vec<u32> = grid.row(model).iter().map(|score| score.to_bits()).collect();
            if bits.iter().all(|score| *score == bits[0]) {
                continue;
            }
            let Some(&first) = first_with.get(&bits) else {
                first_with.insert(bits, model);
                continue;
            };
            let evidence =
                format!("the same {} scores as `{}`", grid.items.len(), grid.models[first]);
            let (subject, action) = (grid.models[model].to_owned(), self.policy.duplicate_models);
            let finding = Finding {
                subject,
                evidence,
                action: action.name().to_owned(),
                ..Finding::default()
            };
            self.note("duplicate-model", "warning", grid, finding);
            if action == Policy::Drop {
                dropped.insert(model);
            }
        }
        dropped
    }

    fn fail_if_told_to(&self) -> Result<(), Error> {
        let failures: Vec<String> = self
            .findings
            .iter()
            .filter(|finding| finding.action == "fail")
            .map(|finding| {
                format!(
                    "{} {} `{}`: {}",
                    finding.kind, finding.benchmark, finding.subject, finding.evidence
                )
            })
            .collect();
        if failures.is_empty() {
            return Ok(());
        }
        let shown = failures[..failures.len().min(5)].join("\n  ");
        Err(Error::Data(format!(
            "the audit found {} reasons to stop (set `keep` or `drop` under [audit] to go on):\n  {shown}",
            failures.len()
        )))
    }
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

/// What near-duplicates are judged by.
#[derive(Clone, Copy)]
struct Texts<'a> {
    vectors: &'a Embeddings,
    /// Items with a score.
    answered: &'a BTreeSet<&'a str>,
}

impl Texts<'_> {
    /// Whether the model read the beginning of an item's text only: the rest may be what tells it apart.
    fn is_truncated(&self, item: &Item) -> bool {
        let row = self.vectors.ids.binary_search(&item.item_uid);
        row.is_ok_and(|row| self.vectors.truncated[row])
    }

    fn is_answered(&self, item: &Item) -> bool {
        self.answered.contains(item.item_uid.as_str())
    }
}

/// Every item of a group but one, with what is to be said of it. The one that stays is the first that
/// has answers.
fn findings_of<'i>(
    found: &Duplicates,
    items: &[&'i Item],
    texts: Texts<'_>,
    action: Policy,
) -> Vec<(&'i str, Finding)> {
    let mut nearest: Vec<Option<f64>> = vec![None; items.len()];
    for (item, cosine) in found.pairs.iter().flat_map(|p| [(p.left, p.cosine), (p.right, p.cosine)])
    {
        nearest[item] = Some(nearest[item].map_or(cosine, |best| best.max(cosine)));
    }
    let finding = |stays: &Item, item: usize, alike: usize| {
        let cut = texts.is_truncated(items[item]);
        let note = if cut { ", as far as the model reads it" } else { "" };
        Finding {
            kind: "near-duplicate-item".to_owned(),
            severity: "warning".to_owned(),
            benchmark: stays.benchmark.clone(),
            subject: items[item].item_uid.clone(),
            evidence: format!(
                "its text is like that of {} ({alike} alike in all){note}",
                stays.item_uid
            ),
            action: if cut { Policy::Keep } else { action }.name().to_owned(),
            expected: None,
            observed: nearest[item],
        }
    };
    let of_group = |group: &Vec<usize>| {
        let stays = group.iter().find(|&&item| texts.is_answered(items[item]));
        let stays = stays.copied().unwrap_or(group[0]);
        let rest = group.iter().filter(|&&item| item != stays);
        let of_item = |&item: &usize| {
            (items[item].item_uid.as_str(), finding(items[stays], item, group.len()))
        };
        rest.map(of_item).collect::<Vec<_>>()
    };
    found.groups.iter().flat_map(of_group).collect()
}

/// Pairs of near-duplicates whose similarity is kept; groups are whole whatever their number.
const LISTED_PAIRS: usize = 100_000;

/// Mean of the scores that are there.
fn mean(scores: &[f32]) -> f64 {
    let present = scores.iter().filter(|score| !score.is_nan());
    let (sum, count) =
        present.fold((0.0, 0_u64), |(sum, count), score| (sum + f64::from(*score), count + 1));
    sum / count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAN: f32 = f32::NAN;

    fn audit(
        scores: [[f32; 4]; 4],
        policy: &AuditPolicy,
    ) -> (Vec<(String, String, String)>, Vec<String>) {
        let grid = Grid {
            benchmark: "b",
            models: vec!["m0", "m1", "m2", "m3"],
            items: vec!["i0", "i1", "i2", "i3"],
            scores: scores.concat(),
        };
        let mut audit = Audit { policy, findings: vec![], roster: vec![] };
        audit.decide_what_stays(&grid, &BTreeSet::new(), &BTreeSet::new());
        let findings = audit
            .findings
            .iter()
            .map(|f| (f.kind.clone(), f.subject.clone(), f.action.clone()))
            .collect();
        (findings, audit.roster.into_iter().map(|entry| entry.name).collect())
    }

    fn finding(kind: &str, subject: &str, action: &str) -> (String, String, String) {
        (kind.into(), subject.into(), action.into())
    }

    #[test]
    fn copies_gaps_and_constants_are_found_and_dealt_with() {
        let policy = AuditPolicy { minimum_coverage: 0.75, ..AuditPolicy::default() };
        let scores = [
            [1.0, 0.0, 1.0, NAN],
            [1.0, 0.0, 1.0, NAN],
            [1.0, 1.0, 0.0, NAN],
            [NAN, NAN, 1.0, 0.0],
        ];
        let (findings, kept) = audit(scores, &policy);
        assert!(findings.contains(&finding("duplicate-model", "m1", "drop")));
        assert!(findings.contains(&finding("missing-scores", "m3", "drop")));
        assert!(findings.contains(&finding("constant-item", "i0", "keep")));
        assert!(findings.contains(&finding("unanswered-item", "i3", "drop")));
        assert_eq!(kept, ["m0", "m2", "i0", "i1", "i2"]);
    }

    #[test]
    fn models_that_score_zero_everywhere_are_no_copies_of_each_other() {
        let (findings, kept) = audit(
            [[0.0; 4], [0.0; 4], [1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0]],
            &AuditPolicy::default(),
        );
        assert!(findings.iter().all(|(kind, ..)| kind != "duplicate-model"), "{findings:?}");
        assert_eq!(kept.len(), 8);
    }
}
