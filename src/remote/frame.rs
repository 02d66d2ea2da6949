//! The bytes on a connection: a greeting with a version, then frames.
//!
//! ```text
//! greeting = magic 8 | version 2
//! frame    = length of the payload 4 | request 4 | kind 1 | payload | checksum 8
//! checksum = the first 8 bytes of BLAKE3(length | request | kind | payload)
//! ```
//!
//! Numbers are little-endian. The checksum detects accidents; the digests in the mapping detect manipulation.
//!
//! Must never: allocate memory for an unchecked length.

use std::io::{self, Read, Write};

/// The version of the protocol.
pub const VERSION: u16 = 4;
/// Most bytes of one payload: enough for an encrypted query and the list of blocks to scan.
pub const LARGEST_PAYLOAD: usize = 1 << 20;

const MAGIC: [u8; 8] = *b"CLENSRPC";
/// Bytes of a greeting.
pub const GREETING_BYTES: usize = MAGIC.len() + 2;
const HEAD_BYTES: usize = 9;
const CHECKSUM_BYTES: usize = 8;
/// Bytes of a frame in addition to its payload.
pub const OVERHEAD_BYTES: usize = HEAD_BYTES + CHECKSUM_BYTES;

/// One frame.
#[derive(Debug, PartialEq, Eq)]
pub struct Frame {
    /// The id of its request.
    pub request: u32,
    /// The type of the payload.
    pub kind: u8,
    /// Its content: see `protocol`.
    pub payload: Vec<u8>,
}

/// Why no frame could be read.
#[derive(Debug)]
#[non_exhaustive]
pub enum Fault {
    /// The connection broke, or ended within a frame.
    Io(io::Error),
    /// The bytes are not a frame.
    Garbled(&'static str),
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// The greeting of this version.
#[must_use]
pub fn greeting() -> [u8; GREETING_BYTES] {
    let mut greeting = [0; GREETING_BYTES];
    greeting[..MAGIC.len()].copy_from_slice(&MAGIC);
    greeting[MAGIC.len()..].copy_from_slice(&VERSION.to_le_bytes());
    greeting
}

/// The version in a greeting; `None` for anything else.
#[must_use]
pub fn greeted_version(greeting: &[u8; GREETING_BYTES]) -> Option<u16> {
    let (magic, version) = greeting.split_at(MAGIC.len());
    (magic == MAGIC).then(|| u16::from_le_bytes([version[0], version[1]]))
}

/// Writes a frame whose payload is the concatenation of `parts`. Returns the bytes written.
///
/// # Errors
/// When the payload is longer than [`LARGEST_PAYLOAD`]; what the system reports.
pub fn write(line: &mut impl Write, request: u32, kind: u8, parts: &[&[u8]]) -> io::Result<u64> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    if length > LARGEST_PAYLOAD {
        return Err(io::Error::other("a payload is too long for a frame"));
    }
    let head = head(length, request, kind);
    line.write_all(&head)?;
    for part in parts {
        line.write_all(part)?;
    }
    line.write_all(&checksum(&head, parts))?;
    line.flush()?;
    Ok((length + OVERHEAD_BYTES) as u64)
}

/// The next frame; `None` when the connection ended before one.
///
/// # Errors
/// [`Fault`].
pub fn read(line: &mut impl Read) -> Result<Option<Frame>, Fault> {
    let mut head = [0; HEAD_BYTES];
    let mut filled = 0;
    while filled < HEAD_BYTES {
        match line.read(&mut head[filled..]) {
            Ok(0) if filled == 0 => return Ok(None),
            Ok(0) => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    let [l0, l1, l2, l3, r0, r1, r2, r3, kind] = head;
    let length = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
    if length > LARGEST_PAYLOAD {
        return Err(Fault::Garbled("a frame is too long"));
    }
    let mut payload = vec![0; length];
    line.read_exact(&mut payload)?;
    let mut found = [0; CHECKSUM_BYTES];
    line.read_exact(&mut found)?;
    if found != checksum(&head, &[&payload]) {
        return Err(Fault::Garbled("a frame's checksum is wrong"));
    }
    Ok(Some(Frame { request: u32::from_le_bytes([r0, r1, r2, r3]), kind, payload }))
}

fn head(length: usize, request: u32, kind: u8) -> [u8; HEAD_BYTES] {
    let [l0, l1, l2, l3] = (length as u32).to_le_bytes();
    let [r0, r1, r2, r3] = request.to_le_bytes();
    [l0, l1, l2, l3, r0, r1, r2, r3, kind]
}

fn checksum(head: &[u8], parts: &[&[u8]]) -> [u8; CHECKSUM_BYTES] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(head);
    for part in parts {
        hasher.update(part);
    }
    *hasher.finalize().as_bytes().first_chunk().expect("a digest has 32 bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(request: u32, kind: u8, parts: &[&[u8]]) -> Vec<u8> {
        let mut bytes = Vec::new();
        write(&mut bytes, request, kind, parts).unwrap();
        bytes
    }

    #[test]
    fn a_frame_is_read_as_it_was_written() {
        let written = bytes(7, 3, &[b"pay", b"", b"load"]);
        assert_eq!(written.len(), 7 + OVERHEAD_BYTES);
        let line = &mut written.as_slice();
        assert_eq!(read(line).unwrap(), Some(Frame { request: 7, kind: 3, payload: b"payload".to_vec() }));
        assert_eq!(read(line).unwrap(), None);
    }

    #[test]
    fn every_changed_byte_and_every_truncation_is_noticed() {
        let written = bytes(7, 3, &[b"payload"]);
        for at in 0..written.len() {
            let mut changed = written.clone();
            changed[at] ^= 1;
            assert!(read(&mut changed.as_slice()).is_err(), "byte {at}");
            assert_eq!(at == 0, read(&mut &written[..at]).is_ok(), "cut at {at}");
        }
    }

    #[test]
    fn a_length_out_of_bounds_allocates_nothing() {
        let mut endless = bytes(1, 1, &[]);
        endless[..4].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(matches!(read(&mut endless.as_slice()), Err(Fault::Garbled(_))));
        assert!(write(&mut Vec::new(), 1, 1, &[&vec![0; LARGEST_PAYLOAD + 1]]).is_err());
    }

    #[test]
    fn greetings_of_other_versions_are_told_from_garbage() {
        assert_eq!(greeted_version(&greeting()), Some(VERSION));
        let mut newer = greeting();
        newer[8] = 9;
        assert_eq!(greeted_version(&newer), Some(9));
        assert_eq!(greeted_version(b"Last login"), None);
    }
}
