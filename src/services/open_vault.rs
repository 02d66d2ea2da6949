//! An open vault, shared by the use cases: its keys, and the generation that was read last.
//!
//! Writers may remove files of an older generation while it is being read. Every read is then repeated on the newest
//! generation, here and nowhere else. Must never: change the photos of the vault, or keep what was read after
//! [`OpenVault::forget_contents`].

use std::sync::Arc;

use parking_lot::Mutex;
use zeroize::Zeroizing;

use crate::error::Error;
use crate::services::camera_data::CameraData;
use crate::services::exif;
use crate::services::known_vaults::{Advice, KnownCopy, OpenCopy};
use crate::services::stored_photo::{PhotoId, StoredPhoto};
use crate::vault::{self, Seen, Snapshot, Vault};
pub use crate::vault::{CopyAge, Traffic};

/// How often a read is tried. Each failure means that a writer has committed once more.
const TRIES: usize = 8;

/// An unlocked vault. Its keys are wiped when the last handle to it is dropped.
pub struct OpenVault {
    vault: Arc<Vault>,
    latest: Mutex<Latest>,
    name: String,
    /// Its entry among the known vaults, if it was opened at an address.
    copy: Option<OpenCopy>,
}

/// The generation that was read last, with the segments of it that have been opened and verified.
enum Latest {
    /// Reads use it.
    Current(Arc<Snapshot>),
    /// This process has committed a newer one, which the next read opens.
    Outdated(Arc<Snapshot>),
    /// Nothing is kept from now on: the vault was locked.
    Forgotten,
}

/// A photo as it was added.
pub struct OriginalPhoto {
    /// The exact bytes of the file.
    pub bytes: Zeroizing<Vec<u8>>,
    /// Its file name; may hold anything.
    pub name: String,
    /// The extension of its name, in lower case and without the dot.
    pub extension: String,
}

impl OpenVault {
    /// Wraps an unlocked vault and the generation that was read on opening it.
    #[must_use]
    pub fn new(vault: impl Into<Arc<Vault>>, snapshot: Snapshot) -> Self {
        let latest = Mutex::new(Latest::Current(Arc::new(snapshot)));
        Self { vault: vault.into(), latest, name: "the vault".to_owned(), copy: None }
    }

    /// The same with its name and its entry among the known vaults.
    #[must_use]
    pub(super) fn known_as(self, name: String, copy: OpenCopy) -> Self {
        Self { name, copy: Some(copy), ..self }
    }

    /// What it is called. Safe to show.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its copies, this one among them: what is known of them, without a look at any.
    ///
    /// # Errors
    /// When the list of known vaults cannot be read.
    pub fn copies(&self) -> Result<Vec<KnownCopy>, Error> {
        self.copy.as_ref().map_or(Ok(Vec::new()), OpenCopy::copies)
    }

    /// What to tell the user about the list of known vaults: that this vault takes the place of another one in it, or
    /// that it cannot be written. Has paths in it.
    #[must_use]
    pub fn note(&self) -> Option<&str> {
        self.copy.as_ref()?.note()
    }

    /// What can be done if this copy is not the newest and this machine knows one that has what it lacks.
    #[must_use]
    pub fn advice(&self) -> Option<Advice> {
        self.copy.as_ref()?.advice(self.copy_age())
    }

    /// The vault's random id, in hexadecimal.
    #[must_use]
    pub fn id(&self) -> String {
        self.vault.id().to_string()
    }

    /// How many photos it holds.
    ///
    /// # Errors
    /// When the vault cannot be read.
    pub fn photo_count(&self) -> Result<usize, Error> {
        Ok(self.snapshot()?.len())
    }

    /// How this copy compares with the newest one that this machine has seen.
    #[must_use]
    pub fn copy_age(&self) -> CopyAge {
        self.vault.copy_age()
    }

    /// Whether it is of an older format, which can be read but neither searched nor changed until it is
    /// [upgraded](crate::services::upgrade).
    #[must_use]
    pub fn is_old(&self) -> bool {
        self.vault.is_old()
    }

    /// Refuses a copy that is older than one this machine has seen, or that was changed separately.
    ///
    /// # Errors
    /// [`vault::Error::RolledBack`], [`vault::Error::Forked`], [`vault::Error::Unproven`].
    pub fn require_newest(&self) -> Result<(), Error> {
        Ok(self.vault.require_newest()?)
    }

    /// Accepts a copy that is older, or was changed separately, as the one to use from now on. Ask the user first:
    /// changes that only the other copy has are given up.
    ///
    /// # Errors
    /// When the record of the newest generation seen cannot be written.
    pub fn accept_older_copy(&self) -> Result<(), Error> {
        Ok(self.vault.accept_older_copy()?)
    }

    /// Bytes sent and received since the vault was opened; `None` for a vault on this machine.
    #[must_use]
    pub fn traffic(&self) -> Option<Traffic> {
        self.vault.backend().traffic()
    }

    /// The photo whose id starts with `prefix`.
    ///
    /// # Errors
    /// When no id, or more than one, starts with it; when the vault is damaged.
    pub fn find(&self, prefix: &str) -> Result<StoredPhoto, Error> {
        self.read(|snapshot| {
            let image = snapshot.find(prefix)?;
            Ok(StoredPhoto::new(image.record()?, snapshot.sources()?))
        })
    }

    /// What the camera wrote into a photo, from its record. `None` for a photo that was added before this was recorded.
    ///
    /// # Errors
    /// When the vault does not have it, or records are damaged.
    pub fn recorded_camera_data(&self, id: PhotoId) -> Result<Option<CameraData>, Error> {
        self.read(|snapshot| Ok(CameraData::of_record(snapshot.image(id)?.record()?)))
    }

    /// What the camera wrote into a photo: from its record, else from the photo itself.
    ///
    /// # Errors
    /// As [`Self::original`].
    pub fn camera_data(&self, id: PhotoId) -> Result<CameraData, Error> {
        match self.recorded_camera_data(id)? {
            Some(recorded) => Ok(recorded),
            None => Ok(exif::read(&self.original(id)?.bytes)),
        }
    }

    /// Decrypts a photo.
    ///
    /// # Errors
    /// When the vault does not have it, or it is damaged.
    pub fn original(&self, id: PhotoId) -> Result<OriginalPhoto, Error> {
        self.read(|snapshot| {
            let image = snapshot.image(id)?;
            let extension = image.listed().extension.as_str().to_owned();
            Ok(OriginalPhoto { bytes: image.photo()?, name: image.name()?.into_owned(), extension })
        })
    }

    /// Decrypts the thumbnail of a photo: a JPEG.
    ///
    /// # Errors
    /// As [`Self::original`].
    pub fn thumbnail(&self, id: PhotoId) -> Result<Zeroizing<Vec<u8>>, Error> {
        self.read(|snapshot| Ok(snapshot.image(id)?.thumbnail()?))
    }

    /// Looks for a newer generation; reads after this see it.
    ///
    /// # Errors
    /// When the vault cannot be read.
    pub fn refresh(&self) -> Result<(), Error> {
        self.mark_outdated();
        self.snapshot().map(drop)
    }

    /// Drops everything that was read from the vault, and keeps nothing that is read later. The keys stay until the
    /// last handle is dropped; an indexing run that continues while the vault is locked holds one.
    pub fn forget_contents(&self) {
        *self.latest.lock() = Latest::Forgotten;
    }

    /// Makes reads use the newest generation, and notes it. Every use case that commits calls this afterwards. If it
    /// cannot be opened, the next read reports that.
    pub(super) fn mark_changed(&self) {
        self.mark_outdated();
        if self.copy.is_some() && self.snapshot().is_err() {
            log::warn!("the generation that was just committed cannot be read");
        }
    }

    fn mark_outdated(&self) {
        let mut latest = self.latest.lock();
        if let Latest::Current(snapshot) = &*latest {
            *latest = Latest::Outdated(Arc::clone(snapshot));
        }
    }

    /// Notes a generation of it that exists now.
    fn note_generation(&self, newest: Seen) {
        if let Some(copy) = &self.copy {
            copy.saw(newest);
        }
    }

    /// Notes the outcome of a check.
    pub(super) fn note_check(&self, damages: usize) {
        if let Some(copy) = &self.copy {
            copy.checked(damages);
        }
    }

    /// Calls `read` on the generation that was read last, and again on the newest one whenever a writer has removed
    /// files that it needs.
    pub(super) fn read<T>(&self, mut read: impl FnMut(&Snapshot) -> Result<T, Error>) -> Result<T, Error> {
        let mut snapshot = self.snapshot()?;
        for _ in 1..TRIES {
            match read(&snapshot) {
                Err(Error::Vault(vault::Error::Superseded { .. })) => snapshot = self.move_on(&snapshot)?,
                outcome => return outcome,
            }
        }
        read(&snapshot)
    }

    pub(super) fn vault(&self) -> &Vault {
        &self.vault
    }

    /// The generation that reads use.
    pub(super) fn snapshot(&self) -> Result<Arc<Snapshot>, Error> {
        let previous = match &*self.latest.lock() {
            Latest::Current(snapshot) => return Ok(Arc::clone(snapshot)),
            Latest::Outdated(snapshot) => Some(Arc::clone(snapshot)),
            Latest::Forgotten => None,
        };
        match previous {
            Some(previous) => self.move_on(&previous),
            None => {
                let snapshot = self.vault.snapshot()?;
                self.note_generation(Seen::of(snapshot.signed()));
                Ok(Arc::new(snapshot))
            }
        }
    }

    /// Opens the newest generation, keeping what `previous` has read of it.
    fn move_on(&self, previous: &Snapshot) -> Result<Arc<Snapshot>, Error> {
        let snapshot = Arc::new(self.vault.snapshot_after(previous)?);
        self.note_generation(Seen::of(snapshot.signed()));
        let mut latest = self.latest.lock();
        if !matches!(*latest, Latest::Forgotten) {
            *latest = Latest::Current(Arc::clone(&snapshot));
        }
        Ok(snapshot)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::cipher::{Cost, Passphrase};
    use crate::durable::IfLocked;
    use crate::services::{library, synthetic};
    use crate::vault::{self, Extension, FeatureSpace, Found, Freshness, Hex, NewImage, Transaction};

    /// A new, empty vault.
    pub(in crate::services) fn vault(root: &std::path::Path) -> OpenVault {
        let passphrase = Passphrase::new(&Zeroizing::new(b"correct horse".to_vec())).unwrap();
        let space = FeatureSpace {
            network: "n".into(),
            weights: "w".into(),
            preprocessing: "p".into(),
            precision: "f".into(),
            basis: None,
            dimension: 512,
            threshold: 800,
        };
        let backend = vault::local(root);
        let (vault, snapshot) =
            Vault::create(backend, &passphrase, Cost::FLOOR, space, Freshness::unrecorded()).unwrap();
        OpenVault::new(vault, snapshot)
    }

    #[test]
    fn what_this_process_commits_is_read_next() {
        let folder = tempfile::tempdir().unwrap();
        let vault = vault(&folder.path().join("vault"));
        synthetic::fill(&vault, 3, &|_| {}).unwrap();
        let photos = library::list(&vault).unwrap();
        assert_eq!(photos.len(), 3);
        library::remove(&vault, &[photos[1].id]).unwrap();
        assert_eq!(vault.photo_count().unwrap(), 2);
    }

    #[test]
    fn camera_data_is_read_from_the_photo_where_the_record_has_none() {
        let folder = tempfile::tempdir().unwrap();
        let vault = vault(&folder.path().join("vault"));
        // A little-endian TIFF with one entry: Model (0x0110), ASCII, 4 bytes.
        let photo = b"II*\0\x08\0\0\0\x01\0\x10\x01\x02\0\x04\0\0\0X10\0\0\0\0\0";
        let mut transaction = Transaction::begin(vault.vault(), IfLocked::Wait).unwrap();
        let mut ids = Vec::new();
        for (number, media_type) in [None, Some("image/tiff".to_owned())].into_iter().enumerate() {
            let photo = transaction.store_photo(&[&photo[..], &[number as u8]].concat(), &Extension::of("".as_ref()));
            let photo = photo.unwrap();
            ids.push(photo.id());
            let place = Found { source: Hex([0; 16]), path: b"photo".into(), modified: None };
            let mut record = photo.record(place);
            record.media_type = media_type;
            let _ = transaction.append(NewImage { photo, record, vector: None }).unwrap();
        }
        drop(transaction.commit().unwrap());
        vault.mark_changed();
        let model = |at: usize| vault.camera_data(ids[at]).unwrap().camera.map(|camera| camera.model().to_owned());
        assert!(vault.recorded_camera_data(ids[0]).unwrap().is_none());
        assert_eq!(model(0).as_deref(), Some("X10"));
        assert_eq!(model(1), None, "its record says that there is none");
    }

    #[test]
    fn a_locked_vault_keeps_nothing_of_what_is_read_later() {
        let folder = tempfile::tempdir().unwrap();
        let vault = vault(&folder.path().join("vault"));
        synthetic::fill(&vault, 2, &|_| {}).unwrap();
        vault.forget_contents();
        assert_eq!(library::list(&vault).unwrap().len(), 2);
        vault.refresh().unwrap();
        assert!(matches!(*vault.latest.lock(), Latest::Forgotten));
    }
}
