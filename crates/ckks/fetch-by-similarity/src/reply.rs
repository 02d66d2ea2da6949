//! The reply of the server: the encrypted scores of all blocks, in fetch mode followed by the encrypted payloads of all
//! blocks.

use cipherlens_ckks::ANSWER_BYTES;

use crate::arguments::{Mode, Run};
use crate::payloads;

/// Bytes of the encrypted scores.
pub(crate) fn score_bytes(run: &Run) -> usize {
    run.instance.blocks() * ANSWER_BYTES
}

/// Bytes of the encrypted payloads: none in count mode.
pub(crate) fn payload_bytes(run: &Run) -> usize {
    match run.mode {
        Mode::Count => 0,
        Mode::Fetch => run.instance.blocks() * payloads::SEALED_BYTES,
    }
}
