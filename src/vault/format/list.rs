//! The image list of a segment, `.list`: the ids of its images with the digests of their originals. Public.
//!
//! ```text
//! prefix 10 | segment id 16 | number of images 4 | number of companions 4 | images | companions
//!     | slots of the images in ascending order of their ids, 2 each
//! image, companion = id 16 | digest of the encrypted file 32 | extension 8, filled up with zeros
//! ```
//!
//! Must never: hold a name, a date or anything else from a photo.

use super::entries::SEGMENT_IMAGES;
use super::extension::Extension;
use super::fields::Bytes;
use super::hex::{Digest, Hex, Id};
use super::layout::Object;
use super::sealed::{Kind, PREFIX_BYTES};

const HEAD_BYTES: usize = PREFIX_BYTES + 16 + 4 + 4;
const IMAGE_BYTES: usize = 16 + 32 + Extension::LONGEST;
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
        Object::Photo(self.id, self.extension)
    }

    fn encode(&self) -> [u8; IMAGE_BYTES] {
        let mut bytes = [0; IMAGE_BYTES];
        bytes[..16].copy_from_slice(&self.id.0);
        bytes[16..48].copy_from_slice(&self.photo.0);
        bytes[48..].copy_from_slice(self.extension.filled());
        bytes
    }

    fn decode(bytes: &[u8; IMAGE_BYTES]) -> Option<Self> {
        let mut rest = Bytes(bytes);
        let (id, photo) = (Hex(rest.array()?), Hex(rest.array()?));
        let extension = Extension::of_filled(rest.array()?)?;
        Some(Self { id, extension, photo })
    }
}

/// Most companions of an image on average.
const MOST_COMPANIONS: usize = 16;

/// What a list says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageList {
    /// The images in slot order.
    pub images: Vec<ListedImage>,
    /// Files that belong to them, in ascending order of their ids, so that the list does not say to which.
    pub companions: Vec<ListedImage>,
}

/// Most bytes of the list of a segment of `images` images.
#[must_use]
pub const fn largest_bytes(images: usize) -> usize {
    file_bytes(images, images * MOST_COMPANIONS)
}

const fn file_bytes(images: usize, companions: usize) -> usize {
    HEAD_BYTES + images * (IMAGE_BYTES + SLOT_BYTES) + companions * IMAGE_BYTES
}

/// The list of a segment of up to 1,024 images. Sorts the companions.
#[must_use]
pub fn encode(segment: Id, list: &ImageList) -> Vec<u8> {
    let ImageList { images, companions } = list;
    let mut bytes = Vec::with_capacity(file_bytes(images.len(), companions.len()));
    bytes.extend(Kind::List.prefix());
    bytes.extend(segment.0);
    bytes.extend((images.len() as u32).to_le_bytes());
    bytes.extend((companions.len() as u32).to_le_bytes());
    bytes.extend(images.iter().flat_map(ListedImage::encode));
    let mut sorted: Vec<&ListedImage> = companions.iter().collect();
    sorted.sort_by_key(|companion| companion.id);
    bytes.extend(sorted.into_iter().flat_map(ListedImage::encode));
    let mut slots: Vec<usize> = (0..images.len()).collect();
    slots.sort_by_key(|slot| images[*slot].id);
    bytes.extend(slots.into_iter().flat_map(|slot| (slot as u16).to_le_bytes()));
    bytes
}

/// Reads an image list; `None` unless it lists `images` different images of this segment.
#[must_use]
pub fn decode(bytes: &[u8], segment: Id, images: usize) -> Option<ImageList> {
    let list = List::of(bytes)?;
    if list.segment != segment || list.images.len() != images {
        return None;
    }
    let ranked = (0..images).map(|rank| Some(list.id_of_rank(rank)?.1)).collect::<Option<Vec<_>>>()?;
    let companions = list.companions.iter().map(ListedImage::decode).collect::<Option<Vec<_>>>()?;
    if !ranked.is_sorted_by(|one, next| one < next) || !companions.is_sorted_by(|one, next| one.id < next.id) {
        return None;
    }
    if companions.iter().any(|companion| ranked.binary_search(&companion.id.0).is_ok()) {
        return None;
    }
    Some(ImageList { images: list.images.iter().map(ListedImage::decode).collect::<Option<_>>()?, companions })
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

/// The parts of a list whose length fits its numbers.
struct List<'a> {
    segment: Id,
    images: &'a [[u8; IMAGE_BYTES]],
    companions: &'a [[u8; IMAGE_BYTES]],
    slots: &'a [[u8; SLOT_BYTES]],
}

impl<'a> List<'a> {
    fn of(bytes: &'a [u8]) -> Option<Self> {
        let mut rest = Bytes(bytes.strip_prefix(&Kind::List.prefix())?);
        let (segment, count, companions) = (Hex(rest.array()?), rest.u32()? as usize, rest.u32()? as usize);
        let fits = count <= SEGMENT_IMAGES && companions <= count * MOST_COMPANIONS;
        if !fits || bytes.len() != file_bytes(count, companions) {
            return None;
        }
        let (rows, _) = rest.0.as_chunks();
        let (images, rows) = rows.split_at_checked(count)?;
        let companions = rows.get(..companions)?;
        let (slots, _) = rest.0.get(rest.0.len() - count * SLOT_BYTES..)?.as_chunks();
        Some(Self { segment, images, companions, slots })
    }

    /// The slot of the image whose id has this rank among all ids, and the id.
    fn id_of_rank(&self, rank: usize) -> Option<(usize, [u8; 16])> {
        let slot = usize::from(u16::from_le_bytes(*self.slots.get(rank)?));
        Some((slot, *self.images.get(slot)?.first_chunk()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(count: usize) -> Vec<ListedImage> {
        let image = |number: usize| ListedImage {
            id: Id::random().unwrap(),
            extension: Extension::try_from(["jpg", "heic", "abcdefgh"][number % 3]).unwrap(),
            photo: Digest::of(&[&number.to_le_bytes()]),
        };
        (0..count).map(image).collect()
    }

    fn list(images: usize, companions: usize) -> ImageList {
        let mut list = ImageList { images: listed(images), companions: listed(companions) };
        list.companions.sort_by_key(|companion| companion.id);
        list
    }

    #[test]
    fn lists_come_back_and_images_are_found() {
        let segment = Id::random().unwrap();
        for (images, companions) in [(1, 0), (2, 3), (513, 1), (1024, 40)] {
            let list = list(images, companions);
            let bytes = encode(segment, &list);
            assert_eq!(bytes.len(), file_bytes(images, companions));
            assert!(bytes.len() <= largest_bytes(images));
            assert_eq!(decode(&bytes, segment, images).as_ref(), Some(&list));
            for (slot, image) in list.images.iter().enumerate() {
                assert_eq!(find(&bytes, image.id), Some(slot));
            }
            assert_eq!(find(&bytes, Id::random().unwrap()), None);
            assert!(decode(&bytes, Id::random().unwrap(), images).is_none(), "of another segment");
            assert!(decode(&bytes, segment, images + 1).is_none(), "of another length");
        }
    }

    #[test]
    fn no_other_bytes_are_a_list() {
        let (segment, list) = (Id::random().unwrap(), list(3, 2));
        let bytes = encode(segment, &list);
        for length in 0..bytes.len() {
            assert!(decode(&bytes[..length], segment, 3).is_none(), "length {length}");
        }
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            // An id, a digest or a letter of an extension may have another value; the encoding stays the only one.
            if let Some(list) = decode(&changed, segment, 3) {
                assert_eq!(encode(segment, &list), changed, "byte {at}");
            }
        }
        let refused = |change: fn(&mut ImageList)| {
            let mut changed = list.clone();
            change(&mut changed);
            decode(&encode(segment, &changed), segment, 3).is_none()
        };
        assert!(refused(|list| list.images[1].id = list.images[0].id), "two images with one id");
        assert!(refused(|list| list.companions[1].id = list.companions[0].id), "two companions with one id");
        assert!(refused(|list| list.companions[1].id = list.images[2].id), "a companion with the id of an image");
        assert!(refused(|list| list.companions = vec![list.companions[0].clone(); 49]), "too many companions");
    }
}
