//! What a camera wrote into a photo: camera, lens, exposure, position and the like, as a record keeps it and as it is
//! shown.
//!
//! Nothing here has `Debug`: times and places must not be logged.
//!
//! Must never: parse a photo; `exif` does.

pub use crate::vault::{Camera, CaptureTime, Exposure, Orientation, Position};
use crate::vault::{Captured, Origin, Record};

/// What a camera wrote into a photo; `None` for what it did not write. Texts may hold anything and must be made inert
/// before they are shown.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct CameraData {
    /// When the photo was taken.
    pub captured: Option<CaptureTime>,
    /// How the stored pixels are to be turned.
    pub orientation: Option<Orientation>,
    /// The camera.
    pub camera: Option<Camera>,
    /// The lens.
    pub lens: Option<String>,
    /// The exposure.
    pub exposure: Option<Exposure>,
    /// Where the photo was taken.
    pub position: Option<Position>,
}

impl CameraData {
    /// What a record has. `None` for a photo that was added before such data was recorded: photos that are added now
    /// have a media type, even without anything from a camera.
    #[must_use]
    pub(super) fn of_record(record: &Record) -> Option<Self> {
        let data = Self {
            captured: record.captured.as_ref().map(|captured| captured.time.clone()),
            orientation: record.orientation,
            camera: record.camera.clone(),
            lens: record.lens.clone(),
            exposure: record.exposure,
            position: record.position,
        };
        record.media_type.is_some().then_some(data)
    }

    /// Puts what was read from an EXIF block into a record.
    pub(super) fn write_to(self, record: &mut Record) {
        let Self { captured, orientation, camera, lens, exposure, position } = self;
        record.captured = captured.map(|time| Captured { origin: Origin::EXIF, time });
        (record.orientation, record.camera, record.lens) = (orientation, camera, lens);
        (record.exposure, record.position) = (exposure, position);
    }

    /// Labels and values to show: of the camera, the lens and the exposure. Of a position it says only that there is
    /// one, because somebody else may see the screen.
    #[must_use]
    pub fn shown(&self) -> Vec<(String, String)> {
        let known = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let exposure = self.exposure.unwrap_or_default();
        let values = [
            ("camera", self.camera.as_ref().and_then(|camera| known(camera.model()))),
            ("maker", self.camera.as_ref().and_then(|camera| known(camera.maker()))),
            ("lens", self.lens.as_deref().and_then(known)),
            ("exposure", seconds(exposure).map(|seconds| exposure_time(exposure, seconds))),
            ("aperture", hundredths(exposure.f_number_hundredths).map(|number| format!("f/{number}"))),
            ("sensitivity", (exposure.iso > 0).then(|| format!("ISO {}", exposure.iso))),
            ("focal length", hundredths(exposure.focal_length_hundredths).map(|length| format!("{length} mm"))),
            ("place", self.position.map(|_| "recorded".to_owned())),
        ];
        values.into_iter().filter_map(|(label, value)| Some((label.to_owned(), value?))).collect()
    }
}

/// The exposure time in seconds, if it is known.
#[must_use]
pub fn seconds(exposure: Exposure) -> Option<f64> {
    let Exposure { time_numerator, time_denominator, .. } = exposure;
    let is_known = time_numerator > 0 && time_denominator > 0;
    is_known.then(|| f64::from(time_numerator) / f64::from(time_denominator))
}

/// The value of a number of hundredths, in which 0 stands for what is unknown.
#[must_use]
pub fn hundredths(number: u32) -> Option<f64> {
    (number > 0).then(|| f64::from(number) / 100.0)
}

/// As cameras show it: short times as fractions of a second, others with one decimal.
fn exposure_time(exposure: Exposure, seconds: f64) -> String {
    let is_fraction = exposure.time_denominator.is_multiple_of(exposure.time_numerator) || seconds < 0.25;
    if seconds < 1.0 && is_fraction {
        format!("1/{:.0} s", seconds.recip())
    } else {
        format!("{} s", (seconds * 10.0).round() / 10.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exposure_times_are_written_as_cameras_show_them() {
        let shown = |time_numerator, time_denominator| {
            let exposure = Exposure { time_numerator, time_denominator, ..Exposure::default() };
            CameraData { exposure: Some(exposure), ..CameraData::default() }.shown().pop().map(|(_, value)| value)
        };
        for (time, text) in [
            ((1, 200), "1/200 s"),
            ((10, 2000), "1/200 s"),
            ((1, 3), "1/3 s"),
            ((3, 10), "0.3 s"),
            ((300, 100_000), "1/333 s"),
            ((1, 1), "1 s"),
            ((25, 10), "2.5 s"),
            ((1, u32::MAX), "1/4294967295 s"),
            ((u32::MAX, 1), "4294967295 s"),
        ] {
            assert_eq!(shown(time.0, time.1).as_deref(), Some(text));
        }
        assert!(shown(0, 200).is_none() && shown(1, 0).is_none() && shown(0, 0).is_none());
    }

    #[test]
    fn only_what_is_known_is_shown_and_no_coordinates() {
        assert!(CameraData::default().shown().is_empty());
        let data = CameraData {
            camera: Some(Camera::new("", "X10")),
            exposure: Some(Exposure { f_number_hundredths: 280, focal_length_hundredths: 1830, ..Exposure::default() }),
            position: Some(Position { latitude_e7: 1, longitude_e7: 2, altitude_centimetres: None }),
            ..CameraData::default()
        };
        let shown: Vec<_> = data.shown().into_iter().map(|(label, value)| format!("{label}: {value}")).collect();
        assert_eq!(shown, ["camera: X10", "aperture: f/2.8", "focal length: 18.3 mm", "place: recorded"]);
    }
}
