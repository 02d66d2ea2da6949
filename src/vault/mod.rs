//! The vault: photos, their encrypted features and what belongs to them, at rest.
//!
//! ```text
//! header --passphrase--> master key --authenticates--> mapping.json
//! mapping.json --digests--> segments --digests--> photos, thumbnails
//!            '--digests--> groups --digests--^
//! ```
//!
//! | room | what lives there |
//! |---|---|
//! | [`format`](self::format) | what the bytes of each file mean; no I/O |
//! | `backend` | where the files are: the trait [`Backend`], and the one for a directory of this machine |
//! | `read` | the newest generation as a [`Snapshot`], segments and images loaded on demand, [`check`] |
//! | `write` | [`Transaction`] makes the next generation; compaction, [`repair`], creation |
//! | `freshness` | which generation this machine has seen, to notice an old copy that was put back |
//! | `unlocked` | [`Vault`]: opening one, and its keys |
//!
//! Arrows between rooms point up in this table, except that a check and a transaction begin with a [`Vault`].
//!
//! # A commit
//! Photos, thumbnails, segments and groups of them are new files under random names, never changed once written. They
//! are fsynced, then their directories, and then `mapping.json` is replaced by rename: the only commit point. Before it
//! the vault is at the old generation, after it at the new one. A file `writing` lists what an interrupted writer may
//! leave: a name is durable there before its file exists, and the next writer removes what is listed there and not
//! named by the mapping in force, and nothing else. One writer at a time holds a kernel lock on `public_context`, which
//! is never replaced; readers need no lock and no right to write.
//!
//! Directories are opened once and never through links (see `backend::local`), so whatever is put in the place of a
//! file or directory cannot make a command read, replace or remove anything outside the vault. That holds on Unix;
//! elsewhere each name is looked at before it is used, which does not stop someone who swaps it in between.
//!
//! # What it does not promise
//! Whoever can write to the directory can delete. They can put an old copy of the whole vault before a machine that has
//! never seen a newer one, or two copies that were changed separately before a machine that has seen a generation too
//! far back to tell ([`Freshness`]). An old header that is put back is not noticed and still opens with the old
//! passphrase: changing a passphrase that was found out does not help against someone who has an earlier copy of the
//! vault. Nor is another vault of the same passphrase noticed in the place of this one.
//!
//! Whoever can read the directory learns counts, padded sizes, kinds of files, which images came in one commit and
//! when, and the feature space. Sizes can tell which photo it is to somebody who has the photo.
//!
//! Must never: look at pixels, know what a feature means, or decide what a user sees.

mod backend;
mod creation;
mod error;
pub mod format;
mod freshness;
mod read;
mod unlocked;
mod write;

use std::path::PathBuf;
use std::sync::Arc;

pub use backend::blocks::Blocks;
pub use backend::generation::{entry_files, listed_images, named_files};
pub(crate) use backend::local::LocalBackend;
pub use backend::writer::{Abandoned, Writer};
pub use backend::{Backend, Leftovers, Listed, Scanner, Traffic};
pub use error::Error;
pub use format::catalogue::{CatalogueEntry, LONGEST_NAME_BYTES, PhotoMetadata};
pub use format::entries::{GroupEntry, SEGMENT_IMAGES, SegmentEntry};
pub use format::expected::Expected;
pub use format::extension::Extension;
pub use format::header::is_header;
pub use format::hex::{Digest, Hex, Id, MacTag, NotHex};
pub use format::hints::Hints;
pub use format::images::{ListedImage, ListedThumbnail};
pub use format::layout::{Directory, GroupPart, Object, Part};
pub use format::limits::largest_bytes;
pub use format::mapping::{Mapping, SignedMapping};
pub use format::sealed::LARGEST_PHOTO_BYTES;
pub use format::space::FeatureSpace;
pub use freshness::{CopyAge, Freshness, Lineage, Seen};
pub use read::check;
pub use read::image::Image;
pub use read::segment::Segment;
pub use read::snapshot::Snapshot;
pub use unlocked::Vault;
pub use write::repair::{LostPhotoPolicy, Regenerate, Repaired, repair};
pub use write::transaction::{Appended, NewImage, StoredPhoto, Transaction};

/// The backend of a vault in the directory `root` of this machine, where there need not be a vault yet.
#[must_use]
pub fn local(root: impl Into<PathBuf>) -> Arc<dyn Backend> {
    Arc::new(LocalBackend::new(root))
}
