//! Requests to a host and its replies, each with exactly one encoding.
//!
//! ```text
//! object   = length 1 | its path in the vault          mapping.json, encrypted_images/<id>.jpg.aes, ...
//! digest   = 32 bytes      numbers little-endian, 8 bytes unless said otherwise
//! ```
//!
//! An answer is any number of `Bytes` and `Progress`, then one of `Done`, `Unchanged`, `Refused`. The decoder accepts
//! only the exact bytes that the encoder would produce.
//!
//! The codec is hand-written because the byte format is fixed: many messages end with a field without its own length,
//! which borsh and similar crates cannot express. Encoders and decoders are public, so that a fuzzer can reach them.
//!
//! Must never: mention a secret type.

pub mod lists;
mod payload;
mod reply;
mod request;

pub use reply::{BYTES, Reason, Refusal, Reply};
pub use request::{CONTENT, Request, ScannedFile};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::{Abandoned, Digest, Directory, Extension, Id, Object, Part};

    fn requests() -> Vec<Request> {
        let id = Id::random().unwrap();
        let digest = Digest::of(&[b"x"]);
        let photo = Object::Photo(id, Extension::of("x.jpg".as_ref()));
        let objects = vec![photo.clone(), Object::Segment(id, Part::Hints), Object::UNFINISHED_MAPPING];
        vec![
            Request::Read { object: Object::Mapping, limit: 7, known: None },
            Request::Read { object: Object::Thumbnail(id), limit: u64::MAX, known: Some(digest) },
            Request::Scan {
                context: [7; 40],
                files: vec![ScannedFile { name: id, blocks: 2 }; 3],
                query: vec![1, 2, 3],
            },
            Request::List(Directory::Images),
            Request::Size(Directory::Thumbnails),
            Request::Leftovers { mapping: digest },
            Request::Digests(objects.clone()),
            Request::Begin(Abandoned::Keep),
            Request::Create { vault: id, abandoned: Abandoned::Remove },
            Request::Announce(objects.clone()),
            Request::Stage { object: photo, total: 12 },
            Request::Content(vec![5; 100]),
            Request::Adopt(objects.clone()),
            Request::Discard(objects),
            Request::Commit,
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
            Reply::Refused(Refusal::new(Reason::Failed, "the disk is full")),
        ]
    }

    #[test]
    fn every_message_is_read_back_and_trailing_bytes_are_refused() {
        for request in requests() {
            let (kind, payload) = request.encode();
            assert_eq!(Request::decode(kind, payload.clone()).as_ref(), Some(&request));
            let takes_any_length = matches!(
                request,
                Request::Content(_) | Request::Scan { .. } | Request::Create { .. } | Request::Read { known: None, .. }
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
    fn every_message_has_one_encoding() {
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
