//! The exact feature vectors of a segment, `.vectors`: concatenated in slot order as IEEE 754 binary16, little-endian,
//! then sealed. The blocks encrypt exactly these numbers. An image without a vector has zeros.
//!
//! Must never: be written in the clear.

use half::f16;
use zeroize::Zeroizing;

/// Bytes of one number.
pub const NUMBER_BYTES: usize = size_of::<f16>();

/// `vector` as it is stored: each number is rounded to binary16.
#[must_use]
pub fn rounded(vector: &[f32]) -> Vec<f32> {
    vector.iter().map(|number| f16::from_f32(*number).to_f32()).collect()
}

/// The plaintext for these vectors, which must be [`rounded`], of `dimension` numbers each; zeros for `None`.
pub fn encode<'a>(vectors: impl ExactSizeIterator<Item = Option<&'a [f32]>>, dimension: usize) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(vectors.len() * dimension * NUMBER_BYTES));
    for vector in vectors {
        match vector {
            Some(vector) => bytes.extend(vector.iter().flat_map(|number| f16::from_f32(*number).to_le_bytes())),
            None => bytes.extend(std::iter::repeat_n(0, dimension * NUMBER_BYTES)),
        }
    }
    bytes
}

/// The vectors of `images` images, `None` for zeros; `None` when the length of the plaintext does not match.
#[must_use]
pub fn decode(bytes: &[u8], images: usize, dimension: usize) -> Option<Vec<Option<Vec<f32>>>> {
    let vector = |bytes: &[u8]| {
        let (numbers, _) = bytes.as_chunks::<NUMBER_BYTES>();
        let is_there = bytes.iter().any(|byte| *byte != 0);
        is_there.then(|| numbers.iter().map(|number| f16::from_le_bytes(*number).to_f32()).collect())
    };
    let vector_bytes = dimension * NUMBER_BYTES;
    (bytes.len() == images * vector_bytes).then(|| bytes.chunks_exact(vector_bytes).map(vector).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounded_vectors_come_back_exactly() {
        let vector = rounded(&[0.1, -0.25, 1.0, 6.1e-5]);
        assert!((vector[0] - 0.1).abs() < 5e-5 && vector[0] != 0.1);
        assert_eq!(rounded(&vector), vector);
        let bytes = encode([Some(vector.as_slice()), None].into_iter(), 4);
        assert_eq!(bytes.len(), 2 * 4 * NUMBER_BYTES);
        assert_eq!(decode(&bytes, 2, 4).unwrap(), [Some(vector), None]);
        assert!(decode(&bytes, 1, 4).is_none() && decode(&bytes[1..], 2, 4).is_none());
    }
}
