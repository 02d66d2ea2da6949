//! Opens photos in other programs of this machine. Each photo is written into a private folder, in memory where the
//! system offers that, and is overwritten on lock and on exit; the next start cleans up after a kill. Nothing here can
//! wipe copies that the other program makes, or what a disk retains of overwritten blocks.
//!
//! Must never: let a stored file name choose the program, or remove the photos of another running instance.

#[cfg(unix)]
mod leftovers;
mod place;

#[cfg(not(unix))]
use std::fs;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tempfile::TempDir;

use crate::features::photo;
use crate::services::name::exportable;
use crate::services::privacy;

#[cfg(unix)]
pub use leftovers::sweep;
#[cfg(not(unix))]
use place::overwrite;
use place::{PREFIX, in_memory};

/// Does nothing here: the system clears its temporary folder.
#[cfg(not(unix))]
pub fn sweep() {}

/// Attempts to create a folder: another instance may remove it before it is locked.
#[cfg(unix)]
const TRIES: usize = 8;

/// The exit code of a shell for a program that does not exist.
const NOT_FOUND: i32 = 127;

/// The photos that are open in other programs; dropping it wipes them.
#[derive(Default)]
pub struct ExternalViewer {
    given: Vec<Folder>,
}

impl ExternalViewer {
    /// Writes a photo into a private folder and opens it in the desktop's viewer.
    ///
    /// # Errors
    /// With a message for the user, when it is not a photo, the folder cannot be written, or there is no viewer.
    pub fn show(&mut self, photo: &[u8], name: &str) -> io::Result<()> {
        if std::env::var_os("SSH_CONNECTION").is_some() {
            return Err(io::Error::other("the viewer would open on the other machine; download or export instead"));
        }
        let file_name = file_name(photo, name).ok_or_else(|| {
            io::Error::other(
                "its content is not of a known image format, so another program might run it; export it instead",
            )
        })?;
        let folder = Folder::create()?;
        let path = folder.directory.path().join(file_name);
        self.given.push(folder);
        write_private(&path, photo)?;
        let viewer = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
        let status = privacy::session_command(viewer)
            .arg(&path)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .map_err(|error| io::Error::new(error.kind(), format!("{viewer}: {error}")))?;
        match status.code() {
            Some(0) => Ok(()),
            Some(NOT_FOUND) => Err(io::Error::other(format!("{viewer} is not installed"))),
            _ => Err(io::Error::other(format!("{viewer} found no program for it"))),
        }
    }
}

/// The file name for the other program. The extension chooses the program, so it is taken from the content, whatever
/// the stored name says. `None` when the content is not a photo.
fn file_name(photo: &[u8], name: &str) -> Option<PathBuf> {
    let name = PathBuf::from(exportable(name));
    let extension = photo::extension_of(photo, name.extension())?;
    Some(name.with_extension(extension))
}

/// A folder that only the user may enter, locked while in use so that no other instance mistakes it for a leftover.
struct Folder {
    directory: TempDir,
    /// The open folder; it holds the lock.
    #[cfg(unix)]
    held: File,
}

impl Folder {
    fn create() -> io::Result<Self> {
        let mut private = tempfile::Builder::new();
        private.prefix(PREFIX);
        #[cfg(unix)]
        private.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
        let place = in_memory().next().unwrap_or_else(std::env::temp_dir);
        #[cfg(unix)]
        for _ in 0..TRIES {
            let directory = private.tempdir_in(&place)?;
            if let Some(held) = leftovers::hold(directory.path()) {
                return Ok(Self { directory, held });
            }
        }
        #[cfg(unix)]
        return Err(io::Error::other("a private folder could not be created"));
        #[cfg(not(unix))]
        Ok(Self { directory: private.tempdir_in(&place)? })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Files that cannot be overwritten are still removed with the folder.
        #[cfg(unix)]
        leftovers::wipe(&self.held);
        #[cfg(not(unix))]
        for entry in fs::read_dir(self.directory.path()).into_iter().flatten().flatten() {
            let _ = OpenOptions::new().write(true).open(entry.path()).and_then(|file| overwrite(&file));
        }
    }
}

fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::ImageFormat;

    fn encoded(format: ImageFormat) -> Vec<u8> {
        let mut bytes = io::Cursor::new(Vec::new());
        image::RgbImage::new(3, 2).write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    #[test]
    fn the_extension_comes_from_the_content_and_other_files_have_none() {
        for (format, name, expected) in [
            (ImageFormat::Jpeg, "x.desktop", "x.jpg"),
            (ImageFormat::Jpeg, "holiday.JPEG", "holiday.jpg"),
            (ImageFormat::Jpeg, "x", "x.jpg"),
            (ImageFormat::Png, "../../x.html", "x.png"),
            (ImageFormat::Gif, "x.sh.jpg", "x.sh.gif"),
            (ImageFormat::WebP, "x.\u{202e}gpj", "x.webp"),
            (ImageFormat::Tga, "x.tga", "x.tga"),
        ] {
            assert_eq!(file_name(&encoded(format), name), Some(PathBuf::from(expected)), "{name}");
        }
        for content in
            [&b"[Desktop Entry]\nExec=id\n"[..], b"<html>", b"#!/bin/sh", b"BM<html>", b"MZ", b"", b"\xff\xd8\xff"]
        {
            for name in ["x.jpg", "x.tga", "x.desktop"] {
                assert_eq!(file_name(content, name), None, "{name}: {content:?}");
            }
        }
        assert_eq!(file_name(&encoded(ImageFormat::Tga), "x.html"), None, "nothing in it tells that it is a TGA");
    }

    #[test]
    fn a_photo_for_another_program_is_private_and_wiped_afterwards() {
        let folder = Folder::create().unwrap();
        let place = folder.directory.path().to_owned();
        let path = place.join("photo.jpg");
        write_private(&path, b"pixels").unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!((mode(&path), mode(&place)), (0o600, 0o700));
        }
        let photo = File::open(&path).unwrap();
        drop(ExternalViewer { given: vec![folder] });
        assert!(!place.exists());
        let mut content = Vec::new();
        io::Read::read_to_end(&mut &photo, &mut content).unwrap();
        assert_eq!(content, [0; 6]);
    }
}
