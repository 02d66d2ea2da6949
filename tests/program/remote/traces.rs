//! What a serving process holds in memory during a search, and what it writes.
#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::FileExt;

use cipherlens::cipher::{Cost, KeyTree, MasterKey, Purpose, aes_cbc_hmac};

use crate::remote::host::Host;
use crate::support::scene::not_tested;
use crate::support::vault_fixture::{files, fill, name, passphrase, photo, vector};

/// The serving process that this test started: a child whose command line names this host's vault.
fn serving_process(host: &Host) -> u32 {
    let root = host.root().to_str().unwrap().to_owned();
    let mut found = fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let entry = entry.unwrap();
        let process: u32 = entry.file_name().to_str()?.parse().ok()?;
        let line = fs::read(entry.path().join("cmdline")).ok()?;
        String::from_utf8_lossy(&line).contains(&root).then_some(process)
    });
    found.next().expect("somebody serves the vault")
}

/// How often each needle is in the writable memory of a process.
/// `None` where only root may read it, because the process forbids it.
fn count_in_memory(process: u32, needles: &[Vec<u8>]) -> Option<Vec<usize>> {
    let opened = fs::File::open(format!("/proc/{process}/mem"));
    if opened.as_ref().is_err_and(|error| error.kind() == std::io::ErrorKind::PermissionDenied) {
        return None;
    }
    let memory = opened.unwrap();
    let maps = fs::read_to_string(format!("/proc/{process}/maps")).unwrap();
    let mut counts = vec![0; needles.len()];
    for line in maps.lines().filter(|line| line.contains(" rw")) {
        let (from, until) = line.split_once(' ').unwrap().0.split_once('-').unwrap();
        let (from, until) = (u64::from_str_radix(from, 16).unwrap(), u64::from_str_radix(until, 16).unwrap());
        let mut region = vec![0; (until - from) as usize];
        // Some kernel regions cannot be read.
        let read = memory.read_at(&mut region, from).unwrap_or_default();
        for (count, needle) in counts.iter_mut().zip(needles) {
            *count += region[..read].windows(needle.len()).filter(|window| window == needle).count();
        }
    }
    Some(counts)
}

/// The vault's master key, and the master key of its encrypted search in the first space.
fn keys(host: &Host) -> [Vec<u8>; 2] {
    let header = fs::read(host.root().join("header")).unwrap();
    // Magic, version, kind 10; vault id 16; memory, passes, lanes 12; salt 32.
    let (vault, salt) = (header[10..26].try_into().unwrap(), header[38..70].try_into().unwrap());
    let key = passphrase("correct").key_encryption_key(salt, Cost::FLOOR).unwrap();
    // The number of slots 2; kind 1 and id 8 of the first; its length 2.
    let (associated, wrapped) = ([&header[..70], &header[72..81]].concat(), &header[83..]);
    let master = aes_cbc_hmac::open(&key, &associated, wrapped).unwrap().to_vec();
    let tree = KeyTree::new(MasterKey::unwrap(&key, &associated, wrapped).unwrap(), vault);
    let space = host.open().snapshot().unwrap().mapping().spaces[0].id;
    [master, tree.key(Purpose::Search, &space.0).expose()[..32].to_vec()]
}

#[test]
fn the_serving_process_never_holds_a_secret_and_writes_nothing_in_the_clear() {
    let host = Host::with_vault();
    let vault = host.open();
    fill(&vault, 0..3);
    let snapshot = vault.snapshot().unwrap();
    let (before, name) = (files(&host.root()), name(1));
    let holder = vault.key_holder().unwrap();
    let (query, secret) = holder.encrypt(holder.prepare().unwrap(), &vector(1)).unwrap();
    let answer = snapshot.score(&query).unwrap();
    snapshot.image_at(1).unwrap().photo().unwrap();
    assert!(snapshot.decrypt(secret, &answer).unwrap()[1] > 0.997);

    let feature: Vec<u8> = vector(1)[..8].iter().flat_map(|number| number.to_le_bytes()).collect();
    let segment = snapshot.mapping().segments[0].features[0].as_ref().unwrap().ckks.name();
    let [master, search_key] = keys(&host);
    let clear = [photo(1)[..40].to_vec(), feature, name.into_bytes(), master, search_key];
    // The control: the segment just scanned is in its memory, by its name.
    let needles = [&clear[..], &[segment.0.to_vec()]].concat();
    match count_in_memory(serving_process(&host), &needles) {
        Some(counts) => {
            assert!(counts[5] > 0, "the scan of the memory finds what is there");
            assert_eq!(counts[..5], [0; 5], "photo, feature, name, master key, key of the search");
        }
        None => not_tested("only root may look into the memory of a serving process"),
    }
    assert_eq!(files(&host.root()), before, "a search writes nothing");
    for (path, content) in &before {
        for needle in &clear {
            assert!(!content.windows(needle.len()).any(|window| window == needle), "{}", path.display());
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[test]
fn a_traced_host_opens_nothing_for_writing_but_its_log() {
    use crate::support::tracer::{End, Fate, run};
    use std::collections::BTreeSet;
    use std::path::Path;
    use std::process::Command;

    let host = Host::with_vault();
    fill(&host.open(), 0..3);
    // Named pipes, so that this thread can be the tracer of the process at the other end.
    let [up, down] = ["up", "down"].map(|name| host.path(name));
    assert!(Command::new("mkfifo").args([&up, &down]).status().unwrap().success());
    let its_home = host.path("home of the host");
    let line = format!("cat '{}' & exec cat >'{}'", down.display(), up.display());
    let mut written = BTreeSet::new();
    std::thread::scope(|scope| {
        let at_home = scope.spawn(|| {
            let vault = host.try_open(&line).unwrap();
            let snapshot = vault.snapshot().unwrap();
            let holder = vault.key_holder().unwrap();
            let (query, _secret) = holder.encrypt(holder.prepare().unwrap(), &vector(1)).unwrap();
            snapshot.score(&query).unwrap();
            let image = snapshot.image_at(1).unwrap();
            (image.name().unwrap().into_owned(), image.thumbnail().unwrap(), image.photo().unwrap()).0
        });
        let mut serving = Command::new(env!("CARGO_BIN_EXE_cipherlens"));
        serving.args(["serve", "--stdio"]).arg(host.root()).env_clear().env("HOME", &its_home).env("TMPDIR", &its_home);
        serving.stdin(fs::File::open(&up).unwrap()).stdout(fs::File::create(&down).unwrap());
        let end = run(serving, Path::new("/"), |call| {
            written.insert(call.path.clone());
            Fate::Happens
        });
        assert_eq!(end, End::Exit(0), "{written:?}");
        assert_eq!(at_home.join().unwrap(), name(1));
    });
    assert!(written.remove(&down), "the tracer sees the answers go out: {written:?}");
    let state = its_home.join(".local/state/cipherlens");
    for path in &written {
        assert!(state.starts_with(path) || path.starts_with(state.join("log")), "{} was written", path.display());
    }
    for (path, content) in files(&its_home) {
        assert!(
            String::from_utf8_lossy(&content).lines().all(|line| line.contains(" [cipherlens")),
            "{}",
            path.display()
        );
    }
}
