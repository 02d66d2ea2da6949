//! Replies of the workers change the state.

use super::super::request::{Download, Effect, Ending, Progress, Reply, Request};
use super::super::state::State;
use super::super::state::gate::{Gate, Step};
use super::super::state::indexing::{Indexing, Standing};
use super::super::state::list::List;
use super::super::state::overlay::{Overlay, Question};
use super::super::state::vault::{Health, Session, Statistics};
use super::super::state::{StoredPhoto, Tab};
use super::{export, gate, indexing, photos};
use crate::services::session::{self, Standing as VaultStanding};

/// A reply arrived. One that belongs to what is no longer wanted changes nothing.
pub fn receive(state: &mut State, reply: Reply) -> Vec<Effect> {
    match reply {
        Reply::Listed { folder, listing } => listed(state, &folder, listing),
        Reply::Looked { vault, found } => gate::looked(state, vault, found),
        Reply::Opened { vault, result } => return opened(state, vault, result),
        Reply::Exported { folder, outcome } => export::ended(state, &folder, outcome),
        // A run outlives a lock; what is kept of it then are numbers.
        Reply::Indexing(progress) => return progressed(state, progress),
        // Everything below names photos of a vault: after a lock it comes too late.
        _ if state.session.open().is_none() => {}
        Reply::Collection(result) => collection(state, result),
        Reply::AcceptedOlder(result) => accepted_older(state, result),
        Reply::Unfinished(roots) => {
            if !indexing::is_running(state) && !state.collection.is_read_only {
                state.overlay = Some(Overlay::Confirm(Question::GoOn(roots)));
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
                state.journal.fail(format!("not opened: {reason}"));
            }
        }
        Reply::Downloaded(result) => return downloaded(state, result),
        Reply::Recognised { path, is_stored } => state.browser.recognise(path, is_stored),
        Reply::Exif { photo, fields } => match fields {
            Ok(fields) if fields.is_empty() => state.journal.note("the camera wrote nothing into this photo"),
            Ok(fields) => state.collection.exif = Some((photo, fields)),
            Err(reason) => state.journal.fail(reason),
        },
    }
    Vec::new()
}

fn downloaded(state: &mut State, result: Result<Download, String>) -> Vec<Effect> {
    state.collection.task = None;
    match result {
        Ok(Download::Through(delivery)) => {
            state.journal.note("sending through the terminal, which may ask whether it may store files");
            vec![Effect::Deliver(delivery)]
        }
        Ok(Download::ByHand { command }) => {
            state.journal.warn(format!("this terminal stores no files; on the clipboard: {command}"));
            vec![Effect::Copy(command)]
        }
        Err(reason) => {
            state.journal.fail(format!("not sent: {reason}"));
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
            state.gate = None;
            state.preferences.vault = Some(vault.clone());
            state.session = Session::Open { vault };
            tell_standing(state, standing);
            vec![Effect::Ask(Request::Collection)]
        }
        Err(reason) => {
            state.session = Session::Closed;
            match &mut state.gate {
                Some(Gate::Unlock(unlock)) => {
                    unlock.is_working = false;
                    unlock.error = Some(reason);
                    // Perhaps it is not there any more.
                    return vec![Effect::Ask(Request::Look(vault))];
                }
                Some(Gate::NotThere(_)) => {}
                Some(Gate::FirstRun(first)) => {
                    first.is_working = false;
                    first.step = Step::Folder;
                    first.error = Some(reason);
                }
                None => state.journal.fail(reason),
            }
            Vec::new()
        }
    }
}

/// Says that the copy of the vault is not the newest; it is read only until the user wants it used.
fn tell_standing(state: &mut State, standing: VaultStanding) {
    state.collection.is_read_only = standing != VaultStanding::Newest;
    if let Some(note) = session::note(standing) {
        state.journal.warn(note);
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
            state.journal.note("this copy of the vault is used from now on");
        }
        Err(reason) => state.journal.fail(format!("not used: {reason}")),
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
            if run.standing == Standing::Looking {
                run.standing = Standing::Running;
            }
        }
        Progress::WaitingForWriter => {
            state.journal.warn("another process writes to the vault: indexing goes on when it has finished");
        }
        Progress::Reading(path) => run.stages.reading = Some(path),
        Progress::Features(path) => run.describe(path),
        Progress::Sealing(path) => run.seal(path),
        // Counted when it was sealed: a commit tells of hundreds at once, and the gauge would stand still in between.
        Progress::Added { .. } => {}
        Progress::AlreadyPresent => run.already_present += 1,
        Progress::Failed { path, reason } => run.fail(path, reason),
        Progress::Committed { photos } => {
            run.committed = photos;
            return if is_open { vec![Effect::Ask(Request::Collection)] } else { Vec::new() };
        }
        Progress::Ended(ending) => return ended(state, ending),
    }
    // Nothing is named while the vault is locked.
    if !is_open {
        run.stages = Default::default();
    }
    Vec::new()
}

fn ended(state: &mut State, ending: Ending) -> Vec<Effect> {
    let Some(run) = &mut state.indexing else { return Vec::new() };
    match &ending {
        Ending::Done => run.standing = Standing::Done,
        Ending::Stopped => run.standing = Standing::Stopped,
        Ending::Failed(reason) => run.end_by(reason.clone()),
    }
    run.stages = Default::default();
    let summary = summary(run);
    match ending {
        Ending::Done if run.failed == 0 && run.passed_over.photos_and_videos() == 0 => {
            state.journal.note(format!("indexed: {summary}"));
        }
        Ending::Done => state.journal.warn(format!("indexed: {summary}")),
        Ending::Stopped => {
            state.journal.note(format!("stopped, what is done is kept: {summary}; indexing again goes on from there"));
        }
        Ending::Failed(reason) => {
            let advice = "what was added stays, and indexing again goes on from there";
            state.journal.fail(format!("indexing failed: {reason}; {summary}; {advice}"));
        }
    }
    if state.session.open().is_some() { vec![Effect::Ask(Request::Collection)] } else { Vec::new() }
}

/// What a run did, in words.
fn summary(run: &Indexing) -> String {
    let mut parts = vec![format!("{} added", run.added)];
    if run.already_present > 0 {
        parts.push(format!("{} in the vault before", run.already_present));
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
        Ok(count) => {
            state.journal.note(format!("removed {count} {}", if count == 1 { "photo" } else { "photos" }));
            state.collection.list.clear_selection();
            // What was found may be gone now.
            let mut effects = vec![Effect::Ask(Request::Collection)];
            if state.tab == Tab::Results
                && let Some(query) = state.results.query.clone()
            {
                effects.extend(photos::search(state, query));
            }
            effects
        }
        Err(reason) => {
            state.journal.fail(format!("not removed: {reason}"));
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
                    state.journal.note(format!("the vault is whole: {checked} photos checked"));
                }
                Health::Damaged(damage) => {
                    let places = if damage.len() == 1 { "place" } else { "places" };
                    state.journal.fail(format!("the vault is damaged in {} {places}", damage.len()));
                    for line in damage {
                        state.journal.fail(line.clone());
                    }
                }
            }
            state.collection.health = Some(health);
        }
        Err(reason) => state.journal.fail(format!("not checked: {reason}")),
    }
}
