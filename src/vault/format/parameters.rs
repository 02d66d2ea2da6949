//! The parameters of encrypted search that determine the sizes of a vault's files. Only this file asks the engine for
//! them.
//!
//! Every vault of this format uses the same named parameter set, so its files do not record it.
//!
//! Must never: be bypassed. Hard-coding a length elsewhere ties the vault to one network.

use crate::ckks_v1;
use crate::ckks_v1::Parameters;

/// The parameter set of every vault of this format.
pub const PARAMETERS: Parameters = Parameters::V1;

/// Numbers in a feature vector.
pub const DIMENSION: usize = PARAMETERS.dimension();
/// Images in a full block.
pub const BLOCK_IMAGES: usize = PARAMETERS.block_images();
/// Bytes of a block, full or not.
pub const BLOCK_BYTES: usize = PARAMETERS.block_bytes();
/// Bytes of the scores of one block.
pub const ANSWER_BYTES: usize = PARAMETERS.answer_bytes();
/// Bytes of the hint for decrypting the scores of one block.
pub const HINT_BYTES: usize = PARAMETERS.hint_bytes();
/// Bytes of a block's nonce.
pub const NONCE_BYTES: usize = ckks_v1::NONCE_BYTES;
/// Bytes of the public and of the secret context.
pub const CONTEXT_BYTES: usize = ckks_v1::CONTEXT_BYTES;
/// Bytes of a feature vector: 32-bit floats.
pub const VECTOR_BYTES: usize = DIMENSION * size_of::<f32>();
