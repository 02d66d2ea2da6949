//! A decorator of any backend that keeps immutable files in a local cache.
//!
//! Nothing is cached before the vault is unlocked: the cache is encrypted with a key of the vault.
//!
//! Must never: cache an original photo or the blocks of a segment, or return cached bytes without checking their
//! digest.

use std::path::PathBuf;
use std::sync::OnceLock;

use super::cache::Cache;
use crate::cipher::Purpose;
use crate::vault::format::sealed::VaultKeys;
use crate::vault::{
    Abandoned, Backend, Blocks, Digest, Directory, Error, Expected, Id, Leftovers, Listed, Object, PackPart, Part,
    Scanner, SignedMapping, Traffic, Writer,
};

/// A backend and its cache.
pub(super) struct CachedBackend<B> {
    inner: B,
    directory: PathBuf,
    cache: OnceLock<Cache>,
}

impl<B: Backend> CachedBackend<B> {
    /// Caches files of `inner` below `directory`, once the vault is unlocked.
    pub(super) fn new(inner: B, directory: PathBuf) -> Self {
        Self { inner, directory, cache: OnceLock::new() }
    }

    /// The cache, if this file is worth keeping.
    fn cache_for(&self, object: &Object) -> Option<&Cache> {
        self.cache.get().filter(|_| is_cached(object))
    }

    /// The current mapping. Tells the backend the digest of the cached one, so that an unchanged mapping is not sent
    /// again.
    fn read_mapping(&self, limit: u64) -> Result<Vec<u8>, Error> {
        let Some(cache) = self.cache.get() else { return self.inner.read(&Object::Mapping, limit) };
        let cached = cache.mapping();
        let newer = match &cached {
            Some(cached) => self.inner.read_if_changed(&Object::Mapping, limit, &Digest::of(&[cached]))?,
            None => Some(self.inner.read(&Object::Mapping, limit)?),
        };
        if let Some(newer) = &newer {
            cache.put_mapping(newer);
        }
        Ok(newer.or(cached).unwrap_or_default())
    }
}

/// Whether a file never changes and is worth keeping.
fn is_cached(object: &Object) -> bool {
    match object {
        Object::PublicContext
        | Object::SecretContext
        | Object::Thumbnail(_)
        | Object::Group(..)
        | Object::Table(_)
        | Object::Pack(_, PackPart::List) => true,
        // Vectors too: a search with a photo of the vault reads those of its whole segment.
        Object::Segment(_, part) => *part != Part::Blocks,
        Object::Header
        | Object::Mapping
        | Object::Photo(..)
        | Object::Pack(_, PackPart::Content)
        | Object::Unfinished(_)
        | Object::Writing
        | Object::Lock
        | Object::Journal(_) => false,
    }
}

impl<B: Backend> Backend for CachedBackend<B> {
    fn require_vault(&self) -> Result<(), Error> {
        self.inner.require_vault()
    }

    fn read(&self, object: &Object, limit: u64) -> Result<Vec<u8>, Error> {
        match object {
            Object::Mapping => self.read_mapping(limit),
            object => self.inner.read(object, limit),
        }
    }

    fn read_at(&self, object: &Object, offset: u64, bytes: u64) -> Result<Vec<u8>, Error> {
        self.inner.read_at(object, offset, bytes)
    }

    fn read_if_changed(&self, object: &Object, limit: u64, known: &Digest) -> Result<Option<Vec<u8>>, Error> {
        self.inner.read_if_changed(object, limit, known)
    }

    fn read_verified(&self, file: &Expected) -> Result<Vec<u8>, Error> {
        let cache = self.cache_for(&file.object);
        if let Some(bytes) = cache.and_then(|cache| cache.get(&file.digest)) {
            return Ok(bytes);
        }
        let bytes = self.inner.read_verified(file)?;
        if let Some(cache) = cache {
            cache.put(&file.digest, &bytes);
        }
        Ok(bytes)
    }

    fn prefetch(&self, files: &[Expected]) {
        let Some(cache) = self.cache.get() else { return };
        let is_missing = |file: &&Expected| is_cached(&file.object) && cache.get(&file.digest).is_none();
        let missing: Vec<_> = files.iter().filter(is_missing).cloned().collect();
        self.inner.read_many(&missing, &mut |file, bytes| cache.put(&file.digest, bytes));
    }

    fn blocks(&self, file: &Expected) -> Result<Blocks, Error> {
        self.inner.blocks(file)
    }

    fn scanner(&self) -> Option<&dyn Scanner> {
        self.inner.scanner()
    }

    fn list(&self, directory: Directory) -> Result<Vec<Listed>, Error> {
        self.inner.list(directory)
    }

    fn size(&self, directory: Directory) -> Result<u64, Error> {
        self.inner.size(directory)
    }

    fn leftovers(&self, newest: &SignedMapping) -> Result<Leftovers, Error> {
        self.inner.leftovers(newest)
    }

    fn writer(&self, abandoned: Abandoned) -> Result<Box<dyn Writer>, Error> {
        self.inner.writer(abandoned)
    }

    fn create(&self, vault: Id, abandoned: Abandoned) -> Result<Box<dyn Writer>, Error> {
        self.inner.create(vault, abandoned)
    }

    fn digests(&self, objects: &[Object]) -> Result<Vec<Option<Digest>>, Error> {
        self.inner.digests(objects)
    }

    fn unlocked(&self, keys: &VaultKeys) {
        self.cache.get_or_init(|| {
            let key = keys.tree().key(Purpose::Cache, &[0; 16]);
            Cache::open(&self.directory, keys.vault(), key)
        });
    }

    fn traffic(&self) -> Option<Traffic> {
        self.inner.traffic()
    }
}
