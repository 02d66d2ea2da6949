//! Cosine similarity between CKKS-encrypted unit vectors, computed in one pass over memory, with verified answers.

mod answer;
pub mod baseline;
mod block;
mod checks;
mod context;
mod encoding;
mod error;
mod evaluator;
mod kernel;
mod key_holder;
mod layout;
mod modulus;
mod ntt;
mod parameters;
pub mod precision;
mod query;
mod references;
mod ring;
mod sampling;
mod security;

pub use answer::{ScannedBlock, ScannedGroup, VerifiedAnswer};
pub use block::{NONCE_BYTES, SealedBlock};
pub use checks::{CHECKED_BLOCKS, CheckVectors};
pub use context::{CONTEXT_BYTES, PublicContext, SecretContext};
pub use error::{ContextFault, Error, VectorFault};
pub use evaluator::Evaluator;
pub use kernel::Kernel;
pub use key_holder::KeyHolder;
pub use parameters::{ANSWER_BYTES, BLOCK_IMAGES, HINT_BYTES, Parameters};
pub use query::{EncryptedQuery, OneTimeMask, QuerySecret};
