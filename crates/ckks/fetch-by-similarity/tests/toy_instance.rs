//! All stages of the toy instance, as the harness runs them: one process each, started under the name of the stage.

#![cfg(unix)]
#![allow(clippy::panic, clippy::unwrap_used, reason = "a failed test panics")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

const RECORDS: usize = 1_000;
const DIMENSION: usize = 128;
const PAYLOAD_NUMBERS: usize = 7;
/// Every so many records one matches the query.
const MATCH_EVERY: usize = 97;

/// Numbers between -1 and 1 from a linear congruential generator.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1 << 23) as f32 - 1.0
    }

    fn unit_vector(&mut self) -> Vec<f32> {
        normalised((0..DIMENSION).map(|_| self.next()).collect())
    }
}

fn normalised(mut vector: Vec<f32>) -> Vec<f32> {
    let norm = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    vector.iter_mut().for_each(|x| *x /= norm);
    vector
}

/// A folder as the harness prepares it, and the payloads that match its query.
struct Harness {
    folder: TempDir,
    expected: Vec<[i16; PAYLOAD_NUMBERS]>,
}

impl Harness {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut numbers = Numbers(1);
        let query = numbers.unit_vector();
        let (mut records, mut payloads, mut expected) = (Vec::new(), Vec::new(), Vec::new());
        for record in 0..RECORDS {
            let mut vector = numbers.unit_vector();
            let payload: [i16; PAYLOAD_NUMBERS] = std::array::from_fn(|_| (numbers.next() * 512.0) as i16);
            if record % MATCH_EVERY == 0 {
                // A cosine of about 0.9.
                vector = normalised(query.iter().zip(&vector).map(|(query, noise)| query + 0.48 * noise).collect());
                expected.push(payload);
            }
            records.extend(vector);
            payloads.extend(payload);
        }
        expected.sort_unstable();
        let data = folder.path().join("datasets/toy");
        fs::create_dir_all(&data).unwrap();
        fs::create_dir_all(folder.path().join("io/toy")).unwrap();
        let bytes = |numbers: &[f32]| numbers.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<u8>>();
        fs::write(data.join("db.bin"), bytes(&records)).unwrap();
        fs::write(data.join("query.bin"), bytes(&query)).unwrap();
        let payloads: Vec<u8> = payloads.iter().flat_map(|number: &i16| number.to_le_bytes()).collect();
        fs::write(data.join("payloads.bin"), payloads).unwrap();
        Self { folder, expected }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join("io/toy").join(path)
    }

    /// Runs a stage; the error is what it wrote to standard error.
    fn run(&self, stage: &str, options: &[&str]) -> Result<(), String> {
        let output = Command::new(env!("CARGO_BIN_EXE_fetch-by-similarity"))
            .arg0(Path::new("submission/build").join(stage))
            .arg("0")
            .args(options)
            .args(["--seed", "5"])
            .current_dir(self.folder.path())
            .output()
            .unwrap();
        if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
    }

    fn run_all(&self, stages: &[&str], options: &[&str]) {
        for stage in stages {
            self.run(stage, options).unwrap_or_else(|error| panic!("{stage}: {error}"));
        }
    }

    /// Encrypts database and query, and lets the server reply.
    fn until_the_reply(&self, options: &[&str]) {
        self.run_all(&["client_key_generation", "client_encode_encrypt_db"], options);
        self.run_all(&["client_encode_encrypt_query", "server_encrypted_compute"], options);
    }

    fn alter(&self, path: &str, at: usize) {
        let mut bytes = fs::read(self.path(path)).unwrap();
        bytes[at] ^= 1;
        fs::write(self.path(path), bytes).unwrap();
    }
}

#[test]
fn payloads_of_all_matches_are_fetched() {
    let harness = Harness::new();
    harness.until_the_reply(&[]);
    harness.run("client_decrypt_decode", &[]).unwrap();
    let expected: Vec<u8> = harness.expected.iter().flatten().flat_map(|number| number.to_le_bytes()).collect();
    assert_eq!(harness.expected.len(), RECORDS.div_ceil(MATCH_EVERY));
    assert!(fs::read(harness.path("results.bin")).unwrap() == expected);
    // A second query, as with --num_runs.
    fs::remove_file(harness.path("results.bin")).unwrap();
    harness.run_all(&["client_encode_encrypt_query", "server_encrypted_compute", "client_decrypt_decode"], &[]);
    assert!(fs::read(harness.path("results.bin")).unwrap() == expected);
}

#[test]
fn matches_are_counted_without_payloads() {
    let harness = Harness::new();
    harness.until_the_reply(&["--count_only"]);
    harness.run("client_decrypt_decode", &["--count_only"]).unwrap();
    let count = (harness.expected.len() as i64).to_le_bytes();
    assert_eq!(fs::read(harness.path("results.bin")).unwrap(), count);
    assert!(!harness.path("ciphertexts_upload/payloads.bin").exists());
    // Two blocks of 512 records, 4 bytes a record.
    assert_eq!(fs::metadata(harness.path("ciphertexts_download/results.bin")).unwrap().len(), 2 * 512 * 4);
}

#[test]
fn the_server_needs_no_file_of_the_client() {
    let harness = Harness::new();
    harness.run_all(&["client_key_generation", "client_encode_encrypt_db", "client_encode_encrypt_query"], &[]);
    let (client, data) = (harness.path("client"), harness.folder.path().join("datasets"));
    let hidden = tempfile::tempdir().unwrap();
    for (at, path) in [&client, &data].into_iter().enumerate() {
        fs::rename(path, hidden.path().join(at.to_string())).unwrap();
    }
    harness.run("server_encrypted_compute", &[]).unwrap();
    let steps = fs::read_to_string(harness.path("server_reported_steps.json")).unwrap();
    assert!(steps.contains("\"Encrypted computation\":") && steps.contains("\"Total\":"), "{steps}");
}

#[test]
fn secrets_are_private_and_a_query_is_answered_once() {
    let harness = Harness::new();
    harness.until_the_reply(&[]);
    for secret in ["client/secret.bin", "client/checks.bin", "client/query.secret"] {
        assert_eq!(fs::metadata(harness.path(secret)).unwrap().permissions().mode() & 0o777, 0o600, "{secret}");
    }
    harness.run("client_decrypt_decode", &[]).unwrap();
    assert!(!harness.path("client/query.secret").exists());
    let refused = harness.run("client_decrypt_decode", &[]).unwrap_err();
    assert!(refused.contains("query.secret"), "{refused}");
}

#[test]
fn an_altered_reply_gives_no_result() {
    let harness = Harness::new();
    harness.run_all(&["client_key_generation", "client_encode_encrypt_db"], &[]);
    // The reply begins with scores. It ends with the tag of the last block's payloads, and the last block has matches.
    let replied = 2 * (512 * 4 + 512 * 14 + 32);
    for (what, at, message) in [("scores", 100, "refused"), ("payloads", replied - 1, "payloads of block 1")] {
        harness.run_all(&["client_encode_encrypt_query", "server_encrypted_compute"], &[]);
        harness.alter("ciphertexts_download/results.bin", at);
        let refused = harness.run("client_decrypt_decode", &[]).unwrap_err();
        assert!(refused.contains(message), "{what}: {refused}");
        assert!(!harness.path("results.bin").exists(), "{what}");
    }
}
