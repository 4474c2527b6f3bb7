//! What the audit found, for people.

use std::collections::BTreeMap;

use aliquot_tables::findings::Finding;

use crate::layout::{Cell, Style, Table};

/// Findings of a kind listed one by one; the rest is counted only.
const LISTED: usize = 5;

/// Counts, then the findings that are more than information, the first few of each kind.
pub(crate) fn render(findings: &[Finding], style: Style, out: &mut String) {
    out.push_str(&table(findings).render(style));
    let mut kinds: BTreeMap<(bool, &str), Vec<&Finding>> = BTreeMap::new();
    for finding in findings.iter().filter(|finding| finding.severity != "info") {
        kinds.entry((finding.severity != "error", &finding.kind)).or_default().push(finding);
    }
    for ((_, kind), findings) in kinds {
        for finding in findings.iter().take(LISTED) {
            out.push_str(&style.bullet(&format!(
                "{kind}, {} `{}`: {} ({})",
                finding.benchmark, finding.subject, finding.evidence, finding.action
            )));
        }
        if findings.len() > LISTED {
            out.push_str(&style.bullet(&format!("{kind}: {} more", findings.len() - LISTED)));
        }
    }
    out.push_str("\nThe table `findings` of the release has every one with its evidence.\n");
}

fn table(findings: &[Finding]) -> Table {
    let mut counts: BTreeMap<(&str, &str, &str), usize> = BTreeMap::new();
    for finding in findings {
        *counts.entry((&finding.kind, &finding.severity, &finding.action)).or_default() += 1;
    }
    let mut table = Table::new(&["finding", "severity", "action", "count", "which is"]);
    for ((kind, severity, action), count) in counts {
        table.row(vec![
            Cell::text(kind),
            Cell::text(severity),
            Cell::text(action),
            Cell::number(count),
            Cell::text(meaning(kind)),
        ]);
    }
    table
}

/// What a kind of finding says; nothing of one that this version does not know.
fn meaning(kind: &str) -> &'static str {
    match kind {
        "aggregate" => "mean score beside the published one",
        "constant-item" => "all models score the same",
        "duplicate-item" => "same text and choices as another item",
        "duplicate-model" => "same scores as another model",
        "impossible-score" => "outside [0, 1]",
        "missing-not-at-random" => "gaps go with ability or difficulty",
        "missing-reason" => "why scores are missing",
        "missing-scores" => "model with gaps",
        "near-duplicate-item" => "embedding near that of another item",
        "negative-item" => "weaker models solve it more often",
        "quarantined-file" => "raw file that could not be read",
        "setting-drift" => "run in another setting than most",
        "similar-item" => "shares most words with another item",
        "stray-score" => "not 0 or 1 as the others are",
        "superseded-run" => "another run of the model is taken",
        "suspected-copy" => "answers nearly as another model does",
        "unanswered-item" => "no model has a score",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_of_each_kind_are_listed_errors_first_and_information_is_counted() {
        let finding = |kind: &str, severity: &str, at: usize| Finding {
            kind: kind.to_owned(),
            severity: severity.to_owned(),
            subject: format!("s{at}"),
            action: "keep".to_owned(),
            ..Finding::default()
        };
        let mut findings: Vec<Finding> =
            (0..7).map(|at| finding("negative-item", "warning", at)).collect();
        findings.push(finding("stray-score", "error", 7));
        findings.extend((0..30).map(|at| finding("constant-item", "info", at)));
        let mut out = String::new();
        render(&findings, Style::Text, &mut out);
        let line = |text: &str| out.lines().position(|line| line.contains(text));
        assert!(line("`s7`") < line("`s0`"), "{out}");
        assert!(line("`s4`").is_some() && line("`s5`").is_none(), "{out}");
        assert!(out.contains("negative-item: 2 more"), "{out}");
        assert!(!out.contains("constant-item,"), "{out}");
        let counted = out.lines().find(|line| line.starts_with("constant-item")).unwrap();
        assert!(counted.contains("30") && counted.ends_with("all models score the same"), "{out}");
    }
}
