//! Cosine similarity between CKKS-encrypted unit vectors, computed in one pass over memory.
//!
//! A key holder encrypts vectors in blocks and, later, a query. An evaluator without keys computes the encrypted inner
//! product of the query with every vector, and the key holder decrypts the scores. This crate handles vectors and
//! bytes, not photos or files.
//!
//! - A [`KeyHolder`], made from both contexts, [seals](KeyHolder::seal) blocks and
//!   [encrypts](KeyHolder::encrypt) queries.
//! - An [`Evaluator`], made from the public context, [scores](Evaluator::score) blocks against an encrypted query.
//! - The [`QuerySecret`] of a query [decrypts](QuerySecret::decrypt) the answer.
//!
//! ```
//! use cipherlens_ckks_v1::{DIMENSION, Evaluator, KeyHolder, PublicContext, ScannedBlock, SecretContext};
//!
//! let public = PublicContext::generate()?;
//! let holder = KeyHolder::new(&public, SecretContext::generate()?)?;
//!
//! // Two unit vectors at an angle of 60 degrees.
//! let mut stored = vec![0.0; DIMENSION];
//! stored[0] = 1.0;
//! let mut query = vec![0.0; DIMENSION];
//! (query[0], query[1]) = (0.5, 0.75_f32.sqrt());
//!
//! let block = holder.seal(&[&stored])?;
//! let (encrypted, secret) = holder.encrypt(holder.prepare()?, &query)?;
//! let answer = Evaluator::new(&public)?.score(block.ciphertext(), &encrypted)?;
//!
//! let scanned = ScannedBlock { nonce: block.nonce(), hint: block.hint(), images: block.images() };
//! let scores = secret.decrypt(&holder, [scanned], &answer)?;
//! let cosine: f32 = stored.iter().zip(&query).map(|(x, y)| x * y).sum();
//! assert!((scores[0] - cosine).abs() < 5e-4);
//! # Ok::<(), cipherlens_ckks_v1::Error>(())
//! ```
//!
//! # Scheme
//! R = Z\[X\] / (X^n + 1) with n = 2048 and q = p1 p2 of 39.9 bits. Secrets are ternary, errors centred binomial with
//! standard deviation 3.24. Polynomials are kept as residues modulo p1 and p2, mostly in the evaluation domain
//! (negacyclic NTT).
//!
//! *Encoding.* Vectors have norm 1, so the inner product is the cosine. K = 32 dimensions are packed side by side, for
//! S = n / K = 64 images in a polynomial: m_g = Dx sum_i sum_j x\[i\]\[gK+j\] X^(iK+j). The query is packed in reverse:
//! p_g = Dq sum_j y\[gK+j\] X^-j. Coefficient iK of the sum over g of m_g p_g is the score of image i. This is CKKS
//! with coefficient encoding instead of the canonical embedding: nothing is multiplied slot by slot.
//!
//! *Keys.* The reference polynomials a\[l\]\[g\] (lane l of a block) and c\[g\] (queries) are uniform, expanded from
//! the public seed of the vault. Block b: B = a s_b + e + m, where s_b is derived from the master key and a fresh
//! nonce. Query: Q = c s_t + e' + p, where s_t is drawn for one query only.
//!
//! *Evaluation, without keys.* R0\[l\] = sum over g of B Q, pointwise. Only coefficients iK are needed, so every K
//! neighbouring slots, which share z^K, are summed (the trace to the subring in X^K): F0\[l\], S values of 5 bytes.
//!
//! *Decryption.* sum (B - a s_b)(Q - c s_t) = R0 - s_t R1 - s_b (T0 - s_t T1). R1 = sum B c is computed when a block is
//! sealed and stored as its hint, T0 = sum a Q once for each query, T1 = sum a c once. The key holder subtracts the
//! trace of s_t R1 + s_b (T0 - s_t T1) from F0, applies an inverse NTT of size S, joins the residues and divides by
//! both scales.
//!
//! # Security
//! q of 39.90 bits at n = 2048 gives 128 bits of security against one secret in the tables of the Homomorphic
//! Encryption Standard 2018 (limit 54 bits classical, 51 quantum) and in the classical row of the Security Guidelines
//! 2024 (eprint 2024/463, Table 5.2: 53). The guidelines publish no quantum row; their authors' script with its current
//! quantum model (ChaLoy21, 2^(0.257 beta)) allows 40, which leaves 0.1 bit. Sharing a among many secrets costs at most
//! log2(blocks + queries) bits, which is below 128 bits in that model. Contexts check all four limits when they are
//! loaded. The types enforce two necessary rules: a changed block is sealed again as a whole under a new nonce, and the
//! secret of a query is used once.
//!
//! # What it does not promise
//! - The evaluator learns the number of blocks, when queries happen, and what is fetched afterwards.
//! - Decrypted scores contain noise that depends on the keys (Li, Micciancio 2020): show them to the key holder only.
//!   Rounding to 4 decimals is no defence. The scheme is not CPA-D secure.
//! - A dishonest evaluator can alter an answer. An impossible score makes the key holder refuse the whole answer;
//!   possible ones are not noticed. By shifting one score and watching what is fetched, or whether the answer was
//!   refused, it can learn that score within a dozen searches with the same photo.
//! - Blocks, hints, nonces and counts are not authenticated here. Whoever stores them must authenticate them.
//! - One multiplication deep. No rotations, no relinearisation, no bootstrapping.

mod answer;
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
/// Bytes of a block's ciphertext: 10,240 per image.
pub const BLOCK_BYTES: usize = Parameters::V1.block_bytes();
/// Bytes of a block's hint: 160 per image.
pub const HINT_BYTES: usize = Parameters::V1.hint_bytes();
/// Bytes of an encrypted query.
pub const QUERY_BYTES: usize = Parameters::V1.query_bytes();
/// Bytes of the answer for one block: 5 per image.
pub const ANSWER_BYTES: usize = Parameters::V1.answer_bytes();
