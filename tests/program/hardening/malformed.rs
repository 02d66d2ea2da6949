//! Row "malformed files": every parser of bytes from outside is fed valid files and mutations of them, the same in each
//! run: 100,000 each, and 25,000 where one takes most of a millisecond. It needs no compiler but Rust's. For a long
//! run: `.ci/long/fuzz`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::sync::LazyLock;

use cipherlens::ckks::{ANSWER_BYTES, CheckVectors, Parameters, PublicContext, SecretContext};
use cipherlens::vault::format::fields::{Field, encode_rows};
use cipherlens::vault::format::history::Ancestor;
use cipherlens::vault::format::list::{self, ImageList};
use cipherlens::vault::format::tombstone::Tombstone;
use cipherlens::vault::format::{chunks, old, record, table, vectors};
use cipherlens::vault::{Digest, Extension, Found, Hex, ListedImage, Record, Seen, Source};
use image::{DynamicImage, ImageFormat, Rgb, RgbImage};

use crate::hardening::targets::{HOST_VAULT, HostVault, IMAGES, SEGMENT, SMALL_DIMENSION, TARGETS, run};
use crate::support::requests::{Request, answered, frame, frames, greeting, kinds, making, questions};
use crate::support::vault_fixture::{DIMENSION, Fixture, files, fill_grouped, restore};

const EXECUTIONS: usize = 100_000;

/// Executions of the targets that take most of a millisecond each.
const EXECUTIONS_OF_SLOW_TARGETS: usize = 25_000;

/// The environment variable that sets the number of executions.
const EXECUTIONS_VARIABLE: &str = "CIPHERLENS_FUZZ_EXECUTIONS";

/// The plaintext of a page of a table.
fn page(rows: Vec<Vec<Field>>) -> Vec<u8> {
    encode_rows(&rows).unwrap().to_vec()
}

/// Valid files for a target.
fn corpus(target: &str) -> Vec<Vec<u8>> {
    static VAULT: LazyLock<Vec<(String, Vec<u8>)>> = LazyLock::new(|| {
        let fixture = Fixture::new();
        fill_grouped(&fixture.open(), 0..IMAGES as u32);
        files(&fixture.root()).into_iter().map(|(path, bytes)| (path.to_str().unwrap().to_owned(), bytes)).collect()
    });
    let of_vault = |ending: &'static str| {
        VAULT.iter().filter(move |(path, _)| path.ends_with(ending)).map(|(_, bytes)| bytes.clone())
    };
    match target {
        "header" => of_vault("header").chain([version_1("header")]).collect(),
        "mapping" => of_vault("mapping.json").chain([version_1("mapping.json")]).collect(),
        "image_list" => {
            let listed = |number: u8| {
                let extension = Extension::of(Path::new("x.jpg"));
                ListedImage { id: Hex([number; 16]), extension, photo: Digest::of(&[&[number]]) }
            };
            let list = |companions| ImageList { images: vec![listed(2), listed(1)], companions };
            let id = SEGMENT.parse().unwrap();
            vec![list::encode(id, &list(Vec::new())), list::encode(id, &list(vec![listed(3), listed(4)]))]
        }
        "group_list" => {
            let text = String::from_utf8(of_vault(".group").next().unwrap()).unwrap();
            let own = text.split('"').nth(3).unwrap().to_owned();
            vec![text.replace(&own, SEGMENT).into_bytes()]
        }
        "hints" => of_vault(".hints").collect(),
        "records" => {
            let record = |number: u8| {
                let found = Found { source: Hex([number; 16]), path: b"a/b.jpg".to_vec(), modified: None };
                Record::new(Hex([number; 16]), Hex([number; 32]), 7, found)
            };
            vec![record::encode(&[record(1), record(2)]).unwrap().to_vec()]
        }
        "sources" => {
            let source = Source::new(Hex([1; 16]), "photos".to_owned(), 1_700_000_000, b"/home/ann/photos".to_vec());
            vec![page(table::rows_of_sources(&[source]).unwrap())]
        }
        "history" => {
            let row =
                |number: u8| Ancestor::from(Seen { generation: number.into(), tag: Hex([number; 64]) }).to_fields();
            vec![page(vec![row(1), row(2), row(3)])]
        }
        "tombstones" => {
            let row = |number: u8| Tombstone::new(Hex([number; 32]), 1_700_000_000, b"a.jpg".to_vec()).to_fields();
            vec![page(vec![row(1), row(2)])]
        }
        "pack_list" => of_vault(".parts").collect(),
        // Two thumbnails, one that was dropped, and one more.
        "part_index" => {
            let entry = |number: u8, bytes: u32| [&[number; 16][..], &bytes.to_le_bytes()].concat();
            vec![[entry(1, 1_000), entry(2, 90_000), entry(3, 0), entry(4, 64)].concat(), Vec::new()]
        }
        "chunks" => [chunks::LARGEST_WHOLE_BYTES as u64 + 1, 1 << 30, chunks::LARGEST_ORIGINAL_BYTES]
            .map(|bytes| [&chunks::file_bytes(bytes).to_le_bytes()[..], &[7; 200]].concat())
            .into(),
        // Two images, as a page and as a file.
        "tags" => {
            let tag = |number: u8| [&[number; 32][..], &[number; 16], &[0; 4]].concat();
            of_vault(".tags").chain([[tag(1), tag(2)].concat(), [tag(2), tag(2)].concat()]).collect()
        }
        "exact_vectors" => {
            let vector = vectors::rounded(&[0.1; SMALL_DIMENSION]);
            vec![vectors::encode([Some(vector.as_slice()), None].into_iter(), SMALL_DIMENSION).to_vec()]
        }
        "check_vectors" => {
            let parameters = Parameters::for_dimension(SMALL_DIMENSION).unwrap();
            vec![CheckVectors::empty(&parameters, 1).to_bytes().to_vec()]
        }
        "journal" => {
            let id = "000102030405060708090a0b0c0d0e0f";
            let path = |path: &str| format!("\n{}\n", path.replace("ID", id));
            let paths = ["images/ID.jpg.aes", "features/ID.checks", "features/ID.group", "thumbnails/ID.pack"];
            let all: String = paths.iter().map(|name| path(&format!("encrypted_{name}"))).collect();
            vec![all.clone().into(), (all + &path("mapping.json") + &path("../ID")).into()]
        }
        "old_formats" => old_files(),
        "object" => {
            let padded = [&5u64.to_le_bytes()[..], b"photo", &[0; 3]].concat();
            of_vault(".aes").chain([padded]).collect()
        }
        "contexts" => {
            let parameters = Parameters::for_dimension(DIMENSION).unwrap();
            let secret = SecretContext::generate(parameters).unwrap();
            vec![PublicContext::generate(parameters).unwrap().to_bytes(), secret.to_bytes().to_vec()]
        }
        "metadata" => photos().into_iter().chain([exif()]).collect(),
        "photo" => photos(),
        "configuration" => ["keymap.toml", "themes/terminal.toml", "themes/contrast.toml"]
            .map(|name| {
                fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/services/settings").join(name)).unwrap()
            })
            .into_iter()
            .chain([b"vault = \"/v\"\nthreshold = 0.5\npreview = \"off\"\n".to_vec()])
            .collect(),
        "host" => requests(),
        // Each kind of answer, all of them in a row, and the two kinds of lists.
        "answers" => {
            let path = "encrypted_images/000102030405060708090a0b0c0d0e0f.jpg.aes";
            let object = [&[path.len() as u8], path.as_bytes()].concat();
            let listing = [&object[..], &[7; 8], b"\x06header", &[1, 0, 0, 0, 0, 0, 0, 0]].concat();
            let replies =
                [run(64, b"some file"), run(65, &[3; 8]), run(66, &[]), run(67, &[]), run(68, b"\x01missing")];
            let all = replies.concat();
            replies.into_iter().chain([all, listing, object, vec![0; 64]]).collect()
        }
        other => panic!("there is no target {other}"),
    }
}

/// A file of the vault of format 1 in the repository.
fn version_1(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/vault_version_1").join(name)).unwrap()
}

/// An image list, a catalogue, the list of a group, and vectors of formats 1 and 2.
fn old_files() -> Vec<Vec<u8>> {
    let (digest, id) = ("ab".repeat(32), "cd".repeat(16));
    let mapping = String::from_utf8(version_1("mapping.json")).unwrap();
    let own = mapping.split("\"id\": \"").nth(1).unwrap()[..32].to_owned();
    let list = String::from_utf8(version_1(&format!("encrypted_features/{own}.json"))).unwrap();
    let image = format!(
        "{{\"id\":\"{id}\",\"extension\":\"jpg\",\"photo\":\"{digest}\",\
         \"thumbnail\":{{\"id\":\"{id}\",\"digest\":\"{digest}\"}}}}"
    );
    let two = format!("{{\"segment\":\"{SEGMENT}\",\"images\":[{image},{image}]}}");
    let files = ["ckks", "json", "hints", "vectors", "catalogue"].map(|name| format!("\"{name}\":\"{digest}\""));
    let segment = format!("{{\"id\":\"{id}\",\"images\":{IMAGES},{}}}", files.join(","));
    let group = format!("{{\"group\":\"{SEGMENT}\",\"segments\":[{segment}]}}");
    let photo = |name: &str| {
        format!(
            "{{\"id\":\"{id}\",\"content\":\"{digest}\",\"details\":{{\"name\":\"{name}\",\"bytes\":5,\"modified\":7,\
             \"captured\":\"2024-05-06T07:08:09\",\"width\":640,\"height\":480}}}}"
        )
    };
    let catalogue = format!("[{},{}]", photo("holiday.jpg"), photo("../a\\u0000b/.."));
    let vectors = vec![0x3D; old::vectors::VECTOR_BYTES];
    vec![list.replace(&own, SEGMENT).into(), two.into(), group.into(), catalogue.into(), vectors]
}

/// Valid requests: each kind by itself, all questions in a row, all that create a vault in a row, and a search. Those
/// with a complete query or vault are large, so each appears only once.
fn requests() -> Vec<Vec<u8>> {
    let HostVault { files, scan } = &*HOST_VAULT;
    // A writer need not stage every file that the mapping names; without the blocks this is a thousandth of the size.
    let small = files
        .iter()
        .filter(|(_, content)| content.len() < 10_000)
        .map(|(path, content)| (path.clone(), content.clone()));
    let (questions, making) = (questions(files), making(&small.collect::<BTreeMap<_, _>>()));
    let sent: BTreeSet<u8> = questions.iter().chain(&making).map(|(kind, _)| *kind).chain([7, 15, scan.0]).collect();
    assert_eq!(sent, kinds().collect(), "every kind is sent");
    let runs =
        |requests: &[Request]| requests.iter().flat_map(|(kind, payload)| run(*kind, payload)).collect::<Vec<_>>();
    let mut all: Vec<Vec<u8>> =
        questions.iter().chain(&making).map(|request| runs(std::slice::from_ref(request))).collect();
    all.extend([run(7, &[1]), run(15, &[]), [run(7, &[0]), runs(&making[1..])].concat(), runs(&questions)]);
    all.extend([runs(&making), [runs(std::slice::from_ref(scan)), run(15, &[])].concat()]);
    all
}

/// A big-endian TIFF block with an orientation, a time, and the directory that holds the time.
fn exif() -> Vec<u8> {
    let mut block =
        b"MM\0*\0\0\0\x08\0\x02\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\x87\x69\0\x04\0\0\0\x01\0\0\0\x26\0\0\0\0".to_vec();
    block.extend(b"\0\x02\x90\x03\0\x02\0\0\0\x14\0\0\0\x44\x90\x11\0\x02\0\0\0\x07\0\0\0\x58\0\0\0\0");
    block.extend(b"2024:05:06 07:08:09\0+02:00\0");
    block
}

/// A small photo in every format, and one with EXIF.
fn photos() -> Vec<Vec<u8>> {
    use ImageFormat::{Bmp, Gif, Ico, Jpeg, Png, Pnm, Qoi, Tga, Tiff, WebP};
    let picture = DynamicImage::ImageRgb8(RgbImage::from_fn(16, 12, |x, y| Rgb([(x * 16) as u8, (y * 20) as u8, 90])));
    let encoded = |format: ImageFormat| {
        let mut bytes = Cursor::new(Vec::new());
        let pixels = if format == Ico { picture.to_rgba8().into() } else { picture.clone() };
        pixels.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    };
    let mut all: Vec<Vec<u8>> = [Bmp, Gif, Ico, Jpeg, Png, Pnm, Qoi, Tga, Tiff, WebP].map(encoded).into();
    let jpeg = encoded(Jpeg);
    let block = [b"Exif\0\0".as_slice(), &exif()].concat();
    let length = (block.len() as u16 + 2).to_be_bytes();
    all.push([&jpeg[..2], &[0xFF, 0xE1], &length, &block, &jpeg[2..]].concat());
    all
}

/// A sequence of numbers that is the same in each run: xorshift64* (Vigna 2016).
struct Sequence(u64);

impl Sequence {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() >> 16) as usize % limit.max(1)
    }
}

/// Applies one random mutation, such as chance or an attacker would.
fn mutate(bytes: &mut Vec<u8>, corpus: &[Vec<u8>], sequence: &mut Sequence) {
    const TELLING: [u64; 12] =
        [0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, u64::MAX];
    let at = sequence.below(bytes.len());
    let length = sequence.below(16) + 1;
    match sequence.below(8) {
        0 if !bytes.is_empty() => bytes[at] ^= 1 << sequence.below(8),
        1 if !bytes.is_empty() => bytes[at] = sequence.next() as u8,
        2 => bytes.truncate(at),
        3 => drop(bytes.splice(at..at, (0..length).map(|_| sequence.next() as u8))),
        4 => drop(bytes.drain(at..(at + length).min(bytes.len()))),
        5 => {
            let repeated: Vec<u8> = bytes[at..(at + length).min(bytes.len())].to_vec();
            drop(bytes.splice(at..at, repeated));
        }
        6 => {
            let (number, width) = (TELLING[sequence.below(TELLING.len())], [1, 2, 4, 8][sequence.below(4)]);
            let spelled = if sequence.below(2) == 0 {
                number.to_le_bytes()
            } else {
                number.rotate_right(width * 8).to_be_bytes()
            };
            for (byte, telling) in bytes.iter_mut().skip(at).zip(&spelled[..width as usize]) {
                *byte = *telling;
            }
        }
        _ => {
            let other = &corpus[sequence.below(corpus.len())];
            let from = sequence.below(other.len());
            bytes.truncate(at);
            bytes.extend(&other[from..(from + 4096).min(other.len())]);
        }
    }
}

#[track_caller]
fn survives(target: &str) {
    let (_, run) = TARGETS.iter().find(|(name, _)| *name == target).unwrap();
    let corpus = corpus(target);
    let mut sequence = Sequence(0x9E37_79B9_7F4A_7C15);
    let is_slow = ["configuration", "host", "check_vectors", "part_index", "tags"].contains(&target);
    let default = if is_slow { EXECUTIONS_OF_SLOW_TARGETS } else { EXECUTIONS };
    let executions = std::env::var(EXECUTIONS_VARIABLE).map_or(default, |text| text.parse().unwrap());
    for execution in 0..executions {
        let mut bytes = corpus[execution % corpus.len()].clone();
        // The first round uses the files unchanged.
        if execution >= corpus.len() {
            (0..=sequence.below(4)).for_each(|_| mutate(&mut bytes, &corpus, &mut sequence));
        }
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| run(&bytes))) {
            let kept = std::env::temp_dir().join(format!("cipherlens-{target}-{execution}"));
            fs::write(&kept, &bytes).unwrap();
            eprintln!("{target}: execution {execution} fails, input kept as {}", kept.display());
            resume_unwind(panic);
        }
    }
}

#[test]
fn header() {
    survives("header");
}

#[test]
fn mapping() {
    survives("mapping");
}

#[test]
fn image_list() {
    survives("image_list");
}

#[test]
fn group_list() {
    survives("group_list");
}

#[test]
fn hints() {
    survives("hints");
}

#[test]
fn records() {
    survives("records");
}

#[test]
fn sources() {
    survives("sources");
}

#[test]
fn history() {
    survives("history");
}

#[test]
fn tombstones() {
    survives("tombstones");
}

#[test]
fn pack_list() {
    survives("pack_list");
}

#[test]
fn part_index() {
    survives("part_index");
}

#[test]
fn chunks() {
    survives("chunks");
}

#[test]
fn tags() {
    survives("tags");
}

#[test]
fn exact_vectors() {
    survives("exact_vectors");
}

#[test]
fn check_vectors() {
    survives("check_vectors");
}

#[test]
fn journal() {
    survives("journal");
}

#[test]
fn old_formats() {
    survives("old_formats");
}

#[test]
fn every_target_has_a_test_and_valid_files() {
    let own = include_str!("malformed.rs");
    for (name, run) in TARGETS {
        assert!(own.contains(&format!("survives(\"{name}\")")), "{name}");
        assert!(!corpus(name).is_empty(), "{name}");
        corpus(name).iter().for_each(|file| run(file));
    }
}

#[test]
fn object() {
    survives("object");
}

#[test]
fn contexts() {
    survives("contexts");
}

#[test]
fn metadata() {
    survives("metadata");
}

#[test]
fn photo() {
    survives("photo");
}

#[test]
fn configuration() {
    survives("configuration");
}

#[test]
fn host() {
    // The control: unmutated, the search is answered with the scores of a block.
    let HostVault { files, scan: (kind, payload) } = &*HOST_VAULT;
    let folder = tempfile::tempdir().unwrap();
    restore(folder.path(), files);
    let (outcome, said) = answered(folder.path(), &[greeting(), frame(0, *kind, payload)].concat());
    outcome.unwrap();
    let said = frames(&said[greeting().len()..]);
    assert!(said.iter().any(|(_, kind, payload)| *kind == 64 && payload.len() == ANSWER_BYTES), "{said:?}");
    survives("host");
}

#[test]
fn answers() {
    survives("answers");
}
