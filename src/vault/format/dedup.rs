//! The deduplication index of a group, `.tags`: the keyed hashes that identify its photos, in pages that are sealed one
//! by one.
//!
//! ```text
//! file  = page 0 | page 1 | ...         each sealed as an object of its own (see `sealed`), numbered
//! page  = up to 64 times: tag 32 | image id 16 | number of its segment in the group 4, little-endian
//! ```
//!
//! Formats 1 and 2 have one more page at the end: a copy of the group's list.
//!
//! Entries are in ascending order. Keyed hashes are uniformly distributed, so an interpolation search opens only a page
//! or two, however large the group. Each page is authenticated by its own seal, which covers the group's id and the
//! page's number. The digest of the whole file is for replicas and checks.
//!
//! Must never: accept one page in place of another.

use std::ops::Range;
use std::sync::OnceLock;

use rayon::prelude::*;
use zeroize::Zeroizing;

use super::entries::GroupEntry;
use super::hex::{Digest, Hex, Id};
use super::layout::Object;
use super::sealed;
use super::sealed::{SealedObject, VaultKeys};
use crate::vault::error::Error;

const TAG_BYTES: usize = 32 + 16 + 4;
const PAGE_TAGS: usize = 64;

/// A photo of a group, in ascending order of content.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DedupEntry {
    /// The keyed hash of its content.
    pub content: Digest,
    /// Which image has it.
    pub id: Id,
    /// The number of its segment in the group.
    pub segment: u32,
}

impl DedupEntry {
    fn encode(&self) -> [u8; TAG_BYTES] {
        let mut bytes = [0; TAG_BYTES];
        bytes[..32].copy_from_slice(&self.content.0);
        bytes[32..48].copy_from_slice(&self.id.0);
        bytes[48..].copy_from_slice(&self.segment.to_le_bytes());
        bytes
    }

    fn decode(bytes: &[u8; TAG_BYTES]) -> Self {
        let (content, rest) = bytes.split_first_chunk().expect("a tag begins with 32 bytes of hash");
        let (id, segment) = rest.split_first_chunk().expect("then come 16 bytes of id");
        let segment = u32::from_le_bytes(segment.try_into().expect("and 4 bytes of number"));
        Self { content: Hex(*content), id: Hex(*id), segment }
    }
}

/// The tags file of group `id`, which must be new: a page of an earlier file would open in this one. `tags` must be in
/// ascending order and not empty.
pub fn seal(keys: &VaultKeys, id: Id, tags: &[DedupEntry]) -> Result<Vec<u8>, Error> {
    let page = |(number, tags): (usize, &[DedupEntry])| {
        let plaintext = Zeroizing::new(tags.iter().flat_map(DedupEntry::encode).collect::<Vec<u8>>());
        Ok::<_, Error>(keys.seal(&SealedObject::Tags(id, number as u32), &plaintext)?.parts().concat())
    };
    let pages: Vec<Vec<u8>> = tags.par_chunks(PAGE_TAGS).enumerate().map(page).collect::<Result<_, _>>()?;
    Ok(pages.concat())
}

/// Bytes of the pages of a group of `images` images, at least 1.
#[must_use]
pub fn pages_bytes(images: usize) -> usize {
    range(images, pages(images) - 1).end
}

fn pages(images: usize) -> usize {
    images.div_ceil(PAGE_TAGS)
}

/// The byte range of a page in the file of a group of `images` images.
fn range(images: usize, page: usize) -> Range<usize> {
    let start = page * sealed::file_bytes(PAGE_TAGS * TAG_BYTES);
    let tags = (images - page * PAGE_TAGS).min(PAGE_TAGS);
    start..start + sealed::file_bytes(tags * TAG_BYTES)
}

/// The pages that searches of a tags file have opened. Opening one costs far more than searching it, and a writer that
/// adds many photos asks each page many times. They take 52 bytes a photo of memory, as long as the group is used.
pub struct OpenedPages(Vec<OnceLock<Box<[DedupEntry]>>>);

impl OpenedPages {
    /// None yet, of a group of `images` images.
    #[must_use]
    pub fn new(images: usize) -> Self {
        Self((0..pages(images)).map(|_| OnceLock::new()).collect())
    }
}

/// The tags file of a group, which need not be verified.
pub struct DedupFile<'a> {
    /// The vault's keys.
    pub keys: &'a VaultKeys,
    /// What the mapping says about the group.
    pub group: &'a GroupEntry,
    /// The file's name, for errors.
    pub object: &'a Object,
    /// The file.
    pub bytes: &'a [u8],
    /// Its pages opened so far.
    pub opened: &'a OpenedPages,
}

impl DedupFile<'_> {
    /// The image with this content.
    ///
    /// # Errors
    /// When a page that it could be on is damaged.
    pub fn find(&self, content: &Digest) -> Result<Option<Id>, Error> {
        let (mut low, mut high) = (0, pages(self.group.images));
        // The expected position if tags are uniformly distributed.
        let (leading, _) = content.0.split_first_chunk().expect("a tag has more than 8 bytes");
        let expected = (u128::from(u64::from_be_bytes(*leading)) * high as u128) >> 64;
        while low < high {
            let number = (expected as usize).clamp(low, high - 1);
            let page = self.opened_page(number)?;
            match page.binary_search_by(|tag| tag.content.0.cmp(&content.0)) {
                Ok(at) => return Ok(Some(page[at].id)),
                Err(0) => high = number,
                Err(at) if at == page.len() => low = number + 1,
                Err(_) => return Ok(None),
            }
        }
        Ok(None)
    }

    /// All tags in ascending order.
    ///
    /// # Errors
    /// When a page is damaged.
    pub fn all(&self) -> Result<Vec<DedupEntry>, Error> {
        let pages: Vec<_> =
            (0..pages(self.group.images)).into_par_iter().map(|page| self.page(page)).collect::<Result<_, _>>()?;
        Ok(pages.concat())
    }

    /// The copy of the group's list that formats 1 and 2 have here.
    ///
    /// # Errors
    /// When the last page is damaged.
    pub fn old_list(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        let last = pages(self.group.images);
        let rest = self.bytes.get(range(self.group.images, last - 1).end..).unwrap_or_default();
        self.open(last, rest)
    }

    fn opened_page(&self, number: usize) -> Result<&[DedupEntry], Error> {
        let opened = &self.opened.0[number];
        match opened.get() {
            Some(page) => Ok(page),
            None => self.page(number).map(|page| &**opened.get_or_init(|| page.into())),
        }
    }

    fn page(&self, number: usize) -> Result<Vec<DedupEntry>, Error> {
        let place = range(self.group.images, number);
        let tags = (self.group.images - number * PAGE_TAGS).min(PAGE_TAGS);
        let opened = self.open(number, self.bytes.get(place).unwrap_or_default())?;
        match opened.as_chunks() {
            (decoded, []) if decoded.len() == tags => Ok(decoded.iter().map(DedupEntry::decode).collect()),
            _ => Err(Error::Damaged { object: self.object.clone(), what: "a page does not hold the group's images" }),
        }
    }

    fn open(&self, page: usize, bytes: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        // Copy first: a mapped file may change between verifying and opening.
        let bytes = bytes.to_vec();
        self.keys
            .open(&SealedObject::Tags(self.group.id, page as u32), &bytes)
            .map_err(|error| error.about(self.object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cipher::MasterKey;
    use crate::vault::format::layout::GroupPart;

    fn keys() -> VaultKeys {
        VaultKeys::new(Id::random().unwrap(), MasterKey::generate().unwrap())
    }

    fn tags(images: usize) -> Vec<DedupEntry> {
        let tag = |number: usize| {
            let content = Digest::of(&[&number.to_le_bytes()]);
            DedupEntry { content, id: Hex(content.0[16..].try_into().unwrap()), segment: number as u32 }
        };
        let mut tags: Vec<_> = (0..images).map(tag).collect();
        tags.sort_by_key(|tag| tag.content.0);
        tags
    }

    fn object() -> Object {
        Object::Group(Hex([7; 16]), GroupPart::Tags)
    }

    fn group(images: usize) -> GroupEntry {
        let unused = Digest::of(&[]);
        GroupEntry {
            id: Id::random().unwrap(),
            segments: 1,
            images,
            list: unused,
            copy: unused,
            tags: unused,
            checks: Vec::new(),
        }
    }

    #[test]
    fn every_content_of_the_group_is_found_and_no_other() {
        let keys = keys();
        for images in [1, 63, 64, 65, 128, 1000] {
            let (group, tags) = (group(images), tags(images));
            let bytes = seal(&keys, group.id, &tags).unwrap();
            assert_eq!(bytes.len(), pages_bytes(images));
            let opened = OpenedPages::new(images);
            let file = DedupFile { keys: &keys, group: &group, object: &object(), bytes: &bytes, opened: &opened };
            for tag in &tags {
                assert_eq!(file.find(&tag.content).unwrap(), Some(tag.id), "of {images}");
            }
            let edges = [Hex([0; 32]), Hex([0xFF; 32])];
            for content in (images..images + 200).map(|number| Digest::of(&[&number.to_le_bytes()])).chain(edges) {
                assert_eq!(file.find(&content).unwrap(), None, "of {images}");
            }
            assert_eq!(file.all().unwrap(), tags);
        }
    }

    #[test]
    fn contents_are_found_in_a_skewed_distribution() {
        let keys = keys();
        let mut tags = tags(700);
        for tag in &mut tags {
            tag.content.0[..8].fill(0xFE);
        }
        tags.sort_by_key(|tag| tag.content.0);
        let group = group(700);
        let bytes = seal(&keys, group.id, &tags).unwrap();
        let opened = OpenedPages::new(700);
        let file = DedupFile { keys: &keys, group: &group, object: &object(), bytes: &bytes, opened: &opened };
        assert!(tags.iter().all(|tag| file.find(&tag.content).unwrap() == Some(tag.id)));
    }

    #[test]
    fn a_page_is_opened_once_and_a_damaged_one_is_never_kept() {
        let keys = keys();
        let (group, tags) = (group(128), tags(128));
        let bytes = seal(&keys, group.id, &tags).unwrap();
        let mut damaged = bytes.clone();
        damaged[range(128, 0).end - 1] ^= 1;
        let (object, opened) = (object(), OpenedPages::new(128));
        let find = |bytes: &[u8], tag: &DedupEntry| {
            DedupFile { keys: &keys, group: &group, object: &object, bytes, opened: &opened }.find(&tag.content)
        };
        let first = &tags[0];
        assert!(matches!(find(&damaged, first), Err(Error::Damaged { .. })));
        assert_eq!(find(&bytes, first).unwrap(), Some(first.id));
        assert_eq!(find(&damaged, first).unwrap(), Some(first.id), "of the page opened before");
    }

    #[test]
    fn a_page_does_not_open_in_place_of_another() {
        let keys = keys();
        let (one, another) = (group(128), group(128));
        let bytes = [&one, &another].map(|group| seal(&keys, group.id, &tags(128)).unwrap());
        let page = range(128, 0).end;
        let refused = |bytes: &[u8]| {
            let opened = OpenedPages::new(128);
            let file = DedupFile { keys: &keys, group: &one, object: &object(), bytes, opened: &opened };
            assert!(matches!(file.all(), Err(Error::Damaged { object: named, .. }) if named == object()));
        };
        refused(&[&bytes[0][page..], &bytes[0][..page]].concat());
        refused(&[&bytes[1][..page], &bytes[0][page..]].concat());
        refused(&bytes[0][..2 * page - 1]);
        refused(&bytes[1]);
        let shorter = GroupEntry { images: 127, ..one.clone() };
        let opened = OpenedPages::new(127);
        let file = DedupFile { keys: &keys, group: &shorter, object: &object(), bytes: &bytes[0], opened: &opened };
        assert!(file.all().is_err());
    }
}
