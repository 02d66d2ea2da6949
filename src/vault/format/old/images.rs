//! The image list of a segment, `.json`: its images in slot order, with the digests of their files. Public.
//!
//! Must never: hold a name, a date or anything else from a photo.

use serde::{Deserialize, Serialize};

use super::extension::Extension;
use super::hex::{Digest, Id};
use super::layout::Object;

/// Most bytes of one image in a list.
pub const LISTED_IMAGE_BYTES: usize = 512;

/// One image in an image list. Public.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListedImage {
    /// Its random id.
    pub id: Id,
    /// The extension of the original.
    pub extension: Extension,
    /// BLAKE3 of the sealed original.
    pub photo: Digest,
    /// Its thumbnail, if it has one.
    pub thumbnail: Option<ListedThumbnail>,
}

/// A thumbnail in an image list. It has an id of its own, because a regenerated thumbnail is a new object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListedThumbnail {
    /// Its random id.
    pub id: Id,
    /// BLAKE3 of the sealed thumbnail.
    pub digest: Digest,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ImageList {
    segment: Id,
    images: Vec<ListedImage>,
}

impl ListedImage {
    /// The files of the image: the original, and the thumbnail if there is one.
    pub fn objects(&self) -> impl Iterator<Item = Object> + use<> {
        let thumbnail = self.thumbnail.as_ref().map(|thumbnail| Object::Thumbnail(thumbnail.id));
        std::iter::once(Object::Photo(self.id, self.extension.clone())).chain(thumbnail)
    }
}

/// The text of a segment's image list.
#[must_use]
pub fn encode(segment: Id, images: Vec<ListedImage>) -> Vec<u8> {
    let list = ImageList { segment, images };
    serde_json::to_vec_pretty(&list).expect("an image list has string keys and no failing serialiser")
}

/// Reads an image list; `None` unless it lists `images` images of this segment.
#[must_use]
pub fn decode(bytes: &[u8], segment: Id, images: usize) -> Option<Vec<ListedImage>> {
    let list: ImageList = serde_json::from_slice(bytes).ok()?;
    (list.segment == segment && list.images.len() == images).then_some(list.images)
}
