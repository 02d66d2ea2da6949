//! What is asked of a host and what it answers, each with exactly one encoding.
//!
//! ```text
//! object   = length 1 | its path in the vault          mapping.json, encrypted_images/<id>.jpg.aes, ...
//! digest   = 32 bytes      numbers little-endian, 8 bytes unless said otherwise
//! ```
//!
//! An answer is any number of `Bytes` and `Progress`, and then one of `Done`, `Unchanged`, `Refused`. Decoding accepts
//! nothing that encoding would not give back byte for byte. Must never: name a secret type.

use crate::vault::{Abandoned, Digest, Directory, Hex, Id, Leftovers, Listed, Object};

/// A request, or a message that gets no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Request {
    /// A whole file of at most `limit` bytes; `Unchanged` when its digest is `known`.
    Read { object: Object, limit: u64, known: Option<Digest> },
    /// The encrypted scores of `query` with the blocks of `segments`.
    Scan { context: Digest, segments: Vec<ScannedSegment>, query: Vec<u8> },
    /// The files in a directory: see [`encode_listing`].
    List(Directory),
    /// The bytes of all files in a directory: one number.
    Size(Directory),
    /// What no mapping names, if the mapping in force has this digest: see [`encode_leftovers`].
    Leftovers { mapping: Digest },
    /// The digests of files: see [`encode_digests`].
    Digests(Vec<Object>),
    /// Become the writer. Everything up to `End` has the same request id.
    Begin(Abandoned),
    /// The same where there is no vault yet, with its public context.
    Found { public_context: Vec<u8>, abandoned: Abandoned },
    /// These files will be staged, or become obsolete: see [`crate::vault::Writer::announce`]. No answer but `Refused`.
    Announce(Vec<Object>),
    /// A file begins; `total` bytes follow in `Content`. The mapping and the header are kept in memory until they are told
    /// to take force. No answer but `Progress` when it is written, or `Refused`.
    Stage { object: Object, total: u64 },
    /// The next bytes of the file that was begun. No answer.
    Content(Vec<u8>),
    /// Remove files that no mapping names. No answer.
    Discard(Vec<Object>),
    /// Make the mapping that was staged the one in force.
    Commit,
    /// Make the header that was staged the one in force.
    ReplaceHeader,
    /// Move everything that nothing names out of the vault's directories.
    SetStraysAside,
    /// The writer is done. No answer.
    End,
    /// The request of the same id is not wanted any more. No answer of its own.
    Cancel,
}

/// The blocks that a scan means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ScannedSegment {
    pub(super) id: Id,
    pub(super) images: u32,
    pub(super) blocks: Digest,
}

/// One message of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// The next bytes.
    Bytes(Vec<u8>),
    /// The host is at work; how far it is depends on the request.
    Progress(u64),
    /// That was all.
    Done,
    /// The file is the one that is known.
    Unchanged,
    /// It cannot be done.
    Refused { reason: Reason, detail: String },
}

/// Why a host refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// The file, or the blocks of the segment that `detail` names, are not there.
    Missing = 1,
    /// The same, but they are not what was expected.
    Damaged = 2,
    /// The file is larger than the limit.
    TooLarge = 3,
    /// There is no vault.
    NotAVault = 4,
    /// There is something else.
    Occupied = 5,
    /// Another process writes.
    Locked = 6,
    /// The mapping in force is another than the one that was meant.
    Moved = 7,
    /// The request was cancelled.
    Cancelled = 8,
    /// Anything else; `detail` is for the user.
    Failed = 9,
    /// Another process committed while this writer held the lock.
    Overtaken = 10,
}

impl Reason {
    const ALL: [Self; 10] = [
        Self::Missing,
        Self::Damaged,
        Self::TooLarge,
        Self::NotAVault,
        Self::Occupied,
        Self::Locked,
        Self::Moved,
        Self::Cancelled,
        Self::Failed,
        Self::Overtaken,
    ];
}

impl Request {
    /// Kind and payload.
    pub(super) fn encode(&self) -> (u8, Vec<u8>) {
        let mut bytes = Vec::new();
        let kind = match self {
            Self::Read { object, limit, known } => {
                put_object(&mut bytes, object);
                bytes.extend(limit.to_le_bytes());
                bytes.extend(known.iter().flat_map(|digest| digest.0));
                1
            }
            Self::Scan { context, segments, query } => {
                bytes.extend(context.0);
                bytes.extend((segments.len() as u32).to_le_bytes());
                for segment in segments {
                    bytes.extend(segment.id.0);
                    bytes.extend(segment.images.to_le_bytes());
                    bytes.extend(segment.blocks.0);
                }
                bytes.extend(query);
                2
            }
            Self::List(directory) => {
                bytes.push(directory_number(*directory));
                3
            }
            Self::Size(directory) => {
                bytes.push(directory_number(*directory));
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
                bytes.push(abandoned_number(*abandoned));
                7
            }
            Self::Found { public_context, abandoned } => {
                bytes.push(abandoned_number(*abandoned));
                bytes.extend(public_context);
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
            Self::ReplaceHeader => 13,
            Self::End => 14,
            Self::Cancel => 15,
            Self::Announce(objects) => {
                objects.iter().for_each(|object| put_object(&mut bytes, object));
                16
            }
            Self::SetStraysAside => 17,
        };
        (kind, bytes)
    }

    /// Reads what [`Self::encode`] gave.
    pub(super) fn decode(kind: u8, payload: Vec<u8>) -> Option<Self> {
        let mut rest = Rest(&payload);
        let request = match kind {
            1 => {
                let (object, limit) = (rest.object()?, rest.number()?);
                let known = if rest.0.is_empty() { None } else { Some(Hex(rest.array()?)) };
                Self::Read { object, limit, known }
            }
            2 => {
                let context = Hex(rest.array()?);
                let count = u32::from_le_bytes(rest.array()?) as usize;
                // Each takes 52 bytes: the payload bounds how many are believed.
                if count > rest.0.len() / 52 {
                    return None;
                }
                let mut segments = Vec::with_capacity(count);
                for _ in 0..count {
                    let (id, images) = (Hex(rest.array()?), u32::from_le_bytes(rest.array()?));
                    segments.push(ScannedSegment { id, images, blocks: Hex(rest.array()?) });
                }
                Self::Scan { context, segments, query: rest.take_all() }
            }
            3 => Self::List(rest.directory()?),
            4 => Self::Size(rest.directory()?),
            5 => Self::Leftovers { mapping: Hex(rest.array()?) },
            6 => Self::Digests(rest.objects()?),
            7 => Self::Begin(rest.abandoned()?),
            8 => Self::Found { abandoned: rest.abandoned()?, public_context: rest.take_all() },
            9 => Self::Stage { object: rest.object()?, total: rest.number()? },
            CONTENT => return Some(Self::Content(payload)),
            11 => Self::Discard(rest.objects()?),
            12 => Self::Commit,
            13 => Self::ReplaceHeader,
            14 => Self::End,
            15 => Self::Cancel,
            16 => Self::Announce(rest.objects()?),
            17 => Self::SetStraysAside,
            _ => return None,
        };
        rest.0.is_empty().then_some(request)
    }
}

impl Reply {
    /// Kind and payload.
    pub(super) fn encode(&self) -> (u8, Vec<u8>) {
        match self {
            Self::Bytes(bytes) => (BYTES, bytes.clone()),
            Self::Progress(number) => (65, number.to_le_bytes().to_vec()),
            Self::Done => (66, Vec::new()),
            Self::Unchanged => (67, Vec::new()),
            Self::Refused { reason, detail } => (68, [&[*reason as u8], detail.as_bytes()].concat()),
        }
    }

    /// Reads what [`Self::encode`] gave.
    pub(super) fn decode(kind: u8, payload: Vec<u8>) -> Option<Self> {
        match (kind, payload.as_slice()) {
            (BYTES, _) => Some(Self::Bytes(payload)),
            (65, number) => Some(Self::Progress(u64::from_le_bytes(number.try_into().ok()?))),
            (66, []) => Some(Self::Done),
            (67, []) => Some(Self::Unchanged),
            (68, [reason, detail @ ..]) => {
                let reason = Reason::ALL.into_iter().find(|known| *known as u8 == *reason)?;
                Some(Self::Refused { reason, detail: std::str::from_utf8(detail).ok()?.to_owned() })
            }
            _ => None,
        }
    }
}

/// The kind of [`Request::Content`], which a client sends without copying it into one.
pub(super) const CONTENT: u8 = 10;
/// The kind of [`Reply::Bytes`], which a host sends without copying them into one.
pub(super) const BYTES: u8 = 64;

/// A listing as bytes: objects, each with its size.
pub(super) fn encode_listing(files: &[Listed]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for file in files {
        put_object(&mut bytes, &file.object);
        bytes.extend(file.bytes.to_le_bytes());
    }
    bytes
}

/// Reads what [`encode_listing`] gave.
pub(super) fn decode_listing(bytes: &[u8]) -> Option<Vec<Listed>> {
    let mut rest = Rest(bytes);
    let mut files = Vec::new();
    while !rest.0.is_empty() {
        files.push(Listed { object: rest.object()?, bytes: rest.number()? });
    }
    Some(files)
}

/// Leftovers as bytes: how many were abandoned, 4 bytes, and which; then strays, each with its length, 2 bytes, in UTF-8.
pub(super) fn encode_leftovers(leftovers: &Leftovers) -> Vec<u8> {
    let mut bytes = (leftovers.abandoned.len() as u32).to_le_bytes().to_vec();
    leftovers.abandoned.iter().for_each(|object| put_object(&mut bytes, object));
    for stray in &leftovers.strays {
        bytes.extend((stray.len() as u16).to_le_bytes());
        bytes.extend(stray.as_bytes());
    }
    bytes
}

/// Reads what [`encode_leftovers`] gave.
pub(super) fn decode_leftovers(bytes: &[u8]) -> Option<Leftovers> {
    let mut rest = Rest(bytes);
    let mut leftovers = Leftovers::default();
    for _ in 0..u32::from_le_bytes(rest.array()?) {
        leftovers.abandoned.push(rest.object()?);
    }
    while !rest.0.is_empty() {
        let length = u16::from_le_bytes(rest.array()?);
        leftovers.strays.push(rest.text(length.into())?.to_owned());
    }
    Some(leftovers)
}

/// Digests one after the other; zeros for a file that is not there.
pub(super) fn encode_digests(digests: &[Option<Digest>]) -> Vec<u8> {
    digests.iter().flat_map(|digest| digest.map_or([0; 32], |digest| digest.0)).collect()
}

/// Reads what [`encode_digests`] gave for `count` files.
pub(super) fn decode_digests(bytes: &[u8], count: usize) -> Option<Vec<Option<Digest>>> {
    let (digests, rest) = bytes.as_chunks::<32>();
    let digest = |digest: &[u8; 32]| (*digest != [0; 32]).then_some(Hex(*digest));
    (digests.len() == count && rest.is_empty()).then(|| digests.iter().map(digest).collect())
}

fn put_object(bytes: &mut Vec<u8>, object: &Object) {
    let path = object.to_string();
    bytes.push(path.len() as u8);
    bytes.extend(path.as_bytes());
}

fn directory_number(directory: Directory) -> u8 {
    Directory::ALL.iter().position(|known| *known == directory).expect("all are listed") as u8
}

fn abandoned_number(abandoned: Abandoned) -> u8 {
    match abandoned {
        Abandoned::Remove => 0,
        Abandoned::Keep => 1,
    }
}

/// What is left of a payload.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*array)
    }

    fn number(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    fn object(&mut self) -> Option<Object> {
        let [length] = self.array()?;
        self.text(length.into())?.parse().ok()
    }

    fn text(&mut self, length: usize) -> Option<&str> {
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        std::str::from_utf8(text).ok()
    }

    fn objects(&mut self) -> Option<Vec<Object>> {
        let mut objects = Vec::new();
        while !self.0.is_empty() {
            objects.push(self.object()?);
        }
        Some(objects)
    }

    fn directory(&mut self) -> Option<Directory> {
        let [number] = self.array()?;
        Directory::ALL.get(usize::from(number)).copied()
    }

    fn abandoned(&mut self) -> Option<Abandoned> {
        let [number] = self.array()?;
        [Abandoned::Remove, Abandoned::Keep].into_iter().find(|known| abandoned_number(*known) == number)
    }

    fn take_all(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.0).to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::{Extension, Part};

    fn requests() -> Vec<Request> {
        let id = Id::random().unwrap();
        let digest = Digest::of(&[b"x"]);
        let photo = Object::Photo(id, Extension::of("x.jpg".as_ref()));
        let objects = vec![photo.clone(), Object::Segment(id, Part::Hints), Object::UNFINISHED_MAPPING];
        vec![
            Request::Read { object: Object::Mapping, limit: 7, known: None },
            Request::Read { object: Object::Thumbnail(id), limit: u64::MAX, known: Some(digest) },
            Request::Scan {
                context: digest,
                segments: vec![ScannedSegment { id, images: 1024, blocks: digest }; 3],
                query: vec![1, 2, 3],
            },
            Request::List(Directory::Images),
            Request::Size(Directory::Thumbnails),
            Request::Leftovers { mapping: digest },
            Request::Digests(objects.clone()),
            Request::Begin(Abandoned::Keep),
            Request::Found { public_context: vec![9; 40], abandoned: Abandoned::Remove },
            Request::Announce(objects.clone()),
            Request::Stage { object: photo, total: 12 },
            Request::Content(vec![5; 100]),
            Request::Discard(objects),
            Request::Commit,
            Request::ReplaceHeader,
            Request::SetStraysAside,
            Request::End,
            Request::Cancel,
        ]
    }

    fn replies() -> Vec<Reply> {
        vec![
            Reply::Bytes(vec![1, 2, 3]),
            Reply::Progress(9),
            Reply::Done,
            Reply::Unchanged,
            Reply::Refused { reason: Reason::Failed, detail: "the disk is full".into() },
        ]
    }

    #[test]
    fn everything_is_read_as_it_was_written_and_nothing_longer_is() {
        for request in requests() {
            let (kind, payload) = request.encode();
            assert_eq!(Request::decode(kind, payload.clone()).as_ref(), Some(&request));
            let takes_any_length = matches!(
                request,
                Request::Content(_) | Request::Scan { .. } | Request::Found { .. } | Request::Read { known: None, .. }
            );
            if !takes_any_length {
                assert_eq!(Request::decode(kind, [payload, vec![0]].concat()), None, "{request:?}");
            }
        }
        for reply in replies() {
            let (kind, payload) = reply.encode();
            assert_eq!(Reply::decode(kind, payload), Some(reply));
        }
        assert_eq!(Request::decode(200, Vec::new()), None);
        assert_eq!(Reply::decode(1, Vec::new()), None);
    }

    #[test]
    fn what_decodes_has_one_spelling() {
        // Xorshift64 (Marsaglia 2003): the same 100,000 damaged messages each time.
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut next = move |bound: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state % bound as u64) as usize
        };
        let (requests, replies) = (requests(), replies());
        let mut accepted = 0;
        for _ in 0..50_000 {
            let (mut kind, mut payload) = requests[next(requests.len())].encode();
            damage(&mut next, &mut kind, &mut payload);
            if let Some(request) = Request::decode(kind, payload.clone()) {
                assert_eq!(request.encode(), (kind, payload));
                accepted += 1;
            }
            let (mut kind, mut payload) = replies[next(replies.len())].encode();
            damage(&mut next, &mut kind, &mut payload);
            if let Some(reply) = Reply::decode(kind, payload.clone()) {
                assert_eq!(reply.encode(), (kind, payload));
                accepted += 1;
            }
        }
        assert!(accepted > 100, "damage leaves some messages legal");
    }

    fn damage(next: &mut impl FnMut(usize) -> usize, kind: &mut u8, payload: &mut Vec<u8>) {
        match next(4) {
            0 => *kind = next(80) as u8,
            1 => payload.truncate(next(payload.len() + 1)),
            2 => payload.push(next(256) as u8),
            _ if !payload.is_empty() => {
                let at = next(payload.len());
                payload[at] = next(256) as u8;
            }
            _ => {}
        }
    }
}
