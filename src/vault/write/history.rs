//! The table `history` of the next generation.
//!
//! Must never: leave out a generation that is in the table already, except in repair, where its page cannot be read.

use std::collections::BTreeMap;

use super::tables::{Row, TableWriter};
use crate::vault::backend::writer::Writer;
use crate::vault::error::Error;
use crate::vault::format::hex::Digest;
use crate::vault::format::history::{Ancestor, Seen};
use crate::vault::format::mapping::{Mapping, SignedMapping};
use crate::vault::format::table::Table;
use crate::vault::freshness::Freshness;
use crate::vault::read::history::{descent, read_page};
use crate::vault::read::source::Source;

/// What to do when a page is missing or damaged.
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
        let head = Seen::of(base);
        if if_damaged == IfDamaged::BeginAnew
            && let Some(readable) = self.rows_after_damage(pages)?
        {
            let mut rows = self.rows_before(base)?;
            rows.extend(readable);
            rows.insert(head, row(head));
            return self.table().write_after(&[], &rows.into_values().collect::<Vec<_>>());
        }
        let mut rows = if pages.is_empty() { self.rows_before(base)? } else { BTreeMap::new() };
        rows.insert(head, row(head));
        self.table().append(pages, rows.into_values().collect())
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
        // The last page of either may not be full, so it cannot be kept.
        let common = ours.iter().zip(&theirs).take_while(|(one, other)| one == other).count();
        let common = common.min(ours.len().saturating_sub(1)).min(theirs.len().saturating_sub(1));
        let mut rows = if ours.is_empty() { self.rows_before(base)? } else { BTreeMap::new() };
        for (source, pages) in [(self.source, &ours), (other_source, &theirs)] {
            for (number, page) in pages.iter().enumerate().skip(common) {
                rows.extend(rows_of(source, number, page)?);
            }
        }
        rows.extend([base, other].map(|head| (Seen::of(head), row(Seen::of(head)))));
        self.table().write_after(&ours[..common], &rows.into_values().collect::<Vec<_>>())
    }

    /// What this machine has seen before `base`.
    fn rows_before(&self, base: &SignedMapping) -> Result<BTreeMap<Seen, Row>, Error> {
        Ok(self.freshness.seen_before(base)?.into_iter().map(|seen| (seen, row(seen))).collect())
    }

    /// The rows after the last page that is missing or damaged; `None` when none is.
    fn rows_after_damage(&self, pages: &[Digest]) -> Result<Option<BTreeMap<Seen, Row>>, Error> {
        let mut rows = BTreeMap::new();
        for (number, page) in pages.iter().enumerate().rev() {
            match rows_of(self.source, number, page) {
                Ok(page) => rows.extend(page),
                Err(error) if error.is_proof_of_damage() => return Ok(Some(rows)),
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    fn table(&self) -> TableWriter<'_> {
        TableWriter { source: self.source, writer: self.writer, table: Table::History }
    }
}

/// Records a generation that was just committed.
pub(in crate::vault) fn remember(source: &Source, freshness: &Freshness, next: &SignedMapping) -> Result<(), Error> {
    let descent = |older: &Seen| descent(&*source.backend, &source.keys, &next.mapping, older);
    freshness.remember(&[], next, &descent)
}

/// The rows of a page by the generations that they name.
fn rows_of(source: &Source, number: usize, page: &Digest) -> Result<Vec<(Seen, Row)>, Error> {
    let page = read_page(&*source.backend, &source.keys, number, page)?;
    Ok(page.into_iter().map(|ancestor| (ancestor.seen, ancestor.to_fields())).collect())
}

fn row(seen: Seen) -> Row {
    Ancestor::from(seen).to_fields()
}
