//! The records as tables for people.

use std::collections::BTreeMap;

use super::{Plan, Record};

/// Figures of one method at one size, one a matrix, averaged over its seeds.
#[derive(Default)]
struct Figures {
    error: Vec<f64>,
    tau: Vec<f64>,
    coverage: Vec<f64>,
    width: Vec<f64>,
}

/// Per split three tables, methods down, sizes across: error, rank agreement, intervals.
pub fn text(records: &[Record], plan: &Plan) -> String {
    let mut text = String::new();
    for split in plan.kinds.iter().map(|kind| kind.name()) {
        let own: Vec<&Record> = records.iter().filter(|record| record.split == split).collect();
        if own.is_empty() {
            continue;
        }
        let heading = format!("{split}: mean over matrices; seeds: {}", plan.seeds);
        text.push_str(&format!("{heading}\n{}\n", "-".repeat(heading.chars().count())));
        text.push_str("\nmean absolute error in points +- standard error over matrices\n");
        text.push_str(&table(&own, plan, |figures| match standard_error(&figures.error) {
            Some(error) => format!("{} +- {error:.2}", shown(mean(&figures.error), 2)),
            None => shown(mean(&figures.error), 2),
        }));
        text.push_str("\nKendall tau\n");
        text.push_str(&table(&own, plan, |figures| shown(mean(&figures.tau), 2)));
        text.push_str("\ncoverage of the 95 % intervals / their width in points\n");
        text.push_str(&table(&own, plan, |figures| {
            format!("{} / {}", shown(mean(&figures.coverage), 2), shown(mean(&figures.width), 1))
        }));
        text.push('\n');
    }
    text
}

fn table(records: &[&Record], plan: &Plan, cell: impl Fn(&Figures) -> String) -> String {
    let measured = |k: &&usize| records.iter().any(|record| record.k == **k);
    let ks: Vec<usize> = plan.ks.iter().filter(measured).copied().collect();
    let mut rows = vec![vec!["method".to_owned()]];
    rows[0].extend(ks.iter().map(|k| format!("k = {k}")));
    let mut matrices = vec!["matrices".to_owned()];
    for method in &plan.methods {
        let mut row = vec![method.name.clone()];
        row.extend(ks.iter().map(|&k| cell(&figures(records, k, &method.name))));
        rows.push(row);
    }
    for &k in &ks {
        let count = plan.methods.iter().map(|m| figures(records, k, &m.name).error.len()).max();
        matrices.push(count.unwrap_or(0).to_string());
    }
    rows.push(matrices);
    aligned(&rows)
}

fn figures(records: &[&Record], k: usize, method: &str) -> Figures {
    let mut matrices: BTreeMap<&str, Figures> = BTreeMap::new();
    for record in records.iter().filter(|record| record.k == k && record.method == method) {
        let seeds = matrices.entry(&record.dataset).or_default();
        seeds.error.push(record.measured.mae_pp);
        seeds.tau.extend(record.measured.kendall_tau);
        seeds.coverage.extend(record.measured.coverage_95);
        seeds.width.extend(record.measured.width_95_pp);
    }
    let mut figures = Figures::default();
    for seeds in matrices.values() {
        figures.error.extend(mean(&seeds.error));
        figures.tau.extend(mean(&seeds.tau));
        figures.coverage.extend(mean(&seeds.coverage));
        figures.width.extend(mean(&seeds.width));
    }
    figures
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// Of the mean; None for fewer than two values.
fn standard_error(values: &[f64]) -> Option<f64> {
    let centre = mean(values).filter(|_| values.len() > 1)?;
    let squares = values.iter().map(|value| (value - centre) * (value - centre)).sum::<f64>();
    let count = values.len() as f64;
    Some((squares / (count - 1.0) / count).sqrt())
}

fn shown(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.digits$}"))
}

/// Columns as wide as they need; the first to the left, the others to the right.
pub fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.first().map_or(0, Vec::len);
    let width = |at: usize| rows.iter().map(|row| row[at].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(&widths).enumerate().map(|(at, (cell, width))| match at {
            0 => format!("{cell:<width$}"),
            _ => format!("{cell:>width$}"),
        });
        text.push_str(&cells.collect::<Vec<_>>().join("  "));
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standard_error_is_that_of_the_mean() {
        // Variance of 1, 2, 3 is 1.
        assert_eq!(standard_error(&[1.0, 2.0, 3.0]), Some((1.0_f64 / 3.0).sqrt()));
        assert_eq!(standard_error(&[1.0]), None);
    }

    #[test]
    fn columns_are_aligned() {
        let rows = [["method", "k = 5"], ["a", "12.00"]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(aligned(&rows), "method  k = 5\na       12.00\n");
    }
}
