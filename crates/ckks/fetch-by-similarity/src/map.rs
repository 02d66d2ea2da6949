//! Large files as memory maps, so that nothing is copied: the encrypted database of the server, the block list of the
//! client.

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
    // SAFETY: the map is only read. The harness runs one stage after the other, and no stage alters a file that
    // another one has mapped; if something else truncates the file, the stage ends with SIGBUS.
    unsafe { Mmap::map(&file) }.map_err(files::failed(path))
}
