//! Changes the record of the runs to go on with, one change after the other: what is noted and then dropped must not
//! come back.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use super::vault::{Opened, Shared};
use crate::services::interrupted_runs;

/// A change of the record of a vault.
pub(super) struct RecordChange {
    pub(super) opened: Arc<Opened>,
    pub(super) change: Change,
}

/// What is changed.
pub(super) enum Change {
    /// A run over these paths waits.
    Note(Vec<PathBuf>),
    /// Runs over these paths wait no longer.
    Drop(Vec<PathBuf>),
    /// Nothing is to be offered.
    Forget,
}

/// Changes records until the other end of the channel is closed, and all that was asked before that is done.
pub(super) fn work(wanted: &Receiver<RecordChange>, shared: &Shared) {
    while let Ok(RecordChange { opened, change }) = wanted.recv() {
        let (vault, dirs) = (&opened.vault, shared.dirs());
        match change {
            Change::Note(paths) => interrupted_runs::note(vault, dirs, &paths),
            Change::Drop(paths) => interrupted_runs::drop_noted(vault, dirs, &paths),
            Change::Forget => interrupted_runs::forget(vault, dirs),
        }
    }
}
