//! Originals of more than 16 MiB, sealed in chunks, so that they are written and read in little memory.
//!
//! ```text
//! file            = prefix 10 | chunks
//! chunk           = IV 16 | ciphertext | tag 32, of 4 MiB of the plaintext, the last of what is left
//! plaintext       = length 8 | content | zeros, up to padme(8 + length)
//! associated data = prefix | vault id 16 | image id 16 | number of the chunk 8 | 1 for the last, else 0
//! ```
//!
//! This is the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizar, "Online Authenticated-Encryption and its
//! Nonce-Reuse Misuse-Resistance", 2015) with a random IV for each chunk: number and last flag are authenticated, so
//! chunks cannot be dropped, repeated, moved or added.
//!
//! Must never: give out a byte of a chunk before its tag was verified.

use std::collections::VecDeque;
use std::ops::Range;

use rayon::prelude::*;
use zeroize::Zeroizing;

use super::extension::Extension;
use super::hex::Id;
use super::layout::Object;
use super::sealed::{Kind, PREFIX_BYTES, VaultKeys};
use crate::cipher;
use crate::cipher::{Purpose, aes_cbc_hmac, padding};
use crate::secret::Secret;
use crate::vault::error::Error;

/// Plaintext bytes of a chunk.
pub const CHUNK_BYTES: usize = 4 << 20;
/// Most bytes of an original that is sealed as a whole.
pub const LARGEST_WHOLE_BYTES: usize = 16 << 20;
/// Most bytes of an original.
pub const LARGEST_ORIGINAL_BYTES: u64 = 1 << 40;

const LENGTH_BYTES: usize = 8;
/// Chunks that are sealed at the same time. CBC and SHA-512 are sequential, and one after the other: 0.25 GB/s with one
/// thread, 0.44 GB/s with two (2026-11-30, two cores).
const AT_ONCE: usize = 2;
const SEALED_CHUNK_BYTES: u64 = aes_cbc_hmac::sealed_bytes(CHUNK_BYTES) as u64;

/// Plaintext bytes for this much content, up to [`LARGEST_ORIGINAL_BYTES`].
const fn plaintext_bytes(content_bytes: u64) -> u64 {
    padding::padme_u64(LENGTH_BYTES as u64 + content_bytes)
}

/// Bytes of the file of an original with this many bytes, up to [`LARGEST_ORIGINAL_BYTES`], sealed in chunks.
#[must_use]
pub const fn file_bytes(content_bytes: u64) -> u64 {
    let plaintext = plaintext_bytes(content_bytes);
    let whole = (plaintext - 1) / CHUNK_BYTES as u64;
    let last = (plaintext - whole * CHUNK_BYTES as u64) as usize;
    PREFIX_BYTES as u64 + whole * SEALED_CHUNK_BYTES + aes_cbc_hmac::sealed_bytes(last) as u64
}

/// Whether an original with this many bytes is sealed in chunks: no original has two encodings.
#[must_use]
pub const fn is_chunked(content_bytes: u64) -> bool {
    content_bytes > LARGEST_WHOLE_BYTES as u64 && content_bytes <= LARGEST_ORIGINAL_BYTES
}

/// Whether a chunk is the last one.
#[derive(Clone, Copy)]
enum Place {
    Before,
    Last,
}

impl Place {
    fn with(bytes_after: u64) -> Self {
        if bytes_after == 0 { Self::Last } else { Self::Before }
    }
}

/// The key and the associated data of an original's chunks.
struct Chunks {
    key: Secret<64>,
    associated: Vec<u8>,
}

impl Chunks {
    fn new(keys: &VaultKeys, image: Id) -> Self {
        let associated = [&Kind::ChunkedPhoto.prefix()[..], &keys.vault().0, &image.0].concat();
        Self { key: keys.tree().key(Purpose::Photo, &image.0), associated }
    }

    fn associated(&self, number: u64, place: Place) -> Vec<u8> {
        let last = match place {
            Place::Before => 0,
            Place::Last => 1,
        };
        [&self.associated[..], &number.to_le_bytes(), &[last]].concat()
    }

    fn seal(&self, number: u64, place: Place, plaintext: &[u8]) -> Result<Vec<u8>, cipher::Error> {
        aes_cbc_hmac::seal(&self.key, &self.associated(number, place), plaintext)
    }

    fn open(&self, number: u64, place: Place, chunk: &[u8]) -> Result<Zeroizing<Vec<u8>>, cipher::Error> {
        aes_cbc_hmac::open(&self.key, &self.associated(number, place), chunk)
    }
}

/// Seals an original: takes its content from the front, and gives the chunks of the file in order.
///
/// Take content as long as there is [room](Self::room) and write what [`chunk`](Self::chunk) gives, until it
/// [`is_finished`](Self::is_finished). An original that ends before, or goes on after that, was changed meanwhile.
pub struct ChunkSealer {
    chunks: Chunks,
    /// Content still to be taken.
    content_left: u64,
    /// Plaintext still to be sealed, including that in `pending`.
    left: u64,
    /// Of the next chunk to be sealed.
    number: u64,
    /// Plaintext of the next chunks. Never grows beyond its capacity, which would leave copies behind.
    pending: Zeroizing<Vec<u8>>,
    sealed: VecDeque<Vec<u8>>,
}

impl ChunkSealer {
    /// Begins with the original of `image`, of exactly `content_bytes` bytes; `None` unless an original of this size
    /// [`is_chunked`].
    #[must_use]
    pub fn new(keys: &VaultKeys, image: Id, content_bytes: u64) -> Option<Self> {
        if !is_chunked(content_bytes) {
            return None;
        }
        let mut pending = Zeroizing::new(Vec::with_capacity(AT_ONCE * CHUNK_BYTES));
        pending.extend_from_slice(&content_bytes.to_le_bytes());
        Some(Self {
            chunks: Chunks::new(keys, image),
            content_left: content_bytes,
            left: plaintext_bytes(content_bytes),
            number: 0,
            pending,
            sealed: VecDeque::new(),
        })
    }

    /// The first bytes of the file.
    #[must_use]
    pub fn prefix() -> [u8; PREFIX_BYTES] {
        Kind::ChunkedPhoto.prefix()
    }

    /// Bytes of content that it takes next, before it gives chunks.
    #[must_use]
    pub fn room(&self) -> usize {
        let room = AT_ONCE * CHUNK_BYTES - self.pending.len();
        room.min(usize::try_from(self.content_left).unwrap_or(usize::MAX))
    }

    /// Takes the next content: at most [`Self::room`] bytes, the rest is left. Returns how many.
    pub fn take(&mut self, content: &[u8]) -> usize {
        let taken = content.len().min(self.room());
        self.pending.extend_from_slice(&content[..taken]);
        self.content_left -= taken as u64;
        taken
    }

    /// The next chunk; `None` when more content is needed, or after the last chunk.
    ///
    /// # Errors
    /// When the system gives no entropy.
    pub fn chunk(&mut self) -> Result<Option<Vec<u8>>, Error> {
        if self.sealed.is_empty() && self.left > 0 && self.room() == 0 {
            self.seal_pending()?;
        }
        Ok(self.sealed.pop_front())
    }

    /// Whether the last chunk was given.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.left == 0 && self.sealed.is_empty()
    }

    fn seal_pending(&mut self) -> Result<(), Error> {
        let bytes = (AT_ONCE * CHUNK_BYTES).min(usize::try_from(self.left).unwrap_or(usize::MAX));
        // The zeros after the content.
        self.pending.resize(bytes, 0);
        let (chunks, first, left) = (&self.chunks, self.number, self.left);
        let seal = |(at, plaintext): (usize, &[u8])| {
            let end = at * CHUNK_BYTES + plaintext.len();
            chunks.seal(first + at as u64, Place::with(left - end as u64), plaintext)
        };
        let sealed = self.pending.par_chunks(CHUNK_BYTES).enumerate().map(seal);
        self.sealed = sealed.collect::<Result<_, _>>()?;
        self.number += self.sealed.len() as u64;
        self.left -= bytes as u64;
        self.pending.clear();
        Ok(())
    }
}

/// Opens an original chunk by chunk. Its content is whole once there is no [next range](Self::next_range).
pub struct ChunkOpener {
    chunks: Chunks,
    object: Object,
    file_bytes: u64,
    /// Where the next chunk begins.
    at: u64,
    number: u64,
    /// Content still to be given out; `None` before the first chunk.
    content_left: Option<u64>,
}

impl ChunkOpener {
    /// Begins with the original of `image`, whose file has `file_bytes` bytes and the prefix of its kind.
    ///
    /// # Errors
    /// [`Error::Damaged`] when no original that [`is_chunked`] has a file of this length.
    pub fn new(keys: &VaultKeys, image: Id, extension: &Extension, file_bytes: u64) -> Result<Self, Error> {
        const SMALLEST: u64 = self::file_bytes(LARGEST_WHOLE_BYTES as u64 + 1);
        const LARGEST: u64 = self::file_bytes(LARGEST_ORIGINAL_BYTES);
        let object = Object::Photo(image, *extension);
        // A file cut off behind its prefix has no chunk whose tag could show that.
        if !(SMALLEST..=LARGEST).contains(&file_bytes) {
            return Err(Error::Damaged { object, what: "no large original has a file of this length" });
        }
        let chunks = Chunks::new(keys, image);
        Ok(Self { chunks, object, file_bytes, at: PREFIX_BYTES as u64, number: 0, content_left: None })
    }

    /// Where the next chunk is in the file; `None` after the last.
    #[must_use]
    pub fn next_range(&self) -> Option<Range<u64>> {
        (self.at < self.file_bytes).then(|| self.at..self.file_bytes.min(self.at + SEALED_CHUNK_BYTES))
    }

    /// The content of the chunk at [`Self::next_range`]. After an error the same chunk may be tried again.
    ///
    /// # Errors
    /// [`Error::Damaged`] for anything else, without a difference between a wrong tag and wrong padding.
    pub fn open(&mut self, chunk: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        let damaged = |what| Error::Damaged { object: self.object.clone(), what };
        let does_not_authenticate = "it does not authenticate";
        let range = self.next_range().ok_or(damaged("it has bytes after its last chunk"))?;
        if chunk.len() as u64 != range.end - range.start {
            return Err(damaged("it is truncated"));
        }
        let place = Place::with(self.file_bytes - range.end);
        let mut plaintext = self.chunks.open(self.number, place, chunk).map_err(|error| match error {
            cipher::Error::Damaged => damaged(does_not_authenticate),
            error => error.into(),
        })?;
        let (start, left) = match self.content_left {
            Some(left) => (0, left),
            None => {
                let length = plaintext.first_chunk().map(|length| u64::from_le_bytes(*length));
                let fits = |length: &u64| is_chunked(*length) && file_bytes(*length) == self.file_bytes;
                (LENGTH_BYTES, length.filter(fits).ok_or(damaged(does_not_authenticate))?)
            }
        };
        let content = (plaintext.len() - start).min(usize::try_from(left).unwrap_or(usize::MAX));
        if plaintext[start + content..].iter().any(|byte| *byte != 0) {
            return Err(damaged(does_not_authenticate));
        }
        plaintext.copy_within(start..start + content, 0);
        plaintext.truncate(content);
        self.content_left = Some(left - content as u64);
        self.at = range.end;
        self.number += 1;
        Ok(plaintext)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cipher::MasterKey;

    /// The smallest original that is sealed in chunks: five of them, the last one short and mostly zeros.
    const SMALLEST: usize = LARGEST_WHOLE_BYTES + 1;

    fn keys() -> VaultKeys {
        VaultKeys::new(Id::random().unwrap(), MasterKey::generate().unwrap())
    }

    fn content(bytes: usize) -> Vec<u8> {
        (0..bytes).map(|at| (at / 4096 + at % 251) as u8).collect()
    }

    /// The prefix and the chunks of the file, of content that comes in slices of `step` bytes.
    fn sealed(keys: &VaultKeys, image: Id, content: &[u8], step: usize) -> Vec<Vec<u8>> {
        let mut sealer = ChunkSealer::new(keys, image, content.len() as u64).unwrap();
        let mut pieces = vec![ChunkSealer::prefix().to_vec()];
        for mut slice in content.chunks(step) {
            while !slice.is_empty() {
                slice = &slice[sealer.take(slice)..];
                while let Some(chunk) = sealer.chunk().unwrap() {
                    pieces.push(chunk);
                }
            }
        }
        assert!(sealer.is_finished());
        assert_eq!((sealer.room(), sealer.take(b"more"), sealer.chunk().unwrap()), (0, 0, None));
        pieces
    }

    fn opener(keys: &VaultKeys, image: Id, file_bytes: u64) -> Result<ChunkOpener, Error> {
        ChunkOpener::new(keys, image, &Extension::of("a.mov".as_ref()), file_bytes)
    }

    /// The content of a file; with an error, all that was given out before it.
    fn opened(keys: &VaultKeys, image: Id, file: &[u8]) -> Result<Vec<u8>, Vec<u8>> {
        let mut content = Vec::new();
        let mut opener = opener(keys, image, file.len() as u64).map_err(|_| Vec::new())?;
        while let Some(range) = opener.next_range() {
            match opener.open(&file[range.start as usize..range.end as usize]) {
                Ok(opened) => content.extend_from_slice(&opened),
                Err(Error::Damaged { .. }) => return Err(content),
                Err(error) => panic!("{error}"),
            }
        }
        Ok(content)
    }

    #[test]
    fn content_comes_back_whatever_the_slices() {
        let (keys, image) = (keys(), Id::random().unwrap());
        for (bytes, step) in [
            (SMALLEST, 1_000_003),
            // The last chunk is full; one byte more begins another.
            (5 * CHUNK_BYTES - LENGTH_BYTES, CHUNK_BYTES),
            (5 * CHUNK_BYTES - LENGTH_BYTES + 1, usize::MAX),
            (6 * CHUNK_BYTES, 2 * CHUNK_BYTES + 1),
        ] {
            let content = content(bytes);
            let file = sealed(&keys, image, &content, step).concat();
            assert_eq!(file.len() as u64, file_bytes(bytes as u64), "{bytes}");
            assert!(opened(&keys, image, &file) == Ok(content), "{bytes}");
        }
    }

    #[test]
    fn chunks_open_only_in_their_order_and_place() {
        let keys = keys();
        let (image, other) = (Id::random().unwrap(), Id::random().unwrap());
        let content = content(SMALLEST + 3 * CHUNK_BYTES);
        let [pieces, others] = [image, other].map(|image| sealed(&keys, image, &content, CHUNK_BYTES));
        let last = pieces.len() - 1;
        let refused = |chunks_before: usize, what: &str, change: &dyn Fn(&mut Vec<Vec<u8>>)| {
            let mut changed = pieces.clone();
            change(&mut changed);
            let given_out = (chunks_before * CHUNK_BYTES).saturating_sub(LENGTH_BYTES);
            assert!(opened(&keys, image, &changed.concat()) == Err(content[..given_out].to_vec()), "{what}");
        };
        refused(1, "two chunks swapped", &|pieces| pieces.swap(2, 3));
        refused(0, "a chunk dropped", &|pieces| drop(pieces.remove(3)));
        refused(0, "a chunk repeated", &|pieces| pieces.insert(2, pieces[1].clone()));
        refused(0, "cut off at a chunk", &|pieces| pieces.truncate(last));
        refused(0, "cut off behind the prefix", &|pieces| pieces.truncate(1));
        refused(0, "the last chunk repeated", &|pieces| pieces.push(pieces[last].clone()));
        refused(0, "16 bytes less", &|pieces| drop(pieces[last].drain(..16)));
        refused(0, "16 bytes more", &|pieces| pieces[last].extend([0; 16]));
        refused(1, "a chunk of another original", &|pieces| pieces[2].clone_from(&others[2]));
        refused(2, "a chunk in place of the next", &|pieces| pieces[3] = pieces[2].clone());
        assert!(opened(&keys, other, &pieces.concat()) == Err(Vec::new()), "under another id");
        let elsewhere = VaultKeys::new(Id::random().unwrap(), MasterKey::generate().unwrap());
        assert!(opened(&elsewhere, image, &pieces.concat()) == Err(Vec::new()), "in another vault");
    }

    #[test]
    fn a_changed_byte_in_any_chunk_is_noticed_before_anything_of_it_is_given_out() {
        let (keys, image) = (keys(), Id::random().unwrap());
        let content = content(SMALLEST);
        let file = sealed(&keys, image, &content, CHUNK_BYTES).concat();
        let mut opener = opener(&keys, image, file.len() as u64).unwrap();
        let mut given_out = Vec::new();
        while let Some(range) = opener.next_range() {
            let mut chunk = file[range.start as usize..range.end as usize].to_vec();
            for at in [0, 15, 16, 23, 24, chunk.len() / 2, chunk.len() - 33, chunk.len() - 32, chunk.len() - 1] {
                chunk[at] ^= 1;
                assert!(matches!(opener.open(&chunk), Err(Error::Damaged { .. })), "byte {at} at {range:?}");
                chunk[at] ^= 1;
            }
            assert!(opener.open(&chunk[1..]).is_err());
            given_out.extend_from_slice(&opener.open(&chunk).unwrap());
        }
        assert!(given_out == content);
        assert!(opener.open(&[]).is_err(), "after the last chunk");
    }

    #[test]
    fn a_chunk_opens_only_with_its_number_and_flag() {
        let keys = keys();
        let chunks = Chunks::new(&keys, Id::random().unwrap());
        let sealed = chunks.seal(7, Place::Before, b"a short chunk").unwrap();
        assert_eq!(chunks.open(7, Place::Before, &sealed).unwrap().as_slice(), b"a short chunk");
        assert!(chunks.open(7, Place::Last, &sealed).is_err());
        assert!(chunks.open(6, Place::Before, &sealed).is_err());
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(chunks.open(7, Place::Before, &changed).is_err(), "byte {at}");
            assert!(chunks.open(7, Place::Before, &sealed[..at]).is_err(), "length {at}");
        }
    }

    #[test]
    fn what_authenticates_must_be_what_a_writer_writes() {
        let (keys, image) = (keys(), Id::random().unwrap());
        let chunks = Chunks::new(&keys, image);
        let length = file_bytes(SMALLEST as u64);
        let mut first = vec![0; CHUNK_BYTES];
        let mut refused = |declared: u64| {
            first[..LENGTH_BYTES].copy_from_slice(&declared.to_le_bytes());
            let sealed = chunks.seal(0, Place::Before, &first).unwrap();
            opener(&keys, image, length).unwrap().open(&sealed).is_err()
        };
        assert!(!refused(SMALLEST as u64));
        assert!(refused(LARGEST_WHOLE_BYTES as u64), "an original that is sealed as a whole");
        assert!(refused(SMALLEST as u64 + (1 << 20)), "content for which the file is too short");
        assert!(refused(u64::MAX) && refused(0));

        let mut file = sealed(&keys, image, &content(SMALLEST), CHUNK_BYTES);
        let mut last = vec![0; plaintext_bytes(SMALLEST as u64) as usize % CHUNK_BYTES];
        *last.last_mut().unwrap() = 1;
        *file.last_mut().unwrap() = chunks.seal(4, Place::Last, &last).unwrap();
        assert!(opened(&keys, image, &file.concat()).is_err_and(|given| given.len() == 4 * CHUNK_BYTES - LENGTH_BYTES));
    }

    #[test]
    fn only_large_originals_are_sealed_in_chunks() {
        let (keys, image) = (keys(), Id::random().unwrap());
        for bytes in [0, LARGEST_WHOLE_BYTES as u64, LARGEST_ORIGINAL_BYTES + 1, u64::MAX] {
            assert!(ChunkSealer::new(&keys, image, bytes).is_none(), "{bytes}");
        }
        assert!(ChunkSealer::new(&keys, image, LARGEST_ORIGINAL_BYTES).is_some());
        // 8 bytes more than a power of two: Padme rounds up to a multiple of 2^(40 - 6).
        let chunks = ((1 << 40) + (1 << 34)) / CHUNK_BYTES as u64;
        assert_eq!(file_bytes(LARGEST_ORIGINAL_BYTES), 10 + chunks * 4_194_368);
        assert_eq!(file_bytes(SMALLEST as u64), 10 + 4 * 4_194_368 + (1 << 19) + 64);
        for bytes in [0, PREFIX_BYTES as u64, file_bytes(SMALLEST as u64) - 1, u64::MAX] {
            assert!(matches!(opener(&keys, image, bytes), Err(Error::Damaged { .. })), "{bytes}");
        }
    }
}
