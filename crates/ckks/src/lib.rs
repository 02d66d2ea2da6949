//! Encrypted search: cosine similarity between CKKS-encrypted vectors in one pass over memory.
//!
//! # The scheme
//! R = Z\[X\] / (X^n + 1), n = 2048, q = p1 p2 of 39.9 bits; secrets ternary, errors e centred binomial of standard
//! deviation 3.24; everything lives as residues modulo p1 and p2, and nearly always as values (negacyclic transform).
//!
//! *Encoding.* Vectors have norm 1, so that an inner product is a cosine. K = 32 dimensions are packed side by side,
//! S = n / K = 64 images in a polynomial: m_g = Dx sum_i sum_j x\[i\]\[gK+j\] X^(iK+j), and for a query, reversed,
//! p_g = Dq sum_j y\[gK+j\] X^-j. Coefficient iK of the sum over g of m_g p_g is the score of image i. This is CKKS with
//! coefficients in place of the canonical embedding: nothing is multiplied slot by slot, so no slots are needed.
//!
//! *Two keys, common reference polynomials.* a\[l\]\[g\] (lanes l of a block) and c\[g\] (queries) are uniform, expanded from
//! the public seed of one vault. Block b: B = a s_b + e + m, with s_b derived from the master key and a fresh nonce.
//! Query: Q = c s_t + e' + p with s_t drawn for this query and forgotten after it.
//!
//! *Evaluation, without keys.* R0\[l\] = sum over g of B Q, pointwise. Only coefficients iK matter, so each group of K
//! neighbouring slots (those that share z^K) is added up: F0\[l\], S values of 5 bytes. That is all the evaluator does: one
//! pass over the blocks, in their order in memory.
//!
//! *Decryption.* sum (B - a s_b)(Q - c s_t) = R0 - s_t R1 - s_b (T0 - s_t T1), where R1 = sum B c is computed when a
//! block is sealed and kept as its hint, T0 = sum a Q once per query, T1 = sum a c once. The key holder subtracts the fold
//! of s_t R1 + s_b (T0 - s_t T1) from F0, inverts a transform of size S, joins the residues and divides by the scales.
//!
//! *Security.* q of 39.90 bits at n = 2048 is 128 bits of security against one secret in the tables of the Homomorphic
//! Encryption Standard 2018 (54 bits of q classical, 51 quantum) and in the classical row of the Security Guidelines 2024
//! (eprint 2024/463, Table 5.2: 53). The guidelines publish no quantum row; their authors' script with its present quantum
//! model (ChaLoy21, 2^(0.257 beta)) allows 40, which leaves 0.1 bit. Using the same a under many independent secrets costs
//! at most log2(blocks + queries) bits, and with that loss it is less than 128 bits in that model. `PublicContext` and
//! `SecretContext` check all four limits on loading. Two rules carry it, and the types keep them: a changed block is
//! sealed again whole under a new nonce, and a query's secret serves once.
//!
//! # What it does not promise
//! - The evaluator learns the number of blocks, when a query comes, and what is fetched afterwards.
//! - Decrypted scores leak noise, and noise leaks keys (Li and Micciancio 2020): scores are for the key holder alone.
//!   Rounding them to 4 decimals is no defence. The scheme is not CPA-D secure against one who sees scores.
//! - A dishonest evaluator may alter an answer. Impossible scores are refused whole, possible ones are not noticed. It may
//!   shift a score and watch what is fetched, or whether the answer was refused: over a dozen searches with one photo,
//!   that alone tells it a score that it was never shown.
//! - Blocks, hints, nonces and counts are not authenticated here: whoever stores them does it.
//! - Multiplications are one deep. There are no rotations, no relinearisation keys, no bootstrapping.
//!
//! # Where to start
//! [`KeyHolder`] seals, encrypts and decrypts; [`Evaluator`] scans. Formats are pinned in `layout`, `ntt`,
//! `sampling` and `context`, sizes and security in [`Parameters`].
//!
mod answer;
pub mod baseline;
mod block;
mod context;
mod encoding;
mod encrypted_query;
mod error;
mod evaluator;
mod key_holder;
mod layout;
mod modulus;
mod ntt;
mod packing;
mod parameters;
pub mod precision;
mod query;
mod references;
mod ring;
mod rlwe;
mod sampling;
mod scan;
#[cfg(test)]
mod tests;

pub use answer::ScannedBlock;
pub use block::{NONCE_BYTES, SealedBlock};
pub use context::{CONTEXT_BYTES, PublicContext, SecretContext};
pub use encrypted_query::EncryptedQuery;
pub use error::{ContextFault, Error, VectorFault};
pub use evaluator::Evaluator;
pub use key_holder::KeyHolder;
pub use parameters::Parameters;
pub use query::{OneTimeMask, QuerySecret};
pub use scan::Kernel;

/// Components of a vector.
pub const DIMENSION: usize = Parameters::V1.dimension();
/// Images of a full block.
pub const BLOCK_IMAGES: usize = Parameters::V1.block_images();
/// Bytes of a block's ciphertext: 10,240 an image.
pub const BLOCK_BYTES: usize = Parameters::V1.block_bytes();
/// Bytes of a block's hint: 160 an image.
pub const HINT_BYTES: usize = Parameters::V1.hint_bytes();
/// Bytes of an encrypted query.
pub const QUERY_BYTES: usize = Parameters::V1.query_bytes();
/// Bytes of the answer for one block: 5 an image.
pub const ANSWER_BYTES: usize = Parameters::V1.answer_bytes();
