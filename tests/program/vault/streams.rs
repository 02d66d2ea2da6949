//! Large files: written in pieces, read in ranges, and put together from others, here and on a host.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use cipherlens::durable::IfLocked;
use cipherlens::vault::{self, Abandoned, Backend, Error, Id, Object, Writer};

use crate::remote::host::Host;
use crate::support::vault_fixture::files;

/// The vault of `host`, here and over a connection.
fn backends(host: &Host) -> [Arc<dyn Backend>; 2] {
    [vault::local(host.root()), host.connect(&host.command()).unwrap()]
}

fn writer(backend: &dyn Backend) -> Box<dyn Writer> {
    backend.writer(Abandoned::Remove).unwrap()
}

fn photo() -> Object {
    let name = format!("encrypted_images/{}.mp4.aes", Id::random().unwrap());
    name.parse().unwrap()
}

/// Waits until the host has written everything.
fn settle(writer: &dyn Writer) {
    writer.lock(IfLocked::Wait).unwrap();
    writer.unlock();
}

#[test]
fn a_file_that_comes_in_pieces_is_whole_or_not_there() {
    let host = Host::with_vault();
    for backend in backends(&host) {
        let before = files(&host.root());
        let writer = writer(&*backend);
        let pieces: Vec<Vec<u8>> = (0..5u8).map(|piece| vec![piece; 300_000]).collect();
        let whole = photo();
        let mut given = pieces.iter().cloned().map(Ok);
        writer.stage_from(&whole, 1_500_000, &mut given).unwrap();
        settle(&*writer);
        assert_eq!(backend.read(&whole, 1 << 30).unwrap(), pieces.concat());

        // The pieces end with an error, are too few, or too many; the writer goes on after each.
        let failing: Vec<Box<dyn Iterator<Item = Result<Vec<u8>, Error>>>> = vec![
            Box::new(pieces.iter().take(2).cloned().map(Ok).chain([Err(Error::Locked)])),
            Box::new(pieces.iter().take(4).cloned().map(Ok)),
            Box::new(pieces.iter().chain(&pieces[..1]).cloned().map(Ok)),
        ];
        for (case, mut pieces) in failing.into_iter().enumerate() {
            let partial = photo();
            let refused = writer.stage_from(&partial, 1_500_000, &mut *pieces).unwrap_err();
            assert!(matches!(refused, Error::Locked) == (case == 0), "{refused}");
            settle(&*writer);
            assert!(matches!(backend.read(&partial, 1 << 30), Err(Error::Missing { .. })), "case {case}");
        }
        let empty = photo();
        writer.stage_from(&empty, 0, &mut std::iter::empty()).unwrap();
        writer.stage(&photo(), &[b"another"]).unwrap();
        settle(&*writer);
        assert_eq!(backend.read(&empty, 10).unwrap(), b"");
        drop(writer);
        settle(&*self::writer(&*backend));
        assert_eq!(files(&host.root()), before, "without a commit nothing stays");
    }
}

#[test]
fn a_range_of_a_file_is_read() {
    let host = Host::with_vault();
    let content: Vec<u8> = (0..1_000_000u32).map(|at| (at / 7) as u8).collect();
    let object = photo();
    fs::write(host.root().join(object.to_string()), &content).unwrap();
    for backend in backends(&host) {
        for (offset, bytes) in
            [(0, 10), (999_990, 10), (999_990, 11), (1_000_000, 5), (5_000_000, 5), (3, 700_000), (9, 0)]
        {
            let from = content.len().min(offset);
            let until = content.len().min(offset + bytes);
            let read = backend.read_at(&object, offset as u64, bytes as u64).unwrap();
            assert!(read == content[from..until], "{bytes} from {offset}");
        }
        let all = backend.read_at(&object, 0, 1 << 40).unwrap();
        assert!(all == content);
        assert!(matches!(backend.read_at(&photo(), 0, 5), Err(Error::Missing { .. })));
    }
}

#[test]
fn files_are_put_together_where_they_are() {
    let host = Host::with_vault();
    for backend in backends(&host) {
        let writer = writer(&*backend);
        let parts = [photo(), photo(), photo()];
        for (part, content) in parts.iter().zip([vec![1; 400_000], Vec::new(), vec![3; 70_000]]) {
            writer.stage(part, &[&content]).unwrap();
        }
        settle(&*writer);
        let sent = backend.traffic().map(|traffic| traffic.sent);
        let [whole, twice, nothing] = [photo(), photo(), photo()];
        writer.concatenate(&whole, &parts).unwrap();
        writer.concatenate(&twice, &[whole.clone(), parts[2].clone(), whole.clone()]).unwrap();
        writer.concatenate(&nothing, &[]).unwrap();
        settle(&*writer);
        let sent = backend.traffic().map(|traffic| traffic.sent - sent.unwrap());
        assert!(sent.is_none_or(|sent| sent < 2000), "{sent:?} bytes were sent");
        let content = [vec![1; 400_000], vec![3; 70_000]].concat();
        assert!(backend.read(&whole, 1 << 30).unwrap() == content);
        let expected = [&content[..], &[3; 70_000], &content].concat();
        assert!(backend.read(&twice, 1 << 30).unwrap() == expected);
        assert_eq!(backend.read(&nothing, 10).unwrap(), b"");
        // A missing part is an error; a host may report it with the next request.
        let missing = writer.concatenate(&photo(), &[parts[0].clone(), photo()]);
        assert!(missing.and_then(|_| writer.lock(IfLocked::Wait)).is_err());
    }
    let host_has = |name: &str| fs::read_dir(host.root().join(name)).unwrap().count();
    settle(&*writer(&*backends(&host)[1]));
    assert_eq!((host_has("encrypted_images"), host_has("journals")), (0, 0));
}

#[test]
fn together_they_may_not_be_larger_than_a_reader_accepts() {
    let host = Host::with_vault();
    let part = photo();
    // Zeros that take no disk space.
    let file = fs::File::create(host.root().join(part.to_string())).unwrap();
    file.set_len(vault::largest_bytes(&part) / 2 + 1).unwrap();
    let backend = vault::local(host.root());
    let refused = writer(&*backend).concatenate(&photo(), &[part.clone(), part]);
    assert!(matches!(refused, Err(Error::TooLarge { .. })));
}

const TOTAL: u64 = 200 << 20;
const PIECE: usize = 4 << 20;
/// What 200 MB may add to the memory of either end.
const MOST_ADDED: u64 = 40 << 20;
/// Where the child of the test below does its work.
const PLACE: &str = "STREAMED_VAULT";

/// The most memory that a process has had, in bytes.
#[cfg(target_os = "linux")]
fn most_memory(process: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

/// The process that this one has started.
#[cfg(target_os = "linux")]
fn only_child() -> String {
    let own = std::process::id().to_string();
    let is_child = |process: &String| {
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.split(' ').nth(1) == Some(&own))
    };
    let processes = fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let found: Vec<_> = processes.filter(is_child).collect();
    assert_eq!(found.len(), 1, "{found:?}");
    found[0].clone()
}

/// Runs in a process of its own, because the memory of this one is shared with other tests.
#[cfg(target_os = "linux")]
#[test]
fn a_stream_of_200_mb_takes_little_memory_at_both_ends() {
    if let Some(place) = std::env::var_os(PLACE) {
        return stream(Path::new(&place));
    }
    let host = Host::with_vault();
    for place in [host.root(), host.path("served")] {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "vault::streams::a_stream_of_200_mb_takes_little_memory_at_both_ends", "--nocapture"])
            .env(PLACE, &place)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&child.stdout).into_owned() + &String::from_utf8_lossy(&child.stderr);
        assert!(child.status.success() && said.contains("1 passed"), "{said}");
        println!("{}", said.lines().filter(|line| line.contains("more memory")).collect::<Vec<_>>().join("\n"));
    }
}

/// Streams into the vault at `place`, or into the one that is served beside it if there is none.
#[cfg(target_os = "linux")]
fn stream(place: &Path) {
    use cipherlens::remote::{self, Address, Options, Prompts};
    let is_local = place.exists();
    let backend = if is_local {
        vault::local(place)
    } else {
        let command = crate::remote::host::serving(&place.with_file_name("host.vault"));
        remote::open(Address::Command(command), Options::new(Prompts::Refused)).unwrap()
    };
    let writer = writer(&*backend);
    writer.stage(&photo(), &[b"the first"]).unwrap();
    settle(&*writer);
    let processes = if is_local { vec!["self".to_owned()] } else { vec!["self".to_owned(), only_child()] };
    let before: Vec<u64> = processes.iter().map(|process| most_memory(process)).collect();
    let (object, again) = (photo(), photo());
    let mut pieces = (0..TOTAL / PIECE as u64).map(|piece| Ok(vec![piece as u8; PIECE]));
    writer.stage_from(&object, TOTAL, &mut pieces).unwrap();
    writer.concatenate(&again, std::slice::from_ref(&object)).unwrap();
    settle(&*writer);
    for piece in 0..TOTAL / PIECE as u64 {
        let read = backend.read_at(&again, piece * PIECE as u64, PIECE as u64).unwrap();
        assert!(read.len() == PIECE && read.iter().all(|byte| *byte == piece as u8));
    }
    for (process, before) in processes.iter().zip(before) {
        let added = most_memory(process) - before;
        println!("{process}: {added} bytes more memory than {before} for {TOTAL} bytes");
        assert!(added < MOST_ADDED, "{process}: {added} bytes");
    }
}
