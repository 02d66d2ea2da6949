//! Files that survive a crash: written whole, fsynced, and only then visible under their name; the exclusive lock.
//!
//! Must never: report success before the data and the directory entry are on the disk, follow a symbolic link that
//! waits under a name to be written, or leave a file readable by others.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rayon::prelude::*;

/// The ending of a file that is still being written. Found later, it is the remains of a crash.
pub const UNFINISHED: &str = ".new";

/// How many written files wait for one round of fsync: enough to overlap, few enough to keep open.
const SYNC_ROUND: usize = 64;

/// Creates a directory that only its owner can enter (0700 on Unix); one that exists already is left as it is.
///
/// # Errors
/// What the system says.
pub fn create_directory(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        outcome => outcome,
    }
}

/// Makes the names in a directory durable: creations, renames and removals so far.
///
/// # Errors
/// What the system says.
pub fn sync_directory(path: &Path) -> io::Result<()> {
    // Elsewhere a directory cannot be opened as a file, and its journal keeps the order of names by itself.
    if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
}

/// Replaces the file at `path` by `bytes`, atomically and durably: a crash leaves the old content or the new.
///
/// # Errors
/// What the system says. When it fails after the rename, the new content is visible and may not be durable.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(UNFINISHED);
    let unfinished = PathBuf::from(unfinished);
    match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let written = create_new(&unfinished).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    let renamed = written.and_then(|()| fs::rename(&unfinished, path));
    if let Err(error) = renamed {
        // Best effort: the error above is the one that matters, and a later writer removes remains too.
        let _ = fs::remove_file(&unfinished);
        return Err(error);
    }
    sync_directory(path.parent().unwrap_or(Path::new(".")))
}

/// Puts an empty file at `path`, durably; `false` when something was there already. There is no content to lose.
///
/// # Errors
/// What the system says.
pub fn mark(path: &Path) -> io::Result<bool> {
    let is_new = match create_new(path) {
        Ok(_) => true,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => false,
        Err(error) => return Err(error),
    };
    sync_directory(path.parent().unwrap_or(Path::new(".")))?;
    Ok(is_new)
}

/// A file that did not exist, open for writing by its owner alone (0600 on Unix).
fn create_new(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Immutable files on their way to the disk: written one by one, from any thread, and fsynced in rounds, because many
/// fsyncs at once share the journal's commits.
#[derive(Default)]
pub struct Unsynced(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    files: Vec<File>,
    /// A round that failed is not told apart again: the system reports a lost write once.
    failed: bool,
}

impl Unsynced {
    /// Writes a new file. It is durable only after [`Self::sync`] and [`sync_directory`].
    ///
    /// # Errors
    /// What the system says; a file that was begun is removed.
    pub fn write(&self, path: &Path, parts: &[&[u8]]) -> io::Result<()> {
        let mut file = create_new(path)?;
        if let Err(error) = parts.iter().try_for_each(|part| file.write_all(part)) {
            // Best effort, as above.
            let _ = fs::remove_file(path);
            return Err(error);
        }
        let round = {
            let mut waiting = self.waiting();
            waiting.files.push(file);
            if waiting.files.len() < SYNC_ROUND {
                return Ok(());
            }
            std::mem::take(&mut waiting.files)
        };
        self.sync_round(&round)
    }

    /// Waits until the content of every file written so far is on the disk.
    ///
    /// # Errors
    /// When this round or any before it failed; which of the files are durable is then unknown.
    pub fn sync(&self) -> io::Result<()> {
        let round = std::mem::take(&mut self.waiting().files);
        self.sync_round(&round)?;
        if self.waiting().failed { Err(io::Error::other("an earlier write did not reach the disk")) } else { Ok(()) }
    }

    fn sync_round(&self, files: &[File]) -> io::Result<()> {
        let outcome = files.par_iter().try_for_each(File::sync_all);
        if outcome.is_err() {
            self.waiting().failed = true;
        }
        outcome
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        // A list of files cannot be left half changed by a panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What to do when another process holds the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfLocked {
    /// Give up at once.
    Refuse,
    /// Wait until it is released.
    Wait,
}

/// An exclusive lock kept by the kernel: it ends with the process, however the process ends, and cannot go stale.
pub struct Lock {
    /// Locked until it is closed.
    _file: File,
}

impl Lock {
    /// Locks an existing file that is never replaced; `None` when it is held and `if_locked` says to refuse.
    ///
    /// # Errors
    /// What the system says, for instance when the file cannot be opened for writing.
    pub fn acquire(path: &Path, if_locked: IfLocked) -> io::Result<Option<Self>> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        match if_locked {
            IfLocked::Wait => file.lock()?,
            IfLocked::Refuse => match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(error),
            },
        }
        Ok(Some(Self { _file: file }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replaced_file_has_the_new_content_and_no_remains_stay() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("mapping");
        fs::write(directory.path().join("mapping.new"), "remains of a crash").unwrap();
        replace(&path, b"one").unwrap();
        replace(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_mark_is_new_once() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("mark");
        assert!(mark(&path).unwrap());
        assert!(!mark(&path).unwrap());
        assert_eq!(fs::read(&path).unwrap(), b"");
    }

    #[test]
    fn immutable_files_are_never_overwritten() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("object");
        let unsynced = Unsynced::default();
        unsynced.write(&path, &[b"fi", b"rst"]).unwrap();
        assert_eq!(unsynced.write(&path, &[b"second"]).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        unsynced.sync().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"first");
    }

    #[test]
    fn more_files_than_a_round_are_all_written() {
        let directory = tempfile::tempdir().unwrap();
        let unsynced = Unsynced::default();
        for at in 0..SYNC_ROUND * 2 + 3 {
            unsynced.write(&directory.path().join(at.to_string()), &[b"x"]).unwrap();
        }
        assert_eq!(unsynced.waiting().files.len(), 3);
        unsynced.sync().unwrap();
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), SYNC_ROUND * 2 + 3);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_round_that_failed_is_never_forgotten() {
        let unsynced = Unsynced::default();
        // A pipe cannot be fsynced.
        let (_reader, writer) = io::pipe().unwrap();
        unsynced.waiting().files.push(File::from(std::os::fd::OwnedFd::from(writer)));
        assert!(unsynced.sync().is_err());
        assert!(unsynced.sync().is_err());
    }

    #[cfg(unix)]
    #[test]
    fn others_may_not_read_and_links_are_not_followed() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let inner = directory.path().join("inner");
        create_directory(&inner).unwrap();
        create_directory(&inner).unwrap();
        let elsewhere = directory.path().join("elsewhere");
        fs::write(&elsewhere, "untouched").unwrap();
        std::os::unix::fs::symlink(&elsewhere, inner.join("header.new")).unwrap();
        replace(&inner.join("header"), b"new").unwrap();
        assert_eq!(fs::read(&elsewhere).unwrap(), b"untouched");
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&inner), 0o700);
        assert_eq!(mode(&inner.join("header")), 0o600);
    }

    #[test]
    fn one_holder_at_a_time() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("lock");
        fs::write(&path, "").unwrap();
        let held = Lock::acquire(&path, IfLocked::Refuse).unwrap().unwrap();
        assert!(Lock::acquire(&path, IfLocked::Refuse).unwrap().is_none());
        let waiter = std::thread::spawn({
            let path = path.clone();
            move || Lock::acquire(&path, IfLocked::Wait).unwrap().is_some()
        });
        drop(held);
        assert!(waiter.join().unwrap());
    }
}
