//! An export on its own thread; its progress is reported to the screen.

use std::path::PathBuf;
use std::sync::mpsc::Sender;

use super::super::event::AppEvent;
use super::super::request::{Exported, Reply};
use super::vault::Shared;
use crate::error::Error;
use crate::services::decoys::Fetch;
use crate::services::export::{self, IfExists, Report, Target};
use crate::services::library::PhotoId;
use crate::services::progress::Control;

/// Writes `photos` of the open vault to `folder`. The outcome is reported even when the vault was locked meanwhile.
pub(super) fn work(shared: &Shared, photos: &[PhotoId], folder: PathBuf, control: &Control, events: &Sender<AppEvent>) {
    // Fails only when the event loop has ended, which stops the export too.
    let tell = |reply: Reply| drop(events.send(AppEvent::Reply(reply)));
    let refused =
        |error: &Error| Exported { left: photos.len(), error: Some(error.with_advice()), ..Exported::default() };
    let exported = match (shared.opened(), Target::at(&folder)) {
        (_, Err(error)) => refused(&error),
        (None, Ok(_)) => Exported { left: photos.len(), ..Exported::default() },
        (Some(opened), Ok(target)) => {
            let photos: Vec<Fetch> = photos.iter().map(|photo| Fetch::Wanted(*photo)).collect();
            let mut observe = |progress| tell(Reply::Exporting(progress));
            summary(&export::run(&opened.vault, &photos, &target, IfExists::Rename, control, &mut observe))
        }
    };
    tell(Reply::Exported { folder, outcome: exported });
}

fn summary(report: &Report) -> Exported {
    Exported {
        exported: report.exported.len(),
        already_there: report.already_there.len(),
        failed: report.failed.iter().map(|failed| failed.error.with_advice()).collect(),
        left: report.left,
        error: report.error.as_ref().map(Error::with_advice),
    }
}
