//! The one writer of a vault in a directory: the kernel's lock, files that are staged, and the commit by rename.
//!
//! It needs no key: a host that serves a vault writes with it what its owner sealed elsewhere. Must never: change a file
//! that has its name, remove one outside the three directories, or report a commit before the directory that holds the
//! mapping is durable.

use std::fs;
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
    staged: Mutex<Vec<Object>>,
    abandoned: Abandoned,
    // After the rest: what is removed on drop is removed under the lock.
    _lock: Lock,
}

impl DirectoryWriter {
    /// Takes the lock.
    pub(super) fn begin(store: &Store, if_locked: IfLocked, abandoned: Abandoned) -> Result<Self, Error> {
        // Never replaced, so every process locks the same file.
        let object = Object::PublicContext;
        let acquired = Lock::acquire(&object.path(store.root()), if_locked).map_err(Error::io(&object))?;
        let lock = acquired.ok_or(Error::Locked)?;
        let store = store.clone();
        Ok(Self { store, unsynced: Unsynced::default(), staged: Mutex::default(), abandoned, _lock: lock })
    }

    fn staged(&self) -> MutexGuard<'_, Vec<Object>> {
        // A list of names cannot be left half changed by a panic.
        self.staged.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remove(&self, objects: &[Object]) {
        for object in objects {
            let _ = fs::remove_file(object.path(self.store.root()));
        }
    }
}

impl Writer for DirectoryWriter {
    fn stage(&self, object: &Object, parts: &[&[u8]]) -> Result<(), Error> {
        self.unsynced.write(&object.path(self.store.root()), parts).map_err(Error::io(object))?;
        self.staged().push(object.clone());
        Ok(())
    }

    fn discard(&self, objects: &[Object]) {
        let removable = |object: &&Object| {
            matches!(object, Object::Segment(..) | Object::Photo(..) | Object::Thumbnail(_) | Object::Unfinished(_))
        };
        self.remove(&objects.iter().filter(removable).cloned().collect::<Vec<_>>());
    }

    fn commit(&self, mapping: &SignedMapping) -> Result<(), Error> {
        let root = self.store.root();
        self.unsynced.sync().map_err(Error::io("encrypted files"))?;
        for directory in Directory::ALL {
            durable::sync_directory(&root.join(directory.name())).map_err(Error::io(directory.name()))?;
        }
        let replaced = durable::replace(&Object::Mapping.path(root), mapping.text().as_bytes());
        // Even a failure may have made the new mapping visible. The next writer knows which files it names.
        self.staged().clear();
        replaced.map_err(Error::io(Object::Mapping))
    }

    fn replace_header(&self, header: &[u8]) -> Result<(), Error> {
        durable::replace(&Object::Header.path(self.store.root()), header).map_err(Error::io(Object::Header))
    }
}

impl Drop for DirectoryWriter {
    fn drop(&mut self) {
        if self.abandoned == Abandoned::Remove {
            let staged = std::mem::take(&mut *self.staged());
            self.remove(&staged);
        }
    }
}
