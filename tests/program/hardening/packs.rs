//! Row "packs": what an attacker who can write to a vault can do to its thumbnails, which are kept together. None is
//! ever shown for another photo, a check names the pack, and a repair makes the vault whole.

use std::collections::BTreeSet;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use cipherlens::durable::IfLocked;
use cipherlens::vault::format::pack::{PackList, PartIndex};
use cipherlens::vault::{Error, Id, LostPhotoPolicy, PackPart, Vault, repair};

use crate::support::vault_fixture::{Again, Fixture, fill, keys, pack_file, readable, remove};

/// Both files of the packs of a vault: the list, then the thumbnails.
fn packs(fixture: &Fixture, vault: &Vault) -> Vec<[PathBuf; 2]> {
    let snapshot = vault.snapshot().unwrap();
    let path = |name: Id, ending: &str| fixture.root().join(format!("encrypted_thumbnails/{name}.{ending}"));
    snapshot.mapping().packs.iter().map(|pack| ["parts", "pack"].map(|ending| path(pack.list.name(), ending))).collect()
}

fn contents(packs: &[[PathBuf; 2]]) -> Vec<[Vec<u8>; 2]> {
    packs.iter().map(|pack| pack.each_ref().map(|path| fs::read(path).unwrap())).collect()
}

/// Where the thumbnails are in a pack, which has one part.
fn places(fixture: &Fixture, [list, content]: &[PathBuf; 2]) -> Vec<Range<usize>> {
    let part = PackList::decode(&fs::read(list).unwrap()).unwrap().parts.remove(0);
    let content = fs::read(content).unwrap();
    let index = PartIndex::open(&keys(&fixture.root()), &part, &content[..part.index_bytes as usize]).unwrap();
    index.all().map(|(_, place)| place.start as usize..place.end as usize).collect()
}

/// Which thumbnails can be read; each is the one that was stored.
fn shown(vault: &Vault, ids: &[Id]) -> Vec<usize> {
    let snapshot = vault.snapshot().unwrap();
    assert_eq!(readable(&snapshot, ids), ids.len(), "thumbnails have nothing to do with photos");
    (0..ids.len()).filter(|number| snapshot.image(ids[*number]).unwrap().thumbnail().is_ok()).collect()
}

fn complaints(vault: &Vault) -> BTreeSet<String> {
    vault.check(&|_| {}).unwrap().damages.iter().map(|damage| damage.object.to_string()).collect()
}

fn name(path: &Path) -> String {
    format!("encrypted_thumbnails/{}", path.file_name().unwrap().to_str().unwrap())
}

#[test]
fn every_changed_byte_and_every_length_is_named_and_shows_no_wrong_thumbnail() {
    let fixture = Fixture::new();
    let vault = fixture.open();
    let ids = fill(&vault, 0..3);
    let mut cases = 0;
    for path in packs(&fixture, &vault).remove(0) {
        let whole = fs::read(&path).unwrap();
        let changed = (0..whole.len()).map(|at| {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << (at % 8);
            bytes
        });
        let shorter = (0..whole.len()).map(|length| whole[..length].to_vec());
        let longer = [1, 16, 4096].map(|more| [&whole[..], &vec![0; more]].concat());
        for (case, bytes) in changed.chain(shorter).chain(longer).enumerate() {
            fs::write(&path, bytes).unwrap();
            let snapshot = vault.snapshot().unwrap();
            readable(&snapshot, &ids);
            // A check of the whole vault takes milliseconds.
            if case % 7 == 0 || case >= 2 * whole.len() {
                assert_eq!(complaints(&vault), [name(&path)].into(), "case {case}");
            }
            cases += 1;
        }
        fs::write(&path, whole).unwrap();
    }
    assert_eq!(shown(&vault, &ids), [0, 1, 2]);
    println!("{cases} cases");
}

#[test]
fn thumbnails_swapped_in_a_pack_between_packs_and_between_vaults_do_not_open() {
    let (fixture, other) = (Fixture::new(), Fixture::new());
    let (vault, foreign) = (fixture.open(), other.open());
    let mut ids = fill(&vault, 0..2);
    ids.extend(fill(&vault, 2..4));
    fill(&foreign, 0..2);
    let (own, others) = (packs(&fixture, &vault), packs(&other, &foreign));
    let [first, second] = [&own[0], &own[1]].map(|pack| (places(&fixture, pack), fs::read(&pack[1]).unwrap()));
    let third = (places(&other, &others[0]), fs::read(&others[0][1]).unwrap());
    let put = |what: &str, at: usize, place: &Range<usize>, thumbnail: &[u8], hidden: &[usize]| {
        let whole = fs::read(&own[at][1]).unwrap();
        let mut bytes = whole.clone();
        bytes[place.clone()].copy_from_slice(thumbnail);
        fs::write(&own[at][1], &bytes).unwrap();
        let left: Vec<usize> = (0..ids.len()).filter(|number| !hidden.contains(number)).collect();
        assert_eq!(shown(&vault, &ids), left, "{what}");
        assert_eq!(complaints(&vault), [name(&own[at][1])].into(), "{what}");
        fs::write(&own[at][1], whole).unwrap();
    };
    let of = |(places, bytes): &(Vec<Range<usize>>, Vec<u8>), number: usize| bytes[places[number].clone()].to_vec();
    put("doubled in a pack", 0, &first.0[1], &of(&first, 0), &[1]);
    put("from another pack", 0, &first.0[0], &of(&second, 0), &[0]);
    put("from another vault", 1, &second.0[1], &of(&third, 1), &[3]);
    let swapped = first.0[0].start..first.0[1].end;
    put("swapped", 0, &swapped, &[of(&first, 1), of(&first, 0)].concat(), &[0, 1]);

    // Whole packs in each other's place, with and without their lists.
    for (what, files) in [("thumbnails", &[1][..]), ("lists", &[0]), ("both", &[0, 1])] {
        let whole = contents(&own);
        for &file in files {
            fs::write(&own[0][file], &whole[1][file]).unwrap();
            fs::write(&own[1][file], &whole[0][file]).unwrap();
        }
        assert_eq!(shown(&vault, &ids), [0usize; 0], "{what}");
        assert_eq!(complaints(&vault).len(), 2, "{what}");
        for (pack, whole) in own.iter().zip(&whole) {
            pack.iter().zip(whole).for_each(|(path, bytes)| fs::write(path, bytes).unwrap());
        }
        for &file in files {
            fs::copy(&others[0][file], &own[0][file]).unwrap();
        }
        assert_eq!(shown(&vault, &ids), [2, 3], "{what} of another vault");
        fs::write(&own[0][0], &whole[0][0]).unwrap();
        fs::write(&own[0][1], &whole[0][1]).unwrap();
    }
    assert_eq!(shown(&vault, &ids), [0, 1, 2, 3]);
}

#[test]
fn the_files_of_an_older_generation_are_refused_in_place_of_the_newer_ones() {
    let fixture = Fixture::new();
    let vault = fixture.open();
    let ids = fill(&vault, 0..4);
    let old = contents(&packs(&fixture, &vault)).remove(0);
    // Its only part is written anew under the same id, without the first thumbnail.
    remove(&vault, &ids[..1]);
    let new = packs(&fixture, &vault).remove(0);
    let whole = contents(&packs(&fixture, &vault)).remove(0);
    assert_ne!(whole[1], old[1]);
    let left = &ids[1..];
    let snapshot = |number: usize| vault.snapshot().unwrap().image(left[number]).unwrap().thumbnail().map(|_| ());
    for (what, files) in [("the list", &[0][..]), ("the thumbnails", &[1]), ("both", &[0, 1])] {
        for &file in files {
            fs::write(&new[file], &old[file]).unwrap();
        }
        for number in 0..left.len() {
            let refused = snapshot(number).unwrap_err();
            assert!(matches!(refused, Error::Damaged { .. } | Error::Missing { .. }), "{what}: {refused}");
        }
        assert!(!complaints(&vault).is_empty(), "{what}");
        new.iter().zip(&whole).for_each(|(path, bytes)| fs::write(path, bytes).unwrap());
    }
    assert!((0..left.len()).all(|number| snapshot(number).is_ok()));
    assert!(matches!(vault.snapshot().unwrap().image(ids[0]), Err(Error::UnknownImage { .. })));
}

/// What becomes of a file of a pack; `None` when it is removed.
type Way = (PackPart, fn(Vec<u8>) -> Option<Vec<u8>>);

#[test]
fn a_repair_mends_every_way_to_damage_a_pack() {
    let ways: [Way; 6] = [
        (PackPart::List, |_| None),
        (PackPart::List, |bytes| Some(bytes[..bytes.len() - 1].to_vec())),
        (PackPart::Content, |_| None),
        (PackPart::Content, |bytes| Some([&bytes[..], &[0]].concat())),
        (PackPart::Content, |mut bytes| {
            bytes[0] ^= 1;
            Some(bytes)
        }),
        (PackPart::Content, |mut bytes| {
            *bytes.last_mut()? ^= 1;
            Some(bytes)
        }),
    ];
    for (way, (part, change)) in ways.into_iter().enumerate() {
        let fixture = Fixture::new();
        let vault = fixture.open();
        let mut ids = fill(&vault, 0..5);
        ids.extend(fill(&vault, 5..7));
        let path = pack_file(&vault.snapshot().unwrap(), part).path(&fixture.root());
        match change(fs::read(&path).unwrap()) {
            Some(bytes) => fs::write(&path, bytes).unwrap(),
            None => fs::remove_file(&path).unwrap(),
        }
        // A commit is possible before that, and does not hide the damage.
        ids.extend(fill(&vault, 7..8));
        assert!(complaints(&vault).contains(&name(&path)), "way {way}");
        let repaired = repair(&vault, &Again, LostPhotoPolicy::Keep, IfLocked::Refuse, &|_| {}).unwrap();
        assert!(repaired.after.is_whole(), "way {way}: {:?}", repaired.after.damages);
        assert!(repaired.after.leftovers.is_empty(), "way {way}");
        assert_eq!(shown(&vault, &ids).len(), 8, "way {way}");
        assert!(!path.exists(), "way {way}: nothing of the damaged pack is left");
    }
}
