//! Row "known answers": the test vectors in `tests/vectors/vectors.json`, made from `docs/vault-format.md` without the
//! program, read and written by the library; and the vault beside them, which `tests/reader` reads too.

use std::fs;
use std::path::{Path, PathBuf};

use cipherlens::cipher::{Cost, KeyTree, MasterKey, Passphrase, Purpose, aes_cbc_hmac, padding};
use cipherlens::secret::Secret;
use cipherlens::vault::format::fields::{self, Rows};
use cipherlens::vault::format::found::CompanionRole;
use cipherlens::vault::format::list::{self, ImageList};
use cipherlens::vault::format::pack::{PackList, PartEntry};
use cipherlens::vault::format::sealed::{SealedObject, VaultKeys};
use cipherlens::vault::format::{header, record, table};
use cipherlens::vault::{Digest, Extension, Found, Hex, Id, ListedImage, Modified, Record, SignedMapping};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::support::scene::Scene;
use crate::support::vault_fixture::{files, passphrase};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors")
}

fn vectors() -> Value {
    serde_json::from_slice(&fs::read(folder().join("vectors.json")).unwrap()).unwrap()
}

fn bytes(value: &Value) -> Vec<u8> {
    let digits = value.as_str().unwrap();
    let mut decoded = vec![0; digits.len() / 2];
    base16ct::lower::decode(digits, &mut decoded).unwrap();
    decoded
}

fn array<const N: usize>(value: &Value) -> [u8; N] {
    bytes(value).try_into().unwrap()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

fn text(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn secret(value: &Value) -> Secret<64> {
    Secret::filled_by(|into| {
        into.copy_from_slice(&bytes(value));
        Ok::<_, ()>(())
    })
    .unwrap()
}

/// The vault id and the master key, from the header of the vectors.
fn opened(vectors: &Value) -> (Id, MasterKey) {
    let header = &vectors["header"];
    header::open(&bytes(&header["file"]), &passphrase(header["passphrase"].as_str().unwrap())).unwrap()
}

fn keys(vectors: &Value) -> VaultKeys {
    let (vault, master) = opened(vectors);
    VaultKeys::new(vault, master)
}

/// The key of an object of the vectors.
fn key(vectors: &Value, purpose: &str) -> Secret<64> {
    secret(&list(&vectors["keys"]).iter().find(|key| key["purpose"] == purpose).unwrap()["key"])
}

#[test]
fn a_header_opens_as_in_the_vectors() {
    let vectors = vectors();
    let expected = &vectors["header"];
    let number = |name: &str| u32::try_from(expected[name].as_u64().unwrap()).unwrap();
    let cost = Cost::new(number("memory_kib"), number("passes"), number("lanes")).unwrap();
    let typed = passphrase(expected["passphrase"].as_str().unwrap());
    let wrapping = typed.key_encryption_key(&array(&expected["salt"]), cost).unwrap();
    assert!(wrapping.matches(&secret(&expected["key_encryption_key"])));
    MasterKey::unwrap(&wrapping, &bytes(&expected["associated_data"]), &bytes(&expected["wrapped"])).unwrap();
    let (vault, _) = opened(&vectors);
    assert_eq!(vault.to_string(), vectors["vault"]);
    assert!(header::open(&bytes(&expected["file"]), &passphrase("another")).is_err());
}

#[test]
fn passphrases_are_prepared_as_in_the_vectors() {
    let vectors = vectors();
    let derived = |bytes: Vec<u8>| {
        let prepared = Passphrase::new(&Zeroizing::new(bytes)).unwrap();
        prepared.key_encryption_key(&[7; 32], Cost::FLOOR).unwrap()
    };
    for accepted in list(&vectors["passphrases"]["accepted"]) {
        let typed = accepted["typed"].as_str().unwrap();
        assert!(derived(typed.into()).matches(&derived(bytes(&accepted["prepared"]))), "{typed:?}");
    }
    for refused in list(&vectors["passphrases"]["refused"]) {
        let typed = refused.as_str().unwrap();
        assert!(Passphrase::new(&Zeroizing::new(typed.into())).is_err(), "{typed:?}");
    }
}

#[test]
fn keys_are_derived_as_in_the_vectors() {
    let vectors = vectors();
    let (vault, master) = opened(&vectors);
    let tree = KeyTree::new(master, vault.0);
    let all = [
        ("mapping", Purpose::Mapping),
        ("content", Purpose::Content),
        ("photo", Purpose::Photo),
        ("thumbnail", Purpose::Thumbnail),
        ("vectors", Purpose::Vectors),
        ("records", Purpose::Records),
        ("group", Purpose::Group),
        ("checks", Purpose::Checks),
        ("pack", Purpose::Pack),
        ("table", Purpose::Table),
        ("search", Purpose::Search),
        ("tags", Purpose::Tags),
        ("cache", Purpose::Cache),
        ("unfinished run", Purpose::UnfinishedRun),
    ];
    assert_eq!(list(&vectors["keys"]).len(), all.len());
    for (expected, (name, purpose)) in list(&vectors["keys"]).iter().zip(all) {
        assert_eq!(expected["purpose"], name);
        assert!(tree.key(purpose, &array(&expected["object"])).matches(&secret(&expected["key"])), "{name}");
    }
    let content = &vectors["content"];
    let tag = VaultKeys::new(vault, opened(&vectors).1).content_tag(&bytes(&content["original"]));
    assert_eq!(tag.to_string(), content["content"]);
}

#[test]
fn every_kind_of_sealed_object_opens_as_in_the_vectors() {
    let vectors = vectors();
    let keys = keys(&vectors);
    for expected in list(&vectors["sealed"]) {
        let id = Hex(array(&expected["object"]));
        let then = bytes(&expected["then"]);
        let number = || u32::from_le_bytes(then.clone().try_into().unwrap());
        let space = || Hex(then.clone().try_into().unwrap());
        let object = match expected["kind"].as_u64().unwrap() {
            3 => SealedObject::Photo(id, Extension::of(Path::new("a.jpg"))),
            4 => SealedObject::Thumbnail(id),
            5 => SealedObject::Vectors(id, space()),
            8 => SealedObject::Tags(id, number()),
            11 => SealedObject::Records(id),
            12 => SealedObject::Checks(id, space()),
            14 => SealedObject::PartIndex(id),
            15 => SealedObject::Table(id, number()),
            16 => SealedObject::GroupCopy(id),
            kind => panic!("kind {kind}"),
        };
        let mut file = bytes(&expected["file"]);
        assert_eq!(*keys.open(&object, &file).unwrap(), bytes(&expected["content"]), "{object:?}");
        assert_eq!(*padding::pad(&bytes(&expected["content"])), bytes(&expected["plaintext"]), "{object:?}");
        let key = key(&vectors, expected["purpose"].as_str().unwrap());
        let plaintext = aes_cbc_hmac::open(&key, &bytes(&expected["associated_data"]), &file[10..]).unwrap();
        assert_eq!(*plaintext, bytes(&expected["plaintext"]), "{object:?}");
        *file.last_mut().unwrap() ^= 1;
        assert!(keys.open(&object, &file).is_err(), "{object:?}");
    }
    for expected in list(&vectors["chunks"]) {
        let associated = bytes(&expected["associated_data"]);
        let plaintext = aes_cbc_hmac::open(&key(&vectors, "photo"), &associated, &bytes(&expected["chunk"])).unwrap();
        assert_eq!(*plaintext, bytes(&expected["plaintext"]));
    }
}

#[test]
fn names_lengths_and_tables_are_as_in_the_vectors() {
    let vectors = vectors();
    for expected in list(&vectors["names"]) {
        let digest = Digest::of(&[&bytes(&expected["file"])]);
        assert_eq!(
            json!([digest.to_string(), digest.name().to_string()]),
            json!([expected["digest"], expected["name"]])
        );
    }
    for pair in list(&vectors["padme"]) {
        assert_eq!(Some(padding::padme_u64(pair[0].as_u64().unwrap())), pair[1].as_u64(), "{pair}");
    }
    for expected in list(&vectors["tables"]) {
        assert_eq!(table::object_id(expected["name"].as_str().unwrap()).to_string(), expected["object"]);
    }
}

#[test]
fn a_mapping_is_read_and_written_as_in_the_vectors() {
    let vectors = vectors();
    let expected = &vectors["mapping"];
    let file = expected["file"].as_str().unwrap();
    let signed = SignedMapping::parse(file.as_bytes()).unwrap();
    assert!(signed.is_authentic(&keys(&vectors)));
    assert_eq!([signed.body.as_str(), &signed.tag.to_string()], [&expected["covered"], &expected["tag"]]);
    let mapping = &signed.mapping;
    assert_eq!(mapping.spaces[0].features().unwrap().weights, expected["weights"]);
    assert_eq!(mapping.header, Digest::of(&[&bytes(&vectors["header"]["file"])]));
    assert_eq!((mapping.generation, mapping.images()), (u64::MAX, 8192 + 1025));
    assert_eq!(SignedMapping::sign(mapping.clone(), &keys(&vectors)).text(), file);
    assert!(SignedMapping::parse(file.replace("  \"", "   \"").as_bytes()).is_err());
}

#[test]
fn lists_are_read_and_written_as_in_the_vectors() {
    let vectors = vectors();
    let expected = &vectors["list"];
    let listed = |entries: &Value| -> Vec<ListedImage> {
        let read = |entry: &Value| ListedImage {
            id: Hex(array(&entry["id"])),
            photo: Hex(array(&entry["digest"])),
            extension: entry["extension"].as_str().unwrap().to_owned().try_into().unwrap(),
        };
        list(entries).iter().map(read).collect()
    };
    let images = ImageList { images: listed(&expected["images"]), companions: listed(&expected["companions"]) };
    let (segment, file) = (Hex(array(&expected["segment"])), bytes(&expected["file"]));
    assert_eq!(list::encode(segment, &images), file);
    assert_eq!(list::decode(&file, segment, images.images.len()), Some(images));
    assert_eq!(format!("{}.list", Digest::of(&[&file]).name()), expected["name"]);
    let expected = &vectors["parts"];
    let part = |entry: &Value| PartEntry {
        id: Hex(array(&entry["id"])),
        bytes: entry["bytes"].as_u64().unwrap(),
        index_bytes: u32::try_from(entry["index_bytes"].as_u64().unwrap()).unwrap(),
        index: Hex(array(&entry["index"])),
        digest: Hex(array(&entry["digest"])),
    };
    let parts = PackList { parts: list(&expected["parts"]).iter().map(part).collect() };
    assert_eq!(parts.encode(), bytes(&expected["file"]));
    assert_eq!(PackList::decode(&bytes(&expected["file"])), Some(parts));
}

/// A record in the form of the vectors.
fn described(record: &Record) -> Value {
    let place = |found: &Found| {
        let (seconds, nanoseconds) =
            found.modified.map(|Modified { seconds, nanoseconds }| (seconds, nanoseconds)).unzip();
        json!({
            "source": found.source.to_string(), "seconds": seconds, "nanoseconds": nanoseconds,
            "path": text(&found.path),
        })
    };
    let companions = record.companions.iter().map(|companion| {
        let CompanionRole(role) = companion.role;
        let mut described = place(&companion.found);
        let more = json!({
            "role": role, "id": companion.id.to_string(), "content": companion.content.to_string(),
            "bytes": companion.bytes,
        });
        described.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        described
    });
    let exposure = record.exposure.unwrap();
    let position = record.position.unwrap();
    let (captured, camera) = (record.captured.as_ref().unwrap(), record.camera.as_ref().unwrap());
    let (hash, thumbnail) = (record.perceptual_hash.as_ref().unwrap(), record.thumbnail.unwrap());
    let pixels = record.pixels.unwrap();
    json!({
        "id": record.id.to_string(),
        "content": record.content.to_string(),
        "bytes": record.bytes,
        "found": record.found().iter().map(place).collect::<Vec<_>>(),
        "media_type": record.media_type,
        "pixels": [pixels.width, pixels.height],
        "orientation": record.orientation.unwrap().number(),
        "captured": { "origin": captured.origin.0, "time": captured.time.as_str() },
        "camera": [camera.maker(), camera.model()],
        "lens": record.lens,
        "exposure": [
            exposure.time_numerator, exposure.time_denominator, exposure.f_number_hundredths, exposure.iso,
            exposure.focal_length_hundredths,
        ],
        "place": [position.latitude_e7, position.longitude_e7, position.altitude_centimetres.unwrap()],
        "perceptual_hash": { "algorithm": hash.algorithm, "hash": text(&hash.hash) },
        "companions": companions.collect::<Vec<_>>(),
        "added": record.added,
        "removed": record.removed,
        "thumbnail": { "part": thumbnail.part.to_string(), "number": thumbnail.number },
        "without_vector": record.without_vector.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "bucket": record.bucket,
    })
}

#[test]
fn a_record_of_every_field_is_read_and_written_as_in_the_vectors() {
    let vectors = vectors();
    let expected = &vectors["records"];
    let read = record::decode(&bytes(&expected["compressed"]), 1).map_err(|fault| fault.to_string()).unwrap();
    assert_eq!(described(&read[0]), expected["decoded"]);
    let content = bytes(&expected["content"]);
    assert_eq!(*fields::encode_content(&[read[0].to_fields().unwrap()]).unwrap(), content);
    assert_eq!(
        Rows::of_content(Zeroizing::new(content), 1).map(|rows| rows.len()).map_err(|fault| fault.to_string()),
        Ok(1)
    );
}

#[test]
fn the_vault_of_the_vectors_is_opened_and_searched() {
    let scene = Scene::new();
    for (path, content) in files(&folder().join("vault")) {
        let target = scene.vault().join(path);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::write(target, content).unwrap();
    }
    fs::copy(folder().join("passphrase"), scene.passphrase_file()).unwrap();
    scene.run(["check"]).success();
    let listed = scene.run(["list", "--json"]).success().json();
    let places: Vec<usize> = list(&listed).iter().map(|photo| list(&photo["places"]).len()).collect();
    assert_eq!(places.iter().sum::<usize>(), places.len() + 1);
    let photo = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/photos/flamingo/image_0002.jpg");
    let found = scene.run_with(&["search", "--json", "--threshold", "-1"], [&photo]).success().json();
    assert_eq!(found["matches"][0]["name"], "Über.jpg");
    assert!(found["matches"][0]["score"].as_f64().unwrap() > 0.997);
    assert_eq!(list(&found["matches"]).len(), places.len());
    // It is written to as well.
    scene
        .run_with(&["add"], [Path::new(env!("CARGO_MANIFEST_DIR")).join("data/photos/pizza/image_0001.jpg")])
        .success();
    scene.run(["check"]).success();
}
