//! Sealed files: one envelope for photos, thumbnails, vectors, records, check vectors, pages of tags and of tables.
//!
//! ```text
//! file            = magic 8 | version 1 | kind 1 | IV 16 | AES-256-CBC ciphertext | tag 32
//! associated data = magic | version | kind | vault id | object id [ | number of the page, 4 bytes, or space id ]
//! ```
//!
//! A file does not open under another name, in another vault, or as another kind.
//! Must never: return a byte before the whole file is verified.

use zeroize::Zeroizing;

use super::extension::Extension;
use super::hex::{Digest, Hex, Id};
use super::layout::{GroupPart, Object, PackPart, Part};
use crate::cipher;
use crate::cipher::key_tree::ShortTag;
use crate::cipher::{KeyTree, MasterKey, Purpose, aes_cbc_hmac, padding};
use crate::vault::error::Error;

const MAGIC: [u8; 8] = *b"CIPHLENS";
const FORMAT_VERSION: u8 = 1;

/// Bytes that precede every binary file: magic, version, kind.
pub const PREFIX_BYTES: usize = MAGIC.len() + 2;

/// Most bytes of one original. It is held in memory and verified as a whole before use.
pub const LARGEST_PHOTO_BYTES: usize = 512 << 20;

/// What a binary file holds. The numbers are part of the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The header.
    Header = 1,
    /// An original.
    Photo = 3,
    /// A thumbnail.
    Thumbnail = 4,
    /// The exact vectors of a segment.
    Vectors = 5,
    /// The catalogue of a segment, in formats 1 and 2.
    OldCatalogue = 6,
    /// The hints of a segment; not sealed.
    Hints = 7,
    /// The deduplication index of a group.
    Tags = 8,
    /// A large original, sealed in chunks.
    ChunkedPhoto = 9,
    /// The image list of a segment; not sealed.
    List = 10,
    /// The records of a segment.
    Records = 11,
    /// The check vectors of a segment or a group.
    Checks = 12,
    /// The list of the parts of a pack; not sealed.
    PackList = 13,
    /// The index of a part of a pack.
    PartIndex = 14,
    /// A page of a table.
    Table = 15,
    /// The copy of the list of a group.
    GroupCopy = 16,
}

impl Kind {
    /// Magic, version, kind.
    #[must_use]
    pub fn prefix(self) -> [u8; PREFIX_BYTES] {
        let mut prefix = [0; PREFIX_BYTES];
        prefix[..MAGIC.len()].copy_from_slice(&MAGIC);
        prefix[MAGIC.len()] = FORMAT_VERSION;
        prefix[MAGIC.len() + 1] = self as u8;
        prefix
    }
}

/// A file, or a page of one, that is encrypted and authenticated as one unit.
#[derive(Clone, Debug)]
pub enum SealedObject {
    /// An original.
    Photo(Id, Extension),
    /// A thumbnail.
    Thumbnail(Id),
    /// The vectors of a segment in a space of format 3.
    Vectors(Id, Id),
    /// The records of a segment.
    Records(Id),
    /// The check vectors of a segment or a group in a space.
    Checks(Id, Id),
    /// The copy of the list of a group.
    GroupCopy(Id),
    /// A page of the tags of a group.
    Tags(Id, u32),
    /// The index of a part of a pack.
    PartIndex(Id),
    /// A page of a table.
    Table(Id, u32),
    /// The vectors of a segment, in formats 1 and 2.
    OldVectors(Id),
    /// The catalogue of a segment, in formats 1 and 2.
    OldCatalogue(Id),
}

impl SealedObject {
    /// A file that it can be in: the one that errors name where the caller does not know a better name.
    #[must_use]
    pub fn object(&self) -> Object {
        match self {
            Self::Photo(id, extension) => Object::Photo(*id, *extension),
            Self::Thumbnail(id) => Object::Thumbnail(*id),
            Self::Vectors(id, _) | Self::OldVectors(id) => Object::Segment(*id, Part::Vectors),
            Self::Records(id) => Object::Segment(*id, Part::Records),
            Self::Checks(id, _) => Object::Segment(*id, Part::Checks),
            Self::GroupCopy(id) => Object::Group(*id, GroupPart::Copy),
            Self::Tags(id, _) => Object::Group(*id, GroupPart::Tags),
            Self::PartIndex(id) => Object::Pack(*id, PackPart::Content),
            Self::Table(id, _) => Object::Table(*id),
            Self::OldCatalogue(id) => Object::Segment(*id, Part::OldCatalogue),
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Photo(..) => Kind::Photo,
            Self::Thumbnail(_) => Kind::Thumbnail,
            Self::Vectors(..) | Self::OldVectors(_) => Kind::Vectors,
            Self::Records(_) => Kind::Records,
            Self::Checks(..) => Kind::Checks,
            Self::GroupCopy(_) => Kind::GroupCopy,
            Self::Tags(..) => Kind::Tags,
            Self::PartIndex(_) => Kind::PartIndex,
            Self::Table(..) => Kind::Table,
            Self::OldCatalogue(_) => Kind::OldCatalogue,
        }
    }

    fn purpose(&self) -> Purpose {
        match self {
            Self::Photo(..) => Purpose::Photo,
            Self::Thumbnail(_) => Purpose::Thumbnail,
            Self::Vectors(..) | Self::OldVectors(_) => Purpose::Vectors,
            Self::Records(_) => Purpose::Records,
            Self::Checks(..) => Purpose::Checks,
            Self::GroupCopy(_) => Purpose::Group,
            Self::Tags(..) => Purpose::Tags,
            Self::PartIndex(_) => Purpose::Pack,
            Self::Table(..) => Purpose::Table,
            Self::OldCatalogue(_) => Purpose::OldCatalogue,
        }
    }

    fn id(&self) -> Id {
        match self {
            Self::Photo(id, _)
            | Self::Thumbnail(id)
            | Self::Vectors(id, _)
            | Self::OldVectors(id)
            | Self::Records(id)
            | Self::Checks(id, _)
            | Self::GroupCopy(id)
            | Self::Tags(id, _)
            | Self::PartIndex(id)
            | Self::Table(id, _)
            | Self::OldCatalogue(id) => *id,
        }
    }

    fn associated(&self, vault: Id) -> Vec<u8> {
        let place = match self {
            Self::Tags(_, page) | Self::Table(_, page) => page.to_le_bytes().to_vec(),
            Self::Vectors(_, space) | Self::Checks(_, space) => space.0.to_vec(),
            _ => Vec::new(),
        };
        [&self.kind().prefix()[..], &vault.0, &self.id().0, &place].concat()
    }
}

/// Bytes of the file for `plaintext_bytes` bytes of plaintext.
#[must_use]
pub const fn file_bytes(plaintext_bytes: usize) -> usize {
    PREFIX_BYTES + aes_cbc_hmac::sealed_bytes(padding::padme(8 + plaintext_bytes))
}

/// The keys of one vault. Wiped when dropped.
pub struct VaultKeys {
    vault: Id,
    tree: KeyTree,
}

impl VaultKeys {
    /// The keys derived from a vault's master key.
    #[must_use]
    pub fn new(vault: Id, master: MasterKey) -> Self {
        Self { vault, tree: KeyTree::new(master, vault.0) }
    }

    /// The vault's random id.
    #[must_use]
    pub fn vault(&self) -> Id {
        self.vault
    }

    /// The key tree, for anything that is not a file of the vault.
    #[must_use]
    pub fn tree(&self) -> &KeyTree {
        &self.tree
    }

    /// HMAC-SHA-256 of a photo under a key of this vault, used to recognise duplicates.
    #[must_use]
    pub fn content_tag(&self, photo: &[u8]) -> Digest {
        Hex(self.tree.short_tag(Purpose::Content, photo))
    }

    /// The same of a photo that comes in pieces.
    #[must_use]
    pub fn content_tag_in_pieces(&self) -> ContentTag {
        ContentTag(self.tree.short_tag_in_pieces(Purpose::Content))
    }

    /// Encrypts and authenticates `plaintext` as the file of `object`.
    ///
    /// # Errors
    /// When the system gives no entropy.
    pub fn seal(&self, object: &SealedObject, plaintext: &[u8]) -> Result<SealedFile, Error> {
        let key = self.tree.key(object.purpose(), &object.id().0);
        let ciphertext = aes_cbc_hmac::seal(&key, &object.associated(self.vault), &padding::pad(plaintext))?;
        Ok(SealedFile { prefix: object.kind().prefix(), ciphertext })
    }

    /// Decrypts the output of [`Self::seal`] for the same vault and object.
    ///
    /// # Errors
    /// [`Error::Damaged`] for anything else. A wrong MAC and wrong padding are not distinguished.
    pub fn open(&self, object: &SealedObject, file: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        let damaged = |what| Error::Damaged { object: object.object(), what };
        let ciphertext = file.strip_prefix(&object.kind().prefix()).ok_or(damaged("it has another kind or version"))?;
        let key = self.tree.key(object.purpose(), &object.id().0);
        let opened = aes_cbc_hmac::open(&key, &object.associated(self.vault), ciphertext).and_then(padding::unpad);
        opened.map_err(|error| match error {
            cipher::Error::Damaged => damaged("it does not authenticate"),
            error => error.into(),
        })
    }
}

/// The [`VaultKeys::content_tag`] of a photo that comes in pieces. Wiped when dropped.
pub struct ContentTag(ShortTag);

impl ContentTag {
    /// The next piece of the photo, of any length.
    pub fn update(&mut self, piece: &[u8]) {
        self.0.update(piece);
    }

    /// The tag of all pieces.
    #[must_use]
    pub fn finish(self) -> Digest {
        Hex(self.0.finish())
    }
}

/// A sealed file in two parts, so that a photo need not be copied to prepend ten bytes.
pub struct SealedFile {
    prefix: [u8; PREFIX_BYTES],
    ciphertext: Vec<u8>,
}

impl SealedFile {
    /// The parts, to be written one after the other.
    #[must_use]
    pub fn parts(&self) -> [&[u8]; 2] {
        [&self.prefix, &self.ciphertext]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> VaultKeys {
        VaultKeys::new(Id::random().unwrap(), MasterKey::generate().unwrap())
    }

    #[test]
    fn a_file_opens_only_as_its_own_object() {
        let keys = keys();
        let (id, other) = (Id::random().unwrap(), Id::random().unwrap());
        let object = SealedObject::Thumbnail(id);
        let file = keys.seal(&object, b"a thumbnail").unwrap().parts().concat();
        assert_eq!(file.len(), file_bytes(11));
        assert_eq!(keys.open(&object, &file).unwrap().as_slice(), b"a thumbnail");
        let refused = |object: &SealedObject, file: &[u8]| match keys.open(object, file) {
            Err(Error::Damaged { object: named, .. }) => named == object.object(),
            _ => false,
        };
        assert!(refused(&SealedObject::Thumbnail(other), &file), "under another name");
        let photo = SealedObject::Photo(id, Extension::of(std::path::Path::new("a.jpg")));
        assert!(refused(&photo, &file), "as another kind");
        let mut as_photo = file.clone();
        as_photo[9] = Kind::Photo as u8;
        assert!(refused(&photo, &as_photo), "as another kind, with that kind's number");
        let same_master = VaultKeys { vault: other, tree: keys.tree };
        assert!(same_master.open(&object, &file).is_err(), "in another vault");
    }

    #[test]
    fn a_change_of_any_byte_is_noticed() {
        let keys = keys();
        let object = SealedObject::Table(Id::random().unwrap(), 0);
        let file = keys.seal(&object, &[7; 40]).unwrap().parts().concat();
        for at in 0..file.len() {
            let mut changed = file.clone();
            changed[at] ^= 1;
            assert!(keys.open(&object, &changed).is_err(), "byte {at}");
            assert!(keys.open(&object, &file[..at]).is_err(), "length {at}");
        }
    }

    #[test]
    fn a_content_tag_does_not_depend_on_the_pieces() {
        let keys = keys();
        let photo: Vec<u8> = (0..1000).map(|at| at as u8).collect();
        for step in [1, 63, 64, 65, 999, 1000] {
            let mut tag = keys.content_tag_in_pieces();
            photo.chunks(step).for_each(|piece| tag.update(piece));
            assert_eq!(tag.finish(), keys.content_tag(&photo), "{step}");
        }
        assert_eq!(keys.content_tag_in_pieces().finish(), keys.content_tag(&[]));
    }
}
