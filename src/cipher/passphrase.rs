//! Passphrases, and the key derived from one: Argon2id (RFC 9106).
//!
//! ```text
//! KEK = Argon2id(version 0x13, passphrase, salt, memory, passes, lanes), 64 bytes
//! ```
//!
//! Text is prepared as in the OpaqueString profile of RFC 8265, section 4.2: UTF-8, every non-ASCII space becomes a
//! space, NFC; case and width are kept. macOS may send a letter and its accent as two code points (NFD) where Linux
//! sends one (NFC); to the user both are the same passphrase. Control characters are refused, including a trailing
//! newline: a caller that reads a passphrase from a file strips the line ending and nothing else.
//!
//! Must never: print or compare a passphrase, or allocate memory that a file asks for before checking its range.

use std::str;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use unicode_normalization::UnicodeNormalization;
use zeroize::{Zeroize, Zeroizing};

use super::Error;
use crate::secret::Secret;
use crate::secret::on_wiped_stack;

/// Longer than anybody types, shorter than a file given by mistake.
const LONGEST_BYTES: usize = 4096;

/// NFC makes a string at most three times as long in UTF-8 (Unicode TR 15, table of expansion factors).
const NFC_EXPANSION: usize = 3;

/// A normalised passphrase. Wiped on drop.
pub struct Passphrase(Zeroizing<String>);

impl Passphrase {
    /// Normalises a passphrase as typed, without a line ending.
    ///
    /// # Errors
    /// When it is empty, not UTF-8, longer than 4096 bytes, or holds a control character.
    pub fn new(typed: &Zeroizing<Vec<u8>>) -> Result<Self, Error> {
        if typed.is_empty() {
            return Err(Error::PassphraseEmpty);
        }
        if typed.len() > LONGEST_BYTES {
            return Err(Error::PassphraseLength { actual: typed.len(), limit: LONGEST_BYTES });
        }
        let text = str::from_utf8(typed).map_err(|_| Error::PassphraseEncoding)?;
        if text.chars().any(char::is_control) {
            return Err(Error::PassphraseControl);
        }
        // Reserve full capacity: a string that grows leaves unwiped copies behind.
        let mut normalised = Zeroizing::new(String::with_capacity(text.len() * NFC_EXPANSION));
        if text.is_ascii() {
            normalised.push_str(text);
        } else {
            normalised.extend(text.chars().map(|letter| if letter.is_whitespace() { ' ' } else { letter }).nfc());
        }
        Ok(Self(normalised))
    }

    /// Derives the key-encryption key.
    ///
    /// # Errors
    /// [`Error::Memory`] when the memory cannot be allocated.
    pub fn key_encryption_key(&self, salt: &[u8; Cost::SALT_BYTES], cost: Cost) -> Result<Secret<64>, Error> {
        let out_of_memory = || Error::Memory { kib: cost.memory_kib };
        let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(64))
            .expect("the range of costs lies inside Argon2's own");
        let mut memory = Vec::new();
        memory.try_reserve_exact(params.block_count()).map_err(|_| out_of_memory())?;
        memory.resize(params.block_count(), Block::new());
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let key = Secret::filled_by(|key| {
            on_wiped_stack(|| {
                argon2.hash_password_into_with_memory(self.0.as_bytes(), salt, key, memory.as_mut_slice())
            })
        });
        memory.iter_mut().for_each(Zeroize::zeroize);
        key.map_err(|_| out_of_memory())
    }
}

/// The cost of trying one passphrase: memory, passes over it, lanes. Always within the allowed range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

impl Cost {
    /// 256 MiB, 3 passes, 4 lanes: four times the memory of RFC 9106's second recommendation.
    pub const DEFAULT: Self = Self { memory_kib: 256 * 1024, passes: 3, lanes: 4 };
    /// The lowest accepted cost: 19 MiB, one pass, one lane.
    pub const FLOOR: Self = Self { memory_kib: 19 * 1024, passes: 1, lanes: 1 };
    /// The highest cost that a file may ask for: 2 GiB, 16 passes, 16 lanes.
    pub const CEILING: Self = Self { memory_kib: 2 * 1024 * 1024, passes: 16, lanes: 16 };
    /// Bytes of a salt.
    pub const SALT_BYTES: usize = 32;

    /// Checks the range; allocates nothing.
    ///
    /// # Errors
    /// [`Error::Cost`] naming the first value outside [`Self::FLOOR`]..=[`Self::CEILING`].
    pub fn new(memory_kib: u32, passes: u32, lanes: u32) -> Result<Self, Error> {
        for (field, actual, lowest, highest) in [
            ("memory (KiB)", memory_kib, Self::FLOOR.memory_kib, Self::CEILING.memory_kib),
            ("passes", passes, Self::FLOOR.passes, Self::CEILING.passes),
            ("lanes", lanes, Self::FLOOR.lanes, Self::CEILING.lanes),
        ] {
            if !(lowest..=highest).contains(&actual) {
                return Err(Error::Cost { field, actual, lowest, highest });
            }
        }
        Ok(Self { memory_kib, passes, lanes })
    }

    /// Memory, KiB.
    #[must_use]
    pub fn memory_kib(self) -> u32 {
        self.memory_kib
    }

    /// Passes over the memory.
    #[must_use]
    pub fn passes(self) -> u32 {
        self.passes
    }

    /// Lanes, computed in parallel.
    #[must_use]
    pub fn lanes(self) -> u32 {
        self.lanes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(text: impl AsRef<[u8]>) -> Result<Passphrase, Error> {
        Passphrase::new(&Zeroizing::new(text.as_ref().to_vec()))
    }

    #[test]
    fn rfc_9106_section_5_3_argon2id() {
        // The RFC's vector uses a secret and associated data, which we never set: this tests the library, not our use
        // of it.
        let params = argon2::ParamsBuilder::new()
            .m_cost(32)
            .t_cost(3)
            .p_cost(4)
            .data(argon2::AssociatedData::new(&[4; 12]).unwrap())
            .output_len(32)
            .build()
            .unwrap();
        let argon2 = Argon2::new_with_secret(&[3; 8], Algorithm::Argon2id, Version::V0x13, params).unwrap();
        let mut tag = [0; 32];
        argon2.hash_password_into(&[1; 32], &[2; 16], &mut tag).unwrap();
        let expected = [
            0x0d, 0x64, 0x0d, 0xf5, 0x8d, 0x78, 0x76, 0x6c, 0x08, 0xc0, 0x37, 0xa3, 0x4a, 0x8b, 0x53, 0xc9, 0xd0, 0x1e,
            0xf0, 0x45, 0x2d, 0x75, 0xb6, 0x5e, 0xb5, 0x25, 0x20, 0xe9, 0x6b, 0x01, 0xe6, 0x59,
        ];
        assert_eq!(tag, expected);
    }

    #[test]
    fn the_key_depends_on_passphrase_salt_and_cost() {
        let key =
            |text: &str, salt: u8, cost| *typed(text).unwrap().key_encryption_key(&[salt; 32], cost).unwrap().expose();
        let reference = key("correct horse", 1, Cost::FLOOR);
        assert_eq!(reference, key("correct horse", 1, Cost::FLOOR));
        assert_ne!(reference, key("correct horsf", 1, Cost::FLOOR));
        assert_ne!(reference, key("correct horse", 2, Cost::FLOOR));
        assert_ne!(reference, key("correct horse", 1, Cost::new(19 * 1024, 2, 1).unwrap()));
    }

    #[test]
    fn only_equivalent_spellings_are_the_same_passphrase() {
        let same = |one: &str, other: &str| typed(one).unwrap().0 == typed(other).unwrap().0;
        assert!(same("caf\u{e9}", "cafe\u{301}"), "NFC and NFD");
        assert!(same("two\u{a0}words", "two words"), "a no-break space from Option-Space");
        assert!(!same("cafe", "caf\u{e9}"));
        assert!(!same("Word", "word"));
        assert!(!same("word ", "word"));
        assert!(!same("\u{ff21}", "A"), "width is kept");
    }

    #[test]
    fn normalisation_never_exceeds_the_reserved_capacity() {
        // U+1D160 is among the longest expansions under NFC: 4 bytes become 12.
        let text = "\u{1d160}".repeat(50);
        let passphrase = typed(&text).unwrap();
        assert_eq!(passphrase.0.len(), text.len() * NFC_EXPANSION);
        assert!(passphrase.0.capacity() >= passphrase.0.len());
    }

    #[test]
    fn invalid_passphrases_are_refused() {
        assert!(matches!(typed(""), Err(Error::PassphraseEmpty)));
        assert!(matches!(typed("with\0nul"), Err(Error::PassphraseControl)));
        assert!(matches!(typed("line\n"), Err(Error::PassphraseControl)));
        assert!(matches!(typed([0xFF, 0xFE]), Err(Error::PassphraseEncoding)));
        assert!(matches!(typed(vec![b'a'; 1 << 20]), Err(Error::PassphraseLength { actual: 1_048_576, limit: 4096 })));
    }

    #[test]
    fn costs_outside_the_range_are_refused() {
        assert_eq!(Cost::new(256 * 1024, 3, 4).unwrap(), Cost::DEFAULT);
        for (memory_kib, passes, lanes) in [
            (19 * 1024 - 1, 1, 1),
            (2 * 1024 * 1024 + 1, 1, 1),
            (19 * 1024, 0, 1),
            (19 * 1024, 17, 1),
            (19 * 1024, 1, 0),
            (19 * 1024, 1, 17),
            (u32::MAX, 1, 1),
        ] {
            assert!(matches!(Cost::new(memory_kib, passes, lanes), Err(Error::Cost { .. })));
        }
    }
}
