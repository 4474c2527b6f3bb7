//! Scores as they were read: values that cannot be, and why others are missing.

use std::collections::BTreeMap;

use aliquot_stats::audit::{Census, Fault};
use aliquot_tables::findings::Finding;

use super::{
    Audited, Data, Severity, found,
    grid::{Refused, benchmarks},
    policy::{AuditPolicy, Policy, Refusal},
};

/// Faults of one model on one benchmark.
#[derive(Default)]
struct Faulty<'a> {
    count: u64,
    /// Item and score.
    first: Option<(&'a str, f32)>,
}

impl Audited {
    /// Notes impossible and stray scores, one finding a model and benchmark, and counts the reasons of
    /// missing ones; returns what is to be left out.
    pub(super) fn look_at_scores<'a>(
        &mut self,
        policy: &AuditPolicy,
        data: &Data<'a>,
    ) -> Refused<'a> {
        let mut refused = Refused::new();
        for ((benchmark, fault, model), faulty) in faults(data) {
            let (kind, severity, what, action) = match fault {
                Fault::OutsideRange => {
                    let action = policy.impossible_scores;
                    ("impossible-score", Severity::Error, "outside [0, 1]", action.name())
                }
                Fault::NotBinary => {
                    let what = "neither 0 nor 1, as all but a few of the benchmark are";
                    ("stray-score", Severity::Warning, what, policy.stray_scores.name())
                }
            };
            if action == Refusal::Drop.name() {
                refused.insert((benchmark, model));
            }
            let (item, score) = faulty.first.unwrap_or(("", f32::NAN));
            let scores = if faulty.count == 1 { "score is" } else { "scores are" };
            let evidence = format!("{} {scores} {what}: {score} on {item}", faulty.count);
            let finding =
                Finding { observed: Some(f64::from(score)), ..found(model, action, evidence) };
            self.note(kind, severity, benchmark, finding);
        }
        self.count_reasons(data);
        refused
    }

    /// One finding a benchmark and reason.
    fn count_reasons(&mut self, data: &Data<'_>) {
        let mut reasons: BTreeMap<(&str, &str), (u64, u64)> = BTreeMap::new();
        for gap in data.gaps {
            let (count, models) = reasons.entry((&gap.benchmark, &gap.reason)).or_default();
            *count += gap.count;
            *models += 1;
        }
        for ((benchmark, reason), (count, models)) in reasons {
            let severity = if reason.is_empty() { Severity::Warning } else { Severity::Info };
            let why = if reason.is_empty() { ", and the source does not say why" } else { "" };
            let evidence = format!("{count} scores of {models} models are missing{why}");
            let action = Policy::Keep.name();
            let subject = if reason.is_empty() { "unknown" } else { reason };
            let finding =
                Finding { observed: Some(count as f64), ..found(subject, action, evidence) };
            self.note("missing-reason", severity, benchmark, finding);
        }
    }
}

/// Faulty scores by benchmark, fault and model.
fn faults<'a>(data: &Data<'a>) -> BTreeMap<(&'a str, Fault, &'a str), Faulty<'a>> {
    let scores = data.scores;
    let (numbers, names) = benchmarks(data.items, &scores.item_uid);
    let mut census = vec![Census::default(); names.len()];
    let rows = || {
        let numbered = scores.item_uid.codes().iter().map(|&item| numbers[item as usize]);
        numbered.zip(&scores.score).enumerate()
    };
    for (_, (number, score)) in rows() {
        if let Some(number) = number {
            census[number].add(*score);
        }
    }
    let mut faults: BTreeMap<(&str, Fault, &str), Faulty<'_>> = BTreeMap::new();
    if !census.iter().any(Census::has_faults) {
        return faults;
    }
    for (row, (number, score)) in rows() {
        let Some(number) = number else { continue };
        if let Some(fault) = census[number].fault(*score) {
            let faulty = faults.entry((names[number], fault, scores.model.get(row))).or_default();
            faulty.count += 1;
            faulty.first.get_or_insert((scores.item_uid.get(row), *score));
        }
    }
    faults
}
