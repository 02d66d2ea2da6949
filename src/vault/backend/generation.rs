//! The public lists of one generation, read through any backend: its segments, its images, and every file it
//! references. This needs no key, so hosts and replicas use it too.
//!
//! Must never: accept a list whose digest differs from the one in the mapping.

use super::Backend;
use crate::vault::error::Error;
use crate::vault::format::entries::{GroupEntry, SegmentEntry};
use crate::vault::format::expected::Expected;
use crate::vault::format::group;
use crate::vault::format::hex::{Digest, Id};
use crate::vault::format::hints::Hints;
use crate::vault::format::layout::{GroupPart, Object, PackPart, Part};
use crate::vault::format::limits::largest_bytes;
use crate::vault::format::list;
use crate::vault::format::list::{ImageList, ListedImage};
use crate::vault::format::mapping::Mapping;
use crate::vault::format::old;
use crate::vault::format::old::images::ListedThumbnail;
use crate::vault::format::shape::Shape;

/// The ids of all images of a generation.
///
/// # Errors
/// The first list of a group or of images that is missing or damaged.
pub fn listed_images(backend: &dyn Backend, mapping: &Mapping) -> Result<Vec<Id>, Error> {
    let shape = Shape::of(mapping)?;
    let mut ids = Vec::with_capacity(mapping.images());
    for segment in &all_segments(backend, mapping, &shape)? {
        ids.extend(read_images(backend, &shape, segment)?.list.images.into_iter().map(|image| image.id));
    }
    Ok(ids)
}

/// The files that the mapping itself names, apart from the header: of groups, ungrouped segments, packs and tables.
///
/// # Errors
/// As [`Shape::of`].
pub fn entry_files(mapping: &Mapping) -> Result<Vec<Expected>, Error> {
    let shape = Shape::of(mapping)?;
    let of_groups = mapping.groups.iter().flat_map(|entry| shape.group_files(entry));
    let of_segments = mapping.segments.iter().flat_map(|entry| shape.segment_files(entry));
    let of_packs = mapping.packs.iter().flat_map(|entry| PackPart::ALL.map(|part| Shape::pack(entry, part)));
    let of_tables = mapping.tables.iter().flat_map(Shape::table_files);
    Ok(of_groups.chain(of_segments).chain(of_packs).chain(of_tables).chain(old_contexts(mapping)).collect())
}

/// Every file that a generation references, except header and mapping.
///
/// # Errors
/// As [`listed_images`].
pub fn named_files(backend: &dyn Backend, mapping: &Mapping) -> Result<Vec<Expected>, Error> {
    collect_files(backend, mapping, &mut |_, error| Err(error))
}

/// The files that a generation references, as far as its lists can be read.
pub(in crate::vault) struct ReadableFiles {
    /// The lists that cannot be read are among them.
    pub(in crate::vault) files: Vec<Expected>,
    /// Images in those lists, whose files are not known.
    pub(in crate::vault) unlisted_images: usize,
}

/// The same as [`named_files`], leaving out what lists name that are missing or damaged.
///
/// # Errors
/// When the lists cannot be reached.
pub(in crate::vault) fn readable_files(backend: &dyn Backend, mapping: &Mapping) -> Result<ReadableFiles, Error> {
    let mut unlisted_images = 0;
    let files = collect_files(backend, mapping, &mut |images, error| match error {
        error if error.is_unreadable() => {
            unlisted_images += images;
            Ok(())
        }
        error => Err(error),
    })?;
    Ok(ReadableFiles { files, unlisted_images })
}

/// Every file that a generation references. `unreadable` decides about each list that cannot be read: how many images
/// it lists, and why.
fn collect_files(
    backend: &dyn Backend,
    mapping: &Mapping,
    unreadable: &mut dyn FnMut(usize, Error) -> Result<(), Error>,
) -> Result<Vec<Expected>, Error> {
    let shape = Shape::of(mapping)?;
    let mut files = entry_files(mapping)?;
    let mut segments = Vec::new();
    for entry in &mapping.groups {
        match read_list(backend, &shape, entry) {
            Ok(of_group) => {
                files.extend(of_group.iter().flat_map(|segment| shape.segment_files(segment)));
                segments.extend(of_group);
            }
            Err(error) => unreadable(entry.images, error)?,
        }
    }
    segments.extend_from_slice(&mapping.segments);
    for entry in &segments {
        match read_images(backend, &shape, entry) {
            Ok(Images { list, old_thumbnails }) => {
                files.extend(list.images.iter().chain(&list.companions).map(original_file));
                files.extend(old_thumbnails.iter().flatten().map(|one| named(Object::Thumbnail(one.id), one.digest)));
            }
            Err(error) => unreadable(entry.images, error)?,
        }
    }
    Ok(files)
}

/// The file of an original, or of a companion.
pub(in crate::vault) fn original_file(image: &ListedImage) -> Expected {
    named(Object::Photo(image.id, image.extension), image.photo)
}

/// The contexts of a generation of format 1 or 2.
fn old_contexts(mapping: &Mapping) -> impl Iterator<Item = Expected> + use<> {
    let digests = mapping.old_contexts();
    digests
        .into_iter()
        .flat_map(|[public, secret]| [named(Object::PublicContext, public), named(Object::SecretContext, secret)])
}

fn named(object: Object, digest: Digest) -> Expected {
    Expected { limit: largest_bytes(&object), object, digest }
}

/// All segments of a generation in scan order.
fn all_segments(backend: &dyn Backend, mapping: &Mapping, shape: &Shape) -> Result<Vec<SegmentEntry>, Error> {
    let mut segments = Vec::new();
    for group in &mapping.groups {
        segments.extend(read_list(backend, shape, group)?);
    }
    segments.extend_from_slice(&mapping.segments);
    Ok(segments)
}

/// The segments of a group.
pub(in crate::vault) fn read_list(
    backend: &dyn Backend,
    shape: &Shape,
    entry: &GroupEntry,
) -> Result<Vec<SegmentEntry>, Error> {
    let file = shape.group(entry, GroupPart::List).ok_or_else(|| missing(entry.id, Part::List))?;
    let bytes = backend.read_verified(&file)?;
    decode_list(shape, entry, &bytes)
        .ok_or(Error::Damaged { object: file.object, what: "it does not list the group's segments" })
}

/// The segments in the list of a group.
pub(in crate::vault) fn decode_list(shape: &Shape, entry: &GroupEntry, bytes: &[u8]) -> Option<Vec<SegmentEntry>> {
    match shape {
        Shape::Old => old::decode_list(bytes, entry),
        Shape::Current { .. } => group::decode_list(bytes, entry),
    }
}

/// The images of a segment in slot order, and its companions.
pub(in crate::vault) struct Images {
    pub(in crate::vault) list: ImageList,
    /// In formats 1 and 2, where each thumbnail is a file of its own: one for each image.
    pub(in crate::vault) old_thumbnails: Vec<Option<ListedThumbnail>>,
}

/// The images of a segment.
pub(in crate::vault) fn read_images(
    backend: &dyn Backend,
    shape: &Shape,
    entry: &SegmentEntry,
) -> Result<Images, Error> {
    let file = shape.segment(entry, Part::List).ok_or_else(|| missing(entry.id, Part::List))?;
    let bytes = backend.read_verified(&file)?;
    let images = match shape {
        Shape::Current { .. } => {
            list::decode(&bytes, entry.id, entry.images).map(|list| Images { list, old_thumbnails: Vec::new() })
        }
        Shape::Old => old::images::decode(&bytes, entry.id, entry.images).map(|rows| {
            let (images, old_thumbnails) = rows.into_iter().map(|row| (row.image, row.thumbnail)).unzip();
            Images { list: ImageList { images, companions: Vec::new() }, old_thumbnails }
        }),
    };
    images.ok_or(Error::Damaged { object: file.object, what: "it does not list the segment's images" })
}

/// The hints of a segment of format 3.
pub(in crate::vault) fn read_hints(backend: &dyn Backend, shape: &Shape, entry: &SegmentEntry) -> Result<Hints, Error> {
    let file = shape.segment(entry, Part::Hints).ok_or_else(|| missing(entry.id, Part::Hints))?;
    let bytes = backend.read_verified(&file)?;
    Hints::decode(bytes, entry.images)
        .ok_or(Error::Damaged { object: file.object, what: "it does not describe the segment's blocks" })
}

fn missing(segment: Id, part: Part) -> Error {
    Error::Missing { object: Object::Segment(segment, part) }
}
