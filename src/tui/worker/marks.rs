//! Which files the vault holds, by content; the latest request wins.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender};

use super::super::event::AppEvent;
use super::super::request::Reply;
use super::vault::Shared;

pub(super) fn work(wanted: &Receiver<Vec<PathBuf>>, vault: &Shared, events: &Sender<AppEvent>) {
    while let Ok(mut paths) = wanted.recv() {
        while let Ok(newer) = wanted.try_recv() {
            paths = newer;
        }
        let Some(opened) = vault.opened() else { continue };
        // Popped from the end, so the first on the screen comes first.
        paths.reverse();
        while vault.is_open(&opened)
            && let Some(path) = paths.pop()
        {
            if let Some(is_stored) = opened.recogniser.is_stored(&opened.vault, &path)
                && vault.is_open(&opened)
                && events.send(AppEvent::Reply(Reply::Recognised { path, is_stored })).is_err()
            {
                return;
            }
            if let Ok(newer) = wanted.try_recv() {
                paths = newer;
                paths.reverse();
            }
        }
    }
}
