//! Tables, `.table`: lists of rows that belong to the whole vault, encrypted page by page.
//!
//! A reader keeps the tables and pages that it does not know, if the mapping allows it to use the vault without.
//!
//! Nothing here has `Debug`: labels and paths must not be logged.
//!
//! Must never: drop a field of a newer version.

use super::entries::Needs;
use super::fields;
use super::fields::{Field, Fields, Rows, RowsFault};
use super::hex::{Digest, Hex, Id};
use crate::vault::error::Error;

/// Most bytes of the name of a table.
pub const LONGEST_NAME_BYTES: usize = 64;
/// Most bytes of the label of a source.
pub const LONGEST_LABEL_BYTES: usize = 256;
/// Most bytes of the path of a source.
pub const LONGEST_ROOT_BYTES: usize = 4096;
/// Most rows of a page.
pub const PAGE_ROWS: usize = fields::MOST_ROWS;

/// The tables that this version knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    /// Where photos were found: [`Source`].
    Sources,
    /// The generations before this one: [`super::history`].
    History,
    /// Photos that were removed: [`super::tombstone`].
    Tombstones,
}

impl Table {
    const ALL: [Self; 3] = [Self::Sources, Self::History, Self::Tombstones];

    /// The table with this name; `None` for one that this version does not know.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|table| table.name() == name)
    }

    /// Its name in the mapping.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sources => "sources",
            Self::History => "history",
            Self::Tombstones => "tombstones",
        }
    }

    /// What a program must not do that does not know the table.
    #[must_use]
    pub const fn needs(self) -> Needs {
        match self {
            Self::Sources => Needs::Nothing,
            // Whoever commits without adding to it makes an honest generation look like one of another line.
            Self::History => Needs::Write,
            // Whoever adds photos without looking brings removed ones back.
            Self::Tombstones => Needs::Write,
        }
    }

    /// The object id of its pages.
    #[must_use]
    pub fn id(self) -> Id {
        object_id(self.name())
    }
}

/// Whether this version knows the table with this name.
#[must_use]
pub fn is_known(name: &str) -> bool {
    Table::named(name).is_some()
}

/// Whether a table may have this name: 1 to 64 characters `a-z`, `0-9`, `-`.
#[must_use]
pub fn is_name(name: &str) -> bool {
    (1..=LONGEST_NAME_BYTES).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// The object id of the pages of the table with this name, known or not: the first 16 bytes of the name's digest.
#[must_use]
pub fn object_id(name: &str) -> Id {
    let digest = Digest::of(&[name.as_bytes()]);
    Hex(*digest.0.first_chunk().expect("a digest has more than 16 bytes"))
}

/// The tags of a source.
mod tag {
    pub(super) const ID: u16 = 1;
    pub(super) const LABEL: u16 = 2;
    pub(super) const ADDED: u16 = 3;
    pub(super) const ROOT: u16 = 4;
}

/// A folder or device where photos were found: a row of the table `sources`.
#[derive(Clone, PartialEq, Eq)]
pub struct Source {
    /// Its random id, which records name.
    pub id: Id,
    /// What the user calls it. Written up to its first NUL.
    pub label: String,
    /// When it was added, seconds since 1970.
    pub added: i64,
    /// Its path when it was added, as the system has it.
    pub root: Vec<u8>,
    /// Fields of newer versions, in ascending order of their tags.
    unknown: Vec<Field>,
}

impl Source {
    /// A source.
    #[must_use]
    pub fn new(id: Id, label: String, added: i64, root: Vec<u8>) -> Self {
        Self { id, label, added, root, unknown: Vec::new() }
    }

    /// Refuses what does not fit into the table.
    ///
    /// # Errors
    /// [`Error::TooLong`].
    pub fn check(&self) -> Result<(), Error> {
        for (what, actual, limit) in [
            ("the label of a source", self.label.len(), LONGEST_LABEL_BYTES),
            ("the path of a source", self.root.len(), LONGEST_ROOT_BYTES),
        ] {
            if actual > limit {
                return Err(Error::TooLong { what, actual, limit });
            }
        }
        Ok(())
    }

    fn to_fields(&self) -> Result<Vec<Field>, Error> {
        self.check()?;
        let mut row = vec![
            Field::new(tag::ID, &[&self.id.0]),
            Field::new(tag::LABEL, &[self.label.split('\0').next().unwrap_or_default().as_bytes()]),
            Field::new(tag::ADDED, &[&self.added.to_le_bytes()]),
            Field::new(tag::ROOT, &[&self.root]),
        ];
        row.extend(self.unknown.iter().cloned());
        row.sort_by_key(|field| field.tag);
        Ok(row)
    }

    fn of_fields(row: Fields<'_>) -> Result<Self, RowsFault> {
        let (known, others): (Vec<_>, Vec<_>) = row.partition(|field| (tag::ID..=tag::ROOT).contains(&field.tag));
        let unknown = others.into_iter().map(|field| Ok(field.ignorable()?.to_field())).collect::<Result<_, _>>()?;
        let known_tags: Vec<u16> = known.iter().map(|field| field.tag).collect();
        if known_tags != [tag::ID, tag::LABEL, tag::ADDED, tag::ROOT] {
            return Err(RowsFault::Malformed);
        }
        let values: Vec<&[u8]> = known.iter().map(|field| field.value).collect();
        let read = || {
            let id = Hex(values[0].try_into().ok()?);
            let label = str::from_utf8(values[1]).ok().filter(|text| !text.contains('\0'))?.to_owned();
            let added = i64::from_le_bytes(values[2].try_into().ok()?);
            Some(Self { id, label, added, root: values[3].to_vec(), unknown })
        };
        read().filter(|source| source.check().is_ok()).ok_or(RowsFault::Malformed)
    }
}

/// The rows of the table `sources`.
///
/// # Errors
/// As [`Source::check`].
pub fn rows_of_sources(sources: &[Source]) -> Result<Vec<Vec<Field>>, Error> {
    sources.iter().map(Source::to_fields).collect()
}

/// The sources in the rows of a page.
///
/// # Errors
/// [`RowsFault`].
pub fn sources_of_rows(rows: &Rows) -> Result<Vec<Source>, RowsFault> {
    rows.iter().map(Source::of_fields).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(number: u8) -> Source {
        Source::new(Hex([number; 16]), format!("disk {number}"), -5, b"/media/\xFF".to_vec())
    }

    fn read(row: Vec<Field>) -> Result<Source, RowsFault> {
        let rows = Rows::decode(&fields::encode_rows(&[row]).unwrap(), PAGE_ROWS)?;
        sources_of_rows(&rows).map(|mut sources| sources.remove(0))
    }

    #[test]
    fn sources_come_back() {
        for count in [0, 1, 3, PAGE_ROWS] {
            let sources: Vec<_> = (0..count).map(|number| source(number as u8)).collect();
            let page = fields::encode_rows(&rows_of_sources(&sources).unwrap()).unwrap();
            let read = sources_of_rows(&Rows::decode(&page, PAGE_ROWS).unwrap()).unwrap();
            assert!(read == sources, "{count}");
        }
    }

    #[test]
    fn a_field_of_a_newer_version_is_kept_or_refused() {
        for tag in [0, 5, 32_767] {
            let mut row = source(1).to_fields().unwrap();
            row.push(Field::new(tag, &[b"later"]));
            row.sort_by_key(|field| field.tag);
            assert!(read(row.clone()).unwrap().to_fields().unwrap() == row);
        }
        let critical = vec![Field::new(40_000, &[])];
        assert!(matches!(read(critical), Err(RowsFault::UnknownField { tag: 40_000 })));
    }

    #[test]
    fn rows_that_are_no_sources_are_refused() {
        let row = source(1).to_fields().unwrap();
        for at in 0..row.len() {
            let mut without = row.clone();
            without.remove(at);
            assert!(read(without).is_err());
            let mut twice = row.clone();
            twice.insert(at, row[at].clone());
            assert!(read(twice).is_err());
        }
        for (at, value) in
            [(0, &[1; 15][..]), (1, b"\xFF"), (1, b"a\0"), (1, &[b'a'; 257]), (2, b""), (3, &[b'a'; 4097])]
        {
            let mut changed = row.clone();
            changed[at].value = value.to_vec();
            assert!(read(changed).is_err());
        }
        let endless = Source { label: "x".repeat(257), ..source(1) };
        assert!(matches!(rows_of_sources(&[endless]), Err(Error::TooLong { actual: 257, limit: 256, .. })));
    }

    #[test]
    fn names_and_ids_of_tables() {
        assert_eq!(Table::named("sources"), Some(Table::Sources));
        assert_eq!(Table::named("history"), Some(Table::History));
        assert_eq!(Table::named("labels"), None);
        assert_eq!(Table::Sources.needs(), Needs::Nothing);
        assert_eq!(Table::Sources.id(), object_id("sources"));
        assert!(is_name("a-0") && is_name(&"a".repeat(64)));
        assert!(["", "A", "a b", "a/b", "\u{e9}", &"a".repeat(65)].into_iter().all(|name| !is_name(name)));
    }
}
