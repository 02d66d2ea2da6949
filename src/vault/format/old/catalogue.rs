//! The catalogue of a segment, `.catalogue`: names, dates and sizes of its photos, sealed as one file.
//!
//! Must never: be written or logged in the clear.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::entries::SEGMENT_IMAGES;
use super::hex::{Digest, Id};
use crate::vault::error::Error;

/// Most bytes of an original name.
pub const LONGEST_NAME_BYTES: usize = 4096;
const LONGEST_DATE_BYTES: usize = 64;

/// Most bytes of a plaintext catalogue: JSON may escape one byte of a name as six.
pub const LARGEST_BYTES: usize = SEGMENT_IMAGES * (6 * (LONGEST_NAME_BYTES + 64) + 512);

/// What is known about one photo. No `Debug`: names must not be logged.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PhotoMetadata {
    /// The original file name.
    pub name: String,
    /// Bytes of the original.
    pub bytes: u64,
    /// When the original was last modified, seconds since 1970.
    pub modified: Option<i64>,
    /// When the photo was taken, from its EXIF data.
    pub captured: Option<String>,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
}

impl PhotoMetadata {
    /// Refuses text that does not fit into a catalogue.
    ///
    /// # Errors
    /// [`Error::TooLong`].
    pub fn check(&self) -> Result<(), Error> {
        let date_bytes = self.captured.as_ref().map_or(0, String::len);
        for (what, actual, limit) in
            [("a file name", self.name.len(), LONGEST_NAME_BYTES), ("a capture date", date_bytes, LONGEST_DATE_BYTES)]
        {
            if actual > limit {
                return Err(Error::TooLong { what, actual, limit });
            }
        }
        Ok(())
    }
}

/// One line of a catalogue, in slot order.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CatalogueEntry {
    /// The image, so that a lost image list can be rebuilt.
    pub id: Id,
    /// The keyed hash of the original, by which a second copy is recognised.
    pub content: Digest,
    /// What a listing shows.
    pub details: PhotoMetadata,
}

/// The plaintext of a catalogue.
#[must_use]
pub fn encode(entries: &[CatalogueEntry]) -> Zeroizing<Vec<u8>> {
    // Reserve enough in most cases: a vector that grows leaves unwiped copies behind.
    let names: usize = entries.iter().map(|entry| 2 * entry.details.name.len() + 384).sum();
    let mut text = Zeroizing::new(Vec::with_capacity(names));
    serde_json::to_writer(&mut *text, entries).expect("writing to memory does not fail");
    text
}

/// Reads what [`encode`] wrote; `None` for anything else.
#[must_use]
pub fn decode(text: &[u8]) -> Option<Vec<CatalogueEntry>> {
    let entries: Vec<CatalogueEntry> = serde_json::from_slice(text).ok()?;
    entries.iter().all(|entry| entry.details.check().is_ok()).then_some(entries)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::format::hex::Hex;

    #[test]
    fn entries_come_back_with_every_name() {
        let entry = |name: &str| CatalogueEntry {
            id: Hex([1; 16]),
            content: Hex([2; 32]),
            details: PhotoMetadata {
                name: name.into(),
                bytes: 3,
                modified: Some(-4),
                captured: None,
                width: 5,
                height: 6,
            },
        };
        let entries = ["a.jpg", "\u{1b}]52;c;x\u{7}", "\"quoted\"\n", "caf\u{e9}"].map(entry);
        assert!(decode(&encode(&entries)).is_some_and(|read| read == entries));
        assert!(decode(b"[{}]").is_none());
        let endless = entry(&"x".repeat(LONGEST_NAME_BYTES + 1));
        assert!(matches!(endless.details.check(), Err(Error::TooLong { actual: 4097, limit: 4096, .. })));
        assert!(decode(&encode(&[endless])).is_none());
    }
}
