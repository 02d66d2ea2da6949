//! The header: the vault's master key, wrapped under a passphrase.
//!
//! ```text
//! magic 8 | version 1 | kind 1 | vault id 16 | memory KiB 4 | passes 4 | lanes 4 | salt 32 | wrapped master key 96
//! ```
//!
//! Numbers are little-endian. Everything before the wrapped key is its associated data: if any field changes, the key
//! does not open. Must never: let a file request a cost outside the allowed range.

use super::hex::{Hex, Id};
use super::layout::Object;
use super::sealed::{Kind, PREFIX_BYTES};
use crate::cipher;
use crate::cipher::{Cost, MasterKey, Passphrase};
use crate::vault::error::Error;

const OPEN_BYTES: usize = PREFIX_BYTES + 16 + 3 * 4 + Cost::SALT_BYTES;

/// Bytes of a header.
pub const HEADER_BYTES: usize = OPEN_BYTES + MasterKey::WRAPPED_BYTES;

/// Wraps `master` under a passphrase and a fresh salt.
///
/// # Errors
/// When the system gives no entropy or less memory than `cost` needs.
pub fn seal(vault: Id, master: &MasterKey, passphrase: &Passphrase, cost: Cost) -> Result<Vec<u8>, Error> {
    let mut salt = [0; Cost::SALT_BYTES];
    getrandom::fill(&mut salt)?;
    let mut header = Vec::with_capacity(HEADER_BYTES);
    header.extend(Kind::Header.prefix());
    header.extend(vault.0);
    for number in [cost.memory_kib(), cost.passes(), cost.lanes()] {
        header.extend(number.to_le_bytes());
    }
    header.extend(salt);
    let wrapped = master.wrap(&passphrase.key_encryption_key(&salt, cost)?, &header)?;
    header.extend(wrapped);
    Ok(header)
}

/// The vault's id and master key.
///
/// # Errors
/// [`Error::WrongPassphrase`] for a wrong passphrase and a changed header alike; [`Error::Damaged`] for anything that
/// cannot be a header.
pub fn open(header: &[u8], passphrase: &Passphrase) -> Result<(Id, MasterKey), Error> {
    let parsed = Parsed::parse(header)?;
    let key = passphrase.key_encryption_key(&parsed.salt, parsed.cost)?;
    let (authenticated, wrapped) = header.split_at(OPEN_BYTES);
    match MasterKey::unwrap(&key, authenticated, wrapped) {
        Ok(master) => Ok((parsed.vault, master)),
        Err(cipher::Error::Damaged) => Err(Error::WrongPassphrase),
        Err(error) => Err(error.into()),
    }
}

/// Whether `bytes` look like a header, as far as can be told without the passphrase.
#[must_use]
pub fn is_header(bytes: &[u8]) -> bool {
    Parsed::parse(bytes).is_ok()
}

/// The fields of a header, not yet authenticated.
struct Parsed {
    vault: Id,
    cost: Cost,
    salt: [u8; Cost::SALT_BYTES],
}

impl Parsed {
    fn parse(header: &[u8]) -> Result<Self, Error> {
        let damaged = |what| Error::Damaged { object: Object::Header, what };
        if header.len() != HEADER_BYTES {
            return Err(damaged("its length is not that of a header"));
        }
        let rest = header.strip_prefix(&Kind::Header.prefix()).ok_or(damaged("it has another kind or version"))?;
        let (vault, rest) = rest.split_first_chunk().expect("the length was checked");
        let (numbers, rest) = rest.split_first_chunk::<12>().expect("the length was checked");
        let salt = *rest.first_chunk().expect("the length was checked");
        let (numbers, _) = numbers.as_chunks::<4>();
        let [memory_kib, passes, lanes] = [0, 1, 2].map(|at| u32::from_le_bytes(numbers[at]));
        Ok(Self { vault: Hex(*vault), cost: Cost::new(memory_kib, passes, lanes)?, salt })
    }
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;

    fn passphrase(text: &str) -> Passphrase {
        Passphrase::new(&Zeroizing::new(text.as_bytes().to_vec())).unwrap()
    }

    fn header() -> Vec<u8> {
        let master = MasterKey::generate().unwrap();
        seal(Id::random().unwrap(), &master, &passphrase("correct"), Cost::FLOOR).unwrap()
    }

    #[test]
    fn a_header_opens_only_with_its_passphrase() {
        let header = header();
        assert_eq!(header.len(), 166);
        assert!(open(&header, &passphrase("correct")).is_ok());
        assert!(matches!(open(&header, &passphrase("Correct")), Err(Error::WrongPassphrase)));
    }

    #[test]
    fn a_change_of_any_field_is_noticed() {
        let header = header();
        // One byte of each field: id, memory, passes, lanes, salt, IV, ciphertext, tag. All changed values are legal.
        for (at, change) in [(10, 1), (27, 1), (30, 3), (34, 3), (38, 1), (70, 1), (90, 1), (165, 1)] {
            let mut changed = header.clone();
            changed[at] ^= change;
            assert!(matches!(open(&changed, &passphrase("correct")), Err(Error::WrongPassphrase)), "byte {at}");
        }
        for (at, what) in [(0, "magic"), (8, "version"), (9, "kind")] {
            let mut changed = header.clone();
            changed[at] ^= 1;
            assert!(matches!(open(&changed, &passphrase("correct")), Err(Error::Damaged { .. })), "{what}");
        }
        for length in [0, 9, 165] {
            assert!(matches!(open(&header[..length], &passphrase("correct")), Err(Error::Damaged { .. })));
        }
    }

    #[test]
    fn a_cost_out_of_range_is_refused_before_allocating_memory() {
        let mut greedy = header();
        greedy[26..30].copy_from_slice(&u32::MAX.to_le_bytes());
        let refused = open(&greedy, &passphrase("correct"));
        assert!(matches!(refused, Err(Error::Cipher(cipher::Error::Cost { actual: u32::MAX, .. }))));
    }
}
