//! The image list of a segment, `.list`: the ids of its images with the digests of their originals. Public.
//!
//! ```text
//! prefix 10 | segment id 16 | number of images 4 | images | slots in ascending order of the image ids, 2 each
//! image = id 16 | digest of the encrypted original 32 | extension 8, filled up with zeros
//! ```
//!
//! Must never: hold a name, a date or anything else from a photo.

use super::entries::SEGMENT_IMAGES;
use super::extension::Extension;
use super::fields::Bytes;
use super::hex::{Digest, Hex, Id};
use super::layout::Object;
use super::sealed::{Kind, PREFIX_BYTES};

const HEAD_BYTES: usize = PREFIX_BYTES + 16 + 4;
const EXTENSION_BYTES: usize = 8;
const IMAGE_BYTES: usize = 16 + 32 + EXTENSION_BYTES;
const SLOT_BYTES: usize = 2;

/// One image in an image list. Public.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedImage {
    /// Its random id.
    pub id: Id,
    /// The extension of the original.
    pub extension: Extension,
    /// BLAKE3 of the encrypted original.
    pub photo: Digest,
}

impl ListedImage {
    /// The file of the original.
    #[must_use]
    pub fn object(&self) -> Object {
        Object::Photo(self.id, self.extension.clone())
    }

    fn encode(&self) -> [u8; IMAGE_BYTES] {
        let mut bytes = [0; IMAGE_BYTES];
        bytes[..16].copy_from_slice(&self.id.0);
        bytes[16..48].copy_from_slice(&self.photo.0);
        let extension = self.extension.as_str().as_bytes();
        bytes[48..48 + extension.len()].copy_from_slice(extension);
        bytes
    }

    fn decode(bytes: &[u8; IMAGE_BYTES]) -> Option<Self> {
        let mut rest = Bytes(bytes);
        let (id, photo, extension) = (Hex(rest.array()?), Hex(rest.array()?), rest.rest());
        let end = extension.iter().position(|byte| *byte == 0).unwrap_or(EXTENSION_BYTES);
        let (extension, zeros) = extension.split_at(end);
        if zeros.iter().any(|byte| *byte != 0) {
            return None;
        }
        let extension = String::from_utf8(extension.to_vec()).ok()?.try_into().ok()?;
        Some(Self { id, extension, photo })
    }
}

/// Bytes of the list of a segment of `images` images.
#[must_use]
pub const fn file_bytes(images: usize) -> usize {
    HEAD_BYTES + images * (IMAGE_BYTES + SLOT_BYTES)
}

/// The list of a segment of up to 1,024 images, in slot order.
#[must_use]
pub fn encode(segment: Id, images: &[ListedImage]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(file_bytes(images.len()));
    bytes.extend(Kind::List.prefix());
    bytes.extend(segment.0);
    bytes.extend((images.len() as u32).to_le_bytes());
    bytes.extend(images.iter().flat_map(ListedImage::encode));
    let mut slots: Vec<usize> = (0..images.len()).collect();
    slots.sort_by_key(|slot| images[*slot].id);
    bytes.extend(slots.into_iter().flat_map(|slot| (slot as u16).to_le_bytes()));
    bytes
}

/// Reads an image list; `None` unless it lists `images` different images of this segment.
#[must_use]
pub fn decode(bytes: &[u8], segment: Id, images: usize) -> Option<Vec<ListedImage>> {
    let list = List::of(bytes)?;
    if list.segment != segment || list.images.len() != images {
        return None;
    }
    let mut last = None;
    for rank in 0..images {
        let id = list.id_of_rank(rank)?.1;
        if last.is_some_and(|last| last >= id) {
            return None;
        }
        last = Some(id);
    }
    list.images.iter().map(ListedImage::decode).collect()
}

/// The slot of an image, by binary search in the bytes of a list that was verified before. In other bytes it may miss
/// the image.
#[must_use]
pub fn find(bytes: &[u8], id: Id) -> Option<usize> {
    let list = List::of(bytes)?;
    let (mut low, mut high) = (0, list.images.len());
    while low < high {
        let middle = usize::midpoint(low, high);
        let (slot, found) = list.id_of_rank(middle)?;
        match found.cmp(&id.0) {
            std::cmp::Ordering::Less => low = middle + 1,
            std::cmp::Ordering::Equal => return Some(slot),
            std::cmp::Ordering::Greater => high = middle,
        }
    }
    None
}

/// The parts of a list whose length fits its number of images.
struct List<'a> {
    segment: Id,
    images: &'a [[u8; IMAGE_BYTES]],
    slots: &'a [[u8; SLOT_BYTES]],
}

impl<'a> List<'a> {
    fn of(bytes: &'a [u8]) -> Option<Self> {
        let mut rest = Bytes(bytes.strip_prefix(&Kind::List.prefix())?);
        let (segment, count) = (Hex(rest.array()?), rest.u32()? as usize);
        if count > SEGMENT_IMAGES || bytes.len() != file_bytes(count) {
            return None;
        }
        let (images, _) = rest.take(count * IMAGE_BYTES)?.as_chunks();
        let (slots, _) = rest.rest().as_chunks();
        Some(Self { segment, images, slots })
    }

    /// The slot of the image whose id comes after `rank` others, and that id.
    fn id_of_rank(&self, rank: usize) -> Option<(usize, &'a [u8; 16])> {
        let slot = usize::from(u16::from_le_bytes(*self.slots.get(rank)?));
        Some((slot, self.images.get(slot)?.first_chunk()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEGMENT: Id = Hex([9; 16]);

    fn images(count: usize) -> Vec<ListedImage> {
        let image = |number: usize| {
            let photo = Digest::of(&[&number.to_le_bytes()]);
            let extension = ["jpg", "a", "12345678"][number % 3].to_owned().try_into().unwrap();
            ListedImage { id: Hex(photo.0[..16].try_into().unwrap()), extension, photo }
        };
        (0..count).map(image).collect()
    }

    #[test]
    fn lists_come_back_and_every_image_is_found() {
        for count in [0, 1, 2, 3, 500, SEGMENT_IMAGES] {
            let images = images(count);
            let bytes = encode(SEGMENT, &images);
            assert_eq!(bytes.len(), file_bytes(count));
            assert_eq!(decode(&bytes, SEGMENT, count).as_ref(), Some(&images));
            for (slot, image) in images.iter().enumerate() {
                assert_eq!(find(&bytes, image.id), Some(slot));
                let mut other = image.id;
                other.0[15] ^= 1;
                assert_eq!(find(&bytes, other), None);
            }
            for edge in [Hex([0; 16]), Hex([0xFF; 16])] {
                assert_eq!(find(&bytes, edge), None);
            }
        }
        let more = encode(SEGMENT, &images(SEGMENT_IMAGES + 1));
        assert_eq!(decode(&more, SEGMENT, SEGMENT_IMAGES + 1), None);
    }

    #[test]
    fn a_list_is_laid_out_as_specified() {
        let mut images = images(2);
        images[0].id = Hex([2; 16]);
        images[1].id = Hex([1; 16]);
        let bytes = encode(SEGMENT, &images);
        assert_eq!(bytes.len(), 146);
        assert_eq!(bytes[..10], *b"CIPHLENS\x01\x0a");
        assert_eq!(bytes[10..30], [&[9; 16][..], &[2, 0, 0, 0]].concat());
        assert_eq!(bytes[78..86], *b"jpg\0\0\0\0\0");
        assert_eq!(bytes[142..], [1, 0, 0, 0]);
    }

    #[test]
    fn lists_that_are_not_canonical_are_refused() {
        let images = images(3);
        let bytes = encode(SEGMENT, &images);
        assert_eq!(decode(&bytes, Hex([8; 16]), 3), None, "of another segment");
        assert_eq!(decode(&bytes, SEGMENT, 2), None, "of more images");
        for length in 0..bytes.len() {
            assert_eq!(decode(&bytes[..length], SEGMENT, 3), None, "cut to {length}");
            assert_eq!(find(&bytes[..length], images[0].id), None, "cut to {length}");
        }
        let slots = bytes.len() - 6;
        let mut swapped = bytes.clone();
        swapped[slots..].rotate_left(2);
        assert_eq!(decode(&swapped, SEGMENT, 3), None, "slots out of order");
        let mut repeated = bytes.clone();
        repeated.copy_within(slots..slots + 2, slots + 2);
        assert_eq!(decode(&repeated, SEGMENT, 3), None, "a slot twice");
        let mut outside = bytes.clone();
        outside[slots + 3] = 0xFF;
        assert_eq!(decode(&outside, SEGMENT, 3), None, "a slot that does not exist");
        assert_eq!(find(&outside, images[0].id).filter(|slot| *slot > 2), None);
        let twice = [images[0].clone(), images[1].clone(), images[0].clone()];
        assert_eq!(decode(&encode(SEGMENT, &twice), SEGMENT, 3), None, "an id twice");
        for (at, byte) in [(80, b'/'), (80, b'J'), (85, 1), (78, 0)] {
            let mut changed = bytes.clone();
            changed[at] = byte;
            assert_eq!(decode(&changed, SEGMENT, 3), None, "an extension of other characters");
        }
    }

    #[test]
    fn accepted_lists_have_one_encoding() {
        let images = images(3);
        let bytes = encode(SEGMENT, &images);
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut changed = bytes.clone();
                changed[at] ^= 1 << bit;
                if let Some(read) = decode(&changed, SEGMENT, 3) {
                    assert_eq!(encode(SEGMENT, &read), changed);
                }
            }
        }
    }
}
