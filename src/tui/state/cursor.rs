//! The cursor of a list or grid, how it moves, and the range it marks.

use std::ops::RangeInclusive;

use super::grid_layout::GridLayout;

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
    /// The first line on the screen in the last frame.
    pub top: usize,
}

impl Cursor {
    /// Moves within `layout`, of which `lines` lines are on the screen. Pages scroll the screen too.
    pub fn step(&mut self, step: Step, layout: &GridLayout<'_>, lines: usize) {
        let last = layout.count.saturating_sub(1);
        let by_lines = |by: isize| {
            let line = layout.line_of(self.at);
            let target = line.saturating_add_signed(by).min(layout.lines().saturating_sub(1));
            let places = layout.places(target);
            // On a shorter line the cursor lands on the last item.
            (places.start + self.at - layout.places(line).start).min(places.end.saturating_sub(1))
        };
        let page = isize::try_from(lines.max(1)).unwrap_or(isize::MAX);
        let half = (page / 2).max(1);
        let (at, scrolled) = match step {
            Step::Up => (by_lines(-1), 0),
            Step::Down => (by_lines(1), 0),
            Step::Left => (self.at.saturating_sub(1), 0),
            Step::Right => (self.at + 1, 0),
            Step::PageUp => (by_lines(-page), -page),
            Step::PageDown => (by_lines(page), page),
            Step::HalfPageUp => (by_lines(-half), -half),
            Step::HalfPageDown => (by_lines(half), half),
            Step::Top => (0, 0),
            Step::Bottom => (last, 0),
        };
        self.at = at.min(last);
        self.top = self.top.saturating_add_signed(scrolled);
    }

    /// Keeps the cursor on an item after the list shrank to `count`.
    pub fn stay_within(&mut self, count: usize) {
        self.at = self.at.min(count.saturating_sub(1));
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

    /// Starts a range at `place`.
    pub fn begin(&mut self, place: usize) {
        self.from = Some(place);
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

    fn at(at: usize) -> Cursor {
        Cursor { at, top: 0 }
    }

    fn after(place: usize, step: Step, layout: GridLayout<'_>) -> usize {
        let mut cursor = at(place);
        cursor.step(step, &layout, 4);
        cursor.at
    }

    #[test]
    fn a_list_stops_at_its_ends() {
        let list = |count| GridLayout::whole(count, 1);
        assert_eq!(after(0, Step::Up, list(3)), 0);
        assert_eq!(after(2, Step::Down, list(3)), 2);
        assert_eq!(after(0, Step::PageDown, list(30)), 4);
        assert_eq!(after(28, Step::PageDown, list(30)), 29);
        for step in [Step::Up, Step::Down, Step::Right, Step::Bottom, Step::PageDown] {
            assert_eq!(after(0, step, list(0)), 0);
        }
    }

    #[test]
    fn a_grid_keeps_its_column_and_lands_on_a_short_last_line() {
        let grid = || GridLayout::whole(10, 4);
        assert_eq!(after(1, Step::Down, grid()), 5);
        assert_eq!(after(7, Step::Down, grid()), 9);
        assert_eq!(after(9, Step::Down, grid()), 9);
        assert_eq!(after(2, Step::Up, grid()), 2);
        assert_eq!(after(6, Step::PageUp, grid()), 2);
    }

    #[test]
    fn the_cursor_keeps_its_column_across_sections() {
        // 0 1 2 / 3 4 | 5 6 7 / 8
        let grid = || GridLayout::divided(9, 3, &[0, 5]);
        assert_eq!(after(2, Step::Down, grid()), 4);
        assert_eq!(after(4, Step::Down, grid()), 6);
        assert_eq!(after(7, Step::Up, grid()), 4);
        assert_eq!(after(4, Step::Right, grid()), 5);
        assert_eq!(after(0, Step::PageDown, grid()), 8);
        assert_eq!(after(8, Step::Down, grid()), 8);
    }

    #[test]
    fn a_page_scrolls_the_screen_by_as_much_as_the_cursor_moves() {
        let mut cursor = Cursor { at: 21, top: 20 };
        cursor.step(Step::PageDown, &GridLayout::whole(100, 1), 10);
        assert_eq!(cursor, Cursor { at: 31, top: 30 });
        cursor.step(Step::HalfPageUp, &GridLayout::whole(100, 1), 10);
        assert_eq!(cursor, Cursor { at: 26, top: 25 });
    }

    #[test]
    fn a_range_extends_from_its_start_to_the_cursor_in_either_direction() {
        let mut range = Range::default();
        assert_eq!(range.toggle(at(5)), None);
        let held: Vec<usize> = (0..9).filter(|place| range.holds(*place, at(3))).collect();
        assert_eq!(held, [3, 4, 5]);
        assert_eq!(range.toggle(at(3)), Some(3..=5));
        assert!(!range.is_begun() && !range.holds(4, at(4)));
    }
}
