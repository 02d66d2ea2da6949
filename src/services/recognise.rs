//! Tells which files a vault already holds, by their content.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::SystemTime;

use parking_lot::Mutex;

use crate::error::Error;
use crate::services::library;
use crate::services::open_vault::OpenVault;
use crate::services::photo;
use crate::vault::{Digest, LARGEST_PHOTO_BYTES, Snapshot};

/// Digests of files under one vault's key, so that each file is read once. Drop it with the vault.
#[derive(Default)]
pub struct Recogniser {
    files: Mutex<HashMap<PathBuf, KnownFile>>,
    sizes: Mutex<Option<StoredSizes>>,
}

/// The sizes of the photos in a generation of the vault.
struct StoredSizes {
    generation: Weak<Snapshot>,
    sizes: Arc<HashSet<u64>>,
}

/// The digest of a file, valid while size and time are unchanged.
struct KnownFile {
    bytes: u64,
    modified: Option<SystemTime>,
    content: Digest,
}

impl Recogniser {
    /// Whether `vault` holds the content of the file; `None` when the file or the vault cannot be read. That is not
    /// an error: the answer is a hint, and an attempt to use the file will report the problem.
    #[must_use]
    pub fn is_stored(&self, vault: &OpenVault, path: &Path) -> Option<bool> {
        let metadata = std::fs::metadata(path).ok().filter(|metadata| metadata.len() <= LARGEST_PHOTO_BYTES as u64)?;
        let content = self.content_of(vault, path, metadata.len(), metadata.modified().ok())?;
        vault.read(|snapshot| Ok(snapshot.find_content(&content)?.is_some())).ok()
    }

    /// The sizes of the photos that `vault` holds: a file of another size need not be read. Listed once for each
    /// generation.
    ///
    /// # Errors
    /// When the vault cannot be read.
    pub fn stored_sizes(&self, vault: &OpenVault) -> Result<Arc<HashSet<u64>>, Error> {
        let snapshot = vault.snapshot()?;
        if let Some(known) = &*self.sizes.lock()
            && std::ptr::eq(known.generation.as_ptr(), Arc::as_ptr(&snapshot))
        {
            return Ok(Arc::clone(&known.sizes));
        }
        let sizes = Arc::new(library::list(vault)?.iter().map(|photo| photo.bytes).collect::<HashSet<u64>>());
        let generation = Arc::downgrade(&snapshot);
        *self.sizes.lock() = Some(StoredSizes { generation, sizes: Arc::clone(&sizes) });
        Ok(sizes)
    }

    fn content_of(&self, vault: &OpenVault, path: &Path, bytes: u64, modified: Option<SystemTime>) -> Option<Digest> {
        if let Some(known) =
            self.files.lock().get(path).filter(|known| (known.bytes, known.modified) == (bytes, modified))
        {
            return Some(known.content);
        }
        let content = vault.vault().content_tag(&photo::read(path).ok()?);
        self.files.lock().insert(path.to_owned(), KnownFile { bytes, modified, content });
        Some(content)
    }
}
