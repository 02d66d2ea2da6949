//! The folder that photos are exported to: resolved to its real path, outside of every vault, and the temporary files
//! in it.
//!
//! Must never: accept a folder inside a vault, whatever path leads there, or touch a file that no export made.

use std::fs;
use std::fs::{File, TryLockError};
use std::io;
use std::path::{Component, Path, PathBuf};

use tempfile::NamedTempFile;

use crate::durable;
use crate::error::Error;
use crate::services::session;

/// Partly written photos are called `.cipherlens-<letters and digits>.part`.
const PART_PREFIX: &str = ".cipherlens-";
const PART_SUFFIX: &str = ".part";
const PART_RANDOM: usize = 12;

/// A folder outside of every vault. It need not exist yet.
#[derive(Clone, Debug)]
pub struct Target {
    /// Absolute, without symbolic links and `..`.
    folder: PathBuf,
}

impl Target {
    /// The folder at `path`; nothing is created.
    ///
    /// # Errors
    /// [`Error::InsideVault`]; when `path` cannot be resolved.
    pub fn at(path: &Path) -> Result<Self, Error> {
        let folder = resolve(path).map_err(|source| Error::Write { path: path.to_owned(), source })?;
        match session::vault_around(&folder) {
            Some(vault) => Err(Error::InsideVault { folder, vault }),
            None => Ok(Self { folder }),
        }
    }

    /// The current folder.
    ///
    /// # Errors
    /// As [`Self::at`].
    pub fn current_folder() -> Result<Self, Error> {
        Self::at(Path::new("."))
    }

    /// Its real path.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Creates the folder if it is missing, for its owner alone, and removes what killed exports left in it.
    pub(super) fn prepare(&self) -> Result<(), Error> {
        durable::create_private_directories(&self.folder).map_err(|source| self.unwritable(source))?;
        // The folder may have been replaced by a link since it was resolved.
        if fs::canonicalize(&self.folder).map_err(|source| self.unwritable(source))? != self.folder {
            return Err(self.unwritable(io::Error::other("it was replaced by a link to another folder")));
        }
        // A folder that cannot be listed may still be writable.
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            if is_part(&entry) {
                remove_abandoned(&entry.path());
            }
        }
        Ok(())
    }

    /// A new file under a temporary name, readable by its owner alone, locked while it is open.
    pub(super) fn create_part(&self) -> Result<NamedTempFile, Error> {
        loop {
            let mut builder = tempfile::Builder::new();
            builder.prefix(PART_PREFIX).suffix(PART_SUFFIX).rand_bytes(PART_RANDOM);
            let part = builder.tempfile_in(&self.folder).map_err(|source| self.unwritable(source))?;
            match part.as_file().try_lock() {
                // Another export mistook it for an abandoned file before it was locked, and is removing it.
                Err(TryLockError::WouldBlock) => {}
                Ok(()) if !part.path().exists() => {}
                // Without file locks no export can tell which files are abandoned, so none are removed.
                Ok(()) | Err(TryLockError::Error(_)) => {
                    durable::make_private(part.as_file()).map_err(|source| self.unwritable(source))?;
                    return Ok(part);
                }
            }
        }
    }

    fn unwritable(&self, source: io::Error) -> Error {
        Error::Write { path: self.folder.clone(), source }
    }
}

fn is_part(entry: &fs::DirEntry) -> bool {
    let name = entry.file_name();
    let random = name.to_str().and_then(|name| name.strip_prefix(PART_PREFIX)?.strip_suffix(PART_SUFFIX));
    random.is_some_and(|random| random.len() == PART_RANDOM && random.bytes().all(|byte| byte.is_ascii_alphanumeric()))
        && entry.file_type().is_ok_and(|kind| kind.is_file())
}

/// Removes a temporary file unless its lock is held, that is, unless a process still writes it.
fn remove_abandoned(part: &Path) {
    // Opened for writing because network file systems grant exclusive locks on nothing less.
    let Ok(file) = File::options().read(true).write(true).open(part) else { return };
    if file.try_lock().is_ok() {
        // Removed under the lock, see `create_part`. A file that cannot be removed does no harm.
        let _ = fs::remove_file(part);
    }
}

/// `path` without symbolic links. Components that do not exist yet are treated as folders to be created.
fn resolve(path: &Path) -> io::Result<PathBuf> {
    let mut resolved = PathBuf::new();
    for component in std::path::absolute(path)?.components() {
        match component {
            Component::CurDir => {}
            // Links are resolved already, so the parent is simply the path without its last component.
            Component::ParentDir => drop(resolved.pop()),
            Component::Prefix(_) | Component::RootDir => resolved.push(component),
            Component::Normal(name) => {
                resolved.push(name);
                match fs::canonicalize(&resolved) {
                    Ok(real) => resolved = real,
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    Err(error) => {
                        // A dangling link could lead anywhere later.
                        if fs::symlink_metadata(&resolved).is_ok() {
                            return Err(error);
                        }
                    }
                }
            }
        }
    }
    Ok(resolved)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_abandoned_files_of_the_export_itself_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let target = Target::at(folder.path()).unwrap();
        let others = [".cipherlens-notes.part", ".cipherlens-abcdefghijkl.jpg", "cipherlens-abcdefghijkl.part"];
        for name in others.into_iter().chain([".cipherlens-abcdefghijkl.part"]) {
            fs::write(folder.path().join(name), "x").unwrap();
        }
        let written = target.create_part().unwrap();
        target.prepare().unwrap();
        assert!(written.path().exists(), "it is being written");
        assert!(!folder.path().join(".cipherlens-abcdefghijkl.part").exists());
        assert!(others.iter().all(|name| folder.path().join(name).exists()));
    }

    #[cfg(unix)]
    #[test]
    fn a_path_is_resolved_as_the_system_does_even_if_it_does_not_exist_yet() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        fs::create_dir_all(root.join("a/b")).unwrap();
        std::os::unix::fs::symlink(root.join("a/b"), root.join("link")).unwrap();
        std::os::unix::fs::symlink("nowhere", root.join("dangling")).unwrap();
        for (path, expected) in [
            ("link", "a/b"),
            ("link/..", "a"),
            ("link/new/deep", "a/b/new/deep"),
            ("new/../link/x", "a/b/x"),
            ("new/../../{}/a", "a"),
        ] {
            let path = path.replace("{}", root.file_name().unwrap().to_str().unwrap());
            assert_eq!(resolve(&root.join(&path)).unwrap(), root.join(expected), "{path}");
        }
        assert!(resolve(&root.join("dangling/x")).is_err());
    }
}
