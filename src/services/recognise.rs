//! Tells which files a vault already holds, by their content.
//!
//! Must never: keep a vault, and with it its keys, while a file is read. A network disk that is gone lets a read wait
//! for ever, and the vault may be locked meanwhile.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use parking_lot::Mutex;

use crate::error::Error;
use crate::services::library::{self, StoredPhoto};
use crate::services::newest_paths::NewestPaths;
use crate::services::open_vault::OpenVault;
use crate::services::photo;
use crate::vault::{Digest, LARGEST_PHOTO_BYTES, MacTag};

/// Files whose digests are kept, at most.
const MOST_FILES: usize = 50_000;

/// A vault that may be locked at any time, with what was recognised in it.
pub trait Lockable {
    /// What `read` returns; `None` when the vault was locked.
    fn with<T>(&self, read: impl FnOnce(&OpenVault, &Recogniser) -> T) -> Option<T>;
}

/// Digests of files under one vault's key, so that each file is read once. Drop it with the vault.
pub struct Recogniser {
    files: Mutex<NewestPaths<KnownFile>>,
    sizes: Mutex<Option<StoredSizes>>,
}

impl Default for Recogniser {
    fn default() -> Self {
        Self { files: Mutex::new(NewestPaths::new(MOST_FILES)), sizes: Mutex::default() }
    }
}

/// The sizes of the photos in a generation of the vault.
struct StoredSizes {
    /// The tag of its mapping.
    generation: MacTag,
    sizes: Arc<HashSet<u64>>,
}

/// The digest of a file, valid while size and time are unchanged.
struct KnownFile {
    bytes: u64,
    modified: Option<SystemTime>,
    content: Digest,
}

/// Whether `vault` holds the content of the file; `None` when the file or the vault cannot be read, or the vault was
/// locked. That is not an error: the answer is a hint, and an attempt to use the file will report the problem.
#[must_use]
pub fn is_stored(vault: &impl Lockable, path: &Path) -> Option<bool> {
    let metadata = std::fs::metadata(path).ok().filter(|metadata| metadata.len() <= LARGEST_PHOTO_BYTES as u64)?;
    let (bytes, modified) = (metadata.len(), metadata.modified().ok());
    if let Some(content) = vault.with(|_, recogniser| recogniser.known(path, bytes, modified))? {
        return vault.with(|vault, _| holds(vault, &content))?;
    }
    let read = photo::read(path).ok()?;
    vault.with(|vault, recogniser| {
        let content = vault.vault().content_tag(&read);
        recogniser.files.lock().set(path.to_owned(), KnownFile { bytes, modified, content });
        holds(vault, &content)
    })?
}

fn holds(vault: &OpenVault, content: &Digest) -> Option<bool> {
    vault.read(|snapshot| Ok(snapshot.find_content(content)?.is_some())).ok()
}

impl Recogniser {
    /// Lists the photos of `vault`, and notes their sizes.
    ///
    /// # Errors
    /// When the vault cannot be read.
    pub fn list(&self, vault: &OpenVault) -> Result<Vec<StoredPhoto>, Error> {
        // Whoever asks for the sizes meanwhile waits for this list, and does not make another one.
        let mut known = self.sizes.lock();
        // Before the list: if that is of a newer generation, it is made anew when the sizes are asked for.
        let generation = vault.snapshot()?.signed().tag;
        let photos = library::list(vault)?;
        let sizes = Arc::new(photos.iter().map(|photo| photo.bytes).collect());
        *known = Some(StoredSizes { generation, sizes });
        Ok(photos)
    }

    /// The sizes of the photos that `vault` holds: a file of another size need not be read. Taken from the last
    /// [list](Self::list) if that is of the current generation.
    ///
    /// # Errors
    /// When the vault cannot be read.
    pub fn stored_sizes(&self, vault: &OpenVault) -> Result<Arc<HashSet<u64>>, Error> {
        let generation = vault.snapshot()?.signed().tag;
        if let Some(known) = &*self.sizes.lock()
            && known.generation == generation
        {
            return Ok(Arc::clone(&known.sizes));
        }
        self.list(vault)?;
        Ok(self.sizes.lock().as_ref().map(|known| Arc::clone(&known.sizes)).unwrap_or_default())
    }

    fn known(&self, path: &Path, bytes: u64, modified: Option<SystemTime>) -> Option<Digest> {
        let files = self.files.lock();
        files.get(path).filter(|known| (known.bytes, known.modified) == (bytes, modified)).map(|known| known.content)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::open_vault::tests::vault;
    use crate::services::synthetic;

    #[test]
    fn sizes_are_those_of_the_last_list_until_the_vault_has_changed() {
        let folder = tempfile::tempdir().unwrap();
        let (vault, recogniser) = (vault(&folder.path().join("vault")), Recogniser::default());
        synthetic::fill(&vault, 3, &|_| {}).unwrap();
        assert_eq!(recogniser.list(&vault).unwrap().len(), 3);
        let noted = Arc::clone(&recogniser.sizes.lock().as_ref().unwrap().sizes);
        assert!(Arc::ptr_eq(&recogniser.stored_sizes(&vault).unwrap(), &noted));
        // A search does that each time.
        vault.refresh().unwrap();
        assert!(Arc::ptr_eq(&recogniser.stored_sizes(&vault).unwrap(), &noted), "listed again");
        let photo = library::list(&vault).unwrap()[0].id;
        library::remove(&vault, &[photo]).unwrap();
        assert!(!Arc::ptr_eq(&recogniser.stored_sizes(&vault).unwrap(), &noted));
    }
}
