//! An export on its own thread; its progress becomes news for the screen.

use std::path::PathBuf;
use std::sync::mpsc::Sender;

use super::super::event::AppEvent;
use super::super::request::{Exported, Reply};
use super::super::state::PhotoId;
use super::vault::Shared;
use crate::error::{Error, with_causes};
use crate::services::decoys::Fetch;
use crate::services::export::{self, IfExists, Report, Target};
use crate::services::progress::Control;

/// Writes `photos` of the open vault to `folder`. How it ended is told even when the vault was locked meanwhile.
pub(super) fn work(shared: &Shared, photos: &[PhotoId], folder: PathBuf, control: &Control, events: &Sender<AppEvent>) {
    // When the loop is gone, the export is about to be stopped.
    let tell = |reply: Reply| drop(events.send(AppEvent::Reply(reply)));
    let refused =
        |error: &Error| Exported { left: photos.len(), error: Some(with_advice(error)), ..Exported::default() };
    let exported = match (shared.opened(), Target::at(&folder)) {
        (_, Err(error)) => refused(&error),
        (None, Ok(_)) => Exported { left: photos.len(), ..Exported::default() },
        (Some(opened), Ok(target)) => {
            let photos: Vec<Fetch> = photos.iter().map(|photo| Fetch::Wanted((*photo).into())).collect();
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
        failed: report.failed.iter().map(|failed| with_advice(&failed.error)).collect(),
        left: report.left,
        error: report.error.as_ref().map(with_advice),
    }
}

/// An error with its causes and the next step.
fn with_advice(error: &Error) -> String {
    let message = with_causes(error);
    match error.advice() {
        Some(advice) => format!("{message}; {advice}"),
        None => message,
    }
}
