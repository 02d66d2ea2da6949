//! Indexing runs that ended early, or wait for another one: their paths are remembered, so that the next start can
//! offer to continue.
//!
//! ```text
//! <state>/unfinished/<vault id>          the paths, encrypted under a key of the vault; 0600
//! <state>/unfinished/<vault id>.running  locked by the kernel during a run
//! <state>/unfinished/lock                held while a record is changed
//! ```
//!
//! The record is written when a run begins, so that it survives a crash or a kill, and the paths are removed from it
//! when the run has read all of them. A record that cannot be read or written is treated as absent. Must never:
//! fail a run, or write a path in clear.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::cipher::Purpose;
use crate::durable::{self, IfLocked, Lock};
use crate::services::app_dirs::AppDirs;
use crate::services::index::Summary;
use crate::services::open_vault::OpenVault;

const LOCK_FILE: &str = "lock";

/// Calls `index`, and remembers `roots` until a run has read everything below them.
///
/// # Errors
/// Those of `index`.
pub fn remembered<E>(
    vault: &OpenVault,
    dirs: &AppDirs,
    roots: &[PathBuf],
    index: impl FnOnce() -> Result<Summary, E>,
) -> Result<Summary, E> {
    let record = Record::of(vault, dirs);
    let roots = absolute(roots);
    // `None` when another run on this vault holds it.
    let running = record.lock_run();
    record.change(|remembered| remembered.extend(roots.iter().cloned()));
    let summary = index()?;
    if summary.left == 0 && summary.ended_by.is_none() {
        record.change(|remembered| remembered.retain(|root| !roots.contains(root)));
    }
    drop(running);
    Ok(summary)
}

/// The paths of an interrupted run; `None` when there is none, or a run is in progress.
#[must_use]
pub fn interrupted(vault: &OpenVault, dirs: &AppDirs) -> Option<Vec<PathBuf>> {
    let record = Record::of(vault, dirs);
    let roots = record.read();
    if roots.is_empty() {
        return None;
    }
    // A run that begins now waits for this lock, and so does not mistake the probe below for another run.
    let _changing = record.lock(LOCK_FILE, IfLocked::Wait).ok()?;
    let is_running = record.lock(&record.running(), IfLocked::Refuse).ok()?.is_none();
    (!is_running).then(|| roots.into_iter().collect())
}

/// Remembers `roots` of a run that has yet to begin.
pub fn note(vault: &OpenVault, dirs: &AppDirs, roots: &[PathBuf]) {
    Record::of(vault, dirs).change(|remembered| remembered.extend(absolute(roots)));
}

/// Forgets `roots` of runs that will not begin.
pub fn drop_noted(vault: &OpenVault, dirs: &AppDirs, roots: &[PathBuf]) {
    let roots = absolute(roots);
    Record::of(vault, dirs).change(|remembered| remembered.retain(|root| !roots.contains(root)));
}

/// Absolute paths, because the next start may be in another folder.
fn absolute(roots: &[PathBuf]) -> Vec<PathBuf> {
    roots.iter().filter_map(|root| std::path::absolute(root).ok()).collect()
}

/// Forgets an interrupted run.
pub fn forget(vault: &OpenVault, dirs: &AppDirs) {
    Record::of(vault, dirs).change(BTreeSet::clear);
}

/// The record of one vault.
struct Record<'a> {
    vault: &'a OpenVault,
    directory: PathBuf,
    file: PathBuf,
}

impl<'a> Record<'a> {
    fn of(vault: &'a OpenVault, dirs: &AppDirs) -> Self {
        let directory = dirs.interrupted_runs();
        let file = directory.join(vault.id());
        Self { vault, directory, file }
    }

    /// The remembered paths; empty when there is no record or it does not decrypt.
    fn read(&self) -> BTreeSet<PathBuf> {
        let Ok(sealed) = fs::read(&self.file) else { return BTreeSet::new() };
        match self.vault.vault().open_record(Purpose::UnfinishedRun, &sealed) {
            Ok(record) => record.split(|byte| *byte == 0).filter(|path| !path.is_empty()).filter_map(path).collect(),
            Err(_) => {
                log::warn!("the record of an interrupted run does not decrypt");
                BTreeSet::new()
            }
        }
    }

    fn change(&self, change: impl FnOnce(&mut BTreeSet<PathBuf>)) {
        if let Err(error) = self.try_change(change) {
            log::warn!("interrupted runs are not remembered: {}", error.kind());
        }
    }

    fn try_change(&self, change: impl FnOnce(&mut BTreeSet<PathBuf>)) -> io::Result<()> {
        let _changing = self.lock(LOCK_FILE, IfLocked::Wait)?;
        let before = self.read();
        let mut after = before.clone();
        change(&mut after);
        if after == before {
            return Ok(());
        }
        if after.is_empty() {
            fs::remove_file(&self.file)?;
            return durable::sync_directory(&self.directory);
        }
        let mut record = Vec::new();
        for bytes in after.iter().filter_map(|path| bytes(path)) {
            record.extend_from_slice(bytes);
            record.push(0);
        }
        let sealed = self.vault.vault().seal_record(Purpose::UnfinishedRun, &record).map_err(io::Error::other)?;
        durable::replace(&self.file, &sealed)
    }

    /// The lock that a run holds. `None` when another run holds it, or the state folder cannot be written.
    fn lock_run(&self) -> Option<Lock> {
        let _changing = self.lock(LOCK_FILE, IfLocked::Wait).ok()?;
        self.lock(&self.running(), IfLocked::Refuse).ok().flatten()
    }

    fn running(&self) -> String {
        format!("{}.running", self.vault.id())
    }

    fn lock(&self, name: &str, if_locked: IfLocked) -> io::Result<Option<Lock>> {
        Lock::in_directory(&self.directory, name, if_locked)
    }
}

/// A path as bytes without NUL; `None` where paths are not bytes and this one is not UTF-8.
fn bytes(path: &Path) -> Option<&[u8]> {
    #[cfg(unix)]
    return Some(std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str()));
    #[cfg(not(unix))]
    return path.to_str().map(str::as_bytes);
}

/// The inverse of [`bytes`].
fn path(bytes: &[u8]) -> Option<PathBuf> {
    #[cfg(unix)]
    return Some(PathBuf::from(<std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(bytes)));
    #[cfg(not(unix))]
    return std::str::from_utf8(bytes).ok().map(PathBuf::from);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::open_vault::tests::vault;

    fn ended(left: usize) -> Result<Summary, ()> {
        Ok(Summary { left, ..Summary::default() })
    }

    fn paths(names: &[&str]) -> Vec<PathBuf> {
        names.iter().map(PathBuf::from).collect()
    }

    #[test]
    fn an_interrupted_run_is_remembered_until_a_run_has_read_everything() {
        let folder = tempfile::tempdir().unwrap();
        let dirs = AppDirs::within(folder.path());
        let vault = vault(&folder.path().join("vault"));
        assert_eq!(interrupted(&vault, &dirs), None);
        let (one, other) = (paths(&["/one", "/two\nlines"]), paths(&["/other"]));
        let summary = remembered(&vault, &dirs, &one, || {
            assert_eq!(interrupted(&vault, &dirs), None, "it is in progress");
            ended(3)
        });
        assert_eq!(summary.unwrap().left, 3);
        assert_eq!(interrupted(&vault, &dirs), Some(one.clone()));
        assert_eq!(remembered(&vault, &dirs, &other, || ended(0)).unwrap().left, 0);
        assert_eq!(interrupted(&vault, &dirs), Some(one.clone()), "another run does not end this one");
        remembered(&vault, &dirs, &other, || Err::<Summary, &str>("the disk is full")).unwrap_err();
        assert_eq!(interrupted(&vault, &dirs), Some(paths(&["/one", "/other", "/two\nlines"])));
        assert_eq!(remembered(&vault, &dirs, &one, || ended(0)).unwrap().left, 0);
        assert_eq!(interrupted(&vault, &dirs), Some(other));
        forget(&vault, &dirs);
        assert_eq!(interrupted(&vault, &dirs), None);
    }

    #[test]
    fn runs_that_wait_are_remembered_until_they_have_ended_or_are_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let dirs = AppDirs::within(folder.path());
        let vault = vault(&folder.path().join("vault"));
        let (first, second, third) = (paths(&["/1"]), paths(&["/2"]), paths(&["/3"]));
        let summary = remembered(&vault, &dirs, &first, || {
            note(&vault, &dirs, &second);
            note(&vault, &dirs, &third);
            ended(0)
        });
        assert_eq!(summary.unwrap().left, 0);
        assert_eq!(interrupted(&vault, &dirs), Some(paths(&["/2", "/3"])), "as after a crash between two runs");
        drop_noted(&vault, &dirs, &third);
        assert_eq!(remembered(&vault, &dirs, &second, || ended(0)).unwrap().left, 0);
        assert_eq!(interrupted(&vault, &dirs), None);
    }

    #[test]
    fn the_record_is_encrypted_private_and_bound_to_its_vault() {
        let folder = tempfile::tempdir().unwrap();
        let dirs = AppDirs::within(folder.path());
        let vault_of_run = vault(&folder.path().join("vault"));
        let summary = remembered(&vault_of_run, &dirs, &paths(&["/home/me/secret holiday"]), || ended(1));
        assert_eq!(summary.unwrap().left, 1);
        let file = dirs.interrupted_runs().join(vault_of_run.id());
        let sealed = fs::read(&file).unwrap();
        assert!(!sealed.windows(7).any(|window| window == b"holiday"));
        #[cfg(unix)]
        for entry in fs::read_dir(dirs.interrupted_runs()).unwrap() {
            let mode = std::os::unix::fs::PermissionsExt::mode(&entry.unwrap().metadata().unwrap().permissions());
            assert_eq!(mode & 0o777, 0o600);
        }
        let another = vault(&folder.path().join("another"));
        fs::copy(&file, dirs.interrupted_runs().join(another.id())).unwrap();
        assert_eq!(interrupted(&another, &dirs), None, "it does not open with another vault's keys");
        fs::write(&file, &sealed[..sealed.len() - 1]).unwrap();
        assert_eq!(interrupted(&vault_of_run, &dirs), None);
    }
}
