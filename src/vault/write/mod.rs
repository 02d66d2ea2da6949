//! Writing an unlocked vault.
//!
//! | file | what lives there |
//! |---|---|
//! | `transaction` | adding and removing photos: one commit makes one new generation |
//! | `commit` | the commit of a transaction |
//! | `rewriting` | which segments a commit rewrites |
//! | `compaction` | which segments become groups, and which groups larger ones |
//! | `group` | writing a group |
//! | `packing` | packs of thumbnails |
//! | `storing` | encrypting originals and tables |
//! | `tables` | writing the pages of tables |
//! | `history` | the generations that the next one follows |
//! | `merging` | two copies that were changed separately become one |
//! | `keys` | adding, changing and removing passphrases |
//! | `repair` | rebuilding damaged files from intact ones |
//! | `restoring` | taking damaged files from another copy, by digest |
//! | `upgrade` | a vault of format 1 or 2 becomes one of format 3 |
//! | `conversion` | the new files of an upgrade |
//! | `draft` | what an unfinished upgrade has written |
//!
//! Must never: change a file once it has its final name.

mod commit;
mod compaction;
pub(in crate::vault) mod conversion;
mod draft;
mod group;
pub(in crate::vault) mod history;
mod keys;
pub(in crate::vault) mod merging;
mod packing;
pub(in crate::vault) mod repair;
pub(in crate::vault) mod restoring;
mod rewriting;
mod storing;
mod tables;
pub(in crate::vault) mod transaction;
pub(in crate::vault) mod upgrade;
