//! Lists folders of the file system; the latest request wins.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender};

use super::super::event::AppEvent;
use super::super::request::Reply;
use super::super::state::browser::{Entry, Kind};
use crate::services::find;

pub(super) fn work(wanted: &Receiver<PathBuf>, events: &Sender<AppEvent>) {
    while let Ok(mut folder) = wanted.recv() {
        while let Ok(newer) = wanted.try_recv() {
            folder = newer;
        }
        let listing = list(&folder).map_err(|error| error.to_string());
        if events.send(AppEvent::Reply(Reply::Listed { folder, listing })).is_err() {
            return;
        }
    }
}

/// The folders and photos of a folder, without hidden ones, and how many other files there are.
fn list(folder: &Path) -> std::io::Result<(Vec<Entry>, usize)> {
    let mut entries = Vec::new();
    let mut other_files = 0;
    for entry in std::fs::read_dir(folder)? {
        // Skips entries that vanish meanwhile and dangling links.
        let Ok(entry) = entry else { continue };
        let path = entry.path();
        let Ok(metadata) = std::fs::metadata(&path) else { continue };
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') {
            continue;
        }
        let kind = if metadata.is_dir() {
            Kind::Folder
        // Opening a pipe would block until somebody writes to it.
        } else if metadata.is_file() && find::has_photo_extension(&path) {
            Kind::Photo
        } else {
            other_files += 1;
            continue;
        };
        entries.push(Entry { path, name, kind, bytes: metadata.len(), modified: metadata.modified().ok() });
    }
    Ok((entries, other_files))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_and_photos_are_listed_and_the_rest_is_counted() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("sub")).unwrap();
        for name in ["a.JPG", "notes.txt", ".hidden.png"] {
            std::fs::write(folder.path().join(name), b"xyz").unwrap();
        }
        let (mut entries, others) = list(folder.path()).unwrap();
        entries.sort_by(|left, right| left.name.cmp(&right.name));
        let shown: Vec<(&str, Kind, u64)> =
            entries.iter().map(|entry| (entry.name.as_str(), entry.kind, entry.bytes)).collect();
        assert_eq!(shown[0], ("a.JPG", Kind::Photo, 3));
        assert_eq!((shown[1].0, shown[1].1), ("sub", Kind::Folder));
        assert_eq!(others, 1);
        assert!(list(&folder.path().join("missing")).is_err());
    }
    #[cfg(unix)]
    #[test]
    fn a_file_with_only_the_name_of_a_photo_is_not_listed() {
        let folder = tempfile::tempdir().unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(folder.path().join("photo.jpg")).unwrap();
        let (entries, others) = list(folder.path()).unwrap();
        assert_eq!((entries.len(), others), (0, 1));
    }
}
