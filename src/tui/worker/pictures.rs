//! The thread that makes pictures for the screen: reads, decodes and encodes them. Newer requests replace older ones.

use std::ffi::OsStr;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError};
use std::time::Duration;

use super::super::event::AppEvent;
use super::super::preview::{PictureRequest, PictureResponse, Subject};
use super::vault::Shared;
use crate::preview::{self, Encoder, Picture};
use crate::services::photo;

/// Nothing is decoded while requests replace each other faster than this.
const DEBOUNCE: Duration = Duration::from_millis(35);

/// The pictures that the screen lacks. Replaces the previous request.
pub(super) struct Wanted {
    pub encoder: Encoder,
    pub requests: Vec<PictureRequest>,
}

/// Makes pictures until the other end of a channel is closed.
pub(super) fn work(wanted: &Receiver<Wanted>, vault: &Shared, events: &Sender<AppEvent>) {
    while let Ok(mut now) = wanted.recv() {
        loop {
            match wanted.recv_timeout(DEBOUNCE) {
                Ok(newer) => now = newer,
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
        while !now.requests.is_empty() {
            let request = now.requests.remove(0);
            let result = make(&now.encoder, vault, &request);
            if events.send(AppEvent::Picture(Box::new(PictureResponse { request, result }))).is_err() {
                return;
            }
            match wanted.try_recv() {
                Ok(newer) => now = newer,
                Err(TryRecvError::Empty) => {}
                Err(TryRecvError::Disconnected) => return,
            }
        }
    }
}

fn make(encoder: &Encoder, vault: &Shared, request: &PictureRequest) -> Result<Picture, String> {
    match &request.subject {
        Subject::Test => {
            let picture = preview::test_picture();
            let pixels = (picture.width(), picture.height());
            encoder.encode(picture.into_rgb8(), pixels, request.cells).map_err(|error| error.to_string())
        }
        Subject::File(path) => {
            let bytes = photo::read(path).map_err(|error| error.to_string())?;
            encode(encoder, &bytes, path.extension(), request)
        }
        Subject::Thumbnail(photo) => {
            let opened = vault.opened().ok_or("the vault is locked")?;
            let thumbnail = opened.vault.thumbnail(*photo).map_err(|error| error.to_string())?;
            encode(encoder, &thumbnail, None, request)
        }
        Subject::Photo(photo) => {
            let opened = vault.opened().ok_or("the vault is locked")?;
            let original = opened.vault.original(*photo).map_err(|error| error.to_string())?;
            encode(encoder, &original.bytes, Some(OsStr::new(&original.extension)), request)
        }
    }
}

/// Decodes a photo with no more pixels than its cells need, and encodes it for the terminal.
fn encode(
    encoder: &Encoder,
    bytes: &[u8],
    extension: Option<&OsStr>,
    request: &PictureRequest,
) -> Result<Picture, String> {
    let photo = photo::decode(bytes, extension).map_err(|error| error.to_string())?;
    let pixels = photo.dimensions();
    let (width, height) = encoder.wanted_pixels(pixels, request.cells);
    let reduced = photo.reduced(width.max(height)).map_err(|error| error.to_string())?;
    encoder.encode(reduced, pixels, request.cells).map_err(|error| error.to_string())
}
