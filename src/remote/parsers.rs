//! What a client reads of the line by itself, for the fuzz targets.
//!
//! Must never: be called by the program, which reads a line through `Line` alone.

use super::{frame, protocol};

/// The frames of an answer that can be read from the beginning of `line` on, read and written again.
pub fn rewritten_replies(mut line: &[u8]) -> Vec<u8> {
    let mut again = Vec::new();
    while let Ok(Some(frame)) = frame::read(&mut line) {
        let Some(reply) = protocol::Reply::decode(frame.kind, frame.payload) else { break };
        let (kind, payload) = reply.encode();
        if frame::write(&mut again, frame.request, kind, &[&payload]).is_err() {
            break;
        }
    }
    again
}

/// The content of an answer as a listing, as leftovers and as digests, each read and written again if it is one.
pub fn rewritten_lists(content: &[u8]) -> [Option<Vec<u8>>; 3] {
    [
        protocol::decode_listing(content).map(|files| protocol::encode_listing(&files)),
        protocol::decode_leftovers(content).map(|leftovers| protocol::encode_leftovers(&leftovers)),
        protocol::decode_digests(content, content.len() / 32).map(|digests| protocol::encode_digests(&digests)),
    ]
}
