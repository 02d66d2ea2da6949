//! A directory held open by its descriptor, and the files directly in it.
//!
//! A path is resolved again by every call, so anyone who can write to one of its directories can put a symbolic link
//! there between two calls. A [`Dir`] is resolved once: whatever is renamed or linked afterwards, it stays the same
//! directory. Names are single components, and a link in place of a directory or file is refused, never followed. On
//! Linux the kernel checks this too (`openat2(2)` with `RESOLVE_BENEATH` and `RESOLVE_NO_SYMLINKS`); older kernels and
//! other Unix systems get `openat(2)` with `O_NOFOLLOW`, which is as strict for a single component.
//!
//! Must never: resolve a name that has more than one component.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat};
use rustix::io::{Errno, retry_on_intr};

use super::entry::{DirEntry, EntryKind};

/// An open directory.
#[derive(Debug)]
pub struct Dir(OwnedFd);

impl Dir {
    /// Opens the directory at `path`. Links in the path are followed, because the caller chose it.
    ///
    /// # Errors
    /// What the system reports.
    pub fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self(retry_on_intr(|| rustix::fs::open(path, flags, Mode::empty()))?))
    }

    /// Opens the directory `name`.
    ///
    /// # Errors
    /// `NotADirectory` when it is a link or a file; otherwise what the system reports.
    pub fn open_dir(&self, name: &str) -> io::Result<Self> {
        match self.open_at(OsStr::new(name), OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty()) {
            Err(Errno::LOOP | Errno::NOTDIR) => Err(io::ErrorKind::NotADirectory.into()),
            outcome => Ok(Self(outcome?)),
        }
    }

    /// Opens the directory `name`. If there is none, creates it, private to the owner (0700).
    ///
    /// # Errors
    /// As [`Self::open_dir`].
    pub fn create_dir(&self, name: &str) -> io::Result<Self> {
        match rustix::fs::mkdirat(&self.0, single(OsStr::new(name))?, Mode::RWXU) {
            Ok(()) | Err(Errno::EXIST) => self.open_dir(name),
            Err(error) => Err(error.into()),
        }
    }

    /// Opens a file for reading; `None` when `name` is a link, a pipe or anything else but a regular file.
    ///
    /// # Errors
    /// What the system reports.
    pub fn open_file(&self, name: &str) -> io::Result<Option<File>> {
        // Without O_NONBLOCK, opening a pipe waits for its other end.
        self.open_regular(name, OFlags::RDONLY | OFlags::NONBLOCK)
    }

    /// Opens a file for reading and writing, as a lock or to append to it; `None` as for [`Self::open_file`].
    ///
    /// # Errors
    /// What the system reports.
    pub fn open_file_to_change(&self, name: &str) -> io::Result<Option<File>> {
        self.open_regular(name, OFlags::RDWR | OFlags::APPEND | OFlags::NONBLOCK)
    }

    /// Creates a file that only its owner can read (0600), open for writing.
    ///
    /// # Errors
    /// `AlreadyExists` when anything has this name, even a link; otherwise what the system reports.
    pub fn create_file(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
        Ok(self.open_at(OsStr::new(name), flags, Mode::RUSR | Mode::WUSR)?.into())
    }

    /// Opens a file as [`Self::open_file_to_change`] does. If there is none, creates it, empty and durably.
    ///
    /// # Errors
    /// What the system reports.
    pub fn open_or_create_file(&self, name: &str) -> io::Result<Option<File>> {
        match self.open_file_to_change(name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            opened => return opened,
        }
        match self.create_file(name) {
            Ok(_) => self.sync()?,
            // Another process was faster.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
        self.open_file_to_change(name)
    }

    /// Removes a file, or a link itself.
    ///
    /// # Errors
    /// What the system reports, for instance when it is a directory.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(&self.0, single(OsStr::new(name))?, AtFlags::empty())?)
    }

    /// Renames `name` to `new` in the directory `target`, replacing a file of that name.
    ///
    /// # Errors
    /// What the system reports.
    pub fn rename(&self, name: &OsStr, target: &Self, new: &OsStr) -> io::Result<()> {
        Ok(rustix::fs::renameat(&self.0, single(name)?, &target.0, single(new)?)?)
    }

    /// Whether anything has this name, even a link.
    ///
    /// # Errors
    /// What the system reports.
    pub fn has(&self, name: &OsStr) -> io::Result<bool> {
        Ok(self.kind(name)?.is_some())
    }

    /// What has this name, without following a link; `None` if nothing has.
    ///
    /// # Errors
    /// What the system reports.
    pub fn kind(&self, name: &OsStr) -> io::Result<Option<EntryKind>> {
        match rustix::fs::statat(&self.0, single(name)?, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(status) => Ok(Some(kind_of(&status))),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Everything directly in it.
    ///
    /// # Errors
    /// What the system reports.
    pub fn entries(&self) -> io::Result<Vec<DirEntry>> {
        let mut entries = Vec::new();
        for entry in rustix::fs::Dir::read_from(&self.0)? {
            let name = OsString::from_vec(entry?.file_name().to_bytes().to_vec());
            if name == "." || name == ".." {
                continue;
            }
            match rustix::fs::statat(&self.0, &name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(status) => {
                    let kind = kind_of(&status);
                    // No file system reports a negative size.
                    entries.push(DirEntry { name, kind, bytes: u64::try_from(status.st_size).unwrap_or_default() });
                }
                // A writer has just removed it.
                Err(Errno::NOENT) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(entries)
    }

    /// Makes its entries durable: creations, renames and removals so far.
    ///
    /// # Errors
    /// What the system reports.
    pub fn sync(&self) -> io::Result<()> {
        Ok(retry_on_intr(|| rustix::fs::fsync(&self.0))?)
    }

    fn open_regular(&self, name: &str, flags: OFlags) -> io::Result<Option<File>> {
        let file = match self.open_at(OsStr::new(name), flags, Mode::empty()) {
            Ok(file) => File::from(file),
            // A link; a socket or a device without a driver; a directory opened for writing.
            Err(Errno::LOOP | Errno::MLINK | Errno::NXIO | Errno::ISDIR) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        Ok(file.metadata()?.is_file().then_some(file))
    }

    fn open_at(&self, name: &OsStr, flags: OFlags, mode: Mode) -> Result<OwnedFd, Errno> {
        let name = single(name)?;
        let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        #[cfg(target_os = "linux")]
        {
            use rustix::fs::ResolveFlags;
            let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
            match retry_on_intr(|| rustix::fs::openat2(&self.0, name, flags, mode, resolve)) {
                // Kernels before 5.6, and sandboxes that do not know the call.
                Err(Errno::NOSYS | Errno::PERM) => {}
                outcome => return outcome,
            }
        }
        retry_on_intr(|| rustix::fs::openat(&self.0, name, flags, mode))
    }
}

fn kind_of(status: &Stat) -> EntryKind {
    match FileType::from_raw_mode(status.st_mode) {
        FileType::RegularFile => EntryKind::File,
        FileType::Directory => EntryKind::Directory,
        _ => EntryKind::Other,
    }
}

/// `name`, if it is a single component.
fn single(name: &OsStr) -> Result<&OsStr, Errno> {
    let bytes = name.as_bytes();
    if bytes.is_empty() || bytes.contains(&b'/') || bytes == b"." || bytes == b".." {
        return Err(Errno::INVAL);
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn links_in_place_of_directories_and_files_are_refused() {
        let place = tempfile::tempdir().unwrap();
        let path = |name: &str| place.path().join(name);
        fs::create_dir(path("elsewhere")).unwrap();
        fs::write(path("elsewhere/file"), "not ours").unwrap();
        fs::create_dir(path("vault")).unwrap();
        symlink(path("elsewhere"), path("vault/folder")).unwrap();
        symlink(path("elsewhere/file"), path("vault/file")).unwrap();
        let dir = Dir::open(&path("vault")).unwrap();
        assert_eq!(dir.open_dir("folder").unwrap_err().kind(), io::ErrorKind::NotADirectory);
        assert_eq!(dir.create_dir("folder").unwrap_err().kind(), io::ErrorKind::NotADirectory);
        assert!(dir.open_file("file").unwrap().is_none());
        assert!(dir.open_file_to_change("file").unwrap().is_none());
        assert_eq!(dir.create_file("file").unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert!(dir.has(OsStr::new("file")).unwrap());
        assert!(dir.entries().unwrap().iter().all(|entry| entry.kind == EntryKind::Other));
        dir.remove("file").unwrap();
        assert_eq!(fs::read(path("elsewhere/file")).unwrap(), b"not ours");
    }

    #[test]
    fn names_of_several_components_are_refused() {
        let place = tempfile::tempdir().unwrap();
        fs::create_dir(place.path().join("inner")).unwrap();
        fs::write(place.path().join("file"), "").unwrap();
        let dir = Dir::open(&place.path().join("inner")).unwrap();
        for name in ["../file", "..", ".", "", "/etc/hostname", "a/b"] {
            assert!(dir.open_file(name).is_err(), "{name:?}");
            assert!(dir.open_dir(name).is_err(), "{name:?}");
            assert!(dir.create_file(name).is_err(), "{name:?}");
            assert!(dir.create_dir(name).is_err(), "{name:?}");
            assert!(dir.remove(name).is_err(), "{name:?}");
            assert!(dir.rename(OsStr::new(name), &dir, OsStr::new("x")).is_err(), "{name:?}");
        }
        assert!(place.path().join("file").exists());
    }

    #[test]
    fn an_open_directory_stays_the_same_after_a_swap() {
        let place = tempfile::tempdir().unwrap();
        let path = |name: &str| place.path().join(name);
        fs::create_dir(path("ours")).unwrap();
        fs::create_dir(path("theirs")).unwrap();
        fs::write(path("theirs/photo"), "theirs").unwrap();
        let dir = Dir::open(place.path()).unwrap().open_dir("ours").unwrap();
        fs::rename(path("ours"), path("moved")).unwrap();
        symlink(path("theirs"), path("ours")).unwrap();
        dir.create_file("photo").unwrap();
        dir.remove("photo").unwrap();
        assert_eq!(fs::read(path("theirs/photo")).unwrap(), b"theirs");
        assert_eq!(fs::read_dir(path("moved")).unwrap().count(), 0);
    }

    #[test]
    fn only_regular_files_are_opened_and_new_ones_are_private() {
        let place = tempfile::tempdir().unwrap();
        let dir = Dir::open(place.path()).unwrap();
        rustix::fs::mknodat(&dir.0, "pipe", FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(place.path().join("socket")).unwrap();
        dir.create_dir("folder").unwrap();
        for name in ["pipe", "socket", "folder"] {
            assert!(dir.open_file(name).unwrap().is_none(), "{name}");
            assert!(dir.open_file_to_change(name).unwrap().is_none(), "{name}");
        }
        assert_eq!(dir.open_file("nothing").unwrap_err().kind(), io::ErrorKind::NotFound);
        dir.create_file("file").unwrap();
        assert!(dir.open_file("file").unwrap().is_some());
        let mode = |name: &str| fs::metadata(place.path().join(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode("file"), mode("folder")), (0o600, 0o700));
        assert_eq!(dir.entries().unwrap().len(), 4);
    }
}
