//! Tables: columns as wide as their widest cell in terminal columns, so that East Asian names, emoji and very long
//! names do not shift the columns beside them.

use std::io::{self, IsTerminal};

use crate::services::text_layout::{fit, width};

/// Between two columns.
const GAP: &str = "  ";

/// The alignment of a column.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Align {
    Left,
    Right,
}

/// A column of a table.
pub(super) struct Column {
    align: Align,
    /// Its maximum width; longer cells are cut with an ellipsis.
    widest: usize,
}

impl Column {
    /// A column as wide as its widest cell.
    pub(super) fn new(align: Align) -> Self {
        Self { align, widest: usize::MAX }
    }

    /// The same, up to a maximum width.
    pub(super) fn at_most(align: Align, widest: usize) -> Self {
        Self { align, widest }
    }
}

/// Formats the table, one line per row. Cells must not contain control characters. Columns with only empty cells are
/// left out. If `columns_of_output` is known, the last column is cut to fit.
pub(super) fn table<const N: usize>(
    columns: &[Column; N],
    rows: &[[String; N]],
    columns_of_output: Option<usize>,
) -> String {
    let widths: [usize; N] = std::array::from_fn(|at| {
        let widest = rows.iter().map(|row| width(&row[at])).max().unwrap_or(0);
        widest.min(columns[at].widest)
    });
    let shown: Vec<usize> = (0..N).filter(|at| widths[*at] > 0).collect();
    let mut text = String::new();
    for row in rows {
        let mut used = 0;
        for (number, &at) in shown.iter().enumerate() {
            let is_last = number + 1 == shown.len();
            let gap = if number == 0 { "" } else { GAP };
            used += gap.len();
            let room = columns_of_output.filter(|_| is_last).map_or(usize::MAX, |all| all.saturating_sub(used).max(1));
            let cell = fit(&row[at], widths[at].min(room));
            let padding = " ".repeat(widths[at].saturating_sub(width(&cell)));
            text += gap;
            match columns[at].align {
                Align::Right => text += &(padding + &cell),
                Align::Left if is_last => text += &cell,
                Align::Left => text += &format!("{cell}{padding}"),
            }
            used += widths[at];
        }
        text.push('\n');
    }
    text
}

/// The width of the terminal on standard output; `None` for a file or a pipe.
pub(super) fn columns_of_output() -> Option<usize> {
    let is_terminal = io::stdout().is_terminal();
    crossterm::terminal::size().ok().filter(|_| is_terminal).map(|(columns, _)| usize::from(columns))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The column of `mark` in each line.
    fn places(text: &str, mark: &str) -> Vec<usize> {
        text.lines().map(|line| width(&line[..line.find(mark).unwrap()])).collect()
    }

    #[test]
    fn columns_are_aligned_whatever_the_names() {
        let long = "x".repeat(249);
        let names = [
            "cat.jpg",
            "猫の写真.jpg",
            "🌻🌻🌻.png",
            "❤\u{fe0f}.gif",
            "e\u{301}te\u{301}.tif",
            &long,
            &"猫".repeat(83),
        ];
        let rows: Vec<_> = names.iter().map(|name| [(*name).to_owned(), "12 kB".to_owned(), "|".to_owned()]).collect();
        let columns = [Column::at_most(Align::Left, 20), Column::new(Align::Right), Column::new(Align::Left)];
        let text = table(&columns, &rows, None);
        assert_eq!(places(&text, "|"), vec![20 + 2 + 5 + 2; names.len()], "{text}");
        assert!(text.contains(&format!("{}…  12 kB", "x".repeat(19))), "{text}");
        // These take two columns each, so the ellipsis leaves one column empty.
        assert!(text.contains(&format!("{}…   12 kB", "猫".repeat(9))), "{text}");
    }

    #[test]
    fn empty_columns_are_left_out_and_the_last_one_is_cut_only_on_a_terminal() {
        let rows = [["a".to_owned(), String::new(), "猫".repeat(8)], ["bb".to_owned(), String::new(), "c".to_owned()]];
        let columns = [Column::new(Align::Right), Column::new(Align::Left), Column::new(Align::Left)];
        assert_eq!(table(&columns, &rows, None), format!(" a  {}\nbb  c\n", "猫".repeat(8)));
        assert_eq!(table(&columns, &rows, Some(10)), " a  猫猫…\nbb  c\n");
        assert_eq!(table(&columns, &[], Some(10)), "");
    }
}
