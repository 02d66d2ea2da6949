//! The table `history` of the next generation.
//!
//! Must never: leave out a generation that is in the table already, except in repair, where its page cannot be read.

use std::collections::BTreeMap;

use super::tables;
use super::tables::{Row, TableWriter};
use crate::vault::backend::writer::Writer;
use crate::vault::error::Error;
use crate::vault::format::hex::Digest;
use crate::vault::format::history::{Ancestor, Seen};
use crate::vault::format::layout::Object;
use crate::vault::format::mapping::{Mapping, SignedMapping};
use crate::vault::format::table::Table;
use crate::vault::freshness::Freshness;
use crate::vault::read::history::{descent, read_page};
use crate::vault::read::source::Source;
use crate::vault::unlocked::Vault;

/// What to do when a page cannot be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::vault) enum IfDamaged {
    /// Report it.
    #[default]
    Refuse,
    /// Leave out that page and those before it, for repair. Generations in them can no longer be recognised.
    BeginAnew,
}

/// Writes the history of a generation that follows another one, or two.
pub(in crate::vault) struct Continuing<'a> {
    pub(in crate::vault) source: &'a Source,
    pub(in crate::vault) writer: &'a dyn Writer,
    pub(in crate::vault) freshness: &'a Freshness,
}

impl Continuing<'_> {
    /// The pages of a generation that follows `base`: those of `base`, and then `base` itself. Where `base` has none,
    /// as in vaults of earlier versions, the history begins with what this machine has seen before `base`.
    ///
    /// # Errors
    /// A page that it needs and that is missing or damaged; [`Error::FreshnessRecord`]; what the system reports.
    pub(in crate::vault) fn after(&self, base: &SignedMapping, if_damaged: IfDamaged) -> Result<Vec<Digest>, Error> {
        let pages = base.mapping.pages(Table::History.name());
        let mut rows = Vec::new();
        if pages.is_empty() {
            rows.extend(self.freshness.seen_before(base)?.into_iter().map(row));
        }
        if if_damaged == IfDamaged::BeginAnew {
            rows = self.readable_rows(pages)?;
        }
        rows.push(row(Seen::of(base)));
        match if_damaged {
            IfDamaged::Refuse => self.table().append(pages, rows),
            IfDamaged::BeginAnew => self.table().write_after(&[], &rows),
        }
    }

    /// The pages of a generation that follows both `base` and `other`, which is a mapping of `other_source`: the
    /// generations of both, in ascending order.
    ///
    /// # Errors
    /// As [`Self::after`].
    pub(in crate::vault) fn after_both(
        &self,
        base: &SignedMapping,
        other: &SignedMapping,
        other_source: &Source,
    ) -> Result<Vec<Digest>, Error> {
        let pages = |mapping: &Mapping| mapping.pages(Table::History.name()).to_vec();
        let (ours, theirs) = (pages(&base.mapping), pages(&other.mapping));
        // The last page of either is not full, so it cannot be kept.
        let common = ours.iter().zip(&theirs).take_while(|(one, other)| one == other).count();
        let common = common.min(ours.len().saturating_sub(1)).min(theirs.len().saturating_sub(1));
        let mut rows: BTreeMap<Seen, Row> = BTreeMap::new();
        for (source, pages) in [(self.source, &ours), (other_source, &theirs)] {
            for (number, page) in pages.iter().enumerate().skip(common) {
                let page = read_page(&*source.backend, &source.keys, number, page)?;
                rows.extend(page.into_iter().map(|ancestor| (ancestor.seen, ancestor.to_fields())));
            }
        }
        rows.extend([base, other].map(|head| (Seen::of(head), row(Seen::of(head)))));
        self.table().write_after(&ours[..common], &rows.into_values().collect::<Vec<_>>())
    }

    /// The rows after the last page that cannot be read.
    fn readable_rows(&self, pages: &[Digest]) -> Result<Vec<Row>, Error> {
        let pages = self.table().readable_rows(pages)?;
        let lost = pages.iter().rposition(Option::is_none);
        Ok(pages.into_iter().skip(lost.map_or(0, |at| at + 1)).flatten().flatten().collect())
    }

    fn table(&self) -> TableWriter<'_> {
        TableWriter { source: self.source, writer: self.writer, table: Table::History }
    }
}

impl Vault {
    /// Commits a generation with the same contents, and with `header` if there is one. The writer holds the lock, and
    /// `current` is the mapping that it replaces, whose history may be damaged.
    ///
    /// # Errors
    /// As [`Writer::commit`]; when the record of generations seen on this machine cannot be written.
    pub(super) fn commit_same_contents(
        &self,
        writer: &dyn Writer,
        current: &SignedMapping,
        header: Option<&[u8]>,
        if_damaged: IfDamaged,
    ) -> Result<(), Error> {
        let continuing = Continuing { source: &self.source, writer, freshness: &self.freshness };
        let before = &current.mapping.tables;
        let mut tables = before.clone();
        tables::set_pages(&mut tables, Table::History, continuing.after(current, if_damaged)?);
        let obsolete: Vec<Object> = tables::obsolete_pages(before, &tables).collect();
        let named = header.map_or(current.mapping.header, |header| Digest::of(&[header]));
        let next = SignedMapping::sign(current.mapping.with_header(current.tag, named, tables), &self.source.keys);
        writer.announce(&obsolete)?;
        writer.commit(&next, header)?;
        writer.discard(&obsolete);
        remember(&self.source, &self.freshness, &next)
    }
}

/// Records a generation that was just committed.
pub(in crate::vault) fn remember(source: &Source, freshness: &Freshness, next: &SignedMapping) -> Result<(), Error> {
    let descent = |older: &Seen| descent(&*source.backend, &source.keys, &next.mapping, older);
    freshness.remember(&[], next, &descent)
}

fn row(seen: Seen) -> Row {
    Ancestor::from(seen).to_fields()
}
