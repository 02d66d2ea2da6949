//! Reads what a camera wrote into a photo (EXIF 2.32, CIPA DC-008-2019).
//!
//! A photo may come from anywhere: a field without a sense (a denominator of 0, a place beyond the poles, a text with
//! control characters, one that is too long for a record) is left out, and the others are kept.

use std::io::Cursor;

use exif::{Exif, In, Reader, Tag, Value};

use crate::services::camera_data::{Camera, CameraData, CaptureTime, Exposure, Orientation, Position};
use crate::vault::LONGEST_TEXT_BYTES;

/// The tags of a time, its fraction of a second and its offset from UTC; the first that has a valid time is taken.
const TIMES: [[Tag; 3]; 3] = [
    [Tag::DateTimeOriginal, Tag::SubSecTimeOriginal, Tag::OffsetTimeOriginal],
    [Tag::DateTimeDigitized, Tag::SubSecTimeDigitized, Tag::OffsetTimeDigitized],
    [Tag::DateTime, Tag::SubSecTime, Tag::OffsetTime],
];

/// The sensitivity for 65,535 and more, which its tag of 16 bits cannot hold: then these have it.
const SENSITIVITIES: [Tag; 3] = [Tag::RecommendedExposureIndex, Tag::StandardOutputSensitivity, Tag::ISOSpeed];

/// The names under which cameras write the geodetic datum of a record, WGS 84, without what is no letter or digit.
const WGS_84: [&[u8]; 2] = [b"WGS84", b"WGS1984"];

/// What the EXIF block of a photo says; nothing without a readable block. Of a damaged block it is what can be read.
#[must_use]
pub fn read(photo: &[u8]) -> CameraData {
    let mut reader = Reader::new();
    reader.continue_on_error(true);
    let block = reader.read_from_container(&mut Cursor::new(photo));
    let Ok(block) = block.or_else(|error| error.distill_partial_result(|_faults| {})) else {
        return CameraData::default();
    };
    let block = Block(block);
    CameraData {
        captured: block.captured(),
        orientation: block.number(Tag::Orientation).and_then(|number| Orientation::new(u8::try_from(number).ok()?)),
        camera: block.camera(),
        lens: block.text(Tag::LensModel),
        exposure: block.exposure(),
        position: block.position(),
    }
}

/// The EXIF block of one photo.
struct Block(Exif);

impl Block {
    fn value(&self, tag: Tag) -> Option<&Value> {
        Some(&self.0.get_field(tag, In::PRIMARY)?.value)
    }

    /// The text of an ASCII value up to its first NUL.
    fn ascii(&self, tag: Tag) -> Option<&[u8]> {
        match self.value(tag)? {
            Value::Ascii(lines) => lines.first().map(Vec::as_slice),
            _ => None,
        }
    }

    /// A text for a record. Cameras pad with spaces.
    fn text(&self, tag: Tag) -> Option<String> {
        let text = str::from_utf8(self.ascii(tag)?).ok()?.trim();
        let fits = (1..=LONGEST_TEXT_BYTES).contains(&text.len()) && !text.chars().any(char::is_control);
        fits.then(|| text.to_owned())
    }

    fn number(&self, tag: Tag) -> Option<u32> {
        self.value(tag)?.get_uint(0)
    }

    /// Numerators and denominators.
    fn rationals(&self, tag: Tag) -> Option<Vec<(u32, u32)>> {
        match self.value(tag)? {
            // No field that is read here has more than three.
            Value::Rational(numbers) if numbers.len() <= 3 => {
                Some(numbers.iter().map(|number| (number.num, number.denom)).collect())
            }
            _ => None,
        }
    }

    fn captured(&self) -> Option<CaptureTime> {
        TIMES.into_iter().find_map(|[time, fraction, offset]| {
            capture_time(self.ascii(time)?, self.ascii(fraction), self.ascii(offset))
        })
    }

    fn camera(&self) -> Option<Camera> {
        let (maker, model) = (self.text(Tag::Make), self.text(Tag::Model));
        let is_known = maker.is_some() || model.is_some();
        let (maker, model) = (maker.unwrap_or_default(), model.unwrap_or_default());
        // With the NUL between them.
        (is_known && maker.len() + 1 + model.len() <= LONGEST_TEXT_BYTES).then(|| Camera::new(&maker, &model))
    }

    fn exposure(&self) -> Option<Exposure> {
        let first = |tag| self.rationals(tag)?.first().copied();
        let time = first(Tag::ExposureTime).filter(|(numerator, denominator)| *numerator > 0 && *denominator > 0);
        let (time_numerator, time_denominator) = time.unwrap_or_default();
        let iso = self.number(Tag::PhotographicSensitivity).filter(|iso| *iso < u32::from(u16::MAX));
        let exposure = Exposure {
            time_numerator,
            time_denominator,
            f_number_hundredths: first(Tag::FNumber).and_then(hundredths).unwrap_or_default(),
            iso: iso.or_else(|| SENSITIVITIES.into_iter().find_map(|tag| self.number(tag))).unwrap_or_default(),
            focal_length_hundredths: first(Tag::FocalLength).and_then(hundredths).unwrap_or_default(),
        };
        (exposure != Exposure::default()).then_some(exposure)
    }

    /// Only from complete coordinates: without their references nobody knows which hemisphere they mean.
    fn position(&self) -> Option<Position> {
        let datum = self.ascii(Tag::GPSMapDatum).unwrap_or_default();
        let datum: Vec<u8> = datum.iter().filter(|byte| byte.is_ascii_alphanumeric()).copied().collect();
        if !datum.is_empty() && !WGS_84.iter().any(|known| datum.eq_ignore_ascii_case(known)) {
            return None;
        }
        Some(Position {
            latitude_e7: self.degrees_e7(Tag::GPSLatitude, Tag::GPSLatitudeRef, [b'N', b'S'], 90.0)?,
            longitude_e7: self.degrees_e7(Tag::GPSLongitude, Tag::GPSLongitudeRef, [b'E', b'W'], 180.0)?,
            altitude_centimetres: self.altitude_centimetres(),
        })
    }

    /// A coordinate in 10^-7 degrees. `directions` are the letters of the positive and the negative one.
    fn degrees_e7(&self, tag: Tag, reference: Tag, directions: [u8; 2], largest: f64) -> Option<i32> {
        let parts: Vec<f64> = self.rationals(tag)?.into_iter().map(quotient).collect::<Option<_>>()?;
        let [degrees, minutes, seconds] = parts.try_into().ok()?;
        let direction = self.ascii(reference)?.first()?.to_ascii_uppercase();
        let sign = match directions.into_iter().position(|letter| letter == direction)? {
            0 => 1.0,
            _ => -1.0,
        };
        let degrees = degrees + minutes / 60.0 + seconds / 3600.0;
        let is_valid = minutes <= 60.0 && seconds <= 60.0 && degrees <= largest;
        is_valid.then(|| (sign * degrees * 1e7).round() as i32)
    }

    /// Above sea level. References above 1 are to the ellipsoid (EXIF 3.0), which is tens of metres away.
    fn altitude_centimetres(&self) -> Option<i32> {
        let metres = quotient(*self.rationals(Tag::GPSAltitude)?.first()?)?;
        let sign = match self.value(Tag::GPSAltitudeRef).map(|value| value.get_uint(0)) {
            None | Some(Some(0)) => 1.0,
            Some(Some(1)) => -1.0,
            _ => return None,
        };
        let centimetres = (sign * metres * 100.0).round();
        (centimetres.abs() <= f64::from(i32::MAX)).then_some(centimetres as i32)
    }
}

/// `None` without a denominator.
fn quotient((numerator, denominator): (u32, u32)) -> Option<f64> {
    (denominator > 0).then(|| f64::from(numerator) / f64::from(denominator))
}

/// `None` for what a record cannot hold.
fn hundredths(number: (u32, u32)) -> Option<u32> {
    let hundredths = (quotient(number)? * 100.0).round();
    (hundredths <= f64::from(u32::MAX)).then_some(hundredths as u32)
}

/// A time of the form `YYYY:MM:DD hh:mm:ss`, with the digits of `fraction` and the offset `+hh:mm` if they are valid.
fn capture_time(time: &[u8], fraction: Option<&[u8]>, offset: Option<&[u8]>) -> Option<CaptureTime> {
    let (date, time) = str::from_utf8(time.get(.."YYYY:MM:DD hh:mm:ss".len())?).ok()?.split_once(' ')?;
    let whole = format!("{}T{time}", date.replace(':', "-"));
    let text = |bytes: Option<&[u8]>| str::from_utf8(bytes?).ok().map(|text| text.trim().to_owned());
    let fraction = text(fraction).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_digit()));
    // A record has room for nanoseconds.
    let fraction = fraction.filter(|digits| !digits.is_empty()).map(|digits| format!(".{digits:.9}"));
    let (fraction, offset) = (fraction.unwrap_or_default(), text(offset).unwrap_or_default());
    CaptureTime::parse(&format!("{whole}{fraction}{offset}")).or_else(|| CaptureTime::parse(&(whole + &fraction)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An entry of a TIFF directory: its tag, its type, how many values it has, and their bytes.
    type Entry = (u16, u16, u32, Vec<u8>);

    const ORIENTATION: u16 = 0x0112;
    const EXIF: u16 = 0x8769;
    const GPS: u16 = 0x8825;

    fn byte(tag: u16, value: u8) -> Entry {
        (tag, 1, 1, vec![value])
    }

    fn ascii(tag: u16, text: &[u8]) -> Entry {
        let bytes = [text, b"\0"].concat();
        (tag, 2, bytes.len() as u32, bytes)
    }

    fn short(tag: u16, value: u16) -> Entry {
        (tag, 3, 1, value.to_le_bytes().into())
    }

    fn long(tag: u16, value: u32) -> Entry {
        (tag, 4, 1, value.to_le_bytes().into())
    }

    fn rationals(tag: u16, numbers: &[(u32, u32)]) -> Entry {
        let bytes = numbers.iter().flat_map(|(numerator, denominator)| [*numerator, *denominator]);
        (tag, 5, numbers.len() as u32, bytes.flat_map(u32::to_le_bytes).collect())
    }

    /// A directory at `start` of a file, followed by the values that have more than four bytes.
    fn directory(start: usize, mut entries: Vec<Entry>) -> Vec<u8> {
        entries.sort_by_key(|entry| entry.0);
        let mut table = (entries.len() as u16).to_le_bytes().to_vec();
        let (mut values, values_start) = (Vec::new(), start + 2 + 12 * entries.len() + 4);
        for (tag, kind, count, mut bytes) in entries {
            table.extend(tag.to_le_bytes().into_iter().chain(kind.to_le_bytes()).chain(count.to_le_bytes()));
            if bytes.len() > 4 {
                table.extend(((values_start + values.len()) as u32).to_le_bytes());
                values.extend(bytes);
            } else {
                bytes.resize(4, 0);
                table.extend(bytes);
            }
        }
        [table, vec![0; 4], values].concat()
    }

    /// A little-endian TIFF file with these entries in its first directory, in that of EXIF and in that of GPS.
    fn tiff(mut first: Vec<Entry>, exif: Vec<Entry>, gps: Vec<Entry>) -> Vec<u8> {
        let header = b"II*\0\x08\0\0\0";
        first.extend([long(EXIF, 0), long(GPS, 0)]);
        let exif_start = header.len() + directory(header.len(), first.clone()).len();
        let exif = directory(exif_start, exif);
        let gps_start = exif_start + exif.len();
        first.truncate(first.len() - 2);
        first.extend([long(EXIF, exif_start as u32), long(GPS, gps_start as u32)]);
        [&header[..], &directory(header.len(), first), &exif, &directory(gps_start, gps)].concat()
    }

    fn of_first(entries: Vec<Entry>) -> CameraData {
        read(&tiff(entries, Vec::new(), Vec::new()))
    }

    fn exposure_of(entries: Vec<Entry>) -> Option<Exposure> {
        read(&tiff(Vec::new(), entries, Vec::new())).exposure
    }

    /// 47° 22' 30.5" north, 8° 32.4' west, 408.25 m below the sea.
    fn place() -> Vec<Entry> {
        vec![
            ascii(1, b"N"),
            rationals(2, &[(47, 1), (22, 1), (305, 10)]),
            ascii(3, b"W"),
            rationals(4, &[(8, 1), (324, 10), (0, 1)]),
            byte(5, 1),
            rationals(6, &[(40_825, 100)]),
        ]
    }

    fn position_of(change: impl FnOnce(&mut Vec<Entry>)) -> Option<Position> {
        let mut gps = place();
        change(&mut gps);
        read(&tiff(Vec::new(), Vec::new(), gps)).position
    }

    #[test]
    fn all_fields_are_read_from_one_block() {
        let data = read(&tiff(
            vec![ascii(0x010F, b"RICOH  "), ascii(0x0110, b"GR III\0junk"), short(ORIENTATION, 6)],
            vec![
                rationals(0x829A, &[(10, 2000)]),
                rationals(0x829D, &[(28, 10)]),
                short(0x8827, 200),
                ascii(0x9003, b"2019:07:04 18:05:09"),
                ascii(0x9011, b"-03:30"),
                ascii(0x9291, b"250 "),
                rationals(0x920A, &[(183, 10)]),
                ascii(0xA434, b"GR LENS 18.3mm F2.8"),
            ],
            place(),
        ));
        assert_eq!(data.captured.as_ref().map(CaptureTime::as_str), Some("2019-07-04T18:05:09.250-03:30"));
        assert_eq!(data.orientation.map(Orientation::number), Some(6));
        assert!(data.camera == Some(Camera::new("RICOH", "GR III")));
        assert_eq!(data.lens.as_deref(), Some("GR LENS 18.3mm F2.8"));
        let exposure = Exposure {
            time_numerator: 10,
            time_denominator: 2000,
            f_number_hundredths: 280,
            iso: 200,
            focal_length_hundredths: 1830,
        };
        assert!(data.exposure == Some(exposure));
        let position =
            Position { latitude_e7: 473_751_389, longitude_e7: -85_400_000, altitude_centimetres: Some(-40_825) };
        assert!(data.position == Some(position));
    }

    #[test]
    fn a_photo_without_a_block_has_nothing() {
        for photo in [&b"no photo"[..], b"", b"II*\0", b"II*\0\xFF\xFF\xFF\xFF", b"\xFF\xD8\xFF\xE1\0\x08Exif\0\0"] {
            assert!(read(photo) == CameraData::default());
        }
    }

    #[test]
    fn of_a_damaged_block_the_rest_is_read() {
        let whole = tiff(vec![ascii(0x0110, b"X10")], vec![ascii(0x9003, b"2019:07:04 18:05:09")], place());
        // Nothing of a block makes the reader fail, wherever it ends and whatever changes.
        for length in 0..whole.len() {
            let _ = read(&whole[..length]);
        }
        for at in 8..whole.len() {
            for value in [0, 1, 0x7F, 0xFF] {
                let mut damaged = whole.clone();
                damaged[at] = value;
                let _ = read(&damaged);
            }
        }
        let without_gps = &whole[..whole.len() - directory(0, place()).len()];
        let data = read(without_gps);
        assert!(data.camera == Some(Camera::new("", "X10")) && data.captured.is_some() && data.position.is_none());
    }

    #[test]
    fn texts_that_a_record_cannot_hold_are_left_out() {
        let long_name = [b'x'; LONGEST_TEXT_BYTES];
        let model = |text: &[u8]| of_first(vec![ascii(0x010F, b"Maker"), ascii(0x0110, text)]).camera;
        for text in [&b""[..], b"   ", b"X\x1B]0;title\x07", b"X\nY", b"\xFF\xFE", &[b'x'; 100_000]] {
            assert!(model(text) == Some(Camera::new("Maker", "")));
        }
        let fits = &long_name["Maker".len() + 1..];
        assert!(model(fits).is_some_and(|camera| camera.model().len() == fits.len()));
        assert!(model(&long_name[5..]).is_none(), "one byte too many");
        assert!(of_first(vec![ascii(0x0110, &long_name)]).camera.is_none());
        assert!(of_first(vec![short(0x0110, 7)]).camera.is_none(), "a number is no name");
        assert!(of_first(vec![short(ORIENTATION, 0)]).orientation.is_none());
        assert!(of_first(vec![short(ORIENTATION, 262)]).orientation.is_none());
    }

    #[test]
    fn an_exposure_without_a_sense_is_unknown() {
        for time in [(1, 0), (0, 0), (0, 100)] {
            assert!(exposure_of(vec![rationals(0x829A, &[time])]).is_none());
        }
        for number in [(28, 0), (0, 1), (u32::MAX, 1)] {
            assert!(exposure_of(vec![rationals(0x829D, &[number]), rationals(0x920A, &[number])]).is_none());
        }
        let exposure = exposure_of(vec![rationals(0x829A, &[(1, 0)]), rationals(0x829D, &[(u32::MAX, 100)])]);
        assert!(exposure == Some(Exposure { f_number_hundredths: u32::MAX, ..Exposure::default() }));
        let iso = |entries| exposure_of(entries).map(|exposure| exposure.iso);
        assert_eq!(iso(vec![short(0x8827, u16::MAX), long(0x8832, 102_400)]), Some(102_400));
        assert_eq!(iso(vec![short(0x8827, u16::MAX)]), None);
    }

    #[test]
    fn a_place_is_complete_and_on_the_globe_or_left_out() {
        assert!(position_of(|_| {}).is_some());
        for missing in 0..4 {
            assert!(position_of(|gps| drop(gps.remove(missing))).is_none(), "without entry {missing}");
        }
        for latitude in [
            &[(47, 1), (22, 1), (30, 0)][..],
            &[(47, 1), (0, 0), (0, 1)],
            &[(90, 1), (0, 1), (1, 100)],
            &[(u32::MAX, 1), (0, 1), (0, 1)],
            &[(47, 1), (61, 1), (0, 1)],
            &[(47, 1), (22, 1)],
            &[(47, 1), (22, 1), (30, 1), (1, 1)],
        ] {
            assert!(position_of(|gps| gps[1] = rationals(2, latitude)).is_none());
        }
        let pole = position_of(|gps| {
            gps[0] = ascii(1, b"s");
            gps[1] = rationals(2, &[(90, 1), (0, 1), (0, 1)]);
        });
        assert!(pole.is_some_and(|position| position.latitude_e7 == -900_000_000));
        assert!(position_of(|gps| gps[0] = ascii(1, b"")).is_none());
        assert!(position_of(|gps| gps[2] = ascii(3, b"N")).is_none());
        assert!(position_of(|gps| gps.push(ascii(18, b"WGS-84   "))).is_some());
        assert!(position_of(|gps| gps.push(ascii(18, b"TOKYO"))).is_none(), "hundreds of metres away");
    }

    #[test]
    fn an_altitude_is_above_the_sea_or_unknown() {
        let altitude = |change: fn(&mut Vec<Entry>)| position_of(change).unwrap().altitude_centimetres;
        assert_eq!(altitude(|gps| drop(gps.remove(4))), Some(40_825));
        assert_eq!(altitude(|gps| gps[4] = byte(5, 2)), None);
        assert_eq!(altitude(|gps| gps[4] = ascii(5, b"0")), None);
        assert_eq!(altitude(|gps| gps[5] = rationals(6, &[(1, 0)])), None);
        assert_eq!(altitude(|gps| gps[5] = rationals(6, &[(u32::MAX, 1)])), None);
    }

    #[test]
    fn times_have_the_form_of_a_record() {
        let written = |time: &[u8], fraction: Option<&[u8]>, offset: Option<&[u8]>| {
            capture_time(time, fraction, offset).map(|time| time.as_str().to_owned())
        };
        let time = b"2019:07:04 18:05:09";
        let whole = Some("2019-07-04T18:05:09");
        assert_eq!(written(time, None, None).as_deref(), whole);
        assert_eq!(written(time, None, Some(b"-03:30")).as_deref(), Some("2019-07-04T18:05:09-03:30"));
        assert_eq!(written(time, Some(b"1234567891"), None).as_deref(), Some("2019-07-04T18:05:09.123456789"));
        for nothing in [&b""[..], b"  ", b"  :  ", b"+99:99", b"Z", b"\xFF", b"-"] {
            assert_eq!(written(time, Some(nothing), Some(nothing)).as_deref(), whole);
        }
        for text in [&b"0000:00:00 00:00:00"[..], b"2019:13:04 18:05:09", b"    :  :     :  :  ", b"yesterday", b""] {
            assert_eq!(written(text, None, None), None);
        }
    }

    #[test]
    fn the_second_time_stands_in_for_an_invalid_first() {
        let times = vec![ascii(0x9003, b"0000:00:00 00:00:00"), ascii(0x9004, b"2019:07:04 18:05:09")];
        let data = read(&tiff(Vec::new(), times, Vec::new()));
        assert_eq!(data.captured.as_ref().map(CaptureTime::as_str), Some("2019-07-04T18:05:09"));
    }
}
