//! The passphrases of a vault: listing them, adding, changing and removing one.
//!
//! A change of the header is a commit: a mapping that names the new header by its digest. It is made under the lock,
//! from the header that the current mapping names, so that no older header finds its way back into the vault.
//!
//! Must never: change the master key, or take the header at its word without comparing its digest.

use super::history::{Continuing, IfDamaged, remember};
use super::tables;
use crate::cipher::{Cost, MasterKey, Passphrase};
use crate::durable::IfLocked;
use crate::vault::backend::writer::Abandoned;
use crate::vault::error::Error;
use crate::vault::format::header;
use crate::vault::format::header::ListedSlot;
use crate::vault::format::hex::{Digest, SlotId};
use crate::vault::format::layout::Object;
use crate::vault::format::mapping::SignedMapping;
use crate::vault::format::table::Table;
use crate::vault::unlocked::{Vault, named_header};

impl Vault {
    /// The slots of the header in their order; `passphrase` opens one of them.
    ///
    /// # Errors
    /// [`Error::WrongPassphrase`]; [`Error::HeaderReplaced`]; as [`Vault::snapshot`].
    pub fn slots(&self, passphrase: &Passphrase) -> Result<Vec<ListedSlot>, Error> {
        header::list_slots(&named_header(self.backend(), &self.current()?.mapping)?, passphrase)
    }

    /// Changes the passphrase `old` to `new`. Returns the number of other slots, which stay as they are; if there are
    /// any, the cost stays too.
    ///
    /// # Errors
    /// [`Error::WrongPassphrase`]; [`Error::PassphraseInUse`] when another slot opens with `new`; as every change of
    /// the header: [`Error::Locked`], [`Error::Outdated`], [`Error::HeaderReplaced`], what the system reports.
    pub fn change_passphrase(
        &self,
        old: &Passphrase,
        new: &Passphrase,
        cost: Cost,
        if_locked: IfLocked,
    ) -> Result<usize, Error> {
        self.change_header(if_locked, |header, master| header::change_passphrase(header, master, old, new, cost))
    }

    /// Adds a passphrase, with the salt and the cost of the others. Returns the id of its slot.
    ///
    /// # Errors
    /// [`Error::PassphraseInUse`], [`Error::SlotsFull`]; as every change of the header.
    pub fn add_passphrase(&self, new: &Passphrase, if_locked: IfLocked) -> Result<SlotId, Error> {
        self.change_header(if_locked, |header, master| header::add_passphrase(header, master, new))
    }

    /// Removes a slot. Who has a copy of an older header and can open the slot there has the master key all the same.
    ///
    /// # Errors
    /// [`Error::UnknownSlot`], [`Error::LastPassphrase`]; as every change of the header.
    pub fn remove_slot(&self, id: SlotId, if_locked: IfLocked) -> Result<(), Error> {
        self.change_header(if_locked, |header, _| Ok((header::remove_slot(header, id)?, ())))
    }

    /// Commits the header that `change` makes of the current one.
    fn change_header<T>(
        &self,
        if_locked: IfLocked,
        change: impl FnOnce(&[u8], &MasterKey) -> Result<(Vec<u8>, T), Error>,
    ) -> Result<T, Error> {
        self.require_newest()?;
        let writer = self.backend().writer(Abandoned::Remove)?;
        writer.lock(if_locked)?;
        let current = self.current()?;
        current.mapping.require_writable()?;
        let header = named_header(self.backend(), &current.mapping)?;
        let (header, outcome) = change(&header, self.source.keys.tree().master())?;
        let continuing = Continuing { source: &self.source, writer: &*writer, freshness: &self.freshness };
        let before = &current.mapping.tables;
        let mut tables = before.clone();
        let history =
            continuing.after(&current, IfDamaged::Refuse).map_err(|error| match self.backend().mapping() {
                // Another commit has removed the page, which happens only where locks do nothing.
                Ok(now) if now.tag != current.tag => Error::Overtaken,
                _ => error,
            })?;
        tables::set_pages(&mut tables, Table::History, history);
        let obsolete: Vec<Object> = tables::obsolete_pages(before, &tables).collect();
        let next = current.mapping.with_header(current.tag, Digest::of(&[&header]), tables);
        let next = SignedMapping::sign(next, &self.source.keys);
        writer.announce(&obsolete)?;
        writer.commit(&next, Some(&header))?;
        writer.discard(&obsolete);
        remember(&self.source, &self.freshness, &next)?;
        Ok(outcome)
    }
}
