//! Which files below the given paths are photos to index.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use walkdir::{DirEntry, WalkDir};

/// Extensions that are looked at inside folders. A file that is named itself is tried whatever it is called.
const EXTENSIONS: [&str; 19] = [
    "jpg", "jpeg", "jpe", "jfif", "png", "webp", "gif", "bmp", "dib", "tif", "tiff", "qoi", "pnm", "pbm", "pgm", "ppm",
    "pam", "ico", "tga",
];

/// What was found below some paths.
#[derive(Debug, Default)]
pub struct Found {
    /// Files to index, each folder in the order of its names.
    pub photos: Vec<PathBuf>,
    /// Paths that could not be looked into, each with the reason.
    pub unreadable: Vec<(PathBuf, String)>,
    /// Files in folders passed over because of their extension.
    pub other_files: usize,
}

/// Looks below `paths`, folders recursively and through symbolic links (a loop is reported, not followed).
/// Inside folders, hidden files and files without a photo's extension are passed over.
#[must_use]
pub fn photos_below(paths: &[PathBuf]) -> Found {
    let mut found = Found::default();
    for path in paths {
        let walk = WalkDir::new(path).follow_links(true).sort_by_file_name().into_iter();
        for entry in walk.filter_entry(|entry| entry.depth() == 0 || !is_hidden(entry)) {
            match entry {
                Ok(entry) if entry.file_type().is_dir() => {}
                Ok(entry) if entry.depth() == 0 => found.photos.push(entry.into_path()),
                // Reading a pipe waits for somebody to write, and some devices have no end.
                Ok(entry) if has_photo_extension(entry.path()) && !entry.file_type().is_file() => {
                    found.unreadable.push((entry.into_path(), "not a regular file".to_owned()));
                }
                Ok(entry) if has_photo_extension(entry.path()) => found.photos.push(entry.into_path()),
                Ok(_) => found.other_files += 1,
                Err(error) => {
                    let at = error.path().unwrap_or(path).to_owned();
                    found.unreadable.push((at, reason(&error)));
                }
            }
        }
    }
    // A file named twice, or inside a folder that is also named, is one photo.
    let mut seen = std::collections::HashSet::new();
    found.photos.retain(|photo| seen.insert(photo.clone()));
    found
}

fn is_hidden(entry: &DirEntry) -> bool {
    entry.file_name().as_encoded_bytes().first() == Some(&b'.')
}

/// Whether a file in a folder is taken for a photo, by its name.
#[must_use]
pub fn has_photo_extension(path: &Path) -> bool {
    let extension = path.extension().and_then(OsStr::to_str).unwrap_or_default();
    EXTENSIONS.iter().any(|known| known.eq_ignore_ascii_case(extension))
}

fn reason(error: &walkdir::Error) -> String {
    if let Some(ancestor) = error.loop_ancestor() {
        return format!("a symbolic link that leads back to {}", ancestor.display());
    }
    error.io_error().map_or_else(|| error.to_string(), ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn photos_are_found_in_order_and_the_rest_is_counted() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir_all(root.join("b/x.png")).unwrap();
        fs::create_dir(root.join(".thumbnails")).unwrap();
        for name in ["b/2.JPG", "b/1.png", "a.tiff", "notes.txt", "b/x.png/inner.webp", ".thumbnails/t.png", ".z.jpg"] {
            fs::write(root.join(name), b"x").unwrap();
        }
        let found = photos_below(&[root.to_owned(), root.join("a.tiff"), root.join("missing.jpg")]);
        let names: Vec<_> =
            found.photos.iter().map(|path| path.strip_prefix(root).unwrap().to_str().unwrap()).collect();
        assert_eq!(names, ["a.tiff", "b/1.png", "b/2.JPG", "b/x.png/inner.webp"]);
        assert_eq!(found.other_files, 1);
        assert_eq!(found.unreadable.len(), 1);
        assert_eq!(found.unreadable[0].0, root.join("missing.jpg"));
    }

    #[test]
    fn a_file_named_itself_is_tried_whatever_it_is_called() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".scan");
        fs::write(&path, b"x").unwrap();
        assert_eq!(photos_below(std::slice::from_ref(&path)).photos, [path]);
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_file_is_named_and_not_opened() {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/dev/zero", folder.path().join("endless.jpg")).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(folder.path().join("socket.png")).unwrap();
        let found = photos_below(&[folder.path().to_owned()]);
        assert!(found.photos.is_empty());
        let reasons: Vec<_> = found.unreadable.iter().map(|(_, reason)| reason.as_str()).collect();
        assert_eq!(reasons, ["not a regular file"; 2]);
    }

    #[cfg(unix)]
    #[test]
    fn a_symbolic_link_that_loops_is_reported_and_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("1.png"), b"x").unwrap();
        std::os::unix::fs::symlink(folder.path(), folder.path().join("loop")).unwrap();
        let found = photos_below(&[folder.path().to_owned()]);
        assert_eq!(found.photos.len(), 1);
        assert!(found.unreadable[0].1.contains("leads back"), "{:?}", found.unreadable);
    }
}
