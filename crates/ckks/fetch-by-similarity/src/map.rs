//! The encrypted database as a memory map, so that the server reads each byte once and copies none.

#![expect(unsafe_code, reason = "mapping a file is unsafe")]

use std::path::Path;

use memmap2::Mmap;

use crate::error::Error;
use crate::files;

/// Maps a file that must have exactly `bytes` bytes.
///
/// # Errors
/// [`Error::File`], [`Error::Length`].
pub(crate) fn map(path: &Path, bytes: usize) -> Result<Mmap, Error> {
    let file = files::open(path, bytes)?;
    // SAFETY: the map is only read. The harness runs one stage after the other, and no stage alters a database that is
    // being searched; if something else truncates the file, the stage ends with SIGBUS.
    unsafe { Mmap::map(&file) }.map_err(files::failed(path))
}
