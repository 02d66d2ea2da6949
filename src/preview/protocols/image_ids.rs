//! Ids for images that a terminal stores.

use std::sync::atomic::{AtomicU32, Ordering};

/// Hands out consecutive ids.
#[derive(Debug)]
pub struct ImageIds(AtomicU32);

impl Default for ImageIds {
    /// Starts at a random id, because other programs store images in the same terminal.
    fn default() -> Self {
        let mut seed = [0; 4];
        // Without entropy the ids start at a fixed number, which is good enough.
        let _ = getrandom::fill(&mut seed);
        Self(AtomicU32::new(u32::from_le_bytes(seed) & 0x7fff_ffff | 0x0100_0000))
    }
}

impl ImageIds {
    /// The next id.
    #[must_use]
    pub fn next(&self) -> u32 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}
