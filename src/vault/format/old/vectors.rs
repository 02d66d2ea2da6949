//! The exact feature vectors of a segment, `.vectors`: 2048 32-bit floats for each image in slot order, little-endian.

use super::DIMENSION;

/// Bytes of a vector.
pub const VECTOR_BYTES: usize = DIMENSION * size_of::<f32>();

/// The vectors of `images` images; `None` when the length of the plaintext does not match.
#[must_use]
pub fn decode(bytes: &[u8], images: usize) -> Option<Vec<Vec<f32>>> {
    let vector = |bytes: &[u8]| {
        let (numbers, _) = bytes.as_chunks::<4>();
        numbers.iter().map(|number| f32::from_le_bytes(*number)).collect()
    };
    (bytes.len() == images * VECTOR_BYTES).then(|| bytes.chunks_exact(VECTOR_BYTES).map(vector).collect())
}
