//! What a vault holds, photo by photo: looking at it, taking photos out, and how large it is.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::durable::IfLocked;
use crate::error::Error;
use crate::services::name;
use crate::vault::{DECRYPTED_IMAGES, Directory, Id, Image, Snapshot, Transaction, Vault};

/// What to do when a file of the exported photo's name is there already.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum IfExists {
    /// Export under the next free name: `photo (2).jpg`.
    Rename,
    /// Replace the file.
    Overwrite,
}

/// The folder for an export that names none: inside the vault, so that it is clear where plaintext lies. Never on another
/// machine: there, it is the current folder's.
#[must_use]
pub fn default_export_folder(vault: &Vault) -> PathBuf {
    vault.store().directory().unwrap_or(Path::new("")).join(DECRYPTED_IMAGES)
}

/// Writes the original of `image` into `folder`, which is made if need be, and gives the path of the file. Only the
/// owner may read it, and its name cannot lead out of the folder.
///
/// # Errors
/// When the photo is missing or damaged (nothing is written then), or the folder cannot be written.
pub fn export(image: Image<'_>, folder: &Path, if_exists: IfExists) -> Result<PathBuf, Error> {
    let name = name::exportable(&image.details()?.name);
    let photo = image.photo()?;
    let unwritable = |path: &Path| {
        let path = path.to_owned();
        move |source| Error::Write { path, source }
    };
    fs::create_dir_all(folder).map_err(unwritable(folder))?;
    let mut path = folder.join(&name);
    let mut copy = 1;
    let mut file = loop {
        match create(&path, if_exists) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                copy += 1;
                path = folder.join(name::numbered(&name, copy));
            }
            created => break created.map_err(unwritable(&path))?,
        }
    };
    file.write_all(&photo).map_err(|source| {
        // Half a photo would look like a whole one; if it cannot be removed either, the error is the same.
        let _ = fs::remove_file(&path);
        Error::Write { path: path.clone(), source }
    })?;
    Ok(path)
}

fn create(path: &Path, if_exists: IfExists) -> io::Result<fs::File> {
    if if_exists == IfExists::Overwrite {
        // Removed first: writing through a symbolic link could land anywhere.
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Takes photos out of the vault; their vectors are re-sealed away with the segments they were in.
///
/// # Errors
/// When one of them is not there (nothing is removed then), another process is writing, or the disk refuses.
pub fn remove(vault: &Vault, ids: &[Id]) -> Result<(), Error> {
    let mut transaction = Transaction::begin(vault, IfLocked::Refuse)?;
    for id in ids {
        transaction.remove(*id)?;
    }
    transaction.commit()?;
    log::info!("removed {} photos", ids.len());
    Ok(())
}

/// How large a vault is, and thereby what somebody who only has its files can learn.
#[derive(Clone, Debug, Eq, PartialEq, serde::Serialize)]
pub struct Statistics {
    /// Photos.
    pub photos: usize,
    /// Commits so far.
    pub generation: u64,
    /// Segments, of up to 1,024 photos each.
    pub segments: usize,
    /// Bytes of the originals: known to the key holder alone.
    pub original_bytes: u64,
    /// Bytes of sealed originals.
    pub sealed_photo_bytes: u64,
    /// Bytes of sealed thumbnails.
    pub sealed_thumbnail_bytes: u64,
    /// Bytes of encrypted features, with all that belongs to them.
    pub feature_bytes: u64,
}

/// Counts and sizes of one generation.
///
/// # Errors
/// When a folder or a catalogue cannot be read.
pub fn statistics(vault: &Vault, snapshot: &Snapshot) -> Result<Statistics, Error> {
    snapshot.prefetch_listing();
    let mut original_bytes = 0;
    for segment in snapshot.segments()? {
        original_bytes += segment.catalogue()?.iter().map(|entry| entry.details.bytes).sum::<u64>();
    }
    let size = |directory| vault.store().size(directory);
    Ok(Statistics {
        photos: snapshot.len(),
        generation: snapshot.mapping().generation,
        segments: snapshot.segments()?.len(),
        original_bytes,
        sealed_photo_bytes: size(Directory::Images)?,
        sealed_thumbnail_bytes: size(Directory::Thumbnails)?,
        feature_bytes: size(Directory::Features)?,
    })
}
