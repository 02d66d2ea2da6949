//! Padme: hides the exact length of a plaintext at a cost of at most 12 % (Nikitin et al., "Reducing Metadata Leakage
//! from Encrypted Files and Communication with PURBs", 2019, section 4).
//!
//! ```text
//! padded = length (8, little-endian) || plaintext || zeros, up to padme(8 + length)
//! ```
//!
//! Must never: be removed before the tag is verified. Non-canonical padding counts as damage.

use zeroize::Zeroizing;

use super::Error;

const LENGTH_BYTES: usize = 8;

/// The smallest Padme length that holds `bytes`: only the top `log2(log2(bytes)) + 1` bits of a length stay visible.
#[must_use]
pub const fn padme(bytes: usize) -> usize {
    padme_u64(bytes as u64) as usize
}

/// The same for a length that need not fit into memory.
#[must_use]
pub const fn padme_u64(bytes: u64) -> u64 {
    if bytes < 2 {
        return bytes;
    }
    let exponent = bytes.ilog2();
    let visible_bits = if exponent == 0 { 0 } else { exponent.ilog2() } + 1;
    let hidden_bits = exponent - visible_bits;
    let mask = (1u64 << hidden_bits) - 1;
    (bytes + mask) & !mask
}

/// Prepends the length of `plaintext` and appends zeros.
#[must_use]
pub fn pad(plaintext: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut padded = Zeroizing::new(vec![0; padme(LENGTH_BYTES + plaintext.len())]);
    padded[..LENGTH_BYTES].copy_from_slice(&(plaintext.len() as u64).to_le_bytes());
    padded[LENGTH_BYTES..LENGTH_BYTES + plaintext.len()].copy_from_slice(plaintext);
    padded
}

/// The inverse of [`pad`].
///
/// # Errors
/// [`Error::Damaged`] when the length does not fit or the padding is not what [`pad`] writes.
pub fn unpad(mut padded: Zeroizing<Vec<u8>>) -> Result<Zeroizing<Vec<u8>>, Error> {
    let (length, rest) = padded.split_first_chunk::<LENGTH_BYTES>().ok_or(Error::Damaged)?;
    let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|_| Error::Damaged)?;
    let zeros = rest.get(length..).ok_or(Error::Damaged)?;
    if padded.len() != padme(LENGTH_BYTES + length) || zeros.iter().any(|byte| *byte != 0) {
        return Err(Error::Damaged);
    }
    padded.copy_within(LENGTH_BYTES..LENGTH_BYTES + length, 0);
    padded.truncate(length);
    Ok(padded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_the_paper() {
        // Lengths computed by hand from the definition: E = floor(log2 L), S = floor(log2 E) + 1, E - S low bits zero.
        for (bytes, padded) in [(0, 0), (1, 1), (8, 8), (9, 10), (100, 104), (1000, 1024), (1_000_000, 1_015_808)] {
            assert_eq!(padme(bytes), padded, "padme({bytes})");
        }
    }

    #[test]
    fn padding_costs_at_most_twelve_percent_and_never_shrinks() {
        for bytes in 9..70_000 {
            let padded = padme(bytes);
            assert!(padded >= bytes && padded * 100 <= bytes * 112, "padme({bytes}) = {padded}");
            assert_eq!(padme(padded), padded);
        }
    }

    #[test]
    fn padding_is_removed_again() {
        for length in (0..300).chain([4096, 100_001]) {
            let plaintext: Vec<u8> = (0..length).map(|at| at as u8).collect();
            assert_eq!(*unpad(pad(&plaintext)).unwrap(), plaintext);
        }
    }

    #[test]
    fn non_canonical_padding_is_damage() {
        let mut not_zero = pad(&[1; 100]);
        *not_zero.last_mut().unwrap() = 1;
        let mut too_long = pad(&[1; 100]);
        too_long[7] = 0xFF;
        let mut shorter_than_told = pad(&[0; 100]);
        shorter_than_told[0] = 20;
        for padded in [not_zero, too_long, shorter_than_told, Zeroizing::new(vec![0; 7])] {
            assert!(matches!(unpad(padded), Err(Error::Damaged)));
        }
    }
}
