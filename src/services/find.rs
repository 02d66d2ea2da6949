//! Which files below given paths are photos to index, and which are skipped.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use crate::features::signature::{self, Content};
use crate::services::skipped::SkippedFiles;

/// Photo extensions. In folders, a file with one of these is indexed without a look at its content; any other file is
/// indexed if its content is a photo.
const EXTENSIONS: [&str; 19] = [
    "jpg", "jpeg", "jpe", "jfif", "png", "webp", "gif", "bmp", "dib", "tif", "tiff", "qoi", "pnm", "pbm", "pgm", "ppm",
    "pam", "ico", "tga",
];

/// The files below the given paths. Every regular file is in one of these lists, or below a hidden folder.
#[derive(Debug, Default)]
pub struct FoundFiles {
    /// Files to index; each folder is sorted by name.
    pub photos: Vec<PathBuf>,
    /// Paths that could not be read, each with the reason.
    pub unreadable: Vec<(PathBuf, String)>,
    /// Files in folders that are not indexed.
    pub skipped: SkippedFiles,
}

impl FoundFiles {
    /// Whether there was nothing at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let SkippedFiles { unsupported, other, hidden } = &self.skipped;
        self.photos.is_empty()
            && self.unreadable.is_empty()
            && unsupported.is_empty()
            && other.is_empty()
            && hidden.is_empty()
    }
}

/// Something that was found below the given paths.
pub(super) enum FoundFile {
    /// A folder below them.
    Folder,
    /// A file to index.
    Photo(PathBuf),
    /// A path that cannot be read, with the reason.
    Unreadable(PathBuf, String),
    /// A photo or video in an unsupported format, with the format's name.
    Unsupported(&'static str, PathBuf),
    /// A file that is neither photo nor video.
    Other(PathBuf),
    /// A hidden file or folder.
    Hidden(PathBuf),
}

/// How a file of a folder without a photo's extension is judged.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Judging {
    /// By its first bytes.
    ByContent,
    /// It is not a photo. Nothing is opened: below `/proc` and the like even that could block.
    ByExtension,
}

/// Walks `paths` recursively and through symbolic links; a loop or a dangling link is reported. A file listed in
/// `paths` itself is always indexed. In folders, files with a photo's extension or a photo's content are indexed, and
/// hidden files and folders are skipped.
#[must_use]
pub fn photos_below(paths: &[PathBuf]) -> FoundFiles {
    let mut found = FoundFiles::default();
    // Goes on to the end: nothing breaks off.
    let _ = each_below(paths, Judging::ByContent, &mut |file| {
        found.add(file);
        ControlFlow::Continue(())
    });
    found
}

/// Walks as [`photos_below`] does, and passes on each thing as it is found, until `visit` breaks off.
pub(super) fn each_below(
    paths: &[PathBuf],
    judging: Judging,
    visit: &mut dyn FnMut(FoundFile) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let named: HashSet<&Path> = paths.iter().map(PathBuf::as_path).collect();
    // A file named twice, or inside a folder that is also named, is one photo.
    let mut seen = HashSet::new();
    for path in paths {
        let mut walk = WalkDir::new(path).follow_links(true).sort_by_file_name().into_iter();
        while let Some(entry) = walk.next() {
            let (at, is_directory) = match &entry {
                Ok(entry) => (entry.path(), entry.file_type().is_dir()),
                Err(error) => (error.path().unwrap_or(path), false),
            };
            let (at, is_named) = (at.to_owned(), named.contains(at));
            if is_hidden(&at) && !is_named {
                if is_directory {
                    walk.skip_current_dir();
                }
                if seen.insert(at.clone()) {
                    visit(FoundFile::Hidden(at))?;
                }
                continue;
            }
            match entry {
                Ok(_) if is_directory && is_named => {}
                Ok(_) if is_directory => visit(FoundFile::Folder)?,
                Ok(_) if !seen.insert(at.clone()) => {}
                Ok(_) if is_named => visit(FoundFile::Photo(at))?,
                Ok(entry) => visit(judged(at, entry.file_type().is_file(), judging))?,
                Err(error) => visit(FoundFile::Unreadable(at, reason(&error)))?,
            }
        }
    }
    ControlFlow::Continue(())
}

impl FoundFiles {
    fn add(&mut self, file: FoundFile) {
        match file {
            FoundFile::Folder => {}
            FoundFile::Photo(path) => self.photos.push(path),
            FoundFile::Unreadable(path, reason) => self.unreadable.push((path, reason)),
            FoundFile::Unsupported(format, path) => self.skipped.unsupported.entry(format).or_default().push(path),
            FoundFile::Other(path) => self.skipped.other.push(path),
            FoundFile::Hidden(path) => self.skipped.hidden.push(path),
        }
    }
}

/// Judges a file of a folder. Only regular files are opened: a pipe could block and a device could be endless.
fn judged(path: PathBuf, is_regular: bool, judging: Judging) -> FoundFile {
    match (has_photo_extension(&path), is_regular, judging) {
        (true, true, _) => FoundFile::Photo(path),
        (true, false, _) => FoundFile::Unreadable(path, "not a regular file".to_owned()),
        (false, false, _) | (false, true, Judging::ByExtension) => FoundFile::Other(path),
        (false, true, Judging::ByContent) => match content(&path) {
            Ok(Content::Readable) => FoundFile::Photo(path),
            Ok(Content::NotReadYet(format)) => FoundFile::Unsupported(format, path),
            Ok(Content::Other) => FoundFile::Other(path),
            Err(error) => FoundFile::Unreadable(path, error.to_string()),
        },
    }
}

/// The kind of a file, by its first bytes.
fn content(path: &Path) -> io::Result<Content> {
    let mut start = Vec::new();
    File::open(path)?.take(signature::START_BYTES as u64).read_to_end(&mut start)?;
    Ok(signature::recognise(&start, path.extension()))
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().first() == Some(&b'.'))
}

/// Whether a file's name has a photo's extension.
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
        assert_eq!(found.skipped.other, [root.join("notes.txt")]);
        assert_eq!(found.skipped.hidden, [root.join(".thumbnails"), root.join(".z.jpg")]);
        assert_eq!(found.unreadable.len(), 1);
        assert_eq!(found.unreadable[0].0, root.join("missing.jpg"));
    }

    #[test]
    fn files_without_a_photo_extension_are_judged_by_content() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let jpeg = b"\xff\xd8\xff\xe0\0\x10JFIF\0";
        let heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic";
        for (name, content) in
            [("a.HEIC", &jpeg[..]), ("b", jpeg), ("c.HEIC", heic), ("d.jpg", heic), ("e.txt", heic), ("f.mov", b"none")]
        {
            fs::write(root.join(name), content).unwrap();
        }
        let found = photos_below(&[root.to_owned(), root.join("e.txt"), root.to_owned()]);
        assert_eq!(found.photos, ["a.HEIC", "b", "d.jpg", "e.txt"].map(|name| root.join(name)));
        assert_eq!(found.skipped.by_format(), [("HEIC", &[root.join("c.HEIC")][..])]);
        assert_eq!(found.skipped.other, [root.join("f.mov")]);
        assert!(found.unreadable.is_empty() && !found.is_empty());
    }

    #[test]
    fn a_file_given_by_path_is_indexed_whatever_it_is_called() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".scan");
        fs::write(&path, b"x").unwrap();
        assert_eq!(photos_below(std::slice::from_ref(&path)).photos, [path]);
    }

    #[cfg(unix)]
    #[test]
    fn special_files_are_reported_and_not_opened() {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/dev/zero", folder.path().join("endless.jpg")).unwrap();
        let socket = |name: &str| std::os::unix::net::UnixListener::bind(folder.path().join(name)).unwrap();
        let _sockets = [socket("socket.png"), socket("socket")];
        let found = photos_below(&[folder.path().to_owned()]);
        assert!(found.photos.is_empty());
        let reasons: Vec<_> = found.unreadable.iter().map(|(_, reason)| reason.as_str()).collect();
        assert_eq!(reasons, ["not a regular file"; 2]);
        assert_eq!(found.skipped.other, [folder.path().join("socket")]);
    }

    #[cfg(unix)]
    #[test]
    fn symbolic_links_are_followed_and_dangling_ones_are_reported() {
        let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let link = |to: &Path, name: &str| std::os::unix::fs::symlink(to, folder.path().join(name)).unwrap();
        fs::write(elsewhere.path().join("1.png"), b"x").unwrap();
        link(elsewhere.path(), "folder");
        link(&elsewhere.path().join("1.png"), "2.png");
        link(&elsewhere.path().join("gone.heic"), "3.heic");
        link(&elsewhere.path().join("gone"), ".lock");
        let found = photos_below(&[folder.path().to_owned()]);
        assert_eq!(found.photos, ["2.png", "folder/1.png"].map(|name| folder.path().join(name)));
        let unreadable: Vec<_> = found.unreadable.iter().map(|(path, _)| path.clone()).collect();
        assert_eq!(unreadable, [folder.path().join("3.heic")]);
        assert_eq!(found.skipped.hidden, [folder.path().join(".lock")]);
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
