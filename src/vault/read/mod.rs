//! Reading an unlocked vault.
//!
//! | file | what lives there |
//! |---|---|
//! | `source` | the backend and keys used by everything here |
//! | `segment`, `group` | a segment and a group whose files are read on first use |
//! | `image` | one photo of a segment |
//! | `original` | reading an original, whole or in pieces |
//! | `packs` | the thumbnails |
//! | `snapshot` | one generation: its groups, segments and images |
//! | `tables`, `history` | pages of tables; whether a generation continues an older one |
//! | `lookup` | finding an image by position, id or content |
//! | `scoring` | the encrypted scores of a query, and their decryption |
//! | `check` | reading and verifying everything |
//!
//! Must never: write to a vault, or hand out bytes that the mapping does not authenticate.

pub mod check;
pub(in crate::vault) mod group;
pub(in crate::vault) mod history;
pub(in crate::vault) mod image;
mod lookup;
pub(in crate::vault) mod original;
pub(in crate::vault) mod packs;
mod scoring;
pub(in crate::vault) mod segment;
pub(in crate::vault) mod snapshot;
pub(in crate::vault) mod source;
pub(in crate::vault) mod tables;
