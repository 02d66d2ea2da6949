//! Photos as JSON objects.
//!
//! Must never: show where a photo was taken unless that was asked for.

use std::borrow::Cow;

use serde::Serialize;

use super::output::instant;
use crate::services::camera_data::{self, CameraData, Exposure, Position};
use crate::services::library::{PhotoId, Place, StoredPhoto};

/// A stored photo.
#[derive(Serialize)]
pub(super) struct PhotoObject<'a> {
    id: PhotoId,
    name: &'a str,
    width: u32,
    height: u32,
    bytes: u64,
    modified: Option<String>,
    captured: Option<&'a str>,
    media_type: Option<&'a str>,
    places: Vec<PlaceObject<'a>>,
}

impl<'a> PhotoObject<'a> {
    pub(super) fn new(photo: &'a StoredPhoto) -> Self {
        Self {
            id: photo.id,
            name: &photo.name,
            width: photo.width,
            height: photo.height,
            bytes: photo.bytes,
            modified: photo.modified.map(instant),
            captured: photo.captured.as_deref(),
            media_type: photo.media_type.as_deref(),
            places: photo.places.iter().map(PlaceObject::new).collect(),
        }
    }
}

/// A stored photo with what its camera wrote; without the position.
#[derive(Serialize)]
pub(super) struct DescribedPhotoObject<'a> {
    #[serde(flatten)]
    photo: PhotoObject<'a>,
    orientation: Option<u8>,
    camera: Option<CameraObject<'a>>,
    lens: Option<&'a str>,
    exposure: Option<ExposureObject>,
}

impl<'a> DescribedPhotoObject<'a> {
    pub(super) fn new(photo: &'a StoredPhoto, data: Option<&'a CameraData>) -> Self {
        let camera = data.and_then(|data| data.camera.as_ref());
        Self {
            photo: PhotoObject::new(photo),
            orientation: data.and_then(|data| Some(data.orientation?.number())),
            camera: camera.map(|camera| CameraObject { maker: camera.maker(), model: camera.model() }),
            lens: data.and_then(|data| data.lens.as_deref()),
            exposure: data.and_then(|data| data.exposure).map(ExposureObject::new),
        }
    }
}

/// A place where a photo was found.
#[derive(Serialize)]
struct PlaceObject<'a> {
    source: Option<Cow<'a, str>>,
    source_bytes: Option<String>,
    path: Cow<'a, str>,
    path_bytes: Option<String>,
    modified: Option<String>,
    modified_nanoseconds: Option<u32>,
}

impl<'a> PlaceObject<'a> {
    fn new(place: &'a Place) -> Self {
        Self {
            source: place.source.as_deref().map(String::from_utf8_lossy),
            source_bytes: place.source.as_deref().and_then(bytes_if_not_text),
            path: String::from_utf8_lossy(&place.path),
            path_bytes: bytes_if_not_text(&place.path),
            modified: place.modified.map(|(seconds, _)| instant(seconds)),
            modified_nanoseconds: place.modified.map(|(_, nanoseconds)| nanoseconds),
        }
    }
}

/// In hexadecimal, if they are not UTF-8: as text they would not be what they were.
fn bytes_if_not_text(bytes: &[u8]) -> Option<String> {
    str::from_utf8(bytes).is_err().then(|| bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[derive(Serialize)]
struct CameraObject<'a> {
    maker: &'a str,
    model: &'a str,
}

#[derive(Serialize)]
struct ExposureObject {
    seconds: Option<f64>,
    f_number: Option<f64>,
    iso: Option<u32>,
    focal_length_millimetres: Option<f64>,
}

impl ExposureObject {
    fn new(exposure: Exposure) -> Self {
        Self {
            seconds: camera_data::seconds(exposure),
            f_number: camera_data::hundredths(exposure.f_number_hundredths),
            iso: Some(exposure.iso).filter(|iso| *iso > 0),
            focal_length_millimetres: camera_data::hundredths(exposure.focal_length_hundredths),
        }
    }
}

/// Where a photo was taken.
#[derive(Serialize)]
pub(super) struct PositionObject {
    latitude: f64,
    longitude: f64,
    altitude_metres: Option<f64>,
}

impl PositionObject {
    pub(super) fn new(position: Position) -> Self {
        Self {
            latitude: f64::from(position.latitude_e7) / 1e7,
            longitude: f64::from(position.longitude_e7) / 1e7,
            altitude_metres: position.altitude_centimetres.map(|centimetres| f64::from(centimetres) / 100.0),
        }
    }
}
