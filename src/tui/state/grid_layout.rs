//! Items in lines, in sections that each start on a new line; and how many of these lines are whole on the screen.
//!
//! Must never: know what the items are.

/// Items in lines of `columns`, in sections that each start on a new line. Places count items from 0, lines count from
/// 0 across the sections. Building one takes time for each section, the questions to it only for the logarithm of
/// these.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct GridLayout<'a> {
    /// Items in all sections.
    pub count: usize,
    /// Items side by side, at least 1.
    pub columns: usize,
    /// The place of each section's first item, in order, the first one 0; empty for a single section.
    sections: &'a [usize],
    /// The first line of each section.
    first_lines: Vec<usize>,
    lines: usize,
}

/// The rows that lines of items need.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Rows {
    /// Rows on the screen.
    pub all: usize,
    /// Rows of a line, at least 1.
    pub line: usize,
    /// Rows of a section's heading, above its first line. The first line on the screen has one in any case.
    pub heading: usize,
}

impl<'a> GridLayout<'a> {
    /// Items in one section.
    #[must_use]
    pub fn whole(count: usize, columns: usize) -> Self {
        Self::divided(count, columns, &[])
    }

    /// Items in sections that start at these places.
    #[must_use]
    pub fn divided(count: usize, columns: usize, sections: &'a [usize]) -> Self {
        let columns = columns.max(1);
        let mut first_lines = Vec::with_capacity(sections.len());
        let mut lines = 0;
        for (number, start) in sections.iter().enumerate() {
            first_lines.push(lines);
            let end = sections.get(number + 1).copied().unwrap_or(count);
            lines += (end - start).div_ceil(columns);
        }
        if sections.is_empty() {
            lines = count.div_ceil(columns);
        }
        Self { count, columns, sections, first_lines, lines }
    }

    /// First place, end and first line of a section.
    fn section(&self, number: usize) -> (usize, usize, usize) {
        let start = self.sections.get(number).copied().unwrap_or(0);
        let end = self.sections.get(number + 1).copied().unwrap_or(self.count);
        (start, end, self.first_lines.get(number).copied().unwrap_or(0))
    }

    /// The section that holds the item at `place`, counted from 0.
    #[must_use]
    pub fn section_of(&self, place: usize) -> usize {
        self.sections.partition_point(|start| *start <= place).saturating_sub(1)
    }

    /// All lines.
    #[must_use]
    pub fn lines(&self) -> usize {
        self.lines
    }

    /// The line that holds the item at `place`.
    #[must_use]
    pub fn line_of(&self, place: usize) -> usize {
        let (start, _, line) = self.section(self.section_of(place));
        (line + place.saturating_sub(start) / self.columns).min(self.lines.saturating_sub(1))
    }

    /// The places of the items of a line; empty beyond the last line.
    #[must_use]
    pub fn places(&self, line: usize) -> std::ops::Range<usize> {
        if line >= self.lines {
            return self.count..self.count;
        }
        // The last of several that begin on this line: those before it are empty.
        let number = self.first_lines.partition_point(|first| *first <= line).saturating_sub(1);
        let (start, end, first_line) = self.section(number);
        let first = start + (line - first_line) * self.columns;
        first..(first + self.columns).min(end)
    }

    /// Whether a section starts with this line.
    #[must_use]
    pub fn starts_section(&self, line: usize) -> bool {
        self.first_lines.binary_search(&line).is_ok()
    }

    /// How many lines from `first` on are whole on the screen; at least one.
    #[must_use]
    pub fn visible_from(&self, first: usize, rows: Rows) -> usize {
        let all = self.lines();
        let mut used = 0;
        let mut lines = 0;
        while first + lines < all {
            let line = first + lines;
            used += rows.line + if lines == 0 || self.starts_section(line) { rows.heading } else { 0 };
            if used > rows.all {
                break;
            }
            lines += 1;
        }
        lines.max(1)
    }

    /// The first line to show so that the line of `place` is whole on the screen: as near to `top`, the first line of
    /// the frame before, as that allows, and without empty rows below the last line.
    #[must_use]
    pub fn first_line(&self, top: usize, place: usize, rows: Rows) -> usize {
        let line = self.line_of(place);
        let most = rows.all / rows.line.max(1);
        let mut first = top.min(line).max((line + 1).saturating_sub(most.max(1)));
        while first < line && first + self.visible_from(first, rows) <= line {
            first += 1;
        }
        let last = self.lines();
        while first > 0 && first - 1 + self.visible_from(first - 1, rows) >= last {
            first -= 1;
        }
        first
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_section_starts_a_line() {
        // 0 1 2 / 3 4 | 5 6 7 / 8
        let layout = GridLayout::divided(9, 3, &[0, 5]);
        assert_eq!(layout.lines(), 4);
        let lines: Vec<_> = (0..5).map(|line| layout.places(line)).collect();
        assert_eq!(lines, [0..3, 3..5, 5..8, 8..9, 9..9]);
        for (line, places) in lines.into_iter().enumerate() {
            assert!(places.into_iter().all(|place| layout.line_of(place) == line));
        }
        let starts: Vec<bool> = (0..4).map(|line| layout.starts_section(line)).collect();
        assert_eq!(starts, [true, false, true, false]);
        assert_eq!([layout.section_of(0), layout.section_of(4), layout.section_of(5)], [0, 0, 1]);
    }

    #[test]
    fn an_empty_section_has_no_line() {
        // No match, then two others.
        let layout = GridLayout::divided(2, 3, &[0, 0]);
        assert_eq!((layout.lines(), layout.line_of(1), layout.places(0)), (1, 0, 0..2));
        assert_eq!(layout.section_of(0), 1);
    }

    #[test]
    fn an_empty_layout_has_no_lines() {
        for layout in [GridLayout::whole(0, 3), GridLayout::divided(0, 3, &[0, 0])] {
            assert_eq!((layout.lines(), layout.places(0), layout.line_of(0)), (0, 0..0, 0));
        }
    }

    #[test]
    fn the_cursor_s_line_is_always_whole_on_the_screen_and_the_end_leaves_no_empty_rows() {
        let sections = [0, 7, 8, 30];
        let layout = GridLayout::divided(50, 3, &sections);
        for rows in [Rows { all: 17, line: 4, heading: 1 }, Rows { all: 5, line: 1, heading: 0 }] {
            for top in 0..layout.lines() {
                for place in 0..50 {
                    let first = layout.first_line(top, place, rows);
                    let line = layout.line_of(place);
                    assert!((first..first + layout.visible_from(first, rows)).contains(&line), "{top} {place}");
                    // One line earlier there would be no room for the last one.
                    assert!(first == 0 || first - 1 + layout.visible_from(first - 1, rows) < layout.lines());
                }
            }
        }
        let rows = Rows { all: 10, line: 1, heading: 0 };
        assert_eq!(GridLayout::whole(3, 1).first_line(2, 2, rows), 0, "all fit");
    }

    #[test]
    fn a_move_within_the_screen_scrolls_nothing() {
        let layout = GridLayout::whole(100, 1);
        let rows = Rows { all: 10, line: 1, heading: 0 };
        for place in 40..50 {
            assert_eq!(layout.first_line(40, place, rows), 40);
        }
        assert_eq!((layout.first_line(40, 50, rows), layout.first_line(40, 39, rows)), (41, 39));
    }
}
