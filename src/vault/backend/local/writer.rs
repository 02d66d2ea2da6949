//! A writer of a local vault: staged files, the kernel's lock, and the commit by rename.
//!
//! Several writers stage files at once. A file's name is in the journal of its writer (see `journal`) before the file
//! is created, and before a commit makes the file obsolete. A commit needs the lock on the file `lock`, which is never
//! replaced. This needs no key: a host uses it to write what its client has encrypted.
//!
//! On some network mounts locks do not exclude others. So a commit claims its generation (see `claims`), and then
//! checks that the mapping it replaces is the one that was current when it took the lock ([`Error::Overtaken`]), and
//! that nobody took its files or its journal away ([`Error::Dispossessed`]).
//!
//! Must never: change a file once it has its final name, remove one that the journal does not list, or report a commit
//! before the directory that holds the mapping is durable.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read, Write};
use std::sync::Arc;

use parking_lot::Mutex;

use super::abandoned;
use super::abandoned::remove_file;
use super::aside;
use super::claims::{Claim, Locks};
use super::directories::Directories;
use super::journal::Journal;
use super::leftovers;
use super::new_header;
use crate::durable::{Dir, IfLocked, Lock, Unsynced};
use crate::vault::backend::writer::{Abandoned, LOCK_PATIENCE, Pieces, Writer};
use crate::vault::backend::{Backend, generation};
use crate::vault::error::Error;
use crate::vault::format::hex::{Digest, Hex};
use crate::vault::format::history::Seen;
use crate::vault::format::layout::{Directory, Object};
use crate::vault::format::limits::largest_bytes;
use crate::vault::format::mapping::SignedMapping;

/// Writes to a local directory.
pub(crate) struct LocalWriter {
    directories: Arc<Directories>,
    /// The same vault, for reading lists.
    backend: Box<dyn Backend>,
    unsynced: Unsynced,
    state: Mutex<State>,
    abandoned: Abandoned,
}

/// What this writer has done so far.
#[derive(Default)]
struct State {
    /// While it holds the lock.
    turn: Option<Turn>,
    /// Made by the first announcement.
    journal: Option<Journal>,
    /// New files that no mapping references.
    staged: HashSet<Object>,
    /// Files that an interrupted writer left and that no mapping references. Without a commit they stay, and so does
    /// the journal, for another writer to remove them.
    adopted: HashSet<Object>,
    /// Files in the journal that a mapping of this writer references.
    committed: HashSet<Object>,
    /// Directories in which files were removed.
    removed: HashSet<Directory>,
    /// Whether a file could not be removed.
    is_stuck: bool,
    /// Whether this writer may have replaced the mapping, so that files in the journal may be obsolete.
    may_have_committed: bool,
}

/// The time during which a writer holds the lock.
struct Turn {
    _lock: Lock,
    /// That of `public_context`, which programs that write formats 1 and 2 lock instead.
    _old: Option<Lock>,
    /// The generation that the next commit replaces.
    in_force: Option<Seen>,
}

/// A new file of which a part has arrived.
pub(crate) struct Incoming {
    object: Object,
    file: File,
    /// Bytes that are still to come.
    missing: u64,
}

impl Incoming {
    /// Writes the next bytes.
    ///
    /// # Errors
    /// What the system reports; when they are more than the file was to have.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let Some(missing) = self.missing.checked_sub(bytes.len() as u64) else {
            return Err(wrong_length(&self.object));
        };
        self.file.write_all(bytes).map_err(Error::io(&self.object))?;
        self.missing = missing;
        Ok(())
    }

    /// Whether all of it has arrived.
    pub(crate) fn is_whole(&self) -> bool {
        self.missing == 0
    }
}

fn locked(object: &Object, file: File, if_locked: IfLocked) -> Result<Lock, Error> {
    let lock = match if_locked {
        IfLocked::Refuse => Lock::of(file, IfLocked::Refuse),
        IfLocked::Wait => Lock::within(file, LOCK_PATIENCE),
    };
    lock.map_err(Error::io(object))?.ok_or(Error::Locked)
}

fn wrong_length(object: &Object) -> Error {
    Error::io(object)(io::Error::new(io::ErrorKind::InvalidData, "its content has another length than announced"))
}

impl LocalWriter {
    /// A writer without the lock.
    pub(super) fn new(directories: &Arc<Directories>, backend: Box<dyn Backend>, abandoned: Abandoned) -> Self {
        let (directories, state) = (Arc::clone(directories), Mutex::default());
        Self { directories, backend, unsynced: Unsynced::default(), state, abandoned }
    }

    /// Starts from the mapping that is current now, after the remains of an interrupted creation were removed.
    pub(super) fn start_over(&self) -> Result<(), Error> {
        let in_force = self.directories.in_force()?;
        if let Some(turn) = &mut self.state.lock().turn {
            turn.in_force = in_force;
        }
        Ok(())
    }

    fn root(&self) -> Result<&Dir, Error> {
        self.directories.root().map_err(Error::io(self.directories.path().display()))
    }

    fn require_lock<'a>(&self, state: &'a State) -> Result<&'a Turn, Error> {
        state.turn.as_ref().ok_or_else(|| Error::io(Object::Lock)(io::Error::other("this writer does not hold it")))
    }

    /// Creates a file of `total` bytes, to which the caller writes.
    ///
    /// # Errors
    /// What the system reports.
    pub(crate) fn begin_file(&self, object: &Object, total: u64) -> Result<Incoming, Error> {
        self.announce(std::slice::from_ref(object))?;
        let dir = self.directories.dir_of(object)?;
        let file = dir.create_file(&object.file_name()).map_err(Error::io(object))?;
        self.state.lock().staged.insert(object.clone());
        Ok(Incoming { object: object.clone(), file, missing: total })
    }

    /// Stages a file that has arrived.
    ///
    /// # Errors
    /// What the system reports; when it is not whole. There is no such file then.
    pub(crate) fn finish_file(&self, file: Incoming) -> Result<(), Error> {
        if !file.is_whole() {
            let error = wrong_length(&file.object);
            self.abort_file(file);
            return Err(error);
        }
        self.unsynced.add(file.file).map_err(Error::io(file.object))
    }

    /// Removes a file that will not arrive.
    pub(crate) fn abort_file(&self, file: Incoming) {
        let mut state = self.state.lock();
        state.staged.remove(&file.object);
        self.remove([&file.object], &mut state);
    }

    /// Removes the journal if every file that it lists is gone or referenced by the current mapping; makes the earlier
    /// removals durable first.
    fn end_journal(&self, state: &mut State) {
        let Some(journal) = &state.journal else { return };
        // Adopted files may be in no other journal by now.
        if !state.adopted.is_empty() {
            return;
        }
        // Before a commit this writer made only what it staged, and the other files in the journal are not its own.
        let may_be_left = state.may_have_committed || state.is_stuck;
        let is_gone = |object: &&Object| matches!(self.directories.has(object), Ok(false));
        let left = journal.listed().difference(&state.committed).filter(|object| may_be_left && !is_gone(object));
        let left: Vec<_> = left.collect();
        // After a commit that failed.
        if !left.is_empty() && !state.turn.as_ref().is_some_and(|turn| self.references(turn, &left)) {
            return;
        }
        let end = || -> Result<(), Error> {
            for directory in &state.removed {
                self.directories.dir(*directory)?.sync().map_err(Error::io(directory.name()))?;
            }
            remove_file(&self.directories, journal.object())?;
            self.directories.dir(Directory::Journals)?.sync().map_err(Error::io(Directory::Journals.name()))
        };
        // If removing it fails, another writer reads it and finds nothing to remove.
        if end().is_ok() {
            state.journal = None;
            state.committed.clear();
            state.removed.clear();
            state.is_stuck = false;
            state.may_have_committed = false;
        }
    }

    /// Whether the current mapping references all of `objects`, as far as its lists can be read.
    fn references(&self, turn: &Turn, objects: &[&Object]) -> bool {
        let Ok(current) = self.directories.mapping() else { return false };
        let Ok(named) = generation::named_files(&*self.backend, &current.mapping) else { return false };
        let named: HashSet<Object> = named.into_iter().map(|file| file.object).collect();
        Some(Seen::of(&current)) == turn.in_force && objects.iter().all(|object| named.contains(object))
    }

    /// Removes files. Those that cannot be removed stay in the journal.
    fn remove<'a>(&self, objects: impl IntoIterator<Item = &'a Object>, state: &mut State) {
        for object in objects {
            match remove_file(&self.directories, object) {
                Ok(()) => state.removed.extend(object.directory()),
                Err(_) => state.is_stuck = true,
            }
        }
    }

    /// Whether the lock that this writer holds keeps others out: it looks held to another descriptor.
    fn locks(&self) -> Locks {
        let is_held = |file: File| Lock::is_held(&file).unwrap_or(true);
        match self.directories.open_file(&Object::Lock).map_or(true, is_held) {
            true => Locks::Exclude,
            false => Locks::DoNothing,
        }
    }

    /// Removes what was staged for a commit that did not happen, but for the originals: a commit that is tried again
    /// writes everything else anew.
    fn forget_attempt(&self, state: &mut State) {
        let (originals, others): (HashSet<Object>, HashSet<Object>) =
            std::mem::take(&mut state.staged).into_iter().partition(|object| matches!(object, Object::Photo(..)));
        state.staged = originals;
        self.remove(&others, state);
    }

    /// Claims the generation of `mapping` and makes it the current one.
    fn replace_mapping(&self, mapping: &SignedMapping, header: Option<&[u8]>, state: &mut State) -> Result<(), Error> {
        let in_force = self.require_lock(state)?.in_force;
        let claim = Claim::take(&self.directories, mapping, header, in_force, self.locks())?;
        self.require_undisturbed(state, in_force)?;
        let root = self.root()?;
        if let Some(header) = header {
            claim.prepare_header(root, header)?;
        }
        claim.publish(root)
    }

    /// Refuses to commit if another writer has committed since this one took the lock, or has removed what it staged.
    fn require_undisturbed(&self, state: &State, in_force: Option<Seen>) -> Result<(), Error> {
        if self.directories.in_force()? != in_force {
            return Err(Error::Overtaken);
        }
        let mut is_whole = self.has_journal(state)?;
        for object in state.staged.iter().chain(&state.adopted) {
            is_whole &= self.directories.has(object)?;
        }
        if is_whole { Ok(()) } else { Err(Error::Dispossessed) }
    }

    /// Whether the current mapping is still the one that this writer knows.
    fn is_in_force(&self, state: &State) -> bool {
        let known = state.turn.as_ref().and_then(|turn| turn.in_force);
        self.directories.in_force().is_ok_and(|current| current == known)
    }

    /// Whether this writer's journal is still there, if it has one.
    fn has_journal(&self, state: &State) -> Result<bool, Error> {
        state.journal.as_ref().map_or(Ok(true), |journal| self.directories.has(journal.object()))
    }
}

/// A file that is hashed as it is read.
struct Hashed<'a, R> {
    file: R,
    hasher: &'a mut blake3::Hasher,
}

impl<R: Read> Read for Hashed<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.hasher.update(&buffer[..read]);
        Ok(read)
    }
}

impl Writer for LocalWriter {
    fn lock(&self, if_locked: IfLocked) -> Result<(), Error> {
        if self.state.lock().turn.is_some() {
            return Ok(());
        }
        let (root, object) = (self.root()?, Object::Lock);
        aside::make_way(&self.directories, std::slice::from_ref(&object))?;
        let file = root.open_or_create_file(&object.file_name()).map_err(Error::io(&object))?;
        let file = file.ok_or(Error::Damaged { object: object.clone(), what: "it is not a regular file" })?;
        let lock = locked(&object, file, if_locked)?;
        let locks = self.locks();
        let object = Object::PublicContext;
        let old = match root.open_file_to_change(&object.file_name()) {
            Ok(file) => file.map(|file| locked(&object, file, if_locked)).transpose()?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(Error::io(&object)(error)),
        };
        aside::make_way(&self.directories, &[Object::UNFINISHED_HEADER, Object::UNFINISHED_MAPPING])?;
        new_header::settle(&self.directories, locks)?;
        let turn = Turn { _lock: lock, _old: old, in_force: self.directories.in_force()? };
        self.state.lock().turn = Some(turn);
        Ok(())
    }

    fn unlock(&self) {
        let mut state = self.state.lock();
        self.forget_attempt(&mut state);
        if state.staged.is_empty() {
            self.end_journal(&mut state);
        }
        state.turn = None;
    }

    fn announce(&self, objects: &[Object]) -> Result<(), Error> {
        let mut state = self.state.lock();
        let journal = match &mut state.journal {
            Some(journal) => journal,
            none => none.insert(Journal::create(&self.directories)?),
        };
        journal.list(objects).map_err(Error::io(journal.object().clone()))
    }

    fn stage(&self, object: &Object, parts: &[&[u8]]) -> Result<(), Error> {
        self.announce(std::slice::from_ref(object))?;
        let dir = self.directories.dir_of(object)?;
        self.unsynced.write(dir, &object.file_name(), parts).map_err(Error::io(object))?;
        self.state.lock().staged.insert(object.clone());
        Ok(())
    }

    fn stage_from(&self, object: &Object, total: u64, pieces: &mut Pieces<'_>) -> Result<(), Error> {
        let mut file = self.begin_file(object, total)?;
        for piece in pieces {
            if let Err(error) = piece.and_then(|piece| file.write(&piece)) {
                self.abort_file(file);
                return Err(error);
            }
        }
        self.finish_file(file)
    }

    fn concatenate(&self, object: &Object, from: &[Object]) -> Result<Digest, Error> {
        let mut files = Vec::with_capacity(from.len());
        let (mut total, limit) = (0u64, largest_bytes(object));
        for one in from {
            let (file, bytes) = self.directories.open_within(one, limit)?;
            total += bytes;
            files.push(file.take(bytes));
        }
        if total > limit {
            return Err(Error::TooLarge { object: object.clone(), actual: total, limit });
        }
        let mut whole = self.begin_file(object, total)?;
        let mut hasher = blake3::Hasher::new();
        for file in files {
            let mut file = Hashed { file, hasher: &mut hasher };
            match io::copy(&mut file, &mut whole.file) {
                // Fewer than a file had before: it was truncated meanwhile, and finishing this one fails.
                Ok(bytes) => whole.missing -= bytes,
                Err(error) => {
                    self.abort_file(whole);
                    return Err(Error::io(object)(error));
                }
            }
        }
        self.finish_file(whole)?;
        Ok(Hex(hasher.finalize().into()))
    }

    fn adopt(&self, objects: &[Object]) -> Result<(), Error> {
        self.announce(objects)?;
        for object in objects {
            let opened = self.directories.dir_of(object)?.open_file_to_change(&object.file_name());
            let file = match opened {
                Ok(file) => file.ok_or(Error::Damaged { object: object.clone(), what: "it is not a regular file" })?,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    return Err(Error::Missing { object: object.clone() });
                }
                Err(error) => return Err(Error::io(object)(error)),
            };
            self.unsynced.add(file).map_err(Error::io(object))?;
            self.state.lock().adopted.insert(object.clone());
        }
        Ok(())
    }

    fn discard(&self, objects: &[Object]) {
        let mut state = self.state.lock();
        let Some(journal) = &state.journal else { return };
        if state.may_have_committed && self.locks() == Locks::DoNothing && !self.is_in_force(&state) {
            // The generation of another writer may name them. The journal lists them.
            state.is_stuck = true;
            return;
        }
        let listed: Vec<&Object> = objects.iter().filter(|object| journal.listed().contains(object)).collect();
        for object in &listed {
            state.staged.remove(*object);
            state.adopted.remove(*object);
            state.committed.remove(*object);
        }
        self.remove(listed, &mut state);
    }

    fn commit(&self, mapping: &SignedMapping, header: Option<&[u8]>) -> Result<(), Error> {
        let mut state = self.state.lock();
        self.require_lock(&state)?;
        if header.is_some_and(|header| !mapping.mapping.is_old() && Digest::of(&[header]) != mapping.mapping.header) {
            // Whoever sent it: with this header nobody could open the vault.
            return Err(Error::HeaderReplaced { generation: mapping.mapping.generation });
        }
        self.unsynced.sync().map_err(Error::io("encrypted files"))?;
        for directory in Directory::ALL {
            self.directories.dir(directory)?.sync().map_err(Error::io(directory.name()))?;
        }
        let replaced = self.replace_mapping(mapping, header, &mut state);
        if matches!(replaced, Err(Error::Overtaken | Error::Dispossessed)) {
            return replaced;
        }
        // Even a failed replacement may be visible. Then another writer finds out what the current mapping references.
        let (staged, adopted) = (std::mem::take(&mut state.staged), std::mem::take(&mut state.adopted));
        state.may_have_committed = true;
        replaced?;
        state.committed.extend(staged.into_iter().chain(adopted));
        if let Some(turn) = &mut state.turn {
            turn.in_force = Some(Seen::of(mapping));
        }
        header.map_or(Ok(()), |header| new_header::finish(&self.directories, header))
    }

    fn remove_abandoned(&self) -> Result<(), Error> {
        let state = self.state.lock();
        let in_force = self.require_lock(&state)?.in_force;
        if self.locks() == Locks::DoNothing {
            log::warn!("locks do nothing here: what interrupted writers left is not removed");
            return Ok(());
        }
        abandoned::remove(
            &self.directories,
            &*self.backend,
            state.journal.as_ref(),
            in_force.map(|current| current.tag),
        )
    }

    fn set_strays_aside(&self) -> Result<(), Error> {
        self.require_lock(&self.state.lock())?;
        let (_, strays) = leftovers::sort(&self.directories, &*self.backend, &self.directories.mapping()?.mapping)?;
        aside::set_aside(&self.directories, &strays)
    }
}

impl Drop for LocalWriter {
    fn drop(&mut self) {
        let mut state = self.state.lock();
        if self.abandoned == Abandoned::Keep && !state.staged.is_empty() {
            return;
        }
        let staged = std::mem::take(&mut state.staged);
        self.remove(&staged, &mut state);
        self.end_journal(&mut state);
    }
}
