//! Surveys of folders and plans; the latest request wins.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use super::super::event::AppEvent;
use super::super::request::Reply;
use super::super::state::surveys::SurveyRequest;
use super::lockable::LockableVault;
use super::vault::Shared;
use crate::services::progress::Control;
use crate::services::survey::{self, Survey};

/// Nothing is read while requests replace each other faster than this: the cursor has to rest.
const DEBOUNCE: Duration = Duration::from_millis(60);

/// A survey to make, until it is stopped.
pub(super) struct Wanted {
    pub(super) request: SurveyRequest,
    pub(super) control: Arc<Control>,
}

/// Makes surveys until the other end of a channel is closed.
pub(super) fn work(wanted: &Receiver<Wanted>, shared: &Shared, events: &Sender<AppEvent>) {
    while let Ok(mut now) = wanted.recv() {
        loop {
            match wanted.recv_timeout(DEBOUNCE) {
                Ok(newer) => now = newer,
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
        let Wanted { request, control } = now;
        let vault = LockableVault::of(shared);
        let is_open = || vault.as_ref().is_none_or(LockableVault::is_open);
        let tell = |survey: &Survey| {
            let reply = Reply::Surveyed { request: request.clone(), survey: survey.clone() };
            // A vault that was locked says nothing more. Sending fails only when the event loop has ended.
            if !is_open() || events.send(AppEvent::Reply(reply)).is_err() {
                control.stop();
            }
        };
        let SurveyRequest { paths, thoroughness, .. } = &request;
        if let Some(survey) = survey::survey(paths, *thoroughness, vault.as_ref(), &mut |so_far| tell(so_far), &control)
        {
            tell(&survey);
        }
    }
}
