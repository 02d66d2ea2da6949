//! The table `tombstones`: photos that were removed, so that they do not come back by being added again or by a merge
//! with a copy that still has them.
//!
//! Rows are in the order in which they were written and stay for good. The same content may occur several times, and
//! may be in the vault nevertheless: then it was added again on purpose.
//!
//! Nothing here has `Debug`: names must not be logged.
//!
//! Must never: drop a field of a newer version.

use super::fields::{Field, Fields, Rows, RowsFault};
use super::hex::{Digest, Hex};

/// The tags of a row.
mod tag {
    pub(super) const CONTENT: u16 = 1;
    pub(super) const REMOVED: u16 = 2;
    pub(super) const NAME: u16 = 3;
}

/// A photo that was removed.
#[derive(Clone, PartialEq, Eq)]
pub struct Tombstone {
    /// The keyed hash of its content.
    pub content: Digest,
    /// When it was removed, seconds since 1970.
    pub removed: i64,
    /// Its file name, as the system had it.
    pub name: Vec<u8>,
    /// Fields of newer versions, in ascending order of their tags.
    unknown: Vec<Field>,
}

impl Tombstone {
    /// A tombstone.
    #[must_use]
    pub fn new(content: Digest, removed: i64, name: Vec<u8>) -> Self {
        Self { content, removed, name, unknown: Vec::new() }
    }

    /// By what a merge recognises it: content and time.
    #[must_use]
    pub fn key(&self) -> (Digest, i64) {
        (self.content, self.removed)
    }

    /// Its row in the table.
    #[must_use]
    pub fn to_fields(&self) -> Vec<Field> {
        let mut row = vec![
            Field::new(tag::CONTENT, &[&self.content.0]),
            Field::new(tag::REMOVED, &[&self.removed.to_le_bytes()]),
            Field::new(tag::NAME, &[&self.name]),
        ];
        row.extend(self.unknown.iter().cloned());
        row.sort_by_key(|field| field.tag);
        row
    }

    fn of_fields(row: Fields<'_>) -> Result<Self, RowsFault> {
        let (known, others): (Vec<_>, Vec<_>) = row.partition(|field| (tag::CONTENT..=tag::NAME).contains(&field.tag));
        let unknown = others.into_iter().map(|field| Ok(field.ignorable()?.to_field())).collect::<Result<_, _>>()?;
        let [content, removed, name] = known[..] else { return Err(RowsFault::Malformed) };
        if [content.tag, removed.tag, name.tag] != [tag::CONTENT, tag::REMOVED, tag::NAME] {
            return Err(RowsFault::Malformed);
        }
        let content = Hex(content.value.try_into().map_err(|_| RowsFault::Malformed)?);
        let removed = i64::from_le_bytes(removed.value.try_into().map_err(|_| RowsFault::Malformed)?);
        Ok(Self { content, removed, name: name.value.to_vec(), unknown })
    }
}

/// The tombstones in the rows of a page.
///
/// # Errors
/// [`RowsFault`].
pub fn of_rows(rows: &Rows) -> Result<Vec<Tombstone>, RowsFault> {
    rows.iter().map(Tombstone::of_fields).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::format::fields;
    use crate::vault::format::table::PAGE_ROWS;

    fn read(row: Vec<Field>) -> Result<Tombstone, RowsFault> {
        let rows = Rows::decode(&fields::encode_rows(&[row]).unwrap(), PAGE_ROWS)?;
        of_rows(&rows).map(|mut tombstones| tombstones.remove(0))
    }

    #[test]
    fn a_tombstone_comes_back_with_fields_of_newer_versions() {
        let mut tombstone = Tombstone::new(Hex([1; 32]), -5, b"caf\xE9.jpg".to_vec());
        tombstone.unknown = vec![Field::new(9, &[b"later"])];
        assert!(read(tombstone.to_fields()).unwrap() == tombstone);
        let critical = [tombstone.to_fields(), vec![Field::new(40_000, &[])]].concat();
        assert!(matches!(read(critical), Err(RowsFault::UnknownField { tag: 40_000 })));
    }

    #[test]
    fn rows_of_another_form_are_refused() {
        let row = Tombstone::new(Hex([1; 32]), 7, b"a.jpg".to_vec()).to_fields();
        for at in 0..row.len() {
            let (mut without, mut twice) = (row.clone(), row.clone());
            without.remove(at);
            twice.insert(at, row[at].clone());
            assert!(read(without).is_err() && read(twice).is_err());
        }
        for at in [0, 1] {
            let mut short = row.clone();
            short[at].value.pop();
            assert!(read(short).is_err());
        }
    }
}
