//! Applies the workers' replies to the state.

use super::super::attention::Run;
use super::super::request::{Contents, Download, Effect, Ending, IndexingUpdate, Reply, Request};
use super::super::state::State;
use super::super::state::Tab;
use super::super::state::history::History;
use super::super::state::indexing::{Indexing, RunStatus};
use super::super::state::list::List;
use super::super::state::lock_screen::{LockScreen, Look, Step, Untrusted};
use super::super::state::overlay::{Overlay, Question};
use super::super::state::vault::Session;
use super::{export, indexing, intake, leaving, lock_screen, photos, trust};
use crate::services::check;
use crate::services::format::count;
use crate::services::open_vault::CopyAge;
use crate::services::progress::{Event, Outcome, Stage};
use crate::services::session::{self, Address};

/// Applies a reply. A reply that is out of date changes nothing.
pub(super) fn receive(state: &mut State, reply: Reply) -> Vec<Effect> {
    match reply {
        Reply::Listed { folder, listing } => listed(state, &folder, listing),
        Reply::KnownVaults(addresses) => state.known_vaults = addresses,
        Reply::Looked { vault, found } if state.wanted_vault.as_ref() == Some(&vault) => {
            return leaving::found_other(state, vault, found);
        }
        // The screen that asks for its passphrase asks about it.
        Reply::OtherVault { vault, .. } if state.wanted_vault.as_ref() == Some(&vault) => {
            return leaving::open_vault(state, vault);
        }
        Reply::Looked { vault, found } => return lock_screen::looked(state, vault, found),
        Reply::Opened { vault, result } => return opened(state, vault, result),
        Reply::OtherVault { vault, found, passphrase } => trust::ask(state, Untrusted { vault, found, passphrase }),
        Reply::Exported { folder, outcome } => return export::ended(state, &folder, outcome),
        // A run outlives a lock; only its numbers are kept then.
        Reply::Indexing(update) => return indexing_update(state, update),
        // Folders are surveyed without an open vault too. Surveys from before a lock are dropped by their version.
        Reply::Surveyed { request, survey } => intake::surveyed(state, &request, survey),
        // Everything below names photos of a vault, so it is dropped after a lock.
        _ if state.session.open().is_none() => {}
        Reply::Collection(result) => collection(state, result),
        Reply::AcceptedOlder(result) => return accepted_older(state, result),
        Reply::Unfinished(roots) => {
            if !indexing::is_running(state) && !state.collection.is_read_only {
                state.overlay = Some(Overlay::Confirm(Question::ResumeIndexing(roots)));
            }
        }
        Reply::Searched { query, result } => {
            let result = result.map(|found| *found);
            if state.results.is_searching && state.results.query.as_ref() == Some(&query) {
                state.results.end(result);
                return Vec::new();
            }
            drop(state.history.end(&query, result));
        }
        Reply::Exporting(progress) => {
            if let Some(run) = &mut state.exporting {
                run.progress = progress;
            }
        }
        Reply::Checking(progress) => state.collection.checking.read(progress),
        Reply::Removed(result) => return removed(state, result),
        Reply::Checked(result) => return checked(state, result),
        Reply::OpenedOutside(result) => {
            state.collection.task = None;
            if let Err(reason) = result {
                state.messages.error(format!("not opened: {reason}"));
            }
        }
        Reply::Downloaded(result) => return downloaded(state, result),
        Reply::Recognised { path, is_stored } => state.browser.recognise(path, is_stored),
        Reply::Exif { photo, fields } => match fields {
            Ok(fields) => state.collection.exif = Some((photo, fields)),
            // Of a photo that the cursor has left, nobody wants to know.
            Err(reason) if photos::is_current(state, photo) => state.messages.error(reason),
            Err(_) => {}
        },
    }
    Vec::new()
}

fn downloaded(state: &mut State, result: Result<Download, String>) -> Vec<Effect> {
    state.collection.task = None;
    match result {
        Ok(Download::Through(delivery)) => {
            state.messages.info("sending through the terminal, which may ask you to allow it");
            vec![Effect::Deliver(delivery)]
        }
        Ok(Download::ByHand { command }) => {
            state.messages.warn(format!("this terminal cannot store files; copied a command instead: {command}"));
            vec![Effect::Copy(command)]
        }
        Err(reason) => {
            state.messages.error(format!("not sent: {reason}"));
            Vec::new()
        }
    }
}

fn listed(
    state: &mut State,
    folder: &std::path::Path,
    listing: Result<(Vec<super::super::state::browser::Entry>, usize), String>,
) {
    if state.browser.folder != folder {
        return;
    }
    match listing {
        Ok((entries, other_files)) => state.browser.listed(entries, other_files),
        Err(reason) => state.browser.failed(reason),
    }
}

fn opened(state: &mut State, vault: std::path::PathBuf, result: Result<CopyAge, String>) -> Vec<Effect> {
    if state.session != (Session::Opening { vault: vault.clone() }) {
        return Vec::new();
    }
    match result {
        Ok(age) => {
            if matches!(state.lock_screen, Some(LockScreen::FirstRun(_))) {
                state.messages.info("the vault is ready: move onto a folder of photos, and add it");
            }
            state.lock_screen = None;
            state.preferences.vault = Some(vault.clone());
            state.session = Session::Open { vault };
            tell_copy_age(state, age);
            vec![Effect::Ask(Request::Collection)]
        }
        Err(reason) => {
            state.session = Session::Closed;
            match &mut state.lock_screen {
                Some(LockScreen::Unlock(unlock)) => {
                    unlock.is_working = false;
                    unlock.error = Some(reason);
                    unlock.look = Look::Due;
                    // The vault may be missing. Another machine is asked again only when something is typed.
                    return if Address::is_remote(&vault) { Vec::new() } else { lock_screen::look_if_due(state) };
                }
                Some(LockScreen::MissingVault(_)) => {}
                Some(LockScreen::FirstRun(first)) => {
                    first.is_working = false;
                    first.step = Step::Folder;
                    first.error = Some(reason);
                }
                None => state.messages.error(reason),
            }
            Vec::new()
        }
    }
}

/// Says that the copy of the vault is not the newest; it is read-only until the user accepts it.
fn tell_copy_age(state: &mut State, age: CopyAge) {
    state.collection.is_read_only = age != CopyAge::Newest;
    if let Some(note) = session::copy_age_note(age) {
        state.messages.warn(note);
    }
    if age != CopyAge::Newest {
        state.overlay = Some(Overlay::Confirm(Question::UseOlder(age)));
    }
}

fn accepted_older(state: &mut State, result: Result<(), String>) -> Vec<Effect> {
    state.collection.task = None;
    match result {
        Ok(()) => {
            state.collection.is_read_only = false;
            state.collection.advice = None;
            state.messages.info("this copy of the vault is used from now on");
            // Its copies compare with it in another way now.
            vec![Effect::Ask(Request::Collection)]
        }
        Err(reason) => {
            state.messages.error(format!("older copy not accepted: {reason}"));
            Vec::new()
        }
    }
}

fn collection(state: &mut State, result: Result<Contents, String>) {
    match result {
        Ok(Contents { photos, statistics, copies, advice }) => {
            if !indexing::is_running(state) {
                state.browser.surveys.follow_at_once();
            }
            state.browser.vault_changed(photos.iter().map(|photo| photo.bytes));
            let tab = state.first_tab.take().filter(|_| !photos.is_empty() && state.tab == Tab::Files);
            state.tab = tab.unwrap_or(state.tab);
            state.collection.listed(photos);
            state.collection.statistics = Some(statistics);
            state.collection.copies = copies;
            state.collection.advice = advice;
        }
        Err(reason) => {
            state.collection.is_listed = true;
            state.collection.error = Some(reason);
        }
    }
}

fn indexing_update(state: &mut State, update: IndexingUpdate) -> Vec<Effect> {
    match update {
        IndexingUpdate::Ended(ending) => return ended(state, ending),
        IndexingUpdate::Event(event) => return indexing_event(state, event),
        IndexingUpdate::Found { total, skipped } => {
            if let Some(run) = &mut state.indexing {
                run.found(total, skipped);
            }
        }
    }
    Vec::new()
}

fn indexing_event(state: &mut State, event: Event) -> Vec<Effect> {
    let is_open = state.session.open().is_some();
    let Some(run) = &mut state.indexing else { return Vec::new() };
    match event {
        Event::WaitingForWriter => {
            state.messages.warn("another process writes to the vault: indexing continues when it has finished");
        }
        Event::Entered { path, stage: Stage::Reading } => run.stages.reading = Some(path),
        Event::Entered { path, stage: Stage::Features } => run.features_started(path),
        Event::Entered { path, stage: Stage::Sealing } => run.sealing_started(path),
        // Already counted when sealing began: commits report hundreds at once, and the gauge would jump.
        Event::Finished { outcome: Outcome::Added, .. } => {}
        Event::Finished { outcome: Outcome::AlreadyPresent, .. } => run.already_present += 1,
        Event::Finished { outcome: Outcome::RemovedBefore, .. } => run.removed_before += 1,
        Event::Finished { path, outcome: Outcome::Failed { reason } } => run.photo_failed(path, reason),
        Event::Committed { photos } => {
            run.committed = photos;
            return if is_open { vec![Effect::Ask(Request::Collection)] } else { Vec::new() };
        }
    }
    // No file is named while the vault is locked.
    if !is_open {
        run.forget_names();
    }
    Vec::new()
}

fn ended(state: &mut State, ending: Ending) -> Vec<Effect> {
    let Some(run) = &mut state.indexing else { return Vec::new() };
    match &ending {
        Ending::Done => run.status = RunStatus::Done,
        Ending::Stopped => run.status = RunStatus::Stopped,
        Ending::Failed(reason) => run.fail(reason.clone()),
    }
    run.stages = Default::default();
    run.show_added();
    state.browser.surveys.follow_at_once();
    let text = announcement(run);
    let summary = summary(run);
    let is_failed = matches!(ending, Ending::Failed(_));
    match ending {
        Ending::Done if run.failed == 0 && run.skipped.photos_and_videos() == 0 => {
            state.messages.info(format!("indexed: {summary}"));
        }
        Ending::Done => state.messages.warn(format!("indexed: {summary}")),
        Ending::Stopped => {
            state.messages.info(format!("stopped, progress saved: {summary}; index again to continue"));
        }
        Ending::Failed(reason) => {
            let advice = "what was added is kept; index again to continue";
            state.messages.error(format!("indexing failed: {reason}; {summary}; {advice}"));
        }
    }
    let mut effects = vec![Effect::Announce(Run::Indexing, text)];
    if state.session.open().is_some() {
        effects.push(Effect::Ask(Request::Collection));
    }
    if is_failed && !state.queue.is_empty() {
        // The next one would probably fail for the same reason.
        let waiting = count(state.queue.len(), "waiting run");
        state.messages.error(format!("{waiting} not started; the next start offers them"));
        state.queue.clear();
    }
    effects.extend(indexing::start_next(state));
    effects
}

/// A one-line summary of a run.
fn summary(run: &Indexing) -> String {
    let mut parts = vec![format!("{} added", run.added)];
    if run.already_present > 0 {
        parts.push(format!("{} already in the vault", run.already_present));
    }
    if run.removed_before > 0 {
        parts.push(format!("{} removed before and left out (cipherlens add --again)", run.removed_before));
    }
    if run.failed > 0 {
        parts.push(format!("{} failed", run.failed));
    }
    if let Some(files) = run.skipped.photos_and_videos_in_words() {
        parts.push(format!("passed over {files}"));
    }
    parts.join(", ")
}

/// The end of a run in words that name no file.
fn announcement(run: &Indexing) -> String {
    let how = match run.status {
        RunStatus::Failed => "indexing failed",
        RunStatus::Stopped => "indexing stopped",
        _ => "indexing is done",
    };
    let failed = if run.failed > 0 { format!(", {} failed", run.failed) } else { String::new() };
    format!("{how}: {} added{failed}", count(run.added, "photo"))
}

fn removed(state: &mut State, result: Result<usize, String>) -> Vec<Effect> {
    state.collection.task = None;
    match result {
        Ok(photos) => {
            state.messages.info(format!("removed {}", count(photos, "photo")));
            state.collection.list.clear_selection();
            // Other searches may have listed them.
            state.history = History::default();
            // The removed photos may be among the results.
            let mut effects = vec![Effect::Ask(Request::Collection)];
            effects.extend(photos::search_again(state));
            effects
        }
        Err(reason) => {
            state.messages.error(format!("not removed: {reason}"));
            Vec::new()
        }
    }
}

fn checked(state: &mut State, result: Result<check::Report, String>) -> Vec<Effect> {
    state.collection.task = None;
    let text = match result {
        Ok(report) => {
            let damages = report.damages.len();
            if report.is_whole() {
                state.messages.info(format!("the vault is intact: {} photos checked", report.photos));
            } else {
                let places = if report.damages.len() == 1 { "place" } else { "places" };
                state.messages.error(format!("the vault is damaged in {} {places}", report.damages.len()));
                for damage in &report.damages {
                    state.messages.error(format!("{}; it holds {}; {}", damage.reason, damage.holds, damage.advice()));
                }
            }
            let photos = count(report.photos, "photo");
            state.collection.health = Some(report);
            match damages {
                0 => format!("the check is done: {photos}, all intact"),
                damages => format!("the check is done: {photos}, damaged in {}", count(damages, "place")),
            }
        }
        Err(reason) => {
            state.messages.error(format!("not checked: {reason}"));
            "the check failed".to_owned()
        }
    };
    // The copies are listed with their last check.
    vec![Effect::Announce(Run::Check, text), Effect::Ask(Request::Collection)]
}
