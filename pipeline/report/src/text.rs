//! Clusters of the items' texts.

use aliquot_tables::{amortisation::Amortised, clustering::Clustering};

use crate::layout::{Cell, Table};

pub(crate) const NOTE: &str = "\
Clusters of the items by the embeddings of their texts, and of answers and texts together. Silhouette:
how much nearer an item is to its own cluster than to the next, -1 to 1. Stability: agreement of
clusterings of two halves of the items, 0 for chance, 1 for the same. Neither proves that there are
clusters. The starred one is in the table `clusters` and in `items.svg`.";

pub(crate) fn clustering_table(rows: &[Clustering]) -> Table {
    let mut table = Table::new(&[
        "target",
        "space",
        "method",
        "clusters",
        "sizes",
        "explained",
        "silhouette",
        "stability",
    ]);
    for row in rows {
        let star = if row.shown { " *" } else { "" };
        let [smallest, largest] = row.sizes;
        table.row(vec![
            Cell::text(&row.target),
            Cell::text(&row.space),
            Cell::text(&format!("{}{star}", row.method)),
            Cell::number(row.clusters),
            Cell::number(format!("{smallest} to {largest}")),
            Cell::number(format!("{:.0} %", 100.0 * row.explained)),
            Cell::number(format!("{:.3}", row.silhouette)),
            Cell::number(row.stability.map_or("-".to_owned(), |value| format!("{value:.2}"))),
        ]);
    }
    table
}

pub(crate) const AMORTISATION_NOTE: &str = "\
R2: share of the variance of a parameter over the answered items that a prediction explains,
cross-validated; below 0 the mean is better. text: ridge regression on the embedding; task: mean of the
item's task. Predicted items have no answers: what each model is expected to score stands in for them, in
the true scores too, and the quality table does not know that error. On public leaderboards estimates
with predicted items were seldom better than without, and worse for stronger models
(`pipeline/stats/README.md`).";

pub(crate) fn amortisation_table(rows: &[Amortised]) -> Table {
    let mut table = Table::new(&[
        "benchmark",
        "parameter",
        "items",
        "predicted",
        "R2 text",
        "R2 task",
        "R2 both",
    ]);
    let share = |share: Option<f64>| share.map_or("-".to_owned(), |share| format!("{share:.2}"));
    for row in rows {
        table.row(vec![
            Cell::text(&row.benchmark),
            Cell::text(&row.parameter),
            Cell::number(row.items),
            Cell::number(row.predicted),
            Cell::number(share(Some(row.r2_text))),
            Cell::number(share(row.r2_task)),
            Cell::number(share(row.r2_text_and_task)),
        ]);
    }
    table
}
