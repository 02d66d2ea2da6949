//! Merges two copies of a vault that went separate ways, on this machine or on others.

use std::path::Path;

use crate::error::Error;
use crate::remote;
pub use crate::remote::{MergeProgress, MergedCopies, OlderSource, Relation};
use crate::remote::{Options, Prompts, Replica};
use crate::services::app_dirs::AppDirs;
use crate::services::session::{self, Passphrase};
use crate::vault;
pub use crate::vault::{Settle, Side};

/// A photo that one copy has and the other one has removed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Disagreement {
    /// Its file name; may hold anything.
    pub name: String,
    /// When it was removed, seconds since 1970.
    pub removed: i64,
    /// The copy from which it was removed.
    pub removed_in: Side,
}

impl From<&vault::Disagreement> for Disagreement {
    fn from(found: &vault::Disagreement) -> Self {
        let name = String::from_utf8_lossy(&found.name).into_owned();
        Self { name, removed: found.removed, removed_in: found.removed_in }
    }
}

/// Makes the copies at `ours` and `theirs`, paths or addresses, the same: the union of their photos by content.
/// `passphrase` opens `ours`, and both afterwards. `decide` is asked about photos that one copy has removed; with `None`
/// nothing is changed and there is no result. With [`OlderSource::Accept`] neither copy need continue what this machine
/// has seen.
///
/// # Errors
/// When one cannot be reached or they are different vaults; when neither is the newest that this machine has seen; when
/// a file is missing or damaged. Merging again goes on where it stopped.
pub fn merge(
    ours: &Path,
    theirs: &Path,
    passphrase: &Passphrase,
    dirs: &AppDirs,
    older: OlderSource,
    decide: &dyn Fn(&[Disagreement]) -> Option<Settle>,
    progress: &dyn Fn(MergeProgress),
) -> Result<Option<MergedCopies>, Error> {
    let replica = |root: &Path| -> Result<Replica, Error> {
        let backend = session::backend_at(root, Options::new(Prompts::Allowed))?;
        Ok(Replica { backend, name: root.display().to_string() })
    };
    let decide = |found: &[vault::Disagreement]| decide(&found.iter().map(Disagreement::from).collect::<Vec<_>>());
    let (ours, theirs, freshness) = (replica(ours)?, replica(theirs)?, session::freshness(dirs));
    Ok(remote::merge(&ours, &theirs, passphrase, &freshness, older, &decide, progress)?)
}
