//! The local cache: immutable files fetched from a host, encrypted under a key of the vault.
//!
//! ```text
//! <cache>/<vault id>/<digest>      AES-256-CBC + HMAC-SHA-512
//! associated data = "cipherlens cache 1" | vault id | digest
//! ```
//!
//! Files are named by their digest in the mapping, so an old file never passes for a new one. A thief of this machine
//! learns how many there are. A cache that cannot be read or written is treated as empty.
//!
//! Must never: keep an original photo, or make a use case fail.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::cipher::aes_cbc_hmac;
use crate::durable;
use crate::secret::Secret;
use crate::vault::{Digest, Id};

/// Most bytes kept per vault: about 1.3 kB a photo are fetched for searches.
const LARGEST_BYTES: u64 = 1 << 30;
const LABEL: &[u8] = b"cipherlens cache 1";
const MAPPING: &str = "mapping";

/// The cache of one vault.
pub(super) struct Cache {
    directory: PathBuf,
    vault: Id,
    key: Secret<64>,
}

impl Cache {
    /// Opens the cache for a vault below `directory`, encrypted with `key`. If it is too large, removes the least
    /// recently used files.
    pub(super) fn open(directory: &Path, vault: Id, key: Secret<64>) -> Self {
        let cache = Self { directory: directory.join(vault.to_string()), vault, key };
        if let Err(error) = fs::create_dir_all(directory).and_then(|()| durable::create_directory(&cache.directory)) {
            log::warn!("nothing is cached: {}", error.kind());
        }
        cache.trim(LARGEST_BYTES);
        cache
    }

    /// The cached content with this digest.
    pub(super) fn get(&self, digest: &Digest) -> Option<Vec<u8>> {
        let bytes = self.read(&digest.to_string())?;
        (Digest::of(&[&bytes]) == *digest).then_some(bytes)
    }

    /// Caches the content with this digest.
    pub(super) fn put(&self, digest: &Digest, bytes: &[u8]) {
        self.write(&digest.to_string(), bytes);
    }

    /// The last mapping fetched.
    pub(super) fn mapping(&self) -> Option<Vec<u8>> {
        self.read(MAPPING)
    }

    /// Caches the last mapping fetched.
    pub(super) fn put_mapping(&self, bytes: &[u8]) {
        self.write(MAPPING, bytes);
    }

    fn read(&self, name: &str) -> Option<Vec<u8>> {
        let path = self.directory.join(name);
        let sealed = fs::read(&path).ok()?;
        let opened = aes_cbc_hmac::open(&self.key, &self.associated(name), &sealed).ok()?;
        // Marks it as used, for `trim`. This fails on a read-only cache, which is never trimmed either.
        let _ = fs::File::open(&path).and_then(|file| file.set_modified(SystemTime::now()));
        Some(opened.to_vec())
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        let write = || -> Option<()> {
            let sealed = aes_cbc_hmac::seal(&self.key, &self.associated(name), bytes).ok()?;
            // Renamed when complete, and not fsynced: a torn file does not open and is fetched again.
            let mut file = tempfile::NamedTempFile::new_in(&self.directory).ok()?;
            file.write_all(&sealed).ok()?;
            file.persist(self.directory.join(name)).ok().map(drop)
        };
        if write().is_none() {
            log::warn!("a fetched file was not cached");
        }
    }

    fn associated(&self, name: &str) -> Vec<u8> {
        [LABEL, &self.vault.0, name.as_bytes()].concat()
    }

    /// Removes the least recently used files until at most `largest` bytes remain.
    fn trim(&self, largest: u64) {
        let Ok(entries) = fs::read_dir(&self.directory) else { return };
        let mut files: Vec<(SystemTime, u64, PathBuf)> = entries
            .filter_map(|entry| {
                let entry = entry.ok()?;
                let metadata = entry.metadata().ok()?;
                Some((metadata.modified().ok()?, metadata.len(), entry.path()))
            })
            .collect();
        let mut bytes: u64 = files.iter().map(|(_, bytes, _)| bytes).sum();
        files.sort();
        for (_, size, path) in files {
            if bytes <= largest {
                return;
            }
            // If removing fails, the next trim tries again.
            let _ = fs::remove_file(path);
            bytes -= size;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::Hex;

    fn cache(directory: &Path, byte: u8) -> Cache {
        let key = Secret::filled_by(|key| {
            key.fill(byte);
            Ok::<_, std::convert::Infallible>(())
        });
        Cache::open(directory, Hex([1; 16]), key.unwrap())
    }

    #[test]
    fn cached_files_are_sealed_and_open_only_with_their_own_key() {
        let directory = tempfile::tempdir().unwrap();
        let content = b"the content of a list".repeat(9);
        let digest = Digest::of(&[&content]);
        let ours = cache(directory.path(), 1);
        assert_eq!(ours.get(&digest), None);
        ours.put(&digest, &content);
        ours.put_mapping(b"mapping");
        assert_eq!(cache(directory.path(), 1).get(&digest).unwrap(), content);
        assert_eq!(ours.mapping().unwrap(), b"mapping");
        assert_eq!(cache(directory.path(), 2).get(&digest), None);
        let stored = fs::read(ours.directory.join(digest.to_string())).unwrap();
        assert!(!stored.windows(9).any(|window| content.starts_with(window)));
        let other = Digest::of(&[b"another"]);
        fs::rename(ours.directory.join(digest.to_string()), ours.directory.join(other.to_string())).unwrap();
        assert_eq!(ours.get(&other), None, "a file put under another name does not open");
    }

    #[test]
    fn the_oldest_files_are_removed_first() {
        let directory = tempfile::tempdir().unwrap();
        let cache = cache(directory.path(), 1);
        let contents: Vec<Vec<u8>> = (0..4u8).map(|byte| vec![byte; 1000]).collect();
        for (age, content) in contents.iter().enumerate() {
            let digest = Digest::of(&[content]);
            cache.put(&digest, content);
            let file = fs::File::open(cache.directory.join(digest.to_string())).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(age as u64)).unwrap();
        }
        cache.trim(2500);
        let kept: Vec<_> = contents.iter().map(|content| cache.get(&Digest::of(&[content])).is_some()).collect();
        assert_eq!(kept, [false, false, true, true]);
    }
}
