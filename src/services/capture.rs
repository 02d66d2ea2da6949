//! When a photo was taken, as its EXIF block says.

use std::io::Cursor;

use exif::{In, Reader, Tag, Value};

/// The time in a photo's EXIF block as `YYYY-MM-DDThh:mm:ss`, with `+hh:mm` where the camera recorded its offset
/// (EXIF 2.32 tags DateTimeOriginal, DateTimeDigitized, DateTime and their offsets, in this order).
/// `None` when there is no such block, or it holds no time that exists.
#[must_use]
pub fn time(photo: &[u8]) -> Option<String> {
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
    .find_map(|(time, offset)| written_out(&ascii(time)?, ascii(offset)))
}

fn written_out(time: &[u8], offset: Option<Vec<u8>>) -> Option<String> {
    let mut time = exif::DateTime::from_ascii(time).ok()?;
    if let Some(offset) = offset {
        // An offset that cannot be read leaves a local time, which is still true.
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
        assert_eq!(written_out(b"2019:07:04 18:05:09", None).as_deref(), Some("2019-07-04T18:05:09"));
        let offset = Some(b"-03:30".to_vec());
        assert_eq!(written_out(b"2019:07:04 18:05:09", offset).as_deref(), Some("2019-07-04T18:05:09-03:30"));
        assert_eq!(
            written_out(b"2019:07:04 18:05:09", Some(b"  :  ".to_vec())).as_deref(),
            Some("2019-07-04T18:05:09")
        );
    }

    #[test]
    fn times_that_do_not_exist_are_none() {
        for text in [&b"0000:00:00 00:00:00"[..], b"2019:13:04 18:05:09", b"    :  :     :  :  ", b"yesterday"] {
            assert_eq!(written_out(text, None), None);
        }
        assert_eq!(time(b"no photo"), None);
    }
}
