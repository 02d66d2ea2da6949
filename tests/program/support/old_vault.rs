//! Vaults of formats 1 and 2. Two in the repository were made by earlier versions of the program; vaults of any size
//! are made up here from the description of these formats, under the keys of the second.
//!
//! Nothing reads the blocks and hints of an old vault but checks of their digests, so they are zeros of the right
//! length: sparse files.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use cipherlens::vault::format::dedup::{self, DedupEntry};
use cipherlens::vault::format::header;
use cipherlens::vault::format::record;
use cipherlens::vault::format::sealed::{SealedFile, SealedObject, VaultKeys};
use cipherlens::vault::{self, Digest, Extension, Freshness, Hex, Id, Snapshot, Vault};
use rayon::prelude::*;
use serde::Serialize;
use serde_json::{Value, json};

use crate::support::scene::{Scene, copy_folder};
use crate::support::vault_fixture::passphrase;

/// The passphrase of every old vault, which is also that of a [`Scene`].
pub(crate) const PASSPHRASE: &str = "correct horse battery staple";
/// Numbers in a vector.
pub(crate) const DIMENSION: usize = 2048;
/// Bytes of a block, and of its nonce, number of images and hint.
const BLOCK_BYTES: usize = 5_242_880;
const HINT_BYTES: usize = 32 + 4 + 81_920;
const BLOCK_IMAGES: usize = 512;

/// A vault in the repository that an earlier version made: 1 or 2. The second is without its blocks, which are large
/// and which no upgrade reads.
pub(crate) fn of_version(version: u8) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/data/vault_version_{version}"))
}

/// A machine with a copy of it.
pub(crate) fn scene_of_version(version: u8) -> Scene {
    let scene = Scene::new();
    copy_folder(&of_version(version), &scene.vault());
    scene
}

/// The photos of a made-up vault, and how they are laid out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    /// Photos in each segment but the last, at most 1,024.
    pub(crate) segment: usize,
    /// Segments in each group: as many full groups as there are. 0 in format 1.
    pub(crate) group: usize,
}

/// Format 1: full segments.
pub(crate) const FORMAT_1: Layout = Layout { segment: 1024, group: 0 };
/// Format 2, with groups as large as the program made them.
pub(crate) const FORMAT_2: Layout = Layout { segment: 1024, group: 8 };
/// Format 2, with a group already for two photos.
pub(crate) const SMALL_GROUPS: Layout = Layout { segment: 256, group: 2 };
/// The same for one photo.
pub(crate) const SMALLEST_GROUPS: Layout = Layout { segment: 1, group: 1 };

#[derive(Serialize)]
struct Mapping {
    format: &'static str,
    vault: Id,
    generation: u64,
    previous_tag: String,
    feature_space: Space,
    public_context: Digest,
    secret_context: Digest,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    groups: Vec<Group>,
    segments: Vec<Segment>,
}

#[derive(Serialize)]
struct Space {
    weights: Value,
    preprocessing: Value,
    precision: &'static str,
}

#[derive(Clone, Serialize)]
struct Segment {
    id: Id,
    images: usize,
    ckks: Digest,
    json: Digest,
    hints: Digest,
    vectors: Digest,
    catalogue: Digest,
}

#[derive(Serialize)]
struct Group {
    id: Id,
    segments: usize,
    images: usize,
    group: Digest,
    tags: Digest,
}

#[derive(Serialize)]
struct GroupList<'a> {
    group: Id,
    segments: &'a [Segment],
}

/// A photo whose vector has no direction: all its numbers are zero. Every made-up vault has one, unless it is smaller.
pub(crate) const WITHOUT_DIRECTION: usize = 3;

fn vector(number: usize) -> Vec<u8> {
    let mut state = number as u64 + 1;
    let mut draw = || {
        // A 64-bit linear congruential generator (Knuth's MMIX constants).
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u64 << 24) as f32 - 0.5
    };
    let raw: Vec<f32> = (0..DIMENSION).map(|_| draw()).collect();
    let norm = if number == WITHOUT_DIRECTION { f32::INFINITY } else { raw.iter().map(|x| x * x).sum::<f32>().sqrt() };
    raw.iter().flat_map(|x| (x / norm).to_le_bytes()).collect()
}

/// One of several kinds of name, as old catalogues hold them.
pub(crate) fn name(number: usize) -> String {
    match number % 7 {
        0 => format!("holiday {number}.jpg"),
        1 => format!("Strand \u{fc}ber {number}.JPG"),
        2 => format!("\u{65e5}\u{672c} {number}.png"),
        3 => format!("{number}"),
        4 => format!("{} {number}.tiff", "long".repeat(50)),
        5 => format!("a \"quoted\"\\ {number}.webp"),
        _ => "the same name.jpg".to_owned(),
    }
}

fn details(number: usize, bytes: usize) -> Value {
    // Some before 1970.
    let modified = 1_500_000_000 + 1_000 * number as i64 - 2_000_000_000 * (number % 2) as i64;
    json!({
        "name": name(number),
        "bytes": bytes,
        "modified": (number % 5 != 1).then_some(modified),
        "captured": number.is_multiple_of(3).then(|| format!("2019-07-04T18:{:02}:09", number % 60)),
        "width": if number % 11 == 5 { 0 } else { 640 + number },
        "height": if number % 11 == 5 { 0 } else { 480 },
    })
}

/// Where and under which keys a vault is made up.
struct Maker<'a> {
    root: &'a Path,
    keys: VaultKeys,
}

/// Writes a made-up vault with `photos` photos to `root`, which must not exist.
pub(crate) fn make(root: &Path, layout: Layout, photos: usize) {
    let real = of_version(2);
    for folder in ["encrypted_features", "encrypted_images", "encrypted_thumbnails"] {
        fs::create_dir_all(root.join(folder)).unwrap();
    }
    for file in ["header", "public_context", "secret_context"] {
        fs::copy(real.join(file), root.join(file)).unwrap();
    }
    let (id, master) = header::open(&fs::read(real.join("header")).unwrap(), &passphrase(PASSPHRASE)).unwrap();
    let maker = Maker { root, keys: VaultKeys::new(id, master) };
    let numbers: Vec<usize> = (0..photos).collect();
    let made: Vec<(Segment, Vec<DedupEntry>)> =
        numbers.par_chunks(layout.segment).map(|numbers| maker.segment(numbers)).collect();
    let grouped = made.len().checked_div(layout.group).unwrap_or(0) * layout.group;
    let groups: Vec<Group> = made[..grouped].chunks(layout.group.max(1)).map(|made| maker.group(made)).collect();
    let previous: Value = serde_json::from_slice(&fs::read(real.join("mapping.json")).unwrap()).unwrap();
    let digest = |file| Digest::of(&[&fs::read(real.join(file)).unwrap()]);
    let mapping = Mapping {
        format: if groups.is_empty() { "cipherlens mapping 1" } else { "cipherlens mapping 2" },
        vault: id,
        generation: 5,
        previous_tag: previous["tag"].as_str().unwrap().to_owned(),
        feature_space: Space {
            weights: previous["feature_space"]["weights"].clone(),
            preprocessing: previous["feature_space"]["preprocessing"].clone(),
            precision: "f32",
        },
        public_context: digest("public_context"),
        secret_context: digest("secret_context"),
        groups,
        segments: made[grouped..].iter().map(|(segment, _)| segment.clone()).collect(),
    };
    let body = serde_json::to_string_pretty(&mapping).unwrap();
    let tag = Hex(maker.keys.tree().tag(cipherlens::cipher::Purpose::Mapping, body.as_bytes()));
    let open = body.strip_suffix("\n}").unwrap();
    fs::write(root.join("mapping.json"), format!("{open},\n  \"tag\": \"{tag}\"\n}}\n")).unwrap();
}

impl Maker<'_> {
    fn write(&self, path: &str, bytes: &[u8]) -> Digest {
        fs::write(self.root.join(path), bytes).unwrap();
        Digest::of(&[bytes])
    }

    fn write_sealed(&self, path: &str, sealed: &SealedFile) -> Digest {
        self.write(path, &sealed.parts().concat())
    }

    /// A file of zeros.
    fn zeros(&self, path: &str, bytes: usize) -> Digest {
        fs::File::create_new(self.root.join(path)).unwrap().set_len(bytes as u64).unwrap();
        Digest::of(&[&vec![0; bytes]])
    }

    fn segment(&self, numbers: &[usize]) -> (Segment, Vec<DedupEntry>) {
        let (id, blocks) = (Id::random().unwrap(), numbers.len().div_ceil(BLOCK_IMAGES));
        let (mut images, mut catalogue, mut entries) = (Vec::new(), Vec::new(), Vec::new());
        for &number in numbers {
            let (photo, image) = (photo(number), Id::random().unwrap());
            let extension = Extension::of(Path::new(&name(number)));
            let path = format!("encrypted_images/{image}.{}.aes", extension.as_str());
            let sealed = self.keys.seal(&SealedObject::Photo(image, extension), &photo).unwrap();
            let digest = self.write_sealed(&path, &sealed);
            let thumbnail = thumbnail(number).map(|thumbnail| {
                let id = Id::random().unwrap();
                let sealed = self.keys.seal(&SealedObject::Thumbnail(id), &thumbnail).unwrap();
                json!({ "id": id, "digest": self.write_sealed(&format!("encrypted_thumbnails/{id}.aes"), &sealed) })
            });
            images
                .push(json!({ "id": image, "extension": extension.as_str(), "photo": digest, "thumbnail": thumbnail }));
            let content = self.keys.content_tag(&photo);
            catalogue.push(json!({ "id": image, "content": content, "details": details(number, photo.len()) }));
            entries.push(DedupEntry { content, id: image, segment: 0 });
        }
        let seal = |object: &SealedObject, bytes: &[u8]| self.keys.seal(object, bytes).unwrap();
        let vectors: Vec<u8> = numbers.iter().flat_map(|number| vector(*number)).collect();
        let catalogue = serde_json::to_vec(&catalogue).unwrap();
        let list = serde_json::to_vec(&json!({ "segment": id, "images": images })).unwrap();
        let path = |extension: &str| format!("encrypted_features/{id}.{extension}");
        let segment = Segment {
            id,
            images: numbers.len(),
            ckks: self.zeros(&path("ckks"), blocks * BLOCK_BYTES),
            json: self.write(&path("json"), &list),
            hints: self.zeros(&path("hints"), 10 + blocks * HINT_BYTES),
            vectors: self.write_sealed(&path("vectors"), &seal(&SealedObject::OldVectors(id), &vectors)),
            catalogue: self.write_sealed(&path("catalogue"), &seal(&SealedObject::OldCatalogue(id), &catalogue)),
        };
        (segment, entries)
    }

    fn group(&self, made: &[(Segment, Vec<DedupEntry>)]) -> Group {
        let id = Id::random().unwrap();
        let segments: Vec<Segment> = made.iter().map(|(segment, _)| segment.clone()).collect();
        let list = serde_json::to_vec(&GroupList { group: id, segments: &segments }).unwrap();
        let number = |(number, (_, entries)): (usize, &(Segment, Vec<DedupEntry>))| {
            let entry = move |entry: &DedupEntry| DedupEntry { segment: number as u32, ..entry.clone() };
            entries.iter().map(entry).collect::<Vec<_>>()
        };
        let mut entries: Vec<DedupEntry> = made.iter().enumerate().flat_map(number).collect();
        entries.sort();
        let mut tags = dedup::seal(&self.keys, id, &entries).unwrap();
        let last = entries.len().div_ceil(64) as u32;
        tags.extend(self.keys.seal(&SealedObject::Tags(id, last), &list).unwrap().parts().concat());
        Group {
            id,
            segments: segments.len(),
            images: entries.len(),
            group: self.write(&format!("encrypted_features/{id}.group"), &list),
            tags: self.write(&format!("encrypted_features/{id}.tags"), &tags),
        }
    }
}

/// The original of a number.
pub(crate) fn photo(number: usize) -> Vec<u8> {
    format!("old photo {number} ").repeat(10 + number % 13).into_bytes()
}

/// Its thumbnail, if it has one.
pub(crate) fn thumbnail(number: usize) -> Option<Vec<u8>> {
    (number % 10 != 7).then(|| format!("old thumbnail {number} ").repeat(20 + number % 17).into_bytes())
}

/// The vault at `root`, opened on a machine that keeps what it has seen in `seen`.
pub(crate) fn open(root: &Path, seen: &Path) -> Vault {
    let freshness = Freshness::in_directory(seen.to_owned());
    Vault::open(vault::local(root.to_owned()), &passphrase(PASSPHRASE), freshness).unwrap().0
}

/// Everything that an upgrade must keep of a photo, by its id: its place in the order, the file of its original, its
/// record and the thumbnail.
pub(crate) fn contents(snapshot: &Snapshot) -> BTreeMap<Id, String> {
    let photo = |at| {
        let image = snapshot.image_at(at).unwrap();
        let (listed, mut record) = (image.listed(), image.record().unwrap().clone());
        // These two are about files that an upgrade replaces.
        record.thumbnail = None;
        record.without_vector.clear();
        let thumbnail = image.has_thumbnail().unwrap().then(|| Digest::of(&[&image.thumbnail().unwrap()]));
        let record = Digest::of(&[&record::encode([&record]).unwrap()]);
        (listed.id, format!("{at} {} {} {record} {thumbnail:?}", listed.extension.as_str(), listed.photo))
    };
    (0..snapshot.len()).map(photo).collect()
}

/// Every file below a folder of a vault by its path, with inode, length and time of change.
pub(crate) fn inodes(folder: &Path) -> BTreeMap<PathBuf, (u64, u64, i64, i64)> {
    let files = walkdir::WalkDir::new(folder).into_iter().map(Result::unwrap);
    let files = files.filter(|entry| entry.file_type().is_file());
    let of = |entry: walkdir::DirEntry| {
        let data = entry.metadata().unwrap();
        (entry.into_path(), (data.ino(), data.len(), data.mtime(), data.mtime_nsec()))
    };
    files.map(of).collect()
}

/// The files of a vault that only old formats have: all but originals and what format 3 has under the same name.
pub(crate) fn old_files(root: &Path) -> Vec<PathBuf> {
    let files = walkdir::WalkDir::new(root).into_iter().map(Result::unwrap);
    let files = files.filter(|entry| entry.file_type().is_file()).map(walkdir::DirEntry::into_path);
    let is_old = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap();
        let in_thumbnails = path.parent().unwrap().ends_with("encrypted_thumbnails");
        ["public_context", "secret_context", "writing"].contains(&name)
            || [".json", ".catalogue"].iter().any(|end| name.ends_with(end)) && name != "mapping.json"
            || in_thumbnails && name.ends_with(".aes")
    };
    files.filter(is_old).collect()
}
