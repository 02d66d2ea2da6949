//! Cosine similarity between CKKS-encrypted unit vectors, computed in one pass over memory, with verified answers.
//!
//! A key holder encrypts vectors in blocks and, later, a query. An evaluator without keys computes the encrypted inner
//! product of the query with every vector. The key holder verifies the answer and decrypts the scores. This crate
//! handles vectors and bytes, of any dimension that is a multiple of 128 up to 16,384; it knows no photos and no files.
//!
//! - A [`KeyHolder`], made from both contexts, [seals](KeyHolder::seal) blocks and
//!   [encrypts](KeyHolder::encrypt) queries. Its owner keeps secret [`CheckVectors`] of the sealed blocks.
//! - An [`Evaluator`], made from the public context, [scores](Evaluator::score) blocks against an encrypted query.
//! - The [`QuerySecret`] of a query [verifies](QuerySecret::verify) the answer and
//!   [decrypts](VerifiedAnswer::decrypt) it.
//!
//! ```
//! use cipherlens_ckks::{
//!     CheckVectors, Evaluator, KeyHolder, Parameters, PublicContext, ScannedBlock, ScannedGroup, SecretContext,
//! };
//!
//! let parameters = Parameters::for_dimension(128)?;
//! let public = PublicContext::generate(parameters)?;
//! let holder = KeyHolder::new(&public, SecretContext::generate(parameters)?)?;
//!
//! // Two unit vectors at an angle of 120 degrees.
//! let mut stored = vec![0.0; 128];
//! stored[0] = 1.0;
//! let mut query = vec![0.0; 128];
//! (query[0], query[1]) = (-0.5, 0.75_f32.sqrt());
//!
//! let block = holder.seal(&[&stored])?;
//! let mut checks = CheckVectors::empty(&parameters, 0);
//! checks.add_sealed(&holder, &block)?;
//!
//! let (encrypted, secret) = holder.encrypt(holder.prepare()?, &query)?;
//! let answer = Evaluator::new(&public)?.score(block.ciphertext(), &encrypted)?;
//!
//! let group = ScannedGroup { checks: &checks, blocks: &[ScannedBlock::from(&block)] };
//! let scores = secret.verify(&holder, &[group], &answer)?.decrypt()?;
//! assert!((scores[0] + 0.5).abs() < 3e-3);
//! # Ok::<(), cipherlens_ckks::Error>(())
//! ```
//!
//! The environment variable `CIPHERLENS_KERNEL` (portable, avx2, avx512 or neon) overrides the choice of instructions,
//! for tests and measurements; key holders and evaluators refuse one that does not run here.
//!
//! # Scheme
//! R = Z\[X\] / (X^n + 1) with n = 2048 and q = p1 p2 = 61441 * 40961, 31.2 bits. Secrets are ternary, errors centred
//! binomial with standard deviation 3.24. Polynomials are kept as residues modulo p1 and p2, mostly as values
//! (negacyclic NTT), and stored as 16-bit words. [`Parameters`] has the other symbols.
//!
//! *Encoding.* Vectors have norm 1, so the inner product is the cosine. K = 32 components are packed side by side, for
//! S = n / K = 64 images in a polynomial: m_g = Dx sum_i sum_j x\[i\]\[gK+j\] X^(iK+j). The query is packed in reverse:
//! p_g = Dq sum_j y\[gK+j\] X^-j. Coefficient iK of the sum over g of m_g p_g is the score of image i. This is CKKS
//! with coefficient encoding instead of the canonical embedding: nothing is multiplied slot by slot.
//!
//! *Keys.* The reference polynomials a\[l\]\[g\] (lane l of a block) and c\[g\] (queries) are uniform, expanded from
//! the public seed. Block b: B = a s_b + e + m, where s_b is derived from the master key and a fresh nonce. Query: Q =
//! c s_t + e' + p, where s_t is drawn for one query only.
//!
//! *Evaluation, without keys.* R0\[l\] = sum over g of B Q, pointwise. Only coefficients iK are needed, so every K
//! neighbouring slots, which share z^K, are summed (the trace to the subring in X^K): F0\[l\], S values of 4 bytes.
//!
//! *Verification.* For secret scalars r\[b\]\[l\] the key holder keeps W\[g\] = sum of r B, and accepts an answer if
//! fold(sum over g of W Q) is the sum of r F0 (Freivalds 1977): `checks` has the details.
//!
//! *Decryption.* sum (B - a s_b)(Q - c s_t) = R0 - s_t R1 - s_b (T0 - s_t T1). R1 = sum B c is computed when a block is
//! sealed and stored as its hint, T0 = sum a Q once for each query, T1 = sum a c once. The key holder subtracts the
//! trace of s_t R1 + s_b (T0 - s_t T1) from F0, applies an inverse NTT of size S, joins the residues and divides by
//! both scales.
//!
//! # Security
//! log2 q = 31.23 at n = 2048 gives, by linear interpolation in 1 / log2 q between the rows of each table, against one
//! secret:
//!
//! | bits | table or model |
//! |---|---|
//! | 234 classical, 218 quantum | tables of the Homomorphic Encryption Standard 2018 |
//! | 221 classical | Security Guidelines 2024 (eprint 2024/463), Table 5.2; they publish no quantum row |
//! | 175 quantum | the guidelines authors' script with its current quantum model, ChaLoy21: 2^(0.257 beta) |
//!
//! An estimate of our own gives 192 bits classical (core-SVP, 2^(0.292 beta)) and 173 or 168 quantum (2^(0.265 beta),
//! 2^(0.257 beta)) for the cheapest attack that it models, an idealised dual attack with guessing;
//! `crates/ckks/security/` has it. Sharing a and c among many secrets costs at most log2(blocks + queries) bits:
//! contexts check at load that each table leaves 128 bits for 2^40 of them.
//!
//! The types enforce two necessary rules: a changed block is sealed again as a whole under a new nonce, and the secret
//! of a query is used once (except through [`QuerySecret::into_bytes`]). Seeds of encryptions are hedged: where the
//! system's random generator repeats, as in a restored snapshot of a machine, a block of other vectors still gets other
//! randomness, and so does a query at another time, in another process or after other queries. A [`OneTimeMask`] that
//! is in memory when a snapshot is taken is the exception: restored, it would encrypt a second query.
//!
//! # What it does not promise
//! - The evaluator learns the number of blocks, when queries happen, and what is fetched afterwards.
//! - Decrypted scores contain noise that depends on the keys (Li, Micciancio 2020): show them to the key holder only.
//!   Rounding is no defence. The scheme is not CPA-D secure.
//! - A wrong answer is accepted with probability 2^-30.6 at most for one try, and never if one residue is wrong. Tries
//!   against the same blocks add up: change the epoch of check vectors after a refusal.
//! - Blocks, hints, nonces, counts and check vectors are not authenticated here. Whoever stores them must authenticate
//!   them, and keep check vectors secret.
//! - Not all copies of secrets on the stack are wiped, and none in registers or in swapped memory.
//! - One multiplication deep. No rotations, no relinearisation, no bootstrapping.

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
#[cfg(test)]
mod tests;

pub use answer::{ScannedBlock, ScannedGroup, VerifiedAnswer};
pub use block::{NONCE_BYTES, SealedBlock};
pub use checks::{CHECKED_BLOCKS, CheckVectors};
pub use context::{CONTEXT_BYTES, MASTER_KEY_BYTES, PublicContext, SecretContext};
pub use error::{ContextFault, Error, VectorFault};
pub use evaluator::Evaluator;
pub use kernel::Kernel;
pub use key_holder::KeyHolder;
pub use parameters::{ANSWER_BYTES, BLOCK_IMAGES, HINT_BYTES, Parameters};
pub use query::{EncryptedQuery, OneTimeMask, QuerySecret};
