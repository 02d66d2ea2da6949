//! Reading originals: small ones as a whole, large ones chunk by chunk.
//!
//! Must never: pass on a byte before the tag that covers it was verified.

use zeroize::Zeroizing;

use super::source::Source;
use crate::vault::error::Error;
use crate::vault::format::chunks;
use crate::vault::format::chunks::ChunkOpener;
use crate::vault::format::expected::Expected;
use crate::vault::format::hex::Hex;
use crate::vault::format::layout::Object;
use crate::vault::format::list::ListedImage;
use crate::vault::format::sealed;
use crate::vault::format::sealed::{Kind, LARGEST_PHOTO_BYTES, SealedObject};

/// The whole original. Its digest is verified too.
pub(in crate::vault) fn read_whole(source: &Source, listed: &ListedImage) -> Result<Zeroizing<Vec<u8>>, Error> {
    let object = Object::Photo(listed.id, listed.extension);
    let limit = chunks::file_bytes(LARGEST_PHOTO_BYTES as u64);
    let file = Expected { object, limit, digest: listed.photo };
    let bytes = source.backend.read_verified(&file)?;
    if !bytes.starts_with(&Kind::ChunkedPhoto.prefix()) {
        let sealed = SealedObject::Photo(listed.id, listed.extension);
        return source.keys.open(&sealed, &bytes).map_err(|error| error.about(&file.object));
    }
    let mut content = Zeroizing::new(Vec::with_capacity(bytes.len()));
    let mut opener = ChunkOpener::new(&source.keys, listed.id, &listed.extension, bytes.len() as u64)?;
    while let Some(range) = opener.next_range() {
        let chunk = bytes.get(range.start as usize..range.end as usize).unwrap_or_default();
        content.extend_from_slice(&opener.open(chunk).map_err(|error| error.about(&file.object))?);
    }
    Ok(content)
}

/// Passes the original on in pieces. A large one has a file of `file_bytes` bytes.
pub(super) fn read_in_pieces(
    source: &Source,
    listed: &ListedImage,
    file_bytes: u64,
    receive: &mut dyn FnMut(&[u8]) -> Result<(), Error>,
) -> Result<(), Error> {
    let object = Object::Photo(listed.id, listed.extension);
    let prefix = source.backend.read_at(&object, 0, sealed::PREFIX_BYTES as u64)?;
    if prefix != Kind::ChunkedPhoto.prefix() {
        return receive(&read_whole(source, listed)?);
    }
    for_each_chunk(source, listed, file_bytes, |_, content| receive(content))
}

/// Reads the original, passes it on in pieces and compares the digest of its file.
pub(in crate::vault) fn verify(
    source: &Source,
    listed: &ListedImage,
    file_bytes: u64,
    receive: &mut dyn FnMut(&[u8]),
) -> Result<(), Error> {
    let object = Object::Photo(listed.id, listed.extension);
    let prefix = source.backend.read_at(&object, 0, sealed::PREFIX_BYTES as u64)?;
    if prefix != Kind::ChunkedPhoto.prefix() {
        receive(&read_whole(source, listed)?);
        return Ok(());
    }
    let mut file = blake3::Hasher::new();
    file.update(&prefix);
    for_each_chunk(source, listed, file_bytes, |chunk, content| {
        file.update(chunk);
        receive(content);
        Ok(())
    })?;
    let ends = source.backend.read_at(&object, file_bytes, 1)?.is_empty();
    if ends && Hex(file.finalize().into()) == listed.photo {
        return Ok(());
    }
    Err(Error::Damaged { object, what: "its digest differs from the recorded one" })
}

/// Passes on the chunks of an original, as they are stored and opened.
fn for_each_chunk(
    source: &Source,
    listed: &ListedImage,
    file_bytes: u64,
    mut receive: impl FnMut(&[u8], &[u8]) -> Result<(), Error>,
) -> Result<(), Error> {
    let object = Object::Photo(listed.id, listed.extension);
    let mut opener = ChunkOpener::new(&source.keys, listed.id, &listed.extension, file_bytes)?;
    while let Some(range) = opener.next_range() {
        let chunk = source.backend.read_at(&object, range.start, range.end - range.start)?;
        receive(&chunk, &opener.open(&chunk).map_err(|error| error.about(&object))?)?;
    }
    Ok(())
}
