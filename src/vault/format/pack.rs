//! Packs of thumbnails: sealed one by one, kept in parts, several parts to a file.
//!
//! ```text
//! .parts = prefix | number of parts 4 | for each part: part id 16 | bytes 8 | bytes of its index 4
//!        | digest of its index 32 | digest of the part 32
//! .pack  = the parts, one after the other
//! part   = index | thumbnails | random bytes, up to padme(length of index and thumbnails)
//! index  = for each thumbnail: id 16 | bytes 4; sealed
//! ```
//!
//! A thumbnail is found by its part and its number in the part, so packs can be merged without touching records. The
//! prefix of sealed files is left out, because it would show where each thumbnail begins.
//!
//! Must never: show the number or the sizes of thumbnails beyond the padded length of a part and of its index.

use std::ops::Range;

use zeroize::Zeroizing;

use super::fields::Bytes;
use super::hex::{Digest, Hex, Id};
use super::layout::{Object, PackPart};
use super::sealed::{Kind, PREFIX_BYTES, SealedObject, VaultKeys};
use crate::cipher::padding;
use crate::vault::error::Error;

/// Most parts of a pack.
pub const MOST_PARTS: usize = 1_000_000;
/// Most thumbnails of a part.
pub const MOST_THUMBNAILS: usize = 65_536;
/// Most bytes of a pack: eight that are just small enough to be merged, and as much again for thumbnails of a commit.
pub const LARGEST_BYTES: u64 = 16 * LARGEST_MERGED_BYTES;

/// Most bytes of the thumbnails of a part: with index and padding less than [`LARGEST_BYTES`], and each length fits
/// into 4 bytes.
const LARGEST_SEALED_BYTES: usize = 2 << 30;
/// Packs of at least this size are not merged further.
const LARGEST_MERGED_BYTES: u64 = 256 << 20;
/// How many packs of one tier are merged.
const FAN: usize = 8;
/// Packs of fewer than 8 times this belong to tier 0.
const TIER_BYTES: u64 = 32 << 10;

const PART_BYTES: usize = 16 + 8 + 4 + 32 + 32;
const INDEX_ENTRY_BYTES: usize = 16 + 4;

/// A part in the list of a pack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartEntry {
    /// Its random id.
    pub id: Id,
    /// Its bytes, with what fills it up.
    pub bytes: u64,
    /// Bytes of its index.
    pub index_bytes: u32,
    /// BLAKE3 of its index.
    pub index: Digest,
    /// BLAKE3 of the part.
    pub digest: Digest,
}

/// The list of the parts of a pack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackList {
    /// The parts in the order in which they are in the pack.
    pub parts: Vec<PartEntry>,
}

/// Bytes of the list of a pack with this many parts.
#[must_use]
pub const fn list_bytes(parts: usize) -> usize {
    PREFIX_BYTES + 4 + parts * PART_BYTES
}

impl PackList {
    /// Bytes of the pack.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.parts.iter().fold(0, |sum, part| sum.saturating_add(part.bytes))
    }

    /// The file of the list.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(list_bytes(self.parts.len()));
        bytes.extend(Kind::PackList.prefix());
        bytes.extend((self.parts.len() as u32).to_le_bytes());
        for PartEntry { id, bytes: length, index_bytes, index, digest } in &self.parts {
            bytes.extend(id.0);
            bytes.extend(length.to_le_bytes());
            bytes.extend(index_bytes.to_le_bytes());
            bytes.extend(index.0);
            bytes.extend(digest.0);
        }
        bytes
    }

    /// Reads the output of [`Self::encode`]; `None` for anything else.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut rest = Bytes(bytes.strip_prefix(&Kind::PackList.prefix())?);
        let count = rest.u32()? as usize;
        if count == 0 || count > MOST_PARTS || bytes.len() != list_bytes(count) {
            return None;
        }
        let mut parts = Vec::with_capacity(count);
        for _ in 0..count {
            let (id, length, index_bytes) = (Hex(rest.array()?), rest.u64()?, rest.u32()?);
            let (index, digest) = (Hex(rest.array()?), Hex(rest.array()?));
            if length < u64::from(index_bytes) || length > LARGEST_BYTES {
                return None;
            }
            parts.push(PartEntry { id, bytes: length, index_bytes, index, digest });
        }
        Some(Self { parts })
    }
}

/// A thumbnail in a part: its id, and its sealed form without the prefix; empty where it was dropped.
pub type SealedThumbnail = (Id, Vec<u8>);

/// Seals a thumbnail for a part.
///
/// # Errors
/// When the system gives no entropy.
pub fn seal_thumbnail(keys: &VaultKeys, id: Id, thumbnail: &[u8]) -> Result<SealedThumbnail, Error> {
    let [_, sealed] = keys.seal(&SealedObject::Thumbnail(id), thumbnail)?.parts().map(<[u8]>::to_vec);
    Ok((id, sealed))
}

/// Opens a thumbnail of a part.
///
/// # Errors
/// [`Error::Damaged`].
pub fn open_thumbnail(keys: &VaultKeys, id: Id, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
    keys.open(&SealedObject::Thumbnail(id), &[&Kind::Thumbnail.prefix()[..], sealed].concat())
}

/// The bytes of a part with these thumbnails, and its entry in the list.
///
/// # Errors
/// [`Error::TooLong`] for more than [`MOST_THUMBNAILS`], or more than 2 GiB of them; when the system gives no entropy.
pub fn encode_part(keys: &VaultKeys, id: Id, thumbnails: &[SealedThumbnail]) -> Result<(Vec<u8>, PartEntry), Error> {
    let index_bytes = thumbnails.len() * INDEX_ENTRY_BYTES;
    let sealed_bytes = thumbnails.iter().map(|(_, sealed)| sealed.len()).sum::<usize>();
    for (what, actual, limit) in [
        ("the index of a part of a pack", index_bytes, MOST_THUMBNAILS * INDEX_ENTRY_BYTES),
        ("a part of a pack", sealed_bytes, LARGEST_SEALED_BYTES),
    ] {
        if actual > limit {
            return Err(Error::TooLong { what, actual, limit });
        }
    }
    let entry = |(id, sealed): &SealedThumbnail| [&id.0[..], &(sealed.len() as u32).to_le_bytes()].concat();
    let index = Zeroizing::new(thumbnails.iter().flat_map(entry).collect::<Vec<u8>>());
    let [_, mut part] = keys.seal(&SealedObject::PartIndex(id), &index)?.parts().map(<[u8]>::to_vec);
    let (index_bytes, index) = (part.len() as u32, Digest::of(&[&part]));
    thumbnails.iter().for_each(|(_, sealed)| part.extend_from_slice(sealed));
    let filled = part.len();
    part.resize(padding::padme(filled), 0);
    getrandom::fill(&mut part[filled..])?;
    let entry = PartEntry { id, bytes: part.len() as u64, index_bytes, index, digest: Digest::of(&[&part]) };
    Ok((part, entry))
}

/// The thumbnails of a part: their ids and places.
#[derive(Debug)]
pub struct PartIndex {
    thumbnails: Vec<(Id, Range<u64>)>,
}

impl PartIndex {
    /// Verifies and opens the index of a part, the first bytes of it.
    ///
    /// # Errors
    /// [`Error::Damaged`].
    pub fn open(keys: &VaultKeys, part: &PartEntry, bytes: &[u8]) -> Result<Self, Error> {
        let object = || Object::Pack(part.id, PackPart::Content);
        let damaged = |what| Error::Damaged { object: object(), what };
        if Digest::of(&[bytes]) != part.index {
            return Err(damaged("the digest of the index of a part differs"));
        }
        let sealed = [&Kind::PartIndex.prefix()[..], bytes].concat();
        let index = keys.open(&SealedObject::PartIndex(part.id), &sealed)?;
        let (entries, rest) = index.as_chunks::<INDEX_ENTRY_BYTES>();
        let mut end = u64::from(part.index_bytes);
        let thumbnail = |entry: &[u8; INDEX_ENTRY_BYTES]| {
            let mut fields = Bytes(entry);
            let (id, bytes) = (Hex(fields.array()?), fields.u32()?);
            let start = end;
            end += u64::from(bytes);
            Some((id, start..end))
        };
        let thumbnails = entries.iter().map(thumbnail).collect::<Option<Vec<_>>>();
        let fits = rest.is_empty()
            && entries.len() <= MOST_THUMBNAILS
            && usize::try_from(end).is_ok_and(|filled| padding::padme(filled) as u64 == part.bytes);
        match thumbnails {
            Some(thumbnails) if fits => Ok(Self { thumbnails }),
            _ => Err(damaged("the index of a part does not fit its length")),
        }
    }

    /// The id and the place in the part of the thumbnail with this number; `None` when there is none, or it was
    /// dropped.
    #[must_use]
    pub fn thumbnail(&self, number: u32) -> Option<(Id, Range<u64>)> {
        self.all().nth(number as usize).filter(|(_, place)| !place.is_empty())
    }

    /// All thumbnails, also those that were dropped.
    #[must_use]
    pub fn all(&self) -> impl ExactSizeIterator<Item = (Id, Range<u64>)> {
        self.thumbnails.iter().cloned()
    }

    /// How many are there that were not dropped.
    #[must_use]
    pub fn kept(&self) -> usize {
        self.thumbnails.iter().filter(|(_, place)| !place.is_empty()).count()
    }
}

/// Verifies a part and writes it anew, under its id, without the thumbnails whose numbers `is_wanted` does not confirm.
/// The others keep their numbers. `bytes` is the whole part.
///
/// # Errors
/// [`Error::Damaged`] for bytes that are not the part's; when the system gives no entropy.
pub fn without_unwanted(
    keys: &VaultKeys,
    part: &PartEntry,
    bytes: &[u8],
    is_wanted: impl Fn(u32) -> bool,
) -> Result<(Vec<u8>, PartEntry), Error> {
    let damaged = |what| Error::Damaged { object: Object::Pack(part.id, PackPart::Content), what };
    if Digest::of(&[bytes]) != part.digest {
        return Err(damaged("the digest of a part differs"));
    }
    let index = PartIndex::open(keys, part, bytes.get(..part.index_bytes as usize).unwrap_or_default())?;
    let thumbnail = |(number, (id, place)): (usize, (Id, Range<u64>))| {
        let place = if is_wanted(number as u32) { place.start as usize..place.end as usize } else { 0..0 };
        Some((id, bytes.get(place)?.to_vec()))
    };
    let thumbnails = index.all().enumerate().map(thumbnail).collect::<Option<Vec<_>>>();
    encode_part(keys, part.id, &thumbnails.ok_or(damaged("the index of a part does not fit its length"))?)
}

/// Which packs are to be merged, by their sizes in bytes: positions in ascending order, at least 2 of them. `None` when
/// none are.
///
/// Eight packs of one tier become one of a higher tier, so each thumbnail is copied a few times in its life, and the
/// packs stay few.
#[must_use]
pub fn next_merge(sizes: &[u64]) -> Option<Vec<usize>> {
    let tier = |bytes: u64| (bytes / TIER_BYTES).max(1).ilog2() / FAN.ilog2();
    let mut by_tier = std::collections::BTreeMap::<u32, Vec<usize>>::new();
    for (position, bytes) in sizes.iter().enumerate().filter(|(_, bytes)| **bytes < LARGEST_MERGED_BYTES) {
        by_tier.entry(tier(*bytes)).or_default().push(position);
    }
    by_tier.into_values().find(|positions| positions.len() >= FAN).map(|mut positions| {
        positions.truncate(FAN);
        positions
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cipher::MasterKey;

    fn keys() -> VaultKeys {
        VaultKeys::new(Id::random().unwrap(), MasterKey::generate().unwrap())
    }

    fn thumbnails(keys: &VaultKeys, count: usize) -> Vec<SealedThumbnail> {
        (0..count)
            .map(|n| seal_thumbnail(keys, Id::random().unwrap(), &vec![n as u8; 100 * (n + 1)]).unwrap())
            .collect()
    }

    #[test]
    fn every_thumbnail_of_a_part_is_found_by_its_number() {
        let keys = keys();
        for count in [0, 1, 7, 300] {
            let mut sealed = thumbnails(&keys, count);
            if count > 2 {
                sealed[2].1.clear();
            }
            let (part, entry) = encode_part(&keys, Id::random().unwrap(), &sealed).unwrap();
            assert_eq!(part.len() as u64, entry.bytes);
            let index = PartIndex::open(&keys, &entry, &part[..entry.index_bytes as usize]).unwrap();
            assert_eq!(index.all().len(), count);
            for number in 0..count {
                if number == 2 {
                    assert_eq!(index.thumbnail(2), None, "it was dropped");
                    continue;
                }
                let (id, place) = index.thumbnail(number as u32).unwrap();
                let opened = open_thumbnail(&keys, id, &part[place.start as usize..place.end as usize]).unwrap();
                assert_eq!(*opened, vec![number as u8; 100 * (number + 1)]);
            }
            assert_eq!(index.thumbnail(count as u32), None);
        }
    }

    #[test]
    fn a_part_shows_no_border_between_thumbnails() {
        let keys = keys();
        let (part, _) = encode_part(&keys, Id::random().unwrap(), &thumbnails(&keys, 20)).unwrap();
        assert!(!part.windows(8).any(|window| window == b"CIPHLENS"));
        assert!(!part.ends_with(&[0; 8]), "what fills it up is random");
    }

    #[test]
    fn an_index_opens_only_for_its_own_part() {
        let keys = keys();
        let [one, other] = [0, 1].map(|_| encode_part(&keys, Id::random().unwrap(), &thumbnails(&keys, 3)).unwrap());
        let index = |part: &[u8], entry: &PartEntry| part[..entry.index_bytes as usize].to_vec();
        assert!(PartIndex::open(&keys, &one.1, &index(&other.0, &other.1)).is_err());
        let renamed = PartEntry { id: other.1.id, ..one.1.clone() };
        assert!(PartIndex::open(&keys, &renamed, &index(&one.0, &one.1)).is_err());
        let longer = PartEntry { bytes: one.1.bytes + 4096, ..one.1.clone() };
        assert!(PartIndex::open(&keys, &longer, &index(&one.0, &one.1)).is_err());
    }

    #[test]
    fn a_part_without_unwanted_thumbnails_keeps_the_numbers_of_the_others() {
        let keys = keys();
        let sealed = thumbnails(&keys, 9);
        let (part, entry) = encode_part(&keys, Id::random().unwrap(), &sealed).unwrap();
        let (smaller, rewritten) = without_unwanted(&keys, &entry, &part, |number| number % 3 != 1).unwrap();
        assert_eq!(rewritten.id, entry.id);
        assert!(smaller.len() < part.len() && rewritten.index != entry.index);
        // Once more: what was dropped stays dropped, and nothing else is.
        let (again, rewritten) = without_unwanted(&keys, &rewritten, &smaller, |number| number != 8).unwrap();
        let index = PartIndex::open(&keys, &rewritten, &again[..rewritten.index_bytes as usize]).unwrap();
        assert_eq!((index.all().len(), index.kept()), (9, 5));
        for number in 0..9 {
            let found = index.thumbnail(number);
            assert_eq!(found.is_some(), number % 3 != 1 && number != 8, "{number}");
            if let Some((id, place)) = found {
                assert_eq!(id, sealed[number as usize].0);
                let opened = open_thumbnail(&keys, id, &again[place.start as usize..place.end as usize]).unwrap();
                assert_eq!(*opened, vec![number as u8; 100 * (number as usize + 1)]);
            }
        }
        // An index of before does not open for the part that was written anew under the same id.
        assert!(PartIndex::open(&keys, &rewritten, &part[..entry.index_bytes as usize]).is_err());
        for at in [0, part.len() / 2, part.len() - 1] {
            let mut changed = part.clone();
            changed[at] ^= 1;
            assert!(matches!(without_unwanted(&keys, &entry, &changed, |_| true), Err(Error::Damaged { .. })));
        }
    }

    #[test]
    fn a_thumbnail_opens_only_with_its_own_bytes_and_id() {
        let keys = keys();
        let (id, sealed) = seal_thumbnail(&keys, Id::random().unwrap(), b"a thumbnail").unwrap();
        assert_eq!(open_thumbnail(&keys, id, &sealed).unwrap().as_slice(), b"a thumbnail");
        assert!(open_thumbnail(&keys, Id::random().unwrap(), &sealed).is_err());
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(open_thumbnail(&keys, id, &changed).is_err(), "byte {at}");
            assert!(open_thumbnail(&keys, id, &sealed[..at]).is_err(), "length {at}");
        }
    }

    #[test]
    fn a_part_has_no_more_thumbnails_than_a_reader_accepts() {
        let too_many = vec![(Hex([1; 16]), Vec::new()); MOST_THUMBNAILS + 1];
        let id = Id::random().unwrap();
        let refused = encode_part(&keys(), id, &too_many).unwrap_err().to_string();
        assert_eq!(refused, "the index of a part of a pack has 1310740 bytes, more than the limit of 1310720");
        let (part, entry) = encode_part(&keys(), id, &too_many[1..]).unwrap();
        assert!(entry.index_bytes as usize <= part.len() && entry.bytes <= LARGEST_BYTES);
    }

    #[test]
    fn lists_have_one_encoding() {
        let digest = Digest::of(&[]);
        let part = |number| PartEntry { id: Hex([number; 16]), bytes: 90, index_bytes: 80, index: digest, digest };
        let list = PackList { parts: vec![part(1), part(2)] };
        let bytes = list.encode();
        assert_eq!(bytes.len(), list_bytes(2));
        assert_eq!(PackList::decode(&bytes).as_ref(), Some(&list));
        assert_eq!(list.bytes(), 180);
        for length in 0..bytes.len() {
            assert_eq!(PackList::decode(&bytes[..length]), None);
        }
        assert_eq!(PackList::decode(&PackList { parts: Vec::new() }.encode()), None);
        let mut short = bytes;
        short[PREFIX_BYTES + 4 + 16] = 79;
        assert_eq!(PackList::decode(&short), None, "an index longer than its part");
    }

    #[test]
    fn packs_stay_few_and_each_byte_is_copied_a_few_times() {
        let (mut sizes, mut copied) = (Vec::new(), 0);
        for bytes in std::iter::repeat_n(26_000u64, 10_000) {
            sizes.push(bytes);
            while let Some(merged) = next_merge(&sizes) {
                let sum = merged.iter().map(|at| sizes[*at]).sum::<u64>();
                copied += sum;
                sizes[merged[0]] = sum;
                for at in merged[1..].iter().rev() {
                    sizes.remove(*at);
                }
            }
        }
        assert_eq!(sizes.iter().sum::<u64>(), 260_000_000);
        assert!(sizes.len() <= 35, "{}", sizes.len());
        assert!(copied <= 6 * 260_000_000, "{copied}");
        assert_eq!(next_merge(&[LARGEST_MERGED_BYTES; 20]), None);
    }
}
