//! Judges which vault is at an address, and notes what was seen there.
//!
//! Must never: replace an entry by another vault without the user's consent.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use super::file::{Check, CheckKind, Entry, RegistryFile};
use super::listing::{KnownCopy, listed};
use super::place::{KnownAddress, Place};
use super::trust::{Judged, Standing, Trust};
use crate::error::Error;
use crate::services::app_dirs::AppDirs;
use crate::vault::{Freshness, Id, Seen};

/// The same generation that was seen less than this many seconds ago is not noted again.
const RECENT: u64 = 600;

/// The list.
#[derive(Clone, Debug)]
pub struct KnownVaults {
    file: RegistryFile,
    freshness: Freshness,
}

impl KnownVaults {
    /// The list of the user with these folders.
    #[must_use]
    pub fn of(dirs: &AppDirs) -> Self {
        Self { file: RegistryFile::of(dirs), freshness: Freshness::in_directory(dirs.freshness()) }
    }

    /// Every known copy of a vault, compared with the newest generation that this machine has accepted, which may be
    /// that of a copy that is not known.
    ///
    /// # Errors
    /// [`Error::KnownVaults`] when the list cannot be read; when the record of the newest generation cannot.
    pub fn copies(&self, vault: Id) -> Result<Vec<KnownCopy>, Error> {
        let mut entries = self.file.read()?;
        entries.retain(|entry| entry.vault == vault);
        let mut known = self.freshness.seen(vault)?;
        // Somebody has removed the record: the newest copy takes its place.
        if known.is_empty() {
            known.extend(entries.iter().map(Entry::newest).max());
        }
        Ok(listed(entries, &known))
    }

    /// The addresses of all known vaults, in their order.
    ///
    /// # Errors
    /// [`Error::KnownVaults`] when the list cannot be read.
    pub fn addresses(&self) -> Result<Vec<String>, Error> {
        Ok(self.file.read()?.iter().map(|entry| entry.address.to_string()).collect())
    }

    /// Forgets what is known of the vault at `address`: the next one found there is accepted.
    ///
    /// # Errors
    /// [`Error::UnknownAddress`] when none is known; [`Error::KnownVaults`] when the list cannot be read or written.
    pub fn forget(&self, address: &Path) -> Result<(), Error> {
        let place = Place::of(address)?;
        // Also as it is listed: links may lead elsewhere by now.
        let listed = KnownAddress::new(address.as_os_str());
        self.file.change(|entries| {
            let before = entries.len();
            entries.retain(|entry| entry.address != place.address && entry.address != listed);
            let mut is_known = entries.len() < before;
            for entry in entries {
                is_known |= entry.spellings.remove(&place.address) | entry.spellings.remove(&listed);
            }
            if is_known {
                Ok(())
            } else {
                Err(Error::UnknownAddress { address: address.to_string_lossy().into_owned() })
            }
        })
    }

    /// The vault that is known at `root`.
    ///
    /// # Errors
    /// [`Error::KnownVaults`] when the list cannot be read.
    pub(in crate::services) fn vault_at(&self, root: &Path) -> Result<Option<Id>, Error> {
        let place = Place::of(root)?;
        let entries = self.file.read()?;
        Ok(entries.iter().find(|entry| !entry.names().is_disjoint(&place.names())).map(|entry| entry.vault))
    }

    /// Judges the vault that was found at `root` before it is unlocked.
    ///
    /// # Errors
    /// [`Error::OtherVault`] when another one is known there and `trust` does not include this one;
    /// [`Error::KnownVaults`] when the list cannot be read.
    pub(in crate::services) fn judge(&self, root: &Path, vault: Id, trust: &Trust) -> Result<Judged, Error> {
        let place = Place::of(root)?;
        let entries = self.file.read()?;
        let names = place.names();
        let standing = match other_vault(&entries, &place, vault) {
            Some(_) if trust.includes(vault) => Standing::Replacing,
            Some(_) => return Err(refused(&place, vault)),
            None if entries.iter().any(|entry| entry.address == place.address && names.is_subset(&entry.names())) => {
                Standing::Known
            }
            None => Standing::New,
        };
        Ok(Judged { place, vault, standing })
    }

    /// Judges a place without a vault, to which a copy of `vault` is to be brought. Returns whether a copy was there
    /// before.
    ///
    /// # Errors
    /// [`Error::VaultGone`] when a vault is known there and `trust` does not include this one; [`Error::KnownVaults`]
    /// when the list cannot be read.
    pub(in crate::services) fn judge_empty(&self, root: &Path, vault: Id, trust: &Trust) -> Result<bool, Error> {
        let is_gone = self.vault_at(root)?.is_some();
        if is_gone && !trust.includes(vault) {
            let address = Place::of(root)?.shown().to_string();
            return Err(Error::VaultGone { address, copied: vault });
        }
        Ok(is_gone)
    }

    /// The vault that was just made at `root`. Whatever was known there is gone.
    ///
    /// # Errors
    /// When `root` is not an address.
    pub(in crate::services) fn made(root: &Path, vault: Id) -> Result<Judged, Error> {
        Ok(Judged { place: Place::of(root)?, vault, standing: Standing::Replacing })
    }

    /// Notes that this generation of a vault was authenticated at its address. Returns what to tell the user: that it
    /// takes the place of another vault, or that the list cannot be written.
    ///
    /// # Errors
    /// [`Error::OtherVault`] when another process has noted another vault there since it was judged;
    /// [`Error::KnownVaults`] when the list cannot be read.
    pub(in crate::services) fn saw(&self, judged: &Judged, newest: Seen) -> Result<Option<String>, Error> {
        let is_recent = |entry: &Entry| {
            let is_same = entry.vault == judged.vault && entry.newest() == newest;
            is_same && now().abs_diff(entry.seen) < RECENT
        };
        // Opening a vault again and again must not wait for this machine's disk each time.
        if judged.standing == Standing::Known
            && self.file.read()?.iter().any(|entry| entry.address == judged.place.address && is_recent(entry))
        {
            return Ok(None);
        }
        self.note(judged, newest, |entry| {
            (entry.generation, entry.tag, entry.seen) = (newest.generation, newest.tag, now());
        })
    }

    /// Notes a generation that copies have now. What was done is done, so an error is only logged. Returns what to tell
    /// the user, as [`Self::saw`] does.
    pub(in crate::services) fn note_all(&self, copies: &[&Judged], newest: Seen) -> Vec<String> {
        let mut notes = Vec::new();
        for judged in copies {
            match self.saw(judged, newest) {
                Ok(note) => notes.extend(note),
                Err(_) => log::warn!("it was not noted which generation a copy has"),
            }
        }
        // That the list cannot be written is the same for all.
        notes.dedup();
        notes
    }

    /// Notes a check of the vault at `root` that needed no key, if that vault is known there.
    ///
    /// # Errors
    /// [`Error::KnownVaults`] when the list cannot be read or written.
    pub(in crate::services) fn checked(&self, root: &Path, vault: Id, damages: usize) -> Result<(), Error> {
        let place = Place::of(root)?;
        let check = Some(Check { at: now(), damages, kind: CheckKind::Files });
        self.file.change(|entries| {
            let known = entries.iter_mut().find(|entry| entry.address == place.address && entry.vault == vault);
            known.into_iter().for_each(|entry| entry.last_check = check);
            Ok(())
        })
    }

    /// Changes the entry of a vault, or makes it. Returns and fails as [`Self::saw`].
    pub(super) fn note(
        &self,
        judged: &Judged,
        newest: Seen,
        change: impl FnOnce(&mut Entry),
    ) -> Result<Option<String>, Error> {
        let Judged { place, vault, standing } = judged;
        let noted = self.file.change(|entries| {
            let is_other = other_vault(entries, place, *vault).is_some();
            if is_other && *standing != Standing::Replacing {
                return Err(refused(place, *vault));
            }
            let known = entries.iter().find(|entry| entry.address == place.address && entry.vault == *vault).cloned();
            let mut entry = known.unwrap_or_else(|| Entry {
                address: place.address.clone(),
                spellings: Default::default(),
                vault: *vault,
                generation: newest.generation,
                tag: newest.tag,
                seen: now(),
                last_check: None,
            });
            entry.spellings.extend(place.spelling.clone());
            change(&mut entry);
            let names = place.names();
            entries.retain(|entry| !names.contains(&entry.address));
            for entry in entries.iter_mut() {
                entry.spellings.retain(|spelling| !names.contains(spelling));
            }
            entries.push(entry);
            Ok(is_other.then(|| format!("another vault is known at {} from now on", place.shown())))
        });
        match noted {
            // A machine whose disk is full, or whose home cannot be written, can still use a vault. What is known stays
            // known, and what is new is new again the next time.
            Err(error @ Error::KnownVaults { .. }) if self.file.read().is_ok() => {
                log::warn!("it was not noted that a vault was seen");
                Ok(Some(unwritten(&error)))
            }
            noted => noted,
        }
    }
}

/// The entry of another vault at this place.
fn other_vault<'a>(entries: &'a [Entry], place: &Place, vault: Id) -> Option<&'a Entry> {
    let names = place.names();
    entries.iter().find(|entry| entry.vault != vault && !entry.names().is_disjoint(&names))
}

/// What to tell a user about a list that could not be written.
fn unwritten(error: &Error) -> String {
    let Error::KnownVaults { file, what } = error else { return error.to_string() };
    format!(
        "{} cannot be written ({what}), so it is not remembered which vault was seen here; everything else was done",
        file.display()
    )
}

fn refused(place: &Place, found: Id) -> Error {
    Error::OtherVault { address: place.shown().to_string(), found }
}

/// Seconds since 1970.
pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::vault::Hex;

    const OURS: Id = Hex([1; 16]);
    const THEIRS: Id = Hex([2; 16]);

    /// A generation of the vault in use.
    fn generation(number: u8) -> Seen {
        Seen { generation: number.into(), tag: Hex([number; 64]) }
    }

    struct Scene {
        folder: tempfile::TempDir,
        known: KnownVaults,
    }

    impl Scene {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let known = KnownVaults::of(&AppDirs::within(folder.path()));
            Self { folder, known }
        }

        fn path(&self, name: &str) -> PathBuf {
            self.folder.path().join(name)
        }

        fn see(&self, name: &str, vault: Id, newest: Seen) {
            let judged = self.known.judge(&self.path(name), vault, &Trust::Known).unwrap();
            drop(self.known.saw(&judged, newest).unwrap());
        }

        /// Makes writing the list fail.
        fn break_disk(&self) {
            std::fs::create_dir(self.folder.path().join("state/known_vaults.json.new")).unwrap();
        }
    }

    #[test]
    fn trust_is_given_to_the_vaults_that_were_asked_about() {
        let scene = Scene::new();
        scene.see("vault", OURS, generation(1));
        let judge = |trust: &Trust| scene.known.judge(&scene.path("vault"), THEIRS, trust);
        assert!(matches!(judge(&Trust::Known), Err(Error::OtherVault { found: THEIRS, .. })));
        assert!(matches!(judge(&Trust::Vaults(vec![Hex([3; 16])])), Err(Error::OtherVault { .. })));
        let mut trust = Trust::Known;
        trust.add(THEIRS);
        for trust in [trust, Trust::Any] {
            assert_eq!(judge(&trust).unwrap().standing, Standing::Replacing);
        }
        assert!(matches!(judge(&Trust::Known), Err(Error::OtherVault { .. })), "judging changes nothing");
        let note = scene.known.saw(&judge(&Trust::Any).unwrap(), generation(1)).unwrap().unwrap();
        assert!(note.starts_with("another vault is known at"), "{note}");
        assert_eq!(judge(&Trust::Known).unwrap().standing, Standing::Known);
    }

    #[test]
    fn a_vault_that_another_process_has_noted_meanwhile_is_not_replaced() {
        let scene = Scene::new();
        let judged = scene.known.judge(&scene.path("vault"), THEIRS, &Trust::Known).unwrap();
        scene.see("vault", OURS, generation(1));
        assert!(matches!(scene.known.saw(&judged, generation(1)), Err(Error::OtherVault { .. })));
        assert_eq!(scene.known.copies(OURS).unwrap().len(), 1);
        assert_eq!(scene.known.copies(THEIRS).unwrap(), []);
    }

    #[test]
    fn copies_are_compared_with_the_newest_known_one() {
        let scene = Scene::new();
        for (name, number) in [("a", 7), ("b", 4), ("c", 7)] {
            scene.see(name, OURS, generation(number));
        }
        scene.see("d", THEIRS, generation(9));
        let ages =
            || -> Vec<String> { scene.known.copies(OURS).unwrap().iter().map(KnownCopy::age_in_words).collect() };
        assert_eq!(ages(), ["current", "3 generations older", "current"]);
        // It was restored from a backup.
        scene.see("c", OURS, generation(3));
        assert_eq!(scene.known.copies(OURS).unwrap()[2].behind(), Some(4));
        // It was changed separately, and has as many generations.
        scene.see("c", OURS, Seen { tag: Hex([9; 64]), ..generation(7) });
        assert_eq!(ages(), ["changed separately", "3 generations older", "current"]);
    }

    #[test]
    fn what_a_full_disk_loses_is_a_note_and_never_which_vault_is_known() {
        let scene = Scene::new();
        scene.see("vault", OURS, generation(1));
        scene.break_disk();
        scene.see("vault", OURS, generation(2));
        assert_eq!(scene.known.copies(OURS).unwrap()[0].generation, 1);
        let said = |judged: &Judged| scene.known.saw(judged, generation(1)).unwrap().unwrap();
        let new = scene.known.judge(&scene.path("new"), OURS, &Trust::Known).unwrap();
        assert!(said(&new).contains("known_vaults.json cannot be written"));
        let trusted = scene.known.judge(&scene.path("vault"), THEIRS, &Trust::Any).unwrap();
        assert!(said(&trusted).contains("known_vaults.json cannot be written"));
        let judged = scene.known.judge(&scene.path("vault"), THEIRS, &Trust::Known);
        assert!(matches!(judged, Err(Error::OtherVault { .. })), "it is asked about again");
        // A list that cannot be read is no list that cannot be written.
        std::fs::write(scene.path("state/known_vaults.json"), "damaged").unwrap();
        assert!(matches!(scene.known.saw(&new, generation(1)), Err(Error::KnownVaults { .. })));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_that_leads_elsewhere_now_can_be_forgotten() {
        let scene = Scene::new();
        for name in ["vault", "elsewhere"] {
            std::fs::create_dir(scene.path(name)).unwrap();
        }
        std::os::unix::fs::symlink(scene.path("vault"), scene.path("link")).unwrap();
        scene.see("link", OURS, generation(1));
        std::fs::remove_file(scene.path("link")).unwrap();
        std::os::unix::fs::symlink(scene.path("elsewhere"), scene.path("link")).unwrap();
        let judge = |name| scene.known.judge(&scene.path(name), THEIRS, &Trust::Known);
        assert!(matches!(judge("link"), Err(Error::OtherVault { .. })));
        scene.known.forget(&scene.path("link")).unwrap();
        assert_eq!(judge("link").unwrap().standing, Standing::New);
        assert!(judge("vault").is_err(), "what the link had led to is still known");
    }

    #[test]
    fn a_forgotten_address_is_new_again() {
        let scene = Scene::new();
        scene.see("vault", OURS, generation(1));
        scene.known.forget(&scene.path("vault/")).unwrap();
        assert!(matches!(scene.known.forget(&scene.path("vault")), Err(Error::UnknownAddress { .. })));
        scene.see("vault", THEIRS, generation(1));
    }
}
