//! Blocks that are truncated while a host has them mapped: the error names the file, and the host keeps serving.

use std::fs;

use cipherlens::vault::{Error, Part, Vault};

use crate::remote::dishonest::score;
use crate::remote::host::Host;
use crate::support::vault_fixture::{fill, passphrase, segment_file};

#[test]
fn blocks_truncated_under_a_host_fail_one_search_and_not_the_host() {
    let host = Host::with_vault();
    fill(&host.open(), 0..2);
    let starts = host.path("starts");
    let command = format!("echo started >> '{}'; {}", starts.display(), host.command());
    let backend = host.connect(&command).unwrap();
    let (vault, snapshot) = Vault::open(backend, &passphrase("correct"), host.freshness()).unwrap();
    let before = score(&vault, &snapshot).unwrap();
    let object = segment_file(&snapshot, 0, Part::Blocks);
    let path = object.path(&host.root());
    let content = fs::read(&path).unwrap();
    for cut in [0, 1, 4096, content.len() as u64 / 2] {
        let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
        file.set_len(cut).unwrap();
        let refused = score(&vault, &snapshot).unwrap_err();
        assert!(matches!(&refused, Error::Damaged { object: named, .. } if *named == object), "{cut}: {refused}");
        fs::write(&path, &content).unwrap();
        assert_eq!(score(&vault, &snapshot).unwrap().len(), before.len(), "{cut}: the file is back");
    }
    assert_eq!(fs::read_to_string(&starts).unwrap().lines().count(), 1, "the host never ended");
}
