//! Reading the pages of tables.
//!
//! Must never: return rows that the mapping does not authenticate.

use crate::vault::backend::Backend;
use crate::vault::error::Error;
use crate::vault::format::fields::Rows;
use crate::vault::format::hex::Digest;
use crate::vault::format::sealed::{SealedObject, VaultKeys};
use crate::vault::format::shape::Shape;
use crate::vault::format::table::{PAGE_ROWS, Table};

/// The rows of one page.
///
/// # Errors
/// When it is missing or damaged; [`Error::Newer`].
pub(in crate::vault) fn read_rows(
    backend: &dyn Backend,
    keys: &VaultKeys,
    table: Table,
    number: usize,
    page: &Digest,
) -> Result<Rows, Error> {
    let file = Shape::table_page(*page);
    let sealed = SealedObject::Table(table.id(), number as u32);
    let opened = keys.open(&sealed, &backend.read_verified(&file)?).map_err(|error| error.about(&file.object))?;
    Rows::decode(&opened, PAGE_ROWS).map_err(|fault| fault.in_file(&file.object))
}
