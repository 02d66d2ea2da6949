//! What the terminal was sent and may still hold, so that it can be taken back on lock, exit and panic.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::preview;
use crate::preview::tmux::Passage;

/// What the terminal was sent and may still hold, shared with the panic hook.
#[derive(Clone, Default)]
pub struct SentPictures(Arc<Mutex<Sent>>);

#[derive(Default)]
struct Sent {
    /// The numbers of the pictures that a kitty terminal holds.
    kitty_ids: Vec<u32>,
    /// tmux has passed on pixels since the screen was last erased.
    is_on_screen: bool,
    /// tmux has passed on pixels at all.
    has_passed_tmux: bool,
}

impl SentPictures {
    fn lock(&self) -> MutexGuard<'_, Sent> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The terminal was sent a picture, which a kitty terminal keeps under a number.
    pub fn add(&self, kitty_id: Option<u32>, passage: Passage) {
        let mut sent = self.lock();
        if let Some(id) = kitty_id.filter(|id| !sent.kitty_ids.contains(id)) {
            sent.kitty_ids.push(id);
        }
        if passage == Passage::Tmux {
            sent.is_on_screen = true;
            sent.has_passed_tmux = true;
        }
    }

    /// The terminal was told to forget these.
    pub(super) fn drop_kitty_ids(&self, dropped: &[u32]) {
        self.lock().kitty_ids.retain(|id| !dropped.contains(id));
    }

    /// Whether tmux has passed on pixels since this was asked last.
    pub(in crate::tui) fn take_on_screen(&self) -> bool {
        std::mem::take(&mut self.lock().is_on_screen)
    }

    /// Whether tmux has passed on pixels since [`Self::take_on_screen`].
    pub(in crate::tui) fn is_on_screen(&self) -> bool {
        self.lock().is_on_screen
    }

    /// Whether tmux has ever passed on pixels.
    pub(in crate::tui) fn has_passed_tmux(&self) -> bool {
        self.lock().has_passed_tmux
    }
}

/// What makes the terminal forget every picture it was sent; afterwards none is on record.
#[must_use]
pub fn take_back(sent: &SentPictures, is_tmux: bool) -> String {
    let ids = std::mem::take(&mut sent.lock().kitty_ids);
    preview::forget(&ids, is_tmux)
}
