//! Row "chunks": what an attacker who can write to a vault can do to a large original, which is sealed in chunks. What
//! a reader gives out is always the beginning of the original, and it is never called whole.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use cipherlens::durable::IfLocked;
use cipherlens::vault::check::Remedy;
use cipherlens::vault::format::sealed::Kind;
use cipherlens::vault::{Appended, Error, Extension, Found, Hex, Id, NewImage, Transaction, Vault};

use crate::support::vault_fixture::{Fixture, fill, photo};

/// The smallest original that is sealed in chunks: five, the last one mostly zeros.
const BYTES: usize = (16 << 20) + 1;
const PREFIX: usize = 10;
/// IV, 4 MiB, PKCS#7 padding, tag.
const CHUNK: usize = 16 + (4 << 20) + 16 + 32;

fn content(seed: u8) -> Vec<u8> {
    (0..BYTES).map(|at| (at / 4096) as u8 ^ (at % 251) as u8 ^ seed).collect()
}

/// Adds a file of `bytes` bytes as it is read.
fn add(vault: &Vault, original: &mut dyn Read, bytes: u64) -> Id {
    let mut transaction = Transaction::begin(vault, IfLocked::Refuse).unwrap();
    let photo = transaction.store_stream(original, bytes, &Extension::of(Path::new("x.mov"))).unwrap();
    let record = photo.record(Found { source: Hex([0; 16]), path: b"x.mov".to_vec(), modified: None });
    let Appended::New(id) = transaction.append(NewImage { photo, record, vector: None }).unwrap() else {
        panic!("it is new")
    };
    drop(transaction.commit().unwrap());
    id
}

fn path(fixture: &Fixture, id: Id) -> PathBuf {
    fixture.root().join(format!("encrypted_images/{id}.mov.aes"))
}

/// The prefix and the chunks of a file.
fn pieces(file: &[u8]) -> Vec<Vec<u8>> {
    let (prefix, chunks) = file.split_at(PREFIX);
    [prefix].into_iter().chain(chunks.chunks(CHUNK)).map(<[u8]>::to_vec).collect()
}

/// What is given out of an original in pieces, and whether it is whole.
fn given_out(vault: &Vault, id: Id) -> (Vec<u8>, Result<(), Error>) {
    let mut given = Vec::with_capacity(BYTES);
    let outcome = vault.snapshot().unwrap().image(id).unwrap().photo_in_pieces(&mut |piece| {
        given.extend_from_slice(piece);
        Ok(())
    });
    (given, outcome)
}

#[test]
fn chunks_moved_dropped_doubled_or_from_elsewhere_are_refused() {
    let (fixture, other) = (Fixture::new(), Fixture::new());
    let (vault, foreign) = (fixture.open(), other.open());
    let (whole, another) = (content(1), content(2));
    let id = add(&vault, &mut &*whole, BYTES as u64);
    let neighbour = add(&vault, &mut &*another, BYTES as u64);
    let stranger = add(&foreign, &mut &*whole, BYTES as u64);
    let path = path(&fixture, id);
    let file = fs::read(&path).unwrap();
    let chunks = pieces(&file);
    assert_eq!(chunks.len(), 1 + 5);
    let neighbours = pieces(&fs::read(self::path(&fixture, neighbour)).unwrap());
    let strangers = pieces(&fs::read(self::path(&other, stranger)).unwrap());
    let (given, outcome) = given_out(&vault, id);
    assert!(outcome.is_ok() && given == whole, "the control");

    let name = format!("encrypted_images/{id}.mov.aes");
    let names_it = |error: &Error| matches!(error, Error::Damaged { object, .. } if object.to_string() == name);
    let mut cases = 0;
    // How many chunks may be given out before the error.
    let mut refused = |what: &str, before: usize, change: &dyn Fn(&mut Vec<Vec<u8>>)| {
        let mut changed = chunks.clone();
        change(&mut changed);
        fs::write(&path, changed.concat()).unwrap();
        let (given, outcome) = given_out(&vault, id);
        assert!(outcome.as_ref().is_err_and(names_it), "{what}: {outcome:?}");
        assert!(given.len() <= before * (4 << 20) && whole.starts_with(&given), "{what}: {} bytes", given.len());
        let as_a_whole = vault.snapshot().unwrap().image(id).unwrap().photo().map(|_| ());
        assert!(as_a_whole.as_ref().is_err_and(names_it), "{what}: {as_a_whole:?}");
        cases += 1;
    };
    let last = chunks.len() - 1;
    refused("two chunks swapped", 1, &|pieces| pieces.swap(2, 3));
    refused("the first and the last swapped", 0, &|pieces| pieces.swap(1, last));
    refused("a chunk dropped", 2, &|pieces| drop(pieces.remove(3)));
    refused("the first chunk dropped", 0, &|pieces| drop(pieces.remove(1)));
    refused("a chunk doubled", 1, &|pieces| pieces.insert(2, pieces[1].clone()));
    refused("a chunk in place of the next", 2, &|pieces| pieces[3] = pieces[2].clone());
    refused("cut off at the border of a chunk", 4, &|pieces| pieces.truncate(last));
    refused("cut off behind the first chunk", 1, &|pieces| pieces.truncate(2));
    refused("cut off behind the prefix", 0, &|pieces| pieces.truncate(1));
    refused("the last chunk in place of the one before, and the end", 3, &|pieces| {
        pieces[last - 1] = pieces[last].clone();
        pieces.truncate(last);
    });
    refused("a chunk of another original", 1, &|pieces| pieces[2].clone_from(&neighbours[2]));
    refused("all chunks of another original", 0, &|pieces| pieces.clone_from(&neighbours));
    refused("a chunk of another vault", 3, &|pieces| pieces[4].clone_from(&strangers[4]));
    refused("the last chunk of another original", 4, &|pieces| pieces[last].clone_from(&neighbours[last]));
    refused("the kind of a small original", 0, &|pieces| pieces[0] = Kind::Photo.prefix().to_vec());
    refused("another kind", 0, &|pieces| pieces[0] = Kind::Thumbnail.prefix().to_vec());
    refused("a changed byte in the last chunk", 4, &|pieces| pieces[last][100] ^= 1);
    println!("{cases} cases");

    // Bytes behind the last chunk are not read by everybody, so it is a check that finds them.
    fs::write(&path, [&file[..], &chunks[last]].concat()).unwrap();
    let (given, _) = given_out(&vault, id);
    assert!(given == whole);
    let damages = vault.check(&|_| {}).unwrap().damages;
    assert_eq!(damages.len(), 1);
    assert_eq!((damages[0].object.to_string(), damages[0].remedy), (name, Remedy::Lost));
    fs::write(&path, file).unwrap();
    assert!(vault.check(&|_| {}).unwrap().is_whole());
}

#[test]
fn a_small_original_does_not_open_as_a_large_one() {
    let fixture = Fixture::new();
    let vault = fixture.open();
    let ids = fill(&vault, 0..1);
    let path = fixture.root().join(format!("encrypted_images/{}.jpg.aes", ids[0]));
    let mut file = fs::read(&path).unwrap();
    file[..PREFIX].copy_from_slice(&Kind::ChunkedPhoto.prefix());
    fs::write(&path, &file).unwrap();
    let image = || vault.snapshot().unwrap().image(ids[0]).unwrap().photo().map(|content| *content == photo(0));
    assert!(matches!(image(), Err(Error::Damaged { .. })));
    let (given, outcome) = given_out(&vault, ids[0]);
    assert!(given.is_empty() && matches!(outcome, Err(Error::Damaged { .. })), "{outcome:?}");
    assert_eq!(vault.check(&|_| {}).unwrap().damages.len(), 1);
    file[..PREFIX].copy_from_slice(&Kind::Photo.prefix());
    fs::write(&path, &file).unwrap();
    assert!(image().unwrap());
}

const LARGE: u64 = 128 << 20;
const VERY_LARGE: u64 = 4 << 30;
/// What either may add to the memory of the process: a few chunks in each of two threads.
const MOST_ADDED: u64 = 64 << 20;
/// Of how many bytes the original is that the child of the tests below stores.
const BYTES_OF_CHILD: &str = "BYTES_OF_A_LARGE_ORIGINAL";
const NAME: &str = "hardening::chunks::a_large_original_is_stored_read_and_checked_in_little_memory";

#[test]
fn a_large_original_is_stored_read_and_checked_in_little_memory() {
    match std::env::var(BYTES_OF_CHILD) {
        Ok(bytes) => store_read_and_check(bytes.parse().unwrap()),
        Err(_) => in_a_process_of_its_own(LARGE),
    }
}

#[test]
#[ignore = "writes and reads 4 GiB: .ci/long/large"]
fn an_original_of_4_gib_is_stored_read_and_checked_in_little_memory() {
    in_a_process_of_its_own(VERY_LARGE);
}

/// The memory of this process is shared with other tests.
fn in_a_process_of_its_own(bytes: u64) {
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    let child = child.args(["--exact", NAME, "--nocapture"]).env(BYTES_OF_CHILD, bytes.to_string()).output().unwrap();
    let said = String::from_utf8_lossy(&child.stdout).into_owned() + &String::from_utf8_lossy(&child.stderr);
    assert!(child.status.success() && said.contains("1 passed"), "{said}");
    println!("{}", said.lines().filter(|line| line.contains("more memory")).collect::<String>());
}

fn store_read_and_check(bytes: u64) {
    let fixture = Fixture::new();
    let vault = fixture.open();
    fill(&vault, 0..1);
    assert!(vault.check(&|_| {}).unwrap().is_whole());
    let before = most_memory();
    let id = add(&vault, &mut std::io::repeat(7).take(bytes), bytes);
    let mut read = 0;
    let snapshot = vault.snapshot().unwrap();
    let all_sevens = snapshot.image(id).unwrap().photo_in_pieces(&mut |piece| {
        assert!(piece.iter().all(|byte| *byte == 7));
        read += piece.len() as u64;
        Ok(())
    });
    assert!(all_sevens.is_ok() && read == bytes);
    assert!(vault.check(&|_| {}).unwrap().is_whole());
    let added = most_memory() - before;
    println!("{added} bytes more memory than {before} for {bytes} bytes");
    assert!(added < MOST_ADDED, "{added} bytes");
}

/// The most memory that this process has had, in bytes.
fn most_memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}
