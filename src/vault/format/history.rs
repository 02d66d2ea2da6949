//! The table `history`: the generations that one generation follows, whatever the distance, so that a client which has
//! seen any of them can tell whether its own line goes on here.
//!
//! Pages hold 1,024 generations in ascending order, and only the last one is ever written anew. After a merge of two
//! copies the table has the generations of both lines, so two rows can have one number.
//!
//! Must never: drop a field of a newer version.

use super::fields::{Field, Fields, Rows, RowsFault};
use super::hex::{Hex, MacTag};
use super::mapping::SignedMapping;

/// The tags of a row.
mod tag {
    pub(super) const GENERATION: u16 = 1;
    pub(super) const TAG: u16 = 2;
}

/// One generation of a vault: its number, and the tag of its mapping, which no other generation has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seen {
    /// Its number.
    pub generation: u64,
    /// The tag of its mapping.
    pub tag: MacTag,
}

impl Seen {
    /// The generation that a mapping describes.
    #[must_use]
    pub fn of(found: &SignedMapping) -> Self {
        Self { generation: found.mapping.generation, tag: found.tag }
    }
}

/// How a generation relates to one that is older.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Descent {
    /// It continues it.
    Continues,
    /// It does not: the two were changed separately.
    Forked,
    /// Its history does not go back that far, because the vault is of an earlier version or a repair left out what was
    /// damaged.
    Unknown,
}

/// A row of the table.
#[derive(Clone, PartialEq, Eq)]
pub struct Ancestor {
    /// The generation.
    pub seen: Seen,
    /// Fields of newer versions, in ascending order of their tags.
    unknown: Vec<Field>,
}

impl From<Seen> for Ancestor {
    fn from(seen: Seen) -> Self {
        Self { seen, unknown: Vec::new() }
    }
}

impl Ancestor {
    /// Its row in the table.
    #[must_use]
    pub fn to_fields(&self) -> Vec<Field> {
        let mut row = vec![
            Field::new(tag::GENERATION, &[&self.seen.generation.to_le_bytes()]),
            Field::new(tag::TAG, &[&self.seen.tag.0]),
        ];
        row.extend(self.unknown.iter().cloned());
        row.sort_by_key(|field| field.tag);
        row
    }

    fn of_fields(row: Fields<'_>) -> Result<Self, RowsFault> {
        let (known, others): (Vec<_>, Vec<_>) = row.partition(|field| matches!(field.tag, tag::GENERATION | tag::TAG));
        let unknown = others.into_iter().map(|field| Ok(field.ignorable()?.to_field())).collect::<Result<_, _>>()?;
        let [generation, tag] = known[..] else { return Err(RowsFault::Malformed) };
        if (generation.tag, tag.tag) != (tag::GENERATION, tag::TAG) {
            return Err(RowsFault::Malformed);
        }
        let generation = generation.value.try_into().map_err(|_| RowsFault::Malformed)?;
        let tag = tag.value.try_into().map_err(|_| RowsFault::Malformed)?;
        Ok(Self { seen: Seen { generation: u64::from_le_bytes(generation), tag: Hex(tag) }, unknown })
    }
}

/// The generations in the rows of a page: at least one, in ascending order.
///
/// # Errors
/// [`RowsFault`].
pub fn of_rows(rows: &Rows) -> Result<Vec<Ancestor>, RowsFault> {
    let page: Vec<Ancestor> = rows.iter().map(Ancestor::of_fields).collect::<Result<_, _>>()?;
    let is_ascending = page.windows(2).all(|pair| pair[0].seen < pair[1].seen);
    if page.is_empty() || !is_ascending { Err(RowsFault::Malformed) } else { Ok(page) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::format::fields;
    use crate::vault::format::table::PAGE_ROWS;

    fn ancestor(generation: u64, tag: u8) -> Ancestor {
        Seen { generation, tag: Hex([tag; 64]) }.into()
    }

    fn read(rows: &[Vec<Field>]) -> Result<Vec<Ancestor>, RowsFault> {
        of_rows(&Rows::decode(&fields::encode_rows(rows).unwrap(), PAGE_ROWS)?)
    }

    fn read_back(page: &[Ancestor]) -> Result<Vec<Ancestor>, RowsFault> {
        read(&page.iter().map(Ancestor::to_fields).collect::<Vec<_>>())
    }

    #[test]
    fn a_page_comes_back_with_fields_of_newer_versions() {
        let mut page: Vec<Ancestor> = (1..=PAGE_ROWS as u64).map(|number| ancestor(number, number as u8)).collect();
        page[7].unknown = vec![Field::new(0, &[b"later"]), Field::new(9, &[b"later"])];
        assert!(read_back(&page).unwrap() == page);
    }

    #[test]
    fn rows_out_of_order_or_of_another_form_are_refused() {
        for page in [
            vec![],
            vec![ancestor(2, 1), ancestor(1, 1)],
            vec![ancestor(1, 1), ancestor(1, 1)],
            vec![ancestor(1, 2), ancestor(1, 1)],
        ] {
            assert!(read_back(&page).is_err());
        }
        assert!(read_back(&[ancestor(1, 1), ancestor(1, 2)]).is_ok(), "after a merge");
        let row = ancestor(1, 1).to_fields();
        for at in 0..row.len() {
            let (mut without, mut twice, mut short) = (row.clone(), row.clone(), row.clone());
            without.remove(at);
            twice.insert(at, row[at].clone());
            short[at].value.pop();
            assert!(read(&[without]).is_err() && read(&[twice]).is_err() && read(&[short]).is_err());
        }
        let critical = [row, vec![Field::new(40_000, &[])]].concat();
        assert!(matches!(read(&[critical]), Err(RowsFault::UnknownField { tag: 40_000 })));
    }
}
