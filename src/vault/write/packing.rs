//! Writing packs of thumbnails: a pack for those of a commit, merging small packs, and dropping thumbnails that no
//! record refers to.
//!
//! Must never: change the number of a thumbnail in its part, which records name, or fail a commit because a pack of
//! before is damaged or missing. Such a pack stays as it is, for a check to find.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::vault::backend::writer::Writer;
use crate::vault::error::Error;
use crate::vault::format::entries::PackEntry;
use crate::vault::format::hex::{Digest, Id};
use crate::vault::format::layout::{Object, PackPart};
use crate::vault::format::pack;
use crate::vault::format::pack::{PackList, PartEntry, SealedThumbnail};
use crate::vault::format::record::ThumbnailPlace;
use crate::vault::format::shape::Shape;
use crate::vault::read::packs::{Pack, Packs};
use crate::vault::read::snapshot::Snapshot;
use crate::vault::read::source::Source;

/// A pack is written anew when one of this many of its thumbnails, or more, is dead.
const DEAD_SHARE: usize = 4;

/// The thumbnails that the next commit writes, as one part of a pack.
pub(super) struct Thumbnails {
    pub(super) part: Id,
    pub(super) sealed: Vec<SealedThumbnail>,
}

impl Thumbnails {
    pub(super) fn new() -> Result<Self, Error> {
        Ok(Self { part: Id::random()?, sealed: Vec::new() })
    }

    /// Drops one that will not be appended; nothing if an earlier commit was to write it.
    pub(super) fn forget(&mut self, place: ThumbnailPlace) {
        if let Some((_, sealed)) = self.sealed.get_mut(place.number as usize).filter(|_| place.part == self.part) {
            *sealed = Vec::new();
        }
    }

    /// Drops those that no record of the commit refers to.
    pub(super) fn keep_only(&mut self, wanted: &HashSet<ThumbnailPlace>) {
        let part = self.part;
        for (number, (_, sealed)) in (0..).zip(&mut self.sealed) {
            if !wanted.contains(&ThumbnailPlace { part, number }) {
                sealed.clear();
            }
        }
    }
}

/// What is known about the content of a pack.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Content {
    /// Written by this commit.
    Written,
    /// Of a generation before, not looked at.
    Kept,
    /// Missing or damaged: merged, it would damage the others, or no longer be known as damaged.
    Unfit,
}

/// A pack of the next generation.
struct Planned {
    entry: PackEntry,
    list: PackList,
    content: Content,
}

/// The packs of the next generation.
pub(super) struct Packing<'a> {
    source: &'a Source,
    writer: &'a dyn Writer,
    packs: Vec<Planned>,
    obsolete: Vec<Object>,
}

impl<'a> Packing<'a> {
    /// Begins with no pack.
    pub(super) fn empty(source: &'a Source, writer: &'a dyn Writer) -> Self {
        Self { source, writer, packs: Vec::new(), obsolete: Vec::new() }
    }

    /// Begins with the packs of the generation before. A pack whose list is damaged stays as it is.
    pub(super) fn new(source: &'a Source, writer: &'a dyn Writer, before: &Packs) -> Self {
        let planned = |pack: &Arc<Pack>| {
            let (list, content) = match before.list(pack) {
                Ok(list) => (list.clone(), Content::Kept),
                Err(_) => (PackList { parts: Vec::new() }, Content::Unfit),
            };
            Planned { entry: pack.entry.clone(), list, content }
        };
        Self { source, writer, packs: before.all().iter().map(planned).collect(), obsolete: Vec::new() }
    }

    /// Writes a pack with the thumbnails of this commit.
    pub(super) fn add(&mut self, thumbnails: &Thumbnails) -> Result<(), Error> {
        if thumbnails.sealed.iter().all(|(_, sealed)| sealed.is_empty()) {
            return Ok(());
        }
        let (part, entry) = pack::encode_part(&self.source.keys, thumbnails.part, &thumbnails.sealed)?;
        let planned = self.write(PackList { parts: vec![entry] }, &part, 0)?;
        self.packs.push(planned);
        Ok(())
    }

    /// Counts thumbnails that no record refers to any more, and writes packs with many of them anew. `live` gives the
    /// places that the records of the next generation refer to. Packs whose list is damaged go when none of those can
    /// be in them.
    pub(super) fn bury(
        &mut self,
        dead: &[ThumbnailPlace],
        before: &Packs,
        live: impl Fn() -> Result<HashSet<ThumbnailPlace>, Error>,
    ) -> Result<(), Error> {
        let mut by_part = HashMap::<Id, usize>::new();
        dead.iter().for_each(|place| *by_part.entry(place.part).or_default() += 1);
        if by_part.is_empty() {
            return Ok(());
        }
        let mut worth_rewriting = Vec::new();
        for (position, pack) in self.packs.iter_mut().enumerate() {
            let more: usize = pack.list.parts.iter().filter_map(|part| by_part.get(&part.id)).sum();
            if more == 0 {
                continue;
            }
            pack.entry.dead += more;
            // A part that does not open counts for nothing, so its pack is looked at more closely.
            let kept_of = |part: &PartEntry| before.index(before.place(part.id)?).ok().map(|index| index.kept());
            let kept: usize = pack.list.parts.iter().filter_map(kept_of).sum();
            if pack.entry.dead * DEAD_SHARE >= kept {
                worth_rewriting.push(position);
            }
        }
        // What is in no readable pack is in one whose list is damaged.
        let is_readable = |part: &Id| before.place(*part).is_some();
        let has_unreadable = !by_part.keys().all(is_readable);
        if worth_rewriting.is_empty() && !has_unreadable {
            return Ok(());
        }
        let wanted = match live() {
            Ok(wanted) => wanted,
            // Records that cannot be read may refer to any thumbnail.
            Err(error) => {
                log::warn!("thumbnails without a photo stay for now: {error}");
                return Ok(());
            }
        };
        for position in worth_rewriting.into_iter().rev() {
            match self.without_unwanted(position, before, &wanted) {
                Ok((bytes, list)) => self.rewrite(position, &bytes, list)?,
                Err(error) => log::warn!("a pack of thumbnails stays as it is: {error}"),
            }
        }
        if has_unreadable && wanted.iter().all(|place| is_readable(&place.part)) {
            let unreadable = self.packs.extract_if(.., |pack| pack.list.parts.is_empty());
            self.obsolete.extend(unreadable.flat_map(|pack| files(&pack.entry)));
        }
        Ok(())
    }

    /// The content and the list of a pack without the thumbnails that are not wanted.
    fn without_unwanted(
        &self,
        position: usize,
        before: &Packs,
        wanted: &HashSet<ThumbnailPlace>,
    ) -> Result<(Vec<u8>, PackList), Error> {
        let (mut bytes, mut parts) = (Vec::new(), Vec::<PartEntry>::new());
        let wanted_parts: HashSet<Id> = wanted.iter().map(|place| place.part).collect();
        for part in self.packs[position].list.parts.iter().filter(|part| wanted_parts.contains(&part.id)) {
            let Some(at) = before.place(part.id) else { continue };
            let is_wanted = |number: u32| wanted.contains(&ThumbnailPlace { part: part.id, number });
            let content = before.read_part(at)?;
            let (part, entry) = pack::without_unwanted(&self.source.keys, part, &content, is_wanted)?;
            bytes.extend(part);
            parts.push(entry);
        }
        Ok((bytes, PackList { parts }))
    }

    /// Replaces a pack; without parts, nothing of it is left.
    fn rewrite(&mut self, position: usize, bytes: &[u8], list: PackList) -> Result<(), Error> {
        self.obsolete.extend(files(&self.packs[position].entry));
        if list.parts.is_empty() {
            self.packs.remove(position);
        } else {
            self.packs[position] = self.write(list, bytes, 0)?;
        }
        Ok(())
    }

    /// Merges small packs. The host copies their bytes.
    pub(super) fn merge(&mut self) -> Result<(), Error> {
        let size = |pack: &Planned| if pack.content == Content::Unfit { u64::MAX } else { pack.entry.bytes };
        while let Some(positions) = pack::next_merge(&self.packs.iter().map(size).collect::<Vec<_>>()) {
            if self.exclude_damaged(&positions)? {
                continue;
            }
            let merged: Vec<&Planned> = positions.iter().map(|at| &self.packs[*at]).collect();
            let from: Vec<Object> = merged.iter().map(|pack| files(&pack.entry)[1].clone()).collect();
            let parts: Vec<PartEntry> = merged.iter().flat_map(|pack| pack.list.parts.iter().cloned()).collect();
            let dead = merged.iter().map(|pack| pack.entry.dead).sum();
            let list = PackList { parts };
            let [_, content] = self.stage_list(&list)?;
            let digest = self.writer.concatenate(&content, &from)?;
            let entry = PackEntry {
                parts: list.parts.len(),
                bytes: list.bytes(),
                dead,
                list: Digest::of(&[&list.encode()]),
                pack: digest,
            };
            for at in positions.iter().rev() {
                let pack = self.packs.remove(*at);
                self.obsolete.extend(files(&pack.entry));
            }
            self.packs.insert(positions[0], Planned { entry, list, content: Content::Written });
        }
        Ok(())
    }

    /// Excludes those of these packs whose content is missing or damaged from merging. Returns whether there are any.
    fn exclude_damaged(&mut self, positions: &[usize]) -> Result<bool, Error> {
        let of_before = |at: &usize| self.packs[*at].content == Content::Kept;
        let kept: Vec<usize> = positions.iter().copied().filter(of_before).collect();
        if kept.is_empty() {
            return Ok(false);
        }
        let objects: Vec<Object> = kept.iter().map(|at| files(&self.packs[*at].entry)[1].clone()).collect();
        let found = self.source.backend.digests(&objects)?;
        let mut excludes = false;
        for (at, found) in kept.into_iter().zip(found) {
            let pack = &mut self.packs[at];
            if found != Some(pack.entry.pack) {
                pack.content = Content::Unfit;
                excludes = true;
            }
        }
        Ok(excludes)
    }

    /// The files that are obsolete so far. Staged packs that were merged can be discarded before the commit.
    pub(super) fn take_obsolete(&mut self) -> Vec<Object> {
        std::mem::take(&mut self.obsolete)
    }

    /// The entries of the packs as they are now.
    pub(super) fn entries(&self) -> Vec<PackEntry> {
        self.packs.iter().map(|pack| pack.entry.clone()).collect()
    }

    /// The entries of the next mapping, and the files that are obsolete with it.
    pub(super) fn finish(self) -> (Vec<PackEntry>, Vec<Object>) {
        (self.entries(), self.obsolete)
    }

    fn write(&self, list: PackList, content: &[u8], dead: usize) -> Result<Planned, Error> {
        let [_, file] = self.stage_list(&list)?;
        self.writer.stage(&file, &[content])?;
        let (encoded, pack) = (Digest::of(&[&list.encode()]), Digest::of(&[content]));
        let entry = PackEntry { parts: list.parts.len(), bytes: content.len() as u64, dead, list: encoded, pack };
        Ok(Planned { entry, list, content: Content::Written })
    }

    /// Stages a list, and returns the names of both files of the pack.
    fn stage_list(&self, list: &PackList) -> Result<[Object; 2], Error> {
        let bytes = list.encode();
        let name = Digest::of(&[&bytes]).name();
        let files = [Object::Pack(name, PackPart::List), Object::Pack(name, PackPart::Content)];
        self.writer.announce(&files)?;
        self.writer.stage(&files[0], &[&bytes])?;
        Ok(files)
    }
}

fn files(entry: &PackEntry) -> [Object; 2] {
    PackPart::ALL.map(|part| Shape::pack(entry, part).object)
}

/// The places of all thumbnails that records of a generation refer to.
pub(super) fn places(snapshot: &Snapshot) -> Result<HashSet<ThumbnailPlace>, Error> {
    let mut places = HashSet::new();
    for segment in snapshot.segments()? {
        places.extend(segment.read_records()?.iter().filter_map(|record| record.thumbnail));
    }
    Ok(places)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;
    use std::path::{Path, PathBuf};

    use zeroize::Zeroizing;

    use super::*;
    use crate::cipher::{Cost, Passphrase};
    use crate::durable::IfLocked;
    use crate::vault::format::extension::Extension;
    use crate::vault::format::hex::Hex;
    use crate::vault::format::record::Found;
    use crate::vault::format::space::FeatureSpace;
    use crate::vault::format::space::tests::features;
    use crate::vault::freshness::Freshness;
    use crate::vault::unlocked::Vault;
    use crate::vault::write::transaction::{Appended, NewImage, Transaction};

    /// A vault of small thumbnails, and what they are.
    struct Album {
        folder: tempfile::TempDir,
        vault: Vault,
        shown: BTreeMap<Id, Vec<u8>>,
        photos: u32,
    }

    impl Album {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let features = FeatureSpace { dimension: 128, ..features() };
            let passphrase = Passphrase::new(&Zeroizing::new(b"correct".to_vec())).unwrap();
            let backend = crate::vault::local(folder.path().join("vault"));
            let freshness = Freshness::unrecorded();
            let (vault, _) = Vault::create(backend, &passphrase, Cost::FLOOR, features, freshness).unwrap();
            Self { folder, vault, shown: BTreeMap::new(), photos: 0 }
        }

        fn begin(&self) -> Transaction {
            Transaction::begin(&self.vault, IfLocked::Refuse).unwrap()
        }

        fn append(&mut self, transaction: &mut Transaction) -> Appended {
            let number = self.photos;
            self.photos += 1;
            let thumbnail = vec![number as u8; 50 + number as usize];
            let mut photo = transaction.store_photo(&number.to_le_bytes(), &Extension::of(Path::new("x.jpg"))).unwrap();
            transaction.store_thumbnail(&mut photo, &thumbnail).unwrap();
            self.shown.insert(photo.id(), thumbnail);
            let record = photo.record(Found { source: Hex([0; 16]), path: b"x.jpg".to_vec(), modified: None });
            transaction.append(NewImage { photo, record, vector: None }).unwrap()
        }

        /// A commit with this many new photos.
        fn add(&mut self, photos: usize) {
            let mut transaction = self.begin();
            for _ in 0..photos {
                self.append(&mut transaction);
            }
            drop(transaction.commit().unwrap());
        }

        fn remove(&mut self, ids: &[Id]) {
            let mut transaction = self.begin();
            for id in ids {
                transaction.remove(*id).unwrap();
                self.shown.remove(id);
            }
            drop(transaction.commit().unwrap());
        }

        fn path(&self, object: &Object) -> PathBuf {
            self.folder.path().join("vault").join(object.to_string())
        }

        /// Both files of the packs, oldest first.
        fn packs(&self) -> Vec<[PathBuf; 2]> {
            let snapshot = self.vault.snapshot().unwrap();
            snapshot.mapping().packs.iter().map(|pack| files(pack).map(|file| self.path(&file))).collect()
        }

        /// How many thumbnails can be read; each is the one that was stored.
        fn readable(&self) -> usize {
            let snapshot = self.vault.snapshot().unwrap();
            assert_eq!(snapshot.len(), self.shown.len());
            let opened = |(id, thumbnail): (&Id, &Vec<u8>)| match snapshot.image(*id).unwrap().thumbnail() {
                Ok(opened) => {
                    assert!(*opened == *thumbnail, "another thumbnail");
                    true
                }
                Err(_) => false,
            };
            self.shown.iter().filter(|shown| opened(*shown)).count()
        }

        /// Every thumbnail is there, the dead ones are few and counted, and no file is left over.
        fn is_whole(&self) {
            assert_eq!(self.readable(), self.shown.len());
            let snapshot = self.vault.snapshot().unwrap();
            let live = places(&snapshot).unwrap();
            let packs = snapshot.packs();
            for pack in packs.all() {
                let (mut kept, mut dead) = (0, 0);
                for part in packs.parts(pack).unwrap() {
                    let index = packs.index(&part).unwrap();
                    let numbers = (0..).zip(index.all());
                    for (number, _) in numbers.filter(|(_, (_, range))| !range.is_empty()) {
                        kept += 1;
                        dead += usize::from(!live.contains(&ThumbnailPlace { part: part.part.id, number }));
                    }
                }
                assert_eq!(pack.entry.dead, dead);
                assert!(DEAD_SHARE * dead < kept, "{dead} of {kept} are dead");
            }
            let sizes: Vec<u64> = packs.all().iter().map(|pack| pack.entry.bytes).collect();
            assert_eq!(pack::next_merge(&sizes), None);
            assert!(self.vault.check(&|_| {}).unwrap().is_whole());
            let folder = self.folder.path().join("vault/encrypted_thumbnails");
            assert_eq!(fs::read_dir(folder).unwrap().count(), 2 * sizes.len());
        }
    }

    #[test]
    fn nothing_is_lost_while_packs_are_merged_and_written_anew() {
        let mut album = Album::new();
        for round in 0..30usize {
            album.add(round % 3 + 1);
            if round % 4 == 3 {
                let step = round % 5 + 2;
                let some: Vec<Id> = album.shown.keys().copied().step_by(step).collect();
                album.remove(&some);
            }
            if round % 5 == 4 {
                album.is_whole();
            }
        }
        assert!(album.shown.len() > 8);
        let all: Vec<Id> = album.shown.keys().copied().collect();
        album.remove(&all);
        album.is_whole();
        assert!(album.packs().is_empty(), "a pack of which nothing is left goes");
    }

    #[test]
    fn a_pack_is_written_anew_when_a_quarter_of_it_is_dead() {
        let mut album = Album::new();
        album.add(9);
        let before = album.packs();
        let ids: Vec<Id> = album.shown.keys().copied().collect();
        album.remove(&ids[..2]);
        assert_eq!(album.packs(), before, "two of nine");
        album.is_whole();
        album.remove(&ids[2..3]);
        assert_ne!(album.packs(), before, "three of nine");
        album.is_whole();
    }

    /// Ways to damage a pack: whether its list or its content, and how.
    type Damage = (usize, fn(&Path));

    fn change_the_middle(path: &Path) {
        let mut bytes = fs::read(path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(path, bytes).unwrap();
    }

    fn cut_a_byte(path: &Path) {
        let bytes = fs::read(path).unwrap();
        fs::write(path, &bytes[..bytes.len() - 1]).unwrap();
    }

    fn lengthen(path: &Path) {
        fs::write(path, [&fs::read(path).unwrap()[..], &[0]].concat()).unwrap();
    }

    fn delete(path: &Path) {
        fs::remove_file(path).unwrap();
    }

    const DAMAGES: [Damage; 6] =
        [(0, change_the_middle), (0, delete), (1, change_the_middle), (1, cut_a_byte), (1, lengthen), (1, delete)];

    #[test]
    fn a_damaged_pack_fails_no_commit_and_spoils_no_other_pack() {
        for (number, (file, damage)) in DAMAGES.into_iter().enumerate() {
            let mut album = Album::new();
            (0..7).for_each(|_| album.add(4));
            let packs = album.packs();
            assert_eq!(packs.len(), 7);
            damage(&packs[2][file]);
            album.vault = reopened(&album);
            let before = album.readable();
            assert!(before >= 24, "the other packs can be read: {before}");
            // Enough for a merge without the damaged one, which stays.
            album.add(4);
            assert_eq!(album.packs().len(), 8, "way {number}");
            album.add(4);
            assert_eq!(album.packs().len(), 2, "way {number}");
            assert!(album.packs().contains(&packs[2]), "way {number}");
            assert_eq!(album.readable(), before + 8, "way {number}");
            // Every other photo, and so half of every pack: their thumbnails have an even length.
            let of_every_pack = album.shown.iter().filter(|(_, thumbnail)| thumbnail.len().is_multiple_of(2));
            let some: Vec<Id> = of_every_pack.map(|(id, _)| *id).collect();
            album.remove(&some);
            // Behind the last part nothing is copied.
            let is_mended = number == 4;
            assert_eq!(album.vault.check(&|_| {}).unwrap().is_whole(), is_mended, "way {number}");
            let all: Vec<Id> = album.shown.keys().copied().collect();
            album.remove(&all);
            album.is_whole();
            assert!(album.packs().is_empty(), "it goes when nothing of it is wanted, way {number}");
        }
    }

    /// The same vault, with nothing read yet.
    fn reopened(album: &Album) -> Vault {
        let passphrase = Passphrase::new(&Zeroizing::new(b"correct".to_vec())).unwrap();
        let backend = crate::vault::local(album.folder.path().join("vault"));
        Vault::open(backend, &passphrase, Freshness::unrecorded()).unwrap().0
    }

    #[test]
    fn a_thumbnail_of_before_a_commit_is_not_referred_to() {
        let mut album = Album::new();
        let mut transaction = album.begin();
        let extension = Extension::of(Path::new("x.jpg"));
        let mut early = transaction.store_photo(b"early", &extension).unwrap();
        transaction.store_thumbnail(&mut early, b"its thumbnail").unwrap();
        album.append(&mut transaction);
        transaction = transaction.commit().unwrap().next;
        let record = early.record(Found { source: Hex([0; 16]), path: b"x.jpg".to_vec(), modified: None });
        let Appended::New(id) = transaction.append(NewImage { photo: early, record, vector: None }).unwrap() else {
            panic!("it is new")
        };
        drop(transaction.commit().unwrap());
        let snapshot = album.vault.snapshot().unwrap();
        assert!(matches!(snapshot.image(id).unwrap().thumbnail(), Err(Error::NoThumbnail { .. })));
        assert!(album.vault.check(&|_| {}).unwrap().is_whole());
    }
}
