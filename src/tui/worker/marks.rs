//! Tells which files the vault holds, by content; the latest request wins.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};

use super::super::event::AppEvent;
use super::super::request::Reply;
use super::vault::{Opened, Shared};
use crate::vault::LARGEST_PHOTO_BYTES;

pub(super) fn work(wanted: &Receiver<Vec<PathBuf>>, vault: &Shared, events: &Sender<AppEvent>) {
    while let Ok(mut paths) = wanted.recv() {
        while let Ok(newer) = wanted.try_recv() {
            paths = newer;
        }
        let Some(opened) = vault.opened() else { continue };
        // Newest last: popped from the end, the first on the screen is the first looked at.
        paths.reverse();
        while let Some(path) = paths.pop() {
            if let Some(is_stored) = holds(&opened, &path)
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

/// Whether the vault holds the content of the file; nothing when the file or the vault cannot be read: a mark is a help,
/// and whoever does something with the file is told.
fn holds(opened: &Arc<Opened>, path: &Path) -> Option<bool> {
    let metadata = std::fs::metadata(path).ok().filter(|metadata| metadata.len() <= LARGEST_PHOTO_BYTES as u64)?;
    let content = opened.content_of(path, metadata.len(), metadata.modified().ok())?;
    let found = opened.snapshot().find_content(&content).ok()?;
    Some(found.is_some())
}
