//! Reads photos from a folder in the legacy layout: `encrypted_images/` with files of IV and AES-128-CBC ciphertext
//! with PKCS#7 padding, and `mapping.json`, an object of feature file to image file.
//!
//! The layout has no authentication: a wrong key or an altered file usually shows as bad padding or as bytes that are
//! not a photo, and the error says so. Its feature files are ignored; features are computed again.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use aes::Aes128;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt, KeyIvInit};
use zeroize::{Zeroize, Zeroizing};

use crate::secret::Secret;

const KEY_BYTES: usize = 16;
const IV_BYTES: usize = 16;
/// A mapping larger than this is refused before it is parsed.
const LARGEST_MAPPING_BYTES: u64 = 64 << 20;

/// The key of a legacy folder.
pub struct LegacyKey(Secret<KEY_BYTES>);

/// Why a legacy folder, or a file in it, could not be imported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LegacyError {
    /// A file or folder cannot be read.
    #[error("cannot read {}", .path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The key file holds neither 16 bytes nor 32 hexadecimal digits.
    #[error("{} holds {bytes} bytes; a key file holds 16 bytes, or 32 hexadecimal digits", .path.display())]
    NotAKey {
        /// The key file.
        path: PathBuf,
        /// Its size.
        bytes: usize,
    },
    /// `mapping.json` is not an object of feature file to image file.
    #[error("{} is not an object of feature file to image file: {message}", .path.display())]
    NotAMapping {
        /// The mapping.
        path: PathBuf,
        /// What is wrong, and where.
        message: String,
    },
    /// A name in the mapping would leave the folder.
    #[error("mapping.json names an image outside the folder")]
    Escapes,
    /// The file is not an IV followed by whole AES blocks, or its padding is wrong.
    #[error("not an image encrypted with this key (wrong key, or a damaged file)")]
    NotDecryptable,
}

impl LegacyKey {
    /// Reads a key of 16 raw bytes, or of 32 hexadecimal digits with or without a line ending.
    ///
    /// # Errors
    /// When the file cannot be read or is neither.
    pub fn load(path: &Path) -> Result<Self, LegacyError> {
        let bytes = Zeroizing::new(read(path)?);
        let digits = bytes.trim_ascii_end();
        let not_a_key = || LegacyError::NotAKey { path: path.to_owned(), bytes: bytes.len() };
        let secret = Secret::filled_by(|key: &mut [u8; KEY_BYTES]| {
            if bytes.len() == KEY_BYTES {
                key.copy_from_slice(&bytes);
                return Ok(());
            }
            if digits.len() != 2 * KEY_BYTES {
                return Err(not_a_key());
            }
            for (byte, pair) in key.iter_mut().zip(digits.chunks_exact(2)) {
                let [high, low] = [pair[0], pair[1]].map(|digit| char::from(digit).to_digit(16));
                let (high, low) = high.zip(low).ok_or_else(not_a_key)?;
                *byte = (high * 16 + low) as u8;
            }
            Ok(())
        })?;
        Ok(Self(secret))
    }

    /// The photo in one encrypted file: `iv[16] || AES-128-CBC(photo || PKCS#7)`.
    ///
    /// # Errors
    /// When the file is not of that form or the key is wrong.
    pub fn decrypt(&self, mut file: Vec<u8>) -> Result<Zeroizing<Vec<u8>>, LegacyError> {
        let (iv, ciphertext) = file.split_at_mut_checked(IV_BYTES).ok_or(LegacyError::NotDecryptable)?;
        let decryptor = cbc::Decryptor::<Aes128>::new_from_slices(self.0.expose(), iv).expect("both lengths are AES's");
        let photo = decryptor.decrypt_padded::<Pkcs7>(ciphertext).map(|photo| Zeroizing::new(photo.to_vec()));
        file.zeroize();
        photo.map_err(|_| LegacyError::NotDecryptable)
    }
}

/// The encrypted image files of a legacy folder, sorted by name: those in its mapping, and every other file in
/// `encrypted_images/`.
///
/// # Errors
/// When the folder or its mapping cannot be read, or a name in the mapping would leave the folder.
pub fn images(folder: &Path) -> Result<Vec<PathBuf>, LegacyError> {
    let directory = folder.join("encrypted_images");
    let unreadable = |source| LegacyError::Unreadable { path: directory.clone(), source };
    let mut images = BTreeSet::new();
    for entry in fs::read_dir(&directory).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.is_file() {
            images.insert(path);
        }
    }
    for name in mapped_names(&folder.join("mapping.json"))? {
        // The mapping may hold the name with or without its folder. A missing file is reported when it is read.
        let name = Path::new(&name);
        let name = name.strip_prefix("encrypted_images").unwrap_or(name);
        if name.components().any(|component| !matches!(component, Component::Normal(_))) {
            return Err(LegacyError::Escapes);
        }
        images.insert(directory.join(name));
    }
    Ok(images.into_iter().collect())
}

/// The name for an imported photo: its file's name without the extension of encrypted files.
#[must_use]
pub fn original_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let plain = [".aes", ".enc", ".bin"].iter().find_map(|ending| name.strip_suffix(ending));
    plain.unwrap_or(&name).to_owned()
}

fn mapped_names(path: &Path) -> Result<Vec<String>, LegacyError> {
    let size = fs::metadata(path).map_err(|source| LegacyError::Unreadable { path: path.to_owned(), source })?.len();
    let not_a_mapping = |message| LegacyError::NotAMapping { path: path.to_owned(), message };
    if size > LARGEST_MAPPING_BYTES {
        return Err(not_a_mapping(format!("{size} bytes are more than {LARGEST_MAPPING_BYTES}")));
    }
    let mapping: BTreeMap<String, String> =
        serde_json::from_slice(&read(path)?).map_err(|error| not_a_mapping(error.to_string()))?;
    Ok(mapping.into_values().collect())
}

fn read(path: &Path) -> Result<Vec<u8>, LegacyError> {
    fs::read(path).map_err(|source| LegacyError::Unreadable { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key_from(content: &[u8]) -> Result<LegacyKey, LegacyError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        fs::write(&path, content).unwrap();
        LegacyKey::load(&path)
    }

    #[test]
    fn decrypts_the_vector_of_nist_sp_800_38a() {
        // Section F.2.1, CBC-AES128: the first block, decrypted; its ciphertext is padded here by one block of PKCS#7.
        use cbc::cipher::BlockModeEncrypt;
        let key = key_from(b"2b7e151628aed2a6abf7158809cf4f3c\n").unwrap();
        let iv: [u8; 16] = std::array::from_fn(|index| index as u8);
        let plain = [0x6b, 0xc1, 0xbe, 0xe2, 0x2e, 0x40, 0x9f, 0x96, 0xe9, 0x3d, 0x7e, 0x11, 0x73, 0x93, 0x17, 0x2a];
        let encryptor = cbc::Encryptor::<Aes128>::new_from_slices(key.0.expose(), &iv).unwrap();
        let ciphertext = encryptor.encrypt_padded_vec::<Pkcs7>(&plain);
        let expected = [0x76, 0x49, 0xab, 0xac, 0x81, 0x19, 0xb2, 0x46, 0xce, 0xe9, 0x8e, 0x9b, 0x12, 0xe9, 0x19, 0x7d];
        assert_eq!(ciphertext[..16], expected);
        assert_eq!(key.decrypt([&iv[..], &ciphertext].concat()).unwrap().as_slice(), plain);
    }

    #[test]
    fn invalid_keys_and_invalid_images_are_refused() {
        assert!(matches!(key_from(&[7; 15]), Err(LegacyError::NotAKey { bytes: 15, .. })));
        assert!(matches!(key_from(b"zz7e151628aed2a6abf7158809cf4f3c"), Err(LegacyError::NotAKey { .. })));
        let key = key_from(&[7; 16]).unwrap();
        for file in [vec![], vec![0; 15], vec![0; 16], vec![0; 40]] {
            assert!(matches!(key.decrypt(file), Err(LegacyError::NotDecryptable)));
        }
    }

    #[test]
    fn images_come_from_the_folder_and_the_mapping_but_never_from_outside() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("encrypted_images")).unwrap();
        fs::write(folder.path().join("encrypted_images/b.jpg.aes"), b"x").unwrap();
        let mapping = folder.path().join("mapping.json");
        fs::write(&mapping, br#"{"f1": "b.jpg.aes", "f2": "encrypted_images/a.png"}"#).unwrap();
        let names: Vec<_> = images(folder.path()).unwrap().iter().map(|path| original_name(path)).collect();
        assert_eq!(names, ["a.png", "b.jpg"]);
        fs::write(&mapping, br#"{"f": "../../secret"}"#).unwrap();
        assert!(matches!(images(folder.path()), Err(LegacyError::Escapes)));
        fs::write(&mapping, b"[1]").unwrap();
        assert!(matches!(images(folder.path()), Err(LegacyError::NotAMapping { .. })));
    }
}
