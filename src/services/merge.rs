//! Merges two copies of a vault that went separate ways, on this machine or on others.

use std::path::Path;

use crate::error::Error;
use crate::remote;
pub use crate::remote::{MergeProgress, MergedCopies, OlderSource, Relation};
use crate::services::app_dirs::AppDirs;
use crate::services::known_vaults::{Judged, KnownVaults, Trust};
use crate::services::session::{self, Passphrase};
use crate::services::stored_photo::PhotoId;
use crate::services::transfer::Transfer;
use crate::vault;
pub use crate::vault::{Decision, Settle, Side};

/// A photo that one copy has and the other one has removed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Disagreement {
    /// Its id in the copy that has it.
    pub id: PhotoId,
    /// Where it was found, below the folder that was added; may hold anything.
    pub path: String,
    /// When it was removed, seconds since 1970.
    pub removed: i64,
    /// The copy from which it was removed.
    pub removed_in: Side,
}

impl From<&vault::Disagreement> for Disagreement {
    fn from(found: &vault::Disagreement) -> Self {
        let path = String::from_utf8_lossy(&found.path).into_owned();
        Self { id: found.id, path, removed: found.removed, removed_in: found.removed_in }
    }
}

/// What two copies that were changed separately disagree about.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Disagreements {
    /// In the order of their paths.
    pub photos: Vec<Disagreement>,
    /// Whether different passphrases open them.
    pub passphrases: bool,
}

impl From<remote::Disagreements<'_>> for Disagreements {
    fn from(found: remote::Disagreements<'_>) -> Self {
        Self { photos: found.photos.iter().map(Disagreement::from).collect(), passphrases: found.passphrases }
    }
}

/// Two copies that are to become the same.
pub struct Copies {
    places: Transfer,
    theirs: Judged,
}

impl Copies {
    /// Finds the copies at `ours` and `theirs`, paths or addresses, so that a wrong path, or another vault than the
    /// known one, is reported before a passphrase is asked for.
    ///
    /// # Errors
    /// As [`Transfer::find`]; when there is no vault at `theirs` either.
    pub fn at(ours: &Path, theirs: &Path, dirs: &AppDirs, trust: &Trust) -> Result<Self, Error> {
        let mut places = Transfer::find(ours, theirs, dirs, trust)?;
        let judged = places.target.take();
        let theirs = judged.ok_or_else(|| vault::Error::NotAVault { path: theirs.to_owned() })?;
        Ok(Self { places, theirs })
    }

    /// What the two copies are called. Safe to show.
    #[must_use]
    pub fn names(&self) -> [String; 2] {
        self.places.names()
    }

    /// Name and address of the copy whose passphrase is asked for. Safe to show.
    #[must_use]
    pub fn first_and_address(&self) -> String {
        self.places.source_and_address()
    }

    /// Makes both the union of their photos by content. `passphrase` opens the first one. `decide` is asked about what
    /// they disagree about; with `None` nothing is changed and there is no result. With [`OlderSource::Accept`] neither
    /// copy need continue what this machine has seen. Returns what to tell the user about the list of known vaults,
    /// too.
    ///
    /// # Errors
    /// When a connection is lost or they are different vaults; when neither is the newest that this machine has seen;
    /// when a file is missing or damaged. Merging again goes on where it stopped.
    pub fn merge(
        self,
        passphrase: &Passphrase,
        dirs: &AppDirs,
        older: OlderSource,
        decide: &dyn Fn(Disagreements) -> Option<Decision>,
        progress: &dyn Fn(MergeProgress),
    ) -> Result<(Option<MergedCopies>, Vec<String>), Error> {
        let Self { places: Transfer { from: ours, source, to, .. }, theirs } = self;
        let decide = |found: remote::Disagreements<'_>| decide(found.into());
        let freshness = session::freshness(dirs);
        let merged = remote::merge(&ours, &to, passphrase, &freshness, older, &decide, progress)?;
        let noted = merged.as_ref().map(|merged| KnownVaults::of(dirs).note_all(&[&source, &theirs], merged.newest));
        Ok((merged, noted.unwrap_or_default()))
    }
}
