//! The figures of encrypted search that the sizes of a vault's files follow from: the one place where the vault asks
//! the engine for them.
//!
//! Every vault of this format uses the same named parameter set, which its files therefore do not record.
//!
//! Must never: be bypassed. A length that is written anywhere else as a number ties the vault to one network.

use crate::ckks;
use crate::ckks::Parameters;

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
/// Bytes of what decrypting the scores of one block needs.
pub const HINT_BYTES: usize = PARAMETERS.hint_bytes();
/// Bytes of a block's nonce.
pub const NONCE_BYTES: usize = ckks::NONCE_BYTES;
/// Bytes of the public and of the secret context.
pub const CONTEXT_BYTES: usize = ckks::CONTEXT_BYTES;
/// Bytes of a feature vector: 32-bit floats.
pub const VECTOR_BYTES: usize = DIMENSION * size_of::<f32>();
