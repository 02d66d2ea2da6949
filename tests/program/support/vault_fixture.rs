//! A small vault in a temporary directory, filled with made-up photos and unit vectors.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use cipherlens::cipher::{Cost, Passphrase};
use cipherlens::ckks::CheckVectors;
use cipherlens::durable::IfLocked;
use cipherlens::vault::format::dedup::DedupEntry;
use cipherlens::vault::format::entries::TableEntry;
use cipherlens::vault::format::fields::Rows;
use cipherlens::vault::format::history;
use cipherlens::vault::format::history::Ancestor;
use cipherlens::vault::format::mapping::Contents;
use cipherlens::vault::format::sealed::{SealedObject, VaultKeys};
use cipherlens::vault::format::segment::Search;
use cipherlens::vault::format::shape::Shape;
use cipherlens::vault::format::table::{PAGE_ROWS, Table};
use cipherlens::vault::format::{dedup, fields, group, header, vectors};
use cipherlens::vault::{
    self, Abandoned, Appended, Backend, CaptureTime, Captured, Digest, Error, Extension, FeatureSpace, Found,
    Freshness, GroupEntry, GroupPart, Hex, Id, Modified, NewImage, Object, Origin, PackPart, Part, Pixels, Regenerate,
    Seen, SignedMapping, Snapshot, StoredPhoto, Transaction, Vault, Writer,
};
use zeroize::Zeroizing;

/// Numbers in a vector.
pub(crate) const DIMENSION: usize = 512;

pub(crate) struct Fixture {
    directory: tempfile::TempDir,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        let fixture = Self { directory: tempfile::tempdir().unwrap() };
        Vault::create(vault::local(fixture.root()), &passphrase("correct"), Cost::FLOOR, space(), fixture.freshness())
            .unwrap();
        fixture
    }

    /// The same vault in another directory, on a machine that has seen the same generations.
    pub(crate) fn copy_of(other: &Self) -> Self {
        let copy = Self { directory: tempfile::tempdir().unwrap() };
        restore(copy.directory.path(), &files(other.directory.path()));
        copy
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.directory.path().join("vault")
    }

    /// A path next to the vault.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn freshness(&self) -> Freshness {
        Freshness::in_directory(self.beside("seen"))
    }

    pub(crate) fn try_open(&self) -> Result<Vault, Error> {
        Ok(Vault::open(vault::local(self.root()), &passphrase("correct"), self.freshness())?.0)
    }

    pub(crate) fn open(&self) -> Vault {
        self.try_open().unwrap()
    }
}

/// The keys of the vault at `root`.
pub(crate) fn keys(root: &Path) -> VaultKeys {
    let header = vault::local(root).read(&Object::Header, vault::largest_bytes(&Object::Header)).unwrap();
    let (id, master) = header::open(&header, &passphrase("correct")).unwrap();
    VaultKeys::new(id, master)
}

/// Regenerates nothing.
pub(crate) struct Nothing;

impl Regenerate for Nothing {
    fn vector(&self, _: &[u8]) -> Option<Vec<f32>> {
        None
    }

    fn thumbnail(&self, _: &[u8]) -> Option<Vec<u8>> {
        None
    }
}

/// Makes the fixture's vectors and thumbnails anew.
pub(crate) struct Again;

impl Regenerate for Again {
    fn vector(&self, photo: &[u8]) -> Option<Vec<f32>> {
        number_of(photo).map(vector)
    }

    fn thumbnail(&self, photo: &[u8]) -> Option<Vec<u8>> {
        number_of(photo).map(|number| format!("thumbnail {number}").into_bytes())
    }
}

fn number_of(photo: &[u8]) -> Option<u32> {
    let number = std::str::from_utf8(photo).ok()?.split(' ').nth(1)?.parse().ok()?;
    (self::photo(number) == photo).then_some(number)
}

pub(crate) fn passphrase(text: &str) -> Passphrase {
    Passphrase::new(&Zeroizing::new(text.as_bytes().to_vec())).unwrap()
}

pub(crate) fn space() -> FeatureSpace {
    FeatureSpace {
        network: "n".into(),
        weights: "w".into(),
        preprocessing: "p".into(),
        precision: "f32".into(),
        basis: None,
        dimension: DIMENSION,
        threshold: 800,
    }
}

/// The made-up photo of a number.
pub(crate) fn photo(number: u32) -> Vec<u8> {
    format!("photo {number} ").repeat(20).into_bytes()
}

/// A unit vector for a number, from a 64-bit linear congruential generator (Knuth's MMIX constants).
pub(crate) fn vector(number: u32) -> Vec<f32> {
    let mut state = u64::from(number) + 1;
    let mut draw = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u64 << 24) as f32 - 0.5
    };
    (0..17).for_each(|_| _ = draw());
    let raw: Vec<f32> = (0..DIMENSION).map(|_| draw()).collect();
    let norm = raw.iter().map(|x| x * x).sum::<f32>().sqrt();
    raw.iter().map(|x| x / norm).collect()
}

/// The same as a vault stores it.
pub(crate) fn stored_vector(number: u32) -> Vec<f32> {
    vectors::rounded(&vector(number))
}

pub(crate) fn cosine(one: &[f32], other: &[f32]) -> f32 {
    one.iter().zip(other).map(|(x, y)| x * y).sum()
}

/// The name of the photo of a number.
pub(crate) fn name(number: u32) -> String {
    format!("holiday {number}.jpg")
}

/// A stored photo with the record and the vector of a number.
pub(crate) fn image(photo: StoredPhoto, number: u32) -> NewImage {
    let modified = Modified { seconds: 1_700_000_000 + i64::from(number), nanoseconds: number };
    let path = name(number).into_bytes();
    let mut record = photo.record(Found { source: Hex([0; 16]), path, modified: Some(modified) });
    record.captured = CaptureTime::parse("2024-05-06T07:08:09").map(|time| Captured { origin: Origin::EXIF, time });
    record.pixels = Some(Pixels { width: 640, height: 480 });
    NewImage { photo, record, vector: Some(vector(number)) }
}

/// Appends the photo of a number, with a thumbnail.
pub(crate) fn append(transaction: &mut Transaction, number: u32) -> Appended {
    let mut stored = transaction.store_photo(&photo(number), &Extension::of(Path::new("x.JPG"))).unwrap();
    transaction.store_thumbnail(&mut stored, format!("thumbnail {number}").as_bytes()).unwrap();
    transaction.append(image(stored, number)).unwrap()
}

/// Appends photos in one commit, and returns their ids.
pub(crate) fn fill(vault: &Vault, numbers: impl IntoIterator<Item = u32>) -> Vec<Id> {
    let mut transaction = Transaction::begin(vault, IfLocked::Refuse).unwrap();
    let ids = numbers
        .into_iter()
        .map(|number| match append(&mut transaction, number) {
            Appended::New(id) => id,
            Appended::AlreadyPresent(id) => panic!("photo {number} is already there as {id}"),
        })
        .collect();
    drop(transaction.commit().unwrap());
    ids
}

/// The same, with all segments in a group, as in a vault of thousands of photos.
pub(crate) fn fill_grouped(vault: &Vault, numbers: impl IntoIterator<Item = u32>) -> Vec<Id> {
    let ids = fill(vault, numbers);
    group_all(vault, &passphrase("correct"));
    ids
}

/// Commits a generation whose segments are all in groups, however few there are. A transaction groups only thousands of
/// photos.
pub(crate) fn group_all(vault: &Vault, passphrase: &Passphrase) {
    let backend = vault.backend();
    let header = backend.read(&Object::Header, vault::largest_bytes(&Object::Header)).unwrap();
    let (id, master) = header::open(&header, passphrase).unwrap();
    let keys = VaultKeys::new(id, master);
    let snapshot = vault.snapshot().unwrap();
    let mapping = snapshot.mapping();
    let in_groups: usize = mapping.groups.iter().map(|group| group.segments).sum();
    let search = Search::new(&keys, mapping.space().unwrap()).unwrap();
    let mut checks = CheckVectors::empty(search.holder.parameters(), 0);
    let mut entries = Vec::new();
    for (number, segment) in (0..).zip(snapshot.segments().unwrap().skip(in_groups)) {
        let entry = |record: &vault::Record| DedupEntry { content: record.content, id: record.id, segment: number };
        entries.extend(segment.records().unwrap().iter().map(entry));
        checks.merge(segment.checks().unwrap()).unwrap();
    }
    entries.sort();
    let id = Id::random().unwrap();
    let segments: Vec<_> = mapping.segments.iter().map(vault::SegmentEntry::grouped).collect();
    let list = group::encode_list(id, &segments);
    let copy = keys.seal(&SealedObject::GroupCopy(id), &list).unwrap().parts().concat();
    let tags = dedup::seal(&keys, id, &entries).unwrap();
    let checks = keys.seal(&SealedObject::Checks(id, search.space), &checks.to_bytes()).unwrap().parts().concat();
    let writer = backend.writer(Abandoned::Remove).unwrap();
    writer.lock(IfLocked::Refuse).unwrap();
    let stage = |bytes: &[u8], object: &dyn Fn(Id) -> Object| {
        let digest = Digest::of(&[bytes]);
        writer.stage(&object(digest.name()), &[bytes]).unwrap();
        digest
    };
    let mut groups = mapping.groups.clone();
    groups.push(GroupEntry {
        id,
        segments: mapping.segments.len(),
        images: entries.len(),
        list: stage(&list, &|name| Object::Group(name, GroupPart::List)),
        copy: stage(&copy, &|name| Object::Group(name, GroupPart::Copy)),
        tags: stage(&tags, &|name| Object::Group(name, GroupPart::Tags)),
        checks: vec![Some(stage(&checks, &|name| Object::Segment(name, Part::Checks)))],
    });
    let packs = mapping.packs.clone();
    let (tables, mut obsolete) = with_history(&keys, backend, &*writer, snapshot.signed());
    let checks: Vec<Object> = mapping
        .segments
        .iter()
        .flat_map(|segment| segment.features.iter().flatten())
        .filter_map(|features| Some(Object::Segment(features.checks?.name(), Part::Checks)))
        .collect();
    obsolete.extend(checks);
    let next = mapping.next(snapshot.signed().tag, Contents { groups, segments: Vec::new(), packs, tables });
    writer.announce(&obsolete).unwrap();
    writer.commit(&SignedMapping::sign(next, &keys), None).unwrap();
    writer.discard(&obsolete);
    writer.unlock();
}

/// The tables of a generation that follows `base`, and the pages that they replace, with the history that a transaction
/// would write.
fn with_history(
    keys: &VaultKeys,
    backend: &dyn Backend,
    writer: &dyn Writer,
    base: &SignedMapping,
) -> (Vec<TableEntry>, Vec<Object>) {
    let (table, mut tables) = (Table::History, base.mapping.tables.clone());
    let mut pages = base.mapping.pages(table.name()).to_vec();
    let (mut rows, mut obsolete) = (Vec::new(), Vec::new());
    if let Some(last) = pages.pop() {
        rows = history_page(keys, backend, pages.len() as u32, last);
        obsolete.push(Object::Table(last.name()));
    }
    rows.push(Seen::of(base).into());
    pages.push(stage_history(keys, writer, pages.len() as u32, &rows));
    tables.retain(|entry| entry.name != table.name());
    tables.push(TableEntry { name: table.name().into(), needs: table.needs(), pages });
    (tables, obsolete)
}

fn history_page(keys: &VaultKeys, backend: &dyn Backend, number: u32, page: Digest) -> Vec<Ancestor> {
    let sealed = backend.read_verified(&Shape::table_page(page)).unwrap();
    let opened = keys.open(&SealedObject::Table(Table::History.id(), number), &sealed).unwrap();
    history::of_rows(&Rows::decode(&opened, PAGE_ROWS).unwrap()).unwrap()
}

fn stage_history(keys: &VaultKeys, writer: &dyn Writer, number: u32, rows: &[Ancestor]) -> Digest {
    let page = fields::encode_rows(&rows.iter().map(Ancestor::to_fields).collect::<Vec<_>>()).unwrap();
    let sealed = keys.seal(&SealedObject::Table(Table::History.id(), number), &page).unwrap();
    let digest = Digest::of(&sealed.parts());
    writer.stage(&Object::Table(digest.name()), &sealed.parts()).unwrap();
    digest
}

/// The generation with this number in a history that [`age`] made up.
pub(crate) fn made_up(generation: u64) -> Seen {
    Seen { generation, tag: Hex([generation as u8; 64]) }
}

/// Commits a generation whose history is longer by `more` made-up generations than it is, as if the vault at `root` had
/// been changed as often.
pub(crate) fn age(root: &Path, more: u64) {
    let (vault, keys) = (open_unrecorded(root), keys(root));
    let current = vault.snapshot().unwrap();
    let (backend, current, table) = (vault.backend(), current.signed(), Table::History);
    let mut rows: Vec<Ancestor> = Vec::new();
    for (number, page) in (0..).zip(current.mapping.pages(table.name())) {
        rows.extend(history_page(&keys, backend, number, *page));
    }
    let first = current.mapping.generation + 1;
    rows.push(Seen::of(current).into());
    rows.extend((first..first + more).map(made_up).map(Ancestor::from));
    let writer = backend.writer(Abandoned::Remove).unwrap();
    writer.lock(IfLocked::Refuse).unwrap();
    let pages = (0..).zip(rows.chunks(PAGE_ROWS)).map(|(number, rows)| stage_history(&keys, &*writer, number, rows));
    let history = TableEntry { name: table.name().into(), needs: table.needs(), pages: pages.collect() };
    let others = current.mapping.tables.iter().filter(|entry| entry.name != table.name()).cloned();
    let tables = others.chain([history]).collect();
    let parent = rows.last().unwrap().seen.tag;
    let mut next = current.mapping.with_header(parent, current.mapping.header, tables);
    next.generation = first + more;
    writer.commit(&SignedMapping::sign(next, &keys), None).unwrap();
    writer.unlock();
}

/// The vault at `root`, on a machine that has seen nothing.
fn open_unrecorded(root: &Path) -> Vault {
    Vault::open(vault::local(root), &passphrase("correct"), Freshness::unrecorded()).unwrap().0
}

pub(crate) fn remove(vault: &Vault, ids: &[Id]) {
    let mut transaction = Transaction::begin(vault, IfLocked::Refuse).unwrap();
    ids.iter().for_each(|id| transaction.remove(*id).unwrap());
    drop(transaction.commit().unwrap());
}

/// Removes what interrupted writers left, as a commit does.
pub(crate) fn clean_up(vault: &Vault) {
    let writer = vault.backend().writer(Abandoned::Remove).unwrap();
    writer.lock(IfLocked::Refuse).unwrap();
    writer.remove_abandoned().unwrap();
}

/// The encrypted search: scores by image.
pub(crate) fn search(vault: &Vault, snapshot: &Snapshot, query: &[f32]) -> BTreeMap<Id, f32> {
    let scores = try_search(vault, snapshot, query).unwrap();
    assert_eq!(scores.len(), snapshot.len());
    scores.iter().enumerate().map(|(at, score)| (snapshot.image_at(at).unwrap().id(), *score)).collect()
}

/// The encrypted search: scores in scan order, or why there are none.
pub(crate) fn try_search(vault: &Vault, snapshot: &Snapshot, query: &[f32]) -> Result<Vec<f32>, Error> {
    let holder = vault.key_holder()?;
    let (encrypted, secret) = holder.encrypt(holder.prepare()?, query)?;
    let answer = snapshot.score(&encrypted)?;
    snapshot.decrypt(secret, &answer)
}

/// A file of the segment at this position in scan order.
pub(crate) fn segment_file(snapshot: &Snapshot, number: usize, part: Part) -> Object {
    let segment = snapshot.segments().unwrap().nth(number).unwrap();
    let shape = Shape::of(snapshot.mapping()).unwrap();
    shape.segment(segment.entry(), part).unwrap().object
}

/// A file of the first group.
pub(crate) fn group_file(snapshot: &Snapshot, part: GroupPart) -> Object {
    let mapping = snapshot.mapping();
    Shape::of(mapping).unwrap().group(&mapping.groups[0], part).unwrap().object
}

/// A file of the first pack of thumbnails.
pub(crate) fn pack_file(snapshot: &Snapshot, part: PackPart) -> Object {
    Shape::pack(&snapshot.mapping().packs[0], part).object
}

/// How many of the photos of [`fill`] can be read; each photo and thumbnail that can be read is what was stored.
pub(crate) fn readable(snapshot: &Snapshot, ids: &[Id]) -> usize {
    let mut intact = 0;
    for (number, id) in (0..).zip(ids) {
        let Ok(image) = snapshot.image(*id) else { continue };
        if let Ok(bytes) = image.photo() {
            assert_eq!(*bytes, photo(number), "wrong bytes instead of an error");
            intact += 1;
        }
        if let Ok(bytes) = image.thumbnail() {
            assert_eq!(*bytes, format!("thumbnail {number}").as_bytes(), "wrong bytes instead of an error");
        }
    }
    intact
}

/// How many pages of tables there are, which must be all that is left of the features.
pub(crate) fn only_tables(root: &Path) -> usize {
    let features = files(&root.join("encrypted_features"));
    assert!(features.keys().all(|name| name.extension().is_some_and(|one| one == "table")), "{:?}", features.keys());
    features.len()
}

/// Changes a bit in the middle of a file.
pub(crate) fn flip(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, bytes).unwrap();
}

/// Every file below a directory, with its content, except a vault's `lock` and claims, which say nothing about its
/// state.
pub(crate) fn files(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in walkdir::WalkDir::new(root) {
        let entry = entry.unwrap();
        let path = entry.path();
        if entry.file_type().is_file() && path != root.join("lock") && !path.starts_with(root.join("claims")) {
            found.insert(entry.path().strip_prefix(root).unwrap().to_owned(), fs::read(entry.path()).unwrap());
        }
    }
    found
}

/// Makes `root` hold exactly `files`, in its existing directories.
pub(crate) fn restore(root: &Path, files: &BTreeMap<PathBuf, Vec<u8>>) {
    for path in self::files(root).keys().filter(|path| !files.contains_key(*path)) {
        fs::remove_file(root.join(path)).unwrap();
    }
    for (path, content) in files {
        fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
        fs::write(root.join(path), content).unwrap();
    }
}
