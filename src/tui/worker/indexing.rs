//! The indexing run on its own thread; its events become news for the screen.

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::mpsc::Sender;

use super::super::request::{Ending, Progress, Reply};
use super::Happening;
use super::vault::Shared;
use crate::error::with_causes;
use crate::services::find;
use crate::services::index::{self, Summary};
use crate::services::progress::{Control, Event, Outcome, Stage};

/// Finds the photos below `paths` and puts them into the open vault.
pub(super) fn work(shared: &Shared, paths: &[PathBuf], control: &Control, happenings: &Sender<Happening>) {
    let Some(opened) = shared.opened() else { return };
    // The observer is called from several threads, a sender is used by one at a time.
    let sender = Mutex::new(happenings.clone());
    let tell = |progress: Progress| {
        if shared.is_open(&opened) {
            let sender = sender.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            // When the loop is gone, the run is about to be.
            let _ = sender.send(Happening::Reply(Reply::Indexing(progress)));
        }
    };
    let found = find::photos_below(paths);
    tell(Progress::PassedOver(found.passed_over.tally()));
    tell(Progress::Started { total: found.photos.len() + found.unreadable.len() });
    for (path, reason) in found.unreadable {
        tell(Progress::Failed { path, reason });
    }
    let observer = |event: Event| tell(news(event));
    let result = shared.extractor().and_then(|extractor| {
        index::run(&opened.vault, &extractor, &found.photos, index::read_file, &observer, control)
    });
    tell(Progress::Ended(match result {
        Err(error) | Ok(Summary { ended_by: Some(error), .. }) => Ending::Failed(with_causes(&error)),
        Ok(summary) if summary.left > 0 => Ending::Stopped,
        Ok(_) => Ending::Done,
    }));
}

fn news(event: Event) -> Progress {
    match event {
        Event::WaitingForWriter => Progress::WaitingForWriter,
        Event::Entered { path, stage: Stage::Reading } => Progress::Reading(path),
        Event::Entered { path, stage: Stage::Features } => Progress::Features(path),
        Event::Entered { path, stage: Stage::Sealing } => Progress::Sealing(path),
        Event::Finished { path, outcome: Outcome::Added } => Progress::Added { path },
        Event::Finished { outcome: Outcome::AlreadyPresent, .. } => Progress::AlreadyPresent,
        Event::Finished { path, outcome: Outcome::Failed { reason } } => Progress::Failed { path, reason },
        Event::Committed { photos } => Progress::Committed { photos },
    }
}
