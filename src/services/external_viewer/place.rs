//! Where the private folders for other programs are, and how their files are wiped.

use std::fs::File;
use std::io;
use std::path::PathBuf;

/// Prefix of the folders' names; six random letters and digits follow.
pub(super) const PREFIX: &str = "cipherlens-open-";

/// Folders in memory that the system offers, best first.
pub(super) fn in_memory() -> impl Iterator<Item = PathBuf> {
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    runtime.into_iter().chain([PathBuf::from("/dev/shm")]).filter(|folder| folder.is_absolute() && folder.is_dir())
}

/// Overwrites the content of a file with zeros.
pub(super) fn overwrite(mut file: &File) -> io::Result<()> {
    let size = file.metadata()?.len();
    io::copy(&mut io::Read::take(io::repeat(0), size), &mut file)?;
    file.sync_all()
}
