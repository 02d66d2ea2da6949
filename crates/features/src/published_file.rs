//! Files that the project publishes for a network: bundled with the program, otherwise read from a directory.

use std::borrow::Cow;
use std::io;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::error::Error;

/// A file in the `models` folder of the source tree.
pub(crate) struct PublishedFile {
    pub(crate) name: &'static str,
    /// In hexadecimal.
    pub(crate) sha256: &'static str,
    /// Its content, in a program built with `bundled-weights`.
    pub(crate) bundled: Option<&'static [u8]>,
    /// What the user can do without the file, for error messages.
    pub(crate) alternative: &'static str,
}

impl PublishedFile {
    /// Its content: owned if it was read from `directory`. Nothing is verified yet.
    ///
    /// # Errors
    /// [`Error::FileNotFound`], [`Error::ReadFile`].
    pub(crate) fn read(&self, directory: &Path) -> Result<Cow<'static, [u8]>, Error> {
        if let Some(bundled) = self.bundled {
            return Ok(Cow::Borrowed(bundled));
        }
        let path = directory.join(self.name);
        match std::fs::read(&path) {
            Ok(bytes) => Ok(Cow::Owned(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(Error::FileNotFound { path, file_name: self.name, alternative: self.alternative })
            }
            Err(source) => Err(Error::ReadFile { path, source }),
        }
    }

    /// Compares the digest of `bytes` with the published one.
    ///
    /// # Errors
    /// [`Error::FileDiffers`].
    pub(crate) fn verify(&self, bytes: &[u8]) -> Result<(), Error> {
        let actual = sha256(bytes);
        if actual == self.sha256 {
            return Ok(());
        }
        let (file_name, expected, alternative) = (self.name, self.sha256, self.alternative);
        Err(Error::FileDiffers { file_name, expected, actual, alternative })
    }
}

/// SHA-256 of `bytes` in hexadecimal.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SHA-256 of "abc" (FIPS 180-4, example 1).
    const FILE: PublishedFile = PublishedFile {
        name: "letters",
        sha256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        bundled: None,
        alternative: "do without",
    };

    #[test]
    fn the_path_is_named_when_there_is_no_file() {
        let directory = tempfile::tempdir().unwrap();
        let error = FILE.read(directory.path()).unwrap_err();
        let expected = directory.path().join("letters");
        assert!(matches!(&error, Error::FileNotFound { path, .. } if *path == expected), "{error}");
    }

    #[test]
    fn a_file_with_the_right_name_and_other_bytes_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("letters"), b"cba").unwrap();
        let bytes = FILE.read(directory.path()).unwrap();
        assert!(matches!(FILE.verify(&bytes), Err(Error::FileDiffers { file_name: "letters", .. })));
    }

    #[test]
    fn the_published_file_is_found_and_accepted() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("letters"), b"abc").unwrap();
        FILE.verify(&FILE.read(directory.path()).unwrap()).unwrap();
    }

    #[test]
    fn bundled_content_comes_before_a_file() {
        let bundled = PublishedFile { bundled: Some(b"abc"), ..FILE };
        assert_eq!(&*bundled.read(Path::new("absent")).unwrap(), b"abc");
    }
}
