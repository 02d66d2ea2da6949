//! A place in a list or grid of items, how it moves, and the range that it marks.

use std::ops::RangeInclusive;

/// Ways to move.
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

/// A place in a list of items that may be shown several side by side.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Cursor {
    /// The item.
    pub at: usize,
}

impl Cursor {
    /// Moves within `count` items, `columns` of them side by side and `lines` lines on the screen.
    pub fn step(&mut self, step: Step, count: usize, columns: usize, lines: usize) {
        let (columns, lines) = (columns.max(1), lines.max(1));
        let last = count.saturating_sub(1);
        let back = |by: usize| if self.at >= by { self.at - by } else { self.at % columns };
        let on = |by: usize| {
            let target = self.at + by;
            // On a last line that is not full, the cursor lands on its last item; it never leaves its line sideways.
            if target <= last || last / columns > self.at / columns { target.min(last) } else { self.at }
        };
        self.at = match step {
            Step::Up => back(columns),
            Step::Down => on(columns),
            Step::Left => self.at.saturating_sub(1),
            Step::Right => (self.at + 1).min(last),
            Step::PageUp => back(columns * lines),
            Step::PageDown => on(columns * lines),
            Step::HalfPageUp => back(columns * (lines / 2).max(1)),
            Step::HalfPageDown => on(columns * (lines / 2).max(1)),
            Step::Top => 0,
            Step::Bottom => last,
        }
        .min(last);
    }

    /// Keeps the cursor on an item after the list shrank to `count`.
    pub fn stay_within(&mut self, count: usize) {
        self.at = self.at.min(count.saturating_sub(1));
    }

    /// The first line to show so that the cursor's line is visible and, where possible, not at an edge.
    #[must_use]
    pub fn first_line(&self, count: usize, columns: usize, lines: usize) -> usize {
        let (columns, lines) = (columns.max(1), lines.max(1));
        let total = count.div_ceil(columns);
        (self.at / columns).saturating_sub(lines / 2).min(total.saturating_sub(lines))
    }
}

/// Whether an item is taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mark {
    /// It is not.
    None,
    /// It lies in the range that is being marked.
    InRange,
    /// It is selected.
    Selected,
}

/// A range of items being marked: from where it was begun to the cursor.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Range {
    from: Option<usize>,
}

impl Range {
    /// Whether one was begun.
    #[must_use]
    pub fn is_begun(&self) -> bool {
        self.from.is_some()
    }

    /// Whether it holds the item at `place` while the cursor is as given.
    #[must_use]
    pub fn holds(&self, place: usize, cursor: Cursor) -> bool {
        self.from.is_some_and(|from| (from.min(cursor.at)..=from.max(cursor.at)).contains(&place))
    }

    /// Begins a range at the cursor or, when one was begun, ends it and gives its places.
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
        cursor.step(step, count, columns, 4);
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
    fn a_range_reaches_from_its_beginning_to_the_cursor_whichever_way() {
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
            let first = Cursor { at }.first_line(50, 3, 5);
            assert!((first..first + 5).contains(&(at / 3)), "{at} is not in 5 lines from {first}");
        }
        assert_eq!(Cursor { at: 2 }.first_line(3, 1, 10), 0);
    }
}
