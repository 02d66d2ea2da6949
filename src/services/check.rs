//! Checks and repairs a vault. The vault rebuilds what its undamaged files determine; this module regenerates vectors
//! and thumbnails from the photos, and says where another copy of the vault is, from which damaged files are taken.
//!
//! Must never: say that a copy is whole after a check without its key.

pub(super) mod contents;

use std::path::Path;

use contents::Contents;

use crate::durable::IfLocked;
use crate::error::Error;
use crate::remote::{self, Address, Options, Prompts};
use crate::services::app_dirs::AppDirs;
use crate::services::embedding::EmbeddingModel;
use crate::services::known_vaults::KnownVaults;
use crate::services::library::PhotoId;
use crate::services::open_vault::OpenVault;
use crate::services::photo;
use crate::services::session;
use crate::services::thumbnail;
use crate::vault;
use crate::vault::Regenerate;
pub use crate::vault::check::{Progress, Remedy};
pub use crate::vault::{Compared, LostPhotoPolicy, RestoreProgress};

/// A damaged or missing file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Damage {
    /// The file's path in the vault.
    pub object: String,
    /// What it holds, in words. May name a photo.
    pub holds: String,
    /// What was found.
    pub reason: String,
    /// How a repair can fix it.
    pub remedy: Remedy,
}

impl Damage {
    /// What the user can do about it.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        match self.remedy {
            Remedy::Rebuild => "nothing is lost: cipherlens check --repair rebuilds it",
            Remedy::Regenerate => "nothing is lost: cipherlens check --repair rebuilds it from the photos",
            Remedy::Rename => {
                "names and dates are lost here, the photos are not: cipherlens check --repair --from ADDRESS takes \
                 the file from another copy of the vault; without --from it gives them new names"
            }
            Remedy::Omit => {
                "the names of folders are lost here, the photos are not: cipherlens check --repair --from ADDRESS \
                 takes the file from another copy of the vault; without --from it goes on without them"
            }
            Remedy::Forget => {
                "no photo is lost: cipherlens check --repair begins the history anew after what is damaged, and \
                 machines that have last seen the vault before that ask whether to use it"
            }
            Remedy::ForgetRemovals => {
                "no photo is lost: cipherlens check --repair goes on without it, and photos that were removed can come \
                 back when they are added again"
            }
            Remedy::Lost => {
                "the photo is lost here: take the file from another copy of the vault with cipherlens check --repair \
                 --from ADDRESS, or remove the photo with cipherlens check --repair --drop-lost"
            }
            Remedy::ReadAgain => {
                "it may be whole: look after the disk and its connection, and check again. If it stays like this, take \
                 the file from another copy of the vault with cipherlens check --repair --from ADDRESS, or delete it \
                 and check once more"
            }
            Remedy::Upgrade => "nothing is lost: cipherlens upgrade makes it anew",
            Remedy::Restore => {
                "vaults of older formats are not repaired: put the file back from a backup, or repair the vault with \
                 the version of cipherlens that wrote it; cipherlens export saves what is whole"
            }
        }
    }
}

/// What a check found.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[must_use]
pub struct Report {
    /// Photos that the vault lists.
    pub photos: usize,
    /// Every damage, in the order of the files.
    pub damages: Vec<Damage>,
    /// Files of an interrupted run; the next change removes them.
    pub leftovers: Vec<String>,
    /// Files that nothing in the vault refers to.
    pub strays: Vec<String>,
}

impl Report {
    /// Whether nothing is damaged or missing.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.damages.is_empty()
    }
}

/// What a repair did.
#[derive(Debug)]
#[must_use]
pub struct Repaired {
    /// What was found before.
    pub before: Report,
    /// What is still damaged.
    pub after: Report,
    /// Photos that were dropped because their original is lost.
    pub dropped: Vec<DroppedPhoto>,
}

/// A photo that a repair has dropped.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DroppedPhoto {
    /// Its id.
    pub id: PhotoId,
    /// Its name, if it is known.
    pub name: Option<String>,
}

impl Repaired {
    /// The damages that are gone.
    pub fn mended(&self) -> impl Iterator<Item = &Damage> {
        let is_left = |damage: &Damage| self.after.damages.iter().any(|left| left.object == damage.object);
        self.before.damages.iter().filter(move |damage| !is_left(damage))
    }
}

/// Reads and verifies every file of the newest generation. `progress` is called from any thread.
///
/// # Errors
/// Only when a damaged top-level file leaves nothing to check; the error names it.
///
/// ```no_run
/// # fn example(vault: &cipherlens::services::open_vault::OpenVault) -> Result<(), cipherlens::error::Error> {
/// let report = cipherlens::services::check::check(vault, &|_progress| {})?;
/// let damaged: Vec<&str> = report.damages.iter().map(|damage| damage.object.as_str()).collect();
/// assert_eq!(report.is_whole(), damaged.is_empty());
/// # Ok(())
/// # }
/// ```
pub fn check(vault: &OpenVault, progress: &(dyn Fn(Progress) + Sync)) -> Result<Report, Error> {
    let snapshot = vault.snapshot()?;
    let report = Report::of(vault.vault().check(progress)?, &Contents::of(&snapshot));
    vault.note_check(report.damages.len());
    Ok(report)
}

/// Repairs the vault. `progress` is called from any thread; everything is read twice.
///
/// # Errors
/// When another model made the vault's vectors, another process writes, or a file cannot be written.
pub fn repair(
    vault: &OpenVault,
    model: &EmbeddingModel,
    lost: LostPhotoPolicy,
    progress: &(dyn Fn(Progress) + Sync),
) -> Result<Repaired, Error> {
    model.require_space_of(vault.vault())?;
    // Names what is damaged, and what is dropped.
    let snapshot = vault.snapshot()?;
    let repaired = vault::repair(vault.vault(), &FromOriginals(model), lost, IfLocked::Wait, progress);
    // Commits before an error stay.
    vault.mark_changed();
    let vault::Repaired { before, after, dropped } = repaired?;
    log::info!("repaired: {} damages before, {} after", before.damages.len(), after.damages.len());
    vault.note_check(after.damages.len());
    let (contents, now) = (Contents::of(&snapshot), vault.snapshot()?);
    let dropped = dropped.into_iter().map(|id| DroppedPhoto { id, name: contents.name(id) }).collect();
    Ok(Repaired { before: Report::of(before, &contents), after: Report::of(after, &Contents::of(&now)), dropped })
}

/// What a check of a copy without its key found.
#[derive(Clone, Debug, Eq, PartialEq)]
#[must_use]
pub struct CopyReport {
    /// The id of the vault, as the copy says.
    pub vault: String,
    /// Whether that is another vault than the one that this machine knows at the address.
    pub is_other_vault: bool,
    /// The generation of the copy.
    pub generation: u64,
    /// Photos that the copy lists.
    pub photos: usize,
    /// Files that were hashed.
    pub files: usize,
    /// Photos in lists that cannot be read, whose files are not known.
    pub unlisted: usize,
    /// Files that are missing or damaged.
    pub damages: Vec<DamagedFile>,
    /// Whether another machine computed the digests.
    pub is_remote: bool,
}

impl CopyReport {
    /// Whether every file is known and as recorded.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.damages.is_empty() && self.unlisted == 0
    }
}

/// A file that is missing or damaged in some copy.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DamagedFile {
    /// The file's path in the vault.
    pub object: String,
    /// What it holds, in words. May name a photo.
    pub holds: String,
    /// What was found.
    pub reason: String,
}

impl DamagedFile {
    fn all(differences: Vec<vault::Difference>, contents: &Contents<'_>) -> Vec<Self> {
        let damaged = |vault::Difference { file, cause }| {
            let holds = contents.held(&file.object, None);
            Self { object: file.object.to_string(), holds, reason: cause.to_string() }
        };
        differences.into_iter().map(damaged).collect()
    }
}

/// Checks a copy of a vault without its key: the place that stores it hashes every file that its mapping names, and the
/// digests are compared. Whether the copy is the owner's, and the newest, is not known then.
///
/// # Errors
/// When there is no copy, its mapping cannot be read, or the place cannot be reached; [`Error::KnownVaults`] when it is
/// not known which vault belongs there.
pub fn check_copy(root: &Path, dirs: &AppDirs, progress: &dyn Fn(Compared)) -> Result<CopyReport, Error> {
    let known = KnownVaults::of(dirs);
    let expected = known.vault_at(root)?;
    let backend = session::backend_at(root, Options::new(Prompts::Allowed))?;
    let report = vault::keyless_check(&*backend, progress)?;
    // A list can have the right digest and still not be one.
    let damages = report.differences.len().max(usize::from(report.unlisted_images > 0));
    if known.checked(root, report.vault, damages).is_err() {
        log::warn!("it was not noted that a copy was checked");
    }
    // Only to name the files that are damaged.
    let signed = if report.differences.is_empty() { None } else { backend.mapping().ok() };
    let contents = Contents::without_key(signed.as_ref().map(|signed| &signed.mapping));
    Ok(CopyReport {
        vault: report.vault.to_string(),
        is_other_vault: expected.is_some_and(|expected| expected != report.vault),
        generation: report.generation,
        photos: report.images,
        files: report.files,
        unlisted: report.unlisted_images,
        damages: DamagedFile::all(report.differences, &contents),
        is_remote: Address::is_remote(root),
    })
}

/// What was taken from another copy.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[must_use]
pub struct Restored {
    /// Files that are whole again.
    pub restored: Vec<String>,
    /// Damaged files that the other copy does not have either.
    pub lacking: Vec<DamagedFile>,
}

/// Takes damaged or missing files of the vault from another copy of it at `from`, a path or an address. Call
/// [`repair`] afterwards for what the other copy does not have.
///
/// # Errors
/// When `from` is a copy of another vault, or either place cannot be reached; when another process writes, or a file
/// cannot be written. What was restored before the error stays.
pub fn restore(vault: &OpenVault, from: &Path, progress: &dyn Fn(RestoreProgress)) -> Result<Restored, Error> {
    let (snapshot, other) = (vault.snapshot()?, session::backend_at(from, Options::new(Prompts::Allowed))?);
    other.require_vault()?;
    // Not to trust it, which is not needed, but to tell a mistaken address from a copy that has lost files.
    if other.mapping()?.mapping.vault != vault.vault().id() {
        let (there, here) = (from.display().to_string(), "the vault to repair".to_owned());
        return Err(remote::Error::OtherVault { there, here }.into());
    }
    let restored = vault::restore(vault.vault(), &*other, IfLocked::Wait, progress);
    // What was restored before an error was committed.
    vault.mark_changed();
    let vault::Restored { restored, lacking } = restored?;
    log::info!("restored: {} files from another copy, which lacks {}", restored.len(), lacking.len());
    let restored = restored.iter().map(ToString::to_string).collect();
    Ok(Restored { restored, lacking: DamagedFile::all(lacking, &Contents::of(&snapshot)) })
}

/// Regenerates lost vectors and thumbnails from originals.
struct FromOriginals<'a>(&'a EmbeddingModel);

impl Regenerate for FromOriginals<'_> {
    fn vector(&self, original: &[u8]) -> Option<Vec<f32>> {
        Some(self.0.embed_photo(original, None).ok()?.to_vec())
    }

    fn thumbnail(&self, original: &[u8]) -> Option<Vec<u8>> {
        Some(thumbnail::of(&photo::decode(original, None).ok()?).ok()?.to_vec())
    }
}

impl Report {
    /// The same in words.
    pub(super) fn of(report: vault::check::Report, contents: &Contents<'_>) -> Self {
        let damage = |damage: &vault::check::Damage| Damage {
            object: damage.object.to_string(),
            holds: contents.held(&damage.object, damage.image),
            reason: damage.cause.to_string(),
            remedy: damage.remedy,
        };
        Self {
            photos: report.images,
            damages: report.damages.iter().map(damage).collect(),
            leftovers: report.leftovers.abandoned.iter().map(ToString::to_string).collect(),
            strays: report.leftovers.strays,
        }
    }
}
