//! Files that survive a crash: written completely and fsynced before they appear under their names. Also the exclusive
//! lock.
//!
//! Must never: report success before the data and the directory entry are on the disk, write through a symbolic link,
//! or leave a file readable by others.

#[cfg(unix)]
mod dir;
#[cfg(any(not(unix), test))]
#[cfg_attr(unix, allow(dead_code, unreachable_pub, reason = "only its tests run here"))]
mod dir_by_path;
mod entry;
mod unsynced;

use std::ffi::OsStr;
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

#[cfg(unix)]
pub use dir::Dir;
#[cfg(not(unix))]
pub use dir_by_path::Dir;
pub use entry::{DirEntry, EntryKind};
pub use unsynced::Unsynced;

/// The suffix of a file that is still being written. One found later was left by a crash.
pub const UNFINISHED: &str = ".new";

/// How often a wait with a limit asks for a lock again.
const LOCK_POLL: Duration = Duration::from_millis(10);

/// Creates a directory that only its owner can enter (0700 on Unix). Leaves an existing one as it is.
///
/// # Errors
/// What the system reports.
pub fn create_directory(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        outcome => outcome,
    }
}

/// Replaces the content of the file at `path`, atomically and durably: a crash leaves the old content or the new.
///
/// # Errors
/// What the system reports. After a failure past the rename, the new content is visible but may not be durable.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let name = path.file_name().and_then(OsStr::to_str).ok_or(io::ErrorKind::InvalidFilename)?;
    Dir::open(parent(path))?.replace(name, bytes)
}

/// Makes the names in a directory durable: creations, renames and removals so far.
///
/// # Errors
/// What the system reports.
pub fn sync_directory(path: &Path) -> io::Result<()> {
    Dir::open(path)?.sync()
}

/// The directory that contains `path`.
#[must_use]
pub fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

impl Dir {
    /// Replaces the content of the file `name`, atomically and durably: a crash leaves the old content or the new.
    ///
    /// # Errors
    /// What the system reports. After a failure past the rename, the new content is visible but may not be durable.
    pub fn replace(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.prepare(name, bytes)?;
        self.or_remove(&format!("{name}{UNFINISHED}"), self.finish(name))
    }

    /// The first half of [`Self::replace`]: writes the new content beside the file, with the suffix [`UNFINISHED`]. Its
    /// content is then on the disk; its name is after [`Self::sync`].
    ///
    /// # Errors
    /// What the system reports. An unfinished file is removed.
    pub fn prepare(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let unfinished = format!("{name}{UNFINISHED}");
        match self.remove(&unfinished) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let written = self.create_file(&unfinished).and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        });
        self.or_remove(&unfinished, written)
    }

    /// The second half of [`Self::replace`]: puts the prepared content in place.
    ///
    /// # Errors
    /// As [`Self::replace`], but the unfinished file stays: a header may be needed that has only this name.
    pub fn finish(&self, name: &str) -> io::Result<()> {
        let unfinished = format!("{name}{UNFINISHED}");
        self.rename(OsStr::new(&unfinished), self, OsStr::new(name))?;
        self.sync()
    }

    /// Removes `name` after an error.
    fn or_remove(&self, name: &str, outcome: io::Result<()>) -> io::Result<()> {
        outcome.inspect_err(|_| {
            // Best effort: the error matters more, and the next replacement removes the file too.
            let _ = self.remove(name);
        })
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

/// An exclusive lock held by the kernel. It ends with the process, even after a crash, so it cannot go stale.
pub struct Lock {
    file: File,
}

/// Releases the lock at once. Closing the file alone would not: a process that another thread is just starting holds a
/// copy of each descriptor until it runs its own program.
impl Drop for Lock {
    fn drop(&mut self) {
        // Closing the file releases it in any case, only later.
        let _ = self.file.unlock();
    }
}

impl Lock {
    /// Locks the file `name` in `directory`, which must never be replaced. Makes both where they are missing, private
    /// to their owner. `None` when another process holds the lock and `if_locked` is [`IfLocked::Refuse`].
    ///
    /// # Errors
    /// What the system reports, for instance when the file cannot be opened for writing.
    pub fn in_directory(directory: &Path, name: &str, if_locked: IfLocked) -> io::Result<Option<Self>> {
        std::fs::create_dir_all(parent(directory))?;
        create_directory(directory)?;
        let mut options = OpenOptions::new();
        options.create(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        Self::of(options.open(directory.join(name))?, if_locked)
    }

    /// The same for a file already open for writing.
    ///
    /// # Errors
    /// What the system reports.
    pub fn of(file: File, if_locked: IfLocked) -> io::Result<Option<Self>> {
        match if_locked {
            IfLocked::Wait => file.lock()?,
            IfLocked::Refuse => match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(error),
            },
        }
        Ok(Some(Self { file }))
    }

    /// The same, but waits no longer than `patience`; `None` when the other process still holds the lock then.
    ///
    /// # Errors
    /// What the system reports.
    pub fn within(file: File, patience: Duration) -> io::Result<Option<Self>> {
        let until = Instant::now() + patience;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Some(Self { file })),
                Err(TryLockError::WouldBlock) if Instant::now() < until => thread::sleep(LOCK_POLL),
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
    }

    /// Whether a process holds the lock on `file`, which needs only to be open for reading.
    ///
    /// # Errors
    /// What the system reports.
    pub fn is_held(file: &File) -> io::Result<bool> {
        match file.try_lock_shared() {
            Ok(()) => file.unlock().map(|()| false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// The locked file.
    #[must_use]
    pub fn file(&self) -> &File {
        &self.file
    }
}

/// Creates a directory and its missing parents, durably, and private to the owner whatever the umask (0700 on Unix).
/// Leaves existing ones as they are.
///
/// # Errors
/// What the system reports; when a path component exists and is not a directory.
pub fn create_private_directories(path: &Path) -> io::Result<()> {
    let missing: Vec<_> = path.ancestors().take_while(|directory| !directory.is_dir()).collect();
    for directory in missing.into_iter().rev() {
        create_directory(directory)?;
        #[cfg(unix)]
        std::fs::set_permissions(directory, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
        if let Some(parent) = directory.parent() {
            sync_directory(parent)?;
        }
    }
    Ok(())
}

/// Makes a file private to its owner, whatever umask it was created with (0600 on Unix).
///
/// # Errors
/// What the system reports.
pub fn make_private(file: &File) -> io::Result<()> {
    #[cfg(unix)]
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    #[cfg(not(unix))]
    let _ = file;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn replacing_a_file_removes_remains_of_a_crash() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("mapping");
        fs::write(directory.path().join("mapping.new"), "remains of a crash").unwrap();
        replace(&path, b"one").unwrap();
        replace(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_directory_by_path_behaves_like_one_by_descriptor() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("file"), "content").unwrap();
        fs::create_dir(directory.path().join("folder")).unwrap();
        std::os::unix::fs::symlink("file", directory.path().join("link")).unwrap();
        let (open, path) = (Dir::open(directory.path()).unwrap(), dir_by_path::Dir::open(directory.path()).unwrap());
        let kind = |error: io::Error| error.kind();
        for name in ["file", "folder", "link", "nothing", "..", "a/b"] {
            let held = open.open_file(name).map(|file| file.is_some()).map_err(kind);
            assert_eq!(path.open_file(name).map(|file| file.is_some()).map_err(kind), held, "{name}");
            let held = open.open_dir(name).map(drop).map_err(kind);
            assert_eq!(path.open_dir(name).map(drop).map_err(kind), held, "{name}");
            assert_eq!(path.create_file(name).is_ok(), open.create_file(name).is_ok() || name == "nothing", "{name}");
        }
        let sorted = |mut entries: Vec<DirEntry>| {
            entries.sort_by(|one, other| one.name.cmp(&other.name));
            // The size of a directory depends on the file system.
            entries.retain(|entry| entry.kind != EntryKind::Directory);
            entries
        };
        assert_eq!(sorted(path.entries().unwrap()), sorted(open.entries().unwrap()));
    }

    #[cfg(unix)]
    #[test]
    fn files_are_private_and_links_are_not_followed() {
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
        let path = directory.path().join("locks");
        let held = Lock::in_directory(&path, "lock", IfLocked::Refuse).unwrap().unwrap();
        assert!(Lock::in_directory(&path, "lock", IfLocked::Refuse).unwrap().is_none());
        let waiter = thread::spawn(move || Lock::in_directory(&path, "lock", IfLocked::Wait).unwrap().is_some());
        drop(held);
        assert!(waiter.join().unwrap());
    }

    #[test]
    fn a_copy_of_the_descriptor_does_not_keep_the_lock() {
        let directory = tempfile::tempdir().unwrap();
        let held = Lock::in_directory(directory.path(), "lock", IfLocked::Refuse).unwrap().unwrap();
        let _copy = held.file.try_clone().unwrap();
        drop(held);
        assert!(Lock::in_directory(directory.path(), "lock", IfLocked::Refuse).unwrap().is_some());
    }
}
