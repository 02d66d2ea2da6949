//! Files that the mapping does not reference: those of interrupted writers, and strays.
//!
//! Finding them means listing every file, so this is for checks and repairs only. Only files that a journal lists may
//! be removed. A stray could be anything, so it is reported, and moved aside when the owner asks.
//!
//! Must never: report a file of a writer that is still there, or any file while an unreadable list might reference it.

use std::collections::HashSet;

use super::aside::{Place, Stray};
use super::claims;
use super::directories::Directories;
use super::journal;
use crate::durable::{Dir, DirEntry, EntryKind};
use crate::vault::backend::{Backend, Leftovers, generation};
use crate::vault::error::Error;
use crate::vault::format::hex::Digest;
use crate::vault::format::layout;
use crate::vault::format::layout::{Directory, Object};
use crate::vault::format::limits::largest_bytes;
use crate::vault::format::mapping::{Mapping, SignedMapping};

/// The files that `newest` does not reference. `backend` is the same vault, for reading lists.
pub(super) fn find(
    directories: &Directories,
    backend: &dyn Backend,
    newest: &SignedMapping,
) -> Result<Leftovers, Error> {
    let (abandoned, strays) = sort(directories, backend, &newest.mapping)?;
    // A commit in between: its files are not in `newest`, and perhaps no longer in a journal.
    if directories.mapping().is_ok_and(|current| current.tag != newest.tag) {
        return Ok(Leftovers::default());
    }
    Ok(Leftovers { abandoned, strays: strays.iter().map(Stray::path).collect() })
}

/// Whether the unfinished header is the one that the mapping names.
fn is_header_of(directories: &Directories, mapping: &Mapping) -> bool {
    let header = directories.read(&Object::UNFINISHED_HEADER, largest_bytes(&Object::Header));
    header.is_ok_and(|header| Digest::of(&[&header]) == mapping.header)
}

/// Whether something beside the header belongs to no vault.
fn is_foreign(entry: &DirEntry, newest: &Mapping) -> bool {
    let name = entry.name.to_str();
    match name.and_then(|name| name.parse::<Object>().ok()) {
        // Writers make these anew, or remove them. What is no file would stand in their way.
        Some(Object::Unfinished(_) | Object::Lock) => entry.kind != EntryKind::File,
        Some(Object::PublicContext | Object::SecretContext) => !newest.is_old() && entry.kind != EntryKind::File,
        Some(_) => false,
        // A link in the place of a folder stays too: by the time it is moved, it may be the folder again.
        None => !name.is_some_and(layout::is_directory),
    }
}

/// The files that interrupted writers left, and the strays.
pub(super) fn sort(
    directories: &Directories,
    backend: &dyn Backend,
    newest: &Mapping,
) -> Result<(Vec<Object>, Vec<Stray>), Error> {
    let (mut abandoned, mut strays) = (Vec::new(), Vec::new());
    let root = directories.root().map_err(Error::io(directories.path().display()))?;
    for object in [Object::UNFINISHED_HEADER, Object::UNFINISHED_MAPPING] {
        // A new header that the mapping names is the vault's header, until the next writer gives it its name.
        let is_named = || object == Object::UNFINISHED_HEADER && is_header_of(directories, newest);
        let kind = root.kind(object.file_name().as_ref()).map_err(Error::io(&object))?;
        if kind == Some(EntryKind::File) && !is_named() {
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
    // Before the journals are read: then each of these files that belongs to a live writer is in its journal.
    let mut found = Vec::new();
    for (directory, dir) in dirs {
        let entries = dir.entries().map_err(Error::io(directory.name()))?;
        found.extend(entries.into_iter().map(|entry| (directory, entry)));
    }
    let journals = journal::look(directories)?;
    let is_abandoned = |object: &Object| journals.abandoned.iter().any(|journal| journal.listed.contains(object));
    for (directory, DirEntry { name, kind, .. }) in found {
        match name.to_str().and_then(|name| directory.object(name)) {
            Some(object) if named.contains(&object) || journals.live.contains(&object) => {}
            Some(object) if kind == EntryKind::File && is_abandoned(&object) => abandoned.push(object),
            _ => strays.push(Stray { place: Place::Within(directory), name }),
        }
    }
    let within = |place| move |name| Stray { place, name };
    strays.extend(journals.foreign.into_iter().map(within(Place::Within(Directory::Journals))));
    strays.extend(claims::foreign(directories)?.into_iter().map(within(Place::Claims)));
    let top = root.entries().map_err(Error::io(directories.path().display()))?;
    let mut top: Vec<_> = top.into_iter().filter(|entry| is_foreign(entry, newest)).map(|entry| entry.name).collect();
    top.sort();
    strays.extend(top.into_iter().map(within(Place::Root)));
    abandoned.extend(journals.abandoned.into_iter().map(|journal| journal.object));
    Ok((abandoned, strays))
}
