//! Writing the pages of tables.
//!
//! Must never: write a full page anew, except in repair and to put two copies together.

use crate::vault::backend::writer::Writer;
use crate::vault::error::Error;
use crate::vault::format::entries::TableEntry;
use crate::vault::format::fields;
use crate::vault::format::fields::{Field, FieldRef};
use crate::vault::format::hex::Digest;
use crate::vault::format::layout::Object;
use crate::vault::format::sealed::SealedObject;
use crate::vault::format::table::{PAGE_ROWS, Table};
use crate::vault::read::source::Source;
use crate::vault::read::tables::read_rows;

/// A row, with all fields whether known or not.
pub(super) type Row = Vec<Field>;

/// Writes one table.
pub(super) struct TableWriter<'a> {
    pub(super) source: &'a Source,
    pub(super) writer: &'a dyn Writer,
    pub(super) table: Table,
}

impl TableWriter<'_> {
    /// The pages of the table after `rows` were added at its end.
    ///
    /// # Errors
    /// When the last page is missing or damaged; what the system reports.
    pub(super) fn append(&self, pages: &[Digest], rows: Vec<Row>) -> Result<Vec<Digest>, Error> {
        let Some((last, full)) = pages.split_last() else { return self.write_after(&[], &rows) };
        let mut all = self.rows(full.len(), last)?;
        if all.len() == PAGE_ROWS {
            return self.write_after(pages, &rows);
        }
        all.extend(rows);
        self.write_after(full, &all)
    }

    /// The pages `kept`, which are full, and new ones with `rows`.
    ///
    /// # Errors
    /// What the system reports.
    pub(super) fn write_after(&self, kept: &[Digest], rows: &[Row]) -> Result<Vec<Digest>, Error> {
        let mut pages = kept.to_vec();
        for rows in rows.chunks(PAGE_ROWS) {
            pages.push(self.write_page(pages.len(), rows)?);
        }
        Ok(pages)
    }

    /// The rows of a page.
    ///
    /// # Errors
    /// As [`read_rows`].
    pub(super) fn rows(&self, number: usize, page: &Digest) -> Result<Vec<Row>, Error> {
        let rows = read_rows(&*self.source.backend, &self.source.keys, self.table, number, page)?;
        Ok(rows.iter().map(|row| row.map(FieldRef::to_field).collect()).collect())
    }

    /// The rows of each page, for repair; `None` for one that is missing or damaged.
    ///
    /// # Errors
    /// When a page cannot be read.
    pub(super) fn readable_rows(&self, pages: &[Digest]) -> Result<Vec<Option<Vec<Row>>>, Error> {
        let readable = |(number, page)| match self.rows(number, page) {
            Ok(rows) => Ok(Some(rows)),
            Err(error) if error.is_proof_of_damage() => Ok(None),
            Err(error) => Err(error),
        };
        pages.iter().enumerate().map(readable).collect()
    }

    fn write_page(&self, number: usize, rows: &[Row]) -> Result<Digest, Error> {
        let content = fields::encode_rows(rows)?;
        let sealed = self.source.keys.seal(&SealedObject::Table(self.table.id(), number as u32), &content)?;
        let digest = Digest::of(&sealed.parts());
        let object = Object::Table(digest.name());
        self.writer.announce(std::slice::from_ref(&object))?;
        self.writer.stage(&object, &sealed.parts())?;
        Ok(digest)
    }
}

/// Gives a table these pages; a table without pages is left out.
pub(in crate::vault) fn set_pages(tables: &mut Vec<TableEntry>, table: Table, pages: Vec<Digest>) {
    let position = tables.iter().position(|entry| entry.name == table.name());
    match (position, pages.is_empty()) {
        (Some(at), true) => drop(tables.remove(at)),
        (None, true) => {}
        (Some(at), false) => tables[at].pages = pages,
        (None, false) => tables.push(TableEntry { name: table.name().to_owned(), needs: table.needs(), pages }),
    }
}

/// The pages of `before` that are not among the tables `after` any more.
pub(in crate::vault) fn obsolete_pages<'a>(
    before: &'a [TableEntry],
    after: &'a [TableEntry],
) -> impl Iterator<Item = Object> {
    let pages = |tables: &'a [TableEntry]| tables.iter().flat_map(|table| &table.pages);
    pages(before).filter(move |page| !pages(after).any(|kept| kept == *page)).map(|page| Object::Table(page.name()))
}
