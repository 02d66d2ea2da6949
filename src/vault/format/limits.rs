//! The largest file that a vault writes under each name: the limit for reading, hashing or staging a file when nothing
//! else is known about it. With a mapping, use the limit of the entry instead.
//!
//! Must never: allow writing more than readers accept.

use super::chunks;
use super::header;
use super::hex::Id;
use super::journal;
use super::layout::{Object, PackPart};
use super::mapping::SignedMapping;
use super::pack;
use super::sealed;
use super::shape;
use crate::ckks::CONTEXT_BYTES;

/// Most bytes of a file with this name.
#[must_use]
pub fn largest_bytes(object: &Object) -> u64 {
    match object {
        Object::Header => header::LARGEST_BYTES as u64,
        Object::PublicContext => CONTEXT_BYTES as u64,
        Object::SecretContext => sealed::file_bytes(CONTEXT_BYTES) as u64,
        Object::Mapping | Object::Unfinished(_) => SignedMapping::LARGEST,
        Object::Segment(_, part) => shape::largest_of_any(*part),
        Object::Group(_, part) => shape::largest_group_part(*part),
        Object::Table(_) => shape::largest_table_page(),
        Object::Photo(..) => chunks::file_bytes(chunks::LARGEST_ORIGINAL_BYTES),
        Object::Thumbnail(_) => sealed::file_bytes(sealed::LARGEST_PHOTO_BYTES) as u64,
        Object::Pack(_, PackPart::List) => pack::list_bytes(pack::MOST_PARTS) as u64,
        Object::Pack(_, PackPart::Content) => pack::LARGEST_BYTES,
        Object::Writing | Object::Journal(_) => journal::LARGEST_BYTES,
        Object::Lock => 2 * size_of::<Id>() as u64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::format::entries::{FeaturesEntry, SEGMENT_IMAGES, SegmentEntry};
    use crate::vault::format::hex::Digest;
    use crate::vault::format::layout::Part;
    use crate::vault::format::shape::Shape;

    #[test]
    fn limits_by_entry_never_exceed_limits_by_name() {
        let (id, digest) = (Id::random().unwrap(), Digest::of(&[]));
        let features = FeaturesEntry { ckks: digest, hints: digest, vectors: digest, checks: Some(digest) };
        let of = |images| {
            let features = vec![Some(features.clone())];
            SegmentEntry { id, images, list: digest, records: digest, features }
        };
        let spaces = vec![crate::ckks::Parameters::for_dimension(512).unwrap()];
        for (shape, parts) in [(Shape::Current { spaces }, 6), (Shape::Old, 5)] {
            let mut checked = 0;
            for file in (1..=SEGMENT_IMAGES).flat_map(|images| shape.segment_files(&of(images))) {
                assert!(file.limit <= largest_bytes(&file.object), "{}", file.object);
                checked += 1;
            }
            assert_eq!(checked, parts * SEGMENT_IMAGES);
            let named = shape.segment(&of(1), Part::Records).unwrap().object;
            assert!(matches!(named, Object::Segment(_, Part::Records | Part::OldCatalogue)));
        }
    }
}
