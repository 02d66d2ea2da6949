//! The public lists of one generation, read through any backend: its segments, its images, and every file it
//! references. This needs no key, so hosts and replicas use it too.
//!
//! Must never: accept a list whose digest differs from the one in the mapping.

use super::Backend;
use crate::vault::error::Error;
use crate::vault::format::entries::{GroupEntry, SegmentEntry};
use crate::vault::format::expected::Expected;
use crate::vault::format::group;
use crate::vault::format::hex::Id;
use crate::vault::format::hints::Hints;
use crate::vault::format::images;
use crate::vault::format::images::{ListedImage, ListedThumbnail};
use crate::vault::format::layout::{GroupPart, Object, Part};
use crate::vault::format::limits::largest_bytes;
use crate::vault::format::mapping::Mapping;
use crate::vault::format::segment;

/// The ids of all images of a generation.
///
/// # Errors
/// The first list of a group or of images that is missing or damaged.
pub fn listed_images(backend: &dyn Backend, mapping: &Mapping) -> Result<Vec<Id>, Error> {
    let mut ids = Vec::with_capacity(mapping.images());
    for segment in &all_segments(backend, mapping)? {
        ids.extend(read_images(backend, segment)?.into_iter().map(|image| image.id));
    }
    Ok(ids)
}

/// The files of the groups and segments listed in the mapping itself.
pub fn entry_files(mapping: &Mapping) -> impl Iterator<Item = Expected> + use<'_> {
    let of_groups = mapping.groups.iter().flat_map(|entry| GroupPart::ALL.map(|part| group::expected(entry, part)));
    let of_segments = mapping.segments.iter().flat_map(|entry| Part::ALL.map(|part| segment::expected(entry, part)));
    of_groups.chain(of_segments)
}

/// Every file that a generation references, the secret context first. Header, mapping and public context are not
/// included.
///
/// # Errors
/// As [`listed_images`].
pub fn named_files(backend: &dyn Backend, mapping: &Mapping) -> Result<Vec<Expected>, Error> {
    let named = |object: Object, digest| Expected { limit: largest_bytes(&object), object, digest };
    let mut files = vec![named(Object::SecretContext, mapping.secret_context)];
    for entry in &mapping.groups {
        files.extend(GroupPart::ALL.map(|part| group::expected(entry, part)));
    }
    for entry in &all_segments(backend, mapping)? {
        files.extend(Part::ALL.map(|part| segment::expected(entry, part)));
        for image in read_images(backend, entry)? {
            files.push(named(Object::Photo(image.id, image.extension), image.photo));
            let thumbnail = image.thumbnail.map(|ListedThumbnail { id, digest }| named(Object::Thumbnail(id), digest));
            files.extend(thumbnail);
        }
    }
    Ok(files)
}

/// All segments of a generation in scan order.
fn all_segments(backend: &dyn Backend, mapping: &Mapping) -> Result<Vec<SegmentEntry>, Error> {
    let mut segments = Vec::new();
    for group in &mapping.groups {
        segments.extend(read_list(backend, group)?);
    }
    segments.extend_from_slice(&mapping.segments);
    Ok(segments)
}

/// The segments of a group.
pub(in crate::vault) fn read_list(backend: &dyn Backend, entry: &GroupEntry) -> Result<Vec<SegmentEntry>, Error> {
    let file = group::expected(entry, GroupPart::List);
    let bytes = backend.read_verified(&file)?;
    group::decode_list(&bytes, entry)
        .ok_or(Error::Damaged { object: file.object, what: "it does not list the group's segments" })
}

/// The images of a segment in slot order.
pub(in crate::vault) fn read_images(backend: &dyn Backend, entry: &SegmentEntry) -> Result<Vec<ListedImage>, Error> {
    let file = segment::expected(entry, Part::Images);
    let bytes = backend.read_verified(&file)?;
    images::decode(&bytes, entry.id, entry.images)
        .ok_or(Error::Damaged { object: file.object, what: "it does not list the segment's images" })
}

/// The hints of a segment.
pub(in crate::vault) fn read_hints(backend: &dyn Backend, entry: &SegmentEntry) -> Result<Hints, Error> {
    let file = segment::expected(entry, Part::Hints);
    let bytes = backend.read_verified(&file)?;
    Hints::decode(bytes, entry.images)
        .ok_or(Error::Damaged { object: file.object, what: "it does not describe the segment's blocks" })
}
