//! A photo of a vault as its record describes it.

use crate::services::format::utc_instant;
pub use crate::vault::Id as PhotoId;
use crate::vault::{Found, Pixels, Record, Source};

/// A photo in a vault, as its record describes it. Has no `Debug`: names do not belong in logs.
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
    /// Every place where it was found, the first one first.
    pub places: Vec<Place>,
    /// The media type of the original, as `image/jpeg`, if it is known.
    pub media_type: Option<String>,
}

/// A place where a photo was found.
#[derive(Clone, Eq, PartialEq)]
pub struct Place {
    /// The path of the folder that was added, as the system had it then; `None` for a photo that was added by itself.
    pub source: Option<Vec<u8>>,
    /// The path below it, as the system has it.
    pub path: Vec<u8>,
    /// When the file was last changed: seconds since 1970, and nanoseconds.
    pub modified: Option<(i64, u32)>,
}

impl Place {
    fn new(found: &Found, sources: &[Source]) -> Self {
        let source = sources.iter().find(|source| source.id == found.source);
        Self {
            source: source.map(|source| source.root.clone()),
            path: found.path.clone(),
            modified: found.modified.map(|modified| (modified.seconds, modified.nanoseconds)),
        }
    }
}

impl StoredPhoto {
    pub(super) fn new(record: &Record, sources: &[Source]) -> Self {
        let Pixels { width, height } = record.pixels.unwrap_or(Pixels { width: 0, height: 0 });
        let first = record.found().first();
        Self {
            id: record.id,
            name: record.name().into_owned(),
            bytes: record.bytes,
            width,
            height,
            modified: first.and_then(|found| Some(found.modified?.seconds)),
            captured: record.captured.as_ref().map(|captured| captured.time.as_str().to_owned()),
            places: record.found().iter().map(|found| Place::new(found, sources)).collect(),
            media_type: record.media_type.clone(),
        }
    }

    /// The folder in which it was found first: the last name of the folder that was added, and the folders below it.
    /// `None` for a photo that was added by itself. It may hold anything and must be made inert before it is shown.
    #[must_use]
    pub fn folder(&self) -> Option<String> {
        let Place { source, path, .. } = self.places.first()?;
        let root = String::from_utf8_lossy(source.as_ref()?).into_owned();
        let name = root.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        let path = String::from_utf8_lossy(path);
        Some(match path.rsplit_once('/') {
            Some((folders, _)) => format!("{name}/{folders}"),
            None => name.to_owned(),
        })
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
