//! What a camera wrote into a photo (EXIF 2.32), in a few lines.

use std::io::Cursor;

use exif::{In, Reader, Tag};

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
/// A longer value is cut: a hostile file may hold anything.
const LONGEST_VALUE: usize = 60;

/// Names and values that the photo holds; none when it holds no such block.
pub(super) fn fields(photo: &[u8]) -> Vec<(String, String)> {
    let Ok(block) = Reader::new().read_from_container(&mut Cursor::new(photo)) else { return Vec::new() };
    let mut fields: Vec<(String, String)> = SHOWN
        .iter()
        .filter_map(|(name, tag)| {
            let field = block.get_field(*tag, In::PRIMARY)?;
            let value: String = field.display_value().with_unit(&block).to_string();
            let value: String = value.trim_matches('"').chars().take(LONGEST_VALUE).collect();
            Some(((*name).to_owned(), value))
        })
        .collect();
    if block.get_field(Tag::GPSLatitude, In::PRIMARY).is_some() {
        fields.push(("place".to_owned(), "recorded".to_owned()));
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_photo_without_a_block_has_no_fields() {
        assert!(fields(b"no photo").is_empty());
    }

    #[test]
    fn fields_are_read_from_a_tiff_block() {
        // A little-endian TIFF with one entry: Model (0x0110), ASCII, 4 bytes, "X1\0\0".
        let mut tiff = b"II*\0\x08\0\0\0\x01\0".to_vec();
        tiff.extend([0x10, 0x01, 2, 0, 4, 0, 0, 0, b'X', b'1', b'0', 0]);
        tiff.extend([0, 0, 0, 0]);
        assert_eq!(fields(&tiff), [("camera".to_owned(), "X10".to_owned())]);
    }
}
