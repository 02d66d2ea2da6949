//! Where a passphrase comes from: the terminal (without echo), a file, or an open file descriptor; never an argument
//! and never the environment, which other processes can read.

use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};

use clap::Args;
use zeroize::Zeroizing;

/// The longest passphrase. A longer file was probably given by mistake.
const LONGEST_BYTES: u64 = 4096;

/// The flags that say where the passphrase comes from; without them it is asked for.
#[derive(Args, Debug)]
pub(super) struct PassphraseSource {
    /// Read the passphrase from the first line of FILE
    #[arg(long, value_name = "FILE", global = true, conflicts_with = "passphrase_fd")]
    passphrase_file: Option<PathBuf>,
    /// Read the passphrase from the first line of the open file descriptor N
    #[arg(long, value_name = "N", global = true)]
    passphrase_fd: Option<u32>,
}

/// Whether the passphrase unlocks something or is being chosen.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Purpose {
    /// It unlocks an existing vault: asked once.
    Open,
    /// It is being chosen: asked twice.
    Choose,
}

/// Why there is no passphrase.
#[derive(Debug, thiserror::Error)]
pub(super) enum PassphraseError {
    #[error("cannot read the passphrase from {origin}")]
    Unreadable { origin: String, source: io::Error },
    #[error("the first line of {origin} is longer than {LONGEST_BYTES} bytes, the limit for a passphrase")]
    TooLong { origin: String },
    #[error("no terminal to ask for the passphrase: give --passphrase-file or --passphrase-fd")]
    NoTerminal,
    #[error("the two passphrases differ; nothing was done")]
    Differ,
    #[error("the passphrase is empty; choose one that cannot be guessed, such as five random words")]
    Empty,
}

impl PassphraseSource {
    /// Whether a flag says where it comes from.
    pub(super) fn is_given(&self) -> bool {
        self.passphrase_file.is_some() || self.passphrase_fd.is_some()
    }

    /// The file, or the terminal if there is none.
    pub(super) fn from_file(passphrase_file: Option<PathBuf>) -> Self {
        Self { passphrase_file, passphrase_fd: None }
    }

    /// The passphrase as typed, without the line ending.
    pub(super) fn read(&self, prompt: &str, purpose: Purpose) -> Result<Zeroizing<Vec<u8>>, PassphraseError> {
        let passphrase = if let Some(path) = &self.passphrase_file {
            first_line_of(path, &path.display().to_string())?
        } else if let Some(descriptor) = self.passphrase_fd {
            first_line_of(Path::new(&format!("/dev/fd/{descriptor}")), &format!("file descriptor {descriptor}"))?
        } else {
            ask(prompt, purpose)?
        };
        if passphrase.is_empty() { Err(PassphraseError::Empty) } else { Ok(passphrase) }
    }
}

fn first_line_of(path: &Path, origin: &str) -> Result<Zeroizing<Vec<u8>>, PassphraseError> {
    let unreadable = |source| PassphraseError::Unreadable { origin: origin.to_owned(), source };
    // Allocated at once: a vector that grows leaves unwiped copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST_BYTES as usize + 1));
    File::open(path).and_then(|file| file.take(LONGEST_BYTES + 1).read_to_end(&mut bytes)).map_err(unreadable)?;
    let line = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    if line as u64 > LONGEST_BYTES {
        return Err(PassphraseError::TooLong { origin: origin.to_owned() });
    }
    bytes.truncate(line);
    if bytes.last() == Some(&b'\r') {
        bytes.pop();
    }
    Ok(bytes)
}

fn ask(prompt: &str, purpose: Purpose) -> Result<Zeroizing<Vec<u8>>, PassphraseError> {
    // Standard input may be a pipe of file names, so the question goes to the terminal's device.
    if !io::stdin().is_terminal() && File::open("/dev/tty").is_err() {
        return Err(PassphraseError::NoTerminal);
    }
    let once = |prompt: &str| {
        rpassword::prompt_password(prompt)
            .map(|typed| Zeroizing::new(typed.into_bytes()))
            .map_err(|source| PassphraseError::Unreadable { origin: "the terminal".to_owned(), source })
    };
    let passphrase = once(&format!("{prompt}: "))?;
    if purpose == Purpose::Choose && passphrase != once("Repeat it: ")? {
        return Err(PassphraseError::Differ);
    }
    Ok(passphrase)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content: &[u8]) -> Result<Zeroizing<Vec<u8>>, PassphraseError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("passphrase");
        std::fs::write(&path, content).unwrap();
        PassphraseSource::from_file(Some(path)).read("Passphrase", Purpose::Open)
    }

    #[test]
    fn only_the_first_line_is_read_without_its_line_ending() {
        for content in [&b"five random words"[..], b"five random words\n", b"five random words\r\nmore\n"] {
            assert_eq!(read(content).unwrap().as_slice(), b"five random words");
        }
        assert_eq!(read(b" spaces stay \n").unwrap().as_slice(), b" spaces stay ");
    }

    #[test]
    fn an_empty_or_endless_file_is_refused() {
        assert!(matches!(read(b"\n"), Err(PassphraseError::Empty)));
        assert!(matches!(read(&vec![b'x'; 5000]), Err(PassphraseError::TooLong { .. })));
    }
}
