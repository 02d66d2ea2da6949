//! Files that no mapping names: what a crash or an abandoned transaction left behind.
//!
//! To find them takes as long as there are files, so writers look for them only after one that did not end well: it left
//! `writing` behind (see `writer`).
//!
//! Must never: name a file that a vault did not give its name, or a segment or photo while a list cannot be read that may
//! be the one that names it.

use std::collections::HashSet;

use super::error::Error;
use super::group;
use super::layout::{Directory, Object};
use super::mapping::Mapping;
use super::segment;
use super::storage::Storage;
use super::store::Store;

/// The files of `store` that `newest` does not name.
pub(super) fn find(store: &Store, newest: &Mapping) -> Result<Vec<Object>, Error> {
    let mut leftovers = Vec::new();
    for object in [Object::UNFINISHED_HEADER, Object::UNFINISHED_MAPPING] {
        if object.path(store.root()).symlink_metadata().is_ok() {
            leftovers.push(object);
        }
    }
    let Ok(entries) = group::all_segments(store, newest) else { return Ok(leftovers) };
    let segments: HashSet<_> = entries.iter().map(|segment| segment.id).collect();
    let groups: HashSet<_> = newest.groups.iter().map(|group| group.id).collect();
    scan(store, Directory::Features, &mut leftovers, |object| match object {
        Object::Segment(id, _) => segments.contains(id),
        Object::Group(id, _) => groups.contains(id),
        _ => false,
    })?;
    let mut images = HashSet::with_capacity(newest.images());
    let mut thumbnails = HashSet::with_capacity(newest.images());
    for entry in &entries {
        let Ok(listed) = segment::read_images(store, entry) else { return Ok(leftovers) };
        thumbnails.extend(listed.iter().filter_map(|image| image.thumbnail.as_ref()).map(|thumbnail| thumbnail.id));
        images.extend(listed.into_iter().map(|image| (image.id, image.extension.as_str().to_owned())));
    }
    let is_image = |object: &Object| matches!(object, Object::Photo(id, extension) if images.contains(&(*id, extension.as_str().to_owned())));
    scan(store, Directory::Images, &mut leftovers, is_image)?;
    scan(
        store,
        Directory::Thumbnails,
        &mut leftovers,
        |object| matches!(object, Object::Thumbnail(id) if thumbnails.contains(id)),
    )?;
    if Object::Writing.path(store.root()).symlink_metadata().is_ok() {
        leftovers.push(Object::Writing);
    }
    Ok(leftovers)
}

fn scan(
    store: &Store,
    directory: Directory,
    leftovers: &mut Vec<Object>,
    is_named: impl Fn(&Object) -> bool,
) -> Result<(), Error> {
    leftovers.extend(store.list(directory)?.into_iter().map(|listed| listed.object).filter(|object| !is_named(object)));
    Ok(())
}
