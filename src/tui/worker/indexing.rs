//! The indexing run on its own thread; its events become news for the screen.

use std::path::PathBuf;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};

use super::super::event::AppEvent;
use super::super::request::{Ending, Progress, Reply};
use super::vault::Shared;
use crate::error::with_causes;
use crate::services::find;
use crate::services::index::{self, Summary};
use crate::services::progress::{Control, Event, Outcome, Stage};
use crate::services::unfinished;
use crate::vault::Vault;

/// Finds the photos below `roots` and puts them into `vault`, which may be locked meanwhile: the run goes on, and its
/// keys are wiped when it ends.
pub(super) fn work(
    shared: &Shared,
    vault: Arc<Vault>,
    roots: &[PathBuf],
    control: &Control,
    events: &Sender<AppEvent>,
) {
    // The observer is called from several threads, a sender is used by one at a time.
    let sender = Mutex::new(events.clone());
    let tell = |reply: Reply| {
        let sender = sender.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        // When the loop is gone, the run is about to be.
        let _ = sender.send(AppEvent::Reply(reply));
    };
    let observer = |event: Event| tell(Reply::Indexing(news(event)));
    let result = unfinished::remembered(&vault, shared.places(), roots, || {
        let found = find::photos_below(roots);
        tell(Reply::Indexing(Progress::PassedOver(found.passed_over.tally())));
        tell(Reply::Indexing(Progress::Started { total: found.photos.len() + found.unreadable.len() }));
        for (path, reason) in found.unreadable {
            tell(Reply::Indexing(Progress::Failed { path, reason }));
        }
        let extractor = shared.extractor_of(&vault)?;
        index::run(&vault, &extractor, &found.photos, index::read_file, &observer, control)
    });
    let was_locked = !shared.opened().is_some_and(|opened| Arc::ptr_eq(&opened.vault, &vault));
    drop(vault);
    tell(Reply::Indexing(Progress::Ended(match result {
        Err(error) | Ok(Summary { ended_by: Some(error), .. }) => Ending::Failed(with_causes(&error)),
        Ok(summary) if summary.left > 0 => Ending::Stopped,
        Ok(_) => Ending::Done,
    })));
    // Whoever has unlocked the vault again meanwhile was not asked then, because the run was still ending.
    if was_locked && let Some(roots) = shared.unfinished() {
        tell(Reply::Unfinished(roots));
    }
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
