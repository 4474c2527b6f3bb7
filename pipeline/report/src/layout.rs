//! Headings, lists and tables in two styles.

use std::fmt::Display;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    Markdown,
    Text,
}

impl Style {
    pub(crate) fn heading(self, level: usize, text: &str) -> String {
        match self {
            Self::Markdown => format!("{} {text}\n\n", "#".repeat(level)),
            Self::Text => format!(
                "{text}\n{}\n\n",
                if level == 1 { "=" } else { "-" }.repeat(text.chars().count())
            ),
        }
    }

    pub(crate) fn bullet(self, text: &str) -> String {
        format!("- {text}\n")
    }
}

pub(crate) struct Cell {
    text: String,
    right: bool,
}

impl Cell {
    pub(crate) fn text(text: &str) -> Self {
        Self { text: text.to_owned(), right: false }
    }

    pub(crate) fn number(number: impl Display) -> Self {
        Self { text: number.to_string(), right: true }
    }
}

pub(crate) struct Table {
    headings: Vec<&'static str>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    pub(crate) fn new(headings: &[&'static str]) -> Self {
        Self { headings: headings.to_vec(), rows: Vec::new() }
    }

    pub(crate) fn row(&mut self, cells: Vec<Cell>) {
        self.rows.push(cells);
    }

    pub(crate) fn render(&self, style: Style) -> String {
        let width = |column: usize| {
            let cells = self.rows.iter().map(|row| row[column].text.chars().count());
            cells.chain([self.headings[column].chars().count()]).max().unwrap_or(0)
        };
        let right = |column: usize| self.rows.first().is_some_and(|row| row[column].right);
        let columns: Vec<(usize, bool)> =
            (0..self.headings.len()).map(|at| (width(at), right(at))).collect();
        let line = |texts: Vec<&str>| {
            let padded = texts.iter().zip(&columns).map(|(text, (width, right))| {
                if *right { format!("{text:>width$}") } else { format!("{text:<width$}") }
            });
            match style {
                Style::Markdown => format!("| {} |\n", padded.collect::<Vec<_>>().join(" | ")),
                Style::Text => format!("{}\n", padded.collect::<Vec<_>>().join("  ").trim_end()),
            }
        };
        let rule = columns.iter().map(|(width, right)| match style {
            Style::Markdown if *right => format!("{}:", "-".repeat(width.saturating_sub(1))),
            _ => "-".repeat(*width),
        });
        let rule: Vec<String> = rule.collect();
        let mut out = line(self.headings.clone());
        out.push_str(&line(rule.iter().map(String::as_str).collect()));
        for row in &self.rows {
            out.push_str(&line(row.iter().map(|cell| cell.text.as_str()).collect()));
        }
        out
    }
}
