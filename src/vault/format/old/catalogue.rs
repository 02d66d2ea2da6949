//! The catalogue of a segment, `.catalogue`: names, dates and sizes of its photos, as JSON.

use serde::Deserialize;

use super::super::entries::SEGMENT_IMAGES;
use super::super::hex::{Digest, Hex, Id};
use super::super::capture::{CaptureTime, Captured, Origin};
use super::super::record::{Found, Modified, Pixels, Record};

/// Most bytes of an original name.
const LONGEST_NAME_BYTES: usize = 4096;
const LONGEST_DATE_BYTES: usize = 64;

/// Most bytes of a plaintext catalogue: JSON may escape one byte of a name as six.
pub const LARGEST_BYTES: usize = SEGMENT_IMAGES * (6 * (LONGEST_NAME_BYTES + 64) + 512);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Details {
    name: String,
    bytes: u64,
    modified: Option<i64>,
    captured: Option<String>,
    width: u32,
    height: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    id: Id,
    content: Digest,
    details: Details,
}

/// The records for a catalogue; `None` for anything else.
#[must_use]
pub fn decode(text: &[u8]) -> Option<Vec<Record>> {
    let rows: Vec<Row> = serde_json::from_slice(text).ok()?;
    rows.into_iter().map(record).collect()
}

fn record(row: Row) -> Option<Record> {
    let Details { name, bytes, modified, captured, width, height } = row.details;
    if name.len() > LONGEST_NAME_BYTES || captured.as_ref().is_some_and(|date| date.len() > LONGEST_DATE_BYTES) {
        return None;
    }
    let modified = modified.map(|seconds| Modified { seconds, nanoseconds: 0 });
    let found = Found { source: Hex([0; 16]), path: name.into_bytes(), modified };
    let mut record = Record::new(row.id, row.content, bytes, found);
    record.captured =
        captured.and_then(|text| Some(Captured { origin: Origin::EXIF, time: CaptureTime::parse(&text)? }));
    record.pixels = Some(Pixels { width, height }).filter(|pixels| *pixels != Pixels { width: 0, height: 0 });
    Some(record)
}
