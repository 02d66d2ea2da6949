//! The layout of a vault: every path is built and parsed here.
//!
//! ```text
//! header  mapping.json  lock
//! encrypted_features/<name>.{ckks,list,hints,vectors,records,checks}
//! encrypted_features/<name>.{group,copy,tags,table}
//! encrypted_images/<image>.<original extension>.aes
//! encrypted_thumbnails/<name>.{pack,parts}
//! journals/<random id>
//! claims/<generation>.<number>  claims/<generation>-<random id>
//! set_aside/<any name>  set_aside/<directory>/<any name>
//! ```
//!
//! Of formats 1 and 2: `public_context`, `secret_context`, `writing`, `encrypted_features/<segment>.{json,catalogue}`,
//! `encrypted_thumbnails/<thumbnail>.aes`.
//!
//! Must never: build a path from unchecked text. Every name consists of hexadecimal digits and an [`Extension`], so
//! that nothing read from a vault can point outside it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::extension::Extension;
use super::hex::Id;

/// The files of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// Encrypted vectors in scan order: public.
    Blocks,
    /// Its images in slot order, with the digests of their originals: public.
    List,
    /// What decrypting scores needs: public.
    Hints,
    /// The exact feature vectors, sealed.
    Vectors,
    /// What is known about its images, sealed.
    Records,
    /// Check vectors of a segment or of a group, sealed.
    Checks,
    /// The image list in formats 1 and 2.
    OldList,
    /// The records in formats 1 and 2.
    OldCatalogue,
}

impl Part {
    /// The files of a segment of format 3.
    pub const ALL: [Self; 6] = [Self::Blocks, Self::List, Self::Hints, Self::Vectors, Self::Records, Self::Checks];
    /// Those that each space has.
    pub const OF_SPACE: [Self; 4] = [Self::Blocks, Self::Hints, Self::Vectors, Self::Checks];
    const OLD: [Self; 2] = [Self::OldList, Self::OldCatalogue];

    const fn extension(self) -> &'static str {
        match self {
            Self::Blocks => "ckks",
            Self::List => "list",
            Self::Hints => "hints",
            Self::Vectors => "vectors",
            Self::Records => "records",
            Self::Checks => "checks",
            Self::OldList => "json",
            Self::OldCatalogue => "catalogue",
        }
    }
}

/// The two files of a pack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PackPart {
    /// Its parts with their digests: public.
    List,
    /// The parts: sealed thumbnails.
    Content,
}

impl PackPart {
    /// Both files.
    pub const ALL: [Self; 2] = [Self::List, Self::Content];

    const fn extension(self) -> &'static str {
        match self {
            Self::List => "parts",
            Self::Content => "pack",
        }
    }
}

const TABLE: &str = "table";

/// The files of a group of segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GroupPart {
    /// Its segments with the digests of their files: public.
    List,
    /// The same, sealed, to restore it.
    Copy,
    /// The deduplication index: the keyed hashes of its photos. Sealed.
    Tags,
}

impl GroupPart {
    /// All three.
    pub const ALL: [Self; 3] = [Self::List, Self::Copy, Self::Tags];

    const fn extension(self) -> &'static str {
        match self {
            Self::List => "group",
            Self::Copy => "copy",
            Self::Tags => "tags",
        }
    }
}

/// One file of a vault. Displayed as its path relative to the vault, which is how errors name it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Object {
    /// The master key, wrapped under a passphrase.
    Header,
    /// What the evaluator of encrypted search needs, in formats 1 and 2.
    PublicContext,
    /// What decrypting scores needs, sealed, in formats 1 and 2.
    SecretContext,
    /// The mapping: the root that authenticates everything else.
    Mapping,
    /// A file of a segment.
    Segment(Id, Part),
    /// A file of a group of segments.
    Group(Id, GroupPart),
    /// A sealed original.
    Photo(Id, Extension),
    /// A sealed thumbnail, in formats 1 and 2.
    Thumbnail(Id),
    /// A file of a pack of thumbnails.
    Pack(Id, PackPart),
    /// A page of a table.
    Table(Id),
    /// The unfinished replacement of a file, left by a crash.
    Unfinished(&'static str),
    /// The journal of earlier versions, which had one for all writers.
    Writing,
    /// The file whose kernel lock the committing writer holds. It has the id of the vault.
    Lock,
    /// The journal of one writer: the files that it may leave when it is interrupted.
    Journal(Id),
}

/// The directories of a vault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Directory {
    /// Segments, and groups of them.
    Features,
    /// Originals.
    Images,
    /// Thumbnails.
    Thumbnails,
    /// Journals of writers.
    Journals,
}

impl Directory {
    /// The three that hold what the mapping references.
    pub const ALL: [Self; 3] = [Self::Features, Self::Images, Self::Thumbnails];

    /// Its name below the vault.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Features => "encrypted_features",
            Self::Images => "encrypted_images",
            Self::Thumbnails => "encrypted_thumbnails",
            Self::Journals => "journals",
        }
    }

    /// The object with this file name in this directory; `None` if no vault uses such a name.
    #[must_use]
    pub fn object(self, name: &str) -> Option<Object> {
        match self {
            Self::Features => {
                let (id, extension) = name.split_once('.')?;
                let id = id.parse().ok()?;
                let of_segment = Part::ALL.into_iter().chain(Part::OLD).find(|part| part.extension() == extension);
                let of_group = || GroupPart::ALL.into_iter().find(|part| part.extension() == extension);
                of_segment
                    .map(|part| Object::Segment(id, part))
                    .or_else(|| of_group().map(|part| Object::Group(id, part)))
                    .or_else(|| (extension == TABLE).then_some(Object::Table(id)))
            }
            Self::Images => {
                let (id, extension) = name.strip_suffix(".aes")?.split_once('.')?;
                Some(Object::Photo(id.parse().ok()?, Extension::try_from(extension).ok()?))
            }
            Self::Thumbnails => {
                let (id, extension) = name.split_once('.')?;
                let id = id.parse().ok()?;
                let of_pack = PackPart::ALL.into_iter().find(|part| part.extension() == extension);
                of_pack
                    .map(|part| Object::Pack(id, part))
                    .or_else(|| (extension == "aes").then_some(Object::Thumbnail(id)))
            }
            Self::Journals => Some(Object::Journal(name.parse().ok()?)),
        }
    }
}

/// Whether a vault has, or may have in later versions, a directory of this name.
#[must_use]
pub fn is_directory(name: &str) -> bool {
    let named = Directory::ALL.into_iter().chain([Directory::Journals]).map(Directory::name);
    named.chain([CLAIMS, SET_ASIDE]).chain(RESERVED).any(|known| known == name)
}

const HEADER: &str = "header";
const PUBLIC_CONTEXT: &str = "public_context";
const SECRET_CONTEXT: &str = "secret_context";
const MAPPING: &str = "mapping.json";
const WRITING: &str = "writing";
const LOCK: &str = "lock";
/// The suffix of a file that is being replaced, as [`crate::durable`] writes it.
const UNFINISHED: &str = ".new";
/// The directory of the claims that writers make.
pub const CLAIMS: &str = "claims";
/// The directories that later versions may have.
const RESERVED: [&str; 2] = ["drops", "kept"];
/// Where strays are moved.
pub const SET_ASIDE: &str = "set_aside";

impl fmt::Display for Object {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header => formatter.write_str(HEADER),
            Self::PublicContext => formatter.write_str(PUBLIC_CONTEXT),
            Self::SecretContext => formatter.write_str(SECRET_CONTEXT),
            Self::Mapping => formatter.write_str(MAPPING),
            Self::Segment(id, part) => write!(formatter, "{}/{id}.{}", Directory::Features.name(), part.extension()),
            Self::Group(id, part) => write!(formatter, "{}/{id}.{}", Directory::Features.name(), part.extension()),
            Self::Photo(id, extension) => {
                write!(formatter, "{}/{id}.{}.aes", Directory::Images.name(), extension.as_str())
            }
            Self::Thumbnail(id) => write!(formatter, "{}/{id}.aes", Directory::Thumbnails.name()),
            Self::Pack(id, part) => write!(formatter, "{}/{id}.{}", Directory::Thumbnails.name(), part.extension()),
            Self::Table(id) => write!(formatter, "{}/{id}.{TABLE}", Directory::Features.name()),
            Self::Unfinished(name) => write!(formatter, "{name}{UNFINISHED}"),
            Self::Writing => formatter.write_str(WRITING),
            Self::Lock => formatter.write_str(LOCK),
            Self::Journal(id) => write!(formatter, "{}/{id}", Directory::Journals.name()),
        }
    }
}

impl FromStr for Object {
    type Err = NotAnObject;

    /// Reads what [`Display`](fmt::Display) writes, and nothing else.
    fn from_str(path: &str) -> Result<Self, NotAnObject> {
        let named = [
            Self::Header,
            Self::PublicContext,
            Self::SecretContext,
            Self::Mapping,
            Self::UNFINISHED_HEADER,
            Self::UNFINISHED_MAPPING,
            Self::Writing,
            Self::Lock,
        ];
        let in_directory = || {
            let (directory, name) = path.split_once('/')?;
            Directory::ALL
                .into_iter()
                .chain([Directory::Journals])
                .find(|known| known.name() == directory)?
                .object(name)
        };
        let object = named.into_iter().find(|object| object.to_string() == path).or_else(in_directory);
        object.ok_or(NotAnObject)
    }
}

/// A path that no vault file has.
#[derive(Debug, thiserror::Error)]
#[error("no file of a vault has this path")]
pub struct NotAnObject;

impl Object {
    /// An unfinished replacement of the header, left by a crash.
    pub const UNFINISHED_HEADER: Self = Self::Unfinished(HEADER);
    /// An unfinished replacement of the mapping, left by a crash.
    pub const UNFINISHED_MAPPING: Self = Self::Unfinished(MAPPING);

    /// Whether it is written once, before the mapping that references it, and never changed.
    #[must_use]
    pub fn is_written_once(&self) -> bool {
        self.is_listed_in_journals() || matches!(self, Self::SecretContext)
    }

    /// The directory that it is in; `None` at the top.
    #[must_use]
    pub const fn directory(&self) -> Option<Directory> {
        match self {
            Self::Segment(..) | Self::Group(..) | Self::Table(_) => Some(Directory::Features),
            Self::Photo(..) => Some(Directory::Images),
            Self::Journal(_) => Some(Directory::Journals),
            Self::Thumbnail(_) | Self::Pack(..) => Some(Directory::Thumbnails),
            Self::Header
            | Self::PublicContext
            | Self::SecretContext
            | Self::Mapping
            | Self::Unfinished(_)
            | Self::Writing
            | Self::Lock => None,
        }
    }

    /// Whether a journal lists it: whether an interrupted writer may leave it in one of [`Directory::ALL`].
    #[must_use]
    pub fn is_listed_in_journals(&self) -> bool {
        self.directory().is_some() && !matches!(self, Self::Journal(_))
    }

    /// Its name without the directory.
    #[must_use]
    pub fn file_name(&self) -> String {
        let path = self.to_string();
        path.rsplit_once('/').map_or(path.as_str(), |(_, name)| name).to_owned()
    }

    /// Its path in the vault at `root`.
    #[must_use]
    pub fn path(&self, root: &Path) -> PathBuf {
        root.join(self.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_is_parsed_back_to_its_object() {
        let id = Id::random().unwrap();
        let jpeg = Extension::of(Path::new("a/B.JPEG"));
        for (directory, object) in [
            (Directory::Images, Object::Photo(id, jpeg)),
            (Directory::Thumbnails, Object::Thumbnail(id)),
            (Directory::Features, Object::Segment(id, Part::Hints)),
            (Directory::Features, Object::Segment(id, Part::Checks)),
            (Directory::Features, Object::Segment(id, Part::OldList)),
            (Directory::Features, Object::Group(id, GroupPart::Tags)),
            (Directory::Features, Object::Table(id)),
            (Directory::Thumbnails, Object::Pack(id, PackPart::Content)),
            (Directory::Journals, Object::Journal(id)),
        ] {
            let path = object.to_string();
            assert_eq!(path, format!("{}/{}", directory.name(), object.file_name()));
            assert_eq!(directory.object(&object.file_name()).as_ref(), Some(&object));
            assert_eq!(path.parse::<Object>().unwrap(), object);
        }
    }

    #[test]
    fn foreign_names_are_not_objects() {
        let id = "0123456789abcdef0123456789abcdef";
        for name in ["", "notes.txt", ".aes", &format!("{id}.aes.txt"), &format!("{id}.a b.aes"), &id.to_uppercase()] {
            for directory in Directory::ALL.into_iter().chain([Directory::Journals]) {
                assert_eq!(directory.object(name), None, "{name:?}");
            }
        }
    }
}
