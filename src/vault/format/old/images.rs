//! The image list of a segment, `.json`: its images in slot order, with the digests of their files. Public.

use serde::Deserialize;

use super::super::extension::Extension;
use super::super::hex::{Digest, Id};
use super::super::list::ListedImage;

/// Most bytes of one image in a list.
pub const LISTED_IMAGE_BYTES: usize = 512;

/// One image, and its thumbnail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OldListedImage {
    /// The image.
    pub image: ListedImage,
    /// Its thumbnail, if it has one.
    pub thumbnail: Option<ListedThumbnail>,
}

/// A thumbnail in an image list: a file of its own.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListedThumbnail {
    /// Its random id.
    pub id: Id,
    /// BLAKE3 of the sealed thumbnail.
    pub digest: Digest,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    id: Id,
    extension: Extension,
    photo: Digest,
    thumbnail: Option<ListedThumbnail>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ImageList {
    segment: Id,
    images: Vec<Row>,
}

/// Reads an image list; `None` unless it lists `images` images of this segment.
#[must_use]
pub fn decode(bytes: &[u8], segment: Id, images: usize) -> Option<Vec<OldListedImage>> {
    let list: ImageList = serde_json::from_slice(bytes).ok()?;
    let listed = |row: Row| OldListedImage {
        image: ListedImage { id: row.id, extension: row.extension, photo: row.photo },
        thumbnail: row.thumbnail,
    };
    (list.segment == segment && list.images.len() == images).then(|| list.images.into_iter().map(listed).collect())
}
