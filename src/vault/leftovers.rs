//! Files that no mapping names: what a crash or an abandoned transaction left behind.
//!
//! Must never: name a file that a vault did not give its name, or a photo while any image list cannot be read, because
//! that list may be the one that names it.

use std::collections::HashSet;
use std::fs;

use super::error::Error;
use super::layout::{Directory, Object};
use super::snapshot::Snapshot;
use super::store::Store;

/// The files of `store` that the newest generation does not name.
pub(super) fn find(store: &Store, newest: &Snapshot) -> Result<Vec<Object>, Error> {
    let mut leftovers = Vec::new();
    for object in [Object::UNFINISHED_HEADER, Object::UNFINISHED_MAPPING] {
        if object.path(store.root()).symlink_metadata().is_ok() {
            leftovers.push(object);
        }
    }
    let segments: HashSet<_> = newest.segments().map(|segment| segment.entry().id).collect();
    scan(
        store,
        Directory::Features,
        &mut leftovers,
        |object| matches!(object, Object::Segment(id, _) if segments.contains(id)),
    )?;
    let mut images = HashSet::with_capacity(newest.len());
    let mut thumbnails = HashSet::with_capacity(newest.len());
    for segment in newest.segments() {
        let Ok(listed) = segment.images() else { return Ok(leftovers) };
        images.extend(listed.iter().map(|image| (image.id, image.extension.as_str())));
        thumbnails.extend(listed.iter().filter_map(|image| image.thumbnail.as_ref()).map(|thumbnail| thumbnail.id));
    }
    scan(
        store,
        Directory::Images,
        &mut leftovers,
        |object| matches!(object, Object::Photo(id, extension) if images.contains(&(*id, extension.as_str()))),
    )?;
    scan(
        store,
        Directory::Thumbnails,
        &mut leftovers,
        |object| matches!(object, Object::Thumbnail(id) if thumbnails.contains(id)),
    )?;
    Ok(leftovers)
}

fn scan(
    store: &Store,
    directory: Directory,
    leftovers: &mut Vec<Object>,
    is_named: impl Fn(&Object) -> bool,
) -> Result<(), Error> {
    for entry in fs::read_dir(store.root().join(directory.name())).map_err(Error::io(directory.name()))? {
        let name = entry.map_err(Error::io(directory.name()))?.file_name();
        let object = name.to_str().and_then(|name| directory.object(name));
        leftovers.extend(object.filter(|object| !is_named(object)));
    }
    Ok(())
}
