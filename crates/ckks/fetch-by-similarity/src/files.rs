//! Where the files of a run lie, and reading and writing them. Their lengths follow from the instance and are checked.
//!
//! The harness fixes `datasets/`, `io/NAME/keys`, `io/NAME/ciphertexts_upload`, `io/NAME/ciphertexts_download` and
//! `io/NAME/results.bin`. `io/NAME/client` is the key holder's own folder: the server never opens it.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::error::Error;

/// Paths of one instance.
pub(crate) struct Layout {
    data: PathBuf,
    io: PathBuf,
}

impl Layout {
    /// Paths of the instance `name` below the harness's folder.
    pub(crate) fn below(root: &Path, name: &str) -> Self {
        Self { data: root.join("datasets").join(name), io: root.join("io").join(name) }
    }

    /// Plain records, f32, written by the harness.
    pub(crate) fn records(&self) -> PathBuf {
        self.data.join("db.bin")
    }

    /// Plain payloads, i16, written by the harness.
    pub(crate) fn payloads(&self) -> PathBuf {
        self.data.join("payloads.bin")
    }

    /// The plain query, f32, written by the harness.
    pub(crate) fn query(&self) -> PathBuf {
        self.data.join("query.bin")
    }

    /// The public context. To the server.
    pub(crate) fn public_context(&self) -> PathBuf {
        self.io.join("keys/public.bin")
    }

    /// Encrypted records, block after block. To the server.
    pub(crate) fn blocks(&self) -> PathBuf {
        self.io.join("ciphertexts_upload/blocks.bin")
    }

    /// Encrypted payloads, block after block. To the server.
    pub(crate) fn encrypted_payloads(&self) -> PathBuf {
        self.io.join("ciphertexts_upload/payloads.bin")
    }

    /// The encrypted query. To the server.
    pub(crate) fn encrypted_query(&self) -> PathBuf {
        self.io.join("ciphertexts_upload/query.bin")
    }

    /// The server's reply.
    pub(crate) fn reply(&self) -> PathBuf {
        self.io.join("ciphertexts_download/results.bin")
    }

    /// The secret keys.
    pub(crate) fn secret_keys(&self) -> PathBuf {
        self.io.join("client/secret.bin")
    }

    /// Nonce and hint of each block. Nobody but the client may alter them.
    pub(crate) fn block_list(&self) -> PathBuf {
        self.io.join("client/blocks.bin")
    }

    /// Secret check vectors, one pair for each group of blocks.
    pub(crate) fn check_vectors(&self) -> PathBuf {
        self.io.join("client/checks.bin")
    }

    /// The one-time secret of the query that was encrypted last and not answered yet.
    pub(crate) fn query_secret(&self) -> PathBuf {
        self.io.join("client/query.secret")
    }

    /// The result that the harness verifies.
    pub(crate) fn result(&self) -> PathBuf {
        self.io.join("results.bin")
    }

    /// Times that the server reports.
    pub(crate) fn server_steps(&self) -> PathBuf {
        self.io.join("server_reported_steps.json")
    }
}

/// Adds the path to an I/O error.
pub(crate) fn failed(path: &Path) -> impl FnOnce(std::io::Error) -> Error + use<> {
    let path = path.to_owned();
    move |source| Error::File { path, source }
}

/// Opens a file for reading that must have exactly `bytes` bytes.
///
/// # Errors
/// [`Error::File`], [`Error::Length`].
pub(crate) fn open(path: &Path, bytes: usize) -> Result<File, Error> {
    let file = File::open(path).map_err(failed(path))?;
    let actual = file.metadata().map_err(failed(path))?.len();
    let expected = bytes as u64;
    if actual == expected { Ok(file) } else { Err(Error::Length { path: path.to_owned(), expected, actual }) }
}

/// f32 numbers in little-endian order.
pub(crate) fn numbers(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}

/// Reads a file that must have exactly `bytes` bytes.
///
/// # Errors
/// [`Error::File`], [`Error::Length`].
pub(crate) fn read(path: &Path, bytes: usize) -> Result<Vec<u8>, Error> {
    let mut content = vec![0; bytes];
    open(path, bytes)?.read_exact(&mut content).map_err(failed(path))?;
    Ok(content)
}

/// Reads a file whose length its parser checks.
///
/// # Errors
/// [`Error::File`].
pub(crate) fn read_unsized(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(failed(path))
}

/// Reads a secret file of any length. The content is wiped when it is dropped.
///
/// # Errors
/// [`Error::File`].
pub(crate) fn read_secret(path: &Path) -> Result<Zeroizing<Vec<u8>>, Error> {
    let file = File::open(path).map_err(failed(path))?;
    let bytes = file.metadata().map_err(failed(path))?.len();
    // With the final capacity from the start, no copy is left behind by a growing vector.
    let mut content = Zeroizing::new(Vec::with_capacity(bytes as usize));
    file.take(bytes).read_to_end(&mut content).map_err(failed(path))?;
    Ok(content)
}

/// Reads a secret file and deletes it before anything uses the content, so that it cannot be used twice.
///
/// # Errors
/// [`Error::File`].
pub(crate) fn take_secret(path: &Path) -> Result<Zeroizing<Vec<u8>>, Error> {
    let content = read_secret(path)?;
    fs::remove_file(path).map_err(failed(path))?;
    Ok(content)
}

/// Creates a file, and its folder if necessary, in place of an earlier one.
///
/// # Errors
/// [`Error::File`].
pub(crate) fn create(path: &Path) -> Result<File, Error> {
    create_with(path, &mut OpenOptions::new())
}

/// Writes a whole file.
///
/// # Errors
/// [`Error::File`].
pub(crate) fn write(path: &Path, content: &[u8]) -> Result<(), Error> {
    create(path)?.write_all(content).map_err(failed(path))
}

/// Creates a file that nobody else may read, and its folder if necessary, in place of an earlier one.
///
/// # Errors
/// [`Error::File`].
pub(crate) fn create_secret(path: &Path) -> Result<File, Error> {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    create_with(path, &mut options)
}

/// Writes a whole file that nobody else may read.
///
/// # Errors
/// [`Error::File`].
pub(crate) fn write_secret(path: &Path, content: &[u8]) -> Result<(), Error> {
    create_secret(path)?.write_all(content).map_err(failed(path))
}

fn create_with(path: &Path, options: &mut OpenOptions) -> Result<File, Error> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed(folder))?;
    }
    // A new file instead of a truncated one: it gets the permissions asked for, whatever an earlier one had.
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(failed(path)(error)),
        _ => options.write(true).create_new(true).open(path).map_err(failed(path)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_private_and_taken_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("client/query.secret");
        write_secret(&path, b"first").unwrap();
        write_secret(&path, b"second").unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(take_secret(&path).unwrap().as_slice(), b"second");
        assert!(matches!(take_secret(&path), Err(Error::File { .. })));
    }

    #[test]
    fn a_file_of_another_length_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("query.bin");
        write(&path, &[1, 2, 3]).unwrap();
        assert_eq!(read(&path, 3).unwrap(), [1, 2, 3]);
        assert!(matches!(read(&path, 4), Err(Error::Length { expected: 4, actual: 3, .. })));
    }
}
