//! Strays: what does not belong to the vault, and how it is moved into `set_aside`, where the owner can look at it.
//!
//! Must never: remove anything, or follow a link.

use std::ffi::{OsStr, OsString};
use std::io;

use super::directories::Directories;
use crate::durable::{Dir, EntryKind};
use crate::vault::error::Error;
use crate::vault::format::layout::{CLAIMS, Directory, Object, SET_ASIDE};

/// Where in a vault something may be.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Beside the header.
    Root,
    /// Among the claims.
    Claims,
    /// In one of the directories.
    Within(Directory),
}

impl Place {
    /// The name of the directory; `None` for the vault itself.
    fn name(self) -> Option<&'static str> {
        match self {
            Self::Root => None,
            Self::Claims => Some(CLAIMS),
            Self::Within(directory) => Some(directory.name()),
        }
    }
}

/// A file, or anything else, that does not belong to the vault.
pub(super) struct Stray {
    pub(super) place: Place,
    pub(super) name: OsString,
}

impl Stray {
    /// Its path in the vault.
    pub(super) fn path(&self) -> String {
        let name = self.name.to_string_lossy();
        self.place.name().map_or_else(|| name.clone().into_owned(), |directory| format!("{directory}/{name}"))
    }
}

/// Moves strays into `set_aside`, durably. The caller holds the writer's lock, unless it is the lock's name that is
/// taken.
pub(super) fn set_aside(directories: &Directories, strays: &[Stray]) -> Result<(), Error> {
    if strays.is_empty() {
        return Ok(());
    }
    let root = directories.root().map_err(Error::io(directories.path().display()))?;
    let aside = make(root, SET_ASIDE)?;
    for Stray { place, name } in strays {
        let claims;
        let from = match place {
            Place::Root => root,
            Place::Claims => {
                claims = root.open_dir(CLAIMS).map_err(Error::io(CLAIMS))?;
                &claims
            }
            Place::Within(directory) => directories.dir(*directory)?,
        };
        let within = place.name().map(|name| make(&aside, name)).transpose()?;
        let to = within.as_ref().unwrap_or(&aside);
        let moved = match free_name(to, name).and_then(|free| from.rename(name, to, &free)) {
            // Its writer has just removed it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            // Beside the header there may be a mount point, or what belongs to the disk itself.
            Err(error) if *place == Place::Root && is_held_in_place(&error) => {
                log::warn!("something that does not belong to the vault could not be moved");
                continue;
            }
            moved => moved,
        };
        moved
            .and_then(|()| to.sync())
            .and_then(|()| from.sync())
            .map_err(Error::io(place.name().unwrap_or(SET_ASIDE)))?;
    }
    aside.sync().and_then(|()| root.sync()).map_err(Error::io(SET_ASIDE))
}

/// Sets aside whatever has the name of one of `objects` and is no file: a writer could neither replace nor remove it,
/// and would fail for ever.
pub(super) fn make_way(directories: &Directories, objects: &[Object]) -> Result<(), Error> {
    let mut strays = Vec::new();
    for object in objects {
        let (name, dir) = (OsString::from(object.file_name()), directories.dir_of(object)?);
        let place = object.directory().map_or(Place::Root, Place::Within);
        if dir.kind(&name).map_err(Error::io(object))?.is_some_and(|kind| kind != EntryKind::File) {
            log::warn!("{object} is not a file, and is moved into {SET_ASIDE}");
            strays.push(Stray { place, name });
        }
    }
    set_aside(directories, &strays)
}

fn make(dir: &Dir, name: &'static str) -> Result<Dir, Error> {
    dir.create_dir(name).map_err(|error| match error.kind() {
        io::ErrorKind::NotADirectory => Error::ForeignDirectory { directory: name },
        _ => Error::io(name)(error),
    })
}

fn is_held_in_place(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ResourceBusy | io::ErrorKind::PermissionDenied)
}

/// `name`, with a number appended if it is taken.
fn free_name(dir: &Dir, name: &OsStr) -> io::Result<OsString> {
    let mut free = name.to_owned();
    let mut number = 1;
    while dir.has(&free)? {
        number += 1;
        free = name.to_owned();
        free.push(format!(".{number}"));
    }
    Ok(free)
}
