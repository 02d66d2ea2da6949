//! What is recorded of a photo besides its pixels, and shown by `show` and `list`: camera, exposure, position, places.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::support::scene::{Scene, samples};

/// An entry of a TIFF directory: its tag, its type, how many values it has, and their bytes.
type Entry = (u16, u16, u32, Vec<u8>);

fn ascii(tag: u16, text: &str) -> Entry {
    (tag, 2, text.len() as u32 + 1, format!("{text}\0").into_bytes())
}

fn short(tag: u16, value: u16) -> Entry {
    (tag, 3, 1, value.to_be_bytes().into())
}

fn long(tag: u16, value: usize) -> Entry {
    (tag, 4, 1, (value as u32).to_be_bytes().into())
}

fn rationals(tag: u16, numbers: &[(u32, u32)]) -> Entry {
    let bytes = numbers.iter().flat_map(|(numerator, denominator)| [*numerator, *denominator]);
    (tag, 5, numbers.len() as u32, bytes.flat_map(u32::to_be_bytes).collect())
}

/// A directory at `start` of a TIFF file, followed by the values that have more than four bytes.
fn directory(start: usize, entries: &[Entry]) -> Vec<u8> {
    let mut table = (entries.len() as u16).to_be_bytes().to_vec();
    let (mut values, values_start) = (Vec::new(), start + 2 + 12 * entries.len() + 4);
    for (tag, kind, count, bytes) in entries {
        table.extend(tag.to_be_bytes().into_iter().chain(kind.to_be_bytes()).chain(count.to_be_bytes()));
        if bytes.len() > 4 {
            table.extend(((values_start + values.len()) as u32).to_be_bytes());
            values.extend(bytes);
        } else {
            table.extend(bytes.iter().copied().chain([0; 4]).take(4));
        }
    }
    [table, vec![0; 4], values].concat()
}

/// A big-endian EXIF block: camera, exposure, and a place in Quito, south of the equator.
fn block() -> Vec<u8> {
    let header = b"MM\0*\0\0\0\x08";
    let first = |exif, gps| {
        let texts = [ascii(0x010F, "RICOH"), ascii(0x0110, "GR III"), short(0x0112, 1)];
        directory(header.len(), &[&texts[..], &[long(0x8769, exif), long(0x8825, gps)]].concat())
    };
    let exif_start = header.len() + first(0, 0).len();
    let exif = directory(
        exif_start,
        &[
            rationals(0x829A, &[(10, 2000)]),
            rationals(0x829D, &[(28, 10)]),
            short(0x8827, 200),
            ascii(0x9003, "2019:07:04 18:05:09"),
            ascii(0x9011, "-05:00"),
            rationals(0x920A, &[(183, 10)]),
            ascii(0xA434, "GR \u{e9}"),
        ],
    );
    let gps_start = exif_start + exif.len();
    let gps = [
        ascii(1, "S"),
        rationals(2, &[(0, 1), (13, 1), (125, 10)]),
        ascii(3, "W"),
        rationals(4, &[(78, 1), (306, 10), (0, 1)]),
        rationals(6, &[(285_025, 100)]),
    ];
    [&header[..], &first(exif_start, gps_start), &exif, &directory(gps_start, &gps)].concat()
}

/// Writes a sample photo with an EXIF block.
fn write_photo(path: &Path, block: &[u8]) {
    let photo = fs::read(&samples(1)[0]).unwrap();
    let length = (2 + 6 + block.len()) as u16;
    let segment = [b"\xFF\xE1", &length.to_be_bytes()[..], b"Exif\0\0", block].concat();
    fs::write(path, [&photo[..2], &segment, &photo[2..]].concat()).unwrap();
}

fn id_of_only_photo(scene: &Scene) -> String {
    scene.run(["list", "--json"]).success().json()[0]["id"].as_str().unwrap().to_owned()
}

#[test]
fn what_the_camera_wrote_is_recorded_and_shown() {
    let scene = Scene::with_vault();
    // The content decides what it is, not the name.
    let file = scene.path("photo.png");
    write_photo(&file, &block());
    scene.run_with(&["add"], [&file]).success();
    let id = id_of_only_photo(&scene);
    let mut shown = scene.run(["show", "--json", &id]).success().json();
    for (key, expected) in [
        ("media_type", json!("image/jpeg")),
        ("captured", json!("2019-07-04T18:05:09-05:00")),
        ("orientation", json!(1)),
        ("camera", json!({ "maker": "RICOH", "model": "GR III" })),
        ("lens", json!("GR \u{e9}")),
        ("exposure", json!({ "seconds": 0.005, "f_number": 2.8, "iso": 200, "focal_length_millimetres": 18.3 })),
        ("position", json!({ "latitude": -0.220_138_9, "longitude": -78.51, "altitude_metres": 2850.25 })),
    ] {
        assert_eq!(shown[key], expected, "{key}");
    }
    // The same without the position, which is told of one photo at a time.
    let object = shown.as_object_mut().unwrap();
    object.retain(|key, _| !matches!(key.as_str(), "position" | "older_copy"));
    assert_eq!(scene.run(["list", "--json"]).success().json(), json!([shown]));

    let text = scene.run(["show", &id]).success().stdout();
    for line in [
        "camera        GR III",
        "maker         RICOH",
        "lens          GR \u{e9}",
        "exposure      1/200 s",
        "aperture      f/2.8",
        "sensitivity   ISO 200",
        "focal length  18.3 mm",
        "place         recorded",
    ] {
        assert!(text.lines().any(|shown| shown == line), "{line:?} is not in {text}");
    }
}

#[test]
fn a_hostile_block_costs_only_its_fields() {
    let scene = Scene::with_vault();
    let mut block = block();
    // All from the first value on: texts with control characters, numbers beyond all ranges, denominators of 0.
    let values = block.len() / 8;
    block[values..].fill(0x01);
    let file = scene.path("hostile.jpg");
    write_photo(&file, &block);
    scene.run_with(&["add"], [&file]).success();
    let id = id_of_only_photo(&scene);
    let shown = scene.run(["show", "--json", &id]).success().json();
    assert_eq!((&shown["lens"], &shown["position"], &shown["exposure"]), (&Value::Null, &Value::Null, &Value::Null));
    let text = scene.run(["show", &id]).success().stdout();
    assert!(!text.contains(|character: char| character.is_control() && character != '\n'), "{text:?}");
}

#[test]
fn every_place_of_a_photo_is_recorded_as_the_system_has_it() {
    let scene = Scene::with_vault();
    let modified = SystemTime::UNIX_EPOCH + Duration::new(1_562_263_509, 123_456_789);
    // Only Linux has names that are not UTF-8, and nanoseconds in every file system.
    #[cfg(target_os = "linux")]
    let (name, bytes, nanoseconds) = {
        use std::os::unix::ffi::OsStrExt;
        (std::ffi::OsStr::from_bytes(b"caf\xE9.jpg"), Some("636166e92e6a7067"), Some(123_456_789))
    };
    #[cfg(not(target_os = "linux"))]
    let (name, bytes, nanoseconds) = (std::ffi::OsStr::new("caf\u{e9}.jpg"), None::<&str>, None::<u32>);
    let place = |folder: &str, below: &str| {
        let folder = scene.path(folder);
        fs::create_dir_all(folder.join(below)).unwrap();
        let file = folder.join(below).join(name);
        fs::copy(&samples(1)[0], &file).unwrap();
        fs::File::options().write(true).open(&file).unwrap().set_modified(modified).unwrap();
        folder
    };
    let (first, second) = (place("first", "2019"), place("second", ""));
    let alone = place("alone", "").join(name);
    scene.run_with(&["add"], [&first]).success();
    scene.run_with(&["add"], [&second, &alone]).success();
    // Nothing new is recorded by a repetition.
    scene.run_with(&["add"], [&first, &second, &alone]).success();

    let shown = scene.run(["show", "--json", &id_of_only_photo(&scene)]).success().json();
    let mut places = shown["places"].as_array().unwrap().clone();
    // The two of the second run are read by several threads.
    places.sort_by_key(|place| place["source"].as_str().unwrap_or("~").to_owned());
    let sources: Vec<_> = places.iter().map(|place| place["source"].as_str().map(Path::new)).collect();
    let [first, second] = [first, second].map(|folder| folder.canonicalize().unwrap());
    assert_eq!(sources, [Some(&*first), Some(&*second), None]);
    let shown_name = name.to_string_lossy();
    for (place, below) in places.iter().zip(["2019/", "", ""]) {
        assert_eq!(place["path"], format!("{below}{shown_name}"));
        let below: String = below.bytes().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(place["path_bytes"], json!(bytes.map(|bytes| format!("{below}{bytes}"))));
        assert_eq!((&place["source_bytes"], &place["modified"]), (&Value::Null, &json!("2019-07-04T18:05:09Z")));
        assert!(nanoseconds.is_none_or(|nanoseconds| place["modified_nanoseconds"] == nanoseconds), "{place}");
    }
    assert_eq!(shown["name"], *shown_name);
}

#[test]
fn a_photo_at_more_places_than_a_record_holds_is_added() {
    let scene = Scene::with_vault();
    let folder = scene.path("copies");
    // Each place takes more than 1,440 bytes, a record has at most 65,528.
    let deep = (0..6).fold(folder.clone(), |folder, _| folder.join("x".repeat(240)));
    fs::create_dir_all(&deep).unwrap();
    for copy in 0..50 {
        fs::copy(&samples(1)[0], deep.join(format!("{copy}.jpg"))).unwrap();
    }
    for added in [1, 0] {
        let summary = scene.run_with(&["add", "--json"], [&folder]).success().json();
        assert_eq!((&summary["added"], &summary["already_present"]), (&json!(added), &json!(50 - added)));
        let listed = scene.run(["list", "--json"]).success().json();
        assert!((35..50).contains(&listed[0]["places"].as_array().unwrap().len()));
    }
    scene.run(["check"]).success();
}

#[test]
fn copies_in_one_run_are_all_recorded_and_none_is_called_present_if_the_photo_is_unusable() {
    let scene = Scene::with_vault();
    let folder = scene.path("copies");
    fs::create_dir_all(&folder).unwrap();
    let whole = fs::read(&samples(1)[0]).unwrap();
    for copy in 0..8 {
        fs::write(folder.join(format!("{copy}.jpg")), &whole).unwrap();
        fs::write(folder.join(format!("{copy} truncated.jpg")), &whole[..whole.len() / 10]).unwrap();
    }
    let summary = scene.run_with(&["add", "--json"], [&folder]).exits(1).json();
    assert_eq!((&summary["added"], &summary["already_present"]), (&json!(1), &json!(7)));
    assert_eq!(summary["failed"].as_array().unwrap().len(), 8, "{summary}");
    let listed = scene.run(["list", "--json"]).success().json();
    assert_eq!(listed[0]["places"].as_array().unwrap().len(), 8, "{listed}");
}
