//! Applies the workers' replies to the state.

use super::super::request::{Download, Effect, Ending, Progress, Reply, Request};
use super::super::state::State;
use super::super::state::indexing::{Indexing, RunStatus};
use super::super::state::list::List;
use super::super::state::lock_screen::{LockScreen, Step};
use super::super::state::overlay::{Overlay, Question};
use super::super::state::vault::{Health, Session, Statistics};
use super::super::state::{StoredPhoto, Tab};
use super::{export, indexing, lock_screen, photos};
use crate::services::amount::count;
use crate::services::session::{self, Standing as VaultStanding};

/// Applies a reply. One that is no longer wanted changes nothing.
pub fn receive(state: &mut State, reply: Reply) -> Vec<Effect> {
    match reply {
        Reply::Listed { folder, listing } => listed(state, &folder, listing),
        Reply::Looked { vault, found } => lock_screen::looked(state, vault, found),
        Reply::Opened { vault, result } => return opened(state, vault, result),
        Reply::Exported { folder, outcome } => export::ended(state, &folder, outcome),
        // A run may outlive a lock; only its numbers are kept then.
        Reply::Indexing(progress) => return progressed(state, progress),
        // Everything below names stored photos: drop it after a lock.
        _ if state.session.open().is_none() => {}
        Reply::Collection(result) => collection(state, result),
        Reply::AcceptedOlder(result) => accepted_older(state, result),
        Reply::Unfinished(roots) => {
            if !indexing::is_running(state) && !state.collection.is_read_only {
                state.overlay = Some(Overlay::Confirm(Question::ResumeIndexing(roots)));
            }
        }
        Reply::Searched { query, result } => {
            if state.results.query.as_ref() == Some(&query) {
                state.results.end(result);
            }
        }
        Reply::Exporting(progress) => {
            if let Some(run) = &mut state.exporting {
                run.progress = progress;
            }
        }
        Reply::Removed(result) => return removed(state, result),
        Reply::Checked(result) => checked(state, result),
        Reply::OpenedOutside(result) => {
            state.collection.task = None;
            if let Err(reason) = result {
                state.messages.error(format!("not opened: {reason}"));
            }
        }
        Reply::Downloaded(result) => return downloaded(state, result),
        Reply::Recognised { path, is_stored } => state.browser.recognise(path, is_stored),
        Reply::Exif { photo, fields } => match fields {
            Ok(fields) if fields.is_empty() => state.messages.info("this photo has no camera data"),
            Ok(fields) => state.collection.exif = Some((photo, fields)),
            Err(reason) => state.messages.error(reason),
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

fn opened(state: &mut State, vault: std::path::PathBuf, result: Result<VaultStanding, String>) -> Vec<Effect> {
    if state.session != (Session::Opening { vault: vault.clone() }) {
        return Vec::new();
    }
    match result {
        Ok(standing) => {
            state.lock_screen = None;
            state.preferences.vault = Some(vault.clone());
            state.session = Session::Open { vault };
            tell_standing(state, standing);
            vec![Effect::Ask(Request::Collection)]
        }
        Err(reason) => {
            state.session = Session::Closed;
            match &mut state.lock_screen {
                Some(LockScreen::Unlock(unlock)) => {
                    unlock.is_working = false;
                    unlock.error = Some(reason);
                    // The vault may be gone.
                    return vec![Effect::Ask(Request::Look(vault))];
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

/// Warns that this copy of the vault is not the newest. It is read-only until the user accepts it.
fn tell_standing(state: &mut State, standing: VaultStanding) {
    state.collection.is_read_only = standing != VaultStanding::Newest;
    if let Some(note) = session::note(standing) {
        state.messages.warn(note);
    }
    if let VaultStanding::Older { found, seen } = standing {
        state.overlay = Some(Overlay::Confirm(Question::UseOlder { found, seen }));
    }
}

fn accepted_older(state: &mut State, result: Result<(), String>) {
    state.collection.task = None;
    match result {
        Ok(()) => {
            state.collection.is_read_only = false;
            state.messages.info("this copy of the vault is used from now on");
        }
        Err(reason) => state.messages.error(format!("not used: {reason}")),
    }
}

fn collection(state: &mut State, result: Result<(Vec<StoredPhoto>, Statistics), String>) {
    match result {
        Ok((photos, statistics)) => {
            state.browser.vault_changed(photos.iter().map(|photo| photo.bytes));
            state.collection.listed(photos);
            state.collection.statistics = Some(statistics);
        }
        Err(reason) => {
            state.collection.is_listed = true;
            state.collection.error = Some(reason);
        }
    }
}

fn progressed(state: &mut State, progress: Progress) -> Vec<Effect> {
    let is_open = state.session.open().is_some();
    let Some(run) = &mut state.indexing else { return Vec::new() };
    match progress {
        Progress::PassedOver(tally) => run.passed_over = tally,
        Progress::Started { total } => {
            run.total = total;
            if run.status == RunStatus::Looking {
                run.status = RunStatus::Running;
            }
        }
        Progress::WaitingForWriter => {
            state.messages.warn("another process is writing to the vault: indexing continues when it is done");
        }
        Progress::Reading(path) => run.stages.reading = Some(path),
        Progress::Features(path) => run.features_started(path),
        Progress::Sealing(path) => run.sealing_started(path),
        // Already counted when it was sealed: commits report hundreds at once, so the bar would stand still between.
        Progress::Added { .. } => {}
        Progress::AlreadyPresent => run.already_present += 1,
        Progress::Failed { path, reason } => run.photo_failed(path, reason),
        Progress::Committed { photos } => {
            run.committed = photos;
            return if is_open { vec![Effect::Ask(Request::Collection)] } else { Vec::new() };
        }
        Progress::Ended(ending) => return ended(state, ending),
    }
    // Show no names while the vault is locked.
    if !is_open {
        run.stages = Default::default();
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
    let summary = summary(run);
    match ending {
        Ending::Done if run.failed == 0 && run.passed_over.photos_and_videos() == 0 => {
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
    if state.session.open().is_some() { vec![Effect::Ask(Request::Collection)] } else { Vec::new() }
}

/// A run in one line.
fn summary(run: &Indexing) -> String {
    let mut parts = vec![format!("{} added", run.added)];
    if run.already_present > 0 {
        parts.push(format!("{} already in the vault", run.already_present));
    }
    if run.failed > 0 {
        parts.push(format!("{} failed", run.failed));
    }
    if let Some(files) = run.passed_over.photos_and_videos_in_words() {
        parts.push(format!("passed over {files}"));
    }
    parts.join(", ")
}

fn removed(state: &mut State, result: Result<usize, String>) -> Vec<Effect> {
    state.collection.task = None;
    match result {
        Ok(photos) => {
            state.messages.info(format!("removed {}", count(photos, "photo")));
            state.collection.list.clear_selection();
            // Results may have been removed.
            let mut effects = vec![Effect::Ask(Request::Collection)];
            if state.tab == Tab::Results
                && let Some(query) = state.results.query.clone()
            {
                effects.extend(photos::search(state, query));
            }
            effects
        }
        Err(reason) => {
            state.messages.error(format!("not removed: {reason}"));
            Vec::new()
        }
    }
}

fn checked(state: &mut State, result: Result<Health, String>) {
    state.collection.task = None;
    match result {
        Ok(health) => {
            match &health {
                Health::Whole { checked } => {
                    state.messages.info(format!("the vault is whole: {} checked", count(*checked, "photo")));
                }
                Health::Damaged(damage) => {
                    state.messages.error(format!("the vault is damaged in {}", count(damage.len(), "place")));
                    for line in damage {
                        state.messages.error(line.clone());
                    }
                }
            }
            state.collection.health = Some(health);
        }
        Err(reason) => state.messages.error(format!("not checked: {reason}")),
    }
}
