//! Searches the memory of a process for secrets. Two controls make an empty result meaningful: every secret searched
//! for is shown to be the one that opens the vault's files, and the same search finds each of them in a process that
//! holds it.

use std::fs;
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::process::Command;

use cipherlens::cipher::{Cost, KeyTree, MasterKey, Purpose, aes_cbc_hmac};
use cipherlens::ckks::SecretContext;
use cipherlens::secret::Secret;
use cipherlens::vault::{Hex, Id, SignedMapping};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Sha256, Sha512};

use crate::hardening::states::{FIRST_PASSPHRASE, passphrase};
use crate::support::scene::samples;

/// The environment variable that tells child processes the vault's folder.
pub(crate) const FOLDER: &str = "CIPHERLENS_TEST_FOLDER";

/// A secret and its name.
pub(crate) type Named = (&'static str, Vec<u8>);

/// Whether this test runs as root, which may read the memory of every process.
pub(crate) fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

/// Whether this test may read the memory of process `id`. Only root may; anybody else must be refused.
pub(crate) fn may_be_searched(id: &str) -> bool {
    match File::open(format!("/proc/{id}/mem")) {
        Ok(_) => {
            assert!(is_root(), "the memory of the program is open to other processes of its user");
            true
        }
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::PermissionDenied);
            assert!(!is_root(), "root may not read the memory of the program");
            false
        }
    }
}

/// Whether an unprivileged process of the same user may open the memory of process `id`, or of its own child if `id` is
/// `$started`. Root drops its privileges first.
pub(crate) fn another_process_may_read(id: &str) -> bool {
    let mut command = Command::new(if is_root() { "setpriv" } else { "sh" });
    if is_root() {
        command.args(["--bounding-set=-sys_ptrace,-dac_override,-dac_read_search", "sh"]);
    }
    // The subshell fails if it cannot open the file.
    let script = format!("sleep 5 & started=$!; (exec 3</proc/{id}/mem) 2>/dev/null; end=$?; kill $started; exit $end");
    command.args(["-c", &script]).status().unwrap().success()
}

/// Writes all writable memory of process `id` (heaps, stacks, data) into a file.
pub(crate) fn dump(id: &str, into: &Path) {
    let maps = fs::read_to_string(format!("/proc/{id}/maps")).unwrap();
    let memory = File::open(format!("/proc/{id}/mem")).unwrap();
    let mut file = File::create(into).unwrap();
    let mut page = [0; 4096];
    for line in maps.lines().filter(|line| line.split(' ').nth(1).is_some_and(|rights| rights.starts_with("rw"))) {
        let (from, until) = line.split(' ').next().unwrap().split_once('-').unwrap();
        let [from, until] = [from, until].map(|address| u64::from_str_radix(address, 16).unwrap());
        for at in (from..until).step_by(page.len()) {
            // Pages may have been unmapped since `maps` was read.
            if memory.read_exact_at(&mut page, at).is_ok() {
                file.write_all(&page).unwrap();
            }
            // A later dump of this same process must not find the data in this buffer.
            page.fill(0);
        }
    }
}

/// How often each secret occurs in a dump; those that do not occur are left out.
pub(crate) fn copies(secrets: &[Named], dump: &Path) -> Vec<(&'static str, usize)> {
    let memory = fs::read(dump).unwrap();
    let begins: [Vec<usize>; 256] =
        std::array::from_fn(|byte| (0..secrets.len()).filter(|at| usize::from(secrets[*at].1[0]) == byte).collect());
    let mut counts = vec![0; secrets.len()];
    for at in 0..memory.len() {
        for secret in &begins[usize::from(memory[at])] {
            counts[*secret] += usize::from(memory[at..].starts_with(&secrets[*secret].1));
        }
    }
    secrets.iter().zip(counts).map(|((name, _), copies)| (*name, copies)).filter(|(_, copies)| *copies > 0).collect()
}

/// The positive control: every one of these secrets is found in a process that holds it.
#[track_caller]
pub(crate) fn require_each_is_found_where_it_is_held(secrets: &[Named], folder: &Path) {
    let all: Vec<u8> = secrets.iter().flat_map(|(_, secret)| secret).copied().collect();
    fs::write(folder.join("held"), all).unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "hardening::memory::a_process_that_holds_secrets", "--ignored", "--nocapture"]);
    let output = command.env(FOLDER, folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let found: Vec<_> = copies(secrets, &folder.join("holding")).into_iter().map(|(name, _)| name).collect();
    let names: Vec<_> = secrets.iter().map(|(name, _)| *name).collect();
    assert_eq!(found, names, "the search finds every secret that is held");
    fs::remove_file(folder.join("held")).unwrap();
}

#[test]
#[ignore = "the process that `require_each_is_found_where_it_is_held` starts"]
fn a_process_that_holds_secrets() {
    let folder = std::env::var_os(FOLDER).unwrap();
    let folder = Path::new(&folder);
    let held = fs::read(folder.join("held")).unwrap();
    dump("self", &folder.join("holding"));
    drop(std::hint::black_box(held));
}

fn hmac(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key).unwrap();
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().to_vec()
}

/// HKDF-Extract without salt (RFC 5869): the intermediate key on the stack while keys are derived.
fn extracted(key: &[u8]) -> Vec<u8> {
    hmac(&[0; 32], &[key])
}

/// The ids in the names of the files with this ending.
fn ids(folder: &Path, ending: &str) -> Vec<Id> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.ends_with(ending)).map(|name| name[..32].parse().unwrap()).collect()
}

/// The file of an object, which may have more than one extension.
fn file(folder: &Path, id: Id, ending: &str) -> Vec<u8> {
    let mut entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let is_its = |name: &str| name.starts_with(&id.to_string()) && name.ends_with(ending);
    fs::read(entries.find(|path| is_its(path.file_name().unwrap().to_str().unwrap())).unwrap()).unwrap()
}

/// Every secret that opens the vault `photos.vault` in `folder`, or a part of it. Each is verified to be the one that
/// the program uses, by opening something with it; `cache` and `unfinished` in `folder`, if they exist, hold the files
/// that the program keeps outside the vault.
pub(crate) fn secrets(folder: &Path) -> Vec<Named> {
    let root = folder.join("photos.vault");
    let header = fs::read(root.join("header")).unwrap();
    // Magic, version, kind 10; vault id 16; memory, passes, lanes 12; salt 32; the wrapped master key.
    let vault: [u8; 16] = header[10..26].try_into().unwrap();
    let number = |at: usize| u32::from_le_bytes(header[at..at + 4].try_into().unwrap());
    let cost = Cost::new(number(26), number(30), number(34)).unwrap();
    let key = passphrase(FIRST_PASSPHRASE).key_encryption_key(header[38..70].try_into().unwrap(), cost).unwrap();
    let master = aes_cbc_hmac::open(&key, &header[..70], &header[70..]).unwrap();
    let tree = KeyTree::new(MasterKey::unwrap(&key, &header[..70], &header[70..]).unwrap(), vault);
    let mut found = vec![
        ("the passphrase", FIRST_PASSPHRASE.as_bytes().to_vec()),
        ("the master key", master.to_vec()),
        ("the MAC half of the key-encryption key", key.expose()[..32].to_vec()),
        ("the AES half of the key-encryption key", key.expose()[32..].to_vec()),
        ("the extracted master key", extracted(&master)),
    ];
    // The first round of HKDF-Expand gives the first half of a key.
    let first_round = hmac(&found[4].1, &[b"cipherlens v1 mapping\0", &vault, &[0; 16], &[1]]);
    assert_eq!(first_round, tree.key(Purpose::Mapping, &[0; 16]).expose()[..32]);

    for &purpose in Purpose::ALL {
        let (place, ending) = place(purpose);
        let ids = if place.is_empty() { vec![Hex([0; 16])] } else { ids(&root.join(place), ending) };
        for id in ids {
            let key = tree.key(purpose, &id.0);
            require_in_use(purpose, &tree, &key, folder, vault, id);
            let name = name(purpose);
            found.extend([(name, key.expose()[..32].to_vec()), (name, key.expose()[32..].to_vec())]);
        }
    }
    let context = fs::read(root.join("secret_context")).unwrap();
    let padded = open(&tree.key(Purpose::SecretContext, &[0; 16]), vault, Hex([0; 16]), &context).unwrap();
    // Length 8, then magic, kind, version and parameter set, then the 32 bytes of the key.
    let length = u64::from_le_bytes(padded[..8].try_into().unwrap()) as usize;
    SecretContext::from_bytes(&padded[8..8 + length]).unwrap();
    let seed = &padded[8 + length - 32..8 + length];
    found.extend([("the CKKS master key", seed.to_vec()), ("the extracted CKKS master key", extracted(seed))]);
    found
}

/// The name of a key for `purpose`. No wildcard: a new purpose must be added here before this compiles.
fn name(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Mapping => "the mapping's key",
        Purpose::Content => "the content key",
        Purpose::SecretContext => "the secret context's key",
        Purpose::Photo => "a photo's key",
        Purpose::Thumbnail => "a thumbnail's key",
        Purpose::Vectors => "the vectors' key",
        Purpose::Catalogue => "the catalogue's key",
        Purpose::Tags => "the tags' key",
        Purpose::Cache => "the cache's key",
        Purpose::UnfinishedRun => "the unfinished run's key",
    }
}

/// The folder and the ending of the objects that have keys of their own; empty for a purpose with one key for the
/// entire vault.
fn place(purpose: Purpose) -> (&'static str, &'static str) {
    match purpose {
        Purpose::Photo => ("encrypted_images", ".aes"),
        Purpose::Thumbnail => ("encrypted_thumbnails", ".aes"),
        Purpose::Vectors => ("encrypted_features", ".vectors"),
        Purpose::Catalogue => ("encrypted_features", ".catalogue"),
        Purpose::Tags => ("encrypted_features", ".tags"),
        Purpose::Mapping | Purpose::Content | Purpose::SecretContext | Purpose::Cache | Purpose::UnfinishedRun => {
            ("", "")
        }
    }
}

/// Fails unless `key` is the one that the program uses for `purpose`.
fn require_in_use(purpose: Purpose, tree: &KeyTree, key: &Secret<64>, folder: &Path, vault: [u8; 16], id: Id) {
    let root = folder.join("photos.vault");
    let is_in_use = match purpose {
        Purpose::Mapping => {
            let mapping = SignedMapping::parse(&fs::read(root.join("mapping.json")).unwrap()).unwrap();
            let mut mac = <Hmac<Sha512> as KeyInit>::new_from_slice(key.expose()).unwrap();
            mac.update(mapping.body.as_bytes());
            mac.finalize().into_bytes()[..] == mapping.tag.0
        }
        Purpose::Content => {
            let features = root.join("encrypted_features");
            let tag = hmac(key.expose(), &[&fs::read(&samples(1)[0]).unwrap()]);
            let tag = Hex::<32>(tag.try_into().unwrap()).to_string();
            let lists_it = |id: &Id| {
                let key = tree.key(Purpose::Catalogue, &id.0);
                let opened = open(&key, vault, *id, &file(&features, *id, ".catalogue")).unwrap();
                opened.windows(tag.len()).any(|window| window == tag.as_bytes())
            };
            ids(&features, ".catalogue").iter().any(lists_it)
        }
        Purpose::SecretContext => open(key, vault, id, &fs::read(root.join("secret_context")).unwrap()).is_some(),
        Purpose::Photo | Purpose::Thumbnail | Purpose::Vectors | Purpose::Catalogue => {
            let (place, ending) = place(purpose);
            open(key, vault, id, &file(&root.join(place), id, ending)).is_some()
        }
        Purpose::Tags => {
            let tags = file(&root.join("encrypted_features"), id, ".tags");
            let associated = [&tags[..10], &vault, &id.0, &0u32.to_le_bytes()].concat();
            // The file does not say where its first page ends, so try every position.
            (11..=tags.len()).any(|end| aes_cbc_hmac::open(key, &associated, &tags[10..end]).is_ok())
        }
        Purpose::Cache => opens_all(key, &folder.join("cache").join(Hex(vault).to_string()), |name| {
            [b"cipherlens cache 1".as_slice(), &vault, name.as_bytes()].concat()
        }),
        Purpose::UnfinishedRun => opens_all(key, &folder.join("unfinished"), |_| vault.to_vec()),
    };
    assert!(is_in_use, "{} is not the one that the program uses", name(purpose));
}

/// Opens a sealed file: a prefix of 10 bytes, which is authenticated with the vault and the object.
fn open(key: &Secret<64>, vault: [u8; 16], id: Id, sealed: &[u8]) -> Option<Vec<u8>> {
    let associated = [&sealed[..10], &vault, &id.0].concat();
    Some(aes_cbc_hmac::open(key, &associated, &sealed[10..]).ok()?.to_vec())
}

/// Whether `key` opens every file in a folder; true if the folder does not exist.
fn opens_all(key: &Secret<64>, folder: &Path, associated: impl Fn(&str) -> Vec<u8>) -> bool {
    let Ok(entries) = fs::read_dir(folder) else { return true };
    entries.map(|entry| entry.unwrap()).all(|entry| {
        let name = entry.file_name().into_string().unwrap();
        aes_cbc_hmac::open(key, &associated(&name), &fs::read(entry.path()).unwrap()).is_ok()
    })
}
