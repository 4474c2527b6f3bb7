//! Reliability of scores, and the items that serve it least.

use std::collections::BTreeMap;

use aliquot_tables::{item_analysis::ItemAnalysis, reliability::Reliability};

use crate::layout::{Cell, Table};

/// Items listed for each target.
const WORST: usize = 5;

/// Digits of an item uid that are shown; `trace` takes as many.
const DIGITS: usize = 12;

pub(crate) const RELIABILITY_NOTE: &str = "\
Over all models. alpha: KR-20, or stratified alpha of several benchmarks; predicted: what the full
benchmark's alpha says of that many random items (Spearman-Brown); halves: correlation of random halves,
stepped up. SEM (standard error of measurement), the difference of two models that is resolved (exceeded
by chance once in twenty times), and the error between trials on the same items are in percentage
points. Items chosen by the models' answers look better here than they are for new models.";

pub(crate) const WORST_NOTE: &str = "\
Lowest correlation of an item with the score on the others; negative: weaker models solve it more often.
The table `item_analysis` of the release has every item, and `aliquot trace` shows one.";

pub(crate) fn reliability_table(rows: &[Reliability]) -> Table {
    let mut table = Table::new(&[
        "target",
        "subset",
        "items",
        "models",
        "alpha",
        "predicted",
        "halves",
        "SEM",
        "signal/noise",
        "resolved",
        "between trials",
    ]);
    for row in rows {
        table.row(vec![
            Cell::text(&row.target),
            Cell::text(&row.subset),
            Cell::number(row.items),
            Cell::number(row.models),
            figure(row.alpha, 3),
            figure(row.predicted_alpha, 3),
            figure(row.split_half, 3),
            figure(row.standard_error_pp, 2),
            figure(row.signal_to_noise, 1),
            figure(row.resolvable_pp, 2),
            figure(row.trial_error_pp, 2),
        ]);
    }
    table
}

pub(crate) fn worst_table(items: &[ItemAnalysis]) -> Table {
    let mut table = Table::new(&[
        "target",
        "item",
        "subset",
        "proportion",
        "item-rest",
        "upper-lower",
        "slope",
    ]);
    let mut targets: BTreeMap<&str, Vec<(f64, &ItemAnalysis)>> = BTreeMap::new();
    for item in items {
        if let Some(item_rest) = item.item_rest {
            targets.entry(&item.target).or_default().push((item_rest, item));
        }
    }
    for (target, mut items) in targets {
        items.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.1.item_uid.cmp(&b.1.item_uid)));
        for (item_rest, item) in items.iter().take(WORST) {
            table.row(vec![
                Cell::text(target),
                Cell::text(item.item_uid.get(..DIGITS).unwrap_or(&item.item_uid)),
                Cell::text(item.subset.as_deref().unwrap_or("-")),
                figure(item.proportion, 3),
                Cell::number(format!("{item_rest:+.3}")),
                signed(item.discrimination),
                Cell::number(format!("{:.2}", item.irt_slope)),
            ]);
        }
    }
    table
}

fn figure(value: Option<f64>, digits: usize) -> Cell {
    Cell::number(value.map_or_else(|| "-".to_owned(), |value| format!("{value:.digits$}")))
}

fn signed(value: Option<f64>) -> Cell {
    Cell::number(value.map_or_else(|| "-".to_owned(), |value| format!("{value:+.3}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::Style;

    #[test]
    fn the_worst_items_of_each_target_are_listed_and_constant_ones_are_not() {
        let item = |target: &str, uid: usize, item_rest| ItemAnalysis {
            target: target.to_owned(),
            item_uid: format!("{uid:064}"),
            item_rest,
            ..ItemAnalysis::default()
        };
        let mut items: Vec<ItemAnalysis> =
            (0..9).map(|at| item("t", at, Some(0.5 - at as f64 / 10.0))).collect();
        items.push(item("t", 9, None));
        items.push(item("u", 10, Some(0.75)));
        let text = worst_table(&items).render(Style::Text);
        let rests: Vec<&str> =
            text.lines().skip(2).filter_map(|line| line.split_whitespace().nth(4)).collect();
        assert_eq!(rests, ["-0.300", "-0.200", "-0.100", "+0.000", "+0.100", "+0.750"]);
        assert!(text.contains("  000000000000  "), "{text}");
    }

    #[test]
    fn unknown_figures_are_dashes() {
        let row = Reliability { alpha: Some(0.75), ..Reliability::default() };
        let text = reliability_table(&[row]).render(Style::Text);
        let cells: Vec<&str> = text.lines().nth(2).unwrap_or("").split_whitespace().collect();
        assert_eq!(cells, ["0", "0", "0.750", "-", "-", "-", "-", "-", "-"]);
    }
}
