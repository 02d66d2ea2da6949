//! Searches the memory of a process for secrets. Two controls make an empty result meaningful: every secret searched
//! for is shown to be the one that opens the vault's files, and the same search finds each of them in a process that
//! holds it.

use std::fs;
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use cipherlens::cipher::{Cost, KeyTree, MasterKey, Purpose, aes_cbc_hmac};
use cipherlens::ckks::{CheckVectors, KeyHolder, SecretContext};
use cipherlens::secret::Secret;
use cipherlens::vault::format::pack::{PackList, PartIndex};
use cipherlens::vault::format::sealed::VaultKeys;
use cipherlens::vault::format::{group, list, record, table};
use cipherlens::vault::{Digest, Hex, Hints, Id, Mapping, Object, PackPart, Part, SegmentEntry, SignedMapping};
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

/// Every secret that opens the vault `photos.vault` in `folder`, or a part of it. Each is verified to be the one that
/// the program uses, by opening something with it; `cache` and `unfinished` in `folder`, if they exist, hold the files
/// that the program keeps outside the vault.
pub(crate) fn secrets(folder: &Path) -> Vec<Named> {
    let root = folder.join("photos.vault");
    let header = fs::read(root.join("header")).unwrap();
    // Magic, version, kind 10; vault id 16; memory, passes, lanes 12; salt 32; number of slots 2; kind 1, id 8 and
    // length 2 of the first slot; the wrapped master key.
    let vault: [u8; 16] = header[10..26].try_into().unwrap();
    let number = |at: usize| u32::from_le_bytes(header[at..at + 4].try_into().unwrap());
    let cost = Cost::new(number(26), number(30), number(34)).unwrap();
    let key = passphrase(FIRST_PASSPHRASE).key_encryption_key(header[38..70].try_into().unwrap(), cost).unwrap();
    let (associated, wrapped) = ([&header[..70], &header[72..81]].concat(), &header[83..]);
    let master = aes_cbc_hmac::open(&key, &associated, wrapped).unwrap();
    let unwrapped = || MasterKey::unwrap(&key, &associated, wrapped).unwrap();
    let tree = KeyTree::new(unwrapped(), vault);
    let contents = Contents::of(&root, &VaultKeys::new(Hex(vault), unwrapped()));
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
        for id in contents.ids(purpose) {
            let key = tree.key(purpose, &id.0);
            require_in_use(purpose, &tree, &key, folder, &contents, id);
            let name = name(purpose);
            found.extend([(name, key.expose()[..32].to_vec()), (name, key.expose()[32..].to_vec())]);
        }
    }
    let search = tree.key(Purpose::Search, &contents.mapping.spaces[0].id.0).expose()[..32].to_vec();
    found.push(("the extracted CKKS master key", extracted(&search)));
    found
}

/// A sealed file, or a part of one, of a vault: for which purpose and object, what follows them in its associated data,
/// its kind and its bytes after the prefix.
struct Sealed {
    purpose: Purpose,
    id: Id,
    place: Vec<u8>,
    kind: u8,
    bytes: Vec<u8>,
}

/// What a vault of one space has.
struct Contents {
    root: PathBuf,
    vault: Id,
    mapping: Mapping,
    segments: Vec<SegmentEntry>,
    sealed: Vec<Sealed>,
}

impl Contents {
    fn of(root: &Path, keys: &VaultKeys) -> Self {
        let mapping = SignedMapping::parse(&fs::read(root.join("mapping.json")).unwrap()).unwrap().mapping;
        let features = |digest: &Digest, ending: &str| {
            fs::read(root.join(format!("encrypted_features/{}.{ending}", digest.name()))).unwrap()
        };
        let whole = |purpose, id, place: &[u8], file: Vec<u8>| Sealed {
            purpose,
            id,
            place: place.to_vec(),
            kind: file[9],
            bytes: file[10..].to_vec(),
        };
        let space = mapping.spaces[0].id;
        let mut segments = Vec::new();
        let mut sealed = Vec::new();
        for group in &mapping.groups {
            segments.extend(group::decode_list(&features(&group.list, "group"), group).unwrap());
            let checks = features(group.checks[0].as_ref().unwrap(), "checks");
            sealed.push(whole(Purpose::Checks, group.id, &space.0, checks));
            sealed.push(whole(Purpose::Group, group.id, &[], features(&group.copy, "copy")));
            sealed.push(whole(Purpose::Tags, group.id, &[0; 4], features(&group.tags, "tags")));
        }
        segments.extend(mapping.segments.iter().cloned());
        for segment in &segments {
            let of_space = segment.features[0].as_ref().unwrap();
            sealed.push(whole(Purpose::Records, segment.id, &[], features(&segment.records, "records")));
            sealed.push(whole(Purpose::Vectors, segment.id, &space.0, features(&of_space.vectors, "vectors")));
            if let Some(checks) = &of_space.checks {
                sealed.push(whole(Purpose::Checks, segment.id, &space.0, features(checks, "checks")));
            }
            for image in list::decode(&features(&segment.list, "list"), segment.id, segment.images).unwrap().images {
                let file = fs::read(image.object().path(root)).unwrap();
                sealed.push(whole(Purpose::Photo, image.id, &[], file));
            }
        }
        for table in &mapping.tables {
            for (number, page) in (0u32..).zip(&table.pages) {
                let file = features(page, "table");
                sealed.push(whole(Purpose::Table, table::object_id(&table.name), &number.to_le_bytes(), file));
            }
        }
        for entry in &mapping.packs {
            let [list, pack] =
                PackPart::ALL.map(|part| fs::read(Object::Pack(entry.list.name(), part).path(root)).unwrap());
            let mut rest = &pack[..];
            for part in PackList::decode(&list).unwrap().parts {
                let (own, after) = rest.split_at(part.bytes as usize);
                rest = after;
                let index = own[..part.index_bytes as usize].to_vec();
                for (id, range) in
                    PartIndex::open(keys, &part, &index).unwrap().all().filter(|(_, range)| !range.is_empty())
                {
                    let bytes = own[range.start as usize..range.end as usize].to_vec();
                    sealed.push(Sealed { purpose: Purpose::Thumbnail, id, place: Vec::new(), kind: 4, bytes });
                }
                sealed.push(Sealed { purpose: Purpose::Pack, id: part.id, place: Vec::new(), kind: 14, bytes: index });
            }
        }
        Self { root: root.to_owned(), vault: keys.vault(), mapping, segments, sealed }
    }

    /// The objects that have keys for this purpose.
    fn ids(&self, purpose: Purpose) -> Vec<Id> {
        match purpose {
            Purpose::Mapping | Purpose::Content | Purpose::Cache | Purpose::UnfinishedRun => vec![Hex([0; 16])],
            Purpose::Search => self.mapping.spaces.iter().map(|space| space.id).collect(),
            _ => {
                let mut ids: Vec<Id> = self.sealed_for(purpose).map(|sealed| sealed.id).collect();
                ids.sort();
                ids.dedup();
                ids
            }
        }
    }

    fn sealed_for(&self, purpose: Purpose) -> impl Iterator<Item = &Sealed> {
        self.sealed.iter().filter(move |sealed| sealed.purpose == purpose)
    }

    fn open(&self, key: &Secret<64>, sealed: &Sealed) -> Option<Vec<u8>> {
        let prefix = [b"CIPHLENS".as_slice(), &[1, sealed.kind]].concat();
        let associated = [&prefix[..], &self.vault.0, &sealed.id.0, &sealed.place].concat();
        Some(aes_cbc_hmac::open(key, &associated, &sealed.bytes).ok()?.to_vec())
    }
}

/// The name of a key for `purpose`. No wildcard: a new purpose must be added here before this compiles.
fn name(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Mapping => "the mapping's key",
        Purpose::Content => "the content key",
        Purpose::Photo => "a photo's key",
        Purpose::Thumbnail => "a thumbnail's key",
        Purpose::Vectors => "the vectors' key",
        Purpose::Records => "the records' key",
        Purpose::OldCatalogue => "the catalogue's key",
        Purpose::Group => "the key of the copy of a group's list",
        Purpose::Checks => "the check vectors' key",
        Purpose::Pack => "the key of a part of a pack",
        Purpose::Table => "a table's key",
        Purpose::Search => "the CKKS master key",
        Purpose::Tags => "the tags' key",
        Purpose::Cache => "the cache's key",
        Purpose::UnfinishedRun => "the unfinished run's key",
    }
}

/// Fails unless `key` is the one that the program uses for `purpose`.
fn require_in_use(purpose: Purpose, tree: &KeyTree, key: &Secret<64>, folder: &Path, contents: &Contents, id: Id) {
    let vault = contents.vault;
    let is_in_use = match purpose {
        Purpose::Mapping => {
            let mapping = SignedMapping::parse(&fs::read(contents.root.join("mapping.json")).unwrap()).unwrap();
            let mut mac = <Hmac<Sha512> as KeyInit>::new_from_slice(key.expose()).unwrap();
            mac.update(mapping.body.as_bytes());
            mac.finalize().into_bytes()[..] == mapping.tag.0
        }
        Purpose::Content => {
            let tag = hmac(key.expose(), &[&fs::read(&samples(1)[0]).unwrap()]);
            contents.sealed_for(Purpose::Records).any(|sealed| {
                let opened = contents.open(&tree.key(Purpose::Records, &sealed.id.0), sealed).unwrap();
                // Length 8, then the compressed records.
                let length = u64::from_le_bytes(opened[..8].try_into().unwrap()) as usize;
                let segment = contents.segments.iter().find(|segment| segment.id == sealed.id).unwrap();
                let records = record::decode(&opened[8..8 + length], segment.images).ok().unwrap();
                records.iter().any(|record| record.content.0[..] == tag)
            })
        }
        Purpose::Search => is_search_key(tree, key, contents),
        Purpose::Tags => contents.sealed_for(purpose).filter(|sealed| sealed.id == id).all(|sealed| {
            // The file does not say where its first page ends, so try every position. The prefix is that of the file.
            let associated = [b"CIPHLENS".as_slice(), &[1, sealed.kind], &vault.0, &id.0, &sealed.place].concat();
            let tags = &sealed.bytes;
            (1..=tags.len()).any(|end| aes_cbc_hmac::open(key, &associated, &tags[..end]).is_ok())
        }),
        Purpose::Cache => opens_all(key, &folder.join("cache").join(vault.to_string()), |name| {
            [b"cipherlens cache 1".as_slice(), &vault.0, name.as_bytes()].concat()
        }),
        Purpose::UnfinishedRun => opens_all(key, &folder.join("unfinished"), |_| vault.0.to_vec()),
        _ => contents
            .sealed_for(purpose)
            .filter(|sealed| sealed.id == id)
            .all(|sealed| contents.open(key, sealed).is_some()),
    };
    assert!(is_in_use, "{} is not the one that the program uses", name(purpose));
}

/// Whether the check vectors of a vault's first group are those of its blocks under this key of the encrypted search.
fn is_search_key(tree: &KeyTree, key: &Secret<64>, contents: &Contents) -> bool {
    let public = contents.mapping.spaces[0].public_context().unwrap();
    let parameters = *public.parameters();
    let secret = SecretContext::from_master_key(parameters, key.expose()[..32].try_into().unwrap());
    let holder = KeyHolder::new(&public, secret).unwrap();
    let (checked, covered) = match contents.mapping.groups.first() {
        Some(group) => (group.id, &contents.segments[..group.segments]),
        None => (contents.segments[0].id, &contents.segments[..1]),
    };
    let mut computed = CheckVectors::empty(&parameters, 0);
    for segment in covered {
        let of_space = segment.features[0].as_ref().unwrap();
        let read = |digest: &Digest, part| fs::read(Object::Segment(digest.name(), part).path(&contents.root)).unwrap();
        let blocks = read(&of_space.ckks, Part::Blocks);
        let hints = Hints::decode(read(&of_space.hints, Part::Hints), segment.images).unwrap();
        for (block, hint) in blocks.chunks(parameters.block_bytes()).zip(hints.blocks()) {
            computed.add(&holder, hint.nonce, block).unwrap();
        }
    }
    let stored = contents.sealed_for(Purpose::Checks).find(|sealed| sealed.id == checked).unwrap();
    let opened = contents.open(&tree.key(Purpose::Checks, &checked.0), stored).unwrap();
    let computed = computed.to_bytes();
    opened[8..8 + computed.len()] == computed[..]
}

/// Whether `key` opens every file in a folder; true if the folder does not exist.
fn opens_all(key: &Secret<64>, folder: &Path, associated: impl Fn(&str) -> Vec<u8>) -> bool {
    let Ok(entries) = fs::read_dir(folder) else { return true };
    entries.map(|entry| entry.unwrap()).all(|entry| {
        let name = entry.file_name().into_string().unwrap();
        aes_cbc_hmac::open(key, &associated(&name), &fs::read(entry.path()).unwrap()).is_ok()
    })
}
