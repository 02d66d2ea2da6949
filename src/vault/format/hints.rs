//! The hints of a segment, `.hints`: what decrypting the scores of each block needs in addition to the key. Public.
//!
//! ```text
//! magic 8 | version 1 | kind 1 | per block: nonce 32 | images 4, little-endian | hint
//! ```
//!
//! Nonces are stored with the hints because decryption needs both, so a search reads no list of images.
//!
//! Must never: trust a length from the file.

use super::sealed::{Kind, PREFIX_BYTES};
use crate::ckks::{BLOCK_IMAGES, HINT_BYTES, NONCE_BYTES, ScannedBlock, SealedBlock};

const COUNT_BYTES: usize = 4;
const BLOCK_HINT_BYTES: usize = NONCE_BYTES + COUNT_BYTES + HINT_BYTES;

/// What decrypting the scores of a segment's blocks needs.
pub struct Hints {
    bytes: Vec<u8>,
}

impl Hints {
    /// The blocks in order, as [`ScannedGroup`](crate::ckks::ScannedGroup) takes them.
    pub fn blocks(&self) -> impl Iterator<Item = ScannedBlock<'_>> {
        let (blocks, _) = self.bytes[PREFIX_BYTES..].as_chunks::<BLOCK_HINT_BYTES>();
        blocks.iter().map(|block| {
            let (nonce, rest) = block.split_first_chunk().expect("a block hint begins with its nonce");
            let (images, hint) = rest.split_first_chunk().expect("then comes its number of images");
            ScannedBlock { nonce, hint, images: u32::from_le_bytes(*images) as usize }
        })
    }

    /// The file of these blocks, in order.
    #[must_use]
    pub fn encode(blocks: &[SealedBlock]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(PREFIX_BYTES + blocks.len() * BLOCK_HINT_BYTES);
        bytes.extend(Kind::Hints.prefix());
        for block in blocks {
            bytes.extend(block.nonce());
            bytes.extend((block.images() as u32).to_le_bytes());
            bytes.extend(block.hint());
        }
        bytes
    }

    /// Reads the hints of a segment of `images` images (at least 1); `None` for anything else.
    #[must_use]
    pub fn decode(bytes: Vec<u8>, images: usize) -> Option<Self> {
        if bytes.len() != file_bytes(images.div_ceil(BLOCK_IMAGES)) || !bytes.starts_with(&Kind::Hints.prefix()) {
            return None;
        }
        let hints = Self { bytes };
        let counts: Vec<usize> = hints.blocks().map(|block| block.images).collect();
        let (last, full) = counts.split_last()?;
        let expected_last = images - full.len() * BLOCK_IMAGES;
        (full.iter().all(|count| *count == BLOCK_IMAGES) && *last == expected_last).then_some(hints)
    }
}

/// Bytes of the hints of a segment with this many blocks.
#[must_use]
pub const fn file_bytes(blocks: usize) -> usize {
    PREFIX_BYTES + blocks * BLOCK_HINT_BYTES
}
