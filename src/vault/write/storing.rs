//! Encrypting originals, and staging their files.
//!
//! Must never: hold more of a large original in memory than a few chunks.

use std::collections::HashMap;
use std::io::Read;

use parking_lot::Mutex;

use crate::vault::backend::writer::Writer;
use crate::vault::error::Error;
use crate::vault::format::chunks;
use crate::vault::format::chunks::ChunkSealer;
use crate::vault::format::extension::Extension;
use crate::vault::format::hex::{Digest, Hex, Id};
use crate::vault::format::layout::Object;
use crate::vault::format::list::ListedImage;
use crate::vault::format::sealed::{SealedObject, VaultKeys};

/// Names that are announced at once: each announcement waits for the disk.
const ANNOUNCED: usize = 64;

/// Ids of originals whose files are announced already. Names that are never used do no harm in a journal.
#[derive(Default)]
pub(super) struct AnnouncedIds(Mutex<HashMap<Extension, Vec<Id>>>);

impl AnnouncedIds {
    /// A fresh id for an original with this extension.
    pub(super) fn next(&self, writer: &dyn Writer, extension: &Extension) -> Result<Id, Error> {
        let mut ids = self.0.lock();
        let ids = ids.entry(*extension).or_default();
        if let Some(id) = ids.pop() {
            return Ok(id);
        }
        let fresh = (0..ANNOUNCED).map(|_| Ok(Id::random()?)).collect::<Result<Vec<_>, Error>>()?;
        let objects: Vec<Object> = fresh.iter().map(|id| Object::Photo(*id, *extension)).collect();
        writer.announce(&objects)?;
        let (first, rest) = fresh.split_first().expect("several were made");
        ids.extend_from_slice(rest);
        Ok(*first)
    }
}

/// Encrypts and stages an original under an announced id.
pub(super) fn store(
    keys: &VaultKeys,
    writer: &dyn Writer,
    id: Id,
    photo: &[u8],
    extension: &Extension,
) -> Result<ListedImage, Error> {
    if chunks::is_chunked(photo.len() as u64) {
        let (listed, _) = store_stream(keys, writer, id, &mut &*photo, photo.len() as u64, extension)?;
        return Ok(listed);
    }
    let file = keys.seal(&SealedObject::Photo(id, *extension), photo)?;
    let listed = ListedImage { id, extension: *extension, photo: Digest::of(&file.parts()) };
    writer.stage(&listed.object(), &file.parts())?;
    Ok(listed)
}

/// Encrypts and stages an original of `bytes` bytes under an announced id, as it is read. Also returns the keyed hash
/// of its content.
pub(super) fn store_stream(
    keys: &VaultKeys,
    writer: &dyn Writer,
    id: Id,
    photo: &mut dyn Read,
    bytes: u64,
    extension: &Extension,
) -> Result<(ListedImage, Digest), Error> {
    let object = Object::Photo(id, *extension);
    let reading = |source| Error::Io { object: "the original".to_owned(), source };
    if bytes > chunks::LARGEST_ORIGINAL_BYTES {
        return Err(Error::TooLarge { object, actual: bytes, limit: chunks::LARGEST_ORIGINAL_BYTES });
    }
    let Some(mut sealer) = ChunkSealer::new(keys, id, bytes) else {
        let mut content = zeroize::Zeroizing::new(Vec::with_capacity(bytes as usize + 1));
        photo.take(bytes + 1).read_to_end(&mut content).map_err(reading)?;
        if content.len() as u64 != bytes {
            return Err(Error::Changed);
        }
        return Ok((store(keys, writer, id, &content, extension)?, keys.content_tag(&content)));
    };
    let (mut tag, mut digest) = (keys.content_tag_in_pieces(), blake3::Hasher::new());
    let mut buffer = zeroize::Zeroizing::new(vec![0; chunks::CHUNK_BYTES]);
    let mut prefix = Some(ChunkSealer::prefix().to_vec());
    let mut next = || -> Result<Option<Vec<u8>>, Error> {
        if let Some(prefix) = prefix.take() {
            return Ok(Some(prefix));
        }
        loop {
            if let Some(chunk) = sealer.chunk()? {
                return Ok(Some(chunk));
            }
            if sealer.is_finished() {
                return Ok(None);
            }
            let room = sealer.room().min(buffer.len());
            let read = photo.read(&mut buffer[..room]).map_err(reading)?;
            if read == 0 {
                return Err(Error::Changed);
            }
            tag.update(&buffer[..read]);
            sealer.take(&buffer[..read]);
        }
    };
    let mut pieces = std::iter::from_fn(|| next().transpose()).inspect(|piece| {
        if let Ok(piece) = piece {
            digest.update(piece);
        }
    });
    writer.stage_from(&object, chunks::file_bytes(bytes), &mut pieces)?;
    drop(pieces);
    if photo.read(&mut [0]).map_err(reading)? != 0 {
        writer.discard(&[object]);
        return Err(Error::Changed);
    }
    let listed = ListedImage { id, extension: *extension, photo: Hex(digest.finalize().into()) };
    Ok((listed, tag.finish()))
}
