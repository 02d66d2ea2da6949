//! Requests, and the messages of a writer.
//!
//! Must never: accept a second encoding of the same request.

use super::payload::{Payload, number_of, put_object};
use crate::ckks::CONTEXT_BYTES;
use crate::vault::{Abandoned, Digest, Directory, Hex, Id, Object};

/// The kind of [`Request::Content`], which a client sends without copying it into one.
pub const CONTENT: u8 = 10;

/// Indexed by their numbers in the protocol.
const ABANDONED: [Abandoned; 2] = [Abandoned::Remove, Abandoned::Keep];
const DIRECTORIES: [Directory; 4] =
    [Directory::Features, Directory::Images, Directory::Thumbnails, Directory::Journals];

/// A request, or a message that gets no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// A whole file of at most `limit` bytes; `Unchanged` when its digest is `known`.
    Read {
        /// Which file.
        object: Object,
        /// Most bytes that the client accepts.
        limit: u64,
        /// The digest of the client's copy.
        known: Option<Digest>,
    },
    /// Scan blocks for `query`; answered with the encrypted scores.
    Scan {
        /// The public context.
        context: [u8; CONTEXT_BYTES],
        /// The files to scan, in order.
        files: Vec<ScannedFile>,
        /// The encrypted query.
        query: Vec<u8>,
    },
    /// At most `bytes` bytes of a file from `offset` on.
    ReadAt {
        /// Which file.
        object: Object,
        /// The first byte.
        offset: u64,
        /// Most bytes that the client accepts.
        bytes: u64,
    },
    /// The files in a directory: see [`encode_listing`](super::lists::encode_listing).
    List(Directory),
    /// The bytes of all files in a directory: one number.
    Size(Directory),
    /// Files that the mapping does not reference, if the current mapping has this digest: see
    /// [`encode_leftovers`](super::lists::encode_leftovers).
    Leftovers {
        /// The digest of the client's mapping.
        mapping: Digest,
    },
    /// The digests of files: see [`encode_digests`](super::lists::encode_digests).
    Digests(Vec<Object>),
    /// Become a writer, without the lock. Everything up to `End` has the same request id.
    Begin(Abandoned),
    /// Create a vault and become its writer, with the lock.
    Create {
        /// The new vault's id.
        vault: Id,
        /// What happens to staged files if the connection is lost.
        abandoned: Abandoned,
    },
    /// List files that will be staged or become obsolete: see [`crate::vault::Writer::announce`]. Answered only by
    /// `Refused`.
    Announce(Vec<Object>),
    /// Take the lock. Refused while another writer holds it; the writer can then ask again.
    Lock,
    /// Give the lock back.
    Unlock,
    /// Start a file; `total` bytes follow in `Content`. The mapping and the header are kept in memory until `Commit`.
    /// Answered by `Progress` once it is written, or by `Refused`.
    Stage {
        /// Which file.
        object: Object,
        /// Its bytes.
        total: u64,
    },
    /// The next bytes of that file. Not answered.
    Content(Vec<u8>),
    /// The rest of that file does not come: forget it. Not answered.
    Abort,
    /// Write a file that consists of existing ones. Answered by its digest.
    Concatenate {
        /// The new file.
        object: Object,
        /// The files in it, in order.
        from: Vec<Object>,
    },
    /// Take over files that an interrupted writer left.
    Adopt(Vec<Object>),
    /// Remove files that this writer announced and the current mapping does not reference. Not answered.
    Discard(Vec<Object>),
    /// Remove the files of interrupted writers.
    RemoveAbandoned,
    /// Make the staged mapping the current one, and the staged header with it, if there is one.
    Commit,
    /// Move strays out of the vault's directories.
    SetStraysAside,
    /// The writer is done, and its lock is free. Not answered.
    End,
    /// Cancel the request with the same id. Not answered by itself.
    Cancel,
}

/// The blocks of a segment, which are to be scanned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScannedFile {
    /// The name of the file.
    pub name: Id,
    /// How many blocks it has.
    pub blocks: u32,
}

/// Bytes of a scanned file in a request.
const SCANNED_FILE_BYTES: usize = 16 + 4;

impl Request {
    /// The kind and the payload.
    #[must_use]
    pub fn encode(&self) -> (u8, Vec<u8>) {
        let mut bytes = Vec::new();
        let kind = match self {
            Self::Read { object, limit, known } => {
                put_object(&mut bytes, object);
                bytes.extend(limit.to_le_bytes());
                bytes.extend(known.iter().flat_map(|digest| digest.0));
                1
            }
            Self::Scan { context, files, query } => {
                bytes.extend(context);
                bytes.extend((files.len() as u32).to_le_bytes());
                for file in files {
                    bytes.extend(file.name.0);
                    bytes.extend(file.blocks.to_le_bytes());
                }
                bytes.extend(query);
                2
            }
            Self::List(directory) => {
                bytes.push(number_of(&DIRECTORIES, directory));
                3
            }
            Self::Size(directory) => {
                bytes.push(number_of(&DIRECTORIES, directory));
                4
            }
            Self::Leftovers { mapping } => {
                bytes.extend(mapping.0);
                5
            }
            Self::Digests(objects) => {
                objects.iter().for_each(|object| put_object(&mut bytes, object));
                6
            }
            Self::Begin(abandoned) => {
                bytes.push(number_of(&ABANDONED, abandoned));
                7
            }
            Self::Create { vault, abandoned } => {
                bytes.push(number_of(&ABANDONED, abandoned));
                bytes.extend(vault.0);
                8
            }
            Self::Stage { object, total } => {
                put_object(&mut bytes, object);
                bytes.extend(total.to_le_bytes());
                9
            }
            Self::Content(content) => {
                bytes.extend(content);
                CONTENT
            }
            Self::Discard(objects) => {
                objects.iter().for_each(|object| put_object(&mut bytes, object));
                11
            }
            Self::Commit => 12,
            Self::End => 14,
            Self::Cancel => 15,
            Self::Announce(objects) => {
                objects.iter().for_each(|object| put_object(&mut bytes, object));
                16
            }
            Self::SetStraysAside => 17,
            Self::Lock => 18,
            Self::Unlock => 19,
            Self::RemoveAbandoned => 20,
            Self::Abort => 21,
            Self::Concatenate { object, from } => {
                put_object(&mut bytes, object);
                from.iter().for_each(|object| put_object(&mut bytes, object));
                22
            }
            Self::ReadAt { object, offset, bytes: most } => {
                put_object(&mut bytes, object);
                bytes.extend(offset.to_le_bytes());
                bytes.extend(most.to_le_bytes());
                23
            }
            Self::Adopt(objects) => {
                objects.iter().for_each(|object| put_object(&mut bytes, object));
                24
            }
        };
        (kind, bytes)
    }

    /// Reads the output of [`Self::encode`]; `None` for anything else.
    #[must_use]
    pub fn decode(kind: u8, payload: Vec<u8>) -> Option<Self> {
        let mut rest = Payload(&payload);
        let request = match kind {
            1 => {
                let (object, limit) = (rest.object()?, rest.number()?);
                let known = if rest.0.is_empty() { None } else { Some(Hex(rest.array()?)) };
                Self::Read { object, limit, known }
            }
            2 => {
                let context = rest.array()?;
                let count = u32::from_le_bytes(rest.array()?) as usize;
                // The payload limits the count.
                if count > rest.0.len() / SCANNED_FILE_BYTES {
                    return None;
                }
                let mut files = Vec::with_capacity(count);
                for _ in 0..count {
                    files.push(ScannedFile { name: Hex(rest.array()?), blocks: u32::from_le_bytes(rest.array()?) });
                }
                Self::Scan { context, files, query: rest.take_all() }
            }
            3 => Self::List(rest.one_of(&DIRECTORIES)?),
            4 => Self::Size(rest.one_of(&DIRECTORIES)?),
            5 => Self::Leftovers { mapping: Hex(rest.array()?) },
            6 => Self::Digests(rest.objects()?),
            7 => Self::Begin(rest.one_of(&ABANDONED)?),
            8 => Self::Create { abandoned: rest.one_of(&ABANDONED)?, vault: Hex(rest.array()?) },
            9 => Self::Stage { object: rest.object()?, total: rest.number()? },
            CONTENT => return Some(Self::Content(payload)),
            11 => Self::Discard(rest.objects()?),
            12 => Self::Commit,
            14 => Self::End,
            15 => Self::Cancel,
            16 => Self::Announce(rest.objects()?),
            17 => Self::SetStraysAside,
            18 => Self::Lock,
            19 => Self::Unlock,
            20 => Self::RemoveAbandoned,
            21 => Self::Abort,
            22 => Self::Concatenate { object: rest.object()?, from: rest.objects()? },
            23 => Self::ReadAt { object: rest.object()?, offset: rest.number()?, bytes: rest.number()? },
            24 => Self::Adopt(rest.objects()?),
            _ => return None,
        };
        rest.0.is_empty().then_some(request)
    }
}
