//! The requests that opening and searching a vault send to the host.

use std::fs;
use std::process::Command;

use crate::remote::host::{Host, serving};
use crate::support::requests::{frames, greeting, path};
use crate::support::vault_fixture::fill;

/// How often a file is read in a recording of the client's requests.
fn reads_of(recorded: &[u8], name: &str) -> usize {
    const READ: u8 = 1;
    let named = path(name);
    let requests = frames(&recorded[greeting().len()..]);
    requests.iter().filter(|(_, kind, payload)| *kind == READ && payload.starts_with(&named)).count()
}

#[test]
fn a_search_from_the_command_line_reads_the_mapping_once() {
    let host = Host::with_vault();
    let ids = fill(&host.open(), 0..3);
    let passphrase = host.path("passphrase");
    fs::write(&passphrase, "correct").unwrap();
    let recorded = host.path("recorded");
    let via = format!("tee '{}' | {}", recorded.display(), serving(&host.root()));
    // With an empty cache, and with the cache of the first search.
    for _ in 0..2 {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cipherlens"));
        command.arg("--passphrase-file").arg(&passphrase).args(["--via", &via]);
        command.args(["search", "--json", "--id", &ids[1].to_string()]);
        let output = command.env_clear().envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        let output = output.env("HOME", host.path("home of the searcher")).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(reads_of(&fs::read(&recorded).unwrap(), "mapping.json"), 1);
    }
}
