//! An entry of a directory listing, for both implementations.
//!
//! Must never: follow a link to find out what it is.

use std::ffi::OsString;

/// An entry of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirEntry {
    /// Its name.
    pub name: OsString,
    /// Its kind.
    pub kind: EntryKind,
    /// Its size, if it is a file.
    pub bytes: u64,
}

/// The kind of a directory entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A link, a pipe, a socket or a device.
    Other,
}
