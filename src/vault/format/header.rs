//! The header: the vault's master key, wrapped in one or more slots.
//!
//! ```text
//! version 2 = magic 8 | version 1 | kind 1 | vault id 16 | memory KiB 4 | passes 4 | lanes 4 | salt 32
//!           | number of slots 2 | slots
//! slot      = kind 1 | slot id 8 | length 2 | body
//! version 1 = the same up to the salt | wrapped master key 96              (formats 1 and 2)
//! ```
//!
//! Numbers are little-endian. All slots share salt and cost, so a try costs one derivation. Everything before the
//! number of slots, and the kind and id of the slot, is the associated data of a wrapped key: if any of it changes, the
//! key does not open.
//!
//! Must never: let a file request a cost outside the allowed range, or drop a slot of an unknown kind.

use super::fields::Bytes;
use super::hex::{Hex, Id, SlotId};
use super::layout::Object;
use super::sealed::{Kind, PREFIX_BYTES};
use crate::cipher;
use crate::cipher::{Cost, MasterKey, Passphrase};
use crate::secret::Secret;
use crate::vault::error::Error;

/// Bytes before the slots, without their number.
const OPEN_BYTES: usize = PREFIX_BYTES + 16 + 3 * 4 + Cost::SALT_BYTES;
/// Bytes of a header of version 1.
const OLD_BYTES: usize = OPEN_BYTES + MasterKey::WRAPPED_BYTES;
/// Where the version is.
const VERSION_AT: usize = PREFIX_BYTES - 2;
const VERSION: u8 = 2;

const MOST_SLOTS: usize = 64;
const LONGEST_BODY_BYTES: usize = 4096;
/// Bytes of a slot before its body.
const SLOT_BYTES: usize = 1 + 8 + 2;
/// Most bytes of a header.
pub const LARGEST_BYTES: usize = OPEN_BYTES + 2 + MOST_SLOTS * (SLOT_BYTES + LONGEST_BODY_BYTES);

/// A slot with a master key that is wrapped under a passphrase.
const PASSPHRASE: u8 = 1;

/// What opens a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlotKind {
    /// A passphrase.
    Passphrase,
    /// Something that this version does not know: the number of its kind.
    Unknown(u8),
}

/// A slot without its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListedSlot {
    /// Its id.
    pub id: SlotId,
    /// What opens it.
    pub kind: SlotKind,
    /// Whether the passphrase that was given opens it.
    pub is_opened: bool,
}

/// One way to open a vault.
#[derive(Clone, PartialEq, Eq)]
struct Slot {
    kind: u8,
    id: SlotId,
    body: Vec<u8>,
}

/// Everything before the slots, as it was read.
struct OpenFields<'a> {
    open: &'a [u8],
    version: u8,
    vault: Id,
    /// Memory in KiB, passes, lanes.
    cost: [u32; 3],
    salt: [u8; Cost::SALT_BYTES],
}

impl<'a> OpenFields<'a> {
    fn parse(header: &'a [u8]) -> Result<Self, Error> {
        let open = header.get(..OPEN_BYTES).ok_or(damaged("its length is not that of a header"))?;
        let mut prefix = Kind::Header.prefix();
        let version = open[VERSION_AT];
        prefix[VERSION_AT] = version;
        if !open.starts_with(&prefix) || !(1..=VERSION).contains(&version) {
            return Err(damaged("it has another kind or version"));
        }
        let mut rest = Bytes(&open[PREFIX_BYTES..]);
        let mut read = || {
            let (vault, cost) = (Hex(rest.array()?), [rest.u32()?, rest.u32()?, rest.u32()?]);
            Some(Self { open, version, vault, cost, salt: rest.array()? })
        };
        read().ok_or(damaged("its length is not that of a header"))
    }
}

fn damaged(what: &'static str) -> Error {
    Error::Damaged { object: Object::Header, what }
}

/// The fields of a header, not yet authenticated.
struct Header {
    /// Everything before the number of slots.
    open: Vec<u8>,
    vault: Id,
    cost: Cost,
    salt: [u8; Cost::SALT_BYTES],
    slots: Vec<Slot>,
}

impl Header {
    /// A header without slots, with a fresh salt.
    fn new(vault: Id, cost: Cost) -> Result<Self, Error> {
        let mut salt = [0; Cost::SALT_BYTES];
        getrandom::fill(&mut salt)?;
        let mut open = Vec::with_capacity(OPEN_BYTES);
        open.extend(Kind::Header.prefix());
        open[VERSION_AT] = VERSION;
        open.extend(vault.0);
        for number in [cost.memory_kib(), cost.passes(), cost.lanes()] {
            open.extend(number.to_le_bytes());
        }
        open.extend(salt);
        Ok(Self { open, vault, cost, salt, slots: Vec::new() })
    }

    fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let OpenFields { open, version, vault, cost: [memory_kib, passes, lanes], salt } = OpenFields::parse(bytes)?;
        let cost = Cost::new(memory_kib, passes, lanes)?;
        let slots = if version == VERSION {
            slots(&bytes[OPEN_BYTES..]).ok_or(damaged("its slots are not what a writer writes"))?
        } else if bytes.len() == OLD_BYTES {
            vec![Slot { kind: PASSPHRASE, id: Hex([0; 8]), body: bytes[OPEN_BYTES..].to_vec() }]
        } else {
            return Err(damaged("its length is not that of a header"));
        };
        Ok(Self { open: open.to_vec(), vault, cost, salt, slots })
    }

    fn encode(&self) -> Vec<u8> {
        let mut bytes = self.open.clone();
        bytes.extend((self.slots.len() as u16).to_le_bytes());
        for Slot { kind, id, body } in &self.slots {
            bytes.push(*kind);
            bytes.extend(id.0);
            bytes.extend((body.len() as u16).to_le_bytes());
            bytes.extend(body);
        }
        bytes
    }

    fn associated(&self, slot: &Slot) -> Vec<u8> {
        // Version 1 has no slots.
        let is_old = self.open[VERSION_AT] < VERSION;
        if is_old { self.open.clone() } else { [&self.open[..], &[slot.kind], &slot.id.0].concat() }
    }

    /// The same for a header that is to be changed slot by slot, which version 1 cannot be.
    fn parse_slots(bytes: &[u8]) -> Result<Self, Error> {
        let header = Self::parse(bytes)?;
        if header.open[VERSION_AT] < VERSION { Err(Error::Outdated) } else { Ok(header) }
    }

    /// Adds a slot for a key-encryption key.
    fn wrap(&mut self, master: &MasterKey, key: &Secret<64>) -> Result<SlotId, Error> {
        let mut id = [0; 8];
        getrandom::fill(&mut id)?;
        let mut slot = Slot { kind: PASSPHRASE, id: Hex(id), body: Vec::new() };
        slot.body = master.wrap(key, &self.associated(&slot))?.to_vec();
        self.slots.push(slot);
        Ok(Hex(id))
    }

    /// The same for a passphrase, which must not open another slot: of two slots with one passphrase, removing the one
    /// would not keep it out.
    fn wrap_new(&mut self, master: &MasterKey, passphrase: &Passphrase) -> Result<SlotId, Error> {
        let key = passphrase.key_encryption_key(&self.salt, self.cost)?;
        match self.unwrap(&key)? {
            Some((position, _)) => Err(Error::PassphraseInUse { slot: self.slots[position].id }),
            None => self.wrap(master, &key),
        }
    }

    /// The position of the slot that this passphrase opens, and the master key.
    fn open(&self, passphrase: &Passphrase) -> Result<(usize, MasterKey), Error> {
        self.unwrap(&passphrase.key_encryption_key(&self.salt, self.cost)?)?.ok_or(Error::WrongPassphrase)
    }

    /// The same for a key-encryption key; `None` when it opens no slot.
    fn unwrap(&self, key: &Secret<64>) -> Result<Option<(usize, MasterKey)>, Error> {
        for (position, slot) in self.slots.iter().enumerate().filter(|(_, slot)| slot.kind == PASSPHRASE) {
            match MasterKey::unwrap(key, &self.associated(slot), &slot.body) {
                Ok(master) => return Ok(Some((position, master))),
                Err(cipher::Error::Damaged) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(None)
    }
}

/// Reads the slots of a header; `None` for anything that a writer does not write.
fn slots(bytes: &[u8]) -> Option<Vec<Slot>> {
    let mut rest = Bytes(bytes);
    let count = usize::from(rest.u16()?);
    if !(1..=MOST_SLOTS).contains(&count) {
        return None;
    }
    let mut slots: Vec<Slot> = Vec::with_capacity(count);
    for _ in 0..count {
        let (kind, id, length) = (rest.u8()?, Hex(rest.array()?), usize::from(rest.u16()?));
        let has_length = length <= LONGEST_BODY_BYTES && (kind != PASSPHRASE || length == MasterKey::WRAPPED_BYTES);
        if !has_length || slots.iter().any(|slot| slot.id == id) {
            return None;
        }
        slots.push(Slot { kind, id, body: rest.take(length)?.to_vec() });
    }
    rest.is_empty().then_some(slots)
}

/// A header with one slot: `master` wrapped under a passphrase and a fresh salt.
///
/// # Errors
/// When the system gives no entropy or less memory than `cost` needs.
pub fn seal(vault: Id, master: &MasterKey, passphrase: &Passphrase, cost: Cost) -> Result<Vec<u8>, Error> {
    let mut header = Header::new(vault, cost)?;
    header.wrap(master, &passphrase.key_encryption_key(&header.salt, cost)?)?;
    Ok(header.encode())
}

/// The vault's id and master key.
///
/// # Errors
/// [`Error::WrongPassphrase`] for a wrong passphrase and a changed header alike; [`Error::Damaged`] for anything that
/// cannot be a header; [`Error::Newer`] when it has only slots of kinds that this version does not know.
pub fn open(header: &[u8], passphrase: &Passphrase) -> Result<(Id, MasterKey), Error> {
    let header = Header::parse(header)?;
    if header.slots.iter().all(|slot| slot.kind != PASSPHRASE) {
        return Err(Error::Newer { what: "no passphrase, but another way to open it" });
    }
    let (_, master) = header.open(passphrase)?;
    Ok((header.vault, master))
}

/// The header after the passphrase `old` was replaced by `new`, and the number of other slots. With other slots in it,
/// salt and cost stay: they are common to all. Otherwise a new header with `cost` is made.
///
/// # Errors
/// [`Error::WrongPassphrase`] when no slot opens with `old`; [`Error::PassphraseInUse`] when another one opens with
/// `new`; as [`seal`].
pub fn change_passphrase(
    header: &[u8],
    master: &MasterKey,
    old: &Passphrase,
    new: &Passphrase,
    cost: Cost,
) -> Result<(Vec<u8>, usize), Error> {
    let mut header = Header::parse(header)?;
    let (position, _) = header.open(old)?;
    header.slots.remove(position);
    let others = header.slots.len();
    if others == 0 {
        return Ok((seal(header.vault, master, new, cost)?, others));
    }
    header.wrap_new(master, new)?;
    Ok((header.encode(), others))
}

/// The slots in their order.
///
/// # Errors
/// As [`open`].
pub fn list_slots(header: &[u8], passphrase: &Passphrase) -> Result<Vec<ListedSlot>, Error> {
    let header = Header::parse(header)?;
    let (opened, _) = header.open(passphrase)?;
    let listed = |(position, slot): (usize, &Slot)| {
        let kind = if slot.kind == PASSPHRASE { SlotKind::Passphrase } else { SlotKind::Unknown(slot.kind) };
        ListedSlot { id: slot.id, kind, is_opened: position == opened }
    };
    Ok(header.slots.iter().enumerate().map(listed).collect())
}

/// The header with one more slot, which `new` opens, and the id of that slot. Salt and cost stay.
///
/// # Errors
/// [`Error::PassphraseInUse`] when a slot opens with `new` already; [`Error::SlotsFull`]; [`Error::Outdated`]; as
/// [`seal`].
pub fn add_passphrase(header: &[u8], master: &MasterKey, new: &Passphrase) -> Result<(Vec<u8>, SlotId), Error> {
    let mut header = Header::parse_slots(header)?;
    if header.slots.len() >= MOST_SLOTS {
        return Err(Error::SlotsFull { limit: MOST_SLOTS });
    }
    let id = header.wrap_new(master, new)?;
    Ok((header.encode(), id))
}

/// The header without a slot.
///
/// # Errors
/// [`Error::UnknownSlot`]; [`Error::LastPassphrase`] for the only one that a passphrase opens, whatever slots of other
/// kinds there are; [`Error::Outdated`].
pub fn remove_slot(header: &[u8], id: SlotId) -> Result<Vec<u8>, Error> {
    let mut header = Header::parse_slots(header)?;
    let position = header.slots.iter().position(|slot| slot.id == id);
    header.slots.remove(position.ok_or_else(|| Error::UnknownSlot { id: id.to_string() })?);
    if header.slots.iter().all(|slot| slot.kind != PASSPHRASE) {
        return Err(Error::LastPassphrase);
    }
    Ok(header.encode())
}

/// A header of version 2 for a vault of format 1 or 2, and its master key: one slot, with the passphrase that opens
/// `header` and the same cost.
///
/// # Errors
/// As [`open`] and [`seal`].
pub fn upgraded(header: &[u8], passphrase: &Passphrase) -> Result<(Vec<u8>, MasterKey), Error> {
    let header = Header::parse(header)?;
    let (_, master) = header.open(passphrase)?;
    Ok((seal(header.vault, &master, passphrase, header.cost)?, master))
}

/// The id of the vault to which `header` says it belongs. Anybody can write any id there; [`open`] authenticates it.
///
/// # Errors
/// [`Error::Damaged`] for anything that cannot be a header.
pub fn claimed_id(header: &[u8]) -> Result<Id, Error> {
    Ok(OpenFields::parse(header)?.vault)
}

/// Whether `bytes` look like a header, as far as can be told without the passphrase.
#[must_use]
pub fn is_header(bytes: &[u8]) -> bool {
    Header::parse(bytes).is_ok()
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;

    fn passphrase(text: &str) -> Passphrase {
        Passphrase::new(&Zeroizing::new(text.as_bytes().to_vec())).unwrap()
    }

    fn header() -> Vec<u8> {
        let master = MasterKey::generate().unwrap();
        seal(Id::random().unwrap(), &master, &passphrase("correct"), Cost::FLOOR).unwrap()
    }

    #[test]
    fn a_header_opens_only_with_its_passphrase() {
        let header = header();
        assert_eq!(header.len(), OPEN_BYTES + 2 + SLOT_BYTES + 96);
        assert!(open(&header, &passphrase("correct")).is_ok());
        assert!(matches!(open(&header, &passphrase("Correct")), Err(Error::WrongPassphrase)));
    }

    #[test]
    fn a_header_says_without_a_passphrase_which_vault_it_belongs_to() {
        let header = header();
        let (vault, _) = open(&header, &passphrase("correct")).unwrap();
        assert_eq!(claimed_id(&header).unwrap(), vault);
        assert!(matches!(claimed_id(&header[..40]), Err(Error::Damaged { .. })));
        assert!(matches!(claimed_id(&[b'x'; 200]), Err(Error::Damaged { .. })));
    }

    #[test]
    fn a_change_of_any_field_is_noticed() {
        let header = header();
        // One byte of each field: id, memory, passes, lanes, salt, slot id, IV, ciphertext, tag. All changed values are
        // legal.
        for (at, change) in [(10, 1), (27, 1), (30, 3), (34, 3), (38, 1), (74, 1), (84, 1), (100, 1), (178, 1)] {
            let mut changed = header.clone();
            changed[at] ^= change;
            assert!(matches!(open(&changed, &passphrase("correct")), Err(Error::WrongPassphrase)), "byte {at}");
        }
        for (at, what) in [(0, "magic"), (8, "version"), (9, "kind"), (70, "number of slots"), (81, "length")] {
            let mut changed = header.clone();
            changed[at] ^= 1;
            assert!(matches!(open(&changed, &passphrase("correct")), Err(Error::Damaged { .. })), "{what}");
        }
        for length in 0..header.len() {
            assert!(matches!(open(&header[..length], &passphrase("correct")), Err(Error::Damaged { .. })));
        }
        let longer = [&header[..], &[0]].concat();
        assert!(matches!(open(&longer, &passphrase("correct")), Err(Error::Damaged { .. })));
    }

    #[test]
    fn slots_of_unknown_kinds_are_kept_and_do_not_open() {
        let master = MasterKey::generate().unwrap();
        let sealed = seal(Id::random().unwrap(), &master, &passphrase("one"), Cost::FLOOR).unwrap();
        let mut header = Header::parse(&sealed).unwrap();
        let foreign = Slot { kind: 9, id: Hex([7; 8]), body: vec![1, 2, 3] };
        header.slots.insert(0, foreign.clone());
        let bytes = header.encode();
        let changed = change_passphrase(&bytes, &master, &passphrase("one"), &passphrase("two"), Cost::FLOOR);
        let (changed, others) = changed.unwrap();
        assert_eq!(others, 1);
        assert!(matches!(open(&changed, &passphrase("one")), Err(Error::WrongPassphrase)));
        assert!(open(&changed, &passphrase("two")).is_ok());
        let after = Header::parse(&changed).unwrap();
        assert!(after.slots[0] == foreign && after.salt == header.salt);
        header.slots.truncate(1);
        assert!(matches!(open(&header.encode(), &passphrase("one")), Err(Error::Newer { .. })));
    }

    #[test]
    fn each_passphrase_opens_its_slot_and_the_last_one_stays() {
        let master = MasterKey::generate().unwrap();
        let [one, two, three] = ["one", "two", "three"].map(passphrase);
        let header = seal(Id::random().unwrap(), &master, &one, Cost::FLOOR).unwrap();
        assert!(matches!(add_passphrase(&header, &master, &one), Err(Error::PassphraseInUse { .. })));
        let (both, id) = add_passphrase(&header, &master, &two).unwrap();
        assert_eq!(both[..OPEN_BYTES], header[..OPEN_BYTES], "one salt and one cost");
        for (text, opened) in [(&one, [true, false]), (&two, [false, true])] {
            let slots = list_slots(&both, text).unwrap();
            assert_eq!(slots.iter().map(|slot| slot.is_opened).collect::<Vec<_>>(), opened);
            assert!(slots.iter().all(|slot| slot.kind == SlotKind::Passphrase) && slots[1].id == id);
        }
        assert!(matches!(list_slots(&both, &three), Err(Error::WrongPassphrase)));
        let into_the_other = change_passphrase(&both, &master, &one, &two, Cost::FLOOR);
        assert!(matches!(into_the_other, Err(Error::PassphraseInUse { slot }) if slot == id));
        assert!(change_passphrase(&both, &master, &one, &one, Cost::FLOOR).is_ok());

        let first = list_slots(&both, &one).unwrap()[0].id;
        let only_two = remove_slot(&both, first).unwrap();
        assert!(open(&only_two, &two).is_ok());
        assert!(matches!(open(&only_two, &one), Err(Error::WrongPassphrase)));
        assert!(matches!(remove_slot(&only_two, first), Err(Error::UnknownSlot { .. })));
        // A slot of an unknown kind does not count: this version could not open the vault with it.
        let mut foreign = Header::parse(&only_two).unwrap();
        foreign.slots.push(Slot { kind: 9, id: Hex([7; 8]), body: vec![1] });
        assert!(matches!(remove_slot(&foreign.encode(), id), Err(Error::LastPassphrase)));
        assert_eq!(list_slots(&foreign.encode(), &two).unwrap()[1].kind, SlotKind::Unknown(9));
        assert!(remove_slot(&foreign.encode(), Hex([7; 8])).unwrap() == only_two);
    }

    #[test]
    fn a_header_has_64_slots_at_most() {
        let master = MasterKey::generate().unwrap();
        let sealed = seal(Id::random().unwrap(), &master, &passphrase("one"), Cost::FLOOR).unwrap();
        let mut header = Header::parse(&sealed).unwrap();
        for number in 1..63 {
            header.slots.push(Slot { kind: 9, id: Hex([number; 8]), body: vec![0; LONGEST_BODY_BYTES] });
        }
        let (full, _) = add_passphrase(&header.encode(), &master, &passphrase("two")).unwrap();
        assert!(full.len() <= LARGEST_BYTES && open(&full, &passphrase("two")).is_ok());
        let refused = add_passphrase(&full, &master, &passphrase("three"));
        assert!(matches!(refused, Err(Error::SlotsFull { limit: 64 })));
    }

    #[test]
    fn a_cost_out_of_range_is_refused_before_allocating_memory() {
        let mut greedy = header();
        greedy[26..30].copy_from_slice(&u32::MAX.to_le_bytes());
        let refused = open(&greedy, &passphrase("correct"));
        assert!(matches!(refused, Err(Error::Cipher(cipher::Error::Cost { actual: u32::MAX, .. }))));
    }
}
