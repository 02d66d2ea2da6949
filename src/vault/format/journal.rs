//! A journal: the names of the files that an interrupted writer may leave behind.
//!
//! ```text
//! journal = any number of: newline | path of a file in one of the three directories | newline
//! ```
//!
//! The leading newline ends a line that a crash truncated. Earlier versions had one journal, `writing`, of this form.
//!
//! Must never: list a file outside the three directories.

use std::collections::HashSet;

use super::layout::Object;

/// Journals larger than this are ignored. Enough for about 15 million names.
pub const LARGEST_BYTES: u64 = 1 << 30;

/// The lines that list `objects`.
pub fn encode<'a>(objects: impl IntoIterator<Item = &'a Object>) -> String {
    objects.into_iter().map(|object| format!("\n{object}\n")).collect()
}

/// The files that a journal lists. Ignores lines that are not the path of a file in one of the three directories, and a
/// last line without a newline.
#[must_use]
pub fn decode(bytes: &[u8]) -> HashSet<Object> {
    let whole_lines = bytes.split_inclusive(|byte| *byte == b'\n').filter_map(|line| line.strip_suffix(b"\n"));
    let object = |line: &[u8]| std::str::from_utf8(line).ok()?.parse::<Object>().ok();
    whole_lines.filter_map(object).filter(Object::is_listed_in_journals).collect()
}
