//! Fixed-size bytes written as lower-case hexadecimal: random ids, digests, authentication tags.
//!
//! Must never: accept a second spelling of the same bytes (upper case, spaces, another length).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// `N` public bytes whose one spelling is `2 * N` lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hex<const N: usize>(pub [u8; N]);

impl<const N: usize> From<[u8; N]> for Hex<N> {
    fn from(bytes: [u8; N]) -> Self {
        Self(bytes)
    }
}

/// A random id of a vault, a segment, an image or a thumbnail.
pub type Id = Hex<16>;
/// A random id of a slot of the header.
pub type SlotId = Hex<8>;
/// The BLAKE3 hash of a file, or a keyed hash of a photo.
pub type Digest = Hex<32>;
/// An HMAC-SHA-512.
pub type MacTag = Hex<64>;

impl Id {
    /// 16 fresh bytes from the operating system.
    ///
    /// # Errors
    /// When its entropy source fails.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes)?;
        Ok(Self(bytes))
    }
}

impl Digest {
    /// Names no file: nobody knows one that has this digest. An empty file has another.
    pub const NO_FILE: Self = Self([0; 32]);

    /// BLAKE3 of the parts, one after the other.
    ///
    /// A first search verifies all blocks it maps before scanning them, so the hash must keep up with the scan.
    /// Measured on two cores: SHA-256 took 0.47 s for the blocks of 40,960 images; with BLAKE3, verifying and scanning
    /// those of 100,000 images takes 0.23 s together.
    #[must_use]
    pub fn of(parts: &[&[u8]]) -> Self {
        let mut hash = blake3::Hasher::new();
        for part in parts {
            hash.update(part);
        }
        Self(hash.finalize().into())
    }

    /// Its first 16 bytes, which name the file that has this digest.
    #[must_use]
    pub fn name(&self) -> Id {
        let (name, _) = self.0.split_first_chunk().expect("a digest has more than 16 bytes");
        Hex(*name)
    }
}

impl<const N: usize> fmt::Display for Hex<N> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::LowerHex::fmt(&base16ct::HexDisplay(&self.0), formatter)
    }
}

impl<const N: usize> fmt::Debug for Hex<N> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// The text is not exactly `2 * N` lower-case hexadecimal digits.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected} lower-case hexadecimal digits")]
pub struct NotHex {
    expected: usize,
}

impl<const N: usize> FromStr for Hex<N> {
    type Err = NotHex;

    fn from_str(text: &str) -> Result<Self, NotHex> {
        let wrong = NotHex { expected: 2 * N };
        let mut bytes = [0; N];
        match base16ct::lower::decode(text, &mut bytes) {
            Ok(decoded) if decoded.len() == N => Ok(Self(bytes)),
            _ => Err(wrong),
        }
    }
}

impl<const N: usize> Serialize for Hex<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, const N: usize> Deserialize<'de> for Hex<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <std::borrow::Cow<'de, str>>::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_value_has_one_spelling() {
        assert_eq!("00ff7a".parse(), Ok(Hex([0x00, 0xFF, 0x7A])));
        assert_eq!(Hex([0x00, 0xFF, 0x7A]).to_string(), "00ff7a");
        for wrong in ["", "00ff7", "00ff7a0", "00FF7A", "00ff7g", " 00ff7a", "0x0ff7"] {
            assert_eq!(wrong.parse::<Hex<3>>(), Err(NotHex { expected: 6 }), "{wrong:?}");
        }
    }

    #[test]
    fn digests_match_the_blake3_paper() {
        let expected = "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85";
        assert_eq!(Digest::of(&[b"a", b"bc"]).to_string(), expected);
        let expected = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";
        assert_eq!(Digest::of(&[]).to_string(), expected);
    }
}
