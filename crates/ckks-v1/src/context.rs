//! The two contexts: the public one for evaluators, and the secret one for the key holder. Neither is derived from the
//! other. A context whose parameters exceed the security tables is never loaded.
//!
//! Both are 40 bytes: magic `CLCK`, kind, format version, parameter set (two bytes, little-endian), 32 bytes of seed or
//! key.

use std::convert::Infallible;

use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::error::{ContextFault, Error};
use super::parameters::Parameters;
use super::ring::Ring;
use super::rlwe::RlweSecret;
use super::sampling::Randomness;
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

/// Parameters and the seed of the reference polynomials: enough to evaluate, not to decrypt.
#[derive(Clone, Debug, PartialEq)]
pub struct PublicContext {
    parameters: Parameters,
    pub(super) seed: [u8; SEED_BYTES],
}

impl PublicContext {
    /// A fresh seed under [`Parameters::V1`]. Every vault needs its own: with a shared seed, one lattice reduction
    /// would help against all vaults.
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

    /// Fixed parameters and seed, for test vectors and for sets too small to be secure.
    #[cfg(test)]
    pub(super) fn fixed(parameters: Parameters, seed: [u8; SEED_BYTES]) -> Self {
        Self { parameters, seed }
    }

    /// The parameter set.
    #[must_use]
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// [`CONTEXT_BYTES`] bytes: magic, kind, version, parameter set, seed.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        [&header(KIND_PUBLIC, &self.parameters)[..], &self.seed].concat()
    }

    /// Reads the output of [`to_bytes`](Self::to_bytes).
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
    #[must_use]
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// [`CONTEXT_BYTES`] secret bytes: magic, kind, version, parameter set, master key.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new([&header(KIND_SECRET, &self.parameters)[..], self.master.expose()].concat())
    }

    /// Reads the output of [`to_bytes`](Self::to_bytes).
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
