//! Reads that fail and may succeed the next time: a repair gives up nothing because of them.

use std::collections::VecDeque;
use std::fs;
use std::io;
use std::sync::Arc;

use cipherlens::durable::IfLocked;
use cipherlens::vault::check::Remedy;
use cipherlens::vault::{
    self, Abandoned, Backend, Digest, Directory, Error, Extension, Id, Leftovers, Listed, LostPhotoPolicy, Object,
    Part, Repaired, SignedMapping, Vault, Writer, repair,
};
use parking_lot::Mutex;

use crate::support::vault_fixture::{Again, Fixture, fill, flip, name, passphrase, readable, segment_file};

/// What happens to a read of a whole file.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Read {
    Succeeds,
    Fails,
    DeliversOtherBytes,
}
use Read::{DeliversOtherBytes, Fails, Succeeds};

/// A vault on a disk with a loose cable: the first reads of one file go as listed, and those after them succeed.
struct LooseCable {
    disk: Arc<dyn Backend>,
    file: Object,
    reads: Mutex<VecDeque<Read>>,
}

impl Backend for LooseCable {
    fn require_vault(&self) -> Result<(), Error> {
        self.disk.require_vault()
    }

    fn read(&self, object: &Object, limit: u64) -> Result<Vec<u8>, Error> {
        let fate = if *object == self.file { self.reads.lock().pop_front() } else { None };
        let mut bytes = self.disk.read(object, limit)?;
        match fate.unwrap_or(Succeeds) {
            Succeeds => {}
            Fails => {
                let source = io::Error::from_raw_os_error(nix::libc::EIO);
                return Err(Error::Io { object: object.to_string(), source });
            }
            DeliversOtherBytes => bytes[0] ^= 1,
        }
        Ok(bytes)
    }

    fn read_at(&self, object: &Object, offset: u64, bytes: u64) -> Result<Vec<u8>, Error> {
        self.disk.read_at(object, offset, bytes)
    }

    fn list(&self, directory: Directory) -> Result<Vec<Listed>, Error> {
        self.disk.list(directory)
    }

    fn leftovers(&self, newest: &SignedMapping) -> Result<Leftovers, Error> {
        self.disk.leftovers(newest)
    }

    fn writer(&self, abandoned: Abandoned) -> Result<Box<dyn Writer>, Error> {
        self.disk.writer(abandoned)
    }

    fn create(&self, vault: Id, abandoned: Abandoned) -> Result<Box<dyn Writer>, Error> {
        self.disk.create(vault, abandoned)
    }

    fn digests(&self, objects: &[Object]) -> Result<Vec<Option<Digest>>, Error> {
        self.disk.digests(objects)
    }
}

fn original(id: Id) -> Object {
    Object::Photo(id, Extension::of("x.jpg".as_ref()))
}

/// Repairs the vault while reads of `file` go as listed, and drops lost photos.
fn repaired(fixture: &Fixture, file: Object, reads: &[Read]) -> Repaired {
    let reads = Mutex::new(reads.iter().copied().collect());
    let backend = Arc::new(LooseCable { disk: vault::local(fixture.root()), file, reads });
    let (vault, _) = Vault::open(backend, &passphrase("correct"), fixture.freshness()).unwrap();
    repair(&vault, &Again, LostPhotoPolicy::Drop, IfLocked::Refuse, &|_| {}).unwrap()
}

#[test]
fn a_photo_is_dropped_only_if_two_reads_find_it_missing_or_damaged() {
    // The check reads first, then the repair, and once more before it drops the photo.
    let cases: [&[Read]; 6] = [
        &[Succeeds, Fails, Fails],
        &[Fails, Fails, Fails],
        &[Fails, DeliversOtherBytes, DeliversOtherBytes],
        &[DeliversOtherBytes, Fails, Fails],
        &[Succeeds, DeliversOtherBytes, DeliversOtherBytes],
        &[DeliversOtherBytes],
    ];
    for reads in cases {
        let fixture = Fixture::new();
        let ids = fill(&fixture.open(), 0..3);
        // One that is lost, so that its neighbours are read too.
        fs::remove_file(original(ids[0]).path(&fixture.root())).unwrap();
        let repaired = repaired(&fixture, original(ids[1]), reads);
        assert_eq!(repaired.dropped, ids[..1], "{reads:?}");
        assert!(fixture.open().check(&|_| {}).unwrap().is_whole(), "{reads:?}");
        assert_eq!(readable(&fixture.open().snapshot().unwrap(), &ids), 2, "{reads:?}");
    }
    let fixture = Fixture::new();
    let ids = fill(&fixture.open(), 0..3);
    let repaired = repaired(&fixture, original(ids[1]), &[DeliversOtherBytes; 3]);
    assert_eq!(repaired.dropped, ids[1..2], "two reads found other bytes");
}

#[test]
fn a_photo_that_cannot_be_read_is_to_be_read_again() {
    let fixture = Fixture::new();
    let ids = fill(&fixture.open(), 0..2);
    let repaired = repaired(&fixture, original(ids[1]), &[Fails; 9]);
    assert!(repaired.dropped.is_empty());
    for report in [&repaired.before, &repaired.after] {
        let remedies: Vec<_> = report.damages.iter().map(|damage| (damage.image, damage.remedy)).collect();
        assert_eq!(remedies, [(Some(ids[1]), Remedy::ReadAgain)]);
    }
}

#[test]
fn a_photo_is_not_dropped_because_it_could_not_be_read_for_a_new_list() {
    let cases: [&[Read]; 2] = [&[Fails], &[DeliversOtherBytes]];
    for reads in cases {
        let fixture = Fixture::new();
        let ids = fill(&fixture.open(), 0..3);
        flip(&segment_file(&fixture.open().snapshot().unwrap(), 0, Part::List).path(&fixture.root()));
        // The check does not know the files of a damaged list, so only the repair reads them.
        assert!(repaired(&fixture, original(ids[1]), reads).dropped.is_empty(), "{reads:?}");
        assert!(repaired(&fixture, original(ids[1]), &[]).after.is_whole(), "{reads:?}");
        assert_eq!(readable(&fixture.open().snapshot().unwrap(), &ids), 3, "{reads:?}");
    }
}

#[test]
fn names_and_dates_stay_if_the_records_could_not_be_read() {
    // The records are read more than once by a check, and whenever they are needed.
    let cases: [&[Read]; 2] = [&[Fails; 20], &[Fails]];
    for reads in cases {
        let fixture = Fixture::new();
        let ids = fill(&fixture.open(), 0..2);
        let records = segment_file(&fixture.open().snapshot().unwrap(), 0, Part::Records);
        // So that the segment has something to repair.
        flip(&segment_file(&fixture.open().snapshot().unwrap(), 0, Part::Hints).path(&fixture.root()));
        let _ = repaired(&fixture, records, reads);
        let snapshot = fixture.open().snapshot().unwrap();
        let names: Vec<_> = ids.iter().map(|id| snapshot.image(*id).unwrap().name().unwrap().into_owned()).collect();
        assert_eq!(names, [name(0), name(1)], "{reads:?}");
    }
}
