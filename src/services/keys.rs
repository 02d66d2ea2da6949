//! The passphrases of a vault: which there are, one more, another one, one less.
//!
//! Must never: suggest that a removed passphrase is revoked. Old copies of the header still open with it.

use crate::cipher::{Cost, Passphrase};
use crate::durable::IfLocked;
use crate::error::Error;
use crate::services::open_vault::OpenVault;
use crate::vault;
pub use crate::vault::{ListedSlot, SlotId, SlotKind};

/// The slots of the vault's header in their order. `passphrase` opens one of them.
///
/// # Errors
/// When the vault cannot be read, or the passphrase is wrong.
pub fn list(vault: &OpenVault, passphrase: &Passphrase) -> Result<Vec<ListedSlot>, Error> {
    Ok(vault.vault().slots(passphrase)?)
}

/// Adds a passphrase, and returns the id of its slot.
///
/// # Errors
/// When it opens the vault already, the vault has too many, another process writes to the vault, or a file cannot be
/// written.
pub fn add(vault: &OpenVault, new: &Passphrase) -> Result<SlotId, Error> {
    let added = vault.vault().add_passphrase(new, IfLocked::Wait)?;
    vault.mark_changed();
    Ok(added)
}

/// Replaces the passphrase `old` by `new`: a commit that changes the header and nothing else. Returns how many other
/// slots there are, which stay as they are; if there are any, the cost stays too.
///
/// # Errors
/// When another slot opens with `new`, another process writes to the vault, or a file cannot be written.
pub fn change(vault: &OpenVault, old: &Passphrase, new: &Passphrase, cost: Cost) -> Result<usize, Error> {
    let others = vault.vault().change_passphrase(old, new, cost, IfLocked::Wait)?;
    vault.mark_changed();
    Ok(others)
}

/// The slot whose id starts with `prefix`, if it may be removed.
///
/// # Errors
/// When no id, or more than one, starts with it; when it is the only one that a passphrase opens.
pub fn find_to_remove(slots: &[ListedSlot], prefix: &str) -> Result<ListedSlot, Error> {
    let found: Vec<_> = slots.iter().filter(|slot| slot.id.to_string().starts_with(prefix)).collect();
    let slot = match found[..] {
        [slot] => *slot,
        [] => return Err(vault::Error::UnknownSlot { id: prefix.to_owned() }.into()),
        _ => return Err(vault::Error::AmbiguousSlot { prefix: prefix.to_owned(), slots: found.len() }.into()),
    };
    let mut others = slots.iter().filter(|other| other.id != slot.id);
    if others.any(|other| other.kind == SlotKind::Passphrase) {
        Ok(slot)
    } else {
        Err(vault::Error::LastPassphrase.into())
    }
}

/// Removes a slot.
///
/// # Errors
/// When it is gone, or the only one that a passphrase opens; when another process writes to the vault, or a file
/// cannot be written.
pub fn remove(vault: &OpenVault, id: SlotId) -> Result<(), Error> {
    vault.vault().remove_slot(id, IfLocked::Wait)?;
    vault.mark_changed();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::Hex;

    #[test]
    fn a_prefix_names_one_slot_that_may_be_removed() {
        let slot = |first: u8, kind| {
            let mut id = [0; 8];
            id[0] = first;
            ListedSlot { id: Hex(id), kind, is_opened: false }
        };
        let slots =
            [slot(0x12, SlotKind::Passphrase), slot(0x13, SlotKind::Passphrase), slot(0x99, SlotKind::Unknown(9))];
        let find = |slots: &[ListedSlot], prefix| match find_to_remove(slots, prefix) {
            Ok(slot) => Ok(slot.id.0[0]),
            Err(Error::Vault(error)) => Err(error),
            Err(error) => panic!("{error}"),
        };
        assert_eq!(find(&slots, "12").unwrap(), 0x12);
        assert_eq!(find(&slots, "9").unwrap(), 0x99);
        assert!(matches!(find(&slots, "1"), Err(vault::Error::AmbiguousSlot { slots: 2, .. })));
        assert!(matches!(find(&slots, ""), Err(vault::Error::AmbiguousSlot { slots: 3, .. })));
        assert!(matches!(find(&slots, "14"), Err(vault::Error::UnknownSlot { .. })));
        assert!(matches!(find(&slots[1..], "13"), Err(vault::Error::LastPassphrase)));
        assert_eq!(find(&slots[1..], "99").unwrap(), 0x99);
    }
}
