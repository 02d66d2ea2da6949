//! Creating an empty vault: makes keys and contexts, and writes the header last, because without a header there is no
//! vault.
//!
//! Must never: write to a place that holds anything but the remains of an interrupted creation (checked by the
//! backend).

use super::backend::Backend;
use super::backend::writer::Abandoned;
use super::error::Error;
use super::format::header;
use super::format::hex::{Digest, Id};
use super::format::layout::Object;
use super::format::mapping::{Mapping, SignedMapping};
use super::format::sealed::{SealedObject, VaultKeys};
use super::format::space::FeatureSpace;
use super::freshness::Freshness;
use crate::cipher::{Cost, MasterKey, Passphrase};
use crate::ckks_v1::{PublicContext, SecretContext};

/// Durably writes the files of an empty vault to a place that has none.
pub(super) fn create(
    backend: &dyn Backend,
    passphrase: &Passphrase,
    cost: Cost,
    space: FeatureSpace,
    freshness: &Freshness,
) -> Result<(), Error> {
    space.check_lengths()?;
    let public = PublicContext::generate()?.to_bytes();
    let (vault, master) = (Id::random()?, MasterKey::generate()?);
    let header = header::seal(vault, &master, passphrase, cost)?;
    let keys = VaultKeys::new(vault, master);
    let secret = keys.seal(&SealedObject::SecretContext, &SecretContext::generate()?.to_bytes())?;
    let (public_digest, secret_digest) = (Digest::of(&[&public]), Digest::of(&secret.parts()));
    let mapping = SignedMapping::sign(Mapping::first(vault, space, public_digest, secret_digest), &keys);
    let writer = backend.create(&public, Abandoned::Remove)?;
    writer.stage(&Object::SecretContext, &secret.parts())?;
    writer.commit(&mapping, Some(&header))?;
    writer.unlock();
    freshness.remember(&mapping)
}
