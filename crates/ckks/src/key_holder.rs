//! The owner of both contexts. The operations are in `block`, `checks`, `query` and `answer`.

use std::sync::atomic::AtomicU64;

use super::context::{BlockSeeds, PublicContext, SecretContext};
use super::error::Error;
use super::kernel::Kernel;
use super::parameters::Parameters;
use super::references::References;
use super::ring::{Ring, SmallPolynomial, Values};
use super::sampling::Randomness;

/// Holds both contexts: seals blocks, encrypts queries, verifies and decrypts answers.
///
/// Creating one expands the reference polynomials, about 2.3 MB at 512 components.
pub struct KeyHolder {
    pub(super) secret: SecretContext,
    pub(super) ring: Ring,
    pub(super) references: References,
    /// Masks prepared so far.
    pub(super) masks: AtomicU64,
}

impl KeyHolder {
    /// The key holder of a collection.
    ///
    /// # Errors
    /// [`Error::ContextsDiffer`]; [`Error::UnknownKernel`] and [`Error::UnsupportedKernel`] when `CIPHERLENS_KERNEL`
    /// names none that runs here.
    pub fn new(public: &PublicContext, secret: SecretContext) -> Result<Self, Error> {
        let dimensions = (public.parameters().dimension(), secret.parameters().dimension());
        if dimensions.0 != dimensions.1 {
            return Err(Error::ContextsDiffer { public: dimensions.0, secret: dimensions.1 });
        }
        Ok(Self::with_kernel(public, secret, Kernel::chosen()?))
    }

    pub(super) fn with_kernel(public: &PublicContext, secret: SecretContext, kernel: Kernel) -> Self {
        let ring = Ring::new(kernel);
        let references = References::expand(public, &ring);
        Self { secret, ring, references, masks: AtomicU64::new(0) }
    }

    /// The parameter set.
    #[must_use]
    pub fn parameters(&self) -> &Parameters {
        self.secret.parameters()
    }

    /// The ternary secret of a block, as values.
    pub(super) fn block_secret(&self, seeds: &BlockSeeds) -> Values {
        self.draw_secret(&mut Randomness::from_seed(seeds.secret(), 0))
    }

    /// A ternary secret from `randomness`, as values.
    pub(super) fn draw_secret(&self, randomness: &mut Randomness) -> Values {
        let mut coefficients = SmallPolynomial::zero();
        randomness.fill_ternary(&mut coefficients);
        let mut values = Values::zero();
        self.ring.transform_small(&coefficients, &mut values);
        values
    }
}
