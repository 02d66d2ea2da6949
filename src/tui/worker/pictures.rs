//! Makes the pictures that the screen wants: reads, decodes and encodes them; the latest wishes win.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError};
use std::time::Duration;

use zeroize::Zeroizing;

use super::super::event::AppEvent;
use super::super::preview::{Fulfilled, Subject, Wish};
use super::vault::Shared;
use crate::features::photo::{Limits, Photo};
use crate::preview::{self, Encoder, Picture};

/// While the cursor moves faster than this, nothing is decoded.
const DEBOUNCE: Duration = Duration::from_millis(35);
/// A file larger than this is no photo that is decoded for a glance.
const LARGEST_FILE_BYTES: u64 = 512 << 20;

/// What is wanted now; whatever was wanted before is not.
pub(super) struct Wanted {
    pub encoder: Encoder,
    pub wishes: Vec<Wish>,
}

pub(super) fn work(wanted: &Receiver<Wanted>, vault: &Shared, events: &Sender<AppEvent>) {
    while let Ok(mut now) = wanted.recv() {
        loop {
            match wanted.recv_timeout(DEBOUNCE) {
                Ok(newer) => now = newer,
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
        while !now.wishes.is_empty() {
            let wish = now.wishes.remove(0);
            let result = make(&now.encoder, vault, &wish);
            if events.send(AppEvent::Picture(Box::new(Fulfilled { wish, result }))).is_err() {
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

fn make(encoder: &Encoder, vault: &Shared, wish: &Wish) -> Result<Picture, String> {
    match &wish.subject {
        Subject::Test => {
            let picture = preview::test_picture();
            let pixels = (picture.width(), picture.height());
            encoder.encode(picture.into_rgb8(), pixels, wish.cells).map_err(|error| error.to_string())
        }
        Subject::File(path) => encode(encoder, &read(path)?, path.extension(), wish),
        Subject::Thumbnail(photo) => {
            let opened = vault.opened().ok_or("the vault is locked")?;
            let snapshot = opened.snapshot();
            let thumbnail = snapshot.image((*photo).into()).and_then(|image| image.thumbnail());
            encode(encoder, &thumbnail.map_err(|error| error.to_string())?, None, wish)
        }
        Subject::Photo(photo) => {
            let opened = vault.opened().ok_or("the vault is locked")?;
            let snapshot = opened.snapshot();
            let image = snapshot.image((*photo).into()).map_err(|error| error.to_string())?;
            let bytes = image.photo().map_err(|error| error.to_string())?;
            encode(encoder, &bytes, Some(OsStr::new(image.listed().extension.as_str())), wish)
        }
    }
}

/// Decodes a photo no larger than its place needs, and encodes it for the terminal.
fn encode(encoder: &Encoder, bytes: &[u8], extension: Option<&OsStr>, wish: &Wish) -> Result<Picture, String> {
    let photo = Photo::decode(bytes, extension, Limits::default()).map_err(|error| error.to_string())?;
    let pixels = photo.dimensions();
    let (width, height) = encoder.wanted_pixels(pixels, wish.cells);
    let reduced = photo.reduced(width.max(height)).map_err(|error| error.to_string())?;
    encoder.encode(reduced, pixels, wish.cells).map_err(|error| error.to_string())
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, String> {
    let read = || -> std::io::Result<Zeroizing<Vec<u8>>> {
        let file = File::open(path)?;
        let size = file.metadata()?.len();
        if size > LARGEST_FILE_BYTES {
            return Err(std::io::Error::other("too large to be shown"));
        }
        let mut bytes = Zeroizing::new(Vec::with_capacity(size as usize + 1));
        file.take(LARGEST_FILE_BYTES).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    read().map_err(|error| error.to_string())
}
