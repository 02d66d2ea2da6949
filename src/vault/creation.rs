//! Creating an empty vault: makes its keys and its space, and writes the header last, because without a header there is
//! no vault.
//!
//! Must never: write to a place that holds anything but the remains of an interrupted creation (checked by the
//! backend).

use super::backend::Backend;
use super::backend::writer::Abandoned;
use super::error::Error;
use super::format::header;
use super::format::hex::{Digest, Id};
use super::format::history::Descent;
use super::format::mapping::{Mapping, SignedMapping};
use super::format::sealed::VaultKeys;
use super::format::space::{FeatureSpace, Space};
use super::freshness::Freshness;
use crate::cipher::{Cost, MasterKey, Passphrase};

/// Durably writes the files of an empty vault to a place that has none.
pub(super) fn create(
    backend: &dyn Backend,
    passphrase: &Passphrase,
    cost: Cost,
    features: FeatureSpace,
    freshness: &Freshness,
) -> Result<(), Error> {
    let space = Space::new(features)?;
    let (vault, master) = (Id::random()?, MasterKey::generate()?);
    let header = header::seal(vault, &master, passphrase, cost)?;
    let keys = VaultKeys::new(vault, master);
    let mapping = SignedMapping::sign(Mapping::first(vault, Digest::of(&[&header]), space), &keys);
    let writer = backend.create(vault, Abandoned::Remove)?;
    writer.commit(&mapping, Some(&header))?;
    writer.unlock();
    freshness.remember(&[], &mapping, &|_| Ok(Descent::Unknown))
}
