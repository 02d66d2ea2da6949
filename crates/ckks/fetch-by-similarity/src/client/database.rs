//! Encryption of the database: vectors in blocks of 512, payloads beside them, and what the client keeps of both.
//!
//! Works in groups of 128 blocks, so that memory does not grow with the database: 65,536 records share one pair of
//! check vectors.

use std::fs::File;
use std::io::{Read, Write};
use std::path::PathBuf;

use cipherlens_ckks::{BLOCK_IMAGES, CHECKED_BLOCKS, CheckVectors, HINT_BYTES, KeyHolder, NONCE_BYTES, SealedBlock};
use rayon::prelude::*;

use super::keys::{self, Keys};
use crate::arguments::{Mode, Run};
use crate::error::Error;
use crate::files;
use crate::instance::PAYLOAD_BYTES;
use crate::payloads;
use crate::timings::Timings;

/// Bytes that the client keeps of a block: nonce and hint.
pub(crate) const LISTED_BLOCK_BYTES: usize = NONCE_BYTES + HINT_BYTES;
/// Check vectors change their epoch after refused answers. The harness stops at the first one.
const EPOCH: u64 = 0;

/// A file that is read or written from beginning to end.
struct Stream {
    path: PathBuf,
    file: File,
}

impl Stream {
    fn open(path: PathBuf, bytes: usize) -> Result<Self, Error> {
        Ok(Self { file: files::open(&path, bytes)?, path })
    }

    fn create(path: PathBuf) -> Result<Self, Error> {
        Ok(Self { file: files::create(&path)?, path })
    }

    fn create_secret(path: PathBuf) -> Result<Self, Error> {
        Ok(Self { file: files::create_secret(&path)?, path })
    }

    fn read(&mut self, bytes: usize) -> Result<Vec<u8>, Error> {
        let mut content = vec![0; bytes];
        self.file.read_exact(&mut content).map_err(files::failed(&self.path))?;
        Ok(content)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.file.write_all(bytes).map_err(files::failed(&self.path))
    }
}

/// Encrypts the vectors, and in fetch mode the payloads.
///
/// # Errors
/// [`Error::File`], [`Error::Length`]; [`Error::Engine`] when a record is not a unit vector.
pub(crate) fn encrypt(run: &Run) -> Result<(), Error> {
    let Run { instance, mode, files: layout } = run;
    let mut timings = Timings::start("client");
    let Keys { holder, payload_key } = keys::load(run)?;
    let mut records = Stream::open(layout.records(), instance.records * instance.record_bytes())?;
    let mut blocks = Stream::create(layout.blocks())?;
    let mut block_list = Stream::create(layout.block_list())?;
    let mut payload_streams = match mode {
        Mode::Count => None,
        Mode::Fetch => Some((
            Stream::open(layout.payloads(), instance.records * PAYLOAD_BYTES)?,
            Stream::create(layout.encrypted_payloads())?,
        )),
    };
    let mut check_vectors = Stream::create_secret(layout.check_vectors())?;
    let block_records: Vec<usize> = instance.block_records().collect();
    for group in block_records.chunks(CHECKED_BLOCKS) {
        let records = records.read(group.iter().sum::<usize>() * instance.record_bytes())?;
        let mut checks = CheckVectors::empty(holder.parameters(), EPOCH);
        for block in seal(&holder, &records)? {
            checks.add_sealed(&holder, &block)?;
            blocks.write(block.ciphertext())?;
            block_list.write(block.nonce())?;
            block_list.write(block.hint())?;
            if let Some((plain, encrypted)) = &mut payload_streams {
                let plain = plain.read(block.images() * PAYLOAD_BYTES)?;
                encrypted.write(&payloads::seal(&payload_key, block.nonce(), &plain))?;
            }
        }
        check_vectors.write(&checks.to_bytes())?;
    }
    timings.finish("Encrypt database");
    timings.print();
    Ok(())
}

/// Encrypts consecutive records, f32 in little-endian order.
fn seal(holder: &KeyHolder, records: &[u8]) -> Result<Vec<SealedBlock>, Error> {
    let numbers = files::numbers(records);
    let dimension = holder.parameters().dimension();
    let blocks = numbers.par_chunks(BLOCK_IMAGES * dimension);
    let sealed = blocks.map(|block| holder.seal(&block.chunks_exact(dimension).collect::<Vec<_>>()));
    Ok(sealed.collect::<Result<_, _>>()?)
}
