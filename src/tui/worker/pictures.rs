//! The threads that make pictures for the screen: they read, decode and encode them. Newer requests replace older ones.

use std::ffi::OsStr;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use image::RgbImage;
use image::imageops::{rotate90, rotate180, rotate270};
use parking_lot::{Condvar, Mutex};
use zeroize::{Zeroize, Zeroizing};

use super::super::event::AppEvent;
use super::super::preview::{Enlarged, PictureRequest, PictureResponse, Rotation, Subject};
use super::decoded::{Decoded, is_photo};
use super::vault::Shared;
use crate::preview::{self, Encoder, Picture};
use crate::services::photo::{self, Part, Photo};

/// Nothing is decoded while requests replace each other faster than this.
const DEBOUNCE: Duration = Duration::from_millis(35);

/// Whole photos decoded at a time: each takes much memory.
const MOST_PHOTOS: usize = 4;

/// The pictures that the screen lacks, shared by the threads that make them.
#[derive(Default)]
pub(super) struct PictureQueue {
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    encoder: Option<Encoder>,
    /// Most urgent first.
    waiting: Vec<PictureRequest>,
    running: Vec<PictureRequest>,
    /// Photos shown in a view that may change.
    viewed: Vec<Subject>,
    /// Whether these changed since decoded photos were last dropped.
    is_view_changed: bool,
    replaced: Option<Instant>,
    not_before: Option<Instant>,
    is_closed: bool,
}

/// What a thread does next.
enum Work {
    Make(Box<(Encoder, PictureRequest)>),
    /// Drop the decoded photos that are not among these.
    Keep(Vec<Subject>),
}

impl PictureQueue {
    /// How many threads work on it: one for each core, but more than one, so that the picture of a photo that the user
    /// has left does not delay the next.
    pub(super) fn threads() -> usize {
        std::thread::available_parallelism().map_or(2, usize::from).max(2)
    }

    /// Replaces the requests, most urgent first. `viewed` are the photos shown in a view that may change.
    pub(super) fn replace(&self, encoder: Option<&Encoder>, requests: &[PictureRequest], viewed: &[Subject]) {
        let mut queue = self.queue.lock();
        if let Some(encoder) = encoder {
            queue.encoder = Some(encoder.clone());
        }
        queue.waiting = requests.iter().filter(|request| !queue.running.contains(request)).cloned().collect();
        if queue.viewed != viewed {
            queue.viewed = viewed.to_vec();
            queue.is_view_changed = true;
        }
        let now = Instant::now();
        let is_rapid = queue.replaced.replace(now).is_some_and(|before| now.duration_since(before) < DEBOUNCE);
        queue.not_before = is_rapid.then(|| now + DEBOUNCE);
        drop(queue);
        self.changed.notify_all();
    }

    /// Forgets what is waited for and what is viewed: the vault is locked, and nothing decoded now may be kept.
    pub(super) fn forget(&self) {
        let mut queue = self.queue.lock();
        queue.waiting.clear();
        queue.viewed.clear();
    }

    /// Ends the threads.
    pub(super) fn close(&self) {
        self.queue.lock().is_closed = true;
        self.changed.notify_all();
    }

    /// Whether a view that may change shows the photo.
    pub(super) fn is_viewed(&self, subject: &Subject) -> bool {
        self.queue.lock().viewed.contains(subject)
    }

    /// Waits for work; `None` when the queue is closed.
    fn next(&self) -> Option<Work> {
        let mut queue = self.queue.lock();
        loop {
            if queue.is_closed {
                return None;
            }
            if std::mem::take(&mut queue.is_view_changed) {
                return Some(Work::Keep(queue.viewed.clone()));
            }
            let now = Instant::now();
            match queue.not_before.filter(|at| *at > now) {
                Some(at) => {
                    self.changed.wait_until(&mut queue, at);
                }
                None => match queue.take() {
                    Some(work) => return Some(work),
                    None => self.changed.wait(&mut queue),
                },
            }
        }
    }

    fn done(&self, request: &PictureRequest) {
        self.queue.lock().running.retain(|running| running != request);
        // A photo may have waited for this one.
        self.changed.notify_all();
    }
}

impl Queue {
    /// The most urgent request that can be worked on now.
    fn take(&mut self) -> Option<Work> {
        let encoder = self.encoder.clone()?;
        let photos = self.running.iter().filter(|request| is_photo(&request.subject)).count();
        let is_running = |subject: &Subject| self.running.iter().any(|running| running.subject == *subject);
        // Another view of a photo that is being decoded waits: it may need no decoding then.
        let may_run = |request: &PictureRequest| {
            !is_photo(&request.subject) || photos < MOST_PHOTOS && !is_running(&request.subject)
        };
        let at = self.waiting.iter().position(may_run)?;
        let request = self.waiting.remove(at);
        self.running.push(request.clone());
        Some(Work::Make(Box::new((encoder, request))))
    }
}

/// Makes pictures until the queue is closed.
pub(super) fn work(queue: &PictureQueue, vault: &Shared, events: &Sender<AppEvent>) {
    while let Some(work) = queue.next() {
        match work {
            // They are wiped here.
            Work::Keep(viewed) => drop(vault.decoded().take_others(&viewed)),
            Work::Make(job) => {
                let (encoder, request) = *job;
                let result = make(&encoder, queue, vault, &request);
                queue.done(&request);
                if events.send(AppEvent::Picture(Box::new(PictureResponse { request, result }))).is_err() {
                    return;
                }
            }
        }
    }
}

fn make(encoder: &Encoder, queue: &PictureQueue, vault: &Shared, request: &PictureRequest) -> Result<Picture, String> {
    match &request.subject {
        Subject::Test => {
            let picture = preview::test_picture();
            let pixels = (picture.width(), picture.height());
            encoder.encode(picture.into_rgb8(), pixels, request.cells).map_err(|error| error.to_string())
        }
        Subject::Thumbnail(photo) => {
            let opened = vault.opened().ok_or("the vault is locked")?;
            let thumbnail = opened.vault.thumbnail(*photo).map_err(|error| error.to_string())?;
            let photo = photo::decode(&thumbnail, None).map_err(|error| error.to_string())?;
            encode(encoder, &Zeroizing::new(photo), request)
        }
        Subject::File(_) | Subject::Photo(_) => {
            let room = encoder.room(request.cells);
            let shorter_side = match request.view.enlarged {
                Some(_) => u32::MAX,
                None => room.width.min(room.height) as u32,
            };
            let photo = decoded(queue, vault, &request.subject, shorter_side)?;
            encode(encoder, &photo, request)
        }
    }
}

/// The photo with at least `shorter_side` pixels on its shorter side, if it has them. It is kept while it is viewed.
fn decoded(queue: &PictureQueue, vault: &Shared, subject: &Subject, shorter_side: u32) -> Result<Decoded, String> {
    if let Some(kept) = vault.decoded().get(subject, shorter_side) {
        return Ok(kept);
    }
    let decode = |bytes: &[u8], extension: Option<&OsStr>| {
        let photo = photo::decode_at_least(bytes, extension, shorter_side).map_err(|error| error.to_string())?;
        Ok::<Decoded, String>(Arc::new(Zeroizing::new(photo)))
    };
    match subject {
        Subject::File(path) => {
            let bytes = photo::read(path).map_err(|error| error.to_string())?;
            let photo = decode(&bytes, path.extension())?;
            vault.decoded().keep(subject, &photo, || queue.is_viewed(subject));
            Ok(photo)
        }
        Subject::Photo(id) | Subject::Thumbnail(id) => {
            let opened = vault.opened().ok_or("the vault is locked")?;
            let original = opened.vault.original(*id).map_err(|error| error.to_string())?;
            let photo = decode(&original.bytes, Some(OsStr::new(&original.extension)))?;
            vault.decoded().keep(subject, &photo, || queue.is_viewed(subject) && vault.is_open(&opened));
            Ok(photo)
        }
        Subject::Test => Err("the test picture is no photo".to_owned()),
    }
}

/// Reduces a photo to the pixels that its cells need, or cuts a part out of it, and encodes that for the terminal.
fn encode(encoder: &Encoder, photo: &Photo, request: &PictureRequest) -> Result<Picture, String> {
    let pixels = photo.dimensions();
    let rotation = request.view.rotation;
    let (part, (width, height)) = match request.view.enlarged {
        Some(Enlarged { part, width, height }) => (rotation.upright(part, pixels), rotation.swap((width, height))),
        None => {
            let (width, height) = encoder.wanted_pixels(rotation.swap(pixels), request.cells);
            // The encoder enlarges small photos.
            let fitting = rotation.swap((width, height));
            (Part::whole(pixels), (fitting.0.min(pixels.0), fitting.1.min(pixels.1)))
        }
    };
    let cut = photo.part(part, width.max(1), height.max(1)).map_err(|error| error.to_string())?;
    let turned = turn(cut, rotation);
    let picture = match request.view.enlarged {
        Some(_) => encoder.encode_part(turned, pixels, request.cells),
        None => encoder.encode(turned, rotation.swap(pixels), request.cells),
    };
    Ok(Picture { pixels, ..picture.map_err(|error| error.to_string())? })
}

fn turn(mut picture: RgbImage, rotation: Rotation) -> RgbImage {
    let turned = match rotation {
        Rotation::None => return picture,
        Rotation::Quarter => rotate90(&picture),
        Rotation::Half => rotate180(&picture),
        Rotation::ThreeQuarters => rotate270(&picture),
    };
    picture.zeroize();
    turned
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Size;

    use super::super::super::preview::View;
    use super::*;
    use crate::preview::{Graphics, Link};
    use crate::services::library::PhotoId;

    fn request(subject: Subject) -> PictureRequest {
        PictureRequest { subject, view: View::default(), cells: Size::new(8, 4), generation: 0 }
    }

    fn thumbnail(number: u8) -> PictureRequest {
        request(Subject::Thumbnail(PhotoId::from([number; 16])))
    }

    fn replace(queue: &PictureQueue, requests: &[PictureRequest]) {
        queue.replace(Some(&Encoder::new(Graphics::halfblocks(), Link::Local)), requests, &[]);
    }

    fn taken(queue: &PictureQueue) -> PictureRequest {
        match queue.next() {
            Some(Work::Make(job)) => job.1,
            _ => panic!("there is no picture to make"),
        }
    }

    #[test]
    fn the_most_urgent_request_is_taken_first_and_newer_requests_replace_older_ones() {
        let queue = PictureQueue::default();
        replace(&queue, &[thumbnail(1), thumbnail(2), thumbnail(3)]);
        assert_eq!(taken(&queue), thumbnail(1));
        replace(&queue, &[thumbnail(1), thumbnail(9), thumbnail(3)]);
        assert_eq!(taken(&queue), thumbnail(9), "the first is being made");
        assert_eq!(taken(&queue), thumbnail(3));
        queue.close();
        assert!(queue.next().is_none());
    }

    #[test]
    fn few_photos_are_decoded_at_a_time_but_thumbnails_do_not_wait_for_them() {
        let queue = PictureQueue::default();
        let photos: Vec<_> =
            (0..=MOST_PHOTOS).map(|number| request(Subject::Photo(PhotoId::from([number as u8; 16])))).collect();
        replace(&queue, &[photos.clone(), vec![thumbnail(1)]].concat());
        let first: Vec<_> = (0..MOST_PHOTOS).map(|_| taken(&queue)).collect();
        assert_eq!(first, photos[..MOST_PHOTOS]);
        assert_eq!(taken(&queue), thumbnail(1));
        queue.done(&photos[0]);
        assert_eq!(taken(&queue), photos[MOST_PHOTOS]);
    }

    #[test]
    fn a_photo_is_decoded_by_one_thread_at_a_time() {
        let queue = PictureQueue::default();
        let first = request(Subject::Photo(PhotoId::from([1; 16])));
        let turned = PictureRequest { view: View { rotation: Rotation::Quarter, ..View::default() }, ..first.clone() };
        let other = request(Subject::Photo(PhotoId::from([2; 16])));
        replace(&queue, &[first.clone(), turned.clone(), other.clone()]);
        assert_eq!(taken(&queue), first);
        assert_eq!(taken(&queue), other, "another photo does not wait");
        queue.done(&first);
        assert_eq!(taken(&queue), turned);
    }

    #[test]
    fn nothing_is_made_or_viewed_after_a_lock() {
        let queue = PictureQueue::default();
        let subject = Subject::Photo(PhotoId::from([1; 16]));
        queue.replace(None, &[request(subject.clone())], std::slice::from_ref(&subject));
        queue.forget();
        assert!(!queue.is_viewed(&subject) && queue.queue.lock().waiting.is_empty());
    }

    #[test]
    fn decoded_photos_are_dropped_before_anything_else_when_the_view_changes() {
        let queue = PictureQueue::default();
        let subject = thumbnail(1).subject;
        queue.replace(None, &[], std::slice::from_ref(&subject));
        assert!(matches!(queue.next(), Some(Work::Keep(viewed)) if viewed == [subject.clone()]));
        assert!(queue.is_viewed(&subject));
        queue.replace(None, &[], &[]);
        assert!(matches!(queue.next(), Some(Work::Keep(viewed)) if viewed.is_empty()));
    }

    #[test]
    fn a_turned_photo_keeps_its_proportions_and_its_own_size_is_told() {
        let encoder = Encoder::new(Graphics::halfblocks(), Link::Local);
        let mut png = std::io::Cursor::new(Vec::new());
        RgbImage::new(400, 200).write_to(&mut png, image::ImageFormat::Png).unwrap();
        let photo = photo::decode(png.get_ref(), None).unwrap();
        let mut turned = PictureRequest { cells: Size::new(40, 20), ..request(Subject::Test) };
        let picture = encode(&encoder, &photo, &turned).unwrap();
        assert_eq!((picture.drawing.size(), picture.pixels), (Size::new(40, 10), (400, 200)));
        turned.view.rotation = Rotation::Quarter;
        let picture = encode(&encoder, &photo, &turned).unwrap();
        assert_eq!((picture.drawing.size(), picture.pixels), (Size::new(20, 20), (400, 200)));
        let part = Part { x: 10, y: 20, width: 20, height: 10 };
        turned.view.enlarged = Some(Enlarged { part, width: 200, height: 100 });
        let picture = encode(&encoder, &photo, &turned).unwrap();
        assert_eq!((picture.drawing.size(), picture.pixels), (Size::new(20, 5), (400, 200)));
    }
}
