//! What tmux last reported about the program's pane, and whether that still holds.
//!
//! Must never: rely on an answer from before an event that may have moved panes.

use std::time::{Duration, Instant};

use super::preview::Permission;
use crate::preview::tmux::PaneView;

/// How long an answer is valid if nothing happens.
const VALIDITY: Duration = Duration::from_millis(100);
/// How often tmux is asked while pictures are on the screen: by default it does not announce that another pane became
/// active.
const INTERVAL: Duration = Duration::from_secs(1);

/// Whether pixels may lie outside the program's pane.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum StrayPixels {
    /// All pixels lie in the pane.
    None,
    /// The terminal has to be erased, and tmux has to repaint it.
    Possible,
    /// The terminal is being erased and repainted: pixels sent now would be painted over.
    Erasing,
}

/// What tmux last reported about the program's pane.
#[derive(Debug)]
pub(super) struct PaneWatch {
    /// Counts the events that may have moved panes. Its value when a request is sent is the request's number.
    changes: u64,
    /// The number of the request that is not answered yet.
    pending: Option<u64>,
    answered: Option<Instant>,
    /// No frame was drawn since the answer.
    is_fresh: bool,
    view: PaneView,
    pub(super) stray_pixels: StrayPixels,
    /// The terminal behind tmux that pictures are encoded for.
    pub(super) client: Option<String>,
    /// The terminal was not queried, because queries would not have reached it.
    pub(super) is_unasked: bool,
    /// Why half blocks are drawn. Shown with the first picture, when it matters.
    pub(super) advice: Option<&'static str>,
}

impl PaneWatch {
    pub(super) fn new() -> Self {
        Self {
            changes: 0,
            pending: None,
            answered: None,
            is_fresh: false,
            view: PaneView::default(),
            stray_pixels: StrayPixels::None,
            client: None,
            is_unasked: false,
            advice: None,
        }
    }

    /// Panes may have moved, or another one may have become active.
    pub(super) fn invalidate(&mut self) {
        self.changes += 1;
        self.answered = None;
        self.is_fresh = false;
    }

    /// The number of a request to send now; `None` while one is pending.
    pub(super) fn next_request(&mut self) -> Option<u64> {
        if self.pending.is_some() {
            return None;
        }
        self.pending = Some(self.changes);
        self.pending
    }

    /// Takes an answer, or its timeout. Returns the view before and now, or `None` when the answer is out of
    /// date and tmux has to be asked again.
    pub(super) fn receive(
        &mut self,
        number: u64,
        view: Option<PaneView>,
        now: Instant,
    ) -> Option<(PaneView, PaneView)> {
        self.pending = None;
        if number != self.changes {
            return None;
        }
        self.answered = Some(now);
        self.is_fresh = true;
        // A tmux that does not answer is treated as if another pane were active.
        let before = std::mem::replace(&mut self.view, view.unwrap_or_default());
        Some((before, self.view.clone()))
    }

    /// Whether pixels may be sent.
    pub(super) fn permission(&self, now: Instant) -> Permission {
        let holds = self.is_fresh || self.answered.is_some_and(|answered| now.duration_since(answered) < VALIDITY);
        let is_free = self.stray_pixels != StrayPixels::Erasing;
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

    /// Whether the last answer is old, or there is none.
    pub(super) fn is_stale(&self, now: Instant) -> bool {
        self.answered.is_none_or(|answered| now.duration_since(answered) >= INTERVAL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_front() -> PaneView {
        PaneView { is_in_front: true, is_visible: true, allows_passthrough: true, ..PaneView::default() }
    }

    #[test]
    fn an_answer_permits_one_frame_and_those_right_after_it() {
        let now = Instant::now();
        let mut watch = PaneWatch::new();
        assert_eq!(watch.permission(now), Permission::Missing);
        let number = watch.next_request().unwrap();
        assert_eq!(watch.next_request(), None, "one request at a time");
        assert!(watch.receive(number, Some(in_front()), now).is_some());
        let later = now + INTERVAL;
        assert_eq!(watch.permission(later), Permission::Granted { origin: (0, 0) }, "however late the frame comes");
        watch.frame_drawn();
        assert_eq!(watch.permission(now), Permission::Granted { origin: (0, 0) });
        assert_eq!(watch.permission(later), Permission::Missing);
        assert!(watch.is_stale(later) && !watch.is_stale(now));
    }

    #[test]
    fn an_answer_from_before_a_change_is_dropped() {
        let now = Instant::now();
        let mut watch = PaneWatch::new();
        let number = watch.next_request().unwrap();
        watch.invalidate();
        assert!(watch.receive(number, Some(in_front()), now).is_none());
        assert_eq!(watch.permission(now), Permission::Missing);
        let number = watch.next_request().unwrap();
        watch.receive(number, Some(in_front()), now).unwrap();
        watch.invalidate();
        assert_eq!(watch.permission(now), Permission::Missing);
    }

    #[test]
    fn a_tmux_that_does_not_answer_permits_nothing() {
        let now = Instant::now();
        let mut watch = PaneWatch::new();
        let number = watch.next_request().unwrap();
        let (_, view) = watch.receive(number, None, now).unwrap();
        assert!(!view.takes_pixels() && watch.permission(now) == Permission::Missing);
    }
}
