//! Where every use case starts: finding, creating and unlocking a vault.
//!
//! ```no_run
//! use std::path::Path;
//!
//! use cipherlens::services::app_dirs::AppDirs;
//! use cipherlens::services::session::{FoundVault, Prompts, Trust, copy_age_note, passphrase};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let dirs = AppDirs::for_user().ok_or("no home directory")?;
//! let found = FoundVault::at(Path::new("photos.vault"), &dirs, Prompts::Allowed, &Trust::Known)?;
//! let vault = found.unlock(&passphrase(&b"five random words".to_vec().into())?, &dirs)?;
//! assert_eq!(copy_age_note(vault.copy_age()), None, "the newest copy this machine has seen");
//! assert!(vault.photo_count()? > 0);
//! # Ok(())
//! # }
//! ```

use std::path::{Path, PathBuf};
use std::sync::Arc;

use zeroize::Zeroizing;

pub use crate::cipher::{Cost, Passphrase};
use crate::error::Error;
use crate::remote::{self, Options};
pub use crate::remote::{Address, Prompts};
use crate::services::app_dirs::AppDirs;
use crate::services::embedding::EmbeddingModel;
use crate::services::known_vaults::{Judged, KnownVaults, OpenCopy};
pub use crate::services::known_vaults::{Trust, VaultId};
use crate::services::open_vault::{CopyAge, OpenVault};
use crate::services::vault_name::{name_and_address, vault_name};
use crate::vault::{self, Backend, Freshness, Object, Seen, Snapshot, Vault};

/// What the program asks for first.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum FirstQuestion {
    /// The passphrase of a known vault.
    Passphrase {
        /// The vault.
        vault: PathBuf,
    },
    /// Where to create a vault, because none is known.
    NewVault {
        /// The folder to suggest.
        suggested: PathBuf,
    },
}

/// What to ask first. `vault` comes from flags, settings or the last run; without one, a new vault is suggested in the
/// home folder, or in `folder` if there is no home.
#[must_use]
pub fn first_question(vault: Option<&Path>, folder: &Path) -> FirstQuestion {
    match vault {
        Some(vault) => FirstQuestion::Passphrase { vault: vault.to_owned() },
        None => {
            let home = std::env::home_dir().unwrap_or_else(|| folder.to_owned());
            FirstQuestion::NewVault { suggested: home.join("photos.vault") }
        }
    }
}

/// A typed passphrase, normalised.
///
/// # Errors
/// When it is not text.
pub fn passphrase(typed: &Zeroizing<Vec<u8>>) -> Result<Passphrase, Error> {
    Ok(Passphrase::new(typed).map_err(vault::Error::from)?)
}

/// Creates an empty vault at `root`, a path or an address, for vectors of `model`, and remembers it as the vault used
/// last and as the one that is known there.
///
/// # Errors
/// When `root` is occupied, the other machine cannot be reached, or a file cannot be written.
pub fn create_vault(
    root: &Path,
    passphrase: &Passphrase,
    cost: Cost,
    model: &EmbeddingModel,
    dirs: &AppDirs,
    prompts: Prompts,
) -> Result<OpenVault, Error> {
    // Before anything is made: a damaged list would be reported only at the end.
    KnownVaults::of(dirs).vault_at(root)?;
    let backend = backend_at(root, Options::new(prompts).cached_in(dirs.remote_cache()))?;
    let (vault, snapshot) = Vault::create(backend, passphrase, cost, model.space(), freshness(dirs))?;
    let judged = KnownVaults::made(root, vault.id())?;
    opened(vault, snapshot, root, judged, dirs)
}

/// Creates a vault as [`create_vault`] does; if there is one at `root` already, unlocks that one with the same
/// passphrase instead, as far as `trust` allows. `load_model` is called only when a vault is created.
///
/// # Errors
/// As [`create_vault`] and [`FoundVault::unlock`].
pub fn create_or_unlock_vault<M: AsRef<EmbeddingModel>>(
    root: &Path,
    passphrase: &Passphrase,
    load_model: impl FnOnce() -> Result<M, Error>,
    dirs: &AppDirs,
    prompts: Prompts,
    trust: &Trust,
) -> Result<OpenVault, Error> {
    let unlock = || FoundVault::at(root, dirs, prompts, trust)?.unlock(passphrase, dirs);
    if !Address::is_remote(root) && is_vault(root) {
        return unlock();
    }
    let model = load_model()?;
    match create_vault(root, passphrase, Cost::DEFAULT, model.as_ref(), dirs, prompts) {
        // For an address, only the attempt shows that there is a vault.
        Err(Error::Vault(vault::Error::Occupied { .. })) if Address::is_remote(root) => unlock(),
        created => created,
    }
}

/// Whether there is a vault at `root`, locked or not. An address on another machine counts as one: only connecting can
/// tell.
#[must_use]
pub fn is_vault(root: &Path) -> bool {
    Address::is_remote(root) || !matches!(vault::local(root).require_vault(), Err(vault::Error::NotAVault { .. }))
}

/// What is at the path of a vault.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Presence {
    /// A vault.
    Vault,
    /// A folder without a vault, such as a mount point whose disk is not mounted.
    Folder,
    /// Neither.
    Nothing,
}

/// Tells what is at `root`. This blocks for as long as the disk or network behind `root` does.
#[must_use]
pub fn presence(root: &Path) -> Presence {
    match () {
        () if is_vault(root) => Presence::Vault,
        () if root.is_dir() => Presence::Folder,
        () => Presence::Nothing,
    }
}

/// Tells what is at `root` as [`presence`] does, and makes sure that a vault there is one that `trust` includes, so
/// that another one is noticed before a passphrase is typed for it. Connects to an address on another machine.
///
/// # Errors
/// As [`FoundVault::at`].
pub fn look(root: &Path, dirs: &AppDirs, prompts: Prompts, trust: &Trust) -> Result<Presence, Error> {
    let found = presence(root);
    if found == Presence::Vault {
        FoundVault::at(root, dirs, prompts, trust)?;
    }
    Ok(found)
}

/// The local vault that `folder` is or lies in, if any. `folder` is absolute and without symbolic links; it need not
/// exist.
#[must_use]
pub fn vault_around(folder: &Path) -> Option<PathBuf> {
    let holds_vault = |folder: &&Path| {
        let backend = vault::local(*folder);
        if backend.require_vault().is_err() {
            return false;
        }
        // Other programs may have a file called `header`, so its content is checked. A damaged vault is still a vault.
        let header = backend.read(&Object::Header, vault::largest_bytes(&Object::Header));
        header.is_ok_and(|header| vault::is_header(&header)) || Object::Mapping.path(folder).exists()
    };
    folder.ancestors().find(holds_vault).map(Path::to_owned)
}

/// A vault that was found and is still locked.
pub struct FoundVault {
    root: PathBuf,
    backend: Arc<dyn Backend>,
    judged: Judged,
}

impl FoundVault {
    /// Finds the vault at `root`, a path or an address, so that a wrong path, or another vault than the known one, is
    /// reported before a passphrase is asked for.
    ///
    /// # Errors
    /// [`Error::OtherVault`] when another vault was at `root` before and `trust` does not include this one: ask the
    /// user. When there is no vault, its header cannot be one, or the other machine cannot be reached.
    pub fn at(root: &Path, dirs: &AppDirs, prompts: Prompts, trust: &Trust) -> Result<Self, Error> {
        let backend = backend_at(root, Options::new(prompts).cached_in(dirs.remote_cache()))?;
        let judged = KnownVaults::of(dirs).judge(root, vault::claimed_id(&*backend)?, trust)?;
        Ok(Self { root: root.to_owned(), backend, judged })
    }

    /// What the vault claims to be; nobody has authenticated that yet.
    #[must_use]
    pub fn claimed_id(&self) -> VaultId {
        self.judged.vault
    }

    /// Its name and where it is. Safe to show.
    #[must_use]
    pub fn name_and_address(&self) -> String {
        name_and_address(&self.root)
    }

    /// Unlocks it, and remembers it as the vault used last. A copy that is older than one this machine has seen, or
    /// that was changed separately, is unlocked for reading only.
    ///
    /// [`OpenVault::copy_age`] then tells which of the two it is. Show [`copy_age_note`] before anything of the vault:
    /// an attacker may have put an old copy back. Changing such a copy is refused with [`vault::Error::RolledBack`],
    /// [`vault::Error::Forked`] or [`vault::Error::Unproven`]. To continue with it, ask the user and call
    /// [`OpenVault::accept_older_copy`].
    ///
    /// # Errors
    /// When the passphrase is wrong, or one of the vault's few top-level files is damaged; [`vault::Error::Exchanged`]
    /// when it is not the vault that was found.
    pub fn unlock(self, passphrase: &Passphrase, dirs: &AppDirs) -> Result<OpenVault, Error> {
        let backend = Arc::clone(&self.backend);
        let opened_vault = Vault::open(self.backend, passphrase, freshness(dirs).reading());
        let (vault, snapshot) =
            opened_vault.map_err(|error| of_older_copy(error, &*backend, self.judged.vault, dirs))?;
        if vault.id() != self.judged.vault {
            return Err(vault::Error::Exchanged.into());
        }
        opened(vault, snapshot, &self.root, self.judged, dirs)
    }
}

/// A wrong passphrase, with the explanation that the copy is older, if it says so: nobody has authenticated that.
fn of_older_copy(error: vault::Error, backend: &dyn Backend, vault: VaultId, dirs: &AppDirs) -> Error {
    let found = backend.mapping().ok().map(|signed| signed.mapping.generation);
    let seen = freshness(dirs).seen(vault).ok().and_then(|seen| Some(seen.first()?.generation));
    match (error, found, seen) {
        (vault::Error::WrongPassphrase, Some(found), Some(seen)) if found < seen => {
            Error::WrongPassphraseOfOlder { found, seen }
        }
        (error, ..) => error.into(),
    }
}

/// A vault that was unlocked or created, after it was noted at its address.
fn opened(vault: Vault, snapshot: Snapshot, root: &Path, judged: Judged, dirs: &AppDirs) -> Result<OpenVault, Error> {
    let copy = OpenCopy::new(KnownVaults::of(dirs), judged, Seen::of(snapshot.signed()))?;
    dirs.remember_last_vault(root);
    Ok(OpenVault::new(vault, snapshot).known_as(vault_name(root), copy))
}

/// A message for the user about a copy that is not the newest one; `None` for the newest.
#[must_use]
pub fn copy_age_note(age: CopyAge) -> Option<String> {
    match age {
        CopyAge::Newest => None,
        CopyAge::Older { found, seen } => Some(format!(
            "this copy of the vault is older: it is at generation {found}, and this machine has seen generation \
             {seen}. It can be read and not changed, unless you accept it as the one to use from now on"
        )),
        CopyAge::Forked { found, seen } => Some(format!(
            "this copy of the vault was changed separately: it is at generation {found}, and the other copy that this \
             machine has seen at generation {seen}. It can be read and not changed: put both together (cipherlens \
             merge), or accept this one as the one to use from now on, which leaves behind what only the other one has"
        )),
        CopyAge::Unproven { found, seen } => Some(format!(
            "the history of this copy of the vault, which is at generation {found}, is damaged or begins after \
             generation {seen}, which this machine has seen: nobody can tell whether it continues that one. It can be \
             read and not changed, unless you accept it as the one to use from now on"
        )),
    }
}

/// Where the files of the vault at `root` are, or will be: a path, or an address on another machine.
pub(super) fn backend_at(root: &Path, options: Options) -> Result<Arc<dyn Backend>, Error> {
    Ok(remote::open(Address::parse(root.as_os_str())?, options)?)
}

pub(super) fn freshness(dirs: &AppDirs) -> Freshness {
    Freshness::in_directory(dirs.freshness())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_vault_is_unlocked_and_without_one_a_new_one_is_suggested() {
        let folder = Path::new("/photos");
        let vault = PathBuf::from("/v");
        assert_eq!(first_question(Some(&vault), folder), FirstQuestion::Passphrase { vault });
        let FirstQuestion::NewVault { suggested } = first_question(None, folder) else { panic!("no vault is known") };
        assert!(suggested.ends_with("photos.vault"));
    }

    #[test]
    fn a_folder_without_a_vault_is_distinguished_from_a_missing_one() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(presence(folder.path()), Presence::Folder);
        assert_eq!(presence(&folder.path().join("missing")), Presence::Nothing);
        assert_eq!(presence(Path::new("ssh://nas/photos")), Presence::Vault, "only connecting can tell");
    }
}
