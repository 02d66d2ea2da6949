//! Files that the mapping does not name: what an interrupted writer left, and strays, which nothing names.
//!
//! To find them takes as long as there are files, so writers look for them only after one that did not end well: it left
//! its journal behind (see `journal`), and only what that lists may be removed. A stray may be anything, so it is
//! reported, and moved aside when its owner says so.
//!
//! Must never: take a file for one of them while a list cannot be read that may be the one that names it.

use std::collections::HashSet;
use std::ffi::OsString;

use super::error::Error;
use super::journal;
use super::layout::{Directory, Object};
use super::mapping::Mapping;
use super::segment;
use super::storage::Leftovers;
use super::store::Store;
use crate::durable::Dir;

/// A file, or anything else, in one of the three directories.
pub(super) struct Stray {
    pub(super) directory: Directory,
    pub(super) name: OsString,
}

/// What `newest` does not name in the directories of `store`.
pub(super) fn find(store: &Store, newest: &Mapping) -> Result<Leftovers, Error> {
    let (abandoned, strays) = sort(store, newest)?;
    let path = |stray: Stray| format!("{}/{}", stray.directory.name(), stray.name.to_string_lossy());
    Ok(Leftovers { abandoned, strays: strays.into_iter().map(path).collect() })
}

/// The files that an interrupted writer left, and the strays.
pub(super) fn sort(store: &Store, newest: &Mapping) -> Result<(Vec<Object>, Vec<Stray>), Error> {
    let (mut abandoned, mut strays) = (Vec::new(), Vec::new());
    let root = store.root_dir().map_err(Error::io(store.root().display()))?;
    for object in [Object::UNFINISHED_HEADER, Object::UNFINISHED_MAPPING] {
        if root.has(object.file_name().as_ref()).map_err(Error::io(&object))? {
            abandoned.push(object);
        }
    }
    // A directory that is not the vault's own is told before anything that it would be taken to hold.
    let dirs: Vec<(Directory, &Dir)> = Directory::ALL
        .into_iter()
        .map(|directory| Ok((directory, store.dir(directory)?)))
        .collect::<Result<_, Error>>()?;
    let Ok(files) = segment::named_files(store, newest) else { return Ok((abandoned, strays)) };
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
