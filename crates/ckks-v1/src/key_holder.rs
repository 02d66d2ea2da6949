//! The owner of both contexts. The operations are in `block`, `query` and `answer`.

use super::context::{PublicContext, SecretContext};
use super::error::Error;
use super::parameters::Parameters;
use super::references::References;
use super::ring::Ring;
use super::scan::Kernel;

/// Holds both contexts: seals blocks, encrypts queries and decrypts answers.
///
/// Creating one expands 6 MB of reference polynomials (about 17 ms).
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
    #[must_use]
    pub fn parameters(&self) -> &Parameters {
        self.ring.parameters()
    }
}
