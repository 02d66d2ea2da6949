//! Finds and removes the folders that killed instances left behind.
//!
//! A folder in use is locked (flock on the folder itself), and the lock ends with its process. Everything is reached
//! from the open folder and nothing through links, so that nobody can trick this into removing other files.

use std::ffi::{CStr, OsStr};
use std::fs::{self, File, TryLockError};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::{Duration, SystemTime};

use rustix::fs::{AtFlags, Dir, Mode, OFlags, openat, unlinkat};
use rustix::process::geteuid;

use super::place::{PREFIX, in_memory, overwrite};
use crate::services::format::count;

/// Prefix of earlier versions, which did not lock their folders.
const UNLOCKED_PREFIX: &str = "cipherlens-";

/// Random letters and digits after the prefix.
const RANDOM: usize = 6;

/// A folder of an earlier version counts as a leftover at this age.
const UNLOCKED_AGE: Duration = Duration::from_secs(24 * 3600);

/// Opens and locks a new folder; `None` when another instance is removing it as a leftover.
pub(super) fn hold(path: &Path) -> Option<File> {
    let held = open(path)?;
    match held.try_lock() {
        // The folder may have been removed between its creation and its lock.
        Ok(()) => is_at(&held, path).then_some(held),
        Err(TryLockError::WouldBlock) => None,
        // A file system without locks: no other instance can lock it either, so none removes it.
        Err(TryLockError::Error(_)) => Some(held),
    }
}

/// Overwrites and removes the files in an open folder. A file with other links is not overwritten; only its link here
/// is removed.
pub(super) fn wipe(folder: &File) {
    let Ok(entries) = Dir::read_from(folder) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        if name == c"." || name == c".." {
            continue;
        }
        if let Some(file) = open_file(folder, name) {
            // A file that cannot be overwritten is still removed.
            let _ = overwrite(&file);
        }
        // A folder inside stays, and with it the outer folder: this program made neither.
        let _ = unlinkat(folder, name, AtFlags::empty());
    }
}

/// Removes leftovers from every folder in which they may be.
pub fn sweep() {
    let mut swept = 0;
    let temporary = std::env::temp_dir();
    for (place, unlocked) in in_memory().map(|place| (place, true)).chain([(temporary, false)]) {
        let Ok(entries) = fs::read_dir(&place) else { continue };
        for entry in entries.flatten() {
            swept += usize::from(sweep_folder(&entry.path(), &entry.file_name(), unlocked));
        }
    }
    if swept > 0 {
        log::info!("removed {} that an earlier run left", count(swept, "folder"));
    }
}

/// Removes one folder if it is a leftover. `unlocked` includes those of earlier versions; use it only for folders in
/// memory, where users keep no folders with similar names.
fn sweep_folder(path: &Path, name: &OsStr, unlocked: bool) -> bool {
    let Some(name) = name.to_str() else { return false };
    let is_ours = is_random(name.strip_prefix(PREFIX));
    let is_of_earlier_version = unlocked && is_surely_random(name.strip_prefix(UNLOCKED_PREFIX));
    if !is_ours && !is_of_earlier_version {
        return false;
    }
    let Some(folder) = open(path) else { return false };
    if folder.try_lock().is_err() || !is_at(&folder, path) || !(is_ours || is_left_unlocked(&folder)) {
        return false;
    }
    wipe(&folder);
    // Fails unless the folder is empty.
    fs::remove_dir(path).is_ok()
}

/// Opens a folder that belongs to the user and that nobody else can enter; never through a link.
fn open(path: &Path) -> Option<File> {
    let flags = (OFlags::DIRECTORY | OFlags::NOFOLLOW).bits();
    let folder = File::options().read(true).custom_flags(flags.cast_signed()).open(path).ok()?;
    let metadata = folder.metadata().ok()?;
    let is_private = metadata.uid() == geteuid().as_raw() && metadata.mode() & 0o7777 == 0o700;
    is_private.then_some(folder)
}

/// Whether the open folder is still the one at `path`.
fn is_at(folder: &File, path: &Path) -> bool {
    let identity = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
    let (opened, named) = (folder.metadata().map(identity), fs::symlink_metadata(path).map(identity));
    opened.is_ok_and(|opened| named.is_ok_and(|named| opened == named))
}

/// Opens a file in an open folder if it belongs to the user and has no other link.
fn open_file(folder: &File, name: &CStr) -> Option<File> {
    // NONBLOCK, because opening a pipe would wait for a reader.
    let flags = OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(openat(folder, name, flags, Mode::empty()).ok()?);
    let metadata = file.metadata().ok()?;
    (metadata.is_file() && metadata.nlink() == 1 && metadata.uid() == geteuid().as_raw()).then_some(file)
}

/// Whether `suffix` has the form that `tempfile` generates.
fn is_random(suffix: Option<&str>) -> bool {
    suffix.is_some_and(|suffix| suffix.len() == RANDOM && suffix.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// The same, except for words that a user might have chosen, such as `photos`; this misses one in two hundred folders.
fn is_surely_random(suffix: Option<&str>) -> bool {
    is_random(suffix) && suffix.is_some_and(|suffix| suffix.bytes().any(|byte| !byte.is_ascii_lowercase()))
}

/// Whether an unlocked folder is certainly not in use: one private file, unchanged for a day.
fn is_left_unlocked(folder: &File) -> bool {
    let Ok(entries) = Dir::read_from(folder) else { return false };
    let names: Vec<_> = entries.flatten().map(|entry| entry.file_name().to_owned()).collect();
    let mut names = names.iter().filter(|name| !matches!(name.to_bytes(), b"." | b".."));
    let (Some(name), None) = (names.next(), names.next()) else { return false };
    let old = |file: &File| {
        let modified = file.metadata().and_then(|metadata| metadata.modified());
        modified.is_ok_and(|time| SystemTime::now().duration_since(time).is_ok_and(|age| age > UNLOCKED_AGE))
    };
    let is_private = |file: &File| file.metadata().is_ok_and(|metadata| metadata.mode() & 0o777 == 0o600);
    open_file(folder, name).is_some_and(|file| is_private(&file) && old(&file) && old(folder))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{DirBuilderExt, PermissionsExt, symlink};
    use std::path::PathBuf;

    /// A folder as a killed instance leaves it, with `photo.jpg` in it.
    fn left(place: &Path, name: &str) -> PathBuf {
        let folder = place.join(name);
        fs::DirBuilder::new().mode(0o700).create(&folder).unwrap();
        fs::write(folder.join("photo.jpg"), b"pixels").unwrap();
        fs::set_permissions(folder.join("photo.jpg"), fs::Permissions::from_mode(0o600)).unwrap();
        folder
    }

    fn sweep(folder: &Path) -> bool {
        sweep_folder(folder, folder.file_name().unwrap(), true)
    }

    #[test]
    fn only_private_folders_with_exactly_such_a_name_are_removed() {
        let place = tempfile::tempdir().unwrap();
        assert!(sweep(&left(place.path(), "cipherlens-open-aB3dE6")));
        assert!(!place.path().join("cipherlens-open-aB3dE6").exists());
        for name in
            ["cipherlens-open-aB3dE", "cipherlens-open-aB3dE67", "cipherlens-open-aB.dE6", "cipherlens-demo-aB3dE6"]
        {
            assert!(!sweep(&left(place.path(), name)), "{name}");
        }
        let open = left(place.path(), "cipherlens-open-public");
        fs::set_permissions(&open, fs::Permissions::from_mode(0o755)).unwrap();
        assert!(!sweep(&open), "others may have put files into it");
        let link = place.path().join("cipherlens-open-linked");
        symlink(left(place.path(), "Pictures"), &link).unwrap();
        assert!(!sweep(&link));
        assert_eq!(fs::read(place.path().join("Pictures/photo.jpg")).unwrap(), b"pixels");
    }

    #[test]
    fn photos_are_overwritten_and_files_linked_elsewhere_are_not() {
        let place = tempfile::tempdir().unwrap();
        let folder = left(place.path(), "cipherlens-open-aB3dE6");
        let elsewhere = place.path().join("elsewhere.jpg");
        fs::write(&elsewhere, b"pixels").unwrap();
        symlink(&elsewhere, folder.join("link.jpg")).unwrap();
        fs::hard_link(&elsewhere, folder.join("hard link.jpg")).unwrap();
        let photo = File::open(folder.join("photo.jpg")).unwrap();
        assert!(sweep(&folder));
        assert!(!folder.exists());
        let mut content = String::new();
        std::io::Read::read_to_string(&mut &photo, &mut content).unwrap();
        assert_eq!(content, "\0\0\0\0\0\0");
        assert_eq!(fs::read(&elsewhere).unwrap(), b"pixels");
    }

    #[test]
    fn a_folder_in_use_stays_and_so_does_one_with_a_folder_in_it() {
        let place = tempfile::tempdir().unwrap();
        let folder = left(place.path(), "cipherlens-open-aB3dE6");
        let held = hold(&folder).unwrap();
        assert!(!sweep(&folder) && hold(&folder).is_none());
        assert_eq!(fs::read(folder.join("photo.jpg")).unwrap(), b"pixels");
        drop(held);
        fs::create_dir(folder.join("inside")).unwrap();
        assert!(!sweep(&folder) && folder.join("inside").exists());
    }

    #[test]
    fn folders_of_earlier_versions_are_removed_when_certainly_unused() {
        let place = tempfile::tempdir().unwrap();
        let age = |path: &Path| {
            let file = File::open(path).unwrap();
            file.set_modified(SystemTime::now() - UNLOCKED_AGE - Duration::from_secs(60)).unwrap();
        };
        let old = |name: &str| {
            let folder = left(place.path(), name);
            age(&folder.join("photo.jpg"));
            age(&folder);
            folder
        };
        assert!(!sweep(&left(place.path(), "cipherlens-aB3dE6")), "it may be in use");
        assert!(!sweep(&old("cipherlens-photos")), "a name that a user might choose");
        let kept = old("cipherlens-aB3dE7");
        assert!(!sweep_folder(&kept, kept.file_name().unwrap(), false), "only in memory");
        assert!(sweep(&kept));
        let several = old("cipherlens-aB3dE8");
        fs::write(several.join("another.jpg"), b"x").unwrap();
        age(&several);
        assert!(!sweep(&several), "the program put one file into each");
    }
}
