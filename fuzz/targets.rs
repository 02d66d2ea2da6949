//! One function for each parser of untrusted bytes. Each takes any bytes. What a parser accepts must be what it would
//! write, or what the code after it can use; otherwise the target panics.
//!
//! `tests/program/hardening/malformed.rs` drives them with a fixed sequence of mutations.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use cipherlens::cipher::{MasterKey, Purpose, aes_cbc_hmac};
use cipherlens::ckks::{CheckVectors, EncryptedQuery, Parameters, PublicContext, SecretContext};
use cipherlens::features::photo::{Limits, Photo};
use cipherlens::remote::frame;
use cipherlens::remote::protocol::{Reply, lists};
use cipherlens::services::exif;
use cipherlens::services::settings::Settings;
use cipherlens::tui::keymap::Keymap;
use cipherlens::tui::theme::{Background, Colours, Theme};
use cipherlens::vault::format::chunks::{self, ChunkOpener};
use cipherlens::vault::format::dedup::{DedupFile, OpenedPages};
use cipherlens::vault::format::fields::{Field, Rows, RowsFault};
use cipherlens::vault::format::history::Ancestor;
use cipherlens::vault::format::pack::{PackList, PartEntry, PartIndex};
use cipherlens::vault::format::sealed::{Kind, PREFIX_BYTES, SealedObject, VaultKeys};
use cipherlens::vault::format::tombstone::Tombstone;
use cipherlens::vault::format::{
    fields, group, header, history, journal, list, old, record, table, tombstone, vectors,
};
use cipherlens::vault::{
    Digest, Extension, GroupEntry, GroupPart, Hex, Hints, Id, LONGEST_TEXT_BYTES, Object, SEGMENT_IMAGES, SignedMapping,
};

use crate::support::requests::{Request, answered, frame as request_frame, greeting, query, scan};
use crate::support::vault_fixture::{DIMENSION, Fixture, files, fill};

/// The segment of the corpora, also used as the group.
pub(crate) const SEGMENT: &str = "000102030405060708090a0b0c0d0e0f";
/// Its images.
pub(crate) const IMAGES: usize = 2;

/// A parser, and the properties of what it accepts.
pub(crate) type Target = fn(&[u8]);

/// All targets by name.
pub(crate) const TARGETS: [(&str, Target); 24] = [
    ("header", header),
    ("mapping", mapping),
    ("image_list", image_list),
    ("group_list", group_list),
    ("hints", hints),
    ("records", records),
    ("sources", sources),
    ("history", history),
    ("tombstones", tombstones),
    ("pack_list", pack_list),
    ("part_index", part_index),
    ("object", object),
    ("chunks", chunks),
    ("tags", tags),
    ("exact_vectors", exact_vectors),
    ("check_vectors", check_vectors),
    ("journal", journal),
    ("old_formats", old_formats),
    ("contexts", contexts),
    ("metadata", metadata),
    ("photo", photo),
    ("configuration", configuration),
    ("host", host),
    ("answers", answers),
];

/// The header of a vault, before it is authenticated.
pub(crate) fn header(bytes: &[u8]) {
    assert!(!header::is_header(bytes) || bytes.len() <= header::LARGEST_BYTES);
}

/// `mapping.json` of any format: it has one spelling, so any accepted text must be reproduced exactly.
pub(crate) fn mapping(bytes: &[u8]) {
    if let Ok(read) = SignedMapping::parse(bytes) {
        let text = std::str::from_utf8(bytes).expect("only text is a mapping");
        assert!(text.starts_with(read.body.trim_end_matches("\n}")));
        assert!(text.ends_with(&format!(",\n  \"tag\": \"{}\"\n}}\n", read.tag)));
        assert!(read.mapping.segments.iter().all(|segment| (1..=SEGMENT_IMAGES).contains(&segment.images)));
    }
}

/// The image list of a segment, authenticated by its digest.
pub(crate) fn image_list(bytes: &[u8]) {
    let segment = SEGMENT.parse().expect("an id has 32 digits");
    if let Some(read) = list::decode(bytes, segment, IMAGES) {
        assert_eq!(list::encode(segment, &read), bytes, "a list has one encoding");
        assert!(list::decode(bytes, segment, IMAGES + 1).is_none());
        assert!(list::decode(bytes, Hex([0xFF; 16]), IMAGES).is_none());
    }
}

/// The list of a group, authenticated by its digest.
pub(crate) fn group_list(bytes: &[u8]) {
    let id = SEGMENT.parse().expect("an id has 32 digits");
    let is_list = |id: Id, segments, images| {
        let unused = Digest::of(&[]);
        let (list, copy, tags, checks) = (unused, unused, unused, vec![Some(unused)]);
        group::decode_list(bytes, &GroupEntry { id, segments, images, list, copy, tags, checks }).is_some()
    };
    if is_list(id, 1, IMAGES) {
        assert!(!is_list(id, 2, IMAGES));
        assert!(!is_list(id, 1, IMAGES + 1));
        assert!(!is_list(Hex([0xFF; 16]), 1, IMAGES));
    }
}

/// The hints of a segment.
pub(crate) fn hints(bytes: &[u8]) {
    for (images, blocks) in [(IMAGES, 1), (513, 2)] {
        let found = Hints::decode(bytes.to_vec(), images).map(|hints| hints.blocks().count());
        assert!(found.is_none_or(|found| found == blocks));
    }
}

/// The plaintext of the records of a segment.
pub(crate) fn records(bytes: &[u8]) {
    if let Ok(records) = record::decode(bytes, IMAGES) {
        let again = record::encode(&records).expect("what is accepted can be written");
        assert!(record::decode(&again, IMAGES).is_ok_and(|again| again == records), "and read again");
    }
}

/// Reads the plaintext of a page of a table, and what is accepted again after it was written.
fn page<T: PartialEq>(
    bytes: &[u8],
    read: impl Fn(&Rows) -> Result<Vec<T>, RowsFault>,
    write: impl Fn(&[T]) -> Vec<Vec<Field>>,
) {
    let read = |bytes: &[u8]| read(&Rows::decode(bytes, table::PAGE_ROWS)?);
    if let Ok(rows) = read(bytes) {
        let again = fields::encode_rows(&write(&rows)).expect("what is accepted can be written");
        assert!(read(&again).is_ok_and(|again| again == rows), "and read again");
    }
}

/// A page of the table of sources.
pub(crate) fn sources(bytes: &[u8]) {
    let write = |sources: &[table::Source]| table::rows_of_sources(sources).expect("what is accepted can be written");
    page(bytes, table::sources_of_rows, write);
}

/// A page of the history.
pub(crate) fn history(bytes: &[u8]) {
    page(bytes, history::of_rows, |rows| rows.iter().map(Ancestor::to_fields).collect());
}

/// A page of the tombstones.
pub(crate) fn tombstones(bytes: &[u8]) {
    page(bytes, tombstone::of_rows, |rows| rows.iter().map(Tombstone::to_fields).collect());
}

/// The list of the parts of a pack of thumbnails, authenticated by its digest.
pub(crate) fn pack_list(bytes: &[u8]) {
    if let Some(list) = PackList::decode(bytes) {
        assert_eq!(list.encode(), bytes, "a list has one encoding");
    }
}

/// The keys under which targets seal what they are given, so that code behind the tag is reached.
static KEYS: LazyLock<VaultKeys> = LazyLock::new(|| {
    VaultKeys::new(Id::random().expect("there is entropy"), MasterKey::generate().expect("there is entropy"))
});

/// The plaintext of the index of a part of a pack, in a part of the length that it says.
pub(crate) fn part_index(bytes: &[u8]) {
    let id = Hex([7; 16]);
    let [_, sealed] =
        KEYS.seal(&SealedObject::PartIndex(id), bytes).expect("there is entropy").parts().map(<[u8]>::to_vec);
    let (entries, _) = bytes.as_chunks::<20>();
    let length = |entry: &[u8; 20]| u64::from(u32::from_le_bytes([entry[16], entry[17], entry[18], entry[19]]));
    let filled = sealed.len() as u64 + entries.iter().map(length).sum::<u64>();
    let digest = Digest::of(&[&sealed]);
    let part = |bytes| PartEntry { id, bytes, index_bytes: sealed.len() as u32, index: digest, digest };
    let padded = cipherlens::cipher::padding::padme_u64(filled);
    if let Ok(index) = PartIndex::open(&KEYS, &part(padded), &sealed) {
        let mut end = sealed.len() as u64;
        for (_, place) in index.all() {
            assert!(place.start == end && place.end >= end, "thumbnails follow each other");
            end = place.end;
        }
        assert!(end == filled && bytes.len() == 20 * index.all().len());
        assert!(PartIndex::open(&KEYS, &part(padded + 1), &sealed).is_err(), "in a part of another length");
    }
    assert!(PartIndex::open(&KEYS, &part(padded), bytes).is_err(), "only the key holder can make one that opens");
}

/// A large original: 8 bytes for the length of its file, and the first chunk.
pub(crate) fn chunks(bytes: &[u8]) {
    let (length, chunk) = bytes.split_at(bytes.len().min(8));
    let mut file_bytes = [0; 8];
    file_bytes[..length.len()].copy_from_slice(length);
    let file_bytes = u64::from_le_bytes(file_bytes);
    let extension = Extension::of(Path::new("x.mov"));
    let Ok(mut opener) = ChunkOpener::new(&KEYS, Hex([7; 16]), &extension, file_bytes) else { return };
    assert!(file_bytes > chunks::LARGEST_WHOLE_BYTES as u64);
    let range = opener.next_range().expect("a large original has chunks");
    assert!(range.start == PREFIX_BYTES as u64 && range.end <= file_bytes);
    assert!(opener.open(chunk).is_err(), "only the key holder can make a chunk that opens");
    assert_eq!(opener.next_range(), Some(range), "and after an error nothing has changed");
}

/// The deduplication index of a group: the bytes as its file, and as a page under a valid tag.
pub(crate) fn tags(bytes: &[u8]) {
    let (id, unused) = (SEGMENT.parse().expect("an id has 32 digits"), Digest::of(&[]));
    let (list, copy, tags, checks) = (unused, unused, unused, vec![Some(unused)]);
    let group = GroupEntry { id, segments: 1, images: IMAGES, list, copy, tags, checks };
    let object = Object::Group(id, GroupPart::Tags);
    let opened = OpenedPages::new(IMAGES);
    let file = |bytes| DedupFile { keys: &KEYS, group: &group, object: &object, bytes, opened: &opened };
    assert!(file(bytes).all().is_err(), "only the key holder can make a page that opens");
    assert!(file(bytes).find(&Hex([0x80; 32])).is_err() && file(bytes).old_list().is_err());
    let page = KEYS.seal(&SealedObject::Tags(id, 0), bytes).expect("there is entropy").parts().concat();
    if let Ok(all) = file(&page).all() {
        assert_eq!(all.len(), IMAGES);
        // A writer sorts them; whatever their order, what is found is there.
        for entry in &all {
            let found = file(&page).find(&entry.content).expect("the page opens");
            assert!(found.is_none_or(|id| all.iter().any(|one| one.content == entry.content && one.id == id)));
        }
    }
}

/// The plaintext of the exact vectors of a segment.
pub(crate) fn exact_vectors(bytes: &[u8]) {
    if let Some(read) = vectors::decode(bytes, IMAGES, SMALL_DIMENSION) {
        assert!(read.len() == IMAGES && read.iter().flatten().all(|vector| vector.len() == SMALL_DIMENSION));
        assert!(vectors::decode(bytes, IMAGES + 1, SMALL_DIMENSION).is_none());
    }
}

/// The plaintext of check vectors.
pub(crate) fn check_vectors(bytes: &[u8]) {
    let parameters = Parameters::for_dimension(SMALL_DIMENSION).expect("the smallest dimension has parameters");
    if let Ok(read) = CheckVectors::from_bytes(&parameters, bytes) {
        assert_eq!(*read.to_bytes(), bytes, "they have one encoding");
    }
}

/// Numbers in the vectors of targets whose inputs grow with it.
pub(crate) const SMALL_DIMENSION: usize = 128;

/// A journal, which is not authenticated.
pub(crate) fn journal(bytes: &[u8]) {
    let listed = journal::decode(bytes);
    assert!(listed.iter().all(Object::is_listed_in_journals), "nothing outside the three directories");
    assert_eq!(journal::decode(journal::encode(&listed).as_bytes()), listed);
}

/// The files of formats 1 and 2 that are parsed: lists, which are public, and the plaintexts of catalogues and vectors.
pub(crate) fn old_formats(bytes: &[u8]) {
    let id = SEGMENT.parse().expect("an id has 32 digits");
    if let Some(images) = old::images::decode(bytes, id, IMAGES) {
        assert_eq!(images.len(), IMAGES);
        assert!(old::images::decode(bytes, Hex([0xFF; 16]), IMAGES).is_none());
    }
    let unused = Digest::of(&[]);
    let (list, copy, tags, checks) = (unused, unused, unused, vec![None]);
    let group = GroupEntry { id, segments: 1, images: IMAGES, list, copy, tags, checks };
    if let Some(segments) = old::decode_list(bytes, &group) {
        assert!(segments.len() == 1 && segments[0].images == IMAGES);
    }
    for record in old::catalogue::decode(bytes).unwrap_or_default() {
        assert!(record.check().is_ok(), "an upgrade can write whatever an old catalogue holds");
    }
    if let Some(vectors) = old::vectors::decode(bytes, 1) {
        assert!(vectors.len() == 1 && vectors[0].len() == old::DIMENSION);
    }
}

/// A sealed file: the bytes as a file, and as a padded plaintext under a valid tag.
pub(crate) fn object(bytes: &[u8]) {
    let id = Hex([7; 16]);
    let thumbnail = SealedObject::Thumbnail(id);
    assert!(KEYS.open(&thumbnail, bytes).is_err(), "only the key holder can make a file that opens");
    // A file that authenticates, with arbitrary padding.
    let key = KEYS.tree().key(Purpose::Thumbnail, &id.0);
    let prefix = Kind::Thumbnail.prefix();
    let associated = [&prefix[..], &KEYS.vault().0, &id.0].concat();
    let sealed = aes_cbc_hmac::seal(&key, &associated, bytes).expect("there is entropy");
    let file = [&prefix[..], &sealed].concat();
    if let Ok(plaintext) = KEYS.open(&thumbnail, &file) {
        let again = KEYS.seal(&thumbnail, &plaintext).expect("there is entropy").parts().concat();
        assert_eq!(again.len(), file.len(), "padding has one spelling");
    }
}

/// The contexts of encrypted search, and a query as an evaluator receives it.
pub(crate) fn contexts(bytes: &[u8]) {
    if let Ok(public) = PublicContext::from_bytes(bytes) {
        assert_eq!(public.to_bytes(), bytes);
    }
    if let Ok(secret) = SecretContext::from_bytes(bytes) {
        assert_eq!(*secret.to_bytes(), bytes);
    }
    let parameters = Parameters::for_dimension(DIMENSION).expect("the dimension of the fixtures has parameters");
    if let Ok(query) = EncryptedQuery::from_bytes(&parameters, bytes) {
        assert_eq!(query.as_bytes(), bytes);
    }
}

/// What a camera wrote into a photo: whatever is read of it fits into a record.
pub(crate) fn metadata(bytes: &[u8]) {
    let data = exif::read(bytes);
    if let Some(time) = data.captured {
        assert!((19..=35).contains(&time.as_str().len()) && time.as_str().is_ascii(), "{:?}", time.as_str());
    }
    if let Some(position) = data.position {
        assert!(position.latitude_e7.abs() <= 900_000_000 && position.longitude_e7.abs() <= 1_800_000_000);
    }
    let camera = data.camera.map(|camera| format!("{}\0{}", camera.maker(), camera.model()));
    for text in [camera, data.lens].into_iter().flatten() {
        assert!((1..=LONGEST_TEXT_BYTES).contains(&text.len()), "{text:?}");
    }
}

/// Pixels of a photo, under limits low enough for a mutation to exceed them.
pub(crate) fn photo(bytes: &[u8]) {
    let limits = Limits { pixels: 1 << 12, memory_bytes: 1 << 16 };
    for extension in [None, Some("tga".as_ref())] {
        if let Ok(photo) = Photo::decode(bytes, extension, limits) {
            let (width, height) = photo.dimensions();
            assert!(u64::from(width) * u64::from(height) <= limits.pixels);
            assert!(photo.reduced(16).is_ok());
        }
    }
}

/// The user's own files: settings, keymap, theme.
pub(crate) fn configuration(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(settings) = Settings::parse(&text) {
        assert!(settings.threshold.is_none_or(|threshold| (-1.0..=1.0).contains(&threshold)));
    }
    let lines = text.matches('\n').count() + 1;
    let mut keymap = Keymap::default();
    for warning in keymap.merge(&text) {
        assert!((1..=lines).contains(&warning.line), "{warning:?}");
    }
    let (_, warnings) = Theme::new(Background::Dark, Colours::Text, &text);
    assert!(warnings.iter().all(|warning| (1..=lines).contains(&warning.line)));
}

/// Requests to a host, as [`frames`], where the first byte of each run is the kind. An input that begins to write gets
/// its own folder, so that it cannot change the vault for the next input.
pub(crate) fn host(bytes: &[u8]) {
    static HOST: LazyLock<tempfile::TempDir> = LazyLock::new(|| {
        let folder = in_memory();
        make(&folder.path().join("host.vault"));
        folder
    });
    let asked = frames(bytes);
    let line = [greeting(), asked.clone()].concat();
    // Without one of these a host writes nothing.
    let begins_to_write =
        crate::support::requests::frames(&asked).iter().any(|(_, kind, _)| [BEGIN, CREATE].contains(kind));
    let own = begins_to_write.then(in_memory);
    let folder = own.as_ref().unwrap_or(&HOST);
    // The host hangs up on a client that breaks the rules, which is an error and not a panic.
    let (_, said) = answered(&folder.path().join("host.vault"), &line);
    assert!(said.starts_with(b"CLENSRPC"));
}

/// The kinds of requests that begin to write, into an existing or a new vault.
const BEGIN: u8 = 7;
const CREATE: u8 = 8;
/// The one request with a number between theirs that reads.
const READ_AT: u8 = 23;

/// A temporary folder in memory, where the system has one.
fn in_memory() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("there is room")
}

/// Makes the vault of [`HOST_VAULT`] at `root`.
fn make(root: &Path) {
    for (path, content) in &HOST_VAULT.files {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().expect("it is below the root")).expect("there is room");
        std::fs::write(path, content).expect("there is room");
    }
}

/// The vault of a host, and a search in it.
pub(crate) struct HostVault {
    /// Its files.
    pub(crate) files: BTreeMap<PathBuf, Vec<u8>>,
    /// A complete valid search.
    pub(crate) scan: Request,
}

/// The vault that all requests are about.
pub(crate) static HOST_VAULT: LazyLock<HostVault> = LazyLock::new(|| {
    let fixture = Fixture::new();
    let vault = fixture.open();
    fill(&vault, 0..IMAGES as u32);
    let scan = scan(&vault.snapshot().expect("it was just made"), &query(&vault, 0).0);
    HostVault { files: files(&fixture.root()), scan }
});

/// Answers to a client: the bytes as a connection, as [`frames`], and as the content of an answer.
pub(crate) fn answers(bytes: &[u8]) {
    for line in [bytes, &frames(bytes)] {
        assert!(line.starts_with(&rewritten_replies(line)), "accepted bytes have one encoding");
    }
    let rewritten_lists = [
        lists::decode_listing(bytes).map(|files| lists::encode_listing(&files)),
        lists::decode_leftovers(bytes).map(|leftovers| lists::encode_leftovers(&leftovers)),
        lists::decode_digests(bytes, bytes.len() / 32).map(|digests| lists::encode_digests(&digests)),
    ];
    for again in rewritten_lists.into_iter().flatten() {
        assert_eq!(again, bytes, "accepted bytes have one encoding");
    }
}

/// The replies at the beginning of `line`, decoded and encoded again.
fn rewritten_replies(mut line: &[u8]) -> Vec<u8> {
    let mut again = Vec::new();
    while let Ok(Some(read)) = frame::read(&mut line) {
        let Some(reply) = Reply::decode(read.kind, read.payload) else { break };
        let (kind, payload) = reply.encode();
        frame::write(&mut again, read.request, kind, &[&payload]).expect("writing to memory does not fail");
    }
    again
}

/// Turns each run of bytes into a frame with a valid checksum: the first byte is the kind, the next three the length,
/// followed by up to that much payload. Requests are numbered; all requests of a writer after its first share its
/// number.
fn frames(bytes: &[u8]) -> Vec<u8> {
    let mut line = Vec::new();
    let mut rest = bytes;
    let (mut request, mut writer) = (0u32, 0);
    while let [kind, l0, l1, l2, more @ ..] = rest {
        let length = u32::from_le_bytes([*l0, *l1, *l2, 0]) as usize;
        let (payload, after) = more.split_at(more.len().min(length));
        if [BEGIN, CREATE].contains(kind) {
            writer = request;
        }
        let id = if (BEGIN..64).contains(kind) && *kind != READ_AT { writer } else { request };
        line.extend(request_frame(id, *kind, payload));
        (rest, request) = (after, request + 1);
    }
    line
}

/// The run of bytes from which [`frames`] makes this frame.
pub(crate) fn run(kind: u8, payload: &[u8]) -> Vec<u8> {
    let [l0, l1, l2, _] = (payload.len() as u32).to_le_bytes();
    [&[kind, l0, l1, l2], payload].concat()
}
