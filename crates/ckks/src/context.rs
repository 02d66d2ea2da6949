//! The two contexts: the public one for evaluators, and the secret one for the key holder. Neither is derived from the
//! other. A context whose parameters exceed the security tables is never loaded.
//!
//! Both are 40 bytes: magic `CLCK`, kind, format version, dimension (two bytes, little-endian), 32 bytes of seed or
//! master key. A context of version 1 is one of the first engine.

use std::convert::Infallible;

use cipherlens_secret::{Secret, on_wiped_stack};
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::error::{ContextFault, Error};
use super::parameters::Parameters;

const MAGIC: [u8; 4] = *b"CLCK";
const FORMAT_VERSION: u8 = 2;
const KIND_PUBLIC: u8 = 1;
const KIND_SECRET: u8 = 2;
/// Bytes of a serialised context of either kind.
pub const CONTEXT_BYTES: usize = 40;
pub(super) const SEED_BYTES: usize = 32;
/// Bytes of the master key of a secret context.
pub const MASTER_KEY_BYTES: usize = SEED_BYTES;
const HEADER_BYTES: usize = CONTEXT_BYTES - SEED_BYTES;

/// Domains of the key derivation.
const BLOCK_LABEL: &[u8] = b"cipherlens/ckks/v2/block";
const HEDGE_LABEL: &[u8] = b"cipherlens/ckks/v2/hedge";
const NONCE_LABEL: &[u8] = b"cipherlens/ckks/v2/nonce";
const NOISE_LABEL: &[u8] = b"cipherlens/ckks/v2/noise";

fn header(kind: u8, parameters: &Parameters) -> [u8; HEADER_BYTES] {
    let [m0, m1, m2, m3] = MAGIC;
    // At most 16,384.
    let [d0, d1] = (parameters.dimension() as u16).to_le_bytes();
    [m0, m1, m2, m3, kind, FORMAT_VERSION, d0, d1]
}

/// The parameters and the 32 bytes of a serialised context.
fn parse(kind: u8, bytes: &[u8]) -> Result<(Parameters, &[u8; SEED_BYTES]), Error> {
    let fault = |fault| Error::NotAContext { fault };
    let length = ContextFault::Length { expected: CONTEXT_BYTES, actual: bytes.len() };
    let bytes: &[u8; CONTEXT_BYTES] = bytes.try_into().map_err(|_| fault(length))?;
    let [m0, m1, m2, m3, found_kind, version, d0, d1, seed @ ..] = bytes;
    if [*m0, *m1, *m2, *m3] != MAGIC {
        return Err(fault(ContextFault::Magic));
    }
    if *version != FORMAT_VERSION {
        return Err(fault(ContextFault::Version { expected: FORMAT_VERSION, actual: *version }));
    }
    if *found_kind != kind {
        return Err(fault(ContextFault::Kind { expected: kind, actual: *found_kind }));
    }
    Ok((Parameters::for_dimension(u16::from_le_bytes([*d0, *d1]).into())?, seed))
}

/// Parameters and the seed of the reference polynomials: enough to evaluate, not to decrypt.
#[derive(Clone, Debug, PartialEq)]
pub struct PublicContext {
    parameters: Parameters,
    pub(super) seed: [u8; SEED_BYTES],
}

impl PublicContext {
    /// A context with a fresh random seed. Every collection needs its own: with a shared seed, one lattice reduction
    /// would help against all.
    ///
    /// # Errors
    /// [`Error::Entropy`].
    pub fn generate(parameters: Parameters) -> Result<Self, Error> {
        let mut seed = [0; SEED_BYTES];
        getrandom::fill(&mut seed)?;
        Ok(Self { parameters, seed })
    }

    /// A fixed seed, for test vectors.
    #[cfg(test)]
    pub(super) fn fixed(parameters: Parameters, seed: [u8; SEED_BYTES]) -> Self {
        Self { parameters, seed }
    }

    /// The parameter set.
    #[must_use]
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// [`CONTEXT_BYTES`] bytes: magic, kind, version, dimension, seed.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        [&header(KIND_PUBLIC, &self.parameters)[..], &self.seed].concat()
    }

    /// Reads the output of [`to_bytes`](Self::to_bytes).
    ///
    /// # Errors
    /// [`Error::NotAContext`], [`Error::Dimension`], [`Error::Insecure`].
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

/// What is encrypted.
#[derive(Clone, Copy)]
pub(super) enum Encryption {
    Block,
    Query,
}

impl Encryption {
    fn label(self) -> &'static [u8] {
        match self {
            Self::Block => b"/block",
            Self::Query => b"/query",
        }
    }
}

/// What the key holder derives for one block. Boxed, so that moving it leaves no copy.
pub(super) struct BlockSeeds(Box<Zeroizing<[u8; 2 * SEED_BYTES]>>);

impl BlockSeeds {
    /// To be filled in.
    pub(super) fn unset() -> Self {
        Self(Box::new(Zeroizing::new([0; 2 * SEED_BYTES])))
    }

    /// Seed of the block's secret.
    pub(super) fn secret(&self) -> &[u8; SEED_BYTES] {
        self.halves().0
    }

    /// Seed of the block's check scalars.
    pub(super) fn checks(&self) -> &[u8; SEED_BYTES] {
        self.halves().1
    }

    fn halves(&self) -> (&[u8; SEED_BYTES], &[u8; SEED_BYTES]) {
        let (halves, _) = self.0.as_chunks();
        (&halves[0], &halves[1])
    }
}

/// The randomness of one encryption.
pub(super) struct FreshSeeds {
    /// The public nonce of a block.
    pub(super) nonce: [u8; SEED_BYTES],
    /// Seed of its noise; for a query, of its secret too.
    pub(super) noise: Zeroizing<[u8; SEED_BYTES]>,
}

impl SecretContext {
    /// A context with a fresh random master key.
    ///
    /// # Errors
    /// [`Error::Entropy`].
    pub fn generate(parameters: Parameters) -> Result<Self, Error> {
        Ok(Self { parameters, master: Secret::random()? })
    }

    /// A context with a master key that the caller derives, so that the context need not be stored. The key must be
    /// secret, uniform, used for nothing else, and of one collection only. The caller wipes its own copy.
    ///
    /// ```
    /// # use cipherlens_ckks::{Parameters, SecretContext};
    /// # use cipherlens_secret::Secret;
    /// let key = Secret::random()?; // In practice the output of a key derivation function.
    /// let context = SecretContext::from_master_key(Parameters::for_dimension(512)?, key.expose());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn from_master_key(parameters: Parameters, master: &[u8; MASTER_KEY_BYTES]) -> Self {
        Self { parameters, master: filled(master) }
    }

    /// The parameter set.
    #[must_use]
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// [`CONTEXT_BYTES`] secret bytes: magic, kind, version, dimension, master key.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new([&header(KIND_SECRET, &self.parameters)[..], self.master.expose()].concat())
    }

    /// Reads the output of [`to_bytes`](Self::to_bytes).
    ///
    /// # Errors
    /// [`Error::NotAContext`], [`Error::Dimension`], [`Error::Insecure`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let (parameters, master) = parse(KIND_SECRET, bytes)?;
        Ok(Self { parameters, master: filled(master) })
    }

    /// The seeds of the block sealed under `nonce`.
    pub(super) fn block_seeds(&self, nonce: &[u8; SEED_BYTES]) -> BlockSeeds {
        let mut seeds = BlockSeeds::unset();
        self.derive_block_seeds([(nonce, &mut seeds)]);
        seeds
    }

    /// Fills in the seeds of blocks by their nonces: HKDF-SHA-256 (RFC 5869). Wiping the stack costs more than one
    /// derivation, so pass many.
    pub(super) fn derive_block_seeds<'a>(
        &self,
        blocks: impl IntoIterator<Item = (&'a [u8; SEED_BYTES], &'a mut BlockSeeds)>,
    ) {
        on_wiped_stack(|| {
            let hkdf = Hkdf::<Sha256>::new(None, self.master.expose());
            for (nonce, seeds) in blocks {
                hkdf.expand_multi_info(&[BLOCK_LABEL, nonce], &mut **seeds.0)
                    .expect("HKDF-SHA-256 gives up to 8,160 bytes");
            }
        });
    }

    /// Seeds for one encryption of `message`, or for one that `message` identifies, hedged: HKDF of 32 bytes of the
    /// operating system and a pseudorandom function of the message under the master key (BLAKE3 keyed). Where the
    /// system's generator repeats, as in a restored snapshot of a machine, another message still gets other seeds;
    /// where it is predictable, the master key makes up for it.
    pub(super) fn hedged_seeds(&self, kind: Encryption, message: &[u8]) -> Result<FreshSeeds, Error> {
        let mut entropy = Zeroizing::new([0; SEED_BYTES]);
        getrandom::fill(&mut *entropy)?;
        Ok(self.hedged_seeds_from(&entropy, kind, message))
    }

    /// The same with given entropy.
    pub(super) fn hedged_seeds_from(&self, entropy: &[u8; SEED_BYTES], kind: Encryption, message: &[u8]) -> FreshSeeds {
        let mut seeds = FreshSeeds { nonce: [0; SEED_BYTES], noise: Zeroizing::new([0; SEED_BYTES]) };
        let mut key = Zeroizing::new([0; SEED_BYTES]);
        self.expand(&[HEDGE_LABEL, kind.label()], &mut *key);
        on_wiped_stack(|| {
            let hash = blake3::keyed_hash(&key, message);
            let input = Zeroizing::new([&entropy[..], hash.as_bytes()].concat());
            let hkdf = Hkdf::<Sha256>::new(None, &input);
            hkdf.expand(NONCE_LABEL, &mut seeds.nonce).expect("32 bytes are one block of output");
            hkdf.expand(NOISE_LABEL, &mut *seeds.noise).expect("32 bytes are one block of output");
        });
        seeds
    }

    fn expand(&self, info: &[&[u8]], output: &mut [u8]) {
        on_wiped_stack(|| {
            Hkdf::<Sha256>::new(None, self.master.expose())
                .expand_multi_info(info, output)
                .expect("HKDF-SHA-256 gives up to 8,160 bytes");
        });
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
