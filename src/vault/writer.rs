//! The one writer of a vault in a directory: the kernel's lock, files that are staged, and the commit by rename.
//!
//! While there may be files that no mapping names there is an empty file `writing`, made durable before the first of them and
//! removed once their removal is durable: who finds it looks for leftovers, and nobody else need. It needs no key: a host that serves a vault writes with it what its owner sealed elsewhere. Must never: change a file
//! that has its name, remove one outside the three directories, or report a commit before the directory that holds the
//! mapping is durable.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::error::Error;
use super::layout::{Directory, Object};
use super::mapping::SignedMapping;
use super::storage::{Abandoned, Writer};
use super::store::Store;
use crate::durable;
use crate::durable::{IfLocked, Lock, Unsynced};

/// Writes in a directory of this machine.
pub struct DirectoryWriter {
    store: Store,
    unsynced: Unsynced,
    state: Mutex<State>,
    abandoned: Abandoned,
    // After the rest: what is removed on drop is removed under the lock.
    _lock: Lock,
}

/// What no mapping may name.
#[derive(Default)]
struct State {
    /// New files.
    staged: Vec<Object>,
    /// Whether this writer made sure that `writing` is there.
    is_marked: bool,
    /// Whether there may be files that this writer cannot name: an earlier one left them, or a commit made them obsolete.
    has_others: bool,
    /// Where files were removed.
    removed: HashSet<Directory>,
    /// Whether a file could not be removed.
    is_stuck: bool,
}

impl DirectoryWriter {
    /// Takes the lock.
    pub(super) fn begin(store: &Store, if_locked: IfLocked, abandoned: Abandoned) -> Result<Self, Error> {
        // Never replaced, so every process locks the same file.
        let object = Object::PublicContext;
        let acquired = Lock::acquire(&object.path(store.root()), if_locked).map_err(Error::io(&object))?;
        let lock = acquired.ok_or(Error::Locked)?;
        let store = store.clone();
        Ok(Self { store, unsynced: Unsynced::default(), state: Mutex::default(), abandoned, _lock: lock })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Each change is one step.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes sure that `writing` is on the disk.
    fn mark(&self) -> Result<(), Error> {
        // Others wait until it is there.
        let mut state = self.state();
        if !state.is_marked {
            let is_new = durable::mark(&Object::Writing.path(self.store.root())).map_err(Error::io(Object::Writing))?;
            state.is_marked = true;
            state.has_others |= !is_new;
        }
        Ok(())
    }

    /// Removes `writing`, once what was removed before is gone for good.
    fn unmark(&self, state: &mut State) {
        let root = self.store.root();
        let sync = |directory: &Directory| durable::sync_directory(&root.join(directory.name()));
        if state.removed.iter().try_for_each(sync).is_ok() && fs::remove_file(Object::Writing.path(root)).is_ok() {
            *state = State::default();
        }
    }

    fn remove<'a>(&self, objects: impl IntoIterator<Item = &'a Object>, state: &mut State) {
        for object in objects {
            match fs::remove_file(object.path(self.store.root())) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => state.is_stuck = true,
                _ => state.removed.extend(object.directory()),
            }
        }
    }
}

impl Writer for DirectoryWriter {
    fn stage(&self, object: &Object, parts: &[&[u8]]) -> Result<(), Error> {
        self.mark()?;
        self.unsynced.write(&object.path(self.store.root()), parts).map_err(Error::io(object))?;
        self.state().staged.push(object.clone());
        Ok(())
    }

    fn discard(&self, objects: &[Object]) {
        let removable = |object: &&Object| object.directory().is_some() || matches!(object, Object::Unfinished(_));
        let mut state = self.state();
        self.remove(objects.iter().filter(removable), &mut state);
        if !state.is_stuck && state.staged.is_empty() && objects.contains(&Object::Writing) {
            self.unmark(&mut state);
        }
    }

    fn commit(&self, mapping: &SignedMapping) -> Result<(), Error> {
        self.mark()?;
        let root = self.store.root();
        self.unsynced.sync().map_err(Error::io("encrypted files"))?;
        for directory in Directory::ALL {
            durable::sync_directory(&root.join(directory.name())).map_err(Error::io(directory.name()))?;
        }
        let replaced = durable::replace(&Object::Mapping.path(root), mapping.text().as_bytes());
        // Even a failure may have made the new mapping visible. The next writer knows which files it names.
        let mut state = self.state();
        state.staged.clear();
        state.has_others = true;
        replaced.map_err(Error::io(Object::Mapping))
    }

    fn replace_header(&self, header: &[u8]) -> Result<(), Error> {
        self.mark()?;
        durable::replace(&Object::Header.path(self.store.root()), header).map_err(|error| {
            self.state().has_others = true;
            Error::io(Object::Header)(error)
        })
    }
}

impl Drop for DirectoryWriter {
    fn drop(&mut self) {
        let mut state = std::mem::take(&mut *self.state());
        if self.abandoned == Abandoned::Keep && !state.staged.is_empty() {
            return;
        }
        let staged = std::mem::take(&mut state.staged);
        self.remove(&staged, &mut state);
        if state.is_marked && !state.has_others && !state.is_stuck {
            self.unmark(&mut state);
        }
    }
}
