//! An answer as aligned text.

use aliquot_query::Answer;
use console::{Term, measure_text_width, truncate_str};

use crate::{commands::printable, error::Error};

const GAP: &str = "  ";
/// No column is cut to less.
const NARROWEST: usize = 8;

/// The first rows of an answer, and how many follow.
pub struct Cells {
    names: Vec<String>,
    numeric: Vec<bool>,
    rows: Vec<Vec<String>>,
    more: u64,
    /// Columns of the terminal; None where the output is no terminal.
    width: Option<usize>,
}

impl Cells {
    /// Reads all of it, keeps `limit` rows.
    pub fn of(answer: &mut Answer<'_>, limit: u64) -> Result<Self, Error> {
        let names = answer.names().iter().map(|name| printable(name)).collect();
        let terminal = Term::stdout();
        let width = terminal.is_term().then(|| usize::from(terminal.size().1));
        let numeric = answer.numeric();
        let mut cells = Self { names, numeric, rows: Vec::new(), more: 0, width };
        while (cells.rows.len() as u64) < limit
            && let Some(rows) = answer.next_cells()?
        {
            let room = (limit - cells.rows.len() as u64) as usize;
            cells.more += rows.len().saturating_sub(room) as u64;
            let rows = rows.iter().take(room);
            cells.rows.extend(rows.map(|row| row.iter().map(|cell| printable(cell)).collect()));
        }
        while let Some(batch) = answer.next_batch()? {
            cells.more += batch.num_rows() as u64;
        }
        Ok(cells)
    }

    pub fn text(&self) -> String {
        let widths = self.widths();
        let mut text = self.line(&self.names, &widths);
        for row in &self.rows {
            text.push_str(&self.line(row, &widths));
        }
        if self.more > 0 {
            let rows = if self.more == 1 { "row" } else { "rows" };
            text.push_str(&format!("({} more {rows}; `--limit N` prints more)\n", self.more));
        }
        text
    }

    /// Of every column; on a terminal the widest give way until a line fits.
    fn widths(&self) -> Vec<usize> {
        let widest = |column: usize| {
            let cells = self.rows.iter().chain([&self.names]).map(|row| &row[column]);
            cells.map(|cell| measure_text_width(cell)).max().unwrap_or(0)
        };
        let mut widths: Vec<usize> = (0..self.names.len()).map(widest).collect();
        let Some(width) = self.width else { return widths };
        let gaps = GAP.len() * widths.len().saturating_sub(1);
        while widths.iter().sum::<usize>() + gaps > width {
            match widths.iter_mut().max() {
                Some(widest) if *widest > NARROWEST => *widest -= 1,
                _ => break,
            }
        }
        widths
    }

    fn line(&self, cells: &[String], widths: &[usize]) -> String {
        let mut line = String::new();
        for (at, (cell, &width)) in cells.iter().zip(widths).enumerate() {
            let cell = truncate_str(cell, width, "…");
            let space = " ".repeat(width.saturating_sub(measure_text_width(&cell)));
            let gap = if at > 0 { GAP } else { "" };
            let (before, behind) = if self.numeric[at] { (&*space, "") } else { ("", &*space) };
            line.push_str(&format!("{gap}{before}{cell}{behind}"));
        }
        format!("{}\n", line.trim_end())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(width: Option<usize>) -> Cells {
        let row = |cells: [&str; 3]| cells.map(printable).to_vec();
        Cells {
            names: row(["name", "n", "text"]),
            numeric: vec![false, true, false],
            rows: vec![row(["ä", "10", "a text that\nis long"]), row(["", "2", "\u{1b}[31mred"])],
            more: 3,
            width,
        }
    }

    #[test]
    fn columns_are_aligned_and_nothing_reaches_the_terminal_raw() {
        let text = cells(None).text();
        assert_eq!(
            text,
            "name   n  text\n\
             ä     10  a text that\\nis long\n\
             \x20      2  \\u{1b}[31mred\n\
             (3 more rows; `--limit N` prints more)\n"
        );
    }

    #[test]
    fn the_widest_column_gives_way_on_a_terminal() {
        let text = cells(Some(20)).text();
        let lines: Vec<&str> = text.lines().take(3).collect();
        assert_eq!(lines, ["name   n  text", "ä     10  a text th…", "       2  \\u{1b}[31…"]);
        // Not below what can be read, whatever the terminal.
        assert!(cells(Some(3)).text().contains("a text …"));
    }
}
