//! Copying files between two copies of one vault. Keyless: the digests are known.
//!
//! Must never: leave a file staged whose digest is another one, or hold a large file in memory.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::sync_channel;
use std::thread;

use super::Backend;
use super::writer::Writer;
use crate::vault::error::Error;
use crate::vault::format::expected::Expected;
use crate::vault::format::hex::Hex;
use crate::vault::format::layout::Directory;

/// Files read at once, so that a distant source costs few round trips.
const READERS: usize = 8;

/// Files of more bytes than this are sent in pieces, one after the other.
const LARGE_BYTES: u64 = 32 << 20;
/// Bytes of a piece.
const PIECE_BYTES: u64 = 4 << 20;

/// A file to copy, and its bytes.
pub struct FileToCopy {
    /// Which file.
    pub file: Expected,
    /// Its bytes. If it has others, its digest differs.
    pub bytes: u64,
}

/// The same files with the bytes that `from` has of them.
///
/// # Errors
/// When a directory cannot be listed.
pub fn with_sizes(from: &dyn Backend, files: Vec<Expected>) -> Result<Vec<FileToCopy>, Error> {
    let mut sizes = HashMap::new();
    for directory in [Directory::Images, Directory::Thumbnails] {
        sizes.extend(from.list(directory)?.into_iter().map(|listed| (listed.object, listed.bytes)));
    }
    // Files of other directories fit into memory.
    let size = |file: &Expected| sizes.get(&file.object).copied().unwrap_or(0);
    Ok(files.into_iter().map(|file| FileToCopy { bytes: size(&file), file }).collect())
}

/// Stages copies of `files`, which `from` has, and returns their total size. `copied` receives the files done and their
/// total, on this thread. The writer knows their names already.
///
/// # Errors
/// The first file that is missing or has another digest in `from`; what the writer reports.
pub fn copy_files(
    from: &dyn Backend,
    writer: &dyn Writer,
    files: &[FileToCopy],
    copied: &dyn Fn(usize, usize),
) -> Result<u64, Error> {
    let (large, small): (Vec<_>, Vec<_>) = files.iter().partition(|file| file.bytes > LARGE_BYTES);
    let small: Vec<&Expected> = small.into_iter().map(|small| &small.file).collect();
    let mut bytes = send_small(from, writer, &small, &|done| copied(done, files.len()))?;
    for (done, large) in large.into_iter().enumerate() {
        bytes += send_large(from, writer, &large.file, large.bytes)?;
        copied(small.len() + done + 1, files.len());
    }
    Ok(bytes)
}

/// Sends a file in pieces, and compares its digest.
fn send_large(from: &dyn Backend, writer: &dyn Writer, file: &Expected, bytes: u64) -> Result<u64, Error> {
    let (mut hasher, mut at) = (blake3::Hasher::new(), 0);
    let mut pieces = std::iter::from_fn(|| {
        let piece = (at < bytes).then(|| from.read_at(&file.object, at, PIECE_BYTES.min(bytes - at)))?;
        // A file that became shorter ends here, and its digest differs.
        let piece = piece.and_then(|piece| if piece.is_empty() { Err(file.differs()) } else { Ok(piece) });
        if let Ok(piece) = &piece {
            hasher.update(piece);
            at += piece.len() as u64;
        }
        Some(piece)
    });
    writer.stage_from(&file.object, bytes, &mut pieces)?;
    if Hex(hasher.finalize().into()) == file.digest {
        return Ok(bytes);
    }
    writer.discard(std::slice::from_ref(&file.object));
    Err(file.differs())
}

/// Sends files that fit into memory; returns their total size.
fn send_small(
    from: &dyn Backend,
    writer: &dyn Writer,
    files: &[&Expected],
    copied: &dyn Fn(usize),
) -> Result<u64, Error> {
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        let (read, staged) = sync_channel(READERS);
        for _ in 0..READERS {
            let (read, next) = (read.clone(), &next);
            scope.spawn(move || {
                while let Some(&file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    // The receiver stops after an error.
                    if read.send((file, from.read_verified(file))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(read);
        let (mut bytes, mut done) = (0, 0);
        for (file, content) in staged {
            let content = content?;
            writer.stage(&file.object, &[&content])?;
            bytes += content.len() as u64;
            done += 1;
            copied(done);
        }
        Ok(bytes)
    })
}
