//! Which vault is known at which address, as ssh knows hosts: another vault at an address is not opened before the user
//! has agreed, even if it opens with the same passphrase. The same list tells which copies of a vault there are, how
//! old each is, and when it was last checked.
//!
//! ```text
//! <state>/known_vaults.json   an entry for each address
//! <state>/known_vaults.lock   held while that is changed
//! ```
//!
//! | file | content |
//! |---|---|
//! | `file` | reading and replacing the list |
//! | `place` | which spellings are one address |
//! | `trust` | which vault may be at an address |
//! | `registry` | judging a vault, and noting what was seen of it |
//! | `listing` | the copies of a vault, and how old each is |
//! | `advice` | what to do about a copy that is not the newest |
//! | `open_copy` | the entry of the vault that is open |
//!
//! An address is judged by the id in the vault's header before the passphrase is asked for, and by the authenticated id
//! after that. The first vault at an address is accepted. Must never: count an unreadable list as an empty one, replace
//! an entry by another vault without the user's consent, or hold anything secret.

mod advice;
mod file;
mod listing;
mod open_copy;
mod place;
mod registry;
mod trust;

pub use advice::{Advice, AdvisedAction};
pub use file::{Check, CheckKind};
pub use listing::KnownCopy;
pub(super) use open_copy::OpenCopy;
pub use registry::KnownVaults;
pub(super) use trust::Judged;
pub use trust::Trust;

pub use crate::vault::Id as VaultId;
