//! What a camera wrote into a photo (EXIF 2.32), as a record keeps it.
//!
//! Nothing here has `Debug`: a time or a place must not be logged.
//!
//! Must never: know where the values come from; it only encodes them.

use super::fields::Bytes;

/// A time: `YYYY-MM-DDThh:mm:ss`, local, then `.` and up to 9 digits if they are known, then `+hh:mm` or `-hh:mm` if
/// the offset from UTC is known.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CaptureTime(String);

impl CaptureTime {
    /// The time, if `text` has exactly this form and every number is in its range: seconds up to 60, offsets below a
    /// day. The date need not exist.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (time, rest) = text.split_at_checked("YYYY-MM-DDThh:mm:ss".len())?;
        let (fraction, offset) = rest.split_at(rest.find(['+', '-']).unwrap_or(rest.len()));
        let fraction_fits = fraction.is_empty()
            || fraction.strip_prefix('.').is_some_and(|digits| {
                (1..=9).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_digit())
            });
        let fits = numbers(time, "0000-00-00T00:00:00")?
            .into_iter()
            .zip([(0, 9999), (1, 12), (1, 31), (0, 23), (0, 59), (0, 60)])
            .all(|(number, (least, most))| (least..=most).contains(&number));
        let offset_fits = offset.is_empty()
            || ["+00:00", "-00:00"]
                .into_iter()
                .find_map(|form| numbers(offset, form))
                .is_some_and(|numbers| numbers[0] <= 23 && numbers[1] <= 59);
        (fits && fraction_fits && offset_fits).then(|| Self(text.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// How the time at which a photo was taken is known. Newer versions may write other numbers, which are kept.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Origin(pub u8);

impl Origin {
    /// From the photo's EXIF block.
    pub const EXIF: Self = Self(1);
    /// From the container of a video.
    pub const CONTAINER: Self = Self(2);
    /// From the file name.
    pub const FILE_NAME: Self = Self(3);
    /// From a file about the photo.
    pub const SIDECAR: Self = Self(4);
    /// From the user.
    pub const USER: Self = Self(5);
}

/// When a photo was taken, and how that is known.
#[derive(Clone, PartialEq, Eq)]
pub struct Captured {
    /// How it is known.
    pub origin: Origin,
    /// When.
    pub time: CaptureTime,
}

impl Captured {
    pub(super) fn encode(&self) -> Vec<u8> {
        [&[self.origin.0], self.time.as_str().as_bytes()].concat()
    }

    pub(super) fn decode(value: &[u8]) -> Option<Self> {
        let (origin, text) = value.split_first()?;
        Some(Self { origin: Origin(*origin), time: CaptureTime::parse(str::from_utf8(text).ok()?)? })
    }
}

/// The numbers in `text`, if it has a digit for each `0` of `form` and is otherwise the same.
fn numbers(text: &str, form: &str) -> Option<Vec<u32>> {
    let same = |(letter, form): (u8, u8)| if form == b'0' { letter.is_ascii_digit() } else { letter == form };
    if text.len() != form.len() || !text.bytes().zip(form.bytes()).all(same) {
        return None;
    }
    let numbers = text.split(|letter: char| !letter.is_ascii_digit()).filter(|digits| !digits.is_empty());
    numbers.map(|digits| digits.parse().ok()).collect()
}

/// How the stored pixels are to be turned, as EXIF numbers it: 1 to 8.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Orientation(u8);

impl Orientation {
    /// The orientation with this number; `None` outside 1 to 8.
    #[must_use]
    pub fn new(number: u8) -> Option<Self> {
        (1..=8).contains(&number).then_some(Self(number))
    }

    /// Its number, 1 to 8.
    #[must_use]
    pub fn number(self) -> u8 {
        self.0
    }
}

/// Which camera took a photo.
#[derive(Clone, PartialEq, Eq)]
pub struct Camera {
    /// Maker, NUL, model.
    text: String,
    maker_bytes: usize,
}

impl Camera {
    /// A camera. Both texts end at their first NUL, as in EXIF.
    #[must_use]
    pub fn new(maker: &str, model: &str) -> Self {
        let until_nul = |text: &str| text.split('\0').next().unwrap_or_default().to_owned();
        let maker = until_nul(maker);
        Self { maker_bytes: maker.len(), text: maker + "\0" + &until_nul(model) }
    }

    /// Its maker; may be empty.
    #[must_use]
    pub fn maker(&self) -> &str {
        &self.text[..self.maker_bytes]
    }

    /// Its model; may be empty.
    #[must_use]
    pub fn model(&self) -> &str {
        &self.text[self.maker_bytes + 1..]
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn of_text(text: &str) -> Option<Self> {
        let (maker, model) = text.split_once('\0')?;
        (!model.contains('\0')).then(|| Self { text: text.to_owned(), maker_bytes: maker.len() })
    }
}

/// How a photo was exposed. 0 stands for what is unknown.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Exposure {
    /// Numerator of the exposure time in seconds.
    pub time_numerator: u32,
    /// Denominator of the exposure time in seconds.
    pub time_denominator: u32,
    /// The f-number in hundredths.
    pub f_number_hundredths: u32,
    /// The ISO sensitivity.
    pub iso: u32,
    /// The focal length in hundredths of a millimetre.
    pub focal_length_hundredths: u32,
}

impl Exposure {
    pub(super) fn encode(self) -> Vec<u8> {
        let Self { time_numerator, time_denominator, f_number_hundredths, iso, focal_length_hundredths } = self;
        [time_numerator, time_denominator, f_number_hundredths, iso, focal_length_hundredths]
            .into_iter()
            .flat_map(u32::to_le_bytes)
            .collect()
    }

    pub(super) fn decode(value: &[u8]) -> Option<Self> {
        let mut rest = Bytes(value);
        let exposure = Self {
            time_numerator: rest.u32()?,
            time_denominator: rest.u32()?,
            f_number_hundredths: rest.u32()?,
            iso: rest.u32()?,
            focal_length_hundredths: rest.u32()?,
        };
        rest.is_empty().then_some(exposure)
    }
}

/// Where a photo was taken (WGS 84).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Latitude in 10^-7 degrees, north positive.
    pub latitude_e7: i32,
    /// Longitude in 10^-7 degrees, east positive.
    pub longitude_e7: i32,
    /// Altitude in centimetres, if it is known. `i32::MIN` is written as unknown.
    pub altitude_centimetres: Option<i32>,
}

impl Position {
    const UNKNOWN_ALTITUDE: i32 = i32::MIN;

    pub(super) fn encode(self) -> Vec<u8> {
        let altitude = self.altitude_centimetres.unwrap_or(Self::UNKNOWN_ALTITUDE);
        [self.latitude_e7, self.longitude_e7, altitude].into_iter().flat_map(i32::to_le_bytes).collect()
    }

    pub(super) fn decode(value: &[u8]) -> Option<Self> {
        let mut rest = Bytes(value);
        let (latitude_e7, longitude_e7, altitude) = (rest.i32()?, rest.i32()?, rest.i32()?);
        let altitude_centimetres = (altitude != Self::UNKNOWN_ALTITUDE).then_some(altitude);
        rest.is_empty().then_some(Self { latitude_e7, longitude_e7, altitude_centimetres })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_capture_time_has_one_form() {
        for text in ["2019-07-04T18:05:09", "2019-07-04T18:05:09-03:30", "0000-01-31T00:00:60+14:00"] {
            assert!(CaptureTime::parse(text).is_some_and(|time| time.as_str() == text), "{text}");
        }
        for text in [
            "",
            "2019-07-04",
            "2019-07-04 18:05:09",
            "2019:07:04 18:05:09",
            "2019-07-04T18:05:09Z",
            "2019-07-04T18:05:09+0100",
            "2019-07-04T18:05:09+24:00",
            "2019-07-04T18:05:09+01:60",
            "2019-07-04T18:05:09+01:00 ",
            "2019-13-04T18:05:09",
            "2019-07-32T18:05:09",
            "2019-07-00T18:05:09",
            "2019-07-04T24:05:09",
            "2019-07-04T18:60:09",
            "2019-07-04T18:05:61",
            "+019-07-04T18:05:09",
            "2019-07-04T18:05:0\u{663}",
        ] {
            assert!(CaptureTime::parse(text).is_none(), "{text:?}");
        }
    }

    #[test]
    fn a_camera_is_split_at_its_only_nul() {
        let camera = Camera::new("Ricoh\0\0", "GR III\0junk");
        assert_eq!((camera.maker(), camera.model(), camera.text()), ("Ricoh", "GR III", "Ricoh\0GR III"));
        assert!(Camera::of_text("Ricoh\0GR III").is_some_and(|read| read == camera));
        assert!(["", "Ricoh", "Ricoh\0GR\0III"].into_iter().all(|text| Camera::of_text(text).is_none()));
        assert!(Camera::of_text("\0").is_some_and(|read| read == Camera::new("", "")));
    }

    #[test]
    fn an_unknown_altitude_is_the_lowest_number() {
        let position = Position { latitude_e7: -1, longitude_e7: 2, altitude_centimetres: None };
        let bytes = position.encode();
        assert_eq!(bytes, [255, 255, 255, 255, 2, 0, 0, 0, 0, 0, 0, 128]);
        assert!(Position::decode(&bytes).is_some_and(|read| read == position));
        let sea_level = Position { altitude_centimetres: Some(0), ..position };
        assert!(Position::decode(&sea_level.encode()).is_some_and(|read| read == sea_level));
        assert!(Position::decode(&bytes[..11]).is_none());
    }

    #[test]
    fn only_the_eight_orientations_exist() {
        assert!(Orientation::new(0).is_none() && Orientation::new(9).is_none());
        assert!((1..=8).all(|number| Orientation::new(number).is_some_and(|read| read.number() == number)));
    }
}
