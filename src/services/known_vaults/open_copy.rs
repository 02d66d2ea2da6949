//! The entry of an open vault, kept up to date while it is used.

use parking_lot::Mutex;

use super::advice::Advice;
use super::file::{Check, CheckKind};
use super::listing::KnownCopy;
use super::registry::{KnownVaults, now};
use super::trust::{Judged, Standing};
use crate::error::Error;
use crate::vault::{CopyAge, Seen};

/// The entry of an open vault.
pub(in crate::services) struct OpenCopy {
    known: KnownVaults,
    judged: Judged,
    /// The generation that was noted last.
    noted: Mutex<Seen>,
    /// What to tell the user about noting that the vault was opened.
    note: Option<String>,
}

impl OpenCopy {
    /// The vault that was judged and then unlocked, at the generation that was read.
    ///
    /// # Errors
    /// As [`KnownVaults::saw`].
    pub(in crate::services) fn new(known: KnownVaults, judged: Judged, newest: Seen) -> Result<Self, Error> {
        let note = known.saw(&judged, newest)?;
        // From now on it is the known one.
        let judged = Judged { standing: Standing::Known, ..judged };
        Ok(Self { known, judged, noted: Mutex::new(newest), note })
    }

    /// Notes a generation that was read or written later. An error is logged and nothing fails: which vault is known
    /// does not change.
    pub(in crate::services) fn saw(&self, newest: Seen) {
        let mut noted = self.noted.lock();
        if *noted == newest {
            return;
        }
        *noted = newest;
        self.log(self.known.saw(&self.judged, newest));
    }

    /// Notes the outcome of a full check.
    pub(in crate::services) fn checked(&self, damages: usize) {
        let check = Check { at: now(), damages, kind: CheckKind::Full };
        let newest = *self.noted.lock();
        self.log(self.known.note(&self.judged, newest, |entry| entry.last_check = Some(check)));
    }

    /// Every known copy of the vault.
    pub(in crate::services) fn copies(&self) -> Result<Vec<KnownCopy>, Error> {
        self.known.copies(self.judged.vault)
    }

    /// What to tell the user about noting that the vault was opened.
    pub(in crate::services) fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    /// What to do about this copy, which is of this age.
    pub(in crate::services) fn advice(&self, age: CopyAge) -> Option<Advice> {
        // An error about the list was reported when the vault was opened.
        Advice::of(&self.judged.place.address.to_string(), age, &self.copies().ok()?)
    }

    fn log(&self, noted: Result<Option<String>, Error>) {
        if noted.is_err() {
            log::warn!("the list of known vaults was not changed");
        }
    }
}
