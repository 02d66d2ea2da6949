//! The one writer of a local vault: the kernel's lock, staged files, and the commit by rename.
//!
//! A file's name is in the journal (see `journal`) before the file is created, and before a commit makes the file
//! obsolete. Only a writer that finds a journal has to look for leftovers. This needs no key: a host uses it to write
//! what its client has encrypted.
//!
//! On some network mounts the lock does not exclude others, and two writers may start from the same generation. So a
//! commit checks that the mapping it replaces is the one it started from, and afterwards that its own mapping is the
//! current one ([`Error::Overtaken`]). A commit by another writer between the first check and the rename goes
//! unnoticed.
//!
//! Must never: change a file once it has its final name, remove one that the journal does not list, or report a commit
//! before the directory that holds the mapping is durable.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::io;
use std::sync::Arc;

use parking_lot::Mutex;

use super::directories::Directories;
use super::journal::Journal;
use super::leftovers;
use super::leftovers::Stray;
use crate::durable::{Dir, IfLocked, Lock, Unsynced};
use crate::vault::backend::Backend;
use crate::vault::backend::writer::{Abandoned, Writer};
use crate::vault::error::Error;
use crate::vault::format::hex::MacTag;
use crate::vault::format::layout::{Directory, Object, SET_ASIDE};
use crate::vault::format::mapping::SignedMapping;

/// Writes to a local directory.
pub(super) struct LocalWriter {
    directories: Arc<Directories>,
    /// The same vault, for reading lists.
    backend: Box<dyn Backend>,
    unsynced: Unsynced,
    state: Mutex<State>,
    abandoned: Abandoned,
    // Dropped last: removals on drop must happen under the lock.
    _lock: Lock,
}

/// What this writer has done so far.
struct State {
    /// The tag of the mapping that the next commit replaces.
    in_force: Option<MacTag>,
    /// Opened by the first change.
    journal: Option<Journal>,
    /// New files that no mapping references.
    staged: Vec<Object>,
    /// Whether the journal may list files unknown to this writer: left by an earlier writer, or made obsolete by a
    /// commit.
    has_others: bool,
    /// Directories in which files were removed.
    removed: HashSet<Directory>,
    /// Whether a file could not be removed.
    is_stuck: bool,
}

impl LocalWriter {
    /// Takes the lock.
    pub(super) fn begin(
        directories: &Arc<Directories>,
        backend: Box<dyn Backend>,
        if_locked: IfLocked,
        abandoned: Abandoned,
    ) -> Result<Self, Error> {
        // Never replaced, so every process locks the same file.
        let object = Object::PublicContext;
        let file = directories.dir_of(&object)?.open_file_to_change(&object.file_name()).map_err(Error::io(&object))?;
        let file = file.ok_or(Error::Damaged { object: object.clone(), what: "it is not a regular file" })?;
        let lock = Lock::of(file, if_locked).map_err(Error::io(&object))?.ok_or(Error::Locked)?;
        let state = State {
            in_force: tag_in_force(directories)?,
            journal: None,
            staged: Vec::new(),
            has_others: false,
            removed: HashSet::new(),
            is_stuck: false,
        };
        let (directories, state) = (Arc::clone(directories), Mutex::new(state));
        Ok(Self { directories, backend, unsynced: Unsynced::default(), state, abandoned, _lock: lock })
    }

    fn root(&self) -> Result<&Dir, Error> {
        self.directories.root().map_err(Error::io(self.directories.path().display()))
    }

    /// Lists `objects` in the journal, durably. The journal is created if there is none.
    fn list(&self, state: &mut State, objects: &[Object]) -> Result<(), Error> {
        if state.journal.is_none() {
            let (journal, is_new) = Journal::open(self.root()?).map_err(Error::io(Object::Writing))?;
            state.journal = Some(journal);
            state.has_others |= !is_new;
        }
        let journal = state.journal.as_mut().expect("opened above");
        journal.list(objects).map_err(Error::io(Object::Writing))
    }

    /// Removes the journal, after making the earlier removals durable.
    fn end_journal(&self, state: &mut State) {
        let end = || -> Result<(), Error> {
            for directory in &state.removed {
                self.directories.dir(*directory)?.sync().map_err(Error::io(directory.name()))?;
            }
            self.root()?.remove(&Object::Writing.file_name()).map_err(Error::io(Object::Writing))
        };
        // If removing it fails, the next writer reads it and finds nothing to remove.
        if end().is_ok() {
            state.journal = None;
            state.has_others = false;
            state.is_stuck = false;
            state.removed.clear();
        }
    }

    fn remove<'a>(&self, objects: impl IntoIterator<Item = &'a Object>, state: &mut State) {
        for object in objects {
            let removed = self.directories.dir_of(object).and_then(|dir| match dir.remove(&object.file_name()) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::io(object)(error)),
                _ => Ok(()),
            });
            match removed {
                Ok(()) => state.removed.extend(object.directory()),
                Err(_) => state.is_stuck = true,
            }
        }
    }

    /// Refuses to commit if another writer has committed since this one started, or has removed files staged here.
    fn require_undisturbed(&self, state: &mut State) -> Result<(), Error> {
        let is_there = |object: &Object| {
            let dir = self.directories.dir_of(object)?;
            dir.has(object.file_name().as_ref()).map_err(Error::io(object))
        };
        let mut is_undisturbed = tag_in_force(&self.directories)? == state.in_force;
        for object in &state.staged {
            is_undisturbed &= is_there(object)?;
        }
        self.overtaken_unless(is_undisturbed, state)
    }

    fn overtaken_unless(&self, is_undisturbed: bool, state: &mut State) -> Result<(), Error> {
        if is_undisturbed {
            return Ok(());
        }
        // The journal may also hold the other writer's names.
        state.has_others = true;
        Err(Error::Overtaken)
    }
}

/// The tag of the current mapping, not verified; `None` when there is none yet.
fn tag_in_force(directories: &Directories) -> Result<Option<MacTag>, Error> {
    match directories.mapping() {
        Ok(found) => Ok(Some(found.tag)),
        Err(Error::Missing { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

impl Writer for LocalWriter {
    fn announce(&self, objects: &[Object]) -> Result<(), Error> {
        self.list(&mut self.state.lock(), objects)
    }

    fn stage(&self, object: &Object, parts: &[&[u8]]) -> Result<(), Error> {
        self.announce(std::slice::from_ref(object))?;
        let dir = self.directories.dir_of(object)?;
        self.unsynced.write(dir, &object.file_name(), parts).map_err(Error::io(object))?;
        self.state.lock().staged.push(object.clone());
        Ok(())
    }

    fn discard(&self, objects: &[Object]) {
        let mut state = self.state.lock();
        let has_journal =
            || self.root().is_ok_and(|root| root.has(Object::Writing.file_name().as_ref()).unwrap_or(true));
        if state.journal.is_none() && has_journal() && self.list(&mut state, &[]).is_err() {
            return;
        }
        let is_listed = |object: &&Object| match object {
            Object::Unfinished(_) => true,
            object => state.journal.as_ref().is_some_and(|journal| journal.lists(object)),
        };
        let listed: HashSet<&Object> = objects.iter().filter(is_listed).collect();
        state.staged.retain(|object| !listed.contains(object));
        self.remove(listed, &mut state);
        let is_last = state.journal.is_some() && !state.is_stuck && state.staged.is_empty();
        if is_last && objects.contains(&Object::Writing) {
            self.end_journal(&mut state);
        }
    }

    fn commit(&self, mapping: &SignedMapping) -> Result<(), Error> {
        let mut state = self.state.lock();
        self.list(&mut state, &[])?;
        self.unsynced.sync().map_err(Error::io("encrypted files"))?;
        for directory in Directory::ALL {
            self.directories.dir(directory)?.sync().map_err(Error::io(directory.name()))?;
        }
        self.require_undisturbed(&mut state)?;
        let replaced = self.root()?.replace(&Object::Mapping.file_name(), mapping.text().as_bytes());
        // Even a failed replacement may be visible. The next writer checks what the current mapping references.
        state.staged.clear();
        state.has_others = true;
        replaced.map_err(Error::io(Object::Mapping))?;
        self.overtaken_unless(tag_in_force(&self.directories)? == Some(mapping.tag), &mut state)?;
        state.in_force = Some(mapping.tag);
        Ok(())
    }

    fn replace_header(&self, header: &[u8]) -> Result<(), Error> {
        let mut state = self.state.lock();
        self.list(&mut state, &[])?;
        self.root()?.replace(&Object::Header.file_name(), header).map_err(|error| {
            state.has_others = true;
            Error::io(Object::Header)(error)
        })
    }

    fn set_strays_aside(&self) -> Result<(), Error> {
        let (_, strays) = leftovers::sort(&self.directories, &*self.backend, &self.directories.mapping()?.mapping)?;
        if strays.is_empty() {
            return Ok(());
        }
        let within = |dir: &Dir, name: &'static str| {
            dir.create_dir(name).map_err(|error| match error.kind() {
                io::ErrorKind::NotADirectory => Error::ForeignDirectory { directory: name },
                _ => Error::io(name)(error),
            })
        };
        let root = self.root()?;
        let aside = within(root, SET_ASIDE)?;
        for Stray { directory, name } in strays {
            let (from, to) = (self.directories.dir(directory)?, within(&aside, directory.name())?);
            let moved = free_name(&to, &name).and_then(|free| from.rename(&name, &to, &free));
            moved.and_then(|()| to.sync()).and_then(|()| from.sync()).map_err(Error::io(directory.name()))?;
        }
        aside.sync().and_then(|()| root.sync()).map_err(Error::io(SET_ASIDE))
    }
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

impl Drop for LocalWriter {
    fn drop(&mut self) {
        let mut state = self.state.lock();
        if self.abandoned == Abandoned::Keep && !state.staged.is_empty() {
            return;
        }
        let staged = std::mem::take(&mut state.staged);
        self.remove(&staged, &mut state);
        if state.journal.is_some() && !state.has_others && !state.is_stuck {
            self.end_journal(&mut state);
        }
    }
}
