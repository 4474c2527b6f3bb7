//! The records as tables for people.

use super::{
    BASE_RUNS, Evaluation, LEVEL, Record,
    tally::{BINS, Tally},
};
use crate::commands::bench::summary::aligned;

const HEADING: [&str; 12] = [
    "difference",
    "selection",
    "pairs",
    "sign right",
    "tied",
    "ties half",
    "claims",
    "wrong",
    "equivalent",
    "wrong",
    "coverage",
    "width",
];

/// Per size and per knowledge of the base one table: sizes of the true difference down, and for each
/// the selections, random first.
pub fn text(records: &[Record], evaluation: &Evaluation<'_>) -> String {
    let mut text = format!(
        "variant against base on the same items; {} draws of each subset; margin {} points, level {LEVEL}\n\
         shares in % of the comparisons; signs of those with a true difference, wrong ones of their claims\n",
        evaluation.plan.seeds,
        100.0 * evaluation.criterion.margin,
    );
    for &k in &evaluation.plan.ks {
        for (base_run, known) in BASE_RUNS {
            let fits = |record: &&Record| record.k == k && record.base_run == base_run;
            let own: Vec<&Record> = records.iter().filter(fits).collect();
            if own.is_empty() {
                continue;
            }
            let base = if known { "base known on all items" } else { "base known on the subset" };
            text.push_str(&format!("\nk = {k}, {base}\n{}", table(&own, evaluation)));
        }
    }
    text
}

fn table(records: &[&Record], evaluation: &Evaluation<'_>) -> String {
    let mut rows = vec![HEADING.map(str::to_owned).to_vec()];
    let names = BINS.iter().map(|bin| Some(bin.name)).chain([None]);
    for name in names {
        for selection in evaluation.selections.iter().map(|selection| selection.name()) {
            let own = records.iter().filter(|record| {
                record.selection == selection
                    && name.is_none_or(|name| record.true_difference_pp == name)
            });
            let tally = own.fold(Tally::default(), |sum, record| sum.plus(&record.tally));
            if tally.pairs > 0 {
                rows.push(row(name.unwrap_or("all"), &selection, &tally, evaluation.plan.seeds));
            }
        }
    }
    let mut text = aligned(&rows);
    let all = records.iter().filter(|record| record.selection == "random");
    let all = all.fold(Tally::default(), |sum, record| sum.plus(&record.tally));
    if all.variance_by_parent_pp2 > 0.0 {
        let effect = all.variance_by_parent_pp2 / all.variance_by_item_pp2;
        text.push_str(&format!(
            "for items of the kind, by parent: {effect:.2} times the variance (random items)\n"
        ));
    }
    text
}

fn row(difference: &str, selection: &str, tally: &Tally, draws: u64) -> Vec<String> {
    let share = |part: f64, whole: u32| match whole {
        0 => "-".to_owned(),
        whole => format!("{:.1}", 100.0 * part / f64::from(whole)),
    };
    let (right, tied) = (f64::from(tally.sign_right), f64::from(tally.sign_tied));
    vec![
        difference.to_owned(),
        selection.to_owned(),
        format!("{:.0}", f64::from(tally.pairs) / draws as f64),
        share(right, tally.signed),
        share(tied, tally.signed),
        share(right + 0.5 * tied, tally.signed),
        share(tally.claims.into(), tally.pairs),
        share(tally.claims_wrong.into(), tally.claims),
        share(tally.equivalent.into(), tally.pairs),
        share(tally.equivalent_wrong.into(), tally.equivalent),
        share(tally.covered.into(), tally.pairs),
        format!("{:.1}", tally.width_pp / f64::from(tally.pairs)),
    ]
}
