//! [`Dir`] for systems where a directory cannot be held open by its descriptor: its path, checked before each use.
//!
//! A link in place of a directory or file is refused, but one put there between check and use is followed: the
//! guarantees of `dir.rs` hold on Unix only.
//!
//! Must never: resolve a name that has more than one component.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Component, Path, PathBuf};

use super::entry::{DirEntry, EntryKind};

/// A directory.
#[derive(Debug)]
pub struct Dir(PathBuf);

impl Dir {
    /// The directory at `path`. Links in the path are followed, because the caller chose it.
    ///
    /// # Errors
    /// What the system reports.
    pub fn open(path: &Path) -> io::Result<Self> {
        if fs::metadata(path)?.is_dir() { Ok(Self(path.to_owned())) } else { Err(io::ErrorKind::NotADirectory.into()) }
    }

    /// The directory `name`.
    ///
    /// # Errors
    /// `NotADirectory` when it is a link or a file; otherwise what the system reports.
    pub fn open_dir(&self, name: &str) -> io::Result<Self> {
        let path = self.path(OsStr::new(name))?;
        if fs::symlink_metadata(&path)?.is_dir() { Ok(Self(path)) } else { Err(io::ErrorKind::NotADirectory.into()) }
    }

    /// The directory `name`, created if there is none.
    ///
    /// # Errors
    /// As [`Self::open_dir`].
    pub fn create_dir(&self, name: &str) -> io::Result<Self> {
        match fs::create_dir(self.path(OsStr::new(name))?) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => self.open_dir(name),
        }
    }

    /// Opens a file for reading; `None` when `name` is a link or anything else but a regular file.
    ///
    /// # Errors
    /// What the system reports.
    pub fn open_file(&self, name: &str) -> io::Result<Option<File>> {
        self.open_regular(name, OpenOptions::new().read(true))
    }

    /// Opens a file for reading and writing, as a lock or to append to it; `None` as for [`Self::open_file`].
    ///
    /// # Errors
    /// What the system reports.
    pub fn open_file_to_change(&self, name: &str) -> io::Result<Option<File>> {
        self.open_regular(name, OpenOptions::new().read(true).append(true))
    }

    /// Creates a file, open for writing.
    ///
    /// # Errors
    /// `AlreadyExists` when anything has this name, even a link; otherwise what the system reports.
    pub fn create_file(&self, name: &str) -> io::Result<File> {
        OpenOptions::new().write(true).create_new(true).open(self.path(OsStr::new(name))?)
    }

    /// Opens a file as [`Self::open_file_to_change`] does. If there is none, creates it.
    ///
    /// # Errors
    /// What the system reports.
    pub fn open_or_create_file(&self, name: &str) -> io::Result<Option<File>> {
        match self.create_file(name) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => self.open_file_to_change(name),
        }
    }

    /// Removes a file, or a link itself.
    ///
    /// # Errors
    /// What the system reports, for instance when it is a directory.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path(OsStr::new(name))?)
    }

    /// Renames `name` to `new` in the directory `target`, replacing a file of that name.
    ///
    /// # Errors
    /// What the system reports.
    pub fn rename(&self, name: &OsStr, target: &Self, new: &OsStr) -> io::Result<()> {
        fs::rename(self.path(name)?, target.path(new)?)
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
        match fs::symlink_metadata(self.path(name)?) {
            Ok(metadata) => Ok(Some(kind_of(&metadata))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Everything directly in it.
    ///
    /// # Errors
    /// What the system reports.
    pub fn entries(&self) -> io::Result<Vec<DirEntry>> {
        let entry = |entry: io::Result<fs::DirEntry>| {
            let entry = entry?;
            let metadata = entry.metadata()?;
            Ok(DirEntry { name: entry.file_name(), kind: kind_of(&metadata), bytes: metadata.len() })
        };
        fs::read_dir(&self.0)?.map(entry).collect()
    }

    /// Does nothing: a directory cannot be opened as a file here, and the file system's own journal orders the entries.
    ///
    /// # Errors
    /// Never fails.
    pub fn sync(&self) -> io::Result<()> {
        Ok(())
    }

    fn open_regular(&self, name: &str, options: &OpenOptions) -> io::Result<Option<File>> {
        let path = self.path(OsStr::new(name))?;
        if fs::symlink_metadata(&path)?.is_file() { options.open(path).map(Some) } else { Ok(None) }
    }

    fn path(&self, name: &OsStr) -> io::Result<PathBuf> {
        let mut components = Path::new(name).components();
        match (components.next(), components.next()) {
            (Some(Component::Normal(only)), None) if only == name => Ok(self.0.join(name)),
            _ => Err(io::ErrorKind::InvalidInput.into()),
        }
    }
}

fn kind_of(metadata: &fs::Metadata) -> EntryKind {
    match metadata.file_type() {
        kind if kind.is_file() => EntryKind::File,
        kind if kind.is_dir() => EntryKind::Directory,
        _ => EntryKind::Other,
    }
}
