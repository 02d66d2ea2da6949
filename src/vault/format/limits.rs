//! The largest file that a vault writes under each name: the limit for reading, hashing or staging a file when nothing
//! else is known about it. With a mapping, use the limit of the entry instead.
//!
//! Must never: allow writing more than readers accept.

use super::entries::SEGMENT_IMAGES;
use super::group;
use super::header;
use super::journal;
use super::layout::Object;
use super::mapping::SignedMapping;
use super::parameters::CONTEXT_BYTES;
use super::sealed;
use super::segment;

/// Most bytes of a file with this name.
#[must_use]
pub fn largest_bytes(object: &Object) -> u64 {
    match object {
        Object::Header => header::HEADER_BYTES as u64,
        Object::PublicContext => CONTEXT_BYTES as u64,
        Object::SecretContext => sealed::file_bytes(CONTEXT_BYTES) as u64,
        Object::Mapping | Object::Unfinished(_) => SignedMapping::LARGEST,
        Object::Segment(_, part) => segment::largest_part(SEGMENT_IMAGES, *part),
        Object::Group(_, part) => group::largest_part(*part),
        Object::Photo(..) | Object::Thumbnail(_) => sealed::file_bytes(sealed::LARGEST_PHOTO_BYTES) as u64,
        Object::Writing | Object::Journal(_) => journal::LARGEST_BYTES,
        Object::Lock => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::format::entries::SegmentEntry;
    use crate::vault::format::hex::{Digest, Id};
    use crate::vault::format::layout::Part;

    #[test]
    fn limits_by_entry_never_exceed_limits_by_name() {
        let (id, digest) = (Id::random().unwrap(), Digest::of(&[]));
        let of = |images| SegmentEntry {
            id,
            images,
            ckks: digest,
            json: digest,
            hints: digest,
            vectors: digest,
            catalogue: digest,
        };
        for part in Part::ALL {
            let named = largest_bytes(&Object::Segment(id, part));
            assert!((1..=SEGMENT_IMAGES).all(|images| segment::expected(&of(images), part).limit <= named));
            assert_eq!(segment::expected(&of(SEGMENT_IMAGES), part).limit, named);
        }
    }
}
