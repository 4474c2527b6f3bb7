//! What another size of the subsets would have given.

use aliquot_tables::error_curve::CurvePoint;

use crate::layout::{Cell, Table};

pub(crate) const NOTE: &str = "\
The released procedure at other sizes, on held-out models. MAE at most: one-sided bound of the expected
MAE, with 95 % confidence unless a subset asked for another. interpolation: over splits and draws of the
items, corrected for the models that splits share; extrapolation: over held-out models and draws of the
items, for the same sources. Each bound holds by itself. A size that was searched for (`*`) is the
smallest of its grid from which on the bound meets what is asked.";

/// One line a size that was searched for.
pub(crate) fn chosen(rows: &[CurvePoint]) -> Vec<String> {
    let line = |row: &CurvePoint| {
        let (subset, request) = (row.subset.as_ref()?, row.request.as_ref()?);
        let CurvePoint { target, split, k, .. } = row;
        row.chosen.then(|| format!("{target}/{subset}: k = {k} meets {request} ({split})"))
    };
    rows.iter().filter_map(line).collect()
}

pub(crate) fn table(rows: &[CurvePoint]) -> Table {
    let mut table = Table::new(&[
        "target",
        "split",
        "for",
        "k",
        "MAE",
        "MAE at most",
        "tau-b",
        "95 % coverage",
        "width",
    ]);
    let figure = |value: Option<f64>, digits: usize| {
        Cell::number(value.map_or("-".to_owned(), |value| format!("{value:.digits$}")))
    };
    for row in rows {
        let mark = if row.chosen { " *" } else { "" };
        table.row(vec![
            Cell::text(&row.target),
            Cell::text(&row.split),
            Cell::text(row.subset.as_deref().unwrap_or("-")),
            Cell::number(format!("{}{mark}", row.k)),
            figure(Some(row.mae_pp), 2),
            figure(row.mae_upper_pp, 2),
            figure(row.kendall_tau, 2),
            figure(row.coverage_95.map(|share| 100.0 * share), 1),
            figure(row.width_95_pp, 1),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_the_size_and_what_it_meets() {
        let row = |k, chosen| CurvePoint {
            target: "t".into(),
            split: "interpolation".into(),
            subset: Some("test".into()),
            request: Some("MAE <= 1.5 pp with 95 % confidence".into()),
            k,
            chosen,
            ..CurvePoint::default()
        };
        let rows = [row(50, false), row(62, true)];
        assert_eq!(
            chosen(&rows),
            ["t/test: k = 62 meets MAE <= 1.5 pp with 95 % confidence (interpolation)"]
        );
        let text = table(&rows).render(crate::layout::Style::Text);
        assert!(text.contains("62 *") && !text.contains("50 *"), "{text}");
    }
}
