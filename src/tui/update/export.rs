//! Starting, stopping and finishing an export.

use std::path::{Path, PathBuf};

use super::super::attention::Run;
use super::super::request::{Effect, Exported, Request};
use super::super::state::State;
use super::super::state::exporting::Exporting;
use super::super::state::overlay::Overlay;
use super::typed_path::path;
use crate::services::format::count;
use crate::services::library::PhotoId;

/// Closes the prompt for the folder and starts the export.
pub fn export(state: &mut State) -> Vec<Effect> {
    let Some(Overlay::ExportTo { photos, folder }) = state.overlay.take() else { return Vec::new() };
    if folder.text().trim().is_empty() {
        return Vec::new();
    }
    let folder = path(state, folder.text());
    start(state, photos, folder)
}

/// Starts the export of `photos` to `folder`.
pub(super) fn start(state: &mut State, photos: Vec<PhotoId>, folder: PathBuf) -> Vec<Effect> {
    if state.exporting.is_some() {
        state.messages.warn("an export is already running: wait, or stop it first");
        return Vec::new();
    }
    state.preferences.export_folder.clone_from(&folder);
    state.exporting = Some(Exporting::new(folder.clone(), photos.len()));
    vec![Effect::Ask(Request::Export { photos, folder })]
}

/// Stops the export after the current photo.
pub(super) fn stop(state: &mut State) -> Vec<Effect> {
    match &mut state.exporting {
        Some(run) if !run.is_stopping => {
            run.is_stopping = true;
            vec![Effect::Ask(Request::StopExport)]
        }
        _ => Vec::new(),
    }
}

/// Reports the end of an export. After a lock, errors of single photos are left out.
pub(super) fn ended(state: &mut State, folder: &Path, outcome: Exported) -> Vec<Effect> {
    state.exporting = None;
    let is_open = state.session.open().is_some();
    let summary = summary(folder, &outcome);
    let failures = outcome.failed.len();
    let text = announcement(&outcome);
    for reason in outcome.failed.into_iter().filter(|_| is_open) {
        state.messages.error(format!("not exported: {reason}"));
    }
    match outcome.error {
        Some(reason) if outcome.exported + outcome.already_there + failures == 0 => {
            state.messages.error(format!("not exported: {reason}"));
        }
        Some(reason) => state.messages.error(format!("not all exported: {reason}; {summary}")),
        None if failures > 0 || outcome.left > 0 => state.messages.warn(summary),
        None => state.messages.info(summary),
    }
    vec![Effect::Announce(Run::Export, text)]
}

/// The end of an export in words that name no folder.
fn announcement(outcome: &Exported) -> String {
    let mut text = format!("export ended: {} exported", count(outcome.exported + outcome.already_there, "photo"));
    for (photos, what) in [(outcome.failed.len(), "failed"), (outcome.left, "left")] {
        if photos > 0 {
            text.push_str(&format!(", {photos} {what}"));
        }
    }
    text
}

/// A one-line summary of an export.
fn summary(folder: &Path, outcome: &Exported) -> String {
    let mut text = format!("exported {} to {}", count(outcome.exported, "photo"), folder.display());
    if outcome.already_there > 0 {
        text.push_str(&format!(", {} already there", outcome.already_there));
    }
    if !outcome.failed.is_empty() {
        text.push_str(&format!(", {} failed", outcome.failed.len()));
    }
    if outcome.left > 0 {
        text.push_str(&format!(", {} left: export again to continue", outcome.left));
    }
    text
}
