//! What is in the memory of a serving process during a search, and what it writes.
#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::FileExt;

use crate::host::Host;
use crate::vault_fixture::{details, files, fill, photo, vector};

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
/// `None` where the system lets nobody but root look: the process says that it may not be looked at.
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
        // Some regions of the kernel's cannot be read.
        let read = memory.read_at(&mut region, from).unwrap_or_default();
        for (count, needle) in counts.iter_mut().zip(needles) {
            *count += region[..read].windows(needle.len()).filter(|window| window == needle).count();
        }
    }
    Some(counts)
}

#[test]
fn the_serving_process_never_holds_a_secret_and_writes_nothing_in_the_clear() {
    let host = Host::with_vault();
    let vault = host.open();
    fill(&vault, 0..3);
    let snapshot = vault.snapshot().unwrap();
    let (before, name) = (files(&host.root()), details(1).name);
    let holder = vault.key_holder();
    let (query, secret) = holder.encrypt(holder.prepare().unwrap(), &vector(1)).unwrap();
    let answer = snapshot.score(&query).unwrap();
    snapshot.image_at(1).unwrap().photo().unwrap();
    let hints = snapshot.segments().unwrap().next().unwrap().hints().unwrap();
    assert!(secret.decrypt(holder, hints.blocks(), &answer).unwrap()[1] > 0.999);

    let feature: Vec<u8> = vector(1)[..8].iter().flat_map(|number| number.to_le_bytes()).collect();
    let segment = snapshot.mapping().segments[0].id;
    let clear = [photo(1)[..40].to_vec(), feature, name.into_bytes()];
    // The control: the segment that was just scanned is known there by its id.
    let needles = [&clear[..], &[segment.0.to_vec()]].concat();
    match count_in_memory(serving_process(&host), &needles) {
        Some(counts) => {
            assert!(counts[3] > 0, "the scan of the memory finds what is there");
            assert_eq!(counts[..3], [0; 3], "photo, feature, name");
        }
        None => eprintln!("NOT TESTED: only root may look into the memory of a process of cipherlens"),
    }
    assert_eq!(files(&host.root()), before, "a search writes nothing");
    for (path, content) in &before {
        for needle in &clear {
            assert!(!content.windows(needle.len()).any(|window| window == needle), "{}", path.display());
        }
    }
}
