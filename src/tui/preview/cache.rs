//! The encoded pictures in memory: few, and the least recently used are evicted first.

use super::request::{PictureRequest, PictureResponse};
use crate::preview::protocols::StoredImage;

/// Pictures kept in memory: a screen of thumbnails and a few large ones.
const CAPACITY: usize = 96;

/// Encoded pictures, or why there is none, by request.
#[derive(Default)]
pub(super) struct PictureCache {
    /// Least recently used first.
    entries: Vec<PictureResponse>,
}

impl PictureCache {
    /// The answer to a request, which becomes the most recently used.
    pub(super) fn get(&mut self, request: &PictureRequest) -> Option<&PictureResponse> {
        let at = self.entries.iter().position(|entry| entry.request == *request)?;
        self.entries[at..].rotate_left(1);
        self.entries.last()
    }

    pub(super) fn contains(&self, request: &PictureRequest) -> bool {
        self.entries.iter().any(|entry| entry.request == *request)
    }

    /// Adds an answer and evicts what exceeds the capacity, or `on_screen` pictures if these are more: evicting one of
    /// these would have it encoded again with every frame. Returns the images of the evicted pictures.
    #[must_use]
    pub(super) fn insert(&mut self, response: PictureResponse, on_screen: usize) -> Vec<StoredImage> {
        self.entries.push(response);
        let excess = self.entries.len().saturating_sub(CAPACITY.max(on_screen));
        self.entries.drain(..excess).filter_map(|entry| entry.result.ok()?.stored).collect()
    }

    pub(super) fn clear(&mut self) {
        self.entries.clear();
    }
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Size;

    use super::*;
    use crate::tui::preview::Subject;

    fn failed(height: u16) -> PictureResponse {
        let request = PictureRequest { subject: Subject::Test, cells: Size::new(4, height), generation: 0 };
        PictureResponse { request, result: Err(String::new()) }
    }

    #[test]
    fn only_a_bounded_number_of_pictures_is_kept() {
        let mut cache = PictureCache::default();
        for height in 1..=CAPACITY as u16 + 10 {
            let _ = cache.insert(failed(height), 0);
        }
        assert_eq!(cache.entries.len(), CAPACITY);
    }

    #[test]
    fn all_pictures_on_the_screen_are_kept_even_beyond_the_capacity() {
        let mut cache = PictureCache::default();
        for height in 1..=2 * CAPACITY as u16 {
            let _ = cache.insert(failed(height), 2 * CAPACITY);
        }
        assert_eq!(cache.entries.len(), 2 * CAPACITY);
    }

    #[test]
    fn the_least_recently_used_picture_is_evicted_first() {
        let mut cache = PictureCache::default();
        for height in 1..=CAPACITY as u16 {
            let _ = cache.insert(failed(height), 0);
        }
        assert!(cache.get(&failed(1).request).is_some());
        let _ = cache.insert(failed(0), 0);
        assert!(cache.contains(&failed(1).request) && !cache.contains(&failed(2).request));
    }
}
