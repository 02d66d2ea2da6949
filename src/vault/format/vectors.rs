//! The exact feature vectors of a segment, `.vectors`: concatenated in slot order, little-endian, then sealed. The
//! blocks encrypt exactly these numbers.
//!
//! Must never: be written in the clear.

use zeroize::Zeroizing;

use super::parameters::VECTOR_BYTES;

/// The plaintext for these vectors.
pub fn encode<'a>(vectors: impl ExactSizeIterator<Item = &'a [f32]>) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(vectors.len() * VECTOR_BYTES));
    for vector in vectors {
        bytes.extend(vector.iter().flat_map(|number| number.to_le_bytes()));
    }
    bytes
}

/// The vectors of `images` images; `None` when the length of the plaintext does not match.
#[must_use]
pub fn decode(bytes: &[u8], images: usize) -> Option<Vec<Vec<f32>>> {
    let vector = |bytes: &[u8]| {
        let (numbers, _) = bytes.as_chunks::<4>();
        numbers.iter().map(|number| f32::from_le_bytes(*number)).collect()
    };
    (bytes.len() == images * VECTOR_BYTES).then(|| bytes.chunks_exact(VECTOR_BYTES).map(vector).collect())
}
