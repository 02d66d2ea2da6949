//! The reply of the server: the encrypted scores of all blocks, in fetch mode followed by the encrypted payloads of all
//! blocks.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;

use cipherlens_ckks::ANSWER_BYTES;

use crate::arguments::{Mode, Run};
use crate::error::Error;
use crate::files;
use crate::payloads::SEALED_BYTES;

/// Bytes of the encrypted scores.
fn score_bytes(run: &Run) -> usize {
    run.instance.blocks() * ANSWER_BYTES
}

/// Bytes of the encrypted payloads: none in count mode.
pub(crate) fn payload_bytes(run: &Run) -> usize {
    match run.mode {
        Mode::Count => 0,
        Mode::Fetch => run.instance.blocks() * SEALED_BYTES,
    }
}

/// A received reply. Every byte is read once: what was verified cannot change in the file afterwards.
pub(crate) struct Reply {
    path: PathBuf,
    file: File,
    scores: Vec<u8>,
}

impl Reply {
    /// Reads the encrypted scores.
    ///
    /// # Errors
    /// [`Error::File`], [`Error::Length`].
    pub(crate) fn open(run: &Run) -> Result<Self, Error> {
        let path = run.files.reply();
        let mut file = files::open(&path, score_bytes(run) + payload_bytes(run))?;
        let mut scores = vec![0; score_bytes(run)];
        file.read_exact(&mut scores).map_err(files::failed(&path))?;
        Ok(Self { path, file, scores })
    }

    /// The encrypted scores of all blocks.
    pub(crate) fn scores(&self) -> &[u8] {
        &self.scores
    }

    /// Reads the encrypted payloads of one block, in fetch mode only.
    ///
    /// # Errors
    /// [`Error::File`].
    pub(crate) fn payloads(&mut self, block: usize) -> Result<[u8; SEALED_BYTES], Error> {
        let mut sealed = [0; SEALED_BYTES];
        let place = SeekFrom::Start((self.scores.len() + block * SEALED_BYTES) as u64);
        let read = self.file.seek(place).and_then(|_| self.file.read_exact(&mut sealed));
        read.map_err(files::failed(&self.path))?;
        Ok(sealed)
    }
}
