//! The beginning of every use case: a vault opened or created, the network loaded, and whether the two fit.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cipher::{Cost, Passphrase};
use crate::error::Error;
use crate::features::{Extractor, Precision, Weights, Workload};
use crate::remote;
use crate::remote::{Address, OlderSource, Options, Prompts, Replica, Transferred};
use crate::services::places::Places;
pub use crate::vault::CopyAge;
use crate::vault::{self, Backend, FeatureSpace, Freshness, Mapping, Object, Snapshot, Vault};

/// Creates an empty vault at `root` whose vectors `extractor` will make.
///
/// # Errors
/// When something is there already, or the disk refuses.
pub fn create_vault(
    root: &Path,
    passphrase: &Passphrase,
    cost: Cost,
    extractor: &Extractor,
    places: &Places,
) -> Result<(Vault, Snapshot), Error> {
    let backend = backend_at(root, Options::new(Prompts::Allowed).cached_in(places.fetched()))?;
    Ok(Vault::create(backend, passphrase, cost, space_of(extractor), freshness(places))?)
}

/// Where the files of the vault at `root` are, or will be: a path, or an address on another machine.
fn backend_at(root: &Path, options: Options) -> Result<Arc<dyn Backend>, Error> {
    Ok(remote::open(Address::parse(root.as_os_str())?, options)?)
}

/// Whether there is a vault at `root`, open to whoever knows its passphrase or not. An address on another machine counts
/// as one: only the connection that opens it can tell.
#[must_use]
pub fn is_vault(root: &Path) -> bool {
    Address::is_remote(root) || !matches!(vault::local(root).require_vault(), Err(vault::Error::NotAVault { .. }))
}

/// What is at the place of a vault.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Presence {
    /// A vault.
    Vault,
    /// A folder without a vault, such as a mount point whose disk is not mounted.
    Folder,
    /// Neither.
    Nothing,
}

/// Looks what is at `root`. It takes as long as the disk or network takes that `root` is on.
#[must_use]
pub fn look(root: &Path) -> Presence {
    match () {
        () if is_vault(root) => Presence::Vault,
        () if root.is_dir() => Presence::Folder,
        () => Presence::Nothing,
    }
}

/// The vault on this machine that `folder` is or lies in, if it does. `folder` is absolute and has no symbolic links; it need
/// not exist.
#[must_use]
pub fn vault_around(folder: &Path) -> Option<PathBuf> {
    let holds_vault = |folder: &&Path| {
        let backend = vault::local(*folder);
        if backend.require_vault().is_err() {
            return false;
        }
        // Any program may call a file `header`. A damaged vault is one all the same.
        backend
            .read(&Object::Header, vault::largest_bytes(&Object::Header))
            .is_ok_and(|header| vault::is_header(&header))
            || Object::Mapping.path(folder).exists()
    };
    folder.ancestors().find(holds_vault).map(Path::to_owned)
}

/// A place that holds a vault, found before a passphrase is asked for.
pub struct FoundVault(Arc<dyn Backend>);

impl FoundVault {
    /// Looks whether there is a vault at `root`: a path, or an address of a vault on another machine.
    ///
    /// # Errors
    /// When there is none, or the other machine cannot be reached.
    pub fn at(root: &Path, places: &Places, prompts: Prompts) -> Result<Self, Error> {
        let backend = backend_at(root, Options::new(prompts).cached_in(places.fetched()))?;
        backend.require_vault()?;
        Ok(Self(backend))
    }

    /// Opens it, together with its newest generation; for reading alone when this machine has seen a newer copy or one that went a separate way.
    ///
    /// [`Vault::copy_age`] then says which of the two it is, and whoever shows anything of the vault must say so plainly
    /// ([`note`] has the words): somebody may have put an old copy back. Reading changes no record, so the same is said the
    /// next time. Whatever would change the vault is refused with [`vault::Error::RolledBack`] or
    /// [`vault::Error::Forked`] ([`Vault::require_newest`] asks beforehand).
    ///
    /// To go on with an older copy, ask the user whether it is to be used from now on, and then call
    /// [`Vault::accept_older_copy`]: it needs no passphrase, and the same [`Vault`] can be changed afterwards. A copy that
    /// went a separate way ([`CopyAge::Forked`]) is never accepted.
    ///
    /// # Errors
    /// When the passphrase is wrong, or one of the vault's few top files is damaged.
    pub fn open(self, passphrase: &Passphrase, places: &Places) -> Result<(Vault, Snapshot), Error> {
        Ok(Vault::open(self.0, passphrase, freshness(places).reading())?)
    }
}

/// What is to be said of a copy that is not the newest one, in words for the user; `None` for the newest.
#[must_use]
pub fn note(age: CopyAge) -> Option<String> {
    match age {
        CopyAge::Newest => None,
        CopyAge::Older { found, seen } => Some(format!(
            "this copy of the vault is older: it is at generation {found}, and this machine has seen generation {seen}. \
             It can be read and not changed, unless you accept it as the one to use from now on"
        )),
        CopyAge::Forked { found, seen } => Some(format!(
            "this copy of the vault was changed separately: its generation {found} does not continue generation {seen}, \
             which this machine has seen. It can be read and not changed: export what only this copy has, and add it to \
             the other one"
        )),
    }
}

/// Makes the copy of a vault at `to` what the one at `from` is; both are paths or addresses. `older` says what becomes of a
/// source that is not the newest copy: a copy on another machine is not replaced by an older one in any case, because hosts
/// put no older generation in force. `copied` is told how many files of how many are done.
///
/// # Errors
/// When one cannot be reached, `to` is newer or was changed separately (nothing is changed then), or `from` is damaged.
pub fn transfer(
    from: &Path,
    to: &Path,
    passphrase: &Passphrase,
    places: &Places,
    older: OlderSource,
    copied: &dyn Fn(usize, usize),
) -> Result<Transferred, Error> {
    let copy = |root: &Path| -> Result<Replica, Error> {
        // A transfer reads each file once: caching it would only fill the disk.
        let backend = backend_at(root, Options::new(Prompts::Allowed))?;
        Ok(Replica { backend, name: root.display().to_string() })
    };
    Ok(remote::transfer(&copy(from)?, &copy(to)?, passphrase, &freshness(places), older, copied)?)
}

/// How often a reader starts again when writers overtake it; each time they must have committed once more.
const TRIES: usize = 8;

/// Reads the newest generation with `read`, and starts again on the next one when a writer removed what it was reading.
///
/// # Errors
/// Those of `read`.
pub fn read_newest<T>(
    vault: &Vault,
    mut read: impl FnMut(&Snapshot) -> Result<T, Error>,
) -> Result<(Snapshot, T), Error> {
    let mut snapshot = vault.snapshot()?;
    let outcome = read_from(vault, &mut snapshot, &mut read)?;
    Ok((snapshot, outcome))
}

/// Reads `snapshot` with `read`; when a writer removed what it was reading, puts the next generation in its place and starts
/// again.
///
/// # Errors
/// Those of `read`.
pub fn read_from<T>(
    vault: &Vault,
    snapshot: &mut Snapshot,
    mut read: impl FnMut(&Snapshot) -> Result<T, Error>,
) -> Result<T, Error> {
    for _ in 1..TRIES {
        match read(snapshot) {
            Err(Error::Vault(vault::Error::Superseded { .. })) => *snapshot = vault.snapshot_after(snapshot)?,
            outcome => return outcome,
        }
    }
    read(snapshot)
}

/// Loads the network for a vault: in the precision that its vectors were made in.
///
/// # Errors
/// As [`load_network`], or the vault's precision is of a later version of this program.
pub fn load_network_of(
    vault: &Vault,
    file: Option<&Path>,
    workload: Workload,
    places: &Places,
) -> Result<Extractor, Error> {
    load_network(file, precision_of(vault)?, workload, places)
}

/// The precision that a vault's vectors were made in.
///
/// # Errors
/// When this program does not know it.
pub fn precision_of(vault: &Vault) -> Result<Precision, Error> {
    let name = &vault.feature_space().precision;
    let unknown = || vault::Error::FeatureSpace {
        field: "precision",
        vault: name.clone(),
        program: Precision::ALL.map(Precision::name).join(" or "),
    };
    Ok(Precision::named(name).ok_or_else(unknown)?)
}

/// Loads the network: the weights in `file`, else those the program carries, else those in the data folder.
///
/// # Errors
/// When there are none, the file is no ResNet-50's, or `CIPHERLENS_KERNEL` names no kernel of this processor.
pub fn load_network(
    file: Option<&Path>,
    precision: Precision,
    workload: Workload,
    places: &Places,
) -> Result<Extractor, Error> {
    let weights = match file {
        Some(file) => Weights::from_file(file)?,
        None => Weights::standard(places.data())?,
    };
    Ok(Extractor::new(weights, precision, workload)?)
}

/// Refuses vectors of `extractor` where the vault's were made in another way: their cosines would mean nothing.
///
/// # Errors
/// Naming what differs.
pub fn require_same_space(mapping: &Mapping, extractor: &Extractor) -> Result<(), Error> {
    Ok(mapping.feature_space.check(&space_of(extractor))?)
}

fn space_of(extractor: &Extractor) -> FeatureSpace {
    let space = extractor.space().clone();
    FeatureSpace { weights: space.weights, preprocessing: space.preprocessing, precision: space.precision }
}

fn freshness(places: &Places) -> Freshness {
    Freshness::in_directory(places.freshness())
}
