//! The content of answers with lists: files with their sizes, leftovers, digests.
//!
//! Must never: allocate memory for a count that exceeds the bytes present.

use super::payload::{Payload, put_object};
use crate::vault::{Digest, Hex, Leftovers, Listed};

/// A listing as bytes: objects, each with its size.
#[must_use]
pub fn encode_listing(files: &[Listed]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for file in files {
        put_object(&mut bytes, &file.object);
        bytes.extend(file.bytes.to_le_bytes());
    }
    bytes
}

/// Reads the output of [`encode_listing`]; `None` for anything else.
#[must_use]
pub fn decode_listing(bytes: &[u8]) -> Option<Vec<Listed>> {
    let mut rest = Payload(bytes);
    let mut files = Vec::new();
    while !rest.0.is_empty() {
        files.push(Listed { object: rest.object()?, bytes: rest.number()? });
    }
    Some(files)
}

/// Encodes leftovers: the number of abandoned files, 4 bytes, and the files; then strays, each with its length, 2
/// bytes, in UTF-8.
#[must_use]
pub fn encode_leftovers(leftovers: &Leftovers) -> Vec<u8> {
    let mut bytes = (leftovers.abandoned.len() as u32).to_le_bytes().to_vec();
    leftovers.abandoned.iter().for_each(|object| put_object(&mut bytes, object));
    for stray in &leftovers.strays {
        bytes.extend((stray.len() as u16).to_le_bytes());
        bytes.extend(stray.as_bytes());
    }
    bytes
}

/// Reads the output of [`encode_leftovers`]; `None` for anything else.
#[must_use]
pub fn decode_leftovers(bytes: &[u8]) -> Option<Leftovers> {
    let mut rest = Payload(bytes);
    let mut leftovers = Leftovers::default();
    for _ in 0..u32::from_le_bytes(rest.array()?) {
        leftovers.abandoned.push(rest.object()?);
    }
    while !rest.0.is_empty() {
        let length = u16::from_le_bytes(rest.array()?);
        leftovers.strays.push(rest.text(length.into())?.to_owned());
    }
    Some(leftovers)
}

/// Digests one after the other; zeros for a missing file.
#[must_use]
pub fn encode_digests(digests: &[Option<Digest>]) -> Vec<u8> {
    digests.iter().flat_map(|digest| digest.map_or([0; 32], |digest| digest.0)).collect()
}

/// Reads the output of [`encode_digests`] for `count` files; `None` for anything else.
#[must_use]
pub fn decode_digests(bytes: &[u8], count: usize) -> Option<Vec<Option<Digest>>> {
    let (digests, rest) = bytes.as_chunks::<32>();
    let digest = |digest: &[u8; 32]| (*digest != [0; 32]).then_some(Hex(*digest));
    (digests.len() == count && rest.is_empty()).then(|| digests.iter().map(digest).collect())
}
