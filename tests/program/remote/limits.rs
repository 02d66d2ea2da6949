//! What a host accepts, reads and removes for any client: no file larger than readers accept, and only files that a
//! writer has listed.

use std::fs;

use cipherlens::durable::IfLocked;
use cipherlens::remote::serve;
use cipherlens::vault::{
    Abandoned, Digest, Directory, Extension, GroupPart, Id, LostPhotoPolicy, Object, PackPart, Part, SignedMapping,
    largest_bytes, repair,
};

use crate::remote::host::Host;
use crate::support::requests::{frame, path};
use crate::support::vault_fixture::{Nothing, files, fill};

/// The host's answer to a writer that announces a file of `total` bytes: kind and first byte of the first reply.
fn answer_to_stage(host: &Host, object: &Object, total: u64) -> Option<(u8, u8)> {
    let mut line = [b"CLENSRPC".as_slice(), &cipherlens::remote::VERSION.to_le_bytes()].concat();
    line.extend(frame(1, 7, &[0]));
    line.extend(frame(1, 9, &[path(&object.to_string()), total.to_le_bytes().to_vec()].concat()));
    let mut output = Vec::new();
    serve(&host.root(), line.as_slice(), &mut output).unwrap();
    // The greeting, and `Done` for the writer that began.
    let replies = &output[10 + 17..];
    replies.get(8).map(|kind| (*kind, replies[9]))
}

#[test]
fn a_file_larger_than_readers_accept_is_not_staged() {
    const REFUSED_AS_TOO_LARGE: (u8, u8) = (68, 3);
    let host = Host::with_vault();
    fill(&host.open(), 0..1);
    let before = files(&host.root());
    let id = Id::random().unwrap();
    let mut objects = vec![Object::Mapping, Object::Header, Object::Table(id)];
    objects.push(Object::Photo(id, Extension::of("x.jpg".as_ref())));
    objects.extend(PackPart::ALL.map(|part| Object::Pack(id, part)));
    objects.extend(Part::ALL.map(|part| Object::Segment(id, part)));
    objects.extend(GroupPart::ALL.map(|part| Object::Group(id, part)));
    for object in &objects {
        let limit = largest_bytes(object);
        assert_eq!(answer_to_stage(&host, object, limit + 1), Some(REFUSED_AS_TOO_LARGE), "{object}");
        assert_eq!(answer_to_stage(&host, object, limit), None, "{object}");
    }
    assert_eq!(files(&host.root()), before);
}

#[test]
fn a_list_too_large_for_its_mapping_is_not_committed() {
    let host = Host::with_vault();
    let vault = host.open();
    fill(&vault, 0..1);
    let before = files(&host.root());
    let current = vault.backend().mapping().unwrap();
    let large = [b' '; 5000];
    let new = Digest::of(&[&large]);
    let next = current.text().replace(&current.mapping.segments[0].list.to_string(), &new.to_string());
    let next = SignedMapping::parse(next.replace("\"generation\": 2", "\"generation\": 3").as_bytes()).unwrap();
    let writer = vault.backend().writer(Abandoned::Remove).unwrap();
    // A list of one image has at most 16 companions, and so about a kilobyte.
    let staged = Object::Segment(new.name(), Part::List);
    writer.stage(&staged, &[&large]).unwrap();
    writer.lock(IfLocked::Refuse).unwrap();
    let refused = writer.commit(&next, None).unwrap_err();
    drop(writer);
    assert!(refused.to_string().contains("too large"), "{refused}");
    drop(vault);
    assert_eq!(host.open_there().snapshot().unwrap().len(), 1);
    assert!(before.keys().all(|path| host.root().join(path).exists()) && !staged.path(&host.root()).exists());
}

#[test]
fn a_tebibyte_file_is_not_read_for_its_digest() {
    let host = Host::with_vault();
    fill(&host.open(), 0..1);
    let endless = Object::Thumbnail(Id::random().unwrap());
    // Zeros that take no disk space.
    fs::File::create(host.root().join(endless.to_string())).unwrap().set_len(1 << 40).unwrap();
    let client = host.connect(&host.command()).unwrap();
    let whole = client.list(Directory::Thumbnails).unwrap();
    let objects: Vec<Object> = whole.into_iter().map(|listed| listed.object).collect();
    // A pack is two files.
    assert_eq!(objects.len(), 3);
    for (object, digest) in objects.iter().zip(client.digests(&objects).unwrap()) {
        assert_eq!(digest.is_some(), *object != endless, "{object}");
    }
}

#[test]
fn strays_on_a_host_are_reported_and_moved_aside_there() {
    let host = Host::with_vault();
    let vault = host.open();
    fill(&vault, 0..1);
    let mut expected = files(&host.root());
    let stray = format!("encrypted_images/{}.jpg.aes", Id::random().unwrap());
    fs::write(host.root().join(&stray), "perhaps a photo").unwrap();
    let repaired = repair(&vault, &Nothing, LostPhotoPolicy::Keep, IfLocked::Refuse, &|_| {}).unwrap();
    assert_eq!(repaired.before.leftovers.strays, std::slice::from_ref(&stray));
    assert!(repaired.after.leftovers.is_empty());
    expected.insert(format!("set_aside/{stray}").into(), b"perhaps a photo".to_vec());
    drop(vault);
    assert_eq!(files(&host.root()), expected);
}
