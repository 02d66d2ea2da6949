//! The records of a segment, `.records`: what is known about each of its images, encrypted as one file.
//!
//! A record is a row of [fields]. Fields that this version does not know are kept and written back,
//! unless they are critical.
//!
//! Nothing here has `Debug`: names, times and places must not be logged.
//!
//! Must never: be written or logged in the clear, or write what readers refuse.

use std::borrow::Cow;
use std::collections::BTreeSet;

use zeroize::Zeroizing;

use super::capture::{Camera, Captured, Exposure, Orientation, Position};
use super::fields;
use super::fields::{Bytes, Field, FieldRef, Fields, Rows, RowsFault};
pub use super::found::{Companion, CompanionRole, Found, LONGEST_PATH_BYTES, Modified, is_path};
use super::hex::{Digest, Hex, Id};
use crate::vault::error::Error;

/// Most bytes of a media type (RFC 6838, 4.2).
pub const LONGEST_MEDIA_TYPE_BYTES: usize = 127;
/// Most bytes of maker and model together, and of a lens.
pub const LONGEST_TEXT_BYTES: usize = 512;
/// Most bytes of a perceptual hash.
pub const LONGEST_PERCEPTUAL_HASH_BYTES: usize = 64;

/// The tags of the fields.
mod tag {
    pub(super) const ID: u16 = 1;
    pub(super) const CONTENT: u16 = 2;
    pub(super) const BYTES: u16 = 3;
    pub(super) const FOUND: u16 = 4;
    pub(super) const MEDIA_TYPE: u16 = 5;
    pub(super) const PIXELS: u16 = 6;
    pub(super) const ORIENTATION: u16 = 7;
    pub(super) const CAPTURED: u16 = 8;
    pub(super) const CAMERA: u16 = 9;
    pub(super) const LENS: u16 = 10;
    pub(super) const EXPOSURE: u16 = 11;
    pub(super) const POSITION: u16 = 12;
    pub(super) const PERCEPTUAL_HASH: u16 = 13;
    pub(super) const COMPANION: u16 = 14;
    pub(super) const ADDED: u16 = 15;
    pub(super) const REMOVED: u16 = 16;
    pub(super) const THUMBNAIL: u16 = 17;
    pub(super) const WITHOUT_VECTOR: u16 = 18;
    pub(super) const BUCKET: u16 = 19;
}

/// What is known about one image. Times are seconds since 1970.
#[derive(Clone, PartialEq, Eq)]
pub struct Record {
    /// The image.
    pub id: Id,
    /// HMAC-SHA-256 of the original, by which a second copy is recognised.
    pub content: Digest,
    /// Bytes of the original.
    pub bytes: u64,
    found: Vec<Found>,
    /// The media type of the original, as `image/jpeg`. Written up to its first NUL.
    pub media_type: Option<String>,
    /// Width and height when the photo is upright.
    pub pixels: Option<Pixels>,
    /// How the stored pixels are to be turned.
    pub orientation: Option<Orientation>,
    /// When the photo was taken, and how that is known.
    pub captured: Option<Captured>,
    /// The camera that took it.
    pub camera: Option<Camera>,
    /// The lens. Written up to its first NUL, as EXIF texts end there.
    pub lens: Option<String>,
    /// How it was exposed.
    pub exposure: Option<Exposure>,
    /// Where it was taken.
    pub position: Option<Position>,
    /// By which similar pictures are recognised.
    pub perceptual_hash: Option<PerceptualHash>,
    /// Files that belong to it.
    pub companions: Vec<Companion>,
    /// When it was added to the vault.
    pub added: Option<i64>,
    /// When it was moved to the trash, if it was.
    pub removed: Option<i64>,
    /// Where its thumbnail is, if it has one.
    pub thumbnail: Option<ThumbnailPlace>,
    /// The spaces in which the image has no vector.
    pub without_vector: BTreeSet<Id>,
    /// Images with the same number are fetched together.
    pub bucket: Option<u64>,
    /// Fields of newer versions, in ascending order of their tags.
    unknown: Vec<Field>,
}

/// Width and height.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Pixels {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
}

/// A perceptual hash: similar pictures have similar hashes.
#[derive(Clone, PartialEq, Eq)]
pub struct PerceptualHash {
    /// The number of the algorithm.
    pub algorithm: u8,
    /// The hash.
    pub hash: Vec<u8>,
}

/// Where a thumbnail is.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ThumbnailPlace {
    /// The part of a pack.
    pub part: Id,
    /// Its number in the part.
    pub number: u32,
}

impl Record {
    /// A record of what is known about every image. `found` is where it was found first.
    #[must_use]
    pub fn new(id: Id, content: Digest, bytes: u64, found: Found) -> Self {
        Self {
            id,
            content,
            bytes,
            found: vec![found],
            media_type: None,
            pixels: None,
            orientation: None,
            captured: None,
            camera: None,
            lens: None,
            exposure: None,
            position: None,
            perceptual_hash: None,
            companions: Vec::new(),
            added: None,
            removed: None,
            thumbnail: None,
            without_vector: BTreeSet::new(),
            bucket: None,
            unknown: Vec::new(),
        }
    }

    /// The places where the photo was found, at least one; the first place first.
    #[must_use]
    pub fn found(&self) -> &[Found] {
        &self.found
    }

    /// The places, to be changed.
    pub fn found_mut(&mut self) -> &mut [Found] {
        &mut self.found
    }

    /// Adds a place where the photo was found too. A record without [room](Self::has_room_for) cannot be written.
    pub fn add_found(&mut self, found: Found) {
        self.found.push(found);
    }

    /// The name of the file, as the system had it: the last part of the first path.
    #[must_use]
    pub fn file_name(&self) -> &[u8] {
        let name = self.found.first().and_then(|found| found.path.rsplit(|byte| *byte == b'/').next());
        name.unwrap_or_default()
    }

    /// The same as text. Bytes that are not UTF-8 are shown as U+FFFD.
    #[must_use]
    pub fn name(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(self.file_name())
    }

    /// Refuses what does not fit into a record.
    ///
    /// # Errors
    /// [`Error::TooLong`], for one text or path or for all of the record; [`Error::NotAPath`].
    pub fn check(&self) -> Result<(), Error> {
        let bytes = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        let camera_bytes = self.camera.as_ref().map_or(0, |camera| camera.text().len());
        let hash_bytes = self.perceptual_hash.as_ref().map_or(0, |hash| hash.hash.len());
        let texts = [
            ("a media type", bytes(&self.media_type), LONGEST_MEDIA_TYPE_BYTES),
            ("the name of a camera", camera_bytes, LONGEST_TEXT_BYTES),
            ("the name of a lens", bytes(&self.lens), LONGEST_TEXT_BYTES),
            ("a perceptual hash", hash_bytes, LONGEST_PERCEPTUAL_HASH_BYTES),
        ];
        let companions = self.companions.iter().map(|companion| &companion.found);
        let paths = self.found.iter().chain(companions).map(|found| ("a path", found.path.len(), LONGEST_PATH_BYTES));
        if let Some((what, actual, limit)) = texts.into_iter().chain(paths).find(|(_, actual, limit)| actual > limit) {
            return Err(Error::TooLong { what, actual, limit });
        }
        let companions = self.companions.iter().map(|companion| &companion.found);
        if self.found.iter().chain(companions).all(|found| is_path(&found.path)) {
            Ok(())
        } else {
            Err(Error::NotAPath)
        }
    }

    /// The fields of the record.
    ///
    /// # Errors
    /// As [`Self::check`].
    pub fn to_fields(&self) -> Result<Vec<Field>, Error> {
        self.check()?;
        let mut row = vec![
            Field::new(tag::ID, &[&self.id.0]),
            Field::new(tag::CONTENT, &[&self.content.0]),
            Field::new(tag::BYTES, &[&self.bytes.to_le_bytes()]),
        ];
        row.extend(self.found.iter().map(|found| Field::new(tag::FOUND, &[&found.encode()])));
        let mut add = |tag, value: Option<Vec<u8>>| row.extend(value.map(|value| Field { tag, value }));
        let time = |seconds: Option<i64>| seconds.map(|seconds| seconds.to_le_bytes().to_vec());
        add(tag::MEDIA_TYPE, self.media_type.as_deref().map(until_nul));
        add(tag::PIXELS, self.pixels.map(Pixels::encode));
        add(tag::ORIENTATION, self.orientation.map(|orientation| vec![orientation.number()]));
        add(tag::CAPTURED, self.captured.as_ref().map(Captured::encode));
        add(tag::CAMERA, self.camera.as_ref().map(|camera| camera.text().as_bytes().to_vec()));
        add(tag::LENS, self.lens.as_deref().map(until_nul));
        add(tag::EXPOSURE, self.exposure.map(Exposure::encode));
        add(tag::POSITION, self.position.map(Position::encode));
        add(tag::PERCEPTUAL_HASH, self.perceptual_hash.as_ref().map(PerceptualHash::encode));
        for companion in &self.companions {
            add(tag::COMPANION, Some(companion.encode()));
        }
        add(tag::ADDED, time(self.added));
        add(tag::REMOVED, time(self.removed));
        add(tag::THUMBNAIL, self.thumbnail.map(ThumbnailPlace::encode));
        let spaces: Vec<u8> = self.without_vector.iter().flat_map(|space| space.0).collect();
        add(tag::WITHOUT_VECTOR, (!spaces.is_empty()).then_some(spaces));
        add(tag::BUCKET, self.bucket.map(|number| number.to_le_bytes().to_vec()));
        row.extend(self.unknown.iter().cloned());
        // Stable, so that repeated fields keep their order.
        row.sort_by_key(|field| field.tag);
        let actual = fields::row_bytes(&row);
        if actual > fields::LARGEST_ROW_BYTES {
            return Err(Error::TooLong { what: "a record", actual, limit: fields::LARGEST_ROW_BYTES });
        }
        Ok(row)
    }

    /// Reads what [`Self::to_fields`] wrote.
    ///
    /// # Errors
    /// [`RowsFault`].
    pub fn of_fields(row: Fields<'_>) -> Result<Self, RowsFault> {
        // First, because such a field may change what the others mean.
        row.clone().filter(|field| !is_known(field.tag)).try_for_each(|field| field.ignorable().map(drop))?;
        let nowhere = Found { source: Hex([0; 16]), path: Vec::new(), modified: None };
        let mut record = Self::new(Hex([0; 16]), Hex([0; 32]), 0, nowhere);
        record.found.clear();
        // A bit for each known tag that was there.
        let mut seen = 0u32;
        for field in row {
            if is_known(field.tag) {
                let bit = 1 << field.tag;
                if seen & bit != 0 && !matches!(field.tag, tag::FOUND | tag::COMPANION) {
                    return Err(RowsFault::Malformed);
                }
                seen |= bit;
            }
            record.add(field).ok_or(RowsFault::Malformed)?;
        }
        let complete = REQUIRED.into_iter().all(|tag| seen & 1 << tag != 0);
        if complete && record.check().is_ok() { Ok(record) } else { Err(RowsFault::Malformed) }
    }

    /// Takes the value of a field; `None` if it has none of its kind.
    fn add(&mut self, field: FieldRef<'_>) -> Option<()> {
        let value = field.value;
        match field.tag {
            tag::ID => self.id = Hex(value.try_into().ok()?),
            tag::CONTENT => self.content = Hex(value.try_into().ok()?),
            tag::BYTES => self.bytes = number(value)?,
            tag::FOUND => self.found.push(Found::decode(value)?),
            tag::MEDIA_TYPE => self.media_type = Some(text(value)?),
            tag::PIXELS => self.pixels = Some(Pixels::decode(value)?),
            tag::ORIENTATION => {
                let [number] = value.try_into().ok()?;
                self.orientation = Some(Orientation::new(number)?);
            }
            tag::CAPTURED => self.captured = Some(Captured::decode(value)?),
            tag::CAMERA => self.camera = Some(Camera::of_text(str::from_utf8(value).ok()?)?),
            tag::LENS => self.lens = Some(text(value)?),
            tag::EXPOSURE => self.exposure = Some(Exposure::decode(value)?),
            tag::POSITION => self.position = Some(Position::decode(value)?),
            tag::PERCEPTUAL_HASH => self.perceptual_hash = Some(PerceptualHash::decode(value)?),
            tag::COMPANION => self.companions.push(Companion::decode(value)?),
            tag::ADDED => self.added = Some(time(value)?),
            tag::REMOVED => self.removed = Some(time(value)?),
            tag::THUMBNAIL => self.thumbnail = Some(ThumbnailPlace::decode(value)?),
            tag::WITHOUT_VECTOR => self.without_vector = spaces(value)?,
            tag::BUCKET => self.bucket = Some(number(value)?),
            _ => self.unknown.push(field.to_field()),
        }
        Some(())
    }
}

/// The tags that every record has.
const REQUIRED: [u16; 4] = [tag::ID, tag::CONTENT, tag::BYTES, tag::FOUND];

fn is_known(tag: u16) -> bool {
    (tag::ID..=tag::BUCKET).contains(&tag)
}

fn number(value: &[u8]) -> Option<u64> {
    value.try_into().ok().map(u64::from_le_bytes)
}

fn time(value: &[u8]) -> Option<i64> {
    value.try_into().ok().map(i64::from_le_bytes)
}

fn text(value: &[u8]) -> Option<String> {
    str::from_utf8(value).ok().filter(|text| !text.contains('\0')).map(str::to_owned)
}

fn until_nul(text: &str) -> Vec<u8> {
    text.split('\0').next().unwrap_or_default().into()
}

/// Ids of spaces: at least one, in ascending order.
fn spaces(value: &[u8]) -> Option<BTreeSet<Id>> {
    let (ids, rest) = value.as_chunks();
    let ascending = ids.is_sorted_by(|one, next| one < next);
    (rest.is_empty() && !ids.is_empty() && ascending).then(|| ids.iter().map(|id| Hex(*id)).collect())
}

impl Pixels {
    fn encode(self) -> Vec<u8> {
        [self.width, self.height].into_iter().flat_map(u32::to_le_bytes).collect()
    }

    fn decode(value: &[u8]) -> Option<Self> {
        let mut rest = Bytes(value);
        let (width, height) = (rest.u32()?, rest.u32()?);
        rest.is_empty().then_some(Self { width, height })
    }
}

impl PerceptualHash {
    fn encode(&self) -> Vec<u8> {
        [&[self.algorithm][..], &self.hash].concat()
    }

    fn decode(value: &[u8]) -> Option<Self> {
        let (algorithm, hash) = value.split_first()?;
        Some(Self { algorithm: *algorithm, hash: hash.to_vec() })
    }
}

impl ThumbnailPlace {
    fn encode(self) -> Vec<u8> {
        [&self.part.0[..], &self.number.to_le_bytes()].concat()
    }

    fn decode(value: &[u8]) -> Option<Self> {
        let mut rest = Bytes(value);
        let (part, number) = (Hex(rest.array()?), rest.u32()?);
        rest.is_empty().then_some(Self { part, number })
    }
}

/// The plaintext of the records of a segment, in slot order.
///
/// # Errors
/// As [`Record::check`].
pub fn encode<'a>(records: impl IntoIterator<Item = &'a Record>) -> Result<Zeroizing<Vec<u8>>, Error> {
    let rows: Vec<Vec<Field>> = records.into_iter().map(Record::to_fields).collect::<Result<_, _>>()?;
    fields::encode_rows(&rows)
}

/// Reads what [`encode`] wrote for a segment of `images` images.
///
/// # Errors
/// [`RowsFault`].
pub fn decode(plaintext: &[u8], images: usize) -> Result<Vec<Record>, RowsFault> {
    of_rows(&Rows::decode(plaintext, images)?, images)
}

/// The records in decompressed rows.
///
/// # Errors
/// [`RowsFault`], that of the first row which has one.
pub fn of_rows(rows: &Rows, images: usize) -> Result<Vec<Record>, RowsFault> {
    if rows.len() != images {
        return Err(RowsFault::Malformed);
    }
    rows.iter().map(Record::of_fields).collect()
}

#[cfg(test)]
mod tests {
    use super::super::capture::{CaptureTime, Origin};
    use super::super::fields::tests::numbers;
    use super::*;

    fn found(path: &[u8]) -> Found {
        Found { source: Hex([3; 16]), path: path.to_vec(), modified: Some(Modified { seconds: -1, nanoseconds: 5 }) }
    }

    fn least() -> Record {
        Record::new(Hex([1; 16]), Hex([2; 32]), 3, Found { modified: None, ..found(b"a/b/photo.jpg") })
    }

    /// A record with some of the fields, by chance.
    fn random_record(random: &mut impl FnMut() -> u64) -> Record {
        let mut record = least();
        let mut chance = || random() >> 32;
        record.bytes = chance();
        for place in 0..chance() % 3 {
            record.add_found(found(format!("other {place}/\u{e9}").as_bytes()));
        }
        let mut some = |present: u64| (chance() & present != 0).then(|| chance() as u32);
        record.media_type = some(1).map(|_| "image/jpeg".to_owned());
        record.pixels = some(1).map(|width| Pixels { width, height: 7 });
        record.orientation = some(1).and_then(|number| Orientation::new(number as u8 % 8 + 1));
        record.captured = some(1).map(|origin| Captured {
            origin: Origin(origin as u8),
            time: CaptureTime::parse("2019-07-04T18:05:09.25-03:30").unwrap(),
        });
        record.camera = some(1).map(|number| Camera::new("Ricoh", &number.to_string()));
        record.lens = some(1).map(|_| String::new());
        record.exposure = some(1).map(|iso| Exposure { iso, ..Exposure::default() });
        record.position = some(1).map(|at| Position {
            latitude_e7: at as i32,
            longitude_e7: -4,
            altitude_centimetres: (at % 2 == 0).then_some(0),
        });
        record.perceptual_hash =
            some(1).map(|number| PerceptualHash { algorithm: 1, hash: number.to_le_bytes().into() });
        for number in (0..3).filter_map(|_| some(1)) {
            record.companions.push(Companion {
                role: CompanionRole(number as u8),
                id: Hex([4; 16]),
                content: Hex([6; 32]),
                bytes: number.into(),
                found: found(b"photo.mov"),
            });
        }
        record.added = some(1).map(|seconds| -i64::from(seconds));
        record.removed = some(1).map(i64::from);
        record.thumbnail = some(1).map(|number| ThumbnailPlace { part: Hex([7; 16]), number });
        record.without_vector.extend((0..3).filter_map(|_| some(1)).map(|number| Hex([number as u8; 16])));
        record.bucket = some(1).map(u64::from);
        record.unknown = some(1).into_iter().map(|number| Field::new(20 + number as u16 % 1000, &[b"later"])).collect();
        record
    }

    #[test]
    fn records_come_back() {
        let mut random = numbers(3);
        for count in [0, 1, 2, 300] {
            let records: Vec<_> = (0..count).map(|_| random_record(&mut random)).collect();
            let plaintext = encode(&records).unwrap();
            assert!(decode(&plaintext, count).is_ok_and(|read| read == records), "{count}");
            assert!(decode(&plaintext, count + 1).is_err(), "fewer records than images");
            assert!(count == 0 || decode(&plaintext, count - 1).is_err(), "more records than images");
        }
    }

    #[test]
    fn accepted_records_have_one_encoding() {
        let mut random = numbers(4);
        let mut accepted = 0;
        for _ in 0..20_000 {
            let fields = random_record(&mut random).to_fields().unwrap();
            let mut content = fields::encode_content(&[fields]).unwrap();
            let at = random() as usize % content.len();
            content[at] = random() as u8;
            let Ok(rows) = Rows::of_content(content.clone(), 1) else { continue };
            if let Ok(records) = of_rows(&rows, 1) {
                let again: Vec<_> = records.iter().map(|record| record.to_fields().unwrap()).collect();
                assert!(*fields::encode_content(&again).unwrap() == *content);
                accepted += 1;
            }
        }
        assert!(accepted > 1000, "{accepted}");
    }

    #[test]
    fn the_fields_are_laid_out_as_specified() {
        let fields = least().to_fields().unwrap();
        assert_eq!(fields.iter().map(|field| field.tag).collect::<Vec<_>>(), [1, 2, 3, 4]);
        let place = [&[3; 16][..], &[0; 8], &[0xFF; 4], b"a/b/photo.jpg"].concat();
        assert_eq!(fields[3].value, place);
    }

    fn changed(change: impl FnOnce(&mut Vec<Field>)) -> Result<Record, RowsFault> {
        let mut fields = least().to_fields().unwrap();
        change(&mut fields);
        fields.sort_by_key(|field| field.tag);
        let rows = Rows::of_content(fields::encode_content(&[fields]).unwrap(), 1).unwrap();
        rows.iter().map(Record::of_fields).next().unwrap()
    }

    #[test]
    fn required_fields_and_no_second_ones() {
        for at in 0..4 {
            assert!(changed(|fields| drop(fields.remove(at))).is_err(), "without field {}", at + 1);
        }
        for at in 0..3 {
            assert!(changed(|fields| fields.push(fields[at].clone())).is_err(), "field {} twice", at + 1);
        }
        assert!(changed(|fields| fields.push(fields[3].clone())).is_ok_and(|record| record.found().len() == 2));
        for tag in (5..=19).filter(|tag| *tag != tag::COMPANION) {
            let field = Field::new(tag, &[b"\0"]);
            assert!(changed(|fields| fields.extend([field.clone(), field])).is_err(), "field {tag} twice");
        }
    }

    #[test]
    fn a_field_of_a_newer_version_is_kept_or_refused() {
        let later = Field::new(20, &[b"later"]);
        let read = changed(|fields| fields.extend([later.clone(), later.clone()])).unwrap();
        assert!(read.to_fields().unwrap()[4..] == [later.clone(), later]);
        let read = changed(|fields| {
            fields.clear();
            fields.push(Field::new(40_000, &[b"critical"]));
        });
        assert!(matches!(read, Err(RowsFault::UnknownField { tag: 40_000 })));
    }

    #[test]
    fn values_of_another_kind_are_refused() {
        for tag in [1, 2, 3, 4, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 17, 18, 19] {
            let refused = changed(|fields| {
                fields.retain(|field| field.tag != tag);
                fields.push(Field::new(tag, &[]));
            });
            assert!(refused.is_err(), "an empty field {tag}");
        }
        for (tag, value) in [
            (tag::MEDIA_TYPE, &b"\xFF"[..]),
            (tag::MEDIA_TYPE, &[b'a'; 128]),
            (tag::ORIENTATION, &[9]),
            (tag::CAPTURED, b"\x012019"),
            (tag::CAPTURED, b"2019-07-04T18:05:09"),
            (tag::CAMERA, b"no NUL"),
            (tag::LENS, &[b'a'; 513]),
            (tag::LENS, b"a\0"),
            (tag::FOUND, &[&[0xFF; 28][..], b"a"].concat()),
            (tag::FOUND, &[&[3; 16][..], &[0; 12], b"../a"].concat()),
            (tag::PERCEPTUAL_HASH, &[1; 66]),
            (tag::WITHOUT_VECTOR, &[2; 32]),
            (tag::WITHOUT_VECTOR, &[&[2; 16][..], &[1; 16]].concat()),
            (tag::WITHOUT_VECTOR, &[2; 17]),
        ] {
            assert!(changed(|fields| fields.push(Field::new(tag, &[value]))).is_err(), "field {tag}");
        }
        let times = [&[3; 16][..], &[1, 0, 0, 0, 0, 0, 0, 0], &[0xFF; 4], b"a"].concat();
        assert!(changed(|fields| fields[3].value = times).is_err(), "an unknown time with seconds");
    }

    #[test]
    fn what_does_not_fit_is_refused_before_it_is_written() {
        let mut record = least();
        record.found_mut()[0].path = vec![b'x'; LONGEST_PATH_BYTES];
        assert!(record.check().is_ok());
        record.found_mut()[0].path.push(b'x');
        assert!(matches!(record.check(), Err(Error::TooLong { what: "a path", actual: 4097, limit: 4096 })));
        let mut record = least();
        record.lens = Some("x".repeat(513));
        assert!(matches!(record.check(), Err(Error::TooLong { what: "the name of a lens", actual: 513, .. })));
        let mut record = least();
        for _ in 0..16 {
            record.add_found(found(&[b'x'; LONGEST_PATH_BYTES]));
        }
        assert!(matches!(encode(&[record]), Err(Error::TooLong { what: "a record", .. })));
    }

    #[test]
    fn a_text_is_written_up_to_its_first_nul() {
        let mut record = least();
        record.media_type = Some("image/jpeg\0\0".to_owned());
        record.lens = Some("\0".to_owned());
        let read = decode(&encode([&record]).unwrap(), 1).unwrap().remove(0);
        assert!(read.media_type.as_deref() == Some("image/jpeg") && read.lens.as_deref() == Some(""));
    }

    #[test]
    fn a_name_is_the_end_of_the_first_path() {
        let name = |path: &[u8]| Record::new(Hex([1; 16]), Hex([2; 32]), 3, found(path)).name().into_owned();
        assert_eq!(name(b"2019/july/beach.jpg"), "beach.jpg");
        assert_eq!(name(b"beach.jpg"), "beach.jpg");
        assert_eq!(name(b"a/caf\xE9.jpg"), "caf\u{fffd}.jpg");
        assert_eq!(name(b""), "");
    }
}
