//! The vault: photos, their encrypted features and what is known about them, at rest. The bytes are specified in
//! `docs/vault-format.md`.
//!
//! ```text
//! header --passphrase--> master key --authenticates--> mapping.json
//! mapping.json --digests--> header, segments, packs, tables; segments --digests--> photos
//!            '--digests--> groups --digests--^
//! ```
//!
//! | module| what lives there |
//! |---|---|
//! | [`format`](mod@self::format) | what the bytes of each file mean; no I/O |
//! | `backend` | where files are stored: the trait [`Backend`], and its implementation for a local directory |
//! | `read` | the newest generation as a [`Snapshot`], segments and images loaded on demand, [`check`] |
//! | `write` | [`Transaction`] makes the next generation; compaction, [`repair`], [`restore`], [`Merge`] |
//! | `freshness` | which generations this machine has seen, to detect a rollback |
//! | `unlocked` | [`Vault`]: opening it, and its keys |
//! | `creation` | an empty vault |
//!
//! Modules depend only on those above them in this table, except that a check and a transaction start from a [`Vault`].
//!
//! # A commit
//! Photos are new files under random names; everything else is written at the commit, under names that are digests.
//! Files never change once written. They are fsynced, then their directories, and then `mapping.json` is replaced by
//! rename, which is the only commit point: before it the vault is at the old generation, after it at the new one. A
//! writer's journal lists the files that it may leave if it is interrupted; a name is durable there before its file
//! exists. The next writer removes only files that an abandoned journal lists and the current mapping does not
//! reference. A commit holds a kernel lock on `lock`; several writers can stage files at the same time, and readers
//! need no lock and no write permission.
//!
//! Directories are opened once and never through links (see `backend::local`), so replacing a file or directory cannot
//! make a command read, replace or remove anything outside the vault. This holds on Unix. Elsewhere each name is
//! checked before use, which does not stop an attacker who swaps it between check and use.
//!
//! # What it does not promise
//! Anyone with write access to the directory can delete it. They can also replace the whole vault by an old copy where
//! a machine has never seen a newer one ([`Freshness`]). Changing a leaked passphrase does not protect against someone
//! who has an earlier copy of the vault. Which vault belongs to a place is for the caller to judge, before it unlocks
//! one, by [`claimed_id`].
//!
//! Anyone with read access learns counts, padded sizes, which images were committed together and when, and the feature
//! space. The padded size of an original can identify it to somebody who has it.
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

pub use backend::blocks::Blocks;
pub use backend::copying::{FileToCopy, copy_files, reuse_staged, with_sizes};
pub use backend::generation::{entry_files, listed_images, named_files};
pub use backend::keyless_check::{Compared, Difference, KeylessReport, keyless_check};
pub(crate) use backend::local::LocalBackend;
pub use backend::local::local;
pub(crate) use backend::local::{Incoming, LocalWriter};
pub use backend::writer::{Abandoned, LOCK_PATIENCE, Pieces, Writer};
pub use backend::{Backend, BlocksFile, Leftovers, Listed, Scanner, Traffic};
pub use error::Error;
pub use format::capture::{Camera, CaptureTime, Captured, Exposure, Orientation, Origin, Position};
pub use format::entries::{GroupEntry, SEGMENT_IMAGES, SegmentEntry};
pub use format::expected::Expected;
pub use format::extension::Extension;
pub use format::header::{ListedSlot, SlotKind, is_header};
pub use format::hex::{Digest, Hex, Id, MacTag, NotHex, SlotId};
pub use format::hints::Hints;
pub use format::history::{Descent, Seen};
pub use format::layout::{Directory, GroupPart, Object, PackPart, Part};
pub use format::limits::largest_bytes;
pub use format::list::ListedImage;
pub use format::mapping::{Mapping, SignedMapping};
pub use format::record::{Found, LONGEST_PATH_BYTES, LONGEST_TEXT_BYTES, Modified, Pixels, Record};
pub use format::sealed::LARGEST_PHOTO_BYTES;
pub use format::space::FeatureSpace;
pub use format::table::Source;
pub use format::tombstone::Tombstone;
pub use freshness::{CopyAge, Freshness};
pub use read::check;
pub use read::image::Image;
pub use read::segment::Segment;
pub use read::snapshot::Snapshot;
pub use unlocked::{Vault, claimed_id, named_header};
pub use write::conversion::{Project, UpgradeProgress};
pub use write::merging::{Decision, Disagreement, Merge, Merged, Settle, Side, lost_since};
pub use write::repair::{LostPhotoPolicy, Regenerate, Repaired, repair};
pub use write::restoring::{RestoreProgress, Restored, restore};
pub use write::transaction::{Appended, Committed, NewImage, StoredPhoto, Transaction};
pub use write::upgrade::{Upgrade, UpgradePlan, Upgraded, plan as plan_upgrade, upgrade};
