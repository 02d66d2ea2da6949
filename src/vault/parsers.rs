//! The parsers of a vault's files by themselves, for the fuzz targets: what they are given reaches the code behind digests
//! and tags, which no mutation of a whole vault would. And a vault that has a group although it is small.
//!
//! Must never: be called by the program, which reads a vault through `Vault` and `Store` alone.

use zeroize::Zeroizing;

use super::error::Error;
use super::hex::{Digest, Id};
pub use super::is_header;
use super::mapping::GroupEntry;
use super::objects::Sealed;
use super::segment::Hints;
use super::transaction::Transaction;
use super::{catalogue, group, objects, segment};
use crate::cipher::{KeyTree, MasterKey};

/// Whether `bytes` list as many images of this segment.
pub fn is_image_list(bytes: &[u8], segment: Id, images: usize) -> bool {
    segment::decode_images(bytes, segment, images).is_some()
}

/// Whether `bytes` list as many segments of this group with as many images.
pub fn is_group_list(bytes: &[u8], group: Id, segments: usize, images: usize) -> bool {
    let unused = Digest::of(&[]);
    group::decode_list(bytes, &GroupEntry { id: group, segments, images, group: unused, tags: unused }).is_some()
}

/// Commits like [`Transaction::commit`], with every segment in a group.
///
/// # Errors
/// As there; when a catalogue cannot be read.
pub fn commit_gathered(transaction: Transaction) -> Result<Transaction, Error> {
    transaction.commit_gathered()
}

/// The blocks that `bytes`, as the hints of a segment of `images` images (1 or more), describe.
pub fn hinted_blocks(bytes: Vec<u8>, images: usize) -> Option<usize> {
    Hints::decode(bytes, images).map(|hints| hints.blocks().count())
}

/// A catalogue in the clear, read and written again.
pub fn rewritten_catalogue(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    catalogue::decode(text).map(|entries| catalogue::encode(&entries))
}

/// A thumbnail of a vault whose keys are made up.
pub struct SealedThumbnail {
    tree: KeyTree,
    vault: Id,
    id: Id,
}

impl SealedThumbnail {
    /// Fresh keys.
    ///
    /// # Errors
    /// When the system gives no entropy.
    pub fn new() -> Result<Self, Error> {
        let vault = Id::random()?;
        Ok(Self { tree: KeyTree::new(MasterKey::generate()?, vault.0), vault, id: Id::random()? })
    }

    /// The file of a thumbnail.
    ///
    /// # Errors
    /// When the system gives no entropy.
    pub fn seal(&self, plaintext: &[u8]) -> Result<Vec<u8>, Error> {
        let file = objects::seal(&self.tree, self.vault, &Sealed::Thumbnail(self.id), plaintext)?;
        Ok(file.parts().concat())
    }

    /// A file that authenticates, whatever its padding.
    ///
    /// # Errors
    /// When the system gives no entropy.
    pub fn seal_padded(&self, padded: &[u8]) -> Result<Vec<u8>, Error> {
        let file = objects::seal_padded(&self.tree, self.vault, &Sealed::Thumbnail(self.id), padded)?;
        Ok(file.parts().concat())
    }

    /// What the file holds.
    ///
    /// # Errors
    /// When it is not one that [`Self::seal`] wrote.
    pub fn open(&self, file: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        objects::open(&self.tree, self.vault, &Sealed::Thumbnail(self.id), file)
    }
}
