//! Which files the vault holds, by content; the latest request wins.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender};

use super::super::event::AppEvent;
use super::super::request::Reply;
use super::lockable::LockableVault;
use super::vault::Shared;
use crate::services::recognise;

pub(super) fn work(wanted: &Receiver<Vec<PathBuf>>, shared: &Shared, events: &Sender<AppEvent>) {
    while let Ok(mut paths) = wanted.recv() {
        while let Ok(newer) = wanted.try_recv() {
            paths = newer;
        }
        let Some(vault) = LockableVault::of(shared) else { continue };
        // Popped from the end, so the first on the screen comes first.
        paths.reverse();
        while vault.is_open()
            && let Some(path) = paths.pop()
        {
            if let Some(is_stored) = recognise::is_stored(&vault, &path)
                && vault.is_open()
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
