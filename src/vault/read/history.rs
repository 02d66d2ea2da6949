//! Whether a generation continues one that was seen before, from its table `history`.
//!
//! Must never: call a generation a continuation that the table, or the parents in the mapping, do not name.

use crate::vault::backend::Backend;
use crate::vault::error::Error;
use crate::vault::format::hex::Digest;
use crate::vault::format::history;
use crate::vault::format::history::{Ancestor, Descent, Seen};
use crate::vault::format::mapping::Mapping;
use crate::vault::format::sealed::VaultKeys;
use crate::vault::format::shape::Shape;
use crate::vault::format::table::Table;
use crate::vault::read::tables::read_rows;

/// How the generation that `mapping` describes relates to `older`. `mapping` must be authenticated. Reads no page for
/// the next generation, and a few pages for any other.
///
/// # Errors
/// A page that is missing or damaged.
pub(in crate::vault) fn descent(
    backend: &dyn Backend,
    keys: &VaultKeys,
    mapping: &Mapping,
    older: &Seen,
) -> Result<Descent, Error> {
    if older.generation >= mapping.generation {
        return Ok(Descent::Forked);
    }
    if mapping.parents.contains(&older.tag) {
        return Ok(Descent::Continues);
    }
    let pages = mapping.pages(Table::History.name());
    let page = |number: usize| read_page(backend, keys, number, &pages[number]);
    // The pages that begin before this generation: the last of them can have it, and so can those that begin with it.
    let (mut before, mut others) = (0, pages.len());
    while before < others {
        let middle = usize::midpoint(before, others);
        let begins_before = page(middle)?.first().is_some_and(|first| first.seen.generation < older.generation);
        if begins_before { before = middle + 1 } else { others = middle }
    }
    let mut is_known = false;
    for number in before.saturating_sub(1)..pages.len() {
        let rows = page(number)?;
        if rows.iter().any(|row| row.seen == *older) {
            return Ok(Descent::Continues);
        }
        is_known |= rows.iter().any(|row| row.seen.generation <= older.generation);
        if rows.last().is_some_and(|last| last.seen.generation > older.generation) {
            break;
        }
    }
    // Without a table, only the generation just before this one is known: it is not among the parents.
    let is_just_before = older.generation + 1 == mapping.generation;
    Ok(if is_known || is_just_before { Descent::Forked } else { Descent::Unknown })
}

/// One page of the table.
///
/// # Errors
/// When it is missing or damaged.
pub(in crate::vault) fn read_page(
    backend: &dyn Backend,
    keys: &VaultKeys,
    number: usize,
    page: &Digest,
) -> Result<Vec<Ancestor>, Error> {
    let rows = read_rows(backend, keys, Table::History, number, page)?;
    history::of_rows(&rows).map_err(|fault| fault.in_file(&Shape::table_page(*page).object))
}
