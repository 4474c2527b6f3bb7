//! Summaries of a release, for people: how good it is, what it is made from, what was found.
//!
//! A [`Summary`] borrows the tables and gives Markdown or plain text; it writes nothing. The same
//! tables give the same text: no dates, no host, no path.

mod curve;
mod findings;
mod items;
mod layout;
mod map;
mod text;

use std::collections::{BTreeMap, BTreeSet};

use aliquot_tables::{
    amortisation::Amortised, clustering::Clustering, error_curve::CurvePoint, findings::Finding,
    item_analysis::ItemAnalysis, quality::Quality, reliability::Reliability, roster::Entry,
    subsets::Member,
};

use layout::{Cell, Style, Table};
pub use map::{MapPoint, TargetMap, items_map};

/// What the recipe says of a release.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// Name of the release.
    pub name: &'a str,
    /// Its version.
    pub version: &'a str,
    /// Title.
    pub title: &'a str,
    /// What it is.
    pub description: &'a str,
    /// Licence of the source data.
    pub licence: &'a str,
}

/// Everything that a summary is written from.
#[derive(Debug, Clone, Copy)]
pub struct Summary<'a> {
    /// What the recipe says.
    pub facts: Facts<'a>,
    /// Models and items that stay.
    pub roster: &'a [Entry],
    /// What the audit saw.
    pub findings: &'a [Finding],
    /// The chosen items.
    pub subsets: &'a [Member],
    /// What each item contributes.
    pub items: &'a [ItemAnalysis],
    /// How repeatable scores are.
    pub reliability: &'a [Reliability],
    /// How good the procedures are.
    pub quality: &'a [Quality],
    /// What the released procedure does at other sizes.
    pub curve: &'a [CurvePoint],
    /// How items lie by their texts; none where nothing was embedded.
    pub clustering: &'a [Clustering],
    /// How well texts foretell items; nothing where it was not asked.
    pub amortisation: &'a [Amortised],
}

impl Summary<'_> {
    /// As Markdown.
    pub fn markdown(&self) -> String {
        self.render(Style::Markdown)
    }

    /// As plain text.
    pub fn text(&self) -> String {
        self.render(Style::Text)
    }

    fn render(&self, style: Style) -> String {
        let Facts { name, version, title, description, licence } = self.facts;
        let mut out = style.heading(1, &format!("{title}: {name}@{version}"));
        out.push_str(&format!(
            "{}\n\nLicence of the source data: {licence}.\n\n",
            description.trim()
        ));
        let measured = !self.quality.is_empty();
        if measured {
            self.render_quality(style, &mut out);
        } else {
            out.push_str(&style.heading(2, "Quality"));
            out.push_str(&format!("{COLD_NOTE}\n\n"));
        }
        out.push_str(&style.heading(2, "Subsets"));
        out.push_str(&self.subset_table().render(style));
        out.push_str(
            "\nValidation and test subsets share no item: tune on one, report on the other.\n\n",
        );
        if measured {
            self.render_items(style, &mut out);
        }
        if !self.clustering.is_empty() {
            out.push_str(&style.heading(2, "Texts"));
            out.push_str(&text::clustering_table(self.clustering).render(style));
            out.push_str(&format!("\n{}\n\n", text::NOTE));
        }
        if !self.amortisation.is_empty() {
            out.push_str(&style.heading(2, "Difficulty from text"));
            out.push_str(&text::amortisation_table(self.amortisation).render(style));
            out.push_str(&format!("\n{}\n\n", text::AMORTISATION_NOTE));
        }
        out.push_str(&style.heading(2, "Data"));
        out.push_str(&self.data_table().render(style));
        out.push('\n');
        out.push_str(&style.heading(2, "Findings of the audit"));
        findings::render(self.findings, style, &mut out);
        out
    }

    fn render_quality(&self, style: Style, out: &mut String) {
        out.push_str(&style.heading(2, "Quality on held-out models"));
        out.push_str(&quality_table(self.quality).render(style));
        out.push_str(&format!("\n{QUALITY_NOTE}\n\n"));
        out.push_str(&style.heading(2, "Size of the subsets"));
        for line in curve::chosen(self.curve) {
            out.push_str(&style.bullet(&line));
        }
        out.push_str(&curve::table(self.curve).render(style));
        out.push_str(&format!("\n{}\n\n", curve::NOTE));
    }

    fn render_items(&self, style: Style, out: &mut String) {
        out.push_str(&style.heading(2, "Reliability"));
        out.push_str(&items::reliability_table(self.reliability).render(style));
        out.push_str(&format!("\n{}\n\n", items::RELIABILITY_NOTE));
        out.push_str(&style.heading(2, "Items that discriminate worst"));
        out.push_str(&items::worst_table(self.items).render(style));
        out.push_str(&format!("\n{}\n\n", items::WORST_NOTE));
    }

    fn subset_table(&self) -> Table {
        let mut sizes: BTreeMap<(&str, &str, &str), usize> = BTreeMap::new();
        for member in self.subsets {
            *sizes.entry((&member.target, &member.subset, &member.benchmark)).or_default() += 1;
        }
        let mut table = Table::new(&["target", "subset", "benchmark", "items"]);
        for ((target, subset, benchmark), items) in sizes {
            table.row(vec![
                Cell::text(target),
                Cell::text(subset),
                Cell::text(benchmark),
                Cell::number(items),
            ]);
        }
        table
    }

    fn data_table(&self) -> Table {
        let benchmarks: BTreeSet<&str> =
            self.roster.iter().map(|entry| entry.benchmark.as_str()).collect();
        let mut table = Table::new(&["benchmark", "models", "items"]);
        for benchmark in benchmarks {
            let count = |axis: &str| {
                self.roster
                    .iter()
                    .filter(|entry| entry.benchmark == benchmark && entry.axis == axis)
                    .count()
            };
            table.row(vec![
                Cell::text(benchmark),
                Cell::number(count("model")),
                Cell::number(count("item")),
            ]);
        }
        table
    }
}

const COLD_NOTE: &str = "\
No model has answered these items yet: nothing could be measured. Items that were drawn at random
(`random`, `embedding-strata`) have an interval that holds over the draw; of others only what the
answers themselves settle is known.";

const QUALITY_NOTE: &str = "\
MAE, bias and width in percentage points. Selection, fit and intervals saw source models only.
interpolation: a random quarter of the models is held out, another one each time; extrapolation: the
sources are the worst half, held out the best 30 %, and only the random choice of items differs from
time to time. MAE +- its standard error over the repetitions, which share models, so that it says how
much the draw matters and not how much another leaderboard would. `*` marks what the release uses.";

/// The quality table on its own, as text.
pub fn quality_text(quality: &[Quality]) -> String {
    quality_table(quality).render(Style::Text)
}

fn quality_table(quality: &[Quality]) -> Table {
    let mut table = Table::new(&[
        "target",
        "split",
        "k",
        "procedure",
        "MAE",
        "bias",
        "tau-b",
        "95 % coverage",
        "width",
    ]);
    for row in quality {
        let mark = if row.released { " *" } else { "" };
        table.row(vec![
            Cell::text(&row.target),
            Cell::text(&row.split),
            Cell::number(row.k),
            Cell::text(&format!("{}{mark}", row.procedure)),
            Cell::number(format!("{:.2} +- {:.2}", row.mae_pp, row.mae_se_pp)),
            Cell::number(format!("{:+.2}", row.bias_pp)),
            Cell::number(row.kendall_tau.map_or("-".to_owned(), |tau| format!("{tau:.2}"))),
            Cell::number(format!("{:.1} %", 100.0 * row.coverage_95)),
            Cell::number(format!("{:.1}", row.width_95_pp)),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_released_procedure_is_marked_and_markdown_has_the_same_cells_as_text() {
        let row = |procedure: &str, released| Quality {
            target: "t".into(),
            split: "interpolation".into(),
            k: 100,
            procedure: procedure.into(),
            released,
            mae_pp: 1.234,
            coverage_95: 0.95,
            ..Quality::default()
        };
        let quality = [row("random+mean", false), row("balanced-swap+mean", true)];
        let text = quality_text(&quality);
        assert!(text.contains("balanced-swap+mean *") && !text.contains("random+mean *"), "{text}");
        assert!(text.contains("1.23 +- 0.00") && text.contains("95.0 %"), "{text}");
        let markdown = quality_table(&quality).render(Style::Markdown);
        let cells = |text: &str| {
            text.replace(['|', '-', ':'], " ")
                .split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        assert_eq!(cells(&text), cells(&markdown));
    }
}
