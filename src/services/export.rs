//! Photos out of the vault: into one folder, byte for byte, each whole under its name or not there at all.
//!
//! A photo is written under a temporary name, fsynced and only then renamed, so a run that is killed leaves no half photo
//! under a photo's name. A run that is repeated finds what it has exported before and goes on. Must never: write into a
//! vault, delete a file before its replacement is complete, or let one damaged photo keep the others from coming out.

mod round;
mod target;

use std::collections::HashSet;
use std::path::PathBuf;

use crate::error::Error;
use crate::services::decoys::Fetch;
use crate::services::progress::Control;
use crate::services::session;
use crate::vault;
use crate::vault::{Digest, Id, Snapshot, Vault};
use round::{Outcome, Place, Round};
pub use target::Target;

/// What to do when another file has the exported photo's name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum IfExists {
    /// Export under the next free name: `photo (2).jpg`.
    Rename,
    /// Replace the file.
    Overwrite,
}

/// How far a run is.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Progress {
    /// Photos to export.
    pub total: usize,
    /// Photos that were written, were there already or failed.
    pub through: usize,
    /// Photos that failed.
    pub failed: usize,
}

/// A photo, or the list of several, that could not be exported.
#[derive(Debug)]
pub struct Failed {
    /// The photo; `None` when a damaged list does not even tell which photos are meant.
    pub id: Option<Id>,
    /// Why.
    pub error: Error,
}

/// What a run did, however it ended.
#[derive(Debug, Default)]
pub struct Report {
    /// Photos that are in the folder now, durably, and the files they are in.
    pub exported: Vec<(Id, PathBuf)>,
    /// Photos whose content was in the folder before, and the files they are in.
    pub already_there: Vec<(Id, PathBuf)>,
    /// Photos that could not be exported.
    pub failed: Vec<Failed>,
    /// Photos that the run did not come to. The same run made again goes on with them.
    pub left: usize,
    /// What ended the run before its time, unless it was stopped.
    pub error: Option<Error>,
}

/// Every photo of the newest generation, in the order of the scan; lists of photos that are damaged come second.
///
/// # Errors
/// When the vault cannot be read at all.
pub fn everything(vault: &Vault) -> Result<(Vec<Fetch>, Vec<Failed>), Error> {
    let (_, found) = session::read_newest(vault, |snapshot| {
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
    })?;
    Ok(found)
}

/// Exports `photos` of `vault` to `target`; decoys are fetched and dropped. Stops between photos when `control` says so.
/// What was written is durable when this returns.
pub fn run(
    vault: &Vault,
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
            let through = report.exported.len() + report.already_there.len() + failed + waiting;
            observe(Progress { total, through, failed });
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
    vault: &Vault,
    photos: &[&Fetch],
    target: &Target,
    if_exists: IfExists,
    control: &Control,
    observe: &mut dyn FnMut(&Report, usize),
    report: &mut Report,
) -> Result<(), Error> {
    let mut source = Source { vault, snapshot: vault.snapshot()? };
    let mut round = Round::begin(vault, target, if_exists)?;
    let mut ended = Ok(());
    for fetch in photos {
        observe(report, round.waiting());
        if !control.may_continue() {
            break;
        }
        ended = match fetch {
            Fetch::Wanted(id) => export_one(&mut source, &mut round, *id, report),
            Fetch::Decoy(id) => {
                // That a decoy cannot be read is no concern of whoever wanted another photo.
                drop(source.read(|snapshot| Ok(snapshot.image(*id)?.photo()?)));
                Ok(())
            }
        };
        if ended.is_err() {
            break;
        }
    }
    // Photos that were written before the run was ended are kept.
    let finished = settle(&mut round, report);
    observe(report, round.waiting());
    ended.and(finished)
}

/// Exports one photo; what concerns this photo alone goes into the report.
fn export_one(source: &mut Source<'_>, round: &mut Round<'_>, id: Id, report: &mut Report) -> Result<(), Error> {
    let exported = source.describe(id).and_then(|photo| match round.place(&photo, 1)? {
        Place::AlreadyThere(path) => Ok(Some(path)),
        Place::Free { copy } => {
            let bytes = source.read(|snapshot| Ok(snapshot.image(id)?.photo()?))?;
            round.write(photo, copy, &bytes)?;
            Ok(None)
        }
    });
    match exported {
        Ok(Some(path)) => report.already_there.push((id, path)),
        Ok(None) => {}
        Err(error) if concerns_one_photo(&error) => report.failed.push(Failed { id: Some(id), error }),
        Err(error) => return Err(error),
    }
    if round.is_full() { settle(round, report) } else { Ok(()) }
}

/// Gives what was written its names.
fn settle(round: &mut Round<'_>, report: &mut Report) -> Result<(), Error> {
    let (settled, ended) = round.settle();
    for (id, outcome) in settled {
        match outcome {
            Ok(Outcome::Exported(path)) => report.exported.push((id, path)),
            Ok(Outcome::AlreadyThere(path)) => report.already_there.push((id, path)),
            Err(error) => report.failed.push(Failed { id: Some(id), error }),
        }
    }
    ended
}

/// Whether other photos may well come out although this error kept one from it. A full disk or a lost connection would
/// fail for every photo.
fn concerns_one_photo(error: &Error) -> bool {
    match error {
        Error::Vault(vault::Error::Io { .. } | vault::Error::UnknownImage { .. } | vault::Error::Superseded { .. }) => {
            true
        }
        Error::Write { source, .. } => round::concerns_one_name(source),
        error => error.is_damage(),
    }
}

/// What a photo's file is made from, besides its content.
struct Described {
    id: Id,
    name: String,
    bytes: u64,
    modified: Option<i64>,
    content: Digest,
}

/// The newest generation of the vault that the run has read.
struct Source<'a> {
    vault: &'a Vault,
    snapshot: Snapshot,
}

impl Source<'_> {
    fn read<T>(&mut self, read: impl Fn(&Snapshot) -> Result<T, Error>) -> Result<T, Error> {
        session::read_from(self.vault, &mut self.snapshot, read)
    }

    fn describe(&mut self, id: Id) -> Result<Described, Error> {
        self.read(|snapshot| {
            let image = snapshot.image(id)?;
            let details = image.details()?;
            Ok(Described {
                id,
                name: details.name.clone(),
                bytes: details.bytes,
                modified: details.modified,
                content: *image.content()?,
            })
        })
    }
}
