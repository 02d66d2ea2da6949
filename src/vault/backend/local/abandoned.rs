//! Removing what interrupted writers left.
//!
//! Must never: remove a file that no abandoned journal lists, that a writer which is still there lists, or that the
//! current mapping references.

use std::collections::HashSet;
use std::io;

use super::aside;
use super::claims;
use super::directories::Directories;
use super::journal;
use super::journal::Journal;
use crate::durable::EntryKind;
use crate::vault::backend::{Backend, generation};
use crate::vault::error::Error;
use crate::vault::format::hex::MacTag;
use crate::vault::format::layout::{Directory, Object};

/// Removes the files of abandoned journals, and then these journals. The caller holds the writer's lock; `own` is its
/// journal, and `in_force` the tag of the current mapping. `backend` is the same vault, for reading lists.
pub(super) fn remove(
    directories: &Directories,
    backend: &dyn Backend,
    own: Option<&Journal>,
    in_force: Option<MacTag>,
) -> Result<(), Error> {
    remove_file(directories, &Object::UNFINISHED_MAPPING)?;
    let others = journal::claim(directories, own)?;
    remove_old_contexts(directories, in_force)?;
    if others.abandoned.is_empty() {
        return Ok(());
    }
    // A journal may belong to a writer of another machine that our lock does not exclude, and that is about to commit:
    // it cannot any more.
    claims::revoke_all(directories)?;
    // Read after that: now either the mapping references the files, or their writer reports no commit.
    let mapping = match directories.mapping() {
        Ok(found) if Some(found.tag) == in_force => found.mapping,
        Ok(_) => return Err(Error::Overtaken),
        Err(error) => return Err(error),
    };
    let mut left = HashSet::new();
    for object in others.abandoned.iter().flat_map(|journal| &journal.listed) {
        if !others.live.contains(object) && directories.has(object)? {
            left.insert(object);
        }
    }
    if !left.is_empty() {
        // A list that cannot be read may reference any of them.
        let Ok(named) = generation::named_files(backend, &mapping) else { return Ok(()) };
        for file in named {
            left.remove(&file.object);
        }
    }
    for object in &left {
        remove_file(directories, object)?;
    }
    for directory in left.iter().filter_map(|object| object.directory()).collect::<HashSet<Directory>>() {
        directories.dir(directory)?.sync().map_err(Error::io(directory.name()))?;
    }
    for journal in &others.abandoned {
        remove_file(directories, &journal.object)?;
    }
    let dir = directories.dir(Directory::Journals)?;
    dir.sync().map_err(Error::io(Directory::Journals.name()))
}

/// Removes the files of formats 1 and 2 that are in no directory, and so in no journal, once the vault was upgraded.
fn remove_old_contexts(directories: &Directories, in_force: Option<MacTag>) -> Result<(), Error> {
    let mut left = Vec::new();
    for object in [Object::PublicContext, Object::SecretContext] {
        if directories.has(&object)? {
            left.push(object);
        }
    }
    if left.is_empty() {
        return Ok(());
    }
    let current = directories.mapping()?;
    if Some(current.tag) != in_force || current.mapping.is_old() {
        return Ok(());
    }
    aside::make_way(directories, &left)?;
    left.iter().try_for_each(|object| remove_file(directories, object))
}

/// Removes a file, unless it is gone. What has its name and is no file is set aside: it is not the vault's.
pub(super) fn remove_file(directories: &Directories, object: &Object) -> Result<(), Error> {
    let dir = directories.dir_of(object)?;
    match dir.remove(&object.file_name()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(_) if dir.kind(object.file_name().as_ref()).is_ok_and(|kind| kind == Some(EntryKind::Directory)) => {
            aside::make_way(directories, std::slice::from_ref(object))
        }
        removed => removed.map_err(Error::io(object)),
    }
}
