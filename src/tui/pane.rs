//! What tmux said of the own pane, and whether it still holds.
//!
//! Must never: take an answer for true that was given before something happened that may have moved panes.

use std::time::{Duration, Instant};

use super::preview::Permission;
use crate::preview::tmux::View;

/// How long an answer holds when nothing happens.
const HOLDS: Duration = Duration::from_millis(100);
/// How often tmux is asked while pictures are on the screen: by default it does not tell that another pane became
/// active.
const INTERVAL: Duration = Duration::from_secs(1);

/// Where the terminal stands whose pixels may lie where they should not.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Screen {
    /// All of them lie in the own pane.
    Clean,
    /// It must be erased, and tmux must paint it again.
    Stained,
    /// It is being erased and painted: pixels sent now would be painted over.
    Erasing,
}

/// What tmux said of the own pane.
#[derive(Debug)]
pub(super) struct PaneWatch {
    /// Counts what may have moved panes.
    changes: u64,
    /// The count when the question was asked that is not answered yet.
    asked: Option<u64>,
    answered: Option<Instant>,
    /// No frame was drawn since the answer.
    is_fresh: bool,
    view: View,
    pub(super) screen: Screen,
    /// The terminal behind tmux that pictures are made for.
    pub(super) client: Option<String>,
    /// The terminal was not asked what it draws, because pixels would not have come through.
    pub(super) is_unasked: bool,
    /// Why half blocks are drawn, to be told when the first are: on the screens before, nobody would see it.
    pub(super) advice: Option<&'static str>,
}

impl PaneWatch {
    pub(super) fn new() -> Self {
        Self {
            changes: 0,
            asked: None,
            answered: None,
            is_fresh: false,
            view: View::default(),
            screen: Screen::Clean,
            client: None,
            is_unasked: false,
            advice: None,
        }
    }

    /// Panes may have moved, or another may have become active.
    pub(super) fn changed(&mut self) {
        self.changes += 1;
        self.answered = None;
        self.is_fresh = false;
    }

    /// The number of a question to ask now; `None` while one is not answered yet.
    pub(super) fn question(&mut self) -> Option<u64> {
        if self.asked.is_some() {
            return None;
        }
        self.asked = Some(self.changes);
        self.asked
    }

    /// tmux answered a question, or was waited for long enough. Returns the view before and now, or `None` when the
    /// answer is out of date and it must be asked again.
    pub(super) fn hear(&mut self, number: u64, view: Option<View>, now: Instant) -> Option<(View, View)> {
        self.asked = None;
        if number != self.changes {
            return None;
        }
        self.answered = Some(now);
        self.is_fresh = true;
        // A tmux that does not answer is taken for one that shows another pane.
        let before = std::mem::replace(&mut self.view, view.unwrap_or_default());
        Some((before, self.view.clone()))
    }

    /// Whether pixels may be sent.
    pub(super) fn permission(&self, now: Instant) -> Permission {
        let holds = self.is_fresh || self.answered.is_some_and(|answered| now.duration_since(answered) < HOLDS);
        let is_free = self.screen != Screen::Erasing;
        if holds && is_free && self.view.takes_pixels() {
            Permission::Granted { origin: self.view.origin }
        } else {
            Permission::Missing
        }
    }

    /// A frame was drawn.
    pub(super) fn frame_drawn(&mut self) {
        self.is_fresh = false;
    }

    /// Whether the last answer is old, or never came.
    pub(super) fn is_old(&self, now: Instant) -> bool {
        self.answered.is_none_or(|answered| now.duration_since(answered) >= INTERVAL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_front() -> View {
        View { is_in_front: true, is_visible: true, passes: true, ..View::default() }
    }

    #[test]
    fn an_answer_permits_one_frame_and_what_follows_at_once() {
        let now = Instant::now();
        let mut watch = PaneWatch::new();
        assert_eq!(watch.permission(now), Permission::Missing);
        let number = watch.question().unwrap();
        assert_eq!(watch.question(), None, "one question at a time");
        assert!(watch.hear(number, Some(in_front()), now).is_some());
        let later = now + INTERVAL;
        assert_eq!(watch.permission(later), Permission::Granted { origin: (0, 0) }, "however late the frame comes");
        watch.frame_drawn();
        assert_eq!(watch.permission(now), Permission::Granted { origin: (0, 0) });
        assert_eq!(watch.permission(later), Permission::Missing);
        assert!(watch.is_old(later) && !watch.is_old(now));
    }

    #[test]
    fn an_answer_from_before_a_change_is_worth_nothing() {
        let now = Instant::now();
        let mut watch = PaneWatch::new();
        let number = watch.question().unwrap();
        watch.changed();
        assert!(watch.hear(number, Some(in_front()), now).is_none());
        assert_eq!(watch.permission(now), Permission::Missing);
        let number = watch.question().unwrap();
        watch.hear(number, Some(in_front()), now).unwrap();
        watch.changed();
        assert_eq!(watch.permission(now), Permission::Missing);
    }

    #[test]
    fn a_tmux_that_does_not_answer_permits_nothing() {
        let now = Instant::now();
        let mut watch = PaneWatch::new();
        let number = watch.question().unwrap();
        let (_, view) = watch.hear(number, None, now).unwrap();
        assert!(!view.takes_pixels() && watch.permission(now) == Permission::Missing);
    }
}
