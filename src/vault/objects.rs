//! Sealed files: one envelope for photos, thumbnails, vectors, catalogues, pages of tags and the secret context.
//!
//! ```text
//! file            = magic 8 | version 1 | kind 1 | IV 16 | AES-256-CBC ciphertext | tag 32
//! associated data = magic | version | kind | vault id | object id [ | number of the page, 4 bytes ]
//! ```
//!
//! A file put under another name, into another vault or in place of another kind does not open.
//! Must never: hand out a byte before the whole file is verified.

use zeroize::Zeroizing;

use super::error::Error;
use super::hex::{Hex, Id};
use super::layout::{Extension, GroupPart, Object, Part};
use crate::cipher;
use crate::cipher::{KeyTree, Purpose, aes_cbc_hmac, padding};

const MAGIC: [u8; 8] = *b"CIPHLENS";
const FORMAT_VERSION: u8 = 1;

/// Bytes in front of every binary file: magic, version, kind.
pub(super) const PREFIX_BYTES: usize = MAGIC.len() + 2;

/// Most bytes of one original: it is verified whole, in memory, before a byte of it is used.
pub const LARGEST_PHOTO_BYTES: usize = 512 << 20;

/// What a binary file holds. The numbers are part of the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Header = 1,
    SecretContext = 2,
    Photo = 3,
    Thumbnail = 4,
    Vectors = 5,
    Catalogue = 6,
    Hints = 7,
    Tags = 8,
}

impl Kind {
    /// Magic, version, kind.
    pub(super) fn prefix(self) -> [u8; PREFIX_BYTES] {
        let mut prefix = [0; PREFIX_BYTES];
        prefix[..MAGIC.len()].copy_from_slice(&MAGIC);
        prefix[MAGIC.len()] = FORMAT_VERSION;
        prefix[MAGIC.len() + 1] = self as u8;
        prefix
    }
}

/// A file that is sealed.
#[derive(Clone, Debug)]
pub(super) enum Sealed {
    SecretContext,
    Photo(Id, Extension),
    Thumbnail(Id),
    /// The vectors of a segment.
    Vectors(Id),
    /// The catalogue of a segment.
    Catalogue(Id),
    /// A page of the tags of a group.
    Tags(Id, u32),
}

impl Sealed {
    /// Which file it is.
    pub(super) fn object(&self) -> Object {
        match self {
            Self::SecretContext => Object::SecretContext,
            Self::Photo(id, extension) => Object::Photo(*id, extension.clone()),
            Self::Thumbnail(id) => Object::Thumbnail(*id),
            Self::Vectors(id) => Object::Segment(*id, Part::Vectors),
            Self::Catalogue(id) => Object::Segment(*id, Part::Catalogue),
            Self::Tags(id, _) => Object::Group(*id, GroupPart::Tags),
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::SecretContext => Kind::SecretContext,
            Self::Photo(..) => Kind::Photo,
            Self::Thumbnail(_) => Kind::Thumbnail,
            Self::Vectors(_) => Kind::Vectors,
            Self::Catalogue(_) => Kind::Catalogue,
            Self::Tags(..) => Kind::Tags,
        }
    }

    fn purpose(&self) -> Purpose {
        match self {
            Self::SecretContext => Purpose::SecretContext,
            Self::Photo(..) => Purpose::Photo,
            Self::Thumbnail(_) => Purpose::Thumbnail,
            Self::Vectors(_) => Purpose::Vectors,
            Self::Catalogue(_) => Purpose::Catalogue,
            Self::Tags(..) => Purpose::Tags,
        }
    }

    fn id(&self) -> Id {
        match self {
            Self::SecretContext => Hex([0; 16]),
            Self::Photo(id, _) | Self::Thumbnail(id) | Self::Vectors(id) | Self::Catalogue(id) | Self::Tags(id, _) => {
                *id
            }
        }
    }

    fn associated(&self, vault: Id) -> Vec<u8> {
        let page = match self {
            Self::Tags(_, page) => page.to_le_bytes().to_vec(),
            _ => Vec::new(),
        };
        [&self.kind().prefix()[..], &vault.0, &self.id().0, &page].concat()
    }
}

/// Bytes of a file that seals `plaintext_bytes` bytes.
pub(super) const fn file_bytes(plaintext_bytes: usize) -> usize {
    PREFIX_BYTES + aes_cbc_hmac::sealed_bytes(padding::padme(8 + plaintext_bytes))
}

/// The file that seals `plaintext`.
pub(super) fn seal(tree: &KeyTree, vault: Id, sealed: &Sealed, plaintext: &[u8]) -> Result<SealedFile, Error> {
    seal_padded(tree, vault, sealed, &padding::pad(plaintext))
}

/// The file that seals `padded` as it is.
pub(super) fn seal_padded(tree: &KeyTree, vault: Id, sealed: &Sealed, padded: &[u8]) -> Result<SealedFile, Error> {
    let key = tree.key(sealed.purpose(), &sealed.id().0);
    let ciphertext = aes_cbc_hmac::seal(&key, &sealed.associated(vault), padded)?;
    Ok(SealedFile { prefix: sealed.kind().prefix(), ciphertext })
}

/// A sealed file in its two parts, so that a photo need not be copied to put ten bytes in front of it.
pub(super) struct SealedFile {
    prefix: [u8; PREFIX_BYTES],
    ciphertext: Vec<u8>,
}

impl SealedFile {
    /// The parts, to be written one after the other.
    pub(super) fn parts(&self) -> [&[u8]; 2] {
        [&self.prefix, &self.ciphertext]
    }
}

/// The plaintext of a file that [`seal`] made for the same vault and object.
pub(super) fn open(tree: &KeyTree, vault: Id, sealed: &Sealed, file: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
    let damaged = |what| Error::Damaged { object: sealed.object(), what };
    let ciphertext = file.strip_prefix(&sealed.kind().prefix()).ok_or(damaged("it is of another kind or version"))?;
    let key = tree.key(sealed.purpose(), &sealed.id().0);
    let opened = aes_cbc_hmac::open(&key, &sealed.associated(vault), ciphertext).and_then(padding::unpad);
    opened.map_err(|error| match error {
        cipher::Error::Damaged => damaged("it does not authenticate"),
        error => error.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cipher::MasterKey;

    #[test]
    fn an_object_opens_as_itself_only() {
        let vault = Id::random().unwrap();
        let tree = KeyTree::new(MasterKey::generate().unwrap(), vault.0);
        let (id, other) = (Id::random().unwrap(), Id::random().unwrap());
        let object = Sealed::Thumbnail(id);
        let file = seal(&tree, vault, &object, b"a thumbnail").unwrap().parts().concat();
        assert_eq!(file.len(), file_bytes(11));
        assert_eq!(open(&tree, vault, &object, &file).unwrap().as_slice(), b"a thumbnail");
        let refused = |object: &Sealed, file: &[u8]| matches!(open(&tree, vault, object, file), Err(Error::Damaged { object: named, .. }) if named == object.object());
        assert!(refused(&Sealed::Thumbnail(other), &file), "under another name");
        let photo = Sealed::Photo(id, Extension::of(std::path::Path::new("a.jpg")));
        assert!(refused(&photo, &file), "as another kind");
        let mut as_photo = file.clone();
        as_photo[9] = Kind::Photo as u8;
        assert!(refused(&photo, &as_photo), "as another kind, with that kind's number");
        assert!(open(&tree, other, &object, &file).is_err(), "in another vault");
    }

    #[test]
    fn every_byte_counts() {
        let vault = Id::random().unwrap();
        let tree = KeyTree::new(MasterKey::generate().unwrap(), vault.0);
        let file = seal(&tree, vault, &Sealed::SecretContext, &[7; 40]).unwrap().parts().concat();
        for at in 0..file.len() {
            let mut changed = file.clone();
            changed[at] ^= 1;
            assert!(open(&tree, vault, &Sealed::SecretContext, &changed).is_err(), "byte {at}");
            assert!(open(&tree, vault, &Sealed::SecretContext, &file[..at]).is_err(), "length {at}");
        }
    }
}
