//! A photo of a vault as its catalogue describes it.

use crate::services::format::utc_instant;
pub use crate::vault::Id as PhotoId;
use crate::vault::PhotoMetadata;

/// A photo in a vault, as its catalogue describes it. Has no `Debug`: names do not belong in logs.
#[derive(Clone, Eq, PartialEq)]
pub struct StoredPhoto {
    /// Its random id in the vault.
    pub id: PhotoId,
    /// The original file name; may hold anything and must be made inert before it is shown.
    pub name: String,
    /// Bytes of the original.
    pub bytes: u64,
    /// Pixels, upright.
    pub width: u32,
    /// Pixels, upright.
    pub height: u32,
    /// When the file was last changed, in seconds since 1970.
    pub modified: Option<i64>,
    /// When it was taken, as its EXIF block says: `YYYY-MM-DDThh:mm:ss`, perhaps with an offset.
    pub captured: Option<String>,
}

impl StoredPhoto {
    pub(super) fn new(id: PhotoId, details: &PhotoMetadata) -> Self {
        let PhotoMetadata { name, bytes, modified, captured, width, height } = details.clone();
        Self { id, name, bytes, width, height, modified, captured }
    }

    /// When it was taken or, if that is unknown, when its file was last changed: `YYYY-MM-DDThh:mm:ss...`.
    #[must_use]
    pub fn date(&self) -> Option<String> {
        self.captured.clone().or_else(|| utc_instant(self.modified?))
    }

    /// [`Self::date`] to the minute: `YYYY-MM-DD hh:mm`. It comes from the photo and must be made inert before it is
    /// shown.
    #[must_use]
    pub fn minute(&self) -> Option<String> {
        Some(self.date()?.chars().take("2000-01-01T00:00".len()).collect::<String>().replace('T', " "))
    }

    /// The day of [`Self::date`]: `YYYY-MM-DD`.
    #[must_use]
    pub fn day(&self) -> Option<String> {
        Some(self.date()?.get(..10)?.to_owned())
    }
}
