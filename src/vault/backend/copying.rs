//! Copying files between two copies of one vault. Keyless: the digests are known.
//!
//! Must never: leave a file staged whose digest is another one, or hold a large file in memory.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::sync_channel;
use std::thread;

use parking_lot::Mutex;

use super::Backend;
use super::writer::Writer;
use crate::vault::error::Error;
use crate::vault::format::expected::Expected;
use crate::vault::format::hex::Hex;
use crate::vault::format::layout::{Directory, Object};

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
    stage_copy(from, writer, file, &file.object, bytes)?.map_or(Ok(bytes), Err)
}

/// Stages a copy of `file`, which has `bytes` bytes in `from`, under a name that the writer knows. Returns why `from`
/// does not have it, if it does not: then nothing is staged. A file that is too large is not even begun.
///
/// # Errors
/// When `from` cannot be reached; what the writer reports.
pub(in crate::vault) fn stage_copy(
    from: &dyn Backend,
    writer: &dyn Writer,
    file: &Expected,
    name: &Object,
    bytes: u64,
) -> Result<Option<Error>, Error> {
    if bytes > file.limit {
        return Ok(Some(Error::TooLarge { object: file.object.clone(), actual: bytes, limit: file.limit }));
    }
    let (mut hasher, mut at, mut unread) = (blake3::Hasher::new(), 0, None);
    let mut pieces = std::iter::from_fn(|| {
        let piece = (at < bytes).then(|| from.read_at(&file.object, at, PIECE_BYTES.min(bytes - at)))?;
        match piece {
            Ok(piece) if !piece.is_empty() => {
                hasher.update(&piece);
                at += piece.len() as u64;
                Some(Ok(piece))
            }
            outcome => {
                // Without an error the file became shorter.
                unread = Some(outcome.err().unwrap_or_else(|| file.differs()));
                Some(Err(file.differs()))
            }
        }
    });
    let staged = writer.stage_from(name, bytes, &mut pieces);
    match (staged, unread) {
        (_, Some(cause)) if cause.is_unreadable() => return Ok(Some(cause)),
        (_, Some(error)) | (Err(error), None) => return Err(error),
        (Ok(()), None) => {}
    }
    if Hex(hasher.finalize().into()) == file.digest {
        return Ok(None);
    }
    writer.discard(std::slice::from_ref(name));
    Ok(Some(file.differs()))
}

/// Those of `files` that still have to be staged. Of what a writer left at `to`, whole files are adopted and damaged
/// ones removed. The writer knows the names already.
///
/// # Errors
/// When `to` cannot be read; what the writer reports.
pub fn reuse_staged(to: &dyn Backend, writer: &dyn Writer, files: Vec<Expected>) -> Result<Vec<Expected>, Error> {
    let objects: Vec<Object> = files.iter().map(|file| file.object.clone()).collect();
    let (mut whole, mut torn, mut needed) = (Vec::new(), Vec::new(), Vec::new());
    for (file, digest) in files.into_iter().zip(to.digests(&objects)?) {
        if digest == Some(file.digest) {
            whole.push(file.object);
            continue;
        }
        torn.extend(digest.is_some().then(|| file.object.clone()));
        needed.push(file);
    }
    if !whole.is_empty() {
        writer.adopt(&whole)?;
    }
    if !torn.is_empty() {
        writer.discard(&torn);
    }
    Ok(needed)
}

/// Calls `read` on each of `items` in several threads, so that a distant place costs few round trips. The results have
/// the order of the items.
///
/// # Errors
/// The first error that occurred; then some items were not read.
pub(in crate::vault) fn read_at_once<T: Sync, R: Send>(
    items: &[T],
    read: impl Fn(&T) -> Result<R, Error> + Sync,
) -> Result<Vec<R>, Error> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(items.len()));
    let work = || {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(at) else { return };
            let outcome = read(item);
            if outcome.is_err() {
                next.store(items.len(), Ordering::Relaxed);
            }
            done.lock().push((at, outcome));
        }
    };
    thread::scope(|scope| (0..READERS.min(items.len())).for_each(|_| drop(scope.spawn(work))));
    let mut done = done.into_inner();
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, outcome)| outcome).collect()
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
