//! What a camera wrote into a photo (EXIF 2.32): when it was taken, and a few fields to show.

use std::io::Cursor;

use exif::{Field, In, Reader, Tag, Value};

/// The fields that are shown, with their labels.
const SHOWN: [(&str, Tag); 9] = [
    ("camera", Tag::Model),
    ("maker", Tag::Make),
    ("lens", Tag::LensModel),
    ("taken", Tag::DateTimeOriginal),
    ("exposure", Tag::ExposureTime),
    ("aperture", Tag::FNumber),
    ("sensitivity", Tag::PhotographicSensitivity),
    ("focal length", Tag::FocalLength),
    ("software", Tag::Software),
];

/// Characters of a value that are shown: a hostile file may hold anything.
const LONGEST_VALUE_CHARACTERS: usize = 60;

/// The time in a photo's EXIF block as `YYYY-MM-DDThh:mm:ss`, with `+hh:mm` where the camera recorded its offset
/// (EXIF 2.32 tags DateTimeOriginal, DateTimeDigitized, DateTime and their offsets, in this order).
/// `None` when there is no such block, or no valid time in it.
#[must_use]
pub fn capture_time(photo: &[u8]) -> Option<String> {
    let block = Reader::new().read_from_container(&mut Cursor::new(photo)).ok()?;
    let ascii = |tag| match &block.get_field(tag, In::PRIMARY)?.value {
        Value::Ascii(lines) => lines.first().cloned(),
        _ => None,
    };
    [
        (Tag::DateTimeOriginal, Tag::OffsetTimeOriginal),
        (Tag::DateTimeDigitized, Tag::OffsetTimeDigitized),
        (Tag::DateTime, Tag::OffsetTime),
    ]
    .into_iter()
    .find_map(|(time, offset)| iso_8601(&ascii(time)?, ascii(offset)))
}

/// Labels and values of the fields that a photo has; empty without an EXIF block. For a recorded place it says only
/// that there is one.
#[must_use]
pub fn shown_fields(photo: &[u8]) -> Vec<(String, String)> {
    let Ok(block) = Reader::new().read_from_container(&mut Cursor::new(photo)) else { return Vec::new() };
    let value = |field: &Field| {
        let value = field.display_value().with_unit(&block).to_string();
        value.trim_matches('"').chars().take(LONGEST_VALUE_CHARACTERS).collect::<String>()
    };
    let mut fields: Vec<_> = SHOWN
        .iter()
        .filter_map(|(label, tag)| Some(((*label).to_owned(), value(block.get_field(*tag, In::PRIMARY)?))))
        .collect();
    if block.get_field(Tag::GPSLatitude, In::PRIMARY).is_some() {
        fields.push(("place".to_owned(), "recorded".to_owned()));
    }
    fields
}

fn iso_8601(time: &[u8], offset: Option<Vec<u8>>) -> Option<String> {
    let mut time = exif::DateTime::from_ascii(time).ok()?;
    if let Some(offset) = offset {
        // Without a readable offset, the local time is still right.
        let _ = time.parse_offset(&offset);
    }
    let exists = (1..=12).contains(&time.month)
        && (1..=31).contains(&time.day)
        && time.hour < 24
        && time.minute < 60
        && time.second <= 60;
    let zone = time.offset.map_or_else(String::new, |minutes| {
        let sign = if minutes < 0 { '-' } else { '+' };
        format!("{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
    });
    let exif::DateTime { year, month, day, hour, minute, second, .. } = time;
    exists.then(|| format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{zone}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_iso_8601() {
        assert_eq!(iso_8601(b"2019:07:04 18:05:09", None).as_deref(), Some("2019-07-04T18:05:09"));
        let offset = Some(b"-03:30".to_vec());
        assert_eq!(iso_8601(b"2019:07:04 18:05:09", offset).as_deref(), Some("2019-07-04T18:05:09-03:30"));
        assert_eq!(iso_8601(b"2019:07:04 18:05:09", Some(b"  :  ".to_vec())).as_deref(), Some("2019-07-04T18:05:09"));
    }

    #[test]
    fn invalid_times_are_none() {
        for text in [&b"0000:00:00 00:00:00"[..], b"2019:13:04 18:05:09", b"    :  :     :  :  ", b"yesterday"] {
            assert_eq!(iso_8601(text, None), None);
        }
        assert_eq!(capture_time(b"no photo"), None);
    }

    #[test]
    fn a_photo_without_an_exif_block_has_no_fields() {
        assert!(shown_fields(b"no photo").is_empty());
    }

    #[test]
    fn fields_are_read_from_a_tiff_block() {
        // A little-endian TIFF with one entry: Model (0x0110), ASCII, 4 bytes, "X10\0".
        let mut tiff = b"II*\0\x08\0\0\0\x01\0".to_vec();
        tiff.extend([0x10, 0x01, 2, 0, 4, 0, 0, 0, b'X', b'1', b'0', 0]);
        tiff.extend([0, 0, 0, 0]);
        assert_eq!(shown_fields(&tiff), [("camera".to_owned(), "X10".to_owned())]);
    }
}
