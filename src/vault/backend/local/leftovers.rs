//! Files that the mapping does not reference: those of an interrupted writer, and strays.
//!
//! Finding them means listing every file, so a writer does it only when an earlier writer did not finish and left its
//! journal (see `journal`). Only files listed in that journal may be removed. A stray could be anything, so it is
//! reported, and moved aside when the owner asks.
//!
//! Must never: report a file while an unreadable list might reference it.

use std::collections::HashSet;
use std::ffi::OsString;

use super::directories::Directories;
use super::journal;
use crate::durable::Dir;
use crate::vault::backend::{Backend, Leftovers, generation};
use crate::vault::error::Error;
use crate::vault::format::layout::{Directory, Object};
use crate::vault::format::mapping::Mapping;

/// A file, or anything else, in one of the three directories.
pub(super) struct Stray {
    pub(super) directory: Directory,
    pub(super) name: OsString,
}

/// The files that `newest` does not reference. `backend` is the same vault, for reading lists.
pub(super) fn find(directories: &Directories, backend: &dyn Backend, newest: &Mapping) -> Result<Leftovers, Error> {
    let (abandoned, strays) = sort(directories, backend, newest)?;
    let path = |stray: Stray| format!("{}/{}", stray.directory.name(), stray.name.to_string_lossy());
    Ok(Leftovers { abandoned, strays: strays.into_iter().map(path).collect() })
}

/// The files that an interrupted writer left, and the strays.
pub(super) fn sort(
    directories: &Directories,
    backend: &dyn Backend,
    newest: &Mapping,
) -> Result<(Vec<Object>, Vec<Stray>), Error> {
    let (mut abandoned, mut strays) = (Vec::new(), Vec::new());
    let root = directories.root().map_err(Error::io(directories.path().display()))?;
    for object in [Object::UNFINISHED_HEADER, Object::UNFINISHED_MAPPING] {
        if root.has(object.file_name().as_ref()).map_err(Error::io(&object))? {
            abandoned.push(object);
        }
    }
    // Open all directories first: report a foreign one before anything inside it.
    let dirs: Vec<(Directory, &Dir)> = Directory::ALL
        .into_iter()
        .map(|directory| Ok((directory, directories.dir(directory)?)))
        .collect::<Result<_, Error>>()?;
    let Ok(files) = generation::named_files(backend, newest) else { return Ok((abandoned, strays)) };
    let named: HashSet<Object> = files.into_iter().map(|file| file.object).collect();
    let listed = journal::read(root).map_err(Error::io(Object::Writing))?;
    for (directory, dir) in dirs {
        for entry in dir.entries().map_err(Error::io(directory.name()))? {
            match entry.name.to_str().and_then(|name| directory.object(name)) {
                Some(object) if named.contains(&object) => {}
                Some(object) if listed.as_ref().is_some_and(|listed| listed.contains(&object)) => {
                    abandoned.push(object);
                }
                _ => strays.push(Stray { directory, name: entry.name }),
            }
        }
    }
    if listed.is_some() {
        abandoned.push(Object::Writing);
    }
    Ok((abandoned, strays))
}
