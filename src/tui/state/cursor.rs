//! The cursor of a list or grid, the layout it moves in, and the range it marks.

use std::ops::RangeInclusive;

/// A movement of the cursor.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Step {
    /// One line up.
    Up,
    /// One line down.
    Down,
    /// One item left.
    Left,
    /// One item right.
    Right,
    /// One screen up.
    PageUp,
    /// One screen down.
    PageDown,
    /// Half a screen up.
    HalfPageUp,
    /// Half a screen down.
    HalfPageDown,
    /// The first item.
    Top,
    /// The last item.
    Bottom,
}

/// A place in a list or grid.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Cursor {
    /// The item.
    pub at: usize,
}

/// Items in rows of `columns`, in two sections that each start on a new line.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct GridLayout {
    /// Items in both sections.
    pub count: usize,
    /// Items side by side.
    pub columns: usize,
    /// Items in the first section; the second holds the rest.
    pub first_section: usize,
}

impl GridLayout {
    /// Items in one section.
    #[must_use]
    pub fn whole(count: usize, columns: usize) -> Self {
        Self::divided(count, columns, count)
    }

    /// Items in two sections.
    #[must_use]
    pub fn divided(count: usize, columns: usize, first_section: usize) -> Self {
        Self { count, columns: columns.max(1), first_section: first_section.min(count) }
    }

    /// All lines.
    #[must_use]
    pub fn lines(self) -> usize {
        self.lines_of_first() + (self.count - self.first_section).div_ceil(self.columns)
    }

    /// The lines of the first section, which is also the number of the second one's first line.
    #[must_use]
    pub fn lines_of_first(self) -> usize {
        self.first_section.div_ceil(self.columns)
    }

    /// The line that holds the item at `place`.
    #[must_use]
    pub fn line_of(self, place: usize) -> usize {
        match place.checked_sub(self.first_section) {
            None => place / self.columns,
            Some(rest) => self.lines_of_first() + rest / self.columns,
        }
    }

    /// The items of a line.
    #[must_use]
    pub fn places(self, line: usize) -> std::ops::Range<usize> {
        let (first, section_end) = match line.checked_sub(self.lines_of_first()) {
            None => (line * self.columns, self.first_section),
            Some(rest) => (self.first_section + rest * self.columns, self.count),
        };
        first.min(section_end)..(first + self.columns).min(section_end)
    }
}

impl Cursor {
    /// Moves within `layout`, of which `lines` lines are on the screen.
    pub fn step(&mut self, step: Step, shape: GridLayout, lines: usize) {
        let last = shape.count.saturating_sub(1);
        let by_lines = |by: isize| {
            let line = shape.line_of(self.at);
            let target = line.saturating_add_signed(by).min(shape.lines().saturating_sub(1));
            let places = shape.places(target);
            // On a shorter line the cursor lands on the last item.
            (places.start + self.at - shape.places(line).start).min(places.end.saturating_sub(1))
        };
        let page = isize::try_from(lines.max(1)).unwrap_or(isize::MAX);
        let half = (page / 2).max(1);
        self.at = match step {
            Step::Up => by_lines(-1),
            Step::Down => by_lines(1),
            Step::Left => self.at.saturating_sub(1),
            Step::Right => self.at + 1,
            Step::PageUp => by_lines(-page),
            Step::PageDown => by_lines(page),
            Step::HalfPageUp => by_lines(-half),
            Step::HalfPageDown => by_lines(half),
            Step::Top => 0,
            Step::Bottom => last,
        }
        .min(last);
    }

    /// Keeps the cursor on an item after the list shrank to `count`.
    pub fn stay_within(&mut self, count: usize) {
        self.at = self.at.min(count.saturating_sub(1));
    }

    /// The first line to show so that the cursor's line is centred as far as possible.
    #[must_use]
    pub fn first_line(&self, shape: GridLayout, lines: usize) -> usize {
        let lines = lines.max(1);
        shape.line_of(self.at).saturating_sub(lines / 2).min(shape.lines().saturating_sub(lines))
    }
}

/// How an item is marked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mark {
    /// Not at all.
    None,
    /// It is in the range being marked.
    InRange,
    /// It is selected.
    Selected,
}

/// A range of items from a start to the cursor.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Range {
    from: Option<usize>,
}

impl Range {
    /// Whether it has been started.
    #[must_use]
    pub fn is_begun(&self) -> bool {
        self.from.is_some()
    }

    /// Whether the item at `place` is in the range.
    #[must_use]
    pub fn holds(&self, place: usize, cursor: Cursor) -> bool {
        self.from.is_some_and(|from| (from.min(cursor.at)..=from.max(cursor.at)).contains(&place))
    }

    /// Starts a range at the cursor, or ends it and returns its places.
    pub fn toggle(&mut self, cursor: Cursor) -> Option<RangeInclusive<usize>> {
        match self.from.take() {
            Some(from) => Some(from.min(cursor.at)..=from.max(cursor.at)),
            None => {
                self.from = Some(cursor.at);
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(at: usize, step: Step, count: usize, columns: usize) -> usize {
        let mut cursor = Cursor { at };
        cursor.step(step, GridLayout::whole(count, columns), 4);
        cursor.at
    }

    #[test]
    fn a_list_stops_at_its_ends() {
        assert_eq!(after(0, Step::Up, 3, 1), 0);
        assert_eq!(after(2, Step::Down, 3, 1), 2);
        assert_eq!(after(0, Step::PageDown, 30, 1), 4);
        assert_eq!(after(28, Step::PageDown, 30, 1), 29);
        assert_eq!(after(0, Step::Bottom, 0, 1), 0);
    }

    #[test]
    fn a_grid_keeps_its_column_and_lands_on_a_short_last_line() {
        assert_eq!(after(1, Step::Down, 10, 4), 5);
        assert_eq!(after(7, Step::Down, 10, 4), 9);
        assert_eq!(after(9, Step::Down, 10, 4), 9);
        assert_eq!(after(2, Step::Up, 10, 4), 2);
        assert_eq!(after(6, Step::PageUp, 10, 4), 2);
    }

    #[test]
    fn a_range_extends_from_its_start_to_the_cursor_in_either_direction() {
        let mut range = Range::default();
        assert_eq!(range.toggle(Cursor { at: 5 }), None);
        let held: Vec<usize> = (0..9).filter(|place| range.holds(*place, Cursor { at: 3 })).collect();
        assert_eq!(held, [3, 4, 5]);
        assert_eq!(range.toggle(Cursor { at: 3 }), Some(3..=5));
        assert!(!range.is_begun() && !range.holds(4, Cursor { at: 4 }));
    }

    #[test]
    fn the_cursor_is_always_among_the_shown_lines() {
        for at in 0..50 {
            let first = Cursor { at }.first_line(GridLayout::whole(50, 3), 5);
            assert!((first..first + 5).contains(&(at / 3)), "{at} is not in 5 lines from {first}");
        }
        assert_eq!(Cursor { at: 2 }.first_line(GridLayout::whole(3, 1), 10), 0);
    }

    #[test]
    fn the_second_section_starts_a_line_and_the_cursor_keeps_its_column_across_it() {
        // 0 1 2 / 3 4 | 5 6 7 / 8
        let shape = GridLayout::divided(9, 3, 5);
        assert_eq!(shape.lines(), 4);
        let lines: Vec<_> = (0..4).map(|line| shape.places(line)).collect();
        assert_eq!(lines, [0..3, 3..5, 5..8, 8..9]);
        for (line, places) in lines.into_iter().enumerate() {
            assert!(places.into_iter().all(|place| shape.line_of(place) == line));
        }
        let after = |at: usize, step: Step| {
            let mut cursor = Cursor { at };
            cursor.step(step, shape, 2);
            cursor.at
        };
        assert_eq!(after(2, Step::Down), 4);
        assert_eq!(after(4, Step::Down), 6);
        assert_eq!(after(7, Step::Up), 4);
        assert_eq!(after(4, Step::Right), 5);
        assert_eq!(after(0, Step::PageDown), 5);
        assert_eq!(after(8, Step::Down), 8);
    }

    #[test]
    fn an_empty_layout_has_no_lines() {
        for shape in [GridLayout::whole(0, 3), GridLayout::divided(0, 3, 5)] {
            assert_eq!((shape.lines(), shape.places(0)), (0, 0..0));
            let mut cursor = Cursor::default();
            for step in [Step::Up, Step::Down, Step::Right, Step::Bottom, Step::PageDown] {
                cursor.step(step, shape, 4);
                assert_eq!(cursor.at, 0);
            }
        }
    }
}
