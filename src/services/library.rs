//! What a vault holds: listing its photos, removing some, and how large it is.

use std::collections::HashSet;

use rayon::prelude::*;

use crate::durable::IfLocked;
use crate::error::Error;
use crate::services::camera_data::CameraData;
use crate::services::open_vault::OpenVault;
pub use crate::services::stored_photo::{PhotoId, Place, StoredPhoto};
pub use crate::vault::SEGMENT_IMAGES as SEGMENT_PHOTOS;
use crate::vault::{self, Directory, Record, Segment, Transaction};

/// Every photo of the generation that was read last, in the order in which a search scans them.
///
/// # Errors
/// When the vault cannot be read, or records are damaged.
pub fn list(vault: &OpenVault) -> Result<Vec<StoredPhoto>, Error> {
    vault.read(|snapshot| {
        snapshot.prefetch_listing();
        let mut photos = Vec::with_capacity(snapshot.len());
        let sources = snapshot.sources()?;
        for segment in snapshot.segments()? {
            photos.extend(segment.read_records()?.iter().map(|record| StoredPhoto::new(record, sources)));
        }
        Ok(photos)
    })
}

/// Passes on every photo of the generation that was read last, in the order in which a search scans them, as `describe`
/// makes it from the photo and what its camera wrote, if that was recorded. `describe` is called in parallel. Holds a
/// few segments in memory at a time, and the ids of those passed on: if a writer has removed files that are still to
/// be read, it goes on with the newest generation.
///
/// # Errors
/// As [`list`]; what `receive` returns.
pub fn for_each<T: Send, E: From<Error>>(
    vault: &OpenVault,
    describe: impl Fn(&StoredPhoto, Option<&CameraData>) -> T + Sync,
    mut receive: impl FnMut(T) -> Result<(), E>,
) -> Result<(), E> {
    let mut passed_on = Vec::new();
    let mut refused = None;
    let read = vault.read(|snapshot| {
        snapshot.prefetch_listing();
        let sources = snapshot.sources()?;
        let segments: Vec<&Segment> = snapshot.segments()?.collect();
        // Empty unless this is another try.
        let known: HashSet<PhotoId> = passed_on.iter().copied().collect();
        for some in segments.chunks(SEGMENTS_AT_ONCE) {
            let described = |segment: &&Segment| {
                let records = segment.read_records()?;
                let new = records.iter().filter(|record| !known.contains(&record.id));
                let one = |record: &Record| {
                    let photo = StoredPhoto::new(record, sources);
                    (record.id, describe(&photo, CameraData::of_record(record).as_ref()))
                };
                Ok(new.map(one).collect::<Vec<_>>())
            };
            let photos: Vec<Vec<_>> = some.par_iter().map(described).collect::<Result<_, vault::Error>>()?;
            for (id, photo) in photos.into_iter().flatten() {
                passed_on.push(id);
                if let Err(error) = receive(photo) {
                    refused = Some(error);
                    return Ok(());
                }
            }
        }
        Ok(())
    });
    read?;
    refused.map_or(Ok(()), Err)
}

/// Segments whose details [`for_each`] reads at once.
const SEGMENTS_AT_ONCE: usize = 8;

/// Removes photos from the vault: their vectors are dropped, and the rest of their segments is encrypted again.
///
/// # Errors
/// When one of them is not in the vault (nothing is removed then), another process is writing, or a file cannot be
/// written.
pub fn remove(vault: &OpenVault, ids: &[PhotoId]) -> Result<(), Error> {
    let mut transaction = Transaction::begin(vault.vault(), IfLocked::Wait)?;
    for id in ids {
        transaction.remove(*id)?;
    }
    drop(transaction.commit()?);
    vault.mark_changed();
    log::info!("removed {} photos", ids.len());
    Ok(())
}

/// How large a vault is. All of it but [`Self::original_bytes`] is also visible to anybody who has its files.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, serde::Serialize)]
pub struct Statistics {
    /// Photos.
    pub photos: usize,
    /// Commits so far.
    pub generation: u64,
    /// Segments, of up to [`SEGMENT_PHOTOS`] photos each.
    pub segments: usize,
    /// Bytes of the originals, which only the key holder knows.
    pub original_bytes: u64,
    /// Bytes of the encrypted originals.
    pub sealed_photo_bytes: u64,
    /// Bytes of the encrypted thumbnails.
    pub sealed_thumbnail_bytes: u64,
    /// Bytes of the encrypted vectors and everything stored beside them.
    pub feature_bytes: u64,
}

impl Statistics {
    /// Bytes of everything that grows with the number of photos.
    #[must_use]
    pub fn stored_bytes(&self) -> u64 {
        self.sealed_photo_bytes + self.sealed_thumbnail_bytes + self.feature_bytes
    }
}

/// Counts and sizes of the generation that was read last.
///
/// # Errors
/// When a folder or records cannot be read.
pub fn statistics(vault: &OpenVault) -> Result<Statistics, Error> {
    let size = |directory| vault.vault().backend().size(directory);
    vault.read(|snapshot| {
        snapshot.prefetch_listing();
        let mut original_bytes = 0;
        for segment in snapshot.segments()? {
            original_bytes += segment.read_records()?.iter().map(|record| record.bytes).sum::<u64>();
        }
        Ok(Statistics {
            photos: snapshot.len(),
            generation: snapshot.mapping().generation,
            segments: snapshot.segments()?.len(),
            original_bytes,
            sealed_photo_bytes: size(Directory::Images)?,
            sealed_thumbnail_bytes: size(Directory::Thumbnails)?,
            feature_bytes: size(Directory::Features)?,
        })
    })
}
