//! Makes the pictures that the screen wants: reads, decodes and encodes them; the latest wishes win.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError};
use std::time::Duration;

use image::DynamicImage;
use zeroize::Zeroizing;

use super::super::preview::{Fulfilled, Subject, Wish};
use super::Happening;
use crate::preview::{self, Encoder};

/// While the cursor moves faster than this, nothing is decoded.
const DEBOUNCE: Duration = Duration::from_millis(35);
/// A file larger than this is no photo that is decoded for a glance.
const LARGEST_FILE_BYTES: u64 = 512 << 20;

/// What is wanted now; whatever was wanted before is not.
pub(super) struct Wanted {
    pub encoder: Encoder,
    pub wishes: Vec<Wish>,
}

pub(super) fn work(wanted: &Receiver<Wanted>, happenings: &Sender<Happening>) {
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
            let result = make(&now.encoder, &wish);
            if happenings.send(Happening::Picture(Box::new(Fulfilled { wish, result }))).is_err() {
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

fn make(encoder: &Encoder, wish: &Wish) -> Result<preview::Picture, String> {
    let photo = match &wish.subject {
        Subject::File(path) => read_and_decode(path)?,
        Subject::Test => preview::test_picture(),
        Subject::Thumbnail(_) | Subject::Photo(_) => return Err("the vault is locked".to_owned()),
    };
    encoder.encode(&photo, wish.cells).map_err(|error| error.to_string())
}

fn read_and_decode(path: &Path) -> Result<DynamicImage, String> {
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
    let bytes = read().map_err(|error| error.to_string())?;
    preview::decode(&bytes).map_err(|error| error.to_string())
}
