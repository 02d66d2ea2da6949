//! The decoded photos that are on the screen in a view that may change: kept, so that another part of one is drawn
//! without decoding it again.
//!
//! Must never: keep a photo that is not on the screen, or any after the vault was locked. Pixels are wiped when they
//! are dropped.

use std::sync::Arc;

use parking_lot::Mutex;
use zeroize::Zeroizing;

use super::super::preview::Subject;
use crate::services::photo::Photo;

/// A decoded photo. It is wiped when the last thread that draws it is done.
pub(super) type Decoded = Arc<Zeroizing<Photo>>;

/// Whether `subject` is a whole photo, whose pixels take much memory.
pub(super) fn is_photo(subject: &Subject) -> bool {
    matches!(subject, Subject::File(_) | Subject::Photo(_))
}

/// The photos, one for each subject.
#[derive(Default)]
pub(super) struct DecodedPhotos(Mutex<Vec<(Subject, Decoded)>>);

impl DecodedPhotos {
    /// The photo, if it was decoded with at least `shorter_side` pixels on its shorter side or has no more.
    pub(super) fn get(&self, subject: &Subject, shorter_side: u32) -> Option<Decoded> {
        let photos = self.0.lock();
        let (_, photo) = photos.iter().find(|(known, photo)| known == subject && photo.suffices(shorter_side))?;
        Some(Arc::clone(photo))
    }

    /// Keeps a photo if `is_wanted`, which is asked while nobody else can drop what is kept.
    pub(super) fn keep(&self, subject: &Subject, photo: &Decoded, is_wanted: impl FnOnce() -> bool) {
        let mut photos = self.0.lock();
        if !is_wanted() {
            return;
        }
        let replaced = take(&mut photos, |known| known == subject);
        photos.push((subject.clone(), Arc::clone(photo)));
        // Others need not wait for the wiping.
        drop(photos);
        drop(replaced);
    }

    /// Takes out all photos but these, for the caller to drop.
    #[must_use]
    pub(super) fn take_others(&self, viewed: &[Subject]) -> Vec<Decoded> {
        take(&mut self.0.lock(), |subject| !viewed.contains(subject))
    }

    /// Takes out all photos, for a thread to drop that may take its time: wiping takes a while.
    #[must_use]
    pub(super) fn take_all(&self) -> Vec<Decoded> {
        take(&mut self.0.lock(), |_| true)
    }
}

fn take(photos: &mut Vec<(Subject, Decoded)>, is_taken: impl Fn(&Subject) -> bool) -> Vec<Decoded> {
    photos.extract_if(.., |(subject, _)| is_taken(subject)).map(|(_, photo)| photo).collect()
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;
    use std::path::PathBuf;

    use super::*;
    use crate::services::photo;

    fn decoded() -> Decoded {
        let mut png = Cursor::new(Vec::new());
        image::RgbImage::new(40, 20).write_to(&mut png, image::ImageFormat::Png).unwrap();
        Arc::new(Zeroizing::new(photo::decode(png.get_ref(), None).unwrap()))
    }

    fn subject(name: &str) -> Subject {
        Subject::File(PathBuf::from(name))
    }

    #[test]
    fn only_what_is_viewed_is_kept_and_nothing_after_a_lock() {
        let photos = DecodedPhotos::default();
        photos.keep(&subject("a"), &decoded(), || true);
        photos.keep(&subject("b"), &decoded(), || true);
        photos.keep(&subject("c"), &decoded(), || false);
        assert!(photos.get(&subject("c"), 1).is_none());
        assert_eq!(photos.take_others(&[subject("b")]).len(), 1);
        assert!(photos.get(&subject("a"), 1).is_none() && photos.get(&subject("b"), u32::MAX).is_some());
        drop(photos.take_all());
        assert!(photos.get(&subject("b"), 1).is_none());
    }

    #[test]
    fn photos_are_taken_out_unwiped_so_that_another_thread_can_wipe_them() {
        let photos = DecodedPhotos::default();
        photos.keep(&subject("a"), &decoded(), || true);
        photos.keep(&subject("b"), &decoded(), || true);
        for taken in [photos.take_others(&[subject("b")]), photos.take_all()] {
            assert_eq!(taken.iter().map(Arc::strong_count).collect::<Vec<_>>(), [1]);
            assert_eq!(taken[0].dimensions(), (40, 20));
        }
    }

    #[test]
    fn a_photo_is_kept_once() {
        let photos = DecodedPhotos::default();
        photos.keep(&subject("a"), &decoded(), || true);
        photos.keep(&subject("a"), &decoded(), || true);
        assert_eq!(photos.0.lock().len(), 1);
    }
}
