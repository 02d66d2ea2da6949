//! The indexing run on its own thread; its events are reported to the screen.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::Sender;

use parking_lot::Mutex;

use super::super::event::AppEvent;
use super::super::request::{Ending, IndexingUpdate, Reply};
use super::vault::Shared;
use crate::services::embedding::Workload;
use crate::services::find;
use crate::services::index::{self, Photos, Summary};
use crate::services::interrupted_runs;
use crate::services::open_vault::OpenVault;
use crate::services::progress::{Control, Event, Outcome};

/// Indexes the photos below `roots` into `vault`. If the vault is locked meanwhile, the run continues, and its keys are
/// wiped when it ends.
pub(super) fn work(
    shared: &Shared,
    vault: Arc<OpenVault>,
    roots: &[PathBuf],
    control: &Control,
    events: &Sender<AppEvent>,
) {
    // The observer is called from several threads.
    let sender = Mutex::new(events.clone());
    let tell = |reply: Reply| {
        // Fails only when the event loop has ended, which stops the run too.
        let _ = sender.lock().send(AppEvent::Reply(reply));
    };
    let update = |update| tell(Reply::Indexing(update));
    let observer = |event: Event| update(IndexingUpdate::Event(event));
    let result = interrupted_runs::remembered(&vault, shared.dirs(), roots, || {
        let found = find::photos_below(roots);
        let total = found.photos.len() + found.unreadable.len();
        update(IndexingUpdate::Found { total, skipped: found.skipped.counts() });
        for (path, reason) in found.unreadable {
            observer(Event::Finished { path, outcome: Outcome::Failed { reason } });
        }
        let model = shared.model_for(&vault, Workload::Many)?;
        let photos = Photos { folders: roots, paths: &found.photos, ..Photos::default() };
        index::run(&vault, &model, photos, index::read_file, &observer, control)
    });
    let was_locked = !shared.opened().is_some_and(|opened| Arc::ptr_eq(&opened.vault, &vault));
    drop(vault);
    shared.free_packed_model();
    update(IndexingUpdate::Ended(match result {
        Err(error) | Ok(Summary { ended_by: Some(error), .. }) => Ending::Failed(error.with_advice()),
        Ok(summary) if summary.left > 0 => Ending::Stopped,
        Ok(_) => Ending::Done,
    }));
    // If the vault was unlocked again meanwhile, the run was not offered then, because it had not ended yet.
    if was_locked && let Some(roots) = shared.interrupted_run() {
        tell(Reply::Unfinished(roots));
    }
}
