//! What the terminal was sent and may still hold, so that it can be deleted on lock, exit and panic.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::preview::protocols::{self, StoredImage};
use crate::preview::tmux::Multiplexer;

/// What the terminal was sent and may still hold. Clones share one record, so that the panic hook can have its own.
#[derive(Clone, Default)]
pub struct SentPictures(Arc<Mutex<Record>>);

#[derive(Default)]
struct Record {
    /// Images that the terminal stores.
    stored: Vec<StoredImage>,
    /// tmux has passed pixels on since the screen was last erased.
    is_on_screen: bool,
    /// tmux has ever passed pixels on.
    has_passed_tmux: bool,
}

impl SentPictures {
    fn lock(&self) -> MutexGuard<'_, Record> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records a picture in pixels, and the image that the terminal stores for it.
    pub fn add(&self, image: Option<StoredImage>, multiplexer: Multiplexer) {
        let mut record = self.lock();
        if let Some(image) = image.filter(|image| !record.stored.contains(image)) {
            record.stored.push(image);
        }
        if multiplexer == Multiplexer::Tmux {
            record.is_on_screen = true;
            record.has_passed_tmux = true;
        }
    }

    /// Takes images off the record. Returns the sequence that deletes them from the terminal.
    #[must_use]
    pub(super) fn delete(&self, images: &[StoredImage], multiplexer: Multiplexer) -> String {
        self.lock().stored.retain(|image| !images.contains(image));
        protocols::delete(images, multiplexer)
    }

    /// Takes all images off the record. Returns the sequence that deletes them from the terminal.
    #[must_use]
    pub fn delete_all(&self, multiplexer: Multiplexer) -> String {
        let images = std::mem::take(&mut self.lock().stored);
        protocols::delete(&images, multiplexer)
    }

    /// Whether tmux has passed pixels on since the last call.
    pub(in crate::tui) fn take_on_screen(&self) -> bool {
        std::mem::take(&mut self.lock().is_on_screen)
    }

    /// Whether tmux has passed pixels on since [`Self::take_on_screen`].
    pub(in crate::tui) fn is_on_screen(&self) -> bool {
        self.lock().is_on_screen
    }

    /// Whether tmux has ever passed pixels on.
    pub(in crate::tui) fn has_passed_tmux(&self) -> bool {
        self.lock().has_passed_tmux
    }
}
