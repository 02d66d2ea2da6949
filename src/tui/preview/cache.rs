//! The encoded pictures in memory, up to a number of bytes; the least recently used are evicted first.

use std::collections::HashMap;

use super::request::{PictureRequest, PictureResponse};
use crate::preview::protocols::StoredImage;

/// Bytes of encoded pictures kept in memory: some screens of thumbnails and large pictures.
const CAPACITY_BYTES: usize = 64 << 20;

/// Bytes that an entry takes besides its picture, or about that.
const ENTRY_BYTES: usize = 256;

struct Entry {
    response: PictureResponse,
    last_used: u64,
}

impl Entry {
    fn bytes(&self) -> usize {
        ENTRY_BYTES + self.response.result.as_ref().map_or_else(String::len, |picture| picture.bytes)
    }
}

/// Encoded pictures, or why there is none, by request.
#[derive(Default)]
pub(super) struct PictureCache {
    entries: HashMap<PictureRequest, Entry>,
    /// Bytes of all entries.
    bytes: usize,
    /// Counts uses.
    clock: u64,
}

impl PictureCache {
    /// The answer to a request, which becomes the most recently used.
    pub(super) fn get(&mut self, request: &PictureRequest) -> Option<&PictureResponse> {
        let entry = self.entries.get_mut(request)?;
        self.clock += 1;
        entry.last_used = self.clock;
        Some(&entry.response)
    }

    pub(super) fn contains(&self, request: &PictureRequest) -> bool {
        self.entries.contains_key(request)
    }

    /// Adds an answer and evicts what exceeds the capacity, but leaves `on_screen` pictures: evicting one of these
    /// would have it encoded again with every frame. Returns the images of the evicted pictures.
    #[must_use]
    pub(super) fn insert(&mut self, response: PictureResponse, on_screen: usize) -> Vec<StoredImage> {
        self.clock += 1;
        let entry = Entry { response, last_used: self.clock };
        self.bytes += entry.bytes();
        if let Some(former) = self.entries.insert(entry.response.request.clone(), entry) {
            self.bytes -= former.bytes();
        }
        let mut evicted = Vec::new();
        while self.bytes > CAPACITY_BYTES && self.entries.len() > on_screen.max(1) {
            let oldest = self.entries.values().min_by_key(|entry| entry.last_used);
            let Some(request) = oldest.map(|entry| entry.response.request.clone()) else { break };
            if let Some(entry) = self.entries.remove(&request) {
                self.bytes -= entry.bytes();
                evicted.extend(entry.response.result.ok().and_then(|picture| picture.stored));
            }
        }
        evicted
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Size;

    use super::*;
    use crate::preview::{Encoder, Graphics, Link, Picture};
    use crate::tui::preview::{Subject, View};

    /// A picture of 4 MiB, or what is taken for one.
    const BYTES: usize = 4 << 20;
    const FIT: usize = CAPACITY_BYTES / BYTES - 1;

    fn request(height: usize) -> PictureRequest {
        let cells = Size::new(4, height as u16);
        PictureRequest { subject: Subject::Test, view: View::default(), cells, generation: 0 }
    }

    fn drawn(height: usize) -> PictureResponse {
        let encoder = Encoder::new(Graphics::halfblocks(), Link::Local);
        let picture = encoder.encode(image::RgbImage::new(8, 8), (8, 8), Size::new(4, 4)).unwrap();
        PictureResponse { request: request(height), result: Ok(Picture { bytes: BYTES, ..picture }) }
    }

    #[test]
    fn only_a_bounded_number_of_bytes_is_kept() {
        let mut cache = PictureCache::default();
        for height in 0..2 * FIT {
            let _ = cache.insert(drawn(height), 0);
        }
        assert_eq!(cache.entries.len(), FIT);
        assert!(cache.bytes <= CAPACITY_BYTES);
        cache.clear();
        assert_eq!((cache.entries.len(), cache.bytes), (0, 0));
    }

    #[test]
    fn small_pictures_are_kept_however_many() {
        let mut cache = PictureCache::default();
        for height in 0..1000 {
            let _ = cache.insert(PictureResponse { request: request(height), result: Err(String::new()) }, 0);
        }
        assert_eq!(cache.entries.len(), 1000);
    }

    #[test]
    fn all_pictures_on_the_screen_are_kept_even_beyond_the_capacity() {
        let mut cache = PictureCache::default();
        for height in 0..2 * FIT {
            let _ = cache.insert(drawn(height), 2 * FIT);
        }
        assert_eq!(cache.entries.len(), 2 * FIT);
    }

    #[test]
    fn the_least_recently_used_picture_is_evicted_first() {
        let mut cache = PictureCache::default();
        for height in 0..FIT {
            let _ = cache.insert(drawn(height), 0);
        }
        assert!(cache.get(&request(0)).is_some());
        let _ = cache.insert(drawn(FIT), 0);
        assert!(cache.contains(&request(0)) && !cache.contains(&request(1)));
    }

    #[test]
    fn a_second_answer_replaces_the_first() {
        let mut cache = PictureCache::default();
        let _ = cache.insert(drawn(1), 0);
        let _ = cache.insert(drawn(1), 0);
        assert_eq!((cache.entries.len(), cache.bytes), (1, BYTES + ENTRY_BYTES));
    }
}
