//! Maps the blocks of a segment, or the tags of a group, into memory: the one unsafe line of the vault.
//!
//! Must never: map a file that anything of ours changes after it has its name.
#![expect(unsafe_code, reason = "mapping a file is unsafe whatever the file is")]

use std::fs::File;
use std::io;

use memmap2::Mmap;

/// The content of `file`, read-only, as memory.
///
/// # Errors
/// What the system says.
pub(super) fn map(file: &File) -> io::Result<Mmap> {
    // SAFETY: the files of segments and groups are immutable: they are created under a new random name, never written again, only unlinked, and
    // an unlinked file stays mapped. Someone who writes to the vault from outside could change the bytes under us: the
    // scan treats them as numbers of a fixed range of its own, pages of tags are copied before they are verified, and every
    // value is valid for `u8`. Who truncates the file
    // ends the process (SIGBUS), which harms no data.
    unsafe { Mmap::map(file) }
}
