//! Clusters of the items' texts.

use aliquot_tables::clustering::Clustering;

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
