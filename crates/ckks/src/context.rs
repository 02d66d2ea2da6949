//! The pair of contexts: what an evaluator may know, and what only the key holder may. Must never: derive one from the
//! other, or read a context whose parameters the security tables refuse.
//!
//! Both are 40 bytes: magic `CLCK`, kind, format version, parameter set (two bytes, little-endian), 32 bytes of seed or
//! key.

use std::convert::Infallible;

use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::error::{ContextFault, Error};
use super::layout::{AlignedBytes, PIECE_BYTES, TILE, pack_polynomial};
use super::parameters::{LANES, Parameters};
use super::ring::{Evaluation, Polynomial, Ring};
use super::rlwe::RlweSecret;
use super::sampling::Randomness;
use super::scan::Kernel;
use cipherlens_secret::{Secret, on_wiped_stack};

const MAGIC: [u8; 4] = *b"CLCK";
const FORMAT_VERSION: u8 = 1;
const KIND_PUBLIC: u8 = 1;
const KIND_SECRET: u8 = 2;
/// Bytes of a serialised context of either kind.
pub const CONTEXT_BYTES: usize = 40;
const SEED_BYTES: usize = 32;
const HEADER_BYTES: usize = CONTEXT_BYTES - SEED_BYTES;

/// Domain of the key derivation for block secrets.
const BLOCK_SECRET_LABEL: &[u8] = b"cipherlens/ckks/v1/block secret";

fn header(kind: u8, parameters: &Parameters) -> [u8; HEADER_BYTES] {
    let [m0, m1, m2, m3] = MAGIC;
    let [id0, id1] = parameters.id().to_le_bytes();
    [m0, m1, m2, m3, kind, FORMAT_VERSION, id0, id1]
}

/// The parameters and the 32 bytes of a serialised context.
fn parse(kind: u8, bytes: &[u8]) -> Result<(Parameters, &[u8; SEED_BYTES]), Error> {
    let fault = |fault| Error::NotAContext { fault };
    let length = ContextFault::Length { expected: CONTEXT_BYTES, actual: bytes.len() };
    let bytes: &[u8; CONTEXT_BYTES] = bytes.try_into().map_err(|_| fault(length))?;
    let [m0, m1, m2, m3, found_kind, version, id0, id1, seed @ ..] = bytes;
    if [*m0, *m1, *m2, *m3] != MAGIC {
        return Err(fault(ContextFault::Magic));
    }
    if *version != FORMAT_VERSION {
        return Err(fault(ContextFault::Version { expected: FORMAT_VERSION, actual: *version }));
    }
    if *found_kind != kind {
        return Err(fault(ContextFault::Kind { expected: kind, actual: *found_kind }));
    }
    let id = u16::from_le_bytes([*id0, *id1]);
    let parameters = Parameters::from_id(id).ok_or_else(|| fault(ContextFault::ParameterSet { actual: id }))?;
    parameters.check_security()?;
    Ok((parameters, seed))
}

/// Parameters and the seed of the reference polynomials: enough to evaluate, never to decrypt.
#[derive(Clone, Debug, PartialEq)]
pub struct PublicContext {
    parameters: Parameters,
    seed: [u8; SEED_BYTES],
}

impl PublicContext {
    /// A fresh seed under [`Parameters::V1`]. Every vault has its own: with a common one, a single lattice reduction
    /// would serve against everybody.
    ///
    /// # Errors
    /// [`Error::Entropy`].
    pub fn generate() -> Result<Self, Error> {
        let parameters = Parameters::V1;
        parameters.check_security()?;
        let mut seed = [0; SEED_BYTES];
        getrandom::fill(&mut seed)?;
        Ok(Self { parameters, seed })
    }

    /// Fixed parameters and seed, for vectors that pin the format and for sets too small to be secure.
    #[cfg(test)]
    pub(super) fn fixed(parameters: Parameters, seed: [u8; SEED_BYTES]) -> Self {
        Self { parameters, seed }
    }

    /// The parameter set.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// [`CONTEXT_BYTES`] bytes: magic, kind, version, parameter set, seed.
    pub fn to_bytes(&self) -> Vec<u8> {
        [&header(KIND_PUBLIC, &self.parameters)[..], &self.seed].concat()
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote, and nothing else.
    ///
    /// # Errors
    /// [`Error::NotAContext`], [`Error::Insecure`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let (parameters, seed) = parse(KIND_PUBLIC, bytes)?;
        Ok(Self { parameters, seed: *seed })
    }
}

/// The master key of encrypted search. Wiped when dropped; has no `Debug`, `Clone` or comparison.
pub struct SecretContext {
    parameters: Parameters,
    master: Secret<SEED_BYTES>,
}

impl SecretContext {
    /// A fresh master key under [`Parameters::V1`].
    ///
    /// # Errors
    /// [`Error::Entropy`].
    pub fn generate() -> Result<Self, Error> {
        let parameters = Parameters::V1;
        parameters.check_security()?;
        Ok(Self { parameters, master: Secret::random()? })
    }

    #[cfg(test)]
    pub(super) fn fixed(parameters: Parameters, master: [u8; SEED_BYTES]) -> Self {
        Self { parameters, master: filled(&master) }
    }

    /// The parameter set.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// [`CONTEXT_BYTES`] secret bytes: magic, kind, version, parameter set, master key.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new([&header(KIND_SECRET, &self.parameters)[..], self.master.expose()].concat())
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote, and nothing else.
    ///
    /// # Errors
    /// [`Error::NotAContext`], [`Error::Insecure`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let (parameters, master) = parse(KIND_SECRET, bytes)?;
        Ok(Self { parameters, master: filled(master) })
    }

    /// The secret of the block sealed under `nonce`: ChaCha20 over HKDF-SHA-256 (RFC 5869) of the nonce.
    pub(super) fn block_secret(&self, ring: &Ring, nonce: &[u8; 32]) -> RlweSecret {
        let mut seed = Zeroizing::new([0; 32]);
        on_wiped_stack(|| {
            Hkdf::<Sha256>::new(None, self.master.expose())
                .expand_multi_info(&[BLOCK_SECRET_LABEL, nonce], &mut *seed)
                .expect("32 bytes are one block of output");
        });
        RlweSecret::draw(ring, &mut Randomness::from_seed(&seed, 0))
    }
}

fn filled(bytes: &[u8; SEED_BYTES]) -> Secret<SEED_BYTES> {
    let filled = Secret::filled_by(|secret| -> Result<(), Infallible> {
        secret.copy_from_slice(bytes);
        Ok(())
    });
    match filled {
        Ok(secret) => secret,
        Err(never) => match never {},
    }
}

/// The reference polynomials in the domain of values, and T1, the constant they make.
pub(super) struct References {
    /// a, in the layout of a block.
    pub(super) stored: AlignedBytes,
    /// c, in the layout of a query.
    pub(super) query: AlignedBytes,
    /// T1\[lane\] = sum over g of a\[lane\]\[g\] c\[g\].
    pub(super) constant: Vec<Polynomial<Evaluation>>,
}

/// First half of the ChaCha20 stream number of a reference polynomial.
const STREAM_STORED: u64 = 0;
const STREAM_QUERY: u64 = 1;

impl References {
    /// Expands the seed: for each polynomial one ChaCha20 stream (kind << 32 | index), residues of the first prime,
    /// then of the second, directly as values.
    pub(super) fn expand(public: &PublicContext, ring: &Ring) -> Self {
        let parameters = public.parameters();
        let groups = parameters.groups();
        let mut polynomial = Polynomial::zero(parameters);
        let mut draw = |kind: u64, index: usize, bytes: &mut [u8], lanes: usize| {
            let mut randomness = Randomness::from_seed(&public.seed, kind << 32 | index as u64);
            for (residues, prime) in polynomial.residues_mut().into_iter().zip(parameters.primes()) {
                randomness.fill_uniform(residues, prime);
            }
            pack_polynomial(parameters, bytes, lanes, index / groups, index % groups, &polynomial);
        };
        let mut stored = AlignedBytes::zeroed(parameters.block_bytes());
        for index in 0..LANES * groups {
            draw(STREAM_STORED, index, &mut stored, LANES);
        }
        let mut query = AlignedBytes::zeroed(parameters.query_bytes());
        for index in 0..groups {
            draw(STREAM_QUERY, index, &mut query, 1);
        }
        let constant = group_sums(ring, &stored, &query);
        Self { stored, query, constant }
    }
}

/// For each lane the sum over g of `block`\[lane\]\[g\] `query`\[g\], not folded: R1, T0 and T1.
pub(super) fn group_sums(ring: &Ring, block: &[u8], query: &[u8]) -> Vec<Polynomial<Evaluation>> {
    let mut sums: Vec<_> = (0..LANES).map(|_| Polynomial::zero(ring.parameters())).collect();
    add_group_sums(ring, 0, block, query, &mut sums);
    sums
}

/// Writes [`group_sums`] of the tiles from `first` on for which there is a query.
pub(super) fn add_group_sums(
    ring: &Ring,
    first: usize,
    block: &[u8],
    query: &[u8],
    sums: &mut [Polynomial<Evaluation>],
) {
    let tile_bytes = ring.parameters().groups() / TILE * PIECE_BYTES;
    let blocks = block.chunks_exact(tile_bytes * LANES).skip(first);
    for (tile, (block, query)) in (first..).zip(blocks.zip(query.chunks_exact(tile_bytes))) {
        let tile_sums = ring.kernel().span(block, query);
        for (polynomial, lane_sums) in sums.iter_mut().zip(tile_sums) {
            for ((residues, sums), modulus) in polynomial.residues_mut().into_iter().zip(lane_sums).zip(ring.moduli()) {
                for (residue, sum) in residues[tile * TILE..(tile + 1) * TILE].iter_mut().zip(sums) {
                    *residue = modulus.reduce_wide(sum);
                }
            }
        }
    }
}

/// Both contexts and all that follows from them: seals blocks, encrypts queries, decrypts answers.
///
/// Holds 6 MB of reference polynomials, expanded once (some 17 ms).
pub struct KeyHolder {
    pub(super) secret: SecretContext,
    pub(super) ring: Ring,
    pub(super) references: References,
}

impl KeyHolder {
    /// The key holder of a vault.
    ///
    /// # Errors
    /// [`Error::UnknownKernel`] and [`Error::UnsupportedKernel`] when `CIPHERLENS_KERNEL` names none that runs here.
    pub fn new(public: &PublicContext, secret: SecretContext) -> Result<Self, Error> {
        Ok(Self::with_kernel(public, secret, Kernel::chosen()?))
    }

    pub(super) fn with_kernel(public: &PublicContext, secret: SecretContext, kernel: Kernel) -> Self {
        let ring = Ring::new(public.parameters(), kernel);
        let references = References::expand(public, &ring);
        Self { secret, ring, references }
    }

    /// The parameter set.
    pub fn parameters(&self) -> &Parameters {
        self.ring.parameters()
    }
}
