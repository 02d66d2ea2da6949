//! From the server's reply to the result: verification, decryption, threshold, and in fetch mode the payloads.

use cipherlens_ckks::{
    BLOCK_IMAGES, CHECKED_BLOCKS, CheckVectors, Parameters, QuerySecret, ScannedBlock, ScannedGroup,
};
use cipherlens_secret::Secret;

use super::database::LISTED_BLOCK_BYTES;
use super::keys::{self, Keys};
use crate::arguments::{Mode, Run};
use crate::error::Error;
use crate::files;
use crate::instance::THRESHOLD;
use crate::map::map;
use crate::payloads::{self, Payload};
use crate::reply::Reply;
use crate::timings::Timings;

/// Writes what the harness expects: the number of matches as a 64-bit integer, or the payloads of all matches in
/// lexicographic order.
///
/// # Errors
/// [`Error::File`], also when this query was answered before, since its secret is deleted then; [`Error::Length`];
/// [`Error::Engine`] when the scores are not what an honest server computes; [`Error::PayloadsAltered`].
pub(crate) fn decrypt(run: &Run) -> Result<(), Error> {
    let Run { instance, mode, files: layout } = run;
    let mut timings = Timings::start("client");
    let Keys { holder, payload_key } = keys::load(run)?;
    let parameters = holder.parameters();
    let secret = QuerySecret::from_bytes(parameters, &files::take_secret(&layout.query_secret())?)?;
    let block_list = map(&layout.block_list(), instance.blocks() * LISTED_BLOCK_BYTES)?;
    let listed = block_list.chunks_exact(LISTED_BLOCK_BYTES).zip(instance.block_records());
    let blocks: Vec<_> = listed.filter_map(|(bytes, records)| scanned_block(bytes, records)).collect();
    let check_vectors = read_check_vectors(run, parameters)?;
    let mut reply = Reply::open(run)?;
    timings.finish("Read reply and keys");

    let groups = check_vectors.iter().zip(blocks.chunks(CHECKED_BLOCKS));
    let groups: Vec<_> = groups.map(|(checks, blocks)| ScannedGroup { checks, blocks }).collect();
    let verified = secret.verify(&holder, &groups, reply.scores())?;
    timings.finish("Verify scores");

    let scores = verified.decrypt()?;
    timings.finish("Decrypt scores");

    let matches = scores.iter().enumerate().filter(|(_, score)| **score > THRESHOLD).map(|(record, _)| record);
    let matches: Vec<usize> = matches.collect();
    let result = match mode {
        Mode::Count => (matches.len() as i64).to_le_bytes().to_vec(),
        Mode::Fetch => fetch(&payload_key, &blocks, &mut reply, &matches)?,
    };
    files::write(&layout.result(), &result)?;
    timings.finish("Match and write result");
    timings.print();
    Ok(())
}

/// The check vectors of all groups of blocks.
fn read_check_vectors(run: &Run, parameters: &Parameters) -> Result<Vec<CheckVectors>, Error> {
    let bytes = files::read_secret(&run.files.check_vectors())?;
    let of_groups = bytes.chunks(parameters.check_vectors_bytes());
    Ok(of_groups.map(|checks| CheckVectors::from_bytes(parameters, checks)).collect::<Result<_, _>>()?)
}

/// What the client kept of a block: its nonce and its hint.
fn scanned_block(bytes: &[u8], records: usize) -> Option<ScannedBlock<'_>> {
    bytes.split_first_chunk().map(|(nonce, hint)| ScannedBlock { nonce, hint, images: records })
}

/// The payloads of the records `matches`, an ascending list: sorted, 14 bytes each. Reads and decrypts the payloads of
/// blocks that have a match, and no others.
fn fetch(
    key: &Secret<32>,
    blocks: &[ScannedBlock<'_>],
    reply: &mut Reply,
    matches: &[usize],
) -> Result<Vec<u8>, Error> {
    let mut found: Vec<Payload> = Vec::with_capacity(matches.len());
    for matches in matches.chunk_by(|one, next| one / BLOCK_IMAGES == next / BLOCK_IMAGES) {
        let block = matches[0] / BLOCK_IMAGES;
        let sealed = reply.payloads(block)?;
        let opened = payloads::open(key, blocks[block].nonce, &sealed).ok_or(Error::PayloadsAltered { block })?;
        found.extend(matches.iter().map(|record| opened[record % BLOCK_IMAGES]));
    }
    found.sort_unstable();
    Ok(found.iter().flatten().flat_map(|number| number.to_le_bytes()).collect())
}
