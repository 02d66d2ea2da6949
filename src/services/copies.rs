//! The known copies of a vault: where each is, how old it is, and when it was last checked.
//!
//! They are those that this machine has opened, pushed to or pulled from. Must never: unlock one, or ask for a
//! passphrase.

use std::path::Path;

use crate::error::Error;
use crate::services::app_dirs::AppDirs;
pub use crate::services::known_vaults::{Advice, AdvisedAction, Check, CheckKind, KnownCopy};
use crate::services::known_vaults::{KnownVaults, Trust};
use crate::services::open_vault::CopyAge;
use crate::services::session::{FoundVault, Prompts};

/// The copies of one vault.
pub struct Copies {
    /// In the order of their addresses.
    pub copies: Vec<KnownCopy>,
    /// Why the vault cannot be found where it is known. The others are listed all the same: now they are needed.
    pub not_found: Option<Error>,
}

/// The known copies of the vault at `root`.
///
/// # Errors
/// [`Error::OtherVault`] when another vault is at `root` than before and `trust` does not include it; when there is no
/// vault and none is known there; when the list of known vaults cannot be read.
pub fn of_vault_at(root: &Path, dirs: &AppDirs, prompts: Prompts, trust: &Trust) -> Result<Copies, Error> {
    let known = KnownVaults::of(dirs);
    let (vault, not_found) = match FoundVault::at(root, dirs, prompts, trust) {
        Ok(found) => (found.claimed_id(), None),
        Err(error @ (Error::Vault(_) | Error::Remote(_))) => match known.vault_at(root)? {
            Some(vault) => (vault, Some(error)),
            None => return Err(error),
        },
        Err(error) => return Err(error),
    };
    Ok(Copies { copies: known.copies(vault)?, not_found })
}

impl Copies {
    /// What to do about one of the copies.
    #[must_use]
    pub fn advice(&self, copy: &KnownCopy) -> Option<Advice> {
        Advice::of(&copy.address, copy.age, &self.copies)
    }

    /// The newest generation that this machine has seen, if it is at none of the addresses.
    #[must_use]
    pub fn newest_elsewhere(&self) -> Option<u64> {
        let seen = |copy: &KnownCopy| match copy.age {
            CopyAge::Newest => None,
            CopyAge::Older { seen, .. } | CopyAge::Forked { seen, .. } | CopyAge::Unproven { seen, .. } => Some(seen),
        };
        let of_copies: Option<Vec<_>> = self.copies.iter().map(seen).collect();
        of_copies?.into_iter().max()
    }
}

/// The addresses of all known vaults, in their order.
///
/// # Errors
/// When the list of known vaults cannot be read.
pub fn addresses(dirs: &AppDirs) -> Result<Vec<String>, Error> {
    KnownVaults::of(dirs).addresses()
}

/// Forgets what is known of the vault at `address`: the next one found there is accepted, whichever it is.
///
/// # Errors
/// [`Error::UnknownAddress`]; when the list of known vaults cannot be read or written.
pub fn forget(address: &Path, dirs: &AppDirs) -> Result<(), Error> {
    KnownVaults::of(dirs).forget(address)
}
