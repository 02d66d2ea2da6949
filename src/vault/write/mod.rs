//! Writing an unlocked vault.
//!
//! | file | what lives there |
//! |---|---|
//! | `transaction` | adding and removing photos: one commit makes one new generation |
//! | `rewriting` | which segments a commit rewrites |
//! | `compaction` | which segments become groups, and which groups larger ones |
//! | `repair` | rebuilding damaged files from intact ones |
//!
//! Must never: change a file once it has its final name.

mod compaction;
pub(in crate::vault) mod repair;
mod rewriting;
pub(in crate::vault) mod transaction;
