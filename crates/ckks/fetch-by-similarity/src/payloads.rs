//! Encrypted payloads: ChaCha20 (RFC 8439), then HMAC-SHA-256 (RFC 2104), for all records of a block together.
//!
//! ```text
//! ENC_KEY (32) || MAC_KEY (32) = HKDF-SHA-256(payload key, no salt, label || nonce of the block)      (RFC 5869)
//! C      = ChaCha20(ENC_KEY, nonce 0) over 512 payloads of 14 bytes, unused ones zero
//! sealed = C (7,168) || HMAC-SHA-256(MAC_KEY, C) (32)
//! ```
//!
//! The nonce is the one under which the vectors of the same block were sealed: 32 fresh random bytes. Every pair of
//! keys is therefore used once, and payloads of another block or of an earlier database do not verify.
//! Must never: decrypt before the tag is verified.

use chacha20::ChaCha20;
use chacha20::cipher::{KeyIvInit, StreamCipher};
use cipherlens_ckks::{BLOCK_IMAGES, NONCE_BYTES};
use cipherlens_secret::{Secret, on_wiped_stack};
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::instance::{PAYLOAD_BYTES, PAYLOAD_NUMBERS};

const CIPHERTEXT_BYTES: usize = BLOCK_IMAGES * PAYLOAD_BYTES;
const TAG_BYTES: usize = 32;
const LABEL: &[u8] = b"fetch-by-similarity payloads\0";

/// Bytes of the encrypted payloads of a block.
pub(crate) const SEALED_BYTES: usize = CIPHERTEXT_BYTES + TAG_BYTES;

/// A payload.
pub(crate) type Payload = [i16; PAYLOAD_NUMBERS];

/// Encrypts the payloads of a block: 1 to 512 times 14 bytes.
pub(crate) fn seal(key: &Secret<32>, nonce: &[u8; NONCE_BYTES], payloads: &[u8]) -> [u8; SEALED_BYTES] {
    let mut sealed = [0; SEALED_BYTES];
    sealed[..payloads.len()].copy_from_slice(payloads);
    let (ciphertext, tag) = sealed.split_at_mut(CIPHERTEXT_BYTES);
    let keys = block_keys(key, nonce);
    on_wiped_stack(|| {
        apply_keystream(&keys, ciphertext);
        tag.copy_from_slice(&mac(&keys, ciphertext).finalize().into_bytes());
    });
    sealed
}

/// Verifies and decrypts the payloads of a block: 512, unused ones zero. `None` if they are not what [`seal`] returned
/// for this key and nonce.
pub(crate) fn open(key: &Secret<32>, nonce: &[u8; NONCE_BYTES], sealed: &[u8]) -> Option<Vec<Payload>> {
    let (ciphertext, tag) = sealed.split_at_checked(CIPHERTEXT_BYTES)?;
    let keys = block_keys(key, nonce);
    on_wiped_stack(|| mac(&keys, ciphertext).verify_slice(tag)).ok()?;
    let mut plaintext = ciphertext.to_vec();
    on_wiped_stack(|| apply_keystream(&keys, &mut plaintext));
    let numbers = plaintext.as_chunks().0.iter().map(|bytes| i16::from_le_bytes(*bytes));
    let numbers: Vec<i16> = numbers.collect();
    Some(numbers.as_chunks().0.to_vec())
}

/// ENC_KEY || MAC_KEY.
fn block_keys(key: &Secret<32>, nonce: &[u8; NONCE_BYTES]) -> Secret<64> {
    Secret::filled_by(|keys| {
        on_wiped_stack(|| Hkdf::<Sha256>::new(None, key.expose()).expand_multi_info(&[LABEL, nonce], keys))
    })
    .expect("64 bytes are fewer than the 8160 that HKDF-SHA-256 gives")
}

fn apply_keystream(keys: &Secret<64>, bytes: &mut [u8]) {
    let mut cipher =
        ChaCha20::new_from_slices(&keys.expose()[..32], &[0; 12]).expect("a ChaCha20 key has 32 bytes and a nonce 12");
    cipher.apply_keystream(bytes);
}

fn mac(keys: &Secret<64>, ciphertext: &[u8]) -> Hmac<Sha256> {
    let mut mac =
        <Hmac<Sha256> as KeyInit>::new_from_slice(&keys.expose()[32..]).expect("HMAC takes keys of any length");
    mac.update(ciphertext);
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONCE: [u8; NONCE_BYTES] = [7; NONCE_BYTES];

    fn key(byte: u8) -> Secret<32> {
        let filled = Secret::filled_by(|bytes| {
            bytes.fill(byte);
            Ok::<(), ()>(())
        });
        filled.ok().unwrap()
    }

    #[test]
    fn payloads_return_and_unused_ones_are_zero() {
        let plain: Vec<u8> = (0..3 * PAYLOAD_NUMBERS as i16).flat_map(|number| (number - 9).to_le_bytes()).collect();
        let opened = open(&key(1), &NONCE, &seal(&key(1), &NONCE, &plain)).unwrap();
        assert_eq!(opened.len(), BLOCK_IMAGES);
        assert_eq!(opened[0], [-9, -8, -7, -6, -5, -4, -3]);
        assert_eq!(opened[2], [5, 6, 7, 8, 9, 10, 11]);
        assert_eq!(opened[3..], [[0; PAYLOAD_NUMBERS]; BLOCK_IMAGES - 3]);
    }

    #[test]
    fn altered_payloads_are_refused() {
        let sealed = seal(&key(1), &NONCE, &[5; CIPHERTEXT_BYTES]);
        for at in [0, CIPHERTEXT_BYTES - 1, CIPHERTEXT_BYTES, SEALED_BYTES - 1] {
            let mut altered = sealed;
            altered[at] ^= 1;
            assert!(open(&key(1), &NONCE, &altered).is_none(), "byte {at}");
        }
        assert!(open(&key(1), &NONCE, &sealed[..SEALED_BYTES - 1]).is_none());
        assert!(open(&key(1), &[8; NONCE_BYTES], &sealed).is_none(), "of another block");
        assert!(open(&key(2), &NONCE, &sealed).is_none(), "of another key");
        assert!(open(&key(1), &NONCE, &sealed).is_some());
    }
}
