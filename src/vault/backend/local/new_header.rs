//! `header.new`: how a prepared header gets its name once the mapping names it, and how an interrupted change of the
//! header is settled.
//!
//! Where locks do nothing, several writers may do that at once, and one may already prepare the next header. A rename
//! then may move another file than the one that was looked at, so each look is repeated until the header that the
//! mapping names is in place.
//!
//! Must never: return before the header that the mapping names is in place, unless another mapping is current.

use std::io;
use std::thread;
use std::time::Instant;

use super::abandoned::remove_file;
use super::claims::{Locks, PATIENCE, POLL};
use super::directories::Directories;
use crate::vault::error::Error;
use crate::vault::format::hex::Digest;
use crate::vault::format::layout::Object;
use crate::vault::format::limits::largest_bytes;

/// Puts the new header, which is prepared, in its place, as long as the current mapping names it.
pub(super) fn finish(directories: &Directories, header: &[u8]) -> Result<(), Error> {
    let (name, digest) = (Object::Header.file_name(), Digest::of(&[header]));
    let is_there =
        |object: Object| directories.read(&object, largest_bytes(&Object::Header)).is_ok_and(|found| found == header);
    let root = directories.root().map_err(Error::io(Object::Header))?;
    let until = Instant::now() + PATIENCE;
    loop {
        // In this order: the header moves from the one name to the other.
        let is_prepared = is_there(Object::UNFINISHED_HEADER);
        if is_there(Object::Header) || directories.mapping()?.mapping.header != digest {
            return Ok(());
        }
        let finished = if is_prepared {
            root.finish(&name)
        } else if Instant::now() >= until {
            // Somebody removed it, or moved another one there and was killed.
            root.replace(&name, header)
        } else {
            thread::sleep(POLL);
            continue;
        };
        match finished {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            finished => finished.map_err(Error::io(Object::Header))?,
        }
    }
}

/// Finishes or undoes a change of the header that was interrupted: the new header gets its name if the current mapping
/// names it, and is removed otherwise, unless it may be that of a writer at work. Without a header there is no vault
/// yet, and its creation starts anew. The caller holds the writer's lock.
pub(super) fn settle(directories: &Directories, locks: Locks) -> Result<(), Error> {
    if !directories.has(&Object::Header)? {
        return Ok(());
    }
    let unfinished = Object::UNFINISHED_HEADER;
    let header = match directories.read(&unfinished, largest_bytes(&unfinished)) {
        Err(Error::Missing { .. }) => return Ok(()),
        outcome => outcome?,
    };
    match directories.mapping() {
        Ok(current) if !current.mapping.is_old() && current.mapping.header == Digest::of(&[&header]) => {
            finish(directories, &header)
        }
        Ok(_) | Err(Error::Missing { .. }) => match locks {
            Locks::Exclude => remove_file(directories, &unfinished),
            Locks::DoNothing => Ok(()),
        },
        Err(error) => Err(error),
    }
}
