//! Exports photos into one folder, byte for byte; a file is either complete under its final name or absent.
//!
//! A photo is written under a temporary name, fsynced and only then renamed, so a killed run leaves no partial photo. A
//! repeated run recognises what was exported before and continues. Must never: write into a vault, delete a file before
//! its replacement is complete, or let one damaged photo stop the others.

mod batch;
mod target;

use std::collections::HashSet;
use std::path::PathBuf;

use crate::error::Error;
use crate::services::decoys::Fetch;
use crate::services::library::PhotoId;
use crate::services::open_vault::OpenVault;
use crate::services::progress::Control;
use crate::vault;
pub use batch::IfExists;
use batch::{Batch, Described, Destination, Outcome, concerns_one_photo};
pub use target::Target;

/// How far a run is.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Progress {
    /// Photos to export.
    pub total: usize,
    /// Photos that are done: written, there already, or failed.
    pub done: usize,
    /// Photos that failed.
    pub failed: usize,
}

/// A photo that could not be exported, or several whose list is damaged.
#[derive(Debug)]
pub struct Failed {
    /// The photo; `None` when a damaged list hides which photos are affected.
    pub id: Option<PhotoId>,
    /// Why.
    pub error: Error,
}

/// What a run did, however it ended.
#[derive(Debug, Default)]
#[must_use]
pub struct Report {
    /// Photos that were written durably, and their files.
    pub exported: Vec<(PhotoId, PathBuf)>,
    /// Photos whose content was in the folder before, and its files.
    pub already_there: Vec<(PhotoId, PathBuf)>,
    /// Photos that could not be exported.
    pub failed: Vec<Failed>,
    /// Photos that the run did not reach. Repeating the run exports them.
    pub left: usize,
    /// The error that ended the run early, unless it was stopped.
    pub error: Option<Error>,
}

/// Every photo of the vault, in the order of the scan, and the photo lists that are damaged.
///
/// # Errors
/// When the vault cannot be read at all.
pub fn everything(vault: &OpenVault) -> Result<(Vec<Fetch>, Vec<Failed>), Error> {
    vault.read(|snapshot| {
        snapshot.prefetch_listing();
        let (mut photos, mut unreadable) = (Vec::with_capacity(snapshot.len()), Vec::new());
        for segment in snapshot.segments()? {
            match segment.images() {
                Ok(images) => photos.extend(images.iter().map(|image| Fetch::Wanted(image.id))),
                Err(error @ vault::Error::Superseded { .. }) => return Err(error.into()),
                Err(error) => unreadable.push(Failed { id: None, error: error.into() }),
            }
        }
        Ok((photos, unreadable))
    })
}

/// Exports `photos` of `vault` to `target`; decoys are fetched and dropped. Stops between photos when `control` is
/// stopped. Exported files are durable when this returns.
///
/// ```no_run
/// # use std::path::Path;
/// use cipherlens::services::export::{self, IfExists, Target};
/// use cipherlens::services::progress::Control;
/// # fn example(
/// #     vault: &cipherlens::services::open_vault::OpenVault,
/// # ) -> Result<(), cipherlens::error::Error> {
/// let (photos, _unreadable) = export::everything(vault)?;
/// let target = Target::at(Path::new("restored"))?;
/// let report = export::run(vault, &photos, &target, IfExists::Rename, &Control::default(), &mut |_progress| {});
/// assert!(report.failed.is_empty() && report.left == 0);
/// # Ok(())
/// # }
/// ```
pub fn run(
    vault: &OpenVault,
    photos: &[Fetch],
    target: &Target,
    if_exists: IfExists,
    control: &Control,
    observe: &mut dyn FnMut(Progress),
) -> Report {
    let mut named = HashSet::new();
    let photos: Vec<_> = photos.iter().filter(|fetch| named.insert(**fetch)).collect();
    let total = photos.iter().filter(|fetch| matches!(fetch, Fetch::Wanted(_))).count();
    let mut report = Report::default();
    report.error = export_all(
        vault,
        &photos,
        target,
        if_exists,
        control,
        &mut |report, waiting| {
            let failed = report.failed.len();
            let done = report.exported.len() + report.already_there.len() + failed + waiting;
            observe(Progress { total, done, failed });
        },
        &mut report,
    )
    .err();
    report.left = total - report.exported.len() - report.already_there.len() - report.failed.len();
    log::info!(
        "exported {} photos, {} there already, {} failed, {} left",
        report.exported.len(),
        report.already_there.len(),
        report.failed.len(),
        report.left
    );
    report
}

fn export_all(
    vault: &OpenVault,
    photos: &[&Fetch],
    target: &Target,
    if_exists: IfExists,
    control: &Control,
    observe: &mut dyn FnMut(&Report, usize),
    report: &mut Report,
) -> Result<(), Error> {
    vault.refresh()?;
    let mut batch = Batch::begin(vault.vault(), target, if_exists)?;
    let mut ended = Ok(());
    for fetch in photos {
        observe(report, batch.waiting());
        if !control.may_continue() {
            break;
        }
        ended = match fetch {
            Fetch::Wanted(id) => export_one(vault, &mut batch, *id, report),
            Fetch::Decoy(id) => {
                // A decoy that cannot be read is not a failure of the export.
                drop(vault.read(|snapshot| Ok(snapshot.image(*id)?.photo()?)));
                Ok(())
            }
        };
        if ended.is_err() {
            break;
        }
    }
    // Photos that were written before the run ended are kept.
    let finished = commit(&mut batch, report);
    observe(report, batch.waiting());
    ended.and(finished)
}

/// Exports one photo; an error that concerns this photo alone goes into the report.
fn export_one(vault: &OpenVault, batch: &mut Batch<'_>, id: PhotoId, report: &mut Report) -> Result<(), Error> {
    let exported = describe(vault, id).and_then(|photo| match batch.destination(&photo, 1)? {
        Destination::AlreadyThere(path) => Ok(Some(path)),
        Destination::Free { copy } => {
            let mut is_begun = false;
            batch.write(photo, copy, |receive| {
                vault.read(|snapshot| {
                    let image = snapshot.image(id)?;
                    // A second try must not append to what the first has passed on.
                    let mut failed = None;
                    let read = image.photo_in_pieces(&mut |piece| {
                        is_begun = true;
                        receive(piece).map_err(|error| {
                            failed = Some(error);
                            vault::Error::Changed
                        })
                    });
                    match (failed, read) {
                        (Some(error), _) => Err(error),
                        (None, Err(vault::Error::Superseded { .. })) if is_begun => Err(vault::Error::Changed.into()),
                        (None, read) => Ok(read?),
                    }
                })
            })?;
            Ok(None)
        }
    });
    match exported {
        Ok(Some(path)) => report.already_there.push((id, path)),
        Ok(None) => {}
        Err(error) if concerns_one_photo(&error) => report.failed.push(Failed { id: Some(id), error }),
        Err(error) => return Err(error),
    }
    if batch.is_full() { commit(batch, report) } else { Ok(()) }
}

/// Renames the written files to their final names.
fn commit(batch: &mut Batch<'_>, report: &mut Report) -> Result<(), Error> {
    let (committed, ended) = batch.commit();
    for (id, outcome) in committed {
        match outcome {
            Ok(Outcome::Exported(path)) => report.exported.push((id, path)),
            Ok(Outcome::AlreadyThere(path)) => report.already_there.push((id, path)),
            Err(error) => report.failed.push(Failed { id: Some(id), error }),
        }
    }
    ended
}

fn describe(vault: &OpenVault, id: PhotoId) -> Result<Described, Error> {
    vault.read(|snapshot| {
        let image = snapshot.image(id)?;
        let record = image.record()?;
        Ok(Described {
            id,
            name: record.name().into_owned(),
            bytes: record.bytes,
            modified: record.found().first().and_then(|found| Some(found.modified?.seconds)),
            content: *image.content()?,
        })
    })
}
