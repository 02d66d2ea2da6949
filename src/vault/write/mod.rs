//! Writing an unlocked vault.
//!
//! | file | what lives there |
//! |---|---|
//! | `creation` | an empty vault |
//! | `transaction` | adding and removing photos: one commit makes one new generation |
//! | `rewriting` | which segments a commit writes anew |
//! | `compaction` | which segments become groups, and which groups larger ones |
//! | `repair` | making damaged files anew from whole ones |
//!
//! Must never: change a file that has its name.

mod compaction;
pub(in crate::vault) mod repair;
mod rewriting;
pub(in crate::vault) mod transaction;
