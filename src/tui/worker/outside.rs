//! Photos given to another program of this machine: a private folder, in memory where the system has a place for that,
//! wiped on lock and at the end.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::services::name::exportable;

/// The photos that other programs were given.
#[derive(Default)]
pub(super) struct Outside {
    given: Vec<(TempDir, PathBuf)>,
}

impl Outside {
    /// Writes a photo into a private folder and has the desktop's viewer open it.
    pub(super) fn show(&mut self, photo: &[u8], name: &str) -> io::Result<()> {
        if std::env::var_os("SSH_CONNECTION").is_some() {
            return Err(io::Error::other("the viewer would open on the other machine; download or export instead"));
        }
        let folder = private_folder()?;
        let path = folder.path().join(exportable(name));
        self.given.push((folder, path.clone()));
        write_private(&path, photo)?;
        let viewer = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
        let status = Command::new(viewer)
            .arg(&path)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .map_err(|error| io::Error::new(error.kind(), format!("{viewer}: {error}")))?;
        if status.success() { Ok(()) } else { Err(io::Error::other(format!("{viewer} found no program for it"))) }
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        for (_, path) in &self.given {
            // The folder goes with it; a file that cannot be overwritten is removed all the same.
            let _ = overwrite(path);
        }
    }
}

/// A folder that only the user may enter; in memory where the system offers one.
fn private_folder() -> io::Result<TempDir> {
    let in_memory = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|folder| folder.is_dir());
    let shared_memory = || Some(PathBuf::from("/dev/shm")).filter(|folder| folder.is_dir());
    let mut private = tempfile::Builder::new();
    private.prefix("cipherlens-");
    #[cfg(unix)]
    private.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    match in_memory.or_else(shared_memory) {
        Some(folder) => private.tempdir_in(folder),
        None => private.tempdir(),
    }
}

fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(bytes)
}

fn overwrite(path: &Path) -> io::Result<()> {
    let size = fs::metadata(path)?.len();
    let mut file = OpenOptions::new().write(true).open(path)?;
    io::copy(&mut io::Read::take(io::repeat(0), size), &mut file)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_given_photo_is_private_and_gone_afterwards() {
        let folder = private_folder().unwrap();
        let path = folder.path().join("photo.jpg");
        write_private(&path, b"pixels").unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
            assert_eq!(fs::metadata(folder.path()).unwrap().permissions().mode() & 0o777, 0o700);
        }
        overwrite(&path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), [0; 6]);
        let place = folder.path().to_owned();
        drop(Outside { given: vec![(folder, path)] });
        assert!(!place.exists());
    }
}
