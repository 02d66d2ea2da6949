//! The journals of a local vault (see `format::journal`): each writer has its own, `journals/<random id>`, which it
//! holds with a kernel lock while it lives.
//!
//! A name is durable in a journal before its file is created, and before the commit that makes its file obsolete. A
//! journal whose lock is free is abandoned. Only files that an abandoned journal lists are removed (see `abandoned`);
//! no other file is removed just because it is unknown. Journals are not authenticated: adding names to one can only
//! get unreferenced files removed.
//!
//! Earlier versions had one journal, `writing`, whose writer holds a lock on `public_context`.
//!
//! Must never: take a journal for an abandoned one while its lock is held.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Write};

use super::directories::Directories;
use crate::durable::{Dir, EntryKind, IfLocked, Lock};
use crate::vault::error::Error;
use crate::vault::format::hex::Id;
use crate::vault::format::journal;
use crate::vault::format::journal::LARGEST_BYTES;
use crate::vault::format::layout::{Directory, Object};

/// How often to try another name for a new journal.
const TRIES: usize = 100;

/// The journal of a writer that is still there.
pub(super) struct Journal {
    object: Object,
    lock: Lock,
    listed: HashSet<Object>,
}

impl Journal {
    /// Makes an empty journal, and its directory if that is missing.
    pub(super) fn create(directories: &Directories) -> Result<Self, Error> {
        let dir = directories.made_dir(Directory::Journals)?;
        for _ in 0..TRIES {
            let object = Object::Journal(Id::random()?);
            let name = object.file_name();
            let file = dir.create_file(&name).map_err(Error::io(&object))?;
            let lock = Lock::of(file, IfLocked::Refuse).map_err(Error::io(&object))?;
            // Before it was locked, another writer may have taken it for an abandoned journal.
            match lock {
                Some(lock) if dir.has(name.as_ref()).map_err(Error::io(&object))? => {
                    dir.sync().map_err(Error::io(&object))?;
                    return Ok(Self { object, lock, listed: HashSet::new() });
                }
                // Best effort: whoever holds it removes it, and so does the next commit.
                _ => _ = dir.remove(&name),
            }
        }
        Err(Error::Locked)
    }

    /// Which file it is.
    pub(super) fn object(&self) -> &Object {
        &self.object
    }

    /// The files that it lists.
    pub(super) fn listed(&self) -> &HashSet<Object> {
        &self.listed
    }

    /// Lists `objects`, durably. Files that no interrupted writer leaves behind are not listed.
    pub(super) fn list(&mut self, objects: &[Object]) -> io::Result<()> {
        let is_new = |object: &&Object| object.is_listed_in_journals() && !self.listed.contains(*object);
        let new: Vec<&Object> = objects.iter().filter(is_new).collect();
        if new.is_empty() {
            return Ok(());
        }
        let mut file = self.lock.file();
        file.write_all(journal::encode(new.iter().copied()).as_bytes())?;
        file.sync_data()?;
        self.listed.extend(new.into_iter().cloned());
        Ok(())
    }
}

/// The journals of other writers.
#[derive(Default)]
pub(super) struct Others {
    /// What the journals of writers that are still there list, the caller's own included.
    pub(super) live: HashSet<Object>,
    /// The journals of interrupted writers.
    pub(super) abandoned: Vec<AbandonedJournal>,
    /// What is in the directory and is no journal.
    pub(super) foreign: Vec<OsString>,
}

/// The journal of an interrupted writer.
pub(super) struct AbandonedJournal {
    /// Which file it is.
    pub(super) object: Object,
    /// The files that it lists.
    pub(super) listed: HashSet<Object>,
    /// Held while its files are removed.
    _claim: Option<Lock>,
}

/// What to do with abandoned journals.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// Only read them.
    Look,
    /// Lock and rename them.
    Claim,
}

/// Reads all journals.
pub(super) fn look(directories: &Directories) -> Result<Others, Error> {
    read_all(directories, None, Purpose::Look)
}

/// Reads all journals but `own`, and claims the abandoned ones for the caller, which holds the writer's lock.
///
/// A claimed journal gets another name. Where locks do nothing it may belong to a writer that is still there: that
/// writer looks for its journal once more after it has written its next mapping. So whoever claims a journal must take
/// that mapping away (see `claims`) and read the current one, before it removes files.
pub(super) fn claim(directories: &Directories, own: Option<&Journal>) -> Result<Others, Error> {
    read_all(directories, own, Purpose::Claim)
}

fn read_all(directories: &Directories, own: Option<&Journal>, purpose: Purpose) -> Result<Others, Error> {
    let mut others = Others::default();
    others.live.extend(own.into_iter().flat_map(|own| own.listed.iter().cloned()));
    if let Some(dir) = directories.existing_dir(Directory::Journals)? {
        for entry in dir.entries().map_err(Error::io(Directory::Journals.name()))? {
            let object = entry.name.to_str().and_then(|name| Directory::Journals.object(name));
            match object.filter(|_| entry.kind == EntryKind::File) {
                Some(object) if own.is_some_and(|own| own.object == object) => {}
                Some(object) => read_one(dir, object, purpose, &mut others)?,
                None => others.foreign.push(entry.name),
            }
        }
    }
    read_writing(directories, purpose, &mut others)?;
    Ok(others)
}

/// Reads one journal, whose writer may remove it meanwhile.
fn read_one(dir: &Dir, object: Object, purpose: Purpose, others: &mut Others) -> Result<(), Error> {
    let name = object.file_name();
    let io = |error| Error::io(&object)(error);
    let open = || match dir.open_file(&name) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        file => file.map_err(io),
    };
    let Some(file) = open()? else { return Ok(()) };
    if purpose == Purpose::Look {
        // Where the system cannot tell, assume that it is held. Read afterwards: if it is free, it stays as it is.
        if Lock::is_held(&file).unwrap_or(true) {
            others.live.extend(read(&file).map_err(io)?);
        } else {
            let listed = read(&file).map_err(io)?;
            others.abandoned.push(AbandonedJournal { object, listed, _claim: None });
        }
        return Ok(());
    }
    let lock = match dir.open_file_to_change(&name) {
        Ok(Some(file)) => Lock::of(file, IfLocked::Refuse).map_err(io)?,
        Ok(None) => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(io(error)),
    };
    let Some(lock) = lock else {
        others.live.extend(read(&file).map_err(io)?);
        return Ok(());
    };
    let listed = read(lock.file()).map_err(io)?;
    if let Some(object) = rename(dir, &name, dir)? {
        others.abandoned.push(AbandonedJournal { object, listed, _claim: Some(lock) });
    }
    Ok(())
}

/// Reads the journal of earlier versions.
fn read_writing(directories: &Directories, purpose: Purpose, others: &mut Others) -> Result<(), Error> {
    let (object, io) = (Object::Writing, Error::io(Object::Writing));
    let listed = match directories.open_file(&object) {
        Ok(file) => read(&file).map_err(io)?,
        Err(Error::Missing { .. }) => return Ok(()),
        // A link or anything else here is not the vault's file. Removing a link leaves its target alone.
        Err(Error::Damaged { .. }) => HashSet::new(),
        Err(error) => return Err(error),
    };
    if purpose == Purpose::Look {
        let is_held = |file| Lock::is_held(&file).unwrap_or(true);
        if directories.open_file(&Object::PublicContext).is_ok_and(is_held) {
            others.live.extend(listed);
        } else {
            others.abandoned.push(AbandonedJournal { object, listed, _claim: None });
        }
        return Ok(());
    }
    // Whoever claims journals holds the writer's lock, which includes that of earlier versions.
    let root = directories.dir_of(&object)?;
    if let Some(object) = rename(root, &object.file_name(), directories.made_dir(Directory::Journals)?)? {
        others.abandoned.push(AbandonedJournal { object, listed, _claim: None });
    }
    Ok(())
}

/// Gives a journal a new name in `to`; `None` when it is gone.
fn rename(from: &Dir, name: &str, to: &Dir) -> Result<Option<Object>, Error> {
    let object = Object::Journal(Id::random()?);
    match from.rename(OsStr::new(name), to, OsStr::new(&object.file_name())) {
        Ok(()) => Ok(Some(object)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io(object)(error)),
    }
}

/// What a journal lists. Ignores lines that are not the name of a file that an interrupted writer may leave.
fn read(file: &File) -> io::Result<HashSet<Object>> {
    if file.metadata()?.len() > LARGEST_BYTES {
        log::warn!("a list of unfinished files is too large; it is ignored");
        return Ok(HashSet::new());
    }
    let mut bytes = Vec::new();
    file.take(LARGEST_BYTES).read_to_end(&mut bytes)?;
    Ok(journal::decode(&bytes))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn thumbnail() -> Object {
        Object::Thumbnail(Id::random().unwrap())
    }

    fn place() -> (tempfile::TempDir, Directories) {
        let place = tempfile::tempdir().unwrap();
        let directories = Directories::new(place.path().to_owned());
        (place, directories)
    }

    #[test]
    fn a_journal_is_live_until_its_writer_is_gone() {
        let (place, directories) = place();
        let nothing = look(&directories).unwrap();
        assert!(nothing.live.is_empty() && nothing.abandoned.is_empty());
        let mut journal = Journal::create(&directories).unwrap();
        let (one, another) = (thumbnail(), thumbnail());
        journal.list(&[one.clone(), Object::Header, Object::PublicContext, Object::Lock]).unwrap();
        journal.list(std::slice::from_ref(&one)).unwrap();
        journal.list(std::slice::from_ref(&another)).unwrap();
        let both = HashSet::from([one.clone(), another.clone()]);
        assert_eq!(*journal.listed(), both);
        let text = fs::read_to_string(journal.object().path(place.path())).unwrap();
        assert_eq!(text, format!("\n{one}\n\n{another}\n"));
        for others in [look(&directories).unwrap(), claim(&directories, None).unwrap()] {
            assert!(others.abandoned.is_empty());
            assert_eq!(others.live, both);
        }
        assert_eq!(claim(&directories, Some(&journal)).unwrap().live, both);

        let name = journal.object().clone();
        drop(journal);
        let looked = look(&directories).unwrap();
        assert!(looked.live.is_empty());
        assert_eq!((looked.abandoned.len(), &looked.abandoned[0].object), (1, &name));
        let claimed = claim(&directories, None).unwrap();
        assert_eq!(claimed.abandoned[0].listed, both);
        assert_ne!(claimed.abandoned[0].object, name);
        assert!(!name.path(place.path()).exists() && claimed.abandoned[0].object.path(place.path()).exists());
    }

    #[test]
    fn a_line_truncated_by_a_crash_is_ignored_and_later_lines_are_read() {
        let (place, directories) = place();
        let (one, another) = (thumbnail(), thumbnail());
        for cut in ["", "\n", &one.to_string()[..30], &one.to_string()] {
            fs::write(place.path().join("writing"), format!("{cut}\n{another}\n")).unwrap();
            let found = look(&directories).unwrap().abandoned.remove(0);
            assert!(found.object == Object::Writing && found.listed.contains(&another), "{cut:?}");
        }
        fs::write(place.path().join("writing"), one.to_string()).unwrap();
        assert!(look(&directories).unwrap().abandoned[0].listed.is_empty());
        fs::write(place.path().join("writing"), b"\xFF\n../header\nheader\nmapping.json\nencrypted_images/x\n")
            .unwrap();
        assert!(look(&directories).unwrap().abandoned[0].listed.is_empty());
    }

    #[test]
    fn the_journal_of_an_earlier_version_is_live_while_its_writer_is() {
        let (place, directories) = place();
        let one = thumbnail();
        fs::write(place.path().join("writing"), format!("\n{one}\n")).unwrap();
        let held = Lock::in_directory(place.path(), "public_context", IfLocked::Refuse).unwrap().unwrap();
        let others = look(&directories).unwrap();
        assert!(others.abandoned.is_empty() && others.live.contains(&one));
        drop(held);
        let others = look(&directories).unwrap();
        assert!(others.live.is_empty() && others.abandoned[0].listed.contains(&one));
        let others = claim(&directories, None).unwrap();
        assert!(others.live.is_empty() && others.abandoned[0].listed.contains(&one));
        assert!(!place.path().join("writing").exists());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_in_place_of_a_journal_is_not_followed() {
        let (place, directories) = place();
        let target = place.path().join("target");
        fs::write(&target, format!("{}\n", thumbnail())).unwrap();
        let before = fs::read(&target).unwrap();
        drop(Journal::create(&directories).unwrap());
        let name = Object::Journal(Id::random().unwrap());
        for link in [place.path().join("writing"), name.path(place.path())] {
            std::os::unix::fs::symlink(&target, link).unwrap();
        }
        let others = look(&directories).unwrap();
        assert!(others.abandoned.iter().all(|journal| journal.listed.is_empty()));
        assert_eq!(others.foreign, [OsString::from(name.file_name())]);
        claim(&directories, None).unwrap();
        assert_eq!(fs::read(&target).unwrap(), before);
    }
}
