//! The catalogue of a segment, `.catalogue`: names, dates and sizes of its photos, as JSON.

use serde::Deserialize;

use super::super::capture::{CaptureTime, Captured, Origin};
use super::super::entries::SEGMENT_IMAGES;
use super::super::hex::{Digest, Hex, Id};
use super::super::record::{Found, Modified, Pixels, Record, is_path};

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
    let found = Found { source: Hex([0; 16]), path: path(name), modified };
    let mut record = Record::new(row.id, row.content, bytes, found);
    record.captured =
        captured.and_then(|text| Some(Captured { origin: Origin::EXIF, time: CaptureTime::parse(&text)? }));
    record.pixels = Some(Pixels { width, height }).filter(|pixels| *pixels != Pixels { width: 0, height: 0 });
    Some(record)
}

/// A name as a path. Old catalogues could hold any text as a name, and an upgrade must not fail because of one.
fn path(name: String) -> Vec<u8> {
    let name = name.replace(['/', '\0'], "_");
    let name = if is_path(name.as_bytes()) { name } else { name.replace('.', "_") };
    if name.is_empty() { b"_".to_vec() } else { name.into_bytes() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_becomes_a_path_of_one_name() {
        for (name, expected) in [
            ("beach.jpg", "beach.jpg"),
            ("..jpg", "..jpg"),
            ("a/../b\0.jpg", "a_.._b_.jpg"),
            ("", "_"),
            (".", "_"),
            ("..", "__"),
        ] {
            assert_eq!(path(name.to_owned()), expected.as_bytes(), "{name:?}");
            assert!(is_path(expected.as_bytes()));
        }
    }

    #[test]
    fn a_catalogue_becomes_records() {
        let row = |captured: &str| {
            let (id, content) = ("01".repeat(16), "02".repeat(32));
            format!(
                r#"[{{"id":"{id}","content":"{content}","details":{{"name":"..","bytes":3,"modified":-4,
                "captured":"{captured}","width":0,"height":0}}}}]"#
            )
        };
        let records = decode(row("2019-07-04T18:05:09").as_bytes()).unwrap();
        let modified = Some(Modified { seconds: -4, nanoseconds: 0 });
        assert!(records[0].found() == [Found { source: Hex([0; 16]), path: b"__".to_vec(), modified }]);
        assert!(records[0].captured.is_some() && records[0].pixels.is_none() && records[0].check().is_ok());
        assert!(decode(row("some day").as_bytes()).unwrap()[0].captured.is_none());
        assert!(decode(b"[{}]").is_none());
    }
}
